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

// Zipf chooses among n clients, the i-th with a share in proportion to 1/(i+1)^s. It is an
// alias table (A. J. Walker 1977; M. Vose 1991): a draw costs the same for a million.
func Zipf(n int, s float64) Picker {
	share := make([]float64, n)
	sum := 0.0
	for i := range share {
		share[i] = math.Pow(float64(i+1), -s)
		sum += share[i]
	}
	type column struct {
		keep  float32 // the part of the column that is its own
		other int32   // whose the rest is
	}
	table := make([]column, n)
	var small, large []int32
	for i := range share {
		share[i] *= float64(n) / sum
		table[i] = column{1, int32(i)}
		if share[i] < 1 {
			small = append(small, int32(i))
		} else {
			large = append(large, int32(i))
		}
	}
	for len(small) > 0 && len(large) > 0 {
		i, j := small[len(small)-1], large[len(large)-1]
		small = small[:len(small)-1]
		table[i] = column{float32(share[i]), j}
		if share[j] -= 1 - share[i]; share[j] < 1 {
			large = large[:len(large)-1]
			small = append(small, j)
		}
	}
	return func(r *rand.Rand) int {
		i := r.IntN(n)
		if c := table[i]; r.Float32() >= c.keep {
			return int(c.other)
		}
		return i
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
