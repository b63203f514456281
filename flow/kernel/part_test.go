package kernel

import (
	"testing"
	"time"
)

// askOf is a request of a part of a flow.
func askOf(flow, part uint64, cost time.Duration, need int64) Request {
	return Request{Flow: flow, Part: part, Cost: cost, Need: Amounts{need}}
}

// partTurns is turns, by part.
func (d *driver) partTurns(n int) map[uint64]int {
	of := map[uint64]int{}
	for range n {
		before := map[*Ticket]bool{}
		for t := range d.running {
			before[t] = true
		}
		d.turns(1)
		for t := range d.running {
			if !before[t] {
				of[t.Part]++
			}
		}
	}
	return of
}

// TestPartsTakeTurns: what a flow gets is shared by its parts, by weight, and by no others.
func TestPartsTakeTurns(t *testing.T) {
	const work = 10 * time.Millisecond
	d := drive(t, seat(1, Class{Name: "a", QueueMax: 1000}))
	for range 100 {
		d.arrive(askOf(1, 1, work, 1))
	}
	for range 100 {
		r := askOf(1, 2, work, 1)
		r.PartBy = 3
		d.arrive(r)
		d.arrive(askOf(2, 9, work, 1))
	}
	if of := d.partTurns(80); of[9] != 40 || of[1] < 9 || of[1] > 11 {
		t.Errorf("of 80 turns the other flow has %d, the parts of one have %d and %d", of[9], of[1], of[2])
	}
}

// TestPartSavesNothing: a part that was idle is due what the others of its flow are.
func TestPartSavesNothing(t *testing.T) {
	const work = 10 * time.Millisecond
	d := drive(t, seat(1, Class{Name: "a", QueueMax: 1000}))
	first := d.arrive(askOf(1, 2, work, 1))
	for range 200 {
		d.arrive(askOf(1, 1, work, 1))
	}
	d.done(first)
	d.partTurns(100)
	for range 50 {
		d.arrive(askOf(1, 2, work, 1))
	}
	if of := d.partTurns(20); of[1] != 10 || of[2] != 10 {
		t.Errorf("of 20 turns the busy part has %d, the one that was idle %d", of[1], of[2])
	}
}

// TestPartsKeepDebts: a part whose call took longer than expected pays for it, and the
// other part of its flow does not; not for longer than the flow is busy.
func TestPartsKeepDebts(t *testing.T) {
	const work = 10 * time.Millisecond
	conf := seat(1, Class{Name: "a", QueueMax: 1000})
	conf.FlowIdle = time.Nanosecond // it is kept for what it owes
	d := drive(t, conf)
	dear := d.arrive(askOf(1, 2, work, 1))
	for range 200 {
		d.arrive(askOf(1, 1, work, 1))
	}
	d.now += 20 * work
	d.done(dear)
	d.partTurns(2)
	d.arrive(askOf(1, 3, work, 1)) // another one is to be remembered
	for range 30 {
		d.arrive(askOf(1, 2, work, 1))
	}
	if of := d.partTurns(10); of[2] > 0 {
		t.Errorf("of 10 turns %d are of the part that owes as many", of[2])
	}
	if of := d.partTurns(40); of[2] < 14 {
		t.Errorf("of 40 turns %d are of the part that owed", of[2])
	}

	// Another flow keeps the class busy while this one has nothing left.
	d = drive(t, seat(2, Class{Name: "a", QueueMax: 1000}))
	d.arrive(askOf(7, 0, time.Hour, 1))
	dear = d.arrive(askOf(1, 2, work, 1))
	d.now += time.Minute
	d.done(dear)
	for range 50 {
		d.arrive(askOf(1, 1, work, 1))
		d.arrive(askOf(1, 2, work, 1))
	}
	d.running = map[*Ticket]bool{}
	for x := range d.ids {
		if x.Running() && x.Flow == 1 {
			d.running[x] = true
		}
	}
	of := map[uint64]int{}
	for range 20 {
		for x := range d.running {
			d.now += work
			d.done(x)
			of[x.Part]++
		}
	}
	if of[1] < 9 || of[2] < 9 {
		t.Errorf("of 20 turns the parts have %d and %d, though nobody was owed", of[1], of[2])
	}
}

