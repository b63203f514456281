package tools

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
)

// A list that may not be whole says so first.
func TestListWhileWalking(t *testing.T) {
	b := newTestBook()
	b.walking = true
	for _, profile := range []Profile{Dense, Verbose} {
		res, err := listWorkbooks.Call(context.Background(), &Env{Workspace: b, Profile: profile, Caps: testCaps}, json.RawMessage(`{"limit":1}`))
		if err != nil {
			t.Fatal(err)
		}
		if first, _, _ := strings.Cut(res.Text, "\n"); !strings.Contains(first, "still being read") || !strings.Contains(first, "workbooks 1-1 of 2") {
			t.Errorf("%s: got %s", profile, res.Text)
		}
	}
}
