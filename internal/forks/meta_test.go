package forks

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"gridflow/internal/book"
	"gridflow/internal/vfs/crashfs"
)

// The metamorphic test: what a script of calls leaves behind does not depend on how it is
// executed, one fork after the other or all at once, with everything in memory or nothing,
// with crashes of the machine in between or without.

// metaFork is a fork of a script: what it is made of and what is done to it, in order.
type metaFork struct {
	name string // its label
	from string // the name of the fork that it is made of; "" is the workbook
	at   uint64 // the version of that
	ops  []metaOp
}

// metaOp is one call on a fork.
type metaOp struct {
	what  string
	edit  book.Edit
	n     int       // steps, a version, the number of a checkpoint
	child *metaFork // that is made of this fork
}

// someFork draws a script. It only has calls that succeed: it keeps count of versions,
// steps, checkpoints and staged changes.
func someFork(t *rapid.T, name string, depth int) *metaFork {
	f := &metaFork{name: name}
	versions, undo, redo, checkpoints, children := 1, 0, 0, 0, 0
	staged := false
	for range rapid.IntRange(1, 10).Draw(t, "ops") {
		kinds := []string{"edit", "edit", "edit", "restore"}
		if undo > 0 {
			kinds = append(kinds, "undo")
		}
		if redo > 0 {
			kinds = append(kinds, "redo")
		}
		if checkpoints < 3 {
			kinds = append(kinds, "checkpoint")
		}
		if checkpoints > 0 {
			kinds = append(kinds, "back", "forget")
		}
		if !staged {
			kinds = append(kinds, "stage")
		}
		if depth > 0 && children < 2 {
			kinds = append(kinds, "branch")
		}
		if name != "0" && strings.Contains(name, ".") {
			kinds = append(kinds, "merge")
		}
		op := metaOp{what: rapid.SampledFrom(kinds).Draw(t, "what")}
		changes := func() { undo, redo, versions = undo+1, 0, versions+1 }
		switch op.what {
		case "edit":
			op.edit = someEdit(t, sheetNames)
			changes()
		case "undo":
			op.n = rapid.IntRange(1, undo).Draw(t, "steps")
			undo, redo, versions = undo-op.n, redo+op.n, versions+1
		case "redo":
			op.n = rapid.IntRange(1, redo).Draw(t, "steps")
			undo, redo, versions = undo+op.n, redo-op.n, versions+1
		case "restore":
			op.n = rapid.IntRange(0, versions-1).Draw(t, "version")
			changes()
		case "checkpoint":
			checkpoints++
		case "back":
			op.n = rapid.IntRange(0, checkpoints-1).Draw(t, "checkpoint")
			changes()
		case "forget":
			op.n = rapid.IntRange(0, checkpoints-1).Draw(t, "checkpoint")
			checkpoints--
		case "stage":
			op.edit = someEdit(t, sheetNames)
			staged = true
			f.ops = append(f.ops, op)
			op = metaOp{what: rapid.SampledFrom([]string{"apply", "unstage"}).Draw(t, "then")}
			staged = false
			if op.what == "apply" {
				changes()
			}
		case "branch":
			op.child = someFork(t, fmt.Sprintf("%s.%d", name, children), depth-1)
			op.child.from, op.child.at = name, uint64(rapid.IntRange(0, versions-1).Draw(t, "of"))
			children++
		case "merge":
			// With the version that this fork was made of: nothing comes, but it is a commit or
			// a refusal, and either way the same.
		}
		f.ops = append(f.ops, op)
	}
	return f
}

// all gives f and the forks that are made of it.
func (f *metaFork) all() []*metaFork {
	list := []*metaFork{f}
	for _, op := range f.ops {
		if op.child != nil {
			list = append(list, op.child.all()...)
		}
	}
	return list
}

// metaRun executes the script of some forks.
type metaRun struct {
	*rig
	forks []*metaFork
	evict bool
	is    map[string]*metaState // by name; one goroutine at a time has one
}

// metaState is how far the script of a fork has come.
type metaState struct {
	id     string // "" while it was not made
	done   int    // calls that have come to their end
	before *Info  // the fork before the call that is under way
}

// work makes the calls on a fork that were not made yet, until one fails because the machine
// has stopped.
func (m *metaRun) work(f *metaFork) error {
	at := m.is[f.name]
	for at.done < len(f.ops) {
		before, err := m.store.Info(context.Background(), at.id)
		if err != nil {
			return err
		}
		at.before = &before
		if err := m.call(f, at.id, f.ops[at.done]); err != nil {
			return fmt.Errorf("%s, call %d, %s: %w", f.name, at.done, f.ops[at.done].what, err)
		}
		at.before = nil
		at.done++
		for m.evict && m.store.registry.ReleaseIdle() {
		}
	}
	return nil
}

