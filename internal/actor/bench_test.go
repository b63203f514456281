package actor

import (
	"context"
	"fmt"
	"sync"
	"testing"
)

// BenchmarkCall compares a message with what it is instead of: a lock around the state. One
// caller, then many of one id, then each with an id of its own.
func BenchmarkCall(b *testing.B) {
	ctx := context.Background()
	nothing := func(_ context.Context, s *counter) error { s.n++; return nil }
	made := func() *Registry[counter] {
		return must(b, Config[counter]{Mailbox: 1 << 16, Restore: func(context.Context, string) (*counter, error) { return new(counter), nil }})
	}
	b.Run("mutex", func(b *testing.B) {
		var mu sync.Mutex
		var s counter
		b.ReportAllocs()
		for b.Loop() {
			mu.Lock()
			_ = nothing(ctx, &s)
			mu.Unlock()
		}
	})
	b.Run("one", func(b *testing.B) {
		r := made()
		b.ReportAllocs()
		for b.Loop() {
			if err := r.Call(ctx, "x", nothing); err != nil {
				b.Fatal(err)
			}
		}
	})
	for _, ids := range []int{1, 64} {
		b.Run(fmt.Sprintf("many,ids=%d", ids), func(b *testing.B) {
			r := made()
			b.ReportAllocs()
			b.SetParallelism(32)
			b.RunParallel(func(pb *testing.PB) {
				for i := 0; pb.Next(); i++ {
					if err := r.Call(ctx, fmt.Sprintf("fork-%02d", i%ids), nothing); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
	b.Run("passive", func(b *testing.B) { // each call restores, and makes room for itself
		r := must(b, Config[counter]{Live: 1, Restore: func(context.Context, string) (*counter, error) { return new(counter), nil }})
		ids := [2]string{"x", "y"}
		i := 0
		b.ReportAllocs()
		for b.Loop() {
			i++
			if err := r.Call(ctx, ids[i%2], nothing); err != nil && reason(err) != Limit {
				b.Fatal(err)
			}
		}
	})
}
