package tools

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What spreadsheet-mcp 0.11 gives, field by field: each with the type that JSON has for it. A
// path goes through objects by name; [] is each entry of a list, of which there must be one.
// Fields that it leaves out at times are in the list where the call of the transcript has them.
var compatFields = map[string]string{
	"create_fork":           "fork_id:string base_workbook:string ttl_seconds:number",
	"list_forks":            "forks[].fork_id:string forks[].base_path:string forks[].age_seconds:number forks[].edit_count:number forks[].recalc_needed:bool",
	"discard_fork":          "fork_id:string discarded:bool",
	"save_fork":             "fork_id:string saved_to:string fork_dropped:bool",
	"get_edits":             "fork_id:string edits[].timestamp:string edits[].sheet:string edits[].address:string edits[].value:string edits[].is_formula:bool",
	"edit_batch":            "fork_id:string edits_applied:number total_edits:number recalc_needed:bool warnings[].code:string warnings[].message:string " + compatBatch,
	"append_rows":           compatBatch,
	"rules_batch":           compatBatch,
	"grid_import":           compatBatch,
	"get_changeset":         "fork_id:string base_workbook:string summary.total_changes:number summary.returned_changes:number summary.truncated:bool summary.counts_by_kind:object summary.counts_by_type:object summary.affected_sheets[]:string",
	"checkpoint_fork":       "fork_id:string checkpoint.checkpoint_id:string checkpoint.created_at:string checkpoint.label:string total_checkpoints:number",
	"list_checkpoints":      "fork_id:string checkpoints[].checkpoint_id:string checkpoints[].created_at:string checkpoints[].label:string",
	"restore_checkpoint":    "fork_id:string restored_checkpoint.checkpoint_id:string restored_checkpoint.created_at:string",
	"delete_checkpoint":     "fork_id:string checkpoint_id:string deleted:bool",
	"list_staged_changes":   "fork_id:string staged_changes[].change_id:string staged_changes[].created_at:string staged_changes[].label:string staged_changes[].summary.op_kinds[]:string staged_changes[].summary.affected_sheets[]:string staged_changes[].summary.affected_bounds[]:string staged_changes[].summary.counts:object staged_changes[].summary.flags.recalc_needed:bool staged_changes[].summary.warnings:list",
	"apply_staged_change":   "fork_id:string change_id:string ops_applied:number " + compatSummary,
	"discard_staged_change": "fork_id:string change_id:string discarded:bool",
	"define_name":           "workbook_id:string name:string refers_to:string scope_kind:string scope_sheet_name:string",
	"update_name":           "workbook_id:string name:string refers_to:string previous_refers_to:string scope_kind:string scope_sheet_name:string",
	"delete_name":           "workbook_id:string name:string deleted:bool",
	"sheet_layout_batch":    compatBeside + " summary.counts.ops:number summary.counts.freeze_panes_ops:number summary.counts.set_page_setup_ops:number summary.counts.set_print_area_ops:number summary.counts.set_page_breaks_ops:number",
	"column_size_batch":     compatBeside + " sheet_name:string summary.counts.columns_sized:number summary.counts.width_ops:number",
	"verify_workbook": "baseline:string current:string target_deltas[].address:string target_deltas[].before.kind:string target_deltas[].after.kind:string target_deltas[].classification:string target_deltas[].changed:bool " +
		"new_errors:list resolved_errors:list preexisting_errors:list named_range_deltas:list summary.target_count:number summary.changed_targets:number summary.new_error_count:number summary.resolved_error_count:number " +
		"summary.preexisting_error_count:number summary.named_range_delta_count:number summary.target_classification_counts:object",
}

const (
	compatSummary = "summary.op_kinds[]:string summary.affected_sheets[]:string summary.affected_bounds[]:string summary.counts:object summary.flags.recalc_needed:bool summary.warnings:list"
	compatBeside  = "fork_id:string mode:string ops_applied:number summary.op_kinds[]:string summary.affected_sheets[]:string summary.counts:object summary.flags.recalc_needed:bool summary.warnings:list" // of what is no cell
	compatBatch   = "fork_id:string mode:string ops_applied:number " + compatSummary
)

// TestCompatFields: the results in testdata/compat.txt, which TestForkTranscript holds to what
// the calls give, have all fields that spreadsheet-mcp has, for every tool that edits.
func TestCompatFields(t *testing.T) {
	script, err := os.ReadFile(filepath.Join("testdata", "compat.txt"))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	tool := ""
	for line := range strings.Lines(string(script)) {
		if call, ok := strings.CutPrefix(line, "> json "); ok {
			tool, _, _ = strings.Cut(call, " ")
			continue
		}
		result, ok := strings.CutPrefix(line, "  ")
		if !ok || compatFields[tool] == "" {
			continue
		}
		var v any
		if err := json.Unmarshal([]byte(result), &v); err != nil {
			t.Errorf("%s: %v", tool, err)
			continue
		}
		seen[tool] = true
		for field := range strings.FieldsSeq(compatFields[tool]) {
			path, want, _ := strings.Cut(field, ":")
			if strings.HasPrefix(path, "warnings[]") && !strings.Contains(result, `"warnings":[{`) {
				continue // a call that is warned of nothing
			}
			if wrong := hasField(v, path, want); wrong != "" {
				t.Errorf("%s: %s: %s\nin %s", tool, field, wrong, result)
			}
		}
	}
	for tool := range compatFields {
		if !seen[tool] {
			t.Errorf("the transcript has no call of %s", tool)
		}
	}
}

// hasField tells what is wrong with a field of v, "" where nothing is.
func hasField(v any, path, want string) string {
	name, rest, deeper := strings.Cut(path, ".")
	name, list := strings.CutSuffix(name, "[]")
	object, ok := v.(map[string]any)
	if !ok {
		return "it is in no object"
	}
	if v, ok = object[name]; !ok {
		return "it is missing"
	}
	values := []any{v}
	if list {
		if values, ok = v.([]any); !ok || len(values) == 0 {
			return "there is no list with entries"
		}
	}
	for _, v := range values {
		if deeper {
			if wrong := hasField(v, rest, want); wrong != "" {
				return wrong
			}
			continue
		}
		is := map[bool]string{true: "null"}[v == nil]
		switch v.(type) {
		case string:
			is = "string"
		case float64:
			is = "number"
		case bool:
			is = "bool"
		case []any:
			is = "list"
		case map[string]any:
			is = "object"
		}
		if is != want {
			return "it is a " + is
		}
	}
	return ""
}
