package tools

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/grid"
)

// tableEdit is a change of a table with what becomes of its cells by it.
type tableEdit struct {
	b     *batch
	of    string // its name before, "" for a new one
	was   *grid.Table
	form  book.TableForm
	sheet int
	cells []book.CellEdit
	// formulas are written when the table is as it will be: they may name what comes with it.
	formulas []book.CellEdit
}

func (b *batch) tableEdit(t *grid.Table) *tableEdit {
	return &tableEdit{b: b, of: t.Name, was: t, form: b.snap.TableForm(t), sheet: t.Sheet}
}

// done makes the change: cells, then the table, then formulas.
func (e *tableEdit) done() error {
	var ops []book.Op
	if len(e.cells) > 0 {
		ops = append(ops, book.SetCells{Sheet: e.form.Sheet, Cells: e.cells})
	}
	ops = append(ops, book.ArrangeTables{Tables: []book.TableChange{{Of: e.of, To: &e.form}}})
	if e.was != nil && !e.form.Filter {
		shown, err := e.b.unfiltered(e.was)
		if err != nil {
			return err
		}
		ops = append(ops, shown...)
	}
	if err := e.b.do(ops...); err != nil || len(e.formulas) == 0 {
		return err
	}
	cells := e.b.editor(e.sheet)
	for _, c := range e.formulas {
		cells.set(e.sheet, c)
	}
	return e.b.take(cells)
}

// cellsNow gives the cells of the table as it is to be.
func (e *tableEdit) cellsNow() cell.Range {
	r, _ := cell.ParseRange(e.form.Range)
	return r
}

// data gives the rows of data of the table as it is to be.
func (e *tableEdit) data() cell.Range {
	r := e.cellsNow()
	if e.form.Header {
		r.First.Row++
	}
	if e.form.Totals {
		r.Last.Row--
	}
	return r
}

// createTable makes a table of a range.
func (b *batch) createTable(op *tableOp) (string, error) {
	switch {
	case op.Sheet == "":
		return "", invalid("list_sheets has their names", "sheet_name is missing")
	case op.Range == "":
		return "", invalid(`Example: "range":"A1:D20"`, "range is missing")
	case op.Table != "" && op.NewName != "" && !strings.EqualFold(strings.TrimSpace(op.Table), strings.TrimSpace(op.NewName)):
		return "", invalid("Give one of them", "table_name and new_name are different names for one new table")
	}
	index, err := sheetNamed(b.snap, op.Sheet)
	if err != nil {
		return "", err
	}
	a, err := oneArea(b.ctx, b.snap, index, op.Range)
	if err != nil {
		return "", err
	}
	r, err := b.withData(a.sheet, a.rng)
	if err != nil {
		return "", err
	}
	header := orElse(op.Header, true)
	e := &tableEdit{b: b, sheet: a.sheet}
	e.form = book.TableForm{
		Name: strings.TrimSpace(cmp.Or(op.Table, op.NewName)), Sheet: b.snap.Workbook().Sheets[a.sheet].Name, Header: header, Filter: header,
		Style: "TableStyleMedium2", RowStripes: true,
	}
	if e.form.Name == "" {
		if e.form.Name, err = b.freeTableName(); err != nil {
			return "", err
		}
	}
	if header && r.Rows() == 1 { // a table has a row of data, if only an empty one
		r.Last.Row++
		if err := e.blank(cell.Range{First: cell.Ref{Row: r.Last.Row, Col: r.First.Col}, Last: r.Last}, "the table needs a row below its header"); err != nil {
			return "", err
		}
	}
	e.form.Range = r.String()
	if r.WholeColumns() || r.WholeRows() || r.Cols() > cell.MaxCols {
		return "", fail(codeRangeInvalid, "Name its first and last cell", "%q is no place for a table", clip(op.Range, 64))
	}
	e.form.Columns = make([]book.TableFormColumn, r.Cols())
	if err := e.headers(0, r.Cols()-1); err != nil {
		return "", err
	}
	e.style(op)
	return e.form.Name, e.done()
}

