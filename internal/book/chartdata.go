package book

import (
	"context"

	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/grid"
)

// ChartCells are what the cells of a series say, in the order of its formulas. Of a formula that names no
// cells of this workbook nothing is known.
type ChartCells struct {
	Name       grid.Cell
	Categories []grid.Cell
	Values     []grid.Cell
}

// MaxPoints is how many cells of one series are looked at.
const MaxPoints = 1 << 17

// ChartCells gives what the cells of a chart's series say.
func (s *Snapshot) ChartCells(ctx context.Context, sheet int, c *grid.Chart) ([]ChartCells, error) {
	list := make([]ChartCells, len(c.Series))
	for i := range c.Series {
		x := &c.Series[i]
		name, err := s.cellsOf(ctx, sheet, x.NameRef)
		if err != nil {
			return nil, err
		}
		if len(name) > 0 {
			list[i].Name = name[0]
		}
		if list[i].Categories, err = s.cellsOf(ctx, sheet, x.Categories); err != nil {
			return nil, err
		}
		if list[i].Values, err = s.cellsOf(ctx, sheet, x.Values); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// cellsOf gives the cells that a formula of a chart names, which stands on a sheet; none where it names
// none that there are.
func (s *Snapshot) cellsOf(ctx context.Context, sheet int, text string) (cells []grid.Cell, err error) {
	areas, ok := s.ChartAreas(sheet, text)
	if !ok {
		return nil, nil
	}
	for _, a := range areas {
		on, err := s.Sheet(ctx, a.Sheet)
		if err != nil {
			return nil, err
		}
		r := a.Range
		if used, any := on.Used(); r.Cells() > MaxPoints && any { // whole columns end with the cells
			r.Last.Row, r.Last.Col = min(r.Last.Row, max(used.Last.Row, r.First.Row)), min(r.Last.Col, max(used.Last.Col, r.First.Col))
		}
		for row := r.First.Row; row <= r.Last.Row; row++ {
			for col := r.First.Col; col <= r.Last.Col; col++ {
				if len(cells) == MaxPoints {
					return cells, nil
				}
				at := cell.Ref{Row: row, Col: col}
				c, stored := on.At(at)
				if !stored {
					c = grid.Cell{Ref: at, Style: on.Layout.LineStyle(at)}
				}
				cells = append(cells, c)
			}
		}
	}
	return cells, nil
}

// ChartAreas gives the ranges that a formula of a chart names, by way of a defined name too; ok is false where it
// names others.
func (s *Snapshot) ChartAreas(sheet int, text string) (areas []SheetRange, ok bool) {
	if text == "" {
		return nil, false
	}
	tree, err := formula.Parse(text)
	if err != nil {
		return nil, false
	}
	return s.chartAreas(sheet, tree.Root, 0)
}

func (s *Snapshot) chartAreas(sheet int, n *formula.Node, depth int) (areas []SheetRange, ok bool) {
	switch n.Kind {
	case formula.Paren, formula.Binary:
		if n.Kind == formula.Binary && n.Op != formula.OpUnion {
			return nil, false
		}
		for _, k := range n.Kids {
			more, ok := s.chartAreas(sheet, k, depth)
			if !ok {
				return nil, false
			}
			areas = append(areas, more...)
		}
		return areas, true
	case formula.Ref:
		r := *n.Ref
		if r.Book() != "" || r.LastSheet() != "" {
			return nil, false
		}
		if r.Qualified() {
			if sheet, ok = s.SheetIndex(r.Sheet()); !ok || s.Workbook().Sheets[sheet].Kind != grid.Worksheet {
				return nil, false
			}
		}
		if r.Kind == formula.NameRef && depth < 8 {
			for i := range s.Workbook().Names {
				d := &s.Workbook().Names[i]
				if FoldName(d.Name) != FoldName(r.Name) || d.Sheet >= 0 && d.Sheet != sheet {
					continue
				}
				tree, err := formula.Parse(d.RefersTo)
				if err != nil {
					return nil, false
				}
				return s.chartAreas(sheet, tree.Root, depth+1)
			}
			return nil, false
		}
		area, ok := r.Range()
		return []SheetRange{{sheet, area}}, ok
	}
	return nil, false
}
