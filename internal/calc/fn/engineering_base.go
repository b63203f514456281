package fn

import (
	"math"
	"strconv"
	"strings"

	"gridflow/internal/cell"
)

var baseFunctions = []Function{
	{Name: "BIN2DEC", Category: Engineering, Params: "any", Since: 2007, Eval: fromDigits(2, 10)},
	{Name: "BIN2HEX", Category: Engineering, Params: "any real?", Since: 2007, Eval: fromDigits(2, 16)},
	{Name: "BIN2OCT", Category: Engineering, Params: "any real?", Since: 2007, Eval: fromDigits(2, 8)},
	{Name: "DEC2BIN", Category: Engineering, Params: "real real?", Since: 2007, Eval: toDigits(2)},
	{Name: "DEC2HEX", Category: Engineering, Params: "real real?", Since: 2007, Eval: toDigits(16)},
	{Name: "DEC2OCT", Category: Engineering, Params: "real real?", Since: 2007, Eval: toDigits(8)},
	{Name: "HEX2BIN", Category: Engineering, Params: "any real?", Since: 2007, Eval: fromDigits(16, 2)},
	{Name: "HEX2DEC", Category: Engineering, Params: "any", Since: 2007, Eval: fromDigits(16, 10)},
	{Name: "HEX2OCT", Category: Engineering, Params: "any real?", Since: 2007, Eval: fromDigits(16, 8)},
	{Name: "OCT2BIN", Category: Engineering, Params: "any real?", Since: 2007, Eval: fromDigits(8, 2)},
	{Name: "OCT2DEC", Category: Engineering, Params: "any", Since: 2007, Eval: fromDigits(8, 10)},
	{Name: "OCT2HEX", Category: Engineering, Params: "any real?", Since: 2007, Eval: fromDigits(8, 16)},
}

// digitsMax is how many digits a number of another base has at most; with all of them, the
// highest bit is the sign of a two's complement.
const digitsMax = 10

// span gives how many numbers there are of ten digits of a base.
func span(base int) int64 {
	n := int64(1)
	for range digitsMax {
		n *= int64(base)
	}
	return n
}

// fromDigits makes a function that reads digits of a base and writes those of another.
func fromDigits(from, to int) func(*Context, Args) Value {
	return func(c *Context, a Args) Value {
		v := a[0].Scalar()
		if v.Kind() == cell.Bool {
			return c.Fail(cell.ErrValue, "a logical value has no digits")
		}
		if a[0].IsOmitted() {
			return Err(cell.ErrNA)
		}
		s, _ := ToText(v)
		if len(s) > digitsMax || strings.ContainsAny(s, "+-_") {
			return c.Fail(cell.ErrNum, "no more than ten digits are read")
		}
		n := int64(0)
		if s != "" {
			var err error
			if n, err = strconv.ParseInt(s, from, 64); err != nil {
				return c.Fail(cell.ErrNum, strconv.Quote(s)+" has characters that are no digits of the base")
			}
		}
		if all := span(from); n >= all/2 {
			n -= all
		}
		if to == 10 {
			return Num(float64(n))
		}
		return c.digits(n, to, a)
	}
}

// toDigits makes a function that writes a number in the digits of a base.
func toDigits(base int) func(*Context, Args) Value {
	return func(c *Context, a Args) Value {
		f := math.Trunc(a[0].Number())
		if math.Abs(f) > 1<<40 {
			return c.Fail(cell.ErrNum, "the number has more digits than ten")
		}
		return c.digits(int64(f), base, a)
	}
}

// digits writes n in digits of a base, in as many places as argument 1 says.
func (c *Context) digits(n int64, base int, a Args) Value {
	all := span(base)
	if n < -all/2 || n >= all/2 {
		return c.Fail(cell.ErrNum, "the number has more digits than ten")
	}
	places := 0
	if a.Has(1) {
		p := math.Trunc(a[1].Number())
		if p < 1 || p > digitsMax {
			return c.Fail(cell.ErrNum, "there are 1 to 10 places")
		}
		places = int(p)
	}
	if n < 0 {
		return Text(strings.ToUpper(strconv.FormatInt(n+all, base)))
	}
	s := strings.ToUpper(strconv.FormatInt(n, base))
	if places > 0 && places < len(s) {
		return c.Fail(cell.ErrNum, "the number has more digits than places")
	}
	return Text(strings.Repeat("0", max(0, places-len(s))) + s)
}
