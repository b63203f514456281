package limit

import (
	"testing"
	"time"
)

// desk plays a class of calls against a Controller in virtual time: callers that always
// have another call ready, or that leave some time between their calls.
type desk struct {
	t        *testing.T
	limiter  Limiter
	lo, hi   int
	now      time.Duration
	running  []run
	started  int
	finished int
	changes  []Change
}

type run struct {
	until, began time.Duration
	inFlight     int
	outcome      Outcome
}

// busy lets time pass during which as many calls run as the limit allows, each for
// service; idle lets them come one by one.
func (d *desk) busy(span, service time.Duration, o Outcome) {
	d.play(span, service, o, d.limiter.Limit)
}

func (d *desk) idle(span, service time.Duration) {
	d.play(span, service, OK, func() int { return 1 })
}

func (d *desk) play(span, service time.Duration, o Outcome, wanted func() int) {
	d.t.Helper()
	for end := d.now + span; ; {
		for len(d.running) < wanted() {
			d.started++
			d.running = append(d.running, run{d.now + service, d.now, len(d.running) + 1, o})
		}
		first := 0
		for i, r := range d.running {
			if r.until < d.running[first].until {
				first = i
			}
		}
		r := d.running[first]
		if r.until > end {
			d.now = end
			return
		}
		d.now = r.until
		d.running = append(d.running[:first], d.running[first+1:]...)
		d.finished++
		if ch, ok := d.limiter.Observe(d.now, Sample{d.now - r.began, r.inFlight, r.outcome}); ok {
			d.changes = append(d.changes, ch)
		}
		if l := d.limiter.Limit(); l < d.lo || l > d.hi {
			d.t.Fatalf("limit %d is outside of %d…%d", l, d.lo, d.hi)
		}
	}
}

func newDesk(t *testing.T, cfg Config) *desk {
	t.Helper()
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return &desk{t: t, limiter: c, lo: cfg.Min, hi: cfg.Max}
}

func (d *desk) wantLimit(want int, when string) {
	d.t.Helper()
	if got := d.limiter.Limit(); got != want {
		d.t.Errorf("limit %d %s, want %d", got, when, want)
	}
}

// Medium calls of 2 s, later of 20 ms: the limit goes down step by step to its minimum
// and not below; every call that was let in ends; it comes back when the calls are quick
// and the limit is used, and not when it is idle.
func TestSlowThenQuick(t *testing.T) {
	d := newDesk(t, Medium(2, 8))
	d.busy(2*time.Minute, 2*time.Second, OK)
	d.wantLimit(2, "after two minutes of calls of 2 s")
	if len(d.changes) != 6 {
		t.Errorf("%d changes, want six steps of one: %+v", len(d.changes), d.changes)
	}
	for i, ch := range d.changes {
		if ch.Cause != Latency || ch.To != ch.From-1 {
			t.Errorf("change %d is %+v", i, ch)
		}
		if i > 0 && ch.At-d.changes[i-1].At < 2*time.Second {
			t.Errorf("change %d comes %v after the one before, within the cooldown", i, ch.At-d.changes[i-1].At)
		}
	}
	d.idle(2*time.Minute, 20*time.Millisecond)
	d.wantLimit(2, "after two idle minutes")
	d.changes = nil
	d.busy(2*time.Minute, 20*time.Millisecond, OK)
	d.wantLimit(8, "after two busy minutes of calls of 20 ms")
	for i, ch := range d.changes {
		if ch.Cause != Headroom || ch.To != ch.From+1 || i > 0 && ch.At-d.changes[i-1].At < 2*time.Second {
			t.Errorf("change %d of %+v", i, d.changes)
		}
	}
	if d.started-d.finished != len(d.running) {
		t.Errorf("%d calls started, %d ended, %d run", d.started, d.finished, len(d.running))
	}
}

