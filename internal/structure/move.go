package structure

import "gridflow/internal/cell"

// block is the movement of cells to another place.
type block struct {
	from, to cell.Range
	dRow     int
	dCol     int
	across   bool // to another sheet
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
