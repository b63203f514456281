package server

import (
	"os"
	"runtime/debug"
	"testing"
)

// TestTuneGC: the collector is tuned unless the user did it, and a limit that is asked
// for always holds.
func TestTuneGC(t *testing.T) {
	percent, limit := debug.SetGCPercent(100), debug.SetMemoryLimit(-1)
	defer func() { debug.SetGCPercent(percent); debug.SetMemoryLimit(limit) }()
	const mb = int64(1) << 20
	for _, c := range []struct {
		name, gogc  string
		limit       int64
		kernel      int64
		wantPercent int
		wantLimit   int64
	}{
		{"neither", "", 0, 0, gcPercent, 2*100*mb + 512*mb},
		{"limit", "", 3000 * mb, 0, gcPercent, 3000 * mb},
		{"system's bound", "", 0, 500 * mb, gcPercent, 450 * mb},
		{"a narrow bound", "", 0, 192 * mb, gcPercent, 160 * mb},
		{"a very narrow bound", "", 0, 100 * mb, gcPercent, 75 * mb},
		{"system's bound, farther away", "", 0, 5000 * mb, gcPercent, 2*100*mb + 512*mb},
		{"limit beside the system's", "", 3000 * mb, 500 * mb, gcPercent, 3000 * mb},
		{"user", "50", 0, 500 * mb, 100, limit},
		{"user and limit", "50", 3000 * mb, 0, 100, 3000 * mb},
	} {
		debug.SetGCPercent(100)
		debug.SetMemoryLimit(limit)
		t.Setenv("GOGC", c.gogc)
		if c.gogc == "" {
			os.Unsetenv("GOGC") // Setenv puts it back
		}
		t.Setenv("GOMEMLIMIT", "")
		os.Unsetenv("GOMEMLIMIT")
		TuneGC(c.limit, 100*mb, c.kernel)
		if got := debug.SetGCPercent(100); got != c.wantPercent {
			t.Errorf("%s: GC percent %d, want %d", c.name, got, c.wantPercent)
		}
		if got := debug.SetMemoryLimit(-1); got != c.wantLimit {
			t.Errorf("%s: limit %d, want %d", c.name, got, c.wantLimit)
		}
	}
}
