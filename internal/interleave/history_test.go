//go:build interleave

package interleave

import (
	"strings"
	"testing"

	"gridflow/internal/interleave/csync"
)

// register is a model of one word: an input is what to write, or 0 to read.
var register = Model[int, int, int]{Step: func(state, in, out int) (int, bool) {
	if in != 0 {
		return in, true
	}
	return state, out == state
}}

// Histories are written as calls, each with its begin and its return.
func TestLinearizable(t *testing.T) {
	type calls = []call[int, int]
	for _, test := range []struct {
		name  string
		calls calls
		want  bool
	}{
		{"nothing", calls{}, true},
		{"read after write", calls{{in: 1, begin: 1, end: 2}, {out: 1, begin: 3, end: 4}}, true},
		{"stale read", calls{{in: 1, begin: 1, end: 2}, {out: 0, begin: 3, end: 4}}, false},
		{"read during write, old", calls{{in: 1, begin: 1, end: 4}, {out: 0, begin: 2, end: 3}}, true},
		{"read during write, new", calls{{in: 1, begin: 1, end: 4}, {out: 1, begin: 2, end: 3}}, true},
		{"new, then old, during write", calls{{in: 1, begin: 1, end: 6}, {out: 1, begin: 2, end: 3}, {out: 0, begin: 4, end: 5}}, false},
		{"old, then new, during write", calls{{in: 1, begin: 1, end: 6}, {out: 0, begin: 2, end: 3}, {out: 1, begin: 4, end: 5}}, true},
		{"two readers that disagree about two writes", calls{
			{in: 1, begin: 1, end: 11}, {in: 2, begin: 2, end: 12},
			{out: 1, begin: 3, end: 4}, {out: 2, begin: 5, end: 6}, {out: 1, begin: 7, end: 8},
		}, false},
		{"a call that has not returned", calls{{in: 1, begin: 1}}, false},
		{"a value from nowhere", calls{{out: 7, begin: 1, end: 2}}, false},
	} {
		if err := Linearizable(register, &History[int, int]{calls: test.calls}); (err == nil) != test.want {
			t.Errorf("%s: %v", test.name, err)
		}
	}
	if err := Linearizable(register, &History[int, int]{calls: make(calls, 65)}); err == nil {
		t.Error("65 calls are checked")
	}
	full := make(calls, 64)
	for i := range full {
		full[i] = call[int, int]{in: 1, begin: 1, end: 2}
	}
	if err := Linearizable(register, &History[int, int]{calls: full}); err != nil {
		t.Error("64 calls are not checked")
	}
}

// queue is a model of a queue of small positive numbers as text: an input is what to put
// in, or 0 to take out; taking out of the empty one gives 0.
var queue = Model[string, rune, rune]{Step: func(state string, in, out rune) (string, bool) {
	if in != 0 {
		return state + string(in), true
	}
	if state == "" {
		return state, out == 0
	}
	rest, ok := strings.CutPrefix(state, string(out))
	return rest, ok
}}

// A queue that is a slice behind a mutex; the wrong one gives up the lock between reading
// the first item and dropping it.
func queueProgram(wrong bool) func(*Run) {
	return func(r *Run) {
		var (
			mu    csync.Mutex
			items []rune
			h     History[rune, rune]
		)
		put := func(v rune) {
			h.Call(v, func() rune {
				mu.Lock()
				defer mu.Unlock()
				items = append(items, v)
				return 0
			})
		}
		take := func() {
			h.Call(0, func() rune {
				mu.Lock()
				defer mu.Unlock()
				if len(items) == 0 {
					return 0
				}
				v := items[0]
				if wrong {
					mu.Unlock()
					mu.Lock()
				}
				if len(items) > 0 {
					items = items[1:]
				}
				return v
			})
		}
		r.Go("a", func() { put('x'); take() })
		r.Go("b", func() { put('y'); take() })
		r.Final(func() error { return Linearizable(queue, &h) })
	}
}

func TestHistories(t *testing.T) {
	Explore(t, Options{Mode: Bounded, Bound: 3}, queueProgram(false))
	for _, o := range []Options{{Mode: Bounded, Bound: 2}, {}} {
		report, failure := Search(o, queueProgram(true))
		if failure == nil || failure.Kind != Final {
			t.Errorf("%v: %v", report, failure)
		}
	}
}

// Pruning may lose no order of begins and returns: two threads that touch nothing in
// common still have a history in which one call is before the other, and one in which they
// overlap.
func TestPruningKeepsTheOrderOfCalls(t *testing.T) {
	seen := map[string]bool{}
	_, failure := Search(Options{}, func(r *Run) {
		var h History[int, int]
		var words [2]csync.Int64
		for i, name := range []string{"a", "b"} {
			r.Go(name, func() {
				h.Call(0, func() int { words[i].Add(1); return 0 })
			})
		}
		r.Final(func() error {
			one, two := h.calls[0], h.calls[1]
			switch {
			case one.end < two.begin:
				seen[one.thread+" before "+two.thread] = true
			default:
				seen["overlap"] = true
			}
			return nil
		})
	})
	if failure != nil || len(seen) != 3 {
		t.Errorf("%v, %v", seen, failure)
	}
}
