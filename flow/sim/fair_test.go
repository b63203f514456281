//go:build !race

// A simulation is one goroutine: the race detector has nothing to find in it, and makes
// minutes of seconds. With it only laws_test.go is run.

package sim

import (
	"fmt"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gridflow/flow/kernel"
)

// maxMin divides a capacity: nobody gets more than he demands, and nobody could get more
// without somebody who has no more than he, by weight, getting less.
func maxMin(capacity float64, demand, weight []float64) []float64 {
	share := make([]float64, len(demand))
	open := map[int]bool{}
	for i := range demand {
		open[i] = true
	}
	for len(open) > 0 {
		sum := 0.0
		for i := range open {
			sum += weight[i]
		}
		level := capacity / sum // for one unit of weight
		content := false
		for i := range open {
			if demand[i] <= level*weight[i] {
				share[i] = demand[i]
				capacity -= demand[i]
				delete(open, i)
				content = true
			}
		}
		if !content {
			for i := range open {
				share[i] = level * weight[i]
			}
			break
		}
	}
	return share
}

// TestMaxMin compares what clients of different demand, weight and length of calls are
// given with their max-min fair share.
func TestMaxMin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 8).Draw(t, "clients")
		capacity := rapid.Int64Range(1, 8).Draw(t, "seats")
		conf := Config{
			Kernel: kernel.Config{
				Classes:   []kernel.Class{{Name: "all", QueueMax: 64 * n, FlowQueueMax: 64}},
				Resources: []kernel.Resource{{Name: "seat", Capacity: capacity}},
			},
			Seed:   rapid.Uint64().Draw(t, "seed"),
			Warmup: 4 * time.Second, Until: 44 * time.Second, Each: true,
		}
		var weight []float64
		for i := range n {
			takes := rapid.SampledFrom([]time.Duration{2 * ms, 5 * ms, 10 * ms}).Draw(t, "takes")
			// A little less than the share is where chance decides; that is left out.
			wants := rapid.SampledFrom([]float64{.1, .3, 3}).Draw(t, "wants") * float64(capacity) / float64(n)
			w := rapid.SampledFrom([]int64{1, 1, 2, 4}).Draw(t, "weight")
			conf.Sources = append(conf.Sources, Source{
				First: i, Gap: PerSecond(wants / takes.Seconds()), Weight: w,
				Service: Uniform(0, 2*takes), Cost: Const(rapid.SampledFrom([]time.Duration{takes / 10, takes, takes * 10}).Draw(t, "expected")),
			})
			weight = append(weight, float64(w))
		}
		r, err := Run(conf)
		if err != nil {
			t.Fatal(err)
		}
		// What was asked for varies by chance: the share is that of what came.
		var demand []float64
		for i := range n {
			demand = append(demand, r.Clients[i].Asked.Seconds()/r.Length.Seconds())
		}
		for i, want := range maxMin(float64(capacity), demand, weight) {
			got := r.Clients[i].Served.Seconds() / r.Length.Seconds()
			if math.Abs(got-want) > .06*float64(capacity)/float64(n)+.06*want {
				t.Errorf("client %d, demand %.3g, weight %g: %.3g seats, fair are %.3g", i, demand[i], weight[i], got, want)
			}
		}
	})
}

// TestLag: between any two clients that have requests waiting all the time, the service
// that each has had, by its weight, differs by no more than the package comment of kernel
// says, over any stretch of time, whatever the calls take and were expected to take.
func TestLag(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 5).Draw(t, "clients")
		d := rapid.IntRange(1, 5).Draw(t, "seats")
		conf := Config{
			Kernel: kernel.Config{
				Classes:   []kernel.Class{{Name: "all", QueueMax: 1000}},
				Resources: []kernel.Resource{{Name: "seat", Capacity: int64(d)}, {Name: "other", Capacity: 1000}},
			},
			Seed: rapid.Uint64().Draw(t, "seed"), Until: 2 * time.Second, Check: true,
		}
		weight := make([]float64, n)
		known := rapid.Bool().Draw(t, "known")
		for i := range n {
			var takes Dist
			switch most := rapid.SampledFrom([]time.Duration{1 * ms, 10 * ms, 60 * ms}).Draw(t, "takes"); rapid.IntRange(0, 2).Draw(t, "kind") {
			case 0:
				takes = Const(most)
			case 1:
				takes = Uniform(0, most)
			case 2:
				takes = Mix(.1, Const(most), Const(most/20))
			}
			expected := Uniform(0, rapid.SampledFrom([]time.Duration{1 * ms, 10 * ms, 60 * ms}).Draw(t, "expected"))
			if known {
				expected = nil
			}
			w := rapid.Int64Range(1, 4).Draw(t, "weight")
			weight[i] = float64(w)
			// Of more than twice as many threads as seats there is always one that waits, also when
			// all its calls end at once.
			conf.Sources = append(conf.Sources, Source{
				First: i, Threads: 2*d + 1, Service: takes, Cost: expected, Weight: w,
				Need: kernel.Amounts{1, rapid.Int64Range(0, 2).Draw(t, "other")}, // so that they are of different shapes
			})
		}
		// The service of a client, up to any time, is that of its calls that have ended and
		// what those that run have run for.
		ended := make([]float64, n)
		dearest := make([]float64, n)
		starts := make([][]time.Duration, n)
		// least[i][j] and most[i][j] are the extremes of the difference so far: a stretch of
		// time may begin at one and end at the other.
		least, most := make([][]float64, n), make([][]float64, n)
		for i := range n {
			least[i], most[i] = make([]float64, n), make([]float64, n)
		}
		worst, told := 0.0, ""
		conf.Trace = func(h Happened) {
			i := h.Client
			switch {
			case h.What == Decided && h.Outcome == kernel.Started:
				starts[i] = append(starts[i], h.At)
				dearest[i] = max(dearest[i], float64(h.Service), float64(h.Cost), 1e3)
			case h.What == Ended:
				for k, at := range starts[i] {
					if at == h.At-h.Wait {
						starts[i] = append(starts[i][:k], starts[i][k+1:]...)
						break
					}
				}
				ended[i] += float64(h.Wait)
			default:
				return
			}
			if h.At == 0 || h.At >= conf.Until { // not all have come, or some have gone
				return
			}
			had := make([]float64, n)
			for i := range n {
				had[i] = ended[i]
				for _, at := range starts[i] {
					had[i] += float64(h.At - at)
				}
			}
			for i := range n {
				for j := range i {
					x := had[i]/weight[i] - had[j]/weight[j]
					least[i][j], most[i][j] = min(least[i][j], x), max(most[i][j], x)
					bound := 2 * float64(d) * max(dearest[i]/weight[i], dearest[j]/weight[j])
					if known {
						bound = float64(d+1) * (dearest[i]/weight[i] + dearest[j]/weight[j])
					}
					if lag := (most[i][j] - least[i][j]) / bound; lag > worst+1e-9 { // to the rounding: the bound is reached
						worst, told = lag, fmt.Sprintf("clients %d and %d differ by %.3f ms in service by weight, the bound is %.3f ms", i, j, lag*bound/1e6, bound/1e6)
					}
				}
			}
		}
		if _, err := Run(conf); err != nil {
			t.Fatal(err)
		}
		if worst > 1+1e-9 {
			t.Fatalf("%s", told)
		}
	})
}
