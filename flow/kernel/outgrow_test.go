package kernel

import (
	"testing"
	"time"
)

// load keeps n requests of each class in the kernel, each of a client of its own, and lets
// them take as long as they say, until time has come; it gives the service of each class.
func (d *driver) load(until Instant, asks []Request, n []int) (service []time.Duration) {
	service = make([]time.Duration, len(asks))
	next := uint64(0)
	ask := func(i int) {
		next++
		r := asks[i]
		r.Flow = next
		d.arrive(r)
	}
	for i := range asks {
		for range n[i] {
			ask(i)
		}
	}
	for d.now < until {
		var first *Ticket
		for x := range d.running {
			if end := x.started + x.Cost; first == nil || end < first.started+first.Cost || end == first.started+first.Cost && d.ids[x] < d.ids[first] {
				first = x
			}
		}
		if at, ok := d.k.Next(); ok && at < first.started+first.Cost {
			d.advance(at - d.now)
			continue
		}
		d.now = first.started + first.Cost
		class := first.Class
		service[class] += first.Cost
		d.done(first)
		ask(class)
	}
	return service
}

// TestOutgrownKeepNobodyOut: calls that count as short, and each turn out longer than that,
// get what their class is due and no more, however many clients they are of: they do not come
// to have all seats by way of the buffer.
func TestOutgrownKeepNobodyOut(t *testing.T) {
	const ms = time.Millisecond
	for name, slow := range map[string]Request{
		"others are longer":  {Class: 1, Cost: time.Second, Need: Amounts{1}},
		"others are shorter": {Class: 1, Cost: 10 * ms, Need: Amounts{1}},
	} {
		t.Run(name, func(t *testing.T) {
			d := drive(t, Config{
				Classes: []Class{
					{Name: "fast", Weight: 32, QueueMax: 512, Buffered: true, ShortMax: 10 * ms, AgeMax: time.Second},
					{Name: "slow", Weight: 4, QueueMax: 64},
				},
				Resources: []Resource{{Name: "cpu", Capacity: 2, Buffer: 1}},
			})
			got := d.load(10*time.Minute, []Request{{Class: 0, Cost: 50 * ms, Need: Amounts{1}}, slow}, []int{20, 10})
			share := got[1].Seconds() / (got[0] + got[1]).Seconds()
			t.Logf("served for %v and %v: %.3f", got[0], got[1], share)
			// A class loses its lag when another one passes it, so that it may come to a little less.
			if share < 0.75*4/36 || share > 1.1*4/36 {
				t.Errorf("the other class has %.3f of the time, due are %.3f", share, 4.0/36)
			}
		})
	}
}

// TestOutgrownLeaveClaim: what somebody has a claim to is not taken by calls that outgrow the
// buffer either.
func TestOutgrownLeaveClaim(t *testing.T) {
	const ms = time.Millisecond
	d := drive(t, Config{
		Classes: []Class{
			{Name: "fast", Weight: 32, QueueMax: 512, Buffered: true, ShortMax: 10 * ms, AgeMax: time.Second},
			{Name: "slow", Weight: 4, QueueMax: 64, AgeMax: time.Second},
		},
		Resources: []Resource{{Name: "cpu", Capacity: 3, Buffer: 1}},
	})
	asks := []Request{{Class: 0, Cost: 50 * ms, Need: Amounts{1}}, {Class: 1, Cost: 300 * ms, Need: Amounts{1}}}
	d.load(10*ms, asks, []int{20, 3})
	large := d.arrive(Request{Class: 1, Flow: 1 << 32, Cost: ms, Need: Amounts{2}})
	d.load(time.Minute, asks, []int{0, 0})
	if wait := large.Started() - large.Arrived(); large.Waiting() || wait > 5*time.Second {
		t.Errorf("a request for two of three seats waits: %v; it has waited for %v", large.Waiting(), wait)
	}
}

// TestStuckInBuffer: where a call that counts as short does not end, and others wait that are
// due, short ones do not wait for it for longer than AgeMax.
func TestStuckInBuffer(t *testing.T) {
	const ms = time.Millisecond
	d := drive(t, Config{
		Classes: []Class{
			{Name: "fast", Weight: 32, QueueMax: 512, Buffered: true, ShortMax: 10 * ms, AgeMax: time.Second},
			{Name: "slow", Weight: 4, QueueMax: 64, AgeMax: 5 * time.Second},
		},
		Resources: []Resource{{Name: "cpu", Capacity: 2, Buffer: 1}},
	})
	d.arrive(Request{Class: 0, Flow: 1, Cost: ms, Need: Amounts{1}})
	d.arrive(Request{Class: 0, Flow: 2, Cost: ms, Need: Amounts{1}})
	d.arrive(Request{Class: 1, Flow: 3, Cost: ms, Need: Amounts{1}})
	x := d.arrive(Request{Class: 0, Flow: 4, Cost: ms, Need: Amounts{1}})
	for x.Waiting() && d.now < time.Minute {
		at, ok := d.k.Next()
		if !ok {
			break
		}
		d.advance(at - d.now)
	}
	if !x.Running() || d.now > time.Second {
		t.Errorf("after %v it runs: %v", d.now, x.Running())
	}
	if err := d.check(); err != nil {
		t.Error(err)
	}
}

