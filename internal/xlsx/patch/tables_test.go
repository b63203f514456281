package patch

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/xuri/excelize/v2"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/ziptest"
)

const withTable = `<worksheet ` + main + `><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c><c r="B1" t="inlineStr"><is><t>b</t></is></c></row>` +
	`<row r="2"><c r="A2"><v>1</v></c><c r="B2"><f>T[[#This Row],[a]]*2</f><v>2</v></c></row></sheetData><pageMargins left="0.7" right="0.7" top="0.75" bottom="0.75" header="0.3" footer="0.3"/>` +
	`<tableParts count="1"><tablePart r:id="rId7"/></tableParts><extLst><ext uri="{x}"/></extLst></worksheet>`

// tableParts are the parts of a workbook with a table T, which says more than we know.
func tableParts() map[string]string {
	p := parts(withTable)
	p["xl/worksheets/_rels/sheet1.xml.rels"] = `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId7" Type="` + rels + `table" Target="../tables/table1.xml"/></Relationships>`
	p["xl/tables/table1.xml"] = `<table ` + main + ` id="3" name="T" displayName="T" ref="A1:B2" totalsRowShown="0" headerRowDxfId="0"><autoFilter ref="A1:B2"><filterColumn colId="0" hiddenButton="1"/></autoFilter>` +
		`<tableColumns count="2"><tableColumn id="1" name="a" dataDxfId="1"/><tableColumn id="5" name="b"><calculatedColumnFormula>T[[#This Row],[a]]*2</calculatedColumnFormula></tableColumn></tableColumns>` +
		`<tableStyleInfo name="TableStyleLight1" showFirstColumn="0" showLastColumn="0" showRowStripes="1" showColumnStripes="0"/><extLst><ext uri="{y}"/></extLst></table>`
	p["[Content_Types].xml"] = strings.Replace(p["[Content_Types].xml"], "</Types>", `<Override PartName="/xl/tables/table1.xml" ContentType="`+tableType+`"/></Types>`, 1)
	p["xl/workbook.xml"] = `<workbook ` + main + `><sheets><sheet name="S" sheetId="1" r:id="rId1"/></sheets><definedNames><definedName name="N">T[a]</definedName><definedName name="N" localSheetId="0" hidden="1">T[b]</definedName></definedNames></workbook>`
	return p
}

func rangeOf(a1 string) cell.Range {
	r, ok := cell.ParseRange(a1)
	if !ok {
		panic(a1)
	}
	return r
}

func namedTable(name, at string, columns ...grid.TableColumn) grid.Table {
	return grid.Table{Name: name, Range: rangeOf(at), HeaderRows: 1, AutoFilter: true, StyleName: "TableStyleMedium2", RowStripes: true, Columns: columns}
}

// sameParts checks that all parts are as they were but for some.
func sameParts(t *testing.T, before, after map[string]string, but ...string) {
	t.Helper()
	for name, was := range before {
		if is, ok := after[name]; (!ok || is != was) && !slices.Contains(but, name) {
			t.Errorf("%s is another now:\n%s", name, is)
		}
	}
	for name := range after {
		if _, ok := before[name]; !ok && !slices.Contains(but, name) {
			t.Errorf("%s is new", name)
		}
	}
}

