package plain

import (
	"strings"

	"gridflow/internal/calc/eval"
	"gridflow/internal/calc/fn"
	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/grid"
	"gridflow/internal/numfmt"
)

// Runs gives the cells of an area as runs of one cell each.
func (b *Book) Runs(a fn.Area, f func(*fn.Run) bool) {
	if a.Sheet < 0 || a.Sheet >= len(b.sheets) {
		return
	}
	used, ok := b.Used(a.Sheet)
	if !ok {
		return
	}
	r, ok := a.Range.Intersect(used)
	if !ok {
		return
	}
	for col := r.First.Col; col <= r.Last.Col; col++ {
		run := &fn.Run{Row: r.First.Row, Col: col}
		for row := r.First.Row; row <= r.Last.Row; row++ {
			v := b.Value(a.Sheet, cell.Ref{Row: row, Col: col})
			run.Kinds = append(run.Kinds, v.Kind())
			run.Nums = append(run.Nums, v.Payload())
			run.Texts = append(run.Texts, v.Text())
		}
		if !f(run) {
			return
		}
	}
}

// Used is the range of the cells that are there.
func (b *Book) Used(sheet int) (r cell.Range, ok bool) {
	b.settle()
	s := b.sheets[sheet]
	if s.known || len(s.cells) == 0 {
		return s.used, len(s.cells) > 0
	}
	for at := range s.cells {
		if one := (cell.Range{First: at, Last: at}); ok {
			r = r.Union(one)
		} else {
			r, ok = one, true
		}
	}
	s.used, s.known = r, true
	return r, ok
}

// Sheets is the number of sheets.
func (b *Book) Sheets() int { return len(b.sheets) }

// SheetName gives the name of a sheet.
func (b *Book) SheetName(i int) string { return b.sheets[i].name }

// SheetIndex finds a sheet by its name.
func (b *Book) SheetIndex(name string) (int, bool) {
	for i, s := range b.sheets {
		if strings.EqualFold(s.name, name) {
			return i, true
		}
	}
	return 0, false
}

// Formula gives the formula of a cell.
func (b *Book) Formula(sheet int, at cell.Ref) (string, bool) {
	e := b.sheets[sheet].cells[at]
	if e == nil || e.prog == nil {
		return "", false
	}
	return formula.Display(e.text), true
}

// Format gives the number format of a cell.
func (b *Book) Format(sheet int, at cell.Ref) *numfmt.Format { return b.Formats[Place{sheet, at}] }

// RowHidden says no: nothing is hidden here.
func (b *Book) RowHidden(int, int) (hidden, byFilter bool) { return false, false }

// Subtotal reports whether a formula calls SUBTOTAL or AGGREGATE.
func (b *Book) Subtotal(sheet int, at cell.Ref) bool {
	e := b.sheets[sheet].cells[at]
	return e != nil && e.prog != nil && e.prog.Subtotal
}

// Resolve reads the text of a reference.
func (b *Book) Resolve(c *fn.Context, text string, a1 bool) (*fn.Ref, cell.ErrorCode) {
	return eval.Resolve(b, c, text, a1)
}

// FileName is what File says.
func (b *Book) FileName() string { return b.File }

// Spill gives the range that an array fills.
func (b *Book) Spill(sheet int, at cell.Ref) (cell.Range, bool) {
	e := b.sheets[sheet].cells[at]
	if e == nil || !e.array {
		return cell.Range{}, false
	}
	b.Value(sheet, at)
	if e.extents == (cell.Range{}) { // a single value
		return cell.Range{First: at, Last: at}, true
	}
	return e.extents, true
}

// Name gives a defined name.
func (b *Book) Name(_ int, name string) (*formula.Tree, int, bool) {
	text, ok := b.Names[strings.ToUpper(name)]
	if !ok {
		return nil, -1, false
	}
	tree, err := formula.Parse(text)
	return tree, -1, err == nil
}

// Table gives a table by name, or the one around a cell.
func (b *Book) Table(name string, sheet int, at cell.Ref) (*grid.Table, bool) {
	for i := range b.Listed {
		t := &b.Listed[i]
		if name != "" && strings.EqualFold(t.Name, name) || name == "" && t.Sheet == sheet && t.Range.Contains(at) {
			return t, true
		}
	}
	return nil, false
}

// External gives no value: there are no other workbooks here.
func (b *Book) External(string, string, cell.Range) fn.Value { return fn.Err(cell.ErrRef) }
