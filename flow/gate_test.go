package flow

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gridflow/flow/kernel"
)

// oneSeat is a gate of one class and one seat.
func oneSeat(t testing.TB, change func(*Class)) *Gate {
	c := Class{Name: "work", QueueMax: 300, WaitMax: 10 * time.Second}
	if change != nil {
		change(&c)
	}
	g, err := New(Config{Classes: []Class{c}, Resources: []Resource{{Name: "seat", Capacity: 1}}}, Listener{})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// nothingLeft fails the test if the gate still holds anything.
func nothingLeft(t testing.TB, g *Gate) {
	t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.k.Check(); err != nil {
		t.Error(err)
	}
	if g.k.InFlight() != 0 || g.k.Waiting() != 0 || len(g.shares) != 0 || len(g.tails) != 0 {
		t.Errorf("%d run, %d wait, %d shares, %d tails", g.k.InFlight(), g.k.Waiting(), len(g.shares), len(g.tails))
	}
}

var seat = Request{Need: Amounts{1}}

// TestConfigIsOnesOwn: who reads a configuration shares nothing with the gate, whose limits and gaps change as calls come.
func TestConfigIsOnesOwn(t *testing.T) {
	g := oneSeat(t, nil)
	c := g.Config()
	c.Classes[0].Gap, c.Resources[0].Capacity = time.Hour, 99
	if now := g.Config(); now.Classes[0].Gap == time.Hour || now.Resources[0].Capacity == 99 {
		t.Errorf("the gate's configuration is changed: %+v", now)
	}
}

// TestWaitEnds: a call that waits leaves at the end of its wait, with a refusal that says
// so; one whose context ends leaves at once, with that cause.
func TestWaitEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := oneSeat(t, nil)
		p, err := g.Acquire(t.Context(), seat)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		_, err = g.Acquire(t.Context(), seat)
		var r *Refusal
		if !errors.As(err, &r) || r.Code != CodeTimeout || r.Waited != 10*time.Second || time.Since(start) != 10*time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		gone := errors.New("gone")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(gone) })
		start = time.Now()
		if _, err := g.Acquire(ctx, seat); err != gone || time.Since(start) != time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		if _, err := g.Acquire(ctx, seat); err != gone {
			t.Errorf("with a context that is done: %v", err)
		}
		if took := p.Done(OK); took != 11*time.Second {
			t.Errorf("held for %v", took)
		}
		if took := p.Done(OK); took != 0 {
			t.Errorf("given back twice")
		}
		nothingLeft(t, g)
	})
}

// TestHandOver: a permit that comes back goes to who has waited longest, once.
func TestHandOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := oneSeat(t, nil)
		var order []int
		var wg sync.WaitGroup
		for i := range 5 {
			wg.Go(func() {
				time.Sleep(time.Duration(i) * time.Millisecond)
				p, err := g.Acquire(t.Context(), seat)
				if err != nil {
					t.Error(err)
					return
				}
				order = append(order, i)
				time.Sleep(time.Second)
				p.Done(OK)
			})
		}
		wg.Wait()
		if fmt.Sprint(order) != "[0 1 2 3 4]" {
			t.Errorf("order %v", order)
		}
		nothingLeft(t, g)
	})
}

// TestHeldFromTheStart: what a call has held a permit for counts from the decision, as the kernel
// charges it, not from when its goroutine came to run.
func TestHeldFromTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := oneSeat(t, nil)
		var clock atomic.Int64
		g.now = func() kernel.Instant { return kernel.Instant(clock.Add(1)) } // each reading is a moment of its own
		first, _ := g.Acquire(t.Context(), seat)                              // 1
		var held, waited time.Duration
		go func() {
			p, _ := g.Acquire(t.Context(), seat) // comes at 2, knows at 4
			waited = p.Waited()
			held = p.Done(OK) // 5
		}()
		synctest.Wait()
		first.Done(OK) // 3
		synctest.Wait()
		if waited != 1 || held != 2 {
			t.Errorf("waited for %d, held for %d, want 1, 2", waited, held)
		}
	})
}

