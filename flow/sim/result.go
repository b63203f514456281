package sim

import (
	"math"
	"math/bits"
	"time"

	"gridflow/flow/kernel"
)

// A Result is what a run was like. Requests that arrived before Config.Warmup are in none
// of the tallies.
type Result struct {
	Length  time.Duration // from the end of the warm-up to the end of the arrivals
	Classes []Tally
	Sources []Tally
	Clients []Client            // by number; nil without Config.Each
	Stats   []kernel.ClassStats // by class, at the end, of everything
	Events  uint64
}

// A Tally counts what became of requests.
type Tally struct {
	Arrived   uint64
	Outcomes  [kernel.Outcomes]uint64
	Cancelled uint64
	Good      uint64 // answered by their deadline
	Late      uint64 // answered after it

	Wait   Histogram     // of those that started
	Answer Histogram     // of the good ones, from arrival to end
	Queued time.Duration // waited by all, whatever became of them
	Served time.Duration // taken by all that started
}

// Rate is the number of good answers in a second.
func (r *Result) Rate(t *Tally) float64 { return float64(t.Good) / r.Length.Seconds() }

// Lost is the share of requests without a good answer.
func (t *Tally) Lost() float64 { return 1 - float64(t.Good)/float64(t.Arrived) }

// A Client counts what one client was given.
type Client struct {
	Started, Good uint32
	Asked         time.Duration // of service, by all that arrived
	Served        time.Duration // taken by all that started
}

// Jain is R. Jain's index of fairness: 1 if all are equal, 1/n if one has everything.
func Jain(x []float64) float64 {
	sum, squares := 0.0, 0.0
	for _, v := range x {
		sum += v
		squares += v * v
	}
	return sum * sum / (float64(len(x)) * squares)
}

// A Histogram holds durations to within 0.8 % and their mean exactly.
type Histogram struct {
	n       uint64
	sum     float64
	max     time.Duration
	buckets []uint32
}

// Durations of one power of two are told apart by that many of their next bits.
const histogramBits = 6

func (h *Histogram) add(d time.Duration) {
	h.n++
	h.sum += float64(d)
	h.max = max(h.max, d)
	b := bucket(uint64(d))
	if b >= len(h.buckets) {
		h.buckets = append(h.buckets, make([]uint32, b+1-len(h.buckets))...)
	}
	h.buckets[b]++
}

func bucket(v uint64) int {
	shift := max(bits.Len64(v)-histogramBits-1, 0)
	return shift<<histogramBits + int(v>>shift)
}

// middle is the middle of a bucket.
func middle(b int) time.Duration {
	shift := max(b>>histogramBits-1, 0)
	return time.Duration(b-shift<<histogramBits)<<shift + time.Duration(1)<<shift/2
}

// Len is the number of durations.
func (h *Histogram) Len() uint64 { return h.n }

// Mean is their mean, 0 of none.
func (h *Histogram) Mean() time.Duration {
	if h.n == 0 {
		return 0
	}
	return time.Duration(h.sum / float64(h.n))
}

// Max is the longest.
func (h *Histogram) Max() time.Duration { return h.max }

// Quantile is the duration that a share q of them does not exceed.
func (h *Histogram) Quantile(q float64) time.Duration {
	rank := uint64(math.Ceil(q * float64(h.n)))
	for b, n := range h.buckets {
		if rank <= uint64(n) {
			return min(middle(b), h.max)
		}
		rank -= uint64(n)
	}
	return h.max
}
