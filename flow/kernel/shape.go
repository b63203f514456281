package kernel

import (
	"iter"
	"slices"
)

// shape is what heads of parts need and may take, and the flows with parts whose heads are
// alike in that. If the first of them does not fit, none does, so that looking at one part
// per shape finds whoever fits: what is free never waits for somebody who cannot use it.
type shape struct {
	need    Amounts
	load    load
	mixed   bool // of different needs: those beyond shapesMax. Only its first is looked at
	bunches heap[float64, *bunch]
}

// bunch is the parts of one flow in one shape.
type bunch struct {
	flow  *flow
	in    *shape // nil: it is not in use
	place int
	next  *bunch // of the same flow
	parts heap[float64, *part]
	one   [1]entry[float64, *part] // where parts begins
}

// first gives the part that is next in a shape with some.
func (s *shape) first() *part { return s.bunches.e[0].value.parts.e[0].value }

// shapesMax bounds the shapes of a class, which are gone through at every start. Seats
// come in few combinations; who asks for bytes does well to round.
const shapesMax = 16

// shapeOf gives the shape of a need, making it if need be.
func (c *class) shapeOf(need *Amounts, l load) *shape {
	var s *shape
	for _, x := range c.shapes {
		if !x.mixed && x.need == *need && x.load == l {
			return x
		}
		if s == nil && (x.mixed || x.bunches.len() == 0) {
			s = x
		}
	}
	if s == nil {
		s = &shape{mixed: len(c.shapes) == shapesMax-1}
		c.shapes = append(c.shapes, s)
	}
	if s.bunches.len() == 0 {
		s.need, s.load = *need, l
	}
	return s
}

// enter puts a part with requests where its head belongs.
func (c *class) enter(p *part) { c.enterShape(p, c.shapeOf(&p.head.Need, c.loadOf(p))) }

func (c *class) enterShape(p *part, s *shape) {
	f := p.flow
	b := f.bunchIn(s)
	if b == nil {
		b = c.kernel.newBunch(f)
		b.in = s
		s.bunches.push(f.tag, f.seq, b, &b.place)
	}
	p.in = b
	b.parts.push(p.tag, p.seq, p, &p.place)
}

// leave takes a part out of where it waits.
func (c *class) leave(p *part) {
	b := p.in
	b.parts.remove(p.place)
	p.in = nil
	if b.parts.len() == 0 {
		b.in.bunches.remove(b.place)
		c.kernel.freeBunch(b)
	}
}

func (f *flow) bunchIn(s *shape) *bunch {
	for b := f.bunches; b != nil; b = b.next {
		if b.in == s {
			return b
		}
	}
	return nil
}

func (k *Kernel) newBunch(f *flow) *bunch {
	b := &f.single
	if b.in != nil {
		if b = k.spareBunches; b != nil {
			k.spareBunches = b.next
		} else {
			b = new(bunch)
		}
	}
	if b.parts.e == nil {
		b.parts.e = b.one[:0]
	}
	b.flow, b.next = f, f.bunches
	f.bunches = b
	return b
}

func (k *Kernel) freeBunch(b *bunch) {
	f := b.flow
	for at := &f.bunches; ; at = &(*at).next {
		if *at == b {
			*at = b.next
			break
		}
	}
	b.in, b.next = nil, nil
	if b != &f.single {
		b.flow = nil
		b.next = k.spareBunches
		k.spareBunches = b
	}
}

// moved puts a part that waits, and the others of its flow, where they belong since it has
// more or less running.
func (c *class) moved(p *part) {
	if p.in != nil && !p.in.in.mixed && p.in.in.load != c.loadOf(p) {
		c.leave(p)
		c.enter(p)
	}
	for b := p.flow.bunches; b != nil; {
		next := b.next
		if l := c.loadOf(b.parts.e[0].value); !b.in.mixed && b.in.load != l {
			c.moveBunch(b, l)
		}
		b = next
	}
}

// moveBunch puts a bunch where it belongs since its flow has more or less running.
func (c *class) moveBunch(b *bunch, l load) {
	s := c.shapeOf(&b.in.need, l)
	if b.flow.bunchIn(s) != nil { // among the mixed: it becomes part of that
		for b.parts.len() > 1 {
			p := b.parts.e[0].value
			c.leave(p)
			c.enterShape(p, s)
		}
		p := b.parts.e[0].value
		c.leave(p)
		c.enterShape(p, s)
		return
	}
	b.in.bunches.remove(b.place)
	b.in = s
	s.bunches.push(b.flow.tag, b.flow.seq, b, &b.place)
}

// waitingParts gives the parts with requests that wait, as they are when it is called.
func (c *class) waitingParts() iter.Seq[*part] {
	var parts []*part
	for _, s := range c.shapes {
		for _, b := range s.bunches.e {
			for _, p := range b.value.parts.e {
				parts = append(parts, p.value)
			}
		}
	}
	return slices.Values(parts)
}
