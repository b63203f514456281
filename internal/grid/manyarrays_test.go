package grid

import (
	"math/rand/v2"
	"slices"
	"testing"

	"gridflow/internal/cell"
)

// TestManyArrays: however many dynamic arrays come, go and change their size, those that touch a range are found.
func TestManyArrays(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 7))
	s := NewBuilder("S").Finish(nil)
	want := map[cell.Ref]cell.Range{} // by anchor
	for range 200 {
		var changes []Change
		for range 1 + r.IntN(20) {
			at := cell.Ref{Row: r.IntN(40) * 5, Col: r.IntN(8) * 3}
			fills := cell.Range{First: at, Last: cell.Ref{Row: at.Row + r.IntN(5), Col: at.Col + r.IntN(3)}}
			if slices.ContainsFunc(changes, func(c Change) bool { return c.Ref == at }) {
				continue
			}
			was, there := want[at]
			switch {
			case there && r.IntN(2) == 0:
				if was.Cells() > 1 {
					continue // it can only go with all of its cells
				}
				delete(want, at)
				changes = append(changes, Change{Ref: at, Value: cell.NumberValue(1)})
			case there:
				want[at] = fills
				changes = append(changes, Change{Ref: at, Kind: SetValue, Value: cell.NumberValue(2), Spills: true, Fills: fills})
			default:
				want[at] = fills
				changes = append(changes, Change{Ref: at, Formula: "F()", Spills: true, Fills: fills})
			}
		}
		var err error
		if s, err = s.With(changes); err != nil {
			t.Fatal(err)
		}
		for range 10 {
			at := cell.Ref{Row: r.IntN(210), Col: r.IntN(26)}
			look := cell.Range{First: at, Last: cell.Ref{Row: at.Row + r.IntN(4), Col: at.Col + r.IntN(4)}}
			var got, all []cell.Ref
			for f := range s.Arrays(look) {
				if f.Range != want[f.Anchor] {
					t.Errorf("the array in %v fills %v, not %v", f.Anchor, f.Range, want[f.Anchor])
				}
				got = append(got, f.Anchor)
			}
			for anchor, fills := range want {
				if _, touch := fills.Intersect(look); touch && fills.Cells() > 1 {
					all = append(all, anchor)
				}
			}
			order := func(a, b cell.Ref) int { return order(a) - order(b) }
			slices.SortFunc(all, order)
			if !slices.Equal(got, all) {
				t.Fatalf("arrays in %v: %v, want %v", look, got, all)
			}
		}
	}
}

// BenchmarkManyArrays gives a sheet arrays of one cell, a thousand more with each change: how many there are already does not
// count.
func BenchmarkManyArrays(b *testing.B) {
	for b.Loop() {
		s := NewBuilder("S").Finish(nil)
		for n := range 20 {
			changes := make([]Change, 1000)
			for i := range changes {
				at := cell.Ref{Row: 1000*n + i}
				changes[i] = Change{Ref: at, Formula: "F()", Spills: true, Fills: cell.Range{First: at, Last: at}}
			}
			var err error
			if s, err = s.With(changes); err != nil {
				b.Fatal(err)
			}
		}
	}
}
