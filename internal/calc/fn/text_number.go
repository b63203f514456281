package fn

import (
	"math"
	"strconv"
	"strings"

	"gridflow/internal/cell"
	"gridflow/internal/numfmt"
)

// The functions between numbers and texts.
var textNumberFunctions = []Function{
	{Name: "ARRAYTOTEXT", Category: TextFunctions, Params: "array num?", Since: 2021, Errors: true, Eval: arrayToText},
	{Name: "DOLLAR", Category: TextFunctions, Params: "num num?", Since: 2007, Eval: dollar},
	{Name: "FIXED", Category: TextFunctions, Params: "num num? bool?", Since: 2007, Eval: fixed},
	{Name: "NUMBERVALUE", Category: TextFunctions, Params: "text text? text?", Since: 2013, Eval: numberValue},
	{Name: "TEXT", Category: TextFunctions, Params: "any text", Since: 2007, Eval: textOf},
	{Name: "USDOLLAR", Category: TextFunctions, Params: "num num?", Since: 2007, Eval: dollar},
	{Name: "VALUE", Category: TextFunctions, Params: "any", Since: 2007, Eval: valueOf},
	{Name: "VALUETOTEXT", Category: TextFunctions, Params: "raw num?", Since: 2021, Eval: valueToText},
}

// textOf is TEXT.
func textOf(c *Context, a Args) Value {
	code, v := a[1].Str(), a[0].Scalar()
	if code == "" {
		return Text("")
	}
	switch v.Kind() {
	case cell.Text:
		if f, ok := c.ParseNumber(v.Text()); ok {
			v = cell.NumberValue(f)
		}
	case cell.Blank:
		v = cell.NumberValue(0)
	}
	f, err := c.formats.of(code, func() (*numfmt.Format, error) {
		f := numfmt.Compile(code)
		return f, f.Err()
	})
	if err != nil {
		return c.Fail(cell.ErrValue, "the number format cannot be read")
	}
	s := string(f.Append(nil, v, c.Dates))
	if s != "" && v.Kind() == cell.Number && strings.Trim(s, "#") == "" && !strings.ContainsAny(code, `\"`) {
		return c.Fail(cell.ErrValue, "the number is no date that the format could show")
	}
	return c.text(s)
}

func valueOf(c *Context, a Args) Value {
	switch v := a[0].Scalar(); v.Kind() {
	case cell.Text:
		f, ok := c.ParseNumber(v.Text())
		if !ok {
			return c.Fail(cell.ErrValue, "the text is no number")
		}
		return Num(f)
	case cell.Bool:
		return c.Fail(cell.ErrValue, "a logical value is no number")
	default:
		return Num(v.Number())
	}
}

// numberValue reads a number whose separators are given.
func numberValue(c *Context, a Args) Value {
	decimal, group := firstRune(a.Str(1, "."), '.'), firstRune(a.Str(2, ","), ',')
	if a.Has(1) && a[1].Str() == "" || a.Has(2) && a[2].Str() == "" || decimal == group {
		return c.Fail(cell.ErrValue, "the separators are the same, or one is empty")
	}
	var b strings.Builder
	fraction := false
	for _, r := range a[0].Str() {
		switch {
		case r == ' ' || r == '\t' || r == '\n' || r == '\r' || r == '\u00a0':
		case r == decimal:
			if fraction {
				return c.Fail(cell.ErrValue, "there are two decimal separators")
			}
			fraction = true
			b.WriteByte('.')
		case r == group:
			if fraction {
				return c.Fail(cell.ErrValue, "a group separator stands behind the decimal separator")
			}
		case r == '.' || r == ',':
			return c.Fail(cell.ErrValue, "the text is no number")
		default:
			b.WriteRune(r)
		}
	}
	s := b.String()
	if s == "" {
		return Num(0)
	}
	bare := strings.TrimRight(s, "%")
	f, ok := c.ParseNumber(bare)
	if !ok {
		return c.Fail(cell.ErrValue, "the text is no number")
	}
	for range len(s) - len(bare) {
		f /= 100
	}
	return Num(f)
}

func firstRune(s string, def rune) rune {
	for _, r := range s {
		return r
	}
	return def
}

