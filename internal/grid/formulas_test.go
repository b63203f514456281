package grid

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"gridflow/internal/cell"
)

// TestFormulas holds Formulas to what Column says, on sheets with and without edits.
func TestFormulas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.IntRange(1, 1200).Draw(t, "rows")
		b := NewBuilder("S")
		group := b.AddGroup(SharedFormula, cell.Ref{}, cell.Range{Last: cell.Ref{Row: rows - 1, Col: 1}})
		gap := rapid.IntRange(1, 700).Draw(t, "gap")
		for row := range rows {
			for col := range 3 {
				r := cell.Ref{Row: row, Col: col}
				if err := b.Int(r, 0, int32(row)); err != nil {
					t.Fatal(err)
				}
				if col == 2 || row%gap == 0 {
					continue
				}
				g := -1
				if row%2 == 0 {
					g = group
				}
				id, err := b.AddFormula(fmt.Appendf(nil, "C%d", row+1), g)
				if err != nil {
					t.Fatal(err)
				}
				b.SetFormula(r, id)
			}
		}
		s := b.Finish(nil)
		for range rapid.IntRange(0, 3).Draw(t, "edits") {
			var changes []Change
			for range rapid.IntRange(1, 200).Draw(t, "changes") {
				c := Change{Ref: cell.Ref{Row: rapid.IntRange(0, rows+600).Draw(t, "row"), Col: rapid.IntRange(0, 3).Draw(t, "col")}}
				switch rapid.IntRange(0, 2).Draw(t, "kind") {
				case 0:
					c.Formula = fmt.Sprintf("A%d", len(changes)+1)
				case 1:
					c.Kind = RemoveCell
				}
				changes = append(changes, c)
			}
			next, err := s.With(changes)
			if err != nil {
				t.Fatal(err)
			}
			s = next
		}
		first, last := rapid.IntRange(-1, rows).Draw(t, "first"), rapid.IntRange(-1, rows+700).Draw(t, "last")
		for col := range 4 {
			var want, got []string
			for c := range s.Column(col, first, last) {
				if c.HasFormula() {
					want = append(want, fmt.Sprint(c.Ref.Row, s.Formula(c)))
				}
			}
			for row, f := range s.Formulas(col, first, last) {
				got = append(got, fmt.Sprint(row, f))
			}
			if !slices.Equal(got, want) {
				t.Fatalf("column %d, rows %d to %d:\n got %v\nwant %v", col, first, last, got, want)
			}
			for range s.Formulas(col, first, last) {
				break
			}
		}
	})
}
