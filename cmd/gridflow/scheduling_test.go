package main

import "testing"

// TestFittingCache: unless somebody says so the cache takes a quarter of what the system
// gives the process at most, and never more than its default.
func TestFittingCache(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct{ def, kernel, want int64 }{
		{512 * mib, 0, 512 * mib}, // no bound
		{512 * mib, 64 << 30, 512 * mib},
		{512 * mib, 2048 * mib, 512 * mib},
		{512 * mib, 192 * mib, 48 * mib},
		{512 * mib, mib, mib},
	} {
		if got := fittingCache(c.def, c.kernel); got != c.want {
			t.Errorf("of a default of %d and a bound of %d: %d, want %d", c.def, c.kernel, got, c.want)
		}
	}
}
