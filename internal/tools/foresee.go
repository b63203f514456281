package tools

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/grid"
	"gridflow/internal/numfmt"
)

// foresee warns of what a change will come to that its caller may not know: cells that
// another one covers, headers of tables that become others, formulas that refer to sheets
// which are not there. It is told with the change and not only when it is saved.
// The error may be that there were more edits than a call may make.
func (e *editor) foresee(ctx context.Context) error {
	if err := e.room.err(); err != nil {
		return err
	}
	tables, err := e.snap.Tables(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return err
		}
		tables = nil // where they cannot be read nobody can keep them right
	}
	e.headed = nil
	for _, index := range slices.Sorted(maps.Keys(e.bySheet)) {
		set := e.bySheet[index]
		sheet, err := e.snap.Sheet(ctx, index)
		if err != nil {
			return err
		}
		f := foreseen{editor: e, index: index, sheet: sheet, edits: set}
		f.covered()
		f.pivots()
		for i := range tables {
			if tables[i].Sheet == index {
				if err := f.table(&tables[i]); err != nil {
					return err
				}
				if err := f.charts(ctx, &tables[i]); err != nil {
					return err
				}
			}
		}
		f.unknownSheets()
	}
	return nil
}

// charts warns of charts that show headers which become others.
func (f *foreseen) charts(ctx context.Context, t *grid.Table) error {
	if t.HeaderRows == 0 {
		return nil
	}
	var charts []grid.Object // once a header becomes another
	for i := range t.Columns {
		at := cell.Ref{Row: t.Range.First.Row + t.HeaderRows - 1, Col: t.Range.First.Col + i}
		k, ok := f.edits.find(at)
		if !ok || f.edits.Cells[k].Keep || f.edits.Cells[k].Value.Text() == t.Columns[i].Name {
			continue
		}
		if charts == nil {
			list, err := chartsOf(ctx, f.snap)
			if err != nil {
				return err
			}
			if len(list) == 0 {
				return nil
			}
			charts = list
		}
		for _, chart := range namedBy(ctx, f.snap, charts, f.index, at) {
			f.warn(chartNameText, chart, at)
		}
	}
	return nil
}

// foreseen is what is edited of one sheet.
type foreseen struct {
	*editor
	edits *sheetEdits
	index int
	sheet *grid.Sheet
}

// covered warns of cells that get a content which nobody sees.
func (f *foreseen) covered() {
	hidden, example := 0, ""
	for _, m := range f.sheet.Layout.Merges {
		f.each(m, func(c *book.CellEdit) {
			if c.Ref == m.First || c.Keep || c.Clear || !c.HasFormula && c.Value.IsBlank() {
				return
			}
			if hidden++; example == "" {
				example = fmt.Sprintf("%v lies under the merged cells %v, which show %v only", c.Ref, m, m.First)
			}
		})
	}
	if hidden > 0 {
		more := ""
		if hidden > 1 {
			more = fmt.Sprintf(" (and %d more)", hidden-1)
		}
		f.warn("WARN_MERGED: %s%s", example, more)
	}
}

// pivots warns of cells that pivot tables write.
func (f *foreseen) pivots() {
	for _, p := range f.sheet.Layout.Pivots {
		n, first := 0, cell.Ref{}
		f.each(p, func(c *book.CellEdit) {
			if c.Keep {
				return
			}
			if n++; n == 1 {
				first = c.Ref
			}
		})
		if n > 0 {
			f.warn("WARN_PIVOT_PART: %s in the pivot table %v, which writes over them when a spreadsheet program refreshes it: the first is %v", counted(n, "cell is", "cells are"), p, first)
		}
	}
}

// each calls fn for the edited cells of a range, at a cost that goes by the smaller of both.
func (f *foreseen) each(r cell.Range, fn func(*book.CellEdit)) {
	if r.Cells() > int64(len(f.edits.Cells)) {
		for i := range f.edits.Cells {
			if r.Contains(f.edits.Cells[i].Ref) {
				fn(&f.edits.Cells[i])
			}
		}
		return
	}
	for row := r.First.Row; row <= r.Last.Row; row++ {
		for col := r.First.Col; col <= r.Last.Col; col++ {
			if i, ok := f.edits.find(cell.Ref{Row: row, Col: col}); ok {
				fn(&f.edits.Cells[i])
			}
		}
	}
}

// table keeps a table one with the cells of its header and totals rows, as Excel does where somebody types into one.
func (f *foreseen) table(t *grid.Table) error {
	if len(t.Columns) != t.Range.Cols() {
		return nil
	}
	form := f.snap.TableForm(t)
	was := slices.Clone(form.Columns)
	f.totals(t, &form)
	if err := f.headers(t, &form); err != nil {
		return err
	}
	if t.Bound == "" && !slices.Equal(form.Columns, was) {
		f.headed = append(f.headed, book.TableChange{Of: t.Name, To: &form})
		f.pinned = true
	}
	return nil
}

