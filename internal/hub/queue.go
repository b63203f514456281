package hub

import (
	"context"
	"errors"

	"gridflow/internal/interleave/csync"
	"gridflow/internal/lock"
)

// Event is what a reader gets.
type Event[K comparable, V any] struct {
	Key   K
	Value V

	// Lagged is the lag marker: so many events that came before this one, after the last
	// that was read, will not be given. 0 for a reader that keeps up.
	Lagged uint64
	// Lost is how many of those had no room, rather than being replaced by newer ones of
	// their key. What the reader knows of other keys may be old then.
	Lost uint64
}

// ErrClosed is what a reader gets who has read everything of a queue that was closed.
var ErrClosed = errors.New("the subscription is closed")

// Queue has what waits for one reader: the newest event of each key, in the order in which
// the keys came. Put, Forget and Close may be called from any number of goroutines at once;
// one reads at a time.
type Queue[K comparable, V any] struct {
	capacity int
	ready    csync.Parker // when there is something to read, or the end

	mu           lock.Mutex[lock.HubQueue]
	waiting      map[K]*entry[K, V]
	first, last  *entry[K, V] // of waiting, the oldest first
	lagged, lost uint64       // since the last event that was read
	closed       bool
}

// entry is an event that waits.
type entry[K comparable, V any] struct {
	key        K
	value      V
	prev, next *entry[K, V]
}

// NewQueue makes a queue in which events of capacity keys may wait; less than 1 is 1.
func NewQueue[K comparable, V any](capacity int) *Queue[K, V] {
	return &Queue[K, V]{capacity: max(1, capacity), ready: csync.MakeParker(), waiting: make(map[K]*entry[K, V])}
}

// Put leaves an event. It never waits: an older one of the key that has not been read is
// replaced, and where there is no room the oldest of another key is lost. It gives how many
// events that makes which the reader will not get, 0 or 1. After Close it does nothing.
func (q *Queue[K, V]) Put(key K, value V) (lagged int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return 0
	}
	if e := q.waiting[key]; e != nil {
		e.value = value
		q.lagged++
		return 1
	}
	if len(q.waiting) == q.capacity {
		q.removeLocked(q.first)
		q.lagged++
		q.lost++
		lagged = 1
	}
	e := &entry[K, V]{key: key, value: value, prev: q.last}
	if q.last != nil {
		q.last.next = e
	} else {
		q.first = e
	}
	q.last = e
	q.waiting[key] = e
	if q.first == e { // where others wait the reader has been woken, or will look
		q.ready.Unpark()
	}
	return lagged
}

func (q *Queue[K, V]) removeLocked(e *entry[K, V]) {
	if e.prev != nil {
		e.prev.next = e.next
	} else {
		q.first = e.next
	}
	if e.next != nil {
		e.next.prev = e.prev
	} else {
		q.last = e.prev
	}
	delete(q.waiting, e.key)
}

// Forget takes the event of a key back if it has not been read. The reader does not miss
// it, and is not told.
func (q *Queue[K, V]) Forget(key K) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if e := q.waiting[key]; e != nil {
		q.removeLocked(e)
	}
}

// Next gives the oldest event, waiting for one; [ErrClosed] when the queue is closed and
// everything has been read, and the cause of ctx when that is done first.
func (q *Queue[K, V]) Next(ctx context.Context) (Event[K, V], error) {
	for {
		e, ok, closed := q.take()
		switch {
		case ok:
			return e, nil
		case closed:
			return e, ErrClosed
		}
		if err := q.ready.Park(ctx); err != nil {
			return e, err
		}
	}
}

// TryNext gives the oldest event if there is one, and says whether there was.
func (q *Queue[K, V]) TryNext() (Event[K, V], bool) {
	e, ok, _ := q.take()
	return e, ok
}

func (q *Queue[K, V]) take() (e Event[K, V], ok, closed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.first == nil {
		return e, false, q.closed
	}
	e = Event[K, V]{Key: q.first.key, Value: q.first.value, Lagged: q.lagged, Lost: q.lost}
	q.lagged, q.lost = 0, 0
	q.removeLocked(q.first)
	return e, true, false
}

// Len gives how many events wait.
func (q *Queue[K, V]) Len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}

// Close ends the queue: nothing is put any more, and what waits can still be read.
func (q *Queue[K, V]) Close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.ready.Unpark()
}
