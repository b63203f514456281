package fn

import (
	"math"
	"strconv"
	"strings"

	"gridflow/internal/cell"
)

var numeralFunctions = []Function{
	{Name: "ARABIC", Category: Math, Params: "text", Since: 2013, Eval: arabic},
	{Name: "BASE", Category: Math, Params: "num num num?", Since: 2013, Eval: base},
	{Name: "DECIMAL", Category: Math, Params: "text num", Since: 2013, Eval: decimal},
	{Name: "ROMAN", Category: Math, Params: "num raw?", Since: 2007, Eval: roman},
}

// romanDigits are the digits of Roman numerals, from the largest.
const romanDigits = "MDCLXVI"

var romanValues = [...]int{1000, 500, 100, 50, 10, 5, 1}

// romanMax is the largest number that ROMAN writes.
const romanMax = 3999

// roman writes a Roman numeral, in one of five forms from the classic one to the shortest.
// A higher form lets a digit be taken away from one that is further above it: in the classic
// one from the next two only, as IX and XC.
func roman(c *Context, a Args) Value {
	n := math.Trunc(a[0].Number())
	form := 0.0
	if a.Has(1) {
		v := a[1].Scalar()
		f, e := c.ToNumber(v)
		if e != 0 {
			return Err(e)
		}
		if form = math.Trunc(f); v.Kind() == cell.Bool {
			form = 4 * (1 - f)
		}
	}
	if n < 0 || n > romanMax {
		return c.Fail(cell.ErrValue, "Roman numerals go from 0 to 3999")
	}
	if form < 0 || form > 4 {
		return c.Fail(cell.ErrValue, "ROMAN has the forms 0 to 4")
	}
	return Text(romanText(int(n), int(form)))
}

// romanText takes the decimal digits one by one. A 4 or a 9 of a place is written as a smaller
// digit before a larger one; with a higher form, the number that is left is made up to the
// larger digit by a smaller one up to form places below, if that lies within it.
func romanText(n, form int) string {
	var b strings.Builder
	for place := 0; place <= 6; place += 2 {
		unit := romanValues[place]
		digit := n / unit
		if digit%5 != 4 {
			if digit > 4 {
				b.WriteByte(romanDigits[place-1])
				n -= romanValues[place-1]
			}
			for digit %= 5; digit > 0; digit-- {
				b.WriteByte(romanDigits[place])
				n -= unit
			}
			continue
		}
		high := place - 1 // of a 4, the five of the place
		if digit == 9 {
			high = place - 2
		}
		low := place
		for steps := 0; steps < form && low < len(romanValues)-1 && romanValues[high]-romanValues[low+1] <= n; steps++ {
			low++
		}
		b.WriteByte(romanDigits[low])
		b.WriteByte(romanDigits[high])
		n -= romanValues[high] - romanValues[low]
	}
	return b.String()
}

// arabic reads a Roman numeral: a digit before a larger one is taken away.
func arabic(c *Context, a Args) Value {
	s := strings.TrimSpace(a[0].Str())
	negative := strings.HasPrefix(s, "-")
	s = strings.ToUpper(strings.TrimPrefix(s, "-"))
	if len(s) > 255 || negative && s == "" {
		return c.Fail(cell.ErrValue, "ARABIC reads a Roman numeral of up to 255 characters")
	}
	total, above := 0, 0
	for i := len(s) - 1; i >= 0; i-- {
		at := strings.IndexByte(romanDigits, s[i])
		if at < 0 {
			return c.Fail(cell.ErrValue, strconv.Quote(s)+" is no Roman numeral")
		}
		v := romanValues[at]
		if v < above {
			total -= v
		} else {
			total += v
			above = v
		}
	}
	if negative {
		total = -total
	}
	return Num(float64(total))
}

// base writes a number to a base of 2 to 36.
func base(c *Context, a Args) Value {
	n, radix, width := math.Trunc(a[0].Number()), math.Trunc(a[1].Number()), math.Trunc(a.Num(2, 0))
	if n < 0 || n >= 1<<53 || radix < 2 || radix > 36 || width < 0 || width > 255 {
		return c.Fail(cell.ErrNum, "BASE takes numbers from 0 to 2^53, bases from 2 to 36 and up to 255 digits")
	}
	s := strings.ToUpper(strconv.FormatInt(int64(n), int(radix)))
	return Text(strings.Repeat("0", max(0, int(width)-len(s))) + s)
}

// decimal reads a number that is written to a base.
func decimal(c *Context, a Args) Value {
	s, radix := strings.ToUpper(strings.TrimLeft(a[0].Str(), " ")), math.Trunc(a[1].Number())
	if radix < 2 || radix > 36 {
		return c.Fail(cell.ErrNum, "bases go from 2 to 36")
	}
	if len(s) > 255 {
		return c.Fail(cell.ErrValue, "DECIMAL reads no more than 255 digits")
	}
	switch radix {
	case 16:
		s = strings.TrimPrefix(strings.TrimPrefix(s, "0"), "X")
		s = strings.TrimSuffix(s, "H")
	case 2:
		s = strings.TrimSuffix(s, "B")
	}
	r := 0.0
	for i := range len(s) {
		d := strings.IndexByte("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", s[i])
		if d < 0 || d >= int(radix) {
			return c.Fail(cell.ErrNum, "there is a character that is no digit of the base")
		}
		r = r*radix + float64(d)
	}
	return Num(r)
}
