package fn

import (
	"math"

	"gridflow/internal/calc/special"
	"gridflow/internal/cell"
)

// spreadFunctions say how far numbers lie from one another, and what other means they have.
var spreadFunctions = []Function{
	{Name: "AVEDEV", Category: Statistical, Params: "range...", Since: 2007, Eval: allNumbers((*Context).Numbers, averageDeviation)},
	{Name: "DEVSQ", Category: Statistical, Params: "range...", Since: 2007, Eval: allNumbers((*Context).Numbers, squaredDeviations)},
	{Name: "VAR.S", Category: Statistical, Params: "range...", Since: 2010, Eval: allNumbers((*Context).Numbers, variance)},
	{Name: "VAR.P", Category: Statistical, Params: "range...", Since: 2010, Eval: allNumbers((*Context).Numbers, varianceP)},
	{Name: "VARA", Category: Statistical, Params: "range...", Since: 2007, Eval: allNumbers((*Context).NumbersA, variance)},
	{Name: "VARPA", Category: Statistical, Params: "range...", Since: 2007, Eval: allNumbers((*Context).NumbersA, varianceP)},
	{Name: "STDEV.S", Category: Statistical, Params: "range...", Since: 2010, Eval: allNumbers((*Context).Numbers, deviation)},
	{Name: "STDEV.P", Category: Statistical, Params: "range...", Since: 2010, Eval: allNumbers((*Context).Numbers, deviationP)},
	{Name: "STDEVA", Category: Statistical, Params: "range...", Since: 2007, Eval: allNumbers((*Context).NumbersA, deviation)},
	{Name: "STDEVPA", Category: Statistical, Params: "range...", Since: 2007, Eval: allNumbers((*Context).NumbersA, deviationP)},
	{Name: "SKEW", Category: Statistical, Params: "range...", Since: 2007, Eval: allNumbers((*Context).Numbers, skew)},
	{Name: "SKEW.P", Category: Statistical, Params: "range...", Since: 2013, Eval: allNumbers((*Context).Numbers, skewP)},
	{Name: "KURT", Category: Statistical, Params: "range...", Since: 2007, Eval: allNumbers((*Context).Numbers, kurtosis)},
	{Name: "GEOMEAN", Category: Statistical, Params: "range...", Since: 2007, Eval: allNumbers((*Context).Numbers, geometricMean)},
	{Name: "HARMEAN", Category: Statistical, Params: "range...", Since: 2007, Eval: allNumbers((*Context).Numbers, harmonicMean)},
	{Name: "TRIMMEAN", Category: Statistical, Params: "range num", Since: 2007, Eval: trimmedMean},
	{Name: "STANDARDIZE", Category: Statistical, Params: "num num num", Since: 2007, Eval: standardize},
}

// moments gives how many numbers there are, their mean and the sum of the squares of their
// distances from it, in two passes, as Excel does since 2003.
func moments(each numbers) (n, mean, squares float64, code cell.ErrorCode) {
	if code = each(func(x float64) { n++; mean += x }); code != 0 || n == 0 {
		return n, 0, 0, code
	}
	mean /= n
	each(func(x float64) { squares += (x - mean) * (x - mean) })
	return n, mean, squares, 0
}

const tooFewNumbers = "there are too few numbers among the arguments"

// spread gives the variance of a sample of a population (less is 1) or of all of it (0).
func spread(c *Context, each numbers, less float64) (float64, cell.ErrorCode) {
	n, _, squares, e := moments(each)
	if e != 0 {
		return 0, e
	}
	if n <= less {
		c.Fail(cell.ErrDiv0, tooFewNumbers)
		return 0, cell.ErrDiv0
	}
	return squares / (n - less), 0
}

func variance(c *Context, each numbers) Value   { return valueOr(spread(c, each, 1)) }
func varianceP(c *Context, each numbers) Value  { return valueOr(spread(c, each, 0)) }
func deviation(c *Context, each numbers) Value  { return rootOr(spread(c, each, 1)) }
func deviationP(c *Context, each numbers) Value { return rootOr(spread(c, each, 0)) }

// valueOr makes a value of a number or of the code that came instead.
func valueOr(x float64, e cell.ErrorCode) Value {
	if e != 0 {
		return Err(e)
	}
	return Num(x)
}

