package limit

import (
	"fmt"
	"math"
	"time"
)

// GradientConfig describes a [Gradient]; a zero field means what is said with it.
type GradientConfig struct {
	Min, Max     int           // the limit never leaves Min…Max; Min ≥ 1
	Initial      int           // 0 means Min: it finds its way up by itself, from 1 to eight servers of 20 ms in half a minute
	Window       time.Duration // shortest time between two steps; 0 means 100 ms
	MinSamples   int           // fewest calls between two steps; 0 means 40
	FailureShare float64       // failed and timed out calls of a window that shrink the limit; 0 means 0.1
}

// The figures below were chosen by simulation (gradient_test.go) for calls whose
// execution times are spread as an exponential distribution's: forty of them give a mean
// that is off by 16 %.
const (
	// headroom is how far above the knee the limit stands: there must be a little queue
	// inside the backend for its growth to be seen when the capacity grows. Less of it
	// drowns in the noise of a window.
	headroom = 0.18

	// lookDepth is where the limit stands, in parts of the knee, while the no-queue time
	// is measured anew: low enough that an estimate that is too high comes down, high
	// enough that a backend that is estimated well goes on working.
	lookDepth = 0.97

	// lookEvery is the number of windows from one look down to the next.
	lookEvery = 8

	// gain is the part of the way to what a window says that the knee is moved.
	gain = 0.3

	// Windows that say "more" one after the other are not noise any more: from the
	// fourth on each adds gain to the gain, up to 1.
	streakFree = 3

	// growMax is the most that one window may say, in parts of the knee.
	growMax = 1.25

	// baseSamples is the number of calls over which the no-queue time is averaged.
	baseSamples = 1000

	// warmSamples is the number of calls that make up the first no-queue time, whatever
	// was in flight: the limit rests until then.
	warmSamples = 400

	// relearnSamples is the number of calls over which the no-queue time is averaged when
	// what was believed has turned out to be wrong.
	relearnSamples = 200

	// descent is the part to which the calls in flight must have come down before it is
	// asked whether the execution time has followed.
	descent = 0.6

	// unmoved is the part of the fall that a queue would have shown which must be missing
	// for the answer to be no.
	unmoved = 0.7
)

// Gradient finds the capacity of a backend that does not tell it. The knee of such a
// backend is the number of calls in flight from which on more calls only wait inside
// it. By Little's law, calls in flight = throughput × execution time; the throughput
// cannot grow beyond the knee, so that
//
//	knee = calls in flight × no-queue time ÷ execution time
//
// whatever is in flight, as long as it is at least the knee; and where it is less, the
// two times are equal and the right side is what is in flight. Each window gives one
// such estimate; the knee follows by [gain], and the limit stands headroom above it, so
// that with free capacity the knee rises by gain × headroom a window.
//
// The no-queue time is the mean of calls that began below lookDepth × knee. Under a
// backlog there are none, so every lookEvery-th window the limit goes down there. When
// the estimate is right this costs nothing: the backend is still full. When it is too
// high, the mean falls below what was believed, and the knee with it; so the estimate
// cannot creep up with the load, which is how a baseline that is measured under load
// goes wrong.
//
// One thing cannot be told apart at once: that a backend has less capacity and that the
// work itself has become slower. In both cases the execution time jumps. The limit goes
// down, and if the execution time does not follow, it was the work: the no-queue time
// is set to what is measured and the limit comes back.
//
// What it costs: the limit goes to and fro between the whole numbers around its mean,
// and a no-queue time that is much too high (work that became twice as quick) comes
// down over minutes, since one look shows little more than the last. That is waiting
// inside the backend, not lost work.
type Gradient struct {
	cfg      GradientConfig
	limit    int
	knee     float64
	pressure float64

	base  float64 // no-queue time, nanoseconds; 0: not known yet
	baseN float64 // samples in it, at most baseSamples
	warm  bool    // there were warmSamples of them

	looking bool    // the limit is lowered to measure the no-queue time
	turn    int     // windows since the last look
	streak  int     // windows in a row that said "more"
	dither  float64 // see round
	told    float64 // the limit, not rounded, at the last change that was no probe

	mean, top state // averaged over a few windows: now, and before the descent; see followed

	windowAt time.Duration
	lastAt   time.Duration
	open     bool
	n        int     // calls with an execution time
	service  float64 // their sum, nanoseconds
	inFlight float64 // sum of their InFlight
	calls    int     // all but the cancelled
	failures int
	atLimit  int
}

