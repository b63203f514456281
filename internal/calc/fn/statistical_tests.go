package fn

import (
	"math"

	"gridflow/internal/calc/special"
	"gridflow/internal/cell"
)

// testFunctions ask how likely samples are if nothing is the matter.
var testFunctions = []Function{
	{Name: "T.TEST", Category: Statistical, Params: "array array num num", Since: 2010, Eval: tTest},
	{Name: "F.TEST", Category: Statistical, Params: "range range", Since: 2010, Eval: fTest},
	{Name: "Z.TEST", Category: Statistical, Params: "range num num?", Since: 2010, Eval: zTest},
	{Name: "CHISQ.TEST", Category: Statistical, Params: "array array", Since: 2010, Eval: chiSqTest},
}

// sample gives the moments of the numbers of one argument.
func (c *Context) sample(v Value) (n, mean, squares float64, code cell.ErrorCode) {
	return moments(func(f func(float64)) cell.ErrorCode { return c.Numbers([]Value{v}, f) })
}

// tDistOld is TDIST, with one tail or two.
func tDistOld(c *Context, a Args) Value {
	n, ok := freedom(a[1])
	if !ok {
		return c.Fail(cell.ErrNum, freedomDomain)
	}
	if a[0].Number() < 0 {
		return c.Fail(cell.ErrNum, notNegative)
	}
	p := special.StudentTwoTails(a[0].Number(), n)
	switch math.Trunc(a[2].Number()) {
	case 1:
		return Num(p / 2)
	case 2:
		return Num(p)
	}
	return c.Fail(cell.ErrNum, "the tails have to be 1 or 2")
}

// tTest compares the means of two samples that are paired (1), of one variance (2) or of
// two (3).
func tTest(c *Context, a Args) Value {
	tails, kind := math.Trunc(a[2].Number()), math.Trunc(a[3].Number())
	if tails != 1 && tails != 2 || kind < 1 || kind > 3 {
		return c.Fail(cell.ErrNum, "the tails have to be 1 or 2, and the type 1, 2 or 3")
	}
	var t, n float64
	if kind == 1 {
		xs, ys, e := c.numberPairs(a[0], a[1])
		if e != 0 {
			return Err(e)
		}
		for i := range xs {
			xs[i] -= ys[i]
		}
		count, mean, squares, _ := moments(each(xs))
		if count < 2 || squares == 0 {
			return c.Fail(cell.ErrDiv0, "there are fewer than two pairs, or all differ by the same")
		}
		n = count - 1
		t = mean / math.Sqrt(squares/n/count)
	} else {
		n1, mean1, squares1, e := c.sample(a[0])
		if e != 0 {
			return Err(e)
		}
		n2, mean2, squares2, e := c.sample(a[1])
		if e != 0 {
			return Err(e)
		}
		if n1 < 2 || n2 < 2 || squares1+squares2 == 0 {
			return c.Fail(cell.ErrDiv0, tooFewNumbers)
		}
		if kind == 2 {
			n = n1 + n2 - 2
			t = (mean1 - mean2) / math.Sqrt((squares1+squares2)/n*(1/n1+1/n2))
		} else { // Welch, with degrees of freedom that need not be whole
			v1, v2 := squares1/(n1-1)/n1, squares2/(n2-1)/n2
			t = (mean1 - mean2) / math.Sqrt(v1+v2)
			n = (v1 + v2) * (v1 + v2) / (v1*v1/(n1-1) + v2*v2/(n2-1))
		}
	}
	return Num(special.StudentTwoTails(t, n) / 2 * tails)
}

// each makes numbers of a list.
func each(xs []float64) numbers {
	return func(f func(float64)) cell.ErrorCode {
		for _, x := range xs {
			f(x)
		}
		return 0
	}
}

// fTest gives the probability, on both sides, of variances that differ so much.
func fTest(c *Context, a Args) Value {
	n1, _, squares1, e := c.sample(a[0])
	if e != 0 {
		return Err(e)
	}
	n2, _, squares2, e := c.sample(a[1])
	if e != 0 {
		return Err(e)
	}
	if n1 < 2 || n2 < 2 || squares1 == 0 || squares2 == 0 {
		return c.Fail(cell.ErrDiv0, "a sample has fewer than two numbers, or all are the same")
	}
	lower, upper := special.F(squares1/(n1-1)/(squares2/(n2-1)), n1-1, n2-1)
	return Num(2 * min(lower, upper))
}

// zTest gives the probability of a mean above that of the sample if x were the true one.
func zTest(c *Context, a Args) Value {
	n, mean, squares, e := c.sample(a[0])
	if e != 0 {
		return Err(e)
	}
	if n == 0 {
		return c.Fail(cell.ErrNA, noNumbers)
	}
	var sd float64
	if a.Given(2) {
		if sd = a[2].Number(); sd <= 0 {
			return c.Fail(cell.ErrNum, deviationAboveZero)
		}
	} else {
		if n < 2 || squares == 0 {
			return c.Fail(cell.ErrDiv0, "the sample has fewer than two numbers, or all are the same")
		}
		sd = math.Sqrt(squares / (n - 1))
	}
	return Num(special.Normal(-(mean - a[1].Number()) / (sd / math.Sqrt(n))))
}

// chiSqTest compares counts with those that are expected. Places where one of them is no
// number do not count.
func chiSqTest(c *Context, a Args) Value {
	rows, cols := Size(a[0])
	rows2, cols2 := Size(a[1])
	vectors := (rows == 1 || cols == 1) && (rows2 == 1 || cols2 == 1) && rows*cols == rows2*cols2
	if (rows != rows2 || cols != cols2) && !vectors || rows*cols < 2 {
		return c.Fail(cell.ErrNA, "the ranges differ in size, or have one cell only")
	}
	actual, expected, e := c.numberPairs(a[0], a[1])
	if e != 0 {
		return Err(e)
	}
	sum := 0.0
	for i, x := range expected {
		switch {
		case x == 0:
			return c.Fail(cell.ErrDiv0, "an expected count is 0")
		case x < 0:
			return c.Fail(cell.ErrNum, countNotNegative)
		}
		sum += (actual[i] - x) * (actual[i] - x) / x
	}
	n := float64(rows-1) * float64(cols-1)
	if rows == 1 || cols == 1 {
		n = float64(rows*cols - 1)
	}
	_, upper := special.Gamma(n/2, sum/2)
	return Num(upper)
}
