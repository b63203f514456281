package flow

import (
	"context"
	"strconv"
	"sync"
	"testing"

	"golang.org/x/sync/semaphore"
)

func testGate(t testing.TB, seats int64) *Gate {
	conf := Config{
		Classes:   []Class{{Name: "a", QueueMax: 1 << 20}, {Name: "b", QueueMax: 1 << 20}},
		Resources: []Resource{{Name: "seats", Capacity: seats}},
	}
	g, err := New(conf, Listener{})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// BenchmarkAcquire measures a call that finds a seat free: in and out.
func BenchmarkAcquire(b *testing.B) {
	b.Run("gate", func(b *testing.B) {
		g := testGate(b, 8)
		b.ReportAllocs()
		for b.Loop() {
			p, _ := g.Acquire(b.Context(), Request{Client: "client", Need: Amounts{1}})
			p.Done(OK)
		}
	})
	b.Run("semaphore", func(b *testing.B) {
		s := semaphore.NewWeighted(8)
		b.ReportAllocs()
		for b.Loop() {
			s.Acquire(b.Context(), 1)
			s.Release(1)
		}
	})
}

// BenchmarkQueued measures calls of 1024 goroutines that wait for one seat.
func BenchmarkQueued(b *testing.B) {
	names := make([]string, 64)
	for i := range names {
		names[i] = "client " + strconv.Itoa(i)
	}
	crowd := func(b *testing.B, call func(ctx context.Context, i int)) {
		b.ReportAllocs()
		var wg sync.WaitGroup
		const goroutines = 1024
		for i := range goroutines {
			wg.Go(func() {
				for range b.N/goroutines + 1 {
					call(b.Context(), i)
				}
			})
		}
		wg.Wait()
	}
	b.Run("gate", func(b *testing.B) {
		g := testGate(b, 1)
		crowd(b, func(ctx context.Context, i int) {
			p, _ := g.Acquire(ctx, Request{Class: i & 1, Client: names[i&63], Need: Amounts{1}})
			p.Done(OK)
		})
	})
	b.Run("semaphore", func(b *testing.B) {
		s := semaphore.NewWeighted(1)
		crowd(b, func(ctx context.Context, i int) {
			s.Acquire(ctx, 1)
			s.Release(1)
		})
	})
}
