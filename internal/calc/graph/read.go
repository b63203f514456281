package graph

import (
	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/grid"
)

// Read is one region that a formula reads, seen from the cell that holds it. A corner's
// relative parts are offsets from there, as in the tree of a relative form; parts with a
// "$" are positions. The corners may be in any order. Whole columns and rows are read from
// 0 to the last, absolute.
//
// What lies off the sheet is not read. A name whose relative reference wraps around the
// edge of the sheet, as in Excel, is two Reads.
type Read struct {
	Sheet       int
	First, Last formula.Corner
	// Named says that the formula goes by where the region lies and not by what it holds, or
	// cannot be evaluated. Then nothing has to be calculated when a cell of it changes.
	Named bool
}

// ReadOf gives the read of a reference to cells, whose relative parts are offsets, on a
// sheet; ok is false for other kinds of reference.
func ReadOf(sheet int, ref formula.Reference) (r Read, ok bool) {
	r = Read{Sheet: sheet, First: ref.First, Last: ref.Last}
	switch ref.Kind {
	case formula.CellRef:
		r.Last = r.First
	case formula.AreaRef:
	case formula.ColumnsRef:
		r.First.Row, r.First.AbsRow = 0, true
		r.Last.Row, r.Last.AbsRow = cell.MaxRows-1, true
	case formula.RowsRef:
		r.First.Col, r.First.AbsCol = 0, true
		r.Last.Col, r.Last.AbsCol = cell.MaxCols-1, true
	default:
		return Read{}, false
	}
	return r, true
}

// ReadArea gives the read of a region that is the same from every cell.
func ReadArea(a Area) Read {
	corner := func(c cell.Ref) formula.Corner {
		return formula.Corner{Row: int32(c.Row), Col: int32(c.Col), AbsRow: true, AbsCol: true}
	}
	return Read{Sheet: a.Sheet, First: corner(a.Range.First), Last: corner(a.Range.Last)}
}

// Facts is what the graph has to know of a template.
type Facts struct {
	Reads    []Read
	Volatile bool // calculated anew at every calculation
	Dynamic  bool // reads what only evaluation can tell: INDIRECT, OFFSET
	Spill    bool // may give an array that spills
	Program  any  // whatever evaluates it; the graph carries it and does not look at it
}

// Formula is a formula that a Compiler is asked about. All its copies have one Relative; those of a
// NormalFormula may have other literals (formula.Literals).
type Formula struct {
	Sheet    int
	At       cell.Ref         // the cell that Text is written for
	Kind     grid.FormulaKind // NormalFormula, ArrayFormula or DynamicArray
	Text     string           // as it is stored, without "="
	Relative string           // see Template; "=" and Text where the text is no formula
}

// Compiler says what formulas read. It knows the names, the tables and the sheets of the
// workbook, which the graph does not. Facts has to be the same for all copies of a
// formula, whatever their literals are. An error means that the formula cannot be understood; it is kept, and reads
// nothing. Facts is called by several goroutines at once.
type Compiler interface {
	Facts(f Formula) (Facts, error)
}

// axisKind says how a read lies along an axis.
type axisKind uint8

const (
	fixed  axisKind = iota // a … b, from wherever
	moving                 // p+a … p+b, from p
	mixed                  // between a and p+b
)

// axis is a read along one axis. These are the patterns of TACO (fixed–fixed,
// relative–relative, and the two mixed ones), of which each is one formula of arithmetic;
// rows and columns are independent of one another.
type axis struct {
	kind axisKind
	a, b int32
}

func newAxis(a, b int32, absA, absB bool) axis {
	// What is so far off is off the sheet seen from anywhere; sums of it stay sums.
	const far = 4 * cell.MaxRows
	a, b = min(max(a, -far), far), min(max(b, -far), far)
	switch {
	case absA && absB:
		return axis{fixed, min(a, b), max(a, b)}
	case !absA && !absB:
		return axis{moving, min(a, b), max(a, b)}
	case absA:
		return axis{mixed, a, b}
	}
	return axis{mixed, b, a}
}

