package fn

import (
	"gridflow/internal/cell"
)

var databaseFunctions = []Function{
	{Name: "DAVERAGE", Category: Database, Params: "range range range", Since: 2007, Eval: fromRecords(average)},
	{Name: "DCOUNT", Category: Database, Params: "range range range", Since: 2007, Eval: dCount(func(k cell.Kind) bool { return k == cell.Number })},
	{Name: "DCOUNTA", Category: Database, Params: "range range range", Since: 2007, Eval: dCount(func(k cell.Kind) bool { return k != cell.Blank })},
	{Name: "DGET", Category: Database, Params: "range range range", Since: 2007, Eval: dGet},
	{Name: "DMAX", Category: Database, Params: "range range range", Since: 2007, Eval: fromRecords(greatestOf)},
	{Name: "DMIN", Category: Database, Params: "range range range", Since: 2007, Eval: fromRecords(leastOf)},
	{Name: "DPRODUCT", Category: Database, Params: "range range range", Since: 2007, Eval: fromRecords(productOf)},
	{Name: "DSTDEV", Category: Database, Params: "range range range", Since: 2007, Eval: fromRecords(deviation)},
	{Name: "DSTDEVP", Category: Database, Params: "range range range", Since: 2007, Eval: fromRecords(deviationP)},
	{Name: "DSUM", Category: Database, Params: "range range range", Since: 2007, Eval: fromRecords(totalOf)},
	{Name: "DVAR", Category: Database, Params: "range range range", Since: 2007, Eval: fromRecords(variance)},
	{Name: "DVARP", Category: Database, Params: "range range range", Since: 2007, Eval: fromRecords(varianceP)},
}

func productOf(_ *Context, each numbers) Value {
	p, any := 1.0, false
	if e := each(func(x float64) { p, any = p*x, true }); e != 0 {
		return Err(e)
	}
	if !any {
		p = 0
	}
	return Num(p)
}

func totalOf(_ *Context, each numbers) Value {
	sum := 0.0
	e := each(func(x float64) { sum += x })
	return valueOr(sum, e)
}

// records are the rows of a database that meet its criteria.
type records struct {
	database *Array
	field    int   // the column that is asked for, -1 for none
	rows     []int // of the database, its header being row 0
}

// condition is one cell of a criteria range: a column and what it has to be.
type condition struct {
	col       int
	criterion *Criterion
}

const databaseLayout = "the database has to be a range with names in its first row, and the criteria a range with some of them"

// records finds the rows of a[0] that meet the criteria in a[2]: all conditions of one of
// its rows. What stands there below a name that the database does not have, or below none,
// is true or false for all records. optional says that the field may be left out.
func (c *Context) records(a Args, optional bool) (r records, code cell.ErrorCode) {
	if a[0].Ref() == nil || a[2].Ref() == nil {
		c.Fail(cell.ErrValue, databaseLayout)
		return r, cell.ErrValue
	}
	if r.database, code = c.Matrix(a[0]); code != 0 {
		return r, code
	}
	criteria, code := c.Matrix(a[2])
	if code != 0 {
		return r, code
	}
	if criteria.Rows < 2 || r.database.Rows < 2 {
		c.Fail(cell.ErrValue, databaseLayout)
		return r, cell.ErrValue
	}
	if r.field, code = c.field(r.database, a[1], optional); code != 0 {
		return r, code
	}
	var any [][]condition
	for row := 1; row < criteria.Rows; row++ {
		var all []condition
		never := false
		for col := range criteria.Cols {
			v := criteria.At(row, col)
			if v.IsBlank() {
				continue
			}
			i := columnNamed(r.database, criteria.At(0, col))
			if i >= 0 {
				all = append(all, condition{i, ParseFilter(v, c.Dates)})
			} else if v.Number() == 0 { // texts and errors too
				never = true
			}
		}
		if !never {
			any = append(any, all)
		}
	}
	for row := 1; row < r.database.Rows; row++ {
		if row%1024 == 0 && c.Stop() {
			break
		}
		for _, all := range any {
			if r.meets(row, all) {
				r.rows = append(r.rows, row)
				break
			}
		}
	}
	return r, 0
}

func (r *records) meets(row int, all []condition) bool {
	for _, k := range all {
		if !k.criterion.Match(r.database.At(row, k.col)) {
			return false
		}
	}
	return true
}

// field finds the column that a function is asked about, by its name or its number.
func (c *Context) field(database *Array, v Value, optional bool) (int, cell.ErrorCode) {
	if v.IsOmitted() && optional {
		return -1, 0
	}
	if r := v.Ref(); r != nil {
		v = c.Fetch(r)
	}
	switch x := c.Single(v); x.Kind() {
	case cell.Error:
		return 0, x.Err()
	case cell.Number, cell.Bool:
		if i := int(x.Number()); i >= 1 && i <= database.Cols {
			return i - 1, 0
		}
	case cell.Text:
		if i := columnNamed(database, x); i >= 0 {
			return i, 0
		}
	case cell.Blank:
		if optional {
			return -1, 0
		}
	}
	c.Fail(cell.ErrValue, "the database has no such column")
	return 0, cell.ErrValue
}

// columnNamed gives the first column that has that name in the first row, or -1. Names are
// compared as texts: TRUE is the name true.
func columnNamed(database *Array, name cell.Value) int {
	text, e := ToText(name)
	if text == "" || e != 0 {
		return -1
	}
	for i := range database.Cols {
		if h, e := ToText(database.At(0, i)); e == 0 && EqualText(h, text) {
			return i
		}
	}
	return -1
}

// fromRecords makes a function of the numbers that a column has in the records found.
func fromRecords(f func(*Context, numbers) Value) func(*Context, Args) Value {
	return func(c *Context, a Args) Value {
		r, e := c.records(a, false)
		if e != 0 {
			return Err(e)
		}
		return f(c, func(g func(float64)) cell.ErrorCode {
			for _, row := range r.rows {
				switch v := r.database.At(row, r.field); v.Kind() {
				case cell.Number:
					g(v.Number())
				case cell.Error:
					return v.Err()
				}
			}
			return 0
		})
	}
}

// dCount makes a function that counts values of some kinds, or records where no column is
// named.
func dCount(counts func(cell.Kind) bool) func(*Context, Args) Value {
	return func(c *Context, a Args) Value {
		r, e := c.records(a, true)
		if e != 0 {
			return Err(e)
		}
		n := 0
		for _, row := range r.rows {
			if r.field < 0 || counts(r.database.At(row, r.field).Kind()) {
				n++
			}
		}
		return Num(float64(n))
	}
}

func dGet(c *Context, a Args) Value {
	r, e := c.records(a, false)
	if e != 0 {
		return Err(e)
	}
	switch len(r.rows) {
	case 0:
		return c.Fail(cell.ErrValue, "no record meets the criteria")
	case 1:
		return Scalar(r.database.At(r.rows[0], r.field))
	}
	return c.Fail(cell.ErrNum, "more than one record meets the criteria")
}
