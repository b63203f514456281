package calc

import (
	"bytes"
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gridflow/internal/calc/plain"
	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/xlsx/write"
)

var oracle = flag.Bool("oracle", false, "compare with LibreOffice what the tables of functions hold")

// TestOracle has LibreOffice calculate the formulas of testdata/functions that read no cells and
// lists where it gives another value. It is no judge: it fails only where nothing could be compared or
// fewer than three quarters agree, as would be where one of both sides is broken.
func TestOracle(t *testing.T) {
	if !*oracle {
		t.Skip("make oracle runs it")
	}
	soffice, err := exec.LookPath("soffice")
	if err != nil {
		t.Skip("soffice is not installed: LibreOffice is to calculate the same formulas")
	}
	formulas := freeFormulas(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "formulas.xlsx")
	if err := os.WriteFile(file, formulasBook(t, formulas), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, soffice, "--headless", "-env:UserInstallation=file://"+filepath.ToSlash(dir)+"/profile",
		"--convert-to", "xlsx:Calc MS Excel 2007 XML", "--outdir", filepath.Join(dir, "out"), file)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	in, problem := openInput(t, filepath.Join(dir, "out", "formulas.xlsx"))
	if problem != "" {
		t.Fatal(problem)
	}
	agrees, unknown := 0, 0
	book := plain.New("F")
	for i, text := range formulas {
		theirs := in.Sheets[0].Value(cell.Ref{Row: i})
		if theirs.Err() == cell.ErrName {
			unknown++
			continue
		}
		v, err := book.Ask(0, cell.Ref{Row: i}, text, false)
		if err != nil {
			t.Fatal(text, err)
		}
		ours := v.Scalar()
		if a := v.Array(); a != nil {
			ours = a.Cells[0]
		}
		// LibreOffice has other codes of errors and writes most as #VALUE!.
		if same(ours, theirs, tolerance(text)) || ours.Kind() == cell.Error && theirs.Kind() == cell.Error {
			agrees++
			continue
		}
		t.Logf("=%s: %s %q, LibreOffice %s %q", text, ours.Kind(), ours, theirs.Kind(), theirs)
	}
	n := len(formulas) - unknown
	t.Logf("%d of %d agree: %.1f %%; LibreOffice does not know %d", agrees, n, 100*float64(agrees)/float64(max(n, 1)), unknown)
	if agrees*4 < n*3 || n == 0 {
		t.Errorf("only %d of %d agree", agrees, n)
	}
}

// freeFormulas gives the formulas of the tables that read no cells, without their "=".
func freeFormulas(t *testing.T) (list []string) {
	files, err := filepath.Glob("testdata/functions/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(data)) {
			text, _, ok := cutLast(line, " => ")
			if !ok || text[0] != '=' {
				continue
			}
			tree, err := formula.Parse(text)
			if err != nil || missingData(tree.Root, nil) != "" || refused(tree.Root, true) != "" || strings.Contains(text, "\x00") {
				continue
			}
			list = append(list, text[1:])
		}
	}
	return list
}

// formulasBook writes formulas below one another, as files have them and without values.
func formulasBook(t *testing.T, formulas []string) []byte {
	var b bytes.Buffer
	w := write.New(t.Context(), &b, write.Options{})
	s, err := w.Sheet("F")
	if err != nil {
		t.Fatal(err)
	}
	for i, text := range formulas {
		stored, err := formula.Stored(text)
		if err != nil {
			stored = text
		}
		if err := s.WriteRow(i, []write.Cell{{Formula: stored, HasFormula: true}}); err != nil {
			t.Fatal(text, err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
