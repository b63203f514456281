package flow

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gridflow/flow/limit"
)

// TestAdaptiveLimit: calls that take too long make the limit of their class shrink to its
// least and no further, while what runs and waits goes on; when they are quick again and
// the limit is used, it grows; when nothing comes, it stays.
func TestAdaptiveLimit(t *testing.T) {
	var steps []limit.Change
	synctest.Test(t, func(t *testing.T) {
		g, err := New(Config{
			Classes:   []Class{{Name: "work", QueueMax: 1000}},
			Resources: []Resource{{Name: "seat", Capacity: 100}},
		}, Listener{Limit: func(_ int, c limit.Change) { steps = append(steps, c) }})
		if err != nil {
			t.Fatal(err)
		}
		l, err := limit.New(limit.Medium(2, 8))
		if err != nil {
			t.Fatal(err)
		}
		g.Adapt(0, l)
		var mu sync.Mutex
		running, most := 0, 0
		work := func(takes time.Duration, length time.Duration) {
			most = 0
			until := time.Now().Add(length)
			var wg sync.WaitGroup
			for range 16 {
				wg.Go(func() {
					for time.Now().Before(until) {
						p, err := g.Acquire(t.Context(), seat)
						if err != nil {
							t.Error(err)
							return
						}
						mu.Lock()
						running++
						most = max(most, running)
						mu.Unlock()
						time.Sleep(takes)
						mu.Lock()
						running--
						mu.Unlock()
						p.Done(OK)
					}
				})
			}
			wg.Wait()
		}
		work(2*time.Second, 5*time.Minute)
		if n := l.Limit(); n != 2 {
			t.Errorf("after slow calls the limit is %d, want 2; %v", n, steps)
		}
		if most != 8 {
			t.Errorf("at first %d ran at once, want 8", most)
		}
		steps = nil
		time.Sleep(time.Hour)
		if len(steps) > 0 {
			t.Errorf("while nothing came the limit moved: %v", steps)
		}
		work(20*time.Millisecond, 5*time.Minute)
		if n := l.Limit(); n != 8 || len(steps) != 6 {
			t.Errorf("after quick calls the limit is %d in %d steps, want 8 in 6; %v", n, len(steps), steps)
		}
		nothingLeft(t, g)
	})
}

// TestPace: an idle class starts a call at once; a burst is spread at the pace of the
// demand, in the order of its arrival.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, err := New(Config{
			Classes:   []Class{{Name: "work", QueueMax: 1000}},
			Resources: []Resource{{Name: "seat", Capacity: 100}},
		}, Listener{})
		if err != nil {
			t.Fatal(err)
		}
		if err := g.Pace(0, 10*time.Second, 500*time.Millisecond); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		if p, err := g.Acquire(t.Context(), seat); err != nil || time.Since(begin) != 0 {
			t.Errorf("an idle gate made a call wait for %v (%v)", time.Since(begin), err)
		} else {
			p.Done(OK)
		}
		// Bursts of ten every two seconds: five a second.
		var starts []time.Duration
		var mu sync.Mutex
		var wg sync.WaitGroup
		for range 20 {
			time.Sleep(2 * time.Second)
			for range 10 {
				wg.Go(func() {
					p, err := g.Acquire(t.Context(), seat)
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					starts = append(starts, time.Since(begin))
					mu.Unlock()
					time.Sleep(50 * time.Millisecond)
					p.Done(OK)
				})
			}
		}
		wg.Wait()
		even := 0
		for i := len(starts) - 100; i < len(starts); i++ {
			if gap := starts[i] - starts[i-1]; gap >= 180*time.Millisecond && gap <= 220*time.Millisecond {
				even++
			}
		}
		if even < 95 {
			t.Errorf("of the last 100 starts %d came 200 ms after the one before, give or take a tenth; %s", even, fmt.Sprint(starts[len(starts)-30:]))
		}
		if f, ok := g.Figures(0); !ok || f.Takt < 160*time.Millisecond || f.Takt > 250*time.Millisecond || f.Cycle.Round(time.Millisecond) != 50*time.Millisecond {
			t.Errorf("measured: %+v", f)
		}
		nothingLeft(t, g)
	})
}

