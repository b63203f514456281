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

const zeros = 0x3030303030303030 // "00000000"

// digits8 reports how many of the eight bytes of w, lowest first, are decimal digits
// before the first that is not, where w has been xored with zeros.
func digits8(w uint64) int {
	// What was a digit is 9 at most, and adding 0x76 leaves its top bit clear. A carry
	// out of another byte reaches only those behind it.
	return bits.TrailingZeros64((w+0x7676767676767676|w)&0x8080808080808080) >> 3
}

// value8 gives the value of eight decimal digits, lowest byte first, xored with zeros.
// It is the pairwise multiply that Daniel Lemire describes in "Quickly parsing eight
// digits" (2018).
func value8(w uint64) uint64 {
	w = w*10 + w>>8
	return ((w&0x000000FF000000FF)*(100+1000000<<32) + ((w>>16)&0x000000FF000000FF)*(1+10000<<32)) >> 32
}

// leading gives the value of the first n of such digits, where n is not 0: shifted to the
// top they have zeros in front of them.
func leading(w uint64, n int) uint64 { return value8(w << (-8 * n & 63)) }

// digitRun reads the decimal digits at b[p:], continuing the number m, and gives the
// position behind them, or behind the fortieth: no number that a program wrote has
// more, and the bound keeps the caller's reach fixed. Numbers of more than 19 digits
// wrap: the caller counts. b must be readable for eight bytes past the last of them.
func digitRun(b []byte, p int, m uint64) (uint64, int) {
	for range 5 {
		w := binary.LittleEndian.Uint64(b[p:]) ^ zeros
		n := digits8(w)
		if n == 8 {
			m = m*100000000 + value8(w)
			p += 8
			continue
		}
		if n > 0 {
			m = m*uint64(pow10int[n]) + leading(w, n)
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
	var m uint64
	var digits, exp int
	w := binary.LittleEndian.Uint64(b[p:]) ^ zeros
	if n := digits8(w); n > 0 && n < 8 && b[p+n] == '.' {
		// The common decimal: a 0 in front in exchange for the point makes one run of it.
		before := uint64(1)<<(8*n) - 1
		w = w&^(before<<8|0xFF) | w&before<<8
		if k := digits8(w); k < 8 {
			m, p = leading(w, k), p+k
		} else {
			m, p = digitRun(b, p+8, value8(w))
		}
		digits = p - first - 1
		exp = n - digits
	} else {
		m, p = digitRun(b, p, 0)
		digits = p - first
		if digits == 0 && b[p] != '.' {
			return 0, p, false
		}
	}
	if digits == p-first && b[p] == '.' {
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
		f = float64(int64(m))
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
	if digits <= 19 && exp < 0 && exp >= -19 && m != 0 {
		f = overPowerOf10(m, uint(-exp))
		if neg {
			f = -f
		}
		return f, p, true
	}
	f, err := strconv.ParseFloat(unsafe.String(&b[start], p-start), 64)
	return f, p, err == nil
}

// decimal reads a number of the form 12.25</v></c> at in[q:], of 23 digits at most, and
// gives the position behind it. w is what stands there, xored with zeros, and n the number
// of digits in front of the point, if it is one. It must be able to read 32 bytes.
//
// How many digits there are differs from cell to cell, so there is as little to branch on
// as can be.
func decimal(in unsafe.Pointer, q, n uint, w uint64) (f float64, next uint, ok bool) {
	if n-1 >= 7 || byte(w>>(8*n&63)) != '.'^'0' {
		return 0, 0, false
	}
	// A 0 in front in exchange for the point makes one run of the digits around it.
	before := uint64(1)<<(8*n&63) - 1
	w = w&^(before<<8|0xFF) | w&before<<8
	k := uint(digits8(w))
	m := w << ((64 - 8*k) & 63)
	m = value8(m)
	// The second word counts if the first is full.
	w = load64(in, q+8) ^ zeros
	more := uint(digits8(w)) & -(k >> 3)
	if more < 8 {
		m = m*uint64(pow10int[more&7]) + value8(w<<((56-8*more)&63)<<8)
		k += more
	} else {
		w3 := load64(in, q+16) ^ zeros
		more = uint(digits8(w3))
		if more == 8 {
			return 0, 0, false
		}
		m = (m*100000000+value8(w))*uint64(pow10int[more&7]) + value8(w3<<((56-8*more)&63)<<8)
		k += 8 + more
	}
	next = q + k + 8
	exp := k - 1 - n
	if load64(in, q+k) != endValueCell || k > 20 || exp == 0 {
		return 0, 0, false
	}
	if m < 1<<53 {
		return float64(int64(m)) / pow10[exp], next, true
	}
	return overPowerOf10(m, exp), next, true
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
	// q is 2^52 at least, and where rounding made it 2^53 it adds one to the exponent.
	return math.Float64frombits(uint64(exp+11+52+1023)<<52 + q - 1<<52)
}

// reciprocals[e].factor is 2^127/(10^e << zeros) rounded down, which fills 64 bits.
var reciprocals = func() (t [20]struct {
	factor uint64
	zeros  int // the bits in front of 10^e
}) {
	for e := 1; e < len(t); e++ {
		t[e].zeros = bits.LeadingZeros64(pow10uint[e])
		t[e].factor, _ = bits.Div64(1<<63, 0, pow10uint[e]<<t[e].zeros)
	}
	return t
}()

// overPowerOf10 is quotient(m, 10^e) for an e from 1 to 19, mostly by a multiplication, as
// Eisel and Lemire do it: the product falls short of what it stands for by less than
// m, shifted, in the last place, and where that might matter quotient is asked.
func overPowerOf10(m uint64, e uint) float64 {
	t := &reciprocals[e]
	zm := bits.LeadingZeros64(m)
	m <<= zm & 63
	high, low := bits.Mul64(m, t.factor)
	exp := t.zeros - zm - 63 // m/10^e = high * 2^exp
	top := int(high >> 63)
	q := high >> (top + 9) // with one bit more than a float64 has
	if high&0x1FF == 0x1FF && low+m < low || high&0x1FF == 0 && low == 0 && q&3 == 1 {
		return quotient(m>>(zm&63), pow10uint[e])
	}
	q = (q + q&1) >> 1
	return math.Float64frombits(uint64(exp+top+10+52+1023)<<52 + q - 1<<52)
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
