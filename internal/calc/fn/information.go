package fn

import (
	"math"

	"gridflow/internal/cell"
)

var informationFunctions = concat(cellFunctions, []Function{
	{Name: "ERROR.TYPE", Category: Information, Params: "raw", Since: 2007, Eval: errorType},
	{Name: "ISBLANK", Category: Information, Params: "raw", Since: 2007, Eval: isKind(cell.Blank)},
	{Name: "ISERR", Category: Information, Params: "raw", Since: 2007, Eval: func(_ *Context, a Args) Value {
		e := a[0].Err()
		return Bool(e != 0 && e != cell.ErrNA)
	}},
	{Name: "ISERROR", Category: Information, Params: "raw", Since: 2007, Eval: isKind(cell.Error)},
	{Name: "ISEVEN", Category: Information, Params: "any", Since: 2007, Eval: parity(0)},
	{Name: "ISFORMULA", Category: Information, Params: "ref", Since: 2013, Eval: isFormula},
	{Name: "ISLOGICAL", Category: Information, Params: "raw", Since: 2007, Eval: isKind(cell.Bool)},
	{Name: "ISNA", Category: Information, Params: "raw", Since: 2007, Eval: func(_ *Context, a Args) Value {
		return Bool(a[0].Err() == cell.ErrNA)
	}},
	{Name: "ISNONTEXT", Category: Information, Params: "raw", Since: 2007, Eval: func(_ *Context, a Args) Value {
		return Bool(a[0].Scalar().Kind() != cell.Text)
	}},
	{Name: "ISNUMBER", Category: Information, Params: "raw", Since: 2007, Eval: isKind(cell.Number)},
	{Name: "ISODD", Category: Information, Params: "any", Since: 2007, Eval: parity(1)},
	{Name: "ISREF", Category: Information, Params: "open", Since: 2007, Eval: func(_ *Context, a Args) Value {
		return Bool(a[0].Ref() != nil)
	}},
	{Name: "ISTEXT", Category: Information, Params: "raw", Since: 2007, Eval: isKind(cell.Text)},
	{Name: "N", Category: Information, Params: "range", Since: 2007, Eval: func(c *Context, a Args) Value {
		return c.eachElement(a[0], func(v cell.Value) cell.Value {
			if v.Kind() == cell.Error {
				return v
			}
			return cell.NumberValue(v.Number())
		})
	}},
	{Name: "NA", Category: Information, Since: 2007, Eval: func(c *Context, _ Args) Value {
		return c.Fail(cell.ErrNA, "NA() is what the formula asks for")
	}},
	{Name: "SHEET", Category: Information, Params: "range?", Since: 2013, Eval: sheet},
	{Name: "SHEETS", Category: Information, Params: "range?", Since: 2013, Eval: sheets},
	{Name: "TYPE", Category: Information, Params: "open", Since: 2007, Eval: typeOf},
})

// isKind makes a function that tells values of one kind from others.
func isKind(k cell.Kind) func(*Context, Args) Value {
	return func(_ *Context, a Args) Value { return Bool(a[0].Scalar().Kind() == k) }
}

// parity makes a function that tells even whole numbers from odd ones. Unlike arithmetic
// it takes no logical values.
func parity(odd float64) func(*Context, Args) Value {
	return func(c *Context, a Args) Value {
		v := a[0].Scalar()
		f, e := c.ToNumber(v)
		if v.Kind() == cell.Bool || e != 0 {
			return c.Fail(cell.ErrValue, "neither a logical value nor a text is even or odd")
		}
		return Bool(math.Mod(math.Trunc(math.Abs(f)), 2) == odd)
	}
}

// errorType gives the number of an error value; the codes have it by their order.
func errorType(c *Context, a Args) Value {
	e := a[0].Err()
	if e == 0 {
		return c.Fail(cell.ErrNA, "the value is no error")
	}
	if e > cell.ErrPython {
		return c.Fail(cell.ErrNA, "the error has no number")
	}
	return Num(float64(e))
}

// forCells gives f of each cell of a reference: a single value of one cell, otherwise an
// array.
func (c *Context) forCells(r *Ref, f func(sheet int, at cell.Ref) Value) Value {
	if len(r.Areas) != 1 {
		return c.Fail(cell.ErrValue, "several areas stand where one is expected")
	}
	area := c.Clip(r.Areas[0])
	first, rows, cols := area.Range.First, area.Range.Rows(), area.Range.Cols()
	if rows == 1 && cols == 1 {
		return f(area.Sheet, first)
	}
	if !c.Room(rows, cols) {
		return c.Fail(cell.ErrNum, "the range is too large")
	}
	out := NewArray(rows, cols)
	for i := range rows {
		if c.Stop() {
			break
		}
		for j := range cols {
			out.Set(i, j, f(area.Sheet, cell.Ref{Row: first.Row + i, Col: first.Col + j}).Scalar())
		}
	}
	return Of(out)
}

func isFormula(c *Context, a Args) Value {
	return c.forCells(a[0].Ref(), func(sheet int, at cell.Ref) Value {
		_, ok := c.Book.Formula(sheet, at)
		return Bool(ok)
	})
}

// sheet gives the number of a sheet, counted from 1: the one of a reference, or the one
// that a text names, or the formula's own.
func sheet(c *Context, a Args) Value {
	if !a.Given(0) {
		return Num(float64(c.Sheet + 1))
	}
	if r := a[0].Ref(); r != nil {
		return Num(float64(r.Areas[0].Sheet + 1))
	}
	name, e := ToText(c.Single(a[0]))
	if e != 0 {
		return Err(e)
	}
	i, ok := c.Book.SheetIndex(name)
	if !ok {
		return c.Fail(cell.ErrNA, "there is no sheet of this name")
	}
	return Num(float64(i + 1))
}

func sheets(c *Context, a Args) Value {
	if !a.Given(0) {
		return Num(float64(c.Book.Sheets()))
	}
	r := a[0].Ref()
	if r == nil {
		if e := a[0].Err(); e != 0 {
			return Err(e)
		}
		return c.Fail(cell.ErrNA, "the argument is no reference")
	}
	if r.Across {
		return Num(float64(len(r.Areas)))
	}
	return Num(1)
}

// typeOf gives the number of a kind of value.
func typeOf(c *Context, a Args) Value {
	v := a[0]
	switch {
	case v.Lambda() != nil:
		return Num(128)
	case v.Array() != nil:
		return Num(64)
	case v.Ref() != nil:
		if r := v.Ref(); len(r.Areas) > 1 || !r.Areas[0].Single() {
			return Num(64)
		}
	}
	switch c.Single(v).Kind() {
	case cell.Text:
		return Num(2)
	case cell.Bool:
		return Num(4)
	case cell.Error:
		return Num(16)
	}
	return Num(1)
}
