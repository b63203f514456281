package kernel

import (
	"time"
)

// shape is what heads of flows need and may take, and the flows whose heads are alike in
// that. If the first
// of them does not fit, none does, so that looking at one flow per shape finds whoever
// fits: what is free never waits for somebody who cannot use it.
type shape struct {
	need  Amounts
	heavy bool // of flows that may not take the buffer while somebody else uses it
	mixed bool // of different needs: those beyond shapesMax. Only its first is looked at
	flows heap[float64, *flow]
}

// shapesMax bounds the shapes of a class, which are gone through at every start. Seats
// come in few combinations; who asks for bytes does well to round.
const shapesMax = 16

// enter puts a flow with requests where its head belongs.
func (c *class) enter(f *flow) {
	var s *shape
	heavy := c.heavy(f)
	for _, x := range c.shapes {
		if !x.mixed && x.need == f.head.Need && x.heavy == heavy {
			s = x
			break
		}
		if s == nil && (x.mixed || x.flows.len() == 0) {
			s = x
		}
	}
	if s == nil {
		s = &shape{mixed: len(c.shapes) == shapesMax-1}
		c.shapes = append(c.shapes, s)
	}
	if s.flows.len() == 0 {
		s.need, s.heavy = f.head.Need, heavy
	}
	f.in = s
	s.flows.push(f.tag, f.seq, f, &f.place)
}

// moved puts a flow that waits where it belongs since it has more or less running.
func (c *class) moved(f *flow) {
	if f.in != nil && !f.in.mixed && f.in.heavy != c.heavy(f) {
		f.leave()
		c.enter(f)
	}
}

// leave takes a flow out of where it waits.
func (f *flow) leave() {
	f.in.flows.remove(f.place)
	f.in = nil
}

// class is one class with its flows.
type class struct {
	Class
	kernel *Kernel
	index  int

	flows  map[uint64]*flow
	shared [SharedFlows]*flow

	shapes []*shape // where the flows with requests wait

	order Chooser // see Kernel.Order; nil: the oldest first

	tag    float64 // virtual time of the kernel at which the class's next request may start
	vtime  float64 // the largest tag at which a flow has started, in this period
	period uint64  // grows when nothing waits or runs: virtual time begins anew, debts are forgiven

	short             shorts // requests that run in the buffer
	waiting, inFlight int
	oldest, youngest  *Ticket // of those that wait

	fat     []*flow // flows by the number of their requests that wait
	fattest int     // the largest index with a flow; 0: none waits

	startedAt Instant       // the last start
	servedAt  Instant       // the same, or when the class came to have requests waiting
	gap       time.Duration // smoothed time between starts while requests wait
	passed    *flow         // lowest by tag, parked, while another flow started …
	passedAt  Instant       // … first at this time

	decided, lost float64 // tickets of about the last Interval, and those of them that did not start
	talliedAt     Instant
	standing      bool

	idleHead, idleTail *flow // flows without requests, those first that have been so for longest

	stats     ClassStats // what ns has is filled in when asked for
	ns        struct{ wait, service, waiting, running float64 }
	countedAt Instant
}

// count brings the integrals of the statistics up to now. It is called before waiting or
// inFlight changes.
func (c *class) count(now Instant) {
	dt := float64(now - c.countedAt)
	c.ns.waiting += float64(c.waiting) * dt
	c.ns.running += float64(c.inFlight) * dt
	c.countedAt = now
}

// join puts a ticket into the queue.
func (c *class) join(t *Ticket, f *flow, now Instant) {
	c.count(now)
	if c.waiting == 0 {
		c.tag = max(c.tag, c.kernel.vtime)
		c.servedAt = now
	}
	t.state, t.flow = stateWaiting, f
	f.append(t)
	t.older, t.younger = c.youngest, nil
	if c.youngest == nil {
		c.oldest = t
	} else {
		c.youngest.younger = t
	}
	c.youngest = t
	c.waiting++
	c.stats.WaitingMax = max(c.stats.WaitingMax, c.waiting)
	c.fatten(f, 1)
	if f.waiting == 1 {
		c.kernel.seq++
		f.seq = c.kernel.seq
		c.catchUp(f)
		c.enter(f)
	}
}

