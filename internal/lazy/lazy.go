// Package lazy holds work that is done once, on first demand, for however many callers
// want it: [Load] for a result that grows while it is made (the rows of a sheet).
//
// The one invariant: the work belongs to nobody who waits for it. A waiter that gives
// up gets its own context's error at once; the work goes on for the others, and stops
// when the last one has given up. Work of which somebody was served a part may go on though
// nobody waits, as long as the [Keeper] of the caller that began it lets it.
//
// Start reading at [Load.Wait].
package lazy

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"gridflow/internal/crew"
	"gridflow/internal/interleave/csync"
	"gridflow/internal/lock"
)

// Whole is the mark that asks for the finished result.
const Whole = math.MaxInt

// Load is one piece of work whose result grows: it may be published at ascending
// marks before it is finished. The zero Load is ready. All methods may be called from
// any number of goroutines at once.
type Load[T any] struct {
	wanted csync.Int64 // the smallest mark that somebody waits for; MaxInt64 for none

	mu      lock.Mutex[lock.LazyLoad]
	state   state
	value   T
	mark    int // up to which value is complete; less than 0: nothing has been published
	err     error
	waiters []*waiter[T] // in the order in which they came
	run     uint64       // which one it is
	served  bool         // somebody got a published value of this run
	behind  bool         // it may go on when nobody waits any more
	cancel  context.CancelFunc
}

type state uint8

const (
	idle state = iota
	running
	finished
	failed
)

type waiter[T any] struct {
	ctx   context.Context
	work  Work[T]
	mark  int
	ready csync.Parker // when val and err are there
	val   T
	err   error
}

// Work makes the result. It publishes what it has when p asks for it, and stops soon
// after ctx is done.
type Work[T any] func(ctx context.Context, p *Publisher[T]) (T, error)

// Publisher is how running work hands out parts of its result. It is used by the
// goroutine that does the work.
type Publisher[T any] struct {
	load *Load[T]
}

// Wanted reports whether somebody waits for a mark that has been reached.
func (p *Publisher[T]) Wanted(reached int) bool { return p.load.wanted.Load() <= int64(reached) }

// Publish hands out a result that is complete up to mark. v must never change again.
func (p *Publisher[T]) Publish(v T, mark int) {
	l := p.load
	l.mu.Lock()
	defer l.mu.Unlock()
	l.value, l.mark = v, mark
	// Whoever wanted it may have left by now: then nobody was served.
	if l.wakeLocked(func(w *waiter[T]) bool { return w.mark <= mark }, v, nil) {
		l.served = true
		l.stopLocked()
	}
}

// ErrPanic is the error of work that panicked.
var ErrPanic = errors.New("internal fault")

// Wait gives a result that is complete up to mark, starting work where nobody has yet.
// A failure is kept and given to later callers as well; work that stopped because nobody
// waited is started anew by the next one.
func (l *Load[T]) Wait(ctx context.Context, mark int, work Work[T]) (T, error) {
	var zero T
	if err := ctx.Err(); err != nil {
		return zero, csync.Cause(ctx)
	}
	l.mu.Lock()
	switch {
	case l.readyLocked(mark):
		defer l.mu.Unlock()
		l.served = true
		return l.value, nil
	case l.state == failed:
		defer l.mu.Unlock()
		return zero, l.err
	}
	w := &waiter[T]{ctx: ctx, work: work, mark: mark, ready: csync.MakeParker()}
	l.waiters = append(l.waiters, w)
	if int64(mark) < l.wanted.Load() || len(l.waiters) == 1 {
		l.wanted.Store(int64(mark)) // before the work looks at it
	}
	launch := func() {}
	if l.state == idle {
		launch = l.startLocked(w)
	}
	l.mu.Unlock()
	launch()

	if err := w.ready.Park(ctx); err != nil {
		l.leave(w)
		return zero, err
	}
	return w.val, w.err
}

// Peek gives the finished result, if there is one, without waiting or working.
func (l *Load[T]) Peek() (v T, ok bool) { return l.PeekAt(Whole) }

