package lazy_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gridflow/internal/lazy"
)

// One run serves all callers, and its result is kept.
func TestOneRunForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l lazy.Load[int]
		runs := 0
		gate := make(chan struct{})
		work := func(context.Context, *lazy.Publisher[int]) (int, error) {
			runs++
			<-gate
			return 42, nil
		}
		var wg sync.WaitGroup
		for range 200 {
			wg.Go(func() {
				if v, err := l.Wait(t.Context(), lazy.Whole, work); v != 42 || err != nil {
					t.Errorf("got %d, %v", v, err)
				}
			})
		}
		synctest.Wait()
		close(gate)
		wg.Wait()
		if v, err := l.Wait(t.Context(), 3, work); v != 42 || err != nil || runs != 1 {
			t.Errorf("got %d, %v after %d runs", v, err, runs)
		}
	})
}

// A waiter is served as soon as its mark is reached, while the work goes on.
func TestPublish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l lazy.Load[int]
		step := make(chan int)
		work := func(_ context.Context, p *lazy.Publisher[int]) (int, error) {
			for n := range step {
				if p.Wanted(n) {
					p.Publish(n, n)
				}
			}
			return 100, nil
		}
		early := make(chan int, 1)
		late := make(chan int, 1)
		go func() { v, _ := l.Wait(t.Context(), 5, work); early <- v }()
		go func() { v, _ := l.Wait(t.Context(), lazy.Whole, work); late <- v }()
		synctest.Wait()
		for n := range 10 {
			step <- n
		}
		synctest.Wait()
		if len(early) != 1 || len(late) != 0 {
			t.Fatalf("served: %d early, %d late", len(early), len(late))
		}
		if v := <-early; v != 5 {
			t.Errorf("early got %d", v)
		}
		if v, err := l.Wait(t.Context(), 4, work); v != 5 || err != nil {
			t.Errorf("what is published serves later callers too: got %d, %v", v, err)
		}
		close(step)
		if v := <-late; v != 100 {
			t.Errorf("late got %d", v)
		}
	})
}

// The work survives 199 of 200 callers, stops with the last, and starts anew after that.
func TestLeaving(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l lazy.Load[int]
		var stopped, runs int
		gate := make(chan struct{})
		work := func(ctx context.Context, _ *lazy.Publisher[int]) (int, error) {
			runs++
			select {
			case <-gate:
				return 7, nil
			case <-ctx.Done():
				stopped++
				return 0, ctx.Err()
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		last, cancelLast := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for range 199 {
			wg.Go(func() {
				if _, err := l.Wait(ctx, lazy.Whole, work); !errors.Is(err, context.Canceled) {
					t.Errorf("a caller that left got %v", err)
				}
			})
		}
		wg.Go(func() {
			if _, err := l.Wait(last, lazy.Whole, work); !errors.Is(err, context.Canceled) {
				t.Errorf("the last caller got %v", err)
			}
		})
		synctest.Wait()
		cancel()
		synctest.Wait()
		if stopped != 0 || runs != 1 {
			t.Fatalf("stopped %d of %d runs while one caller waits", stopped, runs)
		}
		cancelLast()
		wg.Wait()
		synctest.Wait()
		if stopped != 1 {
			t.Fatalf("the abandoned work goes on")
		}
		close(gate)
		if v, err := l.Wait(t.Context(), lazy.Whole, work); v != 7 || err != nil || runs != 2 {
			t.Errorf("got %d, %v after %d runs", v, err, runs)
		}
	})
}

// A part that is published when whoever wanted it has left serves nobody: the work stops
// with the last of the others.
func TestPartForNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l lazy.Load[int]
		publish := make(chan struct{})
		stopped := false
		work := func(ctx context.Context, p *lazy.Publisher[int]) (int, error) {
			<-publish
			p.Publish(1, 5)
			<-ctx.Done()
			stopped = true
			return 0, ctx.Err()
		}
		first, leave := context.WithCancel(t.Context())
		second, leaveToo := context.WithCancel(t.Context())
		go l.Wait(first, 5, work)
		go l.Wait(second, lazy.Whole, work)
		synctest.Wait()
		leave()
		synctest.Wait()
		close(publish)
		synctest.Wait()
		leaveToo()
		synctest.Wait()
		if !stopped {
			t.Fatal("the work goes on for nobody")
		}
	})
}

