//go:build unix

package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"gridflow/internal/genbook"
)

// TestCalculatedValues: through the real program, an edit makes values true at once, an undo
// gives the old ones back, and after a restart every version has the values that it had, those of
// the clock as well. The file is one as programs write it that do not calculate.
func TestCalculatedValues(t *testing.T) {
	state := t.TempDir()
	r, root := editing(t, state)
	var data, sums genbook.Grid
	data.Set("A1", 0, 2.0)
	sums.Formula("A1", 0, "Data!A1*10", nil)
	sums.Formula("A2", 0, "NOW()", nil)
	sums.Formula("A3", 0, "1/Data!A2", nil)
	if err := os.WriteFile(filepath.Join(root, "bare.xlsx"), bookOf(t, data.Fill(&genbook.Sheet{Name: "Data"}), sums.Fill(&genbook.Sheet{Name: "Sums"})), 0o644); err != nil {
		t.Fatal(err)
	}
	s := r.client(eras[0])
	if got := do(t, s, "range_values", `{"workbook_id":"bare.xlsx","sheet_name":"Sums","ranges":["A1"]}`); !strings.Contains(got, "20") || !strings.Contains(got, "no values of its formulas") {
		t.Errorf("the file is read as %s", got)
	}
	fork := newFork(t, s, "bare.xlsx")
	do(t, s, "edit_batch", `{"fork_id":%q,"edits":[{"address":"Data!A1","value":3}]}`, fork)
	if got := at(t, s, fork, "Sums", "A1"); got != "30" {
		t.Errorf("after the edit: %s", got)
	}
	do(t, s, "recalculate", `{"fork_id":%q}`, fork)
	do(t, s, "edit_batch", `{"fork_id":%q,"edits":[{"address":"Data!A1","value":4}]}`, fork)
	do(t, s, "undo", `{"fork_id":%q}`, fork)
	if got := at(t, s, fork, "Sums", "A1"); got != "30" {
		t.Errorf("after the undo: %s", got)
	}
	if got := do(t, s, "explain_cell", `{"workbook_or_fork_id":%q,"sheet_name":"Sums","cell_address":"A3"}`, fork); !strings.Contains(got, "Sums!A3: the divisor is 0") {
		t.Errorf("the error is explained as %s", got)
	}
	versions := []string{fork + "@1", fork + "@2", fork + "@3", fork + "@4"}
	want := map[string]string{}
	for _, v := range versions {
		want[v] = at(t, s, v, "Sums", "A1") + " " + at(t, s, v, "Sums", "A2")
	}
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Wait(); err != nil {
		t.Logf("the first server: %v", err)
	}
	s = serving(t, root, "--state-dir="+state, "--toolsets=all").client(eras[0])
	for _, v := range versions {
		if got := at(t, s, v, "Sums", "A1") + " " + at(t, s, v, "Sums", "A2"); got != want[v] {
			t.Errorf("%s after the restart: %s, before %s", v, got, want[v])
		}
	}
}
