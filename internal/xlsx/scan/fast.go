package scan

import (
	"bytes"
	"encoding/binary"

	"gridflow/internal/cell"
)

// The fast path: rows and cells as Excel and most other programs write them.

// fastReach is more than the fast path can read from the start of a cell on: nearer to
// the end of a window the general path takes over, which looks where it steps.
const fastReach = 256

// maxFastPrefix is the longest namespace prefix, with its colon, that the fast path
// takes; fastReach has room for six of them.
const maxFastPrefix = 8

// What the fast path compares whole, as it lies in memory.
const (
	cellStart    = 0x22_3D_72_20_63_3C       // <c r="
	rowStart     = 0x22_3D_72_20_77_6F_72_3C // <row r="
	rowEnd       = 0x3E_77_6F_72_2F_3C       // </row>
	endValueCell = 0x3E_63_2F_3C_3E_76_2F_3C // </v></c>
	spansStart   = 0x22_3D_73_6E_61_70_73_20 //  spans="
)

// fastPrefixed is the choice of the fast path in a sheet whose elements have a namespace
// prefix, as the Open XML SDK writes them.
func (s *Sheet) fastPrefixed(b []byte, p int) int {
	n := len(s.prefix)
	if b[p+1] == '/' {
		if q := p + 2 + n; string(b[p+2:q]) == s.prefix && binary.LittleEndian.Uint32(b[q:]) == 'r'|'o'<<8|'w'<<16|'>'<<24 {
			return q + 4
		}
		return 0
	}
	q := p + 1 + n
	if string(b[p+1:q]) != s.prefix {
		return 0
	}
	switch word := binary.LittleEndian.Uint64(b[q:]); {
	case word&(1<<40-1) == cellStart>>8:
		return s.fastCell(b, q+len(`c r="`))
	case word&(1<<56-1) == rowStart>>8:
		return s.fastRow(b, p, q+len(`row r="`))
	}
	return 0
}

// fastRow scans the rest of a row's start tag of the form <row r="7" spans="1:9">, where
// spans may be absent: it begins at p, its row number at q. It gives the position behind it, or 0
// where the tag has another form.
func (s *Sheet) fastRow(b []byte, p, q int) int {
	w := binary.LittleEndian.Uint64(b[q:])
	n := digits8(w ^ zeros)
	if n-1 >= 7 || n == 0 || b[q+n] != '"' || b[q] == '0' {
		return 0
	}
	m := int(leading(w^zeros, n))
	if m > cell.MaxRows || m-1 > s.lastRow || s.limit.Cells > 0 && s.b.Cells() > s.limit.Cells {
		return 0
	}
	tail := q + n + 1
	q = tail + len(s.rowTail)
	if len(s.rowTail) == 0 || string(b[tail:q]) != string(s.rowTail) {
		q = tail
		if binary.LittleEndian.Uint64(b[q:]) == spansStart {
			k := bytes.IndexByte(b[q+8:q+40], '"')
			if k < 0 {
				return 0
			}
			q += 9 + k
		}
		if b[q] != '>' {
			return 0
		}
		q++
		s.rowTail = append(s.rowTail[:0], b[tail:q]...)
	}
	s.beginRow(m-1, p)
	s.row, s.col, s.rowLen, s.rowFormat = m-1, -1, n, noFormat
	s.rowMask = ^uint64(0) >> (56 - 8*n)
	s.rowWord = w & s.rowMask
	return q
}

// fastCell scans the rest of a cell of the form <c r="B7" s="1" t="s"><v>12</v></c>,
// where s and t may be absent, whose row is the current one, from the column letters
// on. It gives the position behind the cell, or 0 where the cell has another form.
// fastReach bytes from the start of the cell on must be there.
func (s *Sheet) fastCell(b []byte, q int) int {
	start := q - len(`<c r="`)
	c := b[q] - 'A'
	if c > 25 {
		return 0
	}
	col := int(c)
	q++
	for c = b[q] - 'A'; c <= 25 && col < cell.MaxCols; c = b[q] - 'A' {
		col = (col+1)*26 + int(c)
		q++
	}
	if binary.LittleEndian.Uint64(b[q:])&s.rowMask != s.rowWord || s.rowLen == 0 || col >= cell.MaxCols {
		return 0
	}
	q += s.rowLen + 1
	attr := q
	var style uint32
	if w := binary.LittleEndian.Uint32(b[q:]); w == ' '|'s'<<8|'='<<16|'"'<<24 {
		q += 4
		d := b[q] - '0'
		if d > 9 {
			return 0
		}
		for n := 0; d <= 9; d = b[q] - '0' {
			style = style*10 + uint32(d)
			q++
			if n++; n > 9 {
				return 0
			}
		}
		if b[q] != '"' {
			return 0
		}
		q++
	}
	kind := byte('n')
	if w := binary.LittleEndian.Uint64(b[q:]); uint32(w) == ' '|'t'<<8|'='<<16|'"'<<24 {
		kind = byte(w >> 32)
		if byte(w>>40) != '"' {
			return s.fastInline(b, q+4, cell.Ref{Row: s.row, Col: col}, style)
		}
		if kind == '/' {
			return 0 // no kind there is, and what fastValue takes for none
		}
		q += 6
	}
	if binary.LittleEndian.Uint32(b[q:]) == '>'|'<'<<8|'f'<<16|'>'<<24 && kind == 'n' && s.prefix == "" {
		return s.fastFormula(b, q+4, cell.Ref{Row: s.row, Col: col}, style)
	}
	if binary.LittleEndian.Uint16(b[q:]) == '/'|'>'<<8 && kind == 'n' {
		kind, q = '/', q+2 // <c r="B7" s="1"/>: a cell with a style only
	} else if q = s.openValue(b, q); q == 0 {
		return 0
	}
	value := q
	if kind == 'e' {
		n := bytes.IndexByte(b[q:q+16], '<')
		if n < 0 {
			return 0
		}
		e, ok := cell.ParseError(string(b[q : q+n]))
		if q = s.closeValue(b, q+n); !ok || q == 0 || s.b.Error(cell.Ref{Row: s.row, Col: col}, style, e) != nil {
			return 0
		}
	} else if q = s.fastValue(b, q, kind, style, col); q == 0 {
		return 0
	} else if s.prefix == "" {
		s.learn(b, start, attr, value, kind, style, col)
	}
	s.col = col
	return q
}

