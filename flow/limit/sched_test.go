package limit

import (
	"math"
	"runtime"
	"sync"
	"testing"
	"time"
)

func TestSchedReader(t *testing.T) {
	var r SchedReader
	if l := r.Read(); l != (SchedLoad{}) {
		t.Errorf("the first reading is %+v", l)
	}
	// More goroutines than processors, each of which gives its processor away again and
	// again: all of them are scheduled, so there is something to be read.
	var wg sync.WaitGroup
	for range 20 * runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for range 200 {
				runtime.Gosched()
			}
		})
	}
	wg.Wait()
	l := r.Read()
	if l.Latency < 0 || l.Latency > time.Minute || l.Runnable < 0 {
		t.Errorf("load %+v", l)
	}
	if n := testing.AllocsPerRun(10, func() { r.Read() }); n > 0 {
		t.Errorf("a reading allocates %v times", n)
	}
}

func TestLowEdge(t *testing.T) {
	edges := []float64{math.Inf(-1), 0, 0.001, 0.01, 0.1, math.Inf(1)}
	for _, c := range []struct {
		counts []uint64
		want   time.Duration
	}{
		{[]uint64{0, 0, 0, 0, 0}, 0},
		{[]uint64{0, 0, 0, 0, 50}, 0}, // too few to have a 99th percentile
		{[]uint64{0, 1000, 0, 0, 0}, 0},
		{[]uint64{0, 1000, 0, 0, 5}, 0},
		{[]uint64{0, 1000, 0, 50, 0}, 10 * time.Millisecond},
		{[]uint64{0, 1000, 0, 0, 50}, 100 * time.Millisecond},
	} {
		if got := lowEdge(edges, c.counts, 0.99); got != c.want {
			t.Errorf("%v: %v, want %v", c.counts, got, c.want)
		}
	}
}

func TestPressure(t *testing.T) {
	for _, c := range []struct {
		load SchedLoad
		want float64
	}{
		{SchedLoad{}, 0},
		{SchedLoad{Latency: 5 * time.Millisecond, Runnable: 1}, 0.5},
		{SchedLoad{Latency: time.Millisecond, Runnable: 64}, 2},
	} {
		if got := c.load.Pressure(); got != c.want {
			t.Errorf("%+v: %v, want %v", c.load, got, c.want)
		}
	}
}

func benchmark(b *testing.B, l Limiter) {
	b.ReportAllocs()
	var now time.Duration
	for b.Loop() {
		now += 100 * time.Microsecond
		l.Observe(now, Sample{20 * time.Millisecond, 8, OK})
	}
}

func BenchmarkControllerObserve(b *testing.B) {
	c, _ := New(Medium(1, 64))
	benchmark(b, c)
}

func BenchmarkGradientObserve(b *testing.B) {
	g, _ := NewGradient(GradientConfig{Min: 1, Max: 64})
	benchmark(b, g)
}

func BenchmarkSchedRead(b *testing.B) {
	b.ReportAllocs()
	var r SchedReader
	for b.Loop() {
		r.Read()
	}
}
