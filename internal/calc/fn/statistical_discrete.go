package fn

import (
	"math"

	"gridflow/internal/calc/special"
	"gridflow/internal/cell"
)

// discreteFunctions are the distributions of counts, and how many orders there are.
var discreteFunctions = []Function{
	{Name: "BINOM.DIST", Category: Statistical, Params: "num num num bool", Since: 2010, Eval: binomDist},
	{Name: "BINOM.DIST.RANGE", Category: Statistical, Params: "num num num num?", Since: 2013, Eval: binomDistRange},
	{Name: "BINOM.INV", Category: Statistical, Params: "num num num", Since: 2010, Eval: binomInv},
	{Name: "NEGBINOM.DIST", Category: Statistical, Params: "num num num bool", Since: 2010, Eval: func(c *Context, a Args) Value {
		return negBinomDist(c, a, a[3].Truth())
	}},
	{Name: "HYPGEOM.DIST", Category: Statistical, Params: "num num num num bool", Since: 2010, Eval: func(c *Context, a Args) Value {
		return hypGeomDist(c, a, a[4].Truth())
	}},
	{Name: "POISSON.DIST", Category: Statistical, Params: "num num bool", Since: 2010, Eval: poissonDist},
	{Name: "PROB", Category: Statistical, Params: "array array num num?", Since: 2007, Eval: prob},
	{Name: "PERMUT", Category: Statistical, Params: "num num", Since: 2007, Eval: permut},
	{Name: "PERMUTATIONA", Category: Statistical, Params: "num num", Since: 2013, Eval: permutationA},
}

const (
	fromTrials       = "the number of successes has to be from 0 to that of the trials"
	from0to1         = "the probability has to be from 0 to 1"
	countNotNegative = "a count may not be below 0"
	countOutside     = "a count is below 0 or too large"
)

// largestCount bounds what loops go through: a distribution of so many is as wide as its
// root.
const largestCount = 1e12

func binomDist(c *Context, a Args) Value {
	k, n, p := math.Trunc(a[0].Number()), math.Trunc(a[1].Number()), a[2].Number()
	if k < 0 || k > n {
		return c.Fail(cell.ErrNum, fromTrials)
	}
	if p < 0 || p > 1 {
		return c.Fail(cell.ErrNum, from0to1)
	}
	if a[3].Truth() {
		lower, _ := binomial(k, n, p)
		return Num(lower)
	}
	return Num(special.BinomialDensity(k, n, p, 1-p))
}

// binomial gives the probability of k successes or fewer, and that of more.
func binomial(k, n, p float64) (lower, upper float64) {
	switch {
	case k < 0:
		return 0, 1
	case k >= n:
		return 1, 0
	}
	upper, lower = special.Beta(p, 1-p, k+1, n-k)
	return lower, upper
}

func binomDistRange(c *Context, a Args) Value {
	n, p, from := math.Trunc(a[0].Number()), a[1].Number(), math.Trunc(a[2].Number())
	to := from
	if a.Given(3) {
		to = math.Trunc(a[3].Number())
	}
	if n < 0 || from < 0 || from > n || to < from || to > n {
		return c.Fail(cell.ErrNum, fromTrials)
	}
	if p < 0 || p > 1 {
		return c.Fail(cell.ErrNum, from0to1)
	}
	if from == to {
		return Num(special.BinomialDensity(from, n, p, 1-p))
	}
	lower1, upper1 := binomial(from-1, n, p)
	lower2, upper2 := binomial(to, n, p)
	if lower1 > 0.5 {
		return Num(upper1 - upper2)
	}
	return Num(lower2 - lower1)
}

// binomInv searches the least count up to which there is the probability wanted, by
// halving.
func binomInv(c *Context, a Args) Value {
	n, p, alpha := math.Trunc(a[0].Number()), a[1].Number(), a[2].Number()
	if n < 0 || n > largestCount {
		return c.Fail(cell.ErrNum, countOutside)
	}
	if p <= 0 || p >= 1 || alpha <= 0 || alpha >= 1 {
		return c.Fail(cell.ErrNum, insideProbability)
	}
	below, at := -1.0, n
	for at-below > 1 {
		k := math.Floor((below + at) / 2)
		lower, upper := binomial(k, n, p)
		if lower >= alpha*(1-1e-15) && upper <= 1-alpha+1e-15 {
			at = k
		} else {
			below = k
		}
	}
	return Num(at)
}

func negBinomDist(c *Context, a Args, cumulative bool) Value {
	fails, successes, p := math.Trunc(a[0].Number()), math.Trunc(a[1].Number()), a[2].Number()
	if fails < 0 || successes < 1 {
		return c.Fail(cell.ErrNum, "there have to be one success and 0 failures at least")
	}
	if p <= 0 || p >= 1 {
		return c.Fail(cell.ErrNum, insideProbability)
	}
	if cumulative {
		lower, _ := special.Beta(p, 1-p, successes, fails+1)
		return Num(lower)
	}
	n := fails + successes
	return Num(successes / n * special.BinomialDensity(successes, n, p, 1-p))
}

