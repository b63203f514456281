package limit

import (
	"fmt"
	"time"
)

// Config describes a [Controller]. [Fast], [Medium] and [Slow] fill it for the classes
// of a scheduler; a zero field takes Medium's value, except for the two targets.
type Config struct {
	Min, Max int // the limit never leaves Min…Max; Min ≥ 1
	Initial  int // 0 means Max: the controller is there to take back, not to find out

	// Shrink and Grow are the targets for the quantile of the execution time: above
	// Shrink the limit shrinks, below Grow it may grow, between the two it stays. Both
	// zero means that the class has no absolute target and is compared with its own
	// baseline: ShrinkRatio and GrowRatio are the same two bounds as multiples of it.
	Shrink, Grow           time.Duration
	ShrinkRatio, GrowRatio float64

	Quantile     float64       // which quantile of a window is compared
	Window       time.Duration // a decision needs at least this much time …
	MinSamples   int           // … and this many calls that ended
	Cooldown     time.Duration // and this long since the last change
	FailureShare float64       // failed and timed out calls of a window that shrink the limit
}

// Medium is for work of 100 ms to a second: shrink above 1000 ms, grow below 100 ms.
func Medium(min, max int) Config {
	return Config{
		Min: min, Max: max,
		Shrink: 1000 * time.Millisecond, Grow: 100 * time.Millisecond,
		Quantile: 0.95, Window: time.Second, MinSamples: 10, Cooldown: 2 * time.Second, FailureShare: 0.1,
	}
}

// Fast is for work below 100 ms.
func Fast(min, max int) Config {
	c := Medium(min, max)
	c.Shrink, c.Grow = 100*time.Millisecond, 20*time.Millisecond
	return c
}

// Slow is for work above a second, whose times are as different as the workbooks are:
// no absolute target says anything about it. The median is compared, since a window has
// few samples: their 95th percentile is just their largest, and the smallest of such
// over many windows is no baseline.
func Slow(min, max int) Config {
	c := Medium(min, max)
	c.Shrink, c.Grow = 0, 0
	c.ShrinkRatio, c.GrowRatio = 2, 1.25
	c.Quantile, c.Window, c.MinSamples, c.Cooldown = 0.5, 10*time.Second, 5, 20*time.Second
	return c
}

// A baseline falls at once to what was measured and rises by these parts of the
// distance, a window at a time: slowly in general, since what is slow now may be slow
// because of us; by half where the limit is at its minimum, since it is not.
const (
	baselineRise      = 1.0 / 64
	baselineRiseAtMin = 1.0 / 2
)

// Controller moves a limit by holding a quantile of the execution time between two
// bounds. It suits classes of which is known what "slow" means; where it is not known,
// and for a backend with a queue inside, there is [Gradient].
type Controller struct {
	cfg      Config
	limit    int
	pressure float64
	baseline float64 // nanoseconds; 0: not known yet

	changedAt time.Duration // last change; calls that began before it do not count
	changed   bool          // there has been one

	windowAt time.Duration // begin of the window
	lastAt   time.Duration // end of the last call
	open     bool          // the window has begun
	times    histogram     // of calls that ended by themselves or by their deadline
	calls    int           // all but the cancelled
	failures int
	atLimit  int // calls that began at the limit
}

var _ Limiter = (*Controller)(nil)

// New gives a Controller for cfg, or says what is wrong with cfg.
func New(cfg Config) (*Controller, error) {
	d := Medium(cfg.Min, cfg.Max)
	setDefault(&cfg.Initial, cfg.Max)
	setDefault(&cfg.Quantile, d.Quantile)
	setDefault(&cfg.Window, d.Window)
	setDefault(&cfg.MinSamples, d.MinSamples)
	setDefault(&cfg.Cooldown, d.Cooldown)
	setDefault(&cfg.FailureShare, d.FailureShare)
	setDefault(&cfg.ShrinkRatio, 2)
	setDefault(&cfg.GrowRatio, 1.25)
	switch {
	case cfg.Min < 1 || cfg.Max < cfg.Min:
		return nil, fmt.Errorf("limit: bounds %d…%d: the lower must be at least 1 and not above the upper", cfg.Min, cfg.Max)
	case cfg.Initial < cfg.Min || cfg.Initial > cfg.Max:
		return nil, fmt.Errorf("limit: initial limit %d is outside of %d…%d", cfg.Initial, cfg.Min, cfg.Max)
	case cfg.Grow < 0 || cfg.Grow > cfg.Shrink:
		return nil, fmt.Errorf("limit: grow below %v, shrink above %v: the first must not be above the second", cfg.Grow, cfg.Shrink)
	case cfg.GrowRatio < 1 || cfg.GrowRatio > cfg.ShrinkRatio:
		return nil, fmt.Errorf("limit: grow below %v× the baseline, shrink above %v×: the first must be at least 1 and not above the second", cfg.GrowRatio, cfg.ShrinkRatio)
	case cfg.Quantile < 0 || cfg.Quantile > 1 || cfg.FailureShare < 0 || cfg.Window < 0 || cfg.MinSamples < 0 || cfg.Cooldown < 0:
		return nil, fmt.Errorf("limit: quantile %v, failure share %v, window %v, samples %d, cooldown %v: out of range",
			cfg.Quantile, cfg.FailureShare, cfg.Window, cfg.MinSamples, cfg.Cooldown)
	}
	return &Controller{cfg: cfg, limit: cfg.Initial}, nil
}

