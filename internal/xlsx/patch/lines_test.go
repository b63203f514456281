package patch

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/xf"
	"gridflow/internal/ziptest"
)

// lineStyle is the style that they get: the file has three.
const lineStyle = 3

// linesSheet has columns and rows some of which have formats.
const linesSheet = `<worksheet ` + main + `><cols><col min="1" max="4" width="12" customWidth="1" bestFit="1"/></cols><sheetData><row r="1"><c r="A1"><v>1</v></c></row><row r="3" spans="1:1"><c r="A3"><v>3</v></c></row></sheetData></worksheet>`

// formattedLines saves a book of which columns B and F:XFD and rows 3 and 5 get a format.
func formattedLines(t *testing.T) []byte {
	return first(saved(t, ziptest.Pack(t, parts(linesSheet)), Patch{
		Styles: []StyleDerivation{{Base: 0, Settings: xf.Settings{{Leaf: xf.NumberFormat, Value: "0.000"}}}},
		Sheets: []SheetPatch{{Cells: []CellPatch{{Ref: at("A3"), Keep: KeepContent}, {Ref: at("B3")}}, Layout: &LayoutPatch{
			UsualWidth: 9.140625,
			Columns:    &[]grid.ColumnSpan{{First: 0, Last: 0, Width: 12, Custom: true}, {First: 1, Last: 1, Width: 12, Custom: true, Style: lineStyle}, {First: 2, Last: 3, Width: 12, Custom: true}, {First: 5, Last: cell.MaxCols - 1, Style: lineStyle}},
			Rows:       &[]grid.RowSpan{{First: 2, Last: 2, Style: lineStyle, HasStyle: true}, {First: 4, Last: 4, Style: lineStyle, HasStyle: true}},
		}}},
	}))
}

func first[T, U any](a T, _ U) T { return a }

// TestFormatsOfLines: spans of columns are split where formats differ, and get a width where they had none; rows say
// that they have a format; other programs read both.
func TestFormatsOfLines(t *testing.T) {
	b := formattedLines(t)
	got := ziptest.Parts(t, b)["xl/worksheets/sheet1.xml"]
	for _, want := range []string{
		`<cols><col min="1" max="1" width="12" customWidth="1"/><col min="2" max="2" width="12" style="LINE" customWidth="1"/><col min="3" max="4" width="12" customWidth="1"/><col min="6" max="16384" width="9.140625" style="LINE"/></cols>`,
		`<row r="3" spans="1:2" s="LINE" customFormat="1"><c r="A3" s="0"><v>3</v></c><c r="B3" s="0"/></row><row r="5" s="LINE" customFormat="1"/>`,
	} {
		if want = strings.ReplaceAll(want, "LINE", itoa(lineStyle)); !strings.Contains(got, want) {
			t.Errorf("got\n%s\nwithout\n%s", got, want)
		}
	}
	if err := conforms([]byte(got)); err != nil {
		t.Error(err)
	}
	checkLines(t, "the saved file", b)
	f, err := excelize.OpenReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	sheet := f.GetSheetName(0)
	for col, want := range map[string]bool{"A": false, "B": true, "C": false, "E": false, "F": true, "XFD": true} {
		if is, err := f.GetColStyle(sheet, col); err != nil || (is == lineStyle) != want {
			t.Errorf("excelize reads column %s as style %d, %v", col, is, err)
		}
	}
}

// checkLines checks which places have the format.
func checkLines(t *testing.T, what string, b []byte) {
	t.Helper()
	f, err := openBytes(b)
	if err != nil {
		t.Fatal(err)
	}
	s, err := f.Sheet(t.Context(), 0, cell.MaxRows-1)
	if err != nil {
		t.Fatal(err)
	}
	for ref, want := range map[string]bool{"A1": false, "B1": true, "B2": true, "B99": true, "C9": false, "E9": false, "F9": true, "XFD1000": true, "A3": false, "B3": false, "C3": true, "A4": false, "A5": true, "E5": true} {
		if code := f.Workbook().Styles.Xfs[s.StyleAt(at(ref))].NumFmt; (code == "0.000") != want {
			t.Errorf("%s: %s has the format %s", what, ref, code)
		}
	}
}

// TestFormatsOfLinesInLibreOffice: LibreOffice reads them, and writes a file that has them.
func TestFormatsOfLinesInLibreOffice(t *testing.T) {
	soffice, err := exec.LookPath("soffice")
	if err != nil {
		t.Skip("soffice is not installed: LibreOffice is to open what was saved")
	}
	dir := t.TempDir()
	path, out := filepath.Join(dir, "lines.xlsx"), filepath.Join(dir, "out")
	if err := os.WriteFile(path, formattedLines(t), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute) // so that it does not hang for ever
	defer cancel()
	said, err := exec.CommandContext(ctx, soffice, "--headless", "-env:UserInstallation=file://"+filepath.Join(dir, "profile"), "--convert-to", "xlsx", "--outdir", out, path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	b, err := os.ReadFile(filepath.Join(out, "lines.xlsx"))
	if err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	checkLines(t, "LibreOffice's file", b)
}
