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

// A page of all workbooks is cut out of the list, one of those that fit is looked for: both tell the
// same. And nobody who has left is looked for.
func TestListPages(t *testing.T) {
	b := newTestBook()
	list := func(ctx context.Context, args string) (string, error) {
		res, err := listWorkbooks.Call(ctx, &Env{Workspace: b, Profile: Verbose, Caps: testCaps}, json.RawMessage(args))
		if err != nil {
			return "", err
		}
		return strings.ReplaceAll(res.Text, `,"path_glob":"*"`, ""), nil
	}
	for _, page := range []string{"", `,"limit":1`, `,"limit":1,"offset":1`, `,"limit":2`, `,"offset":2`, `,"offset":7`} {
		every, err := list(t.Context(), strings.Replace("{"+page+"}", "{,", "{", 1))
		if err != nil {
			t.Fatal(err)
		}
		fitting, err := list(t.Context(), `{"path_glob":"*"`+page+"}")
		if unfiltered := strings.NewReplacer(`"path_glob":"*",`, "", `"path_glob":"*"`, ""); err != nil || unfiltered.Replace(fitting) != every {
			t.Errorf("%q: %s (%v), want %s", page, fitting, err, every)
		}
	}
	left, leave := context.WithCancel(t.Context())
	leave()
	if text, err := list(left, `{}`); err == nil {
		t.Errorf("for one who has left: %s", text)
	}
}
