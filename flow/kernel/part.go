package kernel

// part is the requests of one flow that a client tells apart from its others, such as those
// of one program on a machine: those that wait, in the order of their arrival.
type part struct {
	tag    float64 // virtual time of the flow at which its next request may start
	busy   uint64  // of the flow, in which the tag means something
	weight float64
	seq    uint64 // as in flow

	head     *Ticket
	waiting  int
	inFlight int
	shared   bool // it stays as long as its flow does
	idle     bool // in the flow's list of idle parts

	flow  *flow
	tail  *Ticket
	in    *bunch // where it waits; nil: nowhere
	place int

	key                uint64
	riding             int
	took               Instant // the last token of the rate limit
	idleAt             Instant
	idleNext, idlePrev *part
}

func (p *part) append(t *Ticket) {
	t.prev, t.next = p.tail, nil
	if p.tail == nil {
		p.head = t
	} else {
		p.tail.next = t
	}
	p.tail = t
}

func (p *part) unlink(t *Ticket) {
	if t.prev == nil {
		p.head = t.next
	} else {
		t.prev.next = t.next
	}
	if t.next == nil {
		p.tail = t.prev
	} else {
		t.next.prev = t.prev
	}
	t.prev, t.next = nil, nil
}

// charge moves the tags of a part and of its flow on by service of the given nanoseconds,
// which may be negative.
func (p *part) charge(ns float64) {
	p.tag = later(p.tag, over(ns, p.weight))
	if p.in != nil {
		p.in.parts.rekey(p.place, p.tag)
	}
	p.flow.charge(ns)
}

// before reports whether the part is next before another one: it is if its flow is.
func (p *part) before(q *part) bool {
	if f, g := p.flow, q.flow; f != g {
		return f.tag < g.tag || f.tag == g.tag && f.seq < g.seq
	}
	return p.tag < q.tag || p.tag == q.tag && p.seq < q.seq
}

// partOf gives the part of a flow that has the key, making it if need be. In a flow that
// many clients share each of them is a part.
func (k *Kernel) partOf(c *class, f *flow, client, key uint64, now Instant) *part {
	if p := f.known(client, key); p != nil {
		return p
	}
	if f.shared {
		key = client
	}
	c.forgetParts(f, now, 2)
	if c.roomForPart(f) || c.forgetParts(f, now, 1) > 0 {
		p := k.spareParts
		if p == nil {
			p = new(part)
		} else {
			k.spareParts = p.idleNext
		}
		*p = part{flow: f, key: key, weight: 1, place: -1}
		if f.parts == nil {
			f.parts = make(map[uint64]*part)
		}
		f.parts[key] = p
		c.parts++
		return p
	}
	return f.sharedPart(key)
}

// known gives the part of a flow that has the key, nil if there is none, or it shares one.
func (f *flow) known(client, key uint64) *part {
	if f.shared {
		key = client
	} else if key == 0 {
		return &f.own
	}
	return f.parts[key]
}

// roomForPart reports whether another part of the flow can be told apart.
func (c *class) roomForPart(f *flow) bool {
	return len(f.parts) < c.kernel.conf.PartsMax && c.parts < c.kernel.conf.FlowsMax
}

// sharedPart deals the key a hand of the shared parts and gives the one with the fewest
// requests waiting.
func (f *flow) sharedPart(key uint64) *part {
	if f.crowd == nil {
		f.crowd = new([SharedParts]*part)
	}
	var best *part
	for i := range uint64(hand) {
		slot := dealt(key, i, SharedParts)
		p := f.crowd[slot]
		if p == nil {
			p = &part{flow: f, key: slot, shared: true, weight: 1, place: -1}
			f.crowd[slot] = p
		}
		if best == nil || p.waiting < best.waiting {
			best = p
		}
	}
	return best
}

// fattest gives the part with the most requests waiting, of those alike the one that came
// last; nil if none waits. No more parts can wait than requests of the flow, which are
// bounded.
func (f *flow) fattest() (most *part) {
	for b := f.bunches; b != nil; b = b.next {
		for i := range b.parts.e {
			p := b.parts.e[i].value
			if most == nil || p.waiting > most.waiting || p.waiting == most.waiting && p.seq > most.seq {
				most = p
			}
		}
	}
	return most
}

// lowest gives the part with requests whose tag is the smallest, fitting or not.
func (f *flow) lowest() (best *part) {
	for b := f.bunches; b != nil; b = b.next {
		if p := b.parts.e[0].value; best == nil || p.before(best) {
			best = p
		}
	}
	return best
}

// restPart notes that a part may have neither requests waiting nor running any more.
func (f *flow) restPart(p *part, now Instant) {
	if p.shared || p.idle || p.waiting > 0 || p.inFlight > 0 || p.riding > 0 {
		return
	}
	p.idle, p.idleAt = true, now
	p.idlePrev, p.idleNext = f.idleTail, nil
	if f.idleTail == nil {
		f.idleHead = p
	} else {
		f.idleTail.idleNext = p
	}
	f.idleTail = p
}

func (f *flow) rousePart(p *part) {
	p.idle = false
	if p.idlePrev == nil {
		f.idleHead = p.idleNext
	} else {
		p.idlePrev.idleNext = p.idleNext
	}
	if p.idleNext == nil {
		f.idleTail = p.idlePrev
	} else {
		p.idleNext.idlePrev = p.idlePrev
	}
	p.idleNext, p.idlePrev = nil, nil
}

// forgetParts drops idle parts of a flow that owe nothing, as forget drops flows.
func (c *class) forgetParts(f *flow, now Instant, max int) (dropped int) {
	crowded := !c.roomForPart(f)
	for range max {
		p := f.idleHead
		if p == nil || !crowded && now-p.idleAt < c.kernel.conf.FlowIdle {
			break
		}
		f.rousePart(p)
		if p.busy == f.busy && p.tag > f.vtime {
			f.restPart(p, now)
			continue
		}
		delete(f.parts, p.key)
		c.parts--
		p.idleNext = c.kernel.spareParts
		c.kernel.spareParts = p
		dropped++
	}
	return dropped
}
