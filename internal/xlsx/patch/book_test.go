package patch

import (
	"strings"
	"testing"
	"unicode/utf16"

	"gridflow/internal/cell"
	"gridflow/internal/xf"
	"gridflow/internal/ziptest"
)

const oneCell = `<worksheet ` + main + `><sheetData><row r="1"><c r="A1"><v>1</v></c><c r="B1"><f>A1</f><v>1</v></c></row></sheetData></worksheet>`

// TestCalcChain: it goes when a formula comes or goes, with what names it, and stays else.
func TestCalcChain(t *testing.T) {
	for _, c := range []struct {
		name string
		cell CellPatch
		goes bool
	}{
		{"a value", number("A1", 2), false},
		{"a formula that is another", CellPatch{Ref: at("B1"), HasFormula: true, Formula: "A1*2"}, false},
		{"a formula's value", CellPatch{Ref: at("B1"), Keep: KeepFormula, HasValue: true, Value: cell.NumberValue(7)}, false},
		{"a formula's style", CellPatch{Ref: at("B1"), Keep: KeepContent, Style: 1}, false},
		{"a formula goes", number("B1", 2), true},
		{"a formula's cell goes", gone("B1"), true},
		{"a value becomes a formula", CellPatch{Ref: at("A1"), HasFormula: true, Formula: "1"}, true},
		{"a new formula", CellPatch{Ref: at("C1"), HasFormula: true, Formula: "1"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := parts(oneCell)
			b, report := saved(t, ziptest.Pack(t, before), Patch{Sheets: []SheetPatch{{Cells: []CellPatch{c.cell}}}})
			after := ziptest.Parts(t, b)
			_, there := after["xl/calcChain.xml"]
			if there == c.goes || (len(report.Dropped) == 1) != c.goes {
				t.Fatalf("it is there: %v; dropped %v", there, report.Dropped)
			}
			for _, name := range []string{"[Content_Types].xml", "xl/_rels/workbook.xml.rels"} {
				want := before[name]
				if c.goes {
					i := strings.Index(want, "calcChain")
					i, j := strings.LastIndex(want[:i], "<"), i+strings.Index(want[i:], ">")+1
					want = want[:i] + want[j:]
				}
				if after[name] != want {
					t.Errorf("%s:\n got %s\nwant %s", name, after[name], want)
				}
			}
		})
	}
}

func TestRecalcOnLoad(t *testing.T) {
	for _, c := range []struct{ from, to string }{
		{`<sheets/>`, `<sheets/><calcPr fullCalcOnLoad="1"/>`},
		{`<sheets/><functionGroups/><definedNames><definedName name="calcPr">1</definedName></definedNames><oleSize/>`,
			`<sheets/><functionGroups/><definedNames><definedName name="calcPr">1</definedName></definedNames><calcPr fullCalcOnLoad="1"/><oleSize/>`},
		{`<sheets/><calcPr calcId="191029" />`, `<sheets/><calcPr calcId="191029" fullCalcOnLoad="1" />`},
		{`<sheets/><calcPr fullCalcOnLoad='0' calcId="1"></calcPr>`, `<sheets/><calcPr fullCalcOnLoad='1' calcId="1"></calcPr>`},
		{`<sheets/><calcPr fullCalcOnLoad="true"/>`, `<sheets/><calcPr fullCalcOnLoad="true"/>`},
	} {
		for _, prefix := range []string{"", "x:"} {
			spell := func(s string) string {
				s = strings.ReplaceAll(s, "<sheets/>", `<sheets><sheet name="S" sheetId="1" r:id="rId1"/></sheets>`)
				doc := `<workbook ` + main + `>` + s + `</workbook>`
				if prefix != "" {
					doc = strings.ReplaceAll(strings.ReplaceAll(doc, "</", "\x00"), "<", "<x:")
					doc = strings.ReplaceAll(strings.Replace(doc, `xmlns="`, `xmlns:x="`, 1), "\x00", "</x:")
				}
				return doc
			}
			p := parts(oneCell)
			p["xl/workbook.xml"] = spell(c.from)
			b, _ := saved(t, ziptest.Pack(t, p), Patch{RecalcOnLoad: true})
			if got := ziptest.Parts(t, b)["xl/workbook.xml"]; got != spell(c.to) {
				t.Errorf("got %s\nwant %s", got, spell(c.to))
			}
		}
	}
}

