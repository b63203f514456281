package structure

import (
	"slices"
	"strconv"
	"strings"

	"gridflow/internal/cell"
	"gridflow/internal/formula"
)

// Table is what a change has to know of a table.
type Table struct {
	Name    string
	Sheet   string
	Range   cell.Range // with its header and totals rows
	Columns []string
	Header  int // header rows, 0 or 1
	Totals  int // totals rows, 0 or 1
}

// tableFate is what becomes of a table that is changed.
type tableFate struct {
	before, after Table
	gone          bool
	left          []bool // by the columns before: whether it is still there
}

// crossing gives the rows that come or go across all of x, and the columns: lines of the sheet, or cells that make room or close a gap.
func (r *Rewriter) crossing(sheet string, x cell.Range) (rows, cols *lines) {
	switch {
	case !r.on(sheet):
	case r.block == nil:
		return r.rows, r.cols
	case r.block.gap == nil || !r.block.gap.within(x):
	case r.block.gap.rows:
		return &r.block.gap.lines, nil
	default:
		return nil, &r.block.gap.lines
	}
	return nil, nil
}

// FilterColumn gives which column of a filter one is afterwards, counted from the filter's first one as column is; area is where the filter is
// before. It is false if the column is gone, or no longer among those of the filter.
func (r *Rewriter) FilterColumn(sheet string, area cell.Range, column int) (int, bool) {
	is, f := r.target(sheet, area)
	if f == gone {
		return 0, false
	}
	col, left := area.First.Col+column, true
	if _, cols := r.crossing(sheet, area); cols != nil {
		col, left = cols.place(col)
	} else if f != edges {
		return column, true // it moves as a whole, if it does
	}
	return col - is.First.Col, left && is.First.Col <= col && col <= is.Last.Col
}

// fate gives what becomes of t, and whether references to it may change by that.
func (r *Rewriter) fate(t Table) (tableFate, bool) {
	f := tableFate{before: t, after: t}
	after, from, ok := r.Table(t)
	if !ok {
		f.gone = true
		return f, true
	}
	f.after = after
	f.left = make([]bool, len(t.Columns))
	for _, i := range from {
		if i >= 0 {
			f.left[i] = true
		}
	}
	return f, slices.Contains(f.left, false)
}

// SameTables reports whether references to tables become the same by r and o, which are of one change.
func (r *Rewriter) SameTables(o *Rewriter) bool {
	return slices.EqualFunc(r.tables, o.tables, func(a, b tableFate) bool {
		return a.gone == b.gone && strings.EqualFold(a.before.Name, b.before.Name) && slices.Equal(a.before.Columns, b.before.Columns) && slices.Equal(a.left, b.left)
	})
}

// Table gives what becomes of a table: its sheet, range and columns. From says of each of its columns afterwards
// which one it was, and -1 of those that are new: they need a cell with their name in the header row. False if the
// table is gone.
func (r *Rewriter) Table(t Table) (after Table, from []int, ok bool) {
	after = t
	name, ok := r.Sheet(t.Sheet)
	if !ok {
		return Table{}, nil, false
	}
	after.Sheet = name
	to, f := r.target(t.Sheet, t.Range)
	if f == gone {
		return Table{}, nil, false
	}
	if f == moves && r.block != nil {
		after.Sheet = r.change.Target()
	}
	rows, cols := r.crossing(t.Sheet, t.Range)
	if f != edges || rows != nil || cols != nil { // a table does not grow by cells that are moved
		after.Range = to
	}
	if last := t.Range.Last.Row; rows != nil && rows.deletes && last >= rows.at && last < rows.at+rows.count {
		after.Totals = 0 // its row is gone, and the last row that is left is one of data
	}
	from = make([]int, 0, len(t.Columns))
	for i := range t.Columns {
		from = append(from, i)
	}
	if cols == nil {
		return after, from, true
	}
	at, first := cols.at-t.Range.First.Col, len(t.Columns)
	if cols.deletes {
		from = slices.DeleteFunc(from, func(i int) bool { return i >= at && i < at+cols.count })
	} else if at > 0 && at < first {
		from = slices.Insert(from, at, slices.Repeat([]int{-1}, after.Range.Cols()-t.Range.Cols())...)
	}
	after.Columns = make([]string, 0, len(from))
	for _, i := range from {
		if i >= 0 {
			after.Columns = append(after.Columns, t.Columns[i])
		} else {
			after.Columns = append(after.Columns, newColumn(t.Columns, after.Columns))
		}
	}
	return after, from, true
}

// Calculated gives what becomes of the formula of a calculated column of t: it is written for the first row of the table's data, and
// so is what comes back, whichever row that is then. Where the column goes the text is of no account.
func (r *Rewriter) Calculated(text string, t Table, column int) string {
	after, _, ok := r.Table(t)
	data := cell.Range{First: t.Range.First, Last: t.Range.Last}
	data.First.Row += t.Header
	data.Last.Row -= t.Totals
	data.First.Col += column
	data.Last.Col = data.First.Col
	if text == "" || !ok || data.Last.Row < data.First.Row {
		text, _ = r.Formula(text, t.Sheet)
		return text
	}
	cells := []cell.Range{data}
	text = r.Relative(text, t.Sheet, cells, after.Sheet)
	left := r.Covered(t.Sheet, cells, after.Sheet)
	if left == nil {
		return text
	}
	is := cornerOf(left)
	return wrapped(text, is, cell.Ref{Row: after.Range.First.Row + after.Header, Col: is.Col})
}

// Total gives what becomes of the formula of a cell in the totals row of t.
func (r *Rewriter) Total(text string, t Table, column int) string {
	text, _ = r.FormulaAt(text, t.Sheet, cell.Ref{Row: t.Range.Last.Row, Col: t.Range.First.Col + column})
	return text
}

// newColumn gives the name that Excel gives to a new column: Column1, or the first such that there is not.
func newColumn(lists ...[]string) string {
	for n := 1; ; n++ {
		name := "Column" + strconv.Itoa(n)
		if !slices.ContainsFunc(lists, func(l []string) bool {
			return slices.ContainsFunc(l, func(s string) bool { return strings.EqualFold(s, name) })
		}) {
			return name
		}
	}
}

// table gives what becomes of a reference to a table: #REF! if what it names is gone, fewer columns if an
// end of them is.
func (r *Rewriter) table(x formula.Reference) formula.Reference {
	for i := range r.tables {
		if f := &r.tables[i]; x.Name != "" && strings.EqualFold(f.before.Name, x.Name) {
			if to, ok := f.reference(x); ok {
				return to
			}
		}
	}
	return x
}

// reference gives what becomes of a reference to the table; false if the table has no such columns.
func (f *tableFate) reference(x formula.Reference) (to formula.Reference, ok bool) {
	deleted := formula.Reference{Kind: formula.DeletedRef}
	if f.gone {
		return deleted, true
	}
	a, b := x.Columns()
	if a == "" {
		return x, true
	}
	column := func(name string) int {
		return formula.FindColumn(name, len(f.before.Columns), func(i int) string { return f.before.Columns[i] })
	}
	first, last := column(a), column(b)
	if first < 0 || last < 0 {
		return x, false
	}
	if f.left[first] && f.left[last] {
		return x, true
	}
	if first > last {
		first, last = last, first
	}
	for first <= last && !f.left[first] {
		first++
	}
	for last >= first && !f.left[last] {
		last--
	}
	if first > last {
		return deleted, true
	}
	return x.WithTable(x.Items(), f.before.Columns[first], f.before.Columns[last]), true
}
