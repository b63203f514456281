package kernel

import (
	"math"
	"time"
)

// costMin is the least that a request is charged: one that cost nothing would leave its
// flow at the head for ever.
const costMin = time.Microsecond

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
		t := f.head
		if c.waiting > 0 && c.stats.Started > 0 {
			c.gap += (min(now-c.startedAt, retryMax) - c.gap) / 8
		}
		c.notePassing(f, now)
		k.quit(c, t, now)
		if f.idle { // it is about to be in flight
			c.rouse(f)
		}
		t.flow = f
		out = append(out, k.start(c, t, now))
	}
	if k.waiting == 0 {
		for _, c := range k.classes {
			c.watch(now)
		}
	}
	return out
}

// start makes a ticket that is in no queue run.
func (k *Kernel) start(c *class, t *Ticket, now Instant) Decision {
	c.count(now)
	f := t.flow
	t.state, t.started = stateRunning, now
	t.charged = max(t.Cost, costMin)

	c.vtime = math.Max(c.vtime, f.tag)
	f.charge(float64(t.charged))
	c.maxTag = math.Max(c.maxTag, f.tag)
	k.vtime = math.Max(k.vtime, c.tag)
	c.tag += float64(t.charged) / float64(c.Weight)
	k.maxTag = math.Max(k.maxTag, c.tag)

	t.buffered = c.Buffered
	for r := range k.conf.Resources {
		k.free[r] -= t.Need[r]
		if t.buffered {
			k.buffered[r] += t.Need[r]
		}
	}
	f.inFlight++
	c.inFlight++
	k.inFlight++
	c.startedAt, c.servedAt = now, now
	c.stats.Started++
	c.stats.Outcomes[Started]++
	c.stats.WaitSeconds += (now - t.arrived).Seconds()
	return Decision{t, Started, 0}
}

// pick chooses whose request starts next: nil if nothing that may start fits. What is too
// late is dropped on the way.
func (k *Kernel) pick(now Instant, out []Decision) (best *class, flow *flow, _ []Decision) {
	bestAged := false
	k.stakeClaim(now)
	for _, c := range k.classes {
		c.watch(now)
		if c.waiting == 0 || !c.open(now) {
			continue
		}
		var f = flow
		f, out = k.candidate(c, now, out)
		if f == nil {
			continue
		}
		aged := c.AgeMax > 0 && now-c.servedAt >= c.AgeMax
		better := best == nil
		switch {
		case better:
		case aged != bestAged:
			better = aged
		case aged:
			better = c.servedAt < best.servedAt
		default:
			better = c.tag < best.tag
		}
		if better {
			best, flow, bestAged = c, f, aged
		}
	}
	return best, flow, out
}

// candidate gives the flow of a class whose head goes next: of those whose head fits, the
// one with the smallest tag. A flow whose head does not fit is parked at what it lacks;
// of the flows parked at a resource only the first by tag is looked at, so that what is
// freed bit by bit goes to whoever is next.
func (k *Kernel) candidate(c *class, now Instant, out []Decision) (best *flow, _ []Decision) {
	for r := range k.conf.Resources {
		// Where all need what is used up there is nobody to look for, and nothing to park.
		if c.needing[r] == c.waiting && k.available(c, r, now) <= 0 {
			return nil, out
		}
	}
	var ok bool
	for best == nil && c.ready.len() > 0 {
		f := c.ready.e[0].value
		if ok, out = k.prune(c, f, now, out); !ok {
			continue
		}
		if r := k.lacks(c, f, f.head); r < 0 {
			best = f
		} else {
			f.leave()
			f.enter(&c.parked[r])
		}
	}
	for r := range k.conf.Resources {
		for c.parked[r].len() > 0 {
			f := c.parked[r].e[0].value
			if best != nil && best.before(f) {
				break
			}
			if ok, out = k.prune(c, f, now, out); !ok {
				continue
			}
			if f.in != &c.parked[r] { // another request has come to its head, and it is ready
				return k.candidate(c, now, out)
			}
			lack := k.lacks(c, f, f.head)
			if lack == r {
				break
			}
			if lack < 0 {
				best = f
				break
			}
			f.leave()
			f.enter(&c.parked[lack])
		}
	}
	return best, out
}

// prune drops the heads of a flow that are too late, and reports whether it still has one.
func (k *Kernel) prune(c *class, f *flow, now Instant, out []Decision) (bool, []Decision) {
	for f.head != nil {
		t := f.head
		switch {
		case t.expires > 0 && now >= t.expires:
			out = k.drop(t, t.lateness(), c.retryAfter(), out)
		case c.standing && now-t.arrived > c.Target:
			out = k.drop(t, Standing, c.retryAfter(), out)
		default:
			return true, out
		}
	}
	return false, out
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

// lacks gives the first resource of which there is not enough for the ticket, -1 if it fits.
func (k *Kernel) lacks(c *class, f *flow, t *Ticket) int {
	for r := range k.conf.Resources {
		if t.Need[r] == 0 {
			continue
		}
		if k.claim != nil && k.claim != f && k.claim.head.Need[r] > 0 && !(c.Buffered && !k.claimant.Buffered && k.spareBuffer(r) >= t.Need[r]) {
			return r
		}
		if t.Need[r] > k.available(c, r, k.now) {
			return r
		}
	}
	return -1
}

// available is how much of a resource a request of the class may take. A buffered class
// has its buffer also while somebody else uses it.
func (k *Kernel) available(c *class, r int, now Instant) int64 {
	free := k.free[r]
	switch {
	case c.Buffered:
		return max(free, k.spareBuffer(r))
	case k.hadBuffer && now-k.bufferedAt < k.conf.BufferIdle:
		return free - k.spareBuffer(r)
	}
	return free
}

// spareBuffer is the part of the buffer that buffered classes have not taken yet.
func (k *Kernel) spareBuffer(r int) int64 {
	return max(0, k.conf.Resources[r].Buffer-k.buffered[r])
}

// notePassing remembers since when the flow that is next by tag has been passed by others
// of its class.
func (c *class) notePassing(started *flow, now Instant) {
	if low := c.lowest(); low != started && low != c.passed {
		c.passed, c.passedAt = low, now
	}
}

// stakeClaim keeps what it needs free for a flow that has been passed over for too long:
// because its class has not had a turn, or because smaller requests of its class always
// fitted first. There is one claim at a time.
func (k *Kernel) stakeClaim(now Instant) {
	if k.claim != nil {
		if !k.claimant.open(now) {
			k.claim = nil // what keeps it back now is the class's own bound
		}
		return
	}
	for _, c := range k.classes {
		if c.AgeMax == 0 || c.waiting == 0 || !c.open(now) {
			continue
		}
		unserved := now-c.servedAt >= c.AgeMax
		if !unserved && (c.passed == nil || now-c.passedAt < c.AgeMax) {
			continue
		}
		if low := c.lowest(); (unserved || low == c.passed) && k.lacks(c, low, low.head) >= 0 {
			k.claim, k.claimant = low, c
			return
		}
	}
}
