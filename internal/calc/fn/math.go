package fn

import (
	"math"
)

var mathFunctions = []Function{
	{Name: "ABS", Category: Math, Params: "num", Since: 2007, Eval: of1(math.Abs)},
	{Name: "SQRT", Category: Math, Params: "num", Since: 2007, Eval: of1(math.Sqrt)},
	{Name: "SUM", Category: Math, Params: "range...", Since: 2007, Eval: sum},
}

// of1 makes a function of one number; a result that is none is #NUM!.
func of1(f func(float64) float64) func(*Context, Args) Value {
	return func(_ *Context, a Args) Value { return Num(f(a[0].Number())) }
}

// of2 makes a function of two numbers.
func of2(f func(x, y float64) float64) func(*Context, Args) Value {
	return func(_ *Context, a Args) Value { return Num(f(a[0].Number(), a[1].Number())) }
}

// sum adds numbers up.
func sum(c *Context, a Args) Value {
	total := 0.0
	if e := c.Numbers(a, func(x float64) { total += x }); e != 0 {
		return Err(e)
	}
	return Num(total)
}
