package structure

import "gridflow/internal/cell"

// block is the movement of cells to another place.
type block struct {
	from, to cell.Range
	dRow     int
	dCol     int
	across   bool // to another sheet
	gap      *gap // that the cells open or close; nil where they are cut and pasted
}

// gap is the insertion or deletion of cells, which is one of lines as far as the cells reach that move for it: references in the
// same columns (or rows) follow as if whole rows (or columns) came or went, and those that reach beyond them stay.
type gap struct {
	lines
	rows bool // they go up or down
	band span // the columns, or rows, in which they do
}

func newGap(c Change) *gap {
	rows := c.To.Row != c.Range.First.Row
	g := &gap{rows: rows, band: rowsOf(c.Range), lines: lines{at: c.Range.First.Col, size: cell.MaxCols}}
	by := c.To.Col - c.Range.First.Col
	if rows {
		g.band, g.at, g.size = colsOf(c.Range), c.Range.First.Row, cell.MaxRows
		by = c.To.Row - c.Range.First.Row
	}
	g.count = by
	if by < 0 { // they close it
		g.at, g.count, g.deletes = g.at+by, -by, true
	}
	return g
}

// along gives the lines of a range that the gap may come into; false if the range reaches beyond the gap.
func (g *gap) along(r cell.Range) (span, bool) {
	along, across := colsOf(r), rowsOf(r)
	if g.rows {
		along, across = across, along
	}
	return along, across.first >= g.band.first && across.last <= g.band.last
}

// within reports whether r does not reach beyond the gap.
func (g *gap) within(r cell.Range) bool {
	_, ok := g.along(r)
	return ok
}

// part is what of r lies between the edges of the gap, in which cells go up and down, or left and right.
func (g *gap) part(r cell.Range) (cell.Range, bool) {
	between := cell.WholeSheet
	if g.rows {
		between.First.Col, between.Last.Col = g.band.first, g.band.last
	} else {
		between.First.Row, between.Last.Row = g.band.first, g.band.last
	}
	return r.Intersect(between)
}

// cover gives where the cells of r are afterwards: those between the edges as lines that come and go have it, and the others.
func (g *gap) cover(r cell.Range) []cell.Range {
	part, ok := g.part(r)
	to, f := g.of(part)
	if !ok || f == stays {
		return []cell.Range{r}
	}
	out := cut(r, part)
	if f != gone {
		out = append(out, to)
	}
	return out
}

// of gives what becomes of a reference to r.
func (g *gap) of(r cell.Range) (cell.Range, fate) {
	was, within := g.along(r)
	if !within {
		return r, stays
	}
	is, left := g.span(was)
	switch {
	case !left:
		return cell.Range{}, gone
	case is == was:
		return r, stays
	case g.rows:
		r = rangeOf(is, colsOf(r))
	default:
		r = rangeOf(rowsOf(r), is)
	}
	if is.last-is.first != was.last-was.first {
		return r, edges
	}
	return r, moves
}

func (b *block) shift(r cell.Range) cell.Range {
	r.First.Row += b.dRow
	r.Last.Row += b.dRow
	r.First.Col += b.dCol
	r.Last.Col += b.dCol
	return r
}

// fate says what becomes of a range.
type fate uint8

const (
	stays fate = iota
	moves      // it goes with the cells, to their sheet
	edges      // one of its edges goes with the cells
	gone       // other cells take its place
)

// of gives what becomes of a reference to r, which is on the sheet that cells leave, on the one that they go to, or both.
func (b *block) of(r cell.Range, leaves, enters bool) (cell.Range, fate) {
	if b.gap != nil && leaves {
		return b.gap.of(r)
	}
	if leaves {
		if b.from.ContainsRange(r) {
			return b.shift(r), moves
		}
		if !b.across {
			if to, ok := b.edge(r); ok {
				return to, edges
			}
		}
	}
	if enters && b.to.ContainsRange(r) {
		return cell.Range{}, gone
	}
	return r, stays
}

// edge moves the edge of r that lies among the cells wholly, if they move across it and it does not come
// to lie behind the other one.
func (b *block) edge(r cell.Range) (cell.Range, bool) {
	holds := func(rows, cols span) bool { return b.from.ContainsRange(rangeOf(rows, cols)) }
	rows, cols := rowsOf(r), colsOf(r)
	switch {
	case b.dCol == 0 && b.dRow != 0 && !r.WholeColumns():
		if holds(span{rows.first, rows.first}, cols) && rows.first+b.dRow <= rows.last {
			r.First.Row += b.dRow
			return r, true
		}
		if holds(span{rows.last, rows.last}, cols) && rows.last+b.dRow >= rows.first {
			r.Last.Row += b.dRow
			return r, true
		}
	case b.dRow == 0 && b.dCol != 0 && !r.WholeRows():
		if holds(rows, span{cols.first, cols.first}) && cols.first+b.dCol <= cols.last {
			r.First.Col += b.dCol
			return r, true
		}
		if holds(rows, span{cols.last, cols.last}) && cols.last+b.dCol >= cols.first {
			r.Last.Col += b.dCol
			return r, true
		}
	}
	return r, false
}

// cut gives the parts of r that do not lie in hole, at most four.
func cut(r, hole cell.Range) []cell.Range {
	x, ok := r.Intersect(hole)
	if !ok {
		return []cell.Range{r}
	}
	var parts []cell.Range
	add := func(rows, cols span) {
		if rows.first <= rows.last && cols.first <= cols.last {
			parts = append(parts, rangeOf(rows, cols))
		}
	}
	add(span{r.First.Row, x.First.Row - 1}, colsOf(r))
	add(rowsOf(x), span{r.First.Col, x.First.Col - 1})
	add(rowsOf(x), span{x.Last.Col + 1, r.Last.Col})
	add(span{x.Last.Row + 1, r.Last.Row}, colsOf(r))
	return parts
}
