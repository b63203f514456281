package formula

import (
	"strconv"
	"strings"

	"gridflow/internal/cell"
)

// deletedText is what stands where a reference or a sheet was deleted.
const deletedText = "#REF!"

// qualified reads a reference, name, table or function that begins with a quoted
// sheet, a workbook in brackets, or a bare "!"; and also [Column], the reference to a
// column of the table around the cell.
func (s *scanner) qualified(t *token) bool {
	if end := s.sheets(s.at); end > 0 {
		return s.afterSheets(t, end)
	}
	switch s.src[s.at] {
	case '[':
		end := bracketEnd(s.src, s.at)
		if end < 0 {
			return s.fail(s.at, "the bracket that begins here is not closed,")
		}
		t.kind, t.spec, t.end, s.at, s.operand = tokenTable, s.at, end, end, true
		return true
	case '\'':
		return s.fail(s.at, "the quoted sheet name that begins here must end in '! and a reference (texts take double quotes),")
	}
	return s.fail(s.at, "expected a sheet name before !")
}

// afterSheets reads what follows the sheet prefix that ends before body.
func (s *scanner) afterSheets(t *token, body int) bool {
	t.body = body
	if end := s.reference(t, body); end > 0 {
		t.kind, t.end, s.at, s.operand = tokenRef, end, end, true
		return true
	}
	if body < len(s.src) && s.src[body] == '#' {
		code, end := scanError(s.src, body)
		if end > 0 && code == cell.ErrRef {
			t.kind, t.ref, t.end, s.at, s.operand = tokenRef, DeletedRef, end, end, true
			return true
		}
	}
	if body < len(s.src) && class[s.src[body]]&isNameStart != 0 {
		if end := s.nameEnd(body); end > body {
			return s.named(t, end)
		}
	}
	return s.fail(body, "expected a reference or a name after %s", s.src[t.pos:body])
}

// sheets gives the end, behind the "!", of the sheet prefix at i, or -1:
// Sheet1!  Jan:Dec!  'Q1 ”26'!  'Jan 1:Dec 31'!  [1]Sheet1!  [1]!  '[Book 1.xlsx]Q1'!  !
func (s *scanner) sheets(i int) int {
	src := s.src
	if src[i] == '!' {
		return i + 1
	}
	if src[i] == '[' {
		n := strings.IndexByte(src[i:], ']')
		if n < 0 {
			return -1
		}
		i += n + 1
		if i < len(src) && src[i] == '!' {
			return i + 1
		}
	}
	i = s.sheetName(i)
	if i > 0 && i < len(src) && src[i] == ':' {
		i = s.sheetName(i + 1)
	}
	if i > 0 && i < len(src) && src[i] == '!' {
		return i + 1
	}
	return -1
}

// sheetName gives the end of the quoted or plain sheet name at i, or -1.
func (s *scanner) sheetName(i int) int {
	src := s.src
	if i == len(src) {
		return -1
	}
	if src[i] != '\'' {
		if end := s.nameEnd(i); end > i {
			return end
		}
		return -1
	}
	from := i + 1
	for i++; i < len(src); i++ {
		if src[i] != '\'' {
			continue
		}
		if i+1 < len(src) && src[i+1] == '\'' {
			i++
			continue
		}
		if i == from {
			return -1
		}
		return i + 1
	}
	return -1
}

// reference reads a cell, an area, columns or rows at i into t.ref, t.first and
// t.last, and gives their end, or -1. What only looks like a reference (LOG10(, a
// sheet name, a longer name) is none.
func (s *scanner) reference(t *token, i int) int {
	if t.trim = 0; i == len(s.src) {
		return -1
	}
	if s.mode.Style == R1C1 {
		return s.referenceR1C1(t, i)
	}
	src := s.src
	kind, end := scanA1(src, i, &t.first)
	if end < 0 {
		return -1
	}
	if next, trim := colon(src, end); next > 0 {
		kind2, end2 := scanA1(src, next, &t.last)
		// A1:B2# is A1:(B2#).
		if end2 > 0 && kind2 == kind && !continues(src, end2) && !(kind == CellRef && end2 < len(src) && src[end2] == '#') {
			if t.ref, t.trim = kind, trim; kind == CellRef {
				t.ref = AreaRef
			}
			return end2
		}
	}
	if kind != CellRef || continues(src, end) {
		return -1
	}
	t.ref = CellRef
	t.last = t.first
	return end
}

// colon gives the end of the colon at i with the dots beside it, or -1.
func colon(src string, i int) (end int, trim Trim) {
	if i < len(src) && src[i] == '.' {
		trim = TrimLeading
		i++
	}
	if i == len(src) || src[i] != ':' {
		return -1, 0
	}
	if i++; i < len(src) && src[i] == '.' {
		trim |= TrimTrailing
		i++
	}
	return i, trim
}

