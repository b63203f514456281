package book

import (
	"fmt"
	"reflect"
	"slices"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// The widest column, in characters, and the deepest outline that Excel takes.
const (
	MaxColumnWidth = 255
	MaxOutline     = 7
)

var columnsPart = part{
	name:  "columns",
	given: func(o *Arrange) bool { return o.Columns != nil },
	check: (*Arrange).checkColumns,
	apply: func(o *Arrange, l *grid.Layout) { l.Columns = grid.PutColumns(l.Columns, *o.Columns) },
	change: func(o *Arrange, was, is *grid.Layout) {
		if !grid.SameColumns(was, is) {
			list := grid.PutColumns(nil, is.Columns)
			o.Columns = &list
		}
	},
	merge: func(o *Arrange, base, onto, from *grid.Layout, wins bool) {
		if list := grid.PutColumns(nil, mergeColumns(base, onto, from, wins)); !slices.Equal(list, grid.PutColumns(nil, onto.Columns)) {
			o.Columns = &list
		}
	},
}

func (o *Arrange) checkColumns() *Error {
	last := -1
	for _, c := range *o.Columns {
		switch {
		case c.First <= last || c.Last < c.First || c.Last >= cell.MaxCols:
			return errorf(BadLayout, "", "columns %d to %d are none of a worksheet, or come after others that they should come before", c.First+1, c.Last+1)
		case !(c.Width >= 0 && c.Width <= MaxColumnWidth):
			return errorf(BadLayout, fmt.Sprintf("A column is 0 to %d characters wide.", MaxColumnWidth), "column %s cannot be %v wide", cell.ColumnName(c.First), c.Width)
		case c.Outline > MaxOutline:
			return errorf(BadLayout, "", "column %s is grouped %d levels deep, and %d are the most", cell.ColumnName(c.First), c.Outline, MaxOutline)
		}
		last = c.Last
	}
	return nil
}

var viewPart = part{
	name:  "view",
	given: func(o *Arrange) bool { return o.View != nil },
	check: (*Arrange).checkView,
	apply: func(o *Arrange, l *grid.Layout) { l.Views = *o.View },
	change: func(o *Arrange, was, is *grid.Layout) {
		if !reflect.DeepEqual(was.Views, is.Views) {
			o.View = &is.Views
		}
	},
	merge: func(o *Arrange, base, onto, from *grid.Layout, wins bool) {
		if (wins || reflect.DeepEqual(base.Views, onto.Views)) && !reflect.DeepEqual(from.Views, onto.Views) {
			o.View = &from.Views
		}
	},
}

func (o *Arrange) checkView() *Error {
	v := o.View
	topLeft, ok := cell.ParseRef(v.TopLeft)
	switch {
	case v.FrozenRows < 0 || v.FrozenRows >= cell.MaxRows || v.FrozenCols < 0 || v.FrozenCols >= cell.MaxCols:
		return errorf(BadLayout, "", "%d rows and %d columns cannot be frozen", v.FrozenRows, v.FrozenCols)
	case (v.FrozenRows > 0 || v.FrozenCols > 0) && (!ok || topLeft.Row < v.FrozenRows || topLeft.Col < v.FrozenCols):
		return errorf(BadLayout, "It is the first cell to be seen below and right of the frozen ones.", "%q is no cell outside of %d frozen rows and %d columns", v.TopLeft, v.FrozenRows, v.FrozenCols)
	case v.ZoomPercent != 0 && (v.ZoomPercent < 10 || v.ZoomPercent > 400):
		return errorf(BadLayout, "", "the zoom cannot be %d %%, only 10 to 400", v.ZoomPercent)
	}
	if _, ok := cell.ParseRef(v.ActiveCell); v.ActiveCell != "" && !ok {
		return errorf(BadLayout, "", "%q is no cell", v.ActiveCell)
	}
	return nil
}

// mergeColumns gives the columns of onto with what from changed of base.
func mergeColumns(base, onto, from *grid.Layout, wins bool) []grid.ColumnSpan {
	var starts []int // where a span of one of them begins, or has ended
	for _, l := range [...]*grid.Layout{base, onto, from} {
		for _, c := range l.Columns {
			starts = append(starts, c.First, c.Last+1)
		}
	}
	slices.Sort(starts)
	starts = slices.Compact(starts)
	list := onto.Columns
	for i, first := range starts[:max(0, len(starts)-1)] {
		last := starts[i+1] - 1
		was, _ := base.Column(first)
		is, _ := onto.Column(first)
		to, _ := from.Column(first)
		next := is
		if sized(was, to) && (wins || !sized(was, is)) {
			next.Width, next.Custom = to.Width, to.Custom
		}
		next.Hidden = mergedProperty(was.Hidden, is.Hidden, to.Hidden, wins)
		next.Outline = mergedProperty(was.Outline, is.Outline, to.Outline, wins)
		next.Collapsed = mergedProperty(was.Collapsed, is.Collapsed, to.Collapsed, wins)
		if next != is && next.Width == 0 {
			next.Width = to.Width // Excel takes a span without a width for one of none
		}
		if next != is {
			list = grid.EditColumns(list, first, last, func(c *grid.ColumnSpan) {
				next.First, next.Last = c.First, c.Last
				*c = next
			})
		}
	}
	return list
}

// sized tells whether the width of a column was changed. That of the usual column, which hidden and grouped
// ones have to name, is no change.
func sized(was, is grid.ColumnSpan) bool {
	return (is.Width != was.Width || is.Custom != was.Custom) && (is.Custom || was.Width != 0)
}
