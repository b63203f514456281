package fn

import (
	"gridflow/internal/cell"
)

// The functions that find values by others.
var lookupFunctions = concat(searchFunctions, referenceFunctions)

var searchFunctions = []Function{
	{Name: "HLOOKUP", Category: Lookup, Params: "any range num bool?", Since: 2007, Eval: func(c *Context, a Args) Value {
		return c.tableLookup(a, false)
	}},
	{Name: "LOOKUP", Category: Lookup, Params: "any array array?", Since: 2007, Eval: lookup},
	{Name: "MATCH", Category: Lookup, Params: "any range num?", Since: 2007, Eval: match},
	{Name: "VLOOKUP", Category: Lookup, Params: "any range num bool?", Since: 2007, Eval: func(c *Context, a Args) Value {
		return c.tableLookup(a, true)
	}},
	{Name: "XLOOKUP", Category: Lookup, Params: "raw array array range? opt? opt?", Since: 2021, Eval: xlookup},
	{Name: "XMATCH", Category: Lookup, Params: "raw array opt? opt?", Since: 2021, Eval: xmatch},
}

// maxKey is the length of the longest text that MATCH and its older relatives look for.
const maxKey = 255

// key brings the value that is looked for to what is compared: a blank is 0.
func (c *Context) key(v cell.Value) (cell.Value, cell.ErrorCode) {
	switch v.Kind() {
	case cell.Blank:
		return cell.NumberValue(0), 0
	case cell.Text:
		if s := v.Text(); len(s) > maxKey && unitsOf(s) > maxKey {
			return v, cell.ErrValue
		}
	}
	return v, 0
}

// exactOrWild finds the first place of x, which may be a pattern.
func (v *vector) exactOrWild(x cell.Value) int {
	if x.Kind() == cell.Text && hasWildcards(x.Text()) {
		p, plain, literal := ParsePattern(x.Text())
		if !literal {
			return v.wild(p.Match, false)
		}
		x = cell.TextValue(plain)
	}
	return v.exact(x, false)
}

func (c *Context) notFound() Value {
	return c.Fail(cell.ErrNA, "the value is not found")
}

func match(c *Context, a Args) Value {
	x, e := c.key(a[0].Scalar())
	if e != 0 {
		return c.Fail(e, "a text of more than 255 characters is not looked for")
	}
	if e := a[1].Err(); e != 0 {
		return Err(e)
	}
	if l := a[1]; l.Ref() == nil && l.Array() == nil {
		return c.Fail(cell.ErrNA, "what is searched is no range or array")
	}
	v, ok := c.vectorOf(a[1])
	if !ok {
		return c.Fail(cell.ErrNA, "what is searched is neither one row nor one column")
	}
	at := -1
	switch kind := a.Num(2, 1); {
	case kind == 0:
		at = v.exactOrWild(x)
	case kind > 0:
		at = v.bisect(x)
	default:
		at = v.descending(x)
	}
	if at < 0 {
		return c.notFound()
	}
	return Num(float64(at + 1))
}

// descending gives the place of x in values that fall, or else of the last one that is
// still above it. It goes through them from the first on, as Excel does for this order.
func (v *vector) descending(x cell.Value) int {
	found := -1
	v.from(0, func(i int, e cell.Value) bool {
		if e.Kind() != x.Kind() {
			return true
		}
		d := compareExact(e, x)
		if d >= 0 {
			found = i
		}
		return d > 0
	})
	return found
}

