package special

import "math"

// Roots, other broken powers, and logarithms with all their digits. Those of package math are made for speed: 27^(1/3) is
// 2.9999999999999996 there. Here what is between is a sum of two numbers, of which the second has the digits that
// the first has no room for, and one rounding is left: of results that are normal numbers less than one in a thousand
// is not the nearest number, and that one is its neighbour.

// wide is hi+lo, where hi is the sum rounded.
type wide struct{ hi, lo float64 }

// exactly gives a+b.
func exactly(a, b float64) wide {
	s := a + b
	t := s - a
	return wide{s, (a - (s - t)) + (b - t)}
}

// shorter is exactly where b is not the longer one.
func shorter(a, b float64) wide {
	s := a + b
	return wide{s, b - (s - a)}
}

// product gives a·b.
func product(a, b float64) wide {
	p := a * b
	return wide{p, math.FMA(a, b, -p)}
}

func (a wide) plus(b wide) wide {
	s := exactly(a.hi, b.hi)
	return shorter(s.hi, s.lo+(a.lo+b.lo))
}

func (a wide) times(b wide) wide {
	p := product(a.hi, b.hi)
	return shorter(p.hi, math.FMA(a.hi, b.lo, math.FMA(a.lo, b.hi, p.lo)))
}

func (a wide) by(f float64) wide {
	p := product(a.hi, f)
	return shorter(p.hi, math.FMA(a.lo, f, p.lo))
}

// over gives a/b.
func (a wide) over(b wide) wide {
	q := a.hi / b.hi
	rest := math.FMA(-q, b.hi, a.hi) + a.lo - q*b.lo
	return shorter(q, rest/b.hi)
}

// The logarithms of 2 and of 10, and the first coefficients of the series, which need more digits than one number has.
var (
	ln2     = wide{0x1.62e42fefa39efp-1, 0x1.abc9e3b39803fp-56}
	ln10    = wide{0x1.26bb1bbb55516p+1, -0x1.f48ad494ea3e9p-53}
	one     = wide{1, 0}
	half    = wide{0.5, 0}
	third   = one.over(wide{3, 0})
	fifth   = one.over(wide{5, 0})
	sixth   = one.over(wide{6, 0})
	seventh = one.over(wide{7, 0})
	of24    = one.over(wide{24, 0})
)

// Pow gives x to the power of y with the digits that Excel's powers have, of which workbooks that Excel saved give account: a whole
// power is made by squaring, with what that rounds away on the way; a negative one is the inverse of the positive one; any
// other is the nearest number. What has no value, or an infinite one, is as in package math.
func Pow(x, y float64) float64 {
	switch a := math.Abs(x); {
	case !(a > 0) || math.IsInf(a, 1) || math.IsNaN(y) || math.IsInf(y, 0):
		return math.Pow(x, y)
	case y < 0:
		return 1 / Pow(x, -y)
	case y == 0.5:
		return math.Sqrt(x)
	case y == math.Trunc(y) && y < squaresMax:
		return wholePower(x, uint(y))
	case y == math.Trunc(y):
		p := exponential(logarithm(a).by(y))
		if x < 0 && math.Mod(y, 2) != 0 {
			return -p
		}
		return p
	case x < 0:
		return math.NaN()
	}
	return exponential(logarithm(x).by(y))
}

// squaresMax bounds the whole powers that are made by squaring.
const squaresMax = 1 << 31

// wholePower multiplies those of x, x², x⁴ and so on of which n is the sum.
func wholePower(x float64, n uint) float64 {
	p := 1.0
	for ; n > 1; n >>= 1 {
		if n&1 != 0 {
			p *= x
		}
		x *= x
	}
	if n == 1 {
		p *= x
	}
	return p
}

// Log10 gives the logarithm of x to the base of 10.
func Log10(x float64) float64 {
	if !(x > 0) || math.IsInf(x, 1) {
		return math.Log10(x)
	}
	return logarithm(x).over(ln10).hi
}

// Log2 gives the logarithm of x to the base of 2.
func Log2(x float64) float64 {
	if !(x > 0) || math.IsInf(x, 1) {
		return math.Log2(x)
	}
	return logarithm(x).over(ln2).hi
}

// logarithm gives the natural logarithm of a finite x above 0.
func logarithm(x float64) wide {
	m, e := math.Frexp(x)
	if m < math.Sqrt2/2 {
		m, e = 2*m, e-1
	}
	// ln m = 2(s + s³/3 + s⁵/5 + …) with s = (m-1)/(m+1), which is at most 0.172.
	s := wide{m - 1, 0}.over(exactly(m, 1))
	z := s.times(s)
	rest := 0.0
	for k := 31.0; k >= 9; k -= 2 {
		rest = math.FMA(rest, z.hi, 1/k)
	}
	sum := z.by(rest).plus(seventh)
	sum = z.times(sum).plus(fifth)
	sum = z.times(sum).plus(third)
	sum = z.times(sum).plus(one)
	sum = s.times(sum)
	return ln2.by(float64(e)).plus(wide{2 * sum.hi, 2 * sum.lo})
}

// exponential gives e to the power of x.
func exponential(x wide) float64 {
	switch {
	case x.hi > 710:
		return math.Inf(1)
	case x.hi < -746:
		return 0
	}
	k := math.RoundToEven(x.hi / ln2.hi)
	return math.Ldexp(x.plus(ln2.by(-k)).exponential().hi, int(k))
}

// exponential gives e to the power of r, which is at most 0.7 from 0.
func (r wide) exponential() wide {
	// 1 + r + r²/2 + r³/6 + …
	rest := 0.0
	for _, c := range &factorials {
		rest = math.FMA(rest, r.hi, c)
	}
	sum := r.by(rest).plus(of24)
	sum = r.times(sum).plus(sixth)
	sum = r.times(sum).plus(half)
	sum = r.times(sum).plus(one)
	return r.times(sum).plus(one)
}

// factorials are 1/18!, 1/17! and so on to 1/5!.
var factorials = [...]float64{
	1. / 6402373705728000, 1. / 355687428096000, 1. / 20922789888000, 1. / 1307674368000, 1. / 87178291200, 1. / 6227020800, 1. / 479001600,
	1. / 39916800, 1. / 3628800, 1. / 362880, 1. / 40320, 1. / 5040, 1. / 720, 1. / 120,
}
