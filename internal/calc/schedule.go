package calc

import (
	"context"
	"slices"

	"gridflow/internal/calc/eval"
	"gridflow/internal/calc/graph"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// How a round is run. The plan's levels follow one another. Within a level the units of which
// the cells do not read each other are cut into pieces, which all workers take from one list;
// everything else is calculated on demand by one worker. A cell whose unit was passed over, or
// which a formula read before its time, is calculated on demand at the end.
//
// Only what changed goes on: a unit is passed over where no cell that it reads has another
// value than before.

// runsMax is the number of rectangles in which the changes of a step are told; more are told as one.
const runsMax = 32

// run calculates what is dirty.
func (c *calculation) run(ctx context.Context, d *graph.Dirty, sources []graph.Area) error {
	plan, err := d.Plan(ctx)
	if err != nil {
		return err
	}
	if c.mark(d); c.stopped() {
		return ctx.Err()
	}
	w := c.worker()
	h := newHits(c, sources, d.Len())
	for first := 0; first < len(plan.Units); {
		last := first
		for last < len(plan.Units) && plan.Units[last].Level == plan.Units[first].Level {
			last++
		}
		c.level(w, plan, first, last, h)
		first = last
		if c.stopped() {
			return ctx.Err()
		}
	}
	w.rest()
	c.count += w.count
	return ctx.Err()
}

func (c *calculation) worker() *worker { return &worker{c: c} }

// level calculates the units of a level, from one to another.
func (c *calculation) level(w *worker, plan *graph.Plan, first, last int, h *hits) {
	var pieces []piece
	var cost int64
	var parts, done, shared []graph.Step // of a unit; that others read; that are cut into pieces
	for unit := first; unit < last && !c.stopped(); unit++ {
		u := &plan.Units[unit]
		hit := false
		parts = parts[:0]
		for s, region := range plan.Parts(unit) {
			for r := range region.Ranges() {
				part := graph.Step{Span: s, Cells: r}
				hit = hit || h.hits(part)
				parts = append(parts, part)
			}
		}
		switch {
		case !hit:
			for _, s := range parts {
				c.pass(s)
			}
			continue
		case u.Order == graph.Independent && !spans(parts):
			cells := int64(0)
			for _, s := range parts {
				cells += s.Cells.Cells()
			}
			for _, s := range parts {
				pieces = c.cut(pieces, s, u.Cost/cells)
			}
			shared = append(shared, parts...)
			cost += u.Cost
		default:
			for s := range plan.Steps(unit) {
				w.step(s)
			}
		}
		if !h.all && last < len(plan.Units) { // nothing reads the last level
			done = append(done, parts...)
		}
	}
	c.touched = h.touched
	if c.touched == nil { // else most cells may be passed over
		c.fetch(shared, cost)
	}
	c.spreadOut(w, pieces, cost)
	c.touched = nil
	for _, s := range done {
		h.changed(s)
	}
}

// spans reports whether there are array formulas among the steps.
func spans(steps []graph.Step) bool {
	return slices.ContainsFunc(steps, func(s graph.Step) bool { return s.Span.Template.Kind != grid.NormalFormula })
}

// pass marks the cells of a step as calculated: what they read did not change.
func (c *calculation) pass(s graph.Step) {
	c.cells(s, func(t *tile, _, _, first, last int) {
		if t.todo != nil {
			t.settleRows(first, last)
		}
	})
}

// cells calls f for the tiles of a step's cells, or of what its array formula fills, with the rows of the band.
func (c *calculation) cells(s graph.Step, f func(t *tile, col, band, first, last int)) {
	r := s.Cells
	if s.Span.Area != s.Span.Output {
		r = s.Span.Output
	}
	tiles := c.sheets[s.Span.Template.Sheet]
	for col := r.First.Col; col <= r.Last.Col; col++ {
		for band := r.First.Row / grid.BandRows; band <= r.Last.Row/grid.BandRows; band++ {
			top := band * grid.BandRows
			if t := tiles.tile(col, band); t != nil && t != nothing {
				f(t, col, band, max(r.First.Row-top, 0), min(r.Last.Row-top, grid.BandRows-1))
			}
		}
	}
}

// cut adds the pieces of a step, of which each cell costs so much.
func (c *calculation) cut(pieces []piece, s graph.Step, each int64) []piece {
	c.cells(s, func(_ *tile, col, band, first, last int) {
		p := piece{s.Span.Template.Sheet, col, band, first, last, each * int64(last-first+1)}
		if n := len(pieces); n > 0 && pieces[n-1].extend(p) {
			return
		}
		pieces = append(pieces, p)
	})
	return pieces
}

// step calculates the cells of a step on demand, in their order.
func (w *worker) step(s graph.Step) {
	w.c.cells(s, func(t *tile, col, band, first, last int) {
		w.piece(piece{sheet: s.Span.Template.Sheet, col: col, band: band, first: first, last: last}, t)
	})
}

// piece calculates the cells of a piece that are not calculated yet.
func (w *worker) piece(p piece, t *tile) {
	if t.todo == nil {
		return
	}
	w.rows(p, t)
	for i := p.first; i <= p.last && t.todo.left.Load() > 0 && !w.c.stopped(); i++ {
		if t.todo.state[i] != dirty || t.todo.by[i] <= 0 {
			continue
		}
		at := place{p.sheet, cell.Ref{Row: p.band*grid.BandRows + i, Col: p.col}}
		if w.number(at, t, i) || w.spared(at, t, i) {
			continue
		}
		if w.beside {
			w.put = nil
			w.calculate(at, t, i)
			continue
		}
		w.demand(at)
	}
}

// visit calculates a cell if it has to be.
func (w *worker) visit(p place) {
	if t, i := w.c.cell(p); !t.isClean(i) && t.todo.state[i] == dirty {
		w.demand(p)
	}
}

// rest calculates what is left, column by column.
func (w *worker) rest() {
	for i, s := range w.c.sheets {
		s.each(func(col, band int, t *tile) {
			if t.todo != nil && t.todo.left.Load() > 0 {
				w.piece(piece{sheet: i, col: col, band: band, last: grid.BandRows - 1}, t)
			}
		})
	}
}

// hits says which cells that are dirty read one that has another value than before.
type hits struct {
	c   *calculation
	all bool
	of  map[int32]runs // by span

	// All the cells with other values, where they are few; nil where they are not known one by one.
	touched []eval.Place
	many    bool
}

// runs are ranges, of which the first is there.
type runs struct {
	first cell.Range
	more  []cell.Range
}

func newHits(c *calculation, sources []graph.Area, spans int) *hits {
	h := &hits{c: c, of: make(map[int32]runs, spans)}
	if h.all = c.opt.All && len(sources) == 0; h.all {
		return h
	}
	for _, a := range sources {
		h.touch(a.Sheet, a.Range)
		h.area(a)
		for s := range c.m.graph.SpansIn(a.Sheet, a.Range) {
			h.add(s.ID, s.Area)
		}
	}
	return h
}

// touchedMax is how many cells with other values are looked at one by one.
const touchedMax = 16

// touch notes cells one by one.
func (h *hits) touch(sheet int, r cell.Range) {
	if h.many = h.many || int64(len(h.touched))+r.Cells() > touchedMax; h.many {
		h.touched = nil
		return
	}
	for row := r.First.Row; row <= r.Last.Row; row++ {
		for col := r.First.Col; col <= r.Last.Col; col++ {
			h.touched = append(h.touched, eval.Place{Sheet: sheet, At: cell.Ref{Row: row, Col: col}})
		}
	}
}

// area notes that cells have other values.
func (h *hits) area(a graph.Area) {
	for d := range h.c.m.graph.Dependents(a.Sheet, a.Range) {
		if !d.Named {
			h.add(d.Span.ID, d.Cells)
		}
	}
}

func (h *hits) add(span int32, r cell.Range) {
	x, ok := h.of[span]
	switch {
	case !ok:
		x.first = r
	case x.first.ContainsRange(r):
		return
	case len(x.more)+1 >= runsMax:
		for _, y := range x.more {
			x.first = x.first.Union(y)
		}
		x = runs{first: x.first.Union(r)}
	default:
		for _, y := range x.more {
			if y.ContainsRange(r) {
				return
			}
		}
		x.more = append(x.more, r)
	}
	h.of[span] = x
}

// hits reports whether any cell of a step has to be calculated.
func (h *hits) hits(s graph.Step) bool {
	if f := &s.Span.Template.Facts; h.all || f.Volatile || f.Dynamic {
		return true
	}
	x, ok := h.of[s.Span.ID]
	if !ok {
		return false
	}
	if _, ok := x.first.Intersect(s.Cells); ok {
		return true
	}
	return slices.ContainsFunc(x.more, func(r cell.Range) bool { _, ok := r.Intersect(s.Cells); return ok })
}

// changed notes which cells of a step have other values now.
func (h *hits) changed(s graph.Step) {
	if h.all {
		return
	}
	var runs []cell.Range
	sheet := s.Span.Template.Sheet
	h.c.cells(s, func(t *tile, col, band, first, last int) {
		for i := first; i <= last; i++ {
			if t.changed[i/64]&(1<<(i%64)) == 0 {
				continue
			}
			at := cell.Ref{Row: band*grid.BandRows + i, Col: col}
			if n := len(runs); n > 0 && runs[n-1].Last.Col == col && runs[n-1].Last.Row+1 == at.Row {
				runs[n-1].Last = at
				continue
			}
			runs = append(runs, cell.Range{First: at, Last: at})
		}
	})
	for _, r := range runs {
		h.touch(sheet, r)
	}
	if len(runs) > 0 && s.Span.Area != s.Span.Output {
		runs = append(runs, s.Span.Area) // what reads A1# reads the first cell, as far as the graph knows
	}
	if len(runs) > runsMax {
		all := runs[0]
		for _, r := range runs {
			all = all.Union(r)
		}
		runs = append(runs[:0], all)
	}
	for _, r := range runs {
		h.area(graph.Area{Sheet: sheet, Range: r})
	}
}
