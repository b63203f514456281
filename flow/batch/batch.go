package batch

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"runtime/debug"
	"slices"
	"time"

	"gridflow/internal/interleave/csync"
	"gridflow/internal/lock"
)

var (
	// ErrClosed is given to who comes after Close.
	ErrClosed = errors.New("batch: closed")
	// ErrFull is given to who comes while Config.MaxWaiting others wait.
	ErrFull = errors.New("batch: too many callers wait")
	// ErrTaken is given with Config.Leave to who gives up after the item was taken: it
	// runs, or has run, and what becomes of it is not known. It is wrapped with the cause.
	ErrTaken = errors.New("batch: given up after the item was taken")
	// ErrExited is given to all callers of a batch whose run ended by runtime.Goexit.
	ErrExited = errors.New("batch: the run ended its goroutine")
)

// PanicError is given to all callers of a batch whose run panicked.
type PanicError struct {
	Value any
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("batch: the run panicked: %v", e.Value) }

// Unwrap gives the value that was panicked with, where it is an error.
func (e *PanicError) Unwrap() error { err, _ := e.Value.(error); return err }

// Outcome is what becomes of one item.
type Outcome[R any] struct {
	Value R
	Err   error
}

// Config says what a Batcher does.
type Config[T, R any] struct {
	// Run works on a batch, and writes to out[i] what becomes of items[i]; out is as long
	// as items, and zero. An error that it returns is that of all items. It must not keep
	// either slice. It is called by one goroutine at a time, which is that of a caller.
	Run func(items []T, out []Outcome[R]) error

	MaxItems   int           // of one batch; 0: 1024
	MaxBytes   int64         // of one batch, by Size; an item that is larger is run alone; 0: no bound
	Size       func(T) int64 // of an item in bytes; needed with MaxBytes; called with the Batcher locked
	MaxWaiting int           // callers whose item is not taken yet; the next gets ErrFull; 0: no bound but that of the callers
	Linger     time.Duration // how long the first item of a batch waits for company while nothing runs; 0: not at all
	Leave      bool          // a caller whose context ends while its item runs does not wait for it
}

// Batcher gathers items into batches. It is safe for concurrent use.
type Batcher[T, R any] struct {
	cfg   Config[T, R]
	after func(time.Duration, func()) (stop func() bool) // time.AfterFunc, but in tests

	mu     lock.Mutex[lock.FlowBatch]
	queue  []*group[T, R] // not taken yet, in order; items join the last. Not empty: led
	led    bool           // somebody runs a batch, or is to
	closed bool
	idle   *csync.Chan[struct{}] // closed when a closed Batcher has nothing left
	free   []*group[T, R]
	stats  Stats
}

// New gives a Batcher, or says what is wrong with cfg.
func New[T, R any](cfg Config[T, R]) (*Batcher[T, R], error) {
	switch {
	case cfg.Run == nil:
		return nil, errors.New("batch: there is no Run")
	case cfg.MaxItems < 0 || cfg.MaxBytes < 0 || cfg.MaxWaiting < 0 || cfg.Linger < 0:
		return nil, errors.New("batch: a bound is negative")
	case cfg.MaxBytes > 0 && cfg.Size == nil:
		return nil, errors.New("batch: MaxBytes without Size")
	}
	if cfg.MaxItems == 0 {
		cfg.MaxItems = 1024
	}
	after := func(d time.Duration, f func()) func() bool { return time.AfterFunc(d, f).Stop }
	return &Batcher[T, R]{cfg: cfg, after: after, idle: csync.NewChan[struct{}](1)}, nil
}

