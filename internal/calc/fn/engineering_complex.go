package fn

import (
	"math"
	"strconv"
	"strings"

	"gridflow/internal/calc/special"
	"gridflow/internal/cell"
)

var complexFunctions = []Function{
	{Name: "COMPLEX", Category: Engineering, Params: "real real text?", Since: 2007, Eval: func(c *Context, a Args) Value {
		unit := a.Str(2, "i")
		if unit == "" {
			unit = "i"
		}
		if unit != "i" && unit != "j" {
			return c.Fail(cell.ErrValue, `the imaginary unit is "i" or "j"`)
		}
		return complexText(complex(a[0].Number(), a[1].Number()), unit[0])
	}},
	{Name: "IMABS", Category: Engineering, Params: "any", Since: 2007, Eval: complexPart(func(c *Context, z complex128) Value {
		return Num(math.Hypot(real(z), imag(z)))
	})},
	{Name: "IMAGINARY", Category: Engineering, Params: "any", Since: 2007, Eval: complexPart(func(_ *Context, z complex128) Value { return Num(imag(z)) })},
	{Name: "IMARGUMENT", Category: Engineering, Params: "any", Since: 2007, Eval: complexPart(func(c *Context, z complex128) Value {
		if z == 0 {
			return c.Fail(cell.ErrDiv0, "0 has no argument")
		}
		return Num(math.Atan2(imag(z), real(z)))
	})},
	{Name: "IMCONJUGATE", Category: Engineering, Params: "any", Since: 2007, Eval: complexOf(func(z complex128) complex128 { return complex(real(z), -imag(z)) })},
	{Name: "IMCOS", Category: Engineering, Params: "any", Since: 2007, Eval: complexOf(cosComplex)},
	{Name: "IMCOSH", Category: Engineering, Params: "any", Since: 2013, Eval: complexOf(coshComplex)},
	{Name: "IMCOT", Category: Engineering, Params: "any", Since: 2013, Eval: complexOf(cotComplex)},
	{Name: "IMCSC", Category: Engineering, Params: "any", Since: 2013, Eval: complexOf(func(z complex128) complex128 { return divide(1, sinComplex(z)) })},
	{Name: "IMCSCH", Category: Engineering, Params: "any", Since: 2013, Eval: complexOf(func(z complex128) complex128 { return divide(1, sinhComplex(z)) })},
	{Name: "IMDIV", Category: Engineering, Params: "any any", Since: 2007, Eval: complexOf2(divide)},
	{Name: "IMEXP", Category: Engineering, Params: "any", Since: 2007, Eval: complexOf(func(z complex128) complex128 {
		return polar(exp(real(z)), imag(z))
	})},
	{Name: "IMLN", Category: Engineering, Params: "any", Since: 2007, Eval: complexOf(func(z complex128) complex128 { return logComplex(z, 1) })},
	{Name: "IMLOG10", Category: Engineering, Params: "any", Since: 2007, Eval: complexOf(func(z complex128) complex128 { return logComplex(z, math.Ln10) })},
	{Name: "IMLOG2", Category: Engineering, Params: "any", Since: 2007, Eval: complexOf(func(z complex128) complex128 { return logComplex(z, math.Ln2) })},
	{Name: "IMPOWER", Category: Engineering, Params: "any real", Since: 2007, Eval: func(c *Context, a Args) Value {
		z, unit, e := c.complexNumber(a[0].Scalar())
		if e != 0 {
			return Err(e)
		}
		n := a[1].Number()
		if z == 0 {
			if n <= 0 {
				return c.Fail(cell.ErrNum, "0 has no such power")
			}
			return Text("0")
		}
		return complexText(polar(special.Pow(math.Hypot(real(z), imag(z)), n), n*math.Atan2(imag(z), real(z))), unit)
	}},
	{Name: "IMPRODUCT", Category: Engineering, Params: "range...", Since: 2007, Eval: complexFold(func(x, y complex128) complex128 {
		return complex(real(x)*real(y)-imag(x)*imag(y), real(x)*imag(y)+imag(x)*real(y))
	})},
	{Name: "IMREAL", Category: Engineering, Params: "any", Since: 2007, Eval: complexPart(func(_ *Context, z complex128) Value { return Num(real(z)) })},
	{Name: "IMSEC", Category: Engineering, Params: "any", Since: 2013, Eval: complexOf(func(z complex128) complex128 { return divide(1, cosComplex(z)) })},
	{Name: "IMSECH", Category: Engineering, Params: "any", Since: 2013, Eval: complexOf(func(z complex128) complex128 { return divide(1, coshComplex(z)) })},
	{Name: "IMSIN", Category: Engineering, Params: "any", Since: 2007, Eval: complexOf(sinComplex)},
	{Name: "IMSINH", Category: Engineering, Params: "any", Since: 2013, Eval: complexOf(sinhComplex)},
	{Name: "IMSQRT", Category: Engineering, Params: "any", Since: 2007, Eval: complexOf(func(z complex128) complex128 {
		return polar(math.Sqrt(math.Hypot(real(z), imag(z))), math.Atan2(imag(z), real(z))/2)
	})},
	{Name: "IMSUB", Category: Engineering, Params: "any any", Since: 2007, Eval: complexOf2(func(x, y complex128) complex128 { return x - y })},
	{Name: "IMSUM", Category: Engineering, Params: "range...", Since: 2007, Eval: complexFold(func(x, y complex128) complex128 { return x + y })},
	{Name: "IMTAN", Category: Engineering, Params: "any", Since: 2013, Eval: complexOf(tanComplex)},
}

