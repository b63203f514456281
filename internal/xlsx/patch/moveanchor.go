package patch

import (
	"bytes"
	"slices"
	"strconv"

	"gridflow/internal/cell"
)

// anchorCorner is where the corner of an object is afterwards: in which row and column.
type anchorCorner struct {
	row, col int
	inRow    bool // the row is still there, and so what it says of how far into it
	inCol    bool
}

// point gives where a corner of an object is afterwards. One in a line that goes is at the line that takes its place.
func (x *refs) point(row, col int) anchorCorner {
	p := anchorCorner{}
	p.row, p.inRow = x.nearest(row, true)
	p.col, p.inCol = x.nearest(col, false)
	return p
}

// nearest gives where a line is afterwards, and for one that goes where the first one behind it is that does not.
func (x *refs) nearest(i int, rows bool) (to int, there bool) {
	size := cell.MaxCols
	if rows {
		size = cell.MaxRows
	}
	if to, ok := x.c.line(x.own, i, rows); ok {
		return to, true
	}
	// Everything from it on, as a range, begins at the first that is left.
	r := cell.Range{First: cell.Ref{Col: i}, Last: cell.Ref{Row: cell.MaxRows - 1, Col: cell.MaxCols - 1}}
	if rows {
		r.First = cell.Ref{Row: i}
	}
	if a, ok := x.c.placed(x.own, r); ok && i < size {
		if rows {
			return a.First.Row, false
		}
		return a.First.Col, false
	}
	return i, true
}

// object rewrites an object of a drawing: where it lies, and what it shows.
func (x *refs) object(text []byte, e element) []byte {
	out := x.anchor(text, e)
	if out != nil {
		text, e = out, elements(out, 0, len(out))[0]
	}
	if body, _, _ := x.content(text, e.tagEnd, e.inner); body != nil {
		return slices.Concat(e.tag(text), body, text[e.inner:e.to])
	}
	return out
}

// anchor rewrites where an object lies, as drawings, controls and embedded objects say it: two corners, or one and a size. By default an object moves
// and grows with its cells; one that only moves keeps its size, and one that does neither stays.
func (x *refs) anchor(text []byte, e element) []byte {
	if !x.moves {
		return nil
	}
	from, to := element{}, element{}
	for _, c := range elements(text, e.tagEnd, e.inner) {
		switch c.local {
		case "from":
			from = c
		case "to":
			to = c
		}
	}
	if from.local == "" {
		return nil
	}
	tag := e.tag(text)
	sizes := true
	switch string(attribute(tag, "editAs")) {
	case "oneCell":
		sizes = false
	case "absolute":
		return nil
	}
	if v := string(attribute(tag, "sizeWithCells")); e.local == "anchor" && v != "1" && v != "true" {
		sizes = false
	}
	if v := string(attribute(tag, "moveWithCells")); e.local == "anchor" && v != "1" && v != "true" {
		return nil
	}
	row, col, ok := x.cornerOf(text, from)
	if !ok {
		return nil
	}
	first := x.point(row, col)
	parts := [][]byte{x.corner(text, from, first)}
	list := []element{from}
	if to.local != "" {
		row2, col2, ok := x.cornerOf(text, to)
		if !ok {
			return nil
		}
		last := x.point(row2, col2)
		if !sizes {
			last = anchorCorner{min(max(row2+first.row-row, 0), cell.MaxRows-1), min(max(col2+first.col-col, 0), cell.MaxCols-1), true, true}
		}
		parts, list = append(parts, x.corner(text, to, last)), append(list, to)
	}
	out, at := []byte(nil), e.from
	for i, c := range list {
		if c.from < at {
			return nil // they are the wrong way round
		}
		out = append(append(out, text[at:c.from]...), parts[i]...)
		at = c.to
	}
	out = append(out, text[at:e.to]...)
	if bytes.Equal(out, text[e.from:e.to]) {
		return nil
	}
	return out
}

// cornerOf reads the row and column of a corner.
func (x *refs) cornerOf(text []byte, e element) (row, col int, ok bool) {
	row, col = -1, -1
	for _, c := range elements(text, e.tagEnd, e.inner) {
		n, err := strconv.Atoi(string(bytes.TrimSpace(text[c.tagEnd:c.inner])))
		if err != nil || n < 0 {
			continue
		}
		switch c.local {
		case "row":
			row = n
		case "col":
			col = n
		}
	}
	return row, col, row >= 0 && row < cell.MaxRows && col >= 0 && col < cell.MaxCols
}

// corner writes a corner.
func (x *refs) corner(text []byte, e element, p anchorCorner) []byte {
	out, at := []byte(nil), e.from
	for _, c := range elements(text, e.tagEnd, e.inner) {
		if c.empty {
			continue
		}
		with := ""
		switch {
		case c.local == "row":
			with = strconv.Itoa(p.row)
		case c.local == "col":
			with = strconv.Itoa(p.col)
		case c.local == "rowOff" && !p.inRow, c.local == "colOff" && !p.inCol:
			with = "0"
		default:
			continue
		}
		out = slices.Concat(out, text[at:c.tagEnd], []byte(with))
		at = c.inner
	}
	return append(out, text[at:e.to]...)
}
