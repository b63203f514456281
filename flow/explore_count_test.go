//go:build interleave

package flow

import (
	"context"
	"testing"
	"time"

	"gridflow/internal/interleave"
)

// To callers the gate is a counter: there is an order of their calls, each somewhere
// between its begin and its return, in which one after the other takes a seat that is
// free, gives one back, or sees how many are taken. A call that leaves is no single step
// of that (it may hold a seat for a moment that it gives back unseen), so none leaves here.

type counted struct {
	op string // acquire, done, look, limit
	n  int    // of limit
}

type counter struct{ taken, limit int }

// seatsModel is a counter of up to seats; result is 1 for a call that got in, 0 for one
// that was refused, and what look saw.
func seatsModel(seats int) interleave.Model[counter, counted, int] {
	return interleave.Model[counter, counted, int]{
		Start: counter{0, seats},
		Step: func(s counter, in counted, result int) (counter, bool) {
			switch in.op {
			case "acquire":
				if result == 0 {
					return s, s.taken >= s.limit // the queue was full, so the seats were taken
				}
				s.taken++
				return s, s.taken <= s.limit
			case "done":
				s.taken--
			case "limit":
				s.limit = in.n
			case "look":
				return s, result == s.taken
			}
			return s, true
		},
	}
}

func TestExploreCounting(t *testing.T) {
	for _, p := range []program{
		{name: "two", threads: threads("call look", "call")},
		{name: "two, limits", conf: seats(2), threads: threads("call call", "limit1 look limit2")},
		{name: "three", threads: threads("call", "call", "look look")},
		{name: "three, two seats", conf: seats(2), threads: threads("call", "call look", "call")},
		{name: "three, limits", conf: seats(2), threads: threads("call", "call", "limit1 look")},
		{name: "three, full", conf: queue(1), threads: threads("call", "call", "call")},
		{name: "four", threads: threads("call", "call", "call", "look")},
	} {
		t.Run(p.name, func(t *testing.T) {
			interleave.Explore(t, interleave.ByThreads(len(p.threads)), p.count)
		})
	}
}

func (p program) count(r *interleave.Run) {
	w := newWorld(r, p)
	var h interleave.History[counted, int]
	for i, script := range p.threads {
		r.Go(string(rune('a'+i)), func() {
			for _, word := range words(script) {
				switch word {
				case "call":
					var permit Permit
					if h.Call(counted{op: "acquire"}, func() int {
						var err error
						if permit, err = w.g.Acquire(context.Background(), seat); err != nil {
							return 0
						}
						return 1
					}) == 1 {
						h.Call(counted{op: "done"}, func() int { permit.Done(OK); return 0 })
					}
				case "look":
					h.Call(counted{op: "look"}, func() int { return w.g.Stats().InFlight })
				case "limit1", "limit2":
					n := int(word[5] - '0')
					h.Call(counted{op: "limit", n: n}, func() int { w.g.SetLimit(0, n); return 0 })
				}
			}
		})
	}
	r.Final(func() error {
		return interleave.Linearizable(seatsModel(int(w.g.Config().Resources[0].Capacity)), &h)
	})
}

// TestExploreCosts: what is learned by several at once is all counted.
func TestExploreCosts(t *testing.T) {
	for _, n := range []int{2, 3, 4} {
		interleave.Explore(t, interleave.ByThreads(n), func(r *interleave.Run) {
			var c Costs
			kind := Kind{Name: "read"}
			for i := range n {
				r.Go(string(rune('a'+i)), func() {
					c.Learn(kind, time.Millisecond, time.Second)
					if c.Predict(kind, 0) <= time.Millisecond {
						r.Failf("nothing was learned")
					}
					missed, of := c.Mispredicted()
					if missed != of || of < 1 || of > uint64(n) {
						r.Failf("%d of %d mispredicted", missed, of)
					}
				})
			}
			r.Final(func() error {
				// All saw the same, so the order does not matter.
				var alone Costs
				for range n {
					alone.Learn(kind, time.Millisecond, time.Second)
				}
				return same("predicted", c.Predict(kind, 0), alone.Predict(kind, 0))
			})
		})
	}
}
