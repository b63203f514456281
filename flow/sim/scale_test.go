//go:build !race

// A simulation is one goroutine: the race detector has nothing to find in it, and makes
// minutes of seconds. With it only laws_test.go is run.

package sim

import (
	"math"
	"math/rand/v2"
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

// TestZipf: the shares of the first clients, and of all the others, are what they are to be.
func TestZipf(t *testing.T) {
	for _, s := range []float64{.7, 1, 1.3} {
		const n, draws = 1000, 200_000
		pick, r := Zipf(n, s), rand.New(rand.NewPCG(1, 1))
		got := make([]float64, n)
		for range draws {
			got[pick(r)] += 1. / draws
		}
		sum := 0.0
		for i := range n {
			sum += integral(s, i)
		}
		for i := range 5 {
			if want := integral(s, i) / sum; math.Abs(got[i]-want) > .03*want {
				t.Errorf("s = %g: client %d has %.4f, due are %.4f", s, i, got[i], want)
			}
		}
	}
}

// integral is that of 1/x^s from i+1 to i+2, by a hundred strips.
func integral(s float64, i int) (sum float64) {
	const strips = 100
	for k := range strips {
		sum += math.Pow(float64(i+1)+(float64(k)+.5)/strips, -s) / strips
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
