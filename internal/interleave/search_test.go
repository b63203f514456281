//go:build interleave

package interleave

import (
	"context"
	"fmt"
	"testing"

	"gridflow/internal/interleave/csync"
)

// multinomial gives in how many orders threads with so many steps can be interleaved.
func multinomial(steps ...int) int {
	total, ways := 0, 1
	for _, n := range steps {
		for k := 1; k <= n; k++ {
			total++
			ways = ways * total / k
		}
	}
	return ways
}

// bounded counts by plain recursion the interleavings with at most so many preemptions.
func bounded(bound, prev int, left []int) int {
	ways, finished := 0, true
	for i := range left {
		if left[i] == 0 {
			continue
		}
		finished = false
		cost := 0
		if prev >= 0 && i != prev && left[prev] > 0 {
			cost = 1
		}
		if cost <= bound {
			left[i]--
			ways += bounded(bound-cost, i, left)
			left[i]++
		}
	}
	if finished {
		return 1
	}
	return ways
}

// writers is a program of threads that write to one object so many times each.
func writers(steps ...int) func(*Run) {
	return func(r *Run) {
		var x csync.Int64
		for i, n := range steps {
			r.Go(fmt.Sprint(i), func() {
				for range n {
					x.Add(1)
				}
			})
		}
	}
}

var shapes = [][]int{{1}, {3, 2}, {4, 4}, {6, 7}, {1, 1, 1}, {3, 3, 2}, {2, 2, 2, 2}, {1, 1, 1, 1, 1}, {0, 3, 1}}

func TestCountsEveryInterleaving(t *testing.T) {
	for _, steps := range shapes {
		for _, unpruned := range []bool{true, false} { // nothing commutes on one object
			report, failure := Search(Options{Unpruned: unpruned}, writers(steps...))
			if failure != nil {
				t.Fatal(failure)
			}
			if want := multinomial(steps...); report.Executions != want || report.Pruned != 0 {
				t.Errorf("%v, unpruned %v: %v, want %d executions", steps, unpruned, report, want)
			}
		}
	}
}

func TestCountsInterleavingsWithinBound(t *testing.T) {
	for _, steps := range shapes {
		for bound := range 5 {
			report, failure := Search(Options{Mode: Bounded, Bound: bound, Unpruned: true}, writers(steps...))
			if failure != nil {
				t.Fatal(failure)
			}
			if want := bounded(bound, -1, append([]int(nil), steps...)); report.Executions != want {
				t.Errorf("%v, bound %d: %v, want %d executions", steps, bound, report, want)
			}
		}
	}
}

// Threads that have nothing in common have one interleaving up to commuting steps, and
// readers of one object too.
func TestPrunesWhatCommutes(t *testing.T) {
	apart := func(r *Run) {
		for i := range 3 {
			var x csync.Int64
			r.Go(fmt.Sprint(i), func() {
				for range 4 {
					x.Add(1)
				}
			})
		}
	}
	readers := func(r *Run) {
		var x csync.Int64
		for i := range 3 {
			r.Go(fmt.Sprint(i), func() {
				for range 4 {
					x.Load()
				}
			})
		}
	}
	for name, body := range map[string]func(*Run){"apart": apart, "readers": readers} {
		report, failure := Search(Options{}, body)
		if failure != nil || report.Executions != 1 {
			t.Errorf("%s: %v, %v; want 1 execution", name, report, failure)
		}
		if report, _ := Search(Options{Unpruned: true}, body); report.Executions != multinomial(4, 4, 4) {
			t.Errorf("%s, unpruned: %v", name, report)
		}
	}
}

// A wait that can end in both ways is executed in both.
func TestBothEndsOfAWait(t *testing.T) {
	ends := map[string]int{}
	_, failure := Search(Options{}, func(r *Run) {
		p := csync.MakeParker()
		ctx, cancel := csync.WithCancel(context.Background())
		var got string
		r.Go("waiter", func() {
			err := p.Park(ctx)
			got = fmt.Sprint(err, p.TryPark())
		})
		r.Go("waker", p.Unpark)
		r.Go("canceller", func() { cancel() })
		r.Final(func() error { ends[got]++; return nil })
	})
	if failure != nil {
		t.Fatal(failure)
	}
	for _, want := range []string{"<nil> false", "context canceled false", "context canceled true"} {
		if ends[want] == 0 {
			t.Errorf("never ended with %q: %v", want, ends)
		}
	}
}

func TestScheduleText(t *testing.T) {
	for _, text := range []string{"", "a", "a3b2", "ab!c!12A", "a!b3a!2F"} {
		s, err := parseSchedule(text)
		if err != nil || s.String() != text {
			t.Errorf("%q: %q, %v", text, s, err)
		}
	}
	for _, text := range []string{"3", "a-", "!", "a99999999999999999999"} {
		if s, err := parseSchedule(text); err == nil {
			t.Errorf("%q is read as %q", text, s)
		}
	}
}

func BenchmarkExecutions(b *testing.B) {
	for _, bm := range []struct {
		name string
		o    Options
	}{
		{"exhaustive", Options{Unpruned: true}},
		{"bound 2", Options{Mode: Bounded, Bound: 2, Unpruned: true}},
		{"pct", Options{Mode: PCT, Runs: 5000}},
	} {
		b.Run(bm.name, func(b *testing.B) {
			var all Report
			for b.Loop() {
				report, failure := Search(bm.o, writers(4, 4, 4))
				if failure != nil {
					b.Fatal(failure)
				}
				all.Executions += report.Executions
				all.Steps += report.Steps
				all.Took += report.Took
			}
			b.ReportMetric(all.PerSecond(), "executions/s")
			b.ReportMetric(float64(all.Took.Nanoseconds())/float64(all.Steps), "ns/step")
		})
	}
}
