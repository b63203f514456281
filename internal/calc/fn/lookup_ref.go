package fn

import (
	"strconv"
	"strings"

	"gridflow/internal/cell"
)

// The functions that make references and tell of them.
var referenceFunctions = []Function{
	{Name: "ADDRESS", Category: Lookup, Params: "num num opt? any? text?", Since: 2007, Eval: address},
	{Name: "AREAS", Category: Lookup, Params: "ref", Since: 2007, Eval: func(_ *Context, a Args) Value {
		return Num(float64(len(a[0].Ref().Areas)))
	}},
	{Name: "COLUMN", Category: Lookup, Params: "ref?", Since: 2007, Eval: func(c *Context, a Args) Value {
		return c.numbersOf(a, func(r cell.Range) (first, n int) { return r.First.Col, r.Cols() }, false)
	}},
	{Name: "COLUMNS", Category: Lookup, Params: "array", Since: 2007, Eval: func(c *Context, a Args) Value { return c.linesIn(a[0], false) }},
	{Name: "FORMULATEXT", Category: Lookup, Params: "ref", Since: 2013, Eval: formulaText},
	{Name: "GETPIVOTDATA", Category: Lookup, Params: "any ref (any raw)*", Since: 2007, Eval: func(c *Context, _ Args) Value {
		return c.Fail(cell.ErrRef, "a pivot table is not calculated here, so nothing can be taken out of it")
	}},
	{Name: "HYPERLINK", Category: Lookup, Params: "text raw?", Since: 2007, Eval: func(_ *Context, a Args) Value {
		if a.Has(1) {
			return a[1]
		}
		return a[0]
	}},
	{Name: "INDEX", Category: Lookup, Params: "array num? num? num?", Since: 2007, Eval: index},
	{Name: "INDIRECT", Category: Lookup, Params: "text bool?", Since: 2007, Volatile: true, GivesRefs: true, Eval: func(c *Context, a Args) Value {
		r, e := c.Book.Resolve(c, a[0].Str(), a.Truth(1, true))
		if e != 0 {
			return c.Fail(e, "the text is no reference: "+strconv.Quote(a[0].Str()))
		}
		return To(r)
	}},
	{Name: "OFFSET", Category: Lookup, Params: "ref num num opt? opt?", Since: 2007, Volatile: true, GivesRefs: true, Eval: offset},
	{Name: "ROW", Category: Lookup, Params: "ref?", Since: 2007, Eval: func(c *Context, a Args) Value {
		return c.numbersOf(a, func(r cell.Range) (first, n int) { return r.First.Row, r.Rows() }, true)
	}},
	{Name: "ROWS", Category: Lookup, Params: "array", Since: 2007, Eval: func(c *Context, a Args) Value { return c.linesIn(a[0], true) }},
}

// address writes the address of a cell.
func address(c *Context, a Args) Value {
	row, col := count(a[0].Number()), count(a[1].Number())
	if row < 1 || row > cell.MaxRows || col < 1 || col > cell.MaxCols {
		return c.Fail(cell.ErrValue, "there is no cell in this row and column")
	}
	n := a.option(2, 1)
	if n < 1 || n > 4 {
		return c.Fail(cell.ErrValue, "the kind of reference is not 1, 2, 3 or 4")
	}
	a1 := true
	if a.Has(3) && !a[3].Scalar().IsBlank() {
		var e cell.ErrorCode
		if a1, e = ToBool(a[3].Scalar()); e != 0 {
			return c.Fail(e, "the style is not a logical value")
		}
	}
	fixedRow, fixedCol := n == 1 || n == 2, n == 1 || n == 3
	var s string
	if a1 {
		b := []byte(nil)
		if fixedCol {
			b = append(b, '$')
		}
		b = cell.AppendColumn(b, col-1)
		if fixedRow {
			b = append(b, '$')
		}
		s = string(strconv.AppendInt(b, int64(row), 10))
	} else {
		r, k := strconv.Itoa(row), strconv.Itoa(col)
		if !fixedRow {
			r = "[" + r + "]"
		}
		if !fixedCol {
			k = "[" + k + "]"
		}
		s = "R" + r + "C" + k
	}
	if a.Has(4) {
		name := a[4].Str()
		if name != "" {
			name = quoteSheet(name)
		}
		s = name + "!" + s
	}
	return Text(s)
}

// quoteSheet puts a sheet's name in quotes if it needs them; the brackets around the name
// of a workbook before it need none.
func quoteSheet(name string) string {
	if file, sheet, ok := strings.Cut(strings.TrimPrefix(name, "["), "]"); ok && name[0] == '[' &&
		cell.QuoteSheet(file) == file && cell.QuoteSheet(sheet) == sheet {
		return name
	}
	return cell.QuoteSheet(name)
}

