package kernel

import "math"

// flow is what one client has in one class: its parts with their requests, and what it has
// used lately. Its parts share what it gets, by the rule by which flows share what their
// class gets.
type flow struct {
	// The fields are in the order of how many events look at them, by lines of the cache: of a
	// flow among a million none is there. The first two lines are all that a request sees that
	// is refused for what others have waiting.
	tag      float64 // virtual time at which its next request may start
	period   uint64  // of the class, in which the tag means something
	weight   float64
	seq      uint64 // breaks ties between tags: the order in which flows came to have requests
	waiting  int
	inFlight int
	shared   bool   // of many clients, who are its parts
	idle     bool   // in the class's list of idle flows
	bunches  *bunch // where its parts with requests wait, linked by next

	own part // what it has under key 0; most flows have no other

	vtime float64 // as in class, one storey down
	busy  uint64  // period of its parts: it grows when the flow has nothing left

	fatter, thinner    *flow // neighbours in class.fat[waiting]
	idleNext, idlePrev *flow

	single bunch // the first of bunches; most flows need no other

	idleAt Instant
	riding int // requests that run under others
	key    uint64
	tokens float64 // of the rate limit, at the instant filled
	filled Instant

	parts    map[uint64]*part    // but own and those in crowd
	crowd    *[SharedParts]*part // for those beyond PartsMax
	passed   *part               // lowest by tag, parked, while another part started …
	passedAt Instant             // … first at this time

	idleHead, idleTail *part // parts without requests, those first that have been so for longest
}

// charge moves the tag on by service of the given nanoseconds, which may be negative.
func (f *flow) charge(ns float64) {
	f.tag = later(f.tag, over(ns, f.weight))
	for b := f.bunches; b != nil; b = b.next {
		b.in.bunches.rekey(b.place, f.tag)
	}
}

// over is service by weight. Most weigh 1, and a division takes as long as all else here.
func over(ns, weight float64) float64 {
	if weight == 1 {
		return ns
	}
	return ns / weight
}

// later moves a tag on. After months without a pause a tag can be so large that a small
// charge is nothing beside it; it must go on even so.
func later(tag, by float64) float64 {
	if moved := tag + by; moved != tag || by <= 0 {
		return moved
	}
	return math.Nextafter(tag, math.Inf(1))
}

// take takes a token out of the bucket for a part; nil: a new one. If there is none for it it
// says after how many seconds there will be one.
func (f *flow) take(p *part, now Instant, rate, burst float64) (ok bool, wait float64) {
	f.tokens = min(burst, f.tokens+rate*(now-f.filled).Seconds())
	f.filled = now
	if _, wait = f.lacks(p, now, rate, burst); wait > 0 {
		return false, wait
	}
	f.tokens--
	return true, 0
}

// lacks gives the seconds until there is a token for some part, and for this one, nil being a
// new one; 0 if there is one. The last few of the bucket are kept for parts that have taken
// none for as long as it takes until each could have had one. So a part that asks seldom
// finds one, however often another asks, and what nobody else wants is everybody's. A new part
// waits for its turn like others, and is not remembered until it has had a token: names cost
// nothing. And no more than rateParts are counted, so that who makes up more does not make
// that time any longer.
func (f *flow) lacks(p *part, now Instant, rate, burst float64) (any, its float64) {
	missing := 1 - min(burst, f.tokens+rate*(now-f.filled).Seconds())
	if missing < tokenEps {
		missing = min(missing, 0)
	}
	any = max(0, missing) / rate
	parts := float64(min(len(f.parts), rateParts))
	kept := min(parts-1, math.Floor(burst/2))
	if kept <= 0 {
		return any, any
	}
	its = max(0, missing+kept) / rate
	if p != nil {
		turn := parts/rate - (now - p.took).Seconds()
		its = min(its, max(any, turn))
	}
	return any, its
}

const (
	rateParts = 16
	tokenEps  = 1e-9 // of a token, which is lost in adding many small pieces
)

// full reports whether the bucket has filled up, so that forgetting it loses nothing.
func (f *flow) full(now Instant, rate, burst float64) bool {
	return rate == 0 || f.tokens+rate*(now-f.filled).Seconds() >= burst
}

// flowOf gives the flow of a key, making it if need be.
func (k *Kernel) flowOf(c *class, key uint64, now Instant) *flow {
	if f := c.flows.get(key); f != nil {
		return f
	}
	c.forget(now, 2)
	if c.flows.len() < k.conf.FlowsMax || c.forget(now, 1) > 0 {
		f := k.newFlow(c, now)
		f.key = key
		c.flows.add(f)
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
		*f = flow{}
	}
	f.weight, f.tokens, f.filled = 1, c.Burst, now
	f.own.flow, f.own.weight, f.own.shared, f.own.place = f, 1, true, -1
	return f
}

// hand is how many of the shared flows, or parts, a key is dealt.
const hand = 4

// dealt gives the i-th of the n shared ones that a key is dealt.
func dealt(key, i, n uint64) uint64 { return mix(key+i*golden) % n }

// sharedFlow deals the key a hand of the shared flows and gives the one with the fewest
// requests waiting.
func (k *Kernel) sharedFlow(c *class, key uint64, now Instant) *flow {
	var best *flow
	for i := range uint64(hand) {
		slot := dealt(key, i, SharedFlows)
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

// rest notes that a part, and the flow with it, may have neither requests waiting nor
// running any more.
func (c *class) rest(p *part, now Instant) {
	f := p.flow
	f.restPart(p, now)
	if f.shared || f.idle || f.waiting > 0 || f.inFlight > 0 || f.riding > 0 {
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

// rouse takes a part, and its flow, out of the lists of idle ones.
func (c *class) rouse(p *part) {
	if p.idle {
		p.flow.rousePart(p)
	}
	if p.flow.idle {
		c.rouseFlow(p.flow)
	}
}

func (c *class) rouseFlow(f *flow) {
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
	crowded := c.flows.len() >= c.kernel.conf.FlowsMax
	for range max {
		f := c.idleHead
		if f == nil || !crowded && now-f.idleAt < c.kernel.conf.FlowIdle {
			break
		}
		c.rouseFlow(f)
		if f.period == c.period && f.tag > c.vtime || !f.full(now, c.Rate, c.Burst) {
			c.rest(&f.own, now)
			continue
		}
		c.flows.remove(f.key)
		c.parts -= len(f.parts)
		f.parts, f.crowd = nil, nil
		f.idleNext = c.kernel.spare
		c.kernel.spare = f
		dropped++
	}
	return dropped
}
