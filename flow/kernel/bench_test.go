package kernel

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkUncontended is a request that finds a seat, among so many clients.
func BenchmarkUncontended(b *testing.B) {
	for _, flows := range []int{1, 64, 10000} {
		b.Run(fmt.Sprint(flows, " flows"), func(b *testing.B) {
			k, err := New(seat(8, Class{Name: "fast", QueueMax: 1024, WaitMax: time.Second, Target: 100 * time.Millisecond},
				Class{Name: "slow", QueueMax: 1024, WaitMax: time.Minute}))
			if err != nil {
				b.Fatal(err)
			}
			t := &Ticket{Request: ask(0, 0, time.Millisecond, 1)}
			var out []Decision
			now := Instant(0)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				t.Flow = uint64(i % flows)
				now += 100
				out = k.Arrive(now, t, out[:0])
				now += 100
				out = k.Done(now, t, out[:0])
			}
		})
	}
}

// BenchmarkParts is the same of 64 parts of one flow: one that finds a seat, and one that
// waits among 1 024.
func BenchmarkParts(b *testing.B) {
	const parts = 64
	for _, queued := range []int{0, 1024} {
		b.Run(fmt.Sprint(queued, " waiting"), func(b *testing.B) {
			k, err := New(seat(8, Class{Name: "fast", QueueMax: 2048, WaitMax: time.Hour, Target: time.Hour},
				Class{Name: "slow", QueueMax: 1024, AgeMax: time.Second}))
			if err != nil {
				b.Fatal(err)
			}
			var out []Decision
			var running []*Ticket
			now := Instant(0)
			arrive := func(t *Ticket) {
				out = k.Arrive(now, t, out[:0])
				for _, d := range out {
					if d.Outcome == Started {
						running = append(running, d.Ticket)
					}
				}
			}
			for i := range queued + 1 {
				arrive(&Ticket{Request: askOf(1, uint64(i%parts+1), time.Millisecond, 1)})
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				now += time.Microsecond
				t := running[0]
				running = running[:copy(running, running[1:])]
				out = k.Done(now, t, out[:0])
				for _, d := range out {
					running = append(running, d.Ticket)
				}
				if queued == 0 {
					t.Part = uint64(i%parts + 1)
				}
				arrive(t)
			}
		})
	}
}

// BenchmarkQueued is a request that waits for its turn among 1 024 of so many flows; each
// event ends one and brings another.
func BenchmarkQueued(b *testing.B) {
	for _, flows := range []int{1, 64, 1024} {
		b.Run(fmt.Sprint(flows, " flows"), func(b *testing.B) {
			k, err := New(seat(8, Class{Name: "fast", QueueMax: 2048, WaitMax: time.Hour, Target: time.Hour},
				Class{Name: "slow", QueueMax: 1024, AgeMax: time.Second}))
			if err != nil {
				b.Fatal(err)
			}
			var out []Decision
			var running []*Ticket
			now := Instant(0)
			take := func() {
				for _, d := range out {
					if d.Outcome == Started {
						running = append(running, d.Ticket)
					}
				}
			}
			for i := range 1024 {
				out = k.Arrive(now, &Ticket{Request: ask(0, uint64(i%flows), time.Millisecond, 1)}, out[:0])
				take()
			}
			b.ReportAllocs()
			for b.Loop() {
				now += time.Microsecond
				t := running[0]
				running = running[:copy(running, running[1:])]
				out = k.Done(now, t, out[:0])
				take()
				out = k.Arrive(now, t, out[:0])
				take()
			}
		})
	}
}
