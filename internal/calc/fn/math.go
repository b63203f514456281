package fn

import (
	"math"

	"gridflow/internal/calc/special"
	"gridflow/internal/cell"
)

var mathFunctions = []Function{
	{Name: "ABS", Category: Math, Params: "num", Since: 2007, Eval: of1(math.Abs), One: math.Abs},
	{Name: "ACOS", Category: Math, Params: "num", Since: 2007, Eval: of1(math.Acos)},
	{Name: "ACOSH", Category: Math, Params: "num", Since: 2007, Eval: of1(math.Acosh)},
	{Name: "ACOT", Category: Math, Params: "num", Since: 2013, Eval: of1(func(x float64) float64 { return math.Pi/2 - math.Atan(x) })},
	{Name: "ACOTH", Category: Math, Params: "num", Since: 2013, Eval: of1(func(x float64) float64 {
		if math.Abs(x) <= 1 {
			return math.NaN()
		}
		return math.Atanh(1 / x)
	})},
	{Name: "ASIN", Category: Math, Params: "num", Since: 2007, Eval: of1(math.Asin)},
	{Name: "ASINH", Category: Math, Params: "num", Since: 2007, Eval: of1(math.Asinh)},
	{Name: "ATAN", Category: Math, Params: "num", Since: 2007, Eval: of1(math.Atan)},
	{Name: "ATAN2", Category: Math, Params: "num num", Since: 2007, Eval: func(c *Context, a Args) Value {
		x, y := a[0].Number(), a[1].Number()
		if x == 0 && y == 0 {
			return c.Fail(cell.ErrDiv0, "the origin has no angle")
		}
		return Num(math.Atan2(y, x))
	}},
	{Name: "ATANH", Category: Math, Params: "num", Since: 2007, Eval: of1(math.Atanh)},
	{Name: "COS", Category: Math, Params: "num", Since: 2007, Eval: angle(cos)},
	{Name: "COSH", Category: Math, Params: "num", Since: 2007, Eval: of1(math.Cosh)},
	{Name: "COT", Category: Math, Params: "num", Since: 2013, Eval: angle(inverse(tan))},
	{Name: "COTH", Category: Math, Params: "num", Since: 2013, Eval: defined(inverse(math.Tanh))},
	{Name: "CSC", Category: Math, Params: "num", Since: 2013, Eval: angle(inverse(sin))},
	{Name: "CSCH", Category: Math, Params: "num", Since: 2013, Eval: defined(func(x float64) float64 {
		if x == 0 {
			return math.NaN()
		}
		return 1 / math.Sinh(x)
	})},
	{Name: "DEGREES", Category: Math, Params: "num", Since: 2007, Eval: of1(func(x float64) float64 { return x / math.Pi * 180 })},
	{Name: "EXP", Category: Math, Params: "num", Since: 2007, Eval: of1(exp), One: exp},
	{Name: "LN", Category: Math, Params: "num", Since: 2007, Eval: of1(logarithm(math.Log)), One: logarithm(math.Log)},
	{Name: "LOG", Category: Math, Params: "num num?", Since: 2007, Eval: log},
	{Name: "LOG10", Category: Math, Params: "num", Since: 2007, Eval: of1(logarithm(special.Log10))},
	{Name: "MOD", Category: Math, Params: "num num", Since: 2007, Eval: mod},
	{Name: "PI", Category: Math, Since: 2007, Eval: func(*Context, Args) Value { return Num(math.Pi) }},
	{Name: "POWER", Category: Math, Params: "num num", Since: 2007, Eval: func(c *Context, a Args) Value {
		return c.Power(a[0].Number(), a[1].Number())
	}},
	{Name: "PRODUCT", Category: Math, Params: "range...", Since: 2007, Eval: product},
	{Name: "QUOTIENT", Category: Math, Params: "real real", Since: 2007, Eval: func(c *Context, a Args) Value {
		if a[1].Number() == 0 {
			return c.Fail(cell.ErrDiv0, "QUOTIENT divides by 0")
		}
		return Num(math.Trunc(a[0].Number() / a[1].Number()))
	}},
	{Name: "RADIANS", Category: Math, Params: "num", Since: 2007, Eval: of1(func(x float64) float64 { return x / 180 * math.Pi })},
	{Name: "SEC", Category: Math, Params: "num", Since: 2013, Eval: angle(inverse(cos))},
	{Name: "SECH", Category: Math, Params: "num", Since: 2013, Eval: defined(func(x float64) float64 { return 1 / math.Cosh(x) })},
	{Name: "SERIESSUM", Category: Math, Params: "real real real array", Since: 2007, Eval: seriesSum},
	{Name: "SIGN", Category: Math, Params: "num", Since: 2007, Eval: of1(func(x float64) float64 {
		switch {
		case x > 0:
			return 1
		case x < 0:
			return -1
		}
		return 0
	})},
	{Name: "SIN", Category: Math, Params: "num", Since: 2007, Eval: angle(sin)},
	{Name: "SINH", Category: Math, Params: "num", Since: 2007, Eval: of1(math.Sinh)},
	{Name: "SQRT", Category: Math, Params: "num", Since: 2007, Eval: of1(math.Sqrt), One: math.Sqrt},
	{Name: "SQRTPI", Category: Math, Params: "real", Since: 2007, Eval: of1(func(x float64) float64 { return math.Sqrt(x * math.Pi) })},
	{Name: "SUM", Category: Math, Params: "range...", Since: 2007, Eval: sum},
	{Name: "SUMSQ", Category: Math, Params: "range...", Since: 2007, Eval: func(c *Context, a Args) Value {
		total := 0.0
		if e := c.Numbers(a, func(x float64) { total += x * x }); e != 0 {
			return Err(e)
		}
		return Num(total)
	}},
	{Name: "TAN", Category: Math, Params: "num", Since: 2007, Eval: angle(tan)},
	{Name: "TANH", Category: Math, Params: "num", Since: 2007, Eval: of1(math.Tanh)},
}

