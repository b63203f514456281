package tally

import (
	"sync/atomic"
	"time"
)

// Bounds are the upper bounds of the buckets: from what a mutex is waited for to what a
// disk that is in trouble takes for a sync.
var Bounds = [...]time.Duration{
	time.Microsecond, 10 * time.Microsecond, 100 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond,
	time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 250 * time.Millisecond, time.Second, 5 * time.Second,
}

// Durations is a histogram of durations. The zero Durations is empty and ready. Its methods
// may be called from any number of goroutines at once.
type Durations struct {
	counts [len(Bounds) + 1]atomic.Uint64 // the last one: beyond all bounds
	sum    atomic.Int64                   // nanoseconds
}

// Add counts one that took t; less than nothing counts as nothing.
func (d *Durations) Add(t time.Duration) {
	t = max(t, 0)
	i := 0
	for i < len(Bounds) && t > Bounds[i] {
		i++
	}
	d.counts[i].Add(1)
	d.sum.Add(int64(t))
}

// Histogram is what Durations were at about one moment, in seconds, as Prometheus has it.
type Histogram struct {
	Count   uint64
	Sum     float64
	Buckets map[float64]uint64 // those that were not above the bound
}

// Read gives the histogram. Those that are added meanwhile may be in the counts and not in
// the sum yet.
func (d *Durations) Read() Histogram {
	h := Histogram{Sum: time.Duration(d.sum.Load()).Seconds(), Buckets: make(map[float64]uint64, len(Bounds))}
	for i := range d.counts {
		h.Count += d.counts[i].Load()
		if i < len(Bounds) {
			h.Buckets[Bounds[i].Seconds()] = h.Count
		}
	}
	return h
}
