package kernel

import "math"

// flow is the requests of one client in one class: those that wait, in the order of
// their arrival, and what the client has used lately.
type flow struct {
	// What most events look at comes first: the rest of a flow among a million is not in
	// the cache.
	tag    float64 // virtual time at which its next request may start
	period uint64  // of the class, in which the tag means something
	weight float64
	seq    uint64 // breaks ties between tags: the order in which flows came to have requests

	head     *Ticket
	waiting  int
	inFlight int
	shared   bool // of many clients
	idle     bool // in the class's list of idle flows

	tail  *Ticket
	in    *shape // where it waits; nil: nowhere
	place int

	fatter, thinner *flow // neighbours in class.fat[waiting]

	key    uint64
	tokens float64 // of the rate limit, at the instant filled
	filled Instant

	idleAt             Instant
	idleNext, idlePrev *flow
}

func (f *flow) append(t *Ticket) {
	t.prev, t.next = f.tail, nil
	if f.tail == nil {
		f.head = t
	} else {
		f.tail.next = t
	}
	f.tail = t
}

func (f *flow) unlink(t *Ticket) {
	if t.prev == nil {
		f.head = t.next
	} else {
		t.prev.next = t.next
	}
	if t.next == nil {
		f.tail = t.prev
	} else {
		t.next.prev = t.prev
	}
	t.prev, t.next = nil, nil
}

// charge moves the tag on by service of the given nanoseconds, which may be negative.
func (f *flow) charge(ns float64) {
	f.tag = later(f.tag, ns/f.weight)
	if f.in != nil {
		f.in.flows.rekey(f.place, f.tag)
	}
}

// later moves a tag on. After months without a pause a tag can be so large that a small
// charge is nothing beside it; it must go on even so.
func later(tag, by float64) float64 {
	if moved := tag + by; moved != tag || by <= 0 {
		return moved
	}
	return math.Nextafter(tag, math.Inf(1))
}

// take takes a token out of the bucket. If there is none it says after how many seconds
// there will be one.
func (f *flow) take(now Instant, rate, burst float64) (ok bool, wait float64) {
	f.tokens = min(burst, f.tokens+rate*(now-f.filled).Seconds())
	f.filled = now
	if f.tokens < 1 {
		return false, (1 - f.tokens) / rate
	}
	f.tokens--
	return true, 0
}

// lacks gives the seconds until there is a token, 0 if there is one.
func (f *flow) lacks(now Instant, rate, burst float64) float64 {
	return max(0, 1-min(burst, f.tokens+rate*(now-f.filled).Seconds())) / rate
}

// full reports whether the bucket has filled up, so that forgetting it loses nothing.
func (f *flow) full(now Instant, rate, burst float64) bool {
	return rate == 0 || f.tokens+rate*(now-f.filled).Seconds() >= burst
}

// flowOf gives the flow of a key, making it if need be.
func (k *Kernel) flowOf(c *class, key uint64, now Instant) *flow {
	if f := c.flows[key]; f != nil {
		return f
	}
	c.forget(now, 2)
	if len(c.flows) < k.conf.FlowsMax || c.forget(now, 1) > 0 {
		f := k.newFlow(c, now)
		f.key = key
		c.flows[key] = f
		return f
	}
	return k.sharedFlow(c, key, now)
}

func (k *Kernel) newFlow(c *class, now Instant) *flow {
	f := k.spare
	if f == nil {
		f = new(flow)
	} else {
		k.spare = f.idleNext
	}
	*f = flow{weight: 1, place: -1, tokens: c.Burst, filled: now}
	return f
}

// sharedFlow deals the key a hand of the shared flows and gives the one with the fewest
// requests waiting.
func (k *Kernel) sharedFlow(c *class, key uint64, now Instant) *flow {
	const hand = 4
	var best *flow
	for i := range uint64(hand) {
		slot := mix(key+i*0x9e3779b97f4a7c15) % SharedFlows
		f := c.shared[slot]
		if f == nil {
			f = k.newFlow(c, now)
			f.key, f.shared = slot, true
			c.shared[slot] = f
		}
		if best == nil || f.waiting < best.waiting {
			best = f
		}
	}
	return best
}

// mix spreads the bits of a key (the finalizer of SplitMix64, G. Steele and others 2014).
func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}

// rest notes that a flow has neither requests waiting nor running.
func (c *class) rest(f *flow, now Instant) {
	if f.shared {
		return
	}
	f.idle, f.idleAt = true, now
	f.idlePrev, f.idleNext = c.idleTail, nil
	if c.idleTail == nil {
		c.idleHead = f
	} else {
		c.idleTail.idleNext = f
	}
	c.idleTail = f
}

// rouse takes a flow out of the list of idle ones.
func (c *class) rouse(f *flow) {
	f.idle = false
	if f.idlePrev == nil {
		c.idleHead = f.idleNext
	} else {
		f.idlePrev.idleNext = f.idleNext
	}
	if f.idleNext == nil {
		c.idleTail = f.idlePrev
	} else {
		f.idleNext.idlePrev = f.idlePrev
	}
	f.idlePrev, f.idleNext = nil, nil
}

// forget drops idle flows that owe nothing, looking at no more than max of them, those
// first that have been idle for longest. It says how many it has dropped.
func (c *class) forget(now Instant, max int) (dropped int) {
	crowded := len(c.flows) >= c.kernel.conf.FlowsMax
	for range max {
		f := c.idleHead
		if f == nil || !crowded && now-f.idleAt < c.kernel.conf.FlowIdle {
			break
		}
		c.rouse(f)
		if f.period == c.period && f.tag > c.vtime || !f.full(now, c.Rate, c.Burst) {
			c.rest(f, now)
			continue
		}
		delete(c.flows, f.key)
		f.idleNext = c.kernel.spare
		c.kernel.spare = f
		dropped++
	}
	return dropped
}