// One slow or failed call among quick ones is no reason; neither is a slow call alone.
func TestOneSample(t *testing.T) {
	d := newDesk(t, Medium(1, 8))
	for range 50 {
		for range 40 {
			d.idle(30*time.Millisecond, 30*time.Millisecond)
		}
		d.now += 3 * time.Second
		d.limiter.Observe(d.now, Sample{3 * time.Second, 1, OK})
	}
	d.wantLimit(8, "after a slow call in forty")

	d = newDesk(t, Medium(1, 8))
	for range 50 {
		for range 9 {
			d.idle(200*time.Millisecond, 200*time.Millisecond)
		}
		d.now += 200 * time.Millisecond
		d.limiter.Observe(d.now, Sample{200 * time.Millisecond, 1, Failed})
	}
	d.wantLimit(8, "after a failed call in ten")

	c, _ := New(Medium(1, 8))
	for i := range 100 {
		now := time.Duration(i) * time.Hour
		if ch, ok := c.Observe(now, Sample{5 * time.Second, 1, OK}); ok {
			t.Fatalf("one call an hour brought about %+v", ch)
		}
		if ch, ok := c.Tick(now+time.Minute, 0); ok {
			t.Fatalf("a tick brought about %+v", ch)
		}
	}
}

// Between the two targets the limit stays where it is.
func TestDeadBand(t *testing.T) {
	cfg := Medium(1, 8)
	cfg.Initial = 4
	d := newDesk(t, cfg)
	d.busy(5*time.Minute, 500*time.Millisecond, OK)
	d.wantLimit(4, "after calls of 500 ms")
	if len(d.changes) > 0 {
		t.Errorf("changes: %+v", d.changes)
	}
}

// An idle server is no reason to grow, however quick it is.
func TestIdleDoesNotInflate(t *testing.T) {
	cfg := Medium(1, 64)
	cfg.Initial = 4
	d := newDesk(t, cfg)
	d.idle(time.Hour, 5*time.Millisecond)
	d.wantLimit(4, "after an idle hour")
}

func TestFailuresShrink(t *testing.T) {
	for _, o := range []Outcome{Failed, TimedOut} {
		d := newDesk(t, Medium(2, 8))
		d.busy(time.Minute, 10*time.Millisecond, o) // quick failures: no sign of health
		d.wantLimit(2, "after a minute of failures")
		if c := d.changes[0].Cause; c != Failures {
			t.Errorf("cause %s", c)
		}
	}
}

// A call that fails at once is no quick call, even where failures are taken lightly.
func TestFailuresAreNotQuick(t *testing.T) {
	cfg := Medium(1, 8)
	cfg.Initial, cfg.Quantile, cfg.FailureShare = 4, 0.5, 0.9
	c, _ := New(cfg)
	for i := range 10_000 {
		s := Sample{time.Millisecond, 8, Failed}
		if i%10 < 4 {
			s = Sample{500 * time.Millisecond, 8, OK}
		}
		if ch, ok := c.Observe(time.Duration(i)*20*time.Millisecond, s); ok {
			t.Fatalf("%+v", ch)
		}
	}
}

func TestCancelledSaysNothing(t *testing.T) {
	cfg := Medium(1, 8)
	cfg.Initial = 4
	for _, service := range []time.Duration{time.Millisecond, 5 * time.Second} {
		d := newDesk(t, cfg)
		d.busy(10*time.Minute, service, Cancelled)
		d.wantLimit(4, "after cancelled calls only")
	}
}

// Calls that began before the last change speak of the old limit.
func TestOldCallsDoNotCount(t *testing.T) {
	cfg := Medium(1, 100)
	c, _ := New(cfg)
	var now time.Duration
	for now = 2 * time.Second; c.Limit() == 100; now += 10 * time.Millisecond {
		c.Observe(now, Sample{2 * time.Second, 100, OK})
	}
	at, after := now, c.Limit()
	for ; now < at+1900*time.Millisecond; now += 10 * time.Millisecond {
		c.Observe(now, Sample{now - at + 100*time.Millisecond, 100, OK}) // began before
	}
	for range 200 { // in time, but quick: 100 calls of the old limit must not outvote them
		now += 10 * time.Millisecond
		c.Observe(now, Sample{200 * time.Millisecond, 88, OK})
	}
	if c.Limit() != after {
		t.Errorf("limit %d, was %d: calls from before the change were counted", c.Limit(), after)
	}
}