// fastValue scans the value of a cell of the given kind and what closes the cell, and
// stores it. It gives the position behind the cell, or 0 where that has another form.
func (s *Sheet) fastValue(b []byte, q int, kind byte, style uint32, col int) int {
	r := cell.Ref{Row: s.row, Col: col}
	switch kind {
	case 'n':
		// Most numbers are whole and short: then one word has all of it.
		w := binary.LittleEndian.Uint64(b[q:]) ^ zeros
		if n := digits8(w); n < 8 && n > 0 && b[q+n] == '<' {
			if q = s.closeValue(b, q+n); q == 0 || s.b.Int(r, style, int32(leading(w, n))) != nil {
				return 0
			}
			return q
		}
		f, next, ok := number(b, q)
		if q = s.closeValue(b, next); !ok || q == 0 {
			return 0
		}
		if i := int32(f); float64(i) == f && i != 0 {
			if s.b.Int(r, style, i) != nil {
				return 0
			}
		} else if s.b.Float(r, style, f) != nil {
			return 0
		}
		return q
	case 's', 'b':
		m, next := digitRun(b, q, 0)
		if next == q || next > q+9 || kind == 'b' && (m > 1 || next > q+1) {
			return 0
		}
		if q = s.closeValue(b, next); q == 0 {
			return 0
		}
		var err error
		if kind == 's' {
			err = s.b.Shared(r, style, uint32(m))
		} else {
			err = s.b.Bool(r, style, m == 1)
		}
		if err != nil {
			return 0
		}
		return q
	case '/':
		if (style != 0 || s.plain(r.Col)) && s.b.Blank(r, style) != nil {
			return 0
		}
		return q
	}
	return 0
}

// fastInline scans the rest of a cell of the form t="inlineStr"><is><t>text</t></is></c>
// from the kind on; its text may reach further than fastReach.
func (s *Sheet) fastInline(b []byte, q int, r cell.Ref, style uint32) int {
	const open, end = `inlineStr"><is><t>`, `</t></is></c>`
	if s.prefix != "" || string(b[q:q+len(open)]) != open {
		return 0
	}
	q += len(open)
	n := bytes.IndexByte(b[q:], '<')
	if n < 0 || !startsWith(b[q+n:], end) {
		return 0
	}
	text := b[q : q+n]
	if !plainText(text) {
		s.scratch = unescape(appendText(s.scratch[:0], text))
		text = s.scratch
	}
	if s.b.Text(r, style, text) != nil {
		return 0
	}
	s.col = r.Col
	return q + n + len(end)
}

// fastFormula scans the rest of a cell of the form <f>A1+1</f><v>12</v></c> from the text
// of the formula on, which may reach further than fastReach.
func (s *Sheet) fastFormula(b []byte, q int, r cell.Ref, style uint32) int {
	const end = `</f><v>`
	n := bytes.IndexByte(b[q:], '<')
	if n <= 0 || !startsWith(b[q+n:], end) || q+n+len(end)+fastReach > len(b) {
		return 0
	}
	text := b[q : q+n]
	if q = s.fastValue(b, q+n+len(end), 'n', style, r.Col); q == 0 {
		return 0
	}
	if !plainText(text) {
		s.scratch = unescape(appendText(s.scratch[:0], text))
		text = s.scratch
	}
	id, err := s.b.AddFormula(s.qualified(text, r), -1)
	if err != nil {
		return 0 // the general path meets it again, and tells of it
	}
	s.b.SetFormula(r, id)
	s.col = r.Col
	return q
}

// openValue gives the position behind the "><v>" at b[q], or 0.
func (s *Sheet) openValue(b []byte, q int) int {
	if binary.LittleEndian.Uint32(b[q:]) == '>'|'<'<<8|'v'<<16|'>'<<24 && s.prefix == "" {
		return q + 4
	}
	n := q + 2 + len(s.prefix)
	if s.prefix != "" && b[q] == '>' && b[q+1] == '<' && string(b[q+2:n]) == s.prefix && b[n] == 'v' && b[n+1] == '>' {
		return n + 2
	}
	return 0
}

// closeValue gives the position behind the "</v></c>" at b[q], or 0.
func (s *Sheet) closeValue(b []byte, q int) int {
	if binary.LittleEndian.Uint64(b[q:]) == endValueCell && s.prefix == "" {
		return q + 8
	}
	return s.closePrefixed(b, q)
}

func (s *Sheet) closePrefixed(b []byte, q int) int {
	n := len(s.prefix)
	if n == 0 || binary.LittleEndian.Uint16(b[q:]) != '<'|'/'<<8 || string(b[q+2:q+2+n]) != s.prefix {
		return 0
	}
	q += 2 + n
	if binary.LittleEndian.Uint32(b[q:]) != 'v'|'>'<<8|'<'<<16|'/'<<24 || string(b[q+4:q+4+n]) != s.prefix {
		return 0
	}
	q += 4 + n
	if b[q] != 'c' || b[q+1] != '>' {
		return 0
	}
	return q + 2
}
