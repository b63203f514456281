package fn

import (
	"cmp"

	"gridflow/internal/cell"
)

// vector is a row or a column in which a lookup looks: of cells or of an array.
type vector struct {
	c     *Context
	n     int
	held  int    // of an array: how many elements there are, the last of which stands for the rest
	cells *Array // of an array: every step-th element from base on
	base  int
	step  int
	area  Area // of a range: one row or one column
	down  bool // it is a column
}

// lineOf gives row or column i of v.
func (c *Context) lineOf(v Value, column bool, i int) vector {
	if r := v.Ref(); r != nil {
		a := r.Areas[0]
		if column {
			a.Range.First.Col += i
			a.Range.Last.Col = a.Range.First.Col
			return vector{c: c, n: a.Range.Rows(), area: a, down: true}
		}
		a.Range.First.Row += i
		a.Range.Last.Row = a.Range.First.Row
		return vector{c: c, n: a.Range.Cols(), area: a}
	}
	m := v.Array()
	if m == nil {
		m = &Array{Rows: 1, Cols: 1, Cells: []cell.Value{v.scalar}}
	}
	if column {
		return vector{c: c, n: m.Height(), held: m.Rows, cells: m, base: min(i, m.Cols-1), step: m.Cols, down: true}
	}
	return vector{c: c, n: m.Width(), held: m.Cols, cells: m, base: min(i, m.Rows-1) * m.Cols, step: 1}
}

// vectorOf gives v as one row or one column; ok is false for anything with more of both.
func (c *Context) vectorOf(v Value) (x vector, ok bool) {
	rows, cols := Size(v)
	if r := v.Ref(); rows > 1 && cols > 1 || r != nil && len(r.Areas) > 1 {
		return vector{}, false
	}
	return c.lineOf(v, cols == 1, 0), true
}

// at gives element i.
func (v *vector) at(i int) cell.Value {
	if v.cells != nil {
		return v.cells.Cells[v.base+min(i, v.held-1)*v.step]
	}
	return v.c.Book.Value(v.area.Sheet, v.place(i))
}

// place gives the cell of element i of a vector over a range.
func (v *vector) place(i int) cell.Ref {
	at := v.area.Range.First
	if v.down {
		at.Row += i
	} else {
		at.Col += i
	}
	return at
}

// placeIn gives which element of the vector the k-th of a run is.
func (v *vector) placeIn(r *Run, k int) int {
	if v.down {
		return r.Row + k - v.area.Range.First.Row
	}
	return r.Col - v.area.Range.First.Col
}

// from calls f for the elements from i on that are not blank, until it says no more.
func (v *vector) from(i int, f func(i int, x cell.Value) bool) {
	if v.cells != nil {
		for ; i < v.n; i++ {
			x := v.at(i)
			if x.IsBlank() && i >= v.held-1 {
				return
			}
			if !x.IsBlank() && !f(i, x) || v.c.StopAt(i) {
				return
			}
		}
		return
	}
	if i >= v.n {
		return
	}
	a := v.area
	a.Range.First = v.place(i)
	v.c.Book.Runs(a, func(r *Run) bool {
		for k, kind := range r.Kinds {
			if kind == cell.Blank {
				continue
			}
			if !f(v.placeIn(r, k), r.At(k)) {
				return false
			}
		}
		return !v.c.Stop()
	})
}

// numbers is from for the elements that are numbers and equal x, which needs no values
// to be made.
func (v *vector) numbers(x float64, f func(i int) bool) {
	if v.cells != nil {
		v.equal(func(e *cell.Value) bool { return e.Kind() == cell.Number && e.Number() == x }, f)
		return
	}
	v.c.Book.Runs(v.area, func(r *Run) bool {
		for k, kind := range r.Kinds {
			if kind == cell.Number && r.Nums[k] == x {
				if !f(v.placeIn(r, k)) {
					return false
				}
			}
		}
		return !v.c.Stop()
	})
}

// texts is numbers for texts that equal x without regard to case.
func (v *vector) texts(x string, f func(i int) bool) {
	if v.cells != nil {
		v.equal(func(e *cell.Value) bool { return e.Kind() == cell.Text && EqualText(e.Text(), x) }, f)
		return
	}
	v.c.Book.Runs(v.area, func(r *Run) bool {
		if r.Texts == nil {
			return !v.c.Stop()
		}
		for k, kind := range r.Kinds {
			if kind == cell.Text && EqualText(r.Texts[k], x) {
				if !f(v.placeIn(r, k)) {
					return false
				}
			}
		}
		return !v.c.Stop()
	})
}

// equal calls f for the elements of an array for which is holds, until it says no more.
func (v *vector) equal(is func(*cell.Value) bool, f func(i int) bool) {
	last := false
	for i := range v.held {
		if last = is(&v.cells.Cells[v.base+i*v.step]); last && !f(i) || v.c.StopAt(i) {
			return
		}
	}
	for i := v.held; last && i < v.n; i++ {
		if !f(i) || v.c.StopAt(i) {
			return
		}
	}
}