var _ Limiter = (*Gradient)(nil)

// NewGradient gives a Gradient for cfg, or says what is wrong with cfg. It is meant
// for backends of many calls: it moves only every MinSamples of them.
func NewGradient(cfg GradientConfig) (*Gradient, error) {
	setDefault(&cfg.Initial, cfg.Min)
	setDefault(&cfg.Window, 100*time.Millisecond)
	setDefault(&cfg.MinSamples, 40)
	setDefault(&cfg.FailureShare, 0.1)
	switch {
	case cfg.Min < 1 || cfg.Max < cfg.Min:
		return nil, fmt.Errorf("limit: bounds %d…%d: the lower must be at least 1 and not above the upper", cfg.Min, cfg.Max)
	case cfg.Initial < cfg.Min || cfg.Initial > cfg.Max:
		return nil, fmt.Errorf("limit: initial limit %d is outside of %d…%d", cfg.Initial, cfg.Min, cfg.Max)
	case cfg.Window < 0 || cfg.MinSamples < 0 || cfg.FailureShare < 0:
		return nil, fmt.Errorf("limit: window %v, samples %d, failure share %v: out of range", cfg.Window, cfg.MinSamples, cfg.FailureShare)
	}
	return &Gradient{cfg: cfg, limit: cfg.Initial, knee: float64(cfg.Initial), told: float64(cfg.Initial)}, nil
}

// Limit gives how many calls may be in flight now.
func (g *Gradient) Limit() int { return g.limit }

// Bounds gives what the limit never leaves.
func (g *Gradient) Bounds() (min, max int) { return g.cfg.Min, g.cfg.Max }

// Knee gives the capacity that is believed in, in calls in flight, and the execution
// time without a queue; 0 while that is not known.
func (g *Gradient) Knee() (calls float64, noQueue time.Duration) {
	return g.knee, time.Duration(g.base)
}

// Observe takes in a call that has ended at now.
func (g *Gradient) Observe(now time.Duration, s Sample) (Change, bool) {
	if s.Outcome == Cancelled {
		return Change{}, false
	}
	if began := now - s.Service; !g.open || began-g.lastAt > idleWindows*g.cfg.Window {
		g.reset(began)
	}
	g.lastAt = now
	g.calls++
	if s.Outcome == Failed || s.Outcome == TimedOut {
		g.failures++
	}
	if s.Outcome != Failed {
		t, k := float64(max(1, s.Service)), float64(max(1, s.InFlight)) // both are divisors
		g.n++
		g.service += t
		g.inFlight += k
		if !g.warm || k <= max(1, lookDepth*g.knee) {
			g.noQueue(t)
		}
	}
	if s.InFlight >= g.limit {
		g.atLimit++
	}
	return g.decide(now)
}

// noQueue takes in the execution time of a call that did not wait inside the backend,
// as far as is believed.
func (g *Gradient) noQueue(t float64) {
	g.baseN = min(g.baseN+1, baseSamples)
	g.base += (t - g.base) / g.baseN
	g.warm = g.warm || g.baseN >= warmSamples
}

// Tick lets time pass without a sample; see [Limiter].
func (g *Gradient) Tick(now time.Duration, pressure float64) (Change, bool) {
	g.pressure = pressure
	return g.decide(now)
}

