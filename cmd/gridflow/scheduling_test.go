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

// TestFittingEdits: unless somebody says so a call may change as many cells as take a quarter of
// the memory that there is, and never more than the default.
func TestFittingEdits(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct {
		memory int64
		want   int
	}{{0, 1 << 24}, {64 << 30, 1 << 24}, {1000 * mib, mib}, {192 * mib, 201_326}, {mib, 1 << 16}} {
		if got := fittingEdits(1<<24, c.memory); got != c.want {
			t.Errorf("of %d bytes: %d, want %d", c.memory, got, c.want)
		}
	}
}
