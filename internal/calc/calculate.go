package calc

import (
	"context"
	"math"
	"math/bits"
	"slices"
	"sync/atomic"

	"gridflow/internal/calc/graph"
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
	// All has every formula calculated. Else those are that depend on Sources, the cells whose
	// value or formula is another one, and those that are volatile.
	All     bool
	Sources []Cell
	Areas   []graph.Area // more sources
	// Workers is how many goroutines calculate at once; GOMAXPROCS where 0.
	Workers int
}

// Result is what a calculation gave.
type Result struct {
	// Sheets are the sheets in which values changed, by their index.
	Sheets map[int]*grid.Sheet
	// Model is the model of the workbook with these sheets: another one where arrays fill other
	// cells than before.
	Model *Model
	// Calculated is the number of formulas that were run, Changed that of the cells whose
	// value is another one than before.
	Calculated, Changed int
	// Circular are the cells that depend on themselves, in the order of sheets, rows and
	// columns. Unless the workbook asks for iteration their value is #CIRC!.
	Circular []Cell
}

// Cell is a cell of a workbook.
type Cell struct {
	Sheet int
	At    cell.Ref
}

// place is the same, within the package.
type place struct {
	sheet int
	at    cell.Ref
}

// form is a formula that is to be calculated, for all the cells of its span.
type form struct {
	*program
	kind         grid.FormulaKind
	sheet        int
	area, output cell.Range
}

// arrays reports whether the formula is calculated with arrays on.
func (f *form) arrays() bool { return f.kind != grid.NormalFormula }

// calculation is one run.
type calculation struct {
	m      *Model
	in     Input
	opt    Options
	sheets []*sheetTiles
	forms  []form
	number map[int32]int32 // of a span's form in forms, from 1 on, by the id of the span
	halt   atomic.Bool

	spills   map[place]cell.Range // of dynamic arrays, where they differ from the model's
	empty    map[int][]cell.Ref   // by sheet: cells that arrays have left
	moved    []place              // arrays that fill other cells than at the start of the round
	left     []graph.Area         // cells that arrays began or ceased to fill in this round
	circular map[place]bool
	count    int
}

// maxRounds bounds how often arrays that fill other cells than before have what reads these
// cells calculated again.
const maxRounds = 10

// Calculate makes formulas of the workbook true. in is the workbook of the model, whose values
// may be others. The error is that of ctx; the workbook is then as it was.
func (m *Model) Calculate(ctx context.Context, in Input, opt Options) (*Result, error) {
	c := &calculation{m: m, in: in, opt: opt, spills: map[place]cell.Range{}, empty: map[int][]cell.Ref{}, circular: map[place]bool{}}
	stop := context.AfterFunc(ctx, func() { c.halt.Store(true) })
	defer stop()
	for _, s := range in.Sheets {
		c.sheets = append(c.sheets, newSheetTiles(s))
	}
	sources := make([]graph.Area, len(opt.Sources))
	for i, s := range opt.Sources {
		sources[i] = graph.Area{Sheet: s.Sheet, Range: cell.Range{First: s.At, Last: s.At}}
	}
	sources = append(sources, opt.Areas...)
	dirty := func(g *graph.Graph) (*graph.Dirty, error) { return g.Dirty(ctx, sources) }
	if opt.All {
		dirty = func(g *graph.Graph) (*graph.Dirty, error) { return g.All(ctx) }
	}
	for round := range maxRounds {
		c.moved, c.left = nil, nil
		d, err := dirty(c.m.graph)
		if err != nil {
			return nil, err
		}
		if err := c.run(ctx, d, sources); err != nil {
			return nil, err
		}
		if len(c.moved) == 0 {
			break
		}
		if err := c.rewire(); err != nil {
			return nil, err
		}
		if round+1 == maxRounds {
			break
		}
		sources = c.left
		dirty = func(g *graph.Graph) (*graph.Dirty, error) { return g.Dirty(ctx, sources) }
	}
	if err := c.iterate(ctx); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return c.publish()
}

func (c *calculation) stopped() bool { return c.halt.Load() }

// rewire brings the graph up to date where arrays fill other cells than before.
func (c *calculation) rewire() error {
	changes := make([]graph.Change, 0, len(c.moved))
	for _, p := range c.moved {
		s, ok := c.span(p)
		if !ok {
			continue
		}
		x := programOf(s)
		changes = append(changes, graph.Change{Sheet: p.sheet, At: p.at, Formula: grid.Formula{Text: x.text, Kind: s.Template.Kind, Anchor: p.at, Range: c.spills[p]}})
	}
	g, err := c.m.graph.With(changes, c.m.words)
	if err != nil {
		return err
	}
	c.m = &Model{c.m.words, g}
	return nil
}