// TestStalePermit: a permit of a call that is over gives back nothing of another's.
func TestStalePermit(t *testing.T) {
	g := oneSeat(t, nil)
	old, _ := g.Acquire(t.Context(), seat)
	old.Done(OK)
	keepsNothing := func(when string) {
		t.Helper()
		if h, behind := old.Keep(0, Amounts{1}, func() {}); h != nil || behind {
			t.Errorf("%s it keeps a seat (%v), or lets go on behind it (%v)", when, h != nil, behind)
		}
	}
	keepsNothing("when it has come back")
	p, _ := g.Acquire(t.Context(), seat)
	old.Done(OK)
	if n := g.Stats().InFlight; n != 1 {
		t.Errorf("%d run, want 1", n)
	}
	keepsNothing("when another call has the seat")
	p.Done(OK)
	Permit{}.Done(OK)
	nothingLeft(t, g)
}

// TestShare: calls with one key run under one permit, which comes back with the last of
// them; those that wait come in together; each leaves by itself.
func TestShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := oneSeat(t, func(c *Class) { c.WaitMax = time.Minute })
		shared := Request{Need: Amounts{1}, Share: "book"}
		third, leave := context.WithCancel(t.Context())
		busy, _ := g.Acquire(t.Context(), seat)
		var wg sync.WaitGroup
		var in atomic.Int32
		for i := range 10 {
			wg.Go(func() {
				ctx := t.Context()
				if i == 3 {
					ctx = third
				}
				p, err := g.Acquire(ctx, shared)
				if i == 3 {
					if err != context.Canceled {
						t.Error(err)
					}
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				in.Add(1)
				time.Sleep(time.Duration(i+1) * time.Second) // the leader is done first
				p.Done(OK)
				p.Done(OK)
			})
		}
		synctest.Wait()
		if n := in.Load(); n != 0 {
			t.Errorf("%d run while the seat is taken", n)
		}
		leave()
		synctest.Wait()
		busy.Done(OK)
		synctest.Wait()
		if n := in.Load(); n != 9 {
			t.Errorf("%d run under one permit, want 9", n)
		}
		late, err := g.Acquire(t.Context(), shared)
		if err != nil {
			t.Error(err)
		}
		other := make(chan time.Duration, 1)
		start := time.Now()
		go func() {
			p, err := g.Acquire(t.Context(), seat)
			if err != nil {
				t.Error(err)
			}
			other <- time.Since(start)
			p.Done(OK)
		}()
		late.Done(OK)
		if took := <-other; took != 10*time.Second {
			t.Errorf("the seat came back after %v, want 10 s: with the last of them", took)
		}
		wg.Wait()
		if s := g.Stats().Classes[0]; s.Joined != 9 || s.Cancelled != 1 || s.Started != 3 {
			t.Errorf("%d joined, %d cancelled, %d started", s.Joined, s.Cancelled, s.Started)
		}
		nothingLeft(t, g)
	})
}

// TestShareMax: more calls with one key than may share a permit take another.
func TestShareMax(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, err := New(Config{
			Classes:   []Class{{Name: "work", QueueMax: 1000}},
			Resources: []Resource{{Name: "seat", Capacity: 2}},
		}, Listener{})
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		var in atomic.Int32
		for range 2*ShareMax + 44 {
			wg.Go(func() {
				p, err := g.Acquire(t.Context(), Request{Need: Amounts{1}, Share: "book"})
				if err != nil {
					t.Error(err)
					return
				}
				in.Add(1)
				time.Sleep(time.Second)
				p.Done(OK)
			})
		}
		synctest.Wait()
		if n := in.Load(); n != ShareMax+1 { // one permit for all that it may carry, the other for one alone
			t.Errorf("%d run", n)
		}
		wg.Wait()
		nothingLeft(t, g)
	})
}

