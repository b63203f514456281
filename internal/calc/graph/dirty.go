package graph

import (
	"context"
	"iter"

	"gridflow/internal/cell"
)

// Dirty is the formulas that have to be calculated, and which of them reads which. It is
// immutable, and holds on to its graph.
type Dirty struct {
	g       *Graph
	at      map[int32]int32 // position in ids of a span; nil where ids are all that there are
	ids     []int32
	regions []region // of the spans at the same place of ids
	edges   []edge   // without repeats
	known   map[edge]struct{}
	whole   []int32 // position by id, where all is dirty
}

// edge says that the span at position to reads, by one of its reads, the span at position
// from: some cell that is dirty, some cell that is dirty.
type edge struct{ from, to, read int32 }

// All gives every formula of the graph as dirty. The error is that of ctx.
func (g *Graph) All(ctx context.Context) (*Dirty, error) {
	n := g.spans.ids()
	d := &Dirty{g: g, whole: make([]int32, n), ids: make([]int32, 0, n), regions: make([]region, 0, n)}
	for id := range int32(g.spans.ids()) {
		if s := g.spans.at(id); s.tpl != nil {
			d.whole[id] = int32(len(d.ids))
			d.ids = append(d.ids, id)
			d.regions = append(d.regions, region{bounds: s.area, some: true})
		}
	}
	for from, id := range d.ids {
		if from&0xff == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		s := g.spans.at(id)
		g.sheets[s.tpl.Sheet].reads.search(s.out, func(e *entry) bool {
			d.edges = append(d.edges, edge{int32(from), d.whole[e.span], e.read})
			return true
		})
	}
	return d, nil
}

// Dirty gives what has to be calculated after a change of the cells of sources, whose
// formulas are a part of it, together with all that is volatile or dynamic. Areas outside
// of the workbook are passed over. The error is that of ctx.
//
// The cost is by the rectangles in which what is dirty can be described, not by its cells:
// see the package comment.
func (g *Graph) Dirty(ctx context.Context, sources []Area) (*Dirty, error) {
	p := propagation{Dirty: Dirty{g: g, at: make(map[int32]int32), known: make(map[edge]struct{})}}
	for _, id := range g.special {
		p.add(p.position(id), g.spans.at(id).area, -1, 0)
	}
	for _, a := range joined(sources) {
		if uint(a.Sheet) >= uint(len(g.sheets)) {
			continue
		}
		x := boxOf(a.Range).and(wholeSheet)
		if x.empty() {
			continue
		}
		g.sheets[a.Sheet].outputs.search(x, func(e *entry) bool {
			s := g.spans.at(e.span)
			if s.array() {
				p.add(p.position(e.span), s.area, -1, 0)
			} else {
				p.add(p.position(e.span), s.area.and(x), -1, 0)
			}
			return true
		})
		if err := p.run(ctx); err != nil {
			return nil, err
		}
		p.follow(-1, a.Sheet, x, -1)
	}
	if err := p.run(ctx); err != nil {
		return nil, err
	}
	return &p.Dirty, nil
}

// joined gives the areas with those made one that lie below one another in their order.
func joined(areas []Area) []Area {
	out := make([]Area, 0, min(len(areas), 16))
	for _, a := range areas {
		if n := len(out); n > 0 && out[n-1].Sheet == a.Sheet && boxOf(out[n-1].Range).joins(boxOf(a.Range)) {
			out[n-1].Range = out[n-1].Range.Union(a.Range)
			continue
		}
		out = append(out, a)
	}
	return out
}

// propagation is a Dirty that is being made. What was found dirty waits in a queue for its
// dependents to be found; every cell goes through it once.
type propagation struct {
	Dirty
	queue []patch
	done  int // so many of the queue were followed
	first int // number of the first patch in queue, of all that there ever were
}

// patch is cells of a span that became dirty at once, because those of another patch did.
type patch struct {
	pos    int32 // of the span
	steady uint8 // bit axis: the cells read those of the parent by reads that move with them along the axis
	parent int   // number of the patch that they read, -1 where it is no patch
	box    box
}