func rootOr(x float64, e cell.ErrorCode) Value { return valueOr(math.Sqrt(x), e) }

func squaredDeviations(c *Context, each numbers) Value {
	n, _, squares, e := moments(each)
	if e == 0 && n == 0 {
		return c.Fail(cell.ErrNum, noNumbers)
	}
	return valueOr(squares, e)
}

func averageDeviation(c *Context, each numbers) Value {
	n, mean, _, e := moments(each)
	if e != 0 {
		return Err(e)
	}
	if n == 0 {
		return c.Fail(cell.ErrNum, noNumbers)
	}
	total := 0.0
	each(func(x float64) { total += math.Abs(x - mean) })
	return Num(total / n)
}

// standardMoment is the sum of the k-th powers of the distances from the mean in units of
// the standard deviation, which is that of a sample if less is 1. It needs so many numbers
// at least, and two that differ.
func standardMoment(c *Context, each numbers, k int, less, least float64) (n, sum float64, code cell.ErrorCode) {
	n, mean, squares, e := moments(each)
	if e != 0 {
		return 0, 0, e
	}
	if n < least || squares == 0 {
		c.Fail(cell.ErrDiv0, "there are too few numbers among the arguments, or all are the same")
		return 0, 0, cell.ErrDiv0
	}
	s := math.Sqrt(squares / (n - less))
	each(func(x float64) {
		d := (x - mean) / s
		p := d
		for range k - 1 {
			p *= d
		}
		sum += p
	})
	return n, sum, 0
}

func skew(c *Context, each numbers) Value {
	n, sum, e := standardMoment(c, each, 3, 1, 3)
	return valueOr(n/(n-1)/(n-2)*sum, e)
}

func skewP(c *Context, each numbers) Value {
	n, sum, e := standardMoment(c, each, 3, 0, 3)
	return valueOr(sum/n, e)
}

func kurtosis(c *Context, each numbers) Value {
	n, sum, e := standardMoment(c, each, 4, 1, 4)
	return valueOr(n*(n+1)/((n-1)*(n-2)*(n-3))*sum-3*(n-1)*(n-1)/((n-2)*(n-3)), e)
}

// geometricMean multiplies with the exponents apart, so that the product neither overflows
// nor loses digits.
func geometricMean(c *Context, each numbers) Value {
	n, product, exponent, positive := 0.0, 1.0, 0, true
	if e := each(func(x float64) {
		n++
		positive = positive && x > 0
		var e int
		product, e = math.Frexp(product * x)
		exponent += e
	}); e != 0 {
		return Err(e)
	}
	if n == 0 || !positive {
		return c.Fail(cell.ErrNum, "there is no number among the arguments, or one that is not above 0")
	}
	whole := math.Floor(float64(exponent) / n)
	return Num(math.Ldexp(special.Pow(product, 1/n)*math.Exp2((float64(exponent)-whole*n)/n), int(whole)))
}

func harmonicMean(c *Context, each numbers) Value {
	n, sum, positive := 0.0, 0.0, true
	if e := each(func(x float64) {
		n++
		positive = positive && x > 0
		sum += 1 / x
	}); e != 0 {
		return Err(e)
	}
	if n == 0 {
		return c.Fail(cell.ErrNA, noNumbers)
	}
	if !positive {
		return c.Fail(cell.ErrNum, "one of the numbers is not above 0")
	}
	return Num(n / sum)
}

func trimmedMean(c *Context, a Args) Value {
	xs, e := c.list(a[0])
	if e != 0 {
		return Err(e)
	}
	share := a[1].Number()
	if len(xs) == 0 || share < 0 || share >= 1 {
		return c.Fail(cell.ErrNum, "there is no number, or the share to leave out is not from 0 to below 1")
	}
	c.sort(xs)
	cut := int(share * float64(len(xs)) / 2)
	xs = xs[cut : len(xs)-cut]
	total := 0.0
	for _, x := range xs {
		total += x
	}
	return Num(total / float64(len(xs)))
}

const deviationAboveZero = "the standard deviation has to be above 0"

func standardize(c *Context, a Args) Value {
	if a[2].Number() <= 0 {
		return c.Fail(cell.ErrNum, deviationAboveZero)
	}
	return Num((a[0].Number() - a[1].Number()) / a[2].Number())
}
