package book

import (
	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// walk compares two sheets by rows that were aligned.
type walk struct {
	*comparison
	pair     int
	old, new *grid.Sheet
	rows     alignment
	yield    func(Change, error) bool

	x, y []grid.Cell // the cells of the rows that are compared
}

// run yields what differs and reports whether to go on.
func (w *walk) run() bool {
	o, n := 0, 0
	for _, b := range w.rows {
		if !w.gap(RowsDeleted, w.old, o, b.old-o) || !w.gap(RowsInserted, w.new, n, b.new-n) || !w.block(b) {
			return false
		}
		o, n = b.old+b.n, b.new+b.n
	}
	return true
}

// gap yields rows that are on one side only.
func (w *walk) gap(kind ChangeKind, sheet *grid.Sheet, first, n int) bool {
	if n == 0 {
		return true
	}
	c := Change{Kind: kind, Sheet: w.pairs[w.pair].name, Range: rowRange(first, n)}
	for range sheet.Cells(c.Range) {
		c.Cells++
	}
	return w.yield(c, nil)
}

// block yields the cells of paired rows that differ.
func (w *walk) block(b block) bool {
	next := func(sheet *grid.Sheet, from, end int) int {
		for row := range sheet.OccupiedRows(from, end-1) {
			return row
		}
		return end
	}
	shift := b.new - b.old
	endOld, endNew := b.old+b.n, b.new+b.n
	for o, n := next(w.old, b.old, endOld), next(w.new, b.new, endNew); o < endOld || n < endNew; {
		row := min(o, n-shift)
		if row&0xFF == 0 && w.ctx.Err() != nil {
			return w.yield(Change{}, w.ctx.Err()) && false
		}
		w.x, w.y = w.x[:0], w.y[:0]
		if o == row {
			w.x = cellsOf(w.x, w.old, row)
			o = next(w.old, row+1, endOld)
		}
		if n == row+shift {
			w.y = cellsOf(w.y, w.new, row+shift)
			n = next(w.new, row+shift+1, endNew)
		}
		if !w.row(row, row+shift) {
			return false
		}
	}
	return true
}

// row yields the cells of a row that differ.
func (w *walk) row(o, n int) bool {
	x, y := w.x, w.y
	for len(x) > 0 || len(y) > 0 {
		var a, b *grid.Cell
		col := 0
		if len(y) == 0 || len(x) > 0 && x[0].Ref.Col <= y[0].Ref.Col {
			a, col = &x[0], x[0].Ref.Col
		} else {
			col = y[0].Ref.Col
		}
		if len(y) > 0 && y[0].Ref.Col == col {
			b = &y[0]
			y = y[1:]
		}
		if a != nil {
			x = x[1:]
		}
		if !w.cell(a, b, cell.Ref{Row: o, Col: col}, cell.Ref{Row: n, Col: col}) {
			return false
		}
	}
	return true
}

// cell yields the change of one cell, if there is one; a side is nil where it is not stored.
func (w *walk) cell(a, b *grid.Cell, from, to cell.Ref) bool {
	if a != nil && b != nil && a.Value == b.Value && a.HasFormula() == b.HasFormula() && w.sameStyles(a.Style, b.Style) {
		// Most are so. A formula that is stored alike is the same where it did not move.
		if !a.HasFormula() || from == to && w.old.Formula(*a) == w.new.Formula(*b) {
			return true
		}
	}
	var x, y CellState
	if a != nil {
		x = stateOf(w.old, *a, true)
	}
	if b != nil {
		y = stateOf(w.new, *b, true)
	}
	same := w.sameFormula(x, y, from, to, w.pair)
	c, ok := cellChange(x, y, from, to, same, w.o.Tolerance, w.sameStyles)
	if !ok {
		return true
	}
	c.Sheet = w.pairs[w.pair].name
	return w.yield(c, nil)
}
