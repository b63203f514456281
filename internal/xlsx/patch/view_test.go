package patch

import (
	"strings"
	"testing"

	"gridflow/internal/cell"
	"gridflow/internal/ziptest"
)

// TestView says what becomes of the workbook part, to the byte, in both spellings of its namespace.
func TestView(t *testing.T) {
	const three = `<sheets><sheet name="S" sheetId="1" r:id="rId1"/><sheet name="It's" sheetId="2" state="hidden" r:id="rId5"/><sheet name="Z" sheetId="3" state='veryHidden' r:id="rId6"/></sheets>`
	area := cell.Range{First: at("B2"), Last: at("D9")}
	for _, c := range []struct {
		name     string
		from, to string
		view     ViewPatch
	}{
		{"nothing", three, three, ViewPatch{}},
		{"a hidden sheet is shown", `<bookViews><workbookView firstSheet="2" activeTab="0"/></bookViews>` + three,
			`<bookViews><workbookView firstSheet="1" activeTab="1"/></bookViews>` +
				`<sheets><sheet name="S" sheetId="1" r:id="rId1"/><sheet name="It's" sheetId="2" state="visible" r:id="rId5"/><sheet name="Z" sheetId="3" state='veryHidden' r:id="rId6"/></sheets>`,
			ViewPatch{Show: []int{1}}},
		{"one is shown alone, of which a range is printed", three + `<definedNames><definedName name="_xlnm.Print_Area" localSheetId="1">x</definedName><definedName name="a">1</definedName></definedNames>`,
			`<bookViews><workbookView activeTab="1"/></bookViews><sheets><sheet name="S" sheetId="1" r:id="rId1" state="hidden"/><sheet name="It's" sheetId="2" state="visible" r:id="rId5"/><sheet name="Z" sheetId="3" state='veryHidden' r:id="rId6"/></sheets>` +
				`<definedNames><definedName name="_xlnm.Print_Area" localSheetId="1">'It''s'!$B$2:$D$9</definedName><definedName name="a">1</definedName></definedNames>`,
			ViewPatch{Show: []int{1}, Others: OthersHidden, Print: []PrintArea{{1, area}}}},
		{"one is left", `<bookViews><workbookView/></bookViews>` + three + `<definedNames><definedName name="a">1</definedName></definedNames><calcPr/>`,
			`<bookViews><workbookView activeTab="0"/></bookViews><sheets><sheet name="Z" sheetId="3" state='visible' r:id="rId6"/></sheets>` +
				`<definedNames><definedName name="_xlnm.Print_Area" localSheetId="0">Z!$B$2:$D$9</definedName></definedNames><calcPr/>`,
			ViewPatch{Show: []int{2}, Others: OthersGone, Print: []PrintArea{{2, area}}}},
		{"one is left without names", three + `<definedNames><definedName name="a">1</definedName></definedNames>`,
			`<bookViews><workbookView activeTab="0"/></bookViews><sheets><sheet name="S" sheetId="1" r:id="rId1"/></sheets>`, ViewPatch{Show: []int{0}, Others: OthersGone}},
		{"a range is printed of a workbook without names", three + `<calcPr/>`, three + `<definedNames><definedName name="_xlnm.Print_Area" localSheetId="0">S!$B$2:$D$9</definedName></definedNames><calcPr/>`,
			ViewPatch{Print: []PrintArea{{0, area}}}},
		{"a name in another case", three, `<sheets><sheet name="S" sheetId="1" r:id="rId1"/><sheet name="It's" sheetId="2" state="hidden" r:id="rId5"/><sheet name="z" sheetId="3" state='veryHidden' r:id="rId6"/></sheets>`,
			ViewPatch{Spelled: map[int]string{2: "z"}}},
	} {
		for _, prefix := range []string{"", "x:"} {
			spell := func(s string) string {
				doc := `<workbook ` + main + `>` + s + `</workbook>`
				if prefix != "" {
					doc = strings.ReplaceAll(strings.ReplaceAll(doc, "</", "\x00"), "<", "<x:")
					doc = strings.ReplaceAll(strings.Replace(doc, `xmlns="`, `xmlns:x="`, 1), "\x00", "</x:")
				}
				return doc
			}
			p := parts(oneCell)
			p["xl/workbook.xml"] = spell(c.from)
			b, _ := saved(t, ziptest.Pack(t, p), Patch{View: c.view})
			if got := ziptest.Parts(t, b)["xl/workbook.xml"]; got != spell(c.to) {
				t.Errorf("%s: got %s\nwant %s", c.name, got, spell(c.to))
			}
		}
	}
	for _, v := range []ViewPatch{{Show: []int{1}}, {Print: []PrintArea{{1, area}}}, {Show: []int{-1}}, {Gridlines: map[int]bool{7: true}}, {Spelled: map[int]string{1: "s"}}, {Spelled: map[int]string{0: `"`}}} {
		f, err := openBytes(ziptest.Pack(t, parts(oneCell)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Save(t.Context(), f, Patch{View: v}, new(strings.Builder)); err == nil {
			t.Errorf("%+v was taken, and the workbook has one sheet", v)
		}
	}
}

// TestGridlines: the view of a sheet says whether its gridlines are shown, with and without edited cells.
func TestGridlines(t *testing.T) {
	const data = `<sheetData><row r="1"><c r="A1"><v>1</v></c></row></sheetData>`
	for _, c := range []struct {
		from, to string
		on       bool
	}{
		{`<sheetPr><tabColor/></sheetPr><dimension ref="A1"/>` + data, `<sheetPr><tabColor/></sheetPr><dimension ref="A1"/><sheetViews><sheetView showGridLines="0" workbookViewId="0"/></sheetViews>` + data, false},
		{data, `<sheetViews><sheetView showGridLines="1" workbookViewId="0"/></sheetViews>` + data, true},
		{`<sheetViews><sheetView workbookViewId="0" showGridLines="0"><pane/></sheetView></sheetViews><sheetFormatPr/>` + data,
			`<sheetViews><sheetView workbookViewId="0" showGridLines="1"><pane/></sheetView></sheetViews><sheetFormatPr/>` + data, true},
	} {
		for _, edited := range []bool{false, true} {
			from, to := `<worksheet `+main+`>`+c.from+`</worksheet>`, `<worksheet `+main+`>`+c.to+`</worksheet>`
			p := Patch{View: ViewPatch{Gridlines: map[int]bool{0: c.on}}}
			if edited {
				p.Sheets = []SheetPatch{{Cells: []CellPatch{number("A1", 2)}}}
				to = strings.Replace(to, "<v>1<", "<v>2<", 1)
			}
			b, _ := saved(t, ziptest.Pack(t, parts(from)), p)
			if got := ziptest.Parts(t, b)["xl/worksheets/sheet1.xml"]; got != to {
				t.Errorf("got %s\nwant %s", got, to)
			}
		}
	}
}
