package analyze

import (
	"errors"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"unicode/utf8"
	"unsafe"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// MatchMode says how a pattern is compared with a text.
type MatchMode uint8

// The ways to compare.
const (
	Contains MatchMode = iota
	Exact
	Prefix
	Regex
)

// Matcher tests texts against one pattern. It is immutable; any number of goroutines
// may use it at once.
type Matcher struct {
	mode  MatchMode
	text  string // the pattern, in lower case where case does not count
	fold  bool
	ascii bool // text holds no byte above 0x7f
	re    *regexp.Regexp
	plain bool // text could occur in a plain number
	dates bool // text could occur in an ISO date or time
}

// patternMax bounds a regular expression: its cost grows with it.
const patternMax = 1000

// PatternError says why a pattern cannot be used.
type PatternError struct {
	Pattern string
	Problem string
}

func (e *PatternError) Error() string {
	return "the pattern " + strconv.Quote(e.Pattern) + " cannot be used: " + e.Problem
}

// NewMatcher compiles a pattern. Regular expressions are those of Go's regexp package,
// which take time linear in the text; a wrong one gives a *PatternError.
func NewMatcher(pattern string, mode MatchMode, caseSensitive bool) (*Matcher, error) {
	m := &Matcher{mode: mode, text: pattern, fold: !caseSensitive, plain: true, dates: true}
	if mode == Regex {
		if len(pattern) > patternMax {
			return nil, &PatternError{clipText(pattern, 32), "it is longer than 1000 bytes"}
		}
		expr := pattern
		if m.fold {
			expr = "(?i)" + expr
		}
		re, err := regexp.Compile(expr)
		if err != nil {
			problem := err.Error()
			if e := (*syntax.Error)(nil); errors.As(err, &e) {
				problem = e.Code.String() // without the expression: it is not quite the caller's
			}
			return nil, &PatternError{pattern, problem}
		}
		m.re = re
		return m, nil
	}
	if m.fold {
		m.text = strings.ToLower(pattern)
	}
	m.ascii = isASCII(m.text)
	low := strings.ToLower(pattern)
	m.plain = strings.Trim(low, "0123456789.-+e") == ""
	m.dates = strings.Trim(low, "0123456789.-:t") == ""
	return m, nil
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// Match reports whether s fits the pattern.
func (m *Matcher) Match(s string) bool {
	switch {
	case m.mode == Regex:
		return m.re.MatchString(s)
	case !m.fold:
		switch m.mode {
		case Exact:
			return s == m.text
		case Prefix:
			return strings.HasPrefix(s, m.text)
		}
		return strings.Contains(s, m.text)
	case !isASCII(s):
		s = strings.ToLower(s)
		switch m.mode {
		case Exact:
			return s == m.text
		case Prefix:
			return strings.HasPrefix(s, m.text)
		}
		return strings.Contains(s, m.text)
	}
	if !m.ascii {
		return false // s has nothing but ASCII, in either case
	}
	switch m.mode {
	case Exact:
		return len(s) == len(m.text) && hasPrefixFold(s, m.text)
	case Prefix:
		return hasPrefixFold(s, m.text)
	}
	return containsFold(s, m.text)
}

// hasPrefixFold reports whether s begins with low, which is lower-case ASCII as s is
// ASCII in any case.
func hasPrefixFold(s, low string) bool {
	if len(s) < len(low) {
		return false
	}
	for i := 0; i < len(low); i++ {
		if lowerByte(s[i]) != low[i] {
			return false
		}
	}
	return true
}

func containsFold(s, low string) bool {
	if low == "" {
		return true
	}
	first := low[0]
	for i := 0; i+len(low) <= len(s); i++ {
		if lowerByte(s[i]) == first && hasPrefixFold(s[i:], low) {
			return true
		}
	}
	return false
}

func lowerByte(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// matchCell reports whether the value of c fits. buf is scratch space.
func (m *Matcher) matchCell(v View, c grid.Cell, buf []byte) (bool, []byte) {
	switch c.Value.Kind() {
	case cell.Text:
		return m.Match(c.Value.Text()), buf
	case cell.Blank:
		return m.Match(""), buf
	case cell.Number:
		// Nearly all numbers are passed over here without being written out.
		if !m.plain && !(m.dates && v.Styles.Format(c.Style).IsDate()) {
			return false, buf
		}
	}
	buf = v.Append(buf[:0], c)
	if m.mode == Regex {
		return m.re.Match(buf), buf
	}
	// The text is looked at and let go before buf is used again.
	return m.Match(unsafe.String(unsafe.SliceData(buf), len(buf))), buf
}
