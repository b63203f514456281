package kernel

import (
	"testing"
	"time"
)

// asks has the part of a flow ask for a token, and tells whether it got one and when it was
// told to come back.
func (d *driver) asks(part uint64) (ok bool, after time.Duration) {
	t := &Ticket{Request: Request{Flow: 1, Part: part, Need: Amounts{1}}}
	out := d.k.Arrive(d.now, t, nil)
	if out[0].Outcome != Started {
		return false, out[0].RetryAfter
	}
	d.k.Done(d.now, t, nil)
	return true, 0
}

func rated(t *testing.T, burst float64) *driver {
	return drive(t, seat(100, Class{Name: "a", QueueMax: 9, Rate: 10, Burst: burst}))
}

// TestRateOfParts: of the tokens of a client a program that asks seldom finds one, however
// often another asks, and that one has what is left. All together have what the client may.
func TestRateOfParts(t *testing.T) {
	const flooder, seldom, often = 1, 2, 3
	d := rated(t, 10)
	const seconds = 60
	got, refused := map[uint64]int{}, map[uint64]int{}
	try := func(part uint64) {
		if ok, _ := d.asks(part); ok {
			got[part]++
		} else {
			refused[part]++
		}
	}
	try(seldom)
	try(often)
	for ms := range seconds * 1000 {
		d.now += time.Millisecond
		try(flooder)
		if ms%1000 == 999 {
			try(seldom)
		}
		if ms%350 == 349 { // less than a third of ten in a second, with the first
			try(often)
		}
	}
	t.Logf("served %v, refused %v", got, refused)
	if refused[seldom] > 0 || refused[often] > 0 {
		t.Errorf("who asks for less than a share was refused %d and %d times", refused[seldom], refused[often])
	}
	if all := got[flooder] + got[seldom] + got[often]; all < 10*seconds || all > 10*seconds+10 {
		t.Errorf("all together got %d of %d", all, 10*seconds+10)
	}
}

// TestRateOfNames: who takes another name for each call gets no more than the client may, and
// the others of the client get something still.
func TestRateOfNames(t *testing.T) {
	d := rated(t, 10)
	got := map[bool]int{}
	wait := time.Duration(0)
	for ms := range uint64(60_000) {
		d.now += time.Millisecond
		for range 2 {
			if ok, _ := d.asks(100 + ms); ok {
				got[false]++
			}
		}
		if d.now >= wait { // it comes back when it was told to
			ok, after := d.asks(1)
			if wait = d.now + after; ok {
				got[true]++
				wait = d.now + time.Second
			}
		}
	}
	t.Logf("the one with many names %d, the other %d", got[false], got[true])
	if got[false]+got[true] > 610 || got[true] < 20 {
		t.Errorf("the one with many names got %d, the other %d", got[false], got[true])
	}
}

// TestRateOfOne: where a client is one program, or its bucket holds one token, it is a plain
// bucket; and what Peek says is what Arrive does.
func TestRateOfOne(t *testing.T) {
	for _, c := range []struct {
		burst float64
		parts []uint64
	}{{5, []uint64{7}}, {5, []uint64{0}}, {1, []uint64{7, 8}}, {4, []uint64{7, 8, 9}}} {
		d := rated(t, c.burst)
		took := 0
		for range 1000 {
			d.now += 10 * time.Millisecond
			for _, p := range c.parts {
				o, after := d.k.Peek(d.now, 0, 1, p)
				known := d.k.classes[0].flows.get(1) != nil
				ok, told := d.asks(p)
				if known && ((o == Started) != ok || after != told) {
					t.Fatalf("%v: Peek said %v, %v, and it was %v, %v", c, o, after, ok, told)
				}
				if ok {
					took++
				}
			}
		}
		if most := 100 + c.burst; float64(took) > most || took < 100 {
			t.Errorf("%v: %d tokens in ten seconds of ten each", c, took)
		}
	}
}

// TestBurstIsBounded: who has not asked for long may ask as often at once as the bucket
// holds, and no more.
func TestBurstIsBounded(t *testing.T) {
	d := rated(t, 3)
	keep := d.arrive(ask(0, 1, time.Millisecond, 1)) // so that the flow is not forgotten
	d.advance(time.Hour)
	for i := range 5 {
		if ok, _ := d.asks(0); ok != (i < 3) {
			t.Errorf("after an hour request %d is let in: %v", i, ok)
		}
	}
	d.done(keep)
}

// TestEmptyBucketIsKept: a client is not forgotten, for one who comes, as long as its bucket
// is not full: else it would begin anew with a full one.
func TestEmptyBucketIsKept(t *testing.T) {
	conf := seat(100, Class{Name: "a", QueueMax: 9, Rate: 1, Burst: 3})
	conf.FlowsMax = 1
	d := drive(t, conf)
	for range 3 {
		d.asks(0)
	}
	d.arrive(ask(0, 2, time.Millisecond, 1))
	if ok, _ := d.asks(0); ok {
		t.Error("it was forgotten that the bucket is empty")
	}
}

// TestHandIsSpread: who comes when there are too many to tell apart has all the flows that
// he is dealt, and not the first of them alone.
func TestHandIsSpread(t *testing.T) {
	conf := seat(1, Class{Name: "a", QueueMax: 100, FlowQueueMax: 3})
	conf.FlowsMax = 1
	d := drive(t, conf)
	d.arrive(ask(0, 1, time.Hour, 1))
	d.arrive(ask(0, 1, time.Hour, 1))
	before := len(d.waiting)
	for range 20 {
		d.arrive(ask(0, 2, time.Hour, 1))
	}
	if n := len(d.waiting) - before; n < 9 || n > 12 {
		t.Errorf("in four flows of three places %d wait", n)
	}
}
