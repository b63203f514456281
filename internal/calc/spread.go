package calc

import (
	"gridflow/internal/calc/fn"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// spread puts what an array formula gave into the cells that it fills and gives the value
// of its own cell.
func (c *calculation) spread(p place, f *template, v fn.Value) cell.Value {
	a := v.Array()
	if a == nil {
		a = &fn.Array{Rows: 1, Cols: 1, Cells: []cell.Value{v.Scalar()}}
	}
	fills, _ := c.spill(p)
	if f.kind == grid.DynamicArray {
		was := fills
		fills = cell.Range{First: p.at, Last: cell.Ref{Row: p.at.Row + a.Rows - 1, Col: p.at.Col + a.Cols - 1}}
		if fills != was {
			if !c.free(p, fills, was) {
				fills, a = cell.Range{First: p.at, Last: p.at}, &fn.Array{Rows: 1, Cols: 1, Cells: []cell.Value{cell.ErrorValue(cell.ErrSpill)}}
			}
			if fills != was {
				c.vacate(p, was, fills)
				c.spills[p] = fills
				c.moved = true
			}
		}
	}
	s := c.sheets[p.sheet]
	for row := range fills.Rows() {
		for col := range fills.Cols() {
			if row == 0 && col == 0 {
				continue
			}
			at := cell.Ref{Row: p.at.Row + row, Col: p.at.Col + col}
			t := s.own(at)
			i := at.Row % grid.BandRows
			t.set(i, a.Stretch(row, col))
			t.settle(i)
		}
	}
	return a.Cells[0]
}

// settle marks a cell that another one fills as calculated.
func (t *tile) settle(i int) {
	if t.state != nil && t.state[i] != clean {
		t.state[i] = clean
		t.todo--
	}
}

// spill gives the range that the array formula in a cell fills.
func (c *calculation) spill(p place) (cell.Range, bool) {
	if r, ok := c.spills[p]; ok {
		return r, true
	}
	f := c.template(p)
	if f == nil || !f.arrays() {
		return cell.Range{}, false
	}
	for _, a := range c.m.sheets[p.sheet].arrays {
		if a.anchor == p.at {
			return a.fills, true
		}
	}
	return cell.Range{}, false
}

// free reports whether an array may fill a range: it lies on the sheet, and what it did not
// fill before is empty and not merged.
func (c *calculation) free(p place, r, was cell.Range) bool {
	if !r.Last.Valid() {
		return false
	}
	s := c.sheets[p.sheet]
	if s.from != nil {
		for _, m := range s.from.Layout.Merges {
			if _, ok := m.Intersect(r); ok {
				return false
			}
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
			at := cell.Ref{Row: row, Col: col}
			if at == p.at || was.Contains(at) {
				continue
			}
			t := s.tile(col, row/grid.BandRows)
			if t == nil {
				continue
			}
			i := row % grid.BandRows
			if t.kinds[i] != cell.Blank || t.forms != nil && t.forms[i] > 0 {
				return false
			}
		}
	}
	return true
}

// vacate empties the cells that an array fills no longer.
func (c *calculation) vacate(p place, was, now cell.Range) {
	s := c.sheets[p.sheet]
	for row := was.First.Row; row <= was.Last.Row; row++ {
		for col := was.First.Col; col <= was.Last.Col; col++ {
			at := cell.Ref{Row: row, Col: col}
			if at == p.at || now.Contains(at) {
				continue
			}
			if t := s.tile(col, row/grid.BandRows); t != nil && t != nothing {
				t.set(row%grid.BandRows, cell.Value{})
				t.settle(row % grid.BandRows)
			}
		}
	}
}
