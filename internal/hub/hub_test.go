package hub

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"gridflow/internal/lock"
)

// TestS43_SubscriberStopsReading: ten thousand events, and the one who publishes them has
// not waited a moment: in the bubble time stands still unless somebody waits. The reader gets
// the marker with the newest state, and what waited for it was one event.
func TestS43_SubscriberStopsReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const edits = 10_000
		var h Hub[string, int]
		slow, quick := h.Subscribe(4, "fork-1"), h.SubscribeAll(4)
		var got []Event[string, int]
		go func() {
			for {
				e, err := quick.Next(t.Context())
				if err != nil {
					return
				}
				got = append(got, e)
			}
		}()
		start := time.Now()
		for n := 1; n <= edits; n++ {
			h.Publish("fork-1", n)
			if n%100 == 0 {
				synctest.Wait() // the quick one has read
			}
			if slow.queue.Len() > 1 {
				t.Fatalf("%d events wait", slow.queue.Len())
			}
		}
		if waited := time.Since(start); waited != 0 {
			t.Errorf("publishing waited for %v", waited)
		}
		e, err := slow.Next(t.Context())
		if want := (Event[string, int]{Key: "fork-1", Value: edits, Lagged: edits - 1}); err != nil || e != want {
			t.Errorf("%+v, %v; want %+v", e, err, want)
		}
		if e, ok := slow.TryNext(); ok {
			t.Errorf("and then %+v", e)
		}
		h.Publish("fork-1", edits+1) // who has caught up has no marker
		if e, err := slow.Next(t.Context()); err != nil || e.Lagged != 0 || e.Value != edits+1 {
			t.Errorf("%+v, %v", e, err)
		}
		slow.Close()
		quick.Close()
		synctest.Wait()
		told := len(got)
		for i, e := range got {
			told += int(e.Lagged)
			if i > 0 && e.Value <= got[i-1].Value {
				t.Errorf("%d after %d", e.Value, got[i-1].Value)
			}
		}
		if told != edits+1 || got[len(got)-1].Value != edits+1 {
			t.Errorf("the other got %d events, with those it was told that it lacks; the last is %+v", told, got[len(got)-1])
		}
		if s := h.Stats(); s.Subscribers != 0 || s.Events != edits+1 || s.Lagged < edits-1 {
			t.Errorf("%+v", s)
		}
	})
}

// TestPublishAllocates: an event that takes the place of another costs no memory, however
// many come.
func TestPublishAllocates(t *testing.T) {
	if lock.Checked {
		t.Skip("to check locks takes memory")
	}
	var h Hub[string, int]
	s := h.Subscribe(1, "x")
	defer s.Close()
	h.Publish("x", 0)
	if n := testing.AllocsPerRun(100, func() { h.Publish("x", 1) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestLost: with more keys than room the oldest are lost, and the reader is told that too.
func TestLost(t *testing.T) {
	q := NewQueue[string, int](2)
	for i, k := range []string{"a", "b", "b", "c", "d"} {
		q.Put(k, i)
	}
	var got []Event[string, int]
	for e, ok := q.TryNext(); ok; e, ok = q.TryNext() {
		got = append(got, e)
	}
	want := []Event[string, int]{{Key: "c", Value: 3, Lagged: 3, Lost: 2}, {Key: "d", Value: 4}}
	if !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// TestNext: it ends with its context and with the subscription, and a closed one is read to
// its end.
func TestNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h Hub[string, int]
		s := h.Subscribe(0, "x") // which is 1
		why := errors.New("why")
		ctx, cancel := context.WithCancelCause(t.Context())
		result := make(chan error)
		go func() { _, err := s.Next(ctx); result <- err }()
		synctest.Wait()
		cancel(why)
		if err := <-result; err != why {
			t.Error(err)
		}
		go func() {
			_, err := s.Next(t.Context())
			_, last := s.Next(t.Context())
			result <- errors.Join(err, last)
		}()
		synctest.Wait()
		h.Publish("y", 1) // not watched
		synctest.Wait()
		h.Publish("x", 1)
		synctest.Wait()
		s.Close()
		s.Close()
		if err := <-result; !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
		s.Watch("y")
		h.Publish("y", 2)
		if e, ok := s.TryNext(); ok || len(h.byKey)+len(h.all) > 0 {
			t.Errorf("after Close: %+v, %d keys", e, len(h.byKey))
		}
	})
}

// model is what a queue should do, written down as it is said.
type model struct {
	room         int
	waiting      []Event[string, int]
	lagged, lost uint64
}

func (m *model) put(k string, v int) {
	if i := slices.IndexFunc(m.waiting, func(e Event[string, int]) bool { return e.Key == k }); i >= 0 {
		m.waiting[i].Value = v
		m.lagged++
		return
	}
	if len(m.waiting) == m.room {
		m.waiting = m.waiting[1:]
		m.lagged++
		m.lost++
	}
	m.waiting = append(m.waiting, Event[string, int]{Key: k, Value: v})
}

func (m *model) forget(k string) {
	m.waiting = slices.DeleteFunc(m.waiting, func(e Event[string, int]) bool { return e.Key == k })
}

func (m *model) next() (e Event[string, int], ok bool) {
	if len(m.waiting) == 0 {
		return e, false
	}
	e = m.waiting[0]
	e.Lagged, e.Lost = m.lagged, m.lost
	m.lagged, m.lost, m.waiting = 0, 0, m.waiting[1:]
	return e, true
}

// TestModel: whatever is watched, published, read and closed, each subscription does what
// the model of it does.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type reader struct {
			*Subscription[string, int]
			model
			watches map[string]bool // nil: all
		}
		var h Hub[string, int]
		var readers []*reader
		key := rapid.SampledFrom([]string{"a", "b", "c", "d"})
		pick := func(t *rapid.T) *reader {
			if len(readers) == 0 {
				t.Skip("nobody reads")
			}
			return readers[rapid.IntRange(0, len(readers)-1).Draw(t, "reader")]
		}
		version := 0
		t.Repeat(map[string]func(*rapid.T){
			"subscribe": func(t *rapid.T) {
				room := rapid.IntRange(1, 4).Draw(t, "room")
				r := &reader{model: model{room: room}}
				if rapid.Bool().Draw(t, "all") {
					r.Subscription = h.SubscribeAll(room)
				} else {
					r.watches = map[string]bool{}
					r.Subscription = h.Subscribe(room)
				}
				readers = append(readers, r)
			},
			"watch": func(t *rapid.T) {
				r, k := pick(t), key.Draw(t, "key")
				r.Watch(k)
				if r.watches != nil {
					r.watches[k] = true
				}
			},
			"unwatch": func(t *rapid.T) {
				r, k := pick(t), key.Draw(t, "key")
				r.Unwatch(k)
				if r.watches != nil {
					delete(r.watches, k)
					r.forget(k)
				}
			},
			"publish": func(t *rapid.T) {
				k := key.Draw(t, "key")
				version++
				h.Publish(k, version)
				for _, r := range readers {
					if r.watches == nil || r.watches[k] {
						r.put(k, version)
					}
				}
			},
			"read": func(t *rapid.T) {
				r := pick(t)
				got, ok := r.TryNext()
				if want, wantOK := r.next(); got != want || ok != wantOK {
					t.Fatalf("%+v %v, want %+v %v", got, ok, want, wantOK)
				}
			},
			"close": func(t *rapid.T) {
				r := pick(t)
				r.Close()
				readers = slices.DeleteFunc(readers, func(o *reader) bool { return o == r })
			},
			"": func(t *rapid.T) {
				watched := map[string]bool{}
				for _, r := range readers {
					if r.queue.Len() > r.room {
						t.Fatalf("%d events wait in room for %d", r.queue.Len(), r.room)
					}
					for k := range r.watches {
						watched[k] = true
					}
				}
				if s := h.Stats(); s.Subscribers != len(readers) || len(h.byKey) != len(watched) {
					t.Fatalf("%+v with %d readers; %d keys are kept, %d watched", s, len(readers), len(h.byKey), len(watched))
				}
			},
		})
	})
}

