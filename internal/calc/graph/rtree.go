package graph

import (
	"math"
	"slices"
)

// tree is an R-tree (Guttman, SIGMOD 1984) over boxes of one sheet. It is persistent: a
// change copies the nodes on the way from the root and shares all others, so that a fork
// pays for its own edits and a base is never written to.
//
// It is packed by sort, tile, recurse (Leutenegger et al., ICDE 1997) when a graph is built.
// Later insertions choose by least growth and split a node in two halves along the axis that
// leaves less overlap, those with equal places by the ids of their spans; a deletion takes empty nodes out and moves nothing else.
type tree struct {
	root *node
	n    int
}

// fanout is the most that a node holds. Sixteen boxes are four cache lines.
const fanout = 16

type node struct {
	owner   *owner  // who may still write to it
	entries []entry // of a leaf
	kids    []kid   // of any other node
}

// owner stands for an edit that is being made. It is nothing but its address: a node that
// outlives the edit may not keep its graph alive.
type owner struct{ _ byte }

type kid struct {
	box box
	ids interval // of the spans under n
	n   *node
}

// entry is what a tree holds: the output of a span (read is 0), or what one of its reads covers.
type entry struct {
	box  box
	span int32
	read int32
}

func (n *node) leaf() bool { return n.kids == nil }

// search calls f for the entries that meet q, until it gives false; it reports whether it
// never did.
func (t tree) search(q box, f func(*entry) bool) bool {
	return t.root == nil || t.root.search(&q, f)
}

func (n *node) search(q *box, f func(*entry) bool) bool {
	for i := range n.entries {
		if e := &n.entries[i]; e.box.meets(*q) && !f(e) {
			return false
		}
	}
	for i := range n.kids {
		if k := &n.kids[i]; k.box.meets(*q) && !k.n.search(q, f) {
			return false
		}
	}
	return true
}

// pack makes a tree of entries, whose order it changes.
func pack(entries []entry) tree {
	if len(entries) == 0 {
		return tree{}
	}
	tile(entries, func(e entry) (box, int32) { return e.box, e.span })
	level := make([]kid, 0, (len(entries)+fanout-1)/fanout)
	for c := range slices.Chunk(entries, fanout) {
		n := &node{entries: slices.Clone(c)}
		level = append(level, kidOf(n))
	}
	for len(level) > 1 {
		tile(level, func(k kid) (box, int32) { return k.box, k.ids.lo })
		up := make([]kid, 0, (len(level)+fanout-1)/fanout)
		for c := range slices.Chunk(level, fanout) {
			n := &node{kids: slices.Clone(c)}
			up = append(up, kidOf(n))
		}
		level = up
	}
	return tree{level[0].n, len(entries)}
}

// tile brings boxes into the order in which they are packed: slices of columns, in each of
// them by row.
func tile[T any](items []T, of func(T) (box, int32)) {
	if len(items) <= fanout {
		return
	}
	slices.SortFunc(items, byCentre(cols, of))
	nodes := (len(items) + fanout - 1) / fanout
	slice := int(math.Ceil(math.Sqrt(float64(nodes)))) * fanout
	for c := range slices.Chunk(items, slice) {
		slices.SortFunc(c, byCentre(rows, of))
	}
}

// byCentre compares the places of boxes along an axis, then along the other, then their ids.
func byCentre[T any](axis int, of func(T) (box, int32)) func(a, b T) int {
	return func(a, b T) int {
		x, i := of(a)
		y, j := of(b)
		if n := x[axis].lo + x[axis].hi - y[axis].lo - y[axis].hi; n != 0 {
			return int(n)
		}
		if n := x[1-axis].lo + x[1-axis].hi - y[1-axis].lo - y[1-axis].hi; n != 0 {
			return int(n)
		}
		return int(i - j)
	}
}

// kidOf gives n with what bounds it. The ids are there for removals: many formulas may read
// one cell, and to find one of them by the box alone would be to look at them all.
func kidOf(n *node) kid {
	k := kid{box{{math.MaxInt32, math.MinInt32}, {math.MaxInt32, math.MinInt32}}, interval{math.MaxInt32, math.MinInt32}, n}
	for i := range n.entries {
		e := &n.entries[i]
		k.box, k.ids = k.box.hull(e.box), k.ids.hull(interval{e.span, e.span})
	}
	for i := range n.kids {
		k.box, k.ids = k.box.hull(n.kids[i].box), k.ids.hull(n.kids[i].ids)
	}
	return k
}

