package fn

import (
	"gridflow/internal/cell"
)

// Fetch gives what a reference refers to, as a value: of one cell its value; of several
// an array where arrays are on, and else the one that lies beside the formula. The
// array of whole columns or rows is long.
func (c *Context) Fetch(r *Ref) Value {
	a := r.Areas[0]
	if len(r.Areas) > 1 {
		return c.Fail(cell.ErrValue, "several areas stand where a single value is expected")
	}
	if a.Single() {
		return Scalar(c.Book.Value(a.Sheet, a.Range.First))
	}
	if !c.Arrays {
		return c.Intersect(a)
	}
	m, e := c.long(a)
	if e != 0 {
		return Err(e)
	}
	return Of(m)
}

// Intersect gives the one value of an area that lies in the row or the column of the
// formula: #VALUE! if there is none.
func (c *Context) Intersect(a Area) Value {
	r := a.Range
	at := r.First
	switch {
	case r.Cols() == 1 && r.Rows() == 1:
	case r.Cols() == 1 && c.At.Row >= r.First.Row && c.At.Row <= r.Last.Row:
		at.Row = c.At.Row
	case r.Rows() == 1 && c.At.Col >= r.First.Col && c.At.Col <= r.Last.Col:
		at.Col = c.At.Col
	default:
		return c.Fail(cell.ErrValue, "a range stands where a single value is expected, and no cell of it lies beside the formula")
	}
	return Scalar(c.Book.Value(a.Sheet, at))
}

// Matrix gives v as an array: a single value as one of one element, a range by its
// values, blanks included. Of whole columns and rows it takes the part that is used. The code
// is #NUM! for a range too large, #VALUE! for several areas or a function.
func (c *Context) Matrix(v Value) (*Array, cell.ErrorCode) {
	switch x := v.more.(type) {
	case *Array:
		return x, 0
	case nil, omitted:
		return &Array{Rows: 1, Cols: 1, Cells: []cell.Value{v.scalar}}, 0
	case *Ref:
		if len(x.Areas) != 1 {
			return nil, cell.ErrValue
		}
		return c.read(c.Clip(x.Areas[0]))
	}
	return nil, cell.ErrValue
}

// read gives the values of an area, blanks included. The code is #NUM! if it is too large.
func (c *Context) read(area Area) (*Array, cell.ErrorCode) {
	rows, cols := area.Range.Rows(), area.Range.Cols()
	if !c.Room(rows, cols) {
		return nil, cell.ErrNum
	}
	out := NewArray(rows, cols)
	first := area.Range.First
	c.Book.Runs(area, func(r *Run) bool {
		for i := range r.Kinds {
			out.Cells[(r.Row+i-first.Row)*cols+r.Col-first.Col] = r.At(i)
		}
		return !c.Stop()
	})
	return out, 0
}

// Clip cuts whole columns and whole rows to what the sheet uses, at least one cell. Other
// areas stay as they are.
func (c *Context) Clip(a Area) Area {
	columns, rows := a.Range.WholeColumns(), a.Range.WholeRows()
	if !columns && !rows {
		return a
	}
	used, ok := c.Book.Used(a.Sheet)
	if !ok {
		a.Range.Last = a.Range.First
		return a
	}
	if columns {
		a.Range.Last.Row = used.Last.Row
	}
	if rows {
		a.Range.Last.Col = max(used.Last.Col, a.Range.First.Col)
	}
	return a
}

// Size gives the rows and columns of v without reading it: 1 × 1 of a single value.
func Size(v Value) (rows, cols int) {
	switch x := v.more.(type) {
	case *Array:
		return x.Height(), x.Width()
	case *Ref:
		return x.Areas[0].Range.Rows(), x.Areas[0].Range.Cols()
	}
	return 1, 1
}

