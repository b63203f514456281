package kernel

import (
	"strings"
	"testing"
	"time"
)

// TestBuffer: short requests find a seat beside long ones, whatever these have borrowed;
// those that turn out long give it up, once; and never is more taken than capacity and
// buffer together.
func TestBuffer(t *testing.T) {
	d := drive(t, Config{
		Classes: []Class{
			{Name: "short", QueueMax: 10, Buffered: true, ShortMax: 200 * time.Millisecond},
			{Name: "long", QueueMax: 10},
		},
		Resources:  []Resource{{Name: "seats", Capacity: 2, Buffer: 1}},
		BufferIdle: time.Second,
	})
	short := func(flow uint64) *Ticket { return d.arrive(Request{Class: 0, Flow: flow, Need: Amounts{1}}) }
	long := func(flow uint64) *Ticket { return d.arrive(Request{Class: 1, Flow: flow, Need: Amounts{1}}) }
	running := func(what string, tickets ...*Ticket) {
		t.Helper()
		if err := d.check(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		for i, x := range tickets {
			if !x.Running() {
				t.Errorf("%s: request %d does not run; %s", what, i, strings.Join(d.log, ", "))
			}
		}
		if len(d.running) != len(tickets) {
			t.Errorf("%s: %d run, want %d; %s", what, len(d.running), len(tickets), strings.Join(d.log, ", "))
		}
	}
	// Nothing short has come: long ones borrow.
	a, b, c := long(1), long(1), long(1)
	running("long ones borrow", a, b)
	s := short(2)
	running("a short one does not wait for them", a, b, s)
	d.done(s)
	s = short(2)
	running("nor the next", a, b, s)
	s2 := short(3)
	running("but one alone has the buffer", a, b, s)
	d.advance(200 * time.Millisecond)
	running("what has outgrown the buffer stays, and no more than the buffer is on top", a, b, s)
	d.done(a)
	running("then the next short one goes", b, s, s2)
	d.done(s)
	running("long ones wait while short ones come", b, s2)
	d.done(s2)
	running("also if none is there", b)
	d.advance(time.Second)
	running("and borrow again after a while", b, c)

	// One client's short calls that turn out long leave the buffer to others, not to it.
	d.done(b)
	d.done(c)
	x, y, z := short(5), short(5), short(5)
	running("one client takes the seats", x, y)
	d.advance(200 * time.Millisecond)
	running("and no seat beyond", x, y)
	v := short(6)
	running("another client has it", x, y, v)
	d.done(x)
	running("what waits is next when there is room", y, v)
	d.done(v)
	running("what waits is next when there is room", y, z)
}
