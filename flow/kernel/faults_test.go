package kernel

import (
	"testing"
	"time"
)

// seat is a configuration of one resource.
func seat(capacity int64, classes ...Class) Config {
	return Config{Classes: classes, Resources: []Resource{{Name: "seat", Capacity: capacity}}}
}

func ask(class int, flow uint64, cost time.Duration, need int64) Request {
	return Request{Class: class, Flow: flow, Cost: cost, Need: Amounts{need}}
}

// TestFullTogether: when the queues are full together, the class that fills them gives
// way; one that has no more than its due keeps it.
func TestFullTogether(t *testing.T) {
	conf := seat(1, Class{Name: "fast", Weight: 4, QueueMax: 10}, Class{Name: "slow", Weight: 2, QueueMax: 10})
	conf.QueueMax = 10
	d := drive(t, conf)
	d.arrive(ask(1, 1, time.Second, 1)) // runs
	var slow []*Ticket
	for range 10 {
		slow = append(slow, d.arrive(ask(1, 1, time.Second, 1)))
	}
	for i := range 10 {
		x := d.arrive(ask(0, uint64(i), time.Millisecond, 1))
		if got, want := x.Waiting(), i < 7; got != want { // 7/4 against 3/2
			t.Errorf("the %d-th fast request: waiting is %v", i+1, got)
		}
		if i < 7 && slow[9-i].Waiting() {
			t.Errorf("for the %d-th fast request it is not the newest slow one that gave way", i+1)
		}
		if err := d.check(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestLevelReconfigured: the level goes by the bound in force.
func TestLevelReconfigured(t *testing.T) {
	conf := seat(1, Class{Name: "a", QueueMax: 100})
	d := drive(t, conf)
	for range 9 {
		d.arrive(ask(0, 1, time.Second, 1))
	}
	conf.QueueMax = 8
	if _, err := d.k.Reconfigure(d.now, conf, nil); err != nil {
		t.Fatal(err)
	}
	if got := d.k.Level(); got != LevelEmergency {
		t.Errorf("8 of 8 wait and the level is %v", got)
	}
}

// TestStartBy: what may start at an instant no more does not start at it.
func TestStartBy(t *testing.T) {
	d := drive(t, seat(2, Class{Name: "a", QueueMax: 10}))
	d.advance(time.Second)
	r := ask(0, 1, time.Second, 1)
	r.StartBy = d.now
	if x := d.arrive(r); x.Running() || x.Waiting() {
		t.Errorf("it runs: %v, it waits: %v", x.Running(), x.Waiting())
	}
}

// TestHugeCost: what is expected of a request is believed up to an hour.
func TestHugeCost(t *testing.T) {
	d := drive(t, seat(2, Class{Name: "a", QueueMax: 100}))
	d.arrive(ask(0, 1, 1<<63-1, 1))
	x := d.arrive(ask(0, 2, 10*time.Minute, 1))
	next := d.arrive(ask(0, 1, time.Minute, 1))
	for range 20 {
		d.arrive(ask(0, 2, 10*time.Minute, 1))
	}
	n := 0
	for ; x != nil && !next.Running() && n < 20; n++ {
		d.now += 10 * time.Minute
		d.done(x)
		x = nil
		for y := range d.running {
			if y.Flow == 2 {
				x = y
			}
		}
	}
	if n != 6 && n != 7 {
		t.Errorf("the next request of the flow started after %d of ten minutes", n)
	}
}

// TestClosedSavesNothing: a class that its own limit has kept back does not make up for
// it when the limit is lifted.
func TestClosedSavesNothing(t *testing.T) {
	d := drive(t, seat(1, Class{Name: "a", QueueMax: 1000, Limit: 1}, Class{Name: "b", QueueMax: 1000}))
	const work = 10 * time.Millisecond
	d.take(d.k.SetGap(0, 0, time.Hour, nil)) // so that it starts one and no more
	for range 500 {
		d.arrive(ask(0, 1, work, 1))
		d.arrive(ask(1, 1, work, 1))
	}
	turn := func() (class int) {
		var x *Ticket
		for x = range d.running {
		}
		d.now += work
		d.done(x)
		return x.Class
	}
	for range 200 {
		turn()
	}
	d.take(d.k.SetGap(d.now, 0, 0, nil))
	var of [2]int
	for range 21 {
		of[turn()]++
	}
	if of[0] < 9 || of[1] < 9 {
		t.Errorf("after it, %d of one and %d of the other started", of[0], of[1])
	}
}

// TestClaimTakesNoTime: a class that is ahead of its share, and is let in because of its
// age, gets no more than that: it does not make the others as far ahead.
func TestClaimTakesNoTime(t *testing.T) {
	d := drive(t, seat(1, Class{Name: "slow", QueueMax: 1000, AgeMax: 100 * time.Millisecond}, Class{Name: "a", QueueMax: 1000}, Class{Name: "b", QueueMax: 1000}))
	const work = 10 * time.Millisecond
	long := d.arrive(ask(0, 1, work, 1))
	for range 200 {
		d.arrive(ask(0, 1, work, 1))
		d.arrive(ask(1, 2, work, 1))
	}
	d.now += 10 * time.Second
	d.done(long)
	d.turns(22)     // the slow class has aged twice
	for range 200 { // another comes, and is due as much as a
		d.arrive(ask(2, 3, work, 1))
	}
	if of := d.turns(110); of[1] < 9 || of[1] > 12 || of[2] < 45 || of[3] < 45 {
		t.Errorf("of 110 turns the slow class has %d, the others %d and %d", of[1], of[2], of[3])
	}
}

// TestEqualsInOrder: among flows that are due alike, whoever has waited for longest goes
// first, not whoever was seen first.
func TestEqualsInOrder(t *testing.T) {
	d := drive(t, seat(1, Class{Name: "a", QueueMax: 100}))
	for flow := range uint64(50) { // they are seen in the opposite order
		d.done(d.arrive(ask(0, 50-flow, 0, 1)))
	}
	d.arrive(ask(0, 99, time.Microsecond, 1))
	var order []*Ticket
	for flow := range uint64(50) {
		order = append(order, d.arrive(ask(0, flow, time.Microsecond, 1)))
	}
	for i, x := range order {
		d.turns(1)
		if !x.Running() {
			t.Fatalf("the %d-th to come is not the %d-th to start", i+1, i+1)
		}
	}
}

// TestManyShapes: requests of more different needs than there are heaps for come to run
// like others.
func TestManyShapes(t *testing.T) {
	d := drive(t, seat(100, Class{Name: "a", QueueMax: 1000, AgeMax: time.Second}))
	for i := range 200 {
		d.arrive(ask(0, uint64(i), time.Millisecond, int64(i%50+1)))
		if err := d.k.Check(); err != nil {
			t.Fatal(err)
		}
	}
	for len(d.running) > 0 {
		for x := range d.running {
			d.now += time.Millisecond
			d.done(x)
			if err := d.k.Check(); err != nil {
				t.Fatal(err)
			}
			break
		}
	}
	if len(d.waiting) > 0 {
		t.Errorf("%d wait and none runs", len(d.waiting))
	}
}

// turns lets running tickets end one after the other, each after its cost, and counts of
// which flow the next ones are that start.
func (d *driver) turns(n int) map[uint64]int {
	of := map[uint64]int{}
	for range n {
		first := (*Ticket)(nil)
		for t := range d.running {
			if first == nil || d.ids[t] < d.ids[first] {
				first = t
			}
		}
		was := len(d.log)
		d.now += first.Cost
		d.done(first)
		for t := range d.running {
			if len(d.log) > was && t.started == d.now {
				of[t.Flow]++
			}
		}
	}
	return of
}

// TestNobodySavesUp: who comes out of idleness is due what the others are, not what he
// has not asked for before; of flows and of classes.
func TestNobodySavesUp(t *testing.T) {
	const work = 10 * time.Millisecond
	for _, class := range []int{0, 1} {
		d := drive(t, seat(1, Class{Name: "a", QueueMax: 1000}, Class{Name: "b", QueueMax: 1000}))
		d.done(d.arrive(ask(class, 2, work, 1)))
		for range 300 {
			d.arrive(ask(0, 1, work, 1))
		}
		d.turns(100)
		for range 100 {
			d.arrive(ask(class, 2, work, 1))
		}
		if of := d.turns(40); of[1] < 19 || of[2] < 19 {
			t.Errorf("class %d: of 40 turns the busy one has %d, the one that was idle %d", class, of[1], of[2])
		}
	}
}

// TestDebtsAreKept: a call that took longer than expected is paid for after idleness too,
// as long as others have been busy in the meantime.
func TestDebtsAreKept(t *testing.T) {
	const work = 10 * time.Millisecond
	d := drive(t, seat(1, Class{Name: "a", QueueMax: 1000}))
	dear := d.arrive(ask(0, 2, work, 1))
	for range 200 {
		d.arrive(ask(0, 1, work, 1))
	}
	d.now += 20 * work
	d.done(dear) // flow 2 has nothing now, and owes 19
	d.turns(2)
	for range 100 {
		d.arrive(ask(0, 2, work, 1))
	}
	if of := d.turns(10); of[2] > 0 {
		t.Errorf("of 10 turns %d are of the one who owes as many", of[2])
	}
	if of := d.turns(60); of[2] < 20 {
		t.Errorf("of 60 turns %d are of the one who owed", of[2])
	}
}

// TestClaimsTakeTurns: of classes that are all too old the one that has waited for longest
// goes first.
func TestClaimsTakeTurns(t *testing.T) {
	low := func(name string) Class { return Class{Name: name, QueueMax: 1000, AgeMax: time.Millisecond} }
	d := drive(t, seat(1, low("a"), low("b"), low("c"), Class{Name: "high", Weight: 1000, QueueMax: 1000}))
	for range 100 {
		for class := range 4 {
			d.arrive(ask(class, uint64(class), 10*time.Millisecond, 1))
		}
	}
	if of := d.turns(60); of[0] < 18 || of[1] < 18 || of[2] < 18 {
		t.Errorf("of 60 turns the three old classes have %d, %d and %d", of[0], of[1], of[2])
	}
}

// TestClaimOfClosedClass: a class that may not start any more gives up its claim.
func TestClaimOfClosedClass(t *testing.T) {
	d := drive(t, seat(2, Class{Name: "a", QueueMax: 10}, Class{Name: "b", QueueMax: 10, AgeMax: 10 * time.Millisecond}))
	one, other := d.arrive(ask(1, 1, time.Second, 1)), d.arrive(ask(0, 1, time.Second, 1))
	d.arrive(ask(1, 2, time.Second, 2)) // does not fit
	small := d.arrive(ask(0, 2, time.Second, 1))
	d.advance(20 * time.Millisecond)
	d.done(other)
	if small.Running() || !one.Running() {
		t.Fatal("there is no claim")
	}
	d.take(d.k.SetLimit(d.now, 1, 1, nil)) // which one has reached
	if !small.Running() {
		t.Error("a seat is kept free for a class that has reached its limit")
	}
}

// TestDebtsAreForgiven: when nothing waits or runs any more there is nobody to owe to; of
// flows and of classes.
func TestDebtsAreForgiven(t *testing.T) {
	const work = 10 * time.Millisecond
	for _, class := range []int{0, 1} {
		d := drive(t, seat(1, Class{Name: "a", QueueMax: 1000}, Class{Name: "b", QueueMax: 1000}))
		dear := d.arrive(ask(class, 2, work, 1))
		d.now += time.Minute
		d.done(dear)
		for range 100 {
			d.arrive(ask(0, 1, work, 1))
			d.arrive(ask(class, 2, work, 1))
		}
		if of := d.turns(40); of[1] < 19 || of[2] < 19 {
			t.Errorf("class %d: of 40 turns one has %d, the one that owed %d", class, of[1], of[2])
		}
	}
}

// TestTagsWearOut: after months without a pause in which the tags have grown to where
// their steps are larger than a small charge, flows and classes still take turns.
func TestTagsWearOut(t *testing.T) {
	for _, class := range []int{0, 1} {
		d := drive(t, seat(1, Class{Name: "a", Weight: 1000, QueueMax: 1000}, Class{Name: "b", Weight: 1000, QueueMax: 1000}))
		d.arrive(ask(0, 9, 0, 1))
		d.k.vtime = 1 << 60
		for _, c := range d.k.classes {
			c.vtime = 1 << 60
		}
		for range 100 {
			for flow := range uint64(2) {
				r := ask(int(flow)*class, flow, 0, 1)
				r.Weight = 1000
				d.arrive(r)
			}
		}
		d.turns(2)
		if of := d.turns(40); of[0] < 19 || of[1] < 19 {
			t.Errorf("class %d: of 40 turns one has %d, the other %d", class, of[0], of[1])
		}
	}
}

// TestForgottenDebts: a flow that owes, or whose bucket has not filled up, is not
// forgotten, however many others come.
func TestForgottenDebts(t *testing.T) {
	conf := seat(2, Class{Name: "a", QueueMax: 1000, Rate: 1, Burst: 3}, Class{Name: "b", QueueMax: 1000})
	conf.FlowIdle, conf.FlowsMax = time.Millisecond, 10
	d := drive(t, conf)
	d.arrive(ask(0, 1, time.Hour, 1)) // keeps the class busy
	for range 3 {
		d.done(d.arrive(ask(0, 2, 0, 1)))
	}
	d.arrive(ask(1, 1, time.Hour, 1))
	dear := d.k.classes[1].flows.get(1)
	for i := range uint64(100) {
		d.now += 2 * time.Millisecond
		d.arrive(ask(0, 100+i, 0, 1))
	}
	if x := d.arrive(ask(0, 2, 0, 1)); x.Running() || x.Waiting() {
		t.Error("the client that had used up its bucket is let in")
	}
	if dear == nil || d.k.classes[1].flows.get(1) != dear {
		t.Error("a flow with a running request is forgotten")
	}
}

// TestNextEnd: the time at which Advance is due is that of the first wait that ends,
// whether by WaitMax or by StartBy.
func TestNextEnd(t *testing.T) {
	const max = time.Second
	d := drive(t, seat(1, Class{Name: "a", QueueMax: 10, WaitMax: max}))
	d.arrive(ask(0, 1, time.Hour, 1))
	first := d.arrive(ask(0, 1, time.Hour, 1)) // until 1000 ms
	d.now += 100 * time.Millisecond
	d.arrive(ask(0, 1, time.Hour, 1)) // until 1100 ms
	r := ask(0, 1, time.Hour, 1)
	r.StartBy = 700 * time.Millisecond
	hurried := d.arrive(r)
	r.StartBy = 5 * time.Second
	d.arrive(r) // until 1100 ms too
	for _, want := range []time.Duration{700 * time.Millisecond, time.Second, 1100 * time.Millisecond} {
		at, ok := d.k.Next()
		if !ok || at != want {
			t.Fatalf("the next end is at %v, not %v", at, want)
		}
		d.advance(at - d.now)
		if hurried.Waiting() || first.Waiting() != (want < time.Second) {
			t.Errorf("at %v: the hurried one waits: %v, the first: %v", want, hurried.Waiting(), first.Waiting())
		}
	}
	if at, ok := d.k.Next(); ok {
		t.Errorf("there is another at %v", at)
	}
}

// TestHandOver: work that goes on behind its call takes no seat that is not there, and its
// client pays for it.
func TestHandOver(t *testing.T) {
	const ms = time.Millisecond
	const fast, background = 0, 1
	conf := Config{
		Classes:    []Class{{Name: "fast", QueueMax: 9, Buffered: true, ShortMax: ms}, {Name: "background", QueueMax: 9, Limit: 2}},
		Resources:  []Resource{{Name: "seat", Capacity: 3, Buffer: 1}},
		BufferIdle: 100 * ms,
	}
	d := drive(t, conf)
	hand := func(from *Ticket, flow uint64) *Ticket {
		t.Helper()
		to, err := d.handOver(from, Request{Class: background, Flow: flow, Need: Amounts{1}})
		if err == nil {
			err = d.check()
		}
		if err != nil {
			t.Fatal(err)
		}
		return to
	}
	call := func(flow uint64) *Ticket {
		x := d.arrive(Request{Class: fast, Flow: flow, Need: Amounts{1}})
		d.advance(2 * ms)
		return x
	}
	first, second := hand(call(1), 1), hand(call(2), 2)
	if first == nil || second == nil {
		t.Fatal("there are two seats beside the buffer")
	}
	third := call(3)
	if hand(third, 3) != nil {
		t.Fatal("the buffer was given away, or a third began where two may run")
	}
	// Who waits in the class is not passed in virtual time, and a client that has had much
	// comes after one that has had nothing.
	waits := []*Ticket{d.arrive(Request{Class: background, Flow: 1, Need: Amounts{1}}), d.arrive(Request{Class: background, Flow: 4, Need: Amounts{1}})}
	d.done(third)
	d.advance(50 * ms)
	d.done(first)
	if waits[0].Running() || !waits[1].Running() {
		t.Errorf("the client that has had 52 ms goes before the one that has had nothing: %v", d.log)
	}
	d.done(second)
	d.k.Drain(d.now, false, nil)
	if hand(waits[0], 1) != nil {
		t.Error("handed over while draining")
	}
}

// TestHandOverWithinLimit: as many go on behind their calls as may run in the class, however
// many seats are free.
func TestHandOverWithinLimit(t *testing.T) {
	d := drive(t, seat(9, Class{Name: "fast", QueueMax: 9}, Class{Name: "background", QueueMax: 9, Limit: 1}))
	calls := []*Ticket{d.arrive(ask(0, 1, 0, 1)), d.arrive(ask(0, 2, 0, 1))}
	behind := func(from *Ticket) *Ticket {
		t.Helper()
		to, err := d.handOver(from, ask(1, 1, 0, 1))
		if err != nil {
			t.Fatal(err)
		}
		return to
	}
	first := behind(calls[0])
	if first == nil || behind(calls[1]) != nil {
		t.Fatal("one may run, and no more")
	}
	d.done(first)
	if behind(calls[1]) == nil {
		t.Error("the limit is not reached any more")
	}
}

// TestHandOverTakesNoVirtualTime: a client that has had much goes on behind its call; those
// who come after it are put where they would have been without. It is the same for the parts
// of one client.
func TestHandOverTakesNoVirtualTime(t *testing.T) {
	t.Run("flows", func(t *testing.T) {
		handOverBeside(t, func(who uint64, r Request) Request { r.Flow = who; return r })
	})
	t.Run("parts", func(t *testing.T) {
		handOverBeside(t, func(who uint64, r Request) Request { r.Flow, r.Part = 9, who; return r })
	})
}

func handOverBeside(t *testing.T, of func(who uint64, r Request) Request) {
	const ms = time.Millisecond
	d := drive(t, Config{
		Classes:   []Class{{Name: "fast", QueueMax: 9}, {Name: "background", QueueMax: 9}},
		Resources: []Resource{{Name: "seat", Capacity: 3}},
	})
	one, two := Amounts{1}, Amounts{2}
	calls := []*Ticket{d.arrive(of(1, Request{Need: one})), d.arrive(of(1, Request{Need: one})), d.arrive(of(2, Request{Need: one}))}
	behind, err := d.handOver(calls[0], of(1, Request{Class: 1, Need: one}))
	if behind == nil || err != nil {
		t.Fatal(behind, err)
	}
	large := d.arrive(of(3, Request{Class: 1, Need: two}))
	d.advance(50 * ms)
	d.done(behind)
	if again, err := d.handOver(calls[1], of(1, Request{Class: 1, Need: one})); again == nil || err != nil {
		t.Fatal(again, err)
	}
	v := d.k.classes[1].vtime
	if f := d.k.classes[1].flows.get(9); f != nil {
		v = max(v, f.vtime)
	}
	if v != 0 {
		t.Errorf("the virtual time of those who wait has become %v", time.Duration(v))
	}
	small := d.arrive(of(4, Request{Class: 1, Cost: 40 * ms, Need: two}))
	owes := d.arrive(of(1, Request{Class: 1, Need: two}))
	d.done(calls[2])
	if !large.Running() {
		t.Fatal("who waited for longest waits on")
	}
	d.done(large)
	if !small.Running() || owes.Running() {
		t.Error("who has had nothing comes after who has had 50 ms")
	}
	if err := d.check(); err != nil {
		t.Error(err)
	}
}