// Each calls f for every value that is stored in v, until it says no more: single values
// as they are, of arrays all elements, of ranges the cells that are not blank. whole says
// that the value stands in an array or a range, where texts and logical values mostly do not
// count.
func (c *Context) Each(v Value, f func(x cell.Value, whole bool) bool) {
	switch x := v.more.(type) {
	case *Array:
		for i, e := range x.Cells {
			if !f(e, true) || c.StopAt(i) {
				return
			}
		}
	case *Ref:
		goOn := true
		for _, a := range x.Areas {
			c.Book.Runs(a, func(r *Run) bool {
				for i, k := range r.Kinds {
					if k != cell.Blank && !f(r.At(i), true) {
						goOn = false
						break
					}
				}
				return goOn && !c.Stop()
			})
			if !goOn {
				return
			}
		}
	case nil, omitted:
		f(v.scalar, false)
	}
}

// Numbers calls f for the numbers in args as SUM takes them: the numbers of arrays and
// ranges, where everything else is passed over, and single values coerced. The code is that
// of the first error, or #VALUE! for a single text that is no number.
func (c *Context) Numbers(args []Value, f func(float64)) cell.ErrorCode {
	for _, v := range args {
		if e := c.numbers(v, f); e != 0 {
			return e
		}
	}
	return 0
}

func (c *Context) numbers(v Value, f func(float64)) (code cell.ErrorCode) {
	switch x := v.more.(type) {
	case *Array:
		for i := range x.Cells {
			if c.StopAt(i) {
				return 0
			}
			switch x.Cells[i].Kind() {
			case cell.Number:
				f(x.Cells[i].Number())
			case cell.Error:
				return x.Cells[i].Err()
			}
		}
	case *Ref:
		for _, a := range x.Areas {
			if rows, cols, ok := c.smallBlock(a); ok {
				code = c.numbersByRow(a, rows, cols, f)
			} else {
				c.Book.Runs(a, func(r *Run) bool {
					for i, k := range r.Kinds {
						switch k {
						case cell.Number:
							f(r.Nums[i])
						case cell.Error:
							code = cell.ErrorCode(r.Nums[i])
							return false
						}
					}
					return !c.Stop()
				})
			}
			if code != 0 {
				return code
			}
		}
	case *Lambda:
		return cell.ErrCalc
	default:
		n, e := c.ToNumber(v.scalar)
		if e != 0 {
			return e
		}
		f(n)
	}
	return 0
}

// BlockMax is how many cells an area of several columns has at most for its numbers to be read row by row.
const BlockMax = 1 << 13

// smallBlock reports whether an area has several columns with values and few cells, and gives
// the size of the part outside of which it holds nothing.
func (c *Context) smallBlock(a Area) (rows, cols int, ok bool) {
	if a.Range.First.Col == a.Range.Last.Col {
		return 0, 0, false
	}
	rows, cols = c.extent(To(Cells(a)))
	return rows, cols, cols > 1 && rows > 1 && rows*cols <= BlockMax
}

// numbersByRow calls f for the numbers of an area row by row, the order in which Excel adds: it
// shows in the last digits, and where large numbers cancel in all of them. The code is that of
// the first error, in the same order.
func (c *Context) numbersByRow(a Area, rows, cols int, f func(float64)) cell.ErrorCode {
	first := a.Range.First
	a.Range.Last = cell.Ref{Row: first.Row + rows - 1, Col: first.Col + cols - 1}
	nums, kinds := make([]float64, rows*cols), make([]cell.Kind, rows*cols)
	c.Book.Runs(a, func(r *Run) bool {
		at := (r.Row-first.Row)*cols + r.Col - first.Col
		for i, k := range r.Kinds {
			if k == cell.Number || k == cell.Error {
				nums[at], kinds[at] = r.Nums[i], k
			}
			at += cols
		}
		return true
	})
	for i, k := range kinds {
		switch k {
		case cell.Number:
			f(nums[i])
		case cell.Error:
			return cell.ErrorCode(nums[i])
		}
	}
	return 0
}
