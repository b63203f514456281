package book

import (
	"slices"
	"testing"

	"gridflow/internal/grid"
)

// TestMergeColumns holds that what two have changed of the columns of a sheet comes together, column by
// column and property by property.
func TestMergeColumns(t *testing.T) {
	type cols = []grid.ColumnSpan
	wide := func(first, last int, width float64) grid.ColumnSpan {
		return grid.ColumnSpan{First: first, Last: last, Width: width, Custom: true}
	}
	for _, c := range []struct {
		name             string
		base, onto, from cols
		wins             bool
		want             cols // nil: there is nothing to do
	}{
		{"other columns", nil, cols{wide(0, 0, 44)}, cols{wide(1, 1, 30)}, true, cols{wide(0, 0, 44), wide(1, 1, 30)}},
		{"a part of a span", cols{wide(0, 9, 12)}, cols{wide(0, 9, 20)}, cols{wide(0, 1, 12), {First: 2, Last: 3, Width: 12, Custom: true, Hidden: true}, wide(4, 9, 12)}, false,
			cols{wide(0, 1, 20), {First: 2, Last: 3, Width: 20, Custom: true, Hidden: true}, wide(4, 9, 20)}},
		{"the same column, and onto stays", cols{wide(2, 2, 10)}, cols{wide(2, 2, 20)}, cols{wide(2, 2, 30)}, false, nil},
		{"the same column, and from has the say", cols{wide(2, 2, 10)}, cols{wide(2, 2, 20)}, cols{wide(2, 2, 30)}, true, cols{wide(2, 2, 30)}},
		{"both alike", nil, cols{wide(2, 2, 20)}, cols{wide(2, 2, 20)}, true, nil},
		{"a width taken away", cols{wide(0, 2, 10)}, cols{wide(0, 2, 10), {First: 5, Last: 6, Outline: 1, Collapsed: true}}, cols{wide(0, 0, 10), wide(2, 2, 10)}, false,
			cols{wide(0, 0, 10), wide(2, 2, 10), {First: 5, Last: 6, Outline: 1, Collapsed: true}}},
		{"another file's styles", cols{{First: 0, Last: 0, Style: 3}}, cols{{First: 0, Last: 0, Style: 8}}, cols{{First: 0, Last: 0, Style: 3, Width: 9, Custom: true}}, true,
			cols{{First: 0, Last: 0, Style: 8, Width: 9, Custom: true}}},
		{"one that was hidden and one that was sized", nil, cols{wide(3, 3, 50)}, cols{{First: 3, Last: 3, Width: 9.14, Hidden: true}}, true,
			cols{{First: 3, Last: 3, Width: 50, Custom: true, Hidden: true}}},
		{"one that was sized and one that was hidden", nil, cols{{First: 3, Last: 3, Width: 9.14, Hidden: true}}, cols{wide(3, 3, 50)}, false,
			cols{{First: 3, Last: 3, Width: 50, Custom: true, Hidden: true}}},
		{"a hidden one has a width", nil, nil, cols{{First: 3, Last: 3, Width: 9.14, Hidden: true}}, false, cols{{First: 3, Last: 3, Width: 9.14, Hidden: true}}},
		{"nothing changed", cols{wide(0, 0, 10)}, cols{wide(0, 0, 11)}, cols{wide(0, 0, 10)}, true, nil},
	} {
		was := slices.Clone(c.onto)
		o, ok := mergeLayouts("S", &grid.Layout{Columns: c.base}, &grid.Layout{Columns: c.onto}, &grid.Layout{Columns: c.from}, c.wins)
		if !slices.Equal(c.onto, was) {
			t.Errorf("%s: the columns themselves were changed", c.name)
		}
		l := &grid.Layout{Columns: c.onto}
		if ok && o.Columns != nil {
			columnsPart.apply(&o, l)
		}
		if ok != (c.want != nil) || ok && (o.Columns == nil || !slices.Equal(l.Columns, c.want) || o.View != nil) {
			t.Errorf("%s: %v %+v", c.name, ok, l.Columns)
		}
	}
}

// TestMergeViews holds who has the say where both changed how a sheet is looked at.
func TestMergeViews(t *testing.T) {
	zoom := func(percent int) *grid.Layout { return &grid.Layout{Views: grid.View{ZoomPercent: percent}} }
	for _, c := range []struct {
		base, onto, from int
		wins             bool
		want             int // 0: there is nothing to do
	}{{100, 100, 80, false, 80}, {100, 90, 80, false, 0}, {100, 90, 80, true, 80}, {100, 80, 80, true, 0}, {100, 90, 100, true, 0}} {
		o, ok := mergeLayouts("S", zoom(c.base), zoom(c.onto), zoom(c.from), c.wins)
		if ok != (c.want != 0) || ok && o.View.ZoomPercent != c.want {
			t.Errorf("%+v: %v %+v", c, ok, o.View)
		}
	}
}