// catchUp brings the tag of a flow that had no requests waiting up to the virtual time.
func (c *class) catchUp(f *flow) {
	if f.period != c.period {
		f.period, f.tag = c.period, 0
	}
	f.tag = max(f.tag, c.vtime)
}

// quit takes a ticket out of the queue, because it starts or leaves. Its flow waits on for
// what its next request needs, or nowhere if it has none.
func (c *class) quit(t *Ticket, now Instant) {
	c.count(now)
	f := t.flow
	wasHead := f.head == t
	f.unlink(t)
	if t.older == nil {
		c.oldest = t.younger
	} else {
		t.older.younger = t.younger
	}
	if t.younger == nil {
		c.youngest = t.older
	} else {
		t.younger.older = t.older
	}
	t.older, t.younger = nil, nil
	c.waiting--
	c.fatten(f, -1)
	if wasHead {
		if c.kernel.claim == f {
			c.kernel.claim = nil
		}
		if c.passed == f {
			c.passed = nil
		}
	}
	switch {
	case f.head == nil:
		f.leave()
	case wasHead && (f.in.mixed || f.in.need != f.head.Need):
		f.leave()
		c.enter(f)
	}
}

// fatten keeps the lists of flows by length when one grows or shrinks.
func (c *class) fatten(f *flow, by int) {
	if f.waiting > 0 {
		if f.fatter == nil {
			c.fat[f.waiting] = f.thinner
		} else {
			f.fatter.thinner = f.thinner
		}
		if f.thinner != nil {
			f.thinner.fatter = f.fatter
		}
	}
	f.fatter, f.thinner = nil, nil
	f.waiting += by
	if f.waiting > 0 {
		if f.waiting >= len(c.fat) {
			c.fat = append(c.fat, make([]*flow, f.waiting+1-len(c.fat))...)
		}
		if f.thinner = c.fat[f.waiting]; f.thinner != nil {
			f.thinner.fatter = f
		}
		c.fat[f.waiting] = f
		c.fattest = max(c.fattest, f.waiting)
	}
	for c.fattest > 0 && c.fat[c.fattest] == nil {
		c.fattest--
	}
}

// A queue stands if more than lossShare of its tickets are lost. lossDoubt is the number
// of tickets without a loss that are added to what was counted: two of three say little.
const (
	lossShare = 0.1
	lossDoubt = 8
)

// tally counts a ticket that started or was lost, and looks whether the queue stands. What
// was counted fades with Interval.
func (c *class) tally(lost bool, now Instant) {
	if c.Target == 0 {
		return
	}
	if dt := now - c.talliedAt; dt > 0 {
		keep := float64(c.Interval) / float64(c.Interval+dt)
		c.lost *= keep
		c.decided *= keep
		c.talliedAt = now
	}
	c.decided++
	if lost {
		c.lost++
	}
	c.standing = c.lost > lossShare*(c.decided+lossDoubt)
}

// open reports whether the class may start another request now, whatever is free.
func (c *class) open(now Instant) bool {
	return (c.Limit == 0 || c.inFlight < c.Limit) && (c.Gap == 0 || c.stats.Started == 0 || now-c.startedAt >= c.Gap)
}

// lowest gives the flow with requests whose tag is the smallest, fitting or not.
func (c *class) lowest() *flow {
	var best *flow
	for _, s := range c.shapes {
		if s.flows.len() > 0 {
			if f := s.flows.e[0].value; best == nil || f.before(best) {
				best = f
			}
		}
	}
	return best
}

func (f *flow) before(g *flow) bool { return f.tag < g.tag || f.tag == g.tag && f.seq < g.seq }

// retryAfter estimates when the queue will have room.
func (c *class) retryAfter() time.Duration {
	return min(max(time.Duration(c.waiting)*c.gap, retryMin), retryMax)
}

const (
	retryMin = 100 * time.Millisecond
	retryMax = 30 * time.Second
)
