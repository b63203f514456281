package book

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// ArrangeTables makes tables what it says, all at once, so that two of them may change places. What
// formulas and defined names say of a table that is renamed, of a column that is, or of a table that
// ends, is rewritten everywhere; a column that goes leaves #REF!, as in Excel. The cells of tables,
// headers and totals included, are edits of their own.
type ArrangeTables struct {
	Tables []TableChange `json:"tables"`
}

// TableChange is what becomes of one table.
type TableChange struct {
	Of string     `json:"of,omitempty"` // its name before; "" for a new one. Case does not matter
	To *TableForm `json:"to,omitempty"` // nil: it ends, and its cells stay
}

// TableForm is all that edits can say of a table.
type TableForm struct {
	Name   string `json:"name"`
	Sheet  string `json:"sheet"`
	Range  string `json:"range"` // with header and totals rows
	Header bool   `json:"header"`
	Totals bool   `json:"totals,omitempty"`
	Filter bool   `json:"filter,omitempty"` // the header has filter buttons
	// Criteria are those of the filter, by columns of the form; nil: those that there are stay, with their columns.
	Criteria *[]grid.FilterColumn `json:"criteria,omitempty"`

	Style         string `json:"style,omitempty"`
	FirstColumn   bool   `json:"first_column,omitempty"`
	LastColumn    bool   `json:"last_column,omitempty"`
	RowStripes    bool   `json:"row_stripes,omitempty"`
	ColumnStripes bool   `json:"column_stripes,omitempty"`

	Columns []TableFormColumn `json:"columns"`
}

// TableFormColumn is a column of a TableForm.
type TableFormColumn struct {
	Name           string `json:"name"`
	Was            string `json:"was,omitempty"` // what the table called it before; "" for a new one
	Formula        string `json:"formula,omitempty"`
	TotalsLabel    string `json:"totals_label,omitempty"`
	TotalsFunction string `json:"totals_function,omitempty"`
	TotalsFormula  string `json:"totals_formula,omitempty"`
}

// TotalsFunctions are what a column's cell in the totals row may be made by, with the number that SUBTOTAL
// has for it (ECMA-376 part 1, 18.18.88); 0 for a formula of its own.
var TotalsFunctions = map[string]int{"average": 101, "countNums": 102, "count": 103, "max": 104, "min": 105, "stdDev": 107, "sum": 109, "var": 110, "custom": 0}

// tableState is a table of a version, and what of the source it comes from.
type tableState struct {
	grid.Table
	from int      // its number among the tables of the source, from 1; 0 for one that the source has not
	was  []string // of each column what the source calls it; "" for one that it has not
}

// tableStates are the tables of a version that has not all of them as its source has. It is never
// changed.
type tableStates struct {
	list   []tableState
	tables []grid.Table // the same, without what they come from
}

func newTableStates(list []tableState) *tableStates {
	s := &tableStates{list: list, tables: make([]grid.Table, len(list))}
	for i := range list {
		s.tables[i] = list[i].Table
	}
	return s
}

// tableList gives the tables of s with what they come from.
func (s *Snapshot) tableList(ctx context.Context) ([]tableState, error) {
	if s.tables != nil {
		return s.tables.list, nil
	}
	tables, err := s.src.Tables(ctx)
	list := make([]tableState, len(tables))
	for i := range tables {
		list[i] = tableState{Table: tables[i], from: i + 1, was: columnNames(&tables[i])}
	}
	return list, err
}

func columnNames(t *grid.Table) []string {
	names := make([]string, len(t.Columns))
	for i := range t.Columns {
		names[i] = t.Columns[i].Name
	}
	return names
}

// Tables gives the tables of all sheets, by sheet and then in file order, new ones last. The list is
// not to be changed.
func (s *Snapshot) Tables(ctx context.Context) ([]grid.Table, error) {
	if s.tables != nil {
		return s.tables.tables, nil
	}
	return s.src.Tables(ctx)
}

// TableForm gives a table of s as a form to be changed: every column was called what it is called.
func (s *Snapshot) TableForm(t *grid.Table) TableForm {
	return formOf(tableState{Table: *t, was: columnNames(t)}, s.Workbook())
}