func (m *metaRun) call(f *metaFork, id string, op metaOp) (err error) {
	ctx, c := context.Background(), Commit{Tool: op.what, Label: f.name}
	switch op.what {
	case "edit":
		_, err = m.store.Edit(ctx, id, op.edit, c)
	case "undo":
		_, err = m.store.Undo(ctx, id, op.n, c)
	case "redo":
		_, err = m.store.Redo(ctx, id, op.n, c)
	case "restore":
		v := uint64(op.n)
		_, err = m.store.Restore(ctx, id, "", &v, c)
	case "checkpoint":
		_, err = m.store.Checkpoint(ctx, id, f.name)
	case "back", "forget":
		list, lerr := m.store.Checkpoints(ctx, id)
		if err = lerr; err != nil {
			return err
		}
		if op.what == "forget" {
			return m.store.DeleteCheckpoint(ctx, id, list[op.n].ID)
		}
		_, err = m.store.Restore(ctx, id, list[op.n].ID, nil, c)
	case "stage":
		_, _, err = m.store.Stage(ctx, id, op.edit, c)
	case "apply", "unstage":
		list, lerr := m.store.StagedChanges(ctx, id)
		if err = lerr; err != nil {
			return err
		}
		if op.what == "unstage" {
			return m.store.DiscardStaged(ctx, id, list[0].ID)
		}
		_, err = m.store.ApplyStaged(ctx, id, list[0].ID, c)
	case "branch":
		err = m.create(op.child)
	case "merge":
		_, err = m.store.Merge(ctx, id, fmt.Sprintf("%s@%d", m.is[f.from].id, f.at), MergeOptions{Commit: c})
		if code(err) == CodeNothing {
			err = nil
		}
	}
	return err
}

// create makes a fork that is not there. Its label tells whether it is.
func (m *metaRun) create(f *metaFork) error {
	from := "a.xlsx"
	if f.from != "" {
		from = fmt.Sprintf("%s@%d", m.is[f.from].id, f.at)
	}
	i, err := m.store.Create(context.Background(), from, CreateOptions{Label: f.name})
	if err == nil {
		m.is[f.name].id = i.ID
	}
	return err
}

// run makes all calls. Whenever the machine has stopped it is started anew, and who was
// interrupted looks whether the call was made.
func (m *metaRun) run(parallel bool, crashes int, rnd *rand.Rand) {
	for {
		if crashes > 0 {
			fs := m.fs.(*crashfs.FS)
			fs.StopAfter(len(fs.Ops()) + 1 + rnd.IntN(40))
		}
		var failed []error
		for failed == nil {
			ready, err := m.ready()
			if err != nil {
				failed = append(failed, err)
			}
			if len(ready) == 0 {
				break
			}
			errs := make([]error, len(ready))
			var wg sync.WaitGroup
			for i, f := range ready {
				if !parallel {
					if errs[i] = m.work(f); errs[i] != nil {
						break
					}
					continue
				}
				wg.Go(func() { errs[i] = m.work(f) })
			}
			wg.Wait()
			for _, err := range errs {
				if err != nil {
					failed = append(failed, err)
				}
			}
		}
		if failed == nil {
			m.fs.(*crashfs.FS).StopAfter(0) // what follows only looks
			return
		}
		for _, err := range failed {
			if crashes == 0 || !errors.Is(err, crashfs.ErrStopped) && !strings.Contains(err.Error(), CodeJournal) {
				m.Fatal(err)
			}
		}
		crashes--
		m.restartAfterCrash(rnd)
	}
}

// ready gives the forks that are there and have calls left. One that was not made yet is made
// first, if it is nobody's child.
func (m *metaRun) ready() (list []*metaFork, err error) {
	for _, f := range m.forks {
		if m.is[f.name].id == "" && f.from == "" {
			if err := m.create(f); err != nil {
				return nil, err
			}
		}
		if at := m.is[f.name]; at.id != "" && at.done < len(f.ops) {
			list = append(list, f)
		}
	}
	return list, nil
}

func (m *metaRun) restartAfterCrash(rnd *rand.Rand) {
	m.Helper()
	old := m.fs.(*crashfs.FS)
	old.Stop()
	m.close()
	m.fs = old.Crash(rnd)
	m.open()
	for _, i := range m.store.List(context.Background()) {
		m.is[i.Label].id = i.ID // one that was made without anybody being told, too
	}
	for _, f := range m.forks {
		at := m.is[f.name]
		if at.before == nil {
			continue
		}
		now, err := m.store.Info(context.Background(), at.id)
		if err != nil {
			m.Fatal(err)
		}
		made := now.Version != at.before.Version || now.Checkpoints != at.before.Checkpoints || now.Staged != at.before.Staged
		if child := f.ops[at.done].child; child != nil {
			made = m.is[child.name].id != ""
		}
		if at.before = nil; made {
			at.done++
		}
	}
}

