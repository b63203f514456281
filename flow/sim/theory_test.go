//go:build !race

// A simulation is one goroutine: the race detector has nothing to find in it, and makes
// minutes of seconds. With it only laws_test.go is run.

package sim

import (
	"fmt"
	"math"
	"testing"
	"time"

	"gridflow/flow/kernel"
)

// erlangC gives the mean wait in a queue with c servers, in units of the mean service.
func erlangC(c int, rho float64) float64 {
	b := erlangB(c, rho*float64(c))
	return b / (1 - rho*(1-b)) / (float64(c) * (1 - rho))
}

// erlangB gives the share of arrivals refused by c servers without a queue, offered a
// servers' worth of work.
func erlangB(c int, a float64) float64 {
	b := 1.0
	for i := 1; i <= c; i++ {
		b = a * b / (float64(i) + a*b)
	}
	return b
}

// birthDeath gives the probabilities of 0, 1, 2, … requests being there, from the rates at
// which they come and go, until there is next to none.
func birthDeath(comes, goes func(n int) float64) []float64 {
	p, sum := []float64{1}, 1.0
	for n := 1; n < 100000; n++ {
		x := p[n-1] * comes(n-1) / goes(n)
		p = append(p, x)
		sum += x
		if x < 1e-14*sum {
			break
		}
	}
	for n := range p {
		p[n] /= sum
	}
	return p
}

const meanService = 10 * time.Millisecond

// queue is a class that waits at seats, offered rho of what they can do.
func queue(seats int, rho float64, queueMax int) Config {
	return Config{
		Kernel: kernel.Config{
			Classes:   []kernel.Class{{Name: "all", QueueMax: queueMax}},
			Resources: []kernel.Resource{{Name: "seat", Capacity: int64(seats)}},
		},
		Sources: []Source{{
			Clients: 20,
			Gap:     PerSecond(rho * float64(seats) / meanService.Seconds()),
			Service: Exp(meanService),
			Cost:    Const(meanService), // what is cheap must not pass, or the mean is another
		}},
	}
}

// replicate runs a configuration with many seeds, for a number of requests each, and
// compares a figure with what theory says: it must be within the 95 % confidence interval.
func replicate(t *testing.T, conf Config, rate, requests, want float64, figure func(*Result) float64) {
	t.Helper()
	const runs = 16
	const student = 2.131 // 97.5 % point with 15 degrees of freedom
	conf.Until = time.Duration(requests / rate * float64(time.Second))
	conf.Warmup = conf.Until / 10
	var x []float64
	for seed := range uint64(runs) {
		conf.Seed = seed + 1
		r, err := Run(conf)
		if err != nil {
			t.Fatal(err)
		}
		x = append(x, figure(r))
	}
	mean, variance := 0.0, 0.0
	for _, v := range x {
		mean += v / runs
	}
	for _, v := range x {
		variance += (v - mean) * (v - mean) / (runs - 1)
	}
	half := student * math.Sqrt(variance/runs)
	t.Logf("%.5g ± %.2g, by theory %.5g", mean, half, want)
	if math.Abs(mean-want) > half {
		t.Errorf("%.5g ± %.2g, by theory %.5g", mean, half, want)
	}
}

// TestErlangC compares the mean wait for one and for eight seats with the theory of M/M/c.
func TestErlangC(t *testing.T) {
	for _, seats := range []int{1, 8} {
		for _, rho := range []float64{.5, .8, .95} {
			t.Run(fmt.Sprintf("%d seats %.2f", seats, rho), func(t *testing.T) {
				requests := 20000.0
				if rho > .9 {
					requests = 60000 // the longer the queue, the longer it remembers
				}
				rate := rho * float64(seats) / meanService.Seconds()
				replicate(t, queue(seats, rho, 1<<20), rate, requests, erlangC(seats, rho), func(r *Result) float64 {
					return float64(r.Classes[0].Wait.Mean()) / float64(meanService)
				})
			})
		}
	}
}

// TestErlangB compares the share that is refused when the queue is bounded: M/M/8/K.
func TestErlangB(t *testing.T) {
	const seats, rho = 8, 1.1
	for _, waiting := range []int{1, 4, 30} {
		t.Run(fmt.Sprint(waiting), func(t *testing.T) {
			p := birthDeath(
				func(n int) float64 {
					if n == seats+waiting {
						return 0
					}
					return rho * seats
				},
				func(n int) float64 { return float64(min(n, seats)) })
			conf := queue(seats, rho, waiting)
			conf.Sources[0].Clients = 1 // so that nobody is fatter, and the newcomer is refused
			replicate(t, conf, rho*seats/meanService.Seconds(), 20000, p[seats+waiting], func(r *Result) float64 {
				return float64(r.Classes[0].Outcomes[kernel.FullClass]+r.Classes[0].Outcomes[kernel.FullFlow]) / float64(r.Classes[0].Arrived)
			})
		})
	}
	// Without a queue it is the formula itself: one that waits is as good as refused.
	if got, want := erlangB(8, 8.8), birthDeath(func(n int) float64 {
		if n == 8 {
			return 0
		}
		return 8.8
	}, func(n int) float64 { return float64(n) })[8]; math.Abs(got-want) > 1e-12 {
		t.Errorf("the two formulas differ: %g, %g", got, want)
	}
}

// TestErlangA compares the share that leaves when clients have patience of random length,
// M/M/8+M, and when all have the same, M/M/8+D: by cancelling, by WaitMax, by StartBy.
func TestErlangA(t *testing.T) {
	const seats, rho = 8, 1.2
	lambda := rho * seats // per mean service
	const patience = 2.0  // mean services
	replicated := func(conf Config, want float64) {
		t.Helper()
		replicate(t, conf, lambda/meanService.Seconds(), 20000, want, func(r *Result) float64 {
			c := &r.Classes[0]
			return float64(c.Cancelled+c.Outcomes[kernel.WaitedOut]+c.Outcomes[kernel.TooLate]) / float64(c.Arrived)
		})
	}

	p := birthDeath(
		func(int) float64 { return lambda },
		func(n int) float64 { return float64(min(n, seats)) + float64(max(0, n-seats))/patience })
	left := 0.0
	for n := range p {
		left += float64(max(0, n-seats)) / patience * p[n] / lambda
	}
	conf := queue(seats, rho, 1<<20)
	conf.Sources[0].Patience = Exp(patience * meanService)
	replicated(conf, left)

	// With one patience for all, and service in the order of arrival, the wait that an
	// arrival would have to bear has the density p(c-1)·λ·exp(-(c-λ)·x) below the patience τ
	// and p(c-1)·λ·exp(λτ-cx) above it (F. Baccelli, G. Hebuterne 1981).
	const tau = patience
	c := float64(seats)
	q := []float64{1} // proportional to the probabilities of 0 … c-1 being there
	sum := 1.0
	for n := 1; n < seats; n++ {
		q = append(q, q[n-1]*lambda/float64(n))
		sum += q[n]
	}
	last := q[seats-1]
	below := last * lambda * (1 - math.Exp(-(c-lambda)*tau)) / (c - lambda)
	above := last * lambda * math.Exp(-(c-lambda)*tau) / c
	left = above / (sum + below + above)

	conf = queue(seats, rho, 1<<20)
	conf.Sources[0].Clients = 1
	conf.Kernel.Classes[0].WaitMax = patience * meanService
	replicated(conf, left)
	conf = queue(seats, rho, 1<<20)
	conf.Sources[0].Clients = 1
	conf.Sources[0].StartBy = patience * meanService
	replicated(conf, left)
}
