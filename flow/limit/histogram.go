package limit

import (
	"math"
	"math/bits"
	"time"
)

// histogram counts durations in buckets whose width is a sixteenth of their octave, so
// that a quantile is off by at most 6 %, from a microsecond to more than an hour.
// Outside of that it tells only "less" and "more".
type histogram struct {
	n      int
	bucket [octaves * steps]uint32
}

const (
	lowestBit = 10 // 1.024 µs, in nanoseconds
	octaves   = 33 // up to 2.4 hours
	stepBits  = 4
	steps     = 1 << stepBits
)

func (h *histogram) add(d time.Duration) {
	h.n++
	h.bucket[bucketOf(d)]++
}

func bucketOf(d time.Duration) int {
	if d < 1<<lowestBit {
		return 0
	}
	top := bits.Len64(uint64(d)) - 1
	i := (top-lowestBit)<<stepBits | int(uint64(d)>>(top-stepBits))&(steps-1)
	return min(i, octaves*steps-1)
}

// quantile gives the upper edge of the bucket that holds the q-quantile (nearest rank);
// 0 when nothing was counted. The largest value of several is never it: of ten calls it
// would be the 95th percentile, and one slow call would decide.
func (h *histogram) quantile(q float64) time.Duration {
	rank := uint32(max(1, min(int(math.Ceil(q*float64(h.n))), h.n-1)))
	var sum uint32
	for i := range h.bucket {
		if sum += h.bucket[i]; sum >= rank {
			octave, step := i>>stepBits, i&(steps-1)
			return time.Duration(steps+step+1) << (octave + lowestBit - stepBits)
		}
	}
	return 0
}

func (h *histogram) reset() { *h = histogram{} }
