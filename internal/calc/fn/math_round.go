package fn

import (
	"math"

	"gridflow/internal/cell"
)

var roundingFunctions = []Function{
	{Name: "CEILING", Category: Math, Params: "num num", Since: 2007, Eval: ceiling},
	{Name: "CEILING.MATH", Category: Math, Params: "num num? num?", Since: 2013, Eval: multipleOf(func(x, s float64, away bool) float64 {
		if x < 0 && away {
			return math.Floor(x / s)
		}
		return math.Ceil(x / s)
	})},
	{Name: "CEILING.PRECISE", Category: Math, Params: "num num?", Since: 2010, Eval: multipleOf(func(q, s float64, _ bool) float64 { return math.Ceil(q / s) })},
	{Name: "EVEN", Category: Math, Params: "num", Since: 2007, Eval: of1(func(x float64) float64 {
		return math.Copysign(2*math.Ceil(math.Abs(x)/2), x)
	})},
	{Name: "FLOOR", Category: Math, Params: "num num", Since: 2007, Eval: floor},
	{Name: "FLOOR.MATH", Category: Math, Params: "num num? num?", Since: 2013, Eval: multipleOf(func(x, s float64, toward bool) float64 {
		if x < 0 && toward {
			return math.Ceil(x / s)
		}
		return math.Floor(x / s)
	})},
	{Name: "FLOOR.PRECISE", Category: Math, Params: "num num?", Since: 2010, Eval: multipleOf(func(q, s float64, _ bool) float64 { return math.Floor(q / s) })},
	{Name: "INT", Category: Math, Params: "num", Since: 2007, Eval: of1(math.Floor), One: math.Floor},
	{Name: "ISO.CEILING", Category: Math, Params: "num num?", Since: 2010, Eval: multipleOf(func(q, s float64, _ bool) float64 { return math.Ceil(q / s) })},
	{Name: "ECMA.CEILING", Category: Math, Params: "num num?", Since: 2007, Eval: multipleOf(func(q, s float64, _ bool) float64 { return math.Ceil(q / s) })},
	{Name: "MROUND", Category: Math, Params: "real real", Since: 2007, Eval: mround},
	{Name: "ODD", Category: Math, Params: "num", Since: 2007, Eval: of1(func(x float64) float64 {
		return math.Copysign(2*math.Ceil((max(math.Abs(x), 1)-1)/2)+1, x)
	})},
	{Name: "ROUND", Category: Math, Params: "num num", Since: 2007, Eval: of2(rounded(halfAway)), Two: rounded(halfAway)},
	{Name: "ROUNDDOWN", Category: Math, Params: "num num", Since: 2007, Eval: of2(rounded(towardZero)), Two: rounded(towardZero)},
	{Name: "ROUNDUP", Category: Math, Params: "num num", Since: 2007, Eval: of2(rounded(awayFromZero)), Two: rounded(awayFromZero)},
	{Name: "TRUNC", Category: Math, Params: "num num?", Since: 2007, Eval: func(_ *Context, a Args) Value {
		return Num(roundTo(a[0].Number(), a.Num(1, 0), towardZero))
	}},
}

// rounding is what becomes of the digits that are left out.
type rounding uint8

const (
	halfAway rounding = iota
	towardZero
	awayFromZero
)

// Round gives x with n digits after the point, n before it where it is negative, as ROUND does.
func Round(x float64, n int) float64 { return roundTo(x, float64(n), halfAway) }

// rounded gives the function that rounds one number to as many digits as the other says.
func rounded(how rounding) func(x, n float64) float64 {
	return func(x, n float64) float64 { return roundTo(x, n, how) }
}

// roundTo rounds to n digits after the point. What decides is the number as Excel shows it, of
// 15 digits: 2.675, which is a little less in binary, is rounded up to 2.68.
func roundTo(x, n float64, how rounding) float64 {
	n = math.Trunc(n)
	// beyond these, either all digits stay or none
	if x == 0 || n > 323 {
		return x
	}
	if n < -308 {
		if how == awayFromZero {
			return math.Inf(1)
		}
		return 0
	}
	p := math.Pow10(int(math.Abs(n)))
	y := math.Abs(x)
	scaled := func(y float64) float64 {
		if n < 0 {
			return y / p
		}
		return y * p
	}
	switch {
	case n >= 0 && y >= 1<<52, n == 0 && how != awayFromZero && y == math.Trunc(y):
		return x
	case n > 300:
		return x
	}
	if y = scaled(y); y >= 1e15 {
		return x
	}
	// only near a whole or a half do the last digits decide
	if half := math.Round(2*y) / 2; math.Abs(y-half) <= 1e-13*max(y, 1) {
		y = Round15(scaled(Round15(math.Abs(x))))
	}
	switch how {
	case halfAway:
		y = math.Floor(y + 0.5)
	case towardZero:
		y = math.Floor(y)
	case awayFromZero:
		y = math.Ceil(y)
	}
	if n < 0 {
		y *= p
	} else {
		y /= p
	}
	return math.Copysign(y, x)
}

// multiples gives the whole number of steps s in x after rounding by f, where a quotient that
// misses a whole number in the last digits only is that number.
func multiples(x, s float64, f func(float64) float64) float64 {
	q := x / s
	if n := math.Round(q); CompareNumbers(q, n) == 0 {
		q = n
	}
	return f(q)
}

// ceiling rounds up to a multiple of a step that has the number's sign, or down from zero
// where both are negative.
func ceiling(c *Context, a Args) Value {
	x, s := a[0].Number(), a[1].Number()
	switch {
	case x == 0 || s == 0:
		return Num(0)
	case x > 0 && s < 0:
		return c.Fail(cell.ErrNum, "a positive number is not rounded to a negative multiple")
	}
	return Num(s * multiples(x, s, math.Ceil))
}

func floor(c *Context, a Args) Value {
	x, s := a[0].Number(), a[1].Number()
	switch {
	case x == 0:
		return Num(0)
	case s == 0:
		return c.Fail(cell.ErrDiv0, "there is no multiple of 0 below the number")
	case x > 0 && s < 0:
		return c.Fail(cell.ErrNum, "a positive number is not rounded to a negative multiple")
	}
	return Num(s * multiples(x, s, math.Floor))
}

// multipleOf makes a function of a number, a step (1, its sign does not count) and, where it
// has one, a mode. f gives the whole number of steps.
func multipleOf(f func(x, s float64, mode bool) float64) func(*Context, Args) Value {
	return func(_ *Context, a Args) Value {
		x, s := a[0].Number(), 1.0
		if a.Has(1) {
			s = math.Abs(a[1].Number())
		}
		if x == 0 || s == 0 {
			return Num(0)
		}
		mode := a.Num(2, 0) != 0
		return Num(s * multiples(x, s, func(q float64) float64 { return f(q, 1, mode) }))
	}
}

// mround rounds to the nearest multiple, the half away from zero.
func mround(c *Context, a Args) Value {
	x, s := a[0].Number(), a[1].Number()
	switch {
	case x == 0 || s == 0:
		return Num(0)
	case (x < 0) != (s < 0):
		return c.Fail(cell.ErrNum, "the number and the multiple differ in sign")
	}
	return Num(s * multiples(x, s, math.Round))
}
