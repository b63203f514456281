package load

import (
	"math"
	"math/rand/v2"
	"time"
)

// arrivals are the moments at which the calls of one client are due, as times since the
// step began. It has one user.
type arrivals struct {
	interval float64 // seconds between two moments, in the mean
	poisson  bool
	burst    int // calls at each moment
	rng      *rand.Rand

	at    float64 // seconds
	phase float64 // of constant arrivals: the first of them
	k     int     // … and the number of this one, so that what is rounded does not add up
	left  int     // calls at this moment that have not been given
}

// newArrivals gives those of the i-th of n clients, each of which makes rate calls a
// second. Constant ones of several clients lie evenly between one another; bursts come
// together, for that is what they are to show.
func newArrivals(g Group, rate float64, i, n int, rng *rand.Rand) *arrivals {
	burst := max(g.Burst, 1)
	a := &arrivals{interval: float64(burst) / rate, poisson: g.Arrivals == Poisson, burst: burst, rng: rng, left: burst}
	switch {
	case a.poisson:
		a.advance()
	case burst == 1:
		a.phase = a.interval * float64(i) / float64(n)
		a.at = a.phase
	}
	return a
}

func (a *arrivals) advance() {
	if a.poisson {
		a.at += a.interval * a.rng.ExpFloat64()
		return
	}
	a.k++
	a.at = a.phase + float64(a.k)*a.interval
}

// next gives the moment of the next call. Moments never go back.
func (a *arrivals) next() time.Duration {
	if a.left == 0 {
		a.advance()
		a.left = a.burst
	}
	a.left--
	return seconds(a.at)
}

// seconds gives a time of that many seconds, the longest there is where it would not fit.
func seconds(s float64) time.Duration {
	if s >= math.MaxInt64/float64(time.Second) {
		return math.MaxInt64
	}
	return time.Duration(math.Round(s * float64(time.Second)))
}
