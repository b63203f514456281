package breaker

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var (
	errBackend = errors.New("soffice: exit status 81")
	errUser    = errors.New("no such sheet")
)

func classify(err error) Verdict {
	if errors.Is(err, errUser) {
		return Neutral
	}
	return Failure
}

// bench is a Breaker and what it told.
type bench struct {
	*testing.T
	*Breaker
	told []string
	keys int
}

func newBench(t *testing.T, cfg Config) *bench {
	t.Helper()
	x := &bench{T: t}
	cfg.Classify = classify
	cfg.On = Listener{
		Changed:     func(n string, from, to State) { x.told = append(x.told, fmt.Sprintf("%v>%v", from, to)) },
		Quarantined: func(n, key string, d time.Duration) { x.told = append(x.told, "quarantine "+key) },
		Released:    func(n, key string) { x.told = append(x.told, "release "+key) },
	}
	b, err := New("recalc", cfg)
	if err != nil {
		t.Fatal(err)
	}
	x.Breaker = b
	return x
}

func (x *bench) allow(key string) *Permit {
	x.Helper()
	p, err := x.Allow(key)
	if err != nil {
		x.Fatalf("refused: %v", err)
	}
	return p
}

// refuse wants a refusal and gives the time after which to come back.
func (x *bench) refuse(key string) *OpenError {
	x.Helper()
	p, err := x.Allow(key)
	var open *OpenError
	if p != nil || !errors.As(err, &open) {
		x.Fatalf("let in (%v), want a refusal", err)
	}
	if open.RetryAfter <= 0 || open.Name != "recalc" {
		x.Errorf("refusal %+v", open)
	}
	return open
}

// fail lets n calls fail, each on a key of its own.
func (x *bench) fail(n int) {
	x.Helper()
	for range n {
		x.keys++
		x.allow(fmt.Sprint("book", x.keys)).Done(errBackend)
	}
}

func (x *bench) wantState(s State) {
	x.Helper()
	if got := x.State(); got != s {
		x.Fatalf("%v, want %v", got, s)
	}
}

func (x *bench) wantTold(want ...string) {
	x.Helper()
	if !slices.Equal(x.told, want) {
		x.Fatalf("told %q, want %q", x.told, want)
	}
	x.told = nil
}

func TestOpens(t *testing.T) {
	for _, c := range []struct {
		name string
		cfg  Config
		n    int
		open time.Duration
		ok   int
	}{{"default", Default(), 5, 60 * time.Second, 2}, {"recalc", Recalc(), 3, 30 * time.Second, 2}, {"files", Files(), 5, 15 * time.Second, 3}} {
		synctest.Test(t, func(t *testing.T) {
			x := newBench(t, c.cfg)
			x.fail(c.n - 1)
			x.wantState(Closed)
			x.fail(1)
			x.wantState(Open)
			if after := x.refuse("a").RetryAfter; after != c.open {
				t.Errorf("%s: retry after %v, want %v", c.name, after, c.open)
			}
			time.Sleep(c.open - time.Millisecond)
			x.refuse("a")
			time.Sleep(time.Millisecond) // open does not mean open for ever
			for range c.ok {
				x.allow("a").Done(nil)
			}
			x.wantState(Closed)
			x.wantTold("closed>open", "open>half-open", "half-open>closed")
		})
	}
}

// Failures count only within the window, and successes between them do not hide them.
func TestWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newBench(t, Default())
		for range 10 {
			x.fail(2)
			time.Sleep(130 * time.Second)
		}
		x.wantState(Closed)
		for range 5 {
			x.wantState(Closed)
			x.allow("good").Done(nil)
			x.fail(1)
		}
		x.wantState(Open)
	})
}

// Thirty callers come at the moment of half-open: one of them runs. It and one more
// must succeed; then all run.
func TestThirtyCallersOneProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newBench(t, Recalc())
		x.fail(3)
		time.Sleep(30 * time.Second)

		round := func() (ran, refused, most int) {
			var mu sync.Mutex
			running := 0
			var wg sync.WaitGroup
			for i := range 30 {
				wg.Go(func() {
					err := x.Breaker.Run(t.Context(), fmt.Sprint("book", i), func(context.Context) error {
						mu.Lock()
						ran++
						running++
						most = max(most, running)
						mu.Unlock()
						time.Sleep(time.Second)
						mu.Lock()
						running--
						mu.Unlock()
						return nil
					})
					if err != nil {
						mu.Lock()
						refused++
						mu.Unlock()
					}
				})
			}
			wg.Wait()
			return ran, refused, most
		}
		for i := range 2 {
			if ran, refused, _ := round(); ran != 1 || refused != 29 {
				t.Fatalf("round %d: %d ran, %d were refused", i, ran, refused)
			}
		}
		x.wantState(Closed)
		if ran, _, most := round(); ran != 30 || most != 30 {
			t.Errorf("closed again: %d ran, %d at a time", ran, most)
		}
	})
}

