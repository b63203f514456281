package structure

import (
	"strings"

	"gridflow/internal/cell"
	"gridflow/internal/formula"
)

// Rewriter says what becomes of references by one [Change]. It may be used by any number of goroutines at
// once. Sheets are named as they were before the change, in any case.
type Rewriter struct {
	change Change
	sheets []string // before
	tables []tableFate
	rows   *lines // of a change of rows
	cols   *lines // of a change of columns
	block  *block
	after  []int // of MoveSheet: where each sheet is afterwards
}

// Rewriter gives what says what becomes of references by c in a workbook whose sheets these are, in order, before
// the change. The tables are those of the workbook; without them, references to tables stay as
// they are. C must have passed [Change.Check].
func (c Change) Rewriter(sheets []string, tables ...Table) *Rewriter {
	r := &Rewriter{change: c, sheets: sheets}
	switch rows, deletes, ok := c.Lines(); {
	case ok && rows:
		r.rows = &lines{at: c.At, count: c.Count, deletes: deletes, size: cell.MaxRows}
	case ok:
		r.cols = &lines{at: c.At, count: c.Count, deletes: deletes, size: cell.MaxCols}
	case c.Kind == MoveCells:
		r.block = &block{from: c.Range, to: c.Destination(), dRow: c.To.Row - c.Range.First.Row, dCol: c.To.Col - c.Range.First.Col,
			across: !strings.EqualFold(c.Sheet, c.Target())}
		if c.Shift {
			r.block.gap = newGap(c)
		}
	case c.Kind == MoveSheet:
		after := c.Sheets(sheets)
		r.after = make([]int, len(sheets))
		for i, name := range sheets {
			r.after[i] = index(after, name)
		}
	}
	for _, t := range tables {
		if f, changed := r.fate(t); changed {
			r.tables = append(r.tables, f)
		}
	}
	return r
}

// Change is what the rewriter was made of.
func (r *Rewriter) Change() Change { return r.change }

// on reports whether the change is on that sheet.
func (r *Rewriter) on(sheet string) bool { return strings.EqualFold(sheet, r.change.Sheet) }

// Concerns reports whether a formula that refers to that sheet only, and to no table, may change.
func (r *Rewriter) Concerns(sheet string) bool {
	switch r.change.Kind {
	case AddSheet, MoveSheet:
		return false
	case MoveCells:
		return r.on(sheet) || strings.EqualFold(sheet, r.change.Target())
	}
	return r.on(sheet)
}

// Sheet gives a sheet's name after the change; false if it is gone.
func (r *Rewriter) Sheet(name string) (string, bool) {
	if r.on(name) {
		switch r.change.Kind {
		case DeleteSheet:
			return "", false
		case RenameSheet:
			return r.change.Name, true
		}
	}
	return name, true
}

// Locate gives where a cell is afterwards, its sheet by the name that it then has; false if it is gone, with its sheet
// or alone.
func (r *Rewriter) Locate(sheet string, x cell.Ref) (string, cell.Ref, bool) {
	name, ok := r.Sheet(sheet)
	if !ok {
		return "", cell.Ref{}, false
	}
	if r.block != nil && r.on(sheet) && r.block.from.Contains(x) {
		return r.change.Target(), r.block.shift(cell.Range{First: x, Last: x}).First, true
	}
	x, ok = r.Ref(sheet, x)
	return name, x, ok
}

// Ref gives where a reference to a cell of that sheet points afterwards; false if its cell is gone. To which sheet, where
// cells move from one to another, [Rewriter.Locate] says.
func (r *Rewriter) Ref(sheet string, x cell.Ref) (cell.Ref, bool) {
	to, ok := r.Range(sheet, cell.Range{First: x, Last: x})
	return to.First, ok
}

// Range gives what a reference to a range of that sheet covers afterwards; false if nothing is left of it.
func (r *Rewriter) Range(sheet string, x cell.Range) (cell.Range, bool) {
	to, f := r.target(sheet, x)
	return to, f != gone
}

// Place gives where something of that sheet is afterwards that lies on a range and does not go to another sheet with its cells, as a
// filter, a page break or a chart: Range, but that it stays when they do. It is false if nothing is left of the range.
func (r *Rewriter) Place(sheet string, x cell.Range) (cell.Range, bool) {
	to, f := r.target(sheet, x)
	if f == moves && r.block != nil && r.block.across {
		return x, true
	}
	return to, f != gone
}