// freeTableName gives a name that nothing has: Table1, Table2 and so on.
func (b *batch) freeTableName() (string, error) {
	names, err := namesOf(b.ctx, b.snap)
	if err != nil {
		return "", err
	}
	for i := 1; ; i++ {
		name := "Table" + strconv.Itoa(i)
		if !slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) }) {
			return name, nil
		}
	}
}

// blank refuses where cells are filled.
func (e *tableEdit) blank(r cell.Range, why string) error {
	if r.Last.Row >= cell.MaxRows {
		return fail(codeRangeInvalid, "", "%s, and the sheet ends there", why)
	}
	sheet, err := e.b.snap.Sheet(e.b.ctx, e.sheet)
	if err != nil {
		return err
	}
	for c := range sheet.Cells(r) {
		if !c.Empty() {
			return fail(codeRangeInvalid, "Make room there first", "%s, and %v is filled", why, c.Ref)
		}
	}
	return nil
}

// headers names the columns from first to last of the table after its header cells, and has these say
// what the columns are called: a text each, and each another one.
func (e *tableEdit) headers(first, last int) error {
	sheet, err := e.b.snap.Sheet(e.b.ctx, e.sheet)
	if err != nil {
		return err
	}
	words := valuesOf(e.b.snap)
	r := e.cellsNow()
	taken := map[string]bool{}
	for i := range e.form.Columns {
		if name := e.form.Columns[i].Name; name != "" {
			taken[book.FoldName(name)] = true
		}
	}
	for i := first; i <= last; i++ {
		at := cell.Ref{Row: r.First.Row, Col: r.First.Col + i}
		name, c, has := "", grid.Cell{}, false
		if e.form.Header {
			if c, has = sheet.At(at); has && !c.Value.IsBlank() {
				name = string(words.styles.Format(c.Style).Append(nil, c.Value, words.dates))
				if c.Value.Kind() == cell.Text {
					name = c.Value.Text()
				}
			}
		}
		words := name
		name = columnName(words, i, taken)
		e.form.Columns[i].Name = name
		if !e.form.Header || has && !c.HasFormula() && c.Value.Kind() == cell.Text && c.Value.Text() == name {
			continue
		}
		e.cells = append(e.cells, book.CellEdit{Ref: at, Value: cell.TextValue(name)})
		e.b.warn("%s", headerText(at, words, name))
	}
	return nil
}

// columnName gives column i of a table a name after the text that its header shows, one that none of those taken is,
// and takes it: Excel numbers headers that are blank or alike.
func columnName(words string, i int, taken map[string]bool) string {
	if words == "" {
		words = "Column" + strconv.Itoa(i+1)
	}
	words = cut(words, book.MaxColumnName)
	name := words
	for n := 2; taken[book.FoldName(name)]; n++ {
		name = cut(words, book.MaxColumnName-len(strconv.Itoa(n))) + strconv.Itoa(n)
	}
	taken[book.FoldName(name)] = true
	return name
}

// headerText says why a header that would show words has another text.
func headerText(at cell.Ref, words, name string) string {
	switch {
	case words == "":
		return fmt.Sprintf("WARN_TABLE_HEADER: %v was blank and is now %q: every column has a header", at, clip(name, 40))
	case words != name:
		return fmt.Sprintf("WARN_TABLE_HEADER: %v is now %q: headers differ", at, clip(name, 40))
	}
	return fmt.Sprintf("WARN_TABLE_HEADER: %v is now the text %q: headers are texts", at, clip(name, 40))
}

// cut gives as much of s as n UTF-16 code units hold.
func cut(s string, n int) string {
	for i, r := range s {
		if n--; r >= 0x10000 {
			n--
		}
		if n < 0 {
			return s[:i]
		}
	}
	return s
}

