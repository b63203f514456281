package calc

import (
	"context"
	"sync"
	"sync/atomic"

	"gridflow/internal/calc/eval"
	"gridflow/internal/cell"
	"gridflow/internal/crew"
)

// How wide a block of lanes is: so narrow that its lists stay near the processor, if they are not below
// widthLeast; narrower than that only where they would take more than blockBytes, or where else some worker had none.
const (
	widthMost  = 256
	widthLeast = 128
	nearBytes  = 1 << 20
	blockBytes = 64 << 20
	laneTexts  = 1 << 20 // so many texts may a block make; one that makes more is cut in two

	foldedAtOnce = 1 << 10 // terms of a sum between two looks whether the run is to end
)

// width gives the lanes of a block of n by so many workers.
func (l *Lanes) width(n, workers int) int {
	each := 8 * max(l.slots, 1)
	w := min(max(min(widthMost, nearBytes/each), widthLeast), blockBytes/each)
	share := (n + workers - 1) / max(workers, 1)
	parts := (share + w - 1) / max(w, 1)
	return max((share+parts-1)/max(parts, 1), 1)
}

// Run calculates n sets. input gives the values of set i in the order of the inputs, and is called by several
// goroutines at once; done is told what the outputs come to, for each set once, in no certain order and never twice at the
// same time. The values are those that a calculation of each set alone gives. Run ends with the first error: that of done, of
// ctx, an [ErrTooLarge], or [ErrOneByOne].
func (l *Lanes) Run(ctx context.Context, n, workers int, input func(i int, values []cell.Value), done func(i int, values []cell.Value) error) error {
	width := l.width(n, workers)
	blocks := (n + width - 1) / width
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r := &laneRun{Lanes: l, ctx: ctx, input: input, done: done}
	defer context.AfterFunc(ctx, func() { r.ended.Store(true) })()
	var next atomic.Int64
	var wg crew.Crew
	for range max(1, min(workers, blocks)) {
		wg.Go(func() {
			room := int64(8 * l.slots * width)
			l.c.memory.take(room)
			defer l.c.memory.take(-room)
			w := newLaneWorker(r, width)
			defer w.host.machine.Begin() // what it claimed is free
			for !r.ended.Load() {
				i := int(next.Add(1)) - 1
				if i >= blocks {
					return
				}
				if err := w.block(i*width, min((i+1)*width, n)); err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// laneRun is one call of Run.
type laneRun struct {
	*Lanes
	ctx   context.Context
	input func(i int, values []cell.Value)
	done  func(i int, values []cell.Value) error
	ended atomic.Bool
	mu    sync.Mutex // held while done is called
}

// laneWorker calculates blocks of lanes. It belongs to one goroutine.
type laneWorker struct {
	*laneRun
	runner eval.LaneRunner
	host   *laneHost
	width  int
	n      int       // lanes of the block
	room   []float64 // the lists by slot
	mixed  []bool    // by slot: the list may hold what is no number
	leaves []eval.Lane
	plain  [][]float64 // lists that were made of mixed ones
	used   int         // of plain
	texts  []string    // of the block
}

func newLaneWorker(r *laneRun, width int) *laneWorker {
	w := &laneWorker{laneRun: r, width: width, room: make([]float64, r.slots*width), mixed: make([]bool, r.slots)}
	w.host = newLaneHost(w)
	return w
}

// list gives the list of a slot.
func (w *laneWorker) list(slot int32) []float64 {
	return w.room[int(slot)*w.width:][:w.n]
}

// block calculates the sets from first to before last, and tells of them.
func (w *laneWorker) block(first, last int) error {
	w.n, w.texts = last-first, w.texts[:0]
	values := make([]cell.Value, max(len(w.inputs), len(w.outputs)))
	for lane := range w.n {
		w.input(first+lane, values[:len(w.inputs)])
		for i, slot := range w.inputs {
			if slot >= 0 {
				w.set(slot, lane, values[i])
			}
		}
	}
	for _, slot := range w.inputs {
		if slot >= 0 {
			w.mixed[slot] = w.boxes(slot)
		}
	}
	for i := range w.cells {
		if w.ended.Load() {
			return nil
		}
		w.cell(int32(i), &w.cells[i])
		switch {
		case w.c.memory.exceeded():
			return &ErrTooLarge{Most: w.c.opt.Bytes}
		case w.host.astray:
			return ErrOneByOne
		case len(w.texts) > laneTexts && w.n > 1:
			middle := first + w.n/2
			if err := w.block(first, middle); err != nil {
				return err
			}
			return w.block(middle, last)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for lane := range w.n {
		if w.ended.Load() || w.ctx.Err() != nil {
			return nil
		}
		list := values[:len(w.outputs)]
		for i, slot := range w.outputs {
			if list[i] = w.fixed[i]; slot >= 0 {
				list[i] = w.get(slot, lane)
			}
		}
		if err := w.done(first+lane, append([]cell.Value(nil), list...)); err != nil {
			w.ended.Store(true) // at once: nobody is to be told more
			return err
		}
	}
	return nil
}

// boxes reports whether a list holds what is no number.
func (w *laneWorker) boxes(slot int32) bool {
	for _, f := range w.list(slot) {
		if f != f {
			return true
		}
	}
	return false
}

// set puts a value into a lane.
func (w *laneWorker) set(slot int32, lane int, v cell.Value) {
	f := v.Payload()
	switch k := v.Kind(); k {
	case cell.Number:
	case cell.Text:
		f = boxed(k, uint32(len(w.texts)))
		w.texts = append(w.texts, v.Text())
	default:
		f = boxed(k, uint32(f))
	}
	w.room[int(slot)*w.width+lane] = f
}

// get gives the value in a lane.
func (w *laneWorker) get(slot int32, lane int) cell.Value {
	f := w.room[int(slot)*w.width+lane]
	if f == f {
		return cell.NumberValue(f)
	}
	k, payload := unboxed(f)
	if k == cell.Text {
		return cell.TextValue(w.texts[payload])
	}
	return cell.ValueOf(k, float64(payload), "")
}

// cell calculates cell number i of the order.
func (w *laneWorker) cell(i int32, x *laneCell) {
	out, known, mixed := w.list(x.slot), false, false
	operands := w.operands[x.first : x.first+x.count]
	switch x.kind {
	case byCode:
		w.leaves, w.used = w.leaves[:0], 0
		for k, v := range operands {
			w.leaves = append(w.leaves, w.operand(v, x.code.Leaves[k].Numeric))
		}
		known = w.runner.Run(x.code, w.leaves, out)
		if x.code.Logical && !x.hidden {
			for lane, f := range out {
				if f == f {
					out[lane] = boxed(cell.Bool, uint32(f))
				}
			}
			mixed = true
			if known {
				w.mixed[x.slot] = true
				return
			}
			// What is a NaN without a box is not known.
			w.unknown(i, x, out, func(f float64) bool { k, _ := unboxed(f); return f != f && k != cell.Bool })
			w.mixed[x.slot] = true
			return
		}
	case byFold:
		begin := w.operand(operands[0], false)
		w.runner.Spread(&begin, out)
		for terms := operands[1:]; len(terms) > 0 && !w.ended.Load(); {
			n := min(len(terms), foldedAtOnce)
			w.leaves = w.leaves[:0]
			for _, v := range terms[:n] {
				w.leaves = append(w.leaves, w.operand(v, false))
			}
			x.op.Fold(out, w.leaves)
			terms = terms[n:]
		}
		if !x.raw {
			known = x.op.Finish(out, int(x.numbers))
		}
	case byProgram:
		w.unknown(i, x, out, func(float64) bool { return true })
		w.mixed[x.slot] = w.boxes(x.slot)
		return
	}
	if !known && !x.hidden {
		w.unknown(i, x, out, func(f float64) bool { return f != f })
		mixed = w.boxes(x.slot)
	}
	w.mixed[x.slot] = mixed
}

// operand gives an operand as codes read it.
func (w *laneWorker) operand(v int32, numeric bool) eval.Lane {
	if v < 0 {
		return eval.Lane{F: w.numbers[^v]}
	}
	list := w.list(v)
	if !numeric || !w.mixed[v] {
		return eval.Lane{List: list}
	}
	if w.used == len(w.plain) {
		w.plain = append(w.plain, make([]float64, w.width))
	}
	out := w.plain[w.used][:w.n]
	w.used++
	for i, f := range list {
		if out[i] = f; f != f {
			switch k, payload := unboxed(f); k {
			case cell.Bool, cell.Blank:
				out[i] = float64(payload)
			}
		}
	}
	return eval.Lane{List: out}
}

// unknown runs the program of a cell for the lanes whose value is not known.
func (w *laneWorker) unknown(i int32, x *laneCell, out []float64, is func(float64) bool) {
	w.host.begin(i, x)
	for lane, f := range out {
		if is(f) {
			if w.ended.Load() || w.host.astray {
				return
			}
			w.set(x.slot, lane, w.host.run(lane))
		}
	}
}
