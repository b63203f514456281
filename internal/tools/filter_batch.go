package tools

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strconv"
	"strings"

	"gridflow/internal/book"
	"gridflow/internal/calc/fn"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/numfmt"
)

type filterTest struct {
	Operator string   `json:"operator" enum:"equal|not_equal|greater_than|greater_than_or_equal|less_than|less_than_or_equal|contains|not_contains|begins_with|ends_with" also:"=:equal|<>:not_equal|>:greater_than|>=:greater_than_or_equal|<:less_than|<=:less_than_or_equal|eq=equal|ne=not_equal|gt=greater_than|gte=greater_than_or_equal|lt=less_than|lte=less_than_or_equal" default:"equal"`
	Value    *Scalars `json:"value" required:"true" doc:"A number, a date such as 2026-03-01, or a text, in which * and ? are wildcards"`
}

type filterColumnSpec struct {
	Column  string       `json:"column" required:"true" doc:"A letter, or a header of the range"`
	Values  []string     `json:"values" max:"10000" doc:"Texts, as they are shown, of the rows that stay"`
	Blanks  bool         `json:"blanks" default:"false" doc:"Rows that are blank here stay"`
	Tests   []filterTest `json:"tests" max:"2" doc:"One or two comparisons"`
	Match   string       `json:"match" enum:"all|any" default:"all" doc:"Of two tests"`
	Top     *float64     `json:"top" min:"1" max:"500" doc:"The largest so many numbers"`
	Bottom  *float64     `json:"bottom" min:"1" max:"500"`
	Percent bool         `json:"percent" default:"false" doc:"Of top and bottom"`
}

type filterOp struct {
	Kind    string             `json:"kind" alias:"op" enum:"set|clear" also:"set_filter=set|clear_filter=clear|remove=clear" default:"set"`
	Sheet   string             `json:"sheet_name" doc:"Of a sheet's filter"`
	Table   string             `json:"table_name" doc:"The table whose filter it is, instead of sheet_name"`
	Range   string             `json:"range" alias:"target_range" doc:"With its header row; the filter that there is unless given"`
	Columns []filterColumnSpec `json:"columns" max:"200" doc:"None: there are buttons, and all rows are shown"`
}

type filterBatchIn struct {
	ForkArg
	Ops []filterOp `json:"ops" required:"true" min:"1" max:"100"`
	EditMode
	Guard
}

var filterBatch = define(Spec{
	Name: "filter_batch", Title: "Filter rows", Toolset: "styles", Writes: true, Reach: ReachSheet,
	Description: "Sets the autofilter of a sheet or table of a fork, with criteria for its columns, and hides the rows that do not meet them, as Excel does; or clears it and shows them again (a table keeps its buttons). A sheet has one filter, and each table its own. list_rules has them. The rows are still there: to read some, read_table has filters.",
	Example:     `{"fork_id":"fork-abcdefgh2345","ops":[{"sheet_name":"Sheet1","range":"A1:D99","columns":[{"column":"Status","values":["open","late"]},{"column":"C","tests":[{"operator":"greater_than_or_equal","value":100}]}]}]}`,
}, func(ctx context.Context, env *Env, in filterBatchIn) (*countedOut, error) {
	made, err := env.batch(ctx, in.Fork, "filter_batch", "fail", in.EditMode, in.Guard, len(in.Ops), func(b *batch, i int) error {
		b.begin("filter_batch")
		return b.filter(&in.Ops[i])
	})
	if err != nil {
		return nil, err
	}
	return &countedOut{*made}, nil
})

