package fn

import (
	"math"

	"gridflow/internal/cell"
)

var subtotalFunctions = []Function{
	{Name: "AGGREGATE", Category: Math, Params: "num num array array*", Since: 2010, Errors: true, Eval: aggregate},
	{Name: "SUBTOTAL", Category: Math, Params: "num ref...", Since: 2007, EachRef: true, Eval: subtotal},
}

// subtotalOf are the functions of SUBTOTAL and AGGREGATE by number, from 1; those from 14 on take
// one array and a number.
var subtotalOf = [...]string{
	"AVERAGE", "COUNT", "COUNTA", "MAX", "MIN", "PRODUCT", "STDEV.S", "STDEV.P", "SUM", "VAR.S", "VAR.P",
	"MEDIAN", "MODE.SNGL", "LARGE", "SMALL", "PERCENTILE.INC", "QUARTILE.INC", "PERCENTILE.EXC", "QUARTILE.EXC",
}

const (
	subtotals  = 11  // functions of SUBTOTAL
	withArrays = 14  // the first that takes an array and a number
	visible    = 100 // added to a number of SUBTOTAL to leave out hidden rows
)

// leaveOut says what SUBTOTAL and AGGREGATE pass over.
type leaveOut struct{ hidden, filtered, errors, nested bool }

// subtotal aggregates ranges without the rows that a filter hides and without other subtotals.
func subtotal(c *Context, a Args) Value {
	n := math.Trunc(a[0].Number())
	out := leaveOut{filtered: true, nested: true}
	if n > visible {
		out.hidden, n = true, n-visible
	}
	if n < 1 || n > subtotals {
		return c.Fail(cell.ErrValue, "SUBTOTAL has the functions 1 to 11 and 101 to 111")
	}
	return c.aggregate(subtotalOf[int(n)-1], out, a[1:])
}

// aggregate is SUBTOTAL with more functions and a choice of what it passes over.
func aggregate(c *Context, a Args) Value {
	n, option := math.Trunc(a[0].Number()), math.Trunc(a[1].Number())
	if n < 1 || n > float64(len(subtotalOf)) || option < 0 || option > 7 {
		return c.Fail(cell.ErrValue, "AGGREGATE has the functions 1 to 19 and the options 0 to 7")
	}
	o := int(option)
	// nested ones count for the options 4 to 7, hidden rows for those without the lowest bit,
	// errors for 0, 1, 4 and 5
	out := leaveOut{hidden: o&1 != 0, filtered: o&1 != 0, errors: o&2 != 0, nested: o < 4}
	name := subtotalOf[int(n)-1]
	if n < withArrays {
		for _, v := range a[2:] {
			if v.Ref() == nil {
				if v.Err() != 0 {
					return v
				}
				return c.Fail(cell.ErrValue, "this function of AGGREGATE takes ranges only")
			}
		}
		return c.aggregate(name, out, a[2:])
	}
	if len(a) != 4 {
		return c.Fail(cell.ErrValue, "this function of AGGREGATE takes one array and a number")
	}
	if a[3].IsOmitted() {
		a[3] = Num(0)
	}
	return c.aggregate(name, out, a[2:3], a[3])
}

// aggregate calls a function with what is left of values, and with more arguments.
func (c *Context) aggregate(name string, out leaveOut, values Args, more ...Value) Value {
	f := Find(name)
	if f == nil {
		return c.Fail(cell.ErrValue, name+" is missing")
	}
	var args []Value
	for _, v := range values {
		left, e := c.remaining(v, out)
		if e != 0 {
			return Err(e)
		}
		args = append(args, left...)
	}
	if len(args) == 0 && name == "COUNTA" {
		return Num(0)
	}
	if len(args) == 0 { // a blank in an array counts for nothing
		args = []Value{Of(NewArray(1, 1))}
	}
	return Apply(c, f, append(args, more...))
}

// remaining gives what is left of v: v itself, if nothing is, or an array of it.
func (c *Context) remaining(v Value, out leaveOut) ([]Value, cell.ErrorCode) {
	var left []cell.Value
	keep := func(x cell.Value) bool {
		if x.Kind() == cell.Error && out.errors {
			return true
		}
		left = append(left, x)
		return len(left) < MaxElements
	}
	r := v.Ref()
	if r == nil {
		if !out.errors {
			return []Value{v}, 0
		}
		c.Each(v, func(x cell.Value, _ bool) bool { return keep(x) })
	} else {
		if r.Across {
			return nil, cell.ErrValue
		}
		for _, a := range r.Areas {
			c.Book.Runs(a, func(run *Run) bool {
				for i, k := range run.Kinds {
					if k == cell.Blank {
						continue
					}
					at := cell.Ref{Row: run.Row + i, Col: run.Col}
					if out.hidden || out.filtered {
						hidden, byFilter := c.Book.RowHidden(a.Sheet, at.Row)
						if hidden && (out.hidden || byFilter) {
							continue
						}
					}
					if out.nested && c.Book.Subtotal(a.Sheet, at) {
						continue
					}
					if !keep(run.At(i)) {
						return false
					}
				}
				return !c.Stop()
			})
		}
	}
	if len(left) == 0 {
		return nil, 0
	}
	return []Value{Of(Column(left))}, 0
}
