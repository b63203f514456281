package admit

import "sync/atomic"

// Weights say which clients get more of the seats' time than others when all have calls
// waiting: one of weight 3 gets three times as much as one of weight 1, which is that of
// whoever is not named. The zero Weights names nobody. They may be used and changed from
// any number of goroutines at once.
type Weights struct {
	byName atomic.Pointer[map[string]int64]
}

// WeightMax is the largest weight. A client of more would have the server for itself, for
// which there are better ways.
const WeightMax = 1000

// Set puts other weights, of 1 to WeightMax, in the place of those before. They hold for
// calls that come from now on. The caller must not change the map any more.
func (w *Weights) Set(byName map[string]int64) { w.byName.Store(&byName) }

// None tells whether nobody is named, so that nobody has to be asked for a name.
func (w *Weights) None() bool {
	m := w.byName.Load()
	return m == nil || len(*m) == 0
}

// Of gives the weight of a client by its user, or, where there is none, by its program. A
// program says its own name: a user that is known gains nothing by what the program says.
func (w *Weights) Of(user, program string) int64 {
	m := w.byName.Load()
	if m == nil {
		return 1
	}
	name := user
	if name == "" {
		name = program
	}
	return max((*m)[name], 1)
}