// Who comes while abandoned work is still stopping gets a run of its own.
func TestComeWhileStopping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l lazy.Load[int]
		runs := 0
		slow := make(chan struct{})
		work := func(ctx context.Context, _ *lazy.Publisher[int]) (int, error) {
			if runs++; runs > 1 {
				return 8, nil
			}
			<-ctx.Done()
			<-slow
			return 0, ctx.Err()
		}
		ctx, cancel := context.WithCancel(t.Context())
		go l.Wait(ctx, lazy.Whole, work)
		synctest.Wait()
		cancel()
		synctest.Wait()
		got := make(chan error, 1)
		go func() {
			v, err := l.Wait(t.Context(), lazy.Whole, work)
			if v != 8 {
				err = errors.Join(err, errors.New("no value"))
			}
			got <- err
		}()
		synctest.Wait()
		close(slow)
		if err := <-got; err != nil || runs != 2 {
			t.Errorf("got %v after %d runs", err, runs)
		}
	})
}

// A failure is kept; a panic is a failure.
func TestFailure(t *testing.T) {
	var l lazy.Load[int]
	runs := 0
	work := func(context.Context, *lazy.Publisher[int]) (int, error) {
		runs++
		panic("boom")
	}
	for range 3 {
		if _, err := l.Wait(t.Context(), lazy.Whole, work); !errors.Is(err, lazy.ErrPanic) {
			t.Errorf("got %v", err)
		}
	}
	if runs != 1 {
		t.Errorf("%d runs", runs)
	}
	if _, ok := l.Peek(); ok {
		t.Error("a failure is no result")
	}
}

func TestPeekAndSet(t *testing.T) {
	var l lazy.Load[int]
	if _, ok := l.PeekAt(0); ok {
		t.Error("something before any work")
	}
	l.Set(7)
	for _, mark := range []int{0, 5, lazy.Whole} {
		if v, ok := l.PeekAt(mark); v != 7 || !ok {
			t.Errorf("at %d: %d, %v", mark, v, ok)
		}
	}
	work := func(context.Context, *lazy.Publisher[int]) (int, error) {
		t.Error("worked all the same")
		return 0, nil
	}
	if v, err := l.Wait(t.Context(), lazy.Whole, work); v != 7 || err != nil {
		t.Errorf("%d, %v", v, err)
	}
	l.Set(8)
	if v, _ := l.Peek(); v != 7 {
		t.Error("a result has changed")
	}

	var growing lazy.Load[int]
	gate := make(chan struct{})
	work = func(_ context.Context, p *lazy.Publisher[int]) (int, error) {
		for !p.Wanted(10) {
			runtime.Gosched()
		}
		p.Publish(1, 10)
		<-gate
		return 2, nil
	}
	if v, err := growing.Wait(t.Context(), 10, work); v != 1 || err != nil {
		t.Fatal(v, err)
	}
	growing.Set(9)
	if v, ok := growing.PeekAt(10); v != 1 || !ok {
		t.Errorf("at a mark that was reached: %d, %v", v, ok)
	}
	if _, ok := growing.PeekAt(11); ok {
		t.Error("something at a mark that was not reached")
	}
	close(gate)
	if v, err := growing.Wait(t.Context(), lazy.Whole, nil); v != 2 || err != nil {
		t.Error(v, err)
	}
}

// slowHold is a keeper's one hold, whose release takes a while.
type slowHold struct{ released *bool }

func (h slowHold) Keep(func()) (lazy.Hold, bool) { return h, true }
func (h slowHold) Again() lazy.Hold              { return nil }

func (h slowHold) Release(bool) {
	time.Sleep(time.Second)
	*h.released = true
}

// Whoever has the result begins further work with it, of which one piece may go on behind the call: what has
// ended must not be that one.
func TestReleasedBeforeItIsHad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		released := false
		ctx := lazy.WithKeeper(t.Context(), slowHold{&released})
		var l lazy.Load[int]
		v, err := l.Wait(ctx, lazy.Whole, func(context.Context, *lazy.Publisher[int]) (int, error) { return 7, nil })
		if v != 7 || err != nil || !released {
			t.Errorf("%d, %v; what it used is released: %v", v, err, released)
		}
	})
}
