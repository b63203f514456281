package tools

import (
	"strings"
	"testing"

	"gridflow/internal/forks"
)

// TestEditsAreBounded: a call that would change more cells than may be changed at once is refused,
// whatever it does and in however many operations, and changes nothing; so is one that would write as
// much in fewer cells. As many as may are changed.
func TestEditsAreBounded(t *testing.T) {
	env := editingEnv(t, Dense)
	called(t, env, "create_workbook", `{"target_path":"empty.xlsx","sheets":[{"name":"Data"}]}`)
	id := forkID.FindString(called(t, env, "create_fork", `{"workbook_id":"empty.xlsx"}`))
	must := func(call string) {
		t.Helper()
		if text, err := callWith(t.Context(), env, strings.ReplaceAll(call, "FORK", id)); err != nil {
			t.Fatalf("%s: %s, %v", call, text, err)
		}
	}
	must(`transform_batch {"fork_id":"FORK","ops":[{"kind":"fill_range","sheet_name":"Data","range":"A1:I100","value":"some text"}]}`)
	must(`transform_batch {"fork_id":"FORK","ops":[{"kind":"fill_range","sheet_name":"Data","range":"J1:J100","value":"SUM(1,2)","is_formula":true}]}`)
	must(`fill_series {"fork_id":"FORK","sheet_name":"Data","range":"A1:A100","start":1}`)
	env.Caps.MaxEditCells = 500
	version := func() string {
		text := called(t, env, "sheet_page", `{"workbook_id":"`+id+`","sheet_name":"Data","page_size":1}`)
		line, _, _ := strings.Cut(text, "\n")
		return line
	}
	before := version()
	for _, call := range []string{
		`transform_batch {"fork_id":"FORK","ops":[{"kind":"fill_range","sheet_name":"Data","range":"A1:I56","value":7}]}`,
		`transform_batch {"fork_id":"FORK","ops":[{"kind":"clear_range","sheet_name":"Data","range":"A1:J51","clear_formulas":true}]}`,
		`transform_batch {"fork_id":"FORK","ops":[{"kind":"replace_in_range","sheet_name":"Data","range":"A:I","find":"x","replace":"y","match_mode":"contains"}]}`,
		`transform_batch {"fork_id":"FORK","ops":[{"kind":"fill_range","sheet_name":"Data","range":"A1:C100","value":7},{"kind":"fill_range","sheet_name":"Data","range":"D1:F100","value":7}]}`,
		`sort_range {"fork_id":"FORK","sheet_name":"Data","range":"A1:I100","has_header":false,"keys":[{"column":"A","order":"desc"}],"mode":"apply"}`,
		`apply_formula_pattern {"fork_id":"FORK","sheet_name":"Data","target_range":"A1:J51","anchor_cell":"A1","base_formula":"1"}`,
		`structure_batch {"fork_id":"FORK","ops":[{"kind":"move_range","sheet_name":"Data","src_range":"A1:I56","dest_anchor":"N1"}]}`,
		`structure_batch {"fork_id":"FORK","ops":[{"kind":"copy_range","sheet_name":"Data","src_range":"A1:I56","dest_anchor":"N1"}]}`,
		`structure_batch {"fork_id":"FORK","ops":[{"kind":"insert_cells","sheet_name":"Data","target_range":"A2:F2","shift":"down"}]}`,
		`structure_batch {"fork_id":"FORK","ops":[{"kind":"merge_cells","sheet_name":"Data","target_range":"A1:I57"}]}`,
		`structure_batch {"fork_id":"FORK","ops":[{"kind":"clone_row","sheet_name":"Data","source_row":1,"insert_at":3,"count":51}]}`,
		`transform_batch {"fork_id":"FORK","ops":[{"kind":"fill_range","sheet_name":"Data","range":"A1:A5","value":"` + strings.Repeat("x", 6400) + `"}]}`,
		`apply_formula_pattern {"fork_id":"FORK","sheet_name":"Data","target_range":"A1:A5","anchor_cell":"A1","base_formula":"1` + strings.Repeat("+1", 3200) + `"}`,
		`import_csv {"fork_id":"FORK","sheet_name":"Data","anchor":"A1","csv":"` + strings.Repeat(`1,2,3,4,5,6\n`, 84) + `"}`,
	} {
		text, err := callWith(t.Context(), env, strings.ReplaceAll(call, "FORK", id))
		if err == nil || !strings.HasPrefix(err.Error(), "TOO_MANY") {
			t.Errorf("%s: %s, %v", call, text, err)
		} else if two := strings.Contains(call, "D1:F100"); two != strings.Contains(err.Error(), "op 2: ") {
			t.Errorf("%s: %v", call, err)
		}
		if now := version(); now != before {
			t.Fatalf("%s: refused, and there is another version: %s, %s", call, now, before)
		}
	}
	must(`transform_batch {"fork_id":"FORK","ops":[{"kind":"clear_range","sheet_name":"Data","range":"A1:J50","clear_formulas":true}]}`)
	if version() == before {
		t.Error("500 cells could not be changed")
	}
	env.Caps.MaxEditCells = 99
	if text, err := callWith(t.Context(), env, `replace_in_formulas {"fork_id":"`+id+`","sheet_name":"Data","find":"SUM","replace":"MAX"}`); err != nil {
		t.Error("50 formulas: ", text, err)
	}
	env.Caps.MaxEditCells = 49
	if text, err := callWith(t.Context(), env, `replace_in_formulas {"fork_id":"`+id+`","sheet_name":"Data","find":"MAX","replace":"SUM"}`); err == nil || !strings.HasPrefix(err.Error(), "TOO_MANY") {
		t.Error("50 formulas where 49 may be changed: ", text, err)
	}
}

// TestCalculationsThatAreTooLarge: a calculation that may not take as much memory as it needs is refused in words, and no fault of the
// server's.
func TestCalculationsThatAreTooLarge(t *testing.T) {
	env := editingEnv(t, Dense, func(o *forks.Options) { o.CalcBytes = 1 })
	id := forkID.FindString(called(t, env, "create_fork", `{"workbook_id":"loan.xlsx"}`))
	if text, err := callWith(t.Context(), env, `recalculate {"fork_id":"`+id+`"}`); err == nil || !strings.HasPrefix(err.Error(), "TOO_LARGE") {
		t.Error(text, err)
	}
}