// numbersOf gives the numbers of the rows or of the columns of a reference: one of a
// single row or column, otherwise an array that goes the same way.
func (c *Context) numbersOf(a Args, of func(cell.Range) (first, n int), down bool) Value {
	r := cell.Range{First: c.At, Last: c.At}
	if a.Given(0) {
		ref := a[0].Ref()
		if len(ref.Areas) > 1 {
			return c.Fail(cell.ErrRef, "several areas stand where one is expected")
		}
		r = ref.Areas[0].Range
	}
	first, n := of(r)
	if n == 1 {
		return Num(float64(first + 1))
	}
	out := NewArray(n, 1)
	if !down {
		out.Rows, out.Cols = 1, n
	}
	for i := range out.Cells {
		out.Cells[i] = cell.NumberValue(float64(first + i + 1))
	}
	return Of(out)
}

func (c *Context) linesIn(v Value, down bool) Value {
	if e := v.Err(); e != 0 {
		return Err(e)
	}
	if r := v.Ref(); r != nil && len(r.Areas) > 1 {
		return c.Fail(cell.ErrRef, "several areas stand where one is expected")
	}
	rows, cols := Size(v)
	if down {
		return Num(float64(rows))
	}
	return Num(float64(cols))
}

func formulaText(c *Context, a Args) Value {
	return c.forCells(a[0].Ref(), func(sheet int, at cell.Ref) Value {
		s, ok := c.Book.Formula(sheet, at)
		if !ok {
			return c.Fail(cell.ErrNA, "the cell holds no formula")
		}
		if unitsOf(s) > 8192 {
			return c.Fail(cell.ErrNA, "the formula is longer than 8192 characters")
		}
		return Text(s)
	})
}

// index gives a cell, a row or a column of a table: of a range as a reference. Row or
// column 0 is all of them.
func index(c *Context, a Args) Value {
	table := a[0]
	if e := table.Err(); e != 0 {
		return Err(e)
	}
	row, col, area := count(a.Num(1, 0)), count(a.Num(2, 0)), count(a.Num(3, 1))
	if row < 0 || col < 0 || area < 1 {
		return c.Fail(cell.ErrValue, "the row, the column or the area is negative")
	}
	if r := table.Ref(); r != nil {
		if area > len(r.Areas) {
			return c.Fail(cell.ErrRef, "the reference has fewer areas than the one to return")
		}
		if len(r.Areas) > 1 {
			table = To(Cells(r.Areas[area-1]))
		}
	} else if area > 1 {
		return c.Fail(cell.ErrRef, "an array has only one area")
	}
	rows, cols := Size(table)
	switch {
	case a.Has(2) || cols == 1:
	case rows == 1: // of a single row the only number is the column
		row, col = 0, row
	case a.Has(1) && table.Ref() != nil: // of an array it is the row: the two forms differ in this
		return c.Fail(cell.ErrRef, "the range has rows and columns, and only one of the two is asked for")
	}
	if row > rows || col > cols {
		return c.Fail(cell.ErrRef, "the row or the column to return lies outside of the table")
	}
	switch {
	case row > 0 && col > 0:
		return c.part(table, row-1, col-1, 1, 1)
	case row > 0:
		return c.part(table, row-1, 0, 1, cols)
	case col > 0:
		return c.part(table, 0, col-1, rows, 1)
	}
	return table.orBlank()
}

// offset moves a reference and may give it another size.
func offset(c *Context, a Args) Value {
	r := a[0].Ref()
	if len(r.Areas) > 1 {
		return c.Fail(cell.ErrValue, "several areas stand where one is expected")
	}
	area := r.Areas[0]
	height, width := a.option(3, area.Range.Rows()), a.option(4, area.Range.Cols())
	top, bottom, ok1 := extent(area.Range.First.Row+count(a[1].Number()), height)
	left, right, ok2 := extent(area.Range.First.Col+count(a[2].Number()), width)
	area.Range = cell.Range{First: cell.Ref{Row: top, Col: left}, Last: cell.Ref{Row: bottom, Col: right}}
	if !ok1 || !ok2 || !area.Range.First.Valid() || !area.Range.Last.Valid() {
		return c.Fail(cell.ErrRef, "the reference would lie outside of the sheet, or have no cells")
	}
	return To(Cells(area))
}

// extent gives the first and the last of n places from start on, or up to it where n is
// negative.
func extent(start, n int) (first, last int, ok bool) {
	if n < 0 {
		return start + n + 1, start, true
	}
	return start, start + n - 1, n > 0
}
