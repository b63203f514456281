package workspace

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gridflow/internal/principal"
)

// What lies under a root that a principal does not see is not there: by no name, not as a
// target, and no error tells it from what never was.
func TestRootsOfPrincipals(t *testing.T) {
	base, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := filepath.Join(base, "ours"), filepath.Join(base, "theirs")
	write(t, filepath.Join(ours, "budget.csv"), "1\n")
	write(t, filepath.Join(ours, "in", "own.csv"), "1\n")
	write(t, filepath.Join(theirs, "budget.csv"), "2\n")
	write(t, filepath.Join(theirs, "salaries.csv"), "3\n")
	write(t, filepath.Join(theirs, "deep", "x.csv"), "4\n")
	if err := os.Symlink(filepath.Join(theirs, "salaries.csv"), filepath.Join(ours, "link.csv")); err != nil {
		t.Fatal(err)
	}
	w := open(t, Options{Writes: true}, ours, theirs)
	alice := principal.With(t.Context(), &principal.Principal{Name: "alice", Roots: map[string]bool{ours: true}})
	nobody := principal.With(t.Context(), &principal.Principal{Name: "nobody", Roots: map[string]bool{}})

	if n := len(w.Entries(alice)); n != 2 {
		t.Errorf("alice sees %d workbooks", n)
	}
	if n := len(w.Entries(t.Context())); n != 5 {
		t.Errorf("the operator sees %d workbooks", n)
	}
	if n := len(w.Entries(nobody)); n != 0 {
		t.Errorf("nobody sees %d workbooks", n)
	}
	// A name that two roots have is clear to who sees one of them.
	if e, err := w.Lookup(alice, "budget"); err != nil || e.Root != ours {
		t.Errorf("%+v, %v", e, err)
	}
	if _, err := w.Lookup(t.Context(), "budget"); code(err) != CodeAmbiguous {
		t.Error(err)
	}
	hidden := map[string]string{} // name → one like it that never was
	for _, e := range w.Entries(t.Context()) {
		if e.Root == theirs && e.Slug != "budget" {
			hidden[e.ID], hidden[e.ShortID] = "wb-2222222222", "2222222222"
			hidden[filepath.Join(theirs, e.Path)] = filepath.Join(theirs, "none.csv")
			hidden[e.Path] = strings.Replace(e.Path, ".csv", "z.csv", 1)
			hidden[e.Slug] = e.Slug + "z"
		}
	}
	hidden["../theirs/salaries.csv"] = "../theirs/none.csv"
	hidden["link.csv"] = "linkz.csv"
	for name, like := range hidden {
		for what, call := range map[string]func(ctx context.Context, id string) error{
			"Lookup":   func(ctx context.Context, id string) error { _, err := w.Lookup(ctx, id); return err },
			"View":     func(ctx context.Context, id string) error { _, _, err := first(ctx, w, id); return err },
			"Revision": func(ctx context.Context, id string) error { _, err := w.Revision(ctx, id); return err },
			"Close":    func(ctx context.Context, id string) error { _, err := w.Close(ctx, id); return err },
		} {
			got, want := call(alice, name), call(alice, like)
			if code(got) != CodeNotFound || strings.Replace(full(got), name, "*", 1) != strings.Replace(full(want), like, "*", 1) {
				t.Errorf("%s of %q: %q, of what is not there: %q", what, name, full(got), full(want))
			}
			if !strings.Contains(name, "theirs") && strings.Contains(full(got), theirs) || strings.Contains(full(got), "salaries (") {
				t.Errorf("%s of %q tells too much: %s", what, name, full(got))
			}
		}
		if _, _, ok := w.Peek(alice, name); ok {
			t.Errorf("alice is told how large %s is", name)
		}
	}
	// The hint of near names, which is remembered, is not that of somebody else.
	_, err = w.Lookup(t.Context(), "salarie")
	if !strings.Contains(full(err), "salaries") {
		t.Fatal(full(err))
	}
	if _, err = w.Lookup(alice, "salarie"); strings.Contains(full(err), "salaries") {
		t.Error("alice is told of a name that only others see: ", full(err))
	}

	for name, like := range map[string]string{
		filepath.Join(theirs, "new.xlsx"):         filepath.Join(base, "nowhere", "new.xlsx"),
		filepath.Join(theirs, "deep", "new.xlsx"): filepath.Join(theirs, "none", "new.xlsx"),
		"deep/new.xlsx":                           "none/new.xlsx",
	} {
		_, got := w.Target(alice, name)
		_, want := w.Target(alice, like)
		if code(got) != CodeBadPath || strings.Replace(full(got), name, "*", 1) != strings.Replace(full(want), like, "*", 1) {
			t.Errorf("%q: %q; %q: %q", name, full(got), like, full(want))
		}
		if _, err := w.ReadFile(alice, filepath.Join(theirs, "salaries.csv"), 100); code(err) != CodeBadPath {
			t.Error(err)
		}
	}
	if at, err := w.Target(alice, "new.xlsx"); err != nil || at.Root != ours {
		t.Error(at, err)
	}
	if at, err := w.Target(alice, filepath.Join(ours, "in", "new.xlsx")); err != nil || at.Root != ours {
		t.Error(at, err)
	}
}

func full(err error) string {
	if e, ok := err.(*Error); ok {
		return e.Message + ". " + e.Hint
	}
	if err == nil {
		return "no error"
	}
	return err.Error()
}
