package fn

import (
	"slices"

	"gridflow/internal/cell"
)

// The functions that summarize a table by the values of some of its columns.
var groupFunctions = []Function{
	{Name: "GROUPBY", Category: Lookup, Params: "array array fn opt? opt? array? array? opt?", Since: 2024, Eval: groupBy},
	{Name: "PERCENTOF", Category: Math, Params: "range range", Since: 2024, Eval: percentOf},
	{Name: "PIVOTBY", Category: Lookup, Params: "array array array fn opt? opt? array? opt? array? array? opt?", Since: 2024, Eval: pivotBy},
}

func percentOf(c *Context, a Args) Value {
	var sums [2]float64
	for i := range sums {
		if e := c.Numbers(a[i:i+1], func(x float64) { sums[i] += x }); e != 0 {
			return Err(e)
		}
	}
	if sums[1] == 0 {
		return c.Fail(cell.ErrDiv0, "the whole is 0")
	}
	return Num(sums[0] / sums[1])
}

// grouping is what GROUPBY and PIVOTBY summarize: the rows that pass the filter, without
// those of headers.
type grouping struct {
	c       *Context
	values  *Array
	f       *Lambda
	args    int   // how many f takes: with two it is told the whole, too
	rows    []int // of values
	headers bool  // row 0 is one of headers
	show    bool  // headers are in the result
	bad     cell.ErrorCode
}

// axis makes the groups for one side of the result.
type axis struct {
	g      *grouping
	fields *Array
	keys   []int // the columns to sort by, counted from 1 and negative for descending
	levels int   // of totals: 1 is a grand total, 2 has one of the first field, too
	above  bool  // totals stand before what they are of
}

// group is a line of the result.
type group struct {
	labels []cell.Value
	rows   []int
}

// newGrouping reads the arguments that both functions have. ok is false where bad says
// what is wrong.
func (c *Context) newGrouping(values Value, f Value, headers Value, filter Value, fields ...*Array) (g *grouping, ok bool) {
	g = &grouping{c: c}
	if g.f = f.Lambda(); g.f == nil || c.Invoke == nil || g.f.Params < 1 {
		g.bad = cell.ErrValue
		return g, false
	}
	g.args = max(1, g.f.Params-g.f.Optional)
	if g.args > 2 {
		g.bad = cell.ErrValue
		return g, false
	}
	if g.values, g.bad = c.matrix(values); g.bad != 0 {
		return g, false
	}
	for _, f := range fields {
		if f.Rows != g.values.Rows {
			g.bad = cell.ErrValue
			return g, false
		}
	}
	switch {
	case headers.IsOmitted():
		// A text over a number is taken for a header.
		if g.values.Rows > 1 && g.values.At(0, 0).Kind() == cell.Text && g.values.At(1, 0).Kind() == cell.Number {
			g.headers = true
			for _, f := range fields {
				g.show = g.show || f.Cols > 1
			}
		}
	default:
		switch count(headers.Number()) {
		case 0:
		case 1:
			g.headers = true
		case 2:
			g.show = true
		case 3:
			g.headers, g.show = true, true
		default:
			g.bad = cell.ErrValue
			return g, false
		}
	}
	first := 0
	if g.headers {
		first = 1
	}
	var keep *Array
	if !filter.IsOmitted() {
		if keep, g.bad = c.matrix(filter); g.bad != 0 {
			return g, false
		}
		if len(keep.Cells) != g.values.Rows && len(keep.Cells) != g.values.Rows-first {
			g.bad = cell.ErrValue
			return g, false
		}
	}
	for row := first; row < g.values.Rows; row++ {
		if keep != nil {
			var pass bool
			if pass, g.bad = ToBool(keep.Cells[row-(g.values.Rows-len(keep.Cells))]); g.bad != 0 {
				return g, false
			}
			if !pass {
				continue
			}
		}
		g.rows = append(g.rows, row)
	}
	if len(g.rows) == 0 {
		g.bad = cell.ErrCalc
		return g, false
	}
	return g, true
}

// orOmitted gives argument i of a, or one that was left out.
func (a Args) orOmitted(i int) Value {
	if i < len(a) {
		return a[i]
	}
	return Omitted
}

// of calls the function with one column of the values of some rows.
func (g *grouping) of(col int, rows, whole []int) cell.Value {
	if len(rows) == 0 {
		return cell.TextValue("")
	}
	args := []Value{g.column(col, rows)}
	if g.args == 2 {
		args = append(args, g.column(col, whole))
	}
	return g.c.element(g.c.Invoke(g.c, g.f, args))
}

func (g *grouping) column(col int, rows []int) Value {
	out := make([]cell.Value, len(rows))
	for i, r := range rows {
		out[i] = g.values.At(r, col)
	}
	return Of(Column(out))
}

