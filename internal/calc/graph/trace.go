package graph

import "iter"

// Direction is where a trace goes.
type Direction uint8

// The directions.
const (
	ToDependents Direction = iota
	ToPrecedents
)

// Link is one step of a trace: Reader, cells of one span, reads Read.
type Link struct {
	Depth  int  // steps from where the trace began, from 1
	Span   Span // of Reader
	Reader Area
	Read   Area
}

// Trace yields what depends on an area, or what it depends on, step by step and not deeper
// than depth. Everything is followed once, though it may be reached in several ways; of what
// has been reached before only the link is given. A caller that has seen enough stops.
//
// It goes by what formulas say: what OFFSET and INDIRECT reach is not known here.
func (g *Graph) Trace(from Area, to Direction, depth int) iter.Seq[Link] {
	return func(yield func(Link) bool) {
		if uint(from.Sheet) >= uint(len(g.sheets)) {
			return
		}
		type place struct {
			sheet int
			box   box
		}
		seen := make(map[int]*region)
		var next []place
		reach := func(sheet int, x box) {
			r := seen[sheet]
			if r == nil {
				r = &region{}
				seen[sheet] = r
			}
			r.add(wholeSheet, x, func(fresh box) { next = append(next, place{sheet, fresh}) })
		}
		step := g.readers
		if to == ToPrecedents {
			step = g.readBy
		}
		reach(from.Sheet, boxOf(from.Range).and(wholeSheet))
		for level := 1; level <= depth && len(next) > 0; level++ {
			here := next
			next = nil
			for _, at := range here {
				more := step(at.sheet, at.box, func(l Link, sheet int, x box) bool {
					l.Depth = level
					if !yield(l) {
						return false
					}
					reach(sheet, x)
					return true
				})
				if !more {
					return
				}
			}
		}
	}
}

// readers calls f for the formulas that read some of x, with the cells whose values change
// with them.
func (g *Graph) readers(sheet int, x box, f func(l Link, sheet int, y box) bool) bool {
	return g.sheets[sheet].reads.search(x, func(e *entry) bool {
		s := g.spans.at(e.span)
		r := &s.tpl.reads[e.read]
		readers := r.inverse(s.area, x)
		if readers.empty() {
			return true
		}
		y := readers
		if s.array() {
			y = s.out
		}
		l := Link{Span: g.span(e.span), Reader: Area{s.tpl.Sheet, readers.Range()}, Read: Area{sheet, r.image(readers).and(x).Range()}}
		return f(l, s.tpl.Sheet, y)
	})
}

// readBy calls f for what the formulas behind the values of x read.
func (g *Graph) readBy(sheet int, x box, f func(l Link, sheet int, y box) bool) bool {
	return g.sheets[sheet].outputs.search(x, func(e *entry) bool {
		s := g.spans.at(e.span)
		readers := s.area.and(x)
		if s.array() {
			readers = s.area
		}
		for i := range s.tpl.reads {
			r := &s.tpl.reads[i]
			y := r.image(readers)
			if y.empty() {
				continue
			}
			l := Link{Span: g.span(e.span), Reader: Area{s.tpl.Sheet, readers.Range()}, Read: Area{int(r.sheet), y.Range()}}
			if !f(l, int(r.sheet), y) {
				return false
			}
		}
		return true
	})
}
