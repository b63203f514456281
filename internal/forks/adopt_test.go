package forks

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// adopt gives the formulas of the newest version the numbers that value says.
func (r *rig) adopt(id string, value func(c grid.Cell) cell.Value) Result {
	r.Helper()
	ctx := r.testing().Context()
	var edit book.Edit
	var v uint64
	err := r.store.View(ctx, id, func(s *book.Snapshot) (err error) {
		v = s.Version
		edit, err = s.Values(ctx, func(_ int, c grid.Cell) cell.Value { return value(c) })
		return err
	})
	if err != nil {
		r.Fatal(err)
	}
	res, err := r.store.Adopt(ctx, id, edit, "libreoffice", Commit{Tool: "recalculate", Expected: &v})
	if err != nil {
		r.Fatal(err)
	}
	return res
}

// cells gives all values of the first sheet, by address.
func (r *rig) cells(id string) string {
	r.Helper()
	var b strings.Builder
	err := r.store.View(r.testing().Context(), id, func(s *book.Snapshot) error {
		sheet, err := s.Sheet(r.testing().Context(), 0)
		for c := range sheet.Cells(cell.WholeSheet) {
			fmt.Fprintf(&b, "%v=%v ", c.Ref, c.Value)
		}
		fmt.Fprint(&b, s.Stale())
		return err
	})
	if err != nil {
		r.Fatal(err)
	}
	return b.String()
}

// TestAdopt: values that another program has calculated are a version that an undo takes back,
// and every version has the same values after a restart: what is edited behind it is calculated,
// what is not keeps the other program's values, until everything is calculated by us.
func TestAdopt(t *testing.T) {
	clock := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	r := newRig(t, Options{Now: func() time.Time { clock = clock.Add(time.Hour); return clock }})
	r.put("wrong.xlsx", wrongBook(t)) // A1=2, B1=A1*2, C1=NOW(), D1=RAND(), E1=7+1
	f := r.create("wrong.xlsx").ID
	theirs := func(n float64) func(grid.Cell) cell.Value {
		return func(c grid.Cell) cell.Value { return cell.NumberValue(n + float64(c.Ref.Col)) }
	}
	check := func(what string, b1, e1 float64) {
		t.Helper()
		if got := r.row(f); got[0].Number() != b1 || got[3].Number() != e1 {
			t.Errorf("%s: B1 is %v and E1 %v, want %v and %v", what, got[0], got[3], b1, e1)
		}
	}
	res := r.adopt(f, theirs(100)) // 1
	if did := res.Changeset.Calculation; res.Version != 1 || did.Calculated != 4 || did.Changed != 4 || res.Info.Stale {
		t.Errorf("%+v, %+v", res, did)
	}
	check("their values", 101, 104)
	r.edit(f, number("A1", 5)) // 2
	check("A1 is edited, on which E1 does not depend", 10, 104)
	if _, err := r.store.Undo(t.Context(), f, 1, Commit{}); err != nil { // 3: as 1
		t.Fatal(err)
	}
	check("undone", 101, 104)
	if _, err := r.store.Recalculate(t.Context(), f, true, Commit{}); err != nil { // 4
		t.Fatal(err)
	}
	check("calculated by us", 4, 8)
	r.adopt(f, theirs(200)) // 5
	check("by them again", 201, 204)
	r.edit(f, set("Data", "A5", book.CellEdit{HasFormula: true, Formula: "SEQUENCE(A1+1)"})) // 6: fills A5:A7
	r.adopt(f, func(c grid.Cell) cell.Value { return cell.NumberValue(float64(10 * c.Ref.Row)) })
	r.edit(f, number("A1", 1)) // 8: it fills A5:A6
	r.edit(f, number("B9", 1)) // 9: nothing depends on it
	r.adopt(f, theirs(300))    // 10
	r.edit(f, set("Data", "B5", book.CellEdit{HasFormula: true, Formula: "SUM(A5:A7)"}))
	child := r.create(f).ID
	r.edit(child, number("A1", 4))
	if _, err := r.store.Recalculate(t.Context(), child, true, Commit{}); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for v := range 12 {
		id := fmt.Sprintf("%s@%d", f, v)
		want[id] = r.cells(id)
		if v < 3 {
			id = fmt.Sprintf("%s@%d", child, v)
			want[id] = r.cells(id)
		}
	}
	if got := want[child+"@0"]; got != want[f+"@11"] {
		t.Errorf("a fork of a version with their values: %s, and that has %s", got, want[f+"@11"])
	}
	if !strings.Contains(want[f+"@7"], "A5=40 A6=50 A7=60") || strings.Contains(want[f+"@8"], "A7") && !strings.Contains(want[f+"@8"], "A7= ") {
		t.Errorf("an array with their values: %s; then it is smaller: %s", want[f+"@7"], want[f+"@8"])
	}
	for round := range 2 {
		r.restart()
		for v := range 12 {
			if round == 1 {
				v = 11 - v
			}
			for _, id := range []string{fmt.Sprintf("%s@%d", f, v), fmt.Sprintf("%s@%d", child, v)} {
				if want[id] == "" {
					continue
				}
				if got := r.cells(id); got != want[id] {
					t.Errorf("%s: %s\nbefore the restart %s", id, got, want[id])
				}
			}
		}
		for _, id := range []string{f, child} {
			if _, err := r.store.Replay(t.Context(), id); err != nil {
				t.Error(err)
			}
		}
	}
	history, err := r.store.History(t.Context(), f, 1, 1)
	if err != nil || history[0].What != "recalculate" {
		t.Errorf("%+v: %v", history, err)
	}
}

