package numfmt

import "strconv"

// digitsMax is the number of significant digits that Excel keeps when it shows a
// number.
const digitsMax = 15

// decimal is a non-negative number as Excel rounds it: to 15 significant digits
// first, then by hand on those digits, half away from zero. So 1.005, which as a
// float lies below, shows as 1.01 with two decimals.
//
// Its value is 0.d₀d₁d₂… × 10^exp. Zero has no digits.
type decimal struct {
	d   [digitsMax]byte // digits '0' … '9', the first n of them valid, no zero at the end
	n   int
	exp int
}

// set makes d the first 15 significant digits of x ≥ 0.
func (d *decimal) set(x float64) {
	if x < 1e15 {
		if i := uint64(x); float64(i) == x {
			d.setInt(i)
			return
		}
	}
	var buf [32]byte
	b := strconv.AppendFloat(buf[:0], x, 'e', digitsMax-1, 64) // d.dddde±xx
	d.d[0] = b[0]
	copy(d.d[1:], b[2:2+digitsMax-1])
	d.n = digitsMax
	e := 0
	for _, c := range b[digitsMax+3:] {
		e = e*10 + int(c-'0')
	}
	if b[digitsMax+2] == '-' {
		e = -e
	}
	d.exp = e + 1
	d.trim()
}

// setInt makes d the number i < 10^15.
func (d *decimal) setInt(i uint64) {
	var buf [digitsMax]byte
	k := len(buf)
	for ; i > 0; i /= 10 {
		k--
		buf[k] = byte('0' + i%10)
	}
	d.n = copy(d.d[:], buf[k:])
	d.exp = d.n
	d.trim()
}

// trim drops the zeros at the end.
func (d *decimal) trim() {
	for d.n > 0 && d.d[d.n-1] == '0' {
		d.n--
	}
	if d.n == 0 {
		d.exp = 0
	}
}

// round keeps the digits up to the given decimal place, half away from zero.
func (d *decimal) round(decimals int) { d.keep(d.exp + decimals) }

// keep keeps the first n digits, rounding half away from zero. n may be negative.
func (d *decimal) keep(n int) {
	if n >= d.n {
		return
	}
	if n < 0 {
		d.n, d.exp = 0, 0
		return
	}
	up := d.d[n] >= '5'
	d.n = n
	if !up {
		d.trim()
		return
	}
	for d.n > 0 && d.d[d.n-1] == '9' {
		d.n--
	}
	if d.n == 0 {
		d.d[0] = '1'
		d.n = 1
		d.exp++
		return
	}
	d.d[d.n-1]++
}

// at gives the digit of place p: 0 is the ones, 1 the tens, -1 the first decimal.
func (d *decimal) at(p int) byte {
	if i := d.exp - 1 - p; i >= 0 && i < d.n {
		return d.d[i]
	}
	return '0'
}

// ints is the number of digits before the decimal point, 0 for numbers below one.
func (d *decimal) ints() int { return max(d.exp, 0) }

// fracs is the number of digits behind the decimal point.
func (d *decimal) fracs() int { return max(d.n-d.exp, 0) }

// appendMissing shows placeholder ph where the number has no digit.
func appendMissing(dst []byte, ph byte) []byte {
	switch ph {
	case '0':
		return append(dst, '0')
	case '?':
		return append(dst, ' ')
	}
	return dst
}

// appendNumber shows x ≥ 0 with a section of digits. The sign is left out where the
// digits shown are all zero, as Excel does since 2007.
func (s *section) appendNumber(dst []byte, x float64, minus bool) []byte {
	if s.literal {
		if minus {
			dst = append(dst, '-')
		}
		for i := range s.ops {
			dst = append(dst, s.ops[i].lit...)
		}
		return dst
	}
	var d decimal
	d.set(x)
	if d.n > 0 {
		d.exp += s.shift
	}
	exp := 0
	if s.exponent {
		exp = s.scale(&d)
	} else {
		d.round(s.decimals)
	}
	if minus && d.n > 0 {
		dst = append(dst, '-')
	}
	var e decimal
	expSign := byte(0)
	if s.exponent {
		e.setInt(uint64(max(exp, -exp)))
	}
	for i := range s.ops {
		o := &s.ops[i]
		switch o.kind {
		case opInt:
			dst = s.appendInt(dst, &d, o, s.ints)
		case opPoint:
			if s.ints == 0 { // the code has no place for them, but they must be shown
				dst = appendDigits(dst, &d, d.ints()-1, 0, s.group)
			}
			dst = append(dst, '.')
		case opDecimal:
			if int(o.n) <= d.fracs() {
				dst = append(dst, d.at(-int(o.n)))
			} else {
				dst = appendMissing(dst, o.ph)
			}
		case opExponent:
			dst = append(dst, 'E')
			if exp < 0 {
				expSign = '-'
			} else if o.ph == '+' {
				expSign = '+'
			}
		case opExpDigit:
			if expSign != 0 { // behind any literal text that follows the E
				dst = append(dst, expSign)
				expSign = 0
			}
			if e.n == 0 && o.n == 0 {
				dst = append(dst, '0')
			} else {
				dst = s.appendExponent(dst, &e, o)
			}
		default:
			dst = append(dst, o.lit...)
		}
	}
	return dst
}

// appendExponent shows one place of the exponent, and at the first one all digits
// that the code has no place for.
func (s *section) appendExponent(dst []byte, e *decimal, o *op) []byte {
	if int(o.n) == s.expDigits-1 {
		dst = appendDigits(dst, e, e.ints()-1, s.expDigits, false)
	}
	if int(o.n) < e.ints() {
		return append(dst, e.at(int(o.n)))
	}
	return appendMissing(dst, o.ph)
}

// appendInt shows one of the places of the integer part, and at the first of them
// all digits that the code has no place for.
func (s *section) appendInt(dst []byte, d *decimal, o *op, places int) []byte {
	p, n := int(o.n), d.ints()
	if p == places-1 {
		dst = appendDigits(dst, d, n-1, places, s.group)
	}
	sep := byte(',')
	switch {
	case p < n:
		dst = append(dst, d.at(p))
	case o.ph == '0':
		dst = append(dst, '0')
	case o.ph == '?':
		dst = append(dst, ' ')
		sep = ' '
	default:
		return dst
	}
	if s.group && p > 0 && p%3 == 0 {
		dst = append(dst, sep)
	}
	return dst
}

// appendDigits appends the digits of places from … to of d, from the left.
func appendDigits(dst []byte, d *decimal, from, to int, group bool) []byte {
	for p := from; p >= to; p-- {
		dst = append(dst, d.at(p))
		if group && p > 0 && p%3 == 0 {
			dst = append(dst, ',')
		}
	}
	return dst
}

// scale makes d the mantissa that s shows, rounded, and gives the exponent. With
// several places before the point the exponent is a multiple of their number, as in
// engineering notation; with none the mantissa is below one.
func (s *section) scale(d *decimal) (exp int) {
	if d.n == 0 {
		return 0
	}
	if s.ints == 0 {
		exp = d.exp
	} else {
		exp = floorDiv(d.exp-1, s.ints) * s.ints
	}
	d.exp -= exp
	d.round(s.decimals)
	if d.exp > s.ints { // rounded up to one more digit than there is room for
		step := max(s.ints, 1)
		d.exp -= step
		exp += step
	}
	return exp
}

func floorDiv(a, b int) int {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
