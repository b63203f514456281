//go:build interleave

package csync

import (
	"context"
	"errors"
	"unsafe"

	"gridflow/internal/interleave/coro"
)

// Parker holds at most one token. See the normal build for what its methods promise.
type Parker struct {
	token chan struct{} // outside of a search
	has   bool
}

var (
	kindPark    = coro.Kind{Type: "Parker", Verb: "Park"}
	kindTryPark = coro.Kind{Type: "Parker", Verb: "TryPark"}
	kindUnpark  = coro.Kind{Type: "Parker", Verb: "Unpark"}
)

// MakeParker gives a parker without a token.
func MakeParker() Parker {
	if coro.Active() {
		return Parker{}
	}
	return Parker{token: make(chan struct{}, 1)}
}

// Ready reports whether the token is there; it is how a search sees the wait in Park.
func (p *Parker) Ready() bool { return p.has }

func (p *Parker) Park(ctx context.Context) error {
	if !coro.Active() {
		select {
		case <-p.token:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	if err := wait(coro.Op{Kind: &kindPark, Obj: unsafe.Pointer(p), Cond: p}, ctx); err != nil {
		return err
	}
	p.has = false
	return nil
}

func (p *Parker) TryPark() bool {
	if !coro.Active() {
		select {
		case <-p.token:
			return true
		default:
			return false
		}
	}
	coro.Step(&kindTryPark, unsafe.Pointer(p))
	had := p.has
	p.has = false
	return had
}

func (p *Parker) Unpark() {
	if !coro.Active() {
		select {
		case p.token <- struct{}{}:
		default:
		}
		return
	}
	coro.Step(&kindUnpark, unsafe.Pointer(p))
	p.has = true
}

// ErrClosed is what receiving gives when a channel is closed and empty.
var ErrClosed = errors.New("channel is closed")

// Chan is a channel with room for at least one value. See the normal build for what its
// methods promise.
type Chan[T any] struct {
	std      chan T // outside of a search
	capacity int
	queue    []T
	closed   bool
}

var (
	kindSend    = coro.Kind{Type: "Chan", Verb: "Send"}
	kindRecv    = coro.Kind{Type: "Chan", Verb: "Recv"}
	kindTrySend = coro.Kind{Type: "Chan", Verb: "TrySend"}
	kindTryRecv = coro.Kind{Type: "Chan", Verb: "TryRecv"}
	kindClose   = coro.Kind{Type: "Chan", Verb: "Close"}
	kindLen     = coro.Kind{Type: "Chan", Verb: "Len", Access: coro.Read}
)

// NewChan makes a channel with room for capacity values; it panics if that is less than 1.
func NewChan[T any](capacity int) *Chan[T] {
	if capacity < 1 {
		panic("csync: a Chan has room for at least one value")
	}
	if coro.Active() {
		return &Chan[T]{capacity: capacity}
	}
	return &Chan[T]{std: make(chan T, capacity)}
}

// The two sides of a channel wait for different things: room, or its end, on which sending
// panics; and a value, or its end.
type (
	room[T any]  Chan[T]
	value[T any] Chan[T]
)

func (c *room[T]) Ready() bool  { return len(c.queue) < c.capacity || c.closed }
func (c *value[T]) Ready() bool { return len(c.queue) > 0 || c.closed }

func (c *Chan[T]) Send(ctx context.Context, v T) error {
	if !coro.Active() {
		select {
		case c.std <- v:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	if err := wait(coro.Op{Kind: &kindSend, Obj: unsafe.Pointer(c), Cond: (*room[T])(c)}, ctx); err != nil {
		return err
	}
	c.put(v)
	return nil
}

func (c *Chan[T]) put(v T) {
	if c.closed {
		panic("send on closed channel")
	}
	c.queue = append(c.queue, v)
}

func (c *Chan[T]) Recv(ctx context.Context) (v T, err error) {
	ok := false
	if !coro.Active() {
		select {
		case v, ok = <-c.std:
		case <-ctx.Done():
			return v, context.Cause(ctx)
		}
	} else {
		if err := wait(coro.Op{Kind: &kindRecv, Obj: unsafe.Pointer(c), Cond: (*value[T])(c)}, ctx); err != nil {
			return v, err
		}
		v, ok = c.take()
	}
	if !ok {
		return v, ErrClosed
	}
	return v, nil
}

func (c *Chan[T]) take() (v T, ok bool) {
	if len(c.queue) == 0 {
		return v, false
	}
	v = c.queue[0]
	c.queue = c.queue[1:]
	return v, true
}

func (c *Chan[T]) TrySend(v T) bool {
	if !coro.Active() {
		select {
		case c.std <- v:
			return true
		default:
			return false
		}
	}
	coro.Step(&kindTrySend, unsafe.Pointer(c))
	if len(c.queue) == c.capacity && !c.closed {
		return false
	}
	c.put(v)
	return true
}

func (c *Chan[T]) TryRecv() (v T, ok bool) {
	if !coro.Active() {
		select {
		case v, ok = <-c.std:
			return v, ok
		default:
			return v, false
		}
	}
	coro.Step(&kindTryRecv, unsafe.Pointer(c))
	return c.take()
}

func (c *Chan[T]) Close() {
	if !coro.Active() {
		close(c.std)
		return
	}
	coro.Step(&kindClose, unsafe.Pointer(c))
	if c.closed {
		panic("close of closed channel")
	}
	c.closed = true
}

func (c *Chan[T]) Len() int {
	if !coro.Active() {
		return len(c.std)
	}
	coro.Step(&kindLen, unsafe.Pointer(c))
	return len(c.queue)
}
