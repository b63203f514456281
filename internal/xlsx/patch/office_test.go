package patch

import (
	"context"
	"encoding/csv"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"gridflow/internal/ziptest"
)

// TestLibreOffice has LibreOffice open what was saved and write its cells down.
func TestLibreOffice(t *testing.T) {
	soffice, err := exec.LookPath("soffice")
	if err != nil {
		t.Skip("soffice is not installed: LibreOffice is to open what was saved")
	}
	dir := t.TempDir()
	for name, before := range map[string][]byte{"small": ziptest.Pack(t, parts(oneCell)), "large": large(t, "W1", 0.13)} {
		edits := []CellPatch{number("A1", 12.5), text("C1", " a <&> b"), {Ref: at("D1"), HasFormula: true, Formula: "A1*2"}, number("B3", -3)}
		b, _ := saved(t, before, Patch{Sheets: []SheetPatch{{Cells: edits}}, RecalcOnLoad: true})
		path := filepath.Join(dir, name+".xlsx")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute) // so that it does not hang for ever
		cmd := exec.CommandContext(ctx, soffice, "--headless", "-env:UserInstallation=file://"+filepath.Join(dir, "profile"), "--convert-to", "csv", "--outdir", dir, path)
		out, err := cmd.CombinedOutput()
		cancel()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		f, err := os.Open(filepath.Join(dir, name+".csv"))
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		defer f.Close()
		r := csv.NewReader(f)
		r.FieldsPerRecord = -1
		rows, err := r.ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		if len(rows) < 3 || rows[0][0] != "12.5" || rows[0][2] != " a <&> b" || rows[0][3] != "25" || rows[2][1] != "-3" {
			t.Errorf("%s: LibreOffice sees %q", name, rows[:min(3, len(rows))])
		}
	}
}
