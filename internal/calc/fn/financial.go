package fn

import (
	"math"
	"slices"

	"gridflow/internal/calc/special"
	"gridflow/internal/cell"
)

// The financial functions stand in files by theme: loans and savings are here.
var financialFunctions = slices.Concat(annuityFunctions, flowFunctions, depreciationFunctions, couponFunctions, bondFunctions,
	oddFunctions, discountFunctions)

var annuityFunctions = []Function{
	{Name: "PMT", Category: Financial, Params: "num num num num? num?", Since: 2007, Eval: func(c *Context, a Args) Value {
		return Num(payment(a[0].Number(), a[1].Number(), a[2].Number(), a.Num(3, 0), dueOf(a, 4)))
	}},
	{Name: "FV", Category: Financial, Params: "num num num num? num?", Since: 2007, Eval: func(c *Context, a Args) Value {
		return Num(futureValue(a[0].Number(), a[1].Number(), a[2].Number(), a.Num(3, 0), dueOf(a, 4)))
	}},
	{Name: "PV", Category: Financial, Params: "num num num num? num?", Since: 2007, Eval: presentValue},
	{Name: "NPER", Category: Financial, Params: "num num num num? num?", Since: 2007, Eval: periods},
	{Name: "RATE", Category: Financial, Params: "num num num num? num? opt?", Since: 2007, Eval: rate},
	{Name: "IPMT", Category: Financial, Params: "num num num num num? num?", Since: 2007, Eval: func(c *Context, a Args) Value {
		return partOfPayment(c, a, true)
	}},
	{Name: "PPMT", Category: Financial, Params: "num num num num num? num?", Since: 2007, Eval: func(c *Context, a Args) Value {
		return partOfPayment(c, a, false)
	}},
	{Name: "CUMIPMT", Category: Financial, Params: "real real real real real real", Since: 2007, Eval: func(c *Context, a Args) Value {
		return cumulated(c, a, true)
	}},
	{Name: "CUMPRINC", Category: Financial, Params: "real real real real real real", Since: 2007, Eval: func(c *Context, a Args) Value {
		return cumulated(c, a, false)
	}},
	{Name: "ISPMT", Category: Financial, Params: "num num num num", Since: 2007, Eval: func(c *Context, a Args) Value {
		if a[2].Number() == 0 {
			return c.Fail(cell.ErrDiv0, "there is no period")
		}
		return Num(a[3].Number() * a[0].Number() * (a[1].Number()/a[2].Number() - 1))
	}},
	{Name: "EFFECT", Category: Financial, Params: "real real", Since: 2007, Eval: effect},
	{Name: "NOMINAL", Category: Financial, Params: "real real", Since: 2007, Eval: nominal},
	{Name: "RRI", Category: Financial, Params: "num num num", Since: 2013, Eval: rri},
	{Name: "PDURATION", Category: Financial, Params: "num num num", Since: 2013, Eval: pDuration},
	{Name: "DOLLARDE", Category: Financial, Params: "real real", Since: 2007, Eval: func(c *Context, a Args) Value {
		return dollarFraction(c, a, true)
	}},
	{Name: "DOLLARFR", Category: Financial, Params: "real real", Since: 2007, Eval: func(c *Context, a Args) Value {
		return dollarFraction(c, a, false)
	}},
}

// dueOf reads when payments are due: 1 at the beginning of a period, 0 at its end.
func dueOf(a Args, i int) float64 {
	if a.Num(i, 0) != 0 {
		return 1
	}
	return 0
}

// growth gives (1+rate)^n and its distance from 1, which is exact for small rates too.
func growth(rate, n float64) (factor, gain float64) {
	factor = special.Pow(1+rate, n)
	if rate <= -1 {
		return factor, factor - 1
	}
	return factor, math.Expm1(n * math.Log1p(rate))
}

// plainGrowth is growth with the plain difference from 1, because Excel's results show the
// digits that it loses; for rates so small that nothing would be left it is the exact one.
func plainGrowth(rate, n float64) (factor, gain float64) {
	if math.Abs(rate) < 1e-8 {
		return growth(rate, n)
	}
	factor = special.Pow(1+rate, n)
	return factor, factor - 1
}

