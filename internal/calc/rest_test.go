package calc

import (
	"context"
	"testing"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// TestRest: a calculation of one worker rests while it runs, also within one long formula, and ends
// there when it is cancelled; what it gives is what it gives without.
func TestRest(t *testing.T) {
	t.Parallel()
	var changes []grid.Change
	for row := range 40 {
		changes = append(changes, grid.Change{Ref: cell.Ref{Row: row}, Formula: "SUM(_xlfn.SEQUENCE(200000))+ROW()"})
	}
	changes = append(changes, grid.Change{Ref: cell.Ref{Col: 1}, Formula: "SUM(A1:A40)"})
	in, m := modelOf(t, changes)
	want, err := m.Calculate(t.Context(), in, Options{All: true})
	if err != nil {
		t.Fatal(err)
	}
	rests := 0
	got, err := m.Calculate(t.Context(), in, Options{All: true, Workers: 1, Rest: func() { rests++ }})
	if err != nil {
		t.Fatal(err)
	}
	// How often depends on the machine; a very fast one does not rest at all.
	t.Log(rests, "rests")
	(&line{in: in}).compare(t, "with rests", in.calculated(got), in.calculated(want))
	ctx, cancel := context.WithCancel(t.Context())
	cancelled := false
	_, err = m.Calculate(ctx, in, Options{All: true, Workers: 1, Rest: func() { cancelled = true; cancel() }})
	if cancelled && err == nil {
		t.Error("a calculation that was cancelled while it rested came to its end")
	}
	cancel()
}
