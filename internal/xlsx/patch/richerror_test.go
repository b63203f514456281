package patch

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"gridflow/internal/cell"
	"gridflow/internal/ziptest"
)

const (
	xmlHead   = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\r\n"
	rvType    = `<metadataType name="XLRICHVALUE" minSupportedVersion="120000" copy="1" pasteAll="1" pasteValues="1" merge="1" splitFirst="1" rowColShift="1" clearFormats="1" clearComments="1" assign="1" coerce="1"/>`
	rvError   = `<s t="_error"><k n="errorType" t="i"/><k n="subType" t="i"/></s>`
	richSheet = "xl/worksheets/sheet1.xml"
)

func rvBundle(i string) string {
	return `<bk><extLst><ext uri="{3e2802c4-a4d2-4d8b-9148-e3be6c30e623}"><xlrd:rvb xmlns:xlrd="http://schemas.microsoft.com/office/spreadsheetml/2017/richdata" i="` + i + `"/></ext></extLst></bk>`
}

func errorPatch(a1 string, e cell.ErrorCode) CellPatch {
	return CellPatch{Ref: at(a1), Value: cell.ErrorValue(e), HasValue: true}
}

// shows compares the values of cells of the first sheet, as "A1 #SPILL!", with what a file has.
func shows(t *testing.T, file []byte, want ...string) {
	t.Helper()
	f, err := openBytes(file)
	if err != nil {
		t.Fatal(err)
	}
	s, err := f.Sheet(context.Background(), 0, cell.MaxRows-1)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range want {
		a1, value, _ := strings.Cut(w, " ")
		if got := s.Value(at(a1)).String(); got != value {
			t.Errorf("%s is %s, want %s", a1, got, value)
		}
	}
}

// TestNewRichErrors: the first error that came after Excel 2007 brings the parts that say what it is, and
// the others of its kind use them. A dynamic array wants the same part of metadata.
func TestNewRichErrors(t *testing.T) {
	p := parts(`<worksheet ` + main + `><sheetData><row r="1"><c r="A1" t="e" vm="7"><v>#VALUE!</v></c></row></sheetData></worksheet>`)
	spill := formulaPatch("B2", dynamicFormula)
	spill.Value, spill.HasValue = cell.ErrorValue(cell.ErrSpill), true
	b, report := saved(t, ziptest.Pack(t, p), Patch{Sheets: []SheetPatch{{Cells: []CellPatch{
		errorPatch("A1", cell.ErrCalc), errorPatch("B1", cell.ErrDiv0), errorPatch("C1", cell.ErrCirc), spill, errorPatch("C2", cell.ErrCalc), errorPatch("D2", cell.ErrSpill),
	}}}})
	got := ziptest.Parts(t, b)
	for name, want := range map[string]string{
		"xl/metadata.xml": xmlHead + `<metadata xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><metadataTypes count="2">` + rvType + daType + `</metadataTypes>` +
			`<futureMetadata name="XLRICHVALUE" count="2">` + rvBundle("0") + rvBundle("1") + `</futureMetadata><futureMetadata name="XLDAPR" count="1">` + daFuture + `</futureMetadata>` +
			`<cellMetadata count="1"><bk><rc t="2" v="0"/></bk></cellMetadata><valueMetadata count="2"><bk><rc t="1" v="0"/></bk><bk><rc t="1" v="1"/></bk></valueMetadata></metadata>`,
		"xl/richData/rdrichvalue.xml":          xmlHead + `<rvData xmlns="` + richSpace + `" count="2"><rv s="0"><v>13</v><v>0</v></rv><rv s="0"><v>8</v><v>0</v></rv></rvData>`,
		"xl/richData/rdrichvaluestructure.xml": xmlHead + `<rvStructures xmlns="` + richSpace + `" count="1">` + rvError + `</rvStructures>`,
	} {
		if got[name] != want {
			t.Errorf("%s is %s\nwant %s", name, got[name], want)
		}
		if !strings.Contains(got["[Content_Types].xml"], `PartName="/`+name+`"`) || !strings.Contains(got["xl/_rels/workbook.xml.rels"], `Target="`+strings.TrimPrefix(name, "xl/")+`"`) {
			t.Errorf("the package does not know of %s", name)
		}
	}
	if s := got["xl/_rels/workbook.xml.rels"]; !strings.Contains(s, `Type="http://schemas.microsoft.com/office/2017/06/relationships/rdRichValue"`) {
		t.Errorf("the relationships are %s", s)
	}
	want := `<row r="1"><c r="A1" t="e" vm="1"><v>#VALUE!</v></c><c r="B1" t="e"><v>#DIV/0!</v></c><c r="C1" t="e"><v>#VALUE!</v></c></row>` +
		`<row r="2"><c r="B2" t="e" cm="1" vm="2"><f t="array" ref="B2">_xlfn.SEQUENCE(3)</f><v>#VALUE!</v></c><c r="C2" t="e" vm="1"><v>#VALUE!</v></c><c r="D2" t="e" vm="2"><v>#VALUE!</v></c></row>`
	if !strings.Contains(got[richSheet], want) {
		t.Errorf("the sheet is %s\nwant %s", got[richSheet], want)
	}
	if len(report.Added) != 3 {
		t.Errorf("added %v", report.Added)
	}
	values := []string{"A1 #CALC!", "B1 #DIV/0!", "C1 #VALUE!", "B2 #SPILL!", "C2 #CALC!", "D2 #SPILL!"}
	shows(t, b, values...)

	// What was added is added to. A cell that was none of the edit's keeps its error.
	again, report := saved(t, b, Patch{Sheets: []SheetPatch{{Cells: []CellPatch{errorPatch("A1", cell.ErrField), errorPatch("E5", cell.ErrSpill)}}}})
	shows(t, again, append(values[1:], "A1 #FIELD!", "E5 #SPILL!")...)
	if len(report.Added) > 0 {
		t.Errorf("the second save added %v", report.Added)
	}
	f, err := excelize.OpenReader(strings.NewReader(string(again)))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if s, err := f.GetCellValue("S", "E5"); err != nil || s != "#VALUE!" {
		t.Errorf("excelize reads %q, %v", s, err)
	}
}

