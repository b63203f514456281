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
)

// foresee warns of what a change will come to that its caller may not know: cells that
// another one covers, headers of tables that the saved file cannot have, formulas that refer
// to sheets which are not there. It is told with the change and not only when it is saved.
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
		for i := range tables {
			if tables[i].Sheet == index {
				f.headers(&tables[i])
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

// headers warns of the headers of a table, as a save does: each must be a text, and a text of
// its own.
func (f *foreseen) headers(t *grid.Table) {
	if t.HeaderRows == 0 || len(t.Columns) != t.Range.Cols() {
		return
	}
	row := cell.Range{First: t.Range.First, Last: cell.Ref{Row: t.Range.First.Row, Col: t.Range.Last.Col}}
	name := func(col int) string { // as the fork has it by now
		if c, ok := f.sheet.At(cell.Ref{Row: row.First.Row, Col: row.First.Col + col}); ok && c.Value.Kind() == cell.Text && c.Value.Text() != "" {
			return c.Value.Text()
		}
		return t.Columns[col].Name
	}
	renamed := map[int]string{}
	f.each(row, func(c *book.CellEdit) {
		if c.Keep {
			return
		}
		text := c.Value.Text()
		if c.Clear || c.HasFormula || c.Value.Kind() != cell.Text || text == "" {
			f.warn("TABLE_HEADER: %v is the header of column %q of table %q, and such a header must be a text: Excel will repair the saved file", c.Ref, clip(name(c.Ref.Col-row.First.Col), 64), clip(t.Name, 64))
			return
		}
		renamed[c.Ref.Col-row.First.Col] = text
	})
	if len(renamed) == 0 {
		return
	}
	form, differ := f.snap.TableForm(t), t.Bound == ""
	first := map[string]int{}
	for col := range t.Columns {
		is, ok := renamed[col]
		if !ok {
			is = name(col)
		}
		key := strings.ToLower(is)
		if other, twice := first[key]; twice {
			at := cell.Ref{Row: row.First.Row, Col: row.First.Col + other}
			f.warn("TABLE_HEADER: %v and %v give two columns of table %q the name %q, which must differ: Excel will repair the saved file", at, cell.Ref{Row: at.Row, Col: row.First.Col + col}, clip(t.Name, 64), clip(is, 64))
			differ = false
			continue
		}
		first[key] = col
		form.Columns[col].Name = is
		differ = differ && len(is) <= book.MaxColumnName
	}
	changed := slices.ContainsFunc(form.Columns, func(c book.TableFormColumn) bool { return c.Name != c.Was })
	for col := range t.Columns {
		is, ok := renamed[col]
		switch was := name(col); {
		case !ok || is == was:
		case differ:
			f.warn("TABLE_COLUMN: column %q of table %q is called %q now, and formulas that name it follow", clip(was, 64), clip(t.Name, 64), clip(is, 64))
		default:
			f.warn("TABLE_COLUMN: column %q of table %q is called %q now: formulas that name it must be changed as well", clip(was, 64), clip(t.Name, 64), clip(is, 64))
		}
	}
	if differ && changed {
		f.headed = append(f.headed, book.TableChange{Of: t.Name, To: &form})
		f.pinned = true
	}
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
