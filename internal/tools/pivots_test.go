package tools

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gridflow/internal/corpus"
)

// TestOldPivots: a save names the pivot tables whose data changed, wherever these stand by then, and an edit those that
// it writes into.
func TestOldPivots(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(corpus.Dir(t), "calamine/pivots.xlsx"))
	if err != nil {
		t.Fatal(err)
	}
	env := editingEnv(t, Dense)
	target, err := env.Files.Target(t.Context(), "x.xlsx")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(target.Root, "pivots.xlsx"), b, 0o644); err != nil {
		t.Fatal(err)
	}
	const old = `"PivotTable1" in PivotSheet1!A3:E5 of `
	for _, c := range []struct {
		tool, args   string
		edited, save string // what is told of, or nothing
	}{
		{"edit_batch", `"sheet_name":"DataSheet","edits":[{"address":"D2","value":99}]`, "", old + "DataSheet!A1:J11"},
		{"edit_batch", `"sheet_name":"DataSheet","edits":[{"address":"D2","value":10}]`, "", ""}, // what it is
		{"edit_batch", `"sheet_name":"DataSheet","edits":[{"address":"N2","value":10}]`, "", ""},
		{"edit_batch", `"sheet_name":"PivotSheet1","edits":[{"address":"B5","value":1},{"address":"A9","value":1}]`, "WARN_PIVOT_PART: 1 cell is in the pivot table A3:E5", ""},
		{"structure_batch", `"ops":[{"kind":"insert_rows","sheet_name":"DataSheet","at_row":1}]`, "", ""},
		{"structure_batch", `"ops":[{"kind":"insert_rows","sheet_name":"DataSheet","at_row":4}]`, "", old + "DataSheet!A1:J12"},
	} {
		fork := forkID.FindString(called(t, env, "create_fork", `{"workbook_id":"pivots.xlsx"}`))
		edited := called(t, env, c.tool, `{"fork_id":"`+fork+`",`+c.args+`}`)
		saved := called(t, env, "save_fork", `{"fork_id":"`+fork+`","target_path":"saved.xlsx","overwrite":true}`)
		if c.edited == "" && strings.Contains(edited, "WARN_PIVOT") || !strings.Contains(edited, c.edited) {
			t.Errorf("%s: %s", c.args, edited)
		}
		if c.save == "" && strings.Contains(saved, "WARN_PIVOT") || !strings.Contains(saved, c.save) {
			t.Errorf("%s: saved: %s", c.args, saved)
		}
		called(t, env, "discard_fork", `{"fork_id":"`+fork+`"}`)
	}
}
