package fn

import (
	"math"

	"gridflow/internal/cell"
)

// pairFunctions look at two numbers for each observation.
var pairFunctions = []Function{
	{Name: "CORREL", Category: Statistical, Params: "array array", Since: 2007, Eval: correlation},
	{Name: "PEARSON", Category: Statistical, Params: "array array", Since: 2007, Eval: correlation},
	{Name: "RSQ", Category: Statistical, Params: "array array", Since: 2007, Eval: rsq},
	{Name: "COVARIANCE.P", Category: Statistical, Params: "array array", Since: 2010, Eval: covarianceP},
	{Name: "COVARIANCE.S", Category: Statistical, Params: "array array", Since: 2010, Eval: covarianceS},
	{Name: "SLOPE", Category: Statistical, Params: "array array", Since: 2007, Eval: slope},
	{Name: "INTERCEPT", Category: Statistical, Params: "array array", Since: 2007, Eval: intercept},
	{Name: "STEYX", Category: Statistical, Params: "array array", Since: 2007, Eval: steyx},
	{Name: "FORECAST.LINEAR", Category: Statistical, Params: "num array array", Since: 2016, Eval: forecast},
	{Name: "FORECAST", Category: Statistical, Params: "num array array", Since: 2007, Eval: forecast},
}

// numberPairs gives the numbers that stand in the same places of two arrays; places where one of
// them is no number are left out. The code is #N/A for arrays that do not have as many
// places.
func (c *Context) numberPairs(v, w Value) (xs, ys []float64, code cell.ErrorCode) {
	rows, cols := Size(v)
	rows2, cols2 := Size(w)
	if int64(rows)*int64(cols) != int64(rows2)*int64(cols2) {
		c.Fail(cell.ErrNA, "the arrays do not have as many places")
		return nil, nil, cell.ErrNA
	}
	a, code := c.Matrix(v)
	if code != 0 {
		return nil, nil, code
	}
	b, code := c.Matrix(w)
	if code != 0 {
		return nil, nil, code
	}
	add := func(x, y cell.Value) {
		if code == 0 {
			code = firstError(x, y)
		}
		if x.Kind() == cell.Number && y.Kind() == cell.Number {
			xs, ys = append(xs, x.Number()), append(ys, y.Number())
		}
	}
	if rows == rows2 { // whole columns may have been cut to different lengths
		for row := range min(a.Rows, b.Rows) {
			if c.StopAt(row) {
				break
			}
			for col := range min(a.Cols, b.Cols) {
				add(a.At(row, col), b.At(row, col))
			}
		}
	} else {
		for i := range min(len(a.Cells), len(b.Cells)) {
			if c.StopAt(i) {
				break
			}
			add(a.Cells[i], b.Cells[i])
		}
	}
	return xs, ys, code
}

// products are the sums of squares and products of the distances from the means.
type products struct {
	n, meanX, meanY, xx, yy, xy float64
}

// products gives the sums of the pairs of two arrays, of which there have to be so many.
func (c *Context) products(v, w Value, least int) (p products, code cell.ErrorCode) {
	xs, ys, code := c.numberPairs(v, w)
	if code != 0 {
		return p, code
	}
	if len(xs) < least {
		c.Fail(cell.ErrDiv0, "there are too few pairs of numbers")
		return p, cell.ErrDiv0
	}
	p.n = float64(len(xs))
	for i := range xs {
		p.meanX += xs[i]
		p.meanY += ys[i]
	}
	p.meanX /= p.n
	p.meanY /= p.n
	for i := range xs {
		dx, dy := xs[i]-p.meanX, ys[i]-p.meanY
		p.xx += dx * dx
		p.yy += dy * dy
		p.xy += dx * dy
	}
	return p, 0
}

const allTheSame = "all the numbers of one side are the same"

func correlation(c *Context, a Args) Value {
	p, e := c.products(a[0], a[1], 1)
	if e != 0 {
		return Err(e)
	}
	if p.xx == 0 || p.yy == 0 {
		return c.Fail(cell.ErrDiv0, allTheSame)
	}
	return Num(max(-1, min(1, p.xy/math.Sqrt(p.xx)/math.Sqrt(p.yy))))
}

func rsq(c *Context, a Args) Value {
	r := correlation(c, a)
	if r.Err() != 0 {
		return r
	}
	return Num(r.Number() * r.Number())
}

func covarianceP(c *Context, a Args) Value {
	p, e := c.products(a[0], a[1], 1)
	return valueOr(p.xy/p.n, e)
}

func covarianceS(c *Context, a Args) Value {
	p, e := c.products(a[0], a[1], 2)
	return valueOr(p.xy/(p.n-1), e)
}

// line gives the line through the pairs, y first.
func (c *Context) line(ys, xs Value) (p products, b float64, code cell.ErrorCode) {
	p, code = c.products(xs, ys, 1)
	if code == 0 && p.xx == 0 {
		c.Fail(cell.ErrDiv0, allTheSame)
		code = cell.ErrDiv0
	}
	return p, p.xy / p.xx, code
}

func slope(c *Context, a Args) Value {
	_, b, e := c.line(a[0], a[1])
	return valueOr(b, e)
}

func intercept(c *Context, a Args) Value {
	p, b, e := c.line(a[0], a[1])
	return valueOr(p.meanY-b*p.meanX, e)
}

func forecast(c *Context, a Args) Value {
	p, b, e := c.line(a[1], a[2])
	return valueOr(p.meanY+b*(a[0].Number()-p.meanX), e)
}

func steyx(c *Context, a Args) Value {
	p, e := c.products(a[1], a[0], 3)
	if e != 0 {
		return Err(e)
	}
	if p.xx == 0 {
		return c.Fail(cell.ErrDiv0, allTheSame)
	}
	return Num(math.Sqrt(max(0, p.yy-p.xy*p.xy/p.xx) / (p.n - 2)))
}