// tableLookup is VLOOKUP and, on its side, HLOOKUP.
func (c *Context) tableLookup(a Args, column bool) Value {
	x, e := c.key(a[0].Scalar())
	if e != 0 {
		return c.Fail(e, "a text of more than 255 characters is not looked for")
	}
	table := a[1]
	if r := table.Ref(); r != nil && len(r.Areas) > 1 {
		return c.Fail(cell.ErrValue, "several areas stand where one is expected")
	}
	if e := table.Err(); e != 0 {
		return Err(e)
	}
	if table.Ref() == nil && table.Array() == nil {
		if table.Scalar().Kind() != cell.Text {
			return c.notFound()
		}
		return c.Fail(cell.ErrValue, "the table is no range or array")
	}
	v := c.lineOf(table, column, 0)
	at := -1
	if a.Truth(3, true) {
		at = v.bisect(x)
	} else {
		at = v.exactOrWild(x)
	}
	if at < 0 {
		return c.notFound()
	}
	// The value is looked for before the column to return is looked at.
	rows, cols := Size(table)
	across := cols
	if !column {
		across = rows
	}
	index := count(a[2].Number())
	if index < 1 {
		return c.Fail(cell.ErrValue, "the column or row to return is less than 1")
	}
	if index > across {
		return c.Fail(cell.ErrRef, "the table has fewer columns or rows than the one to return")
	}
	result := c.lineOf(table, column, index-1)
	return Scalar(result.at(at))
}

// lookup is LOOKUP, with its two vectors or with one table of which the longer side is
// searched and the last row or column returned.
func lookup(c *Context, a Args) Value {
	x, e := c.key(a[0].Scalar())
	if e != 0 {
		return c.Fail(e, "a text of more than 255 characters is not looked for")
	}
	for _, v := range a[1:] {
		if e := v.Err(); e != 0 {
			return Err(e)
		}
	}
	rows, cols := Size(a[1])
	v := c.lineOf(a[1], rows >= cols, 0)
	var result vector
	if a.Given(2) {
		var ok bool
		if result, ok = c.vectorOf(a[2]); !ok {
			return c.Fail(cell.ErrNA, "the result is neither one row nor one column")
		}
		if rows > 1 && cols > 1 {
			return c.Fail(cell.ErrNA, "what is searched is neither one row nor one column")
		}
	} else {
		last := cols - 1
		if cols > rows {
			last = rows - 1
		}
		result = c.lineOf(a[1], rows >= cols, last)
	}
	at := v.bisect(x)
	if at < 0 {
		return c.notFound()
	}
	if at >= result.n {
		return c.Fail(cell.ErrNA, "the result is shorter than what is searched")
	}
	return Scalar(result.at(at))
}

// The ways in which XLOOKUP and XMATCH match and search.
const (
	matchExact   = 0
	matchSmaller = -1
	matchLarger  = 1
	matchWild    = 2
	matchRegex   = 3

	searchFirst      = 1
	searchLast       = -1
	searchAscending  = 2
	searchDescending = -2
)

// xfind finds the place that XLOOKUP and XMATCH ask for, from 0; -1 is none. The modes
// are arguments i and i+1.
func (c *Context) xfind(x cell.Value, v *vector, a Args, i int) (int, Value) {
	mode, order := a.option(i, matchExact), a.option(i+1, searchFirst)
	if order == 0 || mode < matchSmaller || mode > matchRegex || order < searchDescending || order > searchAscending {
		return -1, c.Fail(cell.ErrValue, "the match mode or the search mode is none of those there are")
	}
	if x.Kind() == cell.Error {
		return -1, Err(x.Err())
	}
	last := order == searchLast
	binary := order == searchAscending || order == searchDescending
	if mode >= matchWild && x.Kind() == cell.Text {
		if binary {
			return -1, c.Fail(cell.ErrValue, "a pattern cannot be looked for by halving")
		}
		match, bad := c.matcher(mode, x.Text())
		if match == nil {
			return -1, bad
		}
		return v.wild(match, last), Value{}
	}
	if x.IsBlank() {
		return v.blank(last), Value{}
	}
	switch {
	case binary:
		return v.bisectMode(x, mode, order == searchDescending), Value{}
	case mode == matchSmaller || mode == matchLarger:
		if at := v.exact(x, last); at >= 0 {
			return at, Value{}
		}
		return v.nearest(x, mode == matchLarger, last), Value{}
	}
	return v.exact(x, last), Value{}
}

// matcher makes the test of a pattern.
func (c *Context) matcher(mode int, pattern string) (func(string) bool, Value) {
	if mode == matchWild {
		p, plain, literal := ParsePattern(pattern)
		if literal {
			return func(s string) bool { return EqualText(s, plain) }, Value{}
		}
		return p.Match, Value{}
	}
	re, bad := c.regex(Args{Text(pattern)}, 0, 1)
	if re == nil {
		return nil, bad
	}
	return func(s string) bool { spans, _ := c.matches(re, s).next(); return spans != nil }, Value{}
}