// of1 makes a function of one number; a result that is none is #NUM!.
func of1(f func(float64) float64) func(*Context, Args) Value {
	return func(_ *Context, a Args) Value { return Num(f(a[0].Number())) }
}

// of2 makes a function of two numbers.
func of2(f func(x, y float64) float64) func(*Context, Args) Value {
	return func(_ *Context, a Args) Value { return Num(f(a[0].Number(), a[1].Number())) }
}

// angleMax is the angle from which on Excel gives no sine.
const angleMax = 1 << 27

// angle makes a function of an angle in radians: a result that is none is #DIV/0!.
func angle(f func(float64) float64) func(*Context, Args) Value {
	inside := defined(f)
	return func(c *Context, a Args) Value {
		if math.Abs(a[0].Number()) >= angleMax {
			return c.Fail(cell.ErrNum, "angles of 2^27 radians and more have no sine or cosine here")
		}
		return inside(c, a)
	}
}

// defined makes a function of one number that has no value where it gives a NaN: #DIV/0!.
func defined(f func(float64) float64) func(*Context, Args) Value {
	return func(c *Context, a Args) Value {
		y := f(a[0].Number())
		if y != y {
			return c.Fail(cell.ErrDiv0, "the function has a pole there")
		}
		return Num(y)
	}
}

// inverse gives 1/f, not a number where f is 0.
func inverse(f func(float64) float64) func(float64) float64 {
	return func(x float64) float64 {
		y := f(x)
		if y == 0 {
			return math.NaN()
		}
		return 1 / y
	}
}

// exp is the exponential function up to where a number can hold it: some implementations give
// up a little earlier.
func exp(x float64) float64 {
	if x > 709 {
		return 2 * math.Exp(x-math.Ln2)
	}
	return special.Exp(x)
}

// logarithm makes what is no logarithm of a number not a number.
func logarithm(f func(float64) float64) func(float64) float64 {
	return func(x float64) float64 {
		if x <= 0 {
			return math.NaN()
		}
		return f(x)
	}
}

func log(c *Context, a Args) Value {
	x, base := a[0].Number(), 10.0
	if a.Has(1) {
		base = a[1].Number()
	}
	if x <= 0 || base <= 0 {
		return c.Fail(cell.ErrNum, "only positive numbers have a logarithm")
	}
	switch base {
	case 1:
		return c.Fail(cell.ErrDiv0, "1 is no base of logarithms")
	case 2:
		return Num(special.Log2(x))
	case 10:
		return Num(special.Log10(x))
	}
	return Num(math.Log(x) / math.Log(base))
}

// modMax is the quotient from which on Excel gives no remainder.
const modMax = 1125900000000

