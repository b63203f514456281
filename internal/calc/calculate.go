package calc

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"math"
	"math/bits"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"gridflow/internal/calc/eval"
	"gridflow/internal/calc/graph"
	"gridflow/internal/cell"
	"gridflow/internal/crew"
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
	// Rest, if not nil, is called every now and then by a calculation of one worker: it goes on
	// when Rest comes back, so that others can have the processor for a while.
	Rest func()
	// Bytes is what the calculation may take beside the workbook; any number where 0. One
	// that needs more ends with an [ErrTooLarge].
	Bytes int64
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
	// Bytes is about what the calculation took beside the workbook, at its end.
	Bytes int64
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

// comparePlaces orders by sheet, row and column.
func comparePlaces(a, b place) int {
	return cmp.Or(cmp.Compare(a.sheet, b.sheet), a.at.Compare(b.at))
}

// form is a formula that is to be calculated, for all cells that share its program; an array
// formula that fills more than its cell, for that one.
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
	signal atomic.Int32 // goOn, pause or halt
	rested *time.Timer  // nil where there is no Rest
	memory memory

	spills   map[place]cell.Range // of dynamic arrays, where they differ from the model's
	empty    map[int][]cell.Ref   // by sheet: cells that arrays have left
	start    *graph.Graph         // at the start of the round
	moved    []place              // arrays that fill other cells than the graph says
	left     []graph.Area         // cells that arrays began or ceased to fill in this round
	circular map[place]bool
	blocked  map[place]bool // dynamic arrays that have no room
	count    int

	touched  []eval.Place         // all cells with other values that what is calculated now reads; nil where they are not known
	indexes  map[columnKey]*index // of columns that are calculated
	indexing sync.Mutex           // guards indexes
	settling bool                 // cells that depend on themselves are calculated again and again: no index holds
}

// maxRounds bounds how often arrays that fill other cells than before have what reads these
// cells calculated again.
const maxRounds = 10

// Calculate makes formulas of the workbook true. in is the workbook of the model, whose values
// may be others. The error is that of ctx, or an [ErrTooLarge]; the workbook is then as it was.
func (m *Model) Calculate(ctx context.Context, in Input, opt Options) (*Result, error) {
	c, err := m.calculate(ctx, in, opt)
	if err != nil {
		return nil, err
	}
	r, err := c.publish(ctx)
	if err != nil {
		return nil, err
	}
	r.Bytes = c.memory.used.Load()
	return r, nil
}

// Values gives the values that some cells have when formulas have been made true, and leaves the
// sheets as they are: for who tries something and looks at a few cells, it saves what making new sheets costs. All
// else is as Calculate has it.
func (m *Model) Values(ctx context.Context, in Input, opt Options, cells []Cell) ([]cell.Value, error) {
	c, err := m.calculate(ctx, in, opt)
	if err != nil {
		return nil, err
	}
	list := make([]cell.Value, len(cells))
	for i, x := range cells {
		if in.Sheets[x.Sheet] != nil {
			if t, row := c.cell(place{x.Sheet, x.At}); t != nil { // else it lies beyond all cells, and is blank
				list[i] = t.at(row)
			}
		}
	}
	return list, nil
}

// begin makes a calculation in which nothing is dirty yet.
func (m *Model) begin(in Input, opt Options) *calculation {
	c := &calculation{m: m, in: in, opt: opt, spills: map[place]cell.Range{}, empty: map[int][]cell.Ref{}, circular: map[place]bool{}, blocked: map[place]bool{}, indexes: map[columnKey]*index{}}
	c.memory.most = opt.Bytes
	c.memory.over = func() { c.signal.Store(halt) }
	for _, s := range in.Sheets {
		tiles := newSheetTiles(s)
		tiles.memory = &c.memory
		c.sheets = append(c.sheets, tiles)
	}
	return c
}

// calculate makes formulas true, in tiles that nobody else sees.
func (m *Model) calculate(ctx context.Context, in Input, opt Options) (*calculation, error) {
	c := m.begin(in, opt)
	err := c.settle(ctx)
	large := (*ErrTooLarge)(nil) // of what reads what: what there was room for beside all else
	switch {
	case ctx.Err() == nil && (c.memory.exceeded() || opt.Bytes > 0 && errors.As(err, &large)):
		return nil, &ErrTooLarge{Most: opt.Bytes}
	case err == nil && c.stopped():
		err = ctx.Err()
	}
	return c, err
}

