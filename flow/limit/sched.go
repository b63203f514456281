package limit

import (
	"runtime"
	"runtime/metrics"
	"time"
)

// SchedLoad says how the Go scheduler did in a stretch of time.
type SchedLoad struct {
	Latency  time.Duration // 99th percentile of the time that runnable goroutines waited for a processor
	Runnable float64       // goroutines that wait for a processor now, per processor
}

// What counts as overload. A goroutine that waits 10 ms for a processor has waited a
// whole time slice of the Go scheduler; 32 runnable goroutines per processor are more
// than any burst of short wake-ups leaves behind.
const (
	latencyOverload  = 10 * time.Millisecond
	runnableOverload = 32
)

// Pressure puts the load into one number for [Limiter.Tick]: 0 is idle, 1 and more is
// overloaded.
func (l SchedLoad) Pressure() float64 {
	return max(float64(l.Latency)/float64(latencyOverload), l.Runnable/runnableOverload)
}

// schedMin is the number of waits that a 99th percentile needs to be one.
const schedMin = 100

// SchedReader reads the Go scheduler's own measurements. The zero value is ready; it is
// not safe for concurrent use. A Read costs a few microseconds and, after the first,
// allocates nothing: once or a few times a second is plenty.
type SchedReader struct {
	samples []metrics.Sample
	before  []uint64 // the latency histogram as it was at the last Read
	delta   []uint64
}

// Read gives the load since the last Read, and zero the first time. Where fewer than a
// hundred goroutines were scheduled in between, Latency is 0.
func (r *SchedReader) Read() SchedLoad {
	first := r.samples == nil
	if first {
		r.samples = []metrics.Sample{{Name: "/sched/latencies:seconds"}, {Name: "/sched/goroutines/runnable:goroutines"}}
	}
	metrics.Read(r.samples)
	var l SchedLoad
	if v := r.samples[1].Value; v.Kind() == metrics.KindUint64 {
		l.Runnable = float64(v.Uint64()) / float64(runtime.GOMAXPROCS(0))
	}
	if v := r.samples[0].Value; v.Kind() == metrics.KindFloat64Histogram {
		h := v.Float64Histogram()
		if first {
			r.before, r.delta = make([]uint64, len(h.Counts)), make([]uint64, len(h.Counts))
		}
		for i, n := range h.Counts {
			r.delta[i], r.before[i] = n-r.before[i], n
		}
		l.Latency = lowEdge(h.Buckets, r.delta, 0.99)
	}
	if first {
		return SchedLoad{} // since the start of the program: not what was asked for
	}
	return l
}

// lowEdge gives the lower edge of the bucket that holds the q-quantile: an edge
// that is surely finite, and no more than was measured.
func lowEdge(edges []float64, counts []uint64, q float64) time.Duration {
	var total uint64
	for _, n := range counts {
		total += n
	}
	if total < schedMin {
		return 0
	}
	var above uint64
	for i := len(counts) - 1; i > 0; i-- {
		if above += counts[i]; float64(above) > (1-q)*float64(total) {
			return time.Duration(max(edges[i], 0) * float64(time.Second))
		}
	}
	return 0
}
