package patch

import (
	"strings"
	"testing"

	"gridflow/internal/grid"
	"gridflow/internal/ziptest"
)

// TestBook says what becomes of the workbook part where sheets are hidden and shown and the workbook is
// protected, to the byte.
func TestBook(t *testing.T) {
	one := 1
	const tabs = `<sheets><sheet name="S" sheetId="1" r:id="rId1"/><sheet name="T" sheetId="2" state="hidden" r:id="rId5"/></sheets>`
	locked := grid.WorkbookProtection{Structure: true, Password: grid.Password{Algorithm: "SHA-512", Hash: "YQ==", Salt: "Yg==", Spin: 7}}
	for _, c := range []struct {
		name, was string
		book      BookPatch
		is        string
	}{
		{"one is hidden, one shown", `<workbookPr/>` + tabs + `<calcPr/>`, BookPatch{Shown: map[int]grid.Visibility{0: grid.VeryHidden, 1: grid.Visible}, Active: &one},
			`<workbookPr/><bookViews><workbookView activeTab="1"/></bookViews><sheets><sheet name="S" sheetId="1" r:id="rId1" state="veryHidden"/><sheet name="T" sheetId="2" r:id="rId5"/></sheets><calcPr/>`},
		{"another comes in front", `<bookViews><workbookView xWindow="1" firstSheet="2"/><workbookView activeTab="0"/></bookViews>` + tabs, BookPatch{Active: &one},
			`<bookViews><workbookView xWindow="1" firstSheet="1" activeTab="1"/><workbookView activeTab="1"/></bookViews>` + tabs},
		{"protected", `<workbookPr/><bookViews/>` + tabs, BookPatch{Protection: &locked},
			`<workbookPr/><workbookProtection workbookAlgorithmName="SHA-512" workbookHashValue="YQ==" workbookSaltValue="Yg==" workbookSpinCount="7" lockStructure="1"/><bookViews/>` + tabs},
		{"protected otherwise", `<workbookProtection workbookPassword="AB12" lockWindows="1" revisionsPassword="CC1A"/>` + tabs, BookPatch{Protection: &grid.WorkbookProtection{Structure: true}},
			`<workbookProtection revisionsPassword="CC1A" lockStructure="1"/>` + tabs},
		{"no more", `<workbookProtection lockStructure="1"/>` + tabs, BookPatch{Protection: &grid.WorkbookProtection{}}, tabs},
	} {
		for _, prefix := range []string{"", "x:"} {
			spell := func(s string) string {
				doc := `<workbook ` + main + `>` + s + `</workbook>`
				if prefix != "" {
					doc = strings.Replace(tags.ReplaceAllString(doc, "<${1}x:$2"), "xmlns=", "xmlns:x=", 1)
				}
				return doc
			}
			p := parts(oneCell)
			p["xl/workbook.xml"] = spell(c.was)
			p["xl/worksheets/sheet2.xml"] = oneCell
			p["xl/_rels/workbook.xml.rels"] = strings.Replace(p["xl/_rels/workbook.xml.rels"], "</Relationships>", `<Relationship Id="rId5" Type="`+rels+`worksheet" Target="worksheets/sheet2.xml"/></Relationships>`, 1)
			b, report := saved(t, ziptest.Pack(t, p), Patch{Book: c.book})
			got := ziptest.Parts(t, b)
			if got["xl/workbook.xml"] != spell(c.is) {
				t.Errorf("%s: got\n%s\nwant\n%s", c.name, got["xl/workbook.xml"], spell(c.is))
			}
			for part, was := range p {
				if part != "xl/workbook.xml" && got[part] != was {
					t.Errorf("%s: %s was changed", c.name, part)
				}
			}
			if len(report.Parts) != 1 {
				t.Errorf("%s: %+v", c.name, report)
			}
			f, err := openBytes(b)
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range c.book.Shown {
				if is := f.Workbook().Sheets[i].Visibility; is != want {
					t.Errorf("%s: sheet %d is %v", c.name, i, is)
				}
			}
			if is := f.Workbook().Protection; c.book.Protection != nil && is != *c.book.Protection {
				t.Errorf("%s: the protection is %+v", c.name, is)
			}
		}
	}
}

// TestSelected: of a sheet it is said whether its tab is selected, beside all else that its view says.
func TestSelected(t *testing.T) {
	for _, c := range []struct {
		was  string
		on   bool
		view *grid.View
		is   string
	}{
		{`<sheetView tabSelected="1" workbookViewId="0"/>`, false, nil, `<sheetView workbookViewId="0"/>`},
		{`<sheetView workbookViewId="0"><pane ySplit="1"/></sheetView>`, true, nil, `<sheetView workbookViewId="0" tabSelected="1"><pane ySplit="1"/></sheetView>`},
		{`<sheetView tabSelected="true" workbookViewId="0"/>`, true, nil, `<sheetView tabSelected="true" workbookViewId="0"/>`},
		{`<sheetView tabSelected="1" workbookViewId="0"/>`, false, &grid.View{HideGridLines: true}, `<sheetView workbookViewId="0" showGridLines="0"></sheetView>`},
	} {
		doc := func(view string) string {
			return `<worksheet ` + main + `><sheetViews>` + view + `</sheetViews><sheetData/></worksheet>`
		}
		b, _ := saved(t, ziptest.Pack(t, parts(doc(c.was))), Patch{Sheets: []SheetPatch{{Layout: &LayoutPatch{Selected: &c.on, View: c.view}}}})
		if got := ziptest.Parts(t, b)["xl/worksheets/sheet1.xml"]; got != doc(c.is) {
			t.Errorf("got\n%s\nwant\n%s", got, doc(c.is))
		}
	}
}
