package patch

import (
	"bytes"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/ziptest"
)

func name(sheet int, name, refers string) NamePatch {
	return NamePatch{Name: grid.Name{Name: name, Sheet: sheet, RefersTo: refers}}
}

// TestNames says what becomes of the list of names, to the byte; all other parts stay.
func TestNames(t *testing.T) {
	drop := func(sheet int, n string) NamePatch {
		return NamePatch{Name: grid.Name{Name: n, Sheet: sheet}, Remove: true}
	}
	said := name(-1, "b", "1")
	said.Comment, said.Hidden = `"<&>`, true
	for _, c := range []struct {
		title, was string // after <sheets>
		names      []NamePatch
		is         string
	}{
		{"the first", ``, []NamePatch{name(-1, "b", "S!$A$1"), name(0, "a", "\"<&\"")}, `<definedNames><definedName name="a" localSheetId="0">"&lt;&amp;"</definedName><definedName name="b">S!$A$1</definedName></definedNames>`},
		{"in its place", `<externalReferences><externalReference/></externalReferences><calcPr calcId="1"/>`, []NamePatch{name(-1, "b", "1")}, `<externalReferences><externalReference/></externalReferences><definedNames><definedName name="b">1</definedName></definedNames><calcPr calcId="1"/>`},
		{"an empty list", `<definedNames/><calcPr/>`, []NamePatch{name(-1, "b", "1")}, `<definedNames><definedName name="b">1</definedName></definedNames><calcPr/>`},
		{"sorted, and the others stay", `<definedNames x="1"> <definedName  name="A" vbProcedure='1'>1</definedName><!-- --><definedName name="C" xlm="1" >3</definedName> </definedNames>`, []NamePatch{name(-1, "d", "4"), name(-1, "b", "2")},
			`<definedNames x="1"> <definedName  name="A" vbProcedure='1'>1</definedName><!-- --><definedName name="b">2</definedName><definedName name="C" xlm="1" >3</definedName> <definedName name="d">4</definedName></definedNames>`},
		{"a name says something else", `<definedNames><definedName name="B" function="1"  description='x'><![CDATA[1<2]]></definedName><definedName name="b" localSheetId="0">2</definedName></definedNames>`, []NamePatch{name(-1, "b", "3<4")},
			`<definedNames><definedName name="B" function="1"  description='x'>3&lt;4</definedName><definedName name="b" localSheetId="0">2</definedName></definedNames>`},
		{"one of a sheet", `<definedNames><definedName name="B">1</definedName><definedName name="b" localSheetId="0">2</definedName></definedNames>`, []NamePatch{name(0, "B", "3")},
			`<definedNames><definedName name="B">1</definedName><definedName name="b" localSheetId="0">3</definedName></definedNames>`},
		{"what else it says", `<definedNames><definedName name="b"/></definedNames>`, []NamePatch{said}, `<definedNames><definedName name="b" hidden="1" comment="&quot;&lt;&amp;&gt;">1</definedName></definedNames>`},
		{"no more", `<definedNames><definedName name="b" hidden="1" comment="c">1</definedName></definedNames>`, []NamePatch{name(-1, "b", "1")}, `<definedNames><definedName name="b" hidden="0" comment="">1</definedName></definedNames>`},
		{"one goes", `<definedNames><definedName name="a">1</definedName><definedName name="B">1</definedName><definedName name="b">1</definedName></definedNames>`, []NamePatch{drop(-1, "b"), drop(0, "a")}, `<definedNames><definedName name="a">1</definedName></definedNames>`},
		{"the last goes", `<definedNames><definedName name="a">1</definedName></definedNames><calcPr/>`, []NamePatch{drop(-1, "A")}, `<calcPr/>`},
		{"one goes, one comes", `<definedNames><definedName name="a">1</definedName></definedNames>`, []NamePatch{drop(-1, "A"), name(-1, "b", "2")}, `<definedNames><definedName name="b">2</definedName></definedNames>`},
	} {
		for _, prefix := range []string{"", "x:"} {
			spell := func(s string) string {
				doc := `<workbook ` + main + `><sheets><sheet name="S" sheetId="1" r:id="rId1"/></sheets>` + s + `</workbook>`
				if prefix != "" {
					doc = strings.Replace(tags.ReplaceAllString(doc, "<${1}x:$2"), "xmlns=", "xmlns:x=", 1)
				}
				return doc
			}
			p := parts(`<worksheet ` + main + `><sheetData/></worksheet>`)
			p["xl/workbook.xml"] = spell(c.was)
			b, report := saved(t, ziptest.Pack(t, p), Patch{Names: c.names})
			got := ziptest.Parts(t, b)
			if got["xl/workbook.xml"] != spell(c.is) {
				t.Errorf("%s: got\n%s\nwant\n%s", c.title, got["xl/workbook.xml"], spell(c.is))
			}
			for part, was := range p {
				if part != "xl/workbook.xml" && got[part] != was {
					t.Errorf("%s: %s was changed", c.title, part)
				}
			}
			if len(report.Parts) != 1 || len(report.Added)+len(report.Dropped) > 0 {
				t.Errorf("%s: %+v", c.title, report)
			}
			f, err := openBytes(b)
			if err != nil {
				t.Fatal(err)
			}
			for _, n := range c.names {
				found := false
				for _, x := range f.Workbook().Names {
					found = found || x.Sheet == n.Sheet && strings.EqualFold(x.Name, n.Name.Name) && (n.Remove || x.RefersTo == n.RefersTo && x.Comment == n.Comment && x.Hidden == n.Hidden)
				}
				if found == n.Remove {
					t.Errorf("%s: %+v is not read as it was written: %+v", c.title, n, f.Workbook().Names)
				}
			}
		}
	}
}

