package patch

import (
	"encoding/csv"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gridflow/internal/cell"
	"gridflow/internal/ziptest"
)

// TestLibreOfficeFormulas has LibreOffice open what was saved and compares what it computes.
func TestLibreOfficeFormulas(t *testing.T) {
	soffice, err := exec.LookPath("soffice")
	if err != nil {
		t.Skip("soffice is not installed: LibreOffice is to open what was saved")
	}
	p := parts(`<worksheet ` + main + `><dimension ref="A1:A3"/><sheetData><row r="1"><c r="A1"><v>5</v></c></row><row r="2"><c r="A2"><v>6</v></c></row><row r="3"><c r="A3"><v>7</v></c></row></sheetData></worksheet>`)
	b, _ := saved(t, ziptest.Pack(t, p), Patch{RecalcOnLoad: true, Sheets: []SheetPatch{{Cells: []CellPatch{
		formulaPatch("B1", "TRANSPOSE(A1:A3)"), // a dynamic array, of which LibreOffice takes what fits in its range
		formulaPatch("C1", "SUM(A1:A3)"),
		formulaPatch("D1", "_xlfn.CONCAT(A1:A3)"),
		text("A2", " a<b\n"),
		{Ref: at("B2"), Value: cell.BoolValue(true)},
		{Ref: at("B3"), Value: cell.ErrorValue(cell.ErrNA)},
	}}}})
	dir := t.TempDir()
	file := filepath.Join(dir, "book.xlsx")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), soffice, "--headless", "-env:UserInstallation=file://"+filepath.ToSlash(dir)+"/profile", "--convert-to", "csv", "--outdir", dir, file)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	out, err := os.ReadFile(filepath.Join(dir, "book.csv"))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(string(out))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{{"5", "5", "12", "5 a<b\n7"}, {" a<b\n", "TRUE", "", ""}, {"7", "#N/A", "", ""}}
	for i := range want {
		for k := range want[i] {
			if i >= len(rows) || k >= len(rows[i]) || rows[i][k] != want[i][k] {
				t.Fatalf("LibreOffice shows %q, want %q", rows, want)
			}
		}
	}
}
