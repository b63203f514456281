package grid

import (
	"bytes"
	"context"
	"math"
	"reflect"
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
		got, err := s.WithValues(context.Background(), list, 2)
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

// TestRenumbered: a column that is copied down and gets numbers is packed as a builder packs it.
func TestRenumbered(t *testing.T) {
	sheet := func(first, rows int, number func(i int) float64) *Sheet {
		b := NewBuilder("S")
		for i := range rows {
			r := cell.Ref{Row: first + i, Col: 1}
			if err := b.Number(r, 3, number(i)); err != nil {
				t.Fatal(err)
			}
			id, err := b.AddFormula([]byte("A1+1"), -1)
			if err != nil {
				t.Fatal(err)
			}
			b.SetFormula(r, id)
		}
		return b.Finish(nil)
	}
	for _, c := range []struct {
		name   string
		number func(i int) float64
		quick  bool
	}{
		{"zeros", func(int) float64 { return 0 }, true},
		{"bytes", func(i int) float64 { return float64(i % 256) }, true},
		{"two bytes", func(i int) float64 { return float64(i * 100) }, true},
		{"four bytes", func(i int) float64 { return float64(-i) }, true},
		{"the largest", func(i int) float64 { return float64(math.MaxInt32 - i%2) }, true},
		{"too large", func(i int) float64 { return float64(math.MaxInt32 + i) }, true},
		{"fractions", func(i int) float64 { return float64(i) / 8 }, true},
		{"minus zero", func(i int) float64 { return math.Copysign(0, float64(i%2)-1) }, true},
		{"no number", func(i int) float64 { return []float64{1, math.Inf(1), math.NaN()}[i%3] }, false},
	} {
		for _, at := range [][2]int{{0, BandRows}, {5, 100}, {BandRows - 70, 70}, {63, 2}} {
			old := sheet(at[0], at[1], func(i int) float64 { return float64(-i) - 0.5 })
			v := Values{Col: 1, Changed: new([BandRows / 64]uint64), Kinds: new([BandRows]cell.Kind), Nums: new([BandRows]float64)}
			for i := range at[1] {
				o := at[0] + i
				v.Changed[o/64] |= 1 << (o % 64)
				v.Kinds[o], v.Nums[o] = cell.Number, c.number(i)
			}
			k := old.bands[0].chunk(1)
			n := k.renumbered(&v)
			if (n != nil) != c.quick {
				t.Errorf("%s: renumbered %v", c.name, n)
			}
			if n == nil {
				continue
			}
			if want := sheet(at[0], at[1], c.number).bands[0].chunk(1); !reflect.DeepEqual(n, want) {
				t.Errorf("%s of %v: %+v, want %+v", c.name, at, n, want)
			}
			general := *k
			general.styles, general.styleWidth = bytes.Repeat([]byte{3}, k.n), 1
			if want, ok := general.revalued(&v, newColumn(), nil); !ok || !reflect.DeepEqual(n, want) {
				t.Errorf("%s of %v: %+v, want %+v", c.name, at, n, want)
			}
			v.Changed[at[0]/64] &^= 1 << (at[0] % 64)
			if k.renumbered(&v) != nil {
				t.Errorf("%s: a cell that did not change", c.name)
			}
			if !old.dense(&v) && at[1] > foldDense {
				t.Errorf("%s of %v is patched", c.name, at)
			}
			if o := at[0] + at[1]; o < BandRows {
				v.Changed[o/64] |= 1 << (o % 64)
				if old.dense(&v) {
					t.Errorf("%s of %v: a cell without a formula", c.name, at)
				}
			}
		}
	}
}
