package patch

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/grid"
	"gridflow/internal/ziptest"
)

const (
	// What Excel writes, as far as gridflow does.
	daType   = `<metadataType name="XLDAPR" minSupportedVersion="120000" copy="1" pasteAll="1" pasteValues="1" merge="1" splitFirst="1" rowColShift="1" clearFormats="1" clearComments="1" assign="1" coerce="1" cellMeta="1"/>`
	daFuture = `<bk><extLst><ext uri="{bdbb8cdc-fa1e-496e-a857-3c3f30c029c3}"><xda:dynamicArrayProperties xmlns:xda="http://schemas.microsoft.com/office/spreadsheetml/2017/dynamicarray" fDynamic="1" fCollapsed="0"/></ext></extLst></bk>`
	daAll    = `<metadataTypes count="1">` + daType + `</metadataTypes><futureMetadata name="XLDAPR" count="1">` + daFuture + `</futureMetadata><cellMetadata count="1"><bk><rc t="1" v="0"/></bk></cellMetadata>`

	dynamicFormula = "_xlfn.SEQUENCE(3)"
)

func formulaPatch(a1, f string) CellPatch {
	return CellPatch{Ref: at(a1), HasFormula: true, Formula: f}
}

// kindOf gives what the reader makes of a cell's formula.
func kindOf(t testing.TB, file []byte, a1 string) grid.Formula {
	t.Helper()
	f, err := openBytes(file)
	if err != nil {
		t.Fatal(err)
	}
	s, err := f.Sheet(context.Background(), 0, cell.MaxRows-1)
	if err != nil {
		t.Fatal(err)
	}
	c, _ := s.At(at(a1))
	return s.Formula(c)
}

// TestNewMetadata: the first dynamic array of a workbook brings a part with it, which the
// package knows of.
func TestNewMetadata(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func(parts map[string]string)
		file string
		id   string
	}{
		{"a workbook", func(map[string]string) {}, "xl/metadata.xml", "rId5"},
		{"a part of that name", func(p map[string]string) { p["xl/metadata.xml"] = "<x/>" }, "xl/metadata1.xml", "rId5"},
		{"a taken id", func(p map[string]string) {
			p["xl/_rels/workbook.xml.rels"] = strings.Replace(p["xl/_rels/workbook.xml.rels"], "rId4", "rId5", 1)
		}, "xl/metadata.xml", "rId6"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := parts(`<worksheet ` + main + `><sheetData><row r="1"><c r="A1"><v>1</v></c></row></sheetData></worksheet>`)
			c.edit(p)
			b, report := saved(t, ziptest.Pack(t, p), Patch{RecalcOnLoad: true, Sheets: []SheetPatch{{Cells: []CellPatch{formulaPatch("B2", dynamicFormula), formulaPatch("C2", "_xlfn._xlws.SORT(A1:A3)"), formulaPatch("D2", "SUM(A1:A3)")}}}})
			got := ziptest.Parts(t, b)
			want := "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\r\n" + `<metadata xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">` + daAll + `</metadata>`
			if got[c.file] != want {
				t.Errorf("%s is %s\nwant %s", c.file, got[c.file], want)
			}
			if len(report.Added) != 1 || report.Added[0] != c.file {
				t.Errorf("added %v", report.Added)
			}
			if s := `<row r="2"><c r="B2" cm="1"><f t="array" ref="B2">_xlfn.SEQUENCE(3)</f></c><c r="C2" cm="1"><f t="array" ref="C2">_xlfn._xlws.SORT(A1:A3)</f></c><c r="D2"><f>SUM(A1:A3)</f></c></row>`; !strings.Contains(got["xl/worksheets/sheet1.xml"], s) {
				t.Errorf("the sheet is %s", got["xl/worksheets/sheet1.xml"])
			}
			// The calculation chain goes out of the same two parts.
			if s := got["[Content_Types].xml"]; !strings.Contains(s, `<Override PartName="/`+c.file+`" ContentType="`+metadataType+`"/></Types>`) || strings.Contains(s, "calcChain") {
				t.Errorf("the content types are %s", s)
			}
			if s := got["xl/_rels/workbook.xml.rels"]; !strings.Contains(s, `<Relationship Id="`+c.id+`" Type="`+rels+`sheetMetadata" Target="`+strings.TrimPrefix(c.file, "xl/")+`"/></Relationships>`) || strings.Contains(s, "calcChain") {
				t.Errorf("the relationships are %s", s)
			}
			for a1, kind := range map[string]grid.FormulaKind{"B2": grid.DynamicArray, "C2": grid.DynamicArray, "D2": grid.NormalFormula} {
				if f := kindOf(t, b, a1); f.Kind != kind || kind == grid.DynamicArray && f.Range != (cell.Range{First: at(a1), Last: at(a1)}) {
					t.Errorf("%s reads as %+v", a1, f)
				}
			}
			// What was added is found when more is added.
			again, report := saved(t, b, Patch{Sheets: []SheetPatch{{Cells: []CellPatch{formulaPatch("A5", dynamicFormula)}}}})
			if len(report.Added) > 0 || ziptest.Parts(t, again)[c.file] != want || kindOf(t, again, "A5").Kind != grid.DynamicArray {
				t.Errorf("the second save added %v", report.Added)
			}
			f, err := excelize.OpenReader(strings.NewReader(string(b)))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if s, err := f.GetCellFormula("S", "B2"); err != nil || s != dynamicFormula {
				t.Errorf("excelize reads %q, %v", s, err)
			}
		})
	}
}

