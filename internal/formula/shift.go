package formula

import "gridflow/internal/cell"

// Shift gives the formula as it reads after its cell was copied dRow rows down and
// dCol columns to the right: relative parts move, parts with "$" stay, names and
// tables stay. A reference that would leave the sheet becomes #REF!, as in Excel.
func (t *Tree) Shift(dRow, dCol int) *Tree {
	return t.Rewrite(func(r Reference) Reference {
		shift(&r.Kind, &r.First, &r.Last, dRow, dCol, false)
		return r
	})
}

// ShiftText is Parse, Shift and String for the formula of cell from, copied to cell
// to, without the tree: it is how the members of a shared formula get their text. It
// looks at words, not at grammar, and gives an error only where a word is broken.
func ShiftText(text string, from, to cell.Ref) (string, error) {
	return shiftText(text, from, to, false)
}

// WrapText is ShiftText for the formula of a conditional format or a validation: a reference that would leave the sheet
// comes in again at the other side, because what is said at one cell only says how far it is from there.
func WrapText(text string, from, to cell.Ref) (string, error) {
	return shiftText(text, from, to, true)
}

func shiftText(text string, from, to cell.Ref, wraps bool) (string, error) {
	s := scanner{src: text}
	if !s.start() {
		return "", s.err
	}
	var t token
	var b []byte
	copied := 0
	dRow, dCol := to.Row-from.Row, to.Col-from.Col
	for {
		if !s.next(&t) {
			return "", s.err
		}
		if t.kind == tokenEnd {
			break
		}
		if t.kind != tokenRef || !shift(&t.ref, &t.first, &t.last, dRow, dCol, wraps) {
			continue
		}
		if b == nil {
			b = make([]byte, 0, len(text)+16)
		}
		b = append(b, text[copied:t.body]...)
		b = appendCells(b, t.ref, t.first, t.last, t.trim, Mode{})
		copied = t.end
	}
	if b == nil {
		return text, nil
	}
	return string(append(b, text[copied:]...)), nil
}

// shift moves the relative parts of a reference and reports whether it had any. Two
// corners that pass one another change places, so that the first stays the upper left.
func shift(kind *RefKind, first, last *Corner, dRow, dCol int, wraps bool) bool {
	if *kind > RowsRef {
		return false
	}
	rows := *kind != ColumnsRef && dRow != 0 && !(first.AbsRow && last.AbsRow)
	cols := *kind != RowsRef && dCol != 0 && !(first.AbsCol && last.AbsCol)
	if !rows && !cols {
		return false
	}
	ordered := [2]bool{first.Row <= last.Row, first.Col <= last.Col}
	for _, c := range [...]*Corner{first, last} {
		if rows && !c.AbsRow {
			c.Row += int32(dRow)
		}
		if cols && !c.AbsCol {
			c.Col += int32(dCol)
		}
	}
	if wraps {
		for _, c := range [...]*Corner{first, last} {
			c.Row, c.Col = (c.Row+cell.MaxRows)%cell.MaxRows, (c.Col+cell.MaxCols)%cell.MaxCols
		}
	}
	if *kind == CellRef {
		*last = *first
	}
	if !visible(*kind, *first, *last) {
		*kind, *first, *last = DeletedRef, Corner{}, Corner{}
		return true
	}
	if ordered[0] && first.Row > last.Row {
		first.Row, last.Row = last.Row, first.Row
		first.AbsRow, last.AbsRow = last.AbsRow, first.AbsRow
	}
	if ordered[1] && first.Col > last.Col {
		first.Col, last.Col = last.Col, first.Col
		first.AbsCol, last.AbsCol = last.AbsCol, first.AbsCol
	}
	return true
}

// AppendRelative appends to b the form that all copies of a formula share: see
// [Tree.Relative]. At is the cell that holds the formula. It looks at words, not at
// grammar, and gives an error only where a word is broken; b then comes back as it was.
func AppendRelative(b []byte, text string, at cell.Ref) ([]byte, error) {
	return appendRelative(b, text, at, nil)
}

// appendRelative does so; with open, the literals are taken out and put there.
func appendRelative(b []byte, text string, at cell.Ref, open *Literals) ([]byte, error) {
	s := scanner{src: text}
	if !s.start() {
		return b, s.err
	}
	var t token
	from := len(b)
	mode := Mode{Style: R1C1, At: at}
	p := printer{b: b, mode: mode, canonical: true}
	ranged := false // the last token was the range operator
	array := false  // within an array constant
	for {
		before := s.at
		if !s.next(&t) {
			return p.b[:from], s.err
		}
		if t.body > t.pos {
			p.b = append(p.b, text[t.pos:t.body]...)
			p.quoted(len(p.b) - (t.body - t.pos))
		}
		word := text[t.body:t.end]
		if array = t.kind == tokenOpenArray || array && t.kind != tokenCloseArray; open != nil && s.open(&t, array, ranged) {
			p.b = open.take(p.b, t.kind, word)
			ranged = false
			continue
		}
		switch t.kind {
		case tokenEnd:
			return p.b, nil
		case tokenRef:
			p.cells(t.ref, t.first, t.last, t.trim, ranged || s.nextByte() == ':')
		case tokenName:
			p.name(word)
		case tokenTable:
			p.b = append(p.b, word...)
			p.table(len(p.b)-len(word), t.spec-t.body)
		case tokenCall:
			p.upper(word[storagePrefix(word):])
		case tokenLogical, tokenError:
			p.upper(word)
		case tokenBinary:
			spaced := t.pos > before || t.end < len(text) && class[text[t.end]]&isSpace != 0
			switch {
			case t.op == OpIntersect:
				p.b = append(p.b, ' ')
			case t.op == OpRange && spaced:
				p.b = append(p.b, " : "...)
			default:
				p.b = append(p.b, word...)
			}
		default:
			p.b = append(p.b, word...)
		}
		ranged = t.kind == tokenBinary && t.op == OpRange
	}
}

// Fingerprint tells copies of one formula from other formulas: two formulas with the
// same canonical text (see [AppendRelative]) are the same template. The key is a
// 64-bit hash of it in 16 hexadecimal digits, the same in every process. At is the
// cell that holds the formula.
func Fingerprint(text string, at cell.Ref) (key, canonical string, err error) {
	var buf [256]byte
	b, err := AppendRelative(buf[:0], text, at)
	if err != nil {
		return "", "", err
	}
	const digits = "0123456789abcdef"
	var hex [16]byte
	for i, h := 15, Hash(b); i >= 0; i, h = i-1, h>>4 {
		hex[i] = digits[h&15]
	}
	return string(hex[:]), string(b), nil
}

// Hash is the hash behind [Fingerprint]: 64-bit FNV-1a.
func Hash(canonical []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, c := range canonical {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return h
}
