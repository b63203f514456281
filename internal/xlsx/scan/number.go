package scan

import (
	"encoding/binary"
	"math"
	"math/bits"
	"strconv"
	"unsafe"
)

var pow10 = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// digits8 reports how many of the eight bytes of w, lowest first, are decimal digits
// before the first that is not.
func digits8(w uint64) int {
	// A digit is 0x30…0x39: the high nibble is 3, and adding 6 does not leave it.
	x := (w & 0xF0F0F0F0F0F0F0F0) ^ 0x3030303030303030
	y := ((w + 0x0606060606060606) & 0xF0F0F0F0F0F0F0F0) ^ 0x3030303030303030
	return bits.TrailingZeros64(x|y) >> 3
}

// value8 gives the value of eight decimal digits, lowest byte first.
// It is the pairwise multiply that Daniel Lemire describes in "Quickly parsing eight
// digits" (2018).
func value8(w uint64) uint64 {
	w -= 0x3030303030303030
	w = w*10 + w>>8
	return ((w&0x000000FF000000FF)*(100+1000000<<32) + ((w>>16)&0x000000FF000000FF)*(1+10000<<32)) >> 32
}

// digitRun reads the decimal digits at b[p:], continuing the number m, and gives the
// position behind them, or behind the fortieth: no number that a program wrote has
// more, and the bound keeps the caller's reach fixed. Numbers of more than 19 digits
// wrap: the caller counts. b must be readable for eight bytes past the last of them.
func digitRun(b []byte, p int, m uint64) (uint64, int) {
	for range 5 {
		w := binary.LittleEndian.Uint64(b[p:])
		n := digits8(w)
		if n == 8 {
			m = m*100000000 + value8(w)
			p += 8
			continue
		}
		if n > 0 {
			// Shift the digits to the top: the zero bytes below become leading zeros.
			w = w<<(64-8*n) | 0x3030303030303030>>(8*n)
			m = m*uint64(pow10int[n]) + value8(w)
			p += n
		}
		return m, p
	}
	return m, p
}

var pow10int = [...]uint32{1, 10, 100, 1000, 10000, 100000, 1000000, 10000000}

// number reads the number at b[p:] up to the "<" that ends it and gives the position
// of that "<". ok is false where the text there is not a plain decimal number; then
// the general path looks at it. b must be readable for eight bytes past the "<".
func number(b []byte, p int) (f float64, next int, ok bool) {
	start := p
	neg := b[p] == '-'
	if neg {
		p++
	}
	first := p
	m, p := digitRun(b, p, 0)
	digits := p - first
	if digits == 0 && b[p] != '.' {
		return 0, p, false
	}
	exp := 0
	if b[p] == '.' {
		p++
		point := p
		m, p = digitRun(b, p, m)
		digits += p - point
		exp = point - p
		if digits == 0 {
			return 0, p, false
		}
	}
	if b[p]|0x20 == 'e' {
		p++
		eneg := b[p] == '-'
		if eneg || b[p] == '+' {
			p++
		}
		efirst := p
		e, q := digitRun(b, p, 0)
		if q == efirst || q-efirst > 5 {
			return 0, q, false
		}
		p = q
		if eneg {
			exp -= int(e)
		} else {
			exp += int(e)
		}
	}
	if b[p] != '<' {
		return 0, p, false
	}
	// A mantissa and a power of ten that a float64 holds exactly give a result that is
	// rounded once, hence right (Clinger 1990).
	if digits <= 19 && m < 1<<53 && exp >= -22 && exp <= 22 {
		f = float64(m)
		if exp < 0 {
			f /= pow10[-exp]
		} else {
			f *= pow10[exp]
		}
		if neg {
			f = -f
		}
		return f, p, true
	}
	if digits <= 19 && exp <= 0 && exp >= -19 && m != 0 {
		f = quotient(m, pow10uint[-exp])
		if neg {
			f = -f
		}
		return f, p, true
	}
	f, err := strconv.ParseFloat(unsafe.String(&b[start], p-start), 64)
	return f, p, err == nil
}

// pow10uint holds the powers of ten that 64 bits hold.
var pow10uint = func() (t [20]uint64) {
	t[0] = 1
	for i := 1; i < len(t); i++ {
		t[i] = 10 * t[i-1]
	}
	return t
}()

// quotient gives m/d, rounded once to the nearest float64, ties to even. It is the
// schoolbook way: an integer quotient of 63 or 64 bits and whether anything was left.
// Neither m nor d may be 0. The result is always a normal number.
func quotient(m, d uint64) float64 {
	zm, zd := bits.LeadingZeros64(m), bits.LeadingZeros64(d)
	m, d = m<<zm, d<<zd
	// The high word is below 2^63 and d is not, as Div64 demands.
	q, rest := bits.Div64(m>>1, m<<63, d)
	exp := zd - zm - 63 // m/d = q * 2^exp
	if q>>63 == 0 {
		q, exp = q<<1, exp-1
	}
	// Eleven bits too many: round them off, what is left of the division below them.
	low := q & 0x7FF
	q >>= 11
	if low > 0x400 || low == 0x400 && (rest != 0 || q&1 != 0) {
		q++
	}
	return math.Ldexp(float64(q), exp+11)
}

// looseNumber reads the numbers that some programs write and the fast path declines:
// a leading plus, more digits than any float holds. Words such as "NaN" are no numbers.
func looseNumber(v []byte) (float64, bool) {
	for _, c := range v {
		if (c < '0' || c > '9') && c != '+' && c != '-' && c != '.' && c != 'e' && c != 'E' {
			return 0, false
		}
	}
	f, err := strconv.ParseFloat(string(v), 64)
	return f, err == nil
}
