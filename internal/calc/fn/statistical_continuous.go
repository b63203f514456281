package fn

import (
	"math"

	"gridflow/internal/calc/special"
	"gridflow/internal/cell"
)

// continuousFunctions are the distributions of times, shares and test statistics.
var continuousFunctions = []Function{
	{Name: "EXPON.DIST", Category: Statistical, Params: "num num bool", Since: 2010, Eval: exponDist},
	{Name: "WEIBULL.DIST", Category: Statistical, Params: "num num num bool", Since: 2010, Eval: weibullDist},
	{Name: "GAMMA.DIST", Category: Statistical, Params: "num num num bool", Since: 2010, Eval: gammaDist},
	{Name: "GAMMA.INV", Category: Statistical, Params: "num num num", Since: 2010, Eval: gammaInv},
	{Name: "BETA.DIST", Category: Statistical, Params: "num num num bool num? num?", Since: 2010, Eval: func(c *Context, a Args) Value {
		return betaDist(c, a[0].Number(), a[1].Number(), a[2].Number(), a[3].Truth(), a.Num(4, 0), a.Num(5, 1))
	}},
	{Name: "BETA.INV", Category: Statistical, Params: "num num num num? num?", Since: 2010, Eval: betaInv},
	{Name: "CHISQ.DIST", Category: Statistical, Params: "num num bool", Since: 2010, Eval: chiSqDist},
	{Name: "CHISQ.DIST.RT", Category: Statistical, Params: "num num", Since: 2010, Eval: chiSqDistRT},
	{Name: "CHISQ.INV", Category: Statistical, Params: "num num", Since: 2010, Eval: chiSqInv},
	{Name: "CHISQ.INV.RT", Category: Statistical, Params: "num num", Since: 2010, Eval: chiSqInvRT},
	{Name: "T.DIST", Category: Statistical, Params: "num num bool", Since: 2010, Eval: tDist},
	{Name: "T.DIST.RT", Category: Statistical, Params: "num num", Since: 2010, Eval: tDistRT},
	{Name: "T.DIST.2T", Category: Statistical, Params: "num num", Since: 2010, Eval: tDist2T},
	{Name: "T.INV", Category: Statistical, Params: "num num", Since: 2010, Eval: tInv},
	{Name: "T.INV.2T", Category: Statistical, Params: "num num", Since: 2010, Eval: tInv2T},
	{Name: "F.DIST", Category: Statistical, Params: "num num num bool", Since: 2010, Eval: fDist},
	{Name: "F.DIST.RT", Category: Statistical, Params: "num num num", Since: 2010, Eval: fDistRT},
	{Name: "F.INV", Category: Statistical, Params: "num num num", Since: 2010, Eval: fInv},
	{Name: "F.INV.RT", Category: Statistical, Params: "num num num", Since: 2010, Eval: fInvRT},
}

func exponDist(c *Context, a Args) Value {
	x, rate := a[0].Number(), a[1].Number()
	if x < 0 || rate <= 0 {
		return c.Fail(cell.ErrNum, "the value may not be below 0, and lambda has to be above it")
	}
	if a[2].Truth() {
		return Num(-math.Expm1(-rate * x))
	}
	return Num(rate * math.Exp(-rate*x))
}

func weibullDist(c *Context, a Args) Value {
	x, shape, scale := a[0].Number(), a[1].Number(), a[2].Number()
	if x < 0 {
		return c.Fail(cell.ErrNum, notNegative)
	}
	if shape <= 0 || scale <= 0 {
		return c.Fail(cell.ErrNum, parametersAbove0)
	}
	if a[3].Truth() {
		return Num(-math.Expm1(-special.Pow(x/scale, shape)))
	}
	return Num(shape / scale * special.Pow(x/scale, shape-1) * math.Exp(-special.Pow(x/scale, shape)))
}

func gammaDist(c *Context, a Args) Value {
	x, shape, scale := a[0].Number(), a[1].Number(), a[2].Number()
	if x < 0 {
		return c.Fail(cell.ErrNum, notNegative)
	}
	if shape <= 0 || scale <= 0 {
		return c.Fail(cell.ErrNum, parametersAbove0)
	}
	x /= scale
	if a[3].Truth() {
		lower, _ := special.Gamma(shape, x)
		return Num(lower)
	}
	return Num(gammaDensity(x, shape) / scale)
}

