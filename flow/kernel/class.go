package kernel

import (
	"time"
)

// class is one class with its flows.
type class struct {
	Class
	kernel *Kernel
	index  int

	flows  table
	shared [SharedFlows]*flow
	parts  int // of the flows, but for what is made with a flow

	shapes []*shape // where the parts with requests wait

	order Chooser // see Kernel.Order; nil: the oldest first

	tag    float64 // virtual time of the kernel at which the class's next request may start
	vtime  float64 // the largest tag at which a flow has started, in this period
	period uint64  // grows when nothing waits or runs: virtual time begins anew, debts are forgiven

	short             shorts // requests that run in the buffer
	waiting, inFlight int
	oldest, youngest  *Ticket       // of those that wait
	running           *Ticket       // those that run, linked by next
	looked            look          // of them
	work              time.Duration // of those that wait

	fat     []*flow // flows by the number of their requests that wait
	fattest int     // the largest index with a flow; 0: none waits

	startedAt Instant       // the last start
	servedAt  Instant       // the same, or when the class came to have requests waiting
	gap       time.Duration // smoothed time between starts while requests wait
	passed    *part         // lowest by tag, parked, while another flow started …
	passedAt  Instant       // … first at this time
	starved   *part         // kept back for AgeMax while other parts of its flow started …
	starvedAt Instant       // … since this time

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
func (c *class) join(t *Ticket, p *part, now Instant) {
	c.count(now)
	f := p.flow
	if c.waiting == 0 {
		c.tag = max(c.tag, c.kernel.vtime)
		c.servedAt = now
	}
	t.state, t.part = stateWaiting, p
	p.append(t)
	t.older, t.younger = c.youngest, nil
	if c.youngest == nil {
		c.oldest = t
	} else {
		c.youngest.younger = t
	}
	c.youngest = t
	c.waiting++
	c.work += t.work()
	c.stats.WaitingMax = max(c.stats.WaitingMax, c.waiting)
	c.fatten(f, 1)
	p.waiting++
	if p.waiting == 1 {
		c.kernel.seq++
		p.seq = c.kernel.seq
		if f.waiting == 1 {
			f.seq = p.seq
		}
		c.catchUp(p)
		c.enter(p)
	}
}

// catchUp brings the tags of a part and of its flow up to the virtual time, if they had no
// requests waiting.
func (c *class) catchUp(p *part) {
	f := p.flow
	if f.bunches == nil {
		if f.period != c.period {
			f.period, f.tag = c.period, 0
		}
		f.tag = max(f.tag, c.vtime)
	}
	if p.busy != f.busy {
		p.busy, p.tag = f.busy, 0
	}
	p.tag = max(p.tag, f.vtime)
}

// quit takes a ticket out of the queue, because it starts or leaves. Its flow waits on for
// what its next request needs, or nowhere if it has none.
func (c *class) quit(t *Ticket, now Instant) {
	c.count(now)
	p := t.part
	wasHead := p.head == t
	p.unlink(t)
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
	c.work -= t.work()
	p.waiting--
	c.fatten(p.flow, -1)
	if wasHead {
		c.noLongerBack(p)
	}
	switch {
	case p.head == nil:
		c.leave(p)
	case wasHead && (p.in.in.mixed || p.in.in.need != p.head.Need):
		c.leave(p)
		c.enter(p)
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
	c.fade(now)
	c.decided++
	if lost {
		c.lost++
	}
	c.standing = c.tooManyLost()
}

// fade lets what was counted weigh less, the longer ago it was.
func (c *class) fade(now Instant) {
	if dt := now - c.talliedAt; dt > 0 {
		keep := float64(c.Interval) / float64(c.Interval+dt)
		c.lost *= keep
		c.decided *= keep
		c.talliedAt = now
	}
}

// stands reports whether the queue stands still, when nothing has been counted for a while:
// what was lost in an overload says nothing an hour later.
func (c *class) stands(now Instant) bool {
	if c.standing {
		c.fade(now)
		c.standing = c.tooManyLost()
	}
	return c.standing
}

func (c *class) tooManyLost() bool { return c.lost > lossShare*(c.decided+lossDoubt) }

// open reports whether the class may start another request now, whatever is free.
func (c *class) open(now Instant) bool {
	return (c.Limit == 0 || c.inFlight < c.Limit) && (c.Gap == 0 || c.stats.Started == 0 || now-c.startedAt >= c.Gap)
}

// lowest gives the part with requests that is next by the tags, fitting or not.
func (c *class) lowest() *part {
	var best *part
	for _, s := range c.shapes {
		if s.bunches.len() > 0 {
			if p := s.first(); best == nil || p.before(best) {
				best = p
			}
		}
	}
	return best
}