// target gives what becomes of a reference to x.
func (r *Rewriter) target(sheet string, x cell.Range) (cell.Range, fate) {
	switch {
	case r.block != nil:
		return r.block.of(x, r.on(sheet), strings.EqualFold(sheet, r.change.Target()))
	case !r.on(sheet):
		return x, stays
	case r.change.Kind == DeleteSheet:
		return cell.Range{}, gone
	}
	ok := true
	rows, cols := rowsOf(x), colsOf(x)
	if r.rows != nil {
		rows, ok = r.rows.span(rows)
	} else if r.cols != nil {
		cols, ok = r.cols.span(cols)
	}
	if !ok {
		return cell.Range{}, gone
	}
	if to := rangeOf(rows, cols); to != x {
		return to, moves
	}
	return x, stays
}

// Area is a range with its sheet.
type Area struct {
	Sheet string
	Range cell.Range
}

// Cover gives where the cells of a range are afterwards, as few ranges as say it: what conditional formats,
// validations and merged cells apply to. It differs from Range where cells move: a part that moves leaves the others.
func (r *Rewriter) Cover(sheet string, x cell.Range) []Area {
	if r.block == nil {
		name, ok := r.Sheet(sheet)
		to, left := r.Range(sheet, x)
		if !ok || !left {
			return nil
		}
		return []Area{{name, to}}
	}
	b := r.block
	if b.gap != nil && r.on(sheet) {
		var out []Area
		for _, part := range b.gap.cover(x) {
			out = append(out, Area{sheet, part})
		}
		return out
	}
	stay := []cell.Range{x}
	var out []Area
	if r.on(sheet) {
		stay = cut(x, b.from)
		if part, ok := x.Intersect(b.from); ok {
			out = append(out, Area{r.change.Target(), b.shift(part)})
		}
	}
	enters := strings.EqualFold(sheet, r.change.Target())
	for _, s := range stay {
		if !enters {
			out = append(out, Area{sheet, s})
			continue
		}
		for _, part := range cut(s, b.to) {
			out = append(out, Area{sheet, part})
		}
	}
	return out
}

// Formula gives what becomes of a formula, as files store it, that stands on sheet own, and whether that is another text. Targets
// that are gone become #REF!. A text that is no formula comes back as it is. Own is "" for what stands on no
// sheet, as a defined name does. A formula of a cell that is among those that move goes to [Rewriter.FormulaAt].
func (r *Rewriter) Formula(text, own string) (out string, changed bool) {
	return r.rewrite(text, own, false)
}

// Name is Formula for what a defined name refers to. Its relative references count from the cell that uses the name: where
// cells move, only references whose ends are all absolute do. Of $A1 that are insertions of columns, but not of rows.
func (r *Rewriter) Name(text string) (out string, changed bool) {
	if !r.mayConcern(text, "") {
		return text, false
	}
	out, err := formula.RewriteText(text, func(x formula.Reference) formula.Reference {
		to := r.reference(x, "", false)
		if to.First == x.First && to.Last == x.Last || x.Kind > formula.RowsRef {
			return to
		}
		rows := x.Kind == formula.ColumnsRef || x.First.AbsRow && (x.Kind == formula.CellRef || x.Last.AbsRow)
		cols := x.Kind == formula.RowsRef || x.First.AbsCol && (x.Kind == formula.CellRef || x.Last.AbsCol)
		if r.rows != nil && !rows || r.cols != nil && !cols || r.block != nil && !(rows && cols) {
			return x
		}
		return to
	})
	if err != nil {
		return text, false
	}
	return out, out != text
}

// FilterName is Name for the name that a filter leaves of its range, which stays on its sheet as the filter does: see
// [Rewriter.Place]. It is false if the filter is gone.
func (r *Rewriter) FilterName(text string) (out string, left bool) {
	out, changed := r.Name(text)
	switch {
	case changed && strings.Contains(out, "#REF!"):
		return text, false
	case r.block != nil && r.block.across:
		return text, true
	}
	return out, true
}

// FormulaAt is Formula for the formula of a cell. It differs from Formula where the cell moves to another
// sheet: the formula refers to what it referred to.
func (r *Rewriter) FormulaAt(text, own string, at cell.Ref) (out string, changed bool) {
	return r.rewrite(text, own, r.carries(own, at))
}

// carries reports whether a cell is among those that move to another sheet.
func (r *Rewriter) carries(sheet string, at cell.Ref) bool {
	return r.block != nil && r.block.across && r.on(sheet) && r.block.from.Contains(at)
}

func (r *Rewriter) rewrite(text, own string, carried bool) (string, bool) {
	if !r.mayConcern(text, own) {
		return text, false
	}
	out, err := formula.RewriteText(text, func(x formula.Reference) formula.Reference { return r.reference(x, own, carried) })
	if err != nil {
		return text, false
	}
	return out, out != text
}

// mayConcern spares the scanning of a text of which nothing can change.
func (r *Rewriter) mayConcern(text, own string) bool {
	switch r.change.Kind {
	case AddSheet, MoveSheet:
		return strings.IndexByte(text, '!') >= 0
	case DeleteSheet, RenameSheet:
	default:
		if r.Concerns(own) {
			return true
		}
	}
	return strings.IndexByte(text, '!') >= 0 || len(r.tables) > 0 && strings.IndexByte(text, '[') >= 0
}