// continues reports whether what ends at i goes on as something longer.
func continues(src string, i int) bool { return i < len(src) && class[src[i]]&isRef != 0 }

// scanA1 reads B2, B or 2, with any "$", into c. The kind is CellRef, ColumnsRef or
// RowsRef; end is -1 if there is none or it is beyond the sheet.
func scanA1(src string, i int, c *Corner) (kind RefKind, end int) {
	*c = Corner{}
	dollar := i < len(src) && src[i] == '$'
	if dollar {
		i++
	}
	from, col := i, int32(0)
	for ; i < len(src) && i < from+4; i++ {
		letter := src[i] | 0x20 - 'a'
		if letter > 25 {
			break
		}
		col = col*26 + int32(letter) + 1
	}
	letters := i - from
	if letters > 3 || col > cell.MaxCols {
		return 0, -1
	}
	kind = RowsRef
	if letters > 0 {
		kind = ColumnsRef
		c.Col, c.AbsCol = col-1, dollar
		end = i
		if dollar = i < len(src) && src[i] == '$'; dollar {
			i++
		}
	}
	from = i
	row := int32(0)
	for ; i < len(src) && i < from+8; i++ {
		digit := src[i] - '0'
		if digit > 9 {
			break
		}
		row = row*10 + int32(digit)
	}
	if i == from {
		if letters == 0 {
			return 0, -1
		}
		return ColumnsRef, end
	}
	if i-from > 7 || row > cell.MaxRows || src[from] == '0' {
		return 0, -1
	}
	c.Row, c.AbsRow = row-1, dollar
	if letters > 0 {
		kind = CellRef
	}
	return kind, i
}

// referenceR1C1 is reference for the R1C1 notation.
func (s *scanner) referenceR1C1(t *token, i int) int {
	src := s.src
	kind, end := s.scanR1C1(i, &t.first)
	if end < 0 {
		return -1
	}
	if next, trim := colon(src, end); next > 0 {
		kind2, end2 := s.scanR1C1(next, &t.last)
		if end2 > 0 && kind2 == kind && !continues(src, end2) && !(kind == CellRef && end2 < len(src) && src[end2] == '#') {
			if t.ref, t.trim = kind, trim; kind == CellRef {
				t.ref = AreaRef
			}
			return end2
		}
	}
	if continues(src, end) {
		return -1
	}
	t.ref = kind
	t.last = t.first
	return end
}

// scanR1C1 reads R2C[1], R2, C or RC into c, relative parts counted from the mode's
// cell. The kind is CellRef, ColumnsRef or RowsRef; end is -1 if there is none.
func (s *scanner) scanR1C1(i int, c *Corner) (kind RefKind, end int) {
	*c = Corner{}
	row, col := false, false
	if i < len(s.src) && s.src[i]|0x20 == 'r' {
		row = true
		if c.Row, c.AbsRow, i = scanR1C1Part(s.src, i+1, s.mode.At.Row, cell.MaxRows); i < 0 {
			return 0, -1
		}
	}
	if i < len(s.src) && s.src[i]|0x20 == 'c' {
		col = true
		if c.Col, c.AbsCol, i = scanR1C1Part(s.src, i+1, s.mode.At.Col, cell.MaxCols); i < 0 {
			return 0, -1
		}
	}
	switch {
	case row && col:
		return CellRef, i
	case row:
		return RowsRef, i
	case col:
		return ColumnsRef, i
	}
	return 0, -1
}

// scanR1C1Part reads what follows the R or C at i-1: nothing, a number from 1, or an
// offset in brackets. end is -1 where the number cannot be on a sheet.
func scanR1C1Part(src string, i, at, size int) (position int32, absolute bool, end int) {
	from, bracket := i, i < len(src) && src[i] == '['
	if bracket {
		from++
		if i++; i < len(src) && (src[i] == '-' || src[i] == '+') {
			i++
		}
	}
	for i < len(src) && class[src[i]]&isDigit != 0 {
		i++
	}
	if i == from {
		if bracket {
			return 0, false, -1
		}
		return int32(at), false, i
	}
	n, err := strconv.Atoi(src[from:i])
	if bracket {
		if err != nil || n <= -size || n >= size || i == len(src) || src[i] != ']' {
			return 0, false, -1
		}
		return int32(at + n), false, i + 1
	}
	if err != nil || n < 1 || n > size {
		return 0, false, -1
	}
	return int32(n - 1), true, i
}
