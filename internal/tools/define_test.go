package tools

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// TestDoneUnshown: who has changed something, and whose result is larger than it may be, is told that it is done.
func TestDoneUnshown(t *testing.T) {
	type in struct{}
	type out struct {
		Text string `json:"text"`
	}
	for _, writes := range []bool{false, true} {
		tool := define(Spec{Name: "x", Writes: writes}, func(context.Context, *Env, in) (*out, error) { return &out{strings.Repeat("x", 100)}, nil })
		_, err := tool.Call(t.Context(), &Env{Caps: Caps{MaxResponseBytes: 50}}, json.RawMessage(`{}`))
		var e *Error
		if !errors.As(err, &e) || e.Code != codeResponseTooLarge || strings.HasPrefix(e.Message, "the call was made") != writes || strings.Contains(e.Hint, "Ask for less") == writes {
			t.Errorf("writes: %v: %v", writes, err)
		}
	}
}

// TestEntryTooLarge: a list whose next entry is larger than a result may be does not seem to be empty, or to end there.
func TestEntryTooLarge(t *testing.T) {
	env := editingEnv(t, Dense)
	fork := forkID.FindString(called(t, env, "create_fork", `{"workbook_or_fork_id":"loan"}`))
	long := strings.Repeat("x", 5000)
	called(t, env, "edit_batch", fmt.Sprintf(`{"fork_id":%q,"sheet_name":"By year","edits":[{"address":"Z1","value":%q},{"address":"Z2","value":"brief"}]}`, fork, long))
	called(t, env, "comment_batch", fmt.Sprintf(`{"fork_id":%q,"ops":[{"kind":"set","sheet_name":"By year","address":"Z1","text":%q},{"kind":"set","sheet_name":"By year","address":"Z2","text":"brief"}]}`, fork, long))
	env.Caps = Caps{MaxPayloadBytes: 2000, MaxResponseBytes: 4000}
	for _, c := range [][3]string{
		{"get_edits", `{"fork_id":%q}`, "cut: edit 1 of version 1 is larger than a result may be; next: "},
		{"list_annotations", `{"workbook_or_fork_id":%q,"sheet_name":"By year"}`, "cut: entries: number 1 of 2 is larger than a result may be; next: "},
	} {
		tool, args, says := c[0], fmt.Sprintf(c[1], fork), c[2]
		first := called(t, env, tool, args)
		_, next, ok := strings.Cut(first, says+tool+" ")
		if next, _, _ = strings.Cut(next, "\n"); !ok || strings.Contains(first, "\n"+fork+" has no edits") || strings.Contains(first, "\nno ") {
			t.Errorf("%s: %s", tool, first)
		} else if then := called(t, env, tool, next); !strings.Contains(then, "brief") {
			t.Errorf("%s %s: %s", tool, next, then)
		}
	}
}

// TestDifferenceTooLarge: the same where states are compared.
func TestDifferenceTooLarge(t *testing.T) {
	env := editingEnv(t, Dense)
	fork := forkID.FindString(called(t, env, "create_fork", `{"workbook_or_fork_id":"sales"}`))
	for _, text := range []string{"x", "y"} {
		called(t, env, "edit_batch", fmt.Sprintf(`{"fork_id":%q,"sheet_name":"Data","edits":[{"address":"A20","value":"a"},{"address":"E20","value":%[2]q},{"address":"F20","value":%[2]q},{"address":"A21","value":"b"},{"address":"E21","value":"brief %[3]s"}]}`, fork, strings.Repeat(text, 500), text))
	}
	env.Caps = Caps{MaxPayloadBytes: 400, MaxResponseBytes: 1200}
	for _, c := range []struct{ tool, args, says string }{
		{"compare_tables", `{"baseline_workbook_or_fork_id":"%[1]s@1","current_workbook_or_fork_id":"%[1]s","sheet_name":"Data","range":"A19:F40","key":["A"]}`, "cut: differing rows: number 1 of 2 is larger than a result may be; next: "},
		{"get_changeset", `{"fork_id":%q,"from_version":1}`, "cut: changes: number 1 of 3 is larger than a result may be; next: "},
	} {
		all := ""
		for args := fmt.Sprintf(c.args, fork); args != "" && len(all) < 9999; {
			page := called(t, env, c.tool, args)
			_, args, _ = strings.Cut(page, "next: "+c.tool+" ")
			args, _, _ = strings.Cut(args, "\n")
			all += page
		}
		if !strings.Contains(all, c.says) || !strings.Contains(all, "brief x => brief y") && !strings.Contains(all, "brief x -> brief y") {
			t.Errorf("%s: %s", c.tool, all)
		}
	}
}
