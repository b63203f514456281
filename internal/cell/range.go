package cell

import (
	"fmt"
	"strconv"
	"strings"
)

// Range is a rectangle of cells, both corners included. First is its top left
// cell and Last its bottom right one; a Range made by this package keeps that
// order. The zero Range is the single cell A1.
type Range struct {
	First, Last Ref
}

// RangeOf gives the range that has a and b as opposite corners, in any order.
func RangeOf(a, b Ref) Range {
	return Range{
		First: Ref{min(a.Row, b.Row), min(a.Col, b.Col)},
		Last:  Ref{max(a.Row, b.Row), max(a.Col, b.Col)},
	}
}

// WholeSheet is every cell of a worksheet.
var WholeSheet = Range{Last: Ref{MaxRows - 1, MaxCols - 1}}

// Rows is the number of rows in r.
func (r Range) Rows() int { return r.Last.Row - r.First.Row + 1 }

// Cols is the number of columns in r.
func (r Range) Cols() int { return r.Last.Col - r.First.Col + 1 }

// Cells is the number of cells in r, stored or not.
func (r Range) Cells() int64 { return int64(r.Rows()) * int64(r.Cols()) }

// WholeColumns reports whether r spans every row.
func (r Range) WholeColumns() bool { return r.First.Row == 0 && r.Last.Row == MaxRows-1 }

// WholeRows reports whether r spans every column.
func (r Range) WholeRows() bool { return r.First.Col == 0 && r.Last.Col == MaxCols-1 }

// Contains reports whether c lies in r.
func (r Range) Contains(c Ref) bool {
	return c.Row >= r.First.Row && c.Row <= r.Last.Row && c.Col >= r.First.Col && c.Col <= r.Last.Col
}

// ContainsRange reports whether every cell of o lies in r.
func (r Range) ContainsRange(o Range) bool { return r.Contains(o.First) && r.Contains(o.Last) }

// Intersect gives the cells that r and o share, and whether there are any.
func (r Range) Intersect(o Range) (Range, bool) {
	x := Range{
		First: Ref{max(r.First.Row, o.First.Row), max(r.First.Col, o.First.Col)},
		Last:  Ref{min(r.Last.Row, o.Last.Row), min(r.Last.Col, o.Last.Col)},
	}
	if x.First.Row > x.Last.Row || x.First.Col > x.Last.Col {
		return Range{}, false
	}
	return x, true
}

// Union gives the smallest range that holds both r and o.
func (r Range) Union(o Range) Range {
	return Range{
		First: Ref{min(r.First.Row, o.First.Row), min(r.First.Col, o.First.Col)},
		Last:  Ref{max(r.Last.Row, o.Last.Row), max(r.Last.Col, o.Last.Col)},
	}
}

// String gives the shortest relative A1 form: "B2" for one cell, "A:C" for whole
// columns, "2:5" for whole rows, otherwise "B2:D9".
func (r Range) String() string {
	var buf [32]byte
	return string(r.AppendA1(buf[:0]))
}

// AppendA1 appends the text of String to b.
func (r Range) AppendA1(b []byte) []byte {
	switch {
	case r.WholeRows() && !r.WholeColumns():
		b = strconv.AppendInt(b, int64(r.First.Row)+1, 10)
		b = append(b, ':')
		return strconv.AppendInt(b, int64(r.Last.Row)+1, 10)
	case r.WholeColumns():
		b = AppendColumn(b, r.First.Col)
		b = append(b, ':')
		return AppendColumn(b, r.Last.Col)
	}
	b = r.First.AppendA1(b)
	if r.First == r.Last {
		return b
	}
	b = append(b, ':')
	return r.Last.AppendA1(b)
}

