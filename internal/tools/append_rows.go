package tools

import (
	"context"
	"strings"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

type appendRowsIn struct {
	ForkArg
	Sheet    string `json:"sheet_name" required:"true"`
	Rows     Matrix `json:"rows" required:"true" min:"1" max:"100000" doc:"Arrays of JSON values from the first column of the data on; null leaves a cell empty, a text that begins with = is a formula"`
	StartCol string `json:"start_column" doc:"The first column of the data unless given"`
	Table    string `json:"table_name" doc:"Append to this table, which grows; the only one of the sheet, or the one that the data end with, grows by itself"`
	Guess    bool   `json:"parse_text" default:"false" doc:"Turn texts that look like numbers, dates or TRUE/FALSE into these"`
	EditMode
	Guard
}

var appendRows = define(Spec{
	Name: "append_rows", Title: "Append rows", Toolset: "edit", Core: true, Writes: true, Reach: ReachSheet,
	Description: "Writes rows below the last row of a sheet's data in a fork. Cells take the number formats of the row above, so that dates and amounts look alike. A table that the rows stand below grows over them (its totals, and what is below, make room), and its calculated columns go on, as do rules (conditional formats, validations) that hold down to the last row.",
	Example:     `{"fork_id":"fork-abcdefgh2345","sheet_name":"Sheet1","rows":[["2026-11-26","Rent",1200],["2026-11-27","Power",88.4]]}`,
}, func(ctx context.Context, env *Env, in appendRowsIn) (*editBatchOut, error) {
	return env.change(ctx, in.Fork, "append_rows", in.EditMode, in.Guard, func(snap *book.Snapshot) (*editor, error) {
		index, err := sheetNamed(snap, in.Sheet)
		if err != nil {
			return nil, err
		}
		sheet, err := snap.Sheet(ctx, index)
		if err != nil {
			return nil, err
		}
		last, first := lastFilled(sheet)
		start := -1
		if in.StartCol != "" {
			col, ok := cell.ParseColumn(in.StartCol)
			if !ok {
				return nil, invalid("Write a column such as B", "%q is no column", clip(in.StartCol, 20))
			}
			start = col
		}
		table, err := tableToGrow(ctx, snap, index, in.Table, last, start)
		if err != nil {
			return nil, err
		}
		var room []book.Op
		if table != nil {
			last, first = table.Range.Last.Row-table.TotalsRows, table.Range.First.Col
			if table.TotalsRows > 0 {
				if snap, room, err = aboveTotals(ctx, snap, table, len(in.Rows)); err != nil {
					return nil, err
				}
				if sheet, err = snap.Sheet(ctx, index); err != nil {
					return nil, err
				}
			}
		}
		if start >= 0 {
			first = start
		}
		e := newEditor(snap, index, in.Guess, "fail")
		e.typed, e.pinned, e.before = true, true, room
		for i, row := range in.Rows {
			for k, v := range row {
				ref := cell.Ref{Row: last + 1 + i, Col: first + k}
				if !ref.Valid() {
					return nil, fail(codeRangeInvalid, "", "row %d of the rows does not fit the sheet: it would reach %d, column %d", i+1, ref.Row+1, ref.Col+1)
				}
				if v.Kind == NullScalar {
					continue
				}
				c := book.CellEdit{Ref: ref}
				e.like(&c, v, sheet, lastOf(sheet, last, ref.Col))
				if c.HasFormula {
					c.Formula = strings.TrimPrefix(c.Formula, "=")
					if ok, err := e.parses(index, c); !ok {
						return nil, inEntry(err, i)
					}
				}
				e.set(index, c)
			}
		}
		if len(e.sheets) == 0 {
			return nil, invalid("", "the rows have no values")
		}
		to := last + len(in.Rows)
		if table == nil {
			e.belowTotals(ctx, index, last)
		} else if err := e.growTable(index, sheet, table, to); err != nil {
			return nil, err
		}
		if l := sheet.Layout; last >= 0 && len(l.Conditional)+len(l.Validations) > 0 {
			var data cell.Range
			if table != nil {
				data = table.Range
				data.Last.Row = last
			} else {
				end := cell.Ref{Row: last, Col: first} // above the last cell that is written
				for _, c := range e.bySheet[index].Cells {
					end.Col = max(end.Col, c.Ref.Col)
				}
				data = dataAbove(sheet, cell.Ref{Row: last, Col: first}, end)
			}
			e.growRules(index, sheet, data, to)
		}
		return e, nil
	})
})

// dataRows is how many of the last rows are looked at for what the data are like.
const dataRows = 50

// lastOf gives the last cell of a column that is filled, looking up from a row, or that of
// the row where there is none near.
func lastOf(s *grid.Sheet, row, col int) cell.Ref {
	for r := row; r >= max(0, row-dataRows); r-- {
		if c, ok := s.At(cell.Ref{Row: r, Col: col}); ok && !c.Empty() {
			return c.Ref
		}
	}
	return cell.Ref{Row: row, Col: col}
}

// lastFilled gives the last row with a value or formula, -1 where there is none, and the
// column where the data above it begin: the first one that any of the last rows fills, for
// the very last may be a total, or a note that stands by itself.
func lastFilled(s *grid.Sheet) (row, col int) {
	row, col = -1, 0
	used, ok := s.Used()
	if !ok {
		return row, col
	}
	for seen, r := 0, used.Last.Row; r >= used.First.Row && seen < dataRows; r-- {
		for c := range s.Cells(cell.Range{First: cell.Ref{Row: r}, Last: cell.Ref{Row: r, Col: cell.MaxCols - 1}}) {
			if c.Empty() {
				continue
			}
			if row < 0 {
				row, col = r, c.Ref.Col
			}
			col = min(col, c.Ref.Col)
			seen++
			break
		}
	}
	return row, col
}

// formatOf gives c the number format of a cell, if that has one.
func (e *editor) formatOf(c *book.CellEdit, of grid.Cell) {
	if xfs := e.snap.Workbook().Styles.Xfs; int(of.Style) < len(xfs) {
		if code := xfs[of.Style].NumFmt; code != "" && code != "General" {
			c.NumFmt = code
		}
	}
}

// like sets c to v with the number format of the cell above, if that has one. Below a date
// a text that is written as a date is one.
func (e *editor) like(c *book.CellEdit, v Scalar, sheet *grid.Sheet, above cell.Ref) {
	if at, ok := sheet.At(above); ok {
		e.formatOf(c, at)
		if v.Kind == TextScalar && valuesOf(e.snap).isDate(at) && e.date(c, v.Text) == nil {
			return
		}
	}
	e.scalar(c, v, false)
}
