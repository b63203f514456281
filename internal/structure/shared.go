package structure

import (
	"iter"
	"slices"

	"gridflow/internal/cell"
	"gridflow/internal/formula"
)

// Piece is a part of a shared formula after a change: cells that are copies of one formula again.
type Piece struct {
	Sheet string
	Area  cell.Range
	Text  string // of the formula in the first cell of the area
}

// Shared gives what becomes of a formula that the cells of area on sheet own have copies of, with text as it stands in anchor.
// Between them the pieces cover all cells of the area that are left, and what a cell of a piece then has is what
// [Rewriter.FormulaAt] makes of what it had.
//
// The area is cut where a copy's fate can differ from the one before it: where the cell or a corner of
// a reference passes a line at which the change begins or ends, or leaves the sheet. That takes time by the
// references and not by the cells. Only where a range that slides along is cut off by what is deleted has each copy a text
// of its own. Neighbours that turn out to be copies are put together again.
func (r *Rewriter) Shared(text, own string, anchor cell.Ref, area cell.Range) []Piece {
	name, ok := r.Sheet(own)
	if !ok {
		return nil
	}
	if anchor == area.First && !r.mayConcern(text, own) {
		return []Piece{{Sheet: name, Area: area, Text: text}}
	}
	var pieces []Piece
	row, from := -1, 0
	for strip := range r.strips(text, own, anchor, area) {
		if strip.First.Row != row {
			row, from = strip.First.Row, len(pieces)
		}
		if p, ok := r.piece(text, own, anchor, strip); ok && (len(pieces) == from || !pieces[len(pieces)-1].joinRight(p)) {
			pieces = append(pieces, p)
		}
	}
	return joinDown(pieces)
}

// strips yields the parts of area in each of which all copies of a formula have the same fate, row by row.
func (r *Rewriter) strips(text, own string, anchor cell.Ref, area cell.Range) iter.Seq[cell.Range] {
	return func(yield func(cell.Range) bool) {
		s := r.slice(text, own, anchor, area)
		for i, row := range s.rows {
			for j, col := range s.cols {
				strip := cell.Range{First: cell.Ref{Row: row, Col: col}, Last: cell.Ref{Row: area.Last.Row, Col: area.Last.Col}}
				if i+1 < len(s.rows) {
					strip.Last.Row = s.rows[i+1] - 1
				}
				if j+1 < len(s.cols) {
					strip.Last.Col = s.cols[j+1] - 1
				}
				if !yield(strip) {
					return
				}
			}
		}
	}
}

// piece gives what becomes of cells that all have the same fate.
func (r *Rewriter) piece(text, own string, anchor cell.Ref, strip cell.Range) (Piece, bool) {
	sheet, first, ok := r.Locate(own, strip.First)
	if !ok {
		return Piece{}, false
	}
	out, _ := r.FormulaAt(shifted(text, anchor, strip.First), own, strip.First)
	return Piece{Sheet: sheet, Text: out, Area: cell.Range{First: first,
		Last: cell.Ref{Row: first.Row + strip.Rows() - 1, Col: first.Col + strip.Cols() - 1}}}, true
}

// shifted is ShiftText for a text that may be none.
func shifted(text string, from, to cell.Ref) string {
	if out, err := formula.ShiftText(text, from, to); err == nil {
		return out
	}
	return text
}

// joinRight puts q, which is right of p, to it, if it goes on with the same formula.
func (p *Piece) joinRight(q Piece) bool {
	if p.Sheet != q.Sheet || rowsOf(p.Area) != rowsOf(q.Area) || p.Area.Last.Col+1 != q.Area.First.Col ||
		shifted(p.Text, p.Area.First, q.Area.First) != q.Text {
		return false
	}
	p.Area.Last.Col = q.Area.Last.Col
	return true
}

// joinDown puts pieces together that lie below one another and go on with the same formula.
func joinDown(pieces []Piece) []Piece {
	type column struct {
		sheet string
		cols  span
	}
	lowest := map[column]int{}
	out := pieces[:0]
	for _, q := range pieces {
		key := column{q.Sheet, colsOf(q.Area)}
		if i, ok := lowest[key]; ok {
			if p := &out[i]; p.Area.Last.Row+1 == q.Area.First.Row && shifted(p.Text, p.Area.First, q.Area.First) == q.Text {
				p.Area.Last.Row = q.Area.Last.Row
				continue
			}
		}
		lowest[key] = len(out)
		out = append(out, q)
	}
	return out
}

// slices are the rows and columns at which an area is cut.
type slicing struct{ rows, cols []int }

// corners are the two ends of a reference on one axis, as offsets from the cell where they are relative.
type corners struct {
	first, last       int
	absFirst, absLast bool
	concerned         bool // it is to a sheet that the change is on
	still             bool // it is to several sheets, whose cells it does not follow
}