// column finds a column of the table by its header.
func (e *tableEdit) column(name string) (int, error) {
	if name == "" {
		return 0, invalid("", "column is missing")
	}
	names := make([]string, len(e.form.Columns))
	for i := range e.form.Columns {
		names[i] = e.form.Columns[i].Name
	}
	i := slices.Index(names, name)
	if i < 0 {
		i = slices.IndexFunc(names, func(n string) bool { return strings.EqualFold(n, strings.TrimSpace(name)) })
	}
	if i < 0 {
		return 0, fail(codeColumnNotFound, suggest("columns", name, names), "table %q has no column %q", clip(e.form.Name, 64), clip(name, 64))
	}
	return i, nil
}

// resize gives the table other cells. Its header stays in its row.
func (e *tableEdit) resize(text string) error {
	if text == "" {
		return invalid(`Example: "range":"A1:D20"`, "range is missing")
	}
	a, err := oneArea(e.b.ctx, e.b.snap, e.sheet, text)
	if err != nil {
		return err
	}
	was, is := e.was.Range, a.rng
	switch _, meet := was.Intersect(is); {
	case a.sheet != e.sheet:
		return fail(codeRangeInvalid, "Create another one there", "table %q stays on its sheet", clip(e.form.Name, 64))
	case !meet:
		return fail(codeRangeInvalid, "Create another one there", "%s has no cell of table %q, which is %s", is, clip(e.form.Name, 64), was)
	case e.form.Header && is.First.Row != was.First.Row:
		return fail(codeRangeInvalid, "Let the range begin there", "the header of table %q stays in row %d", clip(e.form.Name, 64), was.First.Row+1)
	}
	e.form.Range = is.String()
	old := e.form.Columns
	e.form.Columns = make([]book.TableFormColumn, is.Cols())
	var fresh []int
	for i := range e.form.Columns {
		if k := is.First.Col + i - was.First.Col; k >= 0 && k < len(old) {
			e.form.Columns[i] = old[k]
			// The column's formula is one for the first row of the data, which is another one where no header keeps it.
			of := cell.Ref{Row: was.First.Row, Col: was.First.Col + k}
			if text, err := formula.ShiftText(old[k].Formula, of, cell.Ref{Row: is.First.Row, Col: of.Col}); err == nil {
				e.form.Columns[i].Formula = text
			}
		} else {
			fresh = append(fresh, i)
		}
	}
	for _, i := range fresh {
		if err := e.headers(i, i); err != nil {
			return err
		}
	}
	if e.form.Totals {
		if err := e.moveTotals(was, is); err != nil {
			return err
		}
	}
	return e.fillColumns(was, is)
}

// moveTotals takes the totals of a table to where it ends now.
func (e *tableEdit) moveTotals(was, is cell.Range) error {
	row := func(r cell.Range, n int) cell.Range {
		return cell.Range{First: cell.Ref{Row: n, Col: r.First.Col}, Last: cell.Ref{Row: n, Col: r.Last.Col}}
	}
	if was == is {
		return nil
	}
	if was.Last.Row != is.Last.Row {
		if err := e.blank(row(is, is.Last.Row), "the totals move to row "+strconv.Itoa(is.Last.Row+1)); err != nil {
			return err
		}
	}
	e.clear(row(was, was.Last.Row))
	for i := range e.form.Columns {
		if err := e.total(i); err != nil {
			return err
		}
	}
	return nil
}

func (e *tableEdit) clear(r cell.Range) {
	for col := r.First.Col; col <= r.Last.Col; col++ {
		e.cells = append(e.cells, book.CellEdit{Ref: cell.Ref{Row: r.First.Row, Col: col}, Clear: true})
	}
}

// fillColumns lets calculated columns go on over rows that came to the table.
func (e *tableEdit) fillColumns(was, is cell.Range) error {
	sheet, err := e.b.snap.Sheet(e.b.ctx, e.sheet)
	if err != nil {
		return err
	}
	last := was.Last.Row
	if e.form.Totals {
		last--
	}
	for _, c := range continued(sheet, e.was, last, last+1, e.data().Last.Row) {
		at, ok := sheet.At(c.Ref)
		if is.Contains(c.Ref) && (!ok || at.Empty() || e.form.Totals && c.Ref.Row == was.Last.Row) {
			e.formulas = append(e.formulas, c)
		}
	}
	return nil
}

