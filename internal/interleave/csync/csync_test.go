package csync

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
)

// These tests pass in both builds: outside of a search the shims are the real thing.

func TestParker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := MakeParker()
		p.Unpark()
		p.Unpark() // absorbed
		if err := p.Park(context.Background()); err != nil {
			t.Fatal(err)
		}
		if p.TryPark() {
			t.Fatal("two tokens")
		}

		woken := make(chan error)
		go func() { woken <- p.Park(context.Background()) }()
		synctest.Wait()
		p.Unpark()
		if err := <-woken; err != nil {
			t.Fatal(err)
		}

		why := errors.New("why")
		ctx, cancel := WithCancelCause(context.Background())
		go func() { woken <- p.Park(ctx) }()
		synctest.Wait()
		cancel(why)
		if err := <-woken; err != why || Cause(ctx) != why || ctx.Err() != context.Canceled {
			t.Fatal(err, Cause(ctx), ctx.Err())
		}
		p.Unpark()
		if !p.TryPark() {
			t.Fatal("the token is lost")
		}
	})
}

func TestChan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := WithCancel(context.Background())
		c := NewChan[int](2)
		if err := c.Send(ctx, 1); err != nil {
			t.Fatal(err)
		}
		if !c.TrySend(2) || c.TrySend(3) || c.Len() != 2 {
			t.Fatal("room for other than 2")
		}
		sent := make(chan error)
		go func() { sent <- c.Send(ctx, 3) }()
		synctest.Wait()
		for want := 1; want <= 3; want++ {
			if got, err := c.Recv(ctx); got != want || err != nil {
				t.Fatal(got, err)
			}
		}
		if err := <-sent; err != nil {
			t.Fatal(err)
		}
		if v, ok := c.TryRecv(); ok {
			t.Fatal(v)
		}
		go func() { _, err := c.Recv(ctx); sent <- err }()
		synctest.Wait()
		cancel()
		if err := <-sent; err != context.Canceled {
			t.Fatal(err)
		}
		c.TrySend(4)
		c.Close()
		if v, err := c.Recv(context.Background()); v != 4 || err != nil {
			t.Fatal(v, err)
		}
		if _, err := c.Recv(context.Background()); err != ErrClosed {
			t.Fatal(err)
		}
		if v, ok := c.TryRecv(); ok {
			t.Fatal(v)
		}
		panics(t, "send on closed", func() { c.TrySend(5) })
		panics(t, "close again", c.Close)
		panics(t, "no room", func() { NewChan[int](0) })
	})
}

func panics(t *testing.T, what string, f func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Errorf("%s: no panic", what)
		}
	}()
	f()
}

func TestThreads(t *testing.T) {
	var (
		mu  Mutex
		wg  WaitGroup
		n   Int64
		sum int
		b   Bool
		p   Pointer[int]
	)
	for range 8 {
		wg.Go(func() {
			mu.Lock()
			defer mu.Unlock()
			sum++
			n.Add(1)
		})
	}
	wg.Add(1)
	Go(func() { defer wg.Done(); b.Store(true); p.Store(&sum) })
	for !b.Load() {
		Gosched()
	}
	wg.Wait()
	if sum != 8 || n.Load() != 8 || p.Load() != &sum {
		t.Fatal(sum, n.Load(), p.Load())
	}
	if !mu.TryLock() || mu.TryLock() {
		t.Fatal("TryLock")
	}
	mu.Unlock()
	_ = sync.Locker(&mu)
}