// mostDecimals is what FIXED and DOLLAR take.
const mostDecimals = 127

func fixed(c *Context, a Args) Value {
	places := count(a.Num(1, 2))
	if places > mostDecimals {
		return c.Fail(cell.ErrValue, "more than 127 decimals are asked for")
	}
	s, negative := decimalText(a[0].Number(), places, !a.Truth(2, false))
	if negative {
		s = "-" + s
	}
	return Text(s)
}

func dollar(c *Context, a Args) Value {
	places := count(a.Num(1, 2))
	if places > mostDecimals {
		return c.Fail(cell.ErrValue, "more than 127 decimals are asked for")
	}
	s, negative := decimalText(a[0].Number(), places, true)
	if negative {
		return Text("($" + s + ")")
	}
	return Text("$" + s)
}

// decimalText writes the amount of x with so many decimals, rounded half up as it stands
// in 15 digits; negative places round before the point. negative is false for a zero.
func decimalText(x float64, places int, grouped bool) (s string, negative bool) {
	if math.Abs(x) < 1e-300 {
		x = 0
	}
	e := strconv.FormatFloat(math.Abs(x), 'e', 14, 64) // d.dddddddddddddde±xx
	mark := strings.IndexByte(e, 'e')
	exp, _ := strconv.Atoi(e[mark+1:])
	digits := []byte(e[:1] + e[2:mark])
	// The digit in digits[i] counts 10^(exp-i); the last that stays counts 10^-places.
	keep := exp + places + 1
	switch {
	case keep < 0:
		digits = digits[:0]
	case keep < len(digits):
		up := digits[keep] >= '5'
		digits = digits[:keep]
		i := keep - 1
		for ; up && i >= 0; i-- {
			if digits[i]++; digits[i] <= '9' {
				up = false
				break
			}
			digits[i] = '0'
		}
		if up {
			digits = append([]byte{'1'}, digits...)
			exp++
		}
	}
	at := func(power int) byte {
		if i := exp - power; i >= 0 && i < len(digits) {
			if digits[i] != '0' {
				negative = true
			}
			return digits[i]
		}
		return '0'
	}
	var b []byte
	for power := max(exp, 0); power >= 0; power-- {
		d := at(power)
		if len(b) == 0 && d == '0' && power > 0 {
			continue
		}
		b = append(b, d)
		if grouped && power > 0 && power%3 == 0 {
			b = append(b, ',')
		}
	}
	if places > 0 {
		b = append(b, '.')
		for power := -1; power >= -places; power-- {
			b = append(b, at(power))
		}
	}
	return string(b), negative && x < 0
}

// written is how VALUETOTEXT and ARRAYTOTEXT write a value: as it is shown, or, in the
// strict form, as it stands in a formula.
func written(v cell.Value, strict bool) string {
	switch v.Kind() {
	case cell.Text:
		if strict {
			return `"` + strings.ReplaceAll(v.Text(), `"`, `""`) + `"`
		}
		return v.Text()
	case cell.Error:
		return v.Err().String()
	}
	s, _ := ToText(v)
	return s
}

func valueToText(c *Context, a Args) Value {
	form := count(a.Num(1, 0))
	if form != 0 && form != 1 {
		return c.Fail(cell.ErrValue, "the format is neither 0 nor 1")
	}
	return c.text(written(a[0].Scalar(), form == 1))
}

func arrayToText(c *Context, a Args) Value {
	form := count(a.Num(1, 0))
	if form != 0 && form != 1 {
		return c.Fail(cell.ErrValue, "the format is neither 0 nor 1")
	}
	m, e := c.Matrix(a[0])
	if e != 0 {
		return Err(e)
	}
	var b strings.Builder
	if form == 1 {
		b.WriteByte('{')
	}
	for i, v := range m.Cells {
		switch {
		case i == 0:
		case form == 0:
			b.WriteString(", ")
		case i%m.Cols == 0:
			b.WriteByte(';')
		default:
			b.WriteByte(',')
		}
		b.WriteString(written(v, form == 1))
		if b.Len() > 4*maxText {
			break
		}
	}
	if form == 1 {
		b.WriteByte('}')
	}
	return c.text(b.String())
}
