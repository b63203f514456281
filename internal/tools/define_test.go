package tools

import (
	"context"
	"encoding/json"
	"errors"
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
