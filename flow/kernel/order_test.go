package kernel

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestOrder: whatever is chosen, and whoever chooses what cannot be, the kernel's invariants
// hold, everything starts once, and each flow has its turn when it would have it without.
func TestOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k, err := New(Config{
			Classes:   []Class{{Name: "c", QueueMax: 50, AgeMax: 100 * time.Millisecond}},
			Resources: []Resource{{Name: "cpu", Capacity: 2}, {Name: "bytes", Capacity: 10}},
		})
		if err != nil {
			t.Fatal(err)
		}
		stray := &Ticket{}
		k.Order(0, func(_ Instant, oldest *Ticket, could func(*Ticket) bool) *Ticket {
			if could(stray) {
				t.Fatal("a ticket that never came could start")
			}
			all := []*Ticket{nil, stray}
			for x := oldest; x != nil; x = x.Behind() {
				if x.Flow != oldest.Flow || !x.Waiting() {
					t.Fatalf("behind %+v is %+v", oldest, x)
				}
				all = append(all, x)
			}
			return rapid.SampledFrom(all).Draw(t, "chosen")
		})
		var now Instant
		var running []*Ticket
		came, started := 0, map[*Ticket]bool{}
		take := func(out []Decision) {
			for _, d := range out {
				if d.Outcome != Started || started[d.Ticket] {
					t.Fatalf("%+v", d)
				}
				started[d.Ticket] = true
				running = append(running, d.Ticket)
			}
			if err := k.Check(); err != nil {
				t.Fatal(err)
			}
		}
		for range rapid.IntRange(1, 60).Draw(t, "events") {
			now += Instant(rapid.IntRange(0, 50).Draw(t, "ms")) * time.Millisecond
			if len(running) > 0 && rapid.Bool().Draw(t, "done") {
				i := rapid.IntRange(0, len(running)-1).Draw(t, "which")
				done := running[i]
				running = append(running[:i], running[i+1:]...)
				take(k.Done(now, done, nil))
			} else if came < 40 {
				came++
				take(k.Arrive(now, &Ticket{Request: Request{
					Flow: uint64(rapid.IntRange(1, 3).Draw(t, "flow")), Cost: 10 * time.Millisecond,
					Need: Amounts{1, int64(rapid.IntRange(0, 10).Draw(t, "bytes"))},
				}}, nil))
			}
		}
		for len(running) > 0 {
			now += time.Millisecond
			done := running[0]
			running = running[1:]
			take(k.Done(now, done, nil))
		}
		if len(started) != came || k.Waiting() != 0 {
			t.Fatalf("%d came, %d started, %d wait", came, len(started), k.Waiting())
		}
	})
}
