//go:build !race

// A simulation is one goroutine: the race detector has nothing to find in it, and makes
// minutes of seconds. With it only laws_test.go is run.

package sim

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"gridflow/flow/kernel"
)

func million() Config {
	const clients, seats = 1_000_000, 4096
	const work = 20 * time.Millisecond
	return Config{
		Kernel: kernel.Config{
			Classes: []kernel.Class{{
				Name: "all", QueueMax: 1 << 16, FlowQueueMax: 16,
				WaitMax: 425 * time.Millisecond, Target: 95 * time.Millisecond, Interval: 500 * time.Millisecond,
			}},
			Resources: []kernel.Resource{{Name: "seat", Capacity: seats}},
			FlowsMax:  1 << 20,
		},
		Sources: []Source{{
			Clients:  clients,
			Pick:     Zipf(clients, 1.1),
			Gap:      PerSecond(10 * seats / work.Seconds()),
			Service:  Exp(work),
			Cost:     Const(work),
			Deadline: 500 * time.Millisecond,
		}},
		Seed:  1,
		Until: 5 * time.Second,
	}
}

// TestZipf: the shares of the first clients, and of stretches of the others, are what they are
// to be; also where the polygon by which they are drawn has edges that are too long.
func TestZipf(t *testing.T) {
	for _, c := range []struct {
		n int
		s float64
	}{{1000, .7}, {1000, 1}, {1000, 1.3}, {1_000_000, 1.1}, {1_000_000, 2}, {1, 1}, {3, 0}} {
		const draws = 200_000
		pick, r := Zipf(c.n, c.s), rand.New(rand.NewPCG(1, 1))
		all := integral(c.s, 0, c.n)
		var got []int
		for range draws {
			got = append(got, pick(r))
		}
		slices.Sort(got)
		if got[0] < 0 || got[draws-1] >= c.n {
			t.Fatalf("%d clients, s = %g: from %d to %d were drawn", c.n, c.s, got[0], got[draws-1])
		}
		for from, to := 0, 1; from < c.n; from, to = to, to+max(1, to/4) {
			to = min(to, c.n)
			below := func(i int) int { n, _ := slices.BinarySearch(got, i); return n }
			have, want := float64(below(to)-below(from))/draws, integral(c.s, from, to)/all
			if math.Abs(have-want) > 5*math.Sqrt(want/draws) { // five standard deviations
				t.Errorf("%d clients, s = %g: those from %d to %d have %.5f, due are %.5f", c.n, c.s, from, to, have, want)
			}
		}
	}
}

// integral is that of 1/x^s over the clients from one to another, by strips that grow as x does.
func integral(s float64, from, to int) (sum float64) {
	const fine = 1e-3
	for x, end := float64(from+1), float64(to+1); x < end; {
		strip := min(fine*x, end-x)
		sum += strip * math.Pow(x+strip/2, -s)
		x += strip
	}
	return sum
}

// TestMillion is BenchmarkMillion, a little of it: it is done, and most of it well.
func TestMillion(t *testing.T) {
	conf := million()
	conf.Warmup, conf.Until = 150*time.Millisecond, 300*time.Millisecond
	r := run(t, conf)
	if good := r.Rate(&r.Classes[0]) / (4096 / .020); good < .98 {
		t.Errorf("%.3f of the peak", good)
	}
}

// BenchmarkMillion is a server of 4096 seats that a million clients, some of them far
// busier than others, ask for ten times what it can do.
func BenchmarkMillion(b *testing.B) {
	requests := uint64(0)
	for b.Loop() {
		r, err := Run(million())
		if err != nil {
			b.Fatal(err)
		}
		c := &r.Classes[0]
		requests += c.Arrived
		b.ReportMetric(100*r.Rate(c)/(4096/0.020), "%goodput")
		b.ReportMetric(float64(c.Answer.Quantile(.99).Milliseconds()), "p99-ms")
	}
	b.ReportMetric(float64(requests)/b.Elapsed().Seconds(), "req/s")
}
