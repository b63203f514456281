package forks

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/vfs/crashfs"
)

var crashes = flag.Int("crashes", 0, "how many random scripts are crashed; 0: a few")

// script makes calls, one after the other, and stops at the first that fails. It notes what
// was acknowledged, and what was about to be.
type script struct {
	*rig
	forks map[string]*acked
	err   error
	begun string // what the call that failed was, with the fork that it was for
	mayBe bool   // a fork of which nobody knows the name may have come to be

	replaced int // how often the workbook was
}

// acked is what a client knows of a fork. Each version sets two cells to its number, so that
// half of a commit would show.
type acked struct {
	values      []float64 // of both cells, by version
	checkpoints int
	staged      string // the change that waits, "" where none does
	next        *acked // what it is if the last call has come to its end all the same
	ground      int    // the version that it was staged for
	to          float64
	gone        bool
}

func (a *acked) clone() *acked {
	b := *a
	b.values = append([]float64(nil), a.values...)
	b.next = nil
	return &b
}

// try makes a call on a fork. change says what it does.
func (s *script) try(id, what string, change func(*acked), call func() error) {
	if s.err != nil {
		return
	}
	if a := s.forks[id]; a != nil {
		a.next = a.clone()
		change(a.next)
	}
	if s.err = call(); s.err != nil {
		s.begun = what
		return
	}
	if a := s.forks[id]; a != nil {
		s.forks[id] = a.next
	}
}

func (s *script) create(from string) string {
	if s.err != nil {
		return ""
	}
	i, err := s.store.Create(context.Background(), from, CreateOptions{})
	if s.err = err; err != nil {
		s.begun, s.mayBe = "create", true
		return ""
	}
	a := &acked{values: []float64{-1}}
	if of := s.forks[from]; of != nil {
		a.values[0] = of.values[len(of.values)-1]
	}
	s.forks[i.ID] = a
	return i.ID
}

func (s *script) set(id string, n float64) {
	s.try(id, "edit", func(a *acked) { a.values = append(a.values, n) }, func() error {
		e := number("D4", n)
		e.Ops = append(e.Ops, set("Sums", "D4", book.CellEdit{Value: cell.NumberValue(n)}).Ops...)
		_, err := s.store.Edit(context.Background(), id, e, Commit{})
		return err
	})
}

func (s *script) undo(id string, steps int) {
	s.try(id, "undo", func(a *acked) { a.values = append(a.values, a.values[len(a.values)-1-steps]) }, func() error {
		_, err := s.store.Undo(context.Background(), id, steps, Commit{})
		return err
	})
}

func (s *script) checkpoint(id string) {
	s.try(id, "checkpoint", func(a *acked) { a.checkpoints++ }, func() error {
		_, err := s.store.Checkpoint(context.Background(), id, "")
		return err
	})
}

func (s *script) restore(id string, v uint64) {
	s.try(id, "restore", func(a *acked) { a.values = append(a.values, a.values[v]) }, func() error {
		_, err := s.store.Restore(context.Background(), id, "", &v, Commit{})
		return err
	})
}

func (s *script) stage(id string, n float64) {
	s.try(id, "stage", func(a *acked) { a.staged = "?" }, func() error {
		e := number("D4", n)
		e.Ops = append(e.Ops, set("Sums", "D4", book.CellEdit{Value: cell.NumberValue(n)}).Ops...)
		st, _, err := s.store.Stage(context.Background(), id, e, Commit{})
		if err == nil {
			s.forks[id].next.staged = st.ID
		}
		return err
	})
}

func (s *script) applyStaged(id string, n float64) {
	if s.err != nil {
		return
	}
	change := s.forks[id].staged
	s.try(id, "apply", func(a *acked) { a.values, a.staged = append(a.values, n), "" }, func() error {
		_, err := s.store.ApplyStaged(context.Background(), id, change, Commit{})
		return err
	})
}

func (s *script) rebase(id string) {
	s.try(id, "rebase", func(a *acked) { a.values = append(a.values, a.values[len(a.values)-1]) }, func() error {
		_, err := s.store.Merge(context.Background(), id, "a.xlsx", MergeOptions{})
		return err
	})
}

func (s *script) save(id string) {
	s.try(id, "save", func(*acked) {}, func() error {
		_, err := s.store.Save(context.Background(), id, SaveOptions{Path: "out.xlsx", Overwrite: true})
		return err
	})
}

func (s *script) discard(id string) {
	s.try(id, "discard", func(a *acked) { a.gone = true }, func() error { return s.store.Discard(context.Background(), id) })
}

