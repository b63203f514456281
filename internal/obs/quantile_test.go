package obs

import (
	"testing"
	"time"
)

// TestQuantile: of 1…n the quantile k/n is k, for every k and n, also where k/n·n is not k
// in floating point.
func TestQuantile(t *testing.T) {
	var times []time.Duration
	for n := 1; n <= 300; n++ {
		times = append(times, time.Duration(n))
		for k := range n {
			if got := Quantile(times, float64(k+1)/float64(n)); got != time.Duration(k+1) {
				t.Errorf("quantile %d/%d is %d", k+1, n, got)
			}
		}
	}
	for q, want := range map[float64]time.Duration{-1: 1, 0: 1, 0.001: 1, 0.55: 165, 0.9999: 300, 1: 300, 2: 300} {
		if got := Quantile(times, q); got != want {
			t.Errorf("quantile %g is %d, want %d", q, got, want)
		}
	}
	if got := Quantile(nil, 0.5); got != 0 {
		t.Errorf("of nothing: %v", got)
	}
}