// TestPartGivesWay: where the queue of a flow is full, the newest of its fattest part gives
// way to a part with fewer; renamed requests have none to displace.
func TestPartGivesWay(t *testing.T) {
	d := drive(t, seat(1, Class{Name: "a", QueueMax: 100, FlowQueueMax: 6}))
	d.arrive(askOf(1, 1, time.Second, 1)) // runs
	var many []*Ticket
	for range 6 {
		many = append(many, d.arrive(askOf(1, 1, time.Second, 1)))
	}
	if x := d.arrive(askOf(1, 1, time.Second, 1)); x.Waiting() || d.log[len(d.log)-1] != "8 full_flow" {
		t.Errorf("a seventh of the part: %v", d.log)
	}
	if o, _ := d.k.Peek(d.now, 0, 1, 1); o != FullFlow {
		t.Errorf("the part that fills the queue is told %v beforehand", o)
	}
	if o, _ := d.k.Peek(d.now, 0, 1, AnyPart); o != Started {
		t.Errorf("any part is told %v beforehand, and another would be let in", o)
	}
	for i := range 4 {
		x := d.arrive(askOf(1, 2, time.Second, 1))
		if want := i < 3; x.Waiting() != want || many[5-i].Waiting() == want && i < 3 {
			t.Errorf("%d of the other part: waits %v, the newest of the fattest %v", i+1, x.Waiting(), many[5-i].Waiting())
		}
	}
	if err := d.check(); err != nil {
		t.Fatal(err)
	}
	for part := range uint64(3) { // the parts have 3 and 3, and then one gives way
		d.arrive(askOf(1, 10+part, time.Second, 1))
	}
	for part := range uint64(3) {
		d.arrive(askOf(1, 20+part, time.Second, 1))
	}
	if o, _ := d.k.Peek(d.now, 0, 1, AnyPart); o != FullFlow {
		t.Errorf("six parts have one waiting each, and another is told %v beforehand", o)
	}
	if x := d.arrive(askOf(2, 0, time.Second, 1)); !x.Waiting() {
		t.Error("another flow finds no place")
	}
}

// TestPartAges: the part of a flow that needs more than its others do is not kept back for
// ever, whatever other flows do.
func TestPartAges(t *testing.T) {
	const work = 10 * time.Millisecond
	d := drive(t, seat(2, Class{Name: "a", QueueMax: 1000, AgeMax: 100 * time.Millisecond}))
	for range 100 {
		d.arrive(askOf(1, 1, work, 1))
		d.arrive(askOf(2, 0, work, 1))
	}
	big := d.arrive(askOf(1, 2, work, 2))
	for range 100 { // the seats never become free together
		if big.Running() {
			break
		}
		d.turns(1)
		d.now += time.Microsecond
		if err := d.check(); err != nil {
			t.Fatal(err)
		}
	}
	if !big.Running() {
		t.Error("it has not started after 100 others")
	}
	if d.now < 90*time.Millisecond {
		t.Errorf("it started at %v, and nothing was in its way: the test shows nothing", d.now)
	}
	if d.k.classes[0].starved != nil {
		t.Error("it is still taken for one that is kept back")
	}
}

// TestPartsAreBounded: however many names there are, a flow has no more than its parts, and
// a class no more than there may be; who is not told apart is served like others.
func TestPartsAreBounded(t *testing.T) {
	conf := seat(2, Class{Name: "a", QueueMax: 1000})
	conf.PartsMax, conf.FlowsMax, conf.FlowIdle = 3, 5, time.Millisecond
	d := drive(t, conf)
	for i := range uint64(300) {
		d.arrive(askOf(i%3, i, time.Millisecond, 1))
		if s := d.k.Stats(0); s.Parts > 5 {
			t.Fatalf("%d parts are told apart", s.Parts)
		}
		if err := d.check(); err != nil {
			t.Fatal(err)
		}
	}
	for f := range d.k.classes[0].flows.all() {
		if len(f.parts) > 3 {
			t.Errorf("a flow has %d parts", len(f.parts))
		}
	}
	if top := d.k.Fattest(0, 1); len(top) != 1 || !top[0].PartsShared {
		t.Errorf("the fattest flow does not say that its parts are shared: %+v", top)
	}
	for len(d.running) > 0 {
		d.turns(1)
	}
	if len(d.waiting) > 0 {
		t.Errorf("%d still wait", len(d.waiting))
	}
	for i := range uint64(20) { // those that came one after the other are forgotten again
		d.now += time.Second
		d.done(d.arrive(askOf(9+i%2, i, time.Millisecond, 1)))
	}
	if s := d.k.Stats(0); s.Parts > 4 || s.Flows > 3 {
		t.Errorf("%d parts of %d flows are remembered", s.Parts, s.Flows)
	}
}