func (b *batch) filter(op *filterOp) error {
	if op.Table != "" {
		if op.Range != "" {
			return invalid("Leave it out: the filter of a table is over all of it", "a range is given for table %q", clip(op.Table, 60))
		}
		return b.filterTable(op, op.Table)
	}
	if op.Sheet == "" {
		return invalid(`Examples: "sheet_name":"Sheet1", "table_name":"Sales"`, "there is neither a sheet nor a table")
	}
	index, err := sheetNamed(b.snap, op.Sheet)
	if err != nil {
		return err
	}
	sheet, err := b.snap.Sheet(b.ctx, index)
	if err != nil {
		return err
	}
	was := sheet.Layout.Filter()
	to := grid.Filter{None: op.Kind == "clear", Range: was.Range}
	switch {
	case to.None && len(op.Columns) > 0:
		return invalid("Leave them out", "to clear a filter takes no columns")
	case to.None && was.None:
		b.warn("WARN_NO_FILTER: sheet %s has no filter", clip(op.Sheet, 60))
		return nil
	case to.None:
	case op.Range != "":
		a, err := oneArea(b.ctx, b.snap, index, op.Range)
		if err != nil {
			return err
		}
		if a.sheet != index {
			return invalid("Give the sheet of the range as sheet_name", "%q is on another sheet", clip(op.Range, 60))
		}
		if a.table != nil {
			return b.filterTable(op, a.table.Name)
		}
		if to.Range, err = b.withData(index, a.rng); err != nil {
			return err
		}
	case was.None:
		return invalid(`Example: "range":"A1:D99"`, "the sheet has no filter, and no range is given for one")
	}
	hidden := map[int]bool{}
	if !to.None {
		if to.Columns, hidden, err = b.criteria(op, sheet, to.Range); err != nil {
			return err
		}
	}
	name := b.snap.Workbook().Sheets[index].Name
	b.countFilter(op)
	ops := []book.Op{book.Arrange{Sheet: name, Filter: &to}}
	ops = append(ops, rowsShown(name, sheet, was, to, hidden)...)
	ops = append(ops, filterName(b.snap, index, to)...)
	return b.do(ops...)
}

func (b *batch) countFilter(op *filterOp) {
	if op.Kind == "clear" {
		b.counts["filters_cleared"]++
	} else {
		b.counts["filters_set"]++
	}
}

// criteria reads the criteria of a filter over a range, and finds the rows that it hides.
func (b *batch) criteria(op *filterOp, sheet *grid.Sheet, rng cell.Range) (list []grid.FilterColumn, hidden map[int]bool, err error) {
	f := filterer{b: b, sheet: sheet, words: valuesOf(b.snap), rng: rng}
	var keep []func(c grid.Cell) bool
	for i := range op.Columns {
		c, test, err := f.column(&op.Columns[i])
		if err != nil {
			return nil, nil, err
		}
		if slices.ContainsFunc(list, func(x grid.FilterColumn) bool { return x.Column == c.Column }) {
			return nil, nil, invalid("Give one criterion for each", "column %s is named twice", clip(op.Columns[i].Column, 40))
		}
		list, keep = append(list, c), append(keep, test)
	}
	hidden = map[int]bool{}
	if len(keep) > 0 {
		for row := rng.First.Row + 1; row <= rng.Last.Row; row++ {
			for i, test := range keep {
				at := cell.Ref{Row: row, Col: rng.First.Col + list[i].Column}
				c, _ := sheet.At(at)
				if c.Ref = at; !test(c) {
					hidden[row] = true
					break
				}
			}
		}
		b.counts["rows_hidden"] += len(hidden)
	}
	slices.SortFunc(list, func(a, b grid.FilterColumn) int { return cmp.Compare(a.Column, b.Column) })
	return list, hidden, nil
}

// filterTable sets or clears the criteria of a table's filter.
func (b *batch) filterTable(op *filterOp, name string) error {
	t, err := tableNamed(b.ctx, b.snap, name)
	if err != nil {
		return err
	}
	if t.HeaderRows == 0 {
		return fail(string(book.BadTable), "table_batch can give it one", "table %q has no header row, and so no filter", t.Name)
	}
	sheet, err := b.snap.Sheet(b.ctx, t.Sheet)
	if err != nil {
		return err
	}
	rng := t.Range // the totals are not filtered
	rng.Last.Row -= t.TotalsRows
	was := grid.Filter{Range: rng, Columns: t.Filters}
	to := grid.Filter{Range: rng}
	hidden := map[int]bool{}
	form := b.snap.TableForm(t)
	switch {
	case op.Kind != "clear":
		if to.Columns, hidden, err = b.criteria(op, sheet, rng); err != nil {
			return err
		}
		form.Filter = true
	case len(op.Columns) > 0:
		return invalid("Leave them out", "to clear a filter takes no columns")
	case len(t.Filters) == 0:
		b.warn("WARN_NO_FILTER: table %s has no criteria", clip(t.Name, 60))
		return nil
	}
	b.countFilter(op)
	form.Criteria = &to.Columns
	ops := []book.Op{book.ArrangeTables{Tables: []book.TableChange{{Of: t.Name, To: &form}}}}
	return b.do(append(ops, rowsShown(form.Sheet, sheet, was, to, hidden)...)...)
}

