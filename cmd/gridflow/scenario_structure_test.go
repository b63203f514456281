//go:build unix

package main

import (
	"fmt"
	"strings"
	"testing"
)

// TestStructureOfAKilledServer: rows, columns and sheets that were inserted, moved and renamed are there after a kill, with what
// was edited before and after, can be undone, and are in the saved file.
func TestStructureOfAKilledServer(t *testing.T) {
	t.Parallel()
	state := t.TempDir()
	root := exampleRoot(t)
	r := serving(t, root, "--state-dir="+state, "--toolsets=all")
	s := r.client(eras[1])
	fork := newFork(t, s, "budget")
	sheet := firstSheet(t, s, fork)
	all := func() string {
		return do(t, s, "list_sheets", `{"workbook_or_fork_id":%q}`, fork) +
			do(t, s, "range_values", `{"workbook_or_fork_id":%q,"sheet_name":"Summary","ranges":["A1:F20"],"include_formulas":true}`, fork) +
			do(t, s, "range_values", `{"workbook_or_fork_id":%q,"sheet_name":%q,"ranges":["A1:H30"],"include_formulas":true}`, fork, sheet)
	}
	begun := all()
	change := func(ops string, args ...any) {
		t.Helper()
		do(t, s, "structure_batch", `{"fork_id":%q,"ops":[%s]}`, fork, fmt.Sprintf(ops, args...))
	}
	restart := func() {
		t.Helper()
		before := all()
		r.kill()
		r = serving(t, root, "--state-dir="+state, "--toolsets=all")
		s = r.client(eras[0])
		if after := all(); after != before {
			t.Fatalf("after a kill there is\n%s\nand there was\n%s", after, before)
		}
	}
	change(`{"kind":"insert_rows","sheet_name":%q,"at_row":3,"count":2},{"kind":"insert_cols","sheet_name":%q,"at_col":"B"}`, sheet, sheet)
	restart()
	set(t, s, fork, sheet, "B3", 12345)
	change(`{"kind":"create_sheet","name":"Notes","position":0},{"kind":"move_range","sheet_name":%q,"src_range":"B3","dest_sheet_name":"Notes","dest_anchor":"C4"},{"kind":"delete_rows","sheet_name":%q,"start_row":4}`, sheet, sheet)
	restart()
	if got := at(t, s, fork, "Notes", "C4"); got != "12345" {
		t.Errorf("the cell that was moved to a new sheet has %q", got)
	}
	moved := all()
	do(t, s, "undo", `{"fork_id":%q,"steps":3}`, fork)
	if back := all(); withoutVersions(back) != withoutVersions(begun) {
		t.Errorf("all undone, there is\n%s\nand there was\n%s", back, begun)
	}
	restart()
	do(t, s, "redo", `{"fork_id":%q,"steps":3}`, fork)
	if again := all(); withoutVersions(again) != withoutVersions(moved) {
		t.Errorf("all redone, there is\n%s\nand there was\n%s", again, moved)
	}
	set(t, s, fork, "Notes", "A1", 7)
	do(t, s, "save_fork", `{"fork_id":%q,"target_path":"structured.xlsx"}`, fork)
	if text := do(t, s, "diff_workbooks", `{"baseline_workbook_or_fork_id":"structured.xlsx","current_workbook_or_fork_id":%q}`, fork); !strings.Contains(text, ": 0 changes") {
		t.Errorf("the saved file is not what the fork is: %s", text)
	}
	restart()
}

// withoutVersions leaves out which version a result is of.
func withoutVersions(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if !strings.Contains(line, " version ") {
			b.WriteString(line)
		}
	}
	return b.String()
}
