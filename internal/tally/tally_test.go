package tally

import (
	"math"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestRead: each bucket has those that are not above its bound, and the last of them is not
// all there are.
func TestRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var d Durations
		var all []time.Duration
		for _, n := range rapid.SliceOf(rapid.Int64Range(-1e9, 20e9)).Draw(t, "nanoseconds") {
			if i := n % int64(len(Bounds)); i >= 0 && n%2 == 0 {
				n = int64(Bounds[i]) // the bounds themselves, which a random number does not hit
			}
			d.Add(time.Duration(n))
			all = append(all, time.Duration(max(n, 0)))
		}
		h := d.Read()
		var sum time.Duration
		for _, x := range all {
			sum += x
		}
		if h.Count != uint64(len(all)) || math.Abs(h.Sum-sum.Seconds()) > 1e-9*float64(len(all)+1) || len(h.Buckets) != len(Bounds) {
			t.Fatalf("%+v of %v", h, all)
		}
		for _, bound := range Bounds {
			var want uint64
			for _, x := range all {
				if x <= bound {
					want++
				}
			}
			if got := h.Buckets[bound.Seconds()]; got != want {
				t.Fatalf("%d up to %v, want %d", got, bound, want)
			}
		}
	})
}

func TestConcurrentAdd(t *testing.T) {
	var d Durations
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 1000 {
				d.Add(time.Millisecond)
				d.Read()
			}
		})
	}
	wg.Wait()
	if h := d.Read(); h.Count != 8000 || h.Buckets[.001] != 8000 || h.Sum != 8 {
		t.Errorf("%+v", h)
	}
}