// axis gives the groups of some columns, sorted, with their totals. totals is how deep
// they go, negative for totals that stand before what they are of; flat says that the
// columns are not levels of a hierarchy.
func (g *grouping) axis(fields *Array, totals, sorts Value, flat bool) []group {
	x := axis{g: g, fields: fields}
	depth := fields.Cols
	if flat {
		depth = 1
	}
	if !totals.IsOmitted() {
		depth = count(totals.Number())
	}
	x.levels, x.above = max(depth, -depth), depth < 0
	list, e := g.c.numbersIn(Args{sorts}, 0, 0)
	if e != 0 || x.levels > fields.Cols || flat && x.levels > 1 {
		g.bad = cell.ErrValue
		return nil
	}
	for _, f := range list {
		k := count(f)
		if max(k, -k) > fields.Cols+g.values.Cols {
			g.bad = cell.ErrValue
			return nil
		}
		x.keys = append(x.keys, k)
	}
	var groups []group
	if flat {
		groups = x.sorted(x.split(g.rows, 0, fields.Cols), 0, fields.Cols)
	} else {
		groups = x.nested(g.rows, 0)
	}
	if x.levels == 0 {
		return groups
	}
	label := "Total"
	if x.levels > 1 {
		label = "Grand Total"
	}
	return x.withTotal(groups, group{labels: x.labels([]cell.Value{cell.TextValue(label)}), rows: g.rows})
}

func (x *axis) withTotal(groups []group, total group) []group {
	if x.above {
		return slices.Insert(groups, 0, total)
	}
	return append(groups, total)
}

// labels fills up with empty texts what is less than the number of fields.
func (x *axis) labels(some []cell.Value) []cell.Value {
	out := slices.Clone(some)
	for len(out) < x.fields.Cols {
		out = append(out, cell.TextValue(""))
	}
	return out
}

// nested gives the groups of a hierarchy from one field on.
func (x *axis) nested(rows []int, field int) []group {
	var out []group
	for _, top := range x.sorted(x.split(rows, field, field+1), field, field+1) {
		if field+1 == x.fields.Cols {
			out = append(out, top)
			continue
		}
		inner := x.nested(top.rows, field+1)
		if x.levels > field+1 {
			inner = x.withTotal(inner, group{labels: x.labels(top.labels), rows: top.rows})
		}
		out = append(out, inner...)
	}
	return out
}

// split puts rows with equal values in the columns from one up to another together, in
// the order in which they are first seen.
func (x *axis) split(rows []int, from, to int) []group {
	place := map[string]int{}
	var out []group
	for i, r := range rows {
		if x.g.c.StopAt(i) {
			break
		}
		line := x.fields.Cells[r*x.fields.Cols:]
		k := rowKey(line[from:to])
		p, ok := place[k]
		if !ok {
			p = len(out)
			place[k] = p
			out = append(out, group{labels: slices.Clone(line[:to])})
		}
		out[p].rows = append(out[p].rows, r)
	}
	return out
}

// sorted orders groups that differ in the columns from one up to another: by the keys that
// are about these columns or about values, then by the columns.
func (x *axis) sorted(groups []group, from, to int) []group {
	var by []sortKey
	add := func(col, sign int) {
		by = append(by, sortKey{func(i int) cell.Value { return groups[i].labels[col] }, sign})
	}
	for _, k := range x.keys {
		sign, col := 1, k-1
		if k < 0 {
			sign, col = -1, -k-1
		}
		switch {
		case k == 0:
		case col >= from && col < to:
			add(col, sign)
		case col >= x.fields.Cols:
			results := make([]cell.Value, len(groups))
			for i := range groups {
				results[i] = x.g.of(col-x.fields.Cols, groups[i].rows, x.g.rows)
			}
			by = append(by, sortKey{func(i int) cell.Value { return results[i] }, sign})
		}
	}
	for col := from; col < to; col++ {
		add(col, 1)
	}
	out := make([]group, len(groups))
	for i, k := range x.g.c.order(len(groups), by) {
		out[i] = groups[k]
	}
	return out
}

// names gives what the fields are called: their headers, or a word and a number.
func (g *grouping) names(fields *Array, word string) []cell.Value {
	out := make([]cell.Value, fields.Cols)
	for i := range out {
		if g.headers {
			out[i] = fields.At(0, i)
		} else {
			out[i] = cell.TextValue(word + " " + NumberText(float64(i+1)))
		}
	}
	return out
}

func (g *grouping) failed() Value {
	return g.c.Fail(g.bad, "the arguments do not go together: one row of values for each of fields, and options that exist")
}

func groupBy(c *Context, a Args) Value {
	fields, e := c.matrix(a[0])
	if e != 0 {
		return Err(e)
	}
	g, ok := c.newGrouping(a[1], a[2], a.orOmitted(3), a.orOmitted(6), fields)
	if !ok {
		return g.failed()
	}
	flat := a.option(7, 0) == 1
	groups := g.axis(fields, a.orOmitted(4), a.orOmitted(5), flat)
	if g.bad != 0 {
		return g.failed()
	}
	rows, cols := len(groups), fields.Cols+g.values.Cols
	top := 0
	if g.show {
		top = 1
	}
	if !c.Room(rows+top, cols) {
		return c.Fail(cell.ErrNum, "the array would be too large")
	}
	out := NewArray(rows+top, cols)
	if g.show {
		copy(out.Cells, g.names(fields, "Row Field"))
		copy(out.Cells[fields.Cols:], g.names(g.values, "Value"))
	}
	for i, line := range groups {
		copy(out.Cells[(i+top)*cols:], line.labels)
		for col := range g.values.Cols {
			if c.Stop() {
				return Of(out)
			}
			out.Set(i+top, fields.Cols+col, g.of(col, line.rows, g.rows))
		}
	}
	return Of(out)
}
