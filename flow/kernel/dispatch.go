package kernel

import (
	"time"
)

// costMin is the least that a request is charged: one that cost nothing would leave its
// flow at the head for ever.
const costMin = time.Microsecond

// costMax is the most that a request is charged in advance: its flow waits for that long
// if the prediction was nonsense.
const costMax = time.Hour

// dispatch starts requests until none fits that may start.
func (k *Kernel) dispatch(now Instant, out []Decision) []Decision {
	for k.waiting > 0 {
		before := len(out)
		var c *class
		var f *flow
		c, f, out = k.pick(now, out)
		if f == nil && len(out) == before {
			break
		}
		if f == nil { // what was dropped may have been in the way of others
			continue
		}
		t := k.turn(c, f, now)
		if c.stats.Started > 0 {
			c.gap += (min(now-c.startedAt, retryMax) - c.gap) / 8
		}
		claimed := f == k.claim
		c.notePassing(f, now)
		k.quit(c, t, now)
		if f.idle { // it is about to be in flight
			c.rouse(f)
		}
		t.flow = f
		out = append(out, k.start(c, t, now, claimed))
	}
	return out
}

// A Chooser says which of the requests that a flow has waiting starts now that it is the
// flow's turn: the oldest, or one behind it ([Ticket.Behind]) that could start as well.
type Chooser func(now Instant, oldest *Ticket, could func(*Ticket) bool) *Ticket

// Order lets choose say which request of a flow goes when it is the turn of the flow. Between
// flows nothing changes, and a flow that has waited too long for what its oldest request
// needs starts that. choose must not use the kernel; nil ends it.
func (k *Kernel) Order(class int, choose Chooser) { k.classes[class].order = choose }

// turn gives the request of a flow that goes next.
func (k *Kernel) turn(c *class, f *flow, now Instant) *Ticket {
	if c.order == nil || f.head.next == nil || f == k.claim {
		return f.head
	}
	could := func(t *Ticket) bool {
		if t == f.head {
			return true
		}
		_, late := c.overdue(t, now)
		return t.state == stateWaiting && t.flow == f && !late && k.room(c, f, &t.Need)
	}
	if t := c.order(now, f.head, could); t != nil && could(t) {
		return t
	}
	return f.head
}

// start makes a ticket that is in no queue run.
func (k *Kernel) start(c *class, t *Ticket, now Instant, claimed bool) Decision {
	c.count(now)
	c.tally(false, now)
	f := t.flow
	t.state, t.started = stateRunning, now
	t.charged = min(max(t.Cost, costMin), costMax)

	// Who was kept back keeps his place and saves nothing up: else he would stand in
	// everybody's way for as long, once it is something else that he needs. A flow loses its
	// lag when it has had to claim, a class when another one passes it. And who goes first by
	// a claim does not take virtual time with him: the others would lose what they have not
	// had yet.
	if claimed {
		f.tag = max(f.tag, c.vtime)
	}
	c.vtime = max(c.vtime, f.tag)
	f.charge(float64(t.charged))
	if !claimed {
		k.vtime = max(k.vtime, c.tag)
		for _, o := range k.classes {
			if o.waiting > 0 {
				o.tag = max(o.tag, c.tag)
			}
		}
	}
	c.tag = later(c.tag, float64(t.charged)/float64(c.Weight))

	for r := range k.conf.Resources {
		k.free[r] -= t.Need[r]
	}
	if c.Buffered {
		k.buffer(c, t)
	}
	f.inFlight++
	c.moved(f)
	c.inFlight++
	k.inFlight++
	c.startedAt, c.servedAt = now, now
	c.stats.Started++
	c.stats.Outcomes[Started]++
	c.ns.wait += float64(now - t.arrived)
	return Decision{t, Started, 0}
}

// pick chooses whose request starts next: nil if nothing that may start fits. What is too
// late is dropped on the way.
func (k *Kernel) pick(now Instant, out []Decision) (best *class, flow *flow, _ []Decision) {
	k.stakeClaim(now)
	for _, c := range k.classes {
		if c.waiting == 0 || !c.open(now) {
			continue
		}
		var f = flow
		f, out = k.candidate(c, now, out)
		if f == nil {
			continue
		}
		if best == nil || c.tag < best.tag {
			best, flow = c, f
		}
	}
	return best, flow, out
}

// candidate gives the flow of a class whose head goes next: of those whose head fits, the
// one with the claim, or else with the smallest tag.
func (k *Kernel) candidate(c *class, now Instant, out []Decision) (best *flow, _ []Decision) {
	dropped := len(out)
	if f := k.claim; f != nil && k.claimant == c && k.fits(c, f) {
		if out = k.prune(c, f, now, out); len(out) == dropped {
			return f, out
		}
	}
again:
	best = nil
	for _, s := range c.shapes {
		if s.flows.len() == 0 {
			continue
		}
		f := s.flows.e[0].value
		if best != nil && best.before(f) || !k.fits(c, f) {
			continue
		}
		dropped = len(out)
		if out = k.prune(c, f, now, out); len(out) > dropped {
			goto again // what has come to its head may be of any shape
		}
		best = f
	}
	return best, out
}

// prune drops the heads of a flow that are too late.
func (k *Kernel) prune(c *class, f *flow, now Instant, out []Decision) []Decision {
	for f.head != nil {
		why, late := c.overdue(f.head, now)
		if !late {
			break
		}
		out = k.drop(f.head, why, c.retryAfter(), out)
	}
	return out
}

// possible reports whether the ticket could start if nothing else ran.
func (k *Kernel) possible(c *class, t *Ticket) bool {
	for r, res := range k.conf.Resources {
		most := res.Capacity
		if !c.Buffered {
			most -= res.Buffer
		}
		if t.Need[r] > most || t.Need[r] < 0 {
			return false
		}
	}
	return true
}

// fits reports whether the head of a flow could start now.
func (k *Kernel) fits(c *class, f *flow) bool { return k.room(c, f, &f.head.Need) }

// room reports whether there is as much as a request of the flow needs.
func (k *Kernel) room(c *class, f *flow, need *Amounts) bool {
	for r := range k.conf.Resources {
		n := need[r]
		if n == 0 {
			continue
		}
		if k.claim != nil && k.claim != f && k.claim.head.Need[r] > 0 && !(c.Buffered && !k.claimant.Buffered && k.spareBuffer(r) >= n) {
			return false
		}
		if n > k.available(c, f, r) {
			return false
		}
	}
	return true
}

// notePassing remembers since when the flow that is next by tag has been passed by others
// of its class.
func (c *class) notePassing(started *flow, now Instant) {
	if low := c.lowest(); low != started && low != c.passed {
		c.passed, c.passedAt = low, now
	}
}

// stakeClaim lets a flow go first that has been kept back for too long, and keeps what it
// needs free for it until then: the next flow of a class that has started none for AgeMax,
// or the next of a class in which others, whose requests are smaller, have started for so
// long. There is one claim at a time.
func (k *Kernel) stakeClaim(now Instant) {
	if k.claim != nil {
		if !k.claimant.open(now) {
			k.claim = nil // what keeps it back now is the class's own bound
		}
		return
	}
	longest := time.Duration(-1)
	for _, c := range k.classes {
		if c.AgeMax == 0 || c.waiting == 0 || !c.open(now) {
			continue
		}
		back := now - c.servedAt
		if c.passed != nil && c.passed == c.lowest() {
			back = max(back, now-c.passedAt)
		}
		if back >= c.AgeMax && back > longest {
			k.claim, k.claimant, longest = c.lowest(), c, back
		}
	}
}
