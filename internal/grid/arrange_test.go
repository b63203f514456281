package grid

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestEditColumns compares with a list of single columns.
func TestEditColumns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var list []ColumnSpan
		var model [20]ColumnSpan
		for range rapid.IntRange(1, 8).Draw(t, "edits") {
			first := rapid.IntRange(0, 19).Draw(t, "first")
			last := rapid.IntRange(first, 19).Draw(t, "last")
			width, hidden := float64(rapid.IntRange(0, 2).Draw(t, "width")), rapid.Bool().Draw(t, "hidden")
			what := rapid.Bool().Draw(t, "what")
			edit := func(c *ColumnSpan) {
				if what {
					c.Width = width
				} else {
					c.Hidden = hidden
				}
			}
			was := slices.Clone(list)
			next := EditColumns(list, first, last, edit)
			if !slices.Equal(was, list) {
				t.Fatalf("the list became %v", list)
			}
			list = next
			for col := first; col <= last; col++ {
				edit(&model[col])
			}
			l := Layout{Columns: list}
			for col := range model {
				got, _ := l.Column(col)
				got.First, got.Last = 0, 0
				if got != model[col] {
					t.Fatalf("column %d is %+v and not %+v in %+v", col, got, model[col], list)
				}
			}
			for i, c := range list {
				if c.First > c.Last || i > 0 && list[i-1].Last >= c.First || c == (ColumnSpan{First: c.First, Last: c.Last}) {
					t.Fatalf("the list is not tidy: %+v", list)
				}
			}
		}
	})
}