// TestSharedPermitComesBack: however many calls with one key follow one another, another
// call gets the seat after ShareMax of them.
func TestSharedPermitComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := oneSeat(t, nil)
		g.shareMax = 10
		shared := Request{Need: Amounts{1}, Share: "book"}
		running, err := g.Acquire(t.Context(), shared)
		if err != nil {
			t.Fatal(err)
		}
		var in atomic.Bool
		go func() {
			if p, err := g.Acquire(t.Context(), seat); err != nil {
				t.Error(err)
			} else {
				in.Store(true)
				p.Done(OK)
			}
		}()
		synctest.Wait()
		shares := 1
		for !in.Load() && shares < 100 {
			ctx, cancel := context.WithCancel(t.Context())
			next := make(chan Permit, 1)
			go func() {
				p, _ := g.Acquire(ctx, shared)
				next <- p
			}()
			synctest.Wait()
			running.Done(OK) // always one after another has come
			running = <-next
			cancel()
			shares++
			synctest.Wait()
		}
		running.Done(OK)
		if shares != 11 { // the last one after the call that waited
			t.Errorf("the call got in after %d with the key", shares)
		}
		nothingLeft(t, g)
	})
}

// TestLevelsAreToldInOrder: each change of the level is told once, one after the other.
func TestLevelsAreToldInOrder(t *testing.T) {
	var told []string
	c := Class{Name: "work", QueueMax: 10, ShedAt: kernel.LevelEmergency}
	g, err := New(Config{Classes: []Class{c}, Resources: []Resource{{Name: "seat", Capacity: 1}}}, Listener{
		Level: func(from, to Level) { told = append(told, from.String()+"→"+to.String()) },
	})
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		var wg sync.WaitGroup
		for range 11 {
			wg.Go(func() {
				if p, err := g.Acquire(t.Context(), seat); err == nil {
					time.Sleep(time.Second)
					p.Done(OK)
				}
			})
		}
		synctest.Wait()
		_, err := g.Acquire(t.Context(), seat)
		var r *Refusal
		if !errors.As(err, &r) || r.Code != CodeOverloaded || r.Outcome != kernel.Shed || r.RetryAfter <= 0 {
			t.Errorf("at the highest level: %v", err)
		}
		wg.Wait()
	})
	if want := "[ok→warn warn→critical critical→emergency emergency→critical critical→warn warn→ok]"; fmt.Sprint(told) != want {
		t.Errorf("told %v, want %v", told, want)
	}
	nothingLeft(t, g)
}

// TestDrain: who comes is refused, who waits keeps the turn, or is refused as well.
func TestDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := oneSeat(t, nil)
		p, _ := g.Acquire(t.Context(), seat)
		ended := make(chan error, 2)
		wait := func() {
			p, err := g.Acquire(t.Context(), seat)
			p.Done(OK)
			ended <- err
		}
		go wait()
		synctest.Wait()
		g.Drain(false)
		var r *Refusal
		if _, err := g.Acquire(t.Context(), seat); !errors.As(err, &r) || r.Code != CodeDraining {
			t.Errorf("new call: %v", err)
		}
		go func() { g.Drain(true) }()
		if err := <-ended; !errors.As(err, &r) || r.Code != CodeDraining {
			t.Errorf("waiting call: %v", err)
		}
		p.Done(OK)
		nothingLeft(t, g)
	})
}