// coded are the settings of a number format.
func coded(code string) xf.Settings {
	return xf.Settings{{Leaf: xf.NumberFormat, Value: code}}
}

func TestStyles(t *testing.T) {
	const cellXfs = `<cellXfs count="2"><xf numFmtId="14"/><xf numFmtId="0" applyNumberFormat='0' x="1"><alignment/></xf></cellXfs>`
	for _, c := range []struct {
		name     string
		from, to string
		add      []StyleDerivation
	}{
		{"built in", cellXfs, `<cellXfs count="3"><xf numFmtId="14"/><xf numFmtId="0" applyNumberFormat='0' x="1"><alignment/></xf><xf numFmtId="10" applyNumberFormat='1' x="1"><alignment/></xf></cellXfs>`,
			[]StyleDerivation{{1, coded("0.00%")}}},
		{"new", cellXfs, `<numFmts count="2"><numFmt numFmtId="164" formatCode="&quot;a&amp;&quot;0"/><numFmt numFmtId="165" formatCode="m/d/yyyy"/></numFmts>` +
			`<cellXfs count="5"><xf numFmtId="14"/><xf numFmtId="0" applyNumberFormat='0' x="1"><alignment/></xf>` +
			`<xf numFmtId="164" applyNumberFormat="1"/><xf numFmtId="165" applyNumberFormat="1"/><xf numFmtId="164" applyNumberFormat='1' x="1"><alignment/></xf></cellXfs>`,
			[]StyleDerivation{{0, coded(`"a&"0`)}, {0, coded("m/d/yyyy")}, {1, coded(`"a&"0`)}}},
		{"there", `<numFmts count="9"><numFmt formatCode="&quot;x&quot;" numFmtId="170"/><numFmt formatCode="0.0" numFmtId="10"/></numFmts>` + cellXfs,
			`<numFmts count="3"><numFmt formatCode="&quot;x&quot;" numFmtId="170"/><numFmt formatCode="0.0" numFmtId="10"/><numFmt numFmtId="171" formatCode="0.00%"/></numFmts>` +
				`<cellXfs count="4"><xf numFmtId="14"/><xf numFmtId="0" applyNumberFormat='0' x="1"><alignment/></xf><xf numFmtId="170" applyNumberFormat="1"/><xf numFmtId="171" applyNumberFormat="1"/></cellXfs>`,
			[]StyleDerivation{{0, coded(`"x"`)}, {0, coded("0.00%")}}},
		{"an empty list", `<numFmts count="0"/>` + cellXfs, `<numFmts count="1"><numFmt numFmtId="164" formatCode="0.0"/></numFmts>` +
			`<cellXfs count="3"><xf numFmtId="14"/><xf numFmtId="0" applyNumberFormat='0' x="1"><alignment/></xf><xf numFmtId="164" applyNumberFormat="1"/></cellXfs>`,
			[]StyleDerivation{{0, coded("0.0")}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			spell := func(s string) string {
				return `<styleSheet ` + main + `>` + s + `<dxfs count="1"><dxf><numFmt numFmtId="200" formatCode="0.0"/></dxf></dxfs></styleSheet>`
			}
			p := parts(oneCell)
			p["xl/styles.xml"] = spell(c.from)
			b, _ := saved(t, ziptest.Pack(t, p), Patch{Styles: c.add, Sheets: []SheetPatch{{Cells: []CellPatch{{Ref: at("A1"), Keep: KeepContent, Style: 2}}}}})
			if got := ziptest.Parts(t, b)["xl/styles.xml"]; got != spell(c.to) {
				t.Errorf("got %s\nwant %s", got, spell(c.to))
			}
			f, err := openBytes(b)
			if err != nil {
				t.Fatal(err)
			}
			for i, d := range c.add {
				if got := f.Workbook().Styles.Xfs[2+i].NumFmt; got != d.Settings[0].Value {
					t.Errorf("style %d has the number format %q, want %q", 2+i, got, d.Settings[0].Value)
				}
			}
		})
	}
}