// A probe that fails opens the breaker for the whole time again, also after a probe
// that succeeded.
func TestProbeFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newBench(t, Recalc())
		x.fail(3)
		for range 3 {
			time.Sleep(30 * time.Second)
			x.allow("a").Done(nil)
			p := x.allow("")
			if after := x.refuse("c").RetryAfter; after > time.Second {
				t.Errorf("a probe runs: retry after %v", after)
			}
			time.Sleep(5 * time.Second)
			p.Done(errBackend)
			x.wantState(Open)
			if after := x.refuse("c").RetryAfter; after != 30*time.Second {
				t.Errorf("open anew: retry after %v, want 30 s", after)
			}
		}
	})
}

// Cancelled calls and mistakes of users say nothing; as probes they give their place to
// the next one, however many there are.
func TestNeutral(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newBench(t, Recalc())
		for range 50 {
			x.allow("a").Done(errUser)
			x.allow("a").Done(fmt.Errorf("waiting: %w", context.Canceled))
		}
		x.wantState(Closed)
		x.wantTold()
		x.fail(3)
		time.Sleep(30 * time.Second)
		for range 20 {
			p := x.allow("a")
			x.refuse("b")
			p.Done(errUser)
			x.allow("a").Done(context.Canceled)
			x.wantState(HalfOpen)
		}
		x.allow("a").Done(nil)
		x.allow("a").Done(nil)
		x.wantState(Closed)
	})
}

// What an earlier state let in does not count for a later one: neither a late failure
// that would fail the probes, nor late successes that would close the breaker.
func TestLateResults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newBench(t, Recalc())
		var old []*Permit
		for i := range 8 {
			old = append(old, x.allow(fmt.Sprint("old", i)))
		}
		x.fail(3)
		for _, p := range old[:2] {
			p.Done(nil)
		}
		x.wantState(Open)
		time.Sleep(30 * time.Second)
		probe := x.allow("a")
		for _, p := range old[2:4] {
			p.Done(nil)
		}
		old[4].Done(errBackend)
		x.wantState(HalfOpen)
		x.refuse("b") // the probe still runs
		probe.Done(nil)
		x.allow("a").Done(nil)
		x.wantState(Closed)
		for _, p := range old[5:] {
			p.Done(errBackend)
		}
		probe.Done(errBackend) // and nothing counts twice
		x.wantState(Closed)
	})
}

func TestDoneTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newBench(t, Recalc())
		p := x.allow("")
		for range 10 {
			p.Done(errBackend)
		}
		x.wantState(Closed)
	})
}

func TestPanicIsAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newBench(t, Recalc())
		for i := range 3 {
			func() {
				defer func() {
					if r := recover(); r != "boom" {
						t.Errorf("recovered %v", r)
					}
				}()
				x.Breaker.Run(t.Context(), fmt.Sprint(i), func(context.Context) error { panic("boom") })
			}()
		}
		x.wantState(Open)

		x = newBench(t, Recalc())
		for i := range 3 {
			var wg sync.WaitGroup
			wg.Go(func() {
				x.Breaker.Run(t.Context(), fmt.Sprint(i), func(context.Context) error { runtime.Goexit(); return nil })
			})
			wg.Wait()
		}
		x.wantState(Open)
	})
}

// A call that hangs is a failure when its time is over, though it has not come back; a
// probe that hangs keeps nobody out after that.
func TestHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := Recalc()
		cfg.Timeout = 10 * time.Second
		x := newBench(t, cfg)
		release := make(chan struct{})
		var wg sync.WaitGroup
		for i := range 3 {
			wg.Go(func() {
				x.Breaker.Run(t.Context(), fmt.Sprint(i), func(context.Context) error { <-release; return nil })
			})
		}
		time.Sleep(10*time.Second - 1)
		x.wantState(Closed)
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		x.wantState(Open)
		time.Sleep(30 * time.Second)
		hung := x.allow("probe")
		x.refuse("b")
		time.Sleep(10 * time.Second)
		synctest.Wait()
		x.wantState(Open)
		hung.Done(nil)
		x.wantState(Open)
		close(release)
		wg.Wait()
		x.wantState(Open)

		// And a call that heeds its context ends in time.
		x = newBench(t, cfg)
		start := time.Now()
		err := x.Breaker.Run(t.Context(), "a", func(ctx context.Context) error {
			<-ctx.Done()
			return context.Cause(ctx)
		})
		if !errors.Is(err, ErrTimeout) || time.Since(start) != 10*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