func formOf(t tableState, book *grid.Workbook) TableForm {
	f := TableForm{
		Name: t.Name, Range: t.Range.String(), Header: t.HeaderRows > 0, Totals: t.TotalsRows > 0, Filter: t.AutoFilter,
		Style: t.StyleName, FirstColumn: t.FirstColumn, LastColumn: t.LastColumn, RowStripes: t.RowStripes, ColumnStripes: t.ColumnStripes,
		Columns: make([]TableFormColumn, len(t.Columns)),
	}
	if t.Sheet >= 0 && t.Sheet < len(book.Sheets) {
		f.Sheet = book.Sheets[t.Sheet].Name
	}
	for i, c := range t.Columns {
		f.Columns[i] = TableFormColumn{Name: c.Name, Formula: c.Formula, TotalsLabel: c.TotalsLabel, TotalsFunction: c.TotalsFunction, TotalsFormula: c.TotalsFormula}
		if i < len(t.was) {
			f.Columns[i].Was = t.was[i]
		}
	}
	return f
}

// state makes of a table, which may be the zero table, what the form says.
func (f *TableForm) state(of tableState, sheet int) tableState {
	t := of
	t.Name, t.Sheet = f.Name, sheet
	t.Range, _ = cell.ParseRange(f.Range)
	t.HeaderRows, t.TotalsRows = int(boolByte(f.Header)), int(boolByte(f.Totals))
	t.HeaderShown = f.Header
	t.AutoFilter = f.Filter
	t.StyleName, t.FirstColumn, t.LastColumn, t.RowStripes, t.ColumnStripes = f.Style, f.FirstColumn, f.LastColumn, f.RowStripes, f.ColumnStripes
	t.Columns, t.was = make([]grid.TableColumn, len(f.Columns)), make([]string, len(f.Columns))
	for i, c := range f.Columns {
		t.Columns[i] = grid.TableColumn{Name: c.Name, Formula: c.Formula, TotalsLabel: c.TotalsLabel, TotalsFunction: c.TotalsFunction, TotalsFormula: c.TotalsFormula}
		if k := of.column(c.Was); c.Was != "" && k >= 0 && k < len(of.was) {
			t.was[i] = of.was[k]
		}
	}
	switch {
	case !f.Filter:
		t.Filters = nil
	case f.Criteria != nil:
		t.Filters = slices.Clone(*f.Criteria)
	default:
		t.Filters = criteriaOn(of.Filters, func(k int) int {
			return slices.IndexFunc(f.Columns, func(c TableFormColumn) bool { return c.Was != "" && strings.EqualFold(c.Was, of.Columns[k].Name) })
		})
		if of.Range.First != t.Range.First || of.Range.Last.Col != t.Range.Last.Col {
			// Those that only files have are written as they stand there, by their columns: they do not move.
			t.Filters = slices.DeleteFunc(t.Filters, func(c grid.FilterColumn) bool { return c.Other != "" })
		}
	}
	t.Filtering = len(t.Filters) > 0
	return t
}

// criteriaOn gives criteria for other columns; to is which one each became, -1 where it is gone.
func criteriaOn(list []grid.FilterColumn, to func(k int) int) (out []grid.FilterColumn) {
	for _, c := range list {
		if c.Column = to(c.Column); c.Column >= 0 {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b grid.FilterColumn) int { return a.Column - b.Column })
	return out
}

// column gives the number of a column by its name, -1 where there is none.
func (t *tableState) column(name string) int {
	return slices.IndexFunc(t.Columns, func(c grid.TableColumn) bool { return strings.EqualFold(c.Name, name) })
}

func (t *tableState) equal(o *tableState) bool {
	a, b := t.Table, o.Table
	a.Columns, b.Columns = nil, nil
	return a.Name == b.Name && a.Sheet == b.Sheet && a.Range == b.Range && a.HeaderRows == b.HeaderRows && a.TotalsRows == b.TotalsRows &&
		t.sameLook(o) && slices.Equal(t.Columns, o.Columns) && slices.Equal(t.was, o.was) && sameList(t.Filters, o.Filters)
}