// hypGeomDist sums from the end that is asked for, by the ratio of one term to the next.
func hypGeomDist(c *Context, a Args, cumulative bool) Value {
	k, n := math.Trunc(a[0].Number()), math.Trunc(a[1].Number())
	marked, all := math.Trunc(a[2].Number()), math.Trunc(a[3].Number())
	if all > largestCount {
		return c.Fail(cell.ErrNum, countOutside)
	}
	if n <= 0 || marked <= 0 || all <= 0 || n > all || marked > all {
		return c.Fail(cell.ErrNum, "the sample and the successes have to be above 0 and not more than the population")
	}
	least := max(0, n+marked-all)
	if k < 0 || k > min(n, marked) || k < least && !cumulative {
		return c.Fail(cell.ErrNum, "so many successes cannot be in the sample")
	}
	if k < least {
		return Num(0)
	}
	density := hyperGeometric(k, n, marked, all)
	if !cumulative {
		return Num(density)
	}
	if k*all < n*marked { // below the mean: downwards from k
		sum, term := 1.0, 1.0
		for i := k; i > least; i-- {
			term *= i * (all - marked - n + i) / ((marked - i + 1) * (n - i + 1))
			sum += term
			if term < sum*1e-17 || int(i)%65536 == 0 && c.Stop() {
				break
			}
		}
		return Num(density * sum)
	}
	sum, term := 0.0, 1.0
	for i := k; i < min(n, marked); i++ {
		term *= (marked - i) * (n - i) / ((i + 1) * (all - marked - n + i + 1))
		sum += term
		if term < sum*1e-17 || int(i)%65536 == 0 && c.Stop() {
			break
		}
	}
	return Num(1 - density*sum)
}

// hyperGeometric is the probability of k marked ones in a sample of n, as three binomial
// densities of one probability (Loader).
func hyperGeometric(k, n, marked, all float64) float64 {
	p, q := n/all, (all-n)/all
	return special.BinomialDensity(k, marked, p, q) * special.BinomialDensity(n-k, all-marked, p, q) /
		special.BinomialDensity(n, all, p, q)
}

func poissonDist(c *Context, a Args) Value {
	k, mean := math.Floor(a[0].Number()), a[1].Number()
	if k < 0 || mean < 0 {
		return c.Fail(cell.ErrNum, countNotNegative)
	}
	if a[2].Truth() {
		_, upper := special.Gamma(k+1, mean)
		return Num(upper)
	}
	return Num(special.PoissonDensity(k, mean))
}

func prob(c *Context, a Args) Value {
	xs, e := c.Matrix(a[0])
	if e != 0 {
		return Err(e)
	}
	ps, e := c.Matrix(a[1])
	if e != 0 {
		return Err(e)
	}
	if len(xs.Cells) != len(ps.Cells) {
		return c.Fail(cell.ErrNA, "there are not as many probabilities as values")
	}
	from := a[2].Number()
	to := from
	if a.Given(3) {
		to = a[3].Number()
	}
	pairs, total, sum := 0, 0.0, 0.0
	for i := range xs.Cells {
		x, p := xs.Cells[i], ps.Cells[i]
		if e := firstError(x, p); e != 0 {
			return Err(e)
		}
		if x.Kind() != cell.Number || p.Kind() != cell.Number {
			continue
		}
		if p.Number() <= 0 || p.Number() > 1 {
			return c.Fail(cell.ErrNum, "a probability is not above 0 and up to 1")
		}
		pairs++
		total += p.Number()
		if x.Number() >= from && x.Number() <= to {
			sum += p.Number()
		}
	}
	if pairs == 0 {
		return c.Fail(cell.ErrDiv0, noNumbers)
	}
	if math.Abs(total-1) > 1e-7 {
		return c.Fail(cell.ErrNum, "the probabilities do not add up to 1")
	}
	return Num(sum)
}

func firstError(a, b cell.Value) cell.ErrorCode {
	if e := a.Err(); e != 0 {
		return e
	}
	return b.Err()
}

func permut(c *Context, a Args) Value {
	n, k := math.Trunc(a[0].Number()), math.Trunc(a[1].Number())
	if n < 0 || k < 0 || k > n {
		return c.Fail(cell.ErrNum, "as many cannot be chosen")
	}
	product := 1.0
	for i := 0.0; i < k && !math.IsInf(product, 1); i++ {
		product *= n - i
	}
	return Num(product)
}

func permutationA(c *Context, a Args) Value {
	n, k := math.Trunc(a[0].Number()), math.Trunc(a[1].Number())
	if n < 0 || k < 0 {
		return c.Fail(cell.ErrNum, countNotNegative)
	}
	return Num(special.Pow(n, k))
}
