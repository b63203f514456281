package calc

import (
	"math"

	"gridflow/internal/calc/eval"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// Formulas over plain numbers are calculated by their kernels: a whole piece at once where what
// it reads is calculated, else one cell after another. What a kernel does not know is left to
// the program.

// kernel gives the kernel that a cell of a tile is to be calculated with, and what it gives.
func (w *worker) kernel(t *tile, i int) (*eval.Kernel, cell.Kind) {
	by := t.todo.by[i]
	if t.todo.state[i] != dirty || by <= 0 {
		return nil, 0
	}
	f := &w.c.forms[by-1]
	if f.kernel == nil || f.arrays() {
		return nil, 0
	}
	if w.runner == nil {
		w.runner = eval.NewRunner((*numbers)(w))
	}
	if f.kernel.Logical {
		return f.kernel, cell.Bool
	}
	return f.kernel, cell.Number
}

// rows calculates the cells of a piece as far as they are of one formula and their kernel
// knows the value. It takes none where a cell that they read is not calculated or is no number.
func (w *worker) rows(p piece, t *tile) {
	k, kind := w.kernel(t, p.first)
	if k == nil || p.first == p.last {
		return
	}
	by := t.todo.by[p.first]
	for i := p.first; i <= p.last; i++ {
		if t.todo.by[i] != by || t.todo.state[i] != dirty {
			return
		}
	}
	from := cell.Ref{Row: p.band*grid.BandRows + p.first, Col: p.col}
	w.runner.Literals = w.c.literals(k.Open, p.sheet, from)
	out, ok := w.runner.Rows(k, from, p.last-p.first+1)
	if !ok {
		return
	}
	known := true
	for _, f := range out {
		known = known && f == f
	}
	if known {
		t.putRows(p.first, kind, out)
		t.settleRows(p.first, p.last)
		w.count += len(out)
		return
	}
	for i, f := range out {
		if f == f {
			t.put(p.first+i, kind, f, true)
			t.settle(p.first + i)
			w.count++
		}
	}
}

// number calculates a cell by its kernel, if that knows the value.
func (w *worker) number(p place, t *tile, i int) bool {
	k, kind := w.kernel(t, i)
	if k == nil || len(w.c.circular) > 0 {
		return false
	}
	w.runner.Literals = w.c.literals(k.Open, p.sheet, p.at)
	f := w.runner.One(k, p.at)
	if f != f {
		return false
	}
	t.put(i, kind, f, w.beside)
	t.settle(i)
	w.count++
	return true
}

// numbers is a worker as kernels see it.
type numbers worker

// Number gives the number of a cell.
func (w *numbers) Number(sheet int, at cell.Ref) float64 {
	t := w.c.sheets[sheet].tile(at.Col, at.Row/grid.BandRows)
	if t == nil || t == nothing {
		return 0
	}
	i := at.Row % grid.BandRows
	if t.kinds[i] > cell.Number || !t.isClean(i) {
		return math.NaN()
	}
	return t.nums[i]
}

// Column gives the numbers of cells below one another, those of one tile where they lie.
func (w *numbers) Column(sheet int, from cell.Ref, n int, buf *[grid.BandRows]float64) ([]float64, bool) {
	s := w.c.sheets[sheet]
	out := buf[:0]
	for n > 0 {
		first := from.Row % grid.BandRows
		rows := min(n, grid.BandRows-first)
		t := s.tile(from.Col, from.Row/grid.BandRows)
		if t == nil {
			t = nothing
		}
		if t.todo != nil && t.todo.left.Load() > 0 {
			for _, s := range t.todo.state[first : first+rows] {
				if s != clean {
					return nil, false
				}
			}
		}
		for _, k := range t.kinds[first : first+rows] {
			if k > cell.Number {
				return nil, false
			}
		}
		if rows == n && len(out) == 0 {
			return t.nums[first : first+rows], true
		}
		out = append(out, t.nums[first:first+rows]...)
		from.Row += rows
		n -= rows
	}
	return out, true
}