// A caller that leaves is no failure, though the call ends with an error.
func TestCallerLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := Recalc()
		cfg.Timeout = 10 * time.Second
		x := newBench(t, cfg)
		for i := range 10 {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			if err := x.Breaker.Run(ctx, fmt.Sprint(i), func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }); err != context.Canceled {
				t.Fatal(err)
			}
		}
		x.wantState(Closed)
	})
}

// When it is open nothing runs, and the error is typed.
func TestRefusedDoesNotRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newBench(t, Recalc())
		x.fail(3)
		for range 100 {
			err := x.Breaker.Run(t.Context(), "a", func(context.Context) error { t.Error("it ran"); return nil })
			var open *OpenError
			if !errors.As(err, &open) || !strings.Contains(err.Error(), "30s") {
				t.Fatalf("%v", err)
			}
		}
	})
}

// A poisonous workbook fails however often it likes: it is shut out alone.
func TestPoison(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newBench(t, Recalc()) // poison 2, 3 open the breaker
		hour := time.Now().Add(time.Hour)
		runs := 0
		for time.Now().Before(hour) {
			if p, err := x.Allow("poison"); err == nil {
				runs++
				p.Done(errBackend)
			}
			x.allow("good").Done(nil)
			x.wantState(Closed)
			time.Sleep(time.Second)
		}
		if runs != 2+5 { // two, and a probe every ten minutes
			t.Errorf("it ran %d times in an hour", runs)
		}
		if n, keys := x.Quarantined(10); n != 1 || keys[0] != "poison" {
			t.Errorf("%d in quarantine: %v", n, keys)
		}
		if open := x.refuse("poison"); open.Key != "poison" || open.RetryAfter > 10*time.Minute || !strings.Contains(open.Error(), "poison") {
			t.Errorf("%+v: %v", open, open)
		}

		x.told = nil
		time.Sleep(10 * time.Minute)
		p := x.allow("poison")
		if open := x.refuse("poison"); open.Key != "poison" {
			t.Errorf("a second probe of a key is refused by %+v", open)
		}
		p.Done(nil)
		x.wantTold("release poison")
		if n, _ := x.Quarantined(0); n != 0 {
			t.Errorf("%d in quarantine", n)
		}
		x.allow("poison").Done(errBackend)
		x.allow("poison").Done(errBackend)
		x.wantTold("quarantine poison")
		x.wantState(Closed)
	})
}

// Many calls of one key fail at once: those that were let in before the quarantine do
// not count either, and do not make it longer.
func TestPoisonAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newBench(t, Recalc())
		var all []*Permit
		for range 30 {
			all = append(all, x.allow("poison"))
		}
		for i, p := range all {
			p.Done(errBackend)
			if i == 15 {
				time.Sleep(5 * time.Minute)
			}
		}
		x.wantState(Closed)
		x.wantTold("quarantine poison")
		if after := x.refuse("poison").RetryAfter; after != 5*time.Minute {
			t.Errorf("retry after %v", after)
		}
	})
}

// A success in between does not let one key open the breaker by patience.
func TestPoisonNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newBench(t, Recalc())
		for range 20 {
			x.allow("moody").Done(errBackend)
			x.allow("moody").Done(nil)
		}
		x.wantState(Closed)
		x.fail(1) // but its two failures do count
		x.wantState(Open)
	})
}

// The probe of a key in quarantine is no reason to open the breaker anew.
func TestPoisonAsProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := Recalc()
		cfg.Quarantine = 30 * time.Second
		x := newBench(t, cfg)
		x.allow("poison").Done(errBackend)
		x.allow("poison").Done(errBackend)
		x.fail(1)
		x.wantState(Open)
		time.Sleep(30 * time.Second)
		x.allow("poison").Done(errBackend)
		x.wantState(HalfOpen)
		if open := x.refuse("poison"); open.Key != "poison" || open.RetryAfter != 30*time.Second {
			t.Errorf("%+v", open)
		}
		x.allow("a").Done(nil)
		x.allow("a").Done(nil)
		x.wantState(Closed)
	})
}