// tableConforms says why Excel would repair a table part (ECMA-376 part 1, CT_Table).
func tableConforms(doc string) error {
	var table struct {
		XMLName    xml.Name
		ID         int    `xml:"id,attr"`
		Ref        string `xml:"ref,attr"`
		Name       string `xml:"displayName,attr"`
		Header     *int   `xml:"headerRowCount,attr"`
		Totals     int    `xml:"totalsRowCount,attr"`
		AutoFilter *struct {
			Ref string `xml:"ref,attr"`
		} `xml:"autoFilter"`
		Columns struct {
			Count   int `xml:"count,attr"`
			Columns []struct {
				ID       int    `xml:"id,attr"`
				Name     string `xml:"name,attr"`
				Function string `xml:"totalsRowFunction,attr"`
				Formula  string `xml:"totalsRowFormula"`
			} `xml:"tableColumn"`
		} `xml:"tableColumns"`
		All []struct{ XMLName xml.Name } `xml:",any"`
	}
	if err := xml.Unmarshal([]byte(doc), &table); err != nil {
		return err
	}
	order := []string{"autoFilter", "sortState", "tableColumns", "tableStyleInfo", "extLst"}
	d, last, depth := xml.NewDecoder(strings.NewReader(doc)), -1, 0
	for {
		tok, err := d.Token()
		if err != nil {
			break
		}
		switch e := tok.(type) {
		case xml.StartElement:
			if depth++; depth == 2 {
				i := slices.Index(order, e.Name.Local)
				if i <= last {
					return fmt.Errorf("%s is out of place", e.Name.Local)
				}
				last = i
			}
		case xml.EndElement:
			depth--
		}
	}
	r, ok := cell.ParseRange(table.Ref)
	ids, names := map[int]bool{}, map[string]bool{}
	for _, c := range table.Columns.Columns {
		if ids[c.ID] || names[strings.ToLower(c.Name)] || c.ID < 1 || c.Name == "" {
			return fmt.Errorf("column %d %q comes twice", c.ID, c.Name)
		}
		if (c.Function == "custom") != (c.Formula != "") {
			return fmt.Errorf("column %q has the function %q and the formula %q", c.Name, c.Function, c.Formula)
		}
		ids[c.ID], names[strings.ToLower(c.Name)] = true, true
	}
	switch {
	case !ok || table.ID < 1 || table.Name == "":
		return fmt.Errorf("the table is %q, %d, %q", table.Ref, table.ID, table.Name)
	case table.Columns.Count != len(table.Columns.Columns) || len(table.Columns.Columns) != r.Cols():
		return fmt.Errorf("%d columns, said to be %d, in %v", len(table.Columns.Columns), table.Columns.Count, r)
	}
	if f := table.AutoFilter; f != nil {
		r.Last.Row -= table.Totals
		if f.Ref != corners(r) || table.Header != nil && *table.Header == 0 {
			return fmt.Errorf("the filter is on %s of %v", f.Ref, r)
		}
	}
	return nil
}

// TestTableConformsFinds: what tableConforms looks for, it finds.
func TestTableConformsFinds(t *testing.T) {
	good := tableParts()["xl/tables/table1.xml"]
	if err := tableConforms(good); err != nil {
		t.Fatal(err)
	}
	for old, new := range map[string]string{`count="2"`: `count="3"`, `ref="A1:B2"><filter`: `ref="A1:B3"><filter`, `id="5"`: `id="1"`, `name="b"`: `name="A"`, `ref="A1:B2" totals`: `ref="A1:C2" totals`, `<tableStyleInfo`: `<autoFilter/><tableStyleInfo`} {
		if tableConforms(strings.Replace(good, old, new, 1)) == nil {
			t.Errorf("%s is not found", new)
		}
	}
}

