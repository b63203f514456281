package textfile

import "strconv"

// maxDigits is what a float64 holds of every decimal number.
const maxDigits = 15

// number reads a plain decimal number that loses nothing: no leading zeros, which mean
// a code and not a quantity, and no more digits than a float64 keeps.
func number(text string) (float64, bool) {
	s := text
	if s[0] == '-' {
		s = s[1:]
	}
	digits, point := 0, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			digits++
		case c == '.' && !point:
			point = true
		case (c == 'e' || c == 'E') && digits > 0 && i+1 < len(s):
			return exponent(text, s, i)
		default:
			return 0, false
		}
	}
	if digits == 0 || digits > maxDigits || len(s) > 1 && s[0] == '0' && s[1] != '.' || s[len(s)-1] == '.' {
		return 0, false
	}
	n, err := strconv.ParseFloat(text, 64)
	return n, err == nil
}

// exponent reads a number with an exponent of at most three digits. A sign or a point
// is asked for, so that a code such as "12E5" stays text.
func exponent(text, s string, e int) (float64, bool) {
	signed := s[e+1] == '+' || s[e+1] == '-'
	pointed := false
	for i := range e {
		pointed = pointed || s[i] == '.'
	}
	if !signed && !pointed || e > maxDigits+1 || len(s)-e > 5 || s[0] == '0' && e > 1 && s[1] != '.' {
		return 0, false
	}
	n, err := strconv.ParseFloat(text, 64)
	return n, err == nil
}