// TestCrowd lets many goroutines acquire, give up and finish at random, with and without
// keys: whatever happens, no permit is lost and no bound passed.
func TestCrowd(t *testing.T) {
	g, err := New(Config{
		Classes: []Class{
			{Name: "a", Weight: 3, QueueMax: 40, FlowQueueMax: 10, WaitMax: 20 * time.Millisecond, Buffered: true},
			{Name: "b", QueueMax: 30, WaitMax: 5 * time.Millisecond, Limit: 2, AgeMax: time.Millisecond},
		},
		Resources: []Resource{{Name: "seats", Capacity: 3, Buffer: 1}, {Name: "bytes", Capacity: 100}},
		// On a machine that stands still for a second the buffer would be lent out, and four hold.
		BufferIdle: time.Hour,
	}, Listener{})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	var holding int
	var outcomes [2]int
	for i := range 64 {
		wg.Go(func() {
			for n := range 300 {
				x := uint64(i*1009 + n*7919)
				x ^= x >> 7
				r := Request{Class: int(x % 2), Client: fmt.Sprint(i % 9), Need: Amounts{1, int64(x % 60)}, Cost: time.Duration(x%5) * time.Millisecond}
				if x%3 == 0 {
					r.Share = fmt.Sprint("key", x%4)
				}
				ctx, cancel := context.WithCancel(context.Background())
				if x%5 == 0 {
					go cancel()
				}
				p, err := g.Acquire(ctx, r)
				mu.Lock()
				if err == nil {
					outcomes[0]++
					if r.Share == "" {
						if holding++; holding > 3 {
							t.Errorf("%d calls hold one of three seats", holding)
						}
					}
				} else {
					outcomes[1]++
				}
				mu.Unlock()
				if err == nil {
					runtime.Gosched() // where there is one processor, others come only now
					for range x % 50 {
						_ = fmt.Sprint(x)
					}
					mu.Lock()
					if r.Share == "" {
						holding--
					}
					mu.Unlock()
					p.Done(OK)
				}
				cancel()
			}
		})
	}
	wg.Wait()
	if outcomes[0] == 0 || outcomes[1] == 0 {
		t.Errorf("%d let in, %d not: the test does not do what it should", outcomes[0], outcomes[1])
	}
	nothingLeft(t, g)
}

// TestLeftInTheSameMoment: a call that is let in at the moment in which its caller leaves
// gives its permit back, and the listener hears that the caller has left: of no start, and
// of no service.
func TestLeftInTheSameMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []string
		say := func(format string, args ...any) { told = append(told, fmt.Sprintf(format, args...)) }
		g, err := New(Config{Classes: []Class{{Name: "work", QueueMax: 9}}, Resources: []Resource{{Name: "seat", Capacity: 1}}}, Listener{
			Arrived: func(class int) { say("arrived") },
			Started: func(_ int, waited time.Duration) { say("started after %v", waited) },
			Left:    func(_ int, waited time.Duration) { say("left after %v", waited) },
			Done:    func(_ int, service time.Duration, r Result) { say("%v after %v", r, service) },
		})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour) // so that a time that was not set is seen
		holder, _ := g.Acquire(t.Context(), seat)
		ctx, cancel := context.WithCancel(t.Context())
		left := make(chan error, 1)
		go func() {
			_, err := g.Acquire(ctx, seat)
			left <- err
		}()
		time.Sleep(time.Second)
		synctest.Wait()
		g.mu.Lock() // the caller goes, and before it gets any further the permit is its own
		cancel()
		g.out = g.k.Done(g.now(), &holder.w.Ticket, g.out[:0])
		g.recycle(holder.w)
		g.settle(g.now(), nil)
		g.mu.Unlock()
		if err := <-left; err != context.Canceled {
			t.Errorf("got %v", err)
		}
		if got, want := fmt.Sprint(told), "[arrived started after 0s arrived left after 1s]"; got != want {
			t.Errorf("told %v, want %v", got, want)
		}
		nothingLeft(t, g)
	})
}

// TestStatsTell: where looking at the gate finds that the level has changed, the listener
// hears of it.
func TestStatsTell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var levels []Level
		g, err := New(Config{Classes: []Class{{Name: "work", QueueMax: 1, WaitMax: time.Second}}, Resources: []Resource{{Name: "seat", Capacity: 1}}},
			Listener{Level: func(_, to Level) { levels = append(levels, to) }})
		if err != nil {
			t.Fatal(err)
		}
		p, _ := g.Acquire(t.Context(), seat)
		go g.Acquire(t.Context(), seat)
		synctest.Wait()
		g.timer.Stop() // as if it were late
		time.Sleep(2 * time.Second)
		if s := g.Stats(); s.Level != kernel.LevelOK || s.Waiting != 0 {
			t.Errorf("level %v, %d wait", s.Level, s.Waiting)
		}
		if fmt.Sprint(levels) != "[emergency ok]" {
			t.Errorf("the listener heard of %v", levels)
		}
		p.Done(OK)
	})
}

