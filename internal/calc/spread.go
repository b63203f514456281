package calc

import (
	"gridflow/internal/calc/fn"
	"gridflow/internal/calc/graph"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// spread puts what an array formula gave into the cells that it fills and gives the value
// of its own cell.
func (c *calculation) spread(p place, f *form, v fn.Value) cell.Value {
	a := v.Array()
	if a == nil {
		a = &fn.Array{Rows: 1, Cols: 1, Cells: []cell.Value{v.Scalar()}}
	}
	fills, _ := c.spill(p)
	// An array in a circle fills what it filled: were it let shrink, the circle that its own
	// cells close would be gone from the graph, and its values would stay.
	if f.kind == grid.DynamicArray && !c.circular[p] {
		was := fills
		delete(c.blocked, p)
		fills = cell.Range{First: p.at, Last: cell.Ref{Row: p.at.Row + a.Rows - 1, Col: p.at.Col + a.Cols - 1}}
		if fills != was {
			if !c.free(p, fills, was) {
				c.blocked[p] = true
				fills, a = cell.Range{First: p.at, Last: p.at}, &fn.Array{Rows: 1, Cols: 1, Cells: []cell.Value{cell.ErrorValue(cell.ErrSpill)}}
			}
			if fills != was {
				c.vacate(p, was, fills)
				c.left = append(c.left, graph.Area{Sheet: p.sheet, Range: was})
				c.fill(p, fills)
			}
		}
	}
	s := c.sheets[p.sheet]
	for row := range fills.Rows() {
		if c.stopped() { // nobody will see the cells
			break
		}
		for col := range fills.Cols() {
			if row == 0 && col == 0 {
				continue
			}
			at := cell.Ref{Row: p.at.Row + row, Col: p.at.Col + col}
			t := s.own(at)
			i := at.Row % grid.BandRows
			t.set(i, shown(a.Stretch(row, col)))
			t.settle(i)
		}
	}
	return shown(a.Cells[0])
}

// shown gives a value as the cell of an array holds it: a blank is 0 there.
func shown(v cell.Value) cell.Value {
	if v.IsBlank() {
		return cell.NumberValue(0)
	}
	return v
}

// spill gives the range that the array formula in a cell fills.
func (c *calculation) spill(p place) (cell.Range, bool) {
	if r, ok := c.spills[p]; ok {
		return r, true
	}
	s, ok := c.span(p)
	if !ok || s.Template.Kind == grid.NormalFormula {
		return cell.Range{}, false
	}
	if s.Area == s.Output { // copies that fill their own cells only
		return cell.Range{First: p.at, Last: p.at}, true
	}
	return s.Output, true
}

// free reports whether an array may fill a range: it lies on the sheet, of several cells in no table, and what it did not
// fill before is empty and not merged.
func (c *calculation) free(p place, r, was cell.Range) bool {
	if !r.Last.Valid() {
		return false
	}
	for i := range c.in.Tables {
		if t := &c.in.Tables[i]; t.Sheet == p.sheet && t.Range.Contains(p.at) && r.Cells() > 1 {
			return false
		}
	}
	s := c.sheets[p.sheet]
	if s.from != nil {
		for _, m := range s.from.Layout.Merges {
			if _, ok := m.Intersect(r); ok {
				return false
			}
		}
	}
	for x := range c.m.graph.SpansIn(p.sheet, r) {
		if other, ok := x.Area.Intersect(r); ok && other != (cell.Range{First: p.at, Last: p.at}) {
			return false
		}
	}
	inside := r
	if !s.empty {
		var ok bool
		if inside, ok = r.Intersect(s.used); !ok {
			return true
		}
	}
	for col := inside.First.Col; col <= inside.Last.Col; col++ {
		for row := inside.First.Row; row <= inside.Last.Row; row++ {
			if row%grid.BandRows == 0 && c.stopped() {
				return false
			}
			at := cell.Ref{Row: row, Col: col}
			if at == p.at || was.Contains(at) {
				continue
			}
			t := s.tile(col, row/grid.BandRows)
			if t == nil {
				continue
			}
			if t.kinds[row%grid.BandRows] != cell.Blank {
				return false
			}
		}
	}
	return true
}

// fill notes that an array fills other cells than before.
func (c *calculation) fill(p place, fills cell.Range) {
	c.spills[p] = fills
	c.moved = append(c.moved, p)
	c.left = append(c.left, graph.Area{Sheet: p.sheet, Range: fills})
}

// vacate empties the cells that an array fills no longer.
func (c *calculation) vacate(p place, was, now cell.Range) {
	s := c.sheets[p.sheet]
	for row := was.First.Row; row <= was.Last.Row && !c.stopped(); row++ {
		for col := was.First.Col; col <= was.Last.Col; col++ {
			at := cell.Ref{Row: row, Col: col}
			if at == p.at || now.Contains(at) {
				continue
			}
			if t := s.tile(col, row/grid.BandRows); t != nil && t != nothing {
				t.set(row%grid.BandRows, cell.Value{})
				t.settle(row % grid.BandRows)
				c.empty[p.sheet] = append(c.empty[p.sheet], at)
			}
		}
	}
}