// columnFormula makes a column a calculated one.
func (e *tableEdit) columnFormula(name, text string) error {
	i, err := e.column(name)
	if err != nil {
		return err
	}
	text = strings.TrimPrefix(strings.TrimSpace(text), "=")
	if text == "" {
		e.form.Columns[i].Formula = ""
		return nil
	}
	stored, err := formula.Scope{Table: e.form.Name}.Stored(text)
	if err != nil {
		return badFormulaOf(text, err)
	}
	if tree, err := formula.Parse(stored); err == nil && tree.Spills() {
		return fail("BAD_FORMULA", "Write it for one row, as in [@Column]", "the formula gives several values, and a cell of a table holds one: =%s", clip(text, 200))
	}
	e.form.Columns[i].Formula = stored
	data := e.data()
	first := cell.Ref{Row: data.First.Row, Col: data.First.Col + i}
	for row := data.First.Row; row <= data.Last.Row; row++ {
		ref := cell.Ref{Row: row, Col: first.Col}
		shifted, err := formula.ShiftText(stored, first, ref)
		if err != nil {
			return badFormulaOf(text, err)
		}
		e.formulas = append(e.formulas, book.CellEdit{Ref: ref, HasFormula: true, Formula: shifted})
	}
	return nil
}

func badFormulaOf(text string, err error) error {
	return fail("BAD_FORMULA", "", "%v: =%s", err, clip(text, 200))
}

// renameColumn gives a column another header.
func (e *tableEdit) renameColumn(name, to string) error {
	i, err := e.column(name)
	if err != nil {
		return err
	}
	if to == "" {
		return invalid("", "new_name is missing")
	}
	e.form.Columns[i].Name = to
	if e.form.Header {
		at := e.cellsNow().First
		at.Col += i
		e.cells = append(e.cells, book.CellEdit{Ref: at, Value: cell.TextValue(to)})
		charts, err := chartsOf(e.b.ctx, e.b.snap)
		if err != nil {
			return err
		}
		for _, chart := range namedBy(e.b.ctx, e.b.snap, charts, e.sheet, at) {
			e.b.warn(chartNameText, chart, at)
		}
	}
	return nil
}

// totalsWords are what callers call the functions of totals.
var totalsWords = map[string]string{"sum": "sum", "average": "average", "count": "count", "count_numbers": "countNums", "min": "min", "max": "max", "std_dev": "stdDev", "var": "var", "none": ""}

// totals gives the table a row of totals, says what stands in it, or takes it away.
func (e *tableEdit) totals(show bool, list []totalOp) error {
	r := e.cellsNow()
	if !show {
		if len(list) > 0 {
			return invalid("Leave them out", "there are totals, and no row for them")
		}
		if !e.form.Totals {
			e.b.warn("WARN_NO_TOTALS: table %q has no totals row", clip(e.form.Name, 64))
			return nil
		}
		e.clear(cell.Range{First: cell.Ref{Row: r.Last.Row, Col: r.First.Col}, Last: r.Last})
		r.Last.Row--
		e.form.Range, e.form.Totals = r.String(), false
		return nil
	}
	fresh := !e.form.Totals
	if fresh {
		r.Last.Row++
		row := cell.Range{First: cell.Ref{Row: r.Last.Row, Col: r.First.Col}, Last: r.Last}
		if err := e.blank(row, "the totals need row "+strconv.Itoa(r.Last.Row+1)); err != nil {
			return err
		}
		e.form.Range, e.form.Totals = r.String(), true
	}
	said := false
	for i := range e.form.Columns {
		c := &e.form.Columns[i]
		said = said || c.TotalsFunction != "" || c.TotalsLabel != ""
	}
	if fresh && len(list) == 0 && !said {
		if err := e.usualTotals(); err != nil {
			return err
		}
	}
	named := map[int]bool{}
	for k := range list {
		i, err := e.column(list[k].Column)
		if err != nil {
			return err
		}
		if named[i] {
			return invalid("Give each column once", "column %q has two totals", clip(list[k].Column, 64))
		}
		named[i] = true
		if err := e.sayTotal(i, &list[k]); err != nil {
			return err
		}
	}
	for i := range e.form.Columns {
		if fresh || named[i] {
			if err := e.total(i); err != nil {
				return err
			}
		}
	}
	return nil
}

