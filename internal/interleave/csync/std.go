//go:build !interleave

package csync

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
)

// Mutex and WaitGroup are those of package sync, Int32 to Pointer those of sync/atomic.
type (
	Mutex     = sync.Mutex
	WaitGroup = sync.WaitGroup

	Int32  = atomic.Int32
	Int64  = atomic.Int64
	Uint32 = atomic.Uint32
	Uint64 = atomic.Uint64
	Bool   = atomic.Bool

	Pointer[T any] = atomic.Pointer[T]
)

// Go starts f as a goroutine.
func Go(f func()) { go f() }

// Gosched lets others run. A loop that waits for another thread without blocking must call
// it in each round, or a search takes the loop for endless.
func Gosched() { runtime.Gosched() }

// WithCancel makes a context as context.WithCancel does.
func WithCancel(parent context.Context) (context.Context, context.CancelFunc) {
	return context.WithCancel(parent)
}

// WithCancelCause makes a context as context.WithCancelCause does.
func WithCancelCause(parent context.Context) (context.Context, context.CancelCauseFunc) {
	return context.WithCancelCause(parent)
}

// Cause says why ctx is done, nil if it is not. Use it where code is explored: the cause
// of an explored context is not known to package context.
func Cause(ctx context.Context) error { return context.Cause(ctx) }

// A Parker holds at most one token, for which one thread waits at a time. Make it with
// [MakeParker]; it may be used again and again, and kept in a pool by whoever owns it once
// [Parker.TryPark] has taken a token that came too late. It must not be copied after use.
type Parker struct{ token chan struct{} }

// MakeParker gives a parker without a token.
func MakeParker() Parker { return Parker{token: make(chan struct{}, 1)} }

// Park waits for the token and takes it, or gives the cause of ctx when that is done
// first. If both are so, either may happen: after an error the token may still be there,
// or still come.
func (p *Parker) Park(ctx context.Context) error {
	select {
	case <-p.token:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// TryPark takes the token if it is there, and says whether it was.
func (p *Parker) TryPark() bool {
	select {
	case <-p.token:
		return true
	default:
		return false
	}
}

// Unpark leaves a token. It never blocks; if there is one already, nothing changes. Any
// number of threads may call it at once.
func (p *Parker) Unpark() {
	select {
	case p.token <- struct{}{}:
	default:
	}
}

// ErrClosed is what receiving gives when a channel is closed and empty.
var ErrClosed = errors.New("channel is closed")

// Chan is a channel with room for a fixed number of values, at least one. Any number of
// threads may use it at once. As with any channel, to send on a closed one or to close it
// again is a panic.
type Chan[T any] struct{ c chan T }

// NewChan makes a channel with room for capacity values; it panics if that is less than 1.
func NewChan[T any](capacity int) *Chan[T] {
	if capacity < 1 {
		panic("csync: a Chan has room for at least one value")
	}
	return &Chan[T]{c: make(chan T, capacity)}
}

// Send puts v into the channel, waiting for room, or gives the cause of ctx when that is
// done first. If both are so, either may happen.
func (c *Chan[T]) Send(ctx context.Context, v T) error {
	select {
	case c.c <- v:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Recv takes the oldest value, waiting for one; it gives [ErrClosed] when the channel is
// closed and empty, and the cause of ctx when that is done first.
func (c *Chan[T]) Recv(ctx context.Context) (T, error) {
	select {
	case v, ok := <-c.c:
		if !ok {
			return v, ErrClosed
		}
		return v, nil
	case <-ctx.Done():
		var zero T
		return zero, context.Cause(ctx)
	}
}

// TrySend puts v into the channel if there is room, and says whether there was.
func (c *Chan[T]) TrySend(v T) bool {
	select {
	case c.c <- v:
		return true
	default:
		return false
	}
}

// TryRecv takes the oldest value if there is one, and says whether there was.
func (c *Chan[T]) TryRecv() (v T, ok bool) {
	select {
	case v, ok = <-c.c:
		return v, ok
	default:
		return v, false
	}
}

// Close says that no more values come. What is in the channel can still be received.
func (c *Chan[T]) Close() { close(c.c) }

// Len gives how many values are in the channel.
func (c *Chan[T]) Len() int { return len(c.c) }
