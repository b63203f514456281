package obs

import (
	"math"
	"time"
)

// Quantile gives the smallest of the sorted times that at least the share q of all do not
// exceed: one that was measured, not one between two. It is 0 where there are none.
func Quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	// The product of a share and a number can be a hair above the whole number that it is.
	i := int(math.Ceil(q*float64(len(sorted))-1e-9)) - 1
	return sorted[max(0, min(i, len(sorted)-1))]
}
