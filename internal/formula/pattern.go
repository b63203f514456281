package formula

import "gridflow/internal/cell"

// Pattern is a formula as a text in which the relative parts of cell references are open.
// It tells copies of the formula by comparing, several times as fast as [AppendRelative]
// makes their relative forms: it is for who looks at a whole column of them.
//
// A Pattern is immutable.
type Pattern struct {
	parts []patternPart
	tail  string // behind the last part
}

// patternPart is a piece of text and the relative row or column that follows it.
type patternPart struct {
	text   string
	offset int32
	column bool
}

// NewPattern makes the pattern of the formula of cell at. It gives an error where
// [AppendRelative] does. The pattern keeps the text alive.
func NewPattern(text string, at cell.Ref) (*Pattern, error) {
	s := scanner{src: text}
	if !s.start() {
		return nil, s.err
	}
	p := &Pattern{}
	from := 0
	open := func(pos, end int, offset int32, column bool) {
		p.parts = append(p.parts, patternPart{text[from:pos], offset, column})
		from = end
	}
	var t token
	for {
		if !s.next(&t) {
			return nil, s.err
		}
		if t.kind == tokenEnd {
			p.tail = text[from:]
			return p, nil
		}
		if t.kind != tokenRef || t.ref > RowsRef {
			continue
		}
		c := &t.first
		for i := t.body; i < t.end; {
			dollar := text[i] == '$'
			if dollar {
				i++
			}
			n := i
			for n < t.end && (text[n]|0x20)-'a' < 26 {
				n++
			}
			if n > i {
				if !dollar {
					open(i, n, c.Col-int32(at.Col), true)
				}
				i = n
				continue
			}
			for n < t.end && text[n]-'0' < 10 {
				n++
			}
			if n > i {
				if !dollar {
					open(i, n, c.Row-int32(at.Row), false)
				}
				i = n
				continue
			}
			i++ // the colon
			c = &t.last
		}
	}
}

// Matches reports whether text, the formula of cell at, is a copy of the formula that p
// was made of. Where it is, the relative forms are equal; where it is not, they may be
// equal all the same, if letters or spaces differ.
func (p *Pattern) Matches(text string, at cell.Ref) bool {
	for i := range p.parts {
		q := &p.parts[i]
		n := len(q.text)
		if len(text) <= n || text[:n] != q.text {
			return false
		}
		text = text[n:]
		if q.column {
			n = matchColumn(text, at.Col+int(q.offset))
		} else {
			n = matchRow(text, at.Row+int(q.offset))
		}
		if n == 0 {
			return false
		}
		text = text[n:]
	}
	return text == p.tail
}

// matchRow gives the length of the row number at the beginning of text, if it is that of row.
func matchRow(text string, row int) int {
	if uint(row) >= cell.MaxRows || text[0] == '0' {
		return 0
	}
	n, v := 0, 0
	for ; n < len(text) && n < 8; n++ {
		d := text[n] - '0'
		if d > 9 {
			break
		}
		v = v*10 + int(d)
	}
	if v != row+1 {
		return 0
	}
	return n
}

// matchColumn is matchRow for the letters of a column.
func matchColumn(text string, col int) int {
	if uint(col) >= cell.MaxCols {
		return 0
	}
	n, v := 0, 0
	for ; n < len(text) && n < 4; n++ {
		d := (text[n] | 0x20) - 'a'
		if d > 25 {
			break
		}
		v = v*26 + int(d) + 1
	}
	if v != col+1 {
		return 0
	}
	return n
}