// fixed is a script in which everything happens once.
func (s *script) fixed(t *testing.T) {
	a := s.create("a.xlsx")
	s.set(a, 1)
	s.set(a, 2)
	s.checkpoint(a)
	b := s.create(a)
	s.set(b, 3)
	s.undo(a, 2)
	s.restore(a, 2)
	s.stage(a, 4)
	s.applyStaged(a, 4)
	s.save(a)
	if s.err == nil {
		s.put("a.xlsx", smallBook(t, 3))
	}
	s.rebase(a)
	s.set(a, 5)
	s.discard(b)
	s.set(a, 6)
	c := s.create("a.xlsx") // long enough to be shortened, with moves to contents that go
	for n := range 4 {
		s.set(c, float64(10+n))
	}
	s.restore(c, uint64(len(s.valuesOf(c))-2))
	s.set(c, 20)
	s.undo(c, 2)
	s.set(c, 21)
	s.stage(c, 22)
	s.set(c, 23)
}

func (s *script) valuesOf(id string) []float64 {
	if a := s.forks[id]; a != nil {
		return a.values
	}
	return make([]float64, 2) // the script has stopped
}

// crash stops the machine, if it has not, and starts it anew on what is left. Then it looks
// whether everything that was acknowledged is there, and nothing by half.
func (s *script) crash(rnd *rand.Rand) {
	s.Helper()
	old := s.fs.(*crashfs.FS)
	if s.err != nil && !errors.Is(s.err, crashfs.ErrStopped) && code(s.err) != CodeJournal {
		s.Fatalf("%s: %v", s.begun, s.err)
	}
	old.Stop()
	s.close()
	s.fs = old.Crash(rnd)
	s.open()
	if s.store.unread > 0 {
		s.Fatalf("after a crash in %s a fork cannot be read", s.begun)
	}
	strangers := 0
	for _, i := range s.store.List(context.Background()) {
		if s.forks[i.ID] == nil {
			strangers++
			s.read(i.ID)
		}
	}
	if strangers > 1 || strangers == 1 && !s.mayBe {
		s.Fatalf("%d forks that nobody has made", strangers)
	}
	for id, a := range s.forks {
		found := s.matches(id, a)
		if found != "" && a.next != nil { // the last call may have come to its end
			if other := s.matches(id, a.next); other == "" {
				found, a = "", a.next
			}
		}
		if found != "" {
			s.Fatalf("after a crash in %s: %s", s.begun, found)
		}
		if a.staged == "?" {
			list, err := s.store.StagedChanges(context.Background(), id)
			if err != nil {
				s.Fatal(err)
			}
			a.staged = list[0].ID
		}
		s.forks[id] = a
	}
	s.goOn()
}

// goOn uses the store after a crash: versions count on, and what nobody knows of can be
// discarded.
func (s *script) goOn() {
	s.Helper()
	s.err, s.begun, s.mayBe = nil, "", false
	for _, i := range s.store.List(context.Background()) {
		if s.forks[i.ID] == nil {
			if err := s.store.Discard(context.Background(), i.ID); err != nil {
				s.Fatal(err)
			}
		}
	}
	for id, a := range s.forks {
		if a.gone {
			delete(s.forks, id)
			continue
		}
		s.set(id, 77)
		if s.err != nil {
			s.Fatal(s.err)
		}
		if found := s.matches(id, s.forks[id]); found != "" {
			s.Fatal(found)
		}
	}
	list, stands := s.store.List(context.Background()), map[string]bool{}
	for _, i := range list {
		if err := s.store.look(context.Background(), i.ID, func(l *live) error {
			for _, b := range l.line.bases {
				stands[nameOf(b)] = true
			}
			return nil
		}); err != nil {
			s.Fatal(err)
		}
	}
	if s.kept() != len(stands) {
		s.Fatalf("%d bases are kept, %d are stood on", s.kept(), len(stands))
	}
}

// matches tells what is not as it should be, "" where all is.
func (s *script) matches(id string, a *acked) string {
	s.Helper()
	i, err := s.store.Info(context.Background(), id)
	if a.gone || err != nil {
		if a.gone && code(err) == CodeNotFound {
			return ""
		}
		return fmt.Sprintf("%s: %v, discarded: %v", id, err, a.gone)
	}
	staged := 0
	if a.staged != "" {
		staged = 1
	}
	if int(i.Version) != len(a.values)-1 || i.Checkpoints != a.checkpoints || i.Staged != staged {
		return fmt.Sprintf("%s: %+v, want %+v", id, i, a)
	}
	keep := uint64(s.o.History)
	if i.First > 0 && (keep == 0 || i.First+keep > i.Version) {
		return fmt.Sprintf("%s: the oldest version is %d of %d", id, i.First, i.Version)
	}
	for v, n := range a.values {
		if uint64(v) < i.First {
			if err := s.store.View(context.Background(), fmt.Sprintf("%s@%d", id, v), func(*book.Snapshot) error { return nil }); code(err) != CodeGone {
				return fmt.Sprintf("%s@%d: %v", id, v, err)
			}
			continue
		}
		is := s.read(fmt.Sprintf("%s@%d", id, v))
		want := cell.NumberValue(n)
		if n < 0 {
			want = cell.Value{}
		}
		if is["Data!D4"].value != want || is["Sums!D4"].value != want {
			return fmt.Sprintf("%s@%d: %v and %v, want %v", id, v, is["Data!D4"], is["Sums!D4"], want)
		}
	}
	return ""
}