// ParseRange reads "B2", "B2:D9", "A:C" or "2:5", with or without dollar signs and
// with the corners in any order. It knows no sheet names: see [SplitSheet].
func ParseRange(s string) (Range, bool) {
	a, b, two := strings.Cut(s, ":")
	if !two {
		r, ok := ParseRef(a)
		return Range{r, r}, ok
	}
	if x, ok := ParseRef(a); ok {
		y, ok := ParseRef(b)
		return RangeOf(x, y), ok
	}
	a, b = strings.TrimPrefix(a, "$"), strings.TrimPrefix(b, "$")
	if x, ok := ParseColumn(a); ok {
		y, ok := ParseColumn(b)
		return Range{Ref{0, min(x, y)}, Ref{MaxRows - 1, max(x, y)}}, ok
	}
	if x, ok := ParseRow(a); ok {
		y, ok := ParseRow(b)
		return Range{Ref{min(x, y), 0}, Ref{max(x, y), MaxCols - 1}}, ok
	}
	return Range{}, false
}

// SplitSheet separates a sheet prefix from a reference: "'Q1 ”26'!A1:B2" gives
// "Q1 '26" and "A1:B2". Without a prefix, sheet is empty and rest is s. ok is false
// where a quote is not closed or the sheet name is empty.
func SplitSheet(s string) (sheet, rest string, ok bool) {
	if strings.HasPrefix(s, "'") {
		var name strings.Builder
		for i := 1; i < len(s); i++ {
			if s[i] != '\'' {
				name.WriteByte(s[i])
				continue
			}
			if i+1 < len(s) && s[i+1] == '\'' {
				name.WriteByte('\'')
				i++
				continue
			}
			if i+1 < len(s) && s[i+1] == '!' && name.Len() > 0 {
				return name.String(), s[i+2:], true
			}
			return "", "", false
		}
		return "", "", false
	}
	i := strings.LastIndexByte(s, '!')
	if i < 0 {
		return "", s, true
	}
	return s[:i], s[i+1:], i > 0
}

// QuoteSheet writes a sheet name as it stands before the exclamation mark of a
// reference, with quotes only where Excel needs them.
func QuoteSheet(name string) string {
	if plainSheetName(name) {
		return name
	}
	return "'" + strings.ReplaceAll(name, "'", "''") + "'"
}

// plainSheetName reports whether name may stand unquoted: letters, digits, dots and
// underscores, not starting with a digit, and not readable as a cell reference.
func plainSheetName(name string) bool {
	if name == "" {
		return false
	}
	for i := 0; i < len(name); i++ {
		c := name[i]
		letter := c == '_' || (c|0x20) >= 'a' && (c|0x20) <= 'z'
		if !letter && (i == 0 || c != '.' && (c < '0' || c > '9')) {
			return false
		}
	}
	if _, ok := ParseRef(name); ok {
		return false
	}
	return !LooksR1C1(name)
}

// LooksR1C1 reports whether Excel could read name as an R1C1 reference ("R", "C12",
// "RC3", "R2C4"), which forces quotes.
func LooksR1C1(name string) bool {
	s := strings.ToUpper(name)
	digits := func(s string) string { return strings.TrimLeft(s, "0123456789") }
	if rest, ok := strings.CutPrefix(s, "R"); ok {
		s = digits(rest)
		if s == "" {
			return true
		}
	}
	if rest, ok := strings.CutPrefix(s, "C"); ok {
		return digits(rest) == ""
	}
	return false
}

// ParseRanges reads ranges in A1 form with white space between; ok is false where one is none, or there is
// no range at all.
func ParseRanges(text string) (list []Range, ok bool) {
	for word := range strings.FieldsSeq(text) {
		r, ok := ParseRange(word)
		if !ok {
			return nil, false
		}
		list = append(list, r)
	}
	return list, len(list) > 0
}

// MarshalText gives the range in A1 form, as it stands in JSON.
func (r Range) MarshalText() ([]byte, error) { return r.AppendA1(nil), nil }

// UnmarshalText reads a range in A1 form.
func (r *Range) UnmarshalText(text []byte) error {
	is, ok := ParseRange(string(text))
	if !ok {
		return fmt.Errorf("%q is no range", text)
	}
	*r = is
	return nil
}
