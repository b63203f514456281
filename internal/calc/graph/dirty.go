package graph

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"math"
	"unsafe"

	"gridflow/internal/cell"
)

// Dirty is the formulas that have to be calculated, and which of them reads which. It is
// immutable, and holds on to its graph.
type Dirty struct {
	g       *Graph
	at      index
	ids     []int32  // of the spans, by their positions
	regions []region // of the spans, by their positions
	edges   []edge   // without repeats
}

// index gives the positions of spans by their ids, in pages as those of the spans, so that what
// is small in a large graph costs little and what is large no hashing.
type index []*[pageSize]int32

// get gives the position of a span, -1 where it has none.
func (x index) get(id int32) int32 {
	if p := x[id>>pageShift]; p != nil {
		return p[id&(pageSize-1)] - 1
	}
	return -1
}

func (x index) set(id, pos int32) {
	p := &x[id>>pageShift]
	if *p == nil {
		*p = new([pageSize]int32)
	}
	(*p)[id&(pageSize-1)] = pos + 1
}

// ErrTooLarge says that something would take more memory than it may.
type ErrTooLarge struct{ Most int64 } // bytes

func (e *ErrTooLarge) Error() string {
	return fmt.Sprintf("the calculation needs more than the %d bytes that it may take", e.Most)
}

// edgeBytes is about what an edge takes here and in a plan, while a list of them grows.
const edgeBytes = 32

// anyMost is what is taken for a bound of 0: edges are numbered by 32 bits.
const anyMost = 1 << 30

// dense is the error where there are more edges than fit into most bytes. There can be as many as the square of the
// spans, if each is a formula of its own that reads all others.
func (d *Dirty) dense(most int64) error {
	most = min(cmp.Or(most, anyMost), edgeBytes*math.MaxInt32)
	if int64(len(d.edges))*edgeBytes > most {
		return &ErrTooLarge{most}
	}
	return nil
}

// Bytes is about the memory that d and a plan of it take.
func (d *Dirty) Bytes() int64 {
	return int64(len(d.edges))*edgeBytes + int64(len(d.ids))*(int64(unsafe.Sizeof(region{}))+edgeBytes)
}

// edge says that the span at position to reads, by one of its reads, the span at position
// from: some cell that is dirty, some cell that is dirty.
type edge struct{ from, to, read int32 }

// All gives every formula of the graph as dirty. What reads what takes at most so many bytes; 0: as many as there may be.
// The error is that of ctx, or an [ErrTooLarge].
func (g *Graph) All(ctx context.Context, most int64) (*Dirty, error) {
	n := g.spans.ids()
	d := &Dirty{g: g, at: make(index, len(g.spans)), ids: make([]int32, 0, n), regions: make([]region, 0, n)}
	for id := range int32(g.spans.ids()) {
		if s := g.spans.at(id); s.tpl != nil {
			d.at.set(id, int32(len(d.ids)))
			d.ids = append(d.ids, id)
			d.regions = append(d.regions, region{bounds: s.area, some: true})
		}
	}
	for from, id := range d.ids {
		if from&0xff == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err := d.dense(most); err != nil {
			return nil, err
		}
		s := g.spans.at(id)
		g.sheets[s.tpl.Sheet].reads.search(s.out, func(e *entry) bool {
			if !g.spans.at(e.span).tpl.reads[e.read].named {
				d.edges = append(d.edges, edge{int32(from), d.at.get(e.span), e.read})
			}
			return true
		})
	}
	return d, nil
}

// Dirty gives what has to be calculated after a change of the cells of sources, whose
// formulas are a part of it, together with all that is volatile or dynamic. Areas outside
// of the workbook are passed over. The bound and the error are as All has them.
//
// The cost is by the rectangles in which what is dirty can be described, not by its cells:
// see the package comment.
func (g *Graph) Dirty(ctx context.Context, sources []Area, most int64) (*Dirty, error) {
	p := newPropagation(g, most)
	for _, id := range g.special {
		p.add(p.position(id), g.spans.at(id).area, -1, false)
	}
	return p.from(ctx, sources, true)
}

// Downstream gives what reads the cells of areas, directly or through others: what is to be
// calculated once more where a calculation gave cells a value that nobody expected them to
// have, as when an array spills further than before. The formulas of the cells themselves are
// not a part of it, unless they are downstream too, nor is what is volatile for that reason.
// The bound and the error are as All has them.
func (g *Graph) Downstream(ctx context.Context, areas []Area, most int64) (*Dirty, error) {
	return newPropagation(g, most).from(ctx, areas, false)
}

