package forks

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/genbook"
)

// wrongBook is a workbook whose file says something else than its formulas, with a clock.
func wrongBook(t failer) []byte {
	t.Helper()
	b := &genbook.Book{}
	var data genbook.Grid
	data.Set("A1", 0, 2.0)
	data.Formula("B1", 0, "A1*2", 77.0)
	data.Formula("C1", 0, "NOW()", 1.0)
	data.Formula("D1", 0, "RAND()", 5.0)
	data.Formula("E1", 0, "7+1", 9.0)
	b.AddSheet(data.Fill(&genbook.Sheet{Name: "Data"}))
	var out bytes.Buffer
	if err := b.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// row gives B1 to E1 of a version.
func (r *rig) row(id string) (list [4]cell.Value) {
	r.Helper()
	err := r.store.View(r.testing().Context(), id, func(s *book.Snapshot) error {
		sheet, err := s.Sheet(r.testing().Context(), 0)
		for i := range list {
			list[i] = sheet.Value(cell.Ref{Col: i + 1})
		}
		return err
	})
	if err != nil {
		r.Fatal(err)
	}
	return list
}

func (r *rig) testing() testing.TB { return r.failer.(testing.TB) }

// TestRecalculate: all formulas become true, an undo goes back, and every version has the same
// values after a restart, those of the clock and of chance as well, whatever the next commits are.
func TestRecalculate(t *testing.T) {
	clock := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	r := newRig(t, Options{Now: func() time.Time { clock = clock.Add(time.Hour); return clock }})
	r.put("wrong.xlsx", wrongBook(t))
	f := r.create("wrong.xlsx").ID
	at := func(v int) string { return fmt.Sprintf("%s@%d", f, v) }

	recalculate := func(all bool) Result {
		t.Helper()
		res, err := r.store.Recalculate(t.Context(), f, all, Commit{Tool: "recalculate"})
		if err != nil || res.Info.Stale || res.Changeset.Calculation == nil {
			t.Fatalf("%+v: %v", res, err)
		}
		return res
	}
	if res := recalculate(false); res.Version != 1 || res.Changeset.Calculation.Calculated != 2 {
		t.Errorf("what depends on time and chance: %+v", res.Changeset.Calculation)
	}
	if got := r.row(f); got[0].Number() != 77 || got[1].Number() < 46000 || got[3].Number() != 9 {
		t.Errorf("what is not stale stays as the file has it: %v", got)
	}
	if res := recalculate(true); res.Version != 2 || res.Changeset.Calculation.Calculated != 4 {
		t.Errorf("everything: %+v", res.Changeset.Calculation)
	}
	if got := r.row(f); got[0].Number() != 4 || got[3].Number() != 8 {
		t.Errorf("%v", got)
	}
	r.edit(f, number("A1", 3))                                              // 3
	r.edit(f, set("Data", "A1", book.CellEdit{Keep: true, NumFmt: "0.00"})) // 4
	if _, err := r.store.Undo(t.Context(), f, 3, Commit{}); err != nil {    // 5: as 1
		t.Fatal(err)
	}
	if _, err := r.store.Redo(t.Context(), f, 3, Commit{}); err != nil { // 6: as 4
		t.Fatal(err)
	}
	child := r.create(f).ID
	if r.row(at(5)) != r.row(at(1)) || r.row(at(6)) != r.row(at(4)) || r.row(at(4)) != r.row(at(3)) {
		t.Errorf("%v, %v", r.row(at(5)), r.row(at(6)))
	}
	for n := range anchorEvery { // until a content stands whole
		r.edit(f, number("A2", float64(n)))
	}
	last := 6 + anchorEvery
	var want [][4]cell.Value
	versions := []int{0, 1, 2, 3, 4, 5, 6, 7, last - 1, last}
	for _, v := range versions {
		want = append(want, r.row(at(v)))
	}
	ofChild := r.row(child)
	if ofChild[0].Number() != 6 || ofChild[3].Number() != 8 {
		t.Errorf("a fork of a version in which all was calculated: %v", ofChild)
	}
	for round := range 2 {
		r.restart()
		for i := range versions {
			if round == 1 { // the newest first: out of what stands whole
				i = len(versions) - 1 - i
			}
			if got := r.row(at(versions[i])); got != want[i] {
				t.Errorf("version %d: %v, before the restart %v", versions[i], got, want[i])
			}
		}
		if got := r.row(child); got != ofChild {
			t.Errorf("the other fork: %v, before the restart %v", got, ofChild)
		}
		if _, err := r.store.Replay(t.Context(), f); err != nil {
			t.Error(err)
		}
	}
	history, err := r.store.History(t.Context(), f, 1, 2)
	if err != nil || history[0].What != "recalculate" || history[1].What != "recalculate" {
		t.Errorf("%+v, %v", history, err)
	}
}
