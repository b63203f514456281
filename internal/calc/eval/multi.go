package eval

import (
	"slices"

	"gridflow/internal/calc/fn"
	"gridflow/internal/cell"
	"gridflow/internal/formula"
)

// bound is a name that LET or LAMBDA bound.
type bound struct {
	name string
	many bool // what LET bound it to is more than one value: see multi
}

// multi reports whether an expression may give more than one value where arrays are on, by its form: a formula of
// which that is so becomes a dynamic array when it is typed. Excel takes it for so where a function is called that a
// formula made, where INDIRECT tells what is read, and with every name that it does not know; not where OFFSET gives
// as many cells as it is given. An index in a cell is taken for one that is not 0. Of names that refer to names only the first
// few are followed.
func multi(e expr, depth int) bool {
	if depth > 32 {
		return false
	}
	any := func(list ...expr) bool {
		return slices.ContainsFunc(list, func(e expr) bool { return e != nil && multi(e, depth+1) })
	}
	switch e := e.(type) {
	case *constant:
		a := e.v.Array()
		return a != nil && len(a.Cells) > 1
	case *failed:
		return e.unknown
	case *local:
		return e.many
	case *area:
		return e.first != e.end || e.sheet != e.last
	case *thisRow:
		return e.first != e.last
	case *join, *spilled, *invocation:
		return true
	case *named:
		return any(e.body.root)
	case *unary:
		return any(e.x)
	case *binary:
		return any(e.l, e.r)
	case *call:
		return e.multi(depth + 1)
	case *branch:
		return any(e.cond, e.yes, e.no)
	case *rescue:
		return any(e.x, e.alt)
	case *pick:
		return any(e.index) || any(e.among...)
	case *cases:
		return any(e.subject) || any(e.when...) || any(e.then...) || any(e.other)
	case *let:
		return any(e.body)
	}
	return false
}

// multi is what a call gives. A single value that a function is to be given makes as many results as it is values itself; what
// else it does with more of them is its own.
func (c *call) multi(depth int) bool {
	for i, x := range c.args {
		switch shape := c.f.Takes().Shape(i); {
		case shape == fn.ShapeReal && reference(x, depth): // is refused
		case shape <= fn.ShapeRaw && multi(x, depth), c.f.EachRef && references(x, depth):
			return true
		}
	}
	arg := func(i int) expr {
		if i < len(c.args) {
			return c.args[i]
		}
		return nil
	}
	many := func(i int) bool { return arg(i) != nil && multi(arg(i), depth) }
	none := func(i int) bool { return isNumber(arg(i), 0) }
	if ofPlaces[c.f.Name] && many(1) {
		return true
	}
	switch c.f.Name {
	case "INDIRECT", "FILTERXML", "REDUCE":
		return true
	case "OFFSET":
		return many(0) || !isNumber(arg(3), 1) || !isNumber(arg(4), 1)
	case "INDEX":
		tall, broad := sides(arg(0), depth)
		if len(c.args) == 2 { // of one row or one column it counts the cells
			return tall && broad || none(1) && (tall || broad)
		}
		return none(1) && tall || none(2) && broad
	case "XLOOKUP":
		tall, broad := sides(arg(2), depth)
		return tall && broad || many(3)
	case "ROW", "COLUMN", "ISFORMULA", "FORMULATEXT":
		return many(0)
	case "N", "T":
		return many(0) && !reference(arg(0), depth)
	case "REGEXEXTRACT":
		return !none(2)
	}
	return formula.ArrayFunction(c.f.Name)
}

// references reports whether an expression may give an array of references.
func references(e expr, depth int) bool {
	switch e := e.(type) {
	case *call:
		if e.f.GivesRefs {
			for i, x := range e.args {
				if e.f.Takes().Shape(i) <= fn.ShapeRaw && multi(x, depth) {
					return true
				}
			}
		}
	case *named:
		return depth <= 32 && references(e.body.root, depth+1)
	}
	return false
}

// ofPlaces are the functions whose second argument is a place among the numbers of the first. It may be an array of places
// where arrays are off, too; a range is cut to one cell then.
var ofPlaces = map[string]bool{
	"LARGE": true, "SMALL": true, "PERCENTILE": true, "PERCENTILE.EXC": true, "PERCENTILE.INC": true,
	"QUARTILE": true, "QUARTILE.EXC": true, "QUARTILE.INC": true,
}

// isNumber reports whether an argument is left out, or written out as a number.
func isNumber(e expr, f float64) bool {
	var v fn.Value
	switch e := e.(type) {
	case nil:
		return true
	case *constant:
		v = e.v
	case *parameter:
		v = e.v
	default:
		return false
	}
	return v.IsOmitted() || v.Array() == nil && v.Scalar() == cell.NumberValue(f)
}

// sides reports whether an expression may give several rows, and several columns.
func sides(e expr, depth int) (tall, broad bool) {
	switch e := e.(type) {
	case *constant:
		if a := e.v.Array(); a != nil {
			return a.Rows > 1, a.Cols > 1
		}
	case *area:
		return e.first.Row != e.end.Row, e.first.Col != e.end.Col
	case *thisRow:
		return false, e.first != e.last
	case *named:
		if depth <= 32 {
			return sides(e.body.root, depth+1)
		}
	}
	many := e != nil && multi(e, depth)
	return many, many
}

// reference reports whether an expression is one reference as it stands.
func reference(e expr, depth int) bool {
	switch e := e.(type) {
	case *one, *area, *thisRow, *join, *spilled:
		return true
	case *named:
		return depth <= 32 && reference(e.body.root, depth+1)
	}
	return false
}
