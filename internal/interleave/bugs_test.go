//go:build interleave

package interleave

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"gridflow/internal/interleave/csync"
)

// Well-known faults, each with its mended version: the search finds the one and passes the
// other, exhaustively and, where two preemptions are enough, within that bound and by PCT.
var bugs = []struct {
	name string
	kind Kind
	body func(wrong bool) func(*Run)
}{
	{"counter that is not atomic", Final, func(wrong bool) func(*Run) {
		return func(r *Run) {
			var n csync.Int64
			for _, name := range []string{"a", "b", "c"} {
				r.Go(name, func() {
					if wrong {
						n.Store(n.Load() + 1)
					} else {
						n.Add(1)
					}
				})
			}
			r.Final(func() error { return equal("count", n.Load(), 3) })
		}
	}},
	{"check, then act", Invariant, func(wrong bool) func(*Run) {
		return func(r *Run) {
			var mu csync.Mutex
			left := 1
			take := func() {
				mu.Lock()
				ok := left > 0
				if wrong {
					mu.Unlock()
					mu.Lock()
				}
				if ok {
					left--
				}
				mu.Unlock()
			}
			r.Go("a", take)
			r.Go("b", take)
			r.Invariant(func() error {
				if left < 0 {
					return fmt.Errorf("%d left", left)
				}
				return nil
			})
		}
	}},
	{"ABBA deadlock", Deadlock, func(wrong bool) func(*Run) {
		return func(r *Run) {
			var x, y csync.Mutex
			both := func(first, second *csync.Mutex) func() {
				return func() {
					first.Lock()
					defer first.Unlock()
					second.Lock()
					defer second.Unlock()
				}
			}
			r.Go("a", both(&x, &y))
			if wrong {
				r.Go("b", both(&y, &x))
			} else {
				r.Go("b", both(&x, &y))
			}
		}
	}},
	{"lost wakeup", LostWakeup, func(wrong bool) func(*Run) {
		return func(r *Run) {
			// The waiter says that it waits after it has looked, or before.
			var ready, waiting csync.Bool
			p := csync.MakeParker()
			r.Go("waiter", func() {
				if wrong {
					if !ready.Load() {
						waiting.Store(true)
						p.Park(context.Background())
					}
					return
				}
				waiting.Store(true)
				if !ready.Load() {
					p.Park(context.Background())
				}
			})
			r.Go("waker", func() {
				ready.Store(true)
				if waiting.Load() {
					p.Unpark()
				}
			})
		}
	}},
	{"leaked permit on cancel", Final, func(wrong bool) func(*Run) {
		return func(r *Run) {
			// The permit is handed over by the token, which may come when the waiter leaves.
			permits := 0
			p := csync.MakeParker()
			ctx, cancel := csync.WithCancel(context.Background())
			r.Go("waiter", func() {
				if p.Park(ctx) == nil {
					permits++ // used and given back
					return
				}
				if !wrong {
					// Whoever hands over has taken the waiter off the list already: the
					// token will come, and must be waited for.
					p.Park(context.Background())
					permits++
				}
			})
			r.Go("holder", p.Unpark)
			r.Go("canceller", func() { cancel() })
			r.Final(func() error { return equal("permits", permits, 1) })
		}
	}},
	{"double close", Panic, func(wrong bool) func(*Run) {
		return func(r *Run) {
			c := csync.NewChan[int](1)
			var closed csync.Bool
			stop := func() {
				if wrong {
					if !closed.Load() {
						closed.Store(true)
						c.Close()
					}
				} else if closed.CompareAndSwap(false, true) {
					c.Close()
				}
			}
			r.Go("a", stop)
			r.Go("b", stop)
		}
	}},
	{"ABA on a stack", Final, func(wrong bool) func(*Run) { return stackABA(wrong) }},
	{"endless retry", Livelock, func(wrong bool) func(*Run) {
		return func(r *Run) {
			var flag csync.Bool
			r.Go("poller", func() {
				for !flag.Load() {
					if !wrong {
						csync.Gosched()
					}
				}
			})
			r.Go("setter", func() { flag.Store(true) })
		}
	}},
	{"add after wait", Final, func(wrong bool) func(*Run) {
		return func(r *Run) {
			var wg csync.WaitGroup
			var done, seen csync.Int64
			if !wrong {
				wg.Add(1)
			}
			r.Go("starter", func() {
				if wrong {
					wg.Add(1)
				}
				csync.Go(func() { done.Add(1); wg.Done() })
			})
			r.Go("waiter", func() { wg.Wait(); seen.Store(done.Load()) })
			r.Final(func() error { return equal("seen", seen.Load(), 1) })
		}
	}},
}

