package graph

import (
	"context"
	"iter"
	"slices"
)

// Order says in which order the cells of a unit are to be evaluated.
type Order uint8

// The orders. In the four that go line by line, a line is a row or a column of all spans of
// the unit; within a line the spans follow in the order of the unit, and within a span the
// cells from left to right or from top to bottom.
const (
	Independent  Order = iota // in any order, all at once
	RowsDown                  // row by row from the top: running balances
	RowsUp                    // row by row from the bottom
	ColumnsRight              // column by column from the left: models with a column for each period
	ColumnsLeft               // column by column from the right
	Knot                      // on demand, cell by cell, as they read one another; there may be a circle
)

// String gives the order in lower case.
func (o Order) String() string {
	return [...]string{"independent", "rows_down", "rows_up", "columns_right", "columns_left", "knot"}[o]
}

// Unit is spans that are evaluated together.
type Unit struct {
	Order Order
	// Lanes says of a unit that goes line by line that its cells read no other cells of it than
	// those of their own column (of rows) or row (of columns): such lanes may be evaluated at
	// the same time.
	Lanes bool
	Level int   // units of one level do not read one another; all that they read is on lower ones
	Cost  int64 // about how many cells are read and calculated

	spans []int32 // positions in the dirty set
}

// Spans is the number of spans in the unit.
func (u *Unit) Spans() int { return len(u.spans) }

// Plan is an order in which what is dirty can be evaluated.
type Plan struct {
	// Units has every unit behind those that it reads, and by levels.
	Units []Unit
	// OnDemand reports whether the last unit is that of the dynamic formulas and all that reads
	// them: what they read is known only when they are evaluated, so that they are a Knot which
	// may read any cell, and no other unit reads it.
	OnDemand bool

	dirty  *Dirty
	starts []int32 // of unit i in next
	next   []int32 // units that read it
	waits  []int32 // how many units it reads
}

// Waits is the number of units that unit i reads; Next gives those that read it. With them a
// scheduler can start a unit as soon as all it waits for is done, whatever its level.
func (p *Plan) Waits(i int) int { return int(p.waits[i]) }

// Next gives the units that read unit i. It is not to be changed.
func (p *Plan) Next(i int) []int32 { return p.next[p.starts[i]:p.starts[i+1]] }

// Levels is the number of levels.
func (p *Plan) Levels() int {
	if len(p.Units) == 0 {
		return 0
	}
	return p.Units[len(p.Units)-1].Level + 1
}

// Level yields the units of a level.
func (p *Plan) Level(level int) []Unit {
	i, _ := slices.BinarySearchFunc(p.Units, level, func(u Unit, l int) int { return u.Level - l })
	j, _ := slices.BinarySearchFunc(p.Units, level+1, func(u Unit, l int) int { return u.Level - l })
	return p.Units[i:j]
}

// Parts yields the spans of a unit with their dirty cells, in the order in which they follow
// in a line.
func (p *Plan) Parts(i int) iter.Seq2[Span, Region] {
	return func(yield func(Span, Region) bool) {
		for _, pos := range p.Units[i].spans {
			if !yield(p.dirty.span(pos)) {
				return
			}
		}
	}
}

// Plan puts what is dirty in order: units by Tarjan's strongly connected components, each of
// them behind those that it reads. The error is that of ctx.
func (d *Dirty) Plan(ctx context.Context) (*Plan, error) {
	b := planner{d: d}
	b.adjacency()
	if err := b.components(ctx); err != nil {
		return nil, err
	}
	return b.plan(ctx)
}

type planner struct {
	d *Dirty

	// The edges that leave position i are out[starts[i]:starts[i+1]], by index in d.edges.
	starts, out []int32

	unit   []int32 // of a position
	n      int32   // units
	demand int32   // the unit of what is on demand, -1 where there is none
}

// group sorts 0 … n-1 into groups: those with key(i) == k stand between starts[k] and
// starts[k+1], in their order.
func group(keys, n int, key func(i int) int32) (starts, order []int32) {
	starts = make([]int32, keys+1)
	for i := range n {
		starts[key(i)+1]++
	}
	for i := range keys {
		starts[i+1] += starts[i]
	}
	order = make([]int32, n)
	at := slices.Clone(starts)
	for i := range n {
		k := key(i)
		order[at[k]] = int32(i)
		at[k]++
	}
	return starts, order
}

func (b *planner) adjacency() {
	e := b.d.edges
	b.starts, b.out = group(len(b.d.ids), len(e), func(i int) int32 { return e[i].from })
}

