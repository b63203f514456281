package forks

import (
	"strings"
	"testing"

	"gridflow/internal/book"
	"gridflow/internal/cell"
)

// TestStaged: a change that was staged is applied to the content that it was made for, also where the fork has come back to
// that, and to no other; then it is not staged any more, and the history names it, also after a restart.
func TestStaged(t *testing.T) {
	r := newRig(t, Options{CalcBudget: -1, StagedMax: 2, CheckpointsMax: 2})
	f := r.create("a.xlsx")
	stage := func(n float64, version *uint64) (Staged, error) {
		st, _, err := r.store.Stage(t.Context(), f.ID, number("A1", n), Commit{Expected: version})
		return st, err
	}
	old := uint64(7)
	if _, err := stage(5, &old); code(err) != CodeConflict {
		t.Errorf("staged for a version that is not there: %v", err)
	}
	st, err := stage(5, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.edit(f.ID, number("B1", 8))
	if _, err := r.store.ApplyStaged(t.Context(), f.ID, st.ID, Commit{}); code(err) != CodeConflict {
		t.Errorf("applied to another content: %v", err)
	}
	if _, err := r.store.Undo(t.Context(), f.ID, 1, Commit{}); err != nil {
		t.Fatal(err)
	}
	other, err := stage(6, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stage(7, nil); code(err) != CodeLimit {
		t.Errorf("a third of two: %v", err)
	}
	if _, err := r.store.ApplyStaged(t.Context(), f.ID, st.ID, Commit{}); err != nil {
		t.Fatal(err)
	}
	if n := r.store.Stats().Conflicts; n != 1 {
		t.Errorf("%d commits are counted as conflicts", n)
	}
	for _, restart := range []bool{false, true} {
		if restart {
			r.restart()
		}
		list, err := r.store.StagedChanges(t.Context(), f.ID)
		if err != nil || len(list) != 1 || list[0].ID != other.ID {
			t.Errorf("restart %v: staged are %+v, %v", restart, list, err)
		}
		history, err := r.store.History(t.Context(), f.ID, 0, 100)
		if err != nil || len(history) == 0 || history[len(history)-1].ID != st.ID {
			t.Errorf("restart %v: %+v, %v", restart, history, err)
		}
		if got := r.at(f.ID, "A1"); got != "5" {
			t.Errorf("restart %v: A1 is %s", restart, got)
		}
	}
	for i := range 3 {
		if _, err := r.store.Checkpoint(t.Context(), f.ID, ""); (code(err) == CodeLimit) != (i == 2) {
			t.Errorf("checkpoint %d of two: %v", i, err)
		}
	}
}

// TestForkOfAFork: a fork stays readable when another was made of it and nothing else has its workbook open; a merge that is
// only looked at leaves nothing behind.
func TestForkOfAFork(t *testing.T) {
	r := newRig(t, Options{CalcBudget: -1})
	f := r.create("a.xlsx")
	r.edit(f.ID, number("F5", 8))
	g := r.create(f.ID)
	if _, err := r.ws.Close(t.Context(), "a.xlsx"); err != nil {
		t.Fatal(err)
	}
	if got := r.at(f.ID, "F5"); got != "8" {
		t.Errorf("F5 is %s", got)
	}
	r.put("a.xlsx", smallBook(t, 3))
	for _, with := range []string{"a.xlsx", g.ID} {
		_, err := r.store.Merge(t.Context(), f.ID, with, MergeOptions{Preview: true})
		if err != nil && code(err) != CodeNothing {
			t.Error(err)
		}
		if n := r.kept(); n != 1 {
			t.Errorf("after a look at the merge with %s there are %d bases", with, n)
		}
	}
	if err := r.store.View(t.Context(), f.ID, func(*book.Snapshot) error { return nil }); err != nil {
		t.Error(err)
	}
}

// TestRestoreEndsRedo: there is nothing to redo once the fork has gone another way.
func TestRestoreEndsRedo(t *testing.T) {
	r := newRig(t, Options{CalcBudget: -1})
	f := r.create("a.xlsx")
	first := r.edit(f.ID, number("A1", 5)).Version
	r.edit(f.ID, number("A1", 6))
	r.edit(f.ID, number("A1", 7))
	if _, err := r.store.Undo(t.Context(), f.ID, 1, Commit{}); err != nil {
		t.Fatal(err)
	}
	res, err := r.store.Restore(t.Context(), f.ID, "", &first, Commit{})
	if err != nil || res.Info.Redo != 0 {
		t.Errorf("%d to redo, %v", res.Info.Redo, err)
	}
	if _, err := r.store.Redo(t.Context(), f.ID, 1, Commit{}); code(err) != CodeNothing {
		t.Errorf("redone: %v", err)
	}
	if got := r.at(f.ID, "A1"); got != "5" {
		t.Errorf("A1 is %s", got)
	}
}

// TestChoicesThatFitNothing: a choice for what is no conflict is told, and nothing is changed.
func TestChoicesThatFitNothing(t *testing.T) {
	r := newRig(t, Options{CalcBudget: -1})
	f := r.create("a.xlsx")
	g := r.create(f.ID)
	r.edit(g.ID, number("F5", 8))
	elsewhere := map[book.Target]book.Resolution{{Sheet: "Data", Ref: cell.Ref{Row: 3, Col: 3}}: {Choice: book.TakeTheirs}}
	if m, err := r.store.Merge(t.Context(), f.ID, g.ID, MergeOptions{Choices: elsewhere}); err == nil || m.Done {
		t.Errorf("%+v, %v", m, err)
	}
	if m, err := r.store.Merge(t.Context(), f.ID, g.ID, MergeOptions{}); err != nil || !m.Done {
		t.Errorf("without it: %+v, %v", m, err)
	}
}

// TestDropOfWhatWasSaved: a fork that was edited while it was saved is not discarded, though that was asked for: what is new in
// it lies in no file.
func TestDropOfWhatWasSaved(t *testing.T) {
	for _, edited := range []bool{false, true} {
		r := newRig(t, Options{CalcBudget: -1})
		f := r.create("a.xlsx")
		r.edit(f.ID, number("A1", 7))
		r.store.o.Files = filesThen{r.store.o.Files, func() {
			if edited {
				r.edit(f.ID, number("A1", 8))
			}
		}}
		out, err := r.store.Save(t.Context(), f.ID, SaveOptions{Path: "other.xlsx", Drop: true})
		if err != nil || out.Dropped == edited || strings.Contains(strings.Join(out.Warnings, "\n"), "the fork stays") != edited {
			t.Errorf("edited meanwhile: %v; %+v, %v", edited, out, err)
		}
		if _, err := r.store.Info(t.Context(), f.ID); (err == nil) != edited {
			t.Errorf("edited meanwhile: %v; the fork: %v", edited, err)
		}
	}
}