// rowsShown hides the rows that a filter hides, and shows those that the one before it hid. The header of a range is always shown.
func rowsShown(name string, sheet *grid.Sheet, was, to grid.Filter, hidden map[int]bool) (ops []book.Op) {
	var rows []grid.RowSpan
	change := func(row int, hide bool) {
		r, _ := sheet.Layout.Row(row)
		if r.Hidden == hide {
			return
		}
		r.First, r.Last, r.Hidden = row, row, hide
		r.Style, r.HasStyle = 0, false // they stay
		if n := len(rows); n > 0 {
			same := rows[n-1]
			if same.First, same.Last = row, row; rows[n-1].Last+1 == row && same == r {
				rows[n-1].Last = row
				return
			}
		}
		rows = append(rows, r)
	}
	first, last := cell.MaxRows, -1
	for _, f := range []grid.Filter{was, to} {
		if !f.None {
			first, last = min(first, f.Range.First.Row+1), max(last, f.Range.Last.Row)
		}
	}
	in := func(f grid.Filter, row int) bool {
		return !f.None && row > f.Range.First.Row && row <= f.Range.Last.Row
	}
	for row := first; row <= last; row++ {
		switch {
		case hidden[row]:
			change(row, true)
		case len(was.Columns) > 0 && in(was, row), len(to.Columns) > 0 && in(to, row):
			change(row, false)
		}
	}
	for len(rows) > 0 {
		n, some := 0, 0
		for n < len(rows) && some+rows[n].Last-rows[n].First < book.MaxRowEdits {
			some += rows[n].Last - rows[n].First + 1
			n++
		}
		if n == 0 { // one span of very many rows
			rest := rows[0]
			rows[0].Last = rows[0].First + book.MaxRowEdits - 1
			rest.First = rows[0].Last + 1
			rows = slices.Insert(rows, 1, rest)
			continue
		}
		part := rows[:n]
		rows = rows[n:]
		ops = append(ops, book.Arrange{Sheet: name, Rows: &part})
	}
	return ops
}

// filterName keeps the hidden name by which Excel knows the range of a filter.
func filterName(snap *book.Snapshot, index int, to grid.Filter) []book.Op {
	sheet := snap.Workbook().Sheets[index].Name
	at := book.NameIndex(snap.Workbook().Names, grid.FilterDatabase, index)
	e := book.NameEdit{Name: grid.FilterDatabase, Sheet: sheet, Hidden: true}
	if to.None {
		if at < 0 {
			return nil
		}
		e.Delete, e.Hidden = true, false
	} else {
		abs := func(r cell.Ref) string { return "$" + cell.ColumnName(r.Col) + "$" + strconv.Itoa(r.Row+1) }
		e.RefersTo = cell.QuoteSheet(sheet) + "!" + abs(to.Range.First) + ":" + abs(to.Range.Last)
		if at >= 0 && snap.Workbook().Names[at].RefersTo == e.RefersTo {
			return nil
		}
	}
	return []book.Op{book.EditNames{Names: []book.NameEdit{e}}}
}

// filterer makes criteria of a range.
type filterer struct {
	b     *batch
	sheet *grid.Sheet
	words values
	rng   cell.Range
}

// column gives a criterion as files have it, and as it is asked of a cell.
func (f *filterer) column(spec *filterColumnSpec) (c grid.FilterColumn, test func(grid.Cell) bool, err error) {
	if c.Column, err = f.number(spec.Column); err != nil {
		return c, nil, err
	}
	kinds := 0
	for _, is := range []bool{len(spec.Values) > 0 || spec.Blanks, len(spec.Tests) > 0, spec.Top != nil, spec.Bottom != nil} {
		if is {
			kinds++
		}
	}
	switch {
	case kinds != 1:
		return c, nil, invalid(`Examples: "values":["open"], "tests":[{"operator":">","value":5}], "top":10`, "column %s needs one criterion of values, tests, top and bottom", clip(spec.Column, 40))
	case spec.Percent && spec.Top == nil && spec.Bottom == nil:
		return c, nil, invalid("Leave it out", "percent is of top and bottom")
	case len(spec.Tests) > 0:
		test, err = f.tests(spec, &c)
		return c, test, err
	case kinds == 1 && (spec.Top != nil || spec.Bottom != nil):
		c.Top, c.Percent, c.Bottom = orElse(spec.Top, orElse(spec.Bottom, 10)), spec.Percent, spec.Bottom != nil
		if c.Percent && c.Top > 100 {
			return c, nil, invalid("", "there are no %v percent", c.Top)
		}
		return c, f.best(c), nil
	}
	c.Values, c.Blank = spec.Values, spec.Blanks
	want := map[string]bool{}
	for _, v := range spec.Values {
		want[strings.ToLower(v)] = true
	}
	return c, func(x grid.Cell) bool {
		if x.Value.IsBlank() {
			return c.Blank
		}
		shown := f.words.styles.Format(x.Style).Append(nil, x.Value, f.words.dates)
		return want[strings.ToLower(strings.TrimSpace(string(shown)))] || want[strings.ToLower(string(shown))]
	}, nil
}