// TestNamesRefused: what no file can have is refused before anything is written.
func TestNamesRefused(t *testing.T) {
	f, err := openBytes(ziptest.Pack(t, parts(oneCell)))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []NamePatch{name(1, "a", "1"), name(-2, "a", "1"), name(-1, "", "1"), name(-1, "a", "")} {
		var out bytes.Buffer
		if _, err := Save(t.Context(), f, Patch{Names: []NamePatch{n}}, &out); err == nil || out.Len() > 0 {
			t.Errorf("%+v: %v, %d bytes", n, err, out.Len())
		}
	}
}

// TestNamesWithView: a copy that is made to be printed has its own print areas, whatever the edits say.
func TestNamesWithView(t *testing.T) {
	area := cell.Range{Last: at("B2")}
	for others, want := range map[Others]string{
		OthersStay: `<definedNames><definedName name="_xlnm.Print_Area" localSheetId="0">S!$A$1:$B$2</definedName><definedName name="b">1</definedName></definedNames>`,
		OthersGone: `<definedNames><definedName name="_xlnm.Print_Area" localSheetId="0">S!$A$1:$B$2</definedName></definedNames>`,
	} {
		b, _ := saved(t, ziptest.Pack(t, parts(oneCell)), Patch{Names: []NamePatch{name(-1, "b", "1"), name(0, "_xlnm.print_area", "S!$C$3")}, View: ViewPatch{Show: []int{0}, Others: others, Print: []PrintArea{{0, area}}}})
		if got := ziptest.Parts(t, b)["xl/workbook.xml"]; !strings.Contains(got, "</sheets>"+want+"</workbook>") {
			t.Errorf("%s", got)
		}
	}
}

// TestNamesExcelize: another program sees the names.
func TestNamesExcelize(t *testing.T) {
	b, _ := saved(t, ziptest.Pack(t, parts(oneCell)), Patch{Names: []NamePatch{name(-1, "Rate", "S!$A$1"), name(0, "Local", "S!$B$2:$B$9")}})
	x, err := excelize.OpenReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	list := x.GetDefinedName()
	if len(list) != 2 || list[0].Name != "Local" || list[0].Scope != "S" || list[1].RefersTo != "S!$A$1" || list[1].Scope != "Workbook" {
		t.Errorf("%+v", list)
	}
}