func (t *tableState) sameLook(o *tableState) bool {
	return t.StyleName == o.StyleName && t.FirstColumn == o.FirstColumn && t.LastColumn == o.LastColumn && t.RowStripes == o.RowStripes &&
		t.ColumnStripes == o.ColumnStripes && t.AutoFilter == o.AutoFilter
}

func (o ArrangeTables) kind() opKind { return kindArrangeTables }

// appendTo appends the body as JSON, as that of Arrange.
func (o ArrangeTables) appendTo(b []byte) []byte {
	text, err := json.Marshal(o)
	if err != nil {
		panic(err) // the type has nothing that JSON has not
	}
	return appendText(b, string(text))
}

func decodeArrangeTables(d *decoder) Op {
	var o ArrangeTables
	d.json(&o)
	return o
}

// MaxColumnName is how long the name of a table or of its column may be, in UTF-16 code units.
const MaxColumnName = 255

func (o ArrangeTables) check(s *Snapshot) *Error {
	of := map[string]bool{}
	for _, c := range o.Tables {
		if key := FoldName(c.Of); c.Of != "" {
			if of[key] {
				return errorf(BadTable, "", "table %q is changed twice at once", c.Of)
			}
			of[key] = true
		}
		if c.To == nil {
			if c.Of == "" {
				return errorf(BadTable, "", "a table without a name cannot end")
			}
			continue
		}
		if err := c.To.check(s); err != nil {
			return err
		}
	}
	return nil
}

// check finds what is wrong with f whatever the cells are.
func (f *TableForm) check(s *Snapshot) *Error {
	if _, err := s.worksheet(f.Sheet); err != nil {
		err.Sheet = f.Sheet
		return err
	}
	if err := CheckTableName(f.Name); err != nil {
		return err
	}
	r, ok := cell.ParseRange(f.Range)
	rows := r.Rows() - int(boolByte(f.Header)) - int(boolByte(f.Totals))
	switch {
	case !ok || !r.First.Valid() || !r.Last.Valid():
		return errorf(BadTable, "Write a range such as A1:D20.", "%q is no range of a worksheet", f.Range)
	case rows < 1:
		return errorf(BadTable, "A table has at least one row of data beside its header and totals.", "%v leaves table %q no row for data", r, f.Name)
	case len(f.Columns) != r.Cols():
		return errorf(BadTable, "", "table %q has %d columns and %d names for them", f.Name, r.Cols(), len(f.Columns))
	case f.Filter && !f.Header:
		return errorf(BadTable, "", "table %q has no header for filter buttons", f.Name)
	case f.Criteria != nil && len(*f.Criteria) > 0 && !f.Filter:
		return errorf(BadTable, "", "table %q has no filter buttons, and so no criteria", f.Name)
	case utf16Longer(f.Style, MaxColumnName) || !utf8.ValidString(f.Style):
		return errorf(TooLong, "", "the name of the style of table %q is too long", f.Name)
	}
	seen := map[string]bool{}
	for _, c := range f.Columns {
		key := FoldName(c.Name)
		_, known := TotalsFunctions[c.TotalsFunction]
		switch {
		case c.Name == "" || !utf8.ValidString(c.Name):
			return errorf(BadTable, "", "a column of table %q has no name", f.Name)
		case utf16Longer(c.Name, MaxColumnName):
			return errorf(TooLong, "", "the name of a column of table %q is longer than %d characters", f.Name, MaxColumnName)
		case seen[key]:
			return errorf(BadTable, "Names of columns differ by more than case.", "table %q has two columns %q", f.Name, c.Name)
		case c.TotalsFunction != "" && !known:
			return errorf(BadTable, "", "there is no function %q for totals", c.TotalsFunction)
		case c.TotalsFunction == "custom" && c.TotalsFormula == "":
			return errorf(BadTable, "", "the totals of column %q have no formula", c.Name)
		case !utf8.ValidString(c.TotalsLabel) || utf16Longer(c.TotalsLabel, MaxText):
			return errorf(TooLong, "", "the label of the totals of column %q is too long", c.Name)
		}
		for _, text := range [...]string{c.Formula, c.TotalsFormula} {
			if text != "" {
				if err := checkFormula(text); err != nil {
					return err
				}
			}
		}
		seen[key] = true
	}
	if f.Criteria != nil {
		return checkCriteria(*f.Criteria, r)
	}
	return nil
}

