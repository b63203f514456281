//go:build interleave

package csync

import (
	"context"
	"fmt"
	"time"
	"unsafe"

	"gridflow/internal/interleave/coro"
)

// explored is a context whose cancellation is an operation of the thread that cancels. All
// contexts made from one another are one object to the search: to cancel one cancels those
// below it, and this way an operation touches one object and no more.
type explored struct {
	context.Context // the parent
	root            *explored
	kids            []*explored
	done            chan struct{} // for code of the standard library; a search does not see it
	err, cause      error
}

var (
	kindCancel = coro.Kind{Type: "Context", Verb: "cancel"}
	kindErr    = coro.Kind{Type: "Context", Verb: "Err", Access: coro.Read}
	kindMake   = coro.Kind{Type: "Context", Verb: "WithCancel"}
)

// exploredKey is the key under which a context finds the explored one that it is made from.
type exploredKey struct{}

// exploredIn gives the explored context that ctx is, or carries values on top of; nil for
// one that is never done. Any other could be cancelled behind the back of a search.
func exploredIn(ctx context.Context) *explored {
	if e, _ := ctx.Value(exploredKey{}).(*explored); e != nil && e.done == ctx.Done() {
		return e
	}
	if ctx.Done() != nil {
		panic(fmt.Sprintf("interleave: %v can be cancelled and was not made by csync.WithCancel", ctx))
	}
	return nil
}

func (e *explored) Deadline() (time.Time, bool) { return time.Time{}, false }
func (e *explored) Done() <-chan struct{}       { return e.done }
func (e *explored) String() string              { return "explored context" }

func (e *explored) Value(key any) any {
	if key == (exploredKey{}) {
		return e
	}
	return e.Context.Value(key)
}

func (e *explored) Err() error {
	coro.Step(&kindErr, unsafe.Pointer(e.root))
	return e.err
}

// Ready reports whether the context is done; it is how a search sees that a wait can end.
func (e *explored) Ready() bool { return e.err != nil }

func (e *explored) cancel(err, cause error) {
	if e.err != nil {
		return
	}
	e.err, e.cause = err, cause
	close(e.done)
	for _, k := range e.kids {
		k.cancel(err, cause)
	}
	e.kids = nil
}

// WithCancel makes a context as context.WithCancel does.
func WithCancel(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := WithCancelCause(parent)
	return ctx, func() { cancel(nil) }
}

// WithCancelCause makes a context as context.WithCancelCause does. To cancel it with
// context.DeadlineExceeded makes its Err that, as if its time had passed: this is how a
// test explores a deadline.
func WithCancelCause(parent context.Context) (context.Context, context.CancelCauseFunc) {
	if !coro.Active() {
		return context.WithCancelCause(parent)
	}
	e := &explored{Context: parent, done: make(chan struct{})}
	e.root = e
	if p := exploredIn(parent); p != nil {
		e.root = p.root
		coro.Step(&kindMake, unsafe.Pointer(e.root))
		if p.err != nil {
			e.cancel(p.err, p.cause)
		} else {
			p.kids = append(p.kids, e)
		}
	}
	return e, func(cause error) {
		coro.Step(&kindCancel, unsafe.Pointer(e.root))
		err := context.Canceled
		if cause == context.DeadlineExceeded {
			err = cause
		}
		if cause == nil {
			cause = err
		}
		e.cancel(err, cause)
	}
}

// Cause says why ctx is done, nil if it is not.
func Cause(ctx context.Context) error {
	if !coro.Active() {
		return context.Cause(ctx)
	}
	e := exploredIn(ctx)
	if e == nil {
		return nil
	}
	coro.Step(&kindErr, unsafe.Pointer(e.root))
	return e.cause
}

// wait announces an operation that may be ended by ctx, and gives the cause if it was.
func wait(op coro.Op, ctx context.Context) error {
	e := exploredIn(ctx)
	if e != nil {
		op.Done, op.DoneObj = e, unsafe.Pointer(e.root)
	}
	if coro.Wait(op) == coro.Cancelled {
		return e.cause
	}
	return nil
}