// PeekAt gives a result that is complete up to mark, if there is one, without waiting
// or working.
func (l *Load[T]) PeekAt(mark int) (v T, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.value, l.readyLocked(mark)
}

// Set gives a load that nobody has started the result that its work would have.
func (l *Load[T]) Set(v T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state == idle {
		l.state, l.value, l.mark = finished, v, Whole
	}
}

func (l *Load[T]) readyLocked(mark int) bool {
	return l.state == finished || l.state == running && l.mark >= mark
}

// startLocked begins a run for w. What it gives is called without the lock, and before w
// leaves: from then on the run has what it uses, and works.
func (l *Load[T]) startLocked(w *waiter[T]) (launch func()) {
	// The work outlives the caller that happens to be first; it keeps its values.
	run, cancel := csync.WithCancel(context.WithoutCancel(w.ctx))
	l.run++
	n := l.run
	l.state, l.served, l.behind, l.mark, l.cancel = running, false, true, -1, cancel
	return func() {
		revoke := func() { l.revoke(n) }
		hold, behind := keep(w.ctx, revoke)
		if !behind {
			revoke()
		}
		csync.Go(func() {
			p := &within{hold: hold}
			v, err := protect(WithKeeper(run, p), w.work, &Publisher[T]{load: l})
			p.end()
			stopped := run.Err() != nil
			// Before anybody has the result: the work that they begin with it finds the place free
			// of the one that may go on behind its call.
			if hold != nil {
				hold.Release(!stopped)
			}
			next := l.finish(v, err, stopped)
			cancel()
			next()
		})
	}
}

// revoke says that run n may not go on when nobody waits.
func (l *Load[T]) revoke(n uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.run == n && l.state == running {
		l.behind = false
		l.stopLocked()
	}
}

// Stop says that nobody will want more of this: work that nobody waits for stops.
func (l *Load[T]) Stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.behind = false
	l.stopLocked()
}

// stopLocked stops the work if nobody waits for it and it may not go on without.
func (l *Load[T]) stopLocked() {
	if len(l.waiters) == 0 && l.state == running && !(l.served && l.behind) {
		l.cancel()
	}
}

// protect turns a panic of the work into an error for those who wait.
func protect[T any](ctx context.Context, work Work[T], p *Publisher[T]) (v T, err error) {
	defer func() {
		if r := recover(); r != nil {
			p := crew.Recovered(r)
			err = fmt.Errorf("%w: %v\n%s", ErrPanic, p.Value, p.Stack)
		}
	}()
	return work(ctx, p)
}

// finish takes in what a run came to. What it gives is called without the lock: it begins
// the next run where one is due.
func (l *Load[T]) finish(v T, err error, abandoned bool) (next func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err == nil:
		l.state, l.value, l.mark = finished, v, Whole
	case abandoned:
		var zero T
		l.state, l.value = idle, zero
		if len(l.waiters) > 0 {
			// They came while the abandoned work was stopping: do it again for them.
			return l.startLocked(l.waiters[0])
		}
	default:
		var zero T
		l.state, l.value, l.err = failed, zero, err
	}
	l.wakeLocked(func(*waiter[T]) bool { return true }, v, err)
	return func() {}
}

// leave takes a waiter out.
func (l *Load[T]) leave(w *waiter[T]) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := slices.Index(l.waiters, w); i >= 0 {
		l.waiters = slices.Delete(l.waiters, i, i+1)
	}
	if w.mark != Whole {
		l.wantLocked()
	}
	l.stopLocked()
}

// wakeLocked answers those that wait for whom which holds, and tells whether there were any.
func (l *Load[T]) wakeLocked(which func(*waiter[T]) bool, v T, err error) bool {
	before := len(l.waiters)
	l.waiters = slices.DeleteFunc(l.waiters, func(w *waiter[T]) bool {
		if !which(w) {
			return false
		}
		w.val, w.err = v, err
		w.ready.Unpark()
		return true
	})
	l.wantLocked()
	return len(l.waiters) < before
}

func (l *Load[T]) wantLocked() {
	least := int64(math.MaxInt64)
	for _, w := range l.waiters {
		least = min(least, int64(w.mark))
	}
	l.wanted.Store(least)
}
