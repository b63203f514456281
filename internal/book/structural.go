package book

import (
	"strings"

	"gridflow/internal/cell"
	"gridflow/internal/structure"
)

// structural tells of structural changes as changes of the workbook: rows and columns that were inserted, and cells that
// were moved, where they are after all of them, what was deleted where it was. Sheets have the names that they have in the end.
func structural(moves []structure.Change) (list []Change) {
	for i, c := range moves {
		change := Change{Sheet: nameAfter(moves[i+1:], c.Sheet)}
		switch c.Kind {
		case structure.InsertRows, structure.DeleteRows:
			change.Kind, change.Range = RowsInserted, rowRange(c.At, c.Count)
			if c.Kind == structure.DeleteRows {
				change.Kind = RowsDeleted
			}
		case structure.InsertColumns, structure.DeleteColumns:
			change.Kind = ColumnsInserted
			change.Range = cell.Range{First: cell.Ref{Col: c.At}, Last: cell.Ref{Row: cell.MaxRows - 1, Col: c.At + c.Count - 1}}
			if c.Kind == structure.DeleteColumns {
				change.Kind = ColumnsDeleted
			}
		case structure.MoveCells:
			change.Kind, change.OldRange, change.Range = CellsMoved, c.Range, c.Destination()
			change.Sheet = nameAfter(moves[i+1:], c.Target())
			if !strings.EqualFold(c.Sheet, c.Target()) {
				change.OldName = c.Sheet
			}
		case structure.AddSheet:
			change.Kind = SheetAdded
		case structure.DeleteSheet:
			change.Kind, change.Sheet = SheetDeleted, c.Sheet
		case structure.RenameSheet:
			change.Kind, change.OldName, change.Sheet = SheetRenamed, c.Sheet, nameAfter(moves[i+1:], c.Name)
		case structure.MoveSheet:
			change.Kind = SheetMoved
		}
		if change.Kind == RowsInserted || change.Kind == ColumnsInserted || change.Kind == CellsMoved {
			name := c.Target()
			for _, later := range moves[i+1:] {
				r := later.Rewriter(nil)
				if to, ok := r.Range(name, change.Range); ok {
					change.Range = to
				}
				if to, ok := r.Sheet(name); ok {
					name = to
				}
			}
		}
		list = append(list, change)
	}
	return list
}

// nameAfter gives the name that a sheet has after some changes more.
func nameAfter(moves []structure.Change, name string) string {
	for _, c := range moves {
		if c.Kind == structure.RenameSheet && strings.EqualFold(c.Sheet, name) {
			name = c.Name
		}
	}
	return name
}

// before gives where a cell was before some changes; that it is where it is, of one that is new. Sheet is its name after them.
func before(moves []structure.Change, sheet string, at cell.Ref) cell.Ref {
	for i := len(moves) - 1; i >= 0; i-- {
		c := moves[i]
		if c.Kind == structure.RenameSheet && strings.EqualFold(c.Name, sheet) {
			sheet = c.Sheet
			continue
		}
		if c.Kind == structure.MoveCells && strings.EqualFold(c.Target(), sheet) && c.Destination().Contains(at) {
			sheet = c.Sheet
			at.Row += c.Range.First.Row - c.To.Row
			at.Col += c.Range.First.Col - c.To.Col
			continue
		}
		rows, deletes, ok := c.Lines()
		if !ok || !strings.EqualFold(c.Sheet, sheet) {
			continue
		}
		n := &at.Col
		if rows {
			n = &at.Row
		}
		switch {
		case *n < c.At:
		case deletes:
			*n += c.Count
		default:
			*n = max(*n-c.Count, c.At)
		}
	}
	return at
}