// TestOldMetadata: what a workbook has is used, and what is missing is put where the schema
// has it.
func TestOldMetadata(t *testing.T) {
	const (
		other       = `<metadataType name="XLRICHVALUE"/>`
		otherFuture = `<futureMetadata name="XLRICHVALUE" count="1"><bk/></futureMetadata>`
		values      = `<valueMetadata count="1"><bk><rc t="1" v="0"/></bk></valueMetadata>`
	)
	for _, c := range []struct {
		name, from, to string
		cm             string
	}{
		{"all of it", daAll, daAll, "1"},
		{"nothing", ``, daAll, "1"},
		{"rich values only", `<metadataTypes count="1">` + other + `</metadataTypes><metadataStrings count="0"/>` + otherFuture + values,
			`<metadataTypes count="2">` + other + daType + `</metadataTypes><metadataStrings count="0"/>` + otherFuture + `<futureMetadata name="XLDAPR" count="1">` + daFuture + `</futureMetadata><cellMetadata count="1"><bk><rc t="2" v="0"/></bk></cellMetadata>` + values, "1"},
		{"an array that is collapsed", strings.Replace(daAll, `fCollapsed="0"`, `fCollapsed="1"`, 1),
			`<metadataTypes count="1">` + daType + `</metadataTypes><futureMetadata name="XLDAPR" count="2">` + strings.Replace(daFuture, `fCollapsed="0"`, `fCollapsed="1"`, 1) + daFuture + `</futureMetadata><cellMetadata count="2"><bk><rc t="1" v="0"/></bk><bk><rc t="1" v="1"/></bk></cellMetadata>`, "2"},
		{"the second", strings.NewReplacer(`<cellMetadata count="1">`, `<cellMetadata count="2"><bk><rc t="1" v="0"/><rc t="9" v="9"/></bk>`).Replace(daAll),
			strings.NewReplacer(`<cellMetadata count="1">`, `<cellMetadata count="2"><bk><rc t="1" v="0"/><rc t="9" v="9"/></bk>`).Replace(daAll), "2"},
		{"empty lists", `<metadataTypes count="0" /><cellMetadata/>`,
			`<metadataTypes count="1">` + daType + `</metadataTypes><futureMetadata name="XLDAPR" count="1">` + daFuture + `</futureMetadata><cellMetadata count="1"><bk><rc t="1" v="0"/></bk></cellMetadata>`, "1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := parts(`<worksheet ` + main + `><sheetData/></worksheet>`)
			p["xl/m.xml"] = `<metadata ` + main + `>` + c.from + `</metadata>`
			if c.from == "" {
				p["xl/m.xml"] = `<metadata ` + main + `/>`
			}
			p["xl/_rels/workbook.xml.rels"] = strings.Replace(p["xl/_rels/workbook.xml.rels"], `</Relationships>`, `<Relationship Id="m" Type="`+rels+`sheetMetadata" Target="m.xml"/></Relationships>`, 1)
			b, report := saved(t, ziptest.Pack(t, p), Patch{Sheets: []SheetPatch{{Cells: []CellPatch{formulaPatch("A1", dynamicFormula)}}}})
			got := ziptest.Parts(t, b)
			if want := `<metadata ` + main + `>` + c.to + `</metadata>`; got["xl/m.xml"] != want {
				t.Errorf("got  %s\nwant %s", got["xl/m.xml"], want)
			}
			if want := `<c r="A1" cm="` + c.cm + `"><f t="array" ref="A1">`; !strings.Contains(got["xl/worksheets/sheet1.xml"], want) {
				t.Errorf("the sheet is %s, want %s", got["xl/worksheets/sheet1.xml"], want)
			}
			if len(report.Added) > 0 {
				t.Errorf("added %v", report.Added)
			}
		})
	}
}

