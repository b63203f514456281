package emit

import (
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"

	"gridflow/internal/cell"
)

// The limits of Excel, beyond which it takes a file for damaged ("Excel specifications and
// limits").
const (
	MaxText    = 32767 // UTF-16 code units in a cell
	MaxFormula = 8192  // characters of a formula
)

// AppendText appends s as character data. What XML cannot hold is written as _xHHHH_, and an
// underscore that would begin such an escape is protected (ECMA-376 part 1, 22.9.2.19,
// ST_Xstring). What is no UTF-8 becomes U+FFFD.
func AppendText(dst []byte, s string) []byte { return appendEscaped(dst, s, false) }

// AppendAttribute appends s as the value of an attribute in double quotes, without these.
func AppendAttribute(dst []byte, s string) []byte { return appendEscaped(dst, s, true) }

// special marks the bytes that do not stand for themselves everywhere.
var special = func() (t [256]bool) {
	for c := range t {
		t[c] = c < ' ' || c >= 0x80
	}
	for _, c := range "&<>\"_" {
		t[c] = true
	}
	return t
}()

func appendEscaped(dst []byte, s string, attribute bool) []byte {
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if !special[c] {
			i++
			continue
		}
		n, as := 1, ""
		switch {
		case c == '&':
			as = "&amp;"
		case c == '<':
			as = "&lt;"
		case c == '>':
			as = "&gt;"
		case c == '"' && attribute:
			as = "&quot;"
		case c == '_':
			if escapes(s[i:]) {
				as = "_x005F_"
			}
		case (c == '\n' || c == '\t') && !attribute:
		case c < ' ':
			as = fmt.Sprintf("_x%04X_", c)
		case c >= 0x80:
			var r rune
			r, n = utf8.DecodeRuneInString(s[i:])
			switch {
			case r == utf8.RuneError && n == 1:
				as = "\uFFFD"
			case r == 0xFFFE || r == 0xFFFF:
				as = fmt.Sprintf("_x%04X_", r)
			}
		}
		if as != "" {
			dst = append(dst, s[start:i]...)
			dst = append(dst, as...)
			start = i + n
		}
		i += n
	}
	return append(dst, s[start:]...)
}

// escapes reports whether s begins as an escape does.
func escapes(s string) bool {
	if len(s) < 7 || s[1] != 'x' || s[6] != '_' {
		return false
	}
	for _, c := range []byte(s[2:6]) {
		if hex := c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f'; !hex {
			return false
		}
	}
	return true
}

// AppendNumber appends the shortest spelling that reads back as f, which must be finite.
func AppendNumber(dst []byte, f float64) []byte {
	if i := int64(f); float64(i) == f && i > -1e15 && i < 1e15 && (i != 0 || !math.Signbit(f)) {
		return strconv.AppendInt(dst, i, 10)
	}
	if a := math.Abs(f); a == 0 || a >= 1e-5 && a < 1e21 {
		return strconv.AppendFloat(dst, f, 'f', -1, 64)
	}
	return strconv.AppendFloat(dst, f, 'E', -1, 64)
}

// Type gives the t attribute of a cell that holds v, "" for one that needs none. The text
// that a formula gives is marked as such.
func Type(v cell.Value, computed bool) string {
	switch v.Kind() {
	case cell.Text:
		if computed {
			return "str"
		}
		return "inlineStr"
	case cell.Bool:
		return "b"
	case cell.Error:
		return "e"
	}
	return ""
}

// AppendValue appends the element for v, nothing for a blank. Prefix is that of the
// spreadsheet elements, with its colon.
func AppendValue(dst []byte, prefix string, v cell.Value, computed bool) []byte {
	if v.IsBlank() {
		return dst
	}
	name, text := "v", v.Kind() == cell.Text
	if text && !computed {
		dst = append(dst, '<')
		dst = append(dst, prefix...)
		dst = append(dst, "is>"...)
		name = "t"
	}
	dst = append(dst, '<')
	dst = append(dst, prefix...)
	dst = append(dst, name...)
	if text && spaced(v.Text()) {
		dst = append(dst, ` xml:space="preserve"`...)
	}
	dst = append(dst, '>')
	switch v.Kind() {
	case cell.Number:
		dst = AppendNumber(dst, v.Number())
	case cell.Text:
		dst = AppendText(dst, v.Text())
	case cell.Bool:
		dst = append(dst, '0'+byte(v.Number()))
	case cell.Error:
		dst = append(dst, Stored(v.Err()).String()...)
	}
	dst = closing(dst, prefix, name)
	if text && !computed {
		dst = closing(dst, prefix, "is")
	}
	return dst
}

func closing(dst []byte, prefix, name string) []byte {
	dst = append(dst, "</"...)
	dst = append(dst, prefix...)
	dst = append(dst, name...)
	return append(dst, '>')
}

// spaced reports whether white space of s is at risk where nothing says to preserve it.
func spaced(s string) bool {
	space := func(c byte) bool { return c == ' ' || c == '\n' || c == '\t' }
	if len(s) == 0 {
		return false
	}
	if space(s[0]) || space(s[len(s)-1]) {
		return true
	}
	for i := range len(s) {
		if s[i] == '\n' {
			return true
		}
	}
	return false
}

// Stored gives the error value that a file holds for e. ST_CellType knows those of Excel
// 2007 alone; for one that came later Excel writes #VALUE! and, in a part of its own, what
// it really is.
func Stored(e cell.ErrorCode) cell.ErrorCode {
	if e >= cell.ErrNull && e <= cell.ErrGettingData {
		return e
	}
	return cell.ErrValue
}

// Check says why a file cannot hold v, nil if it can.
func Check(v cell.Value) error {
	switch v.Kind() {
	case cell.Number:
		if f := v.Number(); math.IsNaN(f) || math.IsInf(f, 0) {
			return fmt.Errorf("%v is no number that a cell can hold", f)
		}
	case cell.Text:
		if n := units(v.Text()); n > MaxText {
			return fmt.Errorf("a text of %d characters is longer than the %d that a cell can hold", n, MaxText)
		}
	}
	return nil
}

// CheckFormula says why a file cannot hold a formula, nil if it can.
func CheckFormula(text string) error {
	if text == "" {
		return fmt.Errorf("the formula is empty")
	}
	if n := units(text); n > MaxFormula {
		return fmt.Errorf("a formula of %d characters is longer than the %d that a cell can hold", n, MaxFormula)
	}
	return nil
}

// units is the number of UTF-16 code units in s.
func units(s string) int {
	if len(s) <= MaxFormula {
		return len(s) // no more than that, and no limit is lower
	}
	n := 0
	for _, r := range s {
		n++
		if r > 0xFFFF {
			n++
		}
	}
	return n
}