// Values are of one version: a fork that has another by now keeps what it has.
func TestAdoptConflict(t *testing.T) {
	r := newRig(t, Options{})
	r.put("wrong.xlsx", wrongBook(t))
	f := r.create("wrong.xlsx").ID
	r.edit(f, number("A1", 5))
	old := uint64(0)
	for _, c := range []struct {
		commit Commit
		code   string
	}{{Commit{Expected: &old}, CodeConflict}, {Commit{}, CodeBadInput}} {
		var ours *Error
		if _, err := r.store.Adopt(t.Context(), f, book.Edit{}, "x", c.commit); !errors.As(err, &ours) || ours.Code != c.code {
			t.Errorf("%v, want %s", err, c.code)
		}
	}
}

// TestAdoptedArray: an array that found no room, and was given a value, is after a restart what
// it was before: found by TestValuesAgain.
func TestAdoptedArray(t *testing.T) {
	r := newRig(t, Options{})
	r.put("wrong.xlsx", wrongBook(t))
	f := r.create("wrong.xlsx").ID
	r.edit(f, number("A5", 3))
	r.edit(f, set("Data", "A4", book.CellEdit{HasFormula: true, Formula: "SEQUENCE(A1)"}))
	r.edit(f, number("C7", 2))
	r.create(f)
	r.adopt(f, func(c grid.Cell) cell.Value {
		if c.Ref.Row == 0 && c.Ref.Col > 1 {
			return cell.ErrorValue(cell.ErrNA)
		}
		return cell.NumberValue(900)
	})
	r.edit(f, set("Data", "F6", book.CellEdit{HasFormula: true, Formula: "SUM(A1:A9)"}))
	want := r.cells(f)
	r.restart()
	// NOW and RAND have their moment in the record.
	if got := r.cells(f); got != want {
		t.Errorf("%s\nbefore the restart %s", got, want)
	}
}

// TestValuesAgain: whatever is edited, calculated by us or by others, undone and forked, in
// whatever order, each version has the same values once it is made again from the journal.
func TestValuesAgain(t *testing.T) {
	wrong := wrongBook(t)
	rapid.Check(t, func(rt *rapid.T) {
		clock := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
		r := newRig(t, Options{LiveMax: 2, CalcBudget: time.Hour, Now: func() time.Time { clock = clock.Add(time.Hour); return clock }})
		r.put("wrong.xlsx", wrong)
		ctx := t.Context()
		ids := []string{r.create("wrong.xlsx").ID}
		want := map[string]string{}
		var formulas = []string{"A1*2", "B1+1", "SEQUENCE(A1)", "SUM(A1:A9)", "RAND()", "7", "A5:A7*2", "NOW()+A1"}
		for range rapid.IntRange(1, 14).Draw(rt, "steps") {
			id := rapid.SampledFrom(ids).Draw(rt, "fork")
			var err error
			switch rapid.IntRange(0, 8).Draw(rt, "step") {
			case 0, 1:
				a1 := fmt.Sprintf("%c%d", rapid.SampledFrom([]rune("ABC")).Draw(rt, "column"), rapid.IntRange(1, 7).Draw(rt, "row"))
				_, err = r.store.Edit(ctx, id, number(a1, float64(rapid.IntRange(1, 4).Draw(rt, "number"))), Commit{})
			case 2, 3:
				a1 := fmt.Sprintf("%c%d", rapid.SampledFrom([]rune("AF")).Draw(rt, "column"), rapid.IntRange(4, 6).Draw(rt, "row"))
				_, err = r.store.Edit(ctx, id, set("Data", a1, book.CellEdit{HasFormula: true, Formula: rapid.SampledFrom(formulas).Draw(rt, "formula")}), Commit{})
			case 4, 5:
				n := float64(rapid.IntRange(1, 9).Draw(rt, "theirs") * 100)
				r.adopt(id, func(c grid.Cell) cell.Value {
					if rapid.Bool().Draw(rt, "an error") {
						return cell.ErrorValue(cell.ErrNA)
					}
					return cell.NumberValue(n + float64(c.Ref.Row))
				})
			case 6:
				_, err = r.store.Recalculate(ctx, id, rapid.Bool().Draw(rt, "all"), Commit{})
			case 7:
				if rapid.Bool().Draw(rt, "undo") {
					_, err = r.store.Undo(ctx, id, 1, Commit{})
				} else {
					_, err = r.store.Redo(ctx, id, 1, Commit{})
				}
			case 8:
				if len(ids) < 3 {
					child := r.create(id).ID
					ids = append(ids, child)
					given := false
					if err := r.store.View(ctx, id, func(s *book.Snapshot) error { given = s.Given(); return nil }); err != nil {
						rt.Fatal(err)
					}
					if got := r.cells(child); given && got != r.cells(id) { // else chance is given another go

						rt.Fatalf("a fork of %s has\n%s, and that\n%s", id, got, r.cells(id))
					}
				}
			}
			if ours := (*Error)(nil); errors.As(err, &ours) && ours.Code == CodeNothing {
				err = nil
			}
			var part *book.Error
			if err != nil && !errors.As(err, &part) { // a part of an array cannot be edited
				rt.Fatal(err)
			}
			for _, id := range ids {
				info, err := r.store.Info(context.Background(), id)
				if err != nil {
					rt.Fatal(err)
				}
				at := fmt.Sprintf("%s@%d", id, info.Version)
				if _, ok := want[at]; !ok {
					want[at] = r.cells(at)
				}
			}
		}
		r.restart()
		for _, at := range rapid.Permutation(slices.Sorted(maps.Keys(want))).Draw(rt, "order") {
			if got := r.cells(at); got != want[at] {
				rt.Fatalf("%s: %s\nbefore the restart %s", at, got, want[at])
			}
		}
		for _, id := range ids {
			if _, err := r.store.Replay(ctx, id); err != nil {
				rt.Fatal(err)
			}
		}
		r.close()
	})
}
