package calc

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"gridflow/internal/calc/graph"
	"gridflow/internal/calc/scenes"
)

// BenchmarkCores says how many times faster a full calculation is with more cores, as far as that can be
// told where there are few or others are at them: it makes the plan that is really made, has one worker do its pieces
// one by one and takes the processor's time of each, and lets n workers of the mind take them from one list. The
// least of the runs counts: let there be some.
//
// Done by one are the graph and the plan, what reads itself, and what is left at the end. Marking,
// unpacking and storing are shared by tiles. Starting the workers of a level costs startCost each. What
// cores take from each other in memory is not in it: for that there is BenchmarkCoresWall.
func BenchmarkCores(b *testing.B) {
	for _, s := range scenes.All {
		in := workbook(s.Fill, 1)
		m, err := NewModel(context.Background(), in)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(s.Name, func(b *testing.B) {
			best := map[int]time.Duration{} // others at the machine only make it more
			for b.Loop() {
				for _, n := range []int{1, 2, 8, 64} {
					if t := simulate(b, m, in, n); best[n] == 0 || t < best[n] {
						best[n] = t
					}
				}
			}
			for _, n := range []int{2, 8, 64} {
				b.ReportMetric(best[1].Seconds()/best[n].Seconds(), fmt.Sprintf("x%d", n))
			}
			b.ReportMetric(best[1].Seconds()*1e3, "cpu-ms")
		})
	}
}

const startCost = 300 * time.Nanosecond // of one worker for one level

// simulate gives how long a full calculation takes on n cores.
func simulate(b *testing.B, m *Model, in Input, n int) (total time.Duration) {
	ctx := context.Background()
	runtime.GC()
	from := processor()
	lap := func() time.Duration {
		was := from
		from = processor()
		return from - was
	}
	d, err := m.graph.All(ctx, 0)
	if err != nil {
		b.Fatal(err)
	}
	plan, err := d.Plan(ctx)
	if err != nil {
		b.Fatal(err)
	}
	c := m.begin(in, Options{All: true, Workers: n})
	total += lap()
	c.mark(d)
	total += lap() / time.Duration(n)
	w := c.worker()
	for first := 0; first < len(plan.Units); {
		last := first
		var pieces []piece
		var steps []graph.Step
		var cost int64
		for ; last < len(plan.Units) && plan.Units[last].Level == plan.Units[first].Level; last++ {
			if plan.Units[last].Order != graph.Independent {
				for s := range plan.Steps(last) {
					w.step(s)
				}
				continue
			}
			for s, region := range plan.Parts(last) {
				for r := range region.Ranges() {
					steps = append(steps, graph.Step{Span: s, Cells: r})
					pieces = c.cut(pieces, steps[len(steps)-1], plan.Units[last].Cost/region.Cells())
				}
			}
			cost += plan.Units[last].Cost
		}
		first = last
		total += lap()
		if n > 1 {
			c.fetch(steps, cost)
			total += lap() / time.Duration(n)
		}
		groups := [][]piece{pieces}
		if cost >= alone { // also for one worker: to look at the clock takes its time
			groups = shares(pieces, n)
		}
		if n > 1 && cost >= alone {
			total += startCost * time.Duration(min(n, len(groups)))
		}
		total += lap()
		costs := make([]time.Duration, len(groups))
		for i, g := range groups {
			for _, p := range g {
				w.piece(p, c.sheets[p.sheet].tile(p.col, p.band))
			}
			costs[i] = lap()
		}
		total += share(costs, n)
	}
	w.rest()
	total += lap()
	if _, err := c.publish(ctx); err != nil {
		b.Fatal(err)
	}
	return total + lap()/time.Duration(n)
}

// share gives when the last of n workers ends that take work from one list.
func share(costs []time.Duration, n int) time.Duration {
	free := make([]time.Duration, n)
	for _, c := range costs {
		i := slices.Index(free, slices.Min(free))
		free[i] += c
	}
	return slices.Max(free)
}

// BenchmarkCoresWall takes the time on the clock of a full calculation by one worker and by two, in turn,
// each after the garbage of the one before is gone. It means something on a machine where nothing else
// runs. The processor's times beside it tell whether two do more work than one.
func BenchmarkCoresWall(b *testing.B) {
	for _, s := range scenes.All {
		in := workbook(s.Fill, 1)
		m, err := NewModel(context.Background(), in)
		if err != nil {
			b.Fatal(err)
		}
		run := func(b *testing.B, workers int) (clock, cpu time.Duration) {
			runtime.GC()
			start, from := processor(), time.Now()
			if _, err := m.Calculate(context.Background(), in, Options{All: true, Workers: workers}); err != nil {
				b.Fatal(err)
			}
			return time.Since(from), processor() - start
		}
		b.Run(s.Name, func(b *testing.B) {
			var clock [2][]time.Duration
			var cpu [2]time.Duration
			run(b, 1)
			for round := 0; b.Loop(); round++ {
				for i := range clock {
					k := (i + round) % 2 // each is the first now and then
					c, p := run(b, k+1)
					clock[k] = append(clock[k], c)
					cpu[k] += p
				}
			}
			for k := range clock {
				slices.Sort(clock[k])
				b.ReportMetric(clock[k][len(clock[k])/2].Seconds()*1e3, fmt.Sprintf("ms-%d", k+1))
				b.ReportMetric(cpu[k].Seconds()*1e3/float64(b.N), fmt.Sprintf("cpu-ms-%d", k+1))
			}
			b.ReportMetric(clock[0][len(clock[0])/2].Seconds()/clock[1][len(clock[1])/2].Seconds(), "x2")
		})
	}
}
