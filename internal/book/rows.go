package book

import (
	"fmt"
	"slices"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// MaxRowHeight is the highest row that Excel takes, in points; MaxRowEdits how many rows one operation may name.
const (
	MaxRowHeight = 409.5
	MaxRowEdits  = 1 << 17
)

// rowsPart is the only part that is given as what changes and not as a whole: a sheet may have a million rows
// with heights of their own.
var rowsPart = part{
	name:  "rows",
	given: func(o *Arrange) bool { return o.Rows != nil },
	check: (*Arrange).checkRows,
	apply: func(o *Arrange, l *grid.Layout) { l.Rows = grid.PutRows(l.Rows, *o.Rows) },
	change: func(o *Arrange, was, is *grid.Layout) {
		if slices.Equal(was.Rows, is.Rows) {
			return
		}
		if list := grid.RowsBetween(was.Rows, is.Rows); len(list) > 0 {
			o.Rows = &list
		}
	},
	merge: func(o *Arrange, base, onto, from *grid.Layout, wins bool) {
		var list []grid.RowSpan
		for _, to := range grid.RowsBetween(base.Rows, from.Rows) {
			list = append(list, mergeRows(base, onto, to, wins)...)
		}
		if len(list) > 0 {
			o.Rows = &list
		}
	},
}

func (o *Arrange) checkRows() *Error {
	last, n := -1, 0
	for _, r := range *o.Rows {
		switch {
		case r.First <= last || r.Last < r.First || r.Last >= cell.MaxRows:
			return errorf(BadLayout, "", "rows %d to %d are none of a worksheet, or come after others that they should come before", r.First+1, r.Last+1)
		case !(r.Height >= 0 && r.Height <= MaxRowHeight):
			return errorf(BadLayout, fmt.Sprintf("A row is 0 to %v points high.", MaxRowHeight), "row %d cannot be %v points high", r.First+1, r.Height)
		case r.Outline > MaxOutline:
			return errorf(BadLayout, "", "row %d is grouped %d levels deep, and %d are the most", r.First+1, r.Outline, MaxOutline)
		}
		if n += r.Last - r.First + 1; n > MaxRowEdits {
			return errorf(TooMany, "Name the rows that have data.", "more than %d rows are named", MaxRowEdits)
		}
		last = r.Last
	}
	return nil
}

// mergeRows gives what rows of onto become by what they became in from: each property by itself.
func mergeRows(base, onto *grid.Layout, to grid.RowSpan, wins bool) (list []grid.RowSpan) {
	for first := to.First; first <= to.Last; {
		was, fromWas := rowAt(base.Rows, first, to.Last)
		is, fromIs := rowAt(onto.Rows, first, to.Last)
		last := min(to.Last, fromWas, fromIs)
		next := is
		if (to.Height != was.Height || to.Custom != was.Custom) && (wins || is.Height == was.Height && is.Custom == was.Custom) {
			next.Height, next.Custom = to.Height, to.Custom
		}
		next.Hidden = mergedProperty(was.Hidden, is.Hidden, to.Hidden, wins)
		next.Outline = mergedProperty(was.Outline, is.Outline, to.Outline, wins)
		next.Collapsed = mergedProperty(was.Collapsed, is.Collapsed, to.Collapsed, wins)
		if next != is {
			next.First, next.Last, next.Style, next.HasStyle = first, last, 0, false
			list = append(list, next)
		}
		first = last + 1
	}
	return list
}

// rowAt gives what a list says of a row, and the last row, up to most, of which it says the same.
func rowAt(list []grid.RowSpan, row, most int) (r grid.RowSpan, last int) {
	i, _ := slices.BinarySearchFunc(list, row, func(r grid.RowSpan, row int) int {
		switch {
		case r.Last < row:
			return -1
		case r.First > row:
			return 1
		}
		return 0
	})
	switch {
	case i == len(list):
		return r, most
	case list[i].First > row:
		return r, min(most, list[i].First-1)
	}
	return list[i], min(most, list[i].Last)
}

// hides reports whether a change of layout hides rows, or shows some, which is what SUBTOTAL and
// AGGREGATE look at.
func hides(was, is *grid.Layout) bool {
	if was == is || slices.Equal(was.Rows, is.Rows) {
		return false
	}
	for _, r := range grid.RowsBetween(was.Rows, is.Rows) {
		for row := r.First; row <= r.Last; {
			old, last := rowAt(was.Rows, row, r.Last)
			if old.Hidden != r.Hidden {
				return true
			}
			row = last + 1
		}
	}
	return false
}

// shifted gives a layout of base, or of a version of it, in which what is said of rows is said of those that they
// became in onto: heights and page breaks.
func (r *rebase) shifted(l *grid.Layout) *grid.Layout {
	if len(l.Rows) == 0 && len(l.Breaks.Rows) == 0 || slices.Equal(r.rows, inPlace) {
		return l
	}
	t := *l
	t.Rows, t.Breaks.Rows = nil, nil
	for _, s := range l.Rows {
		for row := s.First; row <= s.Last; {
			part := s
			last := r.together(row, s.Last)
			if to, ok := r.row(row); ok {
				part.First, part.Last = to, min(to+last-row, cell.MaxRows-1)
				t.Rows = append(t.Rows, part)
			}
			row = last + 1
		}
	}
	for _, n := range l.Breaks.Rows {
		if to, ok := r.row(n - 1); ok && to+1 < cell.MaxRows {
			t.Breaks.Rows = append(t.Breaks.Rows, to+1)
		}
	}
	return &t
}

// together gives the last row, up to most, that stays beside row: all that lie between move alike, or go.
func (r *rebase) together(row, most int) int {
	for _, b := range r.rows {
		switch {
		case row < b.old:
			return min(most, b.old-1)
		case row < b.old+b.n:
			return min(most, b.old+b.n-1)
		}
	}
	if used, ok := r.was.Used(); ok && row <= used.Last.Row {
		return min(most, used.Last.Row)
	}
	return most
}