// CheckTableName says what is wrong with a table's name, which is that of a defined name: letters,
// digits, underscores and dots, no cell, and not one of R and C.
func CheckTableName(name string) *Error {
	if name == "" {
		return errorf(BadTable, nameRules, "the table has no name")
	}
	if utf16Longer(name, MaxColumnName) || !utf8.ValidString(name) {
		return errorf(TooLong, nameRules, "the name of a table is longer than %d characters", MaxColumnName)
	}
	if !tableName(name) {
		return errorf(BadTable, nameRules, "%q cannot be the name of a table", name)
	}
	return nil
}

// tableName reports whether a name is one that Excel takes for a table.
func tableName(name string) bool {
	for i, r := range name {
		switch {
		case unicode.IsLetter(r), r == '_', r == '\\', i > 0 && (unicode.IsDigit(r) || r == '.' || unicode.Is(unicode.Mn, r)):
		default:
			return false
		}
	}
	if _, cells := cell.ParseRef(name); cells || strings.EqualFold(name, "TRUE") || strings.EqualFold(name, "FALSE") {
		return false
	}
	return !cell.LooksR1C1(name)
}

func (o ArrangeTables) apply(d *draft) error {
	list, err := d.next.tableList(d.ctx)
	if err != nil {
		return err
	}
	was := list
	list = slices.Clone(list)
	at := make([]int, len(o.Tables)) // in list, -1 for a new one
	for k, c := range o.Tables {
		at[k] = -1
		if c.Of != "" {
			at[k] = slices.IndexFunc(was, func(t tableState) bool { return FoldName(t.Name) == FoldName(c.Of) })
			if at[k] < 0 {
				return errorf(BadTable, "Take a name from named_ranges.", "the workbook has no table %q", c.Of)
			}
		}
	}
	gone := map[int]bool{}
	var changed []int // in list
	for k, c := range o.Tables {
		i := at[k]
		if c.To == nil {
			gone[i] = true
			continue
		}
		sheet, wrong := d.next.worksheet(c.To.Sheet)
		if wrong != nil {
			return wrong
		}
		var of tableState
		if i >= 0 {
			of = was[i]
		}
		is := c.To.state(of, sheet)
		if i >= 0 && of.Sheet != sheet {
			return errorf(BadTable, "", "table %q cannot move to another sheet", of.Name)
		}
		if !d.again && c.To.Criteria != nil {
			if err := settable(of.Filters, is.Filters); err != nil {
				return err
			}
		}
		if !d.again && of.Bound != "" && !slices.Equal(columnNames(&of.Table), columnNames(&is.Table)) {
			return bound(&of.Table, "its columns cannot change")
		}
		if i >= 0 {
			list[i] = is
		} else {
			i = len(list)
			list = append(list, is)
		}
		changed = append(changed, i)
	}
	if !d.again {
		for i := range gone {
			if t := &was[i].Table; t.Bound != "" {
				return bound(t, "it cannot become a range")
			}
		}
	}
	kept := list[:0:0]
	var from []int // in was, of those kept
	for i := range list {
		if gone[i] {
			continue
		}
		if slices.Contains(changed, i) {
			if err := d.fits(list, gone, i); err != nil {
				return err
			}
		}
		kept, from = append(kept, list[i]), append(from, i)
	}
	if slices.EqualFunc(was, kept, func(a, b tableState) bool { return a.equal(&b) }) {
		return nil
	}
	follow, err := d.followTables(was, o.Tables, at)
	if err != nil {
		return err
	}
	for i, k := range from {
		if k < len(was) {
			follow.own(&was[k], &kept[i])
		}
	}
	d.next.tables = newTableStates(kept)
	d.grew, d.scope = true, nil
	return nil
}

func bound(t *grid.Table, why string) *Error {
	return errorf(BadTable, "Change it in a spreadsheet program.", "%s knows the shape of table %q: %s", t.Bound, t.Name, why)
}

