package grid

import (
	"slices"
	"testing"

	"gridflow/internal/cell"
)

// TestSpills checks that an array which an edit brings, grows and goes is told with what it
// fills, also when the edits are folded into the bands.
func TestSpills(t *testing.T) {
	ref := func(s string) cell.Ref { r, _ := cell.ParseRef(s); return r }
	rng := func(s string) cell.Range { r, _ := cell.ParseRange(s); return r }
	s := NewBuilder("S").Finish(nil)
	with := func(changes ...Change) {
		t.Helper()
		next, err := s.With(changes)
		if err != nil {
			t.Fatal(err)
		}
		s = next
	}
	arrays := func() (out []cell.Range) {
		for f := range s.Arrays(cell.WholeSheet) {
			out = append(out, f.Range)
		}
		return out
	}
	with(Change{Ref: ref("B2"), Formula: "SEQUENCE(3)", Value: cell.NumberValue(1), Spills: true, Fills: rng("B2:B4")},
		Change{Ref: ref("B3"), Value: cell.NumberValue(2)}, Change{Ref: ref("B4"), Value: cell.NumberValue(3)})
	c, _ := s.At(ref("B2"))
	if f := s.Formula(c); f.Kind != DynamicArray || f.Range != rng("B2:B4") || f.Text != "SEQUENCE(3)" {
		t.Fatalf("the formula is %+v", f)
	}
	if got := arrays(); !slices.Equal(got, []cell.Range{rng("B2:B4")}) {
		t.Fatalf("arrays: %v", got)
	}
	if _, err := s.With([]Change{{Ref: ref("B3"), Value: cell.NumberValue(9)}}); err == nil {
		t.Error("a part of an array could be set")
	}
	before := s
	with(Change{Ref: ref("B2"), Kind: SetValue, Value: cell.NumberValue(1), Spills: true, Fills: rng("B2:B3")}, Change{Ref: ref("B4"), Kind: SetValue})
	if got := arrays(); !slices.Equal(got, []cell.Range{rng("B2:B3")}) {
		t.Fatalf("arrays after it shrank: %v", got)
	}
	var many []Change
	for i := range 3 * overMax {
		many = append(many, Change{Ref: cell.Ref{Row: 10 + i, Col: 5}, Value: cell.NumberValue(float64(i))})
	}
	with(many...)
	if c, _ := s.At(ref("B2")); s.Formula(c).Range != rng("B2:B3") {
		t.Fatalf("folded, it is %+v", s.Formula(c))
	}
	with(Change{Ref: ref("B2"), Kind: RemoveCell}, Change{Ref: ref("B3"), Kind: RemoveCell})
	if got := arrays(); got != nil {
		t.Fatalf("arrays after it went: %v", got)
	}
	if c, _ := before.At(ref("B2")); before.Formula(c).Range != rng("B2:B4") {
		t.Error("an older sheet changed")
	}
}