// settle runs what is dirty until nothing is.
func (c *calculation) settle(ctx context.Context) error {
	m, opt := c.m, &c.opt
	stop := context.AfterFunc(ctx, func() { c.signal.Store(halt) })
	defer stop()
	if opt.Rest != nil && c.workers() == 1 {
		c.rested = time.AfterFunc(restEvery, func() { c.signal.CompareAndSwap(goOn, pause) })
		defer c.rested.Stop()
	}
	sources := c.sources()
	for _, p := range m.blocked {
		if s, ok := c.span(p); ok && s.Template.Kind == grid.DynamicArray {
			c.blocked[p] = true
		}
	}
	if !opt.All {
		sources = c.withBlocked(sources)
	}
	dirty := func(g *graph.Graph) (*graph.Dirty, error) { return g.Dirty(ctx, sources, c.memory.room()) }
	if opt.All {
		dirty = func(g *graph.Graph) (*graph.Dirty, error) { return g.All(ctx, c.memory.room()) }
	}
	for round := range maxRounds {
		c.left, c.start = nil, c.m.graph
		d, err := dirty(c.m.graph)
		if err != nil {
			return err
		}
		maps.DeleteFunc(c.circular, func(p place, _ bool) bool { return d.Contains(p.sheet, p.at) }) // of the round before
		c.memory.take(d.Bytes())
		err = c.run(ctx, d, sources)
		c.memory.take(-d.Bytes())
		if err != nil || c.stopped() {
			return err
		}
		if err := c.allCircles(ctx); err != nil {
			return err
		}
		if len(c.left) == 0 {
			break
		}
		if err := c.rewire(ctx); err != nil {
			return err
		}
		if round+1 == maxRounds {
			break
		}
		sources = c.withBlocked(c.left)
		dirty = func(g *graph.Graph) (*graph.Dirty, error) { return g.Dirty(ctx, sources, c.memory.room()) }
	}
	return c.iterate(ctx)
}

// sources gives what the calculation is told of as areas.
func (c *calculation) sources() []graph.Area {
	sources := make([]graph.Area, len(c.opt.Sources), len(c.opt.Sources)+len(c.opt.Areas))
	for i, s := range c.opt.Sources {
		sources[i] = graph.Area{Sheet: s.Sheet, Range: cell.Range{First: s.At, Last: s.At}}
	}
	return append(sources, c.opt.Areas...)
}

// withBlocked adds to sources the arrays that have no room: there may be some now.
func (c *calculation) withBlocked(sources []graph.Area) []graph.Area {
	for p := range c.blocked {
		sources = append(sources, graph.Area{Sheet: p.sheet, Range: cell.Range{First: p.at, Last: p.at}})
	}
	return sources
}

// What a calculation is told.
const (
	goOn int32 = iota
	pause
	halt
)

// restEvery is how long a calculation goes on before it rests.
const restEvery = 20 * time.Millisecond

// stopped reports whether the calculation is to end. Where it is to rest it does so first.
func (c *calculation) stopped() bool {
	switch c.signal.Load() {
	case goOn:
		return false
	case pause:
		c.opt.Rest()
		c.signal.CompareAndSwap(pause, goOn)
		c.rested.Reset(restEvery)
	}
	return c.signal.Load() == halt
}

// rewire brings the graph up to date where arrays fill other cells than before.
func (c *calculation) rewire(ctx context.Context) error {
	if len(c.moved) == 0 {
		return nil
	}
	changes := make([]graph.Change, 0, len(c.moved))
	for _, p := range c.moved {
		s, ok := c.span(p)
		if !ok {
			continue
		}
		x := programOf(s) // whose text is that of the first copy
		changes = append(changes, graph.Change{Sheet: p.sheet, At: p.at, Formula: grid.Formula{Text: x.text, Kind: s.Template.Kind, Anchor: x.at, Range: c.spills[p]}})
	}
	g, err := c.m.graph.With(ctx, changes, c.m.words)
	if err != nil {
		return err
	}
	c.m, c.moved = c.m.derive(g, len(changes)), nil
	return nil
}

