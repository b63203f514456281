package graph

import (
	"iter"
	"slices"

	"gridflow/internal/cell"
)

// arrange finds the order in which the cells of u can be evaluated. inner is the edges of d
// between its spans.
func (u *Unit) arrange(d *Dirty, inner []int32, demand bool) {
	for _, pos := range u.spans {
		u.Cost += d.cost(pos)
	}
	if demand {
		u.Order = Knot
		return
	}
	if len(inner) == 0 {
		return
	}
	u.Order = Knot
	facts := make([]innerRead, 0, len(inner))
	for _, i := range inner {
		f, ok := d.innerRead(d.edges[i])
		if !ok {
			return
		}
		facts = append(facts, f)
	}
	for _, o := range [...]Order{RowsDown, ColumnsRight, RowsUp, ColumnsLeft} {
		if spans, ok := u.lines(facts, o); ok {
			u.Order, u.spans = o, spans
			u.Lanes = !slices.ContainsFunc(facts, func(f innerRead) bool { return f.at[1-o.axis()] != same })
			return
		}
	}
}

// axis gives the axis along which the lines of an order follow one another.
func (o Order) axis() int {
	if o == ColumnsRight || o == ColumnsLeft {
		return cols
	}
	return rows
}

// back reports whether the lines follow one another from the last to the first.
func (o Order) back() bool { return o == RowsUp || o == ColumnsLeft }

// innerRead is a read between two spans of a unit: where the cells read, as seen from
// themselves, along each axis. The two are independent, for areas and what is read are rectangles:
// a cell in one of these rows and one of these columns is read by some cell.
type innerRead struct {
	from, to int32
	at       [2]relation
}

func (d *Dirty) innerRead(e edge) (innerRead, bool) {
	g := d.g
	from, to := g.spans.at(d.ids[e.from]), g.spans.at(d.ids[e.to])
	if from.array() || to.array() {
		return innerRead{}, false // one evaluation gives many cells: no order of lines says when
	}
	f := innerRead{from: e.from, to: e.to}
	r := &to.tpl.reads[e.read]
	for axis := range 2 {
		f.at[axis] = r.axes[axis].relation(d.regions[e.to].bounds[axis], d.regions[e.from].bounds[axis])
	}
	return f, true
}

// lines gives the spans of u in an order in which they can be evaluated line by line, and
// whether there is one: no cell may read a later line, and within a line the spans that read
// one another must not do so in a circle, nor a span what comes behind in it.
func (u *Unit) lines(facts []innerRead, o Order) ([]int32, bool) {
	late := after
	if o.back() {
		late = before
	}
	axis := o.axis()
	var within [][2]int32
	for _, f := range facts {
		switch {
		case f.at[axis]&late != 0:
			return nil, false
		case f.at[axis]&same == 0:
		case f.from != f.to:
			within = append(within, [2]int32{f.from, f.to})
		case f.at[1-axis]&(same|after) != 0:
			return nil, false
		}
	}
	if len(within) == 0 {
		return u.spans, true
	}
	// Kahn's algorithm; spans that may come next are taken by their places.
	place := make(map[int32]int32, len(u.spans))
	for i, pos := range u.spans {
		place[pos] = int32(i)
	}
	starts, next := group(len(u.spans), len(within), func(i int) int32 { return place[within[i][0]] })
	waits := make([]int32, len(u.spans))
	for _, w := range within {
		waits[place[w[1]]]++
	}
	var ready []int32
	for i, w := range waits {
		if w == 0 {
			ready = append(ready, int32(i))
		}
	}
	out := make([]int32, 0, len(u.spans))
	for ; len(ready) > 0; ready = ready[1:] {
		i := ready[0]
		out = append(out, u.spans[i])
		for _, k := range next[starts[i]:starts[i+1]] {
			j := place[within[k][1]]
			if waits[j]--; waits[j] == 0 {
				ready = append(ready, j)
			}
		}
	}
	return out, len(out) == len(u.spans)
}

