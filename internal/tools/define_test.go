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