// fits reports what stands in the way of table i.
func (d *draft) fits(list []tableState, gone map[int]bool, i int) error {
	t := &list[i]
	for k := range list {
		o := &list[k]
		if k == i || gone[k] {
			continue
		}
		if FoldName(o.Name) == FoldName(t.Name) {
			return errorf(BadTable, "Choose another name.", "there is a table %q already", o.Name)
		}
		if _, meet := o.Range.Intersect(t.Range); meet && o.Sheet == t.Sheet {
			return errorf(BadTable, "Choose another place.", "table %q in %v would meet table %q in %v", t.Name, t.Range, o.Name, o.Range)
		}
	}
	if d.again {
		return nil // it fitted once, and what stands there now may come after it
	}
	for _, n := range d.next.Workbook().Names {
		if FoldName(n.Name) == FoldName(t.Name) {
			return errorf(BadTable, "Choose another name.", "there is a defined name %q already", n.Name)
		}
	}
	sheet, err := d.sheet(t.Sheet)
	if err != nil {
		return err
	}
	for _, m := range sheet.Layout.Merges {
		if x, meet := m.Intersect(t.Range); meet && (m.First != m.Last) {
			return errorf(BadTable, "Take the merge away, or choose another place.", "table %q would lie over the merged cells %v", t.Name, x)
		}
	}
	for f := range sheet.Arrays(t.Range) {
		if f.Range.First != f.Range.Last {
			return errorf(BadTable, "Write the formula outside of the table.", "table %q would lie over the array in %v", t.Name, f.Range)
		}
	}
	if f := sheet.Layout.AutoFilter; f != nil {
		if _, meet := f.Intersect(t.Range); meet {
			return errorf(BadTable, "Take the filter of the sheet away: a table has one of its own.", "table %q would lie over the filter of the sheet in %v", t.Name, *f)
		}
	}
	return nil
}

// ArrangedTables gives what makes of the tables of the source those of s; ok is false where they are.
func (s *Snapshot) ArrangedTables(ctx context.Context) (o ArrangeTables, ok bool, err error) {
	if s.tables == nil {
		return o, false, nil
	}
	was, err := s.Stored().tableList(ctx)
	if err != nil {
		return o, false, err
	}
	o = arrange(was, s.tables.list, s.Workbook())
	return o, len(o.Tables) > 0, nil
}

// arrange gives what makes of tables others, of the same source: those of it are followed by their
// number, new ones by their names.
func arrange(was, is []tableState, book *grid.Workbook) (o ArrangeTables) {
	for i := range was {
		if k := counterpart(&was[i], is); k < 0 {
			o.Tables = append(o.Tables, TableChange{Of: was[i].Name})
		}
	}
	for i := range is {
		k := counterpart(&is[i], was)
		c := TableChange{}
		f := formOf(is[i], book)
		if k < 0 {
			for n := range f.Columns {
				f.Columns[n].Was = ""
			}
		} else {
			if was[k].equal(&is[i]) {
				continue
			}
			c.Of = was[k].Name
			for n := range f.Columns { // by what the source calls it
				f.Columns[n].Was = ""
				if name := is[i].was[n]; name != "" {
					if j := slices.Index(was[k].was, name); j >= 0 {
						f.Columns[n].Was = was[k].Columns[j].Name
					}
				} else if j := was[k].column(is[i].Columns[n].Name); j >= 0 && was[k].was[j] == "" {
					f.Columns[n].Was = was[k].Columns[j].Name
				}
			}
		}
		if k >= 0 && len(was[k].Filters) > 0 || len(is[i].Filters) > 0 {
			list := append([]grid.FilterColumn{}, is[i].Filters...) // no null, which would leave those that there are
			f.Criteria = &list
		}
		c.To = &f
		o.Tables = append(o.Tables, c)
	}
	return o
}

// counterpart finds a table in another version of the same source, -1 where there is none.
func counterpart(t *tableState, list []tableState) int {
	return slices.IndexFunc(list, func(o tableState) bool {
		return o.from == t.from && (t.from > 0 || FoldName(o.Name) == FoldName(t.Name))
	})
}