// cost estimates the work of the dirty cells of a span: for each cell one, and one for each
// cell that it reads where the sheet has any, as seen from the middle.
func (d *Dirty) cost(pos int32) int64 {
	g := d.g
	s, r := g.spans.at(d.ids[pos]), &d.regions[pos]
	middle := r.bounds
	for axis := range 2 {
		m := middle[axis].lo + int32(middle[axis].len()/2)
		middle[axis] = interval{m, m}
	}
	each := int64(1)
	for i := range s.tpl.reads {
		x := &s.tpl.reads[i]
		if x.named {
			continue
		}
		if a := x.image(middle).and(g.sheets[x.sheet].used); !a.empty() {
			each += a.cells()
		}
	}
	return each*r.cells() + s.out.cells() - s.area.cells()
}

// Step is dirty cells of one span that are evaluated before those of the next step: in any
// order where the unit is Independent, else line by line and within a line from left to right
// or from top to bottom.
type Step struct {
	Span  Span
	Cells cell.Range
}

// Steps yields the dirty cells of unit i in an order in which they can be evaluated. A unit of
// one span comes in rectangles, one of several that goes line by line in parts of lines. A Knot
// comes as it is: its cells are to be evaluated as they ask for one another.
func (p *Plan) Steps(i int) iter.Seq[Step] {
	return func(yield func(Step) bool) {
		u := &p.Units[i]
		if u.Order == Independent || u.Order == Knot {
			for s, r := range p.Parts(i) {
				for x := range r.Ranges() {
					if !yield(Step{s, x}) {
						return
					}
				}
			}
			return
		}
		u.lineByLine(p.dirty, func(pos int32, x box) bool {
			return yield(Step{p.dirty.g.span(p.dirty.ids[pos]), x.Range()})
		})
	}
}

// lineByLine calls yield for the dirty cells of u line by line, until it gives false. Lines in
// which there is only one rectangle come together.
func (u *Unit) lineByLine(d *Dirty, yield func(int32, box) bool) {
	// A sweep: each span's rectangles by where they begin, and those that are open at the line.
	type part struct {
		pos         int32
		boxes, open []box
	}
	axis := u.Order.axis()
	turn := func(x box) box {
		if u.Order.back() {
			x[axis] = interval{-x[axis].hi, -x[axis].lo}
		}
		return x
	}
	parts := make([]part, len(u.spans))
	line, last := int32(farAfter), int32(farBefore)
	for i, pos := range u.spans {
		p := &parts[i]
		p.pos = pos
		for x := range d.regions[pos].boxes(d.g.spans.at(d.ids[pos]).area) {
			x = turn(x)
			p.boxes = append(p.boxes, x)
			line, last = min(line, x[axis].lo), max(last, x[axis].hi)
		}
		slices.SortStableFunc(p.boxes, func(a, b box) int { return int(a[axis].lo - b[axis].lo) })
	}
	for line <= last {
		next, open, end := last+1, 0, line // where the next rectangle begins; those that are open
		for i := range parts {
			p := &parts[i]
			p.open = slices.DeleteFunc(p.open, func(x box) bool { return x[axis].hi < line })
			for len(p.boxes) > 0 && p.boxes[0][axis].lo == line {
				x := p.boxes[0]
				at, _ := slices.BinarySearchFunc(p.open, x, func(a, b box) int { return int(a[1-axis].lo - b[1-axis].lo) })
				p.open, p.boxes = slices.Insert(p.open, at, x), p.boxes[1:]
			}
			if len(p.boxes) > 0 {
				next = min(next, p.boxes[0][axis].lo)
			}
			if open += len(p.open); len(p.open) == 1 {
				end = p.open[0][axis].hi
			}
		}
		switch open {
		case 0:
			line = next
			continue
		case 1:
			end = min(end, next-1)
		default:
			end = line
		}
		for i := range parts {
			for _, x := range parts[i].open {
				x[axis] = interval{line, end}
				if !yield(parts[i].pos, turn(x)) {
					return
				}
			}
		}
		line = end + 1
	}
}