func payment(rate, n, pv, fv, due float64) float64 {
	if rate == 0 {
		return -(pv + fv) / n
	}
	factor, gain := plainGrowth(rate, n)
	return -(fv + pv*factor) * rate / ((1 + rate*due) * gain)
}

func futureValue(rate, n, pmt, pv, due float64) float64 {
	if rate == 0 {
		return -(pv + pmt*n)
	}
	factor, gain := plainGrowth(rate, n)
	return -pmt*(1+rate*due)*gain/rate - pv*factor
}

func presentValue(c *Context, a Args) Value {
	rate, n, pmt, fv, due := a[0].Number(), a[1].Number(), a[2].Number(), a.Num(3, 0), dueOf(a, 4)
	if rate == 0 {
		return Num(-(fv + pmt*n))
	}
	factor, gain := plainGrowth(rate, n)
	if factor == 0 {
		return c.Fail(cell.ErrDiv0, "the rate is -100 %")
	}
	return Num(-(pmt*(1+rate*due)*gain/rate + fv) / factor)
}

func periods(c *Context, a Args) Value {
	rate, pmt, pv, fv, due := a[0].Number(), a[1].Number(), a[2].Number(), a.Num(3, 0), dueOf(a, 4)
	if rate == 0 {
		if pmt == 0 {
			return c.Fail(cell.ErrNum, "without interest and payments nothing changes")
		}
		return Num(-(pv + fv) / pmt)
	}
	if rate <= -1 {
		return c.Fail(cell.ErrNum, "the rate has to be above -100 %")
	}
	flow := pmt * (1 + rate*due)
	ratio := (flow - fv*rate) / (pv*rate + flow)
	if !(ratio > 0) {
		return c.Fail(cell.ErrNum, "the payments never reach the value wanted")
	}
	return Num(math.Log(ratio) / math.Log1p(rate))
}

// principal is the part of payment k, from 1, that pays off. Of payments at the ends of periods
// it grows by the rate from each to the next, and all of them together are what is paid off.
func principal(rate, k, n, pv, fv, due float64) float64 {
	if rate == 0 {
		return -(pv + fv) / n
	}
	if due == 1 && k == 1 { // made at once, it holds no interest
		return payment(rate, n, pv, fv, 1)
	}
	_, gain := growth(rate, n)
	factor, _ := growth(rate, k-1)
	return -(pv + fv) * rate / gain * factor / (1 + rate*due)
}

func partOfPayment(c *Context, a Args, ofInterest bool) Value {
	rate, k, n, pv, fv, due := a[0].Number(), a[1].Number(), a[2].Number(), a[3].Number(), a.Num(4, 0), dueOf(a, 5)
	if k < 1 || k >= n+1 || n <= 0 {
		return c.Fail(cell.ErrNum, "the period is not one of those that are paid")
	}
	part := principal(rate, k, n, pv, fv, due)
	if ofInterest {
		return Num(interest(rate, k, n, pv, fv, due, part))
	}
	return Num(part)
}

// interest is the part of payment k that is not part, which pays off: of what is still owed while
// that is much, and else what is left of the payment, so that neither loses digits.
func interest(rate, k, n, pv, fv, due, part float64) float64 {
	pmt := payment(rate, n, pv, fv, due)
	rest := pmt - part
	if rate == 0 || due == 1 && k == 1 {
		return rest
	}
	owed := futureValue(rate, k-1, pmt, pv, 0)
	if due == 1 {
		owed = futureValue(rate, k-2, pmt, pv, 1) - pmt
	}
	// What was borrowed may have grown to much more than is owed, and then a difference is taken.
	grown := math.Abs(k * math.Log1p(rate))
	if direct := owed * rate; math.Abs(direct) >= math.Abs(part) && grown < 3 {
		return direct
	}
	return rest
}

// cumulated sums the parts of some payments.
func cumulated(c *Context, a Args, ofInterest bool) Value {
	rate, n, pv := a[0].Number(), a[1].Number(), a[2].Number()
	from, to, due := a[3].Number(), a[4].Number(), a[5].Number()
	if rate <= 0 || n <= 0 || pv <= 0 || from < 1 || to < from || to > n || due != 0 && due != 1 {
		return c.Fail(cell.ErrNum, "the rate, the periods and the value have to be above 0, the first and the last period among the periods, and the type 0 or 1")
	}
	from, to = math.Ceil(from), math.Floor(to)
	sum, k := 0.0, from
	if due == 1 && k == 1 && k <= to {
		sum = principal(rate, 1, n, pv, 0, 1)
		k++
	}
	if k <= to {
		_, gain := growth(rate, to-k+1)
		sum += principal(rate, k, n, pv, 0, due) * gain / rate
	}
	if ofInterest {
		return Num(payment(rate, n, pv, 0, due)*max(0, to-from+1) - sum)
	}
	return Num(sum)
}