// TestOldRichErrors: where a workbook has rich values, the new ones come behind them.
func TestOldRichErrors(t *testing.T) {
	p := parts(`<worksheet ` + main + `><sheetData><row r="1"><c r="A1" t="e" vm="1"><v>#VALUE!</v></c></row></sheetData></worksheet>`)
	p["xl/_rels/workbook.xml.rels"] = strings.Replace(p["xl/_rels/workbook.xml.rels"], `</Relationships>`,
		`<Relationship Id="m" Type="`+rels+`sheetMetadata" Target="m.xml"/><Relationship Id="v" Type="`+richRelations+richValues+`" Target="v.xml"/><Relationship Id="s" Type="`+richRelations+richStructures+`" Target="s.xml"/></Relationships>`, 1)
	p["xl/m.xml"] = `<metadata ` + main + `><metadataTypes count="1"><metadataType name="XLRICHVALUE"/></metadataTypes><futureMetadata name="XLRICHVALUE" count="1">` + rvBundle("1") + `</futureMetadata><valueMetadata count="1"><bk><rc t="1" v="0"/></bk></valueMetadata></metadata>`
	p["xl/v.xml"] = `<y:rvData xmlns:y="` + richSpace + `" count="2"><y:rv s="0"><y:v>x</y:v></y:rv><y:rv s="1"><y:v>12</y:v></y:rv></y:rvData>`
	p["xl/s.xml"] = `<rvStructures xmlns="` + richSpace + `" count="2"><s t="_other"><k n="errorType" t="s"/></s><s t="_error"><k n="errorType" t="i"/></s></rvStructures>`
	before := ziptest.Pack(t, p)
	shows(t, before, "A1 #FIELD!")
	b, _ := saved(t, before, Patch{Sheets: []SheetPatch{{Cells: []CellPatch{errorPatch("B1", cell.ErrBlocked)}}}})
	shows(t, b, "A1 #FIELD!", "B1 #BLOCKED!")
	got := ziptest.Parts(t, b)
	for name, want := range map[string]string{
		"xl/v.xml": `<y:rvData xmlns:y="` + richSpace + `" count="3"><y:rv s="0"><y:v>x</y:v></y:rv><y:rv s="1"><y:v>12</y:v></y:rv><y:rv s="2"><y:v>10</y:v><y:v>0</y:v></y:rv></y:rvData>`,
		"xl/s.xml": strings.NewReplacer(`count="2"`, `count="3"`, `</rvStructures>`, rvError+`</rvStructures>`).Replace(p["xl/s.xml"]),
		"xl/m.xml": strings.NewReplacer(`XLRICHVALUE" count="1"`, `XLRICHVALUE" count="2"`, `</futureMetadata><valueMetadata count="1">`, rvBundle("2")+`</futureMetadata><valueMetadata count="2">`, `</valueMetadata>`, `<bk><rc t="1" v="1"/></bk></valueMetadata>`).Replace(p["xl/m.xml"]),
	} {
		if got[name] != want {
			t.Errorf("%s is %s\nwant %s", name, got[name], want)
		}
	}
}

// TestCorpusRichErrors adds errors to the workbooks of Excel that have rich values, which keep theirs.
func TestCorpusRichErrors(t *testing.T) {
	n := 0
	for _, path := range books(t) {
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		f, err := openBytes(before)
		if err != nil || f.Related(richValues) == nil {
			continue
		}
		n++
		b, report := saved(t, before, Patch{Sheets: []SheetPatch{{Cells: []CellPatch{errorPatch("XFC1", cell.ErrSpill), errorPatch("XFD1", cell.ErrCalc)}}}})
		shows(t, b, "XFC1 #SPILL!", "XFD1 #CALC!")
		if f.Related(richStructures) != nil && len(report.Added) > 0 {
			t.Errorf("%s: added %v", path, report.Added)
		}
	}
	if n < 2 {
		t.Errorf("only %d workbooks of the corpus have rich values", n)
	}
}
