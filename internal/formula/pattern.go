package formula

import "gridflow/internal/cell"

// Pattern is a formula as a text in which the relative rows of cell references are open. It
// tells copies of the formula in the same column by comparing, many times as fast as
// [AppendRelative] makes their relative forms: it is for who looks at a whole column of
// them.
//
// A Pattern is immutable.
type Pattern struct {
	parts []patternPart
	tail  string // behind the last part
}

// patternPart is a piece of text and the relative row that follows it.
type patternPart struct {
	text   string
	offset int
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
		for i := t.body; i < t.end; i++ {
			if text[i] == ':' {
				c = &t.last
				continue
			}
			n := i
			for n < t.end && text[n]-'0' < 10 {
				n++
			}
			if n == i {
				continue
			}
			if !c.AbsRow {
				p.parts = append(p.parts, patternPart{text[from:i], int(c.Row) - at.Row})
				from = n
			}
			i = n - 1
		}
	}
}

// Matches reports whether text, which stands in another row of the same column, is a copy
// of the formula that p was made of. Where it is, the relative forms are equal; where it
// is not, they may be equal all the same, if the case of letters or spaces differ.
func (p *Pattern) Matches(text string, row int) bool {
	for i := range p.parts {
		q := &p.parts[i]
		if len(text) <= len(q.text) || text[:len(q.text)] != q.text {
			return false
		}
		text = text[len(q.text):]
		n := matchRow(text, row+q.offset)
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
