package hub

import (
	"context"
	"sync/atomic"

	"gridflow/internal/lock"
)

// Hub passes events on to those who watch their keys. The zero Hub is ready, and must not
// be copied. All methods may be called from any number of goroutines at once.
type Hub[K comparable, V any] struct {
	// One lock for all keys: events of a key reach all readers in one order, and nothing is
	// done under it that waits.
	mu    lock.Mutex[lock.HubIndex]
	byKey map[K]map[*Subscription[K, V]]struct{} // no set is empty
	all   map[*Subscription[K, V]]struct{}       // who watches every key
	count int                                    // subscriptions

	// Counted beside everything else: they synchronize nothing.
	events, lagged atomic.Uint64
}

// Subscription is one reader of a hub. Watch, Unwatch and Close may be called from any number of
// goroutines at once; one reads at a time.
type Subscription[K comparable, V any] struct {
	hub   *Hub[K, V]
	queue *Queue[K, V]

	// Guarded by hub.mu.
	keys   map[K]struct{}
	closed bool
}

// Subscribe begins to watch some keys, or none yet. Events of capacity keys may wait for the
// reader; one that watches no more keys than that loses none.
func (h *Hub[K, V]) Subscribe(capacity int, keys ...K) *Subscription[K, V] {
	s := &Subscription[K, V]{hub: h, queue: NewQueue[K, V](capacity), keys: make(map[K]struct{}, len(keys))}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.count++
	s.watchLocked(keys)
	return s
}

// SubscribeAll begins to watch every key there is and will be.
func (h *Hub[K, V]) SubscribeAll(capacity int) *Subscription[K, V] {
	s := &Subscription[K, V]{hub: h, queue: NewQueue[K, V](capacity)}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.count++
	if h.all == nil {
		h.all = make(map[*Subscription[K, V]]struct{})
	}
	h.all[s] = struct{}{}
	return s
}

// Publish tells an event to all who watch its key. It waits for nobody; see [Queue.Put].
func (h *Hub[K, V]) Publish(key K, value V) {
	h.events.Add(1)
	lagged := 0
	h.mu.Lock()
	for s := range h.byKey[key] {
		lagged += s.queue.Put(key, value)
	}
	for s := range h.all {
		lagged += s.queue.Put(key, value)
	}
	h.mu.Unlock()
	h.lagged.Add(uint64(lagged))
}

// Watch adds keys. Events that were published before are not told: who wants to know the
// state of a key looks at it after Watch, not before. It does nothing after Close, or where
// every key is watched.
func (s *Subscription[K, V]) Watch(keys ...K) {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	s.watchLocked(keys)
}

func (s *Subscription[K, V]) watchLocked(keys []K) {
	if s.closed || s.keys == nil {
		return
	}
	h := s.hub
	for _, k := range keys {
		s.keys[k] = struct{}{}
		if h.byKey == nil {
			h.byKey = make(map[K]map[*Subscription[K, V]]struct{})
		}
		if h.byKey[k] == nil {
			h.byKey[k] = make(map[*Subscription[K, V]]struct{})
		}
		h.byKey[k][s] = struct{}{}
	}
}

// Unwatch takes keys away, and with them what has not been read of them.
func (s *Subscription[K, V]) Unwatch(keys ...K) {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	s.unwatchLocked(keys)
	for _, k := range keys {
		if s.keys != nil {
			s.queue.Forget(k)
		}
	}
}

func (s *Subscription[K, V]) unwatchLocked(keys []K) {
	for _, k := range keys {
		delete(s.keys, k)
		if set := s.hub.byKey[k]; set != nil {
			if delete(set, s); len(set) == 0 {
				delete(s.hub.byKey, k)
			}
		}
	}
}

// Next gives the oldest event that has not been read, as [Queue.Next] does.
func (s *Subscription[K, V]) Next(ctx context.Context) (Event[K, V], error) { return s.queue.Next(ctx) }

// TryNext gives the oldest event that has not been read, if there is one.
func (s *Subscription[K, V]) TryNext() (Event[K, V], bool) { return s.queue.TryNext() }

// Close ends the subscription. What waits can still be read.
func (s *Subscription[K, V]) Close() {
	h := s.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	if s.closed {
		return
	}
	s.closed = true
	h.count--
	delete(h.all, s)
	for k := range s.keys {
		s.unwatchLocked([]K{k})
	}
	s.queue.Close()
}

// Stats are counts of a hub, each read by itself.
type Stats struct {
	Subscribers int
	Events      uint64 // that were published
	Lagged      uint64 // times that one was not given to somebody who watched its key
}

// Stats counts.
func (h *Hub[K, V]) Stats() Stats {
	h.mu.Lock()
	defer h.mu.Unlock()
	return Stats{Subscribers: h.count, Events: h.events.Load(), Lagged: h.lagged.Load()}
}
