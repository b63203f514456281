package fn

// compatibilityFunctions are the statistical functions by the names that they had before
// Excel 2010, some of them with other arguments.
var compatibilityFunctions = []Function{
	{Name: "BETADIST", Category: Compatibility, Params: "num num num num? num?", Since: 2007, Eval: func(c *Context, a Args) Value {
		return betaDist(c, a[0].Number(), a[1].Number(), a[2].Number(), true, a.Num(3, 0), a.Num(4, 1))
	}},
	{Name: "BETAINV", Category: Compatibility, Params: "num num num num? num?", Since: 2007, Eval: betaInv},
	{Name: "BINOMDIST", Category: Compatibility, Params: "num num num bool", Since: 2007, Eval: binomDist},
	{Name: "CHIDIST", Category: Compatibility, Params: "num num", Since: 2007, Eval: chiSqDistRT},
	{Name: "CHIINV", Category: Compatibility, Params: "num num", Since: 2007, Eval: chiSqInvRT},
	{Name: "CHITEST", Category: Compatibility, Params: "array array", Since: 2007, Eval: chiSqTest},
	{Name: "CONFIDENCE", Category: Compatibility, Params: "num num num", Since: 2007, Eval: confidenceNorm},
	{Name: "COVAR", Category: Compatibility, Params: "array array", Since: 2007, Eval: covarianceP},
	{Name: "CRITBINOM", Category: Compatibility, Params: "num num num", Since: 2007, Eval: binomInv},
	{Name: "EXPONDIST", Category: Compatibility, Params: "num num bool", Since: 2007, Eval: exponDist},
	{Name: "FDIST", Category: Compatibility, Params: "num num num", Since: 2007, Eval: fDistRT},
	{Name: "FINV", Category: Compatibility, Params: "num num num", Since: 2007, Eval: fInvRT},
	{Name: "FTEST", Category: Compatibility, Params: "range range", Since: 2007, Eval: fTest},
	{Name: "GAMMADIST", Category: Compatibility, Params: "num num num bool", Since: 2007, Eval: gammaDist},
	{Name: "GAMMAINV", Category: Compatibility, Params: "num num num", Since: 2007, Eval: gammaInv},
	{Name: "HYPGEOMDIST", Category: Compatibility, Params: "num num num num", Since: 2007, Eval: func(c *Context, a Args) Value {
		return hypGeomDist(c, a, false)
	}},
	{Name: "LOGINV", Category: Compatibility, Params: "num num num", Since: 2007, Eval: logNormInv},
	{Name: "LOGNORMDIST", Category: Compatibility, Params: "num num num", Since: 2007, Eval: func(c *Context, a Args) Value {
		return logNormDist(c, append(a[:3:3], True))
	}},
	{Name: "MODE", Category: Compatibility, Params: "range...", Since: 2007, Eval: mode},
	{Name: "NEGBINOMDIST", Category: Compatibility, Params: "num num num", Since: 2007, Eval: func(c *Context, a Args) Value {
		return negBinomDist(c, a, false)
	}},
	{Name: "NORMDIST", Category: Compatibility, Params: "num num num bool", Since: 2007, Eval: normDist},
	{Name: "NORMINV", Category: Compatibility, Params: "num num num", Since: 2007, Eval: normInv},
	{Name: "NORMSDIST", Category: Compatibility, Params: "num", Since: 2007, Eval: func(c *Context, a Args) Value {
		return normSDist(c, append(a[:1:1], True))
	}},
	{Name: "NORMSINV", Category: Compatibility, Params: "num", Since: 2007, Eval: normSInv},
	{Name: "PERCENTILE", Category: Compatibility, Params: "range range", Since: 2007, Eval: placed(percentile)},
	{Name: "PERCENTRANK", Category: Compatibility, Params: "range num num?", Since: 2007, Eval: percentRank(0)},
	{Name: "POISSON", Category: Compatibility, Params: "num num bool", Since: 2007, Eval: poissonDist},
	{Name: "QUARTILE", Category: Compatibility, Params: "range range", Since: 2007, Eval: placed(quartile)},
	{Name: "RANK", Category: Compatibility, Params: "num ref num?", Since: 2007, Eval: rankOf(false)},
	{Name: "STDEV", Category: Compatibility, Params: "range...", Since: 2007, Eval: allNumbers((*Context).Numbers, deviation)},
	{Name: "STDEVP", Category: Compatibility, Params: "range...", Since: 2007, Eval: allNumbers((*Context).Numbers, deviationP)},
	{Name: "TDIST", Category: Compatibility, Params: "num num num", Since: 2007, Eval: tDistOld},
	{Name: "TINV", Category: Compatibility, Params: "num num", Since: 2007, Eval: tInv2T},
	{Name: "TTEST", Category: Compatibility, Params: "array array num num", Since: 2007, Eval: tTest},
	{Name: "VAR", Category: Compatibility, Params: "range...", Since: 2007, Eval: allNumbers((*Context).Numbers, variance)},
	{Name: "VARP", Category: Compatibility, Params: "range...", Since: 2007, Eval: allNumbers((*Context).Numbers, varianceP)},
	{Name: "WEIBULL", Category: Compatibility, Params: "num num num bool", Since: 2007, Eval: weibullDist},
	{Name: "ZTEST", Category: Compatibility, Params: "range num num?", Since: 2007, Eval: zTest},
}
