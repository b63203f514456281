package tools

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/grid"
)

// tableToGrow gives the table that rows are appended to: the one that is named; or the one
// that the data of a sheet end with, whose last filled row is last; or the only one that the
// sheet has, if nothing stands below it. It is nil where there is none, or where the rows are
// to begin outside of it; start is -1 where they may begin anywhere.
func tableToGrow(ctx context.Context, snap *book.Snapshot, sheet int, name string, last, start int) (*grid.Table, error) {
	tables, err := snap.Tables(ctx)
	if err != nil {
		if name == "" && ctx.Err() == nil {
			return nil, nil // the rows can be written all the same
		}
		return nil, err
	}
	cells, err := snap.Sheet(ctx, sheet)
	if err != nil {
		return nil, err
	}
	var names []string
	var only *grid.Table
	for i := range tables {
		t := &tables[i]
		if t.Sheet != sheet {
			continue
		}
		if names = append(names, t.Name); name != "" && strings.EqualFold(t.Name, strings.TrimSpace(name)) {
			return t, nil
		}
		only = t
		if name == "" && t.Range.Last.Row == last && growsAt(cells, t, start) {
			return t, nil
		}
	}
	if name == "" && len(names) == 1 && growsAt(cells, only, start) {
		return only, nil
	}
	if name != "" {
		return nil, fail(codeTableNotFound, suggest("tables of the sheet", name, names), "the sheet has no table %q", clip(name, 64))
	}
	return nil, nil
}

// growsAt tells whether rows that begin at column start can make a table longer.
func growsAt(sheet *grid.Sheet, t *grid.Table, start int) bool {
	if start >= 0 && (start < t.Range.First.Col || start > t.Range.Last.Col) {
		return false
	}
	below := cell.Range{First: cell.Ref{Row: t.Range.Last.Row + 1, Col: t.Range.First.Col}, Last: cell.Ref{Row: cell.MaxRows - 1, Col: t.Range.Last.Col}}
	for c := range sheet.Cells(below) {
		if !c.Empty() {
			return false
		}
	}
	return true
}

// belowTotals warns where rows are written below the totals of a table.
func (e *editor) belowTotals(ctx context.Context, sheet, last int) {
	tables, err := e.snap.Tables(ctx)
	for i := range tables {
		if t := &tables[i]; err == nil && t.Sheet == sheet && t.TotalsRows > 0 && t.Range.Last.Row == last {
			e.warn("WARN_BELOW_TABLE: table %q ends with totals: the rows stand below them and are no part of it. With its table_name they come above them", clip(t.Name, 64))
		}
	}
}

// growTable lets a table grow over the rows that were appended to it, down to row last. In
// calculated columns that the rows say nothing of, the formula of the last row goes on, or the column's own.
func (e *editor) growTable(index int, sheet *grid.Sheet, t *grid.Table, last int) error {
	from := t.Range.Last.Row - t.TotalsRows
	below := cell.Range{First: cell.Ref{Row: from + 1, Col: t.Range.First.Col}, Last: cell.Ref{Row: last, Col: t.Range.Last.Col}}
	for c := range sheet.Cells(below) {
		if !c.Empty() {
			return fail(codeRangeInvalid, "Append fewer rows, or move what is below", "table %q cannot grow to row %d: %v is filled", clip(t.Name, 64), last+1, c.Ref)
		}
	}
	for _, c := range e.bySheet[index].Cells {
		if c.Ref.Col < t.Range.First.Col || c.Ref.Col > t.Range.Last.Col {
			e.warn("WARN_BESIDE_TABLE: %v stands beside table %q, which has the columns %s to %s, and is no part of it", c.Ref, clip(t.Name, 64), cell.ColumnName(t.Range.First.Col), cell.ColumnName(t.Range.Last.Col))
			break
		}
	}
	for above, c := range continued(sheet, t, from, below.First.Row, last) {
		if _, given := e.bySheet[index].find(c.Ref); !given {
			e.formatOf(&c, above)
			e.set(index, c)
		}
	}
	if t.TotalsRows == 0 {
		e.grown = append(e.grown, book.GrowTable{Table: t.Name, LastRow: last})
	}
	is := cell.RangeOf(t.Range.First, cell.Ref{Row: last + t.TotalsRows, Col: t.Range.Last.Col})
	e.grownTexts = append(e.grownTexts, t.Name+" is "+is.String())
	return nil
}

// aboveTotals makes room for rows between the data of a table and its totals: these and what is below the table go down. It gives what
// there is then, and the operations that make it.
func aboveTotals(ctx context.Context, snap *book.Snapshot, t *grid.Table, rows int) (*book.Snapshot, []book.Op, error) {
	in := cell.Range{First: cell.Ref{Row: t.Range.Last.Row, Col: t.Range.First.Col}, Last: cell.Ref{Row: t.Range.Last.Row + rows - 1, Col: t.Range.Last.Col}}
	s := structureRun{batch: &batch{ctx: ctx, snap: snap, counts: map[string]int{}}}
	if err := s.insertCells(t.Sheet, in, true); err != nil {
		var e *Error
		if errors.As(err, &e) {
			err = fail(e.Code, fmt.Sprintf("Insert rows of the whole sheet with structure_batch insert_rows at_row %d, and fill them with edit_batch", in.First.Row+1), "there is no room above the totals of table %q: %s", clip(t.Name, 64), e.Message)
		}
		return nil, nil, err
	}
	return s.batch.snap, s.batch.ops, nil
}

// continued gives the formulas of the calculated columns of a table as they go on from one of its rows in others, first to
// last, each with the cell of that row. Where that one holds no formula it is the column's own that goes on; a column whose
// formula we cannot read has none in these rows.
func continued(sheet *grid.Sheet, t *grid.Table, from, first, last int) iter.Seq2[grid.Cell, book.CellEdit] {
	return func(yield func(grid.Cell, book.CellEdit) bool) {
		data, ok := t.DataRange()
		if !ok || len(t.Columns) != t.Range.Cols() {
			return
		}
		for i := range t.Columns {
			text, of := t.Columns[i].Formula, cell.Ref{Row: data.First.Row, Col: data.First.Col + i}
			if text == "" {
				continue
			}
			c, ok := sheet.At(cell.Ref{Row: from, Col: of.Col})
			if ok && c.HasFormula() {
				text, of = book.FormulaText(sheet, c), c.Ref
			}
			for row := first; row <= last; row++ {
				ref := cell.Ref{Row: row, Col: of.Col}
				shifted, err := formula.ShiftText(text, of, ref)
				if err != nil {
					break
				}
				if !yield(c, book.CellEdit{Ref: ref, HasFormula: true, Formula: shifted}) {
					return
				}
			}
		}
	}
}