// stackABA is a Treiber stack whose nodes are used again; with a count in its head nobody
// takes an old head for the present one.
func stackABA(wrong bool) func(*Run) {
	return func(r *Run) {
		// Nodes are 1, 2, 3; head is count<<8 | node; next[n] is below n.
		var head csync.Int64
		var next [4]csync.Int64
		next[2].Store(1)
		next[3].Store(2)
		head.Store(3) // 3, 2, 1 from the top
		count := func(h int64) int64 {
			if wrong {
				return 0
			}
			return h&^255 + 256
		}
		pop := func() int64 {
			for {
				h := head.Load()
				top := h & 255
				if top == 0 {
					return 0
				}
				if head.CompareAndSwap(h, count(h)|next[top].Load()) {
					return top
				}
			}
		}
		push := func(n int64) {
			for {
				h := head.Load()
				next[n].Store(h & 255)
				if head.CompareAndSwap(h, count(h)|n) {
					return
				}
			}
		}
		var got [4]int
		r.Go("a", func() { got[pop()]++ })
		r.Go("b", func() {
			first := pop()
			got[pop()]++ // kept
			push(first)
		})
		r.Final(func() error {
			for n := head.Load() & 255; n != 0; n = next[n].Load() {
				got[n]++
			}
			for n := 1; n <= 3; n++ {
				if got[n] != 1 {
					return fmt.Errorf("node %d is in %d places", n, got[n])
				}
			}
			return nil
		})
	}
}

func equal[T comparable](what string, got, want T) error {
	if got != want {
		return fmt.Errorf("%s: %v, want %v", what, got, want)
	}
	return nil
}

func TestKnownBugs(t *testing.T) {
	modes := map[string]Options{
		"exhaustive": {MaxSteps: 200},
		"unpruned":   {MaxSteps: 200, Unpruned: true},
		"bound 2":    {MaxSteps: 200, Mode: Bounded, Bound: 2},
		"pct":        {MaxSteps: 200, Mode: PCT, Runs: 5000, Depth: 4, Seed: 1},
	}
	for _, bug := range bugs {
		for mode, o := range modes {
			t.Run(bug.name+"/"+mode, func(t *testing.T) {
				if report, failure := Search(o, bug.body(false)); failure != nil {
					t.Errorf("mended, after %v: %v", report, failure)
				}
				report, failure := Search(o, bug.body(true))
				if failure == nil {
					t.Fatalf("not found: %v", report)
				}
				if failure.Kind != bug.kind {
					t.Errorf("found as another fault, want %s: %v", bug.kind, failure)
				}
				if failure.Trace == "" || !strings.Contains(failure.Trace, "bugs_test.go:") {
					t.Errorf("the trace does not say where: %s", failure.Trace)
				}
				again := Replay(t, failure.Schedule, bug.body(true))
				if again == nil || again.Kind != failure.Kind && failure.Kind != Livelock {
					t.Fatalf("replay: %v, was %v", again, failure)
				}
				t.Logf("execution %d, %v: %s, %s", report.Executions, report.Took, failure.Kind, failure.Schedule)
			})
		}
	}
}
