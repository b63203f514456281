package fn

import (
	"gridflow/internal/cell"
)

// The functions that call functions.
var lambdaFunctions = []Function{
	{Name: "BYCOL", Category: Logical, Params: "array fn", Since: 2024, Eval: func(c *Context, a Args) Value { return c.byLine(a, false) }},
	{Name: "BYROW", Category: Logical, Params: "array fn", Since: 2024, Eval: func(c *Context, a Args) Value { return c.byLine(a, true) }},
	{Name: "MAKEARRAY", Category: Logical, Params: "num num fn", Since: 2024, Eval: makeArray},
	{Name: "MAP", Category: Logical, Params: "array open...", Since: 2024, Errors: true, Eval: mapArrays},
	{Name: "REDUCE", Category: Logical, Params: "array array fn", Since: 2024, Errors: true, Eval: func(c *Context, a Args) Value { return c.foldArray(a, false) }},
	{Name: "SCAN", Category: Logical, Params: "array array fn", Since: 2024, Errors: true, Eval: func(c *Context, a Args) Value { return c.foldArray(a, true) }},
}

// takes checks that a function was given and can be called with n arguments.
func (c *Context) takes(v Value, n int) (*Lambda, cell.ErrorCode) {
	l := v.Lambda()
	if l == nil || c.Invoke == nil || n > l.Params || n < l.Params-l.Optional {
		return nil, cell.ErrValue
	}
	return l, 0
}

const wrongFunction = "the function to call is missing or takes another number of arguments"

// element gives a result as an element of an array: one that is an array of several, or a
// function, is #CALC!, as arrays do not hold arrays.
func (c *Context) element(v Value) cell.Value {
	switch {
	case v.Lambda() != nil:
		return cell.ErrorValue(cell.ErrCalc)
	case v.Array() != nil && (len(v.Array().Cells) > 1 || v.Array().Long()):
		return c.Fail(cell.ErrCalc, "the function gives an array where one value is expected").Scalar()
	case v.Ref() != nil:
		if r := v.Ref(); len(r.Areas) > 1 || !r.Areas[0].Single() {
			return c.Fail(cell.ErrCalc, "the function gives a range where one value is expected").Scalar()
		}
	}
	x := c.Single(v)
	if !c.Keeps(x) {
		return c.Fail(cell.ErrNum, tooMuchText).Scalar()
	}
	return x
}

// sizeToRead gives the size of v if c can go through it, with whole columns and rows cut
// to what is used.
func (c *Context) sizeToRead(v Value) (whole Value, rows, cols int, code cell.ErrorCode) {
	if e := v.Err(); e != 0 {
		return v, 0, 0, e
	}
	if r := v.Ref(); r != nil {
		if len(r.Areas) > 1 {
			return v, 0, 0, cell.ErrValue
		}
		v = To(Cells(c.Clip(r.Areas[0])))
	}
	rows, cols = Size(v)
	if !c.Room(rows, cols) {
		return v, 0, 0, cell.ErrNum
	}
	return v, rows, cols, 0
}

// byLine calls a function with each row or column, of a range as a reference.
func (c *Context) byLine(a Args, byRow bool) Value {
	l, e := c.takes(a[1], 1)
	if e != 0 {
		return c.Fail(e, wrongFunction)
	}
	v, rows, cols, e := c.sizeToRead(a[0])
	if e != 0 {
		return Err(e)
	}
	out := NewArray(rows, 1)
	if !byRow {
		out = NewArray(1, cols)
	}
	for i := range out.Cells {
		if c.Stop() {
			break
		}
		var line Value
		if byRow {
			line = c.cut(v, i, 0, 1, cols)
		} else {
			line = c.cut(v, 0, i, rows, 1)
		}
		out.Cells[i] = c.element(c.Invoke(c, l, []Value{line}))
	}
	return Of(out)
}

func makeArray(c *Context, a Args) Value {
	l, e := c.takes(a[2], 2)
	if e != 0 {
		return c.Fail(e, wrongFunction)
	}
	rows, cols := count(a[0].Number()), count(a[1].Number())
	if rows < 1 || cols < 1 {
		return c.Fail(cell.ErrValue, "an array has at least one row and one column")
	}
	if !c.Room(rows, cols) {
		return c.Fail(cell.ErrNum, "the array would be too large")
	}
	out := NewArray(rows, cols)
	for i := range rows {
		for j := range cols {
			if c.Stop() {
				return Of(out)
			}
			out.Set(i, j, c.element(c.Invoke(c, l, []Value{Num(float64(i + 1)), Num(float64(j + 1))})))
		}
	}
	return Of(out)
}

// mapArrays calls a function with the elements of arrays that stand in the same place.
// Unlike arithmetic it repeats no single rows, columns or values: what an array lacks is #N/A.
func mapArrays(c *Context, a Args) Value {
	n := len(a) - 1
	l, e := c.takes(a[n], n)
	if e != 0 {
		return c.Fail(e, wrongFunction)
	}
	arrays := make([]Value, n)
	sizes := make([][2]int, n)
	rows, cols := 0, 0
	for i := range n {
		if a[i].Lambda() != nil {
			return c.Fail(cell.ErrValue, "only the last argument is a function")
		}
		v, r, k, e := c.sizeToRead(a[i])
		if e != 0 {
			return Err(e)
		}
		arrays[i], sizes[i] = v, [2]int{r, k}
		rows, cols = max(rows, r), max(cols, k)
	}
	out := NewArray(rows, cols)
	for i := range rows {
	next:
		for j := range cols {
			if c.Stop() {
				return Of(out)
			}
			args := make([]Value, n)
			for k, v := range arrays {
				if i >= sizes[k][0] || j >= sizes[k][1] {
					out.Set(i, j, cell.ErrorValue(cell.ErrNA))
					continue next
				}
				args[k] = c.part(v, i, j, 1, 1)
			}
			out.Set(i, j, c.element(c.Invoke(c, l, args)))
		}
	}
	return Of(out)
}

// foldArray calls a function with what came of the elements before and with each
// element; the last result is that of REDUCE, all of them are that of SCAN. Without a value
// to begin with the first element is it.
func (c *Context) foldArray(a Args, scan bool) Value {
	l, e := c.takes(a[2], 2)
	if e != 0 {
		return c.Fail(e, wrongFunction)
	}
	v, rows, cols, e := c.sizeToRead(a[1])
	if e != 0 {
		return Err(e)
	}
	acc, begun := a[0], !a[0].IsOmitted()
	var out *Array
	if scan {
		out = NewArray(rows, cols)
		if begun {
			acc = Scalar(c.element(acc))
		}
	}
	for i := range rows {
		for j := range cols {
			if c.Stop() {
				return Err(cell.ErrCalc)
			}
			x := c.part(v, i, j, 1, 1)
			if begun {
				acc = c.Invoke(c, l, []Value{acc, x})
			} else {
				acc, begun = x, true
			}
			acc = acc.orBlank()
			if scan {
				acc = Scalar(c.element(acc))
				out.Set(i, j, acc.Scalar())
			}
		}
	}
	if scan {
		return Of(out)
	}
	return acc
}
