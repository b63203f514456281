//go:build !race

// A simulation is one goroutine: the race detector has nothing to find in it, and makes
// minutes of seconds. With it only laws_test.go is run.

package sim

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"gridflow/flow/kernel"
)

// TestRetryAfter: where a server has bursts to do, and time for them, most who are
// refused and come back when they were told to are let in, whatever the work takes, how
// little of it was expected, and how short the queue is.
func TestRetryAfter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// A burst is over within a second; what it brings takes longer.
		takes := rapid.SampledFrom([]time.Duration{time.Second, 2 * time.Second, 5 * time.Second}).Draw(t, "takes")
		seats := rapid.IntRange(1, 4).Draw(t, "seats")
		queue := rapid.IntRange(3, 8).Draw(t, "queue")
		kind := rapid.SampledFrom([]func(time.Duration) Dist{Const, Exp}).Draw(t, "kind")
		asked := float64(seats+queue) / (takes.Seconds() * float64(1+queue/seats)) // in a second, as a mean
		const on = 200 * ms
		off := time.Duration(float64(seats+queue) * 2 / asked * float64(time.Second))
		burst := Source{
			Clients: 100, Gap: PerSecond(2 * float64(seats+queue) / on.Seconds()), On: Const(on), Off: Exp(off),
			Service: kind(takes), Cost: Const(takes),
		}
		obeys := Source{First: 100, Clients: 3, Think: Exp(off / 4), Service: kind(takes), Cost: Const(takes)}
		conf := Config{
			Kernel: kernel.Config{
				Classes:   []kernel.Class{{Name: "all", QueueMax: queue, Limit: seats}},
				Resources: []kernel.Resource{{Name: "seat", Capacity: 8}},
			},
			Sources: []Source{burst, obeys},
			Seed:    rapid.Uint64().Draw(t, "seed"), Until: 300 * off,
		}
		refused := map[int]bool{}
		back, again := 0, 0
		conf.Trace = func(h Happened) {
			if h.What != Decided || h.Source == 0 {
				return
			}
			no := h.Outcome != kernel.Started
			if refused[h.Client] {
				back++
				if no {
					again++
				}
			}
			refused[h.Client] = no
		}
		if _, err := Run(conf); err != nil {
			t.Fatal(err)
		}
		if float64(again) > .35*float64(back)+5 {
			t.Errorf("of %d that came back when they were told to, %d were refused again", back, again)
		}
	})
}