// Do has the item run in a batch and gives what became of it. The error is that of the
// item, that of its batch, the cause of ctx where the item was not run, or one of this
// package.
func (b *Batcher[T, R]) Do(ctx context.Context, item T) (R, error) {
	if ctx.Err() != nil {
		var none R
		return none, csync.Cause(ctx)
	}
	b.mu.Lock()
	switch {
	case b.closed:
		b.mu.Unlock()
		var none R
		return none, ErrClosed
	case b.cfg.MaxWaiting > 0 && b.stats.Waiting >= b.cfg.MaxWaiting:
		b.mu.Unlock()
		var none R
		return none, ErrFull
	}
	g, i := b.join(item)
	if !b.led {
		b.led = true
		if b.cfg.Linger == 0 {
			b.take(g)
			b.mu.Unlock()
			b.run(g)
			return b.result(g, i)
		}
		g.share()
		b.mu.Unlock()
		return b.lead(ctx, g, i)
	}
	g.share()
	b.mu.Unlock()
	return b.follow(ctx, g, i)
}

// yieldMin is from how many callers on a batch that is to run lets others go first. The
// callers of the batch before have just been woken, and where there are many that come
// again at once, more of them get into this batch. Where there are few, a yield would
// only add the time that others take for whatever they do.
const yieldMin = 16

// follow waits for the result, or for the lead.
func (b *Batcher[T, R]) follow(ctx context.Context, g *group[T, R], i int) (R, error) {
	_, err := g.signal.Recv(ctx)
	switch {
	case err == csync.ErrClosed:
		return b.result(g, i)
	case err == nil:
		b.mu.Lock()
		many := g.live >= yieldMin
		b.mu.Unlock()
		if many {
			csync.Gosched()
		}
		return b.lead(ctx, g, i)
	}
	var none R
	switch {
	case b.leave(g, i, false):
		return none, err
	case b.cfg.Leave && !g.ran.Load():
		b.release(g)
		return none, fmt.Errorf("%w: %w", ErrTaken, err)
	}
	g.signal.Recv(context.Background()) // until it is closed: the token of the lead is gone with the one who took it
	return b.result(g, i)
}

// lead waits for company and runs the batch.
func (b *Batcher[T, R]) lead(ctx context.Context, g *group[T, R], i int) (R, error) {
	if wait := b.cfg.Linger - time.Since(g.opened); b.cfg.Linger > 0 && wait > 0 {
		defer b.after(wait, g.hurry.Unpark)()
		if err := g.hurry.Park(ctx); err != nil {
			b.leave(g, i, true) // a batch is taken by who leads it, so this one is not
			var none R
			return none, err
		}
	}
	b.mu.Lock()
	b.take(g)
	b.mu.Unlock()
	b.run(g)
	return b.result(g, i)
}

// join puts an item into the last group that has room. Locked.
func (b *Batcher[T, R]) join(item T) (*group[T, R], int) {
	var size int64
	if b.cfg.Size != nil {
		size = b.cfg.Size(item)
	}
	var g *group[T, R]
	if n := len(b.queue); n > 0 {
		g = b.queue[n-1]
		if len(g.items) >= b.cfg.MaxItems || b.cfg.MaxBytes > 0 && g.bytes+size > b.cfg.MaxBytes {
			g.hurryUp()
			g = nil
		}
	}
	if g == nil {
		g = b.open()
		b.queue = append(b.queue, g)
	}
	g.items = append(g.items, item)
	g.live++
	g.bytes += size
	b.stats.Waiting++
	if len(g.items) >= b.cfg.MaxItems || b.cfg.MaxBytes > 0 && g.bytes >= b.cfg.MaxBytes {
		g.hurryUp()
	}
	return g, len(g.items) - 1
}

// freeMax is how many groups are kept for the next use: one runs, one is read, one forms.
const freeMax = 3

// open gives an empty group. Locked.
func (b *Batcher[T, R]) open() *group[T, R] {
	var g *group[T, R]
	if n := len(b.free); n > 0 {
		g, b.free = b.free[n-1], b.free[:n-1]
	} else {
		g = new(group[T, R])
	}
	if b.cfg.Linger > 0 {
		g.opened = time.Now()
		hurry := csync.MakeParker() // one of its own: a timer may fire when the group is in use again
		g.hurry = &hurry
	}
	return g
}