// mod gives the remainder with the sign of the divisor.
func mod(c *Context, a Args) Value {
	x, d := a[0].Number(), a[1].Number()
	if d == 0 {
		return c.Fail(cell.ErrDiv0, "MOD divides by 0")
	}
	if math.Abs(x/d) >= modMax {
		return c.Fail(cell.ErrNum, "the quotient is too large for MOD")
	}
	r := math.Mod(x, d)
	if r != 0 && (r < 0) != (d < 0) {
		r += d
	}
	return Num(r)
}

// Power raises x to a power as ^ and POWER do: 0 to the power of 0 is #NUM!, to a negative one
// #DIV/0!; of a negative number there are whole powers, and the roots that are odd.
func (c *Context) Power(x, y float64) Value {
	switch {
	case x == 0 && y == 0:
		return c.Fail(cell.ErrNum, "0 to the power of 0 is not defined")
	case x == 0 && y < 0:
		return c.Fail(cell.ErrDiv0, "a negative power of 0 divides by 0")
	case x < 0 && y != math.Trunc(y):
		if n := math.Round(1 / y); math.Mod(n, 2) != 0 && CompareNumbers(1/n, y) == 0 {
			return Num(-special.Pow(-x, y))
		}
		return c.Fail(cell.ErrNum, "a negative number has no such power")
	}
	p := special.Pow(x, y)
	if math.IsInf(p, 0) {
		return c.Fail(cell.ErrNum, "the power is too large a number")
	}
	return Num(p)
}

// sum adds numbers up.
func sum(c *Context, a Args) Value {
	total, _, e := c.total(a)
	if e != 0 {
		return Err(e)
	}
	return Num(total)
}

// total adds up the numbers in args, from the first on, and counts them.
func (c *Context) total(args []Value) (total float64, n int, code cell.ErrorCode) {
	if c.Index != nil && len(args) > 0 {
		// The sum of a column may be known for a part of it, but only where it begins with 0.
		if r := args[0].Ref(); r != nil && len(r.Areas) == 1 && r.Areas[0].Range.Cols() == 1 {
			var ok bool
			if total, n, code, ok = c.Index.Sum(r.Areas[0]); ok {
				args = args[1:]
			}
			if code != 0 {
				return 0, 0, code
			}
		}
	}
	code = c.Numbers(args, func(x float64) { total, n = total+x, n+1 })
	return total, n, code
}

// product multiplies numbers; that of none is 0.
func product(c *Context, a Args) Value {
	total, any := 1.0, false
	if e := c.Numbers(a, func(x float64) { total, any = total*x, true }); e != 0 {
		return Err(e)
	}
	if !any {
		total = 0
	}
	return Num(total)
}

// seriesSum gives the value of a power series: Σ coefficient i · x^(n + i·m).
func seriesSum(c *Context, a Args) Value {
	x, n, m := a[0].Number(), a[1].Number(), a[2].Number()
	coefficients, e := c.Matrix(a[3])
	if e != 0 {
		return Err(e)
	}
	total := 0.0
	for i, v := range coefficients.Cells {
		if c.StopAt(i) {
			break
		}
		k, e := c.ToNumber(v)
		if v.Kind() == cell.Bool {
			e = cell.ErrValue
		}
		if e != 0 {
			return Err(e)
		}
		p := c.Power(x, n+float64(i)*m)
		if p.Err() != 0 {
			return p
		}
		total += k * p.Number()
	}
	return Num(total)
}

// strictNumbers gives the numbers in args as the functions of the Analysis ToolPak take them: a
// text has to be a number, a logical value is #VALUE!, a single cell that holds nothing is passed
// over and the ones of a range are 0, of which there is one at the end for all. With nothing
// given it is #VALUE!.
func (c *Context) strictNumbers(args []Value) ([]float64, cell.ErrorCode) {
	var all []float64
	code := cell.ErrorCode(0)
	for _, v := range args {
		if v.IsOmitted() {
			return nil, cell.ErrNA
		}
		left := int64(0)
		if r := v.Ref(); r != nil {
			for _, a := range r.Areas {
				left += a.Range.Cells()
			}
			if left == 1 {
				left = 0
			}
		}
		c.Each(v, func(x cell.Value, whole bool) bool {
			left--
			if x.IsBlank() && whole {
				return true
			}
			f, e := c.ToNumber(x)
			if x.Kind() == cell.Bool {
				e = cell.ErrValue
			}
			if e != 0 {
				code = e
				return false
			}
			all = append(all, f)
			return true
		})
		if code != 0 {
			return nil, code
		}
		if left > 0 {
			all = append(all, 0)
		}
	}
	if len(all) == 0 {
		return nil, cell.ErrValue
	}
	return all, 0
}
