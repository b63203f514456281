package calc

import (
	"gridflow/internal/calc/eval"
	"gridflow/internal/calc/fn"
	"gridflow/internal/calc/graph"
	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/grid"
	"gridflow/internal/numfmt"
)

// The answers of a worker to what formulas ask of the workbook.

// Value gives the value of a cell, calculated if it has to be.
func (w *worker) Value(sheet int, at cell.Ref) cell.Value {
	if sheet < 0 || sheet >= len(w.c.sheets) {
		return cell.ErrorValue(cell.ErrRef)
	}
	t := w.c.sheets[sheet].tile(at.Col, at.Row/grid.BandRows)
	if t == nil {
		return cell.Value{}
	}
	i := at.Row % grid.BandRows
	if w.trace != nil {
		w.note(place{sheet, at}, t, i)
	}
	if !t.isClean(i) {
		w.need(place{sheet, at}, t, i)
	}
	return t.at(i)
}

// Runs gives the cells of an area, calculated, column by column.
func (w *worker) Runs(a fn.Area, f func(*fn.Run) bool) {
	if a.Sheet < 0 || a.Sheet >= len(w.c.sheets) {
		return
	}
	s := w.c.sheets[a.Sheet]
	if s.empty {
		return
	}
	r, ok := a.Range.Intersect(s.used)
	if !ok {
		return
	}
	for col := r.First.Col; col <= r.Last.Col; col++ {
		for band := r.First.Row / grid.BandRows; band <= r.Last.Row/grid.BandRows; band++ {
			if w.c.stopped() {
				return
			}
			t := s.tile(col, band)
			if t == nil || t == nothing {
				continue
			}
			top := band * grid.BandRows
			lo, hi := max(r.First.Row-top, 0), min(r.Last.Row-top+1, grid.BandRows)
			if w.trace != nil {
				for i := lo; i < hi; i++ {
					w.note(place{a.Sheet, cell.Ref{Row: top + i, Col: col}}, t, i)
				}
			}
			if t.todo != nil && t.todo.left.Load() > 0 {
				for i := lo; i < hi; i++ {
					if t.todo.state[i] != clean {
						w.need(place{a.Sheet, cell.Ref{Row: top + i, Col: col}}, t, i)
						if w.put != nil {
							return
						}
					}
				}
			}
			run := fn.Run{Row: top + lo, Col: col, Kinds: t.kinds[lo:hi], Nums: t.nums[lo:hi]}
			if texts := t.texts.Load(); texts != nil {
				run.Texts = texts[lo:hi]
			}
			if !f(&run) {
				return
			}
		}
	}
}

// Used is the range of the cells that are there.
func (w *worker) Used(sheet int) (cell.Range, bool) {
	s := w.c.sheets[sheet]
	return s.used, !s.empty
}

// Sheets is the number of sheets.
func (w *worker) Sheets() int { return len(w.c.sheets) }

// SheetName gives the name of a sheet.
func (w *worker) SheetName(i int) string {
	if i < 0 || i >= len(w.c.in.Book.Sheets) {
		return ""
	}
	return w.c.in.Book.Sheets[i].Name
}

// SheetIndex finds a sheet by its name.
func (w *worker) SheetIndex(name string) (int, bool) { return w.c.m.words.SheetIndex(name) }

// Name gives a defined name.
func (w *worker) Name(sheet int, name string) (*formula.Tree, int, bool) {
	return w.c.m.words.Name(sheet, name)
}

// Table gives a table.
func (w *worker) Table(name string, sheet int, at cell.Ref) (*grid.Table, bool) {
	return w.c.m.words.Table(name, sheet, at)
}

// Formula gives the formula of a cell as Excel shows it.
func (w *worker) Formula(sheet int, at cell.Ref) (string, bool) {
	s := w.c.in.Sheets[sheet]
	if s == nil {
		return "", false
	}
	c, ok := s.At(at)
	if !ok || !c.HasFormula() {
		return "", false
	}
	f := s.Formula(c)
	text := f.Text
	switch f.Kind {
	case grid.DataTable:
		return "", false
	case grid.SharedFormula:
		var err error
		if text, err = formula.ShiftText(f.Text, f.Anchor, at); err != nil {
			return "", false
		}
	}
	text = formula.Display(text)
	if f.Kind == grid.ArrayFormula {
		return "{=" + text + "}", true
	}
	return "=" + text, true
}

// Format gives the number format of a cell.
func (w *worker) Format(sheet int, at cell.Ref) *numfmt.Format {
	s := w.c.in.Sheets[sheet]
	if s == nil || w.c.in.Book.Styles == nil {
		return nil
	}
	return w.c.in.Book.Styles.Format(s.StyleAt(at))
}

// RowHidden reports whether a row is hidden, and whether a filter did it. Excel does not know which hid
// a row: where a filter has a criterion, all hidden rows of its range count as hidden by it, also those
// that were hidden by hand; where it has none, no row does.
func (w *worker) RowHidden(sheet, row int) (hidden, byFilter bool) {
	s := w.c.in.Sheets[sheet]
	if s == nil {
		return false, false
	}
	if r, ok := s.Layout.Row(row); !ok || !r.Hidden {
		return false, false
	}
	if f := s.Layout.AutoFilter; f != nil && s.Layout.Filtering && row > f.First.Row && row <= f.Last.Row {
		return true, true
	}
	for i := range w.c.in.Tables {
		if t := &w.c.in.Tables[i]; t.Sheet == sheet && t.Filtering && row > t.Range.First.Row && row <= t.Range.Last.Row {
			return true, true
		}
	}
	return true, false
}

// Subtotal reports whether a formula calls SUBTOTAL or AGGREGATE.
func (w *worker) Subtotal(sheet int, at cell.Ref) bool {
	s, ok := w.c.span(place{sheet, at})
	return ok && programOf(s).Subtotal
}

// Resolve reads the text of a reference.
func (w *worker) Resolve(c *fn.Context, text string, a1 bool) (*fn.Ref, cell.ErrorCode) {
	return eval.Resolve(w, c, text, a1)
}

// FileName is the name of the file.
func (w *worker) FileName() string { return w.c.in.File }

// Spill gives the range that the array in a cell fills.
func (w *worker) Spill(sheet int, at cell.Ref) (cell.Range, bool) {
	return w.c.spill(place{sheet, at})
}

// span gives the formula behind a cell that has one of its own.
func (c *calculation) span(p place) (graph.Span, bool) {
	s, ok := c.m.graph.SpanAt(p.sheet, p.at)
	return s, ok && s.Area.Contains(p.at)
}

// External gives the values of cells of another workbook.
func (w *worker) External(book, sheet string, r cell.Range) fn.Value {
	if w.c.in.External == nil {
		return fn.Err(cell.ErrRef)
	}
	return w.c.in.External(book, sheet, r)
}