// A class that is slow by nature is not driven to its minimum, grows when it is used,
// and is held back when it becomes slower than it was.
func TestSlowClassHasItsOwnBaseline(t *testing.T) {
	cfg := Slow(1, 8)
	cfg.Initial = 4
	d := newDesk(t, cfg)
	d.busy(time.Hour, 8*time.Second, OK)
	d.wantLimit(8, "after an hour of calls of 8 s")

	d.changes = nil
	d.busy(10*time.Minute, 30*time.Second, OK)
	if len(d.changes) == 0 || d.changes[0].Cause != Latency || d.limiter.Limit() >= 8 {
		t.Errorf("limit %d after the calls became four times slower: %+v", d.limiter.Limit(), d.changes)
	}
	// That is what they are now: the baseline follows and the limit comes back.
	d.busy(time.Hour, 30*time.Second, OK)
	d.wantLimit(8, "after an hour of calls of 30 s")
}

func TestSchedulerPressure(t *testing.T) {
	d := newDesk(t, Medium(2, 8))
	d.limiter.Tick(0, 1.2)
	d.busy(time.Minute, 20*time.Millisecond, OK)
	d.wantLimit(2, "after a minute of pressure")
	if c := d.changes[0].Cause; c != Scheduler {
		t.Errorf("cause %s", c)
	}
	d.limiter.Tick(d.now, 0.7)
	d.busy(time.Minute, 20*time.Millisecond, OK)
	d.wantLimit(2, "with some pressure left")
	d.limiter.Tick(d.now, 0.1)
	d.busy(time.Minute, 20*time.Millisecond, OK)
	d.wantLimit(8, "a minute after the pressure was gone")

	// A class that does nothing is not its cause.
	d = newDesk(t, Medium(2, 8))
	for i := range 600 {
		d.limiter.Tick(time.Duration(i)*time.Second, 2)
	}
	d.wantLimit(8, "idle under pressure")
}

func TestConfig(t *testing.T) {
	ok := Medium(1, 4)
	for what, change := range map[string]func(*Config){
		"minimum of 0":          func(c *Config) { c.Min = 0 },
		"maximum below minimum": func(c *Config) { c.Max, c.Min = 2, 3 },
		"initial above maximum": func(c *Config) { c.Initial = 5 },
		"targets crossed":       func(c *Config) { c.Grow = 2 * time.Second },
		"ratios crossed":        func(c *Config) { c.GrowRatio = 3 },
		"quantile":              func(c *Config) { c.Quantile = 1.5 },
		"window":                func(c *Config) { c.Window = -1 },
	} {
		cfg := ok
		change(&cfg)
		if _, err := New(cfg); err == nil {
			t.Errorf("%s is taken", what)
		}
	}
}

func TestQuantile(t *testing.T) {
	var h histogram
	for i := 1; i <= 1000; i++ {
		h.add(time.Duration(i) * time.Millisecond)
	}
	for _, q := range []float64{0.01, 0.5, 0.95, 0.99, 1} {
		want := q * 1000
		if got := float64(h.quantile(q)) / 1e6; got < want || got > 1.07*want {
			t.Errorf("quantile %v is %v ms, want %v and at most 7 %% more", q, got, want)
		}
	}
	for _, d := range []time.Duration{-1, 0, 1, 1023, 1024, time.Hour, 1 << 62} {
		h.reset()
		h.add(d)
		got := h.quantile(0.5)
		if d >= 1024 && d <= 2*time.Hour && (got < d || float64(got) > 1.07*float64(d)) {
			t.Errorf("median of %v alone is %v", d, got)
		}
	}
}
