package grid

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

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

// TestWithValues compares the quick way with the plain one.
func TestWithValues(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := NewBuilder("S")
		b.AnyOrder()
		rows := rapid.IntRange(1, 3*BandRows).Draw(t, "rows")
		for row := range rows {
			for col := range 3 {
				r := cell.Ref{Row: row, Col: col}
				if (row*7+col)%11 == 0 {
					continue
				}
				if err := b.Number(r, uint32(row%2), float64(row)); err != nil {
					t.Fatal(err)
				}
				if col > 0 && row%rapid.IntRange(2, 40).Draw(t, "gap") != 0 {
					id, err := b.AddFormula([]byte("A1+1"), -1)
					if err != nil {
						t.Fatal(err)
					}
					b.SetFormula(r, id)
				}
			}
		}
		s := b.Finish(nil)
		if rapid.Bool().Draw(t, "patched") {
			var err error
			if s, err = s.With([]Change{{Ref: cell.Ref{Row: rows / 2, Col: 1}, Value: cell.TextValue("over")}}); err != nil {
				t.Fatal(err)
			}
		}
		var list []Values
		var plain []Change
		for band := 0; band*BandRows < rows; band++ {
			for col := range 3 {
				v := Values{Band: band, Col: col, Changed: new([BandRows / 64]uint64), Kinds: new([BandRows]cell.Kind), Nums: new([BandRows]float64), Texts: new([BandRows]string)}
				share := rapid.IntRange(0, 3).Draw(t, "share")
				for o := range BandRows {
					if o%3 < share && band*BandRows+o < rows {
						k := cell.Kind(rapid.IntRange(0, 4).Draw(t, "kind"))
						v.Changed[o/64] |= 1 << (o % 64)
						v.Kinds[o] = k
						switch k {
						case cell.Number:
							v.Nums[o] = float64(o) / 4
						case cell.Bool:
							v.Nums[o] = 1
						case cell.Error:
							v.Nums[o] = float64(cell.ErrNA)
						case cell.Text:
							v.Texts[o] = "text " + string(rune('a'+o%7))
						}
						plain = append(plain, Change{Ref: cell.Ref{Row: band*BandRows + o, Col: col}, Kind: SetValue, Value: v.value(o)})
					}
				}
				list = append(list, v)
			}
		}
		got, err := s.WithValues(list, 2)
		if err != nil {
			t.Fatal(err)
		}
		want, err := s.With(plain)
		if err != nil {
			t.Fatal(err)
		}
		for x, y := range Diff(want, got, nil) {
			t.Fatalf("%v: %v, want %v", x.Ref, y, x)
		}
		if got.FilledCells() != want.FilledCells() || got.StoredCells() != want.StoredCells() || got.FormulaCells() != want.FormulaCells() {
			t.Fatalf("%d, %d, %d cells; want %d, %d, %d", got.FilledCells(), got.StoredCells(), got.FormulaCells(), want.FilledCells(), want.StoredCells(), want.FormulaCells())
		}
	})
}
