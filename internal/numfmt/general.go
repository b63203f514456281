package numfmt

import (
	"math"
	"strconv"
)

// The General format shows a number in at most 11 characters, its sign not counted.
const (
	generalWidth    = 11
	generalDecimals = generalWidth - len("0.")
)

// appendGeneral shows x as the General format does in a wide cell: whole numbers up
// to 11 digits, otherwise as many decimals as fit, and scientific notation from 1E+11
// up, and below 0.0001 unless the number is exact with nine decimals.
func appendGeneral(dst []byte, x float64) []byte {
	if x < 0 {
		dst = append(dst, '-')
		x = -x
	}
	if x < 1e11 && x == math.Trunc(x) {
		return strconv.AppendUint(dst, uint64(x), 10)
	}
	var d decimal
	d.set(x)
	switch {
	case d.exp > generalWidth:
		return appendScientific(dst, &d)
	case d.exp > 0:
		r := d
		r.round(max(generalWidth-1-d.exp, 0))
		if r.exp > generalWidth {
			return appendScientific(dst, &d)
		}
		return appendFixed(dst, &r)
	case d.exp >= -3:
		d.round(generalDecimals)
		return appendFixed(dst, &d)
	case d.fracs() <= generalDecimals:
		return appendFixed(dst, &d)
	}
	return appendScientific(dst, &d)
}

// appendFixed appends all digits of d without an exponent.
func appendFixed(dst []byte, d *decimal) []byte {
	if d.exp <= 0 {
		dst = append(dst, '0')
	}
	dst = appendDigits(dst, d, d.ints()-1, 0, false)
	if f := d.fracs(); f > 0 {
		dst = append(dst, '.')
		dst = appendDigits(dst, d, -1, -f, false)
	}
	return dst
}

// appendScientific appends d as 1.23457E+15: six digits, or five where the exponent
// has three.
func appendScientific(dst []byte, d *decimal) []byte {
	digits := 6
	if e := d.exp - 1; e >= 100 || e <= -100 {
		digits = 5
	}
	d.keep(digits)
	e := d.exp - 1
	d.exp = 1
	dst = appendFixed(dst, d)
	dst = append(dst, 'E')
	if e < 0 {
		dst = append(dst, '-')
		e = -e
	} else {
		dst = append(dst, '+')
	}
	if e < 10 {
		dst = append(dst, '0')
	}
	return strconv.AppendInt(dst, int64(e), 10)
}

// appendGeneral shows x ≥ 0 with a section that holds the word General.
func (s *section) appendGeneral(dst []byte, x float64, minus bool) []byte {
	if minus {
		dst = append(dst, '-')
	}
	for i := range s.ops {
		if o := &s.ops[i]; o.kind == opGeneral {
			dst = appendGeneral(dst, x)
		} else {
			dst = append(dst, o.lit...)
		}
	}
	return dst
}

// appendText shows t with a text section.
func (s *section) appendText(dst []byte, t string) []byte {
	for i := range s.ops {
		if o := &s.ops[i]; o.kind == opText || o.kind == opGeneral {
			dst = append(dst, t...)
		} else {
			dst = append(dst, o.lit...)
		}
	}
	return dst
}
