package fn

import (
	"slices"
	"testing"
	"unicode/utf16"

	"pgregory.net/rapid"

	"gridflow/internal/cell"
)

// On sorted values halving finds what counting finds.
func TestSortedLookups(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nums := rapid.SliceOfN(rapid.Float64Range(-5, 5), 1, 20).Draw(t, "numbers")
		for i := range nums {
			nums[i] = float64(int(nums[i]))
		}
		slices.Sort(nums)
		x := rapid.SampledFrom([]float64{-6, -5, -1, -0.5, 0, 0.5, 1, 2, 5, 6}).Draw(t, "x")
		cells := make([]cell.Value, len(nums))
		below, first := 0, len(nums)
		for i, f := range nums {
			cells[i] = cell.NumberValue(f)
			if f <= x {
				below++
			}
			if f >= x && first == len(nums) {
				first = i
			}
		}
		c := gridBook{}.context()
		v := c.lineOf(Of(Column(cells)), true, 0)
		if got := v.bisect(cell.NumberValue(x)); got != below-1 {
			t.Fatalf("MATCH of %v in %v: %d, want %d", x, nums, got, below-1)
		}
		if got := v.lowerBound(cell.NumberValue(x), false); got != first {
			t.Fatalf("lower bound of %v in %v: %d, want %d", x, nums, got, first)
		}
		slices.Reverse(cells)
		last := -1
		for i, e := range cells {
			if e.Number() >= x {
				last = i
			}
		}
		if got := v.lowerBound(cell.NumberValue(x), true); got != last {
			t.Fatalf("descending bound of %v in %v: %d, want %d", x, cells, got, last)
		}
		if got := v.descending(cell.NumberValue(x)); last >= 0 && cells[last].Number() > x && got != last {
			t.Fatalf("MATCH of %v in descending %v: %d, want %d", x, cells, got, last)
		}
	})
}

// A search in cells finds what the same search in an array finds, whatever the order.
func TestLookupsInCellsAndArrays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(t, "n")
		down := rapid.Bool().Draw(t, "down")
		book, array := gridBook{}, NewArray(n, 1)
		for i := range n {
			v := anyScalar().Draw(t, "value")
			array.Cells[i] = v
			if at := (cell.Ref{Row: i}); !v.IsBlank() {
				if !down {
					at = cell.Ref{Col: i}
				}
				book[at] = v
			}
		}
		area := Area{Range: cell.Range{Last: cell.Ref{Row: n - 1}}}
		if !down {
			area.Range.Last = cell.Ref{Col: n - 1}
			array.Rows, array.Cols = 1, n
		}
		c := book.context()
		in, of := c.lineOf(To(Cells(area)), down, 0), c.lineOf(Of(array), down, 0)
		x := anyScalar().Filter(func(v cell.Value) bool { return v.Kind() != cell.Error && !v.IsBlank() }).Draw(t, "x")
		last, flag := rapid.Bool().Draw(t, "last"), rapid.Bool().Draw(t, "flag")
		for name, f := range map[string]func(v *vector) int{
			"exact":      func(v *vector) int { return v.exact(x, last) },
			"pattern":    func(v *vector) int { return v.exactOrWild(x) },
			"bisect":     func(v *vector) int { return v.bisect(x) },
			"descending": func(v *vector) int { return v.descending(x) },
			"nearest":    func(v *vector) int { return v.nearest(x, flag, last) },
			"bound":      func(v *vector) int { return v.lowerBound(x, flag) },
			"blank":      func(v *vector) int { return v.blank(last) },
		} {
			if a, b := f(&in), f(&of); a != b {
				t.Fatalf("%s of %v: %d in cells, %d in the array %v", name, x, a, b, array.Cells)
			}
		}
	})
}

// fakeIndex answers every search with the same place.
type fakeIndex struct {
	Index // what is not asked for
	asked []cell.Value
}

func (f *fakeIndex) Exact(_ Area, v cell.Value, _ bool) (int, bool) {
	f.asked = append(f.asked, v)
	return 2, v.Kind() == cell.Number
}

func TestLookupsAskTheIndex(t *testing.T) {
	book := column(cell.NumberValue(7), cell.TextValue("a"), cell.NumberValue(8))
	index := &fakeIndex{}
	c := book.context()
	c.Index = index
	for _, test := range []struct {
		name string
		args []Value
		want Value
	}{
		{"MATCH", []Value{Num(7), rng(t, "A1:A3"), Num(0)}, Num(3)}, // the index is believed
		{"VLOOKUP", []Value{Num(7), rng(t, "A1:A3"), Num(1), False}, Num(8)},
		{"XMATCH", []Value{Num(7), rng(t, "A1:A3")}, Num(3)},
		{"XLOOKUP", []Value{Num(7), rng(t, "A1:A3"), rng(t, "A1:A3")}, Num(8)},
		{"MATCH", []Value{Text("A"), rng(t, "A1:A3"), Num(0)}, Num(2)}, // it does not serve texts
		{"MATCH", []Value{Text("a*"), rng(t, "A1:A3"), Num(0)}, Num(2)},
	} {
		before := len(index.asked)
		got := Apply(c, Find(test.name), test.args)
		if c.Single(got) != test.want.Scalar() {
			t.Errorf("%s: %v, want %v", test.name, c.Single(got), test.want.Scalar())
		}
		wild := test.args[0].Scalar().Text() == "a*"
		if asked := len(index.asked) - before; asked != 1 && !wild || wild && asked != 0 {
			t.Errorf("%s: the index was asked %d times", test.name, asked)
		}
	}
}

// Texts are cut by UTF-16 units as Excel counts them.
func TestSliceByUnits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		runes := rapid.SliceOfN(rapid.SampledFrom([]rune("ab€中😀")), 0, 8).Draw(t, "runes")
		s, units := string(runes), utf16.Encode(runes)
		if got := unitsOf(s); got != len(units) {
			t.Fatalf("%q has %d units, want %d", s, got, len(units))
		}
		from := rapid.IntRange(0, len(units)+2).Draw(t, "from")
		to := rapid.IntRange(0, len(units)+2).Draw(t, "to")
		want := ""
		if from < min(to, len(units)) {
			want = string(utf16.Decode(units[from:min(to, len(units))]))
		}
		if got := slice(s, from, to); got != want {
			t.Fatalf("%q from %d to %d: %q, want %q", s, from, to, got, want)
		}
	})
}

// What is put in front of a text before it is searched moves the place and nothing else.
func TestPatternSearch(t *testing.T) {
	for _, test := range []struct {
		pattern, text string
		at            int
	}{
		{"a*c", "xxabbc", 2}, {"a?c", "abxabc", 3}, {"*c", "abc", 0}, {"**", "abc", 0}, {"a**c", "zabc", 1}, {"?", "", -1}, {"", "", 0},
		{"c*a", "abcab", 2}, {"a*d", "abc", -1}, {"~*", "a*", 1}, {"É?", "xéy", 1}, {"中*国", "a中x国", 1},
	} {
		p, _, _ := ParsePattern(test.pattern)
		at, ok := p.Search(test.text, 0)
		if ok != (test.at >= 0) || ok && at != test.at {
			t.Errorf("%q in %q: %d %v, want %d", test.pattern, test.text, at, ok, test.at)
		}
		if moved, found := p.Search("é"+test.text, 2); found != ok || ok && moved != at+2 {
			t.Errorf("%q behind an é: %d, want %d", test.pattern, moved, at+2)
		}
	}
}
