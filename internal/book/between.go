package book

import (
	"context"

	"gridflow/internal/grid"
)

// As gives s under another id and version: the same contents, for another line or for the
// place that they have in it.
func (s *Snapshot) As(id string, version uint64) *Snapshot {
	t := *s
	t.ID, t.Version = id, version
	return &t
}

// EditedSheets gives the indices of the sheets that are no more as the source has them.
func (s *Snapshot) EditedSheets() []int {
	list := make([]int, len(s.sheets))
	for i, e := range s.sheets {
		list[i] = e.index
	}
	return list
}

// Between gives the edit that makes of base, which is the unedited state of the workbook that
// cur is a version of, what cur is.
func Between(ctx context.Context, base, cur *Snapshot) (Edit, error) {
	var e Edit
	for _, i := range cur.EditedSheets() {
		was, err := base.Sheet(ctx, i)
		if err != nil {
			return Edit{}, err
		}
		is, err := cur.Sheet(ctx, i)
		if err != nil {
			return Edit{}, err
		}
		op := SetCells{Sheet: cur.Workbook().Sheets[i].Name}
		for x, y := range grid.Diff(was, is, nil) {
			op.Cells = append(op.Cells, between(cur, was, is, x, y))
		}
		if len(op.Cells) > 0 {
			e.Ops = append(e.Ops, op)
		}
	}
	return e, nil
}

// between gives the edit that makes of cell x of was the cell y of is.
func between(cur *Snapshot, was, is *grid.Sheet, x, y grid.Cell) CellEdit {
	c := CellEdit{Ref: y.Ref, Value: y.Value}
	_, stored := is.At(y.Ref)
	switch {
	case !stored:
		return CellEdit{Ref: x.Ref, Clear: true}
	case y.HasFormula():
		c.Value, c.HasFormula, c.Formula = CellEdit{}.Value, true, StoredFormula(is, y)
	case y.Value.IsBlank():
		c.Clear = true
	}
	style := x.Style
	if _, there := was.At(y.Ref); !there {
		style = inheritedStyle(was, y.Ref)
	}
	if y.Style != style {
		c.NumFmt = numFmt(cur.Workbook().Styles, y.Style)
	}
	return c
}

// Cells is the number of cells that e names.
func (e Edit) Cells() (n int) {
	for _, op := range e.Ops {
		if s, ok := op.(SetCells); ok {
			n += len(s.Cells)
		}
	}
	return n
}