func setDefault[T comparable](p *T, v T) {
	var zero T
	if *p == zero {
		*p = v
	}
}

// Limit gives how many calls may be in flight now.
func (c *Controller) Limit() int { return c.limit }

// Bounds gives what the limit never leaves.
func (c *Controller) Bounds() (min, max int) { return c.cfg.Min, c.cfg.Max }

// Baseline gives what a class without an absolute target is compared with; 0 while it
// is not known, and for a class that has a target.
func (c *Controller) Baseline() time.Duration { return time.Duration(c.baseline) }

// Observe takes in a call that has ended at now.
func (c *Controller) Observe(now time.Duration, s Sample) (Change, bool) {
	began := now - s.Service
	if s.Outcome == Cancelled || c.changed && began < c.changedAt {
		return Change{}, false
	}
	if !c.open || began-c.lastAt > idleWindows*c.cfg.Window {
		c.reset(began)
	}
	c.lastAt = now
	c.calls++
	if s.Outcome == Failed || s.Outcome == TimedOut {
		c.failures++
	}
	if s.Outcome != Failed {
		c.times.add(s.Service)
	}
	if s.InFlight >= c.limit {
		c.atLimit++
	}
	return c.decide(now)
}

// Tick lets time pass without a sample; see [Limiter].
func (c *Controller) Tick(now time.Duration, pressure float64) (Change, bool) {
	c.pressure = pressure
	return c.decide(now)
}

// decide ends the window when it is due and draws the conclusion from it.
func (c *Controller) decide(now time.Duration) (Change, bool) {
	if !c.open || now-c.windowAt < c.cfg.Window || c.calls < c.cfg.MinSamples ||
		c.changed && now-c.changedAt < c.cfg.Cooldown {
		return Change{}, false
	}
	to, cause := c.verdict()
	c.reset(now)
	to = max(c.cfg.Min, min(to, c.cfg.Max))
	if to == c.limit {
		return Change{}, false
	}
	ch := Change{From: c.limit, To: to, Cause: cause, At: now}
	c.limit, c.changed, c.changedAt = to, true, now
	return ch, true
}

func (c *Controller) verdict() (int, Cause) {
	var slow, quick bool
	if c.times.n > 0 {
		slow, quick = c.compare(c.times.quantile(c.cfg.Quantile))
	}
	switch {
	case c.failures > 1 && float64(c.failures) >= c.cfg.FailureShare*float64(c.calls):
		return shrunk(c.limit), Failures
	case c.pressure >= 1:
		return shrunk(c.limit), Scheduler
	case slow:
		return shrunk(c.limit), Latency
	case quick && c.pressure < calmPressure && float64(c.atLimit) >= usedShare*float64(c.calls):
		return c.limit + 1, Headroom
	}
	return c.limit, ""
}

// compare holds what was measured against the target or the baseline, and lets the
// baseline follow.
func (c *Controller) compare(d time.Duration) (slow, quick bool) {
	if c.cfg.Shrink > 0 {
		return d > c.cfg.Shrink, d < c.cfg.Grow
	}
	t := float64(d)
	if c.baseline == 0 || t < c.baseline {
		c.baseline = t
	}
	slow, quick = t > c.cfg.ShrinkRatio*c.baseline, t < c.cfg.GrowRatio*c.baseline
	rise := baselineRise
	if c.limit == c.cfg.Min {
		rise = baselineRiseAtMin
	}
	c.baseline += rise * (t - c.baseline)
	return slow, quick
}

func (c *Controller) reset(at time.Duration) {
	c.times.reset()
	c.windowAt, c.open = at, true
	c.calls, c.failures, c.atLimit = 0, 0, 0
}