// onDemand gives which positions are dynamic or downstream of what is.
func (b *planner) onDemand() []bool {
	d := b.d
	demand := make([]bool, len(d.ids))
	var stack []int32
	reach := func(pos int32) {
		if !demand[pos] {
			demand[pos] = true
			stack = append(stack, pos)
		}
	}
	for _, id := range d.g.special {
		if pos := d.at.get(id); pos >= 0 && d.g.spans.at(id).tpl.Facts.Dynamic {
			reach(pos)
		}
	}
	for len(stack) > 0 {
		pos := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		for _, i := range b.out[b.starts[pos]:b.starts[pos+1]] {
			reach(d.edges[i].to)
		}
	}
	return demand
}

// components gives every position its unit, those that are read with the higher numbers
// (Tarjan, 1972; without recursion, for a chain of single cells is as deep as it is long).
// What is on demand is one unit, number 0: nothing else reads it.
func (b *planner) components(ctx context.Context) error {
	n := len(b.d.ids)
	b.unit, b.demand = make([]int32, n), -1
	const unseen = -1
	index, low := make([]int32, n), make([]int32, n)
	for i := range index {
		index[i], b.unit[i] = unseen, -1
	}
	for pos, on := range b.onDemand() {
		if on {
			b.demand, b.n = 0, 1
			b.unit[pos], index[pos] = 0, 0
		}
	}
	type frame struct{ pos, edge int32 }
	var frames []frame
	var stack []int32
	time := int32(0)
	for root := range int32(n) {
		if root&0xff == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if index[root] != unseen {
			continue
		}
		frames = append(frames, frame{root, b.starts[root]})
		for len(frames) > 0 {
			f := &frames[len(frames)-1]
			v := f.pos
			if index[v] == unseen {
				if time&0xfff == 0 && ctx.Err() != nil {
					return ctx.Err()
				}
				index[v], low[v] = time, time
				time++
				stack = append(stack, v)
			}
			if f.edge < b.starts[v+1] {
				w := b.d.edges[b.out[f.edge]].to
				f.edge++
				switch {
				case index[w] == unseen:
					frames = append(frames, frame{w, b.starts[w]})
				case b.unit[w] < 0:
					low[v] = min(low[v], index[w])
				}
				continue
			}
			frames = frames[:len(frames)-1]
			if len(frames) > 0 {
				u := frames[len(frames)-1].pos
				low[u] = min(low[u], low[v])
			}
			if low[v] != index[v] {
				continue
			}
			for {
				w := stack[len(stack)-1]
				stack = stack[:len(stack)-1]
				b.unit[w] = b.n
				if w == v {
					break
				}
			}
			b.n++
		}
	}
	return nil
}

// plan makes the units and puts them into order. The error is that of ctx.
func (b *planner) plan(ctx context.Context) (*Plan, error) {
	d, n := b.d, int(b.n)
	// A unit is numbered when all that read it are: from high to low they are in order.
	level, waits, mark := make([]int32, n), make([]int32, n), make([]int32, n)
	starts, members := group(n, len(d.ids), func(i int) int32 { return b.unit[i] })
	links := make([][2]int32, 0, len(d.edges)) // from unit to unit, without repeats
	link := func(u, v int32) {
		if mark[v] != u+1 {
			mark[v] = u + 1
			links = append(links, [2]int32{u, v})
			waits[v]++
			level[v] = max(level[v], level[u]+1)
		}
	}
	var inner []int32 // edges inside of a unit
	innerOf := make([]interval, n)
	for u := int32(n) - 1; u >= 0; u-- {
		if u&0xfff == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		innerOf[u].lo = int32(len(inner))
		for _, pos := range members[starts[u]:starts[u+1]] {
			for _, i := range b.out[b.starts[pos]:b.starts[pos+1]] {
				if v := b.unit[d.edges[i].to]; v != u {
					link(u, v)
				} else {
					inner = append(inner, i)
				}
			}
		}
		innerOf[u].hi = int32(len(inner))
		if b.demand >= 0 && u != b.demand {
			link(u, b.demand) // who is asked on demand may ask for anything
		}
	}
	levels := 0
	for _, l := range level {
		levels = max(levels, int(l)+1)
	}
	_, order := group(levels, n, func(i int) int32 { return level[n-1-i] })
	for i, u := range order {
		order[i] = int32(n-1) - u
	}
	place := make([]int32, n)
	p := &Plan{Units: make([]Unit, n), OnDemand: b.demand >= 0, dirty: d, waits: make([]int32, n)}
	for i, u := range order {
		if i&0xfff == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		place[u] = int32(i)
		p.waits[i] = waits[u]
		p.Units[i] = Unit{Level: int(level[u]), spans: slices.Clip(members[starts[u]:starts[u+1]])}
		p.Units[i].arrange(d, inner[innerOf[u].lo:innerOf[u].hi], u == b.demand)
	}
	p.starts, p.next = group(n, len(links), func(i int) int32 { return place[links[i][0]] })
	for i, l := range p.next {
		p.next[i] = place[links[l][1]]
	}
	return p, ctx.Err()
}