// slice finds where to cut.
func (r *Rewriter) slice(text, own string, anchor cell.Ref, area cell.Range) slicing {
	var rows, cols []corners
	_, _ = formula.RewriteText(text, func(x formula.Reference) formula.Reference {
		if x.Kind > formula.RowsRef {
			return x
		}
		sheet := own
		if x.Qualified() {
			sheet = x.Sheet()
		}
		concerned := r.Concerns(sheet) && x.Book() == "" && x.LastSheet() == ""
		still := x.LastSheet() != ""
		if x.Kind != formula.ColumnsRef {
			c := corners{int(x.First.Row), int(x.Last.Row), x.First.AbsRow, x.Last.AbsRow, concerned, still}
			rows = append(rows, c.relative(anchor.Row))
		}
		if x.Kind != formula.RowsRef {
			c := corners{int(x.First.Col), int(x.Last.Col), x.First.AbsCol, x.Last.AbsCol, concerned, still}
			cols = append(cols, c.relative(anchor.Col))
		}
		return x
	})
	var onRows, onCols axis
	onRows.size, onCols.size = cell.MaxRows, cell.MaxCols
	onRows.lines, onCols.lines = r.rows, r.cols
	if b := r.block; b != nil {
		onRows.block(rowsOf(b.from), rowsOf(b.to))
		onCols.block(colsOf(b.from), colsOf(b.to))
		switch g := b.gap; {
		case g != nil && g.rows:
			onRows.lines, onRows.partly = &g.lines, true
		case g != nil:
			onCols.lines, onCols.partly = &g.lines, true
		}
	}
	own2 := r.Concerns(own)
	return slicing{onRows.cuts(rows, rowsOf(area), own2), onCols.cuts(cols, colsOf(area), own2)}
}

// relative makes offsets of the relative ends.
func (c corners) relative(at int) corners {
	if !c.absFirst {
		c.first -= at
	}
	if !c.absLast {
		c.last -= at
	}
	return c
}

// at gives the ends as they are in the copy at a row or column.
func (c corners) at(m int) span {
	s := span{c.first, c.last}
	if !c.absFirst {
		s.first += m
	}
	if !c.absLast {
		s.last += m
	}
	return s
}

// axis is rows or columns, and what the change does to them.
type axis struct {
	size     int
	lines    *lines
	partly   bool  // the lines come or go in a part of the other axis only
	critical []int // where what becomes of a position may differ from that of the one before it
	step     int   // how far cells move
}

func (a *axis) block(from, to span) {
	a.critical = []int{from.first, from.last + 1, to.first, to.last + 1}
	a.step = to.first - from.first
}

// cuts gives where an area is to be cut on the axis, its own beginning first.
func (a *axis) cuts(refs []corners, area span, own bool) []int {
	if l := a.lines; l != nil {
		end := l.at + l.count
		if !l.deletes {
			end = l.size - l.count
		}
		a.critical = append(a.critical, l.at, end)
	}
	out := []int{area.first}
	add := func(m int) {
		if m > area.first && m <= area.last {
			out = append(out, m)
		}
	}
	if own {
		for _, k := range a.critical {
			add(k)
		}
	}
	for _, c := range refs {
		for _, end := range [...]struct {
			offset, other   int
			fixed, anchored bool
		}{{c.first, c.last, c.absFirst, c.absLast}, {c.last, c.first, c.absLast, c.absFirst}} {
			if end.fixed {
				continue
			}
			for _, k := range [...]int{0, 1, a.size - 1, a.size} { // it leaves the sheet, or spans all of it
				add(k - end.offset)
			}
			if c.concerned || c.still {
				for _, k := range a.critical {
					add(k - end.offset)
					add(k - end.offset + 1) // it is the first or last line of the range there, or is not
				}
			}
			if end.anchored { // one end passes the other
				for _, k := range [...]int{end.other, end.other - a.step, end.other + a.step} {
					add(k - end.offset)
					add(k - end.offset + 1)
				}
			}
		}
	}
	slices.Sort(out)
	out = slices.Compact(out)
	if a.lines == nil {
		return out
	}
	var dense []int
	for i, m := range out {
		end := area.last + 1
		if i+1 < len(out) {
			end = out[i+1]
		}
		if _, left := a.lines.place(m); own && !left && !a.partly || !slices.ContainsFunc(refs, func(c corners) bool { return a.cutsOff(c, m) }) {
			continue
		}
		for m++; m < end; m++ {
			dense = append(dense, m)
		}
	}
	out = append(out, dense...)
	slices.Sort(out)
	return out
}

// cutsOff reports whether one end of a range in the copy at m lies in what is deleted, or is pushed out of the sheet, and
// the other does not: that end then stands still while the copies go on.
func (a *axis) cutsOff(c corners, m int) bool {
	l, s := a.lines, c.at(m)
	zone := span{l.at, l.at + l.count - 1}
	if !l.deletes {
		zone = span{l.size - l.count, l.size - 1}
	}
	in := func(i int) bool { return i >= zone.first && i <= zone.last }
	return c.concerned && in(s.first) != in(s.last) && (in(s.first) && !c.absFirst || in(s.last) && !c.absLast)
}
