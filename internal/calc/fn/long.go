package fn

import (
	"strings"

	"gridflow/internal/cell"
)

// beyond says what a function makes of what an [Array] has beyond its elements.
type beyond uint8

const (
	beyondAll     beyond = iota // it needs every row and column: the array is made whole
	beyondKnown                 // it knows itself of Below and Right
	beyondOnce                  // one row and one column like them are as good as all
	beyondNumbers               // only numbers and errors count
	beyondSum                   // only errors and numbers other than 0 count
	beyondText                  // only errors and texts that are not empty count
)

// beyondOf has the functions that need not be given the rows and columns beyond a long array's elements.
var beyondOf = func() map[string]beyond {
	m := map[string]beyond{}
	for as, names := range map[beyond]string{
		beyondKnown: "COLUMNS FILTER HLOOKUP INDEX LOOKUP MATCH ROWS SUMPRODUCT VLOOKUP XLOOKUP XMATCH",
		beyondOnce:  "AND MAX MAXA MIN MINA OR",
		beyondNumbers: `AVEDEV AVERAGE COUNT DEVSQ FREQUENCY GEOMEAN HARMEAN KURT LARGE MEDIAN MODE MODE.MULT MODE.SNGL PERCENTILE
			PERCENTILE.EXC PERCENTILE.INC PRODUCT QUARTILE QUARTILE.EXC QUARTILE.INC SKEW SKEW.P SMALL STDEV STDEV.P STDEV.S STDEVP
			TRIMMEAN VAR VAR.P VAR.S VARP`,
		beyondSum:  "SUM SUMSQ",
		beyondText: "CONCAT",
	} {
		for name := range strings.FieldsSeq(names) {
			m[name] = as
		}
	}
	return m
}()

// short brings argument i, a long array, to what f takes. The code is #NUM! where the whole of it is too large.
func (c *Context) short(f *Function, args []Value, i int) cell.ErrorCode {
	a := args[i].Array()
	as := f.beyond
	single := func(k int) bool { // whether argument k is left out or is a single value that is FALSE or 0
		return k >= len(args) || args[k].IsScalar() && args[k].Scalar().Number() == 0 && args[k].Err() == 0
	}
	switch {
	case f.Name == "TEXTJOIN" && i > 1 && args[1].IsScalar() && !single(1):
		as = beyondText // empty texts are passed over
	case f.Name == "UNIQUE" && a.Right == 0 && single(1) && single(2):
		as = beyondOnce
	}
	once := as == beyondOnce || as >= beyondNumbers && !a.beyondAny(func(v cell.Value) bool {
		switch v.Kind() {
		case cell.Number:
			return as == beyondNumbers || as == beyondText || v.Number() != 0
		case cell.Text:
			return as == beyondText && v.Text() != ""
		case cell.Bool:
			return as == beyondText
		}
		return false
	})
	switch {
	case as == beyondKnown:
	case once: // an error is as good as many
		args[i] = Of(&Array{Rows: a.Rows, Cols: a.Cols, Cells: a.Cells})
	default:
		whole, e := c.whole(a)
		if e != 0 {
			return e
		}
		args[i] = Of(whole)
	}
	return 0
}

// beyondAny reports whether f holds for an element that others beyond are like.
func (a *Array) beyondAny(f func(cell.Value) bool) bool {
	for row := range a.Rows {
		for col := range a.Cols {
			if (row == a.Rows-1 && a.Below > 0 || col == a.Cols-1 && a.Right > 0) && f(a.At(row, col)) {
				return true
			}
		}
	}
	return false
}

// whole makes an array with all its rows and columns.
func (c *Context) whole(a *Array) (*Array, cell.ErrorCode) {
	if !a.Long() {
		return a, 0
	}
	if !c.Room(a.Height(), a.Width()) {
		return nil, cell.ErrNum
	}
	out := NewArray(a.Height(), a.Width())
	copying := pace{c: c}
	for row := range out.Rows {
		if copying.stop(out.Cols) {
			break
		}
		for col := range out.Cols {
			out.Set(row, col, a.Stretch(row, col))
		}
	}
	return out, 0
}

// Joined makes an array of blanks for what comes of the elements that others have in the same places, single rows,
// columns and elements repeated. It is nil where that is too large.
func (c *Context) Joined(arrays ...*Array) *Array {
	rows, below := joined(arrays, func(a *Array) (int, int) { return a.Rows, a.Below })
	cols, right := joined(arrays, func(a *Array) (int, int) { return a.Cols, a.Right })
	if !c.Room(rows, cols) {
		return nil
	}
	out := NewArray(rows, cols)
	out.Below, out.Right = below, right
	return out
}

// joined gives how many rows (or columns) differ where arrays are laid over each other, and how many more like the last
// there are.
func joined(arrays []*Array, side func(*Array) (n, more int)) (n, more int) {
	total, long := 0, false
	for _, a := range arrays {
		k, beyond := side(a)
		total, long = max(total, k+beyond), long || beyond > 0
	}
	if !long {
		return total, 0
	}
	for _, a := range arrays {
		k, beyond := side(a)
		if beyond == 0 && k > 1 && k < total {
			k++ // from there on it is #N/A
		}
		n = max(n, k)
	}
	return n, total - n
}

// long gives what whole columns or rows hold: up to the first row or column that is not used, and how many more like that
// there are.
func (c *Context) long(a Area) (*Array, cell.ErrorCode) {
	part := c.Clip(a)
	below, right := a.Range.Last.Row-part.Range.Last.Row, a.Range.Last.Col-part.Range.Last.Col
	if _, used := c.Book.Used(a.Sheet); used { // else the part is empty itself
		if below > 0 {
			part.Range.Last.Row, below = part.Range.Last.Row+1, below-1
		}
		if right > 0 {
			part.Range.Last.Col, right = part.Range.Last.Col+1, right-1
		}
	}
	m, e := c.read(part)
	if m != nil {
		m.Below, m.Right = below, right
	}
	return m, e
}

// Head is a without what lies beyond the part of the sheet that is used.
func (a *Array) Head() *Array {
	rows, cols := a.Rows, a.Cols
	if a.Below > 0 && rows > 1 {
		rows--
	}
	if a.Right > 0 && cols > 1 {
		cols--
	}
	out := NewArray(rows, cols)
	for row := range rows {
		copy(out.Cells[row*cols:(row+1)*cols], a.Cells[row*a.Cols:])
	}
	return out
}

// Fits reports whether all of an array has room on the sheet from a cell on.
func (a *Array) Fits(at cell.Ref) bool {
	return at.Row+a.Height() <= cell.MaxRows && at.Col+a.Width() <= cell.MaxCols
}
