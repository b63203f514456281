package book

import (
	"errors"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// TestRulesAreRefused holds which rules no sheet can have, and that those which it has are not asked about.
func TestRulesAreRefused(t *testing.T) {
	a := *ranges(t, "A1:A9")
	odd := grid.Validation{Type: "odd", Extension: true}
	m := newBook(t, "A1=1")
	l := *m.sheets[0].Layout
	l.Validations = []grid.Validation{odd}
	l.Conditional = []grid.ConditionalFormat{{Type: "odd", DxfID: 7}}
	m.sheets[0] = m.sheets[0].WithLayout(&l)
	s := NewSnapshot("a", "r", m)
	long := string(make([]byte, 300))
	for i, c := range []struct {
		v    *[]grid.Validation
		f    *[]grid.ConditionalFormat
		code Code // "" where they are taken
	}{
		{v: &[]grid.Validation{odd, {Ranges: a, Type: "whole", Operator: "equal", Formula1: "1"}}},
		{v: &[]grid.Validation{}, f: &[]grid.ConditionalFormat{}},
		{v: &[]grid.Validation{odd, odd}, code: BadLayout},
		{v: &[]grid.Validation{{Ranges: a, Type: "odd", Operator: "equal", Formula1: "1"}}, code: BadLayout},
		{v: &[]grid.Validation{{Type: "list", Formula1: "A1"}}, code: BadLayout},
		{v: &[]grid.Validation{{Ranges: a, Type: "whole", Operator: "between", Formula1: "1"}}, code: BadLayout},
		{v: &[]grid.Validation{{Ranges: a, Type: "list", Formula1: "A1", ErrorStyle: "shout"}}, code: BadLayout},
		{v: &[]grid.Validation{{Ranges: a, Type: "list", Formula1: "A1", Error: long}}, code: TooLong},
		{v: &[]grid.Validation{{Ranges: a, Type: "list", Formula1: "A1", Error: "\xff"}}, code: BadValue},
		{v: &[]grid.Validation{{Ranges: a, Type: "list", Formula1: `"` + long + `"`}}, code: TooLong},
		{v: &[]grid.Validation{{Ranges: []cell.Range{{First: cell.Ref{Row: 5}}}, Type: "list", Formula1: "A1"}}, code: BadCell},
		{f: &[]grid.ConditionalFormat{{Type: "odd", DxfID: 7}, {Ranges: a, Type: "top10", Rank: 3, Look: map[string]string{"font.bold": "1"}}}},
		{f: &[]grid.ConditionalFormat{{Ranges: a, Type: "odd"}}, code: BadLayout},
		{f: &[]grid.ConditionalFormat{{Type: "duplicateValues"}}, code: BadLayout},
		{f: &[]grid.ConditionalFormat{{Ranges: a, Type: "top10"}}, code: BadLayout},
		{f: &[]grid.ConditionalFormat{{Ranges: a, Type: "cellIs", Operator: "between", Formulas: []string{"1"}}}, code: BadLayout},
		{f: &[]grid.ConditionalFormat{{Ranges: a, Type: "colorScale", Stops: []grid.Stop{{Type: "min"}, {Type: "max"}}, Colors: []string{"FF000000"}}}, code: BadLayout},
		{f: &[]grid.ConditionalFormat{{Ranges: a, Type: "colorScale", Stops: []grid.Stop{{Type: "min", Value: "1"}, {Type: "max"}}, Colors: []string{"FF000000", "FF000000"}}}, code: BadLayout},
		{f: &[]grid.ConditionalFormat{{Ranges: a, Type: "iconSet", IconSet: "6Stars"}}, code: BadLayout},
		{f: &[]grid.ConditionalFormat{{Ranges: a, Type: "duplicateValues", Look: map[string]string{"font.shade": "1"}}}, code: BadFormat},
		{f: &[]grid.ConditionalFormat{{Ranges: a, Type: "duplicateValues", Colors: []string{"red"}}}, code: BadFormat},
		{f: &[]grid.ConditionalFormat{{Ranges: a, Type: "duplicateValues", Extension: true}}, code: BadLayout},
	} {
		_, _, err := s.Apply(t.Context(), Edit{Ops: []Op{Arrange{Sheet: "Sheet1", Validations: c.v, Conditional: c.f}}})
		var wrong *Error
		if errors.As(err, &wrong) != (c.code != "") || wrong != nil && wrong.Code != c.code {
			t.Errorf("case %d: %v, want %q", i, err, c.code)
		}
	}
}

// TestMergedLists: each entry is as the side has it that alone changed it, or else the side that has the say.
func TestMergedLists(t *testing.T) {
	type entry struct{ key, value int }
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) (list []entry) {
			for k := range 5 {
				if v := rapid.IntRange(0, 2).Draw(t, name); v > 0 {
					list = append(list, entry{k, v})
				}
			}
			return list
		}
		base, onto, from := draw("base"), draw("onto"), draw("from")
		wins := rapid.Bool().Draw(t, "wins")
		got := mergeLists(base, onto, from, func(e entry) int { return e.key }, func(a, b entry) bool { return a == b }, wins)
		at := func(list []entry, k int) int {
			n := 0
			for _, e := range list {
				if e.key == k {
					n += e.value
				}
			}
			return n
		}
		for k := range 5 {
			was, mine, theirs := at(base, k), at(onto, k), at(from, k)
			want := mine
			if theirs != was && (mine == was || wins) {
				want = theirs
			}
			if at(got, k) != want {
				t.Fatalf("%d became %d, want %d: %v of base %v, onto %v, from %v", k, at(got, k), want, got, base, onto, from)
			}
		}
	})
}