// number finds a column by its letter or its header.
func (f *filterer) number(column string) (int, error) {
	for col := f.rng.First.Col; col <= f.rng.Last.Col; col++ {
		if strings.EqualFold(strings.TrimSpace(f.sheet.Value(cell.Ref{Row: f.rng.First.Row, Col: col}).String()), strings.TrimSpace(column)) {
			return col - f.rng.First.Col, nil
		}
	}
	if col, ok := cell.ParseColumn(strings.TrimSpace(column)); ok && col >= f.rng.First.Col && col <= f.rng.Last.Col {
		return col - f.rng.First.Col, nil
	}
	return 0, fail("COLUMN_NOT_FOUND", "Give a letter or a header of the range", "%s has no column %q", f.rng, clip(column, 40))
}

// best is the criterion of the largest or smallest numbers.
func (f *filterer) best(c grid.FilterColumn) func(grid.Cell) bool {
	col := f.rng.First.Col + c.Column
	var numbers []float64
	for x := range f.sheet.Cells(cell.Range{First: cell.Ref{Row: f.rng.First.Row + 1, Col: col}, Last: cell.Ref{Row: f.rng.Last.Row, Col: col}}) {
		if x.Value.Kind() == cell.Number {
			numbers = append(numbers, x.Value.Number())
		}
	}
	slices.Sort(numbers)
	if !c.Bottom {
		slices.Reverse(numbers)
	}
	n := int(c.Top)
	if c.Percent {
		n = max(1, int(math.Floor(float64(len(numbers))*c.Top/100)))
	}
	if n = min(n, len(numbers)); n == 0 {
		return func(grid.Cell) bool { return false }
	}
	edge := numbers[n-1]
	return func(x grid.Cell) bool {
		return x.Value.Kind() == cell.Number && (c.Bottom && x.Value.Number() <= edge || !c.Bottom && x.Value.Number() >= edge)
	}
}

// filterOperators have how a test is written in files, and as a criterion of functions; % stands for the value.
var filterOperators = map[string]struct{ file, value, criterion string }{
	"equal": {"equal", "%", "="}, "not_equal": {"notEqual", "%", "<>"}, "greater_than": {"greaterThan", "%", ">"}, "greater_than_or_equal": {"greaterThanOrEqual", "%", ">="},
	"less_than": {"lessThan", "%", "<"}, "less_than_or_equal": {"lessThanOrEqual", "%", "<="},
	"contains": {"equal", "*%*", "="}, "not_contains": {"notEqual", "*%*", "<>"}, "begins_with": {"equal", "%*", "="}, "ends_with": {"equal", "*%", "="},
}

func (f *filterer) tests(spec *filterColumnSpec, c *grid.FilterColumn) (func(grid.Cell) bool, error) {
	var tests []*fn.Criterion
	for _, t := range spec.Tests {
		if t.Value == nil || len(*t.Value) != 1 || (*t.Value)[0].Text == "" {
			return nil, invalid(`Example: {"operator":">","value":5}`, "a test of column %s has no value", clip(spec.Column, 40))
		}
		op := filterOperators[t.Operator]
		text := (*t.Value)[0].Text
		if serial, _, ok := numfmt.ParseISO(text, f.words.dates); ok {
			text = string(cell.AppendNumber(nil, serial))
		}
		text = strings.ReplaceAll(op.value, "%", text)
		c.Custom = append(c.Custom, grid.FilterTest{Operator: op.file, Value: text})
		tests = append(tests, fn.ParseCriterion(cell.TextValue(op.criterion+text), f.words.dates))
	}
	c.And = len(tests) == 2 && spec.Match != "any"
	return func(x grid.Cell) bool {
		n := 0
		for _, t := range tests {
			if t.Match(x.Value) {
				n++
			}
		}
		return n == len(tests) || n > 0 && !c.And
	}, nil
}
