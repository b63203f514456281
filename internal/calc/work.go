package calc

import (
	"math/rand/v2"
	"slices"
	"unsafe"

	"gridflow/internal/calc/eval"
	"gridflow/internal/calc/fn"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// worker calculates cells. It belongs to one goroutine.
type worker struct {
	c        *calculation
	machines []*eval.Machine // one for each cell under way: what a cell reads may have to be calculated in the midst of it
	path     []place         // the cells under way, the innermost last
	stack    []place         // the cells that were put off, each for the next
	put      *place          // what is under way is to be abandoned, for this cell goes first
	count    int             // formulas that were run
	trace    *trace          // where reads are noted; mostly nil
	columns  map[columnKey]*sought
	sums     map[columnKey]*runningSums
	places   []int32        // that Candidates gave last
	runner   *eval.Runner   // of kernels
	texts    map[*byte]bool // those of which keeps has counted, or the latest
	beside   bool           // others work at the same time: a cell that is not calculated is no business of this one
}

// maxPath is how deep cells are calculated within one another before one is put off.
const maxPath = 128

// demand makes the value of a cell true.
func (w *worker) demand(p place) {
	w.stack = append(w.stack[:0], p)
	for len(w.stack) > 0 && !w.c.stopped() {
		top := w.stack[len(w.stack)-1]
		t, i := w.c.cell(top)
		if t.isClean(i) {
			w.stack = w.stack[:len(w.stack)-1]
			continue
		}
		w.put = nil
		w.calculate(top, t, i)
		if w.put != nil {
			t.todo.state[i] = waiting
			w.stack = append(w.stack, *w.put)
			w.put = nil
		}
	}
	for _, p := range w.stack { // only where the calculation was stopped
		if t, i := w.c.cell(p); !t.isClean(i) {
			t.todo.state[i] = dirty
		}
	}
}

// cell gives the tile of a cell and its row there.
func (c *calculation) cell(p place) (*tile, int) {
	return c.sheets[p.sheet].tile(p.at.Col, p.at.Row/grid.BandRows), p.at.Row % grid.BandRows
}

// need is called when a formula reads a cell that is not calculated.
func (w *worker) need(p place, t *tile, i int) {
	switch {
	case w.put != nil:
		return
	case w.beside:
		w.put = &p
		return
	}
	if by := t.todo.by[i]; by < 0 { // an array formula fills it
		p.at = w.c.forms[-by-1].area.First
		if t, i = w.c.cell(p); t.isClean(i) {
			return
		}
	}
	switch t.todo.state[i] {
	case running:
		w.circle(w.path[slices.Index(w.path, p):])
	case waiting:
		w.circle(w.stack[slices.Index(w.stack, p):])
		w.circle(w.path)
	case dirty:
		if len(w.path) >= maxPath {
			w.put = &p
			return
		}
		w.calculate(p, t, i)
	}
}

// calculate runs the formula of a cell and takes its value, unless something else has to
// be calculated first (w.put) or the calculation was stopped.
func (w *worker) calculate(p place, t *tile, i int) {
	f := &w.c.forms[t.todo.by[i]-1]
	was := t.todo.state[i]
	t.todo.state[i] = running
	w.path = append(w.path, p)
	m := w.machine(len(w.path) - 1)
	if f.Volatile {
		m.Rand = w.c.random(p)
	}
	m.Literals = w.c.literals(f.Open, p.sheet, p.at)
	v := m.Run(f.Program, p.sheet, p.at, f.arrays())
	if f.kind == grid.DynamicArray {
		v = m.Spilled(v, p.at)
	}
	w.path = w.path[:len(w.path)-1]
	if w.put != nil || w.c.stopped() {
		t.todo.state[i] = was
		return
	}
	if !w.beside && w.c.circular[p] && !w.c.in.Book.Iterative {
		v = fn.Err(cell.ErrCirc)
	}
	w.count++
	w.keeps(v)
	if f.arrays() {
		v = fn.Scalar(w.c.spread(p, f, v))
	}
	t.set(i, v.Scalar())
	t.settle(i) // last: who sees that all of a tile is calculated may read what changed in it
}

// keeps counts the long texts that a formula gave. A text that cells have in common counts once.
func (w *worker) keeps(v fn.Value) {
	const long, most = 64, 1 << 16
	one := func(x cell.Value) {
		s := x.Text()
		if len(s) < long {
			return
		}
		at := unsafe.StringData(s)
		if w.texts[at] {
			return
		}
		if w.texts == nil || len(w.texts) == most {
			w.texts = map[*byte]bool{}
		}
		w.texts[at] = true
		w.c.memory.take(int64(len(s)))
	}
	if a := v.Array(); a != nil {
		for _, x := range a.Cells {
			one(x)
		}
		return
	}
	one(v.Scalar())
}

// spared passes over a cell that depends on none of the few that changed.
func (w *worker) spared(p place, t *tile, i int) bool {
	f := &w.c.forms[t.todo.by[i]-1]
	if w.c.touched == nil || !f.Conditional() || f.arrays() || f.Volatile {
		return false
	}
	m := w.machine(0)
	m.Literals = w.c.literals(f.Open, p.sheet, p.at)
	if w.put = nil; !m.Spared(f.Program, p.sheet, p.at, w.c.touched) || w.put != nil {
		return false
	}
	t.settle(i)
	return true
}

// machine gives the machine for a depth.
func (w *worker) machine(depth int) *eval.Machine {
	if depth == len(w.machines) {
		m := eval.NewMachine(w)
		m.Dates, m.Now = w.c.in.Book.Dates, w.c.opt.Now
		m.Stopped, m.Claim = w.c.stopped, w.c.memory.take
		if !w.c.settling {
			m.Index = w
		}
		m.Rand = rand.New(rand.NewPCG(w.c.opt.Seed, 0))
		w.machines = append(w.machines, m)
	}
	return w.machines[depth]
}

// random gives the random numbers of a cell: the same ones whatever was calculated before.
func (c *calculation) random(p place) *rand.Rand {
	return rand.New(rand.NewPCG(c.opt.Seed, uint64(p.sheet)<<40|uint64(p.at.Row)<<16|uint64(p.at.Col)))
}

// circle notes that cells depend on themselves. Where reads are noted these say so.
func (w *worker) circle(cells []place) {
	for _, p := range cells {
		if w.trace == nil {
			w.c.circular[p] = true
		}
	}
}
