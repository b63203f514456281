package graph

import "gridflow/internal/cell"

// interval is positions along one axis, both ends included.
type interval struct{ lo, hi int32 }

func (i interval) empty() bool { return i.lo > i.hi }

func (i interval) len() int64 { return int64(i.hi) - int64(i.lo) + 1 }

func (i interval) meets(o interval) bool { return i.lo <= o.hi && o.lo <= i.hi }

func (i interval) holds(o interval) bool { return i.lo <= o.lo && o.hi <= i.hi }

func (i interval) and(o interval) interval { return interval{max(i.lo, o.lo), min(i.hi, o.hi)} }

// hull is the smallest interval that holds both.
func (i interval) hull(o interval) interval { return interval{min(i.lo, o.lo), max(i.hi, o.hi)} }

// touches reports whether i and o together are one interval.
func (i interval) touches(o interval) bool { return i.lo <= o.hi+1 && o.lo <= i.hi+1 }

// The axes of a box. What is done to rows is done to columns in the same way: hence an
// index rather than names.
const (
	rows = 0
	cols = 1
)

// box is a rectangle of cells of one sheet.
type box [2]interval

var wholeSheet = box{{0, cell.MaxRows - 1}, {0, cell.MaxCols - 1}}

func boxOf(r cell.Range) box {
	return box{{int32(r.First.Row), int32(r.Last.Row)}, {int32(r.First.Col), int32(r.Last.Col)}}
}

func boxAt(r cell.Ref) box { return boxOf(cell.Range{First: r, Last: r}) }

func (b box) Range() cell.Range {
	return cell.Range{
		First: cell.Ref{Row: int(b[rows].lo), Col: int(b[cols].lo)},
		Last:  cell.Ref{Row: int(b[rows].hi), Col: int(b[cols].hi)},
	}
}

func (b box) empty() bool { return b[rows].empty() || b[cols].empty() }

func (b box) cells() int64 { return b[rows].len() * b[cols].len() }

func (b box) meets(o box) bool { return b[rows].meets(o[rows]) && b[cols].meets(o[cols]) }

func (b box) holds(o box) bool { return b[rows].holds(o[rows]) && b[cols].holds(o[cols]) }

func (b box) and(o box) box { return box{b[rows].and(o[rows]), b[cols].and(o[cols])} }

func (b box) hull(o box) box { return box{b[rows].hull(o[rows]), b[cols].hull(o[cols])} }

// joins reports whether b and o together are one rectangle: alike along one axis and
// touching along the other.
func (b box) joins(o box) bool {
	return b[cols] == o[cols] && b[rows].touches(o[rows]) || b[rows] == o[rows] && b[cols].touches(o[cols])
}

// without calls f for the parts of b outside of o, at most four: those above and below
// are as wide as b.
func (b box) without(o box, f func(box)) {
	x := b.and(o)
	if x.empty() {
		f(b)
		return
	}
	if b[rows].lo < x[rows].lo {
		f(box{{b[rows].lo, x[rows].lo - 1}, b[cols]})
	}
	if b[cols].lo < x[cols].lo {
		f(box{x[rows], {b[cols].lo, x[cols].lo - 1}})
	}
	if x[cols].hi < b[cols].hi {
		f(box{x[rows], {x[cols].hi + 1, b[cols].hi}})
	}
	if x[rows].hi < b[rows].hi {
		f(box{{x[rows].hi + 1, b[rows].hi}, b[cols]})
	}
}

// Area is a rectangle of cells of one sheet.
type Area struct {
	Sheet int
	Range cell.Range
}