// reference gives what becomes of one reference of a formula on sheet own. A formula that is carried to another sheet
// names the sheet that it refers to from then on.
func (r *Rewriter) reference(x formula.Reference, own string, carried bool) formula.Reference {
	if book := x.Book(); book != "" && book != "0" {
		return x
	}
	if x.LastSheet() != "" {
		return r.threeD(x)
	}
	if x.Kind == formula.TableRef {
		return r.table(x)
	}
	sheet := own
	if x.Qualified() {
		if sheet = x.Sheet(); sheet == "" {
			return x // !A1: on whichever sheet it is asked for
		}
		if index(r.sheets, sheet) < 0 {
			return x
		}
		name, ok := r.Sheet(sheet)
		if !ok {
			return x.WithSheets("", "#REF!", "")
		}
		if name != sheet && r.change.Kind == RenameSheet {
			x = x.WithSheets(x.Book(), name, "")
		}
	}
	if r.block == nil && (!r.on(sheet) || r.change.Kind == DeleteSheet) {
		return x
	}
	area, ok := x.Range()
	if !ok {
		return x
	}
	to, f := r.target(sheet, area)
	switch {
	case f == gone:
		x.Kind, x.First, x.Last = formula.DeletedRef, formula.Corner{}, formula.Corner{}
	case f != stays:
		x = place(x, to)
	}
	if r.block != nil && r.block.across {
		return r.qualify(x, own, sheet, carried, f)
	}
	return x
}

// qualify gives x the sheet that it is on after cells moved from one sheet to another.
func (r *Rewriter) qualify(x formula.Reference, own, sheet string, carried bool, f fate) formula.Reference {
	stands := own // where the formula stands afterwards
	if carried {
		stands = r.change.Target()
	}
	target := sheet
	if f == moves {
		target = r.change.Target()
	}
	switch {
	case x.Qualified() && f != moves, !x.Qualified() && strings.EqualFold(stands, target):
		return x
	}
	return x.WithSheets(x.Book(), target, "")
}

// place puts the corners of x onto those of to. They keep their order and their marks; what spans whole
// rows or columns does so still.
func place(x formula.Reference, to cell.Range) formula.Reference {
	first, last := &x.First, &x.Last
	if x.Kind == formula.CellRef {
		first.Row, first.Col = int32(to.First.Row), int32(to.First.Col)
		*last = *first
		return x
	}
	if x.Kind != formula.ColumnsRef {
		low, high := first, last
		if first.Row > last.Row {
			low, high = last, first
		}
		low.Row, high.Row = int32(to.First.Row), int32(to.Last.Row)
	}
	if x.Kind != formula.RowsRef {
		low, high := first, last
		if first.Col > last.Col {
			low, high = last, first
		}
		low.Col, high.Col = int32(to.First.Col), int32(to.Last.Col)
	}
	return x
}

// threeD gives what becomes of a reference to several sheets: of its ends only, as its cells may be others on each of
// them.
func (r *Rewriter) threeD(x formula.Reference) formula.Reference {
	first, last := index(r.sheets, x.Sheet()), index(r.sheets, x.LastSheet())
	if first < 0 || last < 0 {
		return x
	}
	at := index(r.sheets, r.change.Sheet)
	swapped := first > last // Dec:Jan is Jan:Dec
	if swapped {
		first, last = last, first
	}
	switch r.change.Kind {
	case RenameSheet:
		if at != first && at != last {
			return x
		}
		names := [2]string{x.Sheet(), x.LastSheet()}
		if swapped {
			names[0], names[1] = names[1], names[0]
		}
		if at == first {
			names[0] = r.change.Name
		}
		if at == last {
			names[1] = r.change.Name
		}
		if swapped {
			names[0], names[1] = names[1], names[0]
		}
		return x.WithSheets(x.Book(), names[0], names[1])
	case DeleteSheet:
		return r.ends(x, first, last, at)
	case MoveSheet:
		if (at == first || at == last) && r.after[first] > r.after[last] {
			return r.ends(x, first, last, at) // it went past the other end
		}
	}
	return x
}

// ends takes the sheet that is at an end of a reference to several sheets out of it.
func (r *Rewriter) ends(x formula.Reference, first, last, at int) formula.Reference {
	if at != first && at != last {
		return x
	}
	if first == last {
		if r.change.Kind == DeleteSheet {
			return x.WithSheets("", "#REF!", "")
		}
		return x
	}
	if at == first {
		first++
	} else {
		last--
	}
	if first == last {
		return x.WithSheets(x.Book(), r.sheets[first], "")
	}
	return x.WithSheets(x.Book(), r.sheets[first], r.sheets[last])
}