// own gives n, or a copy of it, as a node that w may write to.
func (n *node) own(w *owner) *node {
	if n.owner == w {
		return n
	}
	m := &node{owner: w}
	if n.leaf() {
		m.entries = append(make([]entry, 0, fanout+1), n.entries...)
	} else {
		m.kids = append(make([]kid, 0, fanout+1), n.kids...)
	}
	return m
}

// insert adds x.
func (t *tree) insert(w *owner, x entry) {
	t.n++
	if t.root == nil {
		t.root = &node{owner: w, entries: append(make([]entry, 0, fanout+1), x)}
		return
	}
	root, split := t.root.insert(w, x)
	if split != nil {
		root = &node{owner: w, kids: append(make([]kid, 0, fanout+1), kidOf(root), kidOf(split))}
	}
	t.root = root
}

// insert gives the node with x in it, and the other half where it had to be split.
func (n *node) insert(w *owner, x entry) (now, split *node) {
	n = n.own(w)
	if n.leaf() {
		if n.entries = append(n.entries, x); len(n.entries) > fanout {
			split = &node{owner: w}
			n.entries, split.entries = halve(n.entries, func(e entry) (box, int32) { return e.box, e.span })
		}
		return n, split
	}
	best, growth, area, wide := 0, int64(math.MaxInt64), int64(0), int64(0)
	for i := range n.kids {
		k := &n.kids[i]
		a := k.box.cells()
		g, w := k.box.hull(x.box).cells()-a, k.ids.hull(interval{x.span, x.span}).len()
		if g < growth || g == growth && (a < area || a == area && w < wide) {
			best, growth, area, wide = i, g, a, w
		}
	}
	k := &n.kids[best]
	down, other := k.n.insert(w, x)
	*k = kidOf(down)
	if other != nil {
		if n.kids = append(n.kids, kidOf(other)); len(n.kids) > fanout {
			split = &node{owner: w}
			n.kids, split.kids = halve(n.kids, func(k kid) (box, int32) { return k.box, k.ids.lo })
		}
	}
	return n, split
}

// halve splits items into two halves along the axis that leaves less overlap between their
// bounds, or else less margin. Those with the same centre are divided by their ids.
func halve[T any](items []T, of func(T) (box, int32)) (a, b []T) {
	bounds := func(items []T) box {
		x, _ := of(items[0])
		for i := range items {
			y, _ := of(items[i])
			x = x.hull(y)
		}
		return x
	}
	var best []T
	var overlap, margin int64
	for axis := range 2 {
		s := slices.Clone(items)
		slices.SortFunc(s, byCentre(axis, of))
		x, y := bounds(s[:len(s)/2]), bounds(s[len(s)/2:])
		o := int64(0)
		if z := x.and(y); !z.empty() {
			o = z.cells()
		}
		m := x[rows].len() + x[cols].len() + y[rows].len() + y[cols].len()
		if best == nil || o < overlap || o == overlap && m < margin {
			best, overlap, margin = s, o, m
		}
	}
	n := len(best) / 2
	return append(make([]T, 0, fanout+1), best[:n]...), append(make([]T, 0, fanout+1), best[n:]...)
}

// remove takes the entry x out; it must be there.
func (t *tree) remove(w *owner, x entry) {
	if t.root == nil {
		return
	}
	root, ok := t.root.remove(w, x)
	if !ok {
		return
	}
	t.n--
	for root != nil && len(root.kids) == 1 {
		root = root.kids[0].n
	}
	t.root = root
}

// remove gives the node without x, nil if nothing is left, and whether x was in it.
func (n *node) remove(w *owner, x entry) (*node, bool) {
	if n.leaf() {
		i := slices.Index(n.entries, x)
		if i < 0 {
			return n, false
		}
		if len(n.entries) == 1 {
			return nil, true
		}
		n = n.own(w)
		n.entries = slices.Delete(n.entries, i, i+1)
		return n, true
	}
	for i := range n.kids {
		if k := &n.kids[i]; !k.box.holds(x.box) || x.span < k.ids.lo || x.span > k.ids.hi {
			continue
		}
		down, ok := n.kids[i].n.remove(w, x)
		if !ok {
			continue
		}
		if down == nil && len(n.kids) == 1 {
			return nil, true
		}
		n = n.own(w)
		if down == nil {
			n.kids = slices.Delete(n.kids, i, i+1)
		} else {
			n.kids[i] = kidOf(down)
		}
		return n, true
	}
	return n, false
}

// bytes is about what the tree keeps alive.
func (t tree) bytes() int64 {
	if t.root == nil {
		return 0
	}
	return t.root.bytes()
}

func (n *node) bytes() int64 {
	b := int64(56 + 24*cap(n.entries) + 32*cap(n.kids))
	for i := range n.kids {
		b += n.kids[i].n.bytes()
	}
	return b
}
