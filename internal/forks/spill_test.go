package forks

import (
	"context"
	"testing"

	"gridflow/internal/book"
	"gridflow/internal/cell"
)

// spilled has c.xlsx, whose Data!F1 fills as many cells below as D2 says, which are three.
func spilled(t *testing.T) *rig {
	r := newRig(t, Options{})
	id := r.create("a.xlsx").ID
	r.edit(id, number("D2", 3))
	r.edit(id, set("Data", "F1", book.CellEdit{HasFormula: true, Formula: "SEQUENCE(D2)"}))
	r.save(id, "c.xlsx")
	return r
}

func (r *rig) save(id, path string) {
	r.Helper()
	if _, err := r.store.Save(context.Background(), id, SaveOptions{Path: path}); err != nil {
		r.Fatalf("save of %s: %v", id, err)
	}
}

// column gives the values of F1 to F4.
func (r *rig) column(id string) (s string) {
	r.Helper()
	if err := r.store.View(context.Background(), id, func(snap *book.Snapshot) error {
		sheet, err := snap.Sheet(context.Background(), 0)
		for row := range 4 {
			x, _ := sheet.At(cell.Ref{Row: row, Col: 5})
			s += x.Value.String() + "|"
		}
		return err
	}); err != nil {
		r.Fatalf("reading %s: %v", id, err)
	}
	return s
}

// Fixed bugs: an array left a cell in one version, and the cell was edited in the next. Made
// again without the calculation in between, the edit was one of a part of an array: the fork
// could not be read any more.
func TestSpill_CellThatAnArrayLeft(t *testing.T) {
	r := spilled(t)
	id := r.create("c.xlsx").ID
	r.edit(id, number("D2", 1))
	r.edit(id, number("F2", 7))
	const want = "1|7|||"
	look := func(what, id string) {
		t.Helper()
		if got := r.column(id); got != want {
			t.Errorf("%s: %s, not %s", what, got, want)
		}
	}
	look("made", id)
	r.restart()
	look("made again", id)
	look("a fork of it", r.create(id).ID)

	other := r.create("c.xlsx").ID
	if m, err := r.store.Merge(context.Background(), other, id, MergeOptions{}); err != nil || !m.Done {
		t.Fatalf("merge: %+v, %v", m, err)
	}
	look("merged", other)
	r.restart()
	look("merged, made again", other)

	// From now on there is a content that stands whole.
	for n := range anchorEvery {
		r.edit(id, number("A2", float64(n)))
	}
	r.restart()
	look("from its anchor", id)
	if _, err := r.store.Replay(context.Background(), id); err != nil {
		t.Errorf("replay: %v", err)
	}
	r.save(id, "d.xlsx")
	look("saved", r.create("d.xlsx").ID)
}

// Fixed bugs: an array that filled fewer cells, and had the same value in its own, did not
// count as different: a save was refused, since it would have changed parts of the array that
// the file has.
func TestSpill_Shrinks(t *testing.T) {
	r := spilled(t)
	id := r.create("c.xlsx").ID
	r.edit(id, number("D2", 2))
	r.save(id, "d.xlsx")
	saved := r.create("d.xlsx").ID
	if got := r.column(saved); got != "1|2|||" {
		t.Errorf("saved: %s", got)
	}
	r.edit(saved, number("D2", 4))
	if got := r.column(saved); got != "1|2|3|4|" {
		t.Errorf("grown again: %s", got)
	}
	r.save(saved, "e.xlsx")
	again := r.create("e.xlsx").ID
	if r.edit(again, number("D2", 1)); r.column(again) != "1||||" {
		t.Errorf("saved where it had grown, and smaller then: %s", r.column(again))
	}
	// What the saved array no longer fills is a cell like another.
	r.edit(saved, number("D2", 2))
	r.edit(saved, number("F3", 7))
	if got := r.column(saved); got != "1|2|7||" {
		t.Errorf("a cell that it left: %s", got)
	}
}
