package patch

import (
	"reflect"
	"regexp"
	"strings"
	"testing"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/ziptest"
)

var tags = regexp.MustCompile(`<(/?)([a-zA-Z])`)

// TestArrange: columns and views are written where they belong, what else they say stays, and what is read
// again is what was meant.
func TestArrange(t *testing.T) {
	columns := []grid.ColumnSpan{{First: 0, Last: 1, Width: 12.5, Custom: true}, {First: 3, Last: 3, Width: 5, Hidden: true, Outline: 2}}
	frozen := grid.View{FrozenRows: 1, FrozenCols: 2, TopLeft: "C2", ZoomPercent: 80, HideGridLines: true}
	const data = `<sheetData><row r="1"><c r="A1"><v>1</v></c></row></sheetData><pageMargins left="1"/>`
	for _, c := range []struct {
		name, head string
		layout     LayoutPatch
		want       string // of the head
	}{
		{"none before", ``, LayoutPatch{Columns: &columns, View: &frozen},
			`<sheetViews><sheetView workbookViewId="0" showGridLines="0" zoomScale="80" zoomScaleNormal="80"><pane xSplit="2" ySplit="1" topLeftCell="C2" activePane="bottomRight" state="frozen"/><selection pane="bottomRight"/></sheetView></sheetViews>` +
				`<cols><col min="1" max="2" width="12.5" customWidth="1"/><col min="4" max="4" width="5" hidden="1" outlineLevel="2"/></cols>`},
		{"in their places", `<sheetPr/><dimension ref="A1"/><sheetFormatPr defaultRowHeight="15"/>`, LayoutPatch{Columns: &columns, View: &grid.View{HideHeadings: true}},
			`<sheetPr/><dimension ref="A1"/><sheetViews><sheetView workbookViewId="0" showRowColHeaders="0"></sheetView></sheetViews><sheetFormatPr defaultRowHeight="15"/>` +
				`<cols><col min="1" max="2" width="12.5" customWidth="1"/><col min="4" max="4" width="5" hidden="1" outlineLevel="2"/></cols>`},
		{"what is there stays", `<sheetViews x="1"><sheetView tabSelected="1" zoomScale="50" workbookViewId="0"><pane ySplit="3" topLeftCell="A4" state="frozen"/><selection pane="bottomLeft" activeCell="B5"/><extLst/></sheetView><sheetView workbookViewId="1"/></sheetViews>` +
			`<cols><col min="1" max="2" width="9" bestFit="1" phonetic="1" hidden="1"/><col min="7" max="7" width="3"/></cols>`,
			LayoutPatch{Columns: &columns, View: &grid.View{FrozenRows: 3, TopLeft: "A4", ZoomPercent: 100, ActiveCell: "B5"}},
			`<sheetViews x="1"><sheetView tabSelected="1" zoomScale="100" workbookViewId="0" zoomScaleNormal="100"><pane ySplit="3" topLeftCell="A4" state="frozen"/><selection pane="bottomLeft" activeCell="B5"/><extLst/></sheetView><sheetView workbookViewId="1"/></sheetViews>` +
				`<cols><col min="1" max="2" width="12.5" bestFit="0" phonetic="1" hidden="0" customWidth="1"/><col min="4" max="4" width="5" hidden="1" outlineLevel="2"/></cols>`},
		{"they go", `<sheetViews><sheetView workbookViewId="0"><pane ySplit="3" topLeftCell="A4" state="frozen"/><selection pane="bottomLeft" activeCell="B5"/></sheetView></sheetViews><cols><col min="1" max="2" width="9"/></cols>`,
			LayoutPatch{Columns: new([]grid.ColumnSpan), View: &grid.View{}}, `<sheetViews><sheetView workbookViewId="0"></sheetView></sheetViews>`},
	} {
		for _, prefix := range []string{"", "x:"} {
			spell := func(head string) string {
				doc := `<worksheet ` + main + `>` + head + data + `</worksheet>`
				if prefix != "" { // every element has it
					doc = strings.Replace(tags.ReplaceAllString(doc, "<${1}x:$2"), "xmlns=", "xmlns:x=", 1)
				}
				return doc
			}
			b, _ := saved(t, ziptest.Pack(t, parts(spell(c.head))), Patch{Sheets: []SheetPatch{{Layout: &c.layout, Cells: []CellPatch{number("A1", 2)}}}})
			got := ziptest.Parts(t, b)["xl/worksheets/sheet1.xml"]
			want := strings.Replace(spell(c.want), "v>1<", "v>2<", 1)
			if got != want {
				t.Errorf("%s: got\n%s\nwant\n%s", c.name, got, want)
			}
			f, err := openBytes(b)
			if err != nil {
				t.Fatal(err)
			}
			s, err := f.Sheet(t.Context(), 0, cell.MaxRows-1)
			if err != nil {
				t.Fatal(err)
			}
			if v := s.Layout.Views; !reflect.DeepEqual(v, *c.layout.View) {
				t.Errorf("%s: the view is read as %+v and not as %+v", c.name, v, *c.layout.View)
			}
			if l := s.Layout.Columns; len(l) != len(*c.layout.Columns) || len(l) > 0 && !reflect.DeepEqual(l, *c.layout.Columns) {
				t.Errorf("%s: the columns are read as %+v and not as %+v", c.name, l, *c.layout.Columns)
			}
		}
	}
}