// TestLimitBounds: what an adaptive limit never leaves lies within the class's own limit,
// whatever that becomes, and is nothing once there is no adaptive limit.
func TestLimitBounds(t *testing.T) {
	g, err := New(Config{Classes: []Class{{Name: "work", QueueMax: 10}}}, Listener{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := limit.New(limit.Medium(2, 8))
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		do     func()
		lo, hi int
	}{
		{func() {}, 0, 0},
		{func() { g.Adapt(0, l) }, 2, 8},
		{func() { g.SetLimit(0, 5) }, 2, 5},
		{func() { g.SetLimit(0, 1) }, 1, 1},
		{func() { g.SetLimit(0, 0) }, 2, 8},
		{func() { g.Adapt(0, nil) }, 0, 0},
	} {
		step.do()
		if c := g.Stats().Classes[0]; c.LimitMin != step.lo || c.LimitMax != step.hi || c.Limit > step.hi {
			t.Errorf("the limit is %d, within %d…%d, want %d…%d", c.Limit, c.LimitMin, c.LimitMax, step.lo, step.hi)
		}
	}
}

// TestApart: calls whose work is done elsewhere neither use up an adaptive limit nor move it;
// the class's own limit is on them as on others.
func TestApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var steps []limit.Change
		g, err := New(Config{
			Classes:   []Class{{Name: "work", QueueMax: 1000}},
			Resources: []Resource{{Name: "seat", Capacity: 100}},
		}, Listener{Limit: func(_ int, c limit.Change) { steps = append(steps, c) }})
		if err != nil {
			t.Fatal(err)
		}
		l, err := limit.New(limit.Medium(1, 2))
		if err != nil {
			t.Fatal(err)
		}
		g.Adapt(0, l)
		acquire := func(apart bool) Permit {
			t.Helper()
			ctx, stop := context.WithTimeout(t.Context(), time.Second)
			defer stop()
			p, err := g.Acquire(ctx, Request{Apart: apart})
			if err != nil {
				return Permit{}
			}
			return p
		}
		var elsewhere, here []Permit
		for range 2 {
			elsewhere = append(elsewhere, acquire(true))
		}
		for range 2 {
			here = append(here, acquire(false))
		}
		for _, p := range append(elsewhere, here...) {
			if p == (Permit{}) {
				t.Fatalf("two elsewhere and two here do not run at once: %v, %v", elsewhere, here)
			}
		}
		if acquire(false) != (Permit{}) {
			t.Error("the limit of two lets a third in")
		}
		if n := g.Stats().Classes[0].Limit; n != 4 {
			t.Errorf("the limit on all is %d, want 4", n)
		}
		for i, p := range here { // to come in, such a call needs a place as others do
			p.Done(Unused)
			here[i] = Permit{}
		}
		// An hour's work elsewhere says nothing of this machine.
		for range 20 {
			time.Sleep(time.Hour)
			for i, p := range elsewhere {
				p.Done(OK)
				elsewhere[i] = acquire(true)
			}
		}
		if len(steps) != 0 || g.Stats().Classes[0].Limit != 4 {
			t.Errorf("steps %+v, limit %d", steps, g.Stats().Classes[0].Limit)
		}
		for _, p := range append(elsewhere, here...) {
			p.Done(Unused)
		}
		if n := g.Stats().Classes[0].Limit; n != 2 {
			t.Errorf("when all are gone the limit is %d", n)
		}
		g.SetLimit(0, 1)
		one := acquire(true)
		if acquire(true) != (Permit{}) || acquire(false) != (Permit{}) {
			t.Error("the class's own limit of one lets two in")
		}
		one.Done(OK)
	})
}
