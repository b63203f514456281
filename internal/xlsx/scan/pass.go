package scan

import (
	"bytes"

	"gridflow/internal/cell"
)

// Where rows ascend, those that nothing is looked for in are passed over: only their ends are
// searched for.

// plainCells reports whether w holds nothing in which the end of a row may be written that
// is none: comments, sections and instructions, and extensions.
func plainCells(w []byte) bool {
	hidden := func(c byte, at int, in string) bool {
		for p := 0; ; {
			i := bytes.IndexByte(w[p:], c)
			if i < 0 {
				return false
			}
			if p += i + 1; p > at && bytes.HasPrefix(w[p-1-at:], []byte(in)) {
				return true
			}
		}
	}
	return !hidden('!', 1, "<!") && !hidden('?', 1, "<?") && !hidden('L', 3, "extL")
}

// rowEnd gives where the next end tag of a row begins, or another row without one; -1 where w
// has neither. It looks for the letter that numbers and the tags of
// cells do not have.
func (l *Locator) rowEnd(w []byte, p int) int {
	name := len(l.rowName)
	for {
		i := bytes.IndexByte(w[p:], 'w')
		if i < 0 {
			return -1
		}
		p += i + 1
		start := p - name - 1
		if start < 0 || p >= len(w) || w[p] > '>' || !bytes.HasSuffix(w[:p], l.rowName) {
			continue
		}
		switch {
		case w[start] == '<':
			return start
		case w[start] == '/' && start > 0 && w[start-1] == '<':
			return start - 1
		}
	}
}

// lastCell gives where the last cell in w begins, p where there is none: what is passed over
// ends where a cell does, so that the next window cannot begin inside of anything.
func (l *Locator) lastCell(w []byte, p int) int {
	for end := len(w); ; {
		i := bytes.LastIndex(w[p:end], l.cellName)
		if i < 0 {
			return p
		}
		if k := p + i + len(l.cellName); k < len(w) && w[k] <= '>' {
			return p + i
		}
		end = p + i
	}
}

// restOfRow gives where the current row ends, if none of its cells from w[p:] on is one that is looked
// for, nor stands behind one that is not there: so it is where a column is filled or formatted, and this
// is several times as fast as to look at each. It is -1 where that is not certain, or w ends before.
//
// Cells need not be in order, nor say where they are, and a cell may be there twice. So all of them have
// to say where they are, none may have a name that is looked for, and the last one tells that those which
// are missing come behind.
func (l *Locator) restOfRow(w []byte, p int) int {
	end := l.rowEnd(w, p)
	if end < 0 {
		return -1
	}
	rest := w[p:end]
	r := &l.Rows[l.open]
	last := -1 // where the name of the last cell begins
	for i := 0; ; i = last {
		k := bytes.Index(rest[i:], l.cellName)
		if k < 0 {
			break
		}
		if !bytes.HasPrefix(rest[i+k:], l.cellRef) {
			return -1
		}
		last = i + k + len(l.cellRef)
	}
	if cells := l.Cells[r.first:r.past]; len(cells) > 0 {
		if last >= 0 && l.last != r.past-1 {
			name := rest[last:]
			n := bytes.IndexByte(name, '"')
			if n < 0 {
				return -1
			}
			if at, ok := cell.ParseRef(string(name[:n])); !ok || at.Row != l.row || l.inserts < r.past && at.Col >= l.Cells[l.inserts].Ref.Col {
				return -1
			}
		}
		var name [16]byte
		for i := range cells {
			is := cells[i].Ref.AppendA1(name[:0])
			if bytes.Contains(rest, is) || bytes.Contains(rest, bytes.ToLower(is)) {
				return -1
			}
		}
	}
	return end
}