// TestNewTable: a table comes as a part of its own, and what names it; all else stays.
func TestNewTable(t *testing.T) {
	columns := []grid.TableColumn{{Name: `x <&> "`}, {Name: "y\nz", Formula: "U[[#This Row],[x]]&\"<\"", TotalsFunction: "sum"}, {Name: "t", TotalsLabel: "Total"}}
	for name, before := range map[string]map[string]string{"the first": parts(oneCell), "one more": tableParts()} {
		t.Run(name, func(t *testing.T) {
			table := namedTable("U", "D3:F6", columns...)
			table.TotalsRows = 1
			cells := []CellPatch{text("D3", columns[0].Name), text("E3", columns[1].Name), text("F3", "t")}
			b, report := saved(t, ziptest.Pack(t, before), Patch{Sheets: []SheetPatch{{Cells: cells}}, Tables: []TablePatch{{Table: table, Was: make([]string, 3)}}})
			after := ziptest.Parts(t, b)
			part := "xl/tables/table1.xml"
			if name == "one more" {
				part = "xl/tables/table2.xml"
			}
			if len(report.Warnings) > 0 || !slices.Contains(report.Added, part) {
				t.Errorf("the report is %+v", report)
			}
			if err := tableConforms(after[part]); err != nil {
				t.Errorf("%v\nin %s", err, after[part])
			}
			if err := conforms([]byte(after["xl/worksheets/sheet1.xml"])); err != nil {
				t.Error(err)
			}
			sameParts(t, before, after, part, "[Content_Types].xml", "xl/worksheets/sheet1.xml", "xl/worksheets/_rels/sheet1.xml.rels")
			if got := after["xl/worksheets/sheet1.xml"]; name == "one more" && !strings.Contains(got, `<tableParts count="2"><tablePart r:id="rId7"/><tablePart xmlns:r=`) {
				t.Errorf("the sheet is %s", got)
			}
			f, err := openBytes(b)
			if err != nil {
				t.Fatal(err)
			}
			tables, err := f.Tables(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			got := tables[len(tables)-1]
			if got.ID <= 3 && len(tables) > 1 || got.Range != table.Range || !slices.Equal(got.Columns, columns) || got.TotalsRows != 1 || !got.AutoFilter || !got.RowStripes {
				t.Errorf("read again it is %+v", got)
			}
			x, err := excelize.OpenReader(bytes.NewReader(b))
			if err != nil {
				t.Fatal(err)
			}
			theirs, err := x.GetTables("S")
			if err != nil || len(theirs) != len(tables) || theirs[len(theirs)-1].Name != "U" || theirs[len(theirs)-1].Range != "D3:F6" {
				t.Errorf("excelize sees %+v, %v", theirs, err)
			}
		})
	}
}

// TestTableChanges: of a table only what changes does, to the byte.
func TestTableChanges(t *testing.T) {
	before := tableParts()
	f, err := openBytes(ziptest.Pack(t, before))
	if err != nil {
		t.Fatal(err)
	}
	tables, err := f.Tables(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	swap := func(pairs ...string) string {
		return strings.NewReplacer(pairs...).Replace(before["xl/tables/table1.xml"])
	}
	for _, c := range []struct {
		name   string
		change func(*grid.Table)
		was    []string
		want   string
	}{
		{"nothing", func(*grid.Table) {}, []string{"a", "b"}, swap()},
		{"it grows", func(t *grid.Table) { t.Range.Last.Row = 8 }, []string{"a", "b"}, swap("A1:B2", "A1:B9")},
		{"another name", func(t *grid.Table) {
			t.Name = "U"
			t.Columns[1].Formula = "U[[#This Row],[a]]*2"
		}, []string{"a", "b"}, swap(`"T"`, `"U"`, "T[[", "U[[")},
		{"a column's name", func(t *grid.Table) { t.Columns[0].Name = "c<" }, []string{"a", "b"}, swap(`"a"`, `"c&lt;"`)},
		{"totals", func(t *grid.Table) {
			t.Range.Last.Row, t.TotalsRows = 2, 1
			t.Columns[0].TotalsLabel, t.Columns[1].TotalsFunction = "Total", "sum"
		}, []string{"a", "b"}, swap(`ref="A1:B2" totalsRowShown="0" headerRowDxfId="0">`, `ref="A1:B3" totalsRowShown="1" headerRowDxfId="0" totalsRowCount="1">`,
			`dataDxfId="1"/>`, `dataDxfId="1" totalsRowLabel="Total"/>`, `name="b">`, `name="b" totalsRowFunction="sum">`)},
		{"a style", func(t *grid.Table) { t.StyleName, t.RowStripes, t.LastColumn = "X", false, true }, []string{"a", "b"}, swap("TableStyleLight1", "X", `showLastColumn="0" showRowStripes="1"`, `showLastColumn="1" showRowStripes="0"`)},
		{"no style", func(t *grid.Table) { t.StyleName = "" }, []string{"a", "b"}, swap(` name="TableStyleLight1"`, "")},
		{"no buttons", func(t *grid.Table) { t.AutoFilter = false }, []string{"a", "b"}, swap(`<autoFilter ref="A1:B2"><filterColumn colId="0" hiddenButton="1"/></autoFilter>`, "")},
		{"no formula", func(t *grid.Table) { t.Columns[1].Formula = "" }, []string{"a", "b"}, swap(`name="b"><calculatedColumnFormula>T[[#This Row],[a]]*2</calculatedColumnFormula></tableColumn>`, `name="b"/>`)},
		{"a column more", func(t *grid.Table) {
			t.Range.Last.Col, t.Columns = 2, append(t.Columns, grid.TableColumn{Name: "c"})
		}, []string{"a", "b", ""}, swap(`ref="A1:B2" totals`, `ref="A1:C2" totals`, `<autoFilter ref="A1:B2"><filterColumn colId="0" hiddenButton="1"/></autoFilter>`, `<autoFilter ref="A1:C2"/>`, `count="2"`, `count="3"`, `</tableColumns>`, `<tableColumn id="6" name="c"/></tableColumns>`)},
		{"a column less", func(t *grid.Table) { t.Range.First.Col, t.Columns = 1, t.Columns[1:] }, []string{"b"}, swap(`ref="A1:B2" totals`, `ref="B1:B2" totals`, `<autoFilter ref="A1:B2"><filterColumn colId="0" hiddenButton="1"/></autoFilter>`, `<autoFilter ref="B1:B2"/>`, `count="2"`, `count="1"`, `<tableColumn id="1" name="a" dataDxfId="1"/>`, "")},
	} {
		t.Run(c.name, func(t *testing.T) {
			table := tables[0]
			table.Columns = slices.Clone(table.Columns)
			c.change(&table)
			b, _ := saved(t, ziptest.Pack(t, before), Patch{Tables: []TablePatch{{Of: "t", Table: table, Was: c.was}}})
			after := ziptest.Parts(t, b)
			if got := after["xl/tables/table1.xml"]; got != c.want {
				t.Errorf("got %s\nwant %s", got, c.want)
			}
			if err := tableConforms(after["xl/tables/table1.xml"]); err != nil {
				t.Error(err)
			}
			sameParts(t, before, after, "xl/tables/table1.xml")
		})
	}
}

// TestTableFilter: criteria of a table's filter are written in its part, and those of the file that stay are kept to the byte.
func TestTableFilter(t *testing.T) {
	const button, colour, custom = `<filterColumn colId="0" hiddenButton="1"/>`, `<filterColumn colId="1"><colorFilter dxfId="3"/></filterColumn>`,
		`<filterColumn colId="1"><customFilters><customFilter operator="greaterThan" val="5"/><customFilter val="a&amp;*"/></customFilters></filterColumn>`
	tests := []grid.FilterTest{{Operator: "greaterThan", Value: "5"}, {Operator: "equal", Value: "a&*"}}
	for _, c := range []struct {
		name, was, want string
		change          func(*grid.Table)
	}{
		{"one is set", button, button + custom, func(t *grid.Table) { t.Filters = []grid.FilterColumn{{Column: 1, Custom: tests}} }},
		{"one takes the place of another", button + colour, button + custom, func(t *grid.Table) { t.Filters = []grid.FilterColumn{{Column: 1, Custom: tests}} }},
		{"one is added", button + colour, `<filterColumn colId="0"><top10 val="3"/></filterColumn>` + colour, func(t *grid.Table) {
			t.Filters = []grid.FilterColumn{{Column: 0, Top: 3}, {Column: 1, Other: "colorFilter"}}
		}},
		{"it is cleared", button + colour + `<sortState ref="A2:B2"/>`, button + `<sortState ref="A2:B2"/>`, func(t *grid.Table) { t.Filters = nil }},
		{"rows come", button + colour, button + colour, func(t *grid.Table) { t.Range.Last.Row = 8 }},
		{"a column comes", custom, custom, func(t *grid.Table) {
			t.Range.Last.Col, t.Columns = 2, append(t.Columns, grid.TableColumn{Name: "c"})
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := tableParts()
			const part = "xl/tables/table1.xml"
			before[part] = strings.Replace(before[part], button, c.was, 1)
			f, err := openBytes(ziptest.Pack(t, before))
			if err != nil {
				t.Fatal(err)
			}
			tables, err := f.Tables(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			table := tables[0]
			table.Columns = slices.Clone(table.Columns)
			c.change(&table)
			was := []string{"a", "b", ""}[:len(table.Columns)]
			b, _ := saved(t, ziptest.Pack(t, before), Patch{Tables: []TablePatch{{Of: "T", Table: table, Was: was}}})
			after := ziptest.Parts(t, b)
			_, is, _ := strings.Cut(after[part], "<autoFilter ")
			is, _, _ = strings.Cut(is, "</autoFilter>")
			if want := `ref="` + table.Range.String() + `">` + c.want; is != want {
				t.Errorf("got %s\nwant %s", is, want)
			}
			if err := tableConforms(after[part]); err != nil {
				t.Error(err)
			}
			sameParts(t, before, after, part)
			if f, err = openBytes(b); err != nil {
				t.Fatal(err)
			}
			tables, err = f.Tables(t.Context())
			if err != nil || !reflect.DeepEqual(tables[0].Filters, slicesOfTests(table.Filters)) || tables[0].Filtering != (len(table.Filters) > 0) {
				t.Errorf("read as %+v, %v", tables[0].Filters, err)
			}
			x, err := excelize.OpenReader(bytes.NewReader(b))
			if err != nil {
				t.Fatal(err)
			}
			if theirs, err := x.GetTables("S"); err != nil || len(theirs) != 1 {
				t.Errorf("excelize sees %+v, %v", theirs, err)
			}
		})
	}
}

// TestTableEnds: with a table goes what names it; the cells stay. A second one goes with its list.
func TestTableEnds(t *testing.T) {
	before := tableParts()
	b, report := saved(t, ziptest.Pack(t, before), Patch{Tables: []TablePatch{{Of: "T", Ends: true}}, Names: []NamePatch{{Name: grid.Name{Name: "N", Sheet: -1, RefersTo: "S!$A$2"}}, {Name: grid.Name{Name: "N", Sheet: 0, Hidden: true, RefersTo: `S!$B$2&"<"`}}}})
	after := ziptest.Parts(t, b)
	if want := strings.Replace(withTable, `<tableParts count="1"><tablePart r:id="rId7"/></tableParts>`, "", 1); after["xl/worksheets/sheet1.xml"] != want {
		t.Errorf("the sheet is %s", after["xl/worksheets/sheet1.xml"])
	}
	if want := strings.Replace(before["[Content_Types].xml"], `<Override PartName="/xl/tables/table1.xml" ContentType="`+tableType+`"/>`, "", 1); after["[Content_Types].xml"] != want {
		t.Errorf("the types are %s", after["[Content_Types].xml"])
	}
	if want := strings.NewReplacer("T[a]", "S!$A$2", "T[b]", `S!$B$2&amp;"&lt;"`).Replace(before["xl/workbook.xml"]); after["xl/workbook.xml"] != want {
		t.Errorf("the workbook is %s", after["xl/workbook.xml"])
	}
	if _, there := after["xl/tables/table1.xml"]; there || strings.Contains(after["xl/worksheets/_rels/sheet1.xml.rels"], "table") || !slices.Equal(report.Dropped, []string{"xl/tables/table1.xml"}) {
		t.Errorf("there is %v, the report is %+v", after, report)
	}
	sameParts(t, before, after, "xl/tables/table1.xml", "[Content_Types].xml", "xl/worksheets/sheet1.xml", "xl/worksheets/_rels/sheet1.xml.rels", "xl/workbook.xml")
	// One ends and another begins.
	b, _ = saved(t, ziptest.Pack(t, before), Patch{Tables: []TablePatch{{Of: "T", Ends: true}, {Table: namedTable("U", "A1:B2", grid.TableColumn{Name: "a"}, grid.TableColumn{Name: "b"}), Was: make([]string, 2)}}})
	f, err := openBytes(b)
	if err != nil {
		t.Fatal(err)
	}
	if tables, err := f.Tables(t.Context()); err != nil || len(tables) != 1 || tables[0].Name != "U" {
		t.Errorf("the tables are %+v, %v", tables, err)
	}
	if err := conforms([]byte(ziptest.Parts(t, b)["xl/worksheets/sheet1.xml"])); err != nil {
		t.Error(err)
	}
}

// utf16LE gives a document in UTF-16.
func utf16LE(doc string) string {
	var wide []byte
	for _, u := range utf16.Encode([]rune("\uFEFF" + doc)) {
		wide = append(wide, byte(u), byte(u>>8))
	}
	return string(wide)
}

// TestTableForms: sheets in other forms get their tables too.
func TestTableForms(t *testing.T) {
	for name, sheet := range map[string]string{
		"no cells":    `<worksheet ` + main + `><sheetData/></worksheet>`,
		"a prefix":    `<x:worksheet xmlns:x="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><x:sheetData></x:sheetData><x:pageMargins/></x:worksheet>`,
		"UTF-16":      "",
		"controls":    `<worksheet ` + main + ` xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"><sheetData/><drawing r:id="rId1"/><mc:AlternateContent><mc:Choice Requires="x"><controls/></mc:Choice></mc:AlternateContent><extLst/></worksheet>`,
		"an own list": `<worksheet ` + main + `><sheetData/><tableParts count="0"/></worksheet>`,
	} {
		p := parts(sheet)
		if name == "UTF-16" {
			p = parts(utf16LE(oneCell))
		}
		b, _ := saved(t, ziptest.Pack(t, p), Patch{Sheets: []SheetPatch{{Cells: []CellPatch{text("A1", "a")}}}, Tables: []TablePatch{{Table: namedTable("U", "A1:A2", grid.TableColumn{Name: "a"}), Was: make([]string, 1)}}})
		f, err := openBytes(b)
		if err != nil {
			t.Fatal(err)
		}
		if tables, err := f.Tables(t.Context()); err != nil || len(tables) != 1 || tables[0].Name != "U" {
			t.Errorf("%s: the tables are %+v, %v", name, tables, err)
		}
		doc := ziptest.Parts(t, b)["xl/worksheets/sheet1.xml"]
		if err := conforms([]byte(doc)); err != nil {
			t.Errorf("%s: %v in %s", name, err, doc)
		}
		if i, j := strings.Index(doc, "AlternateContent"), strings.Index(doc, "tableParts"); i > j {
			t.Errorf("%s: %s", name, doc)
		}
	}
}

// TestTableLibreOffice has LibreOffice write what it sees of a table: its ranges are those of the file that
// it makes.
func TestTableLibreOffice(t *testing.T) {
	soffice, err := exec.LookPath("soffice")
	if err != nil {
		t.Skip("soffice is not installed: LibreOffice is to open what was saved")
	}
	dir := t.TempDir()
	table := namedTable("U", "D3:E5", grid.TableColumn{Name: "x"}, grid.TableColumn{Name: "y"})
	table.Filters = []grid.FilterColumn{{Column: 1, Custom: []grid.FilterTest{{Operator: "greaterThan", Value: "1"}}}}
	b, _ := saved(t, ziptest.Pack(t, tableParts()), Patch{Sheets: []SheetPatch{{Cells: []CellPatch{text("D3", "x"), text("E3", "y"), number("D4", 3), number("D5", 4), {Ref: at("G9"), HasFormula: true, Formula: "SUM(U[x])"}}}},
		Tables: []TablePatch{{Table: table, Was: make([]string, 2)}}, RecalcOnLoad: true})
	path := filepath.Join(dir, "t.xlsx")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), soffice, "--headless", "-env:UserInstallation=file://"+filepath.Join(dir, "profile"), "--convert-to", "xlsx:Calc MS Excel 2007 XML", "--outdir", filepath.Join(dir, "out"), path)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	is, err := os.ReadFile(filepath.Join(dir, "out", "t.xlsx"))
	if err != nil {
		t.Fatal(err)
	}
	f, err := openBytes(is)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := f.Tables(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(tables, func(t grid.Table) bool { return t.Name == "U" && t.Range == table.Range }) {
		t.Errorf("LibreOffice sees %+v", tables)
	}
	if !slices.ContainsFunc(tables, func(t grid.Table) bool {
		return t.Name == "U" && len(t.Filters) == 1 && t.Filters[0].Column == 1 && slices.Equal(t.Filters[0].Custom, table.Filters[0].Custom)
	}) {
		t.Errorf("LibreOffice sees the filter in %+v, and it is %+v", tables, table.Filters)
	}
	sheet, err := f.Sheet(t.Context(), 0, cell.MaxRows-1)
	if err != nil {
		t.Fatal(err)
	}
	if got := sheet.Value(at("G9")); got != cell.NumberValue(7) {
		t.Errorf("LibreOffice calculates %v", got)
	}
}
