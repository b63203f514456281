package forks

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/journal"
	"gridflow/internal/structure"
	"gridflow/internal/vfs/crashfs"
)

// machine drives a store and a model of it with the same calls, and compares all that can be
// seen. Few forks may be in memory at once, so that they are let go and restored all the time.
type machine struct {
	*rig
	t      *rapid.T
	models []*model
	books  map[string]contents // what the workbooks have now, by file
	revs   map[string]string   // their hashes
	saves  int
}

// TestMain makes fewer checks than is the custom, unless it is told how many: each opens and
// closes a workspace some times.
func TestMain(m *testing.M) {
	flag.Parse()
	told := false
	flag.Visit(func(f *flag.Flag) { told = told || f.Name == "rapid.checks" })
	if !told {
		if err := flag.Set("rapid.checks", "40"); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// TestMachine: whatever is done to forks, in whatever order, started anew in between or not,
// they are what a model of plain maps says.
func TestMachine(t *testing.T) {
	t.Parallel() // most of its time it waits for the disk
	variants := [][]byte{smallBook(t, 1), smallBook(t, 2), smallBook(t, 3), smallBook(t, 4)}
	rapid.Check(t, func(rt *rapid.T) {
		m := newMachine(t, rt, variants)
		defer m.close()
		rt.Repeat(map[string]func(*rapid.T){
			"":        func(*rapid.T) { m.check() },
			"create":  m.createOne,
			"edit":    m.editOne,
			"edit2":   m.editOne,
			"move":    m.moveOne,
			"refuse":  m.refuse,
			"walk":    m.walk,
			"mark":    m.mark,
			"back":    m.back,
			"unmark":  m.unmark,
			"stage":   m.stage,
			"applyIt": m.applyStaged,
			"unstage": m.unstage,
			"merge":   m.mergeTwo,
			"rebase":  m.rebaseOne,
			"replace": func(t *rapid.T) { m.replace(variants) },
			"save":    m.save,
			"discard": m.discard,
			"restart": func(*rapid.T) { m.restart() },
		})
		m.restart()
		m.check()
	})
}

func newMachine(t *testing.T, rt *rapid.T, variants [][]byte) *machine {
	dir, err := os.MkdirTemp(t.TempDir(), "machine")
	if err != nil {
		rt.Fatal(err)
	}
	root := filepath.Join(dir, "root")
	if err := os.Mkdir(root, 0o755); err != nil {
		rt.Fatal(err)
	}
	m := &machine{
		t: rt, books: map[string]contents{}, revs: map[string]string{},
		rig: &rig{failer: rt, dir: root, bases: filepath.Join(dir, "bases"), fs: crashfs.New(), log: journal.Options{SegmentBytes: rapid.SampledFrom([]int64{0, 1000}).Draw(rt, "SegmentBytes")}, o: Options{History: rapid.SampledFrom([]int{0, 1, 2, 5}).Draw(rt, "History"), Max: 5, LiveMax: 2, LiveBytes: rapid.SampledFrom([]int64{0, 1}).Draw(rt, "LiveBytes"), CheckpointsMax: 3, StagedMax: 3, Logger: slog.New(slog.DiscardHandler)}},
	}
	m.put("a.xlsx", variants[0])
	m.put("b.xlsx", variants[1])
	m.open()
	m.look("a.xlsx")
	m.look("b.xlsx")
	return m
}

// look notes what a workbook has now.
func (m *machine) look(name string) {
	if err := m.ws.View(context.Background(), name, func(s *book.Snapshot) (err error) {
		m.books[name], err = contentsOf(s)
		return err
	}); err != nil {
		m.Fatal(err)
	}
	rev, err := m.ws.Revision(context.Background(), name)
	if err != nil {
		m.Fatal(err)
	}
	m.revs[name] = rev
}

func (m *machine) replace(variants [][]byte) {
	name := rapid.SampledFrom([]string{"a.xlsx", "b.xlsx"}).Draw(m.t, "file")
	m.put(name, rapid.SampledFrom(variants).Draw(m.t, "variant"))
	m.look(name)
}

// pick gives a fork.
func (m *machine) pick() *model {
	if len(m.models) == 0 {
		m.t.Skip("no forks")
	}
	return rapid.SampledFrom(m.models).Draw(m.t, "fork")
}

// expect compares how a call went. want is a code, "" where it has to succeed.
func (m *machine) expect(what string, err error, want string) bool {
	m.Helper()
	got := ""
	if err != nil {
		got = code(err)
	}
	if got != want {
		m.Fatalf("%s: %v, want %q", what, err, want)
	}
	return err == nil
}

func (m *machine) createOne(t *rapid.T) {
	var from string
	var v modelVersion
	gone := false
	fork := len(m.models) > 0 && rapid.Bool().Draw(t, "of a fork")
	n := &model{}
	if fork {
		of := m.pick()
		at := rapid.Uint64Range(0, of.head()).Draw(t, "version")
		from, v, n.workbook, gone = fmt.Sprintf("%s@%d", of.id, at), of.versions[at], of.workbook, at < of.first
	} else {
		from = rapid.SampledFrom([]string{"a.xlsx", "b.xlsx"}).Draw(t, "workbook")
		v, n.workbook = modelVersion{is: m.books[from], base: m.books[from], rev: m.revs[from]}, from
	}
	i, err := m.store.Create(context.Background(), from, CreateOptions{Label: "ä"})
	want := ""
	if gone {
		want = CodeGone
	}
	if len(m.models) >= m.o.Max {
		want = CodeLimit
	}
	if !m.expect("create", err, want) {
		return
	}
	n.id, v.own, v.what = i.ID, 0, "created"
	n.versions = []modelVersion{v}
	m.models = append(m.models, n)
}

// someEdit is an edit of one to four cells of one or both sheets.
func someEdit(t *rapid.T, sheets []string) book.Edit {
	var e book.Edit
	for range rapid.IntRange(1, 2).Draw(t, "operations") {
		o := book.SetCells{Sheet: rapid.SampledFrom(sheets).Draw(t, "sheet")}
		seen := map[cell.Ref]bool{}
		for range rapid.IntRange(1, 3).Draw(t, "cells") {
			c := someCell(t)
			if !seen[c.Ref] { // the sum of two edits of one cell is the business of package book
				o.Cells = append(o.Cells, c)
				seen[c.Ref] = true
			}
		}
		e.Ops = append(e.Ops, o)
	}
	return e
}

func someCell(t *rapid.T) book.CellEdit {
	// Where formulas and formats are, things happen.
	c := book.CellEdit{Ref: cell.Ref{Row: rapid.IntRange(0, editRows-1).Draw(t, "row"), Col: rapid.SampledFrom([]int{0, 0, 2, 2, 1, 3}).Draw(t, "col")}}
	switch rapid.IntRange(0, 5).Draw(t, "kind") {
	case 0:
		c.Clear = true
	case 1:
		c.Keep = true
	case 2:
		c.HasFormula, c.Formula = true, rapid.SampledFrom([]string{"A1*2", "A2*2", "A3*2", "1+1"}).Draw(t, "formula")
	case 3:
		c.Value = cell.TextValue(rapid.SampledFrom([]string{"x", "text 1", "00123", "=no formula"}).Draw(t, "text"))
	default:
		c.Value = cell.NumberValue(float64(rapid.IntRange(0, 30).Draw(t, "number")))
	}
	if c.Keep || rapid.IntRange(0, 3).Draw(t, "formatted") == 0 {
		c.NumFmt = rapid.SampledFrom([]string{"0.00", "#,##0", "General", "yyyy-mm-dd"}).Draw(t, "format")
	}
	return c
}

func (m *machine) editOne(t *rapid.T) {
	f := m.pick()
	m.commitOne(t, f, someEdit(t, f.now().is.sheets()))
}

// moveOne makes a structural change, and perhaps edits what there is then.
func (m *machine) moveOne(t *rapid.T) {
	f := m.pick()
	c := someChange(t, f.now().is)
	e := book.Edit{Ops: []book.Op{book.Restructure{Change: c}}}
	if rapid.IntRange(0, 2).Draw(t, "edited") == 0 {
		e.Ops = append(e.Ops, someEdit(t, f.now().is.restructure(c).sheets()).Ops...)
	}
	m.commitOne(t, f, e)
}

// someChange is a structural change that leaves all that there is in the window.
func someChange(t *rapid.T, is contents) structure.Change {
	sheets := is.sheets()
	c := structure.Change{
		Kind: rapid.SampledFrom([]structure.Kind{
			structure.InsertRows, structure.InsertRows, structure.DeleteRows, structure.DeleteRows, structure.InsertColumns, structure.DeleteColumns,
			structure.MoveCells, structure.MoveCells, structure.AddSheet, structure.DeleteSheet, structure.RenameSheet, structure.MoveSheet,
		}).Draw(t, "change"),
		Sheet: rapid.SampledFrom(sheets).Draw(t, "of sheet"),
	}
	name := rapid.SampledFrom([]string{"Data", "Sums", "New", "Dätä 2", "X"}).Draw(t, "name")
	switch rows, _, ok := c.Lines(); {
	case ok && rows:
		c.At, c.Count = rapid.IntRange(0, editRows).Draw(t, "at"), rapid.IntRange(1, 2).Draw(t, "count")
	case ok:
		c.At, c.Count = rapid.IntRange(0, 3).Draw(t, "at"), 1
	case c.Kind == structure.MoveCells:
		c.Range.First = cell.Ref{Row: rapid.IntRange(0, editRows).Draw(t, "row"), Col: rapid.IntRange(0, 3).Draw(t, "col")}
		c.Range.Last = cell.Ref{Row: c.Range.First.Row + rapid.IntRange(0, 2).Draw(t, "rows"), Col: c.Range.First.Col + rapid.IntRange(0, 2).Draw(t, "cols")}
		c.To = cell.Ref{Row: rapid.IntRange(0, editRows).Draw(t, "to row"), Col: rapid.IntRange(0, 3).Draw(t, "to col")}
		if to := rapid.SampledFrom(sheets).Draw(t, "to sheet"); to != c.Sheet {
			c.ToSheet = to
		} else if rapid.Bool().Draw(t, "shift") {
			c, _ = structure.Shifted(c.Sheet, c.Range, rapid.Bool().Draw(t, "down or up"), rapid.Bool().Draw(t, "deletes"))
		}
	case c.Kind == structure.AddSheet:
		c.Sheet, c.Position = name, rapid.IntRange(0, len(sheets)).Draw(t, "position")
	case c.Kind == structure.RenameSheet:
		c.Name = name
	case c.Kind == structure.MoveSheet:
		c.Position = rapid.IntRange(0, len(sheets)-1).Draw(t, "position")
	}
	if c.Check(sheets) != nil || !is.fits(c) || c.Kind == structure.AddSheet && len(sheets) > 3 {
		t.Skip("it does not fit")
	}
	return c
}

func (m *machine) commitOne(t *rapid.T, f *model, e book.Edit) {
	c := Commit{Tool: "edit_batch", Label: "é"}
	if rapid.Bool().Draw(t, "expecting") {
		v := f.head()
		c.Expected = &v
	}
	r, err := m.store.Edit(context.Background(), f.id, e, c)
	m.expect("edit", err, "")
	f.commitEdit(e)
	if r.Version != f.head() || r.Before != f.head()-1 {
		t.Fatalf("version %d on %d, want %d", r.Version, r.Before, f.head())
	}
	for change := range r.Changeset.Changes() {
		if change.Kind > book.CellModified {
			continue
		}
		key := change.Sheet + "!" + change.Ref.String()
		if got, want := change.New.Value, f.now().is[key].value; got != want {
			t.Fatalf("the change of %s says %v, the cell has %v", key, got, want)
		}
	}
}

func (f *model) commitEdit(e book.Edit) {
	v := f.now()
	v.is, v.what = v.is.apply(e), "edit"
	for _, op := range e.Ops {
		if o, ok := op.(book.Restructure); ok {
			v.moves = append(slices.Clip(v.moves), o.Change)
		}
	}
	f.push(v)
}

// refuse makes calls that have to fail and change nothing.
func (m *machine) refuse(t *rapid.T) {
	f := m.pick()
	ctx := context.Background()
	late, far := f.head()+1, f.head()+7
	bad := book.Edit{Ops: []book.Op{
		book.SetCells{Sheet: "Data", Cells: []book.CellEdit{{Ref: cell.Ref{}, Value: cell.NumberValue(99)}}},
		book.SetCells{Sheet: "nowhere"},
	}}
	switch rapid.IntRange(0, 7).Draw(t, "refused") {
	case 0:
		if _, err := m.store.Edit(ctx, f.id, bad, Commit{}); err == nil {
			t.Fatal("an edit of a sheet that is not there was made")
		}
	case 1:
		_, err := m.store.Edit(ctx, f.id, number("A1", 1), Commit{Expected: &late})
		m.expect("edit", err, CodeConflict)
	case 2:
		_, err := m.store.Edit(ctx, f.id+"@0", number("A1", 1), Commit{})
		m.expect("edit of an old version", err, CodeVersion)
	case 3:
		if _, _, err := m.store.Stage(ctx, f.id, bad, Commit{}); err == nil {
			t.Fatal("an edit of a sheet that is not there was staged")
		}
	case 4:
		_, err := m.store.Restore(ctx, f.id, "", &far, Commit{})
		m.expect("restore", err, CodeVersion)
	case 5:
		_, err := m.store.Restore(ctx, f.id, "cp-none", nil, Commit{})
		m.expect("restore", err, CodeCheckpoint)
	case 6:
		_, err := m.store.ApplyStaged(ctx, f.id, "chg-none", Commit{})
		m.expect("apply", err, CodeChange)
	case 7:
		m.expect("view", m.store.View(ctx, fmt.Sprintf("%s@%d", f.id, far), func(*book.Snapshot) error { return nil }), CodeVersion)
		_, err := m.store.Info(context.Background(), "fork-none")
		m.expect("info", err, CodeNotFound)
	}
}

func (m *machine) walk(t *rapid.T) {
	f := m.pick()
	steps := rapid.IntRange(1, 3).Draw(t, "steps")
	var ok bool
	var err error
	undo := rapid.Bool().Draw(t, "undo")
	if undo {
		_, err = m.store.Undo(context.Background(), f.id, steps, Commit{})
		ok = f.walk(steps, "undo", &f.undo, &f.redo)
	} else {
		_, err = m.store.Redo(context.Background(), f.id, steps, Commit{})
		ok = f.walk(steps, "redo", &f.redo, &f.undo)
	}
	want := ""
	if !ok {
		want = CodeNothing
	}
	if !ok && undo && f.first > 0 {
		want = CodeGone
	}
	m.expect("walk", err, want)
}

func (m *machine) mark(t *rapid.T) {
	f := m.pick()
	cp, err := m.store.Checkpoint(context.Background(), f.id, "here")
	want := ""
	if len(f.checkpoints) >= m.o.CheckpointsMax {
		want = CodeLimit
	}
	if m.expect("checkpoint", err, want) {
		f.checkpoints = append(f.checkpoints, modelMark{id: cp.ID, version: f.head()})
		if cp.Version != f.head() {
			t.Fatalf("a checkpoint of version %d, want %d", cp.Version, f.head())
		}
	}
}

func (m *machine) back(t *rapid.T) {
	f := m.pick()
	var err error
	var to uint64
	if len(f.checkpoints) > 0 && rapid.Bool().Draw(t, "checkpoint") {
		cp := rapid.SampledFrom(f.checkpoints).Draw(t, "which")
		to = cp.version
		_, err = m.store.Restore(context.Background(), f.id, cp.id, nil, Commit{})
	} else {
		to = rapid.Uint64Range(0, f.head()).Draw(t, "version")
		_, err = m.store.Restore(context.Background(), f.id, "", &to, Commit{})
	}
	if to < f.first {
		m.expect("restore", err, CodeGone)
		return
	}
	m.expect("restore", err, "")
	f.undo, f.redo = append(f.undo, f.now().own), nil
	f.move(to, "restore")
}

func (m *machine) unmark(t *rapid.T) {
	f := m.pick()
	if len(f.checkpoints) == 0 {
		t.Skip("no checkpoints")
	}
	i := rapid.IntRange(0, len(f.checkpoints)-1).Draw(t, "which")
	m.expect("delete", m.store.DeleteCheckpoint(context.Background(), f.id, f.checkpoints[i].id), "")
	m.expect("delete again", m.store.DeleteCheckpoint(context.Background(), f.id, f.checkpoints[i].id), CodeCheckpoint)
	f.checkpoints = slices.Delete(f.checkpoints, i, i+1)
}

func (m *machine) stage(t *rapid.T) {
	f := m.pick()
	e := someEdit(t, f.now().is.sheets())
	if rapid.IntRange(0, 2).Draw(t, "moved") == 0 {
		e = book.Edit{Ops: []book.Op{book.Restructure{Change: someChange(t, f.now().is)}}}
	}
	st, changes, err := m.store.Stage(context.Background(), f.id, e, Commit{Tool: "edit_batch"})
	want := ""
	if len(f.staged) >= m.o.StagedMax {
		want = CodeLimit
	}
	if m.expect("stage", err, want) {
		f.staged = append(f.staged, modelMark{st.ID, f.head(), e})
		if changes == nil || st.Version != f.head() {
			t.Fatalf("%+v", st)
		}
	}
}

func (m *machine) applyStaged(t *rapid.T) {
	f := m.pick()
	if len(f.staged) == 0 {
		t.Skip("nothing is staged")
	}
	i := rapid.IntRange(0, len(f.staged)-1).Draw(t, "which")
	st := f.staged[i]
	_, err := m.store.ApplyStaged(context.Background(), f.id, st.id, Commit{})
	want := ""
	if f.versions[st.version].own != f.now().own {
		want = CodeConflict
	}
	if m.expect("apply", err, want) {
		f.staged = slices.Delete(f.staged, i, i+1)
		f.commitEdit(st.edit)
	}
}

func (m *machine) unstage(t *rapid.T) {
	f := m.pick()
	if len(f.staged) == 0 {
		t.Skip("nothing is staged")
	}
	i := rapid.IntRange(0, len(f.staged)-1).Draw(t, "which")
	m.expect("discard staged", m.store.DiscardStaged(context.Background(), f.id, f.staged[i].id), "")
	f.staged = slices.Delete(f.staged, i, i+1)
}

func someChoice(t *rapid.T) *book.Choice {
	return rapid.SampledFrom([]*book.Choice{nil, new(book.TakeOurs), new(book.TakeTheirs)}).Draw(t, "choice")
}

func (m *machine) mergeTwo(t *rapid.T) {
	f, g := m.pick(), m.pick()
	at := rapid.Uint64Range(0, g.head()).Draw(t, "version")
	all := someChoice(t)
	got, err := m.store.Merge(context.Background(), f.id, fmt.Sprintf("%s@%d", g.id, at), MergeOptions{All: all})
	theirs := g.versions[at]
	if f != g && at < g.first {
		m.expect("merge", err, CodeGone)
		return
	}
	if f == g || f.now().rev != theirs.rev && f.workbook != g.workbook {
		m.expect("merge", err, CodeBadInput)
		return
	}
	if f.now().rev != theirs.rev && len(f.now().moves)+len(theirs.moves) > 0 {
		// What rows became which is for the tests of package book. The fork is as it was if it did not come to anything.
		if err == nil && got.Done {
			v := f.now()
			v.is, v.what = m.read(f.id), "edit"
			v.moves = m.moves(f.id)
			f.push(v)
		}
		return
	}
	if f.now().rev != theirs.rev {
		m.mergeAcross(f, theirs, all, got, err)
		return
	}
	// Where one side has restructured more than the other, that is done to the other first.
	base, ours, their, moves, lost := f.now().base, f.now().is, theirs.is, f.now().moves, 0
	rest, ok := beyond(moves, theirs.moves)
	if ok && len(rest) > 0 {
		if ours.lostBy(base.restructure(moves...), rest) > 0 {
			m.expect("merge", err, string(book.BothMoved))
			return
		}
		ours, moves = ours.restructure(rest...), theirs.moves
	} else if !ok {
		more, ok := beyond(theirs.moves, moves)
		if !ok {
			m.expect("merge", err, string(book.BothMoved))
			return
		}
		lost = their.lostBy(base.restructure(theirs.moves...), more)
		their = their.restructure(more...)
	}
	merged, cells, same, conflicts := base.restructure(moves...).merge(ours, their, all)
	if conflicts += lost; lost > 0 && all == nil {
		merged = nil
	}
	if merged != nil && cells == 0 && len(rest) == 0 {
		m.expect("merge", err, CodeNothing)
		return
	}
	m.expect("merge", err, "")
	if got.Done != (merged != nil) {
		t.Fatalf("%+v; the model has %d conflicts", got, conflicts)
	}
	if !got.Done {
		return
	}
	if got.Cells != cells || got.Same != same || len(got.Conflicts) != conflicts {
		t.Fatalf("%d cells, %d the same, %d conflicts; want %d, %d, %d", got.Cells, got.Same, len(got.Conflicts), cells, same, conflicts)
	}
	v := f.now()
	v.is, v.moves, v.what = merged, moves, "edit"
	f.push(v)
}

// mergeAcross compares a merge with a fork on another revision: its own changes are made on f as
// on a revision of the workbook.
func (m *machine) mergeAcross(f *model, theirs modelVersion, all *book.Choice, got Merging, err error) {
	if all != nil { // the model's rebase calls the fork ours
		all = new(book.TakeOurs + book.TakeTheirs - *all)
	}
	is := theirs.base.rebase(theirs.is, f.now().is, all)
	if code(err) == CodeNothing {
		if d := f.now().is.diff(is); d != "" {
			m.Fatalf("nothing to merge, but\n%s", d)
		}
		return
	}
	m.expect("merge", err, "")
	if got.Done != (is != nil) {
		m.Fatalf("%+v; the model says %v", got, is != nil)
	}
	if got.Done {
		v := f.now()
		v.is, v.what = is, "edit"
		f.push(v)
	}
}

func (m *machine) rebaseOne(t *rapid.T) {
	f := m.pick()
	all := someChoice(t)
	name := f.workbook
	got, err := m.store.Merge(context.Background(), f.id, name, MergeOptions{All: all})
	if f.now().rev == m.revs[name] {
		m.expect("rebase", err, CodeNothing)
		return
	}
	onto, base := m.books[name], f.now().base
	for _, c := range f.now().moves {
		if !mayBeMade(c, base, onto) {
			m.expect("rebase", err, string(book.BothMoved))
			return
		}
		base, onto = base.restructure(c), onto.restructure(c)
	}
	m.expect("rebase", err, "")
	is := base.rebase(f.now().is, onto.calculated(), all)
	if got.Done != (is != nil) {
		t.Fatalf("%+v; the model says %v", got, is != nil)
	}
	if got.Done {
		f.push(modelVersion{is: is, moves: f.now().moves, base: m.books[name], rev: m.revs[name], what: "rebase"})
	}
}

// mayBeMade reports whether a structural change deletes nothing of onto that is not as it was in base.
func mayBeMade(c structure.Change, base, onto contents) bool {
	r := c.Rewriter(base.sheets())
	for key, is := range base {
		sheet, at := place(key)
		if _, _, ok := r.Locate(sheet, at); !ok && !is.same(onto[key]) {
			return false
		}
	}
	return true
}

// moves gives the structural changes of a fork.
func (m *machine) moves(id string) (moves []structure.Change) {
	m.Helper()
	if err := m.store.View(context.Background(), id, func(s *book.Snapshot) error { moves = s.Moves(); return nil }); err != nil {
		m.Fatal(err)
	}
	return moves
}

// save writes a version to a new file, which has to have what the version has.
func (m *machine) save(t *rapid.T) {
	f := m.pick()
	v := rapid.Uint64Range(0, f.head()).Draw(t, "version")
	m.saves++
	name := fmt.Sprintf("saved%d.xlsx", m.saves)
	drop := v == f.head() && rapid.IntRange(0, 3).Draw(t, "drop") == 0
	out, err := m.store.Save(context.Background(), f.id, SaveOptions{Path: name, Version: &v, Drop: drop})
	if v < f.first {
		m.expect("save", err, CodeGone)
		return
	}
	m.expect("save", err, "")
	if out.Version != v || out.Dropped != drop {
		t.Fatalf("%+v", out)
	}
	if err := m.ws.View(context.Background(), name, func(s *book.Snapshot) error {
		got, err := contentsOf(s)
		for k, is := range f.versions[v].is {
			if is.value.IsBlank() && is.formula == "" {
				// Of empty cells with the format of style 0 in a row with a style the reader of
				// files knows nothing.
				is.format = got[k].format
			}
			if is.value.Err() == cell.ErrCirc {
				is.value = cell.NumberValue(0) // as Excel keeps it
			}
			if err == nil && got[k] != is {
				t.Fatalf("%s of the file is %v (%s), want %v (%s)", k, got[k], got[k].format, is, is.format)
			}
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	os.Remove(filepath.Join(m.dir, name))
	f.saved = v
	if drop {
		m.gone(f)
	}
}

func (m *machine) discard(*rapid.T) {
	f := m.pick()
	m.expect("discard", m.store.Discard(context.Background(), f.id), "")
	m.expect("discard again", m.store.Discard(context.Background(), f.id), CodeNotFound)
	m.gone(f)
}

func (m *machine) gone(f *model) {
	m.models = slices.DeleteFunc(m.models, func(g *model) bool { return f == g })
}

// check compares everything that can be seen without a change. Of old versions it reads one
// of each fork.
func (m *machine) check() {
	m.Helper()
	list := m.store.List(context.Background())
	if len(list) != len(m.models) {
		m.Fatalf("%d forks, want %d", len(list), len(m.models))
	}
	stand := map[string]bool{}
	for _, f := range m.models {
		m.checkFork(f)
		for _, v := range f.versions[f.first:] {
			stand[v.rev] = true
		}
	}
	if n := m.kept(); n != len(stand) {
		m.Fatalf("%d bases are kept, %d are stood on", n, len(stand))
	}
}

// shortened looks whether a fork may have become so short, and has the model follow.
func (m *machine) shortened(f *model, first uint64) {
	m.Helper()
	keep := uint64(m.o.History)
	if keep == 0 || first < f.first || first+keep > f.head() {
		m.Fatalf("the oldest version is %d, it was %d; %d of %d are to stay", first, f.first, keep, f.head())
	}
	for _, c := range slices.Concat(f.checkpoints, f.staged) {
		if c.version < first {
			m.Fatalf("the oldest version is %d, and %s is of %d", first, c.id, c.version)
		}
	}
	f.shorten(first)
}

func (m *machine) checkFork(f *model) {
	m.Helper()
	ctx := context.Background()
	i, err := m.store.Info(context.Background(), f.id)
	if err != nil {
		m.Fatal(err)
	}
	if i.First != f.first {
		m.shortened(f, i.First)
	}
	got := fmt.Sprint(i.Version, i.Edits, i.Undo, i.Redo, i.Checkpoints, i.Staged, i.Saved, i.Base.SHA256)
	want := fmt.Sprint(f.head(), f.edits, len(f.undo), len(f.redo), len(f.checkpoints), len(f.staged), f.saved, f.now().rev)
	if got != want {
		m.Fatalf("version, edits, undo, redo, checkpoints, staged, saved, base:\n%s, want\n%s", got, want)
	}
	if d := m.read(f.id).diff(f.now().is); d != "" {
		m.Fatalf("%s at %d:\n%s", f.id, f.head(), d)
	}
	v := (f.head()*7 + uint64(f.edits)*3) % (f.head() + 1)
	if v < f.first {
		m.expect("view", m.store.View(ctx, fmt.Sprintf("%s@%d", f.id, v), func(*book.Snapshot) error { return nil }), CodeGone)
		v = f.first
	}
	if d := m.read(fmt.Sprintf("%s@%d", f.id, v)).diff(f.versions[v].is); d != "" {
		m.Fatalf("%s@%d of %d:\n%s", f.id, v, f.head(), d)
	}
	history, err := m.store.History(ctx, f.id, 0, 1000)
	if err != nil {
		m.Fatal(err)
	}
	var is, should []string
	for _, h := range history {
		is = append(is, fmt.Sprintf("%d %s of %d", h.Number, h.What, h.Of))
	}
	for n, v := range f.versions {
		if uint64(n) < f.first {
			continue
		}
		should = append(should, fmt.Sprintf("%d %s of %d", n, v.what, v.own))
	}
	cps, err := m.store.Checkpoints(ctx, f.id)
	if err != nil {
		m.Fatal(err)
	}
	for _, c := range cps {
		is = append(is, fmt.Sprintf("%s %d", c.ID, c.Version))
	}
	sts, err := m.store.StagedChanges(ctx, f.id)
	if err != nil {
		m.Fatal(err)
	}
	for _, s := range sts {
		is = append(is, fmt.Sprintf("%s %d", s.ID, s.Version))
	}
	for _, c := range slices.Concat(f.checkpoints, f.staged) {
		should = append(should, fmt.Sprintf("%s %d", c.id, c.version))
	}
	if !slices.Equal(is, should) {
		m.Fatalf("history:\n%s\nwant\n%s", strings.Join(is, "\n"), strings.Join(should, "\n"))
	}
}
