package patch

import (
	"bytes"
	"context"
	"reflect"
	"strings"
	"testing"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/ziptest"
)

// FuzzPage sets pages, rows and protection in a sheet in which any XML stands around the cells: what is set is
// read again, or nothing is written.
func FuzzPage(f *testing.F) {
	f.Add("", "", "", byte(3))
	f.Add(`<sheetPr><tabColor rgb="FF112233"/><pageSetUpPr fitToPage="1"/></sheetPr>`, `<sheetProtection sheet="1" password="83AF"/><pageMargins left="1"/><pageSetup orientation="portrait" scale="50"/>`, `<row r="2" ht="3"/>`, byte(7))
	f.Add(`<sheetFormatPr/>`, `<headerFooter><oddHeader>x</oddHeader></headerFooter><rowBreaks><brk id="3" man="1"/></rowBreaks><extLst/>`, `<row/><row hidden='1' ht = "1"></row>`, byte(15))
	f.Add(`<sheetPr/><sheetPr/>`, `<pageSetup/><pageSetup/><!-- --><pageMargins/>`, `<row r="9"/>`, byte(255))
	f.Fuzz(func(t *testing.T, head, tail, rows string, what byte) {
		if len(head)+len(tail)+len(rows) > 2000 || strings.Contains(head+tail+rows, "sheetData") || strings.Contains(head+tail+rows, "worksheet") {
			return
		}
		before := ziptest.Pack(t, parts(`<worksheet `+main+`>`+head+`<sheetData>`+rows+`</sheetData>`+tail+`</worksheet>`))
		x, err := openBytes(before)
		if err != nil {
			return
		}
		s, err := x.Sheet(context.Background(), 0, cell.MaxRows-1)
		if err != nil {
			return
		}
		p := &LayoutPatch{}
		want := *s.Layout
		if what&1 != 0 {
			want.TabColor = "theme:3"
			p.TabColor = &want.TabColor
		}
		if what&2 != 0 {
			want.Setup = grid.PageSetup{Orientation: "landscape", Fit: what&16 != 0, Wide: 2, Tall: int(what >> 6), Paper: 9}
			p.Setup = &want.Setup
		}
		if what&4 != 0 {
			want.Margins = grid.PageMargins{Given: true, Top: 1.5}
			want.Breaks = grid.PageBreaks{Rows: []int{2, 7}}
			p.Margins, p.Breaks = &want.Margins, &want.Breaks
		}
		if what&8 != 0 {
			want.Edges = grid.HeaderFooter{OddFooter: "&P", First: true}
			want.Protection = grid.SheetProtection{On: true, Allow: grid.AllowSort, Password: grid.Password{Legacy: "AB12"}}
			p.Edges, p.Protection = &want.Edges, &want.Protection
		}
		if what&32 != 0 {
			list := []grid.RowSpan{{First: 1, Last: 2, Height: 20, Custom: true, Outline: 1}, {First: 8, Last: 8}}
			p.Rows, want.Rows = &list, grid.PutRows(want.Rows, list)
		}
		var out bytes.Buffer
		if _, err := Save(context.Background(), x, Patch{Sheets: []SheetPatch{{Layout: p}}}, &out); err != nil {
			return
		}
		got := layoutOf(t, out.Bytes())
		for _, c := range []struct{ is, want any }{{got.TabColor, want.TabColor}, {got.Setup, want.Setup}, {got.Margins, want.Margins}, {got.Breaks, want.Breaks}, {got.Edges, want.Edges}, {got.Protection, want.Protection}} {
			if !reflect.DeepEqual(c.is, c.want) {
				t.Fatalf("%+v is read and not %+v, in %s", c.is, c.want, ziptest.Parts(t, out.Bytes())["xl/worksheets/sheet1.xml"])
			}
		}
		for row := range 12 {
			a, _ := got.Row(row)
			b, _ := want.Row(row)
			a.First, a.Last, b.First, b.Last = 0, 0, 0, 0
			if a != b {
				t.Fatalf("row %d is %+v and not %+v, in %s", row+1, a, b, ziptest.Parts(t, out.Bytes())["xl/worksheets/sheet1.xml"])
			}
		}
	})
}

// FuzzNames defines, changes and deletes names in a workbook part in which any XML stands around the sheets.
func FuzzNames(f *testing.F) {
	f.Add("", byte(0))
	f.Add(`<definedNames><definedName name="a">1</definedName></definedNames><calcPr/>`, byte(1))
	f.Add(`<definedNames/><extLst/>`, byte(2))
	f.Add(`<definedNames><!-- --><definedName name='A' localSheetId="0"><![CDATA[1]]></definedName><x/></definedNames>`, byte(3))
	f.Add(`<definedNames><definedName name="a"/><definedName name="A">2</definedName></definedNames>`, byte(7))
	f.Fuzz(func(t *testing.T, text string, what byte) {
		if len(text) > 2000 || strings.Contains(text, "sheets") || strings.Contains(text, "workbook") {
			return
		}
		p := parts(oneCell)
		p["xl/workbook.xml"] = strings.Replace(p["xl/workbook.xml"], "</sheets>", "</sheets>"+text, 1)
		x, err := openBytes(ziptest.Pack(t, p))
		if err != nil {
			return
		}
		list := []NamePatch{name(int(what&1)-1, "a", "1+<"), name(-1, "zz", "2")}
		list[0].Remove, list[1].Remove = what&2 != 0, what&4 != 0
		var out bytes.Buffer
		if _, err := Save(context.Background(), x, Patch{Names: list}, &out); err != nil {
			return
		}
		again, err := openBytes(out.Bytes())
		if err != nil {
			t.Fatalf("%v, in %s", err, ziptest.Parts(t, out.Bytes())["xl/workbook.xml"])
		}
		for _, n := range list {
			var found *grid.Name
			names := again.Workbook().Names
			for i := range names {
				if found == nil && names[i].Sheet == n.Sheet && strings.EqualFold(names[i].Name, n.Name.Name) {
					found = &names[i]
				}
			}
			if (found == nil) != n.Remove || found != nil && found.RefersTo != n.RefersTo {
				t.Fatalf("%+v is %+v, in %s", n, found, ziptest.Parts(t, out.Bytes())["xl/workbook.xml"])
			}
		}
	})
}