// fresh begins with nothing.
func (s *script) fresh(t *testing.T) {
	t.Helper()
	s.close()
	s.fs, s.forks = crashfs.New(), map[string]*acked{}
	s.put("a.xlsx", smallBook(t, 1))
	os.Remove(filepath.Join(s.dir, "out.xlsx"))
	s.open()
}

func (s *script) operations() int { return len(s.fs.(*crashfs.FS).Ops()) }

// random makes calls until one fails.
func (s *script) random(t *testing.T, rnd *rand.Rand) {
	for n := 1.0; s.err == nil; n++ {
		var ids []string
		for id, a := range s.forks {
			if !a.gone {
				ids = append(ids, id)
			}
		}
		slices.Sort(ids)
		if len(ids) == 0 || len(ids) < 4 && rnd.IntN(8) == 0 {
			from := "a.xlsx"
			if len(ids) > 0 && rnd.IntN(2) == 0 {
				from = ids[rnd.IntN(len(ids))]
			}
			s.create(from)
			continue
		}
		id := ids[rnd.IntN(len(ids))]
		a := s.forks[id]
		switch rnd.IntN(10) {
		case 0:
			s.checkpoint(id)
		case 1:
			i, err := s.store.Info(context.Background(), id)
			if err != nil {
				t.Fatal(err)
			}
			s.restore(id, i.First+uint64(rnd.IntN(len(a.values)-int(i.First))))
		case 2:
			if a.staged == "" {
				a.ground, a.to = len(a.values)-1, n
				s.stage(id, n)
			} else if a.ground == len(a.values)-1 {
				s.applyStaged(id, a.to)
			}
		case 3:
			if rnd.IntN(4) == 0 {
				s.discard(id)
			}
		case 4:
			if rnd.IntN(4) == 0 {
				s.save(id)
			}
		case 5:
			if s.replaced++; rnd.IntN(2) == 0 {
				s.put("a.xlsx", smallBook(t, 100+s.replaced))
				s.rebase(id)
			}
		default:
			s.set(id, n)
		}
	}
}

func newScript(t *testing.T, history int) *script {
	r := newRig(t, Options{LiveMax: 2, StagedMax: 1, History: history})
	r.log.SegmentBytes = 2000 // so that they come and go
	return &script{rig: r, forks: map[string]*acked{}}
}

// TestCrashAnywhere stops the machine after each operation of a script on the file system of
// the journal. Everything that was acknowledged is there afterwards, and the line goes on.
func TestCrashAnywhere(t *testing.T) {
	for _, history := range []int{0, 2} {
		t.Run(fmt.Sprint("history=", history), func(t *testing.T) {
			t.Parallel()
			crashAnywhere(t, history)
		})
	}
}

func crashAnywhere(t *testing.T, history int) {
	s := newScript(t, history)
	s.fresh(t)
	opened := s.operations()
	s.fixed(t)
	if s.err != nil {
		t.Fatal(s.err)
	}
	ops := s.operations() - opened
	if n := s.store.Stats().Shortened; (n > 0) != (history > 0) {
		t.Fatalf("%d lines were shortened", n)
	}
	for n := range ops {
		s.fresh(t)
		s.fs.(*crashfs.FS).StopAfter(s.operations() + n + 1)
		s.fixed(t)
		s.crash(rand.New(rand.NewPCG(uint64(n), 7)))
	}
	t.Logf("%d crashes", ops)
}

// TestCrashAnyScript does the same at random points of random scripts, more than once.
func TestCrashAnyScript(t *testing.T) {
	t.Parallel()
	count := *crashes
	if count == 0 {
		count = 20
	}
	s := newScript(t, 2)
	for seed := range count {
		rnd := rand.New(rand.NewPCG(uint64(seed), 11))
		s.o.History = seed % 3
		s.fresh(t)
		for range 3 {
			s.fs.(*crashfs.FS).StopAfter(s.operations() + 1 + rnd.IntN(60))
			s.random(t, rnd)
			s.crash(rnd)
		}
	}
}
