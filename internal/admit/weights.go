package admit

import "sync/atomic"

// Weights say who gets more of the seats' time than others when all have calls waiting: one
// of weight 3 gets three times as much as one of weight 1, which is that of whoever is not
// named. The weight of a user counts among clients, that of a program among the programs of
// its client. The zero Weights names nobody. They may be used and changed from
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

// Client gives the weight of a client among clients: that of its user. Where none is known
// it is 1, whatever its programs say of themselves.
func (w *Weights) Client(user string) int64 { return w.of(user) }

// Part gives the weight of a program among those of the same client, by its own word: it
// can take from these only.
func (w *Weights) Part(program string) int64 { return w.of(program) }

func (w *Weights) of(name string) int64 {
	m := w.byName.Load()
	if m == nil || name == "" {
		return 1
	}
	return max((*m)[name], 1)
}