// mark notes the cells that are dirty in their tiles, all unless the calculation is stopped.
func (c *calculation) mark(d *graph.Dirty) {
	clear(c.indexes)
	c.forms = c.forms[:0]
	numbers := map[*graph.Template]int32{} // of forms, from 1 on
	var marks []dirtyRows
	for s, region := range d.Spans() {
		p := programOf(s)
		if p == nil {
			continue
		}
		// What the other workbook, the server or the macro gave when the file was saved is the
		// best there is.
		keep := p.Elsewhere && c.in.External == nil
		n := numbers[s.Template]
		if n == 0 || s.Area != s.Output {
			c.forms = append(c.forms, form{p, s.Template.Kind, s.Template.Sheet, s.Area, s.Output})
			n = int32(len(c.forms))
			if s.Area == s.Output {
				numbers[s.Template] = n
			}
		}
		tiles := c.sheets[s.Template.Sheet]
		if s.Area != s.Output {
			tiles.grow(s.Output)
			for row := s.Output.First.Row; row <= s.Output.Last.Row && !c.stopped(); row++ {
				for col := s.Output.First.Col; col <= s.Output.Last.Col; col++ {
					at := cell.Ref{Row: row, Col: col}
					by := -n
					if s.Area.Contains(at) {
						by = n
					}
					if t := tiles.toDo(at); !keep || t.kinds[row%grid.BandRows] == cell.Blank {
						t.mark(row%grid.BandRows, by)
					}
				}
			}
			continue
		}
		for r := range region.Ranges() {
			tiles.grow(r)
			for col := r.First.Col; col <= r.Last.Col; col++ {
				for row := r.First.Row; row <= r.Last.Row; {
					end := min(r.Last.Row, row|(grid.BandRows-1))
					marks = append(marks, dirtyRows{tiles, col, row, end, n, keep})
					row = end + 1
				}
			}
		}
	}
	c.markAll(marks)
}

// dirtyRows are cells of one column and one band of which a formula is to be calculated.
type dirtyRows struct {
	tiles            *sheetTiles
	col, first, last int
	by               int32
	keep             bool // but for those that have a value
}

// markAll marks cells in their tiles, which is half of the work of unpacking these. A tile is
// always for the same worker.
func (c *calculation) markAll(marks []dirtyRows) {
	n := min(c.workers(), len(marks)/marksMin+1)
	var wg crew.Crew
	for k := range n {
		work := func() {
			for _, m := range marks {
				band := m.first / grid.BandRows
				if (m.col+band)%n != k || c.stopped() {
					continue
				}
				t := m.tiles.toDo(cell.Ref{Row: m.first, Col: m.col})
				first, last := m.first%grid.BandRows, m.last%grid.BandRows
				if !m.keep {
					t.markRows(first, last, m.by)
					continue
				}
				for i := first; i <= last; i++ {
					if t.kinds[i] == cell.Blank {
						t.mark(i, m.by)
					}
				}
			}
		}
		if k == n-1 {
			work()
		} else {
			wg.Go(work)
		}
	}
	wg.Wait()
}

// marksMin is how many marks are worth a worker more.
const marksMin = 64

// workers is how many goroutines may calculate at once.
func (c *calculation) workers() int {
	if c.opt.Workers > 0 {
		return c.opt.Workers
	}
	return runtime.GOMAXPROCS(0)
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
	d, err := c.m.graph.Dirty(ctx, areas, c.memory.room())
	if err != nil {
		return err
	}
	c.mark(d)
	c.settling = true
	w := c.worker()
	for range max(c.in.Book.IterateCount, 1) - 1 {
		for _, p := range cells {
			if t, i := c.cell(p); t.isClean(i) && t.todo != nil && t.todo.by[i] > 0 {
				t.mark(i, t.todo.by[i])
			}
		}
		change := 0.0
		for _, p := range cells {
			if c.stopped() {
				break
			}
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
	cells := slices.Collect(maps.Keys(c.circular))
	slices.SortFunc(cells, comparePlaces)
	return cells
}

// leftAtOnce is how many of the cells that arrays have left are taken out of a sheet between two looks at whether the
// calculation is to end.
const leftAtOnce = 1 << 14

// publish makes the sheets with the new values. The error is that of ctx.
func (c *calculation) publish(ctx context.Context) (*Result, error) {
	r := &Result{Sheets: map[int]*grid.Sheet{}, Model: c.m, Calculated: c.count}
	blocked := slices.SortedFunc(maps.Keys(c.blocked), comparePlaces)
	if !slices.Equal(blocked, c.m.blocked) {
		with := *c.m
		with.blocked = blocked
		r.Model = &with
	}
	for _, p := range c.inOrder() {
		r.Circular = append(r.Circular, Cell{p.sheet, p.at})
	}
	for i, s := range c.sheets {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
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
		next, err := s.from.WithValues(ctx, values, c.workers())
		if err == nil && len(spills) > 0 {
			next, err = next.With(spills)
		}
		for left := range slices.Chunk(c.empty[i], leftAtOnce) {
			if err == nil {
				err = ctx.Err()
			}
			if err == nil {
				next, err = next.Without(left)
			}
		}
		if err != nil {
			return nil, err
		}
		r.Sheets[i] = next
	}
	return r, nil
}
