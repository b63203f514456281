//go:build interleave

package interleave

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"gridflow/internal/interleave/csync"
	"gridflow/internal/interleave/mutant"
)

// fails searches and wants a failure of a kind whose text has all of these in it.
func fails(t *testing.T, o Options, kind Kind, body func(*Run), parts ...string) {
	t.Helper()
	report, failure := Search(o, body)
	if failure == nil || failure.Kind != kind {
		t.Errorf("%v: %v, want %s", report, failure, kind)
		return
	}
	for _, part := range parts {
		if !strings.Contains(failure.Error(), part) {
			t.Errorf("%q is not in: %v", part, failure)
		}
	}
}

func TestDeadlockNamesWhoWaitsForWhat(t *testing.T) {
	fails(t, Options{}, Deadlock, func(r *Run) {
		var mu csync.Mutex
		c := csync.NewChan[int](1)
		r.Go("holder", func() { mu.Lock(); c.Recv(context.Background()) })
		r.Go("other", func() { mu.Lock() })
	}, "thread holder waits in Chan.Recv of Chan#1 (edge_test.go:", "thread other waits in Mutex.Lock of Mutex#1, held by holder (edge_test.go:")
}

func TestSearchFailsWhereItCannotVouch(t *testing.T) {
	fails(t, Options{MaxExecutions: 10}, Incomplete, writers(5, 5), "10 executions")
	fails(t, Options{}, Incomplete, func(r *Run) {
		for i := range maxThreads + 1 {
			r.Go(fmt.Sprint(i), func() {})
		}
		var x csync.Int32
		r.Go("a", func() { x.Load() })
	}, "at most 32")
	runs := 0
	fails(t, Options{}, Diverged, func(r *Run) {
		var x csync.Int64
		runs++
		r.Go("a", func() { x.Add(1); x.Add(1) })
		if runs == 1 {
			r.Go("b", func() { x.Add(1) })
		}
	}, "must depend on nothing but the schedule")
	runs = 0
	fails(t, Options{}, Final, func(r *Run) {
		runs++
		r.Final(func() error { return equal("runs", runs, 0) })
	})
	once := 0
	fails(t, Options{}, Final, func(r *Run) {
		once++
		r.Final(func() error {
			if once == 1 {
				return fmt.Errorf("once")
			}
			return nil
		})
	}, "gave another outcome when it was executed again")
}

func TestPanics(t *testing.T) {
	fails(t, Options{}, Panic, func(r *Run) {
		var mu csync.Mutex
		r.Go("a", func() { mu.Unlock() })
	}, "thread a: sync: unlock of unlocked mutex")
	fails(t, Options{}, Panic, func(r *Run) {
		r.Go("a", func() {})
		r.Invariant(func() error { panic("of a check") })
	}, "of a check")
	fails(t, Options{}, Panic, func(r *Run) {
		var wg csync.WaitGroup
		r.Go("a", wg.Done)
	}, "negative WaitGroup counter")
	fails(t, Options{}, Panic, func(r *Run) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		p := csync.MakeParker()
		r.Go("a", func() { p.Park(ctx) })
	}, "not made by csync.WithCancel")
	fails(t, Options{}, Panic, func(r *Run) {
		ctx, cancel := csync.WithCancel(context.Background())
		p := csync.MakeParker()
		r.Go("a", func() {
			derived, stop := context.WithCancel(ctx)
			defer stop()
			p.Park(derived)
		})
		r.Go("b", func() { cancel() })
	}, "not made by csync.WithCancel")
}

// An execution that is given up is unwound through its deferred functions, whose own
// operations and panics count for nothing; the next execution is not touched by it.
func TestUnwinding(t *testing.T) {
	deferred := 0
	report, failure := Search(Options{}, func(r *Run) {
		var mu csync.Mutex
		p := csync.MakeParker()
		for _, name := range []string{"a", "b"} {
			r.Background(name, func() {
				mu.Lock()
				defer func() { deferred++; panic("while unwinding") }()
				defer mu.Unlock()
				p.Park(context.Background())
			})
		}
	})
	if failure != nil || report.Executions != 2 || deferred != 2 {
		t.Errorf("%v, %v, %d deferred", report, failure, deferred)
	}
}

// Whatever ends a search, the next one starts anew and no coroutine is left.
func TestSearchCleansUp(t *testing.T) {
	before := runtime.NumGoroutine()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer func() { recover() }()
		Search(Options{}, func(r *Run) { r.Go("a", func() {}); panic("of the body") })
	}()
	<-ended
	ended = make(chan struct{})
	go func() {
		defer close(ended)
		Search(Options{}, func(r *Run) {
			var x csync.Int64
			r.Go("a", func() { x.Load(); x.Load() })
			r.Go("b", func() { x.Load(); runtime.Goexit() }) // as t.FailNow does
		})
		t.Error("a thread that exits is not noticed")
	}()
	<-ended
	if _, failure := Search(Options{}, writers(2, 2)); failure != nil {
		t.Error(failure)
	}
	var mu csync.Mutex // the standard one again
	mu.Lock()
	if mu.TryLock() {
		t.Error("TryLock")
	}
	mu.Unlock()
	// The goroutines above end in their own time. One that does not keeps this test until all are given up.
	for runtime.NumGoroutine() > before {
		runtime.Gosched()
	}
}

