package patch

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"gridflow/internal/cell"
	"gridflow/internal/xlsx"
	"gridflow/internal/ziptest"
)

const (
	main = `xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"`
	rels = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
)

// parts gives those of a workbook with one sheet.
func parts(sheet string) map[string]string {
	return map[string]string{
		"[Content_Types].xml": `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/>` +
			`<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>` +
			`<Override PartName="/xl/calcChain.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.calcChain+xml"/></Types>`,
		"_rels/.rels":     `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="` + rels + `officeDocument" Target="xl/workbook.xml"/></Relationships>`,
		"xl/workbook.xml": `<workbook ` + main + `><sheets><sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels": `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="` + rels + `worksheet" Target="/xl/worksheets/sheet1.xml"/>` +
			`<Relationship Id="rId2" Type="` + rels + `styles" Target="styles.xml"/><Relationship Id="rId3" Type="` + rels + `calcChain" Target="calcChain.xml"/>` +
			`<Relationship Id="rId4" Type="` + rels + `sharedStrings" Target="sharedStrings.xml"/></Relationships>`,
		"xl/styles.xml":            `<styleSheet ` + main + `><fonts count="1"><font/></fonts><cellXfs count="3"><xf numFmtId="0"/><xf numFmtId="14" applyNumberFormat="1"/><xf numFmtId="4"><alignment horizontal="left"/></xf></cellXfs></styleSheet>`,
		"xl/calcChain.xml":         `<calcChain ` + main + `><c r="B1" i="1"/></calcChain>`,
		"xl/sharedStrings.xml":     `<sst ` + main + ` count="1" uniqueCount="1"><si><t>x</t></si></sst>`,
		"xl/worksheets/sheet1.xml": sheet,
	}
}

func number(a1 string, f float64) CellPatch {
	return CellPatch{Ref: at(a1), Value: cell.NumberValue(f)}
}
func text(a1, s string) CellPatch { return CellPatch{Ref: at(a1), Value: cell.TextValue(s)} }
func gone(a1 string) CellPatch    { return CellPatch{Ref: at(a1), Remove: true} }

// TestSheetXML says what becomes of the XML of a sheet, to the byte.
func TestSheetXML(t *testing.T) {
	formula := func(a1, f string, v float64) CellPatch {
		return CellPatch{Ref: at(a1), HasFormula: true, Formula: f, HasValue: true, Value: cell.NumberValue(v)}
	}
	for _, c := range []struct {
		name  string
		from  string // inside of worksheet
		cells []CellPatch
		to    string
	}{
		{"a value", `<sheetData><row r="1"><c r="A1"><v>1</v></c><c r="B1"><v>2</v></c></row></sheetData>`,
			[]CellPatch{number("A1", 0.1)},
			`<sheetData><row r="1"><c r="A1"><v>0.1</v></c><c r="B1"><v>2</v></c></row></sheetData>`},
		{"a style and what else the tag says", `<sheetData><row r="1"><c t="s" ph="1" r="A1" s='2' vm="3" cm="4" x:y="&quot;"><v>0</v></c></row></sheetData>`,
			[]CellPatch{{Ref: at("A1"), Value: cell.BoolValue(true), Style: 1}},
			`<sheetData><row r="1"><c r="A1" s="1" t="b" ph="1" x:y="&quot;"><v>1</v></c></row></sheetData>`},
		{"only the style", `<sheetData><row r="1"><c r="A1" t="inlineStr" cm="1"><is><r><t>rich</t></r></is></c><c r="B1" s="1"/></row></sheetData>`,
			[]CellPatch{{Ref: at("A1"), Keep: KeepContent, Style: 2}, {Ref: at("B1"), Keep: KeepContent}},
			`<sheetData><row r="1"><c r="A1" t="inlineStr" cm="1" s="2"><is><r><t>rich</t></r></is></c><c r="B1" s="0"/></row></sheetData>`},
		{"the style of a date in ISO form", `<sheetData><row r="1"><c r="A1" t="d" s="2"><v>2021-12-31</v></c><c r="B1" t="d"><f>A1</f><v>2021-12-31</v></c><c r="C1" t="d"><v>2021-12-31</v></c></row></sheetData>`,
			[]CellPatch{{Ref: at("A1"), Keep: KeepContent, Value: cell.NumberValue(44561), Style: 1}, {Ref: at("B1"), Keep: KeepContent, Value: cell.NumberValue(44561), Style: 1},
				{Ref: at("C1"), Keep: KeepContent, Value: cell.TextValue("2021-12-31"), Style: 2}},
			`<sheetData><row r="1"><c r="A1" s="1"><v>44561</v></c><c r="B1" s="1"><f>A1</f><v>44561</v></c><c r="C1" s="2" t="inlineStr"><is><t>2021-12-31</t></is></c></row></sheetData>`},
		{"errors of which a rich value says more", `<sheetData><row r="1"><c r="A1" t="e" vm="1"><v>#VALUE!</v></c><c r="B1" t="e" vm="1"><v>#VALUE!</v></c><c r="C1" t="e" vm="1"><v>#VALUE!</v></c></row></sheetData>`,
			[]CellPatch{{Ref: at("A1"), Keep: KeepContent, Style: 2}, {Ref: at("B1"), Value: cell.ErrorValue(cell.ErrValue)}},
			`<sheetData><row r="1"><c r="A1" t="e" vm="1" s="2"><v>#VALUE!</v></c><c r="B1" t="e"><v>#VALUE!</v></c><c r="C1" t="e" vm="1"><v>#VALUE!</v></c></row></sheetData>`},
		{"texts", `<sheetData><row r="1"><c r="A1"/></row></sheetData>`,
			[]CellPatch{text("A1", " a<\x01_x0041_"), text("B1", "")},
			`<sheetData><row r="1"><c r="A1" t="inlineStr"><is><t xml:space="preserve"> a&lt;_x0001__x005F_x0041_</t></is></c><c r="B1" t="inlineStr"><is><t></t></is></c></row></sheetData>`},
		{"an error that files do not know", `<sheetData><row r="1"/></sheetData>`,
			[]CellPatch{{Ref: at("A1"), Value: cell.ErrorValue(cell.ErrSpill)}},
			`<sheetData><row r="1"><c r="A1" t="e" vm="1"><v>#VALUE!</v></c></row></sheetData>`},
		{"new cells", `<dimension ref="B2:C3"/><sheetData><row r="2" spans="2:3" ht="9"><c r="B2"/><c r="C2"/></row><row r="3"><c r="C3"/></row></sheetData>`,
			[]CellPatch{number("A2", 1), number("E2", 2), number("D5", 3)},
			`<dimension ref="A2:E5"/><sheetData><row r="2" spans="1:5" ht="9"><c r="A2"><v>1</v></c><c r="B2"/><c r="C2"/><c r="E2"><v>2</v></c></row><row r="3"><c r="C3"/></row><row r="5"><c r="D5"><v>3</v></c></row></sheetData>`},
		{"new rows", `<sheetData> <row r="3"><c r="A3"/></row> </sheetData>`,
			[]CellPatch{number("A1", 1), number("B1", 2), number("A2", 3), number("A4", 4)},
			`<sheetData> <row r="1"><c r="A1"><v>1</v></c><c r="B1"><v>2</v></c></row><row r="2"><c r="A2"><v>3</v></c></row><row r="3"><c r="A3"/></row> <row r="4"><c r="A4"><v>4</v></c></row></sheetData>`},
		{"an empty sheet", `<dimension ref="A1"/><sheetData/><mergeCells/>`,
			[]CellPatch{number("XFD1048576", 1)},
			`<dimension ref="A1:XFD1048576"/><sheetData><row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData><mergeCells/>`},
		{"an empty row", `<sheetData><row r="1" spans="1:1" /></sheetData>`,
			[]CellPatch{number("C1", 1)},
			`<sheetData><row r="1" spans="1:3" ><c r="C1"><v>1</v></c></row></sheetData>`},
		{"cells that go", `<sheetData><row r="1"><c r="A1"/><c r="B1"><v>1</v></c><c r="C1"/></row></sheetData>`,
			[]CellPatch{gone("A1"), gone("B1"), gone("Z9")},
			`<sheetData><row r="1"><c r="C1"/></row></sheetData>`},
		{"cells without a reference", `<sheetData><row><c><v>1</v></c><c><v>2</v></c><c><v>3</v></c></row><row><c/></row></sheetData>`,
			[]CellPatch{gone("A1"), number("B1", 9), number("D1", 4), number("B2", 5), number("A3", 6)},
			`<sheetData><row><c r="A1"/><c r="B1"><v>9</v></c><c><v>3</v></c><c r="D1"><v>4</v></c></row><row><c/><c r="B2"><v>5</v></c></row><row r="3"><c r="A3"><v>6</v></c></row></sheetData>`},
		{"a row out of order", `<sheetData><row r="5"><c r="A5"/></row><row r="2"><c r="C2"/><c r="A2"/></row></sheetData>`,
			[]CellPatch{number("B2", 2), number("A3", 3), number("A5", 5), number("A6", 6)},
			`<sheetData><row r="3"><c r="A3"><v>3</v></c></row><row r="5"><c r="A5"><v>5</v></c></row><row r="2"><c r="B2"><v>2</v></c><c r="C2"/><c r="A2"/></row><row r="6"><c r="A6"><v>6</v></c></row></sheetData>`},
		{"a cell and a row twice", `<sheetData><row r="1"><c r="A1"><v>1</v></c><c r="A1"><v>2</v></c></row><row r="1"><c r="A1"><v>3</v></c><c r="B1"/></row></sheetData>`,
			[]CellPatch{number("A1", 9), number("C1", 8)},
			`<sheetData><row r="1"><c r="A1"/><c r="A1"/><c r="C1"><v>8</v></c></row><row r="1"><c r="A1"><v>9</v></c><c r="B1"/></row></sheetData>`},
		{"formulas", `<sheetData><row r="1"><c r="A1"><f ca="1">B1</f><v>1</v></c><c r="B1" cm="1"><f t="array" ref="B1">C1</f><v>1</v></c></row></sheetData>`,
			[]CellPatch{
				{Ref: at("A1"), HasFormula: true, Formula: `B1&"<"`, HasValue: true, Value: cell.TextValue("x")},
				{Ref: at("B1"), Keep: KeepFormula, HasValue: true, Value: cell.TextValue(" y")},
				{Ref: at("C1"), HasFormula: true, Formula: "1+1"}},
			`<sheetData><row r="1"><c r="A1" t="str"><f>B1&amp;"&lt;"</f><v>x</v></c><c r="B1" t="str" cm="1"><f t="array" ref="B1">C1</f><v xml:space="preserve"> y</v></c><c r="C1"><f>1+1</f></c></row></sheetData>`},
		{"a member of a shared formula", `<sheetData><row r="1"><c r="A1"><f t="shared" ref="A1:A2" si="0">B1</f></c></row><row r="2"><c r="A2"><f t="shared" si="0"/><v>1</v></c></row></sheetData>`,
			[]CellPatch{number("A2", 2)},
			`<sheetData><row r="1"><c r="A1"><f t="shared" ref="A1:A2" si="0">B1</f></c></row><row r="2"><c r="A2"><v>2</v></c></row></sheetData>`},
		{"the master of a shared formula", `<sheetData><row r="1"><c r="A1"><f t="shared" ref="A1:A4" si="0">$B1&amp;B$1</f></c></row><row r="2"><c r="A2"><f t="shared" si="0"/></c></row><row r="3"><c r="A3"><f t="shared" ca="1" si="0" /><v>3</v></c></row><row r="4"><c r="A4"><f t="shared" si="0"></f></c></row></sheetData>`,
			[]CellPatch{number("A1", 1), gone("A2")},
			`<sheetData><row r="1"><c r="A1"><v>1</v></c></row><row r="2"></row><row r="3"><c r="A3"><f t="shared" ca="1" si="0" ref="A3:A4">$B3&amp;B$1</f><v>3</v></c></row><row r="4"><c r="A4"><f t="shared" si="0"></f></c></row></sheetData>`},
		{"an heir that is changed too", `<sheetData><row r="1"><c r="A1"><f t="shared" ref="A1:C1" si="7">A2</f></c><c r="B1"><f t="shared" si="7"/><v>1</v></c><c r="C1"><f t="shared" si="7"/></c></row></sheetData>`,
			[]CellPatch{formula("A1", "1", 1), {Ref: at("B1"), Keep: KeepFormula, HasValue: true, Value: cell.NumberValue(5), Style: 1}},
			`<sheetData><row r="1"><c r="A1"><f>1</f><v>1</v></c><c r="B1" s="1"><f t="shared" si="7" ref="B1:C1">B2</f><v>5</v></c><c r="C1"><f t="shared" si="7"/></c></row></sheetData>`},
		{"a master without others", `<sheetData><row r="1"><c r="A1"><f t="shared" ref="A1:A1" si="0">B1</f></c><c r="B1"><f t="shared" ref="B1" si="0">C1</f></c><c r="C1"><f t="shared" si="0"/></c></row></sheetData>`,
			[]CellPatch{number("A1", 1)},
			`<sheetData><row r="1"><c r="A1"><v>1</v></c><c r="B1"><f t="shared" ref="B1" si="0">C1</f></c><c r="C1"><f t="shared" si="0"/></c></row></sheetData>`},
		{"a whole array", `<sheetData><row r="1"><c r="A1" cm="1"><f t="array" ref="A1:B1">C1:D1</f><v>1</v></c><c r="B1"><v>2</v></c></row></sheetData>`,
			[]CellPatch{number("A1", 3), gone("B1")},
			`<sheetData><row r="1"><c r="A1"><v>3</v></c></row></sheetData>`},
		{"the values of an array", `<sheetData><row r="1"><c r="A1" cm="1"><f t="array" ref="A1:B1">C1:D1</f><v>1</v></c><c r="B1"><v>2</v></c></row></sheetData>`,
			[]CellPatch{{Ref: at("A1"), Keep: KeepFormula, HasValue: true, Value: cell.TextValue("x")}, {Ref: at("B1"), Keep: KeepFormula, Value: cell.TextValue("y")}},
			`<sheetData><row r="1"><c r="A1" t="str" cm="1"><f t="array" ref="A1:B1">C1:D1</f><v>x</v></c><c r="B1" t="str"><v>y</v></c></row></sheetData>`},
		{"what is no cell", `<!-- <c r="A1"> --><sheetData><!-- <c r="A1"/> --><row r="1"><c r="A1"><v><![CDATA[</c><c r="B1">]]></v><extLst><ext><c/></ext></extLst></c></row><?pi <c r="A1"/>?></sheetData>`,
			[]CellPatch{number("A1", 1), number("B1", 2)},
			`<!-- <c r="A1"> --><sheetData><!-- <c r="A1"/> --><row r="1"><c r="A1"><v>1</v><extLst><ext><c/></ext></extLst></c><c r="B1"><v>2</v></c></row><?pi <c r="A1"/>?></sheetData>`},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, prefix := range []string{"", "x:"} {
				from := prefixed(`<worksheet `+main+`>`+c.from+`</worksheet>`, prefix)
				want := prefixed(`<worksheet `+main+`>`+c.to+`</worksheet>`, prefix)
				b, _ := saved(t, ziptest.Pack(t, parts(from)), Patch{Sheets: []SheetPatch{{Cells: c.cells}}})
				if got := ziptest.Parts(t, b)["xl/worksheets/sheet1.xml"]; got != want {
					t.Errorf("prefix %q:\n got %s\nwant %s", prefix, got, want)
				}
			}
		})
	}
}

