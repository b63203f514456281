package scan

import (
	"bytes"
	"fmt"

	"gridflow/internal/cell"
)

// cursor is how far a reader of a sheet that is to be changed has come, and how it understands rows and cells: as
// [Sheet] does.
type cursor struct {
	phase phase
	base  int64 // of the window
	row   int
	col   int
	inRow bool // a row has begun
}

// atStart stands before the first row.
func atStart() cursor { return cursor{row: -1, col: -1} }

// Offset is where the next Feed begins.
func (c *cursor) Offset() int64 { return c.base }

func (c *cursor) fault(at int, format string, args ...any) error {
	return &Error{Offset: c.base + int64(at), Message: fmt.Sprintf(format, args...)}
}

// dataTag is where the start tag of sheetData stands in the head of a part.
type dataTag struct {
	root       int // behind the start tag of the root element
	start, end int // 0 where it is not there yet
	empty      bool
	prefix     string // of the spreadsheet elements, with its colon
}

// findData looks for the start of sheetData in all there is of the head.
func (c *cursor) findData(doc []byte, final bool) (t dataTag, err error) {
	s := Sheet{}
	root, ok := s.findRoot(doc)
	if s.doctype {
		return t, c.fault(0, doctypeRefused)
	}
	if ok {
		if start, end, empty, ok := findStartTag(doc[root:], s.prefix, "sheetData"); ok {
			if c.phase = inData; empty {
				c.phase = inTail
			}
			return dataTag{root, root + start, root + end, empty, s.prefix}, nil
		}
	}
	switch {
	case !final && len(doc) > maxHead:
		return t, &Error{c.base, fmt.Sprintf("what precedes the cells is larger than %d MiB", maxHead>>20), ErrTooLarge}
	case final:
		return t, c.fault(0, "the sheet has no element for cells (sheetData)")
	}
	return t, nil
}

// startRow goes on to the row whose start tag stands at a place of the window.
func (c *cursor) startRow(tag []byte, at int) error {
	next := c.row + 1
	if !c.inRow {
		next = 0
	}
	for a := (attrs{b: tag, p: nameEnd(tag)}); a.next(); {
		if string(a.name) == "r" {
			row, ok := cell.ParseRow(string(bytes.TrimSpace(a.value)))
			if !ok {
				return c.fault(at, "row number %q is not between 1 and %d", clip(a.value), cell.MaxRows)
			}
			next = row
		}
	}
	if next >= cell.MaxRows {
		return c.fault(at, "there are more than %d rows", cell.MaxRows)
	}
	c.row, c.col, c.inRow = next, -1, true
	return nil
}

// wholeRow refuses a row's start tag that could not be written back.
func (c *cursor) wholeRow(tag []byte, at int) error {
	if !wholeTag(tag) {
		return c.fault(at, "the start of row %d is not valid XML, as it must be to be changed", c.row+1)
	}
	return nil
}

// cellAt gives the reference of the cell whose start tag stands at a place of the window; said: by itself, and not by
// the cell before it.
func (c *cursor) cellAt(tag []byte, at int) (ref cell.Ref, said bool, err error) {
	ref = cell.Ref{Row: c.row, Col: c.col + 1}
	for a := (attrs{b: tag, p: nameEnd(tag)}); a.next(); {
		if string(a.name) == "r" {
			if ref, said = cell.ParseRef(string(bytes.TrimSpace(a.value))); !said {
				return ref, false, c.fault(at, "%q is not a cell reference", clip(a.value))
			}
		}
	}
	return ref, said, nil
}

// inPlace refuses a cell that does not stand in its row; between says that no row is open.
func (c *cursor) inPlace(ref cell.Ref, between bool, at int) error {
	switch {
	case !ref.Valid():
		return c.fault(at, "a cell lies outside of the worksheet")
	case ref.Row != c.row || !c.inRow || between:
		return c.fault(at, "cell %v does not stand in its row, as it must for the sheet to be changed", ref)
	}
	return nil
}
