package book

import (
	"context"
	"testing"

	"gridflow/internal/cell"
	"gridflow/internal/structure"
)

// TestStaleIn: of a version that is not calculated, cells are stale which depend on what was edited, by the compiled
// formulas where there are some; and none of one that is calculated.
func TestStaleIn(t *testing.T) {
	s := NewSnapshot("wb", "rev", newBook(t, "A1=2 B1==A1*2 C1==B1+1 D1=5 E1==D1+1 G1==NOW()", "A1==Sheet1!C1 B1=7 A2==Sheet1!D1"))
	stale := func(s *Snapshot, i int, text string) bool {
		t.Helper()
		r, ok := cell.ParseRange(text)
		if !ok {
			t.Fatal(text)
		}
		is, err := s.StaleIn(t.Context(), i, r)
		if err != nil {
			t.Fatal(err)
		}
		return is
	}
	check := func(s *Snapshot, i int, in, out []string) {
		t.Helper()
		for _, text := range in {
			if !stale(s, i, text) {
				t.Errorf("%s of sheet %d is not stale", text, i+1)
			}
		}
		for _, text := range out {
			if stale(s, i, text) {
				t.Errorf("%s of sheet %d is stale", text, i+1)
			}
		}
	}
	s, _ = apply(t, s, set(t, "Sheet1", "A5==SEQUENCE(A1)"))
	fresh, _, err := s.Calculate(t.Context(), nil, Moment{})
	if err != nil {
		t.Fatal(err)
	}
	check(fresh, 0, nil, []string{"A1:Z99"})
	next, _ := apply(t, fresh, set(t, "Sheet1", "A1=3"))
	check(next, 0, []string{"B1", "C1", "G1", "A5", "A6:B9", "A1:Z1"}, []string{"A1", "D1:F1", "A2:Z4", "E1"})
	check(next, 1, []string{"A1", "A1:B1"}, []string{"B1", "A2:B9"})
	again, _ := apply(t, next, set(t, "Sheet1", "D1=6"))
	check(again, 0, []string{"B1", "E1"}, []string{"D1"})
	check(again, 1, []string{"A1", "A2"}, []string{"B1:B2"})
	check(next, 0, nil, []string{"E1"}) // as it was
	moved, _ := apply(t, next, restructure(structure.Change{Kind: structure.InsertRows, Sheet: "Sheet1", At: 0, Count: 2}))
	check(moved, 0, []string{"B3", "C3", "A7"}, []string{"A1:Z2"})
	// Without compiled formulas all of them count.
	cold, _ := apply(t, storedSnapshot("wb", "rev", newBook(t, "A1=2 B1==A1*2 D1=5 E1==D1+1")), set(t, "Sheet1", "A1=3"))
	check(cold, 0, []string{"B1", "E1"}, []string{"A1", "D1"})
	done, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := again.As("wb", 9).StaleIn(done, 0, cell.WholeSheet); err != nil {
		t.Errorf("what is known is asked again: %v", err)
	}
}