// bisectMode finds x, or by mode its neighbour, in sorted values.
func (v *vector) bisectMode(x cell.Value, mode int, descending bool) int {
	at := v.lowerBound(x, descending)
	if at >= 0 && at < v.n {
		if e := v.at(at); e.Kind() == x.Kind() && compareExact(e, x) == 0 {
			return at
		}
	}
	step := -1 // to the neighbour below
	if descending {
		step = 1
	}
	switch mode {
	case matchLarger:
		step = 0
	case matchSmaller:
	default:
		return -1
	}
	if at += step; at < 0 || at >= v.n || v.at(at).IsBlank() {
		return -1
	}
	return at
}

func xmatch(c *Context, a Args) Value {
	v, ok := c.vectorOf(a[1])
	if !ok {
		return c.Fail(cell.ErrValue, "what is searched is neither one row nor one column")
	}
	if e := a[1].Err(); e != 0 {
		return Err(e)
	}
	at, bad := c.xfind(a[0].Scalar(), &v, a, 2)
	if bad.Err() != 0 {
		return bad
	}
	if at < 0 {
		return c.notFound()
	}
	return Num(float64(at + 1))
}

// xlookup gives the row or the column beside the place that is found, of a range as a
// reference.
func xlookup(c *Context, a Args) Value {
	v, ok := c.vectorOf(a[1])
	if !ok {
		return c.Fail(cell.ErrValue, "what is searched is neither one row nor one column")
	}
	if e := a[1].Err(); e != 0 {
		return Err(e)
	}
	if e := a[2].Err(); e != 0 {
		return Err(e)
	}
	rows, cols := Size(a[2])
	column := v.down
	if v.n == 1 { // a single value is a row or a column, as the result has it
		column = rows == 1
	}
	if column && rows != v.n || !column && cols != v.n {
		return c.Fail(cell.ErrValue, "what is returned is not as long as what is searched")
	}
	at, bad := c.xfind(a[0].Scalar(), &v, a, 4)
	if bad.Err() != 0 {
		return bad
	}
	if at < 0 {
		if a.Given(3) {
			return a[3]
		}
		return c.notFound()
	}
	if column {
		return c.part(a[2], at, 0, 1, cols)
	}
	return c.part(a[2], 0, at, rows, 1)
}

// orBlank gives v, or a blank for an argument that was left empty.
func (v Value) orBlank() Value {
	if v.IsOmitted() {
		return Value{}
	}
	return v
}

// part is cut, but one element of an array is a single value.
func (c *Context) part(v Value, row, col, rows, cols int) Value {
	if m := v.Array(); m != nil && rows == 1 && cols == 1 {
		return Scalar(m.Stretch(row, col))
	}
	return c.cut(v, row, col, rows, cols)
}

// cut gives a rectangle of v, which has to lie in it: of a range a reference, of an array an array.
func (c *Context) cut(v Value, row, col, rows, cols int) Value {
	if r := v.Ref(); r != nil {
		a := r.Areas[0]
		first := cell.Ref{Row: a.Range.First.Row + row, Col: a.Range.First.Col + col}
		a.Range = cell.Range{First: first, Last: cell.Ref{Row: first.Row + rows - 1, Col: first.Col + cols - 1}}
		return To(Cells(a))
	}
	m := v.Array()
	if m == nil {
		return v.orBlank()
	}
	out := NewArray(rows, cols)
	if rows == 1 && cols == 1 {
		out.Set(0, 0, m.Stretch(row, col))
		return Of(out)
	}
	if m.Long() {
		var e cell.ErrorCode
		if m, e = c.whole(m); e != 0 {
			return Err(e)
		}
	}
	copying := pace{c: c}
	for i := range rows {
		if copying.stop(cols) {
			break
		}
		copy(out.Cells[i*cols:(i+1)*cols], m.Cells[(row+i)*m.Cols+col:])
	}
	return Of(out)
}
