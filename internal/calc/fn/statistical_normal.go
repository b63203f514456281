package fn

import (
	"math"

	"gridflow/internal/calc/special"
	"gridflow/internal/cell"
)

// normalFunctions are the normal distribution and what is made of it, and the gamma
// function.
var normalFunctions = []Function{
	{Name: "NORM.DIST", Category: Statistical, Params: "num num num bool", Since: 2010, Eval: normDist},
	{Name: "NORM.INV", Category: Statistical, Params: "num num num", Since: 2010, Eval: normInv},
	{Name: "NORM.S.DIST", Category: Statistical, Params: "num bool", Since: 2010, Eval: normSDist},
	{Name: "NORM.S.INV", Category: Statistical, Params: "num", Since: 2010, Eval: normSInv},
	{Name: "LOGNORM.DIST", Category: Statistical, Params: "num num num bool", Since: 2010, Eval: logNormDist},
	{Name: "LOGNORM.INV", Category: Statistical, Params: "num num num", Since: 2010, Eval: logNormInv},
	{Name: "GAUSS", Category: Statistical, Params: "num", Since: 2013, Eval: of1(func(z float64) float64 { return math.Erf(z/math.Sqrt2) / 2 })},
	{Name: "PHI", Category: Statistical, Params: "num", Since: 2013, Eval: of1(special.NormalDensity)},
	{Name: "FISHER", Category: Statistical, Params: "num", Since: 2007, Eval: fisher},
	{Name: "FISHERINV", Category: Statistical, Params: "num", Since: 2007, Eval: of1(math.Tanh)},
	{Name: "CONFIDENCE.NORM", Category: Statistical, Params: "num num num", Since: 2010, Eval: confidenceNorm},
	{Name: "CONFIDENCE.T", Category: Statistical, Params: "num num num", Since: 2010, Eval: confidenceT},
	{Name: "GAMMA", Category: Statistical, Params: "num", Since: 2013, Eval: gamma},
	{Name: "GAMMALN", Category: Statistical, Params: "num", Since: 2007, Eval: gammaLn},
	{Name: "GAMMALN.PRECISE", Category: Statistical, Params: "num", Since: 2010, Eval: gammaLn},
}

const (
	insideProbability = "the probability has to lie between 0 and 1"
	notNegative       = "the value may not be below 0"
	parametersAbove0  = "the parameters of the distribution have to be above 0"
)

func normDist(c *Context, a Args) Value {
	x, mean, sd := a[0].Number(), a[1].Number(), a[2].Number()
	if sd <= 0 {
		return c.Fail(cell.ErrNum, deviationAboveZero)
	}
	if a[3].Truth() {
		return Num(special.Normal((x - mean) / sd))
	}
	return Num(special.NormalDensity((x-mean)/sd) / sd)
}

func normInv(c *Context, a Args) Value {
	p, mean, sd := a[0].Number(), a[1].Number(), a[2].Number()
	if sd <= 0 {
		return c.Fail(cell.ErrNum, deviationAboveZero)
	}
	if p <= 0 || p >= 1 {
		return c.Fail(cell.ErrNum, insideProbability)
	}
	return Num(mean + sd*special.NormalInverse(p))
}

func normSDist(_ *Context, a Args) Value {
	if a[1].Truth() {
		return Num(special.Normal(a[0].Number()))
	}
	return Num(special.NormalDensity(a[0].Number()))
}

func normSInv(c *Context, a Args) Value {
	p := a[0].Number()
	if p <= 0 || p >= 1 {
		return c.Fail(cell.ErrNum, insideProbability)
	}
	return Num(special.NormalInverse(p))
}

func logNormDist(c *Context, a Args) Value {
	x, mean, sd := a[0].Number(), a[1].Number(), a[2].Number()
	if sd <= 0 || x <= 0 {
		return c.Fail(cell.ErrNum, "the value and the standard deviation have to be above 0")
	}
	z := (math.Log(x) - mean) / sd
	if a[3].Truth() {
		return Num(special.Normal(z))
	}
	return Num(special.NormalDensity(z) / (sd * x))
}

func logNormInv(c *Context, a Args) Value {
	p, mean, sd := a[0].Number(), a[1].Number(), a[2].Number()
	if sd <= 0 {
		return c.Fail(cell.ErrNum, deviationAboveZero)
	}
	if p <= 0 || p >= 1 {
		return c.Fail(cell.ErrNum, insideProbability)
	}
	return Num(math.Exp(mean + sd*special.NormalInverse(p)))
}

func fisher(c *Context, a Args) Value {
	x := a[0].Number()
	if x <= -1 || x >= 1 {
		return c.Fail(cell.ErrNum, "the value has to lie between -1 and 1")
	}
	return Num(math.Log((1+x)/(1-x)) / 2) // as Excel does, which loses digits near 0
}

// confidenceArgs reads the level, the standard deviation and the size of the sample.
func confidenceArgs(c *Context, a Args) (alpha, sd, size float64, ok bool) {
	alpha, sd, size = a[0].Number(), a[1].Number(), math.Trunc(a[2].Number())
	return alpha, sd, size, alpha > 0 && alpha < 1 && sd > 0 && size >= 1
}

const confidenceDomain = "the level has to lie between 0 and 1, the standard deviation above 0, and the size has to be 1 at least"

func confidenceNorm(c *Context, a Args) Value {
	alpha, sd, size, ok := confidenceArgs(c, a)
	if !ok {
		return c.Fail(cell.ErrNum, confidenceDomain)
	}
	return Num(-special.NormalInverse(alpha/2) * sd / math.Sqrt(size))
}

func confidenceT(c *Context, a Args) Value {
	alpha, sd, size, ok := confidenceArgs(c, a)
	if !ok {
		return c.Fail(cell.ErrNum, confidenceDomain)
	}
	if size == 1 {
		return c.Fail(cell.ErrDiv0, "a sample of one leaves no degree of freedom")
	}
	return Num(special.StudentInverseTwoTails(alpha, size-1) * sd / math.Sqrt(size))
}

func gamma(c *Context, a Args) Value {
	x := a[0].Number()
	if x <= 0 && x == math.Trunc(x) {
		return c.Fail(cell.ErrNum, "the gamma function has no value at 0 and the negative whole numbers")
	}
	return Num(math.Gamma(x))
}

func gammaLn(c *Context, a Args) Value {
	if a[0].Number() <= 0 {
		return c.Fail(cell.ErrNum, "the value has to be above 0")
	}
	return Num(special.LogGamma(a[0].Number()))
}
