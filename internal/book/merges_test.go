package book

import (
	"errors"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

func ranges(tb testing.TB, text string) *Ranges {
	tb.Helper()
	r := new(Ranges)
	if err := r.UnmarshalText([]byte(text)); err != nil {
		tb.Fatal(err)
	}
	return r
}

// TestMergesAreRefused holds which merged ranges no sheet can have, and that those which it has are not asked about.
func TestMergesAreRefused(t *testing.T) {
	b := grid.NewBuilder("Sheet1")
	for row := range 3 {
		if err := b.Value(cell.Ref{Row: row, Col: 5}, 0, cell.NumberValue(1)); err != nil {
			t.Fatal(err)
		}
	}
	id, err := b.AddFormula([]byte("A1:A3*2"), b.AddGroup(grid.ArrayFormula, cell.Ref{Col: 5}, cell.Range{First: cell.Ref{Col: 5}, Last: cell.Ref{Row: 2, Col: 5}}))
	if err != nil {
		t.Fatal(err)
	}
	b.SetFormula(cell.Ref{Col: 5}, id)
	b.Layout().Merges = *ranges(t, "J1:K2 K2:L3 H1:H2") // of a damaged file
	m := newBook(t)
	m.add("Sheet1", b.Finish(nil))
	m.tables = []grid.Table{{Name: "T", Range: (*ranges(t, "A10:B12"))[0]}, {Name: "Elsewhere", Sheet: 1, Range: (*ranges(t, "A1:B2"))[0]}}
	s := NewSnapshot("a", "r", m)
	for _, c := range []struct {
		merges string
		code   Code // "" where they are taken
	}{
		{"", ""}, {"A1:B2", ""}, {"J1:K2 K2:L3", ""}, {"A1:B2 C1:D2 A3:D3", ""},
		{"A1", BadLayout}, {"A1:B2 B2:C3", BadLayout}, {"J1:K2 K2:L3 J2:J3", BadLayout}, {"A1:A1048576 A5:XFD5", BadLayout},
		{"B12:C13", BadLayout}, {"F3:G3", BadLayout}, {"F1:F3", BadLayout},
	} {
		next, _, err := s.Apply(t.Context(), Edit{Ops: []Op{Arrange{Sheet: "sheet1", Merges: ranges(t, c.merges)}}})
		var wrong *Error
		if errors.As(err, &wrong) != (c.code != "") || wrong != nil && wrong.Code != c.code {
			t.Errorf("%s: %v", c.merges, err)
		}
		if err == nil {
			if sheet, err := next.Sheet(t.Context(), 0); err != nil || !slices.Equal(sheet.Layout.Merges, *ranges(t, c.merges)) {
				t.Errorf("%s became %v, %v", c.merges, sheet.Layout.Merges, err)
			}
		}
	}
	if sheet, _ := s.Sheet(t.Context(), 0); len(sheet.Layout.Merges) != 3 {
		t.Error("the sheet itself was changed")
	}
}

// drawMerges draws merged ranges that are apart.
func drawMerges(t *rapid.T, from []cell.Range) []cell.Range {
	list := slices.Clone(from)
	for range rapid.IntRange(0, 4).Draw(t, "changes") {
		if len(list) > 0 && rapid.Bool().Draw(t, "goes") {
			i := rapid.IntRange(0, len(list)-1).Draw(t, "which")
			list = slices.Delete(list, i, i+1)
			continue
		}
		r := cell.Range{First: cell.Ref{Row: rapid.IntRange(0, 5).Draw(t, "row"), Col: rapid.IntRange(0, 5).Draw(t, "col")}}
		r.Last = cell.Ref{Row: r.First.Row + rapid.IntRange(0, 3).Draw(t, "rows"), Col: r.First.Col + rapid.IntRange(1, 3).Draw(t, "cols")}
		if !slices.ContainsFunc(list, func(x cell.Range) bool { _, meet := x.Intersect(r); return meet }) {
			list = append(list, r)
		}
	}
	return list
}

func rangeSet(list []cell.Range) map[cell.Range]bool {
	m := map[cell.Range]bool{}
	for _, r := range list {
		m[r] = true
	}
	return m
}

// TestMergedMerges: what comes of two sides has no ranges that meet, keeps what one side alone changed and nothing of
// it meets, and has from's as far as it has the say.
func TestMergedMerges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base := drawMerges(t, nil)
		onto, from := drawMerges(t, base), drawMerges(t, base)
		wins := rapid.Bool().Draw(t, "wins")
		got := mergeMerges(base, onto, from, wins)
		if a, b, meet := firstMeeting(got, func(cell.Range) bool { return true }); meet {
			t.Fatalf("%v and %v meet", a, b)
		}
		was, mine, theirs, is := rangeSet(base), rangeSet(onto), rangeSet(from), rangeSet(got)
		all := map[cell.Range]bool{}
		maps.Copy(all, was)
		maps.Copy(all, mine)
		maps.Copy(all, theirs)
		for r := range all {
			meets := func(set map[cell.Range]bool) bool {
				for x := range set {
					if _, meet := x.Intersect(r); meet && x != r {
						return true
					}
				}
				return false
			}
			want := mine[r]
			if mine[r] == was[r] && theirs[r] != was[r] {
				want = theirs[r]
			}
			// A range that the other side changed the place of: which one stays is for wins to say.
			clash := meets(mine) || meets(theirs)
			if is[r] != want && !clash {
				t.Errorf("%v: %v, want %v of base %v, onto %v, from %v", r, is[r], want, base, onto, from)
			}
			if wins && theirs[r] && !was[r] && !is[r] || !wins && mine[r] && !was[r] && !is[r] {
				t.Errorf("%v of the side that has the say is gone", r)
			}
		}
	})
}

// TestFirstMeeting: ranges that meet are found as comparing all pairs finds them.
func TestFirstMeeting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := drawMerges(t, drawMerges(t, nil))
		if rapid.Bool().Draw(t, "one more") {
			r := cell.Range{First: cell.Ref{Row: rapid.IntRange(0, 8).Draw(t, "row"), Col: rapid.IntRange(0, 8).Draw(t, "col")}}
			r.Last = cell.Ref{Row: r.First.Row + rapid.IntRange(0, 5).Draw(t, "rows"), Col: r.First.Col + rapid.IntRange(0, 5).Draw(t, "cols")}
			list = append(list, r)
		}
		want := false
		for i := range list {
			for k := range i {
				_, meet := list[i].Intersect(list[k])
				want = want || meet
			}
		}
		a, b, got := firstMeeting(list, func(cell.Range) bool { return true })
		if got != want {
			t.Fatalf("%v: %v and %v, %v", list, a, b, got)
		}
		if _, meet := a.Intersect(b); got && !meet {
			t.Fatalf("%v and %v do not meet", a, b)
		}
	})
}
