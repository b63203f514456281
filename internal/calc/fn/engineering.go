package fn

import (
	"math"

	"gridflow/internal/cell"
)

var engineeringFunctions = []Function{
	{Name: "BESSELI", Category: Engineering, Params: "real real", Since: 2007, Eval: bessel(besselI)},
	{Name: "BESSELJ", Category: Engineering, Params: "real real", Since: 2007, Eval: bessel(func(n int, x float64) float64 { return math.Jn(n, x) })},
	{Name: "BESSELK", Category: Engineering, Params: "real real", Since: 2007, Eval: bessel(positive(besselK))},
	{Name: "BESSELY", Category: Engineering, Params: "real real", Since: 2007, Eval: bessel(positive(math.Yn))},
	{Name: "BITAND", Category: Engineering, Params: "num num", Since: 2013, Eval: bitwise(func(x, y uint64) uint64 { return x & y })},
	{Name: "BITLSHIFT", Category: Engineering, Params: "num num", Since: 2013, Eval: shift(1)},
	{Name: "BITOR", Category: Engineering, Params: "num num", Since: 2013, Eval: bitwise(func(x, y uint64) uint64 { return x | y })},
	{Name: "BITRSHIFT", Category: Engineering, Params: "num num", Since: 2013, Eval: shift(-1)},
	{Name: "BITXOR", Category: Engineering, Params: "num num", Since: 2013, Eval: bitwise(func(x, y uint64) uint64 { return x ^ y })},
	{Name: "CONVERT", Category: Engineering, Params: "real text text", Since: 2007, Eval: convert},
	{Name: "DELTA", Category: Engineering, Params: "real real?", Since: 2007, Eval: func(_ *Context, a Args) Value {
		return oneIf(a[0].Number() == a.Num(1, 0))
	}},
	{Name: "ERF", Category: Engineering, Params: "real real?", Since: 2007, Eval: func(_ *Context, a Args) Value {
		if !a.Has(1) {
			return Num(math.Erf(a[0].Number()))
		}
		return Num(erfBetween(a[0].Number(), a[1].Number()))
	}},
	{Name: "ERF.PRECISE", Category: Engineering, Params: "num", Since: 2010, Eval: of1(math.Erf)},
	{Name: "ERFC", Category: Engineering, Params: "real", Since: 2007, Eval: of1(math.Erfc)},
	{Name: "ERFC.PRECISE", Category: Engineering, Params: "num", Since: 2010, Eval: of1(math.Erfc)},
	{Name: "GESTEP", Category: Engineering, Params: "real real?", Since: 2007, Eval: func(_ *Context, a Args) Value {
		return oneIf(a[0].Number() >= a.Num(1, 0))
	}},
}

func oneIf(b bool) Value {
	if b {
		return Num(1)
	}
	return Num(0)
}

// erfBetween gives erf(b) - erf(a) without cancelling where both are near 1.
func erfBetween(a, b float64) float64 {
	switch {
	case a > 0.5 && b > 0.5:
		return math.Erfc(a) - math.Erfc(b)
	case a < -0.5 && b < -0.5:
		return math.Erfc(-b) - math.Erfc(-a)
	}
	return math.Erf(b) - math.Erf(a)
}

// bitsMax bounds the numbers of the functions of bits: 48 of them.
const bitsMax = 1 << 48

// bitwise makes a function of two whole numbers of 48 bits.
func bitwise(f func(x, y uint64) uint64) func(*Context, Args) Value {
	return func(c *Context, a Args) Value {
		x, y := a[0].Number(), a[1].Number()
		if !isBits(x) || !isBits(y) {
			return c.Fail(cell.ErrNum, "bits are of whole numbers from 0 to 2^48-1")
		}
		return Num(float64(f(uint64(x), uint64(y))))
	}
}

func isBits(x float64) bool { return x >= 0 && x < bitsMax && x == math.Trunc(x) }

// shift makes a function that shifts bits up, or with -1 down.
func shift(direction float64) func(*Context, Args) Value {
	return func(c *Context, a Args) Value {
		x, by := a[0].Number(), math.Trunc(a[1].Number())*direction
		if !isBits(x) || math.Abs(by) > 53 {
			return c.Fail(cell.ErrNum, "bits are of whole numbers from 0 to 2^48-1, and are shifted by 53 at most")
		}
		y := math.Floor(math.Ldexp(x, int(by)))
		if y >= bitsMax {
			return c.Fail(cell.ErrNum, "the number that comes of it is 2^48 or more")
		}
		return Num(y)
	}
}

// besselOrderMax bounds the order of Bessel functions, which are found by recurrence.
const besselOrderMax = 1 << 20

// bessel makes a Bessel function of a number and an order.
func bessel(f func(n int, x float64) float64) func(*Context, Args) Value {
	return func(c *Context, a Args) Value {
		n := math.Trunc(a[1].Number())
		if n < 0 || n > besselOrderMax {
			return c.Fail(cell.ErrNum, "the order of a Bessel function is a whole number from 0")
		}
		x := a[0].Number()
		if math.Abs(x) >= angleMax {
			return c.Fail(cell.ErrNum, "the number is too large for a Bessel function")
		}
		return Num(f(int(n), x))
	}
}

// positive makes f no number where x is not above 0.
func positive(f func(n int, x float64) float64) func(n int, x float64) float64 {
	return func(n int, x float64) float64 {
		if x <= 0 {
			return math.NaN()
		}
		return f(n, x)
	}
}

// besselI gives the modified Bessel function of the first kind by its power series (DLMF
// 10.25.2), whose terms all have one sign, so that nothing cancels.
func besselI(n int, x float64) float64 {
	h := x / 2
	if math.Abs(x) > 750 { // beyond what a number can hold, for all but enormous orders
		return math.Inf(1)
	}
	term := 1.0
	for i := 1; i <= n && term != 0; i++ {
		term *= h / float64(i)
	}
	sum := term
	for k := 1.0; ; k++ {
		term *= h / k * (h / (k + float64(n)))
		next := sum + term
		if next == sum {
			return sum
		}
		sum = next
	}
}

// besselK gives the modified Bessel function of the second kind: orders 0 and 1 by the integral
// of exp(-x cosh t) cosh(n t) over t (DLMF 10.32.9), for which the trapezoidal rule gains digits
// exponentially, and higher ones by the recurrence, which is stable upwards.
func besselK(n int, x float64) float64 {
	// exp(-x cosh t) falls off within 1/√x
	step := math.Min(1.0/16, 0.5/math.Sqrt(x))
	k0, k1 := math.Exp(-x)/2, math.Exp(-x)/2
	for i := 1.0; ; i++ {
		cosh := math.Cosh(i * step)
		e := math.Exp(-x * cosh)
		if e == 0 || e*cosh < 1e-18*k1 && e < 1e-18*k0 {
			break
		}
		k0 += e
		k1 += e * cosh
	}
	k0, k1 = k0*step, k1*step
	if n == 0 {
		return k0
	}
	for i := 1; i < n && !math.IsInf(k1, 1); i++ {
		k0, k1 = k1, k0+2*float64(i)/x*k1
	}
	return k1
}
