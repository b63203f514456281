package patch

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"testing"

	"gridflow/internal/xlsx"
	"gridflow/internal/ziptest"
)

// FuzzStructure changes the structure of any XML that calls itself a sheet. What our reader can read holds afterwards what package structure
// says, or the change is refused with an error that says why.
func FuzzStructure(f *testing.F) {
	f.Add([]byte(oneCell), uint64(1))
	f.Add([]byte(`<x:worksheet xmlns:x="a"><x:dimension ref="A1:B2"/><x:cols><x:col min="1" max="3"/></x:cols><x:sheetData><x:row r="3"/><x:row><x:c/><x:c t="s"><x:v>0</x:v></x:c></x:row></x:sheetData></x:worksheet>`), uint64(2))
	f.Add([]byte(`<worksheet><sheetData><row r="1"><c r="A1"><f t="shared" ref="A1:B9" si="0">A2+$B$1</f></c><c r="B1"><f t="shared" si="0"/></c></row><row r="2"><c r="A2"><f t="shared" si="0"/><v>1</v></c></row></sheetData><mergeCells><mergeCell ref="A1:B2"/></mergeCells></worksheet>`), uint64(3))
	f.Add([]byte(`<worksheet><sheetData><row r="1"><c r="B1"/><c r="A1"><f t="array" ref="A1:C2">1</f></c></row><row r="1"><c r="A1" t="b"><v>1</v></c></row></sheetData><conditionalFormatting sqref="A1:A3 B2"><cfRule><formula>A1</formula></cfRule></conditionalFormatting></worksheet>`), uint64(4))
	f.Add([]byte(`<worksheet><sheetData/><rowBreaks count="1"><brk id="1"/></rowBreaks><extLst><ext><f>S!A1</f><sqref>A1</sqref></ext></extLst></worksheet>`), uint64(5))
	f.Add([]byte(`<worksheet><sheetData><row r="2"><c r="A2"><f t="shared" si="0"/></c></row><row r="3"><c r="A3"><f t="shared" ref="A2:A3" si="0">B3</f></c><c r="B3"><f t="dataTable" ref="B3:C4" r1="A1" r2="A9" dt2D="1"/></c></row></sheetData><autoFilter ref="A1:C3"><filterColumn colId="1"><x/></filterColumn></autoFilter></worksheet>`), uint64(6))
	f.Fuzz(func(t *testing.T, sheet []byte, seed uint64) {
		b := ziptest.Pack(t, parts(string(sheet)))
		file, err := openBytes(b)
		if err != nil {
			return
		}
		before, err := bookModelOf(file)
		if err != nil {
			return
		}
		rnd := rand.New(rand.NewPCG(seed, 0))
		changes := randomChanges(rnd, file, 1+rnd.IntN(3))
		var out bytes.Buffer
		if _, err = Save(context.Background(), file, Patch{Structure: changes}, &out); err != nil {
			var e *xlsx.Error
			if !errors.As(err, &e) {
				t.Fatalf("an error without a type: %v", err)
			}
			return
		}
		if !wellFormed(sheet) || conforms(sheet) != nil {
			return // the reader makes something of it, but nobody can say what is right
		}
		saved, err := openBytes(out.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		text := ziptest.Parts(t, out.Bytes())["xl/worksheets/sheet1.xml"]
		got, err := bookModelOf(saved)
		if err != nil {
			t.Fatalf("%v\nafter %+v\nin %q", err, changes, text)
		}
		want := before
		for _, c := range changes {
			want = want.change(c)
		}
		got.named, want.named = nil, nil
		for i := range got.merges { // of those that lie on one another, no program knows what they are
			got.merges[i], want.merges[i] = nil, nil
		}
		if err := got.compare(want); err != nil {
			t.Fatalf("%v\nafter %+v\nin %q", err, changes, text)
		}
		if err := conforms([]byte(text)); text != "" && err != nil {
			t.Fatalf("the sheet is damaged: %v\nafter %+v\nin %q", err, changes, text)
		}
	})
}

// FuzzStructureParts changes the structure of a workbook in which some other part is any XML.
func FuzzStructureParts(f *testing.F) {
	names := []string{"xl/comments1.xml", "xl/threaded1.xml", "xl/drawings/vml1.vml", "xl/drawings/drawing1.xml", "xl/charts/chart1.xml",
		"xl/ctrl1.xml", "xl/pivot1.xml", "xl/cache1.xml", "xl/tables/table1.xml", "xl/workbook.xml", "xl/_rels/workbook.xml.rels",
		"xl/worksheets/_rels/sheet1.xml.rels", "[Content_Types].xml", "docProps/app.xml"}
	for i, seed := range []string{
		`<comments><commentList><comment ref="A4"><text/></comment></commentList></comments>`,
		`<T><threadedComment ref="A5"/></T>`,
		`<xml xmlns:x="x"><shape><x:ClientData ObjectType="Note"><x:Anchor>1, 15, 3, 2, 3, 15, 7, 9</x:Anchor><x:Row>3</x:Row><x:Column>0</x:Column><x:FmlaLink>S!A1</x:FmlaLink></x:ClientData></shape></xml>`,
		`<wsDr><twoCellAnchor editAs="oneCell"><from><col>0</col><row>5</row><rowOff>5</rowOff></from><to><col>3</col><row>9</row></to><sp textlink="S!A1"/></twoCellAnchor></wsDr>`,
		`<c><f>S!$B$1</f></c>`, `<formControlPr fmlaLink="S!$A$9"/>`, `<pivotTableDefinition><location ref="A8:C12"/></pivotTableDefinition>`,
		`<p><worksheetSource ref="A1:C9" sheet="S"/></p>`,
		`<table id="1" name="T" displayName="T" ref="A1:B3"><autoFilter ref="A1:B3"/><tableColumns count="2"><tableColumn id="1" name="a"/><tableColumn id="2" name="b"/></tableColumns></table>`,
		`<workbook ` + main + `><sheets><sheet name="S" sheetId="1" r:id="rId1"/></sheets><definedNames><definedName name="n" localSheetId="0">S!$A$1</definedName></definedNames></workbook>`,
	} {
		f.Add(i, []byte(seed), uint64(i))
	}
	f.Fuzz(func(t *testing.T, which int, content []byte, seed uint64) {
		p := parts(`<worksheet ` + main + `><sheetData><row r="2"><c r="A2"><f>SUM(T[a])</f></c></row></sheetData><tableParts count="1"><tablePart r:id="rId7"/></tableParts></worksheet>`)
		kinds := []string{"comments", "threadedComment", "vmlDrawing", "drawing", "", "ctrlProp", "pivotTable", "", "table"}
		list := ""
		for i, kind := range kinds {
			if kind != "" {
				list += `<Relationship Id="rId` + string(rune('1'+i)) + `" Type="x/` + kind + `" Target="/` + names[i] + `"/>`
			}
		}
		p["xl/worksheets/_rels/sheet1.xml.rels"] = `<Relationships>` + list + `</Relationships>`
		p["xl/drawings/_rels/drawing1.xml.rels"] = `<Relationships><Relationship Id="a" Type="x/chart" Target="/xl/charts/chart1.xml"/></Relationships>`
		p[names[uint(which)%uint(len(names))]] = string(content)
		file, err := openBytes(ziptest.Pack(t, p))
		if err != nil {
			return
		}
		rnd := rand.New(rand.NewPCG(seed, 0))
		changes := randomChanges(rnd, file, 1+rnd.IntN(3))
		var out bytes.Buffer
		_, err = Save(context.Background(), file, Patch{Structure: changes}, &out)
		var e *xlsx.Error
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("an error without a type: %v", err)
		}
		if err != nil {
			return
		}
		if _, err := openBytes(out.Bytes()); err != nil {
			t.Fatalf("%v\nafter %+v", err, changes)
		}
		if wellFormed(content) {
			for name, text := range ziptest.Parts(t, out.Bytes()) {
				if !wellFormed([]byte(text)) && wellFormed([]byte(p[name])) {
					t.Fatalf("%s is no XML any more: %q", name, text)
				}
			}
		}
	})
}