// describe gives all that can be seen of the forks, but for what chance says: ids and times.
func (m *metaRun) describe() string {
	m.Helper()
	ctx := context.Background()
	var b strings.Builder
	for _, f := range m.forks {
		id := m.is[f.name].id
		i, err := m.store.Info(context.Background(), id)
		if err != nil {
			m.Fatal(err)
		}
		fmt.Fprintf(&b, "fork %s: version %d, %d edits, stale %t, %d checkpoints, %d staged, %d to undo, %d to redo\n", i.Label, i.Version, i.Edits, i.Stale, i.Checkpoints, i.Staged, i.Undo, i.Redo)
		history, err := m.store.History(ctx, id, 0, 1000)
		if err != nil {
			m.Fatal(err)
		}
		for _, v := range history {
			fmt.Fprintf(&b, "  %d: %s of %d by %s %q, %d cells\n", v.Number, v.What, v.Of, v.Tool, v.Label, v.Cells)
			is := m.read(fmt.Sprintf("%s@%d", id, v.Number))
			for _, sheet := range sheetNames {
				for row := range windowRows {
					for col := range windowCols {
						key := fmt.Sprintf("%s!%c%d", sheet, 'A'+col, row+1)
						fmt.Fprintf(&b, "    %s %v %s\n", key, is[key], is[key].format)
					}
				}
			}
		}
		checkpoints, err := m.store.Checkpoints(ctx, id)
		if err != nil {
			m.Fatal(err)
		}
		for _, c := range checkpoints {
			fmt.Fprintf(&b, "  checkpoint of %d %q\n", c.Version, c.Label)
		}
	}
	return b.String()
}

// metaWay is a way to execute a script.
type metaWay struct {
	parallel, evict bool
	crashes         int
}

func TestMetamorphic(t *testing.T) {
	t.Parallel() // most of its time it waits for the disk
	workbook := smallBook(t, 1)
	stopped := 0
	rapid.Check(t, func(rt *rapid.T) {
		var roots []*metaFork
		for n := range rapid.IntRange(1, 3).Draw(rt, "forks") {
			roots = append(roots, someFork(rt, fmt.Sprint(n), 2))
		}
		seed := rapid.Uint64().Draw(rt, "seed")
		run := func(way metaWay) string {
			dir, err := os.MkdirTemp(t.TempDir(), "meta")
			if err != nil {
				rt.Fatal(err)
			}
			m := &metaRun{evict: way.evict, is: make(map[string]*metaState)}
			m.rig = &rig{failer: rt, dir: filepath.Join(dir, "root"), bases: filepath.Join(dir, "bases"), fs: crashfs.New()}
			if err := os.Mkdir(m.dir, 0o755); err != nil {
				rt.Fatal(err)
			}
			if way.evict {
				m.o.LiveBytes = 1
			}
			for _, f := range roots {
				m.forks = append(m.forks, f.all()...)
			}
			for _, f := range m.forks {
				m.is[f.name] = &metaState{}
			}
			m.put("a.xlsx", workbook)
			m.open()
			defer m.close()
			first := m.fs
			m.run(way.parallel, way.crashes, rand.New(rand.NewPCG(seed, 3)))
			if m.fs != first {
				stopped++
			}
			return m.describe()
		}
		want := run(metaWay{})
		ways := []metaWay{{true, false, 0}, {false, true, 0}, {true, true, 0}, {false, false, 3}, {true, false, 3}, {false, true, 3}, {true, true, 3}}
		for n, way := range rapid.Permutation(ways).Draw(rt, "ways") {
			if n == 2 {
				break
			}
			if got := run(way); got != want {
				rt.Fatalf("%+v:\n%s\nbut one after the other:\n%s", way, got, want)
			}
		}
	})
	if stopped == 0 {
		t.Error("no machine has ever stopped")
	}
}

// Whether formulas may be out of date is known after a start before anything is read.
func TestStaleAfterRestart(t *testing.T) {
	r := newRig(t, Options{CalcBudget: -1})
	stale, back, from := r.create("a.xlsx").ID, r.create("a.xlsx").ID, ""
	for _, id := range []string{stale, back} {
		r.edit(id, number("A1", 7))
	}
	from = r.create(stale).ID
	first := uint64(0)
	if _, err := r.store.Restore(t.Context(), back, "", &first, Commit{}); err != nil {
		t.Fatal(err)
	}
	format := r.create("a.xlsx").ID
	r.edit(format, set("Data", "A1", book.CellEdit{Keep: true, NumFmt: "0.000"}))
	for range 2 {
		for id, want := range map[string]bool{stale: true, back: false, from: true, format: false} {
			if i, err := r.store.Info(context.Background(), id); err != nil || i.Stale != want {
				t.Errorf("%+v is said to be stale: %t (%v)", i, i.Stale, err)
			}
		}
		r.restart()
	}
}
