package patch

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/ziptest"
)

// TestHyperlinks: links are written with their relationships, those that the file has stay to the byte, and what
// nobody names any more goes.
func TestHyperlinks(t *testing.T) {
	out := grid.Hyperlink{Range: rng("A1"), Target: "https://example.org/?a=1&b", Tooltip: "t & \"u\""}
	in := grid.Hyperlink{Range: rng("B2:C3"), Location: "'My Sheet'!A1", Display: "there"}
	s := arranged(t, "none before", LayoutPatch{Hyperlinks: &[]grid.Hyperlink{out, in}}, `<dataValidations count="0"/><pageMargins left="1"/>`,
		`<dataValidations count="0"/><hyperlinks><hyperlink ref="A1" r:id="rId1" tooltip="t &amp; &quot;u&quot;"/><hyperlink ref="B2:C3" location="'My Sheet'!A1" display="there"/></hyperlinks><pageMargins left="1"/>`)
	if !reflect.DeepEqual(s.Layout.Hyperlinks, []grid.Hyperlink{out, in}) {
		t.Errorf("read as %+v", s.Layout.Hyperlinks)
	}
}

func loadedSheet(t *testing.T, b []byte) *grid.Sheet {
	t.Helper()
	f, err := openBytes(b)
	if err != nil {
		t.Fatal(err)
	}
	s, err := f.Sheet(t.Context(), 0, cell.MaxRows-1)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestLinksOfFile: links and notes of a workbook come, change and go; excelize sees what was set.
func TestLinksOfFile(t *testing.T) {
	before := ziptest.Pack(t, parts(oneCell))
	links := []grid.Hyperlink{{Range: rng("A1"), Target: "https://example.org/?a=1&b"}, {Range: rng("A2"), Target: "https://example.org/?a=1&b", Tooltip: "again"}, {Range: rng("B1"), Location: "Sheet1!A9"}}
	notes := []grid.Comment{{Ref: at("A1"), Author: "Ann <a>", Text: " two\nlines & more"}, {Ref: at("XFD1048576"), Author: "Bob", Text: "far"}, {Ref: at("B3"), Author: "Ann <a>", Text: "x"}}
	save := func(before []byte, l LayoutPatch) ([]byte, Report) {
		t.Helper()
		return saved(t, before, Patch{Sheets: []SheetPatch{{Layout: &l}}})
	}
	b, report := save(before, LayoutPatch{Hyperlinks: &links, Comments: &notes})
	s := loadedSheet(t, b)
	if !reflect.DeepEqual(s.Layout.Hyperlinks, links) || !reflect.DeepEqual(s.Layout.Comments, notes) {
		t.Errorf("read as %+v\nand %+v\nin %v", s.Layout.Hyperlinks, s.Layout.Comments, ziptest.Parts(t, b))
	}
	if got := strings.Join(report.Added, " "); got != "xl/comments1.xml xl/drawings/vmlDrawing1.vml xl/worksheets/_rels/sheet1.xml.rels" {
		t.Errorf("added %s", got)
	}
	if n := strings.Count(ziptest.Parts(t, b)["xl/worksheets/_rels/sheet1.xml.rels"], "hyperlink"); n != 1 {
		t.Errorf("one target has %d relationships", n)
	}
	x, err := excelize.OpenReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	name := x.GetSheetList()[0]
	if ok, target, err := x.GetCellHyperLink(name, "A2"); !ok || target != links[0].Target || err != nil {
		t.Errorf("excelize sees the link %q: %v", target, err)
	}
	if c, err := x.GetComments(name); err != nil || len(c) != 3 || c[0].Author != "Ann <a>" || c[0].Text+c[0].Paragraph[0].Text != " two\nlines & more" {
		t.Errorf("excelize sees %+v: %v", c, err)
	}
	// Set once more they change nothing.
	if again, report := save(b, LayoutPatch{Hyperlinks: &s.Layout.Hyperlinks, Comments: &s.Layout.Comments}); !bytes.Equal(again, b) {
		t.Errorf("what stays changes %v", report.Parts)
	}
	// One of each goes, one changes, one comes: the parts are the same.
	links2 := []grid.Hyperlink{{Range: rng("A1:A3"), Target: links[0].Target}, {Range: rng("C1"), Target: "mailto:a@b.c"}}
	notes2 := []grid.Comment{{Ref: at("A1"), Author: "Cy", Text: "new"}, notes[1], {Ref: at("C9"), Author: "Bob", Text: "y"}}
	b2, report := save(b, LayoutPatch{Hyperlinks: &links2, Comments: &notes2})
	s = loadedSheet(t, b2)
	if !reflect.DeepEqual(s.Layout.Hyperlinks, links2) || !reflect.DeepEqual(s.Layout.Comments, notes2) || len(report.Added) > 0 {
		t.Errorf("read as %+v\nand %+v\n%+v", s.Layout.Hyperlinks, s.Layout.Comments, report)
	}
	vml := ziptest.Parts(t, b2)["xl/drawings/vmlDrawing1.vml"]
	if strings.Count(vml, "<v:shape ") != 3 || strings.Contains(vml, "<x:Row>2</x:Row><x:Column>1</x:Column>") || !strings.Contains(vml, "<x:Row>8</x:Row><x:Column>2</x:Column>") {
		t.Errorf("the boxes are %s", vml)
	}
	// All go.
	b3, _ := save(b2, LayoutPatch{Hyperlinks: new([]grid.Hyperlink), Comments: new([]grid.Comment)})
	if s = loadedSheet(t, b3); len(s.Layout.Hyperlinks)+len(s.Layout.Comments) > 0 {
		t.Errorf("left are %+v and %+v", s.Layout.Hyperlinks, s.Layout.Comments)
	}
	if rels := ziptest.Parts(t, b3)["xl/worksheets/_rels/sheet1.xml.rels"]; strings.Contains(rels, "<Relationship ") {
		t.Errorf("relationships are left: %s", rels)
	}
	for name, text := range ziptest.Parts(t, b3) {
		if strings.Contains(name, "comments") || strings.Contains(name, "vml") || strings.Contains(text, "comments1") || strings.Contains(text, "legacyDrawing") {
			t.Errorf("%s is left: %s", name, text)
		}
	}
	if err := conforms([]byte(ziptest.Parts(t, b2)["xl/worksheets/sheet1.xml"])); err != nil {
		t.Error(err)
	}
}

// TestNotesBesideControls: a sheet that has a drawing of the old kind keeps what is in it, also where it is not XML.
func TestNotesBesideControls(t *testing.T) {
	p := parts(`<worksheet ` + main + `><sheetData/><legacyDrawing r:id="rId7"/></worksheet>`)
	const vml = `<xml xmlns:v="v"><v:shapetype id="_x0000_t201"/><v:shape id="_x0000_s2050" type="x"><v:textbox>a<br>b</v:textbox><x:ClientData ObjectType="Button"/></v:shape></xml>`
	p["xl/drawings/vmlDrawing1.vml"] = vml
	p["xl/worksheets/_rels/sheet1.xml.rels"] =
		`<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId7" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/vmlDrawing" Target="../drawings/vmlDrawing1.vml"/></Relationships>`
	notes := []grid.Comment{{Ref: at("B2"), Author: "", Text: "x"}}
	b, _ := saved(t, ziptest.Pack(t, p), Patch{Sheets: []SheetPatch{{Layout: &LayoutPatch{Comments: &notes}}}})
	if s := loadedSheet(t, b); !reflect.DeepEqual(s.Layout.Comments, notes) {
		t.Errorf("read as %+v", s.Layout.Comments)
	}
	got := ziptest.Parts(t, b)["xl/drawings/vmlDrawing1.vml"]
	if !strings.HasPrefix(got, strings.TrimSuffix(vml, "</xml>")) || !strings.Contains(got, `id="_x0000_s2051"`) || !strings.HasSuffix(got, "</v:shape></xml>") {
		t.Errorf("the drawing is %s", got)
	}
	// When the note goes the button stays.
	b2, _ := saved(t, b, Patch{Sheets: []SheetPatch{{Layout: &LayoutPatch{Comments: new([]grid.Comment)}}}})
	if left := ziptest.Parts(t, b2); left["xl/comments1.xml"] != "" || !strings.Contains(left["xl/drawings/vmlDrawing1.vml"], `"Button"`) || strings.Contains(left["xl/drawings/vmlDrawing1.vml"], `"Note"`) {
		t.Errorf("left are %v", left)
	}
	if sheet := ziptest.Parts(t, b)["xl/worksheets/sheet1.xml"]; strings.Count(sheet, "legacyDrawing") != 1 {
		t.Error(sheet)
	}
}

// TestRelative: a part is named from where another one is, also from the root of the package.
func TestRelative(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{"xl/worksheets/sheet1.xml", "xl/comments1.xml", "../comments1.xml"},
		{"xl/worksheets/sheet1.xml", "xl/worksheets/other.xml", "other.xml"},
		{"xl/workbook.xml", "xl/worksheets/sheet2.xml", "worksheets/sheet2.xml"},
		{"sheet1.xml", "comments1.xml", "comments1.xml"},
		{"sheet1.xml", "drawings/vmlDrawing1.vml", "drawings/vmlDrawing1.vml"},
		{"a/sheet1.xml", "b/drawing1.xml", "../b/drawing1.xml"},
	} {
		if got := relative(c.from, c.to); got != c.want {
			t.Errorf("%s from %s is %s, want %s", c.to, c.from, got, c.want)
		}
	}
}
