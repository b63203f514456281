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
	k.dispatched = now
	for k.waiting > 0 {
		before := len(out)
		var c *class
		var p *part
		c, p, out = k.pick(now, out)
		if p == nil && len(out) == before {
			// Who was kept out may have come in, and no other one may be due.
			if !k.outgrow(now) {
				break
			}
			continue
		}
		if p == nil { // what was dropped may have been in the way of others
			continue
		}
		t := k.turn(c, p, now)
		c.gap += (min(now-c.servedAt, retryMax) - c.gap) / 8
		claimed := p == k.claim
		c.notePassing(p, now)
		k.quit(c, t, now)
		c.rouse(p) // it is about to be in flight
		t.part = p
		out = append(out, k.start(c, t, now, claimed))
	}
	return out
}

// A Chooser says which of the requests that a part has waiting starts now that it is the
// part's turn: the oldest, or one behind it ([Ticket.Behind]) that could start as well.
type Chooser func(now Instant, oldest *Ticket, could func(*Ticket) bool) *Ticket

// Order lets choose say which request of a part goes when it is the turn of the part. Between
// parts and flows nothing changes, and a part that has waited too long for what its oldest
// request needs starts that. choose must not use the kernel; nil ends it.
func (k *Kernel) Order(class int, choose Chooser) { k.classes[class].order = choose }

// turn gives the request of a part that goes next.
func (k *Kernel) turn(c *class, p *part, now Instant) *Ticket {
	if c.order == nil || p.head.next == nil || p == k.claim {
		return p.head
	}
	could := func(t *Ticket) bool {
		if t == p.head {
			return true
		}
		_, late := c.overdue(t, now)
		return t.state == stateWaiting && t.part == p && !late && k.room(c, p, &t.Need)
	}
	if t := c.order(now, p.head, could); t != nil && could(t) {
		return t
	}
	return p.head
}

// start makes a ticket that is in no queue run.
func (k *Kernel) start(c *class, t *Ticket, now Instant, claimed bool) Decision {
	c.count(now)
	c.tally(false, now)
	p := t.part
	f := p.flow
	t.state, t.started = stateRunning, now
	t.charged = min(max(t.Cost, costMin), costMax)

	// Who was kept back keeps his place and saves nothing up: else he would stand in
	// everybody's way for as long, once it is something else that he needs. A flow loses its
	// lag when it has had to claim, a class when another one passes it. And who goes first by
	// a claim does not take virtual time with him: the others would lose what they have not
	// had yet.
	if claimed {
		f.tag = max(f.tag, c.vtime)
		p.tag = max(p.tag, f.vtime)
	}
	c.vtime = max(c.vtime, f.tag)
	f.vtime = max(f.vtime, p.tag)
	p.charge(float64(t.charged))
	if !claimed {
		k.vtime = max(k.vtime, c.tag)
		for _, o := range k.classes {
			if o.waiting > 0 {
				o.tag = max(o.tag, c.tag)
			}
		}
	}
	c.tag = later(c.tag, float64(t.charged)/float64(c.Weight))

	c.ran(t)
	for r := range k.conf.Resources {
		k.free[r] -= t.Need[r]
	}
	if c.Buffered {
		k.buffer(c, t)
	}
	f.inFlight++
	p.inFlight++
	if c.Buffered {
		c.moved(p)
	}
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
func (k *Kernel) pick(now Instant, out []Decision) (best *class, next *part, _ []Decision) {
	k.stakeClaim(now)
	for _, c := range k.classes {
		if c.waiting == 0 || !c.open(now) {
			continue
		}
		var p *part
		p, out = k.candidate(c, now, out)
		if p == nil {
			continue
		}
		if best == nil || c.tag < best.tag {
			best, next = c, p
		}
	}
	return best, next, out
}

// candidate gives the part of a class whose head goes next: of those whose head fits, the
// one with the claim, or else the one that is next by the tags.
func (k *Kernel) candidate(c *class, now Instant, out []Decision) (best *part, _ []Decision) {
	dropped := len(out)
	if p := k.claim; p != nil && k.claimant == c && k.fits(c, p) {
		if out = k.prune(c, p, now, out); len(out) == dropped {
			return p, out
		}
	}
again:
	best = nil
	for _, s := range c.shapes {
		if s.bunches.len() == 0 {
			continue
		}
		p := s.first()
		if best != nil && best.before(p) || !k.fits(c, p) {
			continue
		}
		dropped = len(out)
		if out = k.prune(c, p, now, out); len(out) > dropped {
			goto again // what has come to its head may be of any shape
		}
		best = p
	}
	return best, out
}

// prune drops the heads of a part that are too late.
func (k *Kernel) prune(c *class, p *part, now Instant, out []Decision) []Decision {
	for p.head != nil {
		why, late := c.overdue(p.head, now)
		if !late {
			break
		}
		out = k.drop(p.head, why, c.retryAfter(), out)
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

// fits reports whether the head of a part could start now.
func (k *Kernel) fits(c *class, p *part) bool { return k.room(c, p, &p.head.Need) }

// room reports whether there is as much as a request of the part needs.
func (k *Kernel) room(c *class, p *part, need *Amounts) bool {
	for r := range k.conf.Resources {
		n := need[r]
		if n == 0 {
			continue
		}
		if k.claim != nil && k.claim != p && k.claim.head.Need[r] > 0 && !(c.Buffered && !k.claimant.Buffered && k.spareBuffer(r) >= n) {
			return false
		}
		if n > k.available(c, p, r) {
			return false
		}
	}
	return true
}

// notePassing remembers since when the flow that is next by tag has been passed by others
// of its class, and the part that is next in its flow by others of the flow.
func (c *class) notePassing(started *part, now Instant) {
	if c.AgeMax == 0 {
		return
	}
	if low := c.lowest(); low.flow != started.flow && low != c.passed {
		c.passed, c.passedAt = low, now
	}
	f := started.flow
	switch low := f.lowest(); {
	case low == started:
	case low != f.passed:
		f.passed, f.passedAt = low, now
	case c.starved == nil && now-f.passedAt >= c.AgeMax:
		c.starved, c.starvedAt = low, f.passedAt
	}
}

// noLongerBack forgets that a part was kept back: it has another request at its head, or
// none.
func (c *class) noLongerBack(p *part) {
	if c.kernel.claim == p {
		c.kernel.claim = nil
	}
	if c.passed == p {
		c.passed = nil
	}
	if c.starved == p {
		c.starved = nil
	}
	if p.flow.passed == p {
		p.flow.passed = nil
	}
}

// stakeClaim lets a part go first that has been kept back for too long, and keeps what it
// needs free for it until then: the next one of a class that has started none for AgeMax,
// or the next of a class, or of a flow, in which others, whose requests are smaller, have
// started for so long. There is one claim at a time.
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
		if c.starved != nil && now-c.starvedAt > longest {
			k.claim, k.claimant, longest = c.starved, c, now-c.starvedAt
		}
	}
}
