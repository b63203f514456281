package calc

import (
	"context"
	"math"
	"slices"
	"sync/atomic"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// Options are what a calculation is told besides the workbook.
type Options struct {
	// Now is the moment that NOW and TODAY give, as a serial in the workbook's date system.
	Now float64
	// Seed is what random numbers start from. With the same Now and Seed a calculation
	// gives the same values again.
	Seed uint64
}

// Result is what a calculation gave.
type Result struct {
	// Sheets are the sheets in which values changed, by their index.
	Sheets map[int]*grid.Sheet
	// Calculated is the number of formulas that were run, Changed that of the cells whose
	// value is another one than before.
	Calculated, Changed int
	// Circular are the cells that depend on themselves, in the order of sheets, rows and
	// columns. Unless the workbook asks for iteration their value is #CIRC!.
	Circular []Cell
	// Spills are the arrays that fill other cells than before.
	Spills map[Cell]cell.Range
}

// Cell is a cell of a workbook.
type Cell struct {
	Sheet int
	At    cell.Ref
}

// calculation is one run.
type calculation struct {
	m      *Model
	in     Input
	opt    Options
	sheets []*sheetTiles
	halt   atomic.Bool

	spills   map[place]cell.Range // of dynamic arrays, where they differ from the model's
	moved    bool                 // an array fills other cells than before
	circular map[place]bool
	count    int
}

// Calculate calculates every formula of the workbook. in is the workbook of the model, whose
// values may be others. The error is that of ctx; the workbook is then as it was.
func (m *Model) Calculate(ctx context.Context, in Input, opt Options) (*Result, error) {
	c := &calculation{m: m, in: in, opt: opt, spills: map[place]cell.Range{}, circular: map[place]bool{}}
	stop := context.AfterFunc(ctx, func() { c.halt.Store(true) })
	defer stop()
	for i, s := range in.Sheets {
		c.sheets = append(c.sheets, newSheetTiles(s, m.sheets[i]))
	}
	w := &worker{c: c}
	c.markAll()
	c.arraysFirst(w)
	c.rest(w)
	c.iterate(w)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return c.publish()
}

func (c *calculation) stopped() bool { return c.halt.Load() }

// markAll marks every formula as to be calculated.
func (c *calculation) markAll() {
	for _, s := range c.sheets {
		if s.forms == nil {
			continue
		}
		for col, fc := range s.forms.cols {
			for band, forms := range fc.bands {
				if forms == nil {
					continue
				}
				t := s.tile(col, band)
				if t.state == nil {
					t.state = make([]state, grid.BandRows)
				}
				t.todo = 0
				for i, id := range forms {
					if id != 0 {
						t.state[i] = dirty
						t.todo++
					}
				}
			}
		}
	}
}

// maxRounds bounds how often arrays that fill other cells than before make everything be
// calculated again.
const maxRounds = 10

// arraysFirst calculates the arrays that spill until they all keep their places.
func (c *calculation) arraysFirst(w *worker) {
	for range maxRounds {
		c.moved = false
		for i, f := range c.m.sheets {
			if f == nil {
				continue
			}
			for _, a := range f.arrays {
				if a.dynamic {
					c.visit(w, place{i, a.anchor})
				}
			}
		}
		if !c.moved || c.stopped() {
			return
		}
		c.markAll()
	}
}

// visit calculates a cell if it has to be.
func (c *calculation) visit(w *worker, p place) {
	if t, i := c.cell(p); t.state != nil && t.state[i] == dirty {
		w.demand(p)
	}
}

// rest calculates what is left, column by column.
func (c *calculation) rest(w *worker) {
	for i, s := range c.sheets {
		if s.forms == nil {
			continue
		}
		cols := make([]int, 0, len(s.forms.cols))
		for col := range s.forms.cols {
			cols = append(cols, col)
		}
		slices.Sort(cols)
		for _, col := range cols {
			for band, forms := range s.forms.cols[col].bands {
				if forms == nil {
					continue
				}
				t := s.tile(col, band)
				for row := 0; t.todo > 0 && row < grid.BandRows && !c.stopped(); row++ {
					if t.state[row] == dirty && forms[row] > 0 {
						w.demand(place{i, cell.Ref{Row: band*grid.BandRows + row, Col: col}})
					}
				}
			}
		}
	}
}

// iterate calculates the cells that depend on themselves again and again, where the
// workbook asks for it, until they settle.
func (c *calculation) iterate(w *worker) {
	if !c.in.Book.Iterative || len(c.circular) == 0 {
		return
	}
	cells := c.inOrder()
	for range max(c.in.Book.IterateCount, 1) - 1 {
		for _, p := range cells {
			if t, i := c.cell(p); t.state[i] == clean {
				t.state[i] = dirty
				t.todo++
			}
		}
		change := 0.0
		for _, p := range cells {
			t, i := c.cell(p)
			was := t.at(i)
			c.visit(w, p)
			if now := t.at(i); now != was {
				change = max(change, math.Abs(now.Number()-was.Number()))
			}
		}
		if change <= c.in.Book.IterateDelta || c.stopped() {
			break
		}
	}
	keep := c.circular
	c.markAll()
	for p := range keep {
		t, i := c.cell(p)
		t.settle(i)
	}
	c.rest(w)
}

// inOrder gives the circular cells by sheet, row and column.
func (c *calculation) inOrder() []place {
	var cells []place
	for p := range c.circular {
		cells = append(cells, p)
	}
	slices.SortFunc(cells, func(a, b place) int {
		switch {
		case a.sheet != b.sheet:
			return a.sheet - b.sheet
		case a.at.Row != b.at.Row:
			return a.at.Row - b.at.Row
		}
		return a.at.Col - b.at.Col
	})
	return cells
}

// publish makes the sheets with the new values.
func (c *calculation) publish() (*Result, error) {
	r := &Result{Sheets: map[int]*grid.Sheet{}, Calculated: c.count}
	for _, p := range c.inOrder() {
		r.Circular = append(r.Circular, Cell{p.sheet, p.at})
	}
	for p, fills := range c.spills {
		if r.Spills == nil {
			r.Spills = map[Cell]cell.Range{}
		}
		r.Spills[Cell{p.sheet, p.at}] = fills
	}
	for i, s := range c.sheets {
		var changes []grid.Change
		s.each(func(col, band int, t *tile) {
			for row := range grid.BandRows {
				if t.changed[row/64]&(1<<(row%64)) == 0 {
					continue
				}
				at := cell.Ref{Row: band*grid.BandRows + row, Col: col}
				if v := t.at(row); s.from.Value(at) != v {
					changes = append(changes, grid.Change{Ref: at, Kind: grid.SetValue, Value: v})
				}
			}
		})
		if len(changes) == 0 {
			continue
		}
		next, err := s.from.With(changes)
		if err != nil {
			return nil, err
		}
		r.Sheets[i] = next
		r.Changed += len(changes)
	}
	return r, nil
}

// each calls f for every tile that was unpacked.
func (s *sheetTiles) each(f func(col, band int, t *tile)) {
	for col := range s.cols {
		c := s.cols[col].Load()
		if c == nil {
			continue
		}
		for band := range c.bands {
			if t := c.bands[band].Load(); t != nil && t != nothing {
				f(col, band, t)
			}
		}
	}
}
