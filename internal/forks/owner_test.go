package forks

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"gridflow/internal/book"
	"gridflow/internal/principal"
	"gridflow/internal/workspace"
)

// twoRoots is a rig whose workspace has a second root with an a.xlsx of its own.
func twoRoots(t *testing.T, o Options) (r *rig, second string) {
	t.Helper()
	r = newRig(t, o)
	r.close()
	second = t.TempDir()
	if err := os.WriteFile(filepath.Join(second, "a.xlsx"), smallBook(t, 3), 0o644); err != nil {
		t.Fatal(err)
	}
	open := func() {
		var err error
		r.ws, err = workspace.Open(t.Context(), workspace.Options{Roots: []string{r.dir, second}, Bases: r.bases, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		r.open()
	}
	open()
	return r, second
}

// A fork belongs to who has made it: everybody else is told what he would be told if it were
// not there, whatever he calls, also after a restart and when its history was shortened.
func TestForksBelongToWhoMadeThem(t *testing.T) {
	r := newRig(t, Options{History: 2})
	root, err := filepath.EvalSymlinks(r.dir)
	if err != nil {
		t.Fatal(err)
	}
	who := func(name string, roots ...string) context.Context {
		seen := map[string]bool{}
		for _, r := range roots {
			seen[r] = true
		}
		return principal.With(t.Context(), &principal.Principal{Name: name, Roots: seen})
	}
	alice, bob, blind := who("alice", root), who("bob", root), who("alice")
	f, err := r.store.Create(alice, "a.xlsx", CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for n := range 12 {
		if _, err := r.store.Edit(alice, f.ID, number("A1", float64(n)), Commit{}); err != nil {
			t.Fatal(err)
		}
	}
	own, err := r.store.Create(bob, "a.xlsx", CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	router := &Router{Workspace: r.ws, Forks: r.store}
	calls := map[string]func(ctx context.Context, id string) error{
		"Info": func(ctx context.Context, id string) error { _, err := r.store.Info(ctx, id); return err },
		"View": func(ctx context.Context, id string) error {
			return r.store.View(ctx, id, func(*book.Snapshot) error { return nil })
		},
		"View@1": func(ctx context.Context, id string) error {
			err := r.store.View(ctx, id+"@1", func(*book.Snapshot) error { return nil })
			if code(err) == CodeGone {
				return nil
			}
			return err
		},
		"Package": func(ctx context.Context, id string) error {
			return router.Package(ctx, id, func(Package) error { return nil })
		},
		"Lookup":      func(ctx context.Context, id string) error { _, err := router.Lookup(ctx, id); return err },
		"Revision":    func(ctx context.Context, id string) error { _, err := router.Revision(ctx, id); return err },
		"Close":       func(ctx context.Context, id string) error { _, err := router.Close(ctx, id); return err },
		"History":     func(ctx context.Context, id string) error { _, err := r.store.History(ctx, id, 0, 9); return err },
		"EditsOf":     func(ctx context.Context, id string) error { _, _, err := r.store.EditsOf(ctx, id, 0, 9); return err },
		"Checkpoints": func(ctx context.Context, id string) error { _, err := r.store.Checkpoints(ctx, id); return err },
		"Checkpoint":  func(ctx context.Context, id string) error { _, err := r.store.Checkpoint(ctx, id, "c"); return err },
		"Staged":      func(ctx context.Context, id string) error { _, err := r.store.StagedChanges(ctx, id); return err },
		"Edit": func(ctx context.Context, id string) error {
			_, err := r.store.Edit(ctx, id, number("B1", 1), Commit{})
			return err
		},
		"Recalculate": func(ctx context.Context, id string) error {
			_, err := r.store.Recalculate(ctx, id, true, Commit{})
			return err
		},
		"Undo": func(ctx context.Context, id string) error {
			_, err := r.store.Undo(ctx, id, 1, Commit{})
			if code(err) == CodeGone { // the calls come in any order, and few versions are kept
				return nil
			}
			return err
		},
		"Save": func(ctx context.Context, id string) error {
			_, err := r.store.Save(ctx, id, SaveOptions{Path: "saved.xlsx", Overwrite: true})
			return err
		},
		"Create": func(ctx context.Context, id string) error {
			made, err := r.store.Create(ctx, id, CreateOptions{})
			if err == nil {
				err = r.store.Discard(ctx, made.ID)
			}
			return err
		},
		"Merge with": func(ctx context.Context, id string) error {
			_, err := r.store.Merge(ctx, own.ID, id, MergeOptions{})
			if strings.Contains(fmt.Sprint(err), own.ID) {
				return nil // it is the other that is not there: only bob has it
			}
			return err
		},
	}
	missing := "fork-aaaaaaaaaaaa"
	check := func(t *testing.T) {
		if i := r.info(f.ID); i.Owner != "alice" || i.Root != root {
			t.Fatalf("owner %q, root %q", i.Owner, i.Root)
		}
		for name, call := range calls {
			if err := call(alice, f.ID); err != nil {
				t.Errorf("%s by its owner: %v", name, err)
			}
			if err := call(t.Context(), f.ID); err != nil && name != "Merge with" {
				t.Errorf("%s by the operator: %v", name, err)
			}
			for _, other := range []context.Context{bob, blind} {
				got, want := call(other, f.ID), call(other, missing)
				if name == "Merge with" && other == blind {
					continue
				}
				if got == nil || code(got) != CodeNotFound || got.Error() != strings.Replace(want.Error(), missing, f.ID, 1) {
					t.Errorf("%s by %s: %v, where there is none: %v", name, principal.From(other).Name, got, want)
				}
			}
		}
		if size, _, ok := router.Peek(bob, f.ID); ok || size != 0 {
			t.Error("bob is told the size of a fork of alice's")
		}
		for ctx, want := range map[context.Context]int{alice: 1, bob: 1, blind: 0, t.Context(): 2} {
			if list := r.store.List(ctx); len(list) != want {
				t.Errorf("%v sees %d forks, want %d", principal.From(ctx), len(list), want)
			}
		}
	}
	check(t)
	r.restart()
	router.Workspace, router.Forks = r.ws, r.store
	if r.info(f.ID).First == 0 {
		t.Fatal("the history was not shortened; the case has not come about")
	}
	check(t)
	if err := r.store.Discard(bob, f.ID); code(err) != CodeNotFound {
		t.Fatal(err)
	}
	if err := r.store.Discard(alice, f.ID); err != nil {
		t.Fatal(err)
	}
}

// A principal has no more forks than it may have, whatever others have.
func TestForksOfOnePrincipal(t *testing.T) {
	r := newRig(t, Options{})
	alice := principal.With(t.Context(), &principal.Principal{Name: "alice", MaxForks: 2})
	r.create("a.xlsx")
	for range 2 {
		if _, err := r.store.Create(alice, "a.xlsx", CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.store.Create(alice, "a.xlsx", CreateOptions{}); code(err) != CodeLimit || !strings.Contains(err.Error(), "you have 2 forks") {
		t.Fatal(err)
	}
	r.create("a.xlsx")
}

// Of many forks that a principal asks for at once it gets as many as it may have: those that are
// being made count. And what was not made gives its place back.
func TestForksOfOnePrincipalAtOnce(t *testing.T) {
	r := newRig(t, Options{})
	const most, asked = 3, 40
	alice := principal.With(t.Context(), &principal.Principal{Name: "alice", MaxForks: most})
	bob := principal.With(t.Context(), &principal.Principal{Name: "bob", MaxForks: 1})
	if _, err := r.store.Create(alice, "missing.xlsx", CreateOptions{}); err == nil {
		t.Fatal("there is no such workbook")
	}
	var made, refused atomic.Int64
	var all sync.WaitGroup
	begin := make(chan struct{})
	for range asked {
		all.Go(func() {
			<-begin
			switch _, err := r.store.Create(alice, "a.xlsx", CreateOptions{}); {
			case err == nil:
				made.Add(1)
			case code(err) == CodeLimit:
				refused.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	all.Go(func() {
		<-begin
		if _, err := r.store.Create(bob, "a.xlsx", CreateOptions{}); err != nil {
			t.Error("another, whose places are his own:", err)
		}
	})
	close(begin)
	all.Wait()
	if made.Load() != most || refused.Load() != asked-most {
		t.Errorf("%d were made and %d refused, of %d that may be and %d asked for", made.Load(), refused.Load(), most, asked)
	}
	if n := len(r.store.reservedOf); n != 0 {
		t.Errorf("%d owners have places reserved, and nothing is being made", n)
	}
}

// A fork is saved to the file that it was made of, though another root has one of that path.
func TestSaveUnderItsOwnRoot(t *testing.T) {
	r, second := twoRoots(t, Options{})
	first, err := os.ReadFile(filepath.Join(r.dir, "a.xlsx"))
	if err != nil {
		t.Fatal(err)
	}
	f := r.create(filepath.Join(second, "a.xlsx"))
	r.edit(f.ID, number("A1", 4711))
	saved, err := r.store.Save(t.Context(), f.ID, SaveOptions{Overwrite: true})
	if err != nil {
		t.Fatal(err)
	}
	if real, _ := filepath.EvalSymlinks(second); saved.Entry.Root != real {
		t.Errorf("saved under %s, and the fork is of %s", saved.Entry.Root, real)
	}
	if now, err := os.ReadFile(filepath.Join(r.dir, "a.xlsx")); err != nil || string(now) != string(first) {
		t.Error("the file of the other root has changed", err)
	}
}

// TestForksOfOne: a principal has no more forks than he may have, also of those that he asks for at once, and takes none of another's.
func TestForksOfOne(t *testing.T) {
	r := newRig(t, Options{})
	few := principal.With(context.Background(), &principal.Principal{Name: "few", MaxForks: 3})
	var wg sync.WaitGroup
	var made atomic.Int64
	for range 30 {
		wg.Go(func() {
			switch _, err := r.store.Create(few, "a.xlsx", CreateOptions{}); {
			case err == nil:
				made.Add(1)
			case code(err) != CodeLimit:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if made.Load() != 3 {
		t.Errorf("%d forks were made, and he may have 3", made.Load())
	}
	if _, err := r.store.Create(few, "a.xlsx", CreateOptions{}); code(err) != CodeLimit {
		t.Errorf("one more than three that were made before: %v", err)
	}
	if _, err := r.store.Create(principal.With(context.Background(), &principal.Principal{Name: "other", MaxForks: 1}), "a.xlsx", CreateOptions{}); err != nil {
		t.Errorf("another's: %v", err)
	}
}