// TestCalculationChain: it says which formulas are arrays, and goes where that changes.
func TestCalculationChain(t *testing.T) {
	for _, c := range []struct {
		name, from string
		to         CellPatch
		stays      bool
	}{
		{"another formula", `<f>1</f>`, formulaPatch("A1", "2"), true},
		{"an array instead", `<f>1</f>`, formulaPatch("A1", dynamicFormula), false},
		{"no array any more", `<f t="array" ref="A1">1</f>`, formulaPatch("A1", "2"), false},
		{"its value", `<f t="array" ref="A1">1</f>`, CellPatch{Ref: at("A1"), Keep: KeepFormula, HasValue: true, Value: cell.NumberValue(2)}, true},
	} {
		p := parts(`<worksheet ` + main + `><sheetData><row r="1"><c r="A1">` + c.from + `<v>1</v></c></row></sheetData></worksheet>`)
		b, _ := saved(t, ziptest.Pack(t, p), Patch{Sheets: []SheetPatch{{Cells: []CellPatch{c.to}}}})
		if _, there := ziptest.Parts(t, b)["xl/calcChain.xml"]; there != c.stays {
			t.Errorf("%s: the calculation chain is there: %v", c.name, there)
		}
	}
}

// TestCorpusDynamic compares Spills with the workbooks of Excel 365, which marks the formulas
// that give arrays: none without the mark may count as one. Each of these workbooks gets
// another dynamic array, for which its own metadata serves.
func TestCorpusDynamic(t *testing.T) {
	t.Parallel()
	marked, surely := 0, 0
	for _, path := range books(t) {
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		f, err := openBytes(before)
		if err != nil {
			continue
		}
		had := f.Related(metadataKind)
		dynamic := had != nil && strings.Contains(string(readPart(t, f, had.Name)), dynamicName)
		for i := range f.Workbook().Sheets {
			s, err := f.Sheet(context.Background(), i, cell.MaxRows-1)
			if err != nil {
				continue
			}
			for c := range s.Cells(cell.WholeSheet) {
				if !c.HasFormula() {
					continue
				}
				x := s.Formula(c)
				tree, err := formula.Parse(x.Text)
				if err != nil {
					continue
				}
				spills := tree.Spills()
				switch x.Kind {
				case grid.DynamicArray:
					marked++
					if spills {
						surely++
					}
				case grid.NormalFormula, grid.SharedFormula:
					if spills && dynamic { // others may be older than dynamic arrays
						t.Errorf("%s, %v: %s is no dynamic array", path, c.Ref, x.Text)
					}
				}
			}
		}
		if had == nil {
			continue
		}
		b, report := saved(t, before, Patch{Sheets: []SheetPatch{{Cells: []CellPatch{formulaPatch("XFD1", dynamicFormula)}}}})
		if kindOf(t, b, "XFD1").Kind != grid.DynamicArray || len(report.Added) > 0 {
			t.Errorf("%s: added %v, the formula reads as %+v", path, report.Added, kindOf(t, b, "XFD1"))
		}
		if after := ziptest.Parts(t, b)[had.Name]; dynamic && after != string(readPart(t, f, had.Name)) {
			t.Errorf("%s: its metadata became %s", path, after)
		}
	}
	if surely < 50 {
		t.Errorf("of %d dynamic arrays only %d are known as such", marked, surely)
	}
	t.Logf("of %d dynamic arrays %d are known as such", marked, surely)
}