// from makes dirty what depends on areas, with their own formulas or without.
func (p *propagation) from(ctx context.Context, areas []Area, own bool) (*Dirty, error) {
	g := p.g
	for _, a := range joined(areas) {
		if uint(a.Sheet) >= uint(len(g.sheets)) {
			continue
		}
		x := boxOf(a.Range).and(wholeSheet)
		if x.empty() {
			continue
		}
		if own {
			g.sheets[a.Sheet].outputs.search(x, func(e *entry) bool {
				s := g.spans.at(e.span)
				if s.array() {
					p.add(p.position(e.span), s.area, -1, false)
				} else {
					p.add(p.position(e.span), s.area.and(x), -1, false)
				}
				return true
			})
		}
		p.follow(-1, a.Sheet, x, -1)
		// One source after the other, so that the queue stays short.
		if err := p.run(ctx); err != nil {
			return nil, err
		}
	}
	// What is volatile, where there is no source.
	if err := p.run(ctx); err != nil {
		return nil, err
	}
	d := p.Dirty // alone: the queue is not kept
	return &d, nil
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
	most  int64             // bytes of edges, 0: as many as there may be
	known map[edge]struct{} // edges, but for those that cannot be met twice
	queue []patch
	done  int // so many of the queue were followed
	first int // number of the first patch in queue, of all that there ever were
}

// patch is cells of a span that became dirty at once, because those of another patch did.
type patch struct {
	pos    int32 // of the span
	jumped bool  // it goes beyond what reads the parent: see loop
	parent int   // number of the patch that they read, -1 where it is no patch
	box    box
}

func newPropagation(g *Graph, most int64) *propagation {
	return &propagation{Dirty: Dirty{g: g, at: make(index, len(g.spans))}, most: most, known: make(map[edge]struct{})}
}

// position gives the place of a span in ids.
func (p *propagation) position(id int32) int32 {
	pos := p.at.get(id)
	if pos < 0 {
		pos = int32(len(p.ids))
		p.at.set(id, pos)
		p.ids = append(p.ids, id)
		p.regions = append(p.regions, region{})
	}
	return pos
}

// add makes cells of a span dirty, and puts those that were not into the queue.
func (p *propagation) add(pos int32, x box, parent int, jumped bool) {
	p.regions[pos].add(p.g.spans.at(p.ids[pos]).area, x, func(fresh box) {
		// A region of many strips gives many pieces for one rectangle.
		if n := len(p.queue); n > p.done {
			if last := &p.queue[n-1]; last.pos == pos && last.parent == parent && last.box.joins(fresh) {
				last.box, last.jumped = last.box.hull(fresh), last.jumped || jumped
				return
			}
		}
		p.queue = append(p.queue, patch{pos, jumped, parent, fresh})
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
		if err := p.dense(p.most); err != nil {
			return err
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
	// A span of one cell is followed once: none of its edges is met again.
	single := from >= 0 && p.g.spans.at(p.ids[from]).area.cells() == 1
	g.sheets[sheet].reads.search(x, func(e *entry) bool {
		s := g.spans.at(e.span)
		r := &s.tpl.reads[e.read]
		found := r.inverse(s.area, x)
		if r.named || found.empty() {
			return true
		}
		to := p.position(e.span)
		if from >= 0 {
			k := edge{from, to, e.read}
			if single {
				p.edges = append(p.edges, k)
			} else if _, ok := p.known[k]; !ok {
				p.known[k] = struct{}{}
				p.edges = append(p.edges, k)
			}
			if from != to {
				far := p.loop(to, found, self)
				p.add(to, far, self, far != found)
				return true
			}
			if !s.array() {
				found = chain(s.area, x, found)
			}
		}
		p.add(to, found, self, false)
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
	pos := d.at.get(s.ID)
	if s.Area != s.Output {
		return pos >= 0
	}
	return pos >= 0 && d.regions[pos].has(d.g.spans.at(s.ID).area, int32(at.Row), int32(at.Col))
}

// Meets reports whether the value of a cell of a range comes from a formula that is dirty.
func (d *Dirty) Meets(sheet int, r cell.Range) (met bool) {
	if uint(sheet) >= uint(len(d.g.sheets)) {
		return false
	}
	x := boxOf(r)
	d.g.sheets[sheet].outputs.search(x, func(e *entry) bool {
		pos, s := d.at.get(e.span), d.g.spans.at(e.span)
		if pos < 0 {
			return true
		}
		if met = s.array(); !met {
			for b := range d.regions[pos].boxes(s.area) {
				if met = b.meets(x); met {
					break
				}
			}
		}
		return !met
	})
	return met
}

// Graph is the graph that d is about.
func (d *Dirty) Graph() *Graph { return d.g }
