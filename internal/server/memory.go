package server

import (
	"math"
	"os"
	"runtime/debug"
)

// TuneGC makes the garbage collector run less often than Go's default, since a call
// allocates much for a short time beside a heap that is small while no workbook is
// loaded, and bounds what that may cost. limit is the memory of the whole process in
// bytes; 0 derives it from the cache: twice the cache and half a gigabyte, but no more than
// what the process may have of the system (kernel; 0: there is no bound), beyond which
// the system ends it, leaves after a tenth, or where that is little 32 MiB, at most a quarter. What the user has set by GOGC or GOMEMLIMIT stays, unless limit is given too.
func TuneGC(limit, cacheBytes, kernel int64) {
	_, hasPercent := os.LookupEnv("GOGC")
	_, hasLimit := os.LookupEnv("GOMEMLIMIT")
	if limit > 0 {
		debug.SetMemoryLimit(limit)
	}
	if hasPercent || hasLimit {
		return
	}
	if limit == 0 {
		limit = math.MaxInt64
		if cacheBytes < math.MaxInt64/4 {
			limit = 2*cacheBytes + 512<<20
		}
		if kernel > 0 {
			// The limit is no bound: where many allocate at once, or others have the processors, the collector comes too late.
			limit = min(limit, kernel-min(max(kernel/10, 32<<20), kernel/4))
		}
		debug.SetMemoryLimit(limit)
	}
	debug.SetGCPercent(gcPercent)
}

// gcPercent was measured: with it a small call costs less than half the processor time.
const gcPercent = 400
