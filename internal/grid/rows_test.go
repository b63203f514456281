package grid

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestRowsBetween: what differs between two lists of rows, put onto the first, gives the second, and names no
// row that is the same in both.
func TestRowsBetween(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(list []RowSpan) []RowSpan {
			for range rapid.IntRange(0, 5).Draw(t, "edits") {
				first := rapid.IntRange(0, 19).Draw(t, "first")
				last := rapid.IntRange(first, 19).Draw(t, "last")
				height := float64(rapid.IntRange(0, 2).Draw(t, "height"))
				hidden, styled := rapid.Bool().Draw(t, "hidden"), rapid.IntRange(0, 4).Draw(t, "styled") == 0
				list = EditRows(list, first, last, func(r *RowSpan) {
					r.Height, r.Hidden = height, hidden
					if styled {
						r.Style, r.HasStyle = 3, true
					}
				})
			}
			return list
		}
		was := draw(nil)
		is := draw(was)
		got := was
		diff := RowsBetween(was, is)
		for i, d := range diff {
			if d.Last < d.First || i > 0 && diff[i-1].Last >= d.First {
				t.Fatalf("the list is not in order: %+v", diff)
			}
			got = EditRows(got, d.First, d.Last, func(r *RowSpan) { r.Height, r.Hidden = d.Height, d.Hidden })
		}
		if put := PutRows(was, diff); !slices.Equal(put, got) {
			t.Fatalf("%+v put on %+v is %+v and not %+v", diff, was, put, got)
		}
		plain := func(list []RowSpan, row int) RowSpan {
			l := Layout{Rows: list}
			r, _ := l.Row(row)
			r.First, r.Last, r.Style, r.HasStyle = 0, 0, 0, false
			return r
		}
		for row := range 20 {
			a, b := plain(was, row), plain(is, row)
			if c := plain(got, row); c != b {
				t.Fatalf("row %d is %+v and not %+v; %+v on %+v", row, c, b, diff, was)
			}
			named := slices.ContainsFunc(diff, func(d RowSpan) bool { return d.First <= row && row <= d.Last })
			if named != (a != b) {
				t.Fatalf("row %d is named: %v, in %+v", row, named, diff)
			}
		}
	})
}
