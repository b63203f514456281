package sim

import (
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
				Name: "all", QueueMax: 1 << 20, FlowQueueMax: 64,
				WaitMax: 375 * time.Millisecond, Target: 100 * time.Millisecond, Interval: 500 * time.Millisecond,
			}},
			Resources: []kernel.Resource{{Name: "seat", Capacity: seats}},
			FlowsMax:  1 << 20,
		},
		Sources: []Source{{
			Clients:  clients,
			Pick:     Zipf(clients, 1.05),
			Gap:      PerSecond(10 * seats / work.Seconds()),
			Service:  Exp(work),
			Cost:     Const(work),
			Deadline: 500 * time.Millisecond,
		}},
		Seed:  1,
		Until: 2 * time.Second,
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
