package flow

import (
	"testing"
	"time"

	"gridflow/flow/kernel"
)

// TestDefaultShares: with the defaults, and more of everything than can be done, each class
// has the share of its weight, whatever its calls take and wherever there is a buffer.
func TestDefaultShares(t *testing.T) {
	const callers, warmup, until = 10, 2 * time.Minute, 12 * time.Minute
	cost := []time.Duration{Fast: 50 * time.Millisecond, Medium: 300 * time.Millisecond, Slow: 2 * time.Second, Background: 500 * time.Millisecond}
	conf := Defaults(4, 0)
	k, err := kernel.New(conf)
	if err != nil {
		t.Fatal(err)
	}
	var now, total time.Duration
	served := make([]time.Duration, len(cost))
	ends := map[*kernel.Ticket]time.Duration{}
	var again []int // classes of callers who have been refused or are done
	take := func(out []kernel.Decision) {
		for _, d := range out {
			if d.Outcome == kernel.Started {
				ends[d.Ticket] = now + cost[d.Ticket.Class]
			} else {
				again = append(again, d.Ticket.Class)
			}
		}
	}
	for class := Fast; class <= Background; class++ {
		for range callers {
			again = append(again, class)
		}
	}
	for client := uint64(0); now < until; {
		for len(again) > 0 {
			class := again[0]
			again = again[1:]
			client++
			take(k.Arrive(now, &kernel.Ticket{Request: kernel.Request{Class: class, Flow: client, Cost: cost[class], Need: Amounts{CPU: 1}}}, nil))
		}
		var first *kernel.Ticket
		for x, end := range ends {
			if first == nil || end < ends[first] || end == ends[first] && x.Flow < first.Flow {
				first = x
			}
		}
		if at, ok := k.Next(); ok && at < ends[first] {
			now = at
			take(k.Advance(now, nil))
			continue
		}
		now = ends[first]
		delete(ends, first)
		again = append(again, first.Class)
		if now > warmup {
			served[first.Class] += cost[first.Class]
			total += cost[first.Class]
		}
		take(k.Done(now, first, nil))
	}
	weights := 0.0
	for class := Fast; class <= Background; class++ {
		weights += float64(conf.Classes[class].Weight)
	}
	for class := Fast; class <= Background; class++ {
		got, want := served[class].Seconds()/total.Seconds(), float64(conf.Classes[class].Weight)/weights
		t.Logf("%s: %.3f of the time, due are %.3f", conf.Classes[class].Name, got, want)
		if got < 0.9*want || got > 1.1*want {
			t.Errorf("%s has %.3f of the time, due are %.3f", conf.Classes[class].Name, got, want)
		}
	}
}