// totals makes the totals of a table what the cells of their row get: a text is a label, a formula a function.
func (f *foreseen) totals(t *grid.Table, form *book.TableForm) {
	if t.TotalsRows == 0 {
		return
	}
	row := cell.Range{First: cell.Ref{Row: t.Range.Last.Row, Col: t.Range.First.Col}, Last: t.Range.Last}
	f.each(row, func(c *book.CellEdit) {
		if c.Keep {
			return
		}
		column := &form.Columns[c.Ref.Col-row.First.Col]
		column.TotalsLabel, column.TotalsFunction, column.TotalsFormula = "", "", ""
		switch {
		case c.Clear:
		case c.HasFormula:
			column.TotalsFunction, column.TotalsFormula = totalsOf(t.Name, column.Name, c.Formula)
		case c.Value.Kind() == cell.Text:
			column.TotalsLabel = c.Value.Text()
		}
	})
}

// totalsOf gives the function that a formula in a column's cell of the totals row is: one of those that tables know by name, or its own.
func totalsOf(table, column, text string) (function, own string) {
	for name, n := range book.TotalsFunctions {
		if n > 0 && strings.EqualFold(text, totalsFormula(n, table, column)) {
			return name, ""
		}
	}
	return "custom", text
}

// headers keeps the headers of a table what they must be: what a cell of the header row gets is a text, and a text of its own. A
// formula is refused, for its result is not known yet.
func (f *foreseen) headers(t *grid.Table, form *book.TableForm) error {
	if t.HeaderRows == 0 {
		return nil
	}
	row := cell.Range{First: t.Range.First, Last: cell.Ref{Row: t.Range.First.Row, Col: t.Range.Last.Col}}
	var edited []*book.CellEdit // by column
	f.each(row, func(c *book.CellEdit) {
		if !c.Keep {
			if edited == nil {
				edited = make([]*book.CellEdit, len(t.Columns))
			}
			edited[c.Ref.Col-row.First.Col] = c
		}
	})
	if edited == nil {
		return nil
	}
	was := make([]string, len(t.Columns)) // as the fork has it by now
	taken := map[string]bool{}
	for col := range t.Columns {
		was[col] = t.Columns[col].Name
		if c, ok := f.sheet.At(cell.Ref{Row: row.First.Row, Col: row.First.Col + col}); ok && c.Value.Kind() == cell.Text && c.Value.Text() != "" {
			was[col] = c.Value.Text()
		}
		if edited[col] == nil {
			taken[book.FoldName(was[col])] = true
		}
	}
	var renamed []int
	names := slices.Clone(was)
	for col, c := range edited {
		if c == nil {
			continue
		}
		if c.HasFormula {
			return fail("TABLE_HEADER", "Give it a text, or leave it out", "%v is the header of column %q of table %q, and a header cannot be a formula", c.Ref, clip(was[col], 64), clip(t.Name, 64))
		}
		words := ""
		if !c.Clear {
			words = f.shown(c)
		}
		is := columnName(words, col, taken)
		if c.Value.Kind() != cell.Text || c.Clear || is != words {
			f.warn("%s", headerText(c.Ref, words, is))
			c.Clear, c.Value = false, cell.TextValue(is)
			f.pinned = true
		}
		if names[col] = is; is != was[col] {
			renamed = append(renamed, col)
		}
	}
	follow := ", and formulas that name it follow"
	if t.Bound != "" {
		follow = ": formulas that name it must be changed as well"
	}
	for _, col := range renamed {
		f.warn("TABLE_COLUMN: column %q of table %q is called %q now%s", clip(was[col], 64), clip(t.Name, 64), clip(names[col], 64), follow)
	}
	if len(renamed) > 0 {
		for col := range names {
			form.Columns[col].Name = names[col]
		}
	}
	return nil
}

// shown is how the value of an edit will look in its cell.
func (f *foreseen) shown(c *book.CellEdit) string {
	if c.Value.Kind() == cell.Text {
		return c.Value.Text()
	}
	words := valuesOf(f.snap)
	if c.NumFmt != "" {
		return string(numfmt.Compile(c.NumFmt).Append(nil, c.Value, words.dates))
	}
	return string(words.styles.Format(f.sheet.StyleAt(c.Ref)).Append(nil, c.Value, words.dates))
}

// unknownSheets warns of formulas that refer to a sheet which is not there: they are #REF! as
// soon as they are calculated.
func (f *foreseen) unknownSheets() {
	sheets := f.snap.Workbook().Sheets
	for i := range f.edits.Cells {
		c := &f.edits.Cells[i]
		if !c.HasFormula || !strings.Contains(c.Formula, "!") {
			continue
		}
		t, err := formula.Parse(c.Formula)
		if err != nil {
			continue
		}
		for ref := range formula.References(t.Root) {
			for _, name := range []string{ref.Sheet(), ref.LastSheet()} {
				if name == "" || ref.Book() != "" {
					continue
				}
				if _, ok := f.snap.SheetIndex(name); ok {
					continue
				}
				names := make([]string, len(sheets))
				for k := range sheets {
					names[k] = sheets[k].Name
				}
				f.warn("WARN_NO_SHEET: the formula of %v refers to a sheet %q, which is not there. %s", c.Ref, clip(name, 64), suggest("sheets", name, names))
			}
		}
	}
}
