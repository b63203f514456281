package hub

import (
	"fmt"
	"testing"
)

// BenchmarkPublish shows what an event costs its publisher when nobody reads: for each
// subscriber of its key, and nothing for those of other keys.
func BenchmarkPublish(b *testing.B) {
	for _, n := range []int{1, 10, 100} {
		for _, others := range []int{0, 1000} {
			b.Run(fmt.Sprintf("watchers=%d,others=%d", n, others), func(b *testing.B) {
				var h Hub[string, int]
				for range n {
					h.Subscribe(8, "x")
				}
				for i := range others {
					h.Subscribe(8, fmt.Sprint(i))
				}
				b.ReportAllocs()
				for b.Loop() {
					h.Publish("x", 1)
				}
			})
		}
	}
}
