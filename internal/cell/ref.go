package cell

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// The size of a worksheet in Excel 2007 and later. A reference outside of it is
// not a reference.
const (
	MaxRows = 1 << 20 // 1 048 576 rows, numbered 0 … MaxRows-1 inside
	MaxCols = 1 << 14 // 16 384 columns, A … XFD
)

// Ref is the address of one cell, both parts counted from 0.
type Ref struct {
	Row, Col int
}

// Compare orders cells row by row, and by columns within a row: below 0 where r comes before o.
func (r Ref) Compare(o Ref) int {
	return cmp.Or(cmp.Compare(r.Row, o.Row), cmp.Compare(r.Col, o.Col))
}

// Valid reports whether r lies on a worksheet.
func (r Ref) Valid() bool {
	return uint(r.Row) < MaxRows && uint(r.Col) < MaxCols
}

// String gives the relative A1 form, for example "C7".
func (r Ref) String() string {
	var buf [16]byte
	return string(r.AppendA1(buf[:0]))
}

// AppendA1 appends the relative A1 form of r to b.
func (r Ref) AppendA1(b []byte) []byte {
	b = AppendColumn(b, r.Col)
	return strconv.AppendInt(b, int64(r.Row)+1, 10)
}

// AppendColumn appends the letters of column col (0 is A) to b.
func AppendColumn(b []byte, col int) []byte {
	if col < 26 {
		return append(b, byte('A'+col))
	}
	col -= 26
	if col < 26*26 {
		return append(b, byte('A'+col/26), byte('A'+col%26))
	}
	col -= 26 * 26
	return append(b, byte('A'+col/676), byte('A'+col/26%26), byte('A'+col%26))
}

// ColumnName gives the letters of column col: 0 is "A", 16383 is "XFD".
func ColumnName(col int) string {
	var buf [3]byte
	return string(AppendColumn(buf[:0], col))
}

// ParseColumn reads column letters in either case and gives the 0-based column.
func ParseColumn(s string) (col int, ok bool) {
	if len(s) == 0 || len(s) > 3 {
		return 0, false
	}
	for i := 0; i < len(s); i++ {
		c := s[i] | 0x20
		if c < 'a' || c > 'z' {
			return 0, false
		}
		col = col*26 + int(c-'a') + 1
	}
	if col > MaxCols {
		return 0, false
	}
	return col - 1, true
}

// ParseRow reads a 1-based row number and gives the 0-based row.
func ParseRow(s string) (row int, ok bool) {
	if len(s) == 0 || len(s) > 7 || s[0] == '0' {
		return 0, false
	}
	for i := 0; i < len(s); i++ {
		c := s[i] - '0'
		if c > 9 {
			return 0, false
		}
		row = row*10 + int(c)
	}
	if row > MaxRows {
		return 0, false
	}
	return row - 1, true
}

// ParseRef reads an A1 reference to one cell. Dollar signs are allowed and
// ignored; letters may be of either case.
func ParseRef(s string) (Ref, bool) {
	s = strings.TrimPrefix(s, "$")
	n := 0
	for n < len(s) && n < 4 && (s[n]|0x20) >= 'a' && (s[n]|0x20) <= 'z' {
		n++
	}
	col, ok := ParseColumn(s[:n])
	if !ok {
		return Ref{}, false
	}
	row, ok := ParseRow(strings.TrimPrefix(s[n:], "$"))
	return Ref{Row: row, Col: col}, ok
}

// MarshalText gives the reference in A1 form, as it stands in JSON.
func (r Ref) MarshalText() ([]byte, error) { return r.AppendA1(nil), nil }

// UnmarshalText reads a reference in A1 form.
func (r *Ref) UnmarshalText(text []byte) error {
	is, ok := ParseRef(string(text))
	if !ok {
		return fmt.Errorf("%q is no cell", text)
	}
	*r = is
	return nil
}
