package forks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/journal"
	"gridflow/internal/vfs/crashfs"
	"gridflow/internal/workspace"
)

// Two files of the same bytes have one base. Once it was dropped, a fork of either keeps it
// again.
func TestBaseOfTwins(t *testing.T) {
	r := newRig(t, Options{})
	r.put("twin.xlsx", smallBook(t, 1))
	a, b := r.create("a.xlsx"), r.create("twin.xlsx")
	for _, id := range []string{a.ID, b.ID} {
		if err := r.store.Discard(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	if n := r.kept(); n != 0 {
		t.Fatalf("%d bases are left", n)
	}
	for _, name := range []string{"twin.xlsx", "a.xlsx"} {
		f := r.create(name)
		r.edit(f.ID, number("A1", 7))
		r.restart()
		if got := r.at(f.ID, "A1"); got != "7" {
			t.Errorf("fork of %s: %s", name, got)
		}
		if err := r.store.Discard(t.Context(), f.ID); err != nil {
			t.Fatal(err)
		}
	}
}

// A fork of a fork may come while that is discarded: it is made, and stands, or it is not.
func TestCreateOfForkWhileDiscarded(t *testing.T) {
	r := newRig(t, Options{})
	for range 60 {
		a := r.create("a.xlsx")
		r.edit(a.ID, number("A1", 7))
		var wg sync.WaitGroup
		var b Info
		var err error
		wg.Go(func() { b, err = r.store.Create(context.Background(), a.ID, CreateOptions{}) })
		wg.Go(func() {
			if err := r.store.Discard(context.Background(), a.ID); err != nil {
				t.Error(err)
			}
		})
		wg.Wait()
		if err != nil {
			if code(err) != CodeNotFound {
				t.Fatal(err)
			}
			continue
		}
		if r.kept() != 1 {
			t.Fatal("the base was dropped under a fork")
		}
		if got := r.at(b.ID, "A1"); got != "7" {
			t.Fatalf("A1 is %s", got)
		}
		if err := r.store.Discard(t.Context(), b.ID); err != nil {
			t.Fatal(err)
		}
	}
	if n := r.kept(); n != 0 {
		t.Errorf("%d bases are left", n)
	}
}

// Of a discard and a create that meet at the same workbook neither costs a base.
func TestCreateWhileDiscarded(t *testing.T) {
	r := newRig(t, Options{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 25 {
				f, err := r.store.Create(context.Background(), "a.xlsx", CreateOptions{})
				if err == nil {
					_, err = r.store.Edit(context.Background(), f.ID, number("A1", 7), Commit{})
				}
				if err == nil {
					_, err = os.Stat(filepath.Join(r.bases, f.Base.SHA256+f.Base.Ext))
				}
				if err == nil {
					err = r.store.Discard(context.Background(), f.ID)
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if n := r.kept(); n != 0 {
		t.Errorf("%d bases are left", n)
	}
}

// Discarding goes on, and so do other forks, while a large workbook is copied.
func TestDiscardDoesNotWaitForCopies(t *testing.T) {
	r := newRig(t, Options{})
	a := r.create("a.xlsx")
	slow := &slowBases{Bases: r.store.bases, entered: make(chan struct{}), leave: make(chan struct{})}
	r.store.bases = slow
	done := make(chan error)
	go func() {
		_, err := r.store.Create(context.Background(), "b.xlsx", CreateOptions{})
		done <- err
	}()
	<-slow.entered
	if err := r.store.Discard(t.Context(), a.ID); err != nil {
		t.Error(err)
	}
	close(slow.leave)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if n := r.kept(); n != 1 {
		t.Errorf("%d bases are kept, want that of b.xlsx", n)
	}
}

// slowBases copies when it is told to.
type slowBases struct {
	Bases
	entered, leave chan struct{}
}

func (b *slowBases) KeepBase(ctx context.Context, id string) (workspace.Entry, *workspace.Hold, error) {
	close(b.entered)
	<-b.leave
	return b.Bases.KeepBase(ctx, id)
}

// With fifty who want ten places at once, ten get one.
func TestAsManyForksAsMayBe(t *testing.T) {
	r := newRig(t, Options{Max: 10})
	for round := range 5 {
		var wg sync.WaitGroup
		var mu sync.Mutex
		var made []string
		for range 50 {
			wg.Go(func() {
				f, err := r.store.Create(context.Background(), "a.xlsx", CreateOptions{})
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					made = append(made, f.ID)
				} else if code(err) != CodeLimit {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if len(made) != 10 {
			t.Fatalf("round %d: %d forks, want 10", round, len(made))
		}
		for _, id := range made {
			if err := r.store.Discard(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// What a journal that fails was about to be told may be in it all the same: its base stays.
func TestBaseOfUnknownOutcome(t *testing.T) {
	for _, what := range []string{"create", "rebase"} {
		t.Run(what, func(t *testing.T) {
			r := newRig(t, Options{})
			var id string
			if what == "rebase" {
				id = r.create("a.xlsx").ID
				r.edit(id, number("D4", 7))
				r.put("a.xlsx", smallBook(t, 3))
			}
			// The record is written, and then the sync fails; the crash keeps what was written.
			r.fs.(*crashfs.FS).SetFault(func(op crashfs.Op) *crashfs.Fault {
				if op.Kind == crashfs.Sync {
					return &crashfs.Fault{Err: errors.New("the disk is ill")}
				}
				return nil
			})
			var err error
			if what == "create" {
				_, err = r.store.Create(t.Context(), "a.xlsx", CreateOptions{})
			} else {
				_, err = r.store.Merge(t.Context(), id, "a.xlsx", MergeOptions{})
			}
			if code(err) != CodeJournal {
				t.Fatalf("%v, want %s", err, CodeJournal)
			}
			r.fs.(*crashfs.FS).SetFault(nil)
			r.restart()
			for _, f := range r.store.List(context.Background()) {
				r.read(f.ID)
				if what == "rebase" && f.Version != 2 {
					t.Fatalf("version %d: the case that the test is for has not come about", f.Version)
				}
			}
			if len(r.store.List(context.Background())) != 1 {
				t.Fatalf("%d forks: the case that the test is for has not come about", len(r.store.List(context.Background())))
			}
		})
	}
}

// A stream that cannot be read shuts out only itself, and what it stands on is left for the
// day when it can be read again.
func TestDamagedStream(t *testing.T) {
	r := newRig(t, Options{})
	a, b := r.create("a.xlsx"), r.create("a.xlsx")
	r.edit(b.ID, number("A1", 7))
	// A record that cannot follow: the journal is sound, its content is not.
	if _, err := r.store.log.Append(a.ID, uint8(moved), event{Why: whyRedo}.encode(nil)); err != nil {
		t.Fatal(err)
	}
	r.restart()
	if list := r.store.List(context.Background()); len(list) != 1 || list[0].ID != b.ID {
		t.Fatalf("%+v", list)
	}
	if _, err := r.store.Info(context.Background(), a.ID); code(err) != CodeNotFound {
		t.Errorf("the damaged one: %v", err)
	}
	if got := r.at(b.ID, "A1"); got != "7" {
		t.Errorf("A1 is %s", got)
	}
	if err := r.store.Discard(t.Context(), b.ID); err != nil {
		t.Fatal(err)
	}
	if r.kept() != 1 {
		t.Error("the base of a fork that cannot be read was dropped")
	}
}

// Two forks that stand on the same bytes can be merged, whichever way they came to them.
func TestMergeAfterRebase(t *testing.T) {
	r := newRig(t, Options{})
	old := r.create("a.xlsx")
	r.edit(old.ID, number("D4", 4))
	r.put("a.xlsx", smallBook(t, 3))
	young := r.create("a.xlsx")
	r.edit(young.ID, number("D3", 3))
	r.restart()
	r.read(young.ID) // it has its base open, as the kept copy
	if m, err := r.store.Merge(t.Context(), old.ID, "a.xlsx", MergeOptions{}); err != nil || !m.Done {
		t.Fatalf("%+v, %v", m, err)
	}
	if m, err := r.store.Merge(t.Context(), old.ID, young.ID, MergeOptions{}); err != nil || !m.Done {
		t.Fatalf("%+v, %v", m, err)
	}
	if r.at(old.ID, "D3") != "3" || r.at(old.ID, "D4") != "4" {
		t.Error("the merge lost something")
	}
}

// Whatever is in between, to make a content again takes a bounded number of edits.
func TestAnchorsBoundDepth(t *testing.T) {
	r := newRig(t, Options{})
	f := r.create("a.xlsx")
	n := 0
	edits := func(count int) {
		for range count {
			n++
			r.edit(f.ID, number("A1", float64(n)))
		}
	}
	back := func(v uint64) {
		if _, err := r.store.Restore(t.Context(), f.ID, "", &v, Commit{}); err != nil {
			t.Fatal(err)
		}
	}
	edits(anchorEvery - 1) // versions 1 … 255
	deep := uint64(n)
	for range 3 { // an anchor far from where the line goes on
		back(0)
		edits(1)
		back(deep)
		edits(anchorEvery - 1)
		deep = r.store.fork(f.ID).known().Version
	}
	var most int
	if err := r.store.look(t.Context(), f.ID, func(l *live) error {
		for v := range l.line.versions {
			depth := 0
			for at := l.line.content(uint64(v)); l.line.rec(at).anchor == 0 && !l.line.rec(at).fresh; at = l.line.rec(at).parent {
				depth++
			}
			most = max(most, depth)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if most > anchorEvery {
		t.Errorf("a version takes %d edits to make, more than %d", most, anchorEvery)
	}
	want := r.read(f.ID)
	r.restart()
	if d := r.read(f.ID).diff(want); d != "" {
		t.Error(d)
	}
	if got := r.at(f.ID+"@100", "A1"); got != "100" {
		t.Errorf("version 100 has %s", got)
	}
}

// The content of the newest version is at hand however many old ones were read.
func TestPresentContentStays(t *testing.T) {
	r := newRig(t, Options{})
	f := r.create("a.xlsx")
	for n := range keptMax + 5 {
		r.edit(f.ID, number("A1", float64(n)))
	}
	v := uint64(1)
	if _, err := r.store.Restore(t.Context(), f.ID, "", &v, Commit{}); err != nil {
		t.Fatal(err)
	}
	for n := range keptMax + 5 {
		r.read(fmt.Sprintf("%s@%d", f.ID, n+1))
	}
	if err := r.store.look(t.Context(), f.ID, func(l *live) error {
		if l.atHand(l.line.content(l.line.head())) == nil {
			t.Error("the present content is not at hand")
		}
		if len(l.kept) > keptMax || len(l.kept) < keptMax/2 {
			t.Errorf("%d contents are at hand", len(l.kept))
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// A fork whose base is gone can be told about and discarded, and its time ends it.
func TestForkWithoutBase(t *testing.T) {
	r := newRig(t, Options{})
	f := r.create("a.xlsx")
	r.edit(f.ID, number("A1", 7))
	r.close()
	if err := os.RemoveAll(r.bases); err != nil {
		t.Fatal(err)
	}
	r.open()
	if err := r.store.View(t.Context(), f.ID, func(*book.Snapshot) error { return nil }); err == nil {
		t.Fatal("it can be read")
	}
	if h, err := r.store.History(t.Context(), f.ID, 0, 10); err != nil || len(h) != 2 {
		t.Errorf("history: %v, %v", h, err)
	}
	if err := r.store.Discard(t.Context(), f.ID); err != nil {
		t.Errorf("discard: %v", err)
	}
	if n := len(r.store.List(context.Background())); n != 0 {
		t.Errorf("%d forks", n)
	}
}

// A kept copy that another file was put over is not read as what it was: its fork says so.
func TestForkWithOtherBase(t *testing.T) {
	r := newRig(t, Options{})
	f := r.create("a.xlsx")
	r.edit(f.ID, number("A1", 7))
	r.close()
	kept, err := filepath.Glob(filepath.Join(r.bases, "*"))
	if err != nil || len(kept) != 1 {
		t.Fatalf("%v are kept, %v", kept, err)
	}
	text, err := os.ReadFile(kept[0])
	if err != nil {
		t.Fatal(err)
	}
	// A comment at its end, which a zip file may have: all of it can be read.
	text = append(text, ' ')
	text[len(text)-3] = 1
	if err := os.WriteFile(kept[0], text, 0o600); err != nil {
		t.Fatal(err)
	}
	r.open()
	err = r.store.View(t.Context(), f.ID, func(*book.Snapshot) error { return nil })
	if err == nil || !strings.Contains(err.Error(), filepath.Base(kept[0])) {
		t.Errorf("%v, want an error that names the kept copy", err)
	}
}

// A formula that only got another format keeps its value, and one that was changed and
// changed back has none, whether the content comes from the edits or stands whole.
func TestWholeContentIsTheSame(t *testing.T) {
	r := newRig(t, Options{})
	f := r.create("a.xlsx")
	r.edit(f.ID, set("Data", "C1", book.CellEdit{Keep: true, NumFmt: "#,##0"}))
	r.edit(f.ID, set("Data", "C2", book.CellEdit{HasFormula: true, Formula: "A2*3"}))
	r.edit(f.ID, set("Data", "C2", book.CellEdit{HasFormula: true, Formula: "A2*2"}))
	r.edit(f.ID, set("Data", "C3", book.CellEdit{Value: cell.TextValue("x"), NumFmt: "0.00"}))
	child := r.create(f.ID)
	if d := r.read(child.ID).diff(r.read(f.ID)); d != "" {
		t.Error(d)
	}
}

// Some steps back are one change: all of them or none, with no edit of another in between.
func TestUndoStepsAtOnce(t *testing.T) {
	r := newRig(t, Options{})
	f := r.create("a.xlsx")
	for n := range 5 {
		r.edit(f.ID, number("A1", float64(100+n)))
	}
	res, err := r.store.Undo(t.Context(), f.ID, 3, Commit{})
	if err != nil || res.Before != 5 || res.Version != 6 || res.Info.Undo != 2 || res.Info.Redo != 3 {
		t.Fatalf("%+v, %v", res, err)
	}
	if got := r.at(f.ID, "A1"); got != "101" {
		t.Errorf("A1 is %s", got)
	}
	if _, err := r.store.Redo(t.Context(), f.ID, 4, Commit{}); code(err) != CodeNothing {
		t.Errorf("%v", err)
	}
	if res, err = r.store.Redo(t.Context(), f.ID, 3, Commit{}); err != nil || res.Version != 7 || r.at(f.ID, "A1") != "104" {
		t.Errorf("%+v, %v", res, err)
	}
	r.restart()
	if i, _ := r.store.Info(context.Background(), f.ID); i.Undo != 5 || i.Redo != 0 {
		t.Errorf("%+v", i)
	}
}

// Once the file is there, a save was done, whatever befalls the journal after.
func TestSaveThenJournalFails(t *testing.T) {
	r := newRig(t, Options{})
	f := r.create("a.xlsx")
	r.edit(f.ID, number("A1", 7))
	syncs := 0
	r.fs.(*crashfs.FS).SetFault(func(op crashfs.Op) *crashfs.Fault {
		if op.Kind == crashfs.Sync {
			if syncs++; syncs == 2 { // the first is that of what is about to be saved
				return &crashfs.Fault{Err: errors.New("the disk is ill")}
			}
		}
		return nil
	})
	out, err := r.store.Save(t.Context(), f.ID, SaveOptions{Path: "out.xlsx", Drop: true})
	if err != nil || len(out.Warnings) == 0 || out.Dropped || out.Version != 1 {
		t.Errorf("%+v, %v", out, err)
	}
	if _, err := os.Stat(filepath.Join(r.dir, "out.xlsx")); err != nil {
		t.Error(err)
	}
}

// TestCommitIsWaitedFor: who leaves while his edit is being written has his answer when it is on the disk, and not before: until then
// it is work, for which he has a permit.
func TestCommitIsWaitedFor(t *testing.T) {
	r := newRig(t, Options{})
	f := r.create("a.xlsx")
	began, release := make(chan struct{}), make(chan struct{})
	begin := sync.OnceFunc(func() { close(began) })
	r.fs.(*crashfs.FS).SetFault(func(op crashfs.Op) *crashfs.Fault {
		if op.Kind == crashfs.Sync {
			begin()
			<-release
		}
		return nil
	})
	ctx, leave := context.WithCancel(t.Context())
	answer := make(chan error, 1)
	go func() {
		_, err := r.store.Edit(ctx, f.ID, number("A1", 7), Commit{Tool: "test"})
		answer <- err
	}()
	<-began
	leave()
	for range 10_000 {
		runtime.Gosched()
	}
	select {
	case err := <-answer:
		t.Errorf("it was told %v while its record was being written", err)
		close(release)
	default:
		close(release)
		if err := <-answer; err != nil {
			t.Errorf("an edit that is on the disk: %v", err)
		}
	}
	r.fs.(*crashfs.FS).SetFault(nil)
	if now, err := r.store.Info(t.Context(), f.ID); err != nil || now.Version != 1 {
		t.Errorf("%+v, %v", now, err)
	}
}

// filesThen does something once a file is in its place.
type filesThen struct {
	Files
	then func()
}

func (f filesThen) Write(ctx context.Context, t workspace.Target, o workspace.WriteOptions, fn func(io.Writer) error) (workspace.Entry, error) {
	e, err := f.Files.Write(ctx, t, o, fn)
	f.then()
	return e, err
}

// A server that ends between the file of a save and the note that it is saved has left a file that its fork knows: it may be saved
// over again without a question.
func TestSaveKnowsItsFile(t *testing.T) {
	r := newRig(t, Options{})
	f := r.create("a.xlsx")
	r.edit(f.ID, number("A1", 7))
	files := r.store.o.Files
	r.store.o.Files = filesThen{files, func() {
		r.fs.(*crashfs.FS).SetFault(func(op crashfs.Op) *crashfs.Fault {
			if op.Kind == crashfs.Write {
				return &crashfs.Fault{Err: errors.New("the power is off")}
			}
			return nil
		})
	}}
	if out, err := r.store.Save(t.Context(), f.ID, SaveOptions{Overwrite: true}); err != nil || len(out.Warnings) == 0 {
		t.Fatalf("%+v, %v: the case that the test is for has not come about", out, err)
	}
	r.fs.(*crashfs.FS).SetFault(nil)
	r.restart()
	r.edit(f.ID, number("A1", 8))
	if _, err := r.store.Save(t.Context(), f.ID, SaveOptions{Overwrite: true}); err != nil {
		t.Errorf("the file of the fork's own save: %v", err)
	}
}

// A journal that has failed: every write says so, changes nothing, and reads go on.
func TestPoisonedJournal(t *testing.T) {
	r := newRig(t, Options{})
	f := r.create("a.xlsx")
	r.edit(f.ID, number("A1", 7))
	cp, err := r.store.Checkpoint(t.Context(), f.ID, "")
	if err != nil {
		t.Fatal(err)
	}
	st, _, err := r.store.Stage(t.Context(), f.ID, number("A1", 8), Commit{})
	if err != nil {
		t.Fatal(err)
	}
	r.edit(f.ID, number("A2", 7))
	if _, err := r.store.Undo(t.Context(), f.ID, 1, Commit{}); err != nil {
		t.Fatal(err)
	}
	before, _ := r.store.Info(context.Background(), f.ID)
	want := r.read(f.ID)
	r.fs.(*crashfs.FS).SetFault(func(op crashfs.Op) *crashfs.Fault {
		if op.Kind == crashfs.Sync || op.Kind == crashfs.Write {
			return &crashfs.Fault{Err: errors.New("the disk is ill")}
		}
		return nil
	})
	ctx := t.Context()
	for name, write := range map[string]func() error{
		"create":     func() error { _, err := r.store.Create(ctx, "a.xlsx", CreateOptions{}); return err },
		"fork":       func() error { _, err := r.store.Create(ctx, f.ID, CreateOptions{}); return err },
		"edit":       func() error { _, err := r.store.Edit(ctx, f.ID, number("A1", 9), Commit{}); return err },
		"undo":       func() error { _, err := r.store.Undo(ctx, f.ID, 1, Commit{}); return err },
		"redo":       func() error { _, err := r.store.Redo(ctx, f.ID, 1, Commit{}); return err },
		"checkpoint": func() error { _, err := r.store.Checkpoint(ctx, f.ID, ""); return err },
		"restore":    func() error { _, err := r.store.Restore(ctx, f.ID, cp.ID, nil, Commit{}); return err },
		"delete":     func() error { return r.store.DeleteCheckpoint(ctx, f.ID, cp.ID) },
		"stage":      func() error { _, _, err := r.store.Stage(ctx, f.ID, number("A1", 9), Commit{}); return err },
		"apply":      func() error { _, err := r.store.ApplyStaged(ctx, f.ID, st.ID, Commit{}); return err },
		"unstage":    func() error { return r.store.DiscardStaged(ctx, f.ID, st.ID) },
		"save":       func() error { _, err := r.store.Save(ctx, f.ID, SaveOptions{Path: "out.xlsx"}); return err },
		"discard":    func() error { return r.store.Discard(ctx, f.ID) },
	} {
		if err := write(); code(err) != CodeJournal {
			t.Errorf("%s: %v", name, err)
		}
	}
	after, _ := r.store.Info(context.Background(), f.ID)
	before.Used = after.Used
	if before != after {
		t.Errorf("%+v\n%+v", before, after)
	}
	if d := r.read(f.ID).diff(want); d != "" {
		t.Error(d)
	}
	if got := r.at(f.ID+"@2", "A2"); got != "7" {
		t.Errorf("an old version has %s", got)
	}
	if left, _ := filepath.Glob(filepath.Join(r.dir, "*")); len(left) != 2 {
		t.Errorf("the folder has %v", left)
	}
	if !errors.Is(r.store.log.Stats().Poisoned, journal.ErrPoisoned) {
		t.Error("the journal is not poisoned")
	}
}

// What a checkpoint and a staged change say of themselves is what is listed later.
func TestCreatedIsWhatIsListed(t *testing.T) {
	r := newRig(t, Options{})
	f := r.create("a.xlsx")
	cp, err := r.store.Checkpoint(t.Context(), f.ID, "bad \xff label")
	if err != nil {
		t.Fatal(err)
	}
	st, _, err := r.store.Stage(t.Context(), f.ID, number("A1", 8), Commit{Label: "bad \xff label"})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		cps, err := r.store.Checkpoints(t.Context(), f.ID)
		if err != nil || len(cps) != 1 || !cps[0].Created.Equal(cp.Created) || cps[0].Label != cp.Label || cps[0].ID != cp.ID {
			t.Errorf("%+v, want %+v (%v)", cps, cp, err)
		}
		sts, err := r.store.StagedChanges(t.Context(), f.ID)
		if err != nil || len(sts) != 1 || !sts[0].Created.Equal(st.Created) || sts[0].Label != st.Label || sts[0].ID != st.ID {
			t.Errorf("%+v, want %+v (%v)", sts, st, err)
		}
		if strings.Contains(cp.Label, "\xff") {
			t.Error("a label is no UTF-8")
		}
		r.restart()
	}
}

// A change that the journal has no room for is the caller's to make smaller; the journal is well.
func TestTooLarge(t *testing.T) {
	r := newRig(t, Options{})
	f := r.create("a.xlsx")
	if err := r.store.log.Close(); err != nil {
		t.Fatal(err)
	}
	var err error
	if r.store.log, err = journal.Open(r.fs, "journal", journal.Options{MaxRecord: 4096}); err != nil {
		t.Fatal(err)
	}
	big := set("Data", "A1", book.CellEdit{Value: cell.TextValue(strings.Repeat("x", 8192))})
	if _, err := r.store.Edit(t.Context(), f.ID, big, Commit{}); code(err) != CodeLimit {
		t.Errorf("%v, want %s", err, CodeLimit)
	}
	if res := r.edit(f.ID, number("A1", 7)); res.Version != 1 || r.at(f.ID, "A1") != "7" {
		t.Errorf("%+v", res)
	}
}

// countingBases counts the workbooks that were to be kept.
type countingBases struct {
	Bases
	kept int
}

func (c *countingBases) KeepBase(ctx context.Context, id string) (workspace.Entry, *workspace.Hold, error) {
	c.kept++
	return c.Bases.KeepBase(ctx, id)
}

// A fork does not move to another workbook, and that is known before a byte of it is copied.
// Forks of one workbook can be merged, whichever revisions they stand on.
func TestMergeWithStrangers(t *testing.T) {
	r := newRig(t, Options{})
	a, b := r.create("a.xlsx"), r.create("b.xlsx")
	counting := &countingBases{Bases: r.store.bases}
	r.store.bases = counting
	if _, err := r.store.Merge(t.Context(), a.ID, "b.xlsx", MergeOptions{}); code(err) != CodeBadInput {
		t.Errorf("a merge with another workbook: %v", err)
	}
	if counting.kept > 0 {
		t.Error("the other workbook was copied")
	}
	hint := func(err error) string {
		var ours *Error
		errors.As(err, &ours)
		return ours.Message + "; " + ours.Hint
	}
	if _, err := r.store.Merge(t.Context(), a.ID, b.ID, MergeOptions{}); code(err) != CodeBadInput || !strings.Contains(hint(err), "different workbooks") {
		t.Errorf("a merge with a fork of another workbook: %v", err)
	}
	r.edit(a.ID, number("D1", 1))
	r.put("a.xlsx", smallBook(t, 3))
	newer := r.create("a.xlsx")
	r.edit(newer.ID, number("D2", 2))
	if m, err := r.store.Merge(t.Context(), a.ID, newer.ID+"@1", MergeOptions{}); err != nil || !m.Done || m.Rebased || m.Cells != 1 {
		t.Fatalf("a merge of forks of two revisions: %+v, %v", m, err)
	}
	if r.at(a.ID, "D1") != "1" || r.at(a.ID, "D2") != "2" {
		t.Errorf("D1 is %s and D2 %s", r.at(a.ID, "D1"), r.at(a.ID, "D2"))
	}
}

// A file that was written a moment ago can be forked by its path: it need not be in the
// catalogue yet.
func TestForkOfNewFile(t *testing.T) {
	r := newRig(t, Options{})
	for n := range 20 {
		name := fmt.Sprintf("new%d.xlsx", n)
		r.put(name, smallBook(t, n))
		f := r.create(name)
		if err := r.store.Discard(t.Context(), f.ID); err != nil {
			t.Fatal(err)
		}
	}
}

// Of a fork on another revision its own changes come, and nothing else of that revision. Where
// the revisions differ in a cell that it changed there is a conflict, with the sides as the caller
// knows them.
func TestMergeAcrossRevisions(t *testing.T) {
	for _, choice := range []struct {
		name string
		all  *book.Choice
		a1   string
	}{{"none", nil, "11"}, {"ours", new(book.TakeOurs), "11"}, {"theirs", new(book.TakeTheirs), "5"}} {
		r := newRig(t, Options{})
		ours := r.create("a.xlsx")
		r.edit(ours.ID, number("D2", 1))
		r.put("a.xlsx", smallBook(t, 3)) // A1 is 31 and no more 11, and so is what follows from it
		theirs := r.create("a.xlsx")
		r.edit(theirs.ID, number("D3", 2))
		r.edit(theirs.ID, number("A1", 5))
		m, err := r.store.Merge(t.Context(), ours.ID, theirs.ID, MergeOptions{All: choice.all})
		if err != nil || m.Done != (choice.all != nil) || len(m.Conflicts) != 1 {
			t.Fatalf("%s: %+v, %v", choice.name, m, err)
		}
		c := m.Conflicts[0]
		if c.Ref.String() != "A1" || c.Base.Value.Number() != 31 || c.Ours.Value.Number() != 11 || c.Theirs.Value.Number() != 5 || c.Lost {
			t.Fatalf("%+v", c)
		}
		if got := r.at(ours.ID, "A1"); got != choice.a1 {
			t.Errorf("%s: A1 is %s", choice.name, got)
		}
		if !m.Done {
			m, err = r.store.Merge(t.Context(), ours.ID, theirs.ID, MergeOptions{Choices: map[book.Target]book.Resolution{c.Target: {Choice: book.TakeManual, Cell: book.CellEdit{Value: cell.NumberValue(8)}}}})
			if err != nil || !m.Done || r.at(ours.ID, "A1") != "8" {
				t.Errorf("%+v, %v: A1 is %s", m, err, r.at(ours.ID, "A1"))
			}
		}
		if r.at(ours.ID, "D2") != "1" || r.at(ours.ID, "D3") != "2" || r.at(ours.ID, "A2") != "12" {
			t.Errorf("%s: D2 is %s, D3 %s, A2 %s", choice.name, r.at(ours.ID, "D2"), r.at(ours.ID, "D3"), r.at(ours.ID, "A2"))
		}
		want := r.read(ours.ID)
		r.restart()
		if d := r.read(ours.ID).diff(want); d != "" {
			t.Error(d)
		}
	}
}

// TestMergeOfColumns holds that widths which two have set come together, whichever way they are merged, and
// that a merge of nothing but widths is one.
func TestMergeOfColumns(t *testing.T) {
	for _, way := range []string{"forks", "file", "across"} {
		r := newRig(t, Options{})
		ours := r.create("a.xlsx")
		r.edit(ours.ID, widths(0, 44))
		theirs := r.create("a.xlsx")
		r.edit(theirs.ID, widths(1, 30))
		if way != "forks" { // another program has saved theirs
			if _, err := r.store.Save(t.Context(), theirs.ID, SaveOptions{Overwrite: true}); err != nil {
				t.Fatal(err)
			}
		}
		with := theirs.ID
		switch way {
		case "file":
			with = "a.xlsx"
		case "across":
			f := r.create("a.xlsx")
			r.edit(f.ID, book.Edit{Ops: []book.Op{book.Arrange{Sheet: "Data", Columns: &[]grid.ColumnSpan{
				{First: 1, Last: 1, Width: 30, Custom: true}, {First: 2, Last: 2, Width: 19, Custom: true},
			}}}})
			with = f.ID
		}
		want := []float64{44, 30, 0}
		if way == "across" { // what the revisions have of their own stays apart
			want = []float64{44, 0, 19}
		}
		m, err := r.store.Merge(t.Context(), ours.ID, with, MergeOptions{})
		if err != nil || !m.Done || len(m.Conflicts) > 0 {
			t.Fatalf("%s: %+v, %v", way, m, err)
		}
		for range 2 {
			if got := r.widths(ours.ID, 3); !slices.Equal(got, want) {
				t.Errorf("%s: the columns are %v wide, not %v", way, got, want)
			}
			r.restart()
		}
		if _, err := r.store.Merge(t.Context(), ours.ID, theirs.ID, MergeOptions{}); way == "forks" && code(err) != CodeNothing {
			t.Errorf("merged twice: %v", err)
		}
	}
}

func widths(col int, width float64) book.Edit {
	return book.Edit{Ops: []book.Op{book.Arrange{Sheet: "Data", Columns: &[]grid.ColumnSpan{{First: col, Last: col, Width: width, Custom: true}}}}}
}

// widths gives how wide the first n columns of the first sheet are.
func (r *rig) widths(id string, n int) (list []float64) {
	r.Helper()
	if err := r.store.View(context.Background(), id, func(s *book.Snapshot) error {
		sheet, err := s.Sheet(context.Background(), 0)
		for col := 0; err == nil && col < n; col++ {
			c, _ := sheet.Layout.Column(col)
			list = append(list, c.Width)
		}
		return err
	}); err != nil {
		r.Fatal(err)
	}
	return list
}
