package patch

import (
	"testing"

	"pgregory.net/rapid"

	"gridflow/internal/cell"
	"gridflow/internal/structure"
)

// TestSurvivor compares the first cell that is left of a range with what looking at each cell gives.
func TestSurvivor(t *testing.T) {
	names := []string{"A", "B"}
	rapid.Check(t, func(t *rapid.T) {
		c := &course{before: names}
		small := rapid.IntRange(0, 9)
		for range rapid.IntRange(1, 3).Draw(t, "steps") {
			change := structure.Change{Sheet: "A", At: small.Draw(t, "at"), Count: rapid.IntRange(1, 4).Draw(t, "count"),
				Kind: rapid.SampledFrom([]structure.Kind{structure.DeleteRows, structure.DeleteColumns, structure.InsertRows, structure.InsertColumns}).Draw(t, "kind")}
			c.steps = append(c.steps, change.Rewriter(names))
		}
		if rapid.IntRange(0, 3).Draw(t, "block") == 0 {
			change := structure.Change{Kind: structure.MoveCells, Sheet: "A", To: cell.Ref{Row: small.Draw(t, "row"), Col: small.Draw(t, "col")},
				Range:   cell.RangeOf(cell.Ref{Row: small.Draw(t, "r"), Col: small.Draw(t, "c")}, cell.Ref{Row: small.Draw(t, "r2"), Col: small.Draw(t, "c2")}),
				ToSheet: rapid.SampledFrom(names).Draw(t, "to")}
			c.steps = structure.Chain{change.Rewriter(names)}
		}
		r := cell.RangeOf(cell.Ref{Row: small.Draw(t, "r3"), Col: small.Draw(t, "c3")}, cell.Ref{Row: small.Draw(t, "r4"), Col: small.Draw(t, "c4")})
		got := c.survivor("A", []cell.Range{r})
		_, blocks := c.block()
		var want cell.Ref
		found := false
		for row := r.First.Row; row <= r.Last.Row && !found; row++ {
			for col := r.First.Col; col <= r.Last.Col && !found; col++ {
				if x := (cell.Ref{Row: row, Col: col}); c.left("A", x) {
					want, found = x, true
				}
			}
		}
		inserts := false // between deletions there may be lines that came
		for _, step := range c.steps {
			_, deletes, _ := step.Change().Lines()
			inserts = inserts || !deletes
		}
		if found && !blocks && !inserts && got != want {
			t.Fatalf("of %v %v is left, first %v", r, got, want)
		}
		if !r.Contains(got) {
			t.Fatalf("%v is not in %v", got, r)
		}
	})
}