// TestPeek: what a call would be refused for is known without making it, and asking
// changes nothing.
func TestPeek(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := oneSeat(t, func(c *Class) { c.Rate, c.Burst, c.QueueMax, c.ShedAt = 1, 2, 1, kernel.LevelEmergency })
		call := func() error {
			p, err := g.Acquire(t.Context(), Request{Client: "a", Need: Amounts{1}})
			p.Done(OK)
			return err
		}
		for range 2 {
			if r := g.Peek(0, "a"); r != nil {
				t.Errorf("there are tokens, and yet %v", r)
			}
			if err := call(); err != nil {
				t.Error(err)
			}
		}
		time.Sleep(300 * time.Millisecond)
		for range 3 {
			if r := g.Peek(0, "a"); r == nil || r.Code != CodeRateLimited || r.RetryAfter.Round(time.Millisecond) != 700*time.Millisecond {
				t.Errorf("no token, and yet %v", r)
			}
		}
		if r := g.Peek(0, "b"); r != nil {
			t.Errorf("another client: %v", r)
		}
		time.Sleep(700 * time.Millisecond)
		if r, err := g.Peek(0, "a"), call(); r != nil || err != nil {
			t.Errorf("after the wait: %v, %v", r, err)
		}

		p, _ := g.Acquire(t.Context(), seat)
		ctx, cancel := context.WithCancel(t.Context())
		go g.Acquire(ctx, seat)
		synctest.Wait()
		if r := g.Peek(0, "b"); r == nil || r.Code != CodeOverloaded || r.Outcome != kernel.Shed {
			t.Errorf("with a full queue: %v", r)
		}
		cancel()
		p.Done(OK)
		g.Drain(false)
		if r := g.Peek(0, "b"); r == nil || r.Code != CodeDraining {
			t.Errorf("draining: %v", r)
		}
		synctest.Wait()
		nothingLeft(t, g)
	})
}

// TestNoSuchClass: a class that does not exist is the caller's mistake. It panics, and the
// gate can be used afterwards.
func TestNoSuchClass(t *testing.T) {
	g := oneSeat(t, nil)
	for what, f := range map[string]func(){
		"Acquire":  func() { g.Acquire(t.Context(), Request{Class: 7, Need: Amounts{1}}) },
		"SetLimit": func() { g.SetLimit(-1, 1) },
		"SetGap":   func() { g.SetGap(1, 1) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", what)
				}
			}()
			f()
		}()
	}
	p, err := g.Acquire(t.Context(), seat)
	if err != nil {
		t.Fatal(err)
	}
	p.Done(OK)
	nothingLeft(t, g)
}

// TestShareIsNoBackDoor: a call that could come in under another's permit is refused for
// the same reasons as any other: it pays its token, and it is not let in while the gate
// drains or the level is too high.
func TestShareIsNoBackDoor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := oneSeat(t, func(c *Class) { c.Rate, c.Burst, c.QueueMax, c.ShedAt = 1, 2, 1, kernel.LevelEmergency })
		ride := func(client string) (Permit, error) {
			return g.Acquire(t.Context(), Request{Client: client, Need: Amounts{1}, Share: "book"})
		}
		var permits []Permit
		for range 2 {
			p, err := ride("a")
			if err != nil {
				t.Fatal(err)
			}
			permits = append(permits, p)
		}
		var r *Refusal
		if _, err := ride("a"); !errors.As(err, &r) || r.Code != CodeRateLimited || r.RetryAfter != time.Second {
			t.Errorf("without a token: %v", err)
		}
		ctx, leave := context.WithCancel(t.Context())
		go g.Acquire(ctx, seat) // fills the queue
		synctest.Wait()
		if _, err := ride("b"); !errors.As(err, &r) || r.Outcome != kernel.Shed {
			t.Errorf("at the highest level: %v", err)
		}
		leave()
		synctest.Wait()
		g.Drain(false)
		if _, err := ride("c"); !errors.As(err, &r) || r.Code != CodeDraining {
			t.Errorf("draining: %v", err)
		}
		for _, p := range permits {
			p.Done(OK)
		}
		if s := g.Stats().Classes[0]; s.Arrived != 6 || s.Joined != 1 {
			t.Errorf("%d arrived, %d joined", s.Arrived, s.Joined)
		}
		nothingLeft(t, g)
	})
}