// take closes a group, which is the first of the queue, to its callers. Locked.
func (b *Batcher[T, R]) take(g *group[T, R]) {
	b.queue = slices.Delete(b.queue, 0, 1)
	g.close()
	b.stats.Waiting -= g.live
}

// leave takes a caller out whose item was not taken; false: it was. A caller who has the
// lead hands it on, and so does one who leaves while it lies there to be taken, since
// there may be nobody else to take it.
func (b *Batcher[T, R]) leave(g *group[T, R], i int, led bool) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if g.taken {
		return false
	}
	if !led {
		_, led = g.signal.TryRecv()
	}
	g.drop(i)
	b.stats.Waiting--
	b.stats.GaveUp++
	switch {
	case g.live == 0:
		b.queue = slices.DeleteFunc(b.queue, func(o *group[T, R]) bool { return o == g })
		if led {
			b.next()
		}
	case led:
		g.sendLead()
	}
	return true
}

// run runs a batch that was taken, whatever its Run does.
func (b *Batcher[T, R]) run(g *group[T, R]) {
	returned := false
	defer func() {
		if !returned {
			g.err = ErrExited
			if v := recover(); v != nil {
				g.err = &PanicError{v, debug.Stack()}
			}
		}
		g.end()
		b.mu.Lock()
		b.stats.count(len(g.items), !returned)
		b.next()
		b.mu.Unlock()
	}()
	g.err = b.cfg.Run(g.items, g.out)
	returned = true
}

// next hands the lead to the next group, or lets it go. Locked.
func (b *Batcher[T, R]) next() {
	switch {
	case len(b.queue) > 0:
		b.queue[0].sendLead()
	default:
		b.led = false
		if b.closed {
			b.idle.Close()
		}
	}
}

// result gives what became of an item of a batch that has run.
func (b *Batcher[T, R]) result(g *group[T, R], i int) (R, error) {
	o := g.outcome(i)
	b.release(g)
	return o.Value, o.Err
}

// release counts a caller out of a batch; the last one makes it fit for use again.
func (b *Batcher[T, R]) release(g *group[T, R]) {
	if g.readers.Add(-1) > 0 {
		return
	}
	g.reset()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.free) < freeMax {
		b.free = append(b.free, g)
	}
}

// Close refuses whoever comes from now on, and returns when all who came before have
// been served. It may be called more than once, but not by Run.
func (b *Batcher[T, R]) Close() {
	b.mu.Lock()
	if !b.closed {
		b.closed = true
		for _, g := range b.queue {
			g.hurryUp()
		}
		if !b.led {
			b.idle.Close()
		}
	}
	b.mu.Unlock()
	b.idle.Recv(context.Background())
}

// Stats says what has happened so far.
type Stats struct {
	Batches uint64
	Items   uint64     // of all batches
	Largest int        // batch, in items
	Sizes   [21]uint64 // batches by size: Sizes[k] had from 2^k items to fewer than 2^(k+1), the last one more
	Failed  uint64     // batches whose run panicked or ended its goroutine
	GaveUp  uint64     // callers who left before their item was taken
	Waiting int        // callers whose item is not taken yet, now
}

// Mean gives the mean size of a batch in items; 0 where there was none.
func (s Stats) Mean() float64 {
	if s.Batches == 0 {
		return 0
	}
	return float64(s.Items) / float64(s.Batches)
}

func (s *Stats) count(items int, failed bool) {
	s.Batches++
	s.Items += uint64(items)
	s.Largest = max(s.Largest, items)
	s.Sizes[min(bits.Len(uint(items))-1, len(s.Sizes)-1)]++
	if failed {
		s.Failed++
	}
}

// Stats gives the counts.
func (b *Batcher[T, R]) Stats() Stats {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.stats
}
