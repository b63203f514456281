package fn

import (
	"math"

	"gridflow/internal/cell"
)

var randomFunctions = []Function{
	{Name: "RAND", Category: Math, Since: 2007, Volatile: true, Eval: func(c *Context, _ Args) Value { return Num(c.Rand.Float64()) }},
	{Name: "RANDARRAY", Category: Math, Params: "opt? opt? opt? opt? bool?", Since: 2021, Volatile: true, Eval: randArray},
	{Name: "RANDBETWEEN", Category: Math, Params: "real real", Since: 2007, Volatile: true, Eval: func(c *Context, a Args) Value {
		lo, hi := math.Ceil(a[0].Number()), math.Floor(a[1].Number())
		if a[0].Number() > a[1].Number() {
			return c.Fail(cell.ErrNum, "the lower bound lies above the upper one")
		}
		return Num(c.between(lo, math.Max(lo, hi)))
	}},
	{Name: "SEQUENCE", Category: Math, Params: "opt opt? opt? opt?", Since: 2021, Eval: sequence},
}

// between gives a random whole number from lo to hi, both included.
func (c *Context) between(lo, hi float64) float64 {
	return math.Min(hi, lo+math.Floor(c.Rand.Float64()*(hi-lo+1)))
}

// optional gives number i, or def where it was not given or left empty.
func (a Args) optional(i int, def float64) float64 {
	if !a.Given(i) {
		return def
	}
	return a[i].Number()
}

// sizeOf reads the numbers of rows and columns of an array that a formula asks for.
func (c *Context) sizeOf(a Args) (rows, cols int, failed Value, ok bool) {
	r, k := math.Trunc(a.optional(0, 1)), math.Trunc(a.optional(1, 1))
	switch {
	case r < 0 || k < 0:
		return 0, 0, c.Fail(cell.ErrValue, "an array has one row and one column or more"), false
	case r == 0 || k == 0:
		return 0, 0, c.Fail(cell.ErrCalc, "an array without rows or columns is none"), false
	case r > cell.MaxRows || k > cell.MaxCols || !c.Room(int(r), int(k)):
		return 0, 0, c.Fail(cell.ErrValue, "the array is too large"), false
	}
	return int(r), int(k), Value{}, true
}

// sequence fills an array row by row with numbers of equal steps.
func sequence(c *Context, a Args) Value {
	rows, cols, failed, ok := c.sizeOf(a)
	if !ok {
		return failed
	}
	start, step := a.optional(2, 1), a.optional(3, 1)
	out := NewArray(rows, cols)
	for i := range out.Cells {
		out.Cells[i] = Num(start + float64(i)*step).Scalar()
	}
	return Of(out)
}

// randArray fills an array with random numbers.
func randArray(c *Context, a Args) Value {
	rows, cols, failed, ok := c.sizeOf(a)
	if !ok {
		return failed
	}
	lo, hi, whole := a.optional(2, 0), a.optional(3, 1), a.Truth(4, false)
	switch {
	case lo > hi:
		return c.Fail(cell.ErrValue, "the lower bound lies above the upper one")
	case whole && (lo != math.Trunc(lo) || hi != math.Trunc(hi)):
		return c.Fail(cell.ErrValue, "whole numbers lie between whole bounds")
	}
	out := NewArray(rows, cols)
	for i := range out.Cells {
		x := lo + c.Rand.Float64()*(hi-lo)
		if whole {
			x = c.between(lo, hi)
		}
		out.Cells[i] = Num(x).Scalar()
	}
	return Of(out)
}