// TestManyAtOnce is for the race detector: publishers, readers, and some who come and go.
func TestManyAtOnce(t *testing.T) {
	var h Hub[int, int]
	var publishers, readers sync.WaitGroup
	var subs []*Subscription[int, int]
	for range 3 {
		s := h.SubscribeAll(3)
		subs = append(subs, s)
		readers.Go(func() {
			last := map[int]int{}
			for {
				e, err := s.Next(t.Context())
				if err != nil {
					break
				}
				if e.Value <= last[e.Key] {
					t.Errorf("%d: %d after %d", e.Key, e.Value, last[e.Key])
				}
				last[e.Key] = e.Value
			}
		})
	}
	for k := range 4 {
		publishers.Go(func() {
			for n := 1; n <= 500; n++ {
				h.Publish(k, n)
				if n%50 == 0 {
					s := h.Subscribe(1, k)
					h.Publish(k+10, n)
					s.Watch(k + 10)
					s.Unwatch(k)
					s.Close()
				}
			}
		})
	}
	publishers.Wait()
	for _, s := range subs {
		s.Close()
	}
	readers.Wait()
	if n := h.Stats().Subscribers; n != 0 {
		t.Error(n)
	}
}

// TestWaitingReader: whoever waits is woken by the first event of any key, and by each after it.
func TestWaitingReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h Hub[string, int]
		s := h.Subscribe(4, "a", "b")
		defer s.Close()
		for n, key := range []string{"a", "b", "b", "a"} {
			var got Event[string, int]
			go func() { got, _ = s.Next(t.Context()) }()
			synctest.Wait()
			h.Publish(key, n)
			synctest.Wait()
			if got.Key != key || got.Value != n {
				t.Errorf("event %d of %s: it got %+v", n, key, got)
			}
		}
	})
}

// TestNothingAfterwards: of a key that is not watched any more nothing is given, not even what came before; after Close
// nothing comes, and nothing of the reader is left, however often it is closed.
func TestNothingAfterwards(t *testing.T) {
	var h Hub[string, int]
	s, all := h.Subscribe(4, "a", "b"), h.SubscribeAll(4)
	h.Publish("a", 1)
	h.Publish("b", 2)
	s.Unwatch("a")
	h.Publish("a", 3)
	if n := h.Stats().Lagged; n != 1 { // who watches all has not read the first
		t.Errorf("%d are missed", n)
	}
	if e, ok := s.TryNext(); !ok || e.Key != "b" {
		t.Errorf("it got %+v", e)
	}
	all.TryNext()
	all.TryNext()
	for range 2 {
		s.Close()
		all.Close()
	}
	h.Publish("b", 4)
	s.queue.Put("b", 5) // of a Publish that had begun
	for _, s := range []*Subscription[string, int]{s, all} {
		if e, ok := s.TryNext(); ok {
			t.Errorf("after Close it got %+v", e)
		}
	}
	if st := h.Stats(); st.Subscribers != 0 || len(h.all)+len(h.byKey) != 0 {
		t.Errorf("left are %d subscribers, %d keys, and %d who watch all", st.Subscribers, len(h.byKey), len(h.all))
	}
}
