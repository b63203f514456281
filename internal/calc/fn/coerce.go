package fn

import (
	"math"
	"strconv"
	"strings"

	"gridflow/internal/cell"
	"gridflow/internal/numfmt"
)

// ToNumber brings a single value to a number as arithmetic does: a logical value is 1 or
// 0, a blank is 0, a text is read as somebody would type it. The code says what it is
// instead: the error itself, or #VALUE! for a text that is no number.
func ToNumber(v cell.Value, dates numfmt.DateSystem) (float64, cell.ErrorCode) {
	switch v.Kind() {
	case cell.Number, cell.Bool:
		return v.Number(), 0
	case cell.Text:
		if f, ok := ParseNumber(v.Text(), dates); ok {
			return f, 0
		}
		return 0, cell.ErrValue
	case cell.Error:
		return 0, v.Err()
	}
	return 0, 0
}

// ToNumber is the function of that name for a value that is met while c is evaluated: a
// text may be a date without a year, which is one of this year.
func (c *Context) ToNumber(v cell.Value) (float64, cell.ErrorCode) {
	f, e := ToNumber(v, c.Dates)
	if e == cell.ErrValue && v.Kind() == cell.Text {
		if f, ok := c.ParseNumber(v.Text()); ok {
			return f, 0
		}
	}
	return f, e
}

// ToText brings a single value to a text as & does. The code is that of an error value.
func ToText(v cell.Value) (string, cell.ErrorCode) {
	switch v.Kind() {
	case cell.Text:
		return v.Text(), 0
	case cell.Number:
		return NumberText(v.Number()), 0
	case cell.Bool:
		if v.Bool() {
			return "TRUE", 0
		}
		return "FALSE", 0
	case cell.Error:
		return "", v.Err()
	}
	return "", 0
}

// ToBool brings a single value to a logical one as IF does: numbers other than 0 are
// true, the texts TRUE and FALSE are what they say, any other text is #VALUE!.
func ToBool(v cell.Value) (bool, cell.ErrorCode) {
	switch v.Kind() {
	case cell.Number, cell.Bool:
		return v.Number() != 0, 0
	case cell.Text:
		switch {
		case strings.EqualFold(v.Text(), "TRUE"):
			return true, 0
		case strings.EqualFold(v.Text(), "FALSE"):
			return false, 0
		}
		return false, cell.ErrValue
	case cell.Error:
		return false, v.Err()
	}
	return false, 0
}

// The widest text of a number that is written without an exponent when it becomes part
// of a text.
const plainWidth = 20

// NumberText gives the text that a number has where it becomes part of a text: 15
// significant digits, and an exponent only where it would be longer than 20 characters
// without one.
func NumberText(f float64) string { return string(AppendNumberText(nil, f)) }

// AppendNumberText appends the text of [NumberText] to b.
func AppendNumberText(b []byte, f float64) []byte {
	if f == 0 {
		return append(b, '0')
	}
	if f == math.Trunc(f) && math.Abs(f) < 1e15 {
		return strconv.AppendInt(b, int64(f), 10)
	}
	var buf [32]byte
	e := strconv.AppendFloat(buf[:0], math.Abs(f), 'e', 14, 64) // d.dddddddddddddde±xx
	mark := strings.IndexByte(string(e), 'e')
	exp, _ := strconv.Atoi(string(e[mark+1:]))
	digits := append([]byte{e[0]}, e[2:mark]...)
	for len(digits) > 1 && digits[len(digits)-1] == '0' {
		digits = digits[:len(digits)-1]
	}
	if f < 0 {
		b = append(b, '-')
	}
	switch {
	case exp < 0 && 1-exp+len(digits) > plainWidth, exp > plainWidth:
		b = append(b, digits[0])
		if len(digits) > 1 {
			b = append(b, '.')
			b = append(b, digits[1:]...)
		}
		b = append(b, 'E')
		sign := byte('+')
		if exp < 0 {
			sign, exp = '-', -exp
		}
		b = append(b, sign)
		if exp < 10 {
			b = append(b, '0')
		}
		return strconv.AppendInt(b, int64(exp), 10)
	case exp < 0:
		b = append(b, '0', '.')
		for range -exp - 1 {
			b = append(b, '0')
		}
		return append(b, digits...)
	}
	for i := 0; i <= exp || i < len(digits); i++ {
		if i == exp+1 {
			b = append(b, '.')
		}
		if i < len(digits) {
			b = append(b, digits[i])
		} else {
			b = append(b, '0')
		}
	}
	return b
}