// TestPartsOfOneFlow: one client alone has no more parts than PartsMax told apart, however many
// the class has room for.
func TestPartsOfOneFlow(t *testing.T) {
	conf := seat(2, Class{Name: "a", QueueMax: 1000})
	conf.PartsMax, conf.FlowsMax = 3, 50
	d := drive(t, conf)
	for i := range uint64(30) {
		d.arrive(askOf(1, 1+i, time.Millisecond, 1))
	}
	if n := d.k.Stats(0).Parts; n != 3 {
		t.Errorf("%d parts are told apart", n)
	}
	if err := d.check(); err != nil {
		t.Error(err)
	}
}

// TestSharedFlowIsFair: clients that share a flow because there are too many are its parts,
// so that one of them with many requests does not keep another back.
func TestSharedFlowIsFair(t *testing.T) {
	const work = 10 * time.Millisecond
	conf := seat(1, Class{Name: "a", QueueMax: 1000})
	conf.FlowsMax = 1
	d := drive(t, conf)
	d.arrive(askOf(0, 0, work, 1)) // the only one that is told apart
	// Two clients that are dealt the same shared flow.
	one := uint64(1)
	f := d.k.sharedFlow(d.k.classes[0], one, 0)
	other := one + 1
	for d.k.sharedFlow(d.k.classes[0], other, 0) != f {
		other++
	}
	for range 40 {
		x := &Ticket{Request: askOf(one, 0, work, 1)}
		d.ids[x], d.waiting[x] = len(d.ids)+1, true
		p := d.k.partOf(d.k.classes[0], f, one, 0, 0)
		x.arrived, x.expiry = d.now, -1
		d.k.classes[0].stats.Arrived++
		d.k.join(d.k.classes[0], x, p, d.now)
	}
	x := &Ticket{Request: askOf(other, 0, work, 1)}
	d.ids[x], d.waiting[x] = len(d.ids)+1, true
	x.arrived, x.expiry = d.now, -1
	d.k.classes[0].stats.Arrived++
	d.k.join(d.k.classes[0], x, d.k.partOf(d.k.classes[0], f, other, 0, 0), d.now)
	d.turns(3)
	if x.Waiting() {
		t.Error("behind the 40 of another client it has not started after three turns")
	}
	if err := d.check(); err != nil {
		t.Error(err)
	}
}

// TestFlowIsHeavy: a client who gives each call another name does not take the buffer that
// way from other clients; where there are no others its programs do not lack it.
func TestFlowIsHeavy(t *testing.T) {
	for _, others := range []bool{false, true} {
		conf := seat(4, Class{Name: "fast", QueueMax: 100, Buffered: true, ShortMax: 10 * time.Millisecond})
		conf.Resources[0].Buffer = 1
		d := drive(t, conf)
		if others {
			d.done(d.arrive(askOf(2, 0, time.Millisecond, 1)))
		}
		for part := range uint64(4) {
			d.arrive(askOf(1, part, time.Millisecond, 1))
		}
		d.advance(20 * time.Millisecond) // they are not short
		if x := d.arrive(askOf(1, 99, time.Millisecond, 1)); x.Running() == others {
			t.Errorf("other clients %v: a part with nothing running takes the buffer: %v", others, x.Running())
		}
		if x := d.arrive(askOf(2, 0, time.Millisecond, 1)); x.Running() != others {
			t.Errorf("other clients %v: the other client's call runs: %v", others, x.Running())
		}
		if err := d.check(); err != nil {
			t.Error(err)
		}
	}
}

// TestPartIsHeavy: who has as much running as the buffer does not take it, though there is
// nobody else.
func TestPartIsHeavy(t *testing.T) {
	conf := seat(3, Class{Name: "fast", QueueMax: 100, Buffered: true, ShortMax: 10 * time.Millisecond})
	conf.Resources[0].Buffer = 1
	d := drive(t, conf)
	d.arrive(askOf(1, 1, time.Millisecond, 1))
	d.arrive(askOf(1, 2, time.Millisecond, 2))
	d.advance(20 * time.Millisecond) // they are not short
	if x := d.arrive(askOf(1, 1, time.Millisecond, 1)); x.Running() {
		t.Error("a part with one running takes a buffer of one")
	}
	if x := d.arrive(askOf(1, 3, time.Millisecond, 1)); !x.Running() {
		t.Error("a part with nothing running does not")
	}
}

// TestManyShapesOfParts: parts of one flow with more different needs than there are heaps
// for, that become heavy and light, come to run like others.
func TestManyShapesOfParts(t *testing.T) {
	conf := seat(60, Class{Name: "a", QueueMax: 1000, AgeMax: time.Second, Buffered: true, ShortMax: time.Millisecond})
	conf.Resources[0].Buffer = 3
	d := drive(t, conf)
	for i := range 300 {
		d.arrive(askOf(uint64(i%5), uint64(i%7), time.Millisecond, int64(i%23+1)))
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
