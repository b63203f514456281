package formula

import (
	"strconv"

	"gridflow/internal/cell"
)

// Pattern is a formula as a text in which the relative rows of cell references and the literals are
// open. It tells copies of the formula in the same column by comparing, many times as fast as
// [AppendTemplate] makes their relative forms: it is for who looks at a whole column of
// them.
//
// It is fastest for rows that follow one another. A Pattern belongs to one goroutine.
type Pattern struct {
	open     openText
	literals Literals

	// The copy with the same literals, which most copies have, as it reads in a row; nil where
	// a reference would leave the sheet. From row to row only its digits change.
	closed openText
	row    int
	last   int // the last row in which no reference leaves the sheet
	copy   []byte
	ends   []int // where in it the row numbers end
}

// openText is a text with places that are open.
type openText struct {
	parts []patternPart
	tail  string // behind the last part
}

// patternPart is a piece of text and what is open behind it: a relative row, or a literal, which
// is given as it was written.
type patternPart struct {
	text    string
	literal string
	offset  int
}

// NewPattern makes the pattern of the formula of cell at. It gives an error where
// [AppendTemplate] does. The pattern keeps the text alive.
func NewPattern(text string, at cell.Ref) (*Pattern, error) {
	s := scanner{src: text}
	if !s.start() {
		return nil, s.err
	}
	p := &Pattern{row: -1}
	from, since := 0, 0 // where the pieces of open and closed begin
	var t token
	ranged, array := false, false
	for {
		if !s.next(&t) {
			return nil, s.err
		}
		if array = t.kind == tokenOpenArray || array && t.kind != tokenCloseArray; s.open(&t, array, ranged) {
			word := text[t.pos:t.end]
			p.literals.take(nil, t.kind, word)
			p.open.parts = append(p.open.parts, patternPart{text: text[from:t.pos], literal: word})
			from = t.end
		}
		ranged = t.kind == tokenBinary && t.op == OpRange
		if t.kind == tokenEnd {
			p.open.tail, p.closed.tail = text[from:], text[since:]
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
				p.open.parts = append(p.open.parts, patternPart{text: text[from:i], offset: int(c.Row) - at.Row})
				p.closed.parts = append(p.closed.parts, patternPart{text: text[since:i], offset: int(c.Row) - at.Row})
				from, since = n, n
			}
			i = n - 1
		}
	}
}

// Literals gives the literals of the formula that p was made of. They are not to be changed.
func (p *Pattern) Literals() *Literals { return &p.literals }

// Match reports whether text, which stands in another row of the same column, is a copy
// of the formula that p was made of, literals aside. Where it is, the forms that AppendTemplate
// gives are equal; where it is not, they may be equal all the same, if the case of letters or
// spaces differ.
//
// With same the literals are those of the pattern too; else they are put into l.
func (p *Pattern) Match(text string, row int, l *Literals) (same, ok bool) {
	if p.move(row); string(p.copy) == text && p.copy != nil {
		return true, true
	}
	if len(p.closed.parts) == len(p.open.parts) { // there is no literal
		return false, false
	}
	return p.match(text, row, l)
}

// move makes the copy for a row.
func (p *Pattern) move(row int) {
	if row == p.row {
		return
	}
	next := row == p.row+1 && row <= p.last && p.copy != nil
	p.row = row
	for _, end := range p.ends {
		if !next {
			break
		}
		if next = p.copy[end-1] != '9'; next {
			p.copy[end-1]++
		}
	}
	if !next {
		p.write(row)
	}
}

// write writes the copy for a row.
func (p *Pattern) write(row int) {
	b, ends := p.copy[:0], p.ends[:0]
	p.last = cell.MaxRows - 1
	for _, q := range p.closed.parts {
		at := row + q.offset
		if uint(at) >= cell.MaxRows {
			p.copy, p.ends = nil, nil
			return
		}
		p.last = min(p.last, cell.MaxRows-1-q.offset)
		b = strconv.AppendInt(append(b, q.text...), int64(at)+1, 10)
		ends = append(ends, len(b))
	}
	p.copy, p.ends = append(b, p.closed.tail...), ends
}

// match compares a text with literals that may be others.
func (p *Pattern) match(text string, row int, l *Literals) (same, ok bool) {
	same = true
	number, word := 0, 0 // how many literals are passed
	for i := range p.open.parts {
		q := &p.open.parts[i]
		if len(text) <= len(q.text) || text[:len(q.text)] != q.text {
			return false, false
		}
		text = text[len(q.text):]
		n := 0
		switch {
		case q.literal == "":
			n = matchRow(text, row+q.offset)
		case q.literal[0] == '"':
			if n = textEnd(text); n > 0 && text[:n] != q.literal {
				same = same && l.copy(&p.literals)
				l.Texts[word] = unquoteText(text[:n])
			}
			word++
		default:
			if n = numberEnd(text); n > 0 && text[:n] != q.literal {
				if !finite(text[:n]) {
					return false, false
				}
				f, _ := strconv.ParseFloat(text[:n], 64)
				same = same && l.copy(&p.literals)
				l.Numbers[number] = f
			}
			number++
		}
		if n == 0 {
			return false, false
		}
		text = text[n:]
	}
	return same, text == p.open.tail
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
