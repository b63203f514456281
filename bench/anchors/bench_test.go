package anchors

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/failsafe-go/failsafe-go/adaptivelimiter"
	"github.com/failsafe-go/failsafe-go/bulkhead"
	"golang.org/x/sync/semaphore"

	"gridflow/flow/kernel"
)

// BenchmarkGate is acquiring a seat and giving it back: by one goroutine; by many at eight
// seats; by many at one seat, where all but one wait. Clients are 64.
func BenchmarkGate(b *testing.B) {
	for _, g := range []struct {
		name string
		make func(n int) gate
	}{
		{"gridflow", func(n int) gate {
			c := kernel.Class{Name: "fast", Weight: 16, QueueMax: 4096}
			return newFlow(int64(n), c, kernel.Class{Name: "slow", QueueMax: 4096})
		}},
		{"semaphore", func(n int) gate { return weighted{semaphore.NewWeighted(int64(n))} }},
		{"bulkhead", func(n int) gate { return bulk{bulkhead.New[any](uint(n))} }},
		{"adaptive", func(n int) gate {
			return adaptive{adaptivelimiter.NewBuilder[any]().WithLimits(uint(n), uint(n), uint(n)).WithQueueing(1000, 1000).Build(), true}
		}},
		{"apf", func(n int) gate { return newAPF(0, n) }},
	} {
		for _, how := range []struct {
			seats, goroutines int
		}{{8, 1}, {8, 64}, {8, 1024}, {1, 64}, {1, 1024}} {
			b.Run(fmt.Sprintf("%s/%d_seats_%d_goroutines", g.name, how.seats, how.goroutines), func(b *testing.B) {
				gate := g.make(how.seats)
				ctx := context.Background()
				var n, lost atomic.Uint64
				b.ReportAllocs()
				work := func() {}
				if how.seats == 1 {
					work = runtime.Gosched // so that the others come and wait
				}
				one := func(client uint64) {
					if !gate.do(ctx, client%64, 0, work) {
						lost.Add(1)
					}
				}
				if how.goroutines == 1 {
					for b.Loop() {
						one(1)
					}
				} else {
					b.SetParallelism(max(1, how.goroutines/runtime.GOMAXPROCS(0)))
					b.RunParallel(func(pb *testing.PB) {
						client := n.Add(1)
						for pb.Next() {
							one(client)
						}
					})
				}
				if lost.Load() > 0 {
					b.ReportMetric(100*float64(lost.Load())/float64(b.N), "%refused")
				}
			})
		}
	}
}
