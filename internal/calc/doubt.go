package calc

import (
	"context"

	"gridflow/internal/calc/graph"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// Doubt is the cells that a calculation may give other values. It is immutable.
type Doubt struct {
	dirty []*graph.Dirty
	ahead []graph.Area // that arrays may come to fill
}

// Doubt tells which cells Calculate may give other values with the same arguments, without calculating: what depends on the
// sources, on time or on chance, and where dynamic arrays among that may spill to, with what reads those cells. The
// error is that of ctx, or an [ErrTooLarge].
func (m *Model) Doubt(ctx context.Context, in Input, opt Options) (*Doubt, error) {
	c := m.begin(in, opt)
	for _, p := range m.blocked {
		c.blocked[p] = true
	}
	d := &Doubt{}
	dirty, err := m.graph.Dirty(ctx, c.withBlocked(c.sources()), c.memory.room())
	seen := map[place]bool{}
	for range maxRounds {
		if err != nil {
			return nil, err
		}
		d.dirty = append(d.dirty, dirty)
		var more []graph.Area
		for s := range dirty.Spans() {
			p := place{s.Template.Sheet, s.Area.First}
			if s.Template.Kind != grid.DynamicArray || seen[p] {
				continue
			}
			seen[p] = true
			more = append(more, graph.Area{Sheet: p.sheet, Range: cell.Range{First: p.at, Last: cell.WholeSheet.Last}})
		}
		if len(more) == 0 {
			break
		}
		d.ahead = append(d.ahead, more...)
		dirty, err = m.graph.Downstream(ctx, more, c.memory.room())
	}
	return d, nil
}

// Meets reports whether a cell of a range of a sheet is in doubt.
func (d *Doubt) Meets(sheet int, r cell.Range) bool {
	for _, a := range d.ahead {
		if _, ok := a.Range.Intersect(r); ok && a.Sheet == sheet {
			return true
		}
	}
	for _, dirty := range d.dirty {
		if dirty.Meets(sheet, r) {
			return true
		}
	}
	return false
}
