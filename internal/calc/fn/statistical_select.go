package fn

import (
	"gridflow/internal/cell"
)

// selectFunctions count and average what meets criteria.
var selectFunctions = []Function{
	{Name: "COUNTIF", Category: Statistical, Params: "range raw", Since: 2007, EachRef: true, Eval: countIfs},
	{Name: "COUNTIFS", Category: Statistical, Params: "(range raw)...", Since: 2007, EachRef: true, Eval: countIfs},
	{Name: "AVERAGEIF", Category: Statistical, Params: "range raw range?", Since: 2007, EachRef: true, Eval: averageIf},
	{Name: "AVERAGEIFS", Category: Statistical, Params: "range (range raw)...", Since: 2007, EachRef: true, Eval: selected(average)},
	{Name: "MAXIFS", Category: Statistical, Params: "range (range raw)...", Since: 2019, EachRef: true, Eval: selected(greatestOf)},
	{Name: "MINIFS", Category: Statistical, Params: "range (range raw)...", Since: 2019, EachRef: true, Eval: selected(leastOf)},
}

const unequalRanges = "the ranges are not of one size, or one of them is no range"

func countIfs(c *Context, a Args) Value {
	s, e := c.Select(a)
	if e != 0 {
		return c.Fail(e, unequalRanges)
	}
	defer s.Done(c)
	return Num(float64(s.Count()))
}

// selected makes a function of the numbers of its first argument in the places that meet
// the criteria of the others.
func selected(f func(*Context, numbers) Value) func(*Context, Args) Value {
	return func(c *Context, a Args) Value {
		s, e := c.Select(a[1:], a[0])
		if e != 0 {
			return c.Fail(e, unequalRanges)
		}
		defer s.Done(c)
		return f(c, func(g func(float64)) cell.ErrorCode { return s.Numbers(c, a[0], g) })
	}
}

// averageIf takes its numbers from the range that is searched, or from one that begins in
// the corner of the third argument and has the same size.
func averageIf(c *Context, a Args) Value {
	from := a[0]
	if a.Given(2) {
		searched, e := oneArea(a[0])
		if e != 0 {
			return c.Fail(e, unequalRanges)
		}
		taken, e := oneArea(a[2])
		if e != 0 {
			return c.Fail(e, unequalRanges)
		}
		first := taken.Range.First
		taken.Range.Last = cell.Ref{Row: first.Row + searched.Range.Rows() - 1, Col: first.Col + searched.Range.Cols() - 1}
		from = To(Cells(taken))
	}
	s, e := c.Select(a[:2], from)
	if e != 0 {
		return c.Fail(e, unequalRanges)
	}
	defer s.Done(c)
	return average(c, func(f func(float64)) cell.ErrorCode { return s.Numbers(c, from, f) })
}