// gammaDensity is x^(shape−1) e^−x / Γ(shape).
func gammaDensity(x, shape float64) float64 {
	switch {
	case x > 0:
		return special.PoissonDensity(shape, x) * shape / x
	case shape < 1:
		return math.Inf(1)
	case shape == 1:
		return 1
	}
	return 0
}

func gammaInv(c *Context, a Args) Value {
	p, shape, scale := a[0].Number(), a[1].Number(), a[2].Number()
	if p < 0 || p >= 1 {
		return c.Fail(cell.ErrNum, insideProbability)
	}
	if shape <= 0 || scale <= 0 {
		return c.Fail(cell.ErrNum, parametersAbove0)
	}
	return Num(special.GammaInverse(shape, p, 1-p) * scale)
}

func betaDist(c *Context, x, alpha, beta float64, cumulative bool, from, to float64) Value {
	if alpha <= 0 || beta <= 0 {
		return c.Fail(cell.ErrNum, parametersAbove0)
	}
	if x < from || x > to || from == to {
		return c.Fail(cell.ErrNum, "the value lies outside of the bounds of the distribution")
	}
	share, rest := (x-from)/(to-from), (to-x)/(to-from)
	if cumulative {
		lower, _ := special.Beta(share, rest, alpha, beta)
		return Num(lower)
	}
	return Num(special.BetaDensity(share, rest, alpha, beta) / (to - from))
}

func betaInv(c *Context, a Args) Value {
	p, alpha, beta, from, to := a[0].Number(), a[1].Number(), a[2].Number(), a.Num(3, 0), a.Num(4, 1)
	if p <= 0 || p > 1 {
		return c.Fail(cell.ErrNum, insideProbability)
	}
	if alpha <= 0 || beta <= 0 {
		return c.Fail(cell.ErrNum, parametersAbove0)
	}
	if from >= to {
		return c.Fail(cell.ErrNum, "the lower bound has to be below the upper one")
	}
	odds := special.BetaOdds(alpha, beta, p, 1-p)
	share := odds / (1 + odds)
	if math.IsInf(odds, 1) {
		share = 1
	}
	return Num(from + (to-from)*share)
}

// freedomMax is the greatestOf number of degrees of freedom that Excel takes.
const (
	freedomMax    = 1e10
	freedomDomain = "the degrees of freedom have to be from 1 to 10^10"
)

// freedom reads degrees of freedom, which are cut to whole ones.
func freedom(v Value) (n float64, ok bool) {
	n = math.Trunc(v.Number())
	return n, n >= 1 && n <= freedomMax
}

// freedoms reads those of an F distribution, which have to be below the largest number.
func freedoms(v, w Value) (n, m float64, ok bool) {
	n, ok = freedom(v)
	m, ok2 := freedom(w)
	return n, m, ok && ok2 && n < freedomMax && m < freedomMax
}

func chiSqDist(c *Context, a Args) Value {
	x := a[0].Number()
	n, ok := freedom(a[1])
	switch {
	case !ok:
		return c.Fail(cell.ErrNum, freedomDomain)
	case x < 0:
		return c.Fail(cell.ErrNum, notNegative)
	case a[2].Truth():
		lower, _ := special.Gamma(n/2, x/2)
		return Num(lower)
	}
	return Num(gammaDensity(x/2, n/2) / 2)
}

func chiSqDistRT(c *Context, a Args) Value {
	x := a[0].Number()
	n, ok := freedom(a[1])
	if !ok {
		return c.Fail(cell.ErrNum, freedomDomain)
	}
	if x < 0 {
		return c.Fail(cell.ErrNum, notNegative)
	}
	_, upper := special.Gamma(n/2, x/2)
	return Num(upper)
}