// TestNextIsTold: an event in which one starts at once, at a time at which something else
// may start too, leaves that to be found: Next tells of it.
func TestNextIsTold(t *testing.T) {
	const ms = time.Millisecond
	d := drive(t, seat(4, Class{Name: "a", QueueMax: 10}, Class{Name: "paced", QueueMax: 10, Gap: 100 * ms}))
	d.arrive(ask(1, 1, ms, 1))
	x := d.arrive(ask(1, 1, ms, 1))
	d.now += 200 * ms
	d.arrive(ask(0, 2, ms, 1))
	at, ok := d.k.Next()
	if !ok {
		t.Fatal("there is nothing to wait for")
	}
	d.advance(at - d.now)
	if !x.Running() {
		t.Errorf("at %v it waits still", at)
	}
	if at, ok := d.k.Next(); ok {
		t.Errorf("there is more at %v", at)
	}
}

// TestStoodLongAgo: a queue that stood does not stand when for a long time nothing has come:
// who comes then, and waits for one that takes long, is let in.
func TestStoodLongAgo(t *testing.T) {
	const ms = time.Millisecond
	d := drive(t, seat(1, Class{Name: "a", QueueMax: 100, WaitMax: 10 * time.Second, Target: 4 * time.Second, Interval: 4 * time.Second}))
	last := d.arrive(ask(0, 1, ms, 1))
	for range 100 {
		d.arrive(ask(0, 1, ms, 1))
	}
	d.advance(10 * time.Second)
	if !d.k.Stats(0).Standing {
		t.Fatal("a hundred have left unserved, and the queue does not stand")
	}
	d.done(last)
	long := d.arrive(ask(0, 1, ms, 1))
	d.advance(time.Hour)
	if d.k.Stats(0).Standing {
		t.Error("an hour later it stands still")
	}
	x := d.arrive(ask(0, 2, ms, 1))
	d.now += 5 * time.Second
	d.done(long)
	if !x.Running() {
		t.Error("who has waited for five seconds an hour later is not let in")
	}
}

// TestRetryAfterIdleness: how long nobody has come does not tell how long a place will take.
func TestRetryAfterIdleness(t *testing.T) {
	const ms = time.Millisecond
	d := drive(t, seat(1, Class{Name: "a", QueueMax: 20}, Class{Name: "b", QueueMax: 20}))
	d.done(d.arrive(ask(0, 1, ms, 1)))
	d.now += time.Hour
	hold := d.arrive(ask(1, 1, 10*ms, 1))
	for range 20 {
		d.arrive(ask(0, 1, ms, 1))
	}
	d.now += 10 * ms
	d.done(hold)
	d.arrive(ask(0, 1, ms, 1))
	out := d.k.Arrive(d.now, &Ticket{Request: ask(0, 1, ms, 1)}, nil)
	if len(out) != 1 || out[0].Outcome == Started || out[0].RetryAfter > 200*ms {
		t.Errorf("behind 20 ms of work: %v", out)
	}
}

