package scan

import "bytes"

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
