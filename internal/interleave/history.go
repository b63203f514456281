//go:build interleave

package interleave

import (
	"fmt"
	"strings"
	"unsafe"

	"gridflow/internal/interleave/coro"
)

// Model is what an object would do if its calls happened one at a time: from a state, a
// call with input in and result out leads to the next state, or cannot be (ok is false).
// States are compared; a state with a slice in it can be written as a string.
type Model[S comparable, I, O any] struct {
	Start S
	Step  func(state S, in I, out O) (next S, ok bool)
}

// History is the calls of one execution on one object. To begin a call and to return from
// it are operations that the search orders like all others, because linearizability looks
// at their order: two begins commute, two returns commute, a begin and a return do not.
type History[I, O any] struct {
	calls []call[I, O]
	now   int
}

type call[I, O any] struct {
	thread     string
	in         I
	out        O
	begin, end int // end is 0 while the call goes on
}

var (
	kindBegin  = coro.Kind{Type: "History", Verb: "begin", Access: coro.Read}
	kindReturn = coro.Kind{Type: "History", Verb: "return", Access: coro.Close}
)

// Call does a call by f, from a thread, and records it.
func (h *History[I, O]) Call(in I, f func() O) O {
	coro.Step(&kindBegin, unsafe.Pointer(h))
	i := len(h.calls)
	h.now++
	h.calls = append(h.calls, call[I, O]{in: in, begin: h.now})
	if t := coro.Current(); t != nil {
		h.calls[i].thread = t.Name
	}
	out := f()
	coro.Step(&kindReturn, unsafe.Pointer(h))
	h.now++
	h.calls[i].out, h.calls[i].end = out, h.now
	return out
}

// String lists the calls, one to a line, in the order in which they began.
func (h *History[I, O]) String() string {
	var b strings.Builder
	for _, c := range h.calls {
		fmt.Fprintf(&b, "%3d–%-3d %-10s %v → %v\n", c.begin, c.end, c.thread, c.in, c.out)
	}
	return b.String()
}

// Linearizable checks that the history could have come from a model: that its calls can be
// put in an order, each somewhere between its begin and its return, in which the model
// gives the same results. Every call must have returned. The search is that of Wing and Gong, "Testing and Verifying Concurrent Objects",
// JPDC 17, 1993, with Lowe's memory of configurations that led nowhere ("Testing for
// Linearizability", Concurrency and Computation 29, 2017). It takes at most 64 calls.
func Linearizable[S comparable, I, O any](m Model[S, I, O], h *History[I, O]) error {
	if len(h.calls) > 64 {
		return fmt.Errorf("a history of %d calls; at most 64 can be checked", len(h.calls))
	}
	l := linearizer[S, I, O]{model: m, calls: h.calls}
	for _, c := range h.calls {
		if c.end == 0 {
			return fmt.Errorf("a call of %s has not returned:\n%s", c.thread, h)
		}
	}
	if !l.from(m.Start, 0) {
		return fmt.Errorf("no order of these calls explains their results:\n%s", h)
	}
	return nil
}

type linearizer[S comparable, I, O any] struct {
	model Model[S, I, O]
	calls []call[I, O]
	dead  map[config[S]]bool
}

// config is a state and the calls that have led to it.
type config[S comparable] struct {
	state S
	done  uint64
}

// from reports whether the calls that are not done can go on from a state.
func (l *linearizer[S, I, O]) from(state S, done uint64) bool {
	if done == 1<<len(l.calls)-1 {
		return true
	}
	at := config[S]{state, done}
	if l.dead[at] {
		return false
	}
	// The next call must have begun before any other that is not done returned.
	earliest := 0
	for i, c := range l.calls {
		if done&(1<<i) == 0 && (earliest == 0 || c.end < earliest) {
			earliest = c.end
		}
	}
	for i, c := range l.calls {
		if done&(1<<i) != 0 || c.begin > earliest {
			continue
		}
		if next, ok := l.model.Step(state, c.in, c.out); ok && l.from(next, done|1<<i) {
			return true
		}
	}
	if l.dead == nil {
		l.dead = map[config[S]]bool{}
	}
	l.dead[at] = true
	return false
}
