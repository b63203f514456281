package xlsx

import (
	"context"
	"strings"
	"testing"

	"gridflow/internal/cell"
)

// richParts are what Excel writes for errors that came after Excel 2007, cut down to what is read.
func richParts(sheet string) map[string]string {
	p := smallBook()
	p["xl/worksheets/sheet1.xml"] = `<worksheet ` + mainNS + `><sheetData>` + sheet + `</sheetData></worksheet>`
	p["xl/_rels/workbook.xml.rels"] = strings.Replace(p["xl/_rels/workbook.xml.rels"], `</Relationships>`, rel("rId20", "sheetMetadata", "metadata.xml")+
		`<Relationship Id="rId21" Type="http://schemas.microsoft.com/office/2017/06/relationships/rdRichValue" Target="richData/rdrichvalue.xml"/>`+
		`<Relationship Id="rId22" Type="http://schemas.microsoft.com/office/2017/06/relationships/rdRichValueStructure" Target="richData/rdrichvaluestructure.xml"/></Relationships>`, 1)
	rvb := func(i string) string {
		return `<bk><extLst><ext uri="{3e2802c4-a4d2-4d8b-9148-e3be6c30e623}"><xlrd:rvb i="` + i + `"/></ext></extLst></bk>`
	}
	p["xl/metadata.xml"] = `<metadata ` + mainNS + ` xmlns:xlrd="http://schemas.microsoft.com/office/spreadsheetml/2017/richdata" xmlns:xda="http://schemas.microsoft.com/office/spreadsheetml/2017/dynamicarray">` +
		`<metadataTypes count="2"><metadataType name="XLDAPR"/><metadataType name="XLRICHVALUE"/></metadataTypes>` +
		`<futureMetadata name="XLDAPR" count="1"><bk><extLst><ext uri="{bdbb8cdc-fa1e-496e-a857-3c3f30c029c3}"><xda:dynamicArrayProperties fDynamic="1"/></ext></extLst></bk></futureMetadata>` +
		`<futureMetadata name="XLRICHVALUE" count="5">` + rvb("3") + rvb("1") + rvb("0") + rvb("2") + rvb("77") + `</futureMetadata>` +
		`<cellMetadata count="1"><bk><rc t="1" v="0"/></bk></cellMetadata>` +
		`<valueMetadata count="7"><bk><rc t="2" v="0"/></bk><bk><rc t="2" v="1"/></bk><bk><rc t="2" v="2"/></bk><bk><rc t="2" v="3"/></bk><bk><rc t="1" v="0"/></bk><bk><rc t="2" v="4"/></bk><bk><rc t="2" v="9"/></bk></valueMetadata></metadata>`
	p["xl/richData/rdrichvalue.xml"] = `<rvData xmlns="http://schemas.microsoft.com/office/spreadsheetml/2017/richdata" count="4">` +
		`<rv s="0"><v>8</v><v>Canada</v></rv><rv s="1"><v>4</v><v>13</v><v>0</v></rv><rv s="2"><v>12</v></rv><rv s="2"><v>8</v></rv></rvData>`
	p["xl/richData/rdrichvaluestructure.xml"] = `<rvStructures xmlns="http://schemas.microsoft.com/office/spreadsheetml/2017/richdata" count="3">` +
		`<s t="_linkedentity2"><k n="errorType" t="i"/><k n="_DisplayString" t="s"/></s><s t="_error"><k n="colOffset" t="i"/><k n="errorType" t="i"/><k n="rwOffset" t="i"/></s><s t="_error"><k n="errorType" t="i"/></s></rvStructures>`
	return p
}

const richSheet = `<row r="1"><c r="A1" t="e" vm="1"><v>#VALUE!</v></c><c r="B1" t="e" vm="2"><v>#VALUE!</v></c><c r="C1" t="e" vm="3"><v>#VALUE!</v></c><c r="D1" t="e" vm="4"><v>#VALUE!</v></c>` +
	`<c r="E1" t="e" vm="5"><v>#VALUE!</v></c><c r="F1" t="e" vm="6"><v>#VALUE!</v></c><c r="G1" t="e" vm="7"><v>#VALUE!</v></c><c r="H1" t="e" vm="8"><v>#VALUE!</v></c><c r="I1" t="e" vm="0"><v>#VALUE!</v></c>` +
	`<c r="J1" t="e" cm="1" vm="1"><f t="array" ref="J1">_xlfn.UNIQUE(A1:A9)</f><v>#VALUE!</v></c><c r="K1" t="e" vm="1"><v>#REF!</v></c><c r="L1" t="s" vm="1"><v>0</v></c><c r="M1" t="e"><v>#VALUE!</v></c></row>`

// readRich gives the errors of the first row.
func readRich(t *testing.T, parts map[string]string) string {
	t.Helper()
	b := pack(parts).bytes()
	f, err := Open(t.Context(), strings.NewReader(string(b)), int64(len(b)), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := f.Sheet(context.Background(), 0, cell.MaxRows-1)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for col := range 13 {
		list = append(list, s.Value(cell.Ref{Col: col}).String())
	}
	return strings.Join(list, " ")
}

func TestRichErrors(t *testing.T) {
	// vm 1 #SPILL!, 2 #CALC! (its errorType is the second key), 3 a country, 4 #FIELD!, 5 metadata of
	// another type, 6 and 7 lead nowhere, 8 and 0 are none; an error of Excel 2007 is as it stands.
	if got, want := readRich(t, richParts(richSheet)), "#SPILL! #CALC! #VALUE! #FIELD! #VALUE! #VALUE! #VALUE! #VALUE! #VALUE! #SPILL! #REF! x #VALUE!"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	plain := strings.Repeat("#VALUE! ", 10) + "#REF! x #VALUE!"
	for _, part := range []string{"xl/metadata.xml", "xl/richData/rdrichvalue.xml", "xl/richData/rdrichvaluestructure.xml"} {
		for name, damage := range map[string]func(string) string{
			"missing":  func(string) string { return "" },
			"cut off":  func(s string) string { return s[:len(s)/2] },
			"not XML":  func(string) string { return "<<" },
			"no words": func(string) string { return "<a/>" },
		} {
			p := richParts(richSheet)
			if p[part] = damage(p[part]); p[part] == "" {
				delete(p, part)
			}
			if got := readRich(t, p); got != plain {
				t.Errorf("%s is %s: got %s", part, name, got)
			}
		}
	}
}