// Complex numbers are texts. They are calculated from real functions as Excel does it, which
// leaves the same rounding behind: the square root of -12 has a real part of 2E-16.

func polar(r, angle float64) complex128 { return complex(r*cos(angle), r*sin(angle)) }

func sinComplex(z complex128) complex128 {
	return complex(sin(real(z))*math.Cosh(imag(z)), cos(real(z))*math.Sinh(imag(z)))
}

func cosComplex(z complex128) complex128 {
	return complex(cos(real(z))*math.Cosh(imag(z)), -sin(real(z))*math.Sinh(imag(z)))
}

func sinhComplex(z complex128) complex128 {
	return complex(math.Sinh(real(z))*cos(imag(z)), math.Cosh(real(z))*sin(imag(z)))
}

func coshComplex(z complex128) complex128 {
	return complex(math.Cosh(real(z))*cos(imag(z)), math.Sinh(real(z))*sin(imag(z)))
}

// The tangent and the cotangent, in a form that keeps the small real part far from the real
// axis and does not overflow there.

func tanComplex(z complex128) complex128 {
	sin, cos := sincos(real(z))
	return tangent(sin*cos, imag(z), cos)
}

func cotComplex(z complex128) complex128 {
	sin, cos := sincos(real(z))
	return tangent(sin*cos, -imag(z), sin)
}

// tangent divides by the square of the modulus of the cosine or sine whose part on the real axis
// is given.
func tangent(re, y, part float64) complex128 {
	if math.Abs(y) > 350 {
		return complex(0, math.Copysign(1, y))
	}
	d := part*part + math.Sinh(y)*math.Sinh(y)
	if d == 0 {
		return divide(1, 0)
	}
	return complex(re/d, math.Sinh(y)*math.Cosh(y)/d)
}

func logComplex(z complex128, scale float64) complex128 {
	return complex(math.Log(math.Hypot(real(z), imag(z)))/scale, math.Atan2(imag(z), real(z))/scale)
}

// divide gives x/y, no number where y is 0.
func divide(x, y complex128) complex128 {
	if y == 0 {
		return complex(math.NaN(), 0)
	}
	// Smith's method, which does not overflow in between
	if a, b := real(y), imag(y); math.Abs(a) >= math.Abs(b) {
		r := b / a
		d := a + b*r
		return complex((real(x)+imag(x)*r)/d, (imag(x)-real(x)*r)/d)
	} else {
		r := a / b
		d := a*r + b
		return complex((real(x)*r+imag(x))/d, (imag(x)*r-real(x))/d)
	}
}

// complexNumber reads a number or a text like "3+4i". unit is the imaginary unit that it has,
// 'i' where it has none.
func (c *Context) complexNumber(v cell.Value) (z complex128, unit byte, code cell.ErrorCode) {
	z, unit, code = c.complexUnit(v)
	if unit == 0 {
		unit = 'i'
	}
	return z, unit, code
}

