package kernel

import (
	"testing"
	"time"
)

// TestRidersAreBounded: of those that come in under another's permit a client has no more at
// once than it may have waiting, together with those that wait; and another client has its own.
func TestRidersAreBounded(t *testing.T) {
	const most = 3
	d := drive(t, seat(1, Class{Name: "a", QueueMax: 10, FlowQueueMax: most}))
	d.arrive(ask(0, 1, time.Second, 1))
	ride := func(flow uint64, part uint64) (*Ticket, Outcome) {
		r := ask(0, flow, time.Second, 1)
		r.Part = part
		x := &Ticket{Request: r}
		out := d.k.Ride(d.now, x)
		if out.Outcome != Started && out.RetryAfter <= 0 {
			t.Errorf("refused without a time to come back: %v", out)
		}
		if err := d.k.Check(); err != nil {
			t.Fatal(err)
		}
		return x, out.Outcome
	}
	waits := d.arrive(ask(0, 1, time.Second, 1))
	var riders []*Ticket
	for part := range uint64(most - 1) { // one waits
		x, o := ride(1, part)
		if o != Started {
			t.Fatalf("rider %d: %v", part, o)
		}
		riders = append(riders, x)
	}
	if _, o := ride(1, 9); o != FullFlow {
		t.Errorf("with as many as there may be: %v", o)
	}
	if x, o := ride(2, 0); o != Started {
		t.Errorf("another client: %v", o)
	} else {
		d.k.Alight(d.now, x)
	}
	// Who waited and is called in counts on.
	var joined bool
	if _, joined = d.k.Join(d.now, waits, nil); !joined {
		t.Fatal("it does not wait")
	}
	delete(d.waiting, waits)
	if _, o := ride(1, 9); o != FullFlow {
		t.Errorf("with one that was called in: %v", o)
	}
	d.k.Alight(d.now, riders[0])
	x, o := ride(1, 9)
	if o != Started {
		t.Errorf("when one has left: %v", o)
	}
	for _, x := range []*Ticket{x, riders[1], waits} {
		d.k.Alight(d.now, x)
	}
	if err := d.check(); err != nil {
		t.Error(err)
	}
}

// TestRidersAreRemembered: a client is not forgotten while calls of it ride, whoever comes.
func TestRidersAreRemembered(t *testing.T) {
	conf := seat(9, Class{Name: "a", QueueMax: 10, FlowQueueMax: 1})
	conf.FlowsMax = 1
	d := drive(t, conf)
	x := &Ticket{Request: ask(0, 1, time.Second, 1)}
	if o := d.k.Ride(d.now, x).Outcome; o != Started {
		t.Fatal(o)
	}
	d.advance(time.Hour)
	d.done(d.arrive(ask(0, 2, time.Second, 1)))
	if o := d.k.Ride(d.now, &Ticket{Request: ask(0, 1, time.Second, 1)}).Outcome; o != FullFlow {
		t.Errorf("another one of it: %v", o)
	}
	d.k.Alight(d.now, x)
	if err := d.check(); err != nil {
		t.Error(err)
	}
}
