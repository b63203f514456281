//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gridflow/internal/audit"
)

// TestAudit: each call that changes something, or tries to, is one line: who, with which
// tool, what came of it, which version or file there is now. Calls that read are none, and
// nothing that is in a cell is in any.
func TestAudit(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "audit.jsonl")
	r, _ := editing(t, t.TempDir(), "--audit-file="+file)
	for i, era := range eras {
		s := r.client(era)
		fork := newFork(t, s, "loan")
		sheet := firstSheet(t, s, fork)
		do(t, s, "edit_batch", `{"fork_id":%q,"sheet_name":%q,"label":"secret label","edits":[{"address":"Z1","value":"secret value"}]}`, fork, sheet)
		at(t, s, fork, sheet, "Z1")
		refused(t, "CONFLICT", s, "edit_batch", `{"fork_id":%q,"sheet_name":%q,"edits":[{"address":"Z1","value":"secret value"}],"expected_version":7}`, fork, sheet)
		target := fmt.Sprintf("saved-%d.xlsx", i)
		do(t, s, "save_fork", `{"fork_id":%q,"target_path":%q}`, fork, target)
		do(t, s, "undo", `{"fork_id":%q}`, fork)
		do(t, s, "discard_fork", `{"fork_id":%q}`, fork)

		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "secret") || s.ID() != "" && strings.Contains(string(text), s.ID()) {
			t.Errorf("the record has what it must not have:\n%s", text)
		}
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		if len(lines) != 6*(i+1) { // each is there when its call is answered
			t.Fatalf("%d lines, want %d:\n%s", len(lines), 6*(i+1), text)
		}
		part := ""
		for n, want := range []struct{ tool, outcome, changes string }{
			{"create_fork", "ok", `[{"kind":"fork made","id":"FORK","path":"loan.xlsx"}]`},
			{"edit_batch", "ok", `[{"kind":"version made","id":"FORK","version":1}]`},
			{"edit_batch", "CONFLICT", `null`},
			{"save_fork", "ok", `[{"kind":"file written","path":"TARGET"}]`},
			{"undo", "ok", `[{"kind":"version made","id":"FORK","version":2}]`},
			{"discard_fork", "ok", `[{"kind":"fork discarded","id":"FORK"}]`},
		} {
			var e audit.Entry
			if err := json.Unmarshal([]byte(lines[6*i+n]), &e); err != nil {
				t.Fatal(err)
			}
			changes, _ := json.Marshal(e.Changes)
			made := strings.NewReplacer("FORK", fork, "TARGET", target).Replace(want.changes)
			if e.Tool != want.tool || e.Outcome != want.outcome || string(changes) != made {
				t.Errorf("line %d: %s\nwant %s %s %s", n, lines[6*i+n], want.tool, want.outcome, made)
			}
			if e.Client != "local" || e.Program != "scenario 1" || e.Time.IsZero() || part != "" && e.Part != part {
				t.Errorf("line %d: who was it? %s", n, lines[6*i+n])
			}
			part = e.Part
		}
	}
}