// Threads that are started by threads, and contexts made from contexts.
func TestThreadsOfThreads(t *testing.T) {
	Explore(t, Options{}, func(r *Run) {
		var wg csync.WaitGroup
		var sum csync.Int64
		r.Go("a", func() {
			wg.Go(func() { sum.Add(1) })
			wg.Go(func() { sum.Add(2) })
			wg.Wait()
			if got := sum.Load(); got != 3 {
				r.Failf("sum %d", got)
			}
		})
	})
	type key struct{}
	Explore(t, Options{}, func(r *Run) {
		parent, cancelParent := csync.WithCancelCause(context.WithValue(context.Background(), key{}, 1))
		child, cancel := csync.WithCancel(context.WithValue(parent, key{}, 2))
		p := csync.MakeParker()
		r.Go("waiter", func() {
			err := p.Park(child)
			if err != context.DeadlineExceeded && err != context.Canceled {
				r.Failf("park: %v", err)
			}
			if err != csync.Cause(child) || child.Value(key{}) != 2 || child.Err() != err {
				r.Failf("child: %v, %v, %v, %v", err, csync.Cause(child), child.Value(key{}), child.Err())
			}
			late, stop := csync.WithCancel(parent)
			defer stop()
			if parent.Err() != nil && p.Park(late) != context.DeadlineExceeded {
				r.Failf("a context from one that is done is not done")
			}
		})
		r.Go("deadline", func() { cancelParent(context.DeadlineExceeded) })
		r.Go("canceller", func() { cancel() })
	})
}

// PCT finds a fault of depth d with probability at least 1/(n·k^(d-1)). Here it needs three
// orderings: the first write before the first read, that before the second write, that
// before the second read. With 2 threads of 8 steps that is one execution in 128.
func TestPCTKeepsItsPromise(t *testing.T) {
	const runs = 4000
	hits := 0
	_, failure := Search(Options{Mode: PCT, Runs: runs, Depth: 3, Seed: 7}, func(r *Run) {
		var x, y csync.Int64
		var first, second int64
		r.Go("a", func() { x.Store(1); x.Load(); x.Store(2); y.Load() })
		r.Go("b", func() { y.Load(); first = x.Load(); second = x.Load(); y.Load() })
		r.Final(func() error {
			if first == 1 && second == 2 {
				hits++
			}
			return nil
		})
	})
	if failure != nil || hits < runs/128 {
		t.Errorf("%d of %d, %v", hits, runs, failure)
	}
	t.Logf("%d of %d", hits, runs)
}

// recorder is a testing.TB that keeps its verdict to itself.
type recorder struct {
	testing.TB
	failed bool
	text   string
}

func (r *recorder) Helper()         {}
func (r *recorder) Log(args ...any) { r.text += fmt.Sprintln(args...) }
func (r *recorder) Logf(f string, args ...any) {
	r.text += fmt.Sprintf(f, args...) + "\n"
}
func (r *recorder) Errorf(f string, args ...any) { r.failed = true; r.Logf(f, args...) }

var (
	killed = mutant.New("edge: killed")
	lives  = mutant.New("edge: lives")
)

func TestKillMutantsTellsOfWhatLives(t *testing.T) {
	search := func() (Report, *Failure) {
		return Search(Options{}, func(r *Run) {
			r.Final(func() error {
				_ = lives.On()
				return equal("planted", killed.On(), false)
			})
		})
	}
	for prefix, want := range map[string]bool{"edge: killed": false, "edge: ": true, "edge: none": true} {
		rec := &recorder{TB: t}
		KillMutants(rec, prefix, search)
		if rec.failed != want {
			t.Errorf("%s: failed %v:\n%s", prefix, rec.failed, rec.text)
		}
	}
	killed.During(func() {
		rec := &recorder{TB: t}
		KillMutants(rec, "edge: ", search)
		if !rec.failed || !strings.Contains(rec.text, "without a mutant") {
			t.Error(rec.text)
		}
		rec = &recorder{TB: t}
		Explore(rec, Options{}, func(r *Run) { r.Final(func() error { return fmt.Errorf("wrong") }) })
		if !rec.failed || !strings.Contains(rec.text, "wrong") {
			t.Error(rec.text)
		}
	})
}
