//go:build !interleave

package csync

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
)

// The aliases are the standard types, or this would not compile: they cost nothing.
var (
	_ *sync.Mutex            = (*Mutex)(nil)
	_ *sync.WaitGroup        = (*WaitGroup)(nil)
	_ *atomic.Int32          = (*Int32)(nil)
	_ *atomic.Int64          = (*Int64)(nil)
	_ *atomic.Uint32         = (*Uint32)(nil)
	_ *atomic.Uint64         = (*Uint64)(nil)
	_ *atomic.Bool           = (*Bool)(nil)
	_ *atomic.Pointer[int64] = (*Pointer[int64])(nil)
)

// The wrappers are measured beside what they wrap: a token left and taken, a value sent
// and received.

func BenchmarkParker(b *testing.B) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	b.Run("csync", func(b *testing.B) {
		p := MakeParker()
		b.ReportAllocs()
		for b.Loop() {
			p.Unpark()
			if err := p.Park(ctx); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("std", func(b *testing.B) {
		token := make(chan struct{}, 1)
		b.ReportAllocs()
		for b.Loop() {
			select {
			case token <- struct{}{}:
			default:
			}
			select {
			case <-token:
			case <-ctx.Done():
				b.Fatal(context.Cause(ctx))
			}
		}
	})
}

func BenchmarkChan(b *testing.B) {
	b.Run("csync", func(b *testing.B) {
		c := NewChan[int](1)
		b.ReportAllocs()
		for b.Loop() {
			c.TrySend(1)
			c.TryRecv()
		}
	})
	b.Run("std", func(b *testing.B) {
		c := make(chan int, 1)
		b.ReportAllocs()
		for b.Loop() {
			select {
			case c <- 1:
			default:
			}
			select {
			case <-c:
			default:
			}
		}
	})
}
