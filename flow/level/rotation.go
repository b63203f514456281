package level

import (
	"fmt"
	"math/bits"
	"time"
)

// TypesMax is the number of kinds of work that a [Rotation] can hold; they are one word.
const TypesMax = 64

// Type is a kind of work.
type Type struct {
	Name    string
	Lot     int           // its weight: at most so many in a turn, while others wait
	Setup   time.Duration // what it costs to change over to it
	Longest time.Duration // no piece of it takes longer: its execution deadline
}

// Rotation takes the kinds of work in turn, each for its lot, and passes over those that
// have none. It holds only how many of each are waiting; which of them is next is the
// caller's affair. It is not safe for concurrent use.
type Rotation struct {
	types   []Type
	waiting []int
	since   []time.Duration // since then work of it waits and none was started
	longest []time.Duration // see Interval
	present uint64          // kinds that have work
	current int             // whose turn it is; -1 before the first
	left    int             // in its lot
}

// NewRotation gives a Rotation of kinds of work, or says what is wrong with them.
func NewRotation(types []Type) (*Rotation, error) {
	if len(types) < 1 || len(types) > TypesMax {
		return nil, fmt.Errorf("level: %d kinds of work: it must be 1 to %d", len(types), TypesMax)
	}
	for _, t := range types {
		if t.Lot < 1 || t.Setup < 0 || t.Longest < 0 {
			return nil, fmt.Errorf("level: kind %q with a lot of %d, setup %v, longest %v: the lot must be at least 1, the times not negative", t.Name, t.Lot, t.Setup, t.Longest)
		}
	}
	return &Rotation{
		types:   append([]Type(nil), types...),
		waiting: make([]int, len(types)),
		since:   make([]time.Duration, len(types)),
		longest: make([]time.Duration, len(types)),
		current: -1,
	}, nil
}

// Bound gives the time within which every kind that has work is started: the sum over
// all kinds of setup + lot × longest. It holds for one seat; with more it is shorter.
// Where a [Pacer] holds starts back, longest must not be less than its interval.
func (r *Rotation) Bound() time.Duration {
	var sum time.Duration
	for _, t := range r.types {
		sum += t.Setup + time.Duration(t.Lot)*t.Longest
	}
	return sum
}

// Interval gives the longest time so far in which work of a kind was waiting and none of
// it was started.
func (r *Rotation) Interval(kind int) time.Duration { return r.longest[kind] }

// Waiting gives how many pieces of a kind are waiting.
func (r *Rotation) Waiting(kind int) int { return r.waiting[kind] }

// Add says that a piece of a kind has come.
func (r *Rotation) Add(now time.Duration, kind int) {
	if r.waiting[kind]++; r.waiting[kind] == 1 {
		r.present |= 1 << kind
		r.since[kind] = now
	}
}

// Drop says that a piece of a kind that was waiting has left.
func (r *Rotation) Drop(kind int) {
	if r.waiting[kind] == 0 {
		return
	}
	if r.waiting[kind]--; r.waiting[kind] == 0 {
		r.present &^= 1 << kind
	}
}

// Turn says of which kind the piece is that should be started next; ok is false when
// nothing is waiting.
func (r *Rotation) Turn() (kind int, ok bool) {
	if r.present == 0 {
		return 0, false
	}
	before := r.current
	if before < 0 || r.left == 0 || r.waiting[before] == 0 {
		after := r.present &^ (1<<(before+1) - 1) // the kinds behind the current one
		if after == 0 {
			after = r.present // around
		}
		return bits.TrailingZeros64(after), true
	}
	return before, true
}

// Take says that a piece of a kind is started now, and whether that is another kind than
// before, which costs a setup. It should be the one whose [Rotation.Turn] it is: Bound
// holds for those.
func (r *Rotation) Take(now time.Duration, kind int) (setup bool) {
	before := r.current
	if kind != before || r.left == 0 {
		r.current, r.left = kind, r.types[kind].Lot
	}
	r.left--
	if r.waiting[kind] > 0 {
		r.longest[kind] = max(r.longest[kind], now-r.since[kind])
	}
	r.since[kind] = now
	r.Drop(kind)
	return kind != before
}

// Next takes the piece that is to be started now, and says of which kind it is and
// whether that is another kind than before, which costs a setup. ok is false when
// nothing is waiting.
func (r *Rotation) Next(now time.Duration) (kind int, setup, ok bool) {
	if kind, ok = r.Turn(); ok {
		setup = r.Take(now, kind)
	}
	return kind, setup, ok
}
