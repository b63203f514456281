package scan

import (
	"bytes"
	"fmt"

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

	v     Visitor
	phase phase
	base  int64
	head  []byte
	row   int
	col   int
	inRow bool // a row has begun
	open  bool // and has not ended
}

// NewWalker gives a Walker for v.
func NewWalker(v Visitor) *Walker { return &Walker{v: v, row: -1, col: -1} }

// Offset is where the next Feed begins.
func (l *Walker) Offset() int64 { return l.base }

// Feed walks through w as far as it can and gives how far that is; the rest must stand at the start of the next window.
func (l *Walker) Feed(w []byte, final bool) (consumed int, err error) {
	defer func() { l.base += int64(consumed) }()
	p := 0
	if l.phase == inHead {
		end, err := l.findData(w, final)
		if err != nil || end < 0 {
			return 0, err
		}
		if err := l.v.Head(w[:end]); err != nil {
			return 0, err
		}
		p = end
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

func (l *Walker) fault(at int, format string, args ...any) error {
	return &Error{Offset: l.base + int64(at), Message: fmt.Sprintf(format, args...)}
}

// findData gives the position behind the start tag of sheetData, -1 where it is not there yet.
func (l *Walker) findData(doc []byte, final bool) (int, error) {
	s := Sheet{}
	root, ok := s.findRoot(doc)
	if s.doctype {
		return 0, l.fault(0, doctypeRefused)
	}
	if ok {
		l.Prefix = s.prefix
		if _, end, empty, ok := findStartTag(doc[root:], s.prefix, "sheetData"); ok {
			if l.phase = inData; empty {
				l.phase = inTail
			}
			return root + end, nil
		}
	}
	switch {
	case !final && len(doc) > maxHead:
		return 0, &Error{l.base, fmt.Sprintf("what precedes the cells is larger than %d MiB", maxHead>>20), ErrTooLarge}
	case final:
		return 0, l.fault(0, "the sheet has no element for cells (sheetData)")
	}
	return -1, nil
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
	next := l.row + 1
	if !l.inRow {
		next = 0
	}
	for a := (attrs{b: tag, p: nameEnd(tag)}); a.next(); {
		if string(a.name) == "r" {
			row, ok := cell.ParseRow(string(bytes.TrimSpace(a.value)))
			if !ok {
				return l.fault(at, "row number %q is not between 1 and %d", clip(a.value), cell.MaxRows)
			}
			next = row
		}
	}
	if next >= cell.MaxRows {
		return l.fault(at, "there are more than %d rows", cell.MaxRows)
	}
	if !wholeTag(tag) {
		return l.fault(at, "the start of row %d is not valid XML, as it must be to be changed", next+1)
	}
	l.row, l.col, l.inRow = next, -1, true
	l.open = tag[len(tag)-2] != '/'
	return l.v.Row(tag, next)
}

func (l *Walker) cell(b []byte, p, end int) (int, error) {
	ref := cell.Ref{Row: l.row, Col: l.col + 1}
	if r, ok := plainRef(b[p:end], l.Prefix); ok {
		ref = r
	} else {
		if !wholeTag(b[p:end]) {
			return 0, l.fault(p, "a cell is not valid XML, as it must be to be changed")
		}
		for a := (attrs{b: b[p:end], p: nameEnd(b[p:end])}); a.next(); {
			if string(a.name) == "r" {
				if ref, ok = cell.ParseRef(string(bytes.TrimSpace(a.value))); !ok {
					return 0, l.fault(p, "%q is not a cell reference", clip(a.value))
				}
			}
		}
	}
	if !ref.Valid() {
		return 0, l.fault(p, "a cell lies outside of the worksheet")
	}
	if ref.Row != l.row || !l.open {
		return 0, l.fault(p, "cell %v does not stand in its row, as it must for the sheet to be changed", ref)
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