// Neither is it when the window in which the key's failures counted is long over.
func TestPoisonAsLateProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newBench(t, Recalc())
		x.allow("poison").Done(errBackend)
		x.allow("poison").Done(errBackend)
		time.Sleep(10*time.Minute - 10*time.Second)
		x.fail(3)
		time.Sleep(30 * time.Second)
		x.allow("poison").Done(errBackend)
		x.wantState(HalfOpen)
	})
}

// A key whose call the breaker refuses has not used up its own probe.
func TestPoisonRefusedByBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := Recalc()
		cfg.Quarantine = time.Second
		x := newBench(t, cfg)
		x.allow("poison").Done(errBackend)
		x.allow("poison").Done(errBackend)
		x.fail(1)
		time.Sleep(2 * time.Second)
		for range 3 {
			if open := x.refuse("poison"); open.Key != "" {
				t.Fatalf("refused by %+v, want the breaker itself", open)
			}
		}
	})
}

func TestKeysAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := Default()
		cfg.Failures, cfg.Keys = 1_000_000, 100
		x := newBench(t, cfg)
		for i := range 10_000 {
			key := fmt.Sprint(i)
			x.allow(key).Done(nil) // a key that never failed is not remembered
			x.allow(key).Done(errBackend)
			x.allow(key).Done(errBackend)
		}
		if n := len(x.suspects.byKey); n != 100 || x.suspects.order.Len() != n {
			t.Errorf("%d keys are remembered", n)
		}
		x.refuse("9999")
		x.allow("0").Done(nil)
		x.allow("").Done(errBackend)
		x.allow("").Done(errBackend)
		x.allow("").Done(errBackend) // no key, no quarantine

		// One that fails again and again stays, whatever others do.
		x.allow("again").Done(errBackend)
		for i := range 1000 {
			x.allow(fmt.Sprint("once ", i)).Done(errBackend)
			if x.suspects.get("again") == nil {
				t.Fatalf("the key that fails most often is forgotten beside %d others", i)
			}
			if i%50 == 0 {
				time.Sleep(cfg.Quarantine)
				x.allow("again").Done(errBackend)
			}
		}
	})
}

// TestStats: what a breaker counts is what it told, and each refusal is counted, of the
// breaker and of a key.
func TestStats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newBench(t, Default())
		for range 2 {
			x.allow("poison").Done(errBackend)
		}
		x.refuse("poison")
		if s := x.Stats(); s != (Stats{Name: "recalc", Rejected: 1, Quarantined: 1}) {
			t.Errorf("with a key in quarantine: %+v", s)
		}
		x.fail(3)
		x.refuse("")
		x.refuse("other")
		time.Sleep(Default().OpenFor)
		p := x.allow("other")
		x.refuse("third")
		if s := x.Stats(); s.State != HalfOpen || s.Changes != [states]uint64{HalfOpen: 1, Open: 1} || s.Rejected != 4 {
			t.Errorf("while a probe runs: %+v", s)
		}
		p.Done(nil)
		x.allow("other").Done(nil)
		if s := x.Stats(); s != (Stats{Name: "recalc", Changes: [states]uint64{1, 1, 1}, Rejected: 4, Quarantined: 1}) {
			t.Errorf("closed again: %+v; told %v", s, x.told)
		}
	})
}

func TestSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := Files()
		cfg.Classify = classify
		s, err := NewSet(cfg, 3)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 5 {
			p, _ := s.Get("bad").Allow(fmt.Sprint(i))
			p.Done(errBackend)
		}
		if s.Get("bad").State() != Open || s.Get("good").State() != Closed {
			t.Errorf("bad is %v, good is %v", s.Get("bad").State(), s.Get("good").State())
		}
		var used *Breaker
		for i := range 100 {
			s.Get(fmt.Sprint("root", i))
			if i == 50 {
				used = s.Get("used")
			} else if i > 50 && s.Get("used") != used {
				t.Fatal("one that is asked for all the time was dropped")
			}
		}
		var names []string
		for _, b := range s.All() {
			names = append(names, b.Name())
		}
		if !slices.Equal(names, []string{"bad", "root99", "used"}) {
			t.Errorf("left are %v: the open one must stay, and those that were asked for last", names)
		}
	})
}

