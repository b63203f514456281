package calc

import (
	"context"
	"maps"

	"gridflow/internal/calc/graph"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// Which cells a calculation meets while they are under way depends on where it began: of two
// circles that share a cell it may see but one. So, where any circle was found, the cells that
// depend on it are calculated once more with their reads noted, and circular is whatever lies
// on a circle of these: the strongly connected components (Tarjan, 1972). What a cell reads may
// depend on which are circular, as where IF chooses, so that is repeated until it is stable;
// from settleCircles on they only become more.

const (
	settleCircles = 6
	maxCircles    = 12
)

// trace is what cells read while it is noted.
type trace struct {
	d     *graph.Dirty      // the cells that are calculated
	reads map[place][]place // by the cells that are calculated; of an array, by its first cell
}

// note adds a read of a cell by the one under way.
func (w *worker) note(p place, t *tile, i int) {
	if len(w.path) == 0 || t.todo == nil || t.todo.by[i] == 0 {
		return
	}
	s, ok := w.c.m.graph.SpanAt(p.sheet, p.at)
	if !ok {
		return
	}
	if !s.Area.Contains(p.at) { // an array formula fills it
		p.at = s.Area.First
	}
	from := w.path[len(w.path)-1]
	if list := w.trace.reads[from]; (len(list) == 0 || list[len(list)-1] != p) && w.trace.d.Contains(p.sheet, p.at) {
		w.trace.reads[from] = append(list, p)
	}
}

// allCircles finds the cells on circles that the run passed over, and gives them and what reads
// them their values.
func (c *calculation) allCircles(ctx context.Context) error {
	if c.in.Book.Iterative {
		return nil
	}
	ever := maps.Clone(c.circular)
	for round := range maxCircles {
		if len(ever) == 0 || c.stopped() {
			return ctx.Err()
		}
		if err := c.rewire(ctx); err != nil {
			return err
		}
		var areas []graph.Area
		for p := range ever {
			areas = append(areas, graph.Area{Sheet: p.sheet, Range: cell.Range{First: p.at, Last: p.at}})
			t, i := c.cell(p)
			t.set(i, cell.ErrorValue(cell.ErrCirc))
		}
		d, err := c.m.graph.Dirty(ctx, areas, c.memory.room())
		if err != nil {
			return err
		}
		c.mark(d)
		w := c.worker()
		w.trace = &trace{d, map[place][]place{}}
		w.rest()
		found := w.trace.circles(c.stopped)
		if round >= settleCircles {
			maps.Copy(found, c.circular)
		}
		if maps.Equal(found, c.circular) {
			break
		}
		for p := range found {
			if now, ok := c.spills[p]; ok && !c.circular[p] {
				c.shrink(p, now)
			}
		}
		c.circular = found
		maps.Copy(ever, found)
	}
	return ctx.Err()
}

// shrink has an array fill what it filled at the start of the round, as it would had its circle
// been found at once.
func (c *calculation) shrink(p place, now cell.Range) {
	s, ok := c.start.SpanAt(p.sheet, p.at)
	if !ok || s.Template.Kind != grid.DynamicArray {
		return
	}
	was := s.Output
	if s.Area == s.Output {
		was = cell.Range{First: p.at, Last: p.at}
	}
	if was != now {
		c.vacate(p, now, was)
		c.fill(p, was)
	}
}

// circles gives the cells that read themselves, by way of others or at once; some of them where it is stopped.
func (t *trace) circles(stopped func() bool) map[place]bool {
	type node struct {
		index, low int
		on         bool
	}
	type frame struct {
		p    place
		edge int
	}
	nodes := map[place]*node{}
	found := map[place]bool{}
	var stack []place
	for root := range t.reads {
		if nodes[root] != nil {
			continue
		}
		frames := []frame{{p: root}}
		for len(frames) > 0 && !stopped() {
			f := &frames[len(frames)-1]
			n := nodes[f.p]
			if n == nil {
				n = &node{len(nodes), len(nodes), true}
				nodes[f.p] = n
				stack = append(stack, f.p)
			}
			if reads := t.reads[f.p]; f.edge < len(reads) {
				to := reads[f.edge]
				f.edge++
				if to == f.p {
					found[to] = true
				}
				if m := nodes[to]; m == nil {
					frames = append(frames, frame{p: to})
				} else if m.on {
					n.low = min(n.low, m.index)
				}
				continue
			}
			p := f.p
			frames = frames[:len(frames)-1]
			if len(frames) > 0 {
				above := nodes[frames[len(frames)-1].p]
				above.low = min(above.low, n.low)
			}
			if n.low != n.index {
				continue
			}
			first := len(stack) - 1
			for stack[first] != p {
				first--
			}
			for _, q := range stack[first:] {
				nodes[q].on = false
				if len(stack)-first > 1 {
					found[q] = true
				}
			}
			stack = stack[:first]
		}
	}
	return found
}
