package flow

import (
	"time"

	"gridflow/flow/kernel"
	"gridflow/flow/level"
	"gridflow/flow/limit"
)

// steering is what moves the bounds of one class while the gate works.
type steering struct {
	limiter limit.Limiter // nil: the class's own Limit holds
	limit   int           // the class's own Limit; 0: none
	apart   int           // tickets that run and are not among those that the limiter's limit is on

	gap   time.Duration // the class's own Gap
	meter *level.Meter  // nil: starts are not levelled
	pacer *level.Pacer
	pace  time.Duration // the longest gap of the pacer

	rotation *rotation // of the kinds of work; nil: starts are not levelled
}

// bounds gives what the limiter's limit never leaves, within the class's own; 0, 0 where
// there is no limiter.
func (s *steering) bounds() (lo, hi int) {
	if s.limiter == nil {
		return 0, 0
	}
	lo, hi = s.limiter.Bounds()
	if s.limit > 0 {
		lo, hi = min(lo, s.limit), min(hi, s.limit)
	}
	return lo, hi
}

// Adapt lets a limiter say how many calls of a class may run at once, within the class's
// own Limit. It is told how the calls go; what it changes is told to Listener.Limit. The
// limiter is the gate's from now on; nil ends it.
func (g *Gate) Adapt(class int, l limit.Limiter) {
	g.change(func(now kernel.Instant, out []kernel.Decision) []kernel.Decision {
		g.steer[class].limiter = l
		return g.applyLimit(class, now, out)
	})
}

// Pressure tells the limiters how far the machine is from overload: 0 is idle, 1 and more
// is overloaded; see [limit.SchedLoad.Pressure].
func (g *Gate) Pressure(pressure float64) {
	g.change(func(now kernel.Instant, out []kernel.Decision) []kernel.Decision {
		for class := range g.steer {
			if l := g.steer[class].limiter; l != nil {
				if c, ok := l.Tick(now, pressure); ok {
					g.limits = append(g.limits, limitStep{class, c})
					out = g.applyLimit(class, now, out)
				}
			}
		}
		return out
	})
}

// applyLimit sets the kernel's limit of a class to the smaller of its own and the
// limiter's. g.mu is held.
func (g *Gate) applyLimit(class int, now kernel.Instant, out []kernel.Decision) []kernel.Decision {
	s := &g.steer[class]
	n := s.limit
	if s.limiter != nil && (n == 0 || s.limiter.Limit() < n) {
		n = s.limiter.Limit() + s.apart
		if s.limit > 0 {
			n = min(n, s.limit)
		}
	}
	return g.k.SetLimit(now, class, n, out)
}

// apart counts a ticket that starts (by 1) or ends (by -1) where its work is done elsewhere.
// g.mu is held.
func (g *Gate) apart(w *waiter, now kernel.Instant, by int) {
	if s := &g.steer[w.Class]; w.apart {
		if s.apart += by; s.limiter != nil {
			g.out = g.applyLimit(w.Class, now, g.out)
		}
	}
}

// applyGap sets the kernel's gap of a class to the larger of its own and the pacer's.
// g.mu is held.
func (g *Gate) applyGap(class int, now kernel.Instant, out []kernel.Decision) []kernel.Decision {
	s := &g.steer[class]
	gap := s.gap
	if s.pacer != nil {
		gap = max(gap, s.pacer.Interval())
	}
	return g.k.SetGap(now, class, gap, out)
}

// Pace makes the starts of a class even: they follow each other at the pace of the demand
// (its takt, measured over window), but never further apart than longest. A call that
// comes when none has started for that long starts at once. Of what a client has waiting the
// kinds ([Request].Kind) take turns. longest 0 ends it. Levelling trades waiting for evenness: it is for slow work only.
func (g *Gate) Pace(class int, window, longest time.Duration) error {
	pacer, err := level.NewPacer(0, longest)
	if err != nil {
		return err
	}
	meter, err := level.NewMeter(window)
	if err != nil {
		return err
	}
	g.change(func(now kernel.Instant, out []kernel.Decision) []kernel.Decision {
		s := &g.steer[class]
		switch {
		case longest == s.pace:
			return out // what has been measured stays
		case longest == 0:
			s.meter, s.pacer, s.pace, s.rotation = nil, nil, 0, nil
			g.k.Order(class, nil)
		default:
			s.meter, s.pacer, s.pace = meter, pacer, longest
			if s.rotation == nil {
				s.rotation = newRotation()
				g.k.Order(class, s.rotation.choose)
			}
		}
		return g.applyGap(class, now, out)
	})
	return nil
}

// Figures tells what the leveller of a class has measured; false where it has none.
func (g *Gate) Figures(class int) (level.Figures, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if m := g.steer[class].meter; m != nil {
		return m.Figures(g.now()), true
	}
	return level.Figures{}, false
}

// arrived tells the leveller of a class that a call has come. g.mu is held.
func (g *Gate) arrived(class int, now kernel.Instant) {
	s := &g.steer[class]
	if s.meter == nil {
		return
	}
	s.meter.Arrived(now)
	s.pacer.SetTakt(s.meter.Figures(now).Takt)
	g.out = g.applyGap(class, now, g.out)
}

// started tells the leveller of a class that a call starts. g.mu is held.
func (g *Gate) started(class int, now kernel.Instant) {
	if p := g.steer[class].pacer; p != nil {
		p.Started(now, g.k.Stats(class).Waiting)
		g.out = g.applyGap(class, now, g.out)
	}
}

// ended tells the limiter and the leveller of a class how a call went. g.mu is held.
func (g *Gate) ended(w *waiter, took time.Duration, result Result, now kernel.Instant) {
	s := &g.steer[w.Class]
	if s.meter != nil {
		s.meter.Done(now, took)
		s.rotation.took(w.name, took)
	}
	if s.limiter == nil || result == Unused || w.apart {
		return
	}
	c, ok := s.limiter.Observe(now, limit.Sample{Service: took, InFlight: max(w.beside-s.apart, 1), Outcome: limitOutcome(result)})
	if ok {
		g.limits = append(g.limits, limitStep{w.Class, c})
		g.out = g.applyLimit(w.Class, now, g.out)
	}
}

// limitOutcome tells how a call ended as far as a limit cares: what the caller did wrong
// says nothing against the server.
func limitOutcome(r Result) limit.Outcome {
	switch r {
	case Failed:
		return limit.Failed
	case TimedOut:
		return limit.TimedOut
	case Cancelled, Unused:
		return limit.Cancelled
	}
	return limit.OK
}

type limitStep struct {
	class int
	limit.Change
}