// position gives the place of a span in ids.
func (p *propagation) position(id int32) int32 {
	pos, ok := p.at[id]
	if !ok {
		pos = int32(len(p.ids))
		p.at[id] = pos
		p.ids = append(p.ids, id)
		p.regions = append(p.regions, region{})
	}
	return pos
}

// add makes cells of a span dirty, and puts those that were not into the queue.
func (p *propagation) add(pos int32, x box, parent int, steady uint8) {
	p.regions[pos].add(p.g.spans.at(p.ids[pos]).area, x, func(fresh box) {
		// A region of many strips gives many pieces for one rectangle.
		if n := len(p.queue); n > p.done {
			if last := &p.queue[n-1]; last.pos == pos && last.parent == parent && last.box.joins(fresh) {
				last.box, last.steady = last.box.hull(fresh), last.steady&steady
				return
			}
		}
		p.queue = append(p.queue, patch{pos, steady, parent, fresh})
	})
}

// kept is the number of patches that are kept after they were followed, so that later ones
// can be compared with them.
const kept = 1 << 10

// run follows the queue to its end.
func (p *propagation) run(ctx context.Context) error {
	for ; p.done < len(p.queue); p.done++ {
		if p.done&0xff == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if p.done >= 8*kept {
			drop := p.done - kept
			p.queue = p.queue[:copy(p.queue, p.queue[drop:])]
			p.done -= drop
			p.first += drop
		}
		x := p.queue[p.done]
		s := p.g.spans.at(p.ids[x.pos])
		out := x.box
		if s.array() {
			out = s.out
		}
		p.follow(x.pos, s.tpl.Sheet, out, p.first+p.done)
	}
	return nil
}

// follow makes dirty what reads the cells of x. They belong to the span at from, as patch
// number self, or to none where these are -1.
func (p *propagation) follow(from int32, sheet int, x box, self int) {
	g := p.g
	g.sheets[sheet].reads.search(x, func(e *entry) bool {
		s := g.spans.at(e.span)
		r := &s.tpl.reads[e.read]
		found := r.inverse(s.area, x)
		if found.empty() {
			return true
		}
		to := p.position(e.span)
		if from >= 0 {
			k := edge{from, to, e.read}
			if _, ok := p.known[k]; !ok {
				p.known[k] = struct{}{}
				p.edges = append(p.edges, k)
			}
			steady := r.steady()
			if from == to && !s.array() {
				found = chain(s.area, x, found)
			} else if far := p.loop(to, found, self, steady); far != found {
				found, steady = far, 0
			}
			p.add(to, found, self, steady)
			return true
		}
		p.add(to, found, self, 0)
		return true
	})
}

// Cells is the number of formula cells that are dirty.
func (d *Dirty) Cells() (n int64) {
	for i := range d.regions {
		n += d.regions[i].cells()
	}
	return n
}

// Len is the number of spans with a cell that is dirty.
func (d *Dirty) Len() int { return len(d.ids) }

// Spans yields the spans with a cell that is dirty, in the order in which they were found.
func (d *Dirty) Spans() iter.Seq2[Span, Region] {
	return func(yield func(Span, Region) bool) {
		for i := range d.ids {
			if !yield(d.span(int32(i))) {
				return
			}
		}
	}
}

func (d *Dirty) span(pos int32) (Span, Region) {
	id := d.ids[pos]
	return d.g.span(id), Region{&d.regions[pos], d.g.spans.at(id).area}
}

// Contains reports whether the value of a cell comes from a formula that is dirty.
func (d *Dirty) Contains(sheet int, at cell.Ref) bool {
	s, ok := d.g.SpanAt(sheet, at)
	if !ok {
		return false
	}
	if d.at == nil {
		return true
	}
	pos, ok := d.at[s.ID]
	if s.Area != s.Output {
		return ok
	}
	return ok && d.regions[pos].has(d.g.spans.at(s.ID).area, int32(at.Row), int32(at.Col))
}

// Graph is the graph that d is about.
func (d *Dirty) Graph() *Graph { return d.g }
