package workspace

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gridflow/internal/lock"
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
			if code(got) != CodeNotFound || strings.Replace(full(got), clip(name), "*", 1) != strings.Replace(full(want), clip(like), "*", 1) {
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
		if code(got) != CodeBadPath || strings.Replace(full(got), clip(name), "*", 1) != strings.Replace(full(want), clip(like), "*", 1) {
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

// manyFiles is a catalogue of two roots: of a hundred files one is under the second.
func manyFiles(t testing.TB, files int) (*catalogue, []*root) {
	info, err := os.Stat("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	roots := []*root{{path: "/first"}, {path: "/second", index: 1}, {path: "/empty", index: 2}}
	c := newCatalogue(len(roots), func(string) bool { return false })
	for i := range files {
		r := roots[0]
		if i%100 == 0 {
			r = roots[1]
		}
		c.set(c.tops[r.index], r, fmt.Sprintf("f%d.csv", i), info, false)
	}
	return c, roots
}

func seeing(roots ...string) *principal.Principal {
	p := &principal.Principal{Name: "alice", Roots: map[string]bool{}}
	for _, r := range roots {
		p.Roots[r] = true
	}
	return p
}

// What a principal sees of many files is made once for all who see the same, is what a look at each
// file gives, also after a change, and takes no more memory than about the list of all.
func TestListSeen(t *testing.T) {
	c, roots := manyFiles(t, 10_000)
	views := [][]string{{"/first"}, {"/second"}, {"/empty"}, {"/first", "/empty"}, {"/second", "/empty"}, {"/first", "/second"}, {"/first", "/second", "/empty"}, {"/elsewhere"}, {}}
	check := func() {
		t.Helper()
		for _, v := range views {
			p := seeing(v...)
			var want []Entry
			for _, e := range c.list(false) {
				if p.Sees(e.Root) {
					want = append(want, e)
				}
			}
			for range 2 {
				if got := c.listSeen(false, roots, p); !slices.Equal(got, want) {
					t.Errorf("who sees %q has %d files, want %d", v, len(got), len(want))
				}
			}
			if most := 2 * len(c.list(false)); c.seenN > most+len(want) {
				t.Errorf("%d entries are kept, of %d files", c.seenN, len(c.list(false)))
			}
		}
	}
	check()
	info, err := os.Stat("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	c.set(c.tops[1], roots[1], "new.csv", info, false)
	check()
	c.unset(c.tops[1], "new.csv")
	check()
	if lock.Checked {
		return // The record of who holds which lock allocates.
	}
	for _, p := range []*principal.Principal{nil, seeing("/second"), seeing("/first")} {
		c.listSeen(false, roots, p)
		if n := testing.AllocsPerRun(10, func() { c.listSeen(false, roots, p) }); n > 3 {
			t.Errorf("a list that is known takes %v allocations", n)
		}
	}
}

// BenchmarkListSeen tells what it costs to have the list of 50 000 files of which one sees all, most or few.
func BenchmarkListSeen(b *testing.B) {
	c, roots := manyFiles(b, 50_000)
	for name, p := range map[string]*principal.Principal{"all": nil, "most": seeing("/first"), "few": seeing("/second")} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			c.listSeen(false, roots, p) // once for all that follow
			for b.Loop() {
				c.listSeen(false, roots, p)
			}
		})
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
