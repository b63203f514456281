package scan

import (
	"bytes"

	"gridflow/internal/cell"
)

// Visitor is shown the XML of a sheet by a [Walker]. What its methods are given, one after the other, is the whole part;
// it is valid until they return. An error of theirs ends the walk.
type Visitor interface {
	Head(b []byte) error               // up to the start tag of sheetData and with it
	Row(tag []byte, row int) error     // a row's start tag, which may be an empty-element tag
	Cell(xml []byte, r cell.Ref) error // a cell's element
	RowEnd(tag []byte) error           // a row's end tag
	Other(b []byte) error              // what stands between these
	Tail(b []byte, final bool) error   // from the end tag of sheetData on, piece by piece
}

// Walker shows a Visitor the XML of a sheet. It understands rows and cells as [Sheet] does, and refuses, as a [Locator] does,
// what does not stand in its row. It is fed like Sheet, from the start of the part on, and used by one goroutine.
type Walker struct {
	Prefix string // of the spreadsheet elements, with its colon; known with the head

	cursor
	v    Visitor
	open bool // a row has begun and has not ended
}

// NewWalker gives a Walker for v.
func NewWalker(v Visitor) *Walker { return &Walker{v: v, cursor: atStart()} }

// Feed walks through w as far as it can and gives how far that is; the rest must stand at the start of the next window.
func (l *Walker) Feed(w []byte, final bool) (consumed int, err error) {
	defer func() { l.base += int64(consumed) }()
	p := 0
	if l.phase == inHead {
		t, err := l.findData(w, final)
		if err != nil || t.end == 0 {
			return 0, err
		}
		l.Prefix = t.prefix
		if err := l.v.Head(w[:t.end]); err != nil {
			return 0, err
		}
		p = t.end
	}
	for l.phase == inData && p < len(w) {
		i := bytes.IndexByte(w[p:], '<')
		if i != 0 {
			if i < 0 {
				i = len(w) - p
			}
			if err := l.v.Other(w[p : p+i]); err != nil {
				return p, err
			}
			p += i
			continue
		}
		q, err := l.markup(w, p)
		if err != nil {
			return p, err
		}
		if q < 0 {
			break
		}
		p = q
	}
	if l.phase == inTail {
		return len(w), l.v.Tail(w[p:], final)
	}
	if final {
		return p, l.fault(p, "the sheet ends before its last cell")
	}
	return p, nil
}

func (l *Walker) markup(b []byte, p int) (int, error) {
	end, name, closes := markupAt(b, p, l.Prefix)
	if end < 0 {
		return -1, nil
	}
	switch {
	case closes && name == "row":
		l.open = false
		return end, l.v.RowEnd(b[p:end])
	case closes && name == "sheetData":
		if l.open {
			return 0, l.fault(p, "a row is not closed")
		}
		l.phase = inTail
		return p, nil
	case closes:
	case name == "row":
		return end, l.startRow(b[p:end], p)
	case name == "c":
		return l.cell(b, p, end)
	}
	return end, l.v.Other(b[p:end])
}

func (l *Walker) startRow(tag []byte, at int) error {
	if l.open {
		return l.fault(at, "a row begins inside another")
	}
	if err := l.cursor.startRow(tag, at); err != nil {
		return err
	}
	if err := l.wholeRow(tag, at); err != nil {
		return err
	}
	l.open = tag[len(tag)-2] != '/'
	return l.v.Row(tag, l.row)
}

func (l *Walker) cell(b []byte, p, end int) (int, error) {
	ref, ok := plainRef(b[p:end], l.Prefix)
	if !ok {
		if !wholeTag(b[p:end]) {
			return 0, l.fault(p, "a cell is not valid XML, as it must be to be changed")
		}
		var err error
		if ref, _, err = l.cellAt(b[p:end], p); err != nil {
			return 0, err
		}
	}
	if err := l.inPlace(ref, !l.open, p); err != nil {
		return 0, err
	}
	if b[end-2] != '/' {
		if end = cellEnd(b, end, l.Prefix); end < 0 {
			return -1, nil
		}
	}
	l.col = ref.Col
	return end, l.v.Cell(b[p:end], ref)
}

// plainRef reads the reference of a cell whose tag begins <c r="B5", as nearly all do.
func plainRef(tag []byte, prefix string) (cell.Ref, bool) {
	p := 1 + len(prefix)
	if len(tag) < p+8 || string(tag[p:p+5]) != `c r="` {
		return cell.Ref{}, false
	}
	p += 5
	from, col := p, 0
	for ; p < from+4 && p < len(tag) && tag[p]-'A' < 26; p++ {
		col = col*26 + int(tag[p]-'A') + 1
	}
	if p == from || p > from+3 || p == len(tag) || tag[p] == '0' {
		return cell.Ref{}, false
	}
	from = p
	row := 0
	for ; p < from+8 && p < len(tag) && tag[p]-'0' < 10; p++ {
		row = row*10 + int(tag[p]-'0')
	}
	if p == from || p > from+7 || p == len(tag) || tag[p] != '"' {
		return cell.Ref{}, false
	}
	return cell.Ref{Row: row - 1, Col: col - 1}, true
}