// TestOutgrownForNobody: who waits for something else is not kept out by short calls that
// turned out long, and these leave the buffer to the next then.
func TestOutgrownForNobody(t *testing.T) {
	const ms = time.Millisecond
	fast, slow := Request{Class: 0, Cost: 100 * ms, Need: Amounts{1}}, Request{Class: 1, Cost: ms, Need: Amounts{1}}
	for name, c := range map[string]struct {
		seats int64
		limit int
		asks  []Request
	}{
		"the others have their seats themselves": {2, 0, []Request{slow, fast, slow}},
		"the others may have no more":            {3, 1, []Request{slow, fast, fast, slow}},
	} {
		t.Run(name, func(t *testing.T) {
			d := drive(t, Config{
				Classes: []Class{
					{Name: "fast", Weight: 32, QueueMax: 512, Buffered: true, ShortMax: 10 * ms, AgeMax: time.Second},
					{Name: "slow", Weight: 4, QueueMax: 64, Limit: c.limit},
				},
				Resources: []Resource{{Name: "cpu", Capacity: c.seats, Buffer: 1}},
			})
			var last *Ticket
			for i, r := range c.asks {
				r.Flow = uint64(i)
				last = d.arrive(r)
			}
			if !last.Waiting() {
				t.Fatal("it does not wait")
			}
			d.arrive(Request{Class: 0, Flow: 99, Cost: ms, Need: Amounts{1}})
			if len(d.waiting) != 2 {
				t.Fatalf("%d wait", len(d.waiting))
			}
			d.advance(10 * ms)
			if len(d.waiting) != 1 || !last.Waiting() {
				t.Errorf("the next short call is not let in: %v", d.log)
			}
			if err := d.check(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestOutgrownInOrder: a place that has become free with time is that of who waits for it,
// not of who comes in the same moment.
func TestOutgrownInOrder(t *testing.T) {
	const ms = time.Millisecond
	class := func(name string) Class {
		return Class{Name: name, QueueMax: 9, Buffered: true, ShortMax: 10 * ms}
	}
	d := drive(t, Config{Classes: []Class{class("a"), class("b")}, Resources: []Resource{{Name: "cpu", Capacity: 2, Buffer: 1}}})
	d.arrive(Request{Class: 0, Flow: 1, Need: Amounts{1}})
	d.arrive(Request{Class: 0, Flow: 2, Need: Amounts{1}})
	waits := d.arrive(Request{Class: 0, Flow: 3, Need: Amounts{1}})
	d.now += 10 * ms
	comes := d.arrive(Request{Class: 1, Flow: 4, Need: Amounts{1}})
	if !waits.Running() || comes.Running() {
		t.Errorf("who waited runs: %v, who came: %v", waits.Running(), comes.Running())
	}
}

// TestDebtsOutlastCrowd: who owes is not forgotten when his place is wanted.
func TestDebtsOutlastCrowd(t *testing.T) {
	const work = 10 * time.Millisecond
	conf := seat(1, Class{Name: "a", QueueMax: 1000})
	conf.FlowsMax = 2
	d := drive(t, conf)
	dear := d.arrive(ask(0, 2, work, 1))
	for range 200 {
		d.arrive(ask(0, 1, work, 1))
	}
	d.now += 20 * work
	d.done(dear)
	d.arrive(ask(0, 3, work, 1)) // there is no place for this one
	for range 50 {
		d.arrive(ask(0, 2, work, 1))
	}
	if of := d.turns(10); of[2] > 0 {
		t.Errorf("of 10 turns %d are of the one who owes as many", of[2])
	}
}

// TestOutgrownWhenDue: a class that has had more than its share does not keep short calls
// from leaving the buffer to the next: it is their turn.
func TestOutgrownWhenDue(t *testing.T) {
	const ms = time.Millisecond
	d := drive(t, Config{
		Classes: []Class{
			{Name: "fast", Weight: 32, QueueMax: 512, Buffered: true, ShortMax: 10 * ms, AgeMax: time.Second},
			{Name: "slow", Weight: 4, QueueMax: 64},
		},
		Resources: []Resource{{Name: "cpu", Capacity: 2, Buffer: 1}},
	})
	fast := func(flow uint64) *Ticket {
		return d.arrive(Request{Class: 0, Flow: flow, Cost: 100 * ms, Need: Amounts{1}})
	}
	had := d.arrive(Request{Class: 1, Flow: 1, Cost: ms, Need: Amounts{1}})
	fast(2)
	d.advance(10 * time.Second)
	d.done(had)
	fast(3)
	slow := d.arrive(Request{Class: 1, Flow: 1, Cost: ms, Need: Amounts{1}})
	next := fast(4)
	if !slow.Waiting() || !next.Waiting() {
		t.Fatalf("they wait: %v, %v", slow.Waiting(), next.Waiting())
	}
	d.advance(10 * ms)
	if !next.Running() || !slow.Waiting() {
		t.Errorf("the short call runs: %v, the other waits: %v", next.Running(), slow.Waiting())
	}
}

// TestIdleBeginsAnew: virtual time begins anew when nothing waits or runs, so that tags do
// not grow as long as a server lives.
func TestIdleBeginsAnew(t *testing.T) {
	d := drive(t, seat(1, Class{Name: "a", QueueMax: 9}))
	x, y := d.arrive(ask(0, 1, time.Hour, 1)), d.arrive(ask(0, 1, time.Hour, 1))
	d.now += time.Hour
	d.done(x)
	if d.k.vtime == 0 {
		t.Fatal("virtual time stands still")
	}
	d.done(y)
	if c := d.k.classes[0]; d.k.vtime != 0 || c.tag != 0 || c.vtime != 0 {
		t.Errorf("virtual time is %g, and in the class %g; its tag is %g", d.k.vtime, c.vtime, c.tag)
	}
}
