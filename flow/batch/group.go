package batch

import (
	"slices"
	"time"

	"gridflow/internal/interleave/csync"
)

// group is a batch: while it forms its callers join and leave, then it is taken, and
// then it has run. Fields are guarded by the lock of the Batcher until it is taken, and
// belong to who runs it from then on, until signal is closed.
type group[T, R any] struct {
	items  []T
	out    []Outcome[R]
	err    error // of all items
	bytes  int64
	live   int   // callers who have not left
	gone   []int // places of those who have, before it was taken
	opened time.Time
	taken  bool

	// signal is made when the first caller has to wait. It holds one token at most, and
	// whoever takes it is the one who runs the batch; it is closed when the batch has run.
	signal *csync.Chan[struct{}]
	ran    csync.Bool // it has run

	hurry *csync.Parker // wakes the one who leads and waits for company; nil: nobody does

	readers csync.Int32 // callers who have not read their result; set when it is taken
}

// share makes what callers wait on.
func (g *group[T, R]) share() {
	if g.signal == nil {
		g.signal = csync.NewChan[struct{}](1)
	}
}

// hurryUp ends the wait for company: there is no more room, or no more time.
func (g *group[T, R]) hurryUp() {
	if g.hurry != nil {
		g.hurry.Unpark()
	}
}

// sendLead makes one of those who wait the one who runs the batch.
func (g *group[T, R]) sendLead() { g.signal.TrySend(struct{}{}) }

// end says that the batch has run.
func (g *group[T, R]) end() {
	g.ran.Store(true)
	if g.signal != nil {
		g.signal.Close()
	}
}

// drop takes the item at place i out.
func (g *group[T, R]) drop(i int) {
	g.gone = append(g.gone, i)
	g.live--
	var none T
	g.items[i] = none
}

// close makes the group ready to run: the items of those who have left are taken out.
func (g *group[T, R]) close() {
	g.taken = true
	g.readers.Store(int32(g.live))
	if len(g.gone) > 0 {
		slices.Sort(g.gone)
		kept := g.items[:0]
		for i, item := range g.items {
			if _, left := slices.BinarySearch(g.gone, i); !left {
				kept = append(kept, item)
			}
		}
		clear(g.items[len(kept):])
		g.items = kept
	}
	g.out = slices.Grow(g.out[:0], len(g.items))[:len(g.items)]
}

// outcome gives what became of the item that was put at place i.
func (g *group[T, R]) outcome(i int) Outcome[R] {
	if g.err != nil {
		return Outcome[R]{Err: g.err}
	}
	before, _ := slices.BinarySearch(g.gone, i)
	return g.out[i-before]
}

// reset makes a group like a new one, but for the room that it has. A large one gives
// back its room.
func (g *group[T, R]) reset() {
	const roomMax = 1 << 12
	clear(g.items)
	clear(g.out)
	items, out := g.items[:0], g.out[:0]
	if cap(items) > roomMax {
		items, out = nil, nil
	}
	*g = group[T, R]{items: items, out: out}
}
