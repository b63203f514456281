package office

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gridflow/flow/level"
)

// TestRoster: whatever happens in whatever order, no more work at once than may, no more
// workers live than may, nobody waits while there is a worker and a place for him, each slot is
// in one place, and each kind of work has its turn.
func TestRoster(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := Defaults()
		l.Workers, l.Warm, l.Jobs = rapid.IntRange(1, 5).Draw(t, "workers"), rapid.IntRange(0, 3).Draw(t, "warm"), rapid.IntRange(0, 4).Draw(t, "jobs")
		l.ProcessesMax = rapid.IntRange(0, 6).Draw(t, "processes")
		r := newRoster(l)
		now := time.Duration(0)
		var waiters []*waiter // of whom it is not known yet what becomes of them
		pick := func(st state) *slot {
			var of []*slot
			for _, s := range r.slots {
				if s.state == st {
					of = append(of, s)
				}
			}
			if len(of) == 0 {
				t.Skip()
			}
			return rapid.SampledFrom(of).Draw(t, "slot")
		}
		plan := func() {
			list, why, _ := r.toEnd(now, "")
			for i, s := range list {
				if why[i] == "" {
					t.Fatal("a worker ends for no reason")
				}
				r.retire(s)
			}
			for _, s := range r.toStart(now) {
				if s.state != absent {
					t.Fatalf("a worker is to start in a slot that is %v", s.state)
				}
				s.state = starting
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"arrive": func(t *rapid.T) {
				w := newWaiter(rapid.IntRange(0, len(kinds)-1).Draw(t, "kind"))
				waiters = append(waiters, w)
				r.arrive(now, w)
				plan()
			},
			"leave": func(t *rapid.T) {
				if len(waiters) == 0 {
					t.Skip()
				}
				i := rapid.IntRange(0, len(waiters)-1).Draw(t, "who")
				w := waiters[i]
				waiters = slices.Delete(waiters, i, i+1)
				if !r.leave(w) && w.slot != nil {
					r.unused(now, w.slot)
				}
				plan()
			},
			"started": func(t *rapid.T) {
				r.started(now, pick(starting), &fakeWorker{}, "")
				plan()
			},
			"failed": func(t *rapid.T) {
				pick(starting).state = absent
				if r.live() == 0 {
					r.fail(errOff)
				}
			},
			"done": func(t *rapid.T) {
				s := pick(busy)
				waiters = slices.DeleteFunc(waiters, func(w *waiter) bool { return w.slot == s })
				r.done(now, time.Second, s, 0)
				if r.overdue(now, s, "") != "" {
					r.retire(s)
				}
				r.dispatch(now)
				plan()
			},
			"died": func(t *rapid.T) {
				s := pick(busy)
				waiters = slices.DeleteFunc(waiters, func(w *waiter) bool { return w.slot == s })
				r.died(now, time.Second, s)
				plan()
			},
			"died idle": func(t *rapid.T) {
				s := pick(idle)
				r.retire(s)
				s.state = absent
				plan()
			},
			"gone": func(t *rapid.T) {
				pick(ending).state = absent
				plan()
			},
			"limits": func(t *rapid.T) {
				l.Workers = rapid.IntRange(1, 5).Draw(t, "workers")
				r.reconfigure(l)
				r.dispatch(now)
				plan()
			},
			"time": func(t *rapid.T) {
				now += time.Duration(rapid.IntRange(1, 400).Draw(t, "seconds")) * time.Second
				plan()
			},
			"": func(t *rapid.T) {
				count := map[state]int{}
				for _, s := range r.slots {
					count[s.state]++
					if (s.worker != nil) != (s.state == idle || s.state == busy) {
						t.Fatalf("a slot that is %v has a worker: %v", s.state, s.worker != nil)
					}
				}
				if count[idle] != len(r.idle) || count[busy] != r.active {
					t.Fatalf("%v, and on the lists %d and %d", count, len(r.idle), r.active)
				}
				if r.active < l.Workers && len(r.idle) > 0 && r.waiting > 0 {
					t.Fatal("somebody waits beside a worker that is idle")
				}
				n := 0
				for kind := range r.queue {
					n += len(r.queue[kind])
					if len(r.queue[kind]) != r.turns.Waiting(kind) {
						t.Fatal("the turns have lost count")
					}
				}
				if n != r.waiting {
					t.Fatalf("%d wait, counted are %d", n, r.waiting)
				}
				if live := r.live(); live == 0 && r.waiting > 0 && count[absent] > 0 && count[ending] == 0 && slices.ContainsFunc(r.slots[:l.Capacity()], func(s *slot) bool { return s.state == absent }) {
					t.Fatal("somebody waits, and nobody is started for him")
				}
				if want := r.wanted(now); want > l.Capacity() || want < min(l.Warm, l.Capacity()) {
					t.Fatalf("%d workers are wanted of %d", want, l.Capacity())
				}
			},
		})
	})
}

// TestCapacity: a third more than work at once, rounded up, and none where there is to be none.
func TestCapacity(t *testing.T) {
	for workers, want := range map[int]int{0: 0, 1: 2, 2: 3, 3: 4, 4: 6, 10: 13} {
		l := Limits{Workers: workers}
		if got := l.Capacity(); got != want {
			t.Errorf("for %d at once %d, want %d", workers, got, want)
		}
		if got := level.Spares(workers, 0, l.Capacity(), level.ShareMax); got != want {
			t.Errorf("with %d at work %d workers, want %d", workers, got, want)
		}
	}
	for _, c := range []struct{ workers, most, want int }{{1, 1, 1}, {1, 2, 2}, {1, 9, 2}, {2, 3, 3}, {3, 2, 3}, {0, 2, 0}} {
		if l := (Limits{Workers: c.workers, ProcessesMax: c.most}); l.Capacity() != c.want {
			t.Errorf("for %d at once of %d processes at most %d, want %d", c.workers, c.most, l.Capacity(), c.want)
		}
	}
	for i, k := range kinds {
		if kindOf(k) != i {
			t.Error(fmt.Sprint(k))
		}
	}
}