// rate looks for the rate of an annuity by Newton's method. As in Excel there is no answer
// where that does not lead to one from the guess.
func rate(c *Context, a Args) Value {
	n, pmt, pv, fv, due := a[0].Number(), a[1].Number(), a[2].Number(), a.Num(3, 0), dueOf(a, 4)
	r := 0.1
	if a.Given(5) {
		r = a[5].Number()
	}
	if n <= 0 || r <= -1 {
		return c.Fail(cell.ErrNum, "there has to be a period, and the guess has to be above -100 %")
	}
	step := 1.0
	for range 100 {
		var f, slope float64
		if math.Abs(r) < 1e-10 { // by the first terms of the series
			f = pv*(1+n*r) + pmt*(1+r*due)*(n+n*(n-1)/2*r) + fv
			slope = pv*n + pmt*(due*n+n*(n-1)/2)
		} else {
			factor, gain := growth(r, n)
			s, part := gain/r, n*factor/(1+r)
			f = pv*factor + pmt*(1+r*due)*s + fv
			slope = pv*part + pmt*(due*s+(1+r*due)*(part-s)/r)
		}
		step = f / slope
		next := r - step
		if !(next > -1) || math.IsInf(next, 0) {
			break
		}
		if math.Abs(next-r) <= 1e-13*math.Max(1e-3, math.Abs(next)) {
			return Num(next)
		}
		r = next
	}
	if math.Abs(step) < solved && r > -0.9999 { // the digits after that are noise; -100 % is none
		return Num(r)
	}
	return c.Fail(cell.ErrNum, noRate)
}

// solved is how little the last step of a search may change a rate, where it does not
// settle entirely. Excel is content with 1e-7.
const solved = 1e-9

const noRate = "no rate was found from the guess on"

func effect(c *Context, a Args) Value {
	rate, n := a[0].Number(), math.Trunc(a[1].Number())
	if rate <= 0 || n < 1 {
		return c.Fail(cell.ErrNum, "the rate has to be above 0, and there has to be a period")
	}
	_, gain := growth(rate/n, n)
	return Num(gain)
}

func nominal(c *Context, a Args) Value {
	rate, n := a[0].Number(), math.Trunc(a[1].Number())
	if rate <= 0 || n < 1 {
		return c.Fail(cell.ErrNum, "the rate has to be above 0, and there has to be a period")
	}
	_, gain := growth(rate, 1/n)
	return Num(gain * n)
}

func rri(c *Context, a Args) Value {
	n, pv, fv := a[0].Number(), a[1].Number(), a[2].Number()
	if n <= 0 || pv == 0 || fv/pv < 0 {
		return c.Fail(cell.ErrNum, "there has to be a period, and both values of one sign")
	}
	return Num(special.Pow(fv/pv, 1/n) - 1)
}

func pDuration(c *Context, a Args) Value {
	rate, pv, fv := a[0].Number(), a[1].Number(), a[2].Number()
	if rate <= 0 || pv <= 0 || fv <= 0 {
		return c.Fail(cell.ErrNum, "the rate and both values have to be above 0")
	}
	return Num((math.Log(fv) - math.Log(pv)) / math.Log1p(rate))
}

// dollarFraction reads or writes a price in fractions: 1.02 with 16 as the denominator is 1 2/16.
func dollarFraction(c *Context, a Args, toDecimal bool) Value {
	price, den := a[0].Number(), math.Trunc(a[1].Number())
	if den < 0 {
		return c.Fail(cell.ErrNum, "the denominator may not be below 0")
	}
	if den == 0 {
		return c.Fail(cell.ErrDiv0, "the denominator is 0")
	}
	whole, part := math.Modf(price)
	scale := special.Pow(10, math.Ceil(special.Log10(den)))
	if toDecimal {
		return Num(whole + part*scale/den)
	}
	return Num(whole + part*den/scale)
}
