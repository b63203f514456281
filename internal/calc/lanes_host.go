package calc

import (
	"math/rand/v2"

	"gridflow/internal/calc/eval"
	"gridflow/internal/calc/fn"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// laneHost answers what a program asks of the workbook for one lane: as a worker does, but for the cells that
// differ between lanes.
type laneHost struct {
	*worker
	of      *laneWorker
	machine *eval.Machine
	form    *laneForm
	cell    place
	number  int32 // of the cell in the order
	lane    int
	astray  bool // the program read what it should not have: see ErrOneByOne
	scratch []*laneScratch
	deep    int // of scratch, what is in use
}

// laneScratch is a part of a column as it is in one lane.
type laneScratch struct {
	kinds [grid.BandRows]cell.Kind
	nums  [grid.BandRows]float64
	texts [grid.BandRows]string
}

func newLaneHost(w *laneWorker) *laneHost {
	h := &laneHost{worker: w.c.worker(), of: w}
	m := eval.NewMachine(h)
	m.Dates, m.Now = w.c.in.Book.Dates, w.c.opt.Now
	m.Stopped = func() bool { return w.ended.Load() || w.c.memory.exceeded() }
	m.Claim = w.c.memory.take
	m.Index = h
	m.Rand = rand.New(rand.NewPCG(w.c.opt.Seed, 0))
	h.machine = m
	return h
}

// begin is called before the lanes of a cell are run.
func (h *laneHost) begin(number int32, x *laneCell) {
	h.form, h.number = &h.of.forms[x.form], number
	h.cell = place{int(x.sheet), x.at()}
	h.machine.Literals = h.c.literals(h.form.Open, h.cell.sheet, h.cell.at)
}

// run runs the program of the cell for a lane.
func (h *laneHost) run(lane int) cell.Value {
	h.lane, h.deep = lane, 0
	if h.form.Volatile {
		h.machine.Rand = h.c.random(h.cell)
	}
	arrays := h.form.kind != grid.NormalFormula
	v := h.machine.Run(h.form.Program, h.cell.sheet, h.cell.at, arrays)
	if a := v.Array(); a != nil {
		return shown(a.Cells[0])
	}
	if arrays {
		return shown(v.Scalar())
	}
	return v.Scalar()
}

// get gives a value that differs, which has to be there.
func (h *laneHost) get(value int32) cell.Value {
	slot := h.of.slotOf[value]
	if value == notByLanes || slot < 0 || h.of.since[value] >= h.number || h.of.until[value] < h.number {
		h.astray = true
		return cell.Value{}
	}
	return h.of.get(slot, h.lane)
}

// Value gives the value of a cell.
func (h *laneHost) Value(sheet int, at cell.Ref) cell.Value {
	if sheet >= 0 && sheet < len(h.of.sheets) {
		if v := h.of.value(sheet, at); v != sameInAll {
			return h.get(v)
		}
	}
	return h.worker.Value(sheet, at)
}

// Runs gives the cells of an area, column by column.
func (h *laneHost) Runs(a fn.Area, f func(*fn.Run) bool) {
	if a.Sheet < 0 || a.Sheet >= len(h.of.sheets) || !h.of.touches(a.Sheet, a.Range) {
		h.worker.Runs(a, f)
		return
	}
	used, ok := h.Used(a.Sheet)
	if !ok {
		return
	}
	r, ok := a.Range.Intersect(used)
	if !ok {
		return
	}
	s := h.c.sheets[a.Sheet]
	for col := r.First.Col; col <= r.Last.Col; col++ {
		for band := r.First.Row / grid.BandRows; band <= r.Last.Row/grid.BandRows; band++ {
			if h.of.ended.Load() {
				return
			}
			top := band * grid.BandRows
			lo, hi := max(r.First.Row-top, 0), min(r.Last.Row-top+1, grid.BandRows)
			base, own := s.tile(col, band), h.of.sheets[a.Sheet].tile(col, band)
			if base == nil {
				base = nothing
			}
			if base == nothing && own == nil {
				continue
			}
			run := fn.Run{Row: top + lo, Col: col, Kinds: base.kinds[lo:hi], Nums: base.nums[lo:hi]}
			texts := base.texts.Load()
			if texts != nil {
				run.Texts = texts[lo:hi]
			}
			goOn := false
			if own == nil {
				goOn = f(&run)
			} else {
				goOn = h.patched(&run, own[lo:hi], f)
			}
			if !goOn || h.astray {
				return
			}
		}
	}
}

// patched calls f for a run in which some cells differ.
func (h *laneHost) patched(run *fn.Run, own []int32, f func(*fn.Run) bool) bool {
	if h.deep == len(h.scratch) {
		h.scratch = append(h.scratch, new(laneScratch))
	}
	x, n := h.scratch[h.deep], len(own)
	h.deep++
	defer func() { h.deep-- }()
	copy(x.kinds[:n], run.Kinds)
	copy(x.nums[:n], run.Nums)
	texts := run.Texts != nil
	if texts {
		copy(x.texts[:n], run.Texts)
	}
	for i, v := range own {
		if v == sameInAll {
			continue
		}
		c := h.get(v)
		x.kinds[i], x.nums[i] = c.Kind(), c.Payload()
		if c.Kind() == cell.Text {
			x.texts[i], texts = c.Text(), true
		}
	}
	run.Kinds, run.Nums = x.kinds[:n], x.nums[:n]
	if run.Texts = nil; texts {
		run.Texts = x.texts[:n]
	}
	return f(run)
}

// Resolve reads the text of a reference.
func (h *laneHost) Resolve(c *fn.Context, text string, a1 bool) (*fn.Ref, cell.ErrorCode) {
	return eval.Resolve(h, c, text, a1)
}

// Exact finds a value in a column that is the same in all lanes.
func (h *laneHost) Exact(column fn.Area, v cell.Value, last bool) (found int, ok bool) {
	if h.differs(column) {
		return 0, false
	}
	return h.worker.Exact(column, v, last)
}

// Candidates finds the cells that may equal a value in a column that is the same in all lanes.
func (h *laneHost) Candidates(column fn.Area, v cell.Value) (places []int32, exact, ok bool) {
	if h.differs(column) {
		return nil, false, false
	}
	return h.worker.Candidates(column, v)
}

// Sum adds up a column that is the same in all lanes.
func (h *laneHost) Sum(column fn.Area) (total float64, count int, code cell.ErrorCode, ok bool) {
	if h.differs(column) {
		return 0, 0, 0, false
	}
	return h.worker.Sum(column)
}

func (h *laneHost) differs(a fn.Area) bool {
	return a.Sheet < 0 || a.Sheet >= len(h.of.sheets) || h.of.touches(a.Sheet, a.Range)
}

// Pick reads cells of a column.
func (h *laneHost) Pick(column fn.Area, places []int32, r *fn.Run) {
	h.worker.Pick(column, places, r)
	if !h.differs(column) {
		return
	}
	for j, p := range places {
		at := cell.Ref{Row: column.Range.First.Row + int(p), Col: column.Range.First.Col}
		v := h.of.value(column.Sheet, at)
		if v == sameInAll {
			continue
		}
		c := h.get(v)
		if r.Kinds[j], r.Nums[j] = c.Kind(), c.Payload(); c.Kind() == cell.Text {
			for len(r.Texts) < len(places) {
				r.Texts = append(r.Texts, "")
			}
			r.Texts[j] = c.Text()
		}
	}
}

// laneGuard answers what a part of a formula asks of the workbook, as long as that is the same in all lanes.
type laneGuard struct {
	*worker
	of      *Lanes
	machine *eval.Machine
	astray  bool // it asked for something else
}

func newLaneGuard(k *laneMaker) *laneGuard {
	g := &laneGuard{worker: k.w, of: k.Lanes}
	m := eval.NewMachine(g)
	m.Dates, m.Now = k.c.in.Book.Dates, k.c.opt.Now
	m.Stopped = func() bool { return g.astray || k.c.stopped() }
	m.Claim = k.c.memory.take
	m.Rand = rand.New(rand.NewPCG(k.c.opt.Seed, 0))
	g.machine = m
	return g
}

// Value gives the value of a cell.
func (g *laneGuard) Value(sheet int, at cell.Ref) cell.Value {
	if sheet >= 0 && sheet < len(g.of.sheets) && g.of.value(sheet, at) != sameInAll {
		g.astray = true
		return cell.Value{}
	}
	return g.worker.Value(sheet, at)
}

// Runs gives the cells of an area.
func (g *laneGuard) Runs(a fn.Area, f func(*fn.Run) bool) {
	if a.Sheet >= 0 && a.Sheet < len(g.of.sheets) && g.of.differs(a.Sheet, a.Range) {
		g.astray = true
		return
	}
	g.worker.Runs(a, f)
}

// Resolve reads the text of a reference.
func (g *laneGuard) Resolve(c *fn.Context, text string, a1 bool) (*fn.Ref, cell.ErrorCode) {
	return eval.Resolve(g, c, text, a1)
}