func chiSqInv(c *Context, a Args) Value {
	p := a[0].Number()
	n, ok := freedom(a[1])
	if !ok {
		return c.Fail(cell.ErrNum, freedomDomain)
	}
	if p < 0 || p >= 1 {
		return c.Fail(cell.ErrNum, insideProbability)
	}
	return Num(2 * special.GammaInverse(n/2, p, 1-p))
}

func chiSqInvRT(c *Context, a Args) Value {
	p := a[0].Number()
	n, ok := freedom(a[1])
	if !ok {
		return c.Fail(cell.ErrNum, freedomDomain)
	}
	if p <= 0 || p > 1 {
		return c.Fail(cell.ErrNum, insideProbability)
	}
	return Num(2 * special.GammaInverse(n/2, 1-p, p))
}

func tDist(c *Context, a Args) Value {
	n, ok := freedom(a[1])
	if !ok {
		return c.Fail(cell.ErrNum, freedomDomain)
	}
	if a[2].Truth() {
		lower, _ := special.Student(a[0].Number(), n)
		return Num(lower)
	}
	return Num(special.StudentDensity(a[0].Number(), n))
}

func tDistRT(c *Context, a Args) Value {
	n, ok := freedom(a[1])
	if !ok {
		return c.Fail(cell.ErrNum, freedomDomain)
	}
	_, upper := special.Student(a[0].Number(), n)
	return Num(upper)
}

func tDist2T(c *Context, a Args) Value {
	n, ok := freedom(a[1])
	if !ok {
		return c.Fail(cell.ErrNum, freedomDomain)
	}
	if a[0].Number() < 0 {
		return c.Fail(cell.ErrNum, notNegative)
	}
	return Num(special.StudentTwoTails(a[0].Number(), n))
}

func tInv(c *Context, a Args) Value {
	p := a[0].Number()
	n, ok := freedom(a[1])
	if !ok {
		return c.Fail(cell.ErrNum, freedomDomain)
	}
	if p <= 0 || p >= 1 {
		return c.Fail(cell.ErrNum, insideProbability)
	}
	return Num(special.StudentInverse(p, n))
}

func tInv2T(c *Context, a Args) Value {
	p := a[0].Number()
	n, ok := freedom(a[1])
	if !ok {
		return c.Fail(cell.ErrNum, freedomDomain)
	}
	if p <= 0 || p > 1 {
		return c.Fail(cell.ErrNum, insideProbability)
	}
	return Num(special.StudentInverseTwoTails(p, n))
}

func fDist(c *Context, a Args) Value {
	x := a[0].Number()
	n, m, ok := freedoms(a[1], a[2])
	switch {
	case !ok:
		return c.Fail(cell.ErrNum, freedomDomain)
	case x < 0:
		return c.Fail(cell.ErrNum, notNegative)
	case a[3].Truth():
		lower, _ := special.F(x, n, m)
		return Num(lower)
	case x > 0:
		return Num(special.FDensity(x, n, m))
	case n == 2:
		return Num(1)
	case n > 2:
		return Num(0)
	}
	return c.Fail(cell.ErrNum, "the density is infinite at 0")
}

func fDistRT(c *Context, a Args) Value {
	x := a[0].Number()
	n, m, ok := freedoms(a[1], a[2])
	if !ok {
		return c.Fail(cell.ErrNum, freedomDomain)
	}
	if x < 0 {
		return c.Fail(cell.ErrNum, notNegative)
	}
	_, upper := special.F(x, n, m)
	return Num(upper)
}

func fInv(c *Context, a Args) Value {
	p := a[0].Number()
	n, m, ok := freedoms(a[1], a[2])
	if !ok {
		return c.Fail(cell.ErrNum, freedomDomain)
	}
	if p < 0 || p >= 1 {
		return c.Fail(cell.ErrNum, insideProbability)
	}
	return Num(special.FInverse(p, 1-p, n, m))
}

func fInvRT(c *Context, a Args) Value {
	p := a[0].Number()
	n, m, ok := freedoms(a[1], a[2])
	if !ok {
		return c.Fail(cell.ErrNum, freedomDomain)
	}
	if p <= 0 || p > 1 {
		return c.Fail(cell.ErrNum, insideProbability)
	}
	return Num(special.FInverse(1-p, p, n, m))
}