// complexUnit is complexNumber with a unit of 0 where there is none.
func (c *Context) complexUnit(v cell.Value) (z complex128, unit byte, code cell.ErrorCode) {
	switch v.Kind() {
	case cell.Number:
		return complex(v.Number(), 0), 0, 0
	case cell.Blank:
		return 0, 0, 0
	case cell.Bool:
		return 0, 0, c.Fail(cell.ErrValue, "a logical value is no complex number").Err()
	case cell.Error:
		return 0, 0, v.Err()
	}
	z, unit, ok := parseComplex(v.Text())
	if !ok {
		return 0, 0, c.Fail(cell.ErrNum, strconv.Quote(v.Text())+" is no complex number").Err()
	}
	return z, unit, 0
}

func parseComplex(s string) (z complex128, unit byte, ok bool) {
	n := len(s)
	if n == 0 {
		return 0, 0, false
	}
	unit = s[n-1]
	if unit != 'i' && unit != 'j' {
		f, ok := plainDecimal(s)
		return complex(f, 0), 0, ok
	}
	s = s[:n-1]
	// the imaginary part begins with the last sign that is not that of an exponent
	from := len(s) - 1
	for from > 0 && (s[from] != '+' && s[from] != '-' || s[from-1] == 'e' || s[from-1] == 'E') {
		from--
	}
	from = max(from, 0)
	re := 0.0
	if from > 0 {
		if re, ok = plainDecimal(s[:from]); !ok {
			return 0, 0, false
		}
	}
	im, ok := 1.0, true
	switch part := s[from:]; part {
	case "", "+":
	case "-":
		im = -1
	default:
		im, ok = plainDecimal(part)
	}
	return complex(re, im), unit, ok
}

func plainDecimal(s string) (float64, bool) {
	if s == "" {
		return 0, false
	}
	return parseDecimal(s)
}

// complexText writes a complex number; what is no number is #NUM!.
func complexText(z complex128, unit byte) Value {
	re, im := Num(real(z)), Num(imag(z))
	if re.Err() != 0 || im.Err() != 0 {
		return Err(cell.ErrNum)
	}
	x, y := re.Number(), im.Number()
	if y == 0 {
		return Text(NumberText(x))
	}
	var b strings.Builder
	if x != 0 {
		b.WriteString(NumberText(x))
		if y > 0 {
			b.WriteByte('+')
		}
	}
	switch y {
	case 1:
	case -1:
		b.WriteByte('-')
	default:
		b.WriteString(NumberText(y))
	}
	b.WriteByte(unit)
	return Text(b.String())
}

// complexPart makes a function that gives a number of a complex one.
func complexPart(f func(*Context, complex128) Value) func(*Context, Args) Value {
	return func(c *Context, a Args) Value {
		z, _, e := c.complexNumber(a[0].Scalar())
		if e != 0 {
			return Err(e)
		}
		return f(c, z)
	}
}

// complexOf makes a function of a complex number.
func complexOf(f func(complex128) complex128) func(*Context, Args) Value {
	return func(c *Context, a Args) Value {
		z, unit, e := c.complexNumber(a[0].Scalar())
		if e != 0 {
			return Err(e)
		}
		return complexText(f(z), unit)
	}
}

// complexOf2 makes a function of two complex numbers.
func complexOf2(f func(x, y complex128) complex128) func(*Context, Args) Value {
	fold := complexFold(f)
	return func(c *Context, a Args) Value { return fold(c, a) }
}

// complexFold makes a function that combines complex numbers from left to right. They have to
// have one imaginary unit.
func complexFold(f func(x, y complex128) complex128) func(*Context, Args) Value {
	return func(c *Context, a Args) Value {
		var total complex128
		var unit byte
		first, code := true, cell.ErrorCode(0)
		for _, v := range a {
			left := int64(0) // cells that hold nothing, which are 0
			if r := v.Ref(); r != nil {
				for _, a := range r.Areas {
					left += a.Range.Cells()
				}
			}
			next := func(x cell.Value, _ bool) bool {
				left--
				z, u, e := c.complexUnit(x)
				if e == 0 && unit != 0 && u != 0 && u != unit {
					e = c.Fail(cell.ErrValue, "the complex numbers have different units i and j").Err()
				}
				if e != 0 {
					code = e
					return false
				}
				if u != 0 {
					unit = u
				}
				if first {
					total, first = z, false
				} else {
					total = f(total, z)
				}
				return true
			}
			if c.Each(v, next); left > 0 && code == 0 {
				next(cell.Value{}, true)
			}
			if code != 0 {
				return Err(code)
			}
		}
		if unit == 0 {
			unit = 'i'
		}
		return complexText(total, unit)
	}
}