// TestMergedFormats: rules are the same whatever number a file gives their format, and keep that of their own file.
func TestMergedFormats(t *testing.T) {
	rule := func(a1 string, dxf, priority int) grid.ConditionalFormat {
		return grid.ConditionalFormat{Ranges: *ranges(t, a1), Type: "duplicateValues", DxfID: dxf, Priority: priority}
	}
	added := grid.ConditionalFormat{Ranges: *ranges(t, "C1:C9"), Type: "uniqueValues", DxfID: -1, Priority: 9, Look: map[string]string{"font.bold": "1"}}
	base := []grid.ConditionalFormat{rule("A1:A9", 0, 1), rule("B1:B9", 0, 2)}
	onto := []grid.ConditionalFormat{rule("A1:A9", 5, 1), rule("B1:B9", 5, 2)}        // another revision of the file
	from := []grid.ConditionalFormat{rule("A1:A9", 0, 1), rule("B5:B9", 0, 2), added} // an edit took cells out
	got := mergeConditional(base, onto, from, true)
	want := []grid.ConditionalFormat{rule("A1:A9", 5, 1), rule("B5:B9", 5, 2), added}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
}

// TestCut: what is cut out of ranges is gone, and nothing else is.
func TestCut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) (list []cell.Range) {
			for range rapid.IntRange(0, 3).Draw(t, name) {
				r := cell.Range{First: cell.Ref{Row: rapid.IntRange(0, 6).Draw(t, "row"), Col: rapid.IntRange(0, 6).Draw(t, "col")}}
				r.Last = cell.Ref{Row: r.First.Row + rapid.IntRange(0, 4).Draw(t, "rows"), Col: r.First.Col + rapid.IntRange(0, 4).Draw(t, "cols")}
				list = append(list, r)
			}
			return list
		}
		list, others := draw("list"), draw("others")
		in := func(list []cell.Range, r cell.Ref) bool {
			for _, x := range list {
				if x.Contains(r) {
					return true
				}
			}
			return false
		}
		got := Cut(list, others)
		for row := range 12 {
			for col := range 12 {
				r := cell.Ref{Row: row, Col: col}
				if in(got, r) != (in(list, r) && !in(others, r)) {
					t.Fatalf("%v: %v without %v is %v", r, list, others, got)
				}
			}
		}
	})
}
