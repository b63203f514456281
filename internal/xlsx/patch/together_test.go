package patch

import (
	"encoding/xml"
	"strings"
	"testing"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/ziptest"
)

// TestTogether: all that can be put behind the cells of a sheet comes in one save, in the order of the schema, and no
// two relationships have one id.
func TestTogether(t *testing.T) {
	for name, before := range map[string]map[string]string{"nothing there": parts(oneCell), "a table there": tableParts()} {
		merges := []cell.Range{rangeOf("H1:H2")}
		links := []grid.Hyperlink{{Range: rangeOf("J1"), Target: "https://example.com/?a&b"}, {Range: rangeOf("J2"), Target: "https://example.com/2"}}
		notes := []grid.Comment{{Ref: at("J3"), Author: "A", Text: "a note"}}
		sheet := SheetPatch{Cells: []CellPatch{text("D3", "x"), text("E3", "y")}, Layout: &LayoutPatch{Merges: &merges, Hyperlinks: &links, Comments: &notes}}
		table := namedTable("U", "D3:E5", grid.TableColumn{Name: "x"}, grid.TableColumn{Name: "y"})
		b, _ := saved(t, ziptest.Pack(t, before), Patch{Sheets: []SheetPatch{sheet}, Tables: []TablePatch{{Table: table, Was: make([]string, 2)}}, Objects: []ObjectPatch{{Add: []DrawingObject{chartObject("line")}}}})
		after := ziptest.Parts(t, b)
		doc := after["xl/worksheets/sheet1.xml"]
		if err := conforms([]byte(doc)); err != nil {
			t.Errorf("%s: %v\nin %s", name, err, doc)
		}
		for _, want := range []string{"<mergeCells", "<hyperlinks", "<drawing", "<legacyDrawing", "<tableParts"} {
			if strings.Count(doc, want) != 1 {
				t.Errorf("%s: there is no %s, or several, in %s", name, want, doc)
			}
		}
		var rels struct {
			List []struct {
				ID     string `xml:"Id,attr"`
				Target string `xml:"Target,attr"`
			} `xml:"Relationship"`
		}
		if err := xml.Unmarshal([]byte(after["xl/worksheets/_rels/sheet1.xml.rels"]), &rels); err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, r := range rels.List {
			if seen[r.ID] {
				t.Errorf("%s: the id %s is used twice", name, r.ID)
			}
			seen[r.ID] = true
		}
		f, err := openBytes(b)
		if err != nil {
			t.Fatal(err)
		}
		s, err := f.Sheet(t.Context(), 0, cell.MaxRows-1)
		if err != nil {
			t.Fatal(err)
		}
		objects, err := f.Objects(t.Context(), 0)
		if err != nil || len(objects) != 1 || len(s.Layout.Hyperlinks) != 2 || len(s.Layout.Comments) != 1 || len(s.Layout.Merges) != 1 {
			t.Errorf("%s: there are %+v, %v, and %+v", name, objects, err, s.Layout)
		}
	}
}