// TestEncodings: a part in UTF-16 becomes one in UTF-8 when it is changed; a byte order mark
// stays.
func TestEncodings(t *testing.T) {
	head := `<?xml version="1.0" encoding="UTF-16" standalone="yes"?>`
	var wide []byte
	for _, u := range utf16.Encode([]rune("\uFEFF" + head + strings.Replace(oneCell, "<v>1", "<v>1", 1))) {
		wide = append(wide, byte(u), byte(u>>8))
	}
	p := parts(string(wide))
	b, _ := saved(t, ziptest.Pack(t, p), Patch{Sheets: []SheetPatch{{Cells: []CellPatch{text("A1", "é")}}}})
	want := strings.Replace(head, "UTF-16", "UTF-8", 1) + strings.Replace(oneCell, `<c r="A1"><v>1</v></c>`, `<c r="A1" t="inlineStr"><is><t>é</t></is></c>`, 1)
	if got := ziptest.Parts(t, b)["xl/worksheets/sheet1.xml"]; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	b, _ = saved(t, ziptest.Pack(t, parts("\uFEFF"+oneCell)), Patch{Sheets: []SheetPatch{{Cells: []CellPatch{number("A1", 5)}}}})
	if got := ziptest.Parts(t, b)["xl/worksheets/sheet1.xml"]; got != "\uFEFF"+strings.Replace(oneCell, "<v>1", "<v>5", 1) {
		t.Errorf("got %s", got)
	}
}

// TestTableHeader: a column is called what its header says, or the user is warned.
func TestTableHeader(t *testing.T) {
	p := parts(strings.Replace(oneCell, "</worksheet>", `<tableParts count="1"><tablePart r:id="rId1"/></tableParts></worksheet>`, 1))
	p["xl/worksheets/_rels/sheet1.xml.rels"] = `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="` + rels + `table" Target="../tables/table1.xml"/></Relationships>`
	const table = `<table ` + main + ` id="1" name="T" displayName="T" ref="A1:B2"><tableColumns count="2"><tableColumn id="1" name="a"/><tableColumn id="2" name="b"><x name="b"/></tableColumn></tableColumns></table>`
	p["xl/tables/table1.xml"] = table
	b, report := saved(t, ziptest.Pack(t, p), Patch{Sheets: []SheetPatch{{Cells: []CellPatch{number("A1", 1), text("B1", `c"&`+"\n"), text("B2", "d")}}}})
	if got, want := ziptest.Parts(t, b)["xl/tables/table1.xml"], strings.Replace(table, `id="2" name="b"`, `id="2" name="c&quot;&amp;_x000A_"`, 1); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if len(report.Warnings) != 2 || report.Warnings[1].Code != "TABLE_COLUMN" || report.Warnings[0].Code != "TABLE_HEADER" || !strings.Contains(report.Warnings[0].Message, "A1") {
		t.Errorf("warnings %v", report.Warnings)
	}
	_, report = saved(t, ziptest.Pack(t, p), Patch{Sheets: []SheetPatch{{Cells: []CellPatch{text("B1", "A")}}}})
	if len(report.Warnings) != 2 || report.Warnings[0].Code != "TABLE_COLUMN" || report.Warnings[1].Code != "TABLE_HEADER" || !strings.Contains(report.Warnings[1].Message, "A1 and B1") {
		t.Errorf("warnings %v of two columns called alike", report.Warnings)
	}
	_, report = saved(t, ziptest.Pack(t, p), Patch{Sheets: []SheetPatch{{Cells: []CellPatch{text("A1", "B"), text("B1", "A")}}}})
	if len(report.Warnings) != 2 || report.Warnings[0].Code != "TABLE_COLUMN" || report.Warnings[1].Code != "TABLE_COLUMN" {
		t.Errorf("warnings %v of columns that change their names", report.Warnings)
	}
}

func TestSignature(t *testing.T) {
	p := parts(oneCell)
	p["_xmlsignatures/sig1.xml"] = "<Signature/>"
	_, report := saved(t, ziptest.Pack(t, p), Patch{Sheets: []SheetPatch{{Cells: []CellPatch{number("A1", 1)}}}})
	if len(report.Warnings) != 1 || report.Warnings[0].Code != "SIGNATURE_INVALID" {
		t.Errorf("warnings %v", report.Warnings)
	}
	if _, report = saved(t, ziptest.Pack(t, p), Patch{}); len(report.Warnings) > 0 {
		t.Errorf("warnings %v for the same file", report.Warnings)
	}
}