// usualTotals are those that Excel gives a table: a label, and of the last column the sum, or the number
// of what is in it where it has texts.
func (e *tableEdit) usualTotals() error {
	sheet, err := e.b.snap.Sheet(e.b.ctx, e.sheet)
	if err != nil {
		return err
	}
	last := len(e.form.Columns) - 1
	data := e.data()
	e.form.Columns[last].TotalsFunction = "sum"
	for c := range sheet.Column(data.Last.Col, data.First.Row, data.Last.Row) {
		if c.Value.Kind() == cell.Text {
			e.form.Columns[last].TotalsFunction = "count"
		}
	}
	if last > 0 {
		e.form.Columns[0].TotalsLabel = "Total"
	}
	return nil
}

// sayTotal notes what the totals of a column are.
func (e *tableEdit) sayTotal(i int, op *totalOp) error {
	given := 0
	for _, is := range []bool{op.Function != "", op.Label != "", op.Formula != ""} {
		if is {
			given++
		}
	}
	if given != 1 {
		return invalid(`Example: {"column":"Net","function":"sum"}`, "column %q needs one of function, label and formula", clip(op.Column, 64))
	}
	c := &e.form.Columns[i]
	c.TotalsLabel, c.TotalsFunction, c.TotalsFormula = op.Label, totalsWords[op.Function], ""
	if op.Formula != "" {
		text := strings.TrimPrefix(strings.TrimSpace(op.Formula), "=")
		stored, err := formula.Scope{Table: e.form.Name}.Stored(text)
		if err != nil {
			return badFormulaOf(text, err)
		}
		c.TotalsFunction, c.TotalsFormula = "custom", stored
	}
	return nil
}

// total writes the cell of a column's totals.
func (e *tableEdit) total(i int) error {
	c := &e.form.Columns[i]
	r := e.cellsNow()
	edit := book.CellEdit{Ref: cell.Ref{Row: r.Last.Row, Col: r.First.Col + i}}
	switch n := book.TotalsFunctions[c.TotalsFunction]; {
	case c.TotalsFunction == "custom":
		edit.HasFormula, edit.Formula = true, c.TotalsFormula
	case c.TotalsFunction != "":
		edit.HasFormula, edit.Formula = true, totalsFormula(n, e.form.Name, c.Name)
	case c.TotalsLabel != "":
		edit.Value = cell.TextValue(c.TotalsLabel)
	default:
		edit.Clear = true
	}
	if !edit.HasFormula {
		e.cells = append(e.cells, edit)
		return nil
	}
	if !strings.HasPrefix(c.TotalsFunction, "count") { // a sum of amounts looks like them
		sheet, err := e.b.snap.Sheet(e.b.ctx, e.sheet)
		if err != nil {
			return err
		}
		if above, ok := sheet.At(cell.Ref{Row: e.data().Last.Row, Col: edit.Ref.Col}); ok {
			e.b.editor(e.sheet).formatOf(&edit, above)
		}
	}
	e.formulas = append(e.formulas, edit)
	return nil
}

// totalsFormula is what a cell of a totals row has of a function that SUBTOTAL has by this number.
func totalsFormula(n int, table, column string) string {
	return fmt.Sprintf("SUBTOTAL(%d,%s)", n, columnReference(table, column))
}

// columnReference writes the cells of a table's column as formulas do.
func columnReference(table, column string) string {
	tree, err := formula.Parse("T[c]")
	if err != nil {
		panic(err) // it is a formula
	}
	return tree.Rewrite(func(r formula.Reference) formula.Reference {
		r.Name = table
		return r.WithTable(0, column, column)
	}).String()
}
