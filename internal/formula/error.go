package formula

import (
	"fmt"
	"unicode/utf8"
)

// The bounds on what is parsed. Excel takes 8192 characters; the byte bound leaves
// room for characters of several bytes and for the storage prefixes of functions.
const (
	MaxLength = 8192 * 8 // bytes of formula text
	MaxDepth  = 512      // parentheses, calls and prefix operators inside one another
)

// ParseError says why a text is not a formula. Its message is meant for whoever
// wrote the formula, person or model: it names what was expected and where.
type ParseError struct {
	Offset  int    // bytes before the fault in the text that was given
	Message string // what is wrong, without the place
	Near    string // the text around the fault, cut to a few words
	column  int    // characters before the fault, plus one
}

// Error gives the message with its place, counted in characters from 1.
func (e *ParseError) Error() string {
	if e.Near == "" {
		return fmt.Sprintf("%s at position %d", e.Message, e.column)
	}
	return fmt.Sprintf("%s at position %d, near %q", e.Message, e.column, e.Near)
}

// newParseError makes the error for a fault at offset bytes into src.
func newParseError(src string, offset int, format string, args ...any) *ParseError {
	offset = min(offset, len(src))
	return &ParseError{
		Offset:  offset,
		Message: fmt.Sprintf(format, args...),
		Near:    near(src, offset),
		column:  utf8.RuneCountInString(src[:offset]) + 1,
	}
}

// near cuts the text around offset, not inside of a character.
func near(src string, offset int) string {
	from, to := max(0, offset-12), min(len(src), offset+12)
	for from > 0 && !utf8.RuneStart(src[from]) {
		from--
	}
	for to < len(src) && !utf8.RuneStart(src[to]) {
		to++
	}
	return src[from:to]
}

// ordinal gives "1st", "2nd", "3rd", "4th" and so on.
func ordinal(n int) string {
	suffix := "th"
	if n%100 < 11 || n%100 > 13 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return fmt.Sprintf("%d%s", n, suffix)
}
