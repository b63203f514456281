package flow

import (
	"math/bits"
	"time"

	"gridflow/internal/lock"
)

// Work is what is known of a call before it runs.
type Work struct {
	Kind  Kind
	Prior time.Duration // how long it will take, as far as one can guess without having seen one
	Class int           // Auto, or the class that it is of whatever it takes
	Need  Amounts
	Share string // see Request.Share
	Apart bool   // see Request.Apart
}

// Auto lets the class of a call follow from its predicted cost.
const Auto = -1

// A Kind is what calls that take about the same time have in common.
type Kind struct {
	Name string // of the tool
	Size uint8  // of what it works on; see [SizeBucket]
	Cold bool   // what it works on has to be loaded first
	Via  string // by whom it is done, where calls of one name may differ in that; "": as always
}

// SizeBucket gives the bucket of a size in bytes: sizes within a factor of two share one.
func SizeBucket(bytes int64) uint8 { return uint8(bits.Len64(uint64(max(bytes, 0)))) }

// Costs predicts how long calls take from how long calls of their kind took. Its methods
// may be called from any number of goroutines at once. The zero Costs knows nothing.
type Costs struct {
	mu     lock.Mutex[lock.FlowCosts]
	kinds  map[Kind]*estimate
	missed uint64
	judged uint64
}

// estimate is a moving average in nanoseconds. The first calls weigh equally, so that it
// is near the truth soon; after that a call weighs an eighth, so that it can follow.
type estimate struct {
	mean  float64
	calls int
}

const (
	// kindsMax bounds what is remembered. Kinds are tools × sizes, of which there are a
	// few hundred; beyond the bound a kind is known by its prior only.
	kindsMax = 4096
	// priorCalls is how many calls the prior is worth.
	priorCalls = 2
	// memory is how many calls an average reaches back.
	memory = 8
)

// Predict gives the time that a call of the kind will probably take; prior is what one
// would guess who has seen none.
func (c *Costs) Predict(k Kind, prior time.Duration) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.kinds[k]; e != nil {
		return time.Duration(e.mean)
	}
	return prior
}

// Learn takes in what a call of the kind took, and what had been predicted. It counts as a
// misprediction when both belong to different classes.
func (c *Costs) Learn(k Kind, predicted, took time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.judged++
	if ClassOf(predicted) != ClassOf(took) {
		c.missed++
	}
	e := c.kinds[k]
	if e == nil {
		if len(c.kinds) >= kindsMax {
			return
		}
		if c.kinds == nil {
			c.kinds = make(map[Kind]*estimate)
		}
		e = &estimate{mean: float64(predicted), calls: priorCalls}
		c.kinds[k] = e
	}
	e.calls = min(e.calls+1, memory)
	e.mean += (float64(took) - e.mean) / float64(e.calls)
}

// Mispredicted tells how many calls were of another class than predicted, of how many.
func (c *Costs) Mispredicted() (missed, of uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.missed, c.judged
}
