package tools

import (
	"errors"
	"testing"
)

// A hint that names tools which the client cannot call says so, and where they are.
func TestHintsOfAbsentTools(t *testing.T) {
	env := &Env{Absent: map[string]string{"fork_history": "history", "get_changeset": "history", "undo": "history"}}
	for hint, want := range map[string]string{
		"":                           "",
		"Call fork_history":          "Call fork_history (not offered here: fork_history of the toolset history)",
		"Call list_forks, then undo": "Call list_forks, then undo",
		"See get_changeset, fork_history and fork_history": "See get_changeset, fork_history and fork_history (not offered here: fork_history of the toolset history, get_changeset of the toolset history)",
	} {
		was := fail("X", hint, "no")
		got, ok := env.hinting(was).(*Error)
		if !ok || got.Hint != want || got.Code != "X" {
			t.Errorf("%q became %+v", hint, got)
		}
		if was.Hint != hint {
			t.Errorf("the error itself was changed: %q", was.Hint)
		}
	}
	if other := errors.New("fork_history"); env.hinting(other) != other {
		t.Error("an error of another type is another one")
	}
}