// decide ends the window when it is due, learns from it and sets the limit.
func (g *Gradient) decide(now time.Duration) (Change, bool) {
	if !g.open || now-g.windowAt < g.cfg.Window || g.calls < g.cfg.MinSamples {
		return Change{}, false
	}
	cause := g.learn()
	g.reset(now)

	g.turn++
	if g.looking = g.turn >= lookEvery && g.warm; g.looking {
		g.turn = 0
	}
	above, to := g.knee*(1+headroom), g.limit
	switch {
	case g.looking:
		to = min(int(g.knee*lookDepth), g.limit-1)
	case g.warm || cause != "":
		to = g.round(above)
	}
	to = max(g.cfg.Min, min(to, g.cfg.Max))
	if to == g.limit {
		return Change{}, false
	}
	if cause == "" {
		cause = g.news(above)
	}
	ch := Change{From: g.limit, To: to, Cause: cause, At: now}
	g.limit = to
	return ch, true
}

// news tells a real change from a look down, the way back, and the going to and fro
// between two whole numbers: since the last real one, the limit as it would be without
// all that has moved by one and by a fifth.
func (g *Gradient) news(above float64) Cause {
	by := above - g.told
	if math.Abs(by) < max(1, g.told/5) {
		return Probe
	}
	g.told = above
	if by > 0 {
		return Headroom
	}
	return Latency
}

// learn moves the knee by what the window has shown, and says why where that was not
// the execution time.
func (g *Gradient) learn() Cause {
	switch {
	case g.failures > 1 && float64(g.failures) >= g.cfg.FailureShare*float64(g.calls):
		g.move(g.knee * 7 / 8)
		return Failures
	case g.pressure >= 1:
		g.move(g.knee * 7 / 8)
		return Scheduler
	case g.n == 0 || g.looking || !g.warm:
		return "" // what a look shows is in base already
	}
	service, inFlight := g.service/float64(g.n), g.inFlight/float64(g.n)
	g.followed(state{inFlight, service})

	seen := inFlight * g.base / service
	used := float64(g.atLimit) >= usedShare*float64(g.calls)
	if seen <= g.knee {
		g.streak = 0
		// A backend that is not asked for more shows nothing of its knee; and one that has
		// fewer calls in flight than the knee, for limits are whole numbers, only shows by
		// slower calls that it is lower.
		if used {
			g.move(g.knee + gain*(min(g.knee, max(seen, g.knee*g.base/service))-g.knee))
		}
		return ""
	}
	if used && g.pressure < calmPressure {
		g.streak++
		step := min(1, gain*float64(max(1, g.streak-streakFree+1)))
		g.move(g.knee + step*(min(seen, growMax*g.knee)-g.knee))
	}
	return ""
}

// move sets the knee, so far as the limit that comes of it stays within its bounds.
func (g *Gradient) move(knee float64) {
	g.knee = max(float64(g.cfg.Min)/(1+headroom), min(knee, float64(g.cfg.Max)/lookDepth))
}

// state is calls in flight and their execution time in nanoseconds, as means.
type state struct{ inFlight, service float64 }

// followed asks, while the limit goes down, whether the execution time comes down with
// it. Where most of what a queue would have done is missing, it was the work that became
// slower. Both are averaged over a few windows: one alone says too little.
func (g *Gradient) followed(s state) {
	if g.mean == (state{}) {
		g.mean, g.top = s, s
	}
	g.mean.inFlight += gain * (s.inFlight - g.mean.inFlight)
	g.mean.service += gain * (s.service - g.mean.service)
	k, t := g.mean.inFlight/g.top.inFlight, g.mean.service/g.top.service
	if k <= descent && t > unmoved+(1-unmoved)*k && g.mean.service > g.base {
		g.base, g.baseN = g.mean.service, relearnSamples
	}
	if k > 1 || t > 1.1 || k <= descent {
		g.top = g.mean
	}
}

// round gives one of the two whole numbers around x, so that over a few calls the mean
// is x: a limit of 4.5 is 4 and 5 in turn. The turns are a low-discrepancy sequence.
func (g *Gradient) round(x float64) int {
	const golden = 0.6180339887498949
	_, g.dither = math.Modf(g.dither + golden)
	return int(math.Floor(x + g.dither))
}

func (g *Gradient) reset(at time.Duration) {
	g.windowAt, g.open = at, true
	g.n, g.service, g.inFlight = 0, 0, 0
	g.calls, g.failures, g.atLimit = 0, 0, 0
}
