package fn

import (
	"cmp"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"gridflow/internal/cell"
)

// Compare orders two single values as the comparison operators do: numbers before
// texts before logical values; texts without regard to case; a blank is 0, "" or FALSE,
// whatever the other is. Numbers are equal when their first 15 significant digits are. It
// gives a negative number, zero or a positive one. Neither may be an error.
func Compare(a, b cell.Value) int {
	ka, kb := a.Kind(), b.Kind()
	if ka == cell.Blank {
		ka = kb
		switch kb {
		case cell.Blank:
			return 0
		case cell.Text:
			a = cell.TextValue("")
		}
	} else if kb == cell.Blank {
		kb = ka
		if ka == cell.Text {
			b = cell.TextValue("")
		}
	}
	if ka != kb {
		return cmp.Compare(rank(ka), rank(kb))
	}
	if ka == cell.Text {
		return CompareText(a.Text(), b.Text())
	}
	return CompareNumbers(a.Number(), b.Number())
}

func rank(k cell.Kind) int {
	switch k {
	case cell.Number:
		return 1
	case cell.Text:
		return 2
	case cell.Bool:
		return 3
	}
	return 4
}

// CompareNumbers orders numbers by their first 15 significant digits.
func CompareNumbers(a, b float64) int {
	if a == b {
		return 0
	}
	if math.Abs(a-b) <= 1e-14*math.Max(math.Abs(a), math.Abs(b)) && digits15(a) == digits15(b) {
		return 0
	}
	return cmp.Compare(a, b)
}

func digits15(f float64) string { return strconv.FormatFloat(f, 'e', 14, 64) }

// Round15 rounds to 15 significant digits, which is what Excel shows of a number.
func Round15(f float64) float64 {
	r, err := strconv.ParseFloat(digits15(f), 64)
	if err != nil {
		return f
	}
	return r
}

// EqualText compares texts as = does: without regard to case.
func EqualText(a, b string) bool {
	for i := range min(len(a), len(b)) {
		x, y := a[i], b[i]
		if x == y {
			continue
		}
		if x >= utf8.RuneSelf || y >= utf8.RuneSelf {
			return FoldText(a) == FoldText(b)
		}
		if lower(x) != lower(y) {
			return false
		}
	}
	return len(a) == len(b)
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// FoldText gives the form in which texts that differ in case only are the same: the key of
// a map that compares as = does.
func FoldText(s string) string {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf || s[i] >= 'A' && s[i] <= 'Z' {
			return strings.Map(func(r rune) rune { return unicode.ToLower(unicode.ToUpper(r)) }, s)
		}
	}
	return s
}
