package book

import (
	"context"
	"fmt"
	"slices"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/structure"
)

// transplant makes what ours has restructured since base on onto, which is another revision of the workbook. Rows are
// followed through those that were inserted and deleted in it, change by change, and what is deleted has to be there as it
// was. It gives base and onto as they are afterwards, and the changes as they are for onto. An *Error with BothMoved
// says what has no place there.
func transplant(ctx context.Context, base, ours, onto *Snapshot) (b, o *Snapshot, moves []structure.Change, err error) {
	list, ok := movesSince(base, ours)
	if !ok {
		return nil, nil, nil, errorf(Unrelated, "", "the two are not states of one line")
	}
	for _, c := range list {
		cmp, err := newComparison(ctx, base, onto, DiffOptions{})
		if err != nil {
			return nil, nil, nil, err
		}
		moved, why, err := cmp.transplant(c)
		if err != nil {
			return nil, nil, nil, err
		}
		if why != "" {
			e := errorf(BothMoved, "Undo it, merge, and make it again.", "%s of sheet %q cannot be made on the other state of the workbook: %s", c.Kind, c.Sheet, why)
			e.Sheet = c.Sheet
			return nil, nil, nil, e
		}
		if base, err = base.Restructured(ctx, c); err != nil {
			return nil, nil, nil, err
		}
		if onto, err = onto.Restructured(ctx, moved); err != nil {
			return nil, nil, nil, err
		}
		moves = append(moves, moved)
	}
	if len(moves) > 0 && len(base.sheets) == 0 {
		base = ours.unedited()
	}
	return base, onto, moves, nil
}

// transplant gives a change of base as one of cur, or why there is none.
func (c *comparison) transplant(x structure.Change) (moved structure.Change, why string, err error) {
	moved = x
	if x.Kind == structure.AddSheet {
		moved.Position = min(x.Position, len(c.cur.Workbook().Sheets))
		return moved, "", nil
	}
	pair, ok := c.pairOf(x.Sheet)
	if !ok {
		return moved, "it has no such sheet", nil
	}
	moved.Sheet = c.pairs[pair].name
	r := x.Rewriter(namesOf(c.base.Workbook()))
	gone := func(sheet string) func(at cell.Ref) bool {
		return func(at cell.Ref) bool {
			_, _, ok := r.Locate(sheet, at)
			return !ok
		}
	}
	switch rows, deletes, lines := x.Lines(); {
	case lines:
		if rows {
			if moved.At, ok, err = c.rowsOf(pair, x.At, x.Count, deletes); err != nil || !ok {
				return moved, "its rows are not those any more", err
			}
		}
		if deletes {
			was, is := cell.WholeSheet, cell.WholeSheet
			if rows {
				was.First.Row, was.Last.Row, is.First.Row, is.Last.Row = x.At, x.At+x.Count-1, moved.At, moved.At+x.Count-1
			} else {
				was.First.Col, was.Last.Col = x.At, x.At+x.Count-1
				is = was
			}
			return c.asItWas(moved, pair, was, is, gone(x.Sheet))
		}
	case x.Kind == structure.MoveCells:
		target := pair
		if x.ToSheet != "" {
			if target, ok = c.pairOf(x.ToSheet); !ok {
				return moved, "it has no such sheet", nil
			}
			moved.ToSheet = c.pairs[target].name
		}
		if up := x.Range.First.Row - x.To.Row; x.Shift && up != 0 {
			// What is inserted needs the row before which it is, what is deleted all of its rows; below them all go along.
			at, count, deletes := x.To.Row, up, up > 0
			if !deletes {
				at, count = x.Range.First.Row, -up
			}
			row, ok, err := c.rowsOf(pair, at, count, deletes)
			if err != nil || !ok {
				return moved, "its rows are not those any more", err
			}
			cells := cell.Range{First: cell.Ref{Row: row, Col: x.Range.First.Col}, Last: cell.Ref{Row: row + count - 1, Col: x.Range.Last.Col}}
			if moved, ok = structure.Shifted(moved.Sheet, cells, true, deletes); !ok {
				return moved, "its rows are not those any more", nil
			}
			return c.asItWas(moved, pair, x.Destination(), moved.Destination(), gone(x.Sheet))
		}
		first, ok1, err1 := c.rowsOf(pair, x.Range.First.Row, x.Range.Rows(), true)
		to, ok2, err2 := c.rowsOf(target, x.To.Row, x.Range.Rows(), true)
		if err1 != nil || err2 != nil || !ok1 || !ok2 {
			return moved, "its rows are not those any more", firstOf(err1, err2)
		}
		moved.Range.First.Row, moved.Range.Last.Row, moved.To.Row = first, first+x.Range.Rows()-1, to
		return c.asItWas(moved, target, x.Destination(), moved.Destination(), gone(x.Target()))
	case x.Kind == structure.DeleteSheet:
		return c.asItWas(moved, pair, cell.WholeSheet, cell.WholeSheet, gone(x.Sheet))
	case x.Kind == structure.MoveSheet:
		moved.Position = min(x.Position, len(c.cur.Workbook().Sheets)-1)
	}
	return moved, "", nil
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// pairOf finds the pair of a sheet of base.
func (c *comparison) pairOf(name string) (int, bool) {
	i, ok := c.base.SheetIndex(name)
	if !ok {
		return 0, false
	}
	pair, ok := c.byOld[i]
	return pair, ok
}

// rowsOf gives where rows of base are in cur; all that are wanted have to be there, side by side.
func (c *comparison) rowsOf(pair, at, count int, all bool) (int, bool, error) {
	al, err := c.alignment(pair)
	if err != nil {
		return 0, false, err
	}
	row, ok := al.row(at)
	if !all {
		if !ok && at > 0 { // the row is gone; the one above it may be there
			row, ok = al.row(at - 1)
			row++
		}
		return row, ok && row < cell.MaxRows, nil
	}
	for n := 1; n < count && ok; n++ {
		var next int
		next, ok = al.row(at + n)
		ok = ok && next == row+n
	}
	return row, ok, nil
}

// asItWas gives a change that does away with cells of cur, if they hold what they held in base. gone says which of base
// it does away with.
func (c *comparison) asItWas(moved structure.Change, pair int, was, is cell.Range, gone func(at cell.Ref) bool) (structure.Change, string, error) {
	a, b, err := c.sheets(c.pairs[pair].old, c.pairs[pair].new)
	if err != nil || a == b {
		return moved, "", err
	}
	dRow := is.First.Row - was.First.Row
	held := map[cell.Ref]grid.Cell{}
	for x := range a.Cells(was) {
		if !x.Empty() && gone(x.Ref) {
			held[cell.Ref{Row: x.Ref.Row + dRow, Col: x.Ref.Col}] = x
		}
	}
	var differs []cell.Ref
	for y := range b.Cells(is) {
		if y.Empty() || !gone(cell.Ref{Row: y.Ref.Row - dRow, Col: y.Ref.Col}) {
			continue
		}
		x, ok := held[y.Ref]
		delete(held, y.Ref)
		if !ok || !y.HasFormula() && x.Value != y.Value || !c.sameFormula(stateOf(a, x, ok), stateOf(b, y, true), x.Ref, y.Ref, pair) {
			differs = append(differs, y.Ref)
		}
	}
	for at := range held {
		differs = append(differs, at)
	}
	if len(differs) == 0 {
		return moved, "", nil
	}
	return moved, fmt.Sprintf("it takes cells that were changed there, %v among them", slices.MinFunc(differs, cell.Ref.Compare)), nil
}
