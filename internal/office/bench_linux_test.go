package office

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"gridflow/internal/office/wire"
)

// BenchmarkSlots is how many recalculations of small workbooks two workers do in the time in
// which one does one: both in turns, so that what else the machine does is the same for both.
func BenchmarkSlots(b *testing.B) {
	pools := map[int]*Pool{1: nil, 2: nil}
	for n := range pools {
		pools[n] = wholeRig(b, "auto", func(o *Options) { o.Workers, o.Jobs = n, 0 })
	}
	book := good(b, 7)
	took := make(map[int]time.Duration)
	run := func(n, jobs int) {
		begin := time.Now()
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for i := range jobs / 4 {
					if err := pools[n].Run(b.Context(), fmt.Sprint(i), fileJob(wire.Recalculate, book, nil)); err != nil {
						b.Error(err)
					}
				}
			})
		}
		wg.Wait()
		took[n] += time.Since(begin)
	}
	for n := range pools {
		run(n, 8) // until all are warm
	}
	clear(took)
	for b.Loop() {
		for n := range pools {
			run(n, 40)
		}
	}
	b.ReportMetric(took[1].Seconds()/took[2].Seconds(), "one/two")
	b.ReportMetric(0, "ns/op")
}