// prefixed gives the spreadsheet elements of a document a prefix.
func prefixed(doc, prefix string) string {
	if prefix == "" {
		return doc
	}
	doc = strings.Replace(doc, `xmlns="`, `xmlns:`+strings.TrimSuffix(prefix, ":")+`="`, 1)
	for _, name := range []string{"worksheet", "dimension", "sheetData", "row", "c", "v", "f", "is", "t", "r", "extLst", "ext", "mergeCells"} {
		for _, end := range []string{" ", ">", "/"} {
			doc = strings.ReplaceAll(doc, "<"+name+end, "<"+prefix+name+end)
			doc = strings.ReplaceAll(doc, "</"+name+end, "</"+prefix+name+end)
		}
	}
	return doc
}

// TestRefused lists what is refused, and that nothing was written then.
func TestRefused(t *testing.T) {
	const array = `<sheetData><row r="1"><c r="A1"><f t="array" ref="A1:B2">C1:D2</f><v>1</v></c></row><row r="5"><c r="A5"><f t="dataTable" ref="A5:A6" dt2D="0" dtr="0" r1="C1"/><v>1</v></c></row></sheetData>`
	for _, c := range []struct {
		name  string
		sheet string
		p     Patch
		code  xlsx.Code
	}{
		{"a part of an array", array, Patch{Sheets: []SheetPatch{{Cells: []CellPatch{number("A1", 1)}}}}, xlsx.ArrayPart},
		{"a member of an array", array, Patch{Sheets: []SheetPatch{{Cells: []CellPatch{gone("B2")}}}}, xlsx.ArrayPart},
		{"a part of a table", array, Patch{Sheets: []SheetPatch{{Cells: []CellPatch{number("A6", 1)}}}}, xlsx.ArrayPart},
		{"order", `<sheetData/>`, Patch{Sheets: []SheetPatch{{Cells: []CellPatch{number("B1", 1), number("A1", 1)}}}}, xlsx.InvalidEdit},
		{"twice", `<sheetData/>`, Patch{Sheets: []SheetPatch{{Cells: []CellPatch{number("B1", 1), number("B1", 1)}}}}, xlsx.InvalidEdit},
		{"outside", `<sheetData/>`, Patch{Sheets: []SheetPatch{{Cells: []CellPatch{{Ref: cell.Ref{Row: cell.MaxRows}}}}}}, xlsx.InvalidEdit},
		{"no such sheet", `<sheetData/>`, Patch{Sheets: []SheetPatch{{Sheet: 1, Cells: []CellPatch{number("A1", 1)}}}}, xlsx.InvalidEdit},
		{"a sheet twice", `<sheetData/>`, Patch{Sheets: []SheetPatch{{Cells: []CellPatch{number("A1", 1)}}, {Cells: []CellPatch{number("B1", 1)}}}}, xlsx.InvalidEdit},
		{"no such style", `<sheetData/>`, Patch{Sheets: []SheetPatch{{Cells: []CellPatch{{Ref: at("A1"), Style: 3}}}}}, xlsx.InvalidEdit},
		{"no such base", `<sheetData/>`, Patch{Styles: []StyleDerivation{{Base: 3}}}, xlsx.InvalidEdit},
		{"an empty formula", `<sheetData/>`, Patch{Sheets: []SheetPatch{{Cells: []CellPatch{{Ref: at("A1"), HasFormula: true}}}}}, xlsx.InvalidEdit},
		{"a long text", `<sheetData/>`, Patch{Sheets: []SheetPatch{{Cells: []CellPatch{text("A1", strings.Repeat("x", 40000))}}}}, xlsx.InvalidEdit},
		{"no place for cells", ``, Patch{Sheets: []SheetPatch{{Cells: []CellPatch{number("A1", 1)}}}}, xlsx.Unreadable},
		{"a cell that strays", `<sheetData><row r="1"><c r="A2"/></row></sheetData>`, Patch{Sheets: []SheetPatch{{Cells: []CellPatch{number("A1", 1)}}}}, xlsx.Unreadable},
		{"rows in rows", `<sheetData><row r="1"><row r="2"></row></row></sheetData>`, Patch{Sheets: []SheetPatch{{Cells: []CellPatch{number("A1", 1)}}}}, xlsx.Unreadable},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, err := openBytes(ziptest.Pack(t, parts(`<worksheet `+main+`>`+c.sheet+`</worksheet>`)))
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			_, err = Save(context.Background(), f, c.p, &out)
			var e *xlsx.Error
			if !errors.As(err, &e) || e.Code != c.code {
				t.Errorf("error %v, want code %s", err, c.code)
			}
			if out.Len() > 0 {
				t.Errorf("%d bytes were written", out.Len())
			}
		})
	}
}
