package kernel

import "math"

// shorts is the requests of a class that run in the buffer, in the order of their start.
type shorts struct{ head, tail *Ticket }

// buffer notes that a running request has its place in the buffer, unbuffer that it has it
// no more.
func (k *Kernel) buffer(c *class, t *Ticket) {
	t.buffered = true
	for r := range k.conf.Resources {
		k.buffered[r] += t.Need[r]
	}
	s := &c.short
	t.older, t.younger = s.tail, nil
	if s.tail == nil {
		s.head = t
	} else {
		s.tail.younger = t
	}
	s.tail = t
}

func (k *Kernel) unbuffer(c *class, t *Ticket) {
	t.buffered = false
	for r := range k.conf.Resources {
		k.buffered[r] -= t.Need[r]
	}
	s := &c.short
	if t.older == nil {
		s.head = t.younger
	} else {
		t.older.younger = t.younger
	}
	if t.younger == nil {
		s.tail = t.older
	} else {
		t.younger.older = t.older
	}
	t.older, t.younger = nil, nil
}

// outgrow takes the requests out of the buffer that have run for too long to be short, and
// reports whether there were any. While others are due what these would take, they keep
// their places: else short calls, each of which turns out long, would get all there is by
// way of the buffer, whatever the weights say.
func (k *Kernel) outgrow(now Instant) (any bool) {
	for _, c := range k.classes {
		for c.ShortMax > 0 && c.short.head != nil && now-c.short.head.started >= c.ShortMax && !k.keptOut(c, now) {
			k.unbuffer(c, c.short.head)
			any = true
		}
	}
	return any
}

// keptOut reports whether requests of the buffered class c keep somebody out who is due: who
// has the claim, or is before them by tag and would fit if they had nothing but the buffer. If
// it is the buffered class that has the claim, nobody else is due.
func (k *Kernel) keptOut(c *class, now Instant) bool {
	if k.claim != nil {
		return !k.claimant.Buffered
	}
	tag := c.tag
	if c.waiting == 0 {
		tag = max(tag, k.vtime)
	}
	for _, o := range k.classes {
		if !o.Buffered && o.waiting > 0 && o.tag <= tag && o.open(now) && k.fitsBesideBuffer(&o.lowest().head.Need) {
			return true
		}
	}
	return false
}

// fitsBesideBuffer reports whether there would be as much if buffered classes had their
// buffers and no more.
func (k *Kernel) fitsBesideBuffer(need *Amounts) (fits bool) {
	for r, res := range k.conf.Resources {
		if need[r] > 0 && res.Buffer > 0 {
			fits = true
		}
	}
	if !fits {
		return false // it is not the buffer that matters
	}
	var held Amounts
	for _, c := range k.classes {
		for t := c.running; t != nil && !c.Buffered; t = t.next {
			for r := range k.conf.Resources {
				held[r] += t.Need[r]
			}
		}
	}
	for r, res := range k.conf.Resources {
		if need[r] > 0 && (res.Buffer == 0 && need[r] > k.free[r] || held[r]+need[r] > res.Capacity-res.Buffer) {
			return false
		}
	}
	return true
}

// load says who has as much running in a buffered class as the smallest buffer.
type load uint8

const (
	light     load = iota
	flowHeavy      // the flow has, the part has not
	partHeavy
)

func (c *class) loadOf(p *part) load {
	switch {
	case !c.Buffered || p.flow.inFlight < c.kernel.bufferMin:
		return light
	case p.inFlight < c.kernel.bufferMin:
		return flowHeavy
	}
	return partHeavy
}

// heavy reports whether a part has enough running not to take the buffer while somebody
// else uses it. What its flow has running counts only where there are other flows.
func (c *class) heavy(p *part) bool {
	l := c.loadOf(p)
	return l == partHeavy || l == flowHeavy && c.flows.len() > 1
}

// available is how much of a resource a request of the part may take. A buffered class has
// its buffer also while somebody else uses it.
func (k *Kernel) available(c *class, p *part, r int) int64 {
	free, buffer := k.free[r], k.conf.Resources[r].Buffer
	switch {
	case c.Buffered && !c.heavy(p):
		// No more than the buffer is ever taken on top of what there is.
		return max(free, min(k.spareBuffer(r), free+buffer))
	case !c.Buffered && k.hadBuffer && k.now-k.bufferedAt < k.conf.BufferIdle:
		return free - k.spareBuffer(r)
	}
	return free
}

// smallestBuffer gives the smallest buffer that there is.
func (c *Config) smallestBuffer() int {
	least := math.MaxInt
	for _, r := range c.Resources {
		if r.Buffer > 0 {
			least = min(least, int(r.Buffer))
		}
	}
	return least
}

// spareBuffer is the part of the buffer that buffered classes have not taken yet.
func (k *Kernel) spareBuffer(r int) int64 {
	return max(0, k.conf.Resources[r].Buffer-k.buffered[r])
}
