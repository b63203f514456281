package sim

import (
	"math"
	"math/rand/v2"
	"time"

	"gridflow/flow/kernel"
)

// A Dist draws a duration.
type Dist func(*rand.Rand) time.Duration

// Const is always d.
func Const(d time.Duration) Dist { return func(*rand.Rand) time.Duration { return d } }

// Exp is exponential.
func Exp(mean time.Duration) Dist {
	m := float64(mean)
	return func(r *rand.Rand) time.Duration { return time.Duration(m * r.ExpFloat64()) }
}

// Uniform is between from and to.
func Uniform(from, to time.Duration) Dist {
	return func(r *rand.Rand) time.Duration { return from + time.Duration(r.Float64()*float64(to-from)) }
}

// Mix draws from rare with probability p, else from often.
func Mix(p float64, rare, often Dist) Dist {
	return func(r *rand.Rand) time.Duration {
		if r.Float64() < p {
			return rare(r)
		}
		return often(r)
	}
}

// Times is d stretched.
func Times(k time.Duration, d Dist) Dist {
	return func(r *rand.Rand) time.Duration { return k * d(r) }
}

// PerSecond gives the gaps of Poisson arrivals at a rate.
func PerSecond(rate float64) Dist { return Exp(time.Duration(float64(time.Second) / rate)) }

// A Picker chooses one of the clients of a source, counted from 0.
type Picker func(*rand.Rand) int

// Zipf chooses among n clients, the i-th with a share of about 1/i^s: the integral of that
// from i to i+1. The sum itself would need a table, and a million rows are not in the cache.
// The inverse of the integral needs two transcendental functions, which take longer than all
// else that there is to an arrival: it is read off a polygon that has as many corners as stay
// in the cache, but where an edge is so long that the curve between its ends matters.
func Zipf(n int, s float64) Picker {
	var at func(u float64) float64 // from [0, 1] to [1, n+1]
	if s == 1 {
		last := math.Log(float64(n + 1))
		at = func(u float64) float64 { return math.Exp(u * last) }
	} else {
		last := math.Pow(float64(n+1), 1-s) - 1
		power := 1 / (1 - s)
		at = func(u float64) float64 { return math.Exp(power * math.Log1p(u*last)) }
	}
	const edges, long = 1 << 10, 1.1
	var corner [edges + 1]float64
	for i := range corner {
		corner[i] = at(float64(i) / edges)
	}
	return func(r *rand.Rand) int {
		u := edges * r.Float64()
		i := int(u)
		from, to := corner[i], corner[i+1]
		x := from + (to-from)*(u-float64(i))
		if to > long*from {
			x = at(u / edges)
		}
		return min(int(x), n) - 1
	}
}

// A Source is a crowd of clients that ask for the same kind of thing. It is an open loop
// if it has a Gap: requests come whatever becomes of those before. Else it is a closed
// one: each thread of each client asks, waits for the answer, thinks, and asks again.
type Source struct {
	Name    string
	Class   int
	First   int    // number of its first client; sources may share clients
	Clients int    // 0 means 1
	Pick    Picker // which client an arrival is of; nil: all alike. For open loops

	Gap     Dist // between arrivals of the whole source
	On, Off Dist // if set, arrivals come only during On, with breaks of Off between

	Threads int  // of a client; 0 means 1. For closed loops
	Think   Dist // before the first request and after each answer; nil: not at all

	Service Dist           // how long a request runs, once it has started
	Cost    Dist           // how long the scheduler expects it to; nil: it knows
	Need    kernel.Amounts // nothing: one of resource 0
	Weight  int64
	PartBy  int64 // see kernel.Request

	StartBy  time.Duration // after its arrival a start is of no more use; 0: always is
	Patience Dist          // after this the client takes back what has not started; nil: never
	Deadline time.Duration // after this an answer is not good; 0: always is

	Start, Stop time.Duration // when it asks; Stop 0: to the end
}

// source is a Source at work.
type source struct {
	Source
	r       *rand.Rand
	onUntil time.Duration
}

// next gives the time of the arrival after the one at now.
func (s *source) next(now time.Duration) time.Duration {
	gap := s.Gap(s.r)
	if s.On == nil {
		return now + gap
	}
	for now+gap > s.onUntil { // what is left of the gap passes when it is on again
		gap -= s.onUntil - now
		now = s.onUntil + s.Off(s.r)
		s.onUntil = now + s.On(s.r)
	}
	return now + gap
}

func (s *source) client() int {
	switch {
	case s.Clients == 1:
		return s.First
	case s.Pick != nil:
		return s.First + s.Pick(s.r)
	}
	return s.First + s.r.IntN(s.Clients)
}
