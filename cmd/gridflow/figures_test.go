package main

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// figure writes what a scenario has measured beside its bound, in the form that
// bench/scenarios makes its table of. It checks nothing: where the bound does not depend on
// how busy the machine is, the test does.
func figure(t *testing.T, what string, got, bound any) {
	t.Helper()
	t.Logf("figure: %s: %v | %v", what, got, bound)
}

// slowest does something some times and gives what the slowest but one in a hundred of them took.
func slowest(times int, do func()) time.Duration {
	all := make([]time.Duration, times)
	for i := range all {
		began := time.Now()
		do()
		all[i] = time.Since(began)
	}
	slices.Sort(all)
	return all[(times-1)*99/100]
}

// beside writes how much longer something takes in the slowest of a hundred cases while
// something else goes on than alone, which depends on how busy the machine is.
func beside(t *testing.T, what string, busy, alone time.Duration, times float64) {
	t.Helper()
	figure(t, what, fmt.Sprintf("%v, alone %v", busy.Round(10*time.Microsecond), alone.Round(10*time.Microsecond)), fmt.Sprintf("%v times on a machine at rest", times))
}

// patience is how long to wait for what hangs: until shortly before all tests are given up. A machine that is merely slow is not to be
// told from one on which something hangs by any time that is known beforehand.
func patience(t *testing.T) time.Duration {
	end, ok := t.Deadline()
	if !ok {
		return 24 * time.Hour
	}
	return time.Until(end) * 9 / 10
}