// exact gives the first or the last place where x stands: of the same kind, texts without
// regard to case, numbers to the last bit. It is -1 if there is none.
func (v *vector) exact(x cell.Value, last bool) int {
	if v.cells == nil && v.down && v.c.Index != nil {
		if found, ok := v.c.Index.Exact(v.area, x, last); ok {
			return found
		}
	}
	found := -1
	keep := func(i int) bool { found = i; return last }
	switch x.Kind() {
	case cell.Number:
		v.numbers(x.Number(), keep)
	case cell.Text:
		v.texts(x.Text(), keep)
	default:
		v.from(0, func(i int, e cell.Value) bool { return e != x || keep(i) })
	}
	return found
}

// blank gives the first or the last place that is empty, or -1.
func (v *vector) blank(last bool) int {
	full := make([]bool, v.n)
	v.from(0, func(i int, _ cell.Value) bool { full[i] = true; return true })
	found := -1
	for i, f := range full {
		if !f {
			if found = i; !last {
				break
			}
		}
	}
	return found
}

// wild gives the first or the last place of a text for which match is true, or -1.
func (v *vector) wild(match func(string) bool, last bool) int {
	found := -1
	v.from(0, func(i int, e cell.Value) bool {
		if e.Kind() == cell.Text && match(e.Text()) {
			found = i
			return last
		}
		return true
	})
	return found
}

// nearest gives the place of x, or else that of the largest value below it (or with above
// of the smallest value over it), whatever the order; of equal ones the first or the last.
// Values of other kinds are below or over it as they are in a sort.
func (v *vector) nearest(x cell.Value, above, last bool) int {
	found := -1
	var best cell.Value
	v.from(0, func(i int, e cell.Value) bool {
		d := compareAny(e, x)
		if e.Kind() == cell.Error || d != 0 && (d > 0) != above {
			return true
		}
		better := found < 0
		if !better {
			k := compareAny(e, best)
			better = k == 0 && last || k != 0 && (k > 0) != above
		}
		if better {
			found, best = i, e
		}
		return true
	})
	return found
}

// lowerBound searches a sorted vector, in which values of all kinds may stand, and gives
// the first place that is not before x; in a descending one, seen from its end, the last.
// Blanks lie behind everything. The place is n, or -1 of a descending one, where there is none.
func (v *vector) lowerBound(x cell.Value, descending bool) int {
	low, high := -1, v.n
	for high-low > 1 && !v.c.Stop() {
		middle := low + (high-low)/2
		e := v.at(middle)
		d := compareAny(e, x)
		if descending && e.IsBlank() {
			d = -1
		}
		if d < 0 != descending {
			low = middle
		} else {
			high = middle
		}
	}
	if descending {
		return low
	}
	return high
}

// compareAny orders values of any kind: numbers to the last bit.
func compareAny(a, b cell.Value) int {
	if d := cmp.Compare(rank(a.Kind()), rank(b.Kind())); d != 0 {
		return d
	}
	return compareExact(a, b)
}

// compareExact orders two values of one kind, numbers to the last bit, as lookups do.
func compareExact(a, b cell.Value) int {
	if a.Kind() == cell.Text {
		return CompareText(a.Text(), b.Text())
	}
	switch x, y := a.Number(), b.Number(); {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

// bisect searches a vector in ascending order for x and gives the place of the last value
// that is not larger, or -1.
//
// In a vector that is not sorted the result is what Excel's way of halving happens upon:
// where the middle is of another kind than x (a blank, an error) it steps towards the end
// to the first that is of the same; where there is none it goes on in the half before. So
// looking for a number beyond all others finds the last number, whatever stands between.
func (v *vector) bisect(x cell.Value) int {
	low, high := -1, v.n // what is at low is not larger than x, what is at high is
	for high-low > 1 && !v.c.Stop() {
		middle := low + (high-low)/2
		place, e := middle, v.at(middle)
		if e.Kind() != x.Kind() {
			place = high
			v.from(middle+1, func(i int, y cell.Value) bool {
				if i < high && y.Kind() == x.Kind() {
					place, e = i, y
				}
				return i < high && place == high
			})
			if place == high {
				high = middle
				continue
			}
		}
		switch d := compareExact(e, x); {
		case d == 0:
			return v.endOfEqual(place, high, x)
		case d < 0:
			low = place
		case place == high-1:
			high = middle
		default:
			high = place
		}
	}
	return low
}

// endOfEqual gives the last of the neighbours of the element at i that equal x, too.
func (v *vector) endOfEqual(i, high int, x cell.Value) int {
	v.from(i+1, func(k int, e cell.Value) bool {
		if k != i+1 || k >= high || e.Kind() != x.Kind() || compareExact(e, x) != 0 {
			return false
		}
		i = k
		return true
	})
	return i
}