// mark notes the cells that are dirty in their tiles.
func (c *calculation) mark(d *graph.Dirty) {
	c.forms, c.number = c.forms[:0], make(map[int32]int32, d.Len())
	for s, region := range d.Spans() {
		p := programOf(s)
		if p == nil {
			continue
		}
		// What the other workbook, the server or the macro gave when the file was saved is the
		// best there is.
		keep := p.Elsewhere && c.in.External == nil
		c.forms = append(c.forms, form{p, s.Template.Kind, s.Template.Sheet, s.Area, s.Output})
		n := int32(len(c.forms))
		c.number[s.ID] = n
		tiles := c.sheets[s.Template.Sheet]
		if s.Area != s.Output {
			tiles.grow(s.Output)
			for row := s.Output.First.Row; row <= s.Output.Last.Row; row++ {
				for col := s.Output.First.Col; col <= s.Output.Last.Col; col++ {
					at := cell.Ref{Row: row, Col: col}
					by := -n
					if s.Area.Contains(at) {
						by = n
					}
					if t := tiles.own(at); !keep || t.kinds[row%grid.BandRows] == cell.Blank {
						t.mark(row%grid.BandRows, by)
					}
				}
			}
			continue
		}
		for r := range region.Ranges() {
			for col := r.First.Col; col <= r.Last.Col; col++ {
				for row := r.First.Row; row <= r.Last.Row; {
					t := tiles.own(cell.Ref{Row: row, Col: col})
					for end := min(r.Last.Row, row|(grid.BandRows-1)); row <= end; row++ {
						if !keep || t.kinds[row%grid.BandRows] == cell.Blank {
							t.mark(row%grid.BandRows, n)
						}
					}
				}
			}
		}
	}
}

// iterate calculates the cells that depend on themselves again and again, where the
// workbook asks for it, until they settle, and then what depends on them.
func (c *calculation) iterate(ctx context.Context) error {
	if !c.in.Book.Iterative || len(c.circular) == 0 {
		return nil
	}
	cells := c.inOrder()
	areas := make([]graph.Area, len(cells))
	for i, p := range cells {
		areas[i] = graph.Area{Sheet: p.sheet, Range: cell.Range{First: p.at, Last: p.at}}
	}
	d, err := c.m.graph.Dirty(ctx, areas)
	if err != nil {
		return err
	}
	c.mark(d)
	w := c.worker()
	for range max(c.in.Book.IterateCount, 1) - 1 {
		for _, p := range cells {
			if t, i := c.cell(p); t.isClean(i) && t.todo != nil && t.todo.by[i] > 0 {
				t.mark(i, t.todo.by[i])
			}
		}
		change := 0.0
		for _, p := range cells {
			t, i := c.cell(p)
			was := t.at(i)
			w.visit(p)
			if now := t.at(i); now != was {
				change = max(change, math.Abs(now.Number()-was.Number()))
			}
		}
		if change <= c.in.Book.IterateDelta || c.stopped() {
			break
		}
	}
	for _, p := range cells {
		t, i := c.cell(p)
		t.settle(i)
	}
	w.rest()
	c.count += w.count
	return nil
}

// inOrder gives the circular cells by sheet, row and column.
func (c *calculation) inOrder() []place {
	cells := make([]place, 0, len(c.circular))
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
	r := &Result{Sheets: map[int]*grid.Sheet{}, Model: c.m, Calculated: c.count}
	for _, p := range c.inOrder() {
		r.Circular = append(r.Circular, Cell{p.sheet, p.at})
	}
	for i, s := range c.sheets {
		var values []grid.Values
		s.each(func(col, band int, t *tile) {
			count := 0
			for _, w := range t.changed {
				count += bits.OnesCount64(w)
			}
			if count > 0 {
				values = append(values, grid.Values{Band: band, Col: col, Changed: &t.changed, Kinds: &t.kinds, Nums: &t.nums, Texts: t.texts.Load()})
				r.Changed += count
			}
		})
		var spills []grid.Change
		for p, fills := range c.spills {
			if p.sheet == i {
				t, n := c.cell(p)
				spills = append(spills, grid.Change{Ref: p.at, Kind: grid.SetValue, Value: t.at(n), Spills: true, Fills: fills})
			}
		}
		if len(values)+len(spills) == 0 {
			continue
		}
		next, err := s.from.WithValues(values)
		if err == nil && len(spills) > 0 {
			next, err = next.With(spills)
		}
		if err == nil {
			next, err = next.Without(c.empty[i])
		}
		if err != nil {
			return nil, err
		}
		r.Sheets[i] = next
	}
	return r, nil
}
