package fn

import (
	"strconv"
	"strings"

	"gridflow/internal/numfmt"
)

// ParseNumber reads a text as Excel (en-US) reads what somebody types into a cell:
// numbers with thousands separators, a sign or parentheses, a currency or a percent sign,
// an exponent, fractions (1 1/2), and dates and times. ok is false for any other text,
// the empty one included, and for a date without a year, which [Context.ParseNumber] reads.
func ParseNumber(text string, dates numfmt.DateSystem) (f float64, ok bool) {
	return parseTyped(text, dates, 0)
}

// ParseNumber is the function of that name for a text that is read while c is evaluated: a
// date without a year is one of this year.
func (c *Context) ParseNumber(text string) (f float64, ok bool) {
	if f, ok := parseTyped(text, c.Dates, 0); ok {
		return f, ok
	}
	return parseTyped(text, c.Dates, c.year())
}

// year gives the year in which c is evaluated.
func (c *Context) year() int {
	y, _, _, _, _, _, _, _ := numfmt.FromSerial(c.Now, c.Dates)
	return y
}

func parseTyped(text string, dates numfmt.DateSystem, year int) (f float64, ok bool) {
	s := trimTyped(text)
	if s == "" {
		return 0, false
	}
	if f, ok := parseDecimal(s); ok {
		return f, true
	}
	if f, ok := parseDecorated(s); ok {
		return f, true
	}
	day, time, hasDay, hasTime := parseDateTime(s, dates, year)
	if hasDay && strings.HasSuffix(text, " ") { // with which a date may not end, though all else may
		return 0, false
	}
	return day + time, hasDay || hasTime
}

// trimTyped takes away the white space around what somebody typed.
func trimTyped(s string) string { return strings.Trim(s, " \t\n\r\u00a0") }

// parseDecimal reads plain numbers: digits, a point, an exponent, a sign.
func parseDecimal(s string) (float64, bool) {
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9', c == '.', c == '+', c == '-', c == 'e', c == 'E':
		default:
			return 0, false
		}
	}
	if s[0] == 'e' || s[0] == 'E' {
		return 0, false
	}
	if len(s) > 15 {
		s = firstDigits(s)
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil
}

// firstDigits puts 0 for all digits after the first 15 that count, as Excel does.
func firstDigits(s string) string {
	b, n := []byte(s), 0
	for i, c := range b {
		switch {
		case c == 'e' || c == 'E':
			return string(b)
		case c < '0' || c > '9' || n == 0 && c == '0':
		default:
			if n++; n > 15 {
				b[i] = '0'
			}
		}
	}
	return string(b)
}

// parseDecorated reads numbers with what people write around them.
func parseDecorated(s string) (float64, bool) {
	sign, scale := 1.0, 1.0 // what is read is to be multiplied by the one, divided by the other
	if len(s) > 2 && s[0] == '(' && s[len(s)-1] == ')' {
		sign, s = -1, strings.TrimSpace(s[1:len(s)-1])
	}
	signed, money := sign < 0, false
	for len(s) > 0 {
		symbol := currency(s)
		switch {
		case !signed && (s[0] == '-' || s[0] == '+'):
			if s[0] == '-' {
				sign = -1
			}
			signed = true
		case !money && symbol > 0:
			money = true
			s = s[symbol-1:]
		case scale == 1 && !money && s[0] == '%':
			scale = 100
		default:
			goto digits
		}
		s = strings.TrimLeft(s[1:], " ")
	}
	return 0, false
digits:
	if scale == 1 && s[len(s)-1] == '%' {
		scale, s = 100, strings.TrimRight(s[:len(s)-1], " ")
	}
	for _, symbol := range currencies {
		if rest, ok := strings.CutSuffix(s, symbol); ok && !money {
			s = strings.TrimRight(rest, " ")
		}
	}
	if whole, rest, found := strings.Cut(s, " "); found {
		num, den, found := strings.Cut(strings.TrimSpace(rest), "/")
		if !found {
			return 0, false
		}
		w, ok1 := parseUnsigned(whole)
		n, ok2 := parseUnsigned(num)
		d, ok3 := parseUnsigned(den)
		if !ok1 || !ok2 || !ok3 || d == 0 {
			return 0, false
		}
		return sign * (w + n/d) / scale, true
	}
	mantissa, thousands := ungroup(s)
	if !thousands && strings.Contains(s, ",") {
		return 0, false
	}
	if mantissa == "" || mantissa[0] == '-' || mantissa[0] == '+' {
		return 0, false
	}
	f, ok := parseDecimal(mantissa)
	return sign * f / scale, ok
}

// currencies are the signs that Excel (en-US) reads before or after a number.
var currencies = [...]string{"$", "€", "£", "¥"}

// currency gives the length of the currency sign with which s begins, 0 for none.
func currency(s string) int {
	for _, symbol := range currencies {
		if strings.HasPrefix(s, symbol) {
			return len(symbol)
		}
	}
	return 0
}

func parseUnsigned(s string) (float64, bool) {
	if len(s) == 0 || len(s) > 15 {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 64)
	return float64(n), err == nil
}

// ungroup takes out commas between groups of three digits before the point.
func ungroup(s string) (string, bool) {
	point := strings.IndexAny(s, ".eE")
	if point < 0 {
		point = len(s)
	}
	groups := strings.Split(s[:point], ",")
	if len(groups) == 1 {
		return s, false
	}
	for i, g := range groups {
		if i > 0 && len(g) != 3 || g == "" {
			return s, false
		}
	}
	return strings.Join(groups, "") + s[point:], true
}