// image gives all that is read from the positions v. It has no gaps, for what
// neighbours read touches: it moves by at most one.
func (x axis) image(v interval) interval {
	switch x.kind {
	case fixed:
		return interval{x.a, x.b}
	case moving:
		return interval{v.lo + x.a, v.hi + x.b}
	}
	return interval{min(x.a, v.lo+x.b), max(x.a, v.hi+x.b)}
}

// inverse gives the positions among v from which some of d is read. They follow one
// another: the positions from which all that is read lies before d are those up to some
// place, and so at the other end.
func (x axis) inverse(v, d interval) interval {
	switch x.kind {
	case fixed:
		if x.a > d.hi || x.b < d.lo {
			return interval{0, -1}
		}
	case moving:
		v.lo, v.hi = max(v.lo, d.lo-x.b), min(v.hi, d.hi-x.a)
	default:
		if x.a < d.lo {
			v.lo = max(v.lo, d.lo-x.b)
		} else if x.a > d.hi {
			v.hi = min(v.hi, d.hi-x.b)
		}
	}
	return v
}

// relation is where a position reads, as seen from itself.
type relation uint8

const (
	before relation = 1 << iota
	same
	after
)

const (
	farBefore = -1 << 30
	farAfter  = 1 << 30
)

// relation gives where the positions v read among the positions u: before some position
// of v, at it, or behind it. It is exact. Each answer is whether three intervals have a
// position in common: where u is read at all, where what is read reaches to that side, and
// where u does.
func (x axis) relation(v, u interval) (r relation) {
	meets := x.inverse(v, u)
	if meets.empty() {
		return 0
	}
	all, none := interval{farBefore, farAfter}, interval{0, -1}
	var down, up, here interval // positions from which something before, behind, at them is read
	switch x.kind {
	case fixed:
		down, up, here = interval{x.a + 1, farAfter}, interval{farBefore, x.b - 1}, interval{x.a, x.b}
	case moving:
		down, up, here = none, none, none
		if x.a < 0 {
			down = all
		}
		if x.b > 0 {
			up = all
		}
		if x.a <= 0 && x.b >= 0 {
			here = all
		}
	default:
		switch {
		case x.b == 0:
			down, up, here = interval{x.a + 1, farAfter}, interval{farBefore, x.a - 1}, all
		case x.b < 0:
			down, up, here = all, interval{farBefore, x.a - 1}, interval{farBefore, x.a}
		default:
			down, up, here = interval{x.a + 1, farAfter}, all, interval{x.a, farAfter}
		}
	}
	if !meets.and(down).and(interval{u.lo + 1, farAfter}).empty() {
		r |= before
	}
	if !meets.and(up).and(interval{farBefore, u.hi - 1}).empty() {
		r |= after
	}
	if !v.and(here).and(u).empty() {
		r |= same
	}
	return r
}

// read is a Read as the graph computes with it.
type read struct {
	sheet int32
	named bool
	axes  [2]axis
}

func newRead(r Read) read {
	a, b := r.First, r.Last
	return read{int32(r.Sheet), r.Named, [2]axis{newAxis(a.Row, b.Row, a.AbsRow, b.AbsRow), newAxis(a.Col, b.Col, a.AbsCol, b.AbsCol)}}
}

// image gives all that the cells of v read; it is empty where that is off the sheet.
func (r *read) image(v box) box {
	return box{r.axes[rows].image(v[rows]), r.axes[cols].image(v[cols])}.and(wholeSheet)
}

// ImageOf gives all that cells read by r; ok is false where that is off the sheet.
func ImageOf(r Read, cells cell.Range) (area cell.Range, ok bool) {
	x := newRead(r)
	b := x.image(boxOf(cells))
	return b.Range(), !b.empty()
}

// inverse gives the cells of v that read some of d.
func (r *read) inverse(v, d box) box {
	return box{r.axes[rows].inverse(v[rows], d[rows]), r.axes[cols].inverse(v[cols], d[cols])}
}
