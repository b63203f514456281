package fn

import (
	"math"
	"slices"

	"gridflow/internal/cell"
)

// The statistical functions stand in files by theme: what is counted and averaged is here,
// the rest in statistical_*.go.
var statisticalFunctions = slices.Concat(countFunctions, selectFunctions, spreadFunctions, orderFunctions,
	normalFunctions, continuousFunctions, discreteFunctions, testFunctions, pairFunctions, regressionFunctions, etsFunctions)

var countFunctions = []Function{
	{Name: "COUNT", Category: Statistical, Params: "range...", Since: 2007, Errors: true, Eval: countNumbers},
	{Name: "COUNTA", Category: Statistical, Params: "range...", Since: 2007, Errors: true, Eval: countA},
	{Name: "COUNTBLANK", Category: Statistical, Params: "ref", Since: 2007, EachRef: true, Eval: countBlank},
	{Name: "AVERAGE", Category: Statistical, Params: "range...", Since: 2007, Eval: averageOf},
	{Name: "AVERAGEA", Category: Statistical, Params: "range...", Since: 2007, Eval: allNumbers((*Context).NumbersA, average)},
	{Name: "MAX", Category: Statistical, Params: "range...", Since: 2007, Eval: allNumbers((*Context).Numbers, greatestOf)},
	{Name: "MAXA", Category: Statistical, Params: "range...", Since: 2007, Eval: allNumbers((*Context).NumbersA, greatestOf)},
	{Name: "MIN", Category: Statistical, Params: "range...", Since: 2007, Eval: allNumbers((*Context).Numbers, leastOf)},
	{Name: "MINA", Category: Statistical, Params: "range...", Since: 2007, Eval: allNumbers((*Context).NumbersA, leastOf)},
}

// numbers calls f for each of some numbers, as often as it is asked to. The code is that of
// the first error among them.
type numbers func(f func(float64)) cell.ErrorCode

// allNumbers makes a function of all its arguments' numbers, which read finds.
func allNumbers(read func(*Context, []Value, func(float64)) cell.ErrorCode, f func(*Context, numbers) Value) func(*Context, Args) Value {
	return func(c *Context, a Args) Value {
		return f(c, func(g func(float64)) cell.ErrorCode { return read(c, a, g) })
	}
}

// NumbersA calls f for the numbers in args as AVERAGEA takes them: in arrays and ranges
// texts are 0 and logical values 1 or 0; single values are coerced. The code is that of
// the first error, or #VALUE! for a single text that is no number.
func (c *Context) NumbersA(args []Value, f func(float64)) (code cell.ErrorCode) {
	for _, v := range args {
		if v.Lambda() != nil {
			return cell.ErrCalc
		}
		c.Each(v, func(x cell.Value, whole bool) bool {
			switch {
			case !whole:
				var n float64
				if n, code = ToNumber(x, c.Dates); code == 0 {
					f(n)
				}
			case x.Kind() == cell.Error:
				code = x.Err()
			case x.Kind() != cell.Blank:
				f(x.Number()) // 0 of a text
			}
			return code == 0
		})
		if code != 0 {
			return code
		}
	}
	return 0
}

// collect keeps numbers, for what has to see them in order or more than once.
func (c *Context) collect(each numbers) ([]float64, cell.ErrorCode) {
	var xs []float64
	if e := each(func(x float64) {
		if len(xs) < MaxElements {
			xs = append(xs, x)
		}
	}); e != 0 {
		return nil, e
	}
	if len(xs) == MaxElements {
		c.Fail(cell.ErrNum, "there are too many numbers to put them in order")
		return nil, cell.ErrNum
	}
	return xs, 0
}

// list keeps the numbers of values as [Context.Numbers] finds them.
func (c *Context) list(args ...Value) ([]float64, cell.ErrorCode) {
	return c.collect(func(f func(float64)) cell.ErrorCode { return c.Numbers(args, f) })
}

const noNumbers = "there is no number among the arguments"

// averageOf is AVERAGE.
func averageOf(c *Context, a Args) Value {
	total, n, e := c.total(a)
	switch {
	case e != 0:
		return Err(e)
	case n == 0:
		return c.Fail(cell.ErrDiv0, noNumbers)
	}
	return Num(total / float64(n))
}

func average(c *Context, each numbers) Value {
	n, total := 0, 0.0
	if e := each(func(x float64) { n++; total += x }); e != 0 {
		return Err(e)
	}
	if n == 0 {
		return c.Fail(cell.ErrDiv0, noNumbers)
	}
	return Num(total / float64(n))
}

func greatestOf(_ *Context, each numbers) Value {
	most := math.Inf(-1)
	if e := each(func(x float64) { most = max(most, x) }); e != 0 {
		return Err(e)
	}
	if math.IsInf(most, -1) {
		return Num(0)
	}
	return Num(most)
}

func leastOf(_ *Context, each numbers) Value {
	least := math.Inf(1)
	if e := each(func(x float64) { least = min(least, x) }); e != 0 {
		return Err(e)
	}
	if math.IsInf(least, 1) {
		return Num(0)
	}
	return Num(least)
}

// countNumbers counts numbers, and of single values what can be read as one.
func countNumbers(c *Context, a Args) Value {
	n := 0
	for _, v := range a {
		if r := v.Ref(); r != nil {
			if c.Index != nil && len(r.Areas) == 1 && r.Areas[0].Range.Cols() == 1 {
				if _, k, e, ok := c.Index.Sum(r.Areas[0]); ok && e == 0 {
					n += k
					continue
				}
			}
			c.kinds(r, func(kinds []cell.Kind) {
				for _, k := range kinds {
					if k == cell.Number {
						n++
					}
				}
			})
			continue
		}
		c.Each(v, func(x cell.Value, whole bool) bool {
			if !whole {
				if _, e := ToNumber(x, c.Dates); e == 0 {
					n++
				}
			} else if x.Kind() == cell.Number {
				n++
			}
			return true
		})
	}
	return Num(float64(n))
}

// countA counts whatever is not blank, errors and empty texts too.
func countA(c *Context, a Args) Value {
	n := 0
	for _, v := range a {
		if r := v.Ref(); r != nil {
			c.kinds(r, func(kinds []cell.Kind) {
				for _, k := range kinds {
					if k != cell.Blank {
						n++
					}
				}
			})
			continue
		}
		c.Each(v, func(x cell.Value, whole bool) bool {
			if !whole || x.Kind() != cell.Blank {
				n++
			}
			return true
		})
	}
	return Num(float64(n))
}

// kinds calls f for the kinds of the cells of a reference, some at a time and without the
// blank ones between them.
func (c *Context) kinds(r *Ref, f func([]cell.Kind)) {
	for _, a := range r.Areas {
		c.Book.Runs(a, func(r *Run) bool {
			f(r.Kinds)
			return !c.Stop()
		})
	}
}

// countBlank counts what is blank or an empty text.
func countBlank(c *Context, a Args) Value {
	r := a[0].Ref()
	if len(r.Areas) > 1 {
		return c.Fail(cell.ErrValue, "COUNTBLANK takes one range")
	}
	n := r.Areas[0].Range.Cells()
	c.Book.Runs(r.Areas[0], func(r *Run) bool {
		for i, k := range r.Kinds {
			if k != cell.Blank && (k != cell.Text || r.Texts[i] != "") {
				n--
			}
		}
		return !c.Stop()
	})
	return Num(float64(n))
}