func TestConfig(t *testing.T) {
	for what, change := range map[string]func(*Config){
		"no classifier":        func(c *Config) { c.Classify = nil },
		"no failures":          func(c *Config) { c.Failures = 0 },
		"no successes":         func(c *Config) { c.Successes = 0 },
		"no window":            func(c *Config) { c.Window = 0 },
		"no time":              func(c *Config) { c.OpenFor = 0 },
		"negative timeout":     func(c *Config) { c.Timeout = -1 },
		"a key opens it alone": func(c *Config) { c.Poison = 5 },
		"no keys":              func(c *Config) { c.Keys = 0 },
	} {
		c := Default()
		c.Classify = classify
		change(&c)
		if _, err := New("x", c); err == nil {
			t.Errorf("%s is taken", what)
		}
		if _, err := NewSet(c, 1); err == nil {
			t.Errorf("%s is taken by a set", what)
		}
	}
	if _, err := NewSet(Default(), 0); err == nil {
		t.Error("a set of none is taken")
	}
}

// Many goroutines, all outcomes: for the race detector, and that a breaker that was
// treated so still opens and closes.
func TestConcurrent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := Recalc()
		cfg.Timeout = 50 * time.Millisecond
		x := newBench(t, cfg)
		var wg sync.WaitGroup
		for g := range 32 {
			wg.Go(func() {
				for i := range 200 {
					err := x.Breaker.Run(t.Context(), fmt.Sprint(g%7), func(context.Context) error {
						time.Sleep(time.Duration(i%80) * time.Millisecond)
						return []error{nil, nil, nil, errUser, context.Canceled, errBackend}[(i*7+g)%6]
					})
					if open := new(OpenError); errors.As(err, &open) {
						time.Sleep(open.RetryAfter)
					}
				}
			})
		}
		wg.Wait()
		time.Sleep(time.Hour)
		for range 2 {
			x.allow("fine").Done(nil)
		}
		x.wantState(Closed)
		x.fail(3)
		x.wantState(Open)
	})
}

func BenchmarkAllowDone(b *testing.B) {
	b.ReportAllocs()
	cfg := Recalc()
	cfg.Classify = classify
	x, _ := New("x", cfg)
	for b.Loop() {
		p, _ := x.Allow("book")
		p.Done(nil)
	}
}

func BenchmarkRefused(b *testing.B) {
	b.ReportAllocs()
	cfg := Recalc()
	cfg.Classify = classify
	x, _ := New("x", cfg)
	for i := range 3 {
		p, _ := x.Allow(fmt.Sprint(i))
		p.Done(errBackend)
	}
	for b.Loop() {
		x.Allow("book")
	}
}

// TestPeek: Peek foretells what Allow says in each state, and takes nothing.
func TestPeek(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newBench(t, Recalc())
		agree := func(when, key string) {
			t.Helper()
			peeked := x.Peek(key)
			if again := x.Peek(key); (again == nil) != (peeked == nil) {
				t.Errorf("%s: peeking twice gives %v and %v", when, peeked, again)
			}
			p, err := x.Allow(key)
			if fmt.Sprint(peeked) != fmt.Sprint(err) {
				t.Errorf("%s: peek %v, allow %v", when, peeked, err)
			}
			if err == nil {
				p.Done(context.Canceled)
			}
		}
		agree("closed", "a")
		for range 2 {
			x.allow("poison").Done(errBackend)
		}
		agree("in quarantine", "poison")
		agree("beside the quarantine", "b")
		time.Sleep(11 * time.Minute)
		agree("quarantine over", "poison")
		probe := x.allow("poison")
		agree("while the key is probed", "poison")
		probe.Done(nil)
		x.fail(3)
		x.wantState(Open)
		agree("open", "a")
		time.Sleep(30 * time.Second)
		agree("open for long enough", "a") // Allow has a probe now that says nothing
		agree("half-open", "a")
		p := x.allow("a")
		agree("while it is probed", "a")
		p.Done(nil)
		x.allow("a").Done(nil)
		agree("closed again", "a")
	})
}

// TestReleased: that a key is out of quarantine is told of one that was in it, and of no other.
func TestReleased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var released []string
		cfg := Default()
		cfg.Classify = classify
		cfg.On.Released = func(_, key string) { released = append(released, key) }
		b, err := New("b", cfg)
		if err != nil {
			t.Fatal(err)
		}
		run := func(key string, err error) {
			p, refused := b.Allow(key)
			if refused != nil {
				t.Fatal(refused)
			}
			p.Done(err)
		}
		run("once", errBackend)
		run("once", nil)
		for range cfg.Poison {
			run("poison", errBackend)
		}
		time.Sleep(cfg.Quarantine)
		run("poison", nil)
		if !slices.Equal(released, []string{"poison"}) {
			t.Errorf("released are %q", released)
		}
	})
}
