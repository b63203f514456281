package fn

import (
	"gridflow/internal/calc/special"
	"gridflow/internal/cell"
)

// oddFunctions value bonds whose first or last coupon period is not of the usual length.
var oddFunctions = []Function{
	{Name: "ODDFPRICE", Category: Financial, Params: "real real real real real real real real real?", Since: 2007, Eval: oddFirstPrice},
	{Name: "ODDFYIELD", Category: Financial, Params: "real real real real real real real real real?", Since: 2007, Eval: oddFirstYield},
	{Name: "ODDLPRICE", Category: Financial, Params: "real real real real real real real real?", Since: 2007, Eval: func(c *Context, a Args) Value {
		return oddLast(c, a, true)
	}},
	{Name: "ODDLYIELD", Category: Financial, Params: "real real real real real real real real?", Since: 2007, Eval: func(c *Context, a Args) Value {
		return oddLast(c, a, false)
	}},
}

const oddDomain = "the dates do not come in the order that the function needs, or the rate, the price, the redemption, the frequency or the basis is not possible"

// oddFirst is a bond with an odd first period.
type oddFirst struct {
	frequency    float64
	basis        DayCount
	wait         float64 // coupon periods from the settlement to the first coupon
	firstPart    float64 // the first coupon as a part of a usual one
	accruedPart  float64 // how much of it has accrued at the settlement
	afterFirst   float64 // coupons after the first one
	rate, redeem float64
}

func (c *Context) oddFirst(a Args) (o oddFirst, code cell.ErrorCode) {
	ds, code := c.dates(a[:4]...)
	if code != 0 {
		return o, code
	}
	settlement, maturity, issue, first := ds[0], ds[1], ds[2], ds[3]
	var ok, ok2 bool
	o.frequency, ok = frequencyOf(a[7])
	o.basis, ok2 = basisOf(a.Num(8, 0))
	o.rate, o.redeem = a[4].Number(), a[6].Number()
	if !ok || !ok2 || o.rate < 0 || a[5].Number() < 0 || o.redeem <= 0 ||
		issue >= settlement || settlement >= first || first >= maturity {
		c.Fail(cell.ErrNum, oddDomain)
		return o, cell.ErrNum
	}
	// the first coupon has to be one of those counted back from the maturity
	step := 12 / int(o.frequency)
	y1, m1, d1 := c.civil(first)
	y2, m2, d2 := c.civil(maturity)
	apart := (y2-y1)*12 + m2 - m1
	bothLast := c.lastOfMonth(first) && c.lastOfMonth(maturity)
	if apart%step != 0 || d1 != d2 && !bothLast && c.monthsAfter(maturity, -apart, false) != first {
		c.Fail(cell.ErrNum, "the first coupon is not on a coupon date of the bond")
		return o, cell.ErrNum
	}
	o.afterFirst = float64(apart / step)
	o.firstPart = c.periodsBetween(issue, first, first, o.frequency, o.basis)
	o.accruedPart = c.periodsBetween(issue, settlement, first, o.frequency, o.basis)
	// whole periods to the first coupon, and the rest of the one in which the settlement lies
	b := c.bondOf(settlement, first, o.frequency, o.basis)
	o.wait = b.coupons - 1 + b.untilNext/b.length
	return o, 0
}

// priceAt is the price at a yield: the formulas of Excel's documentation of ODDFPRICE.
func (o oddFirst) priceAt(yield float64) float64 {
	y, coupon := yield/o.frequency, 100*o.rate/o.frequency
	later := coupon*(annuityDue(y, o.afterFirst+1)-1) + o.redeem*special.Pow(1+y, -o.afterFirst)
	return (coupon*o.firstPart+later)*special.Pow(1+y, -o.wait) - coupon*o.accruedPart
}

func oddFirstPrice(c *Context, a Args) Value {
	o, e := c.oddFirst(a)
	if e != 0 {
		return Err(e)
	}
	return Num(o.priceAt(a[5].Number()))
}

func oddFirstYield(c *Context, a Args) Value {
	o, e := c.oddFirst(a)
	if e != 0 {
		return Err(e)
	}
	if a[5].Number() <= 0 {
		return c.Fail(cell.ErrNum, bondDomain)
	}
	return c.yieldWhere(o.frequency, a[5].Number(), o.priceAt)
}

// oddLast gives the price at a yield, or the yield at a price, of a bond with an odd last
// period in which the settlement lies.
func oddLast(c *Context, a Args, toPrice bool) Value {
	ds, e := c.dates(a[:3]...)
	if e != 0 {
		return Err(e)
	}
	settlement, maturity, last := ds[0], ds[1], ds[2]
	rate, given, redeem := a[3].Number(), a[4].Number(), a[5].Number()
	frequency, ok := frequencyOf(a[6])
	b, ok2 := basisOf(a.Num(7, 0))
	if !ok || !ok2 || rate < 0 || given < 0 || !toPrice && given == 0 || redeem <= 0 ||
		last >= settlement || settlement >= maturity {
		return c.Fail(cell.ErrNum, oddDomain)
	}
	if b == Actual360 || b == Actual365 {
		b = ActualActual // Excel measures odd last periods by real ones in all three
	}
	coupon := 100 * rate / frequency
	whole := c.periodsBetween(last, maturity, last, frequency, b)
	accrued := coupon * c.periodsBetween(last, settlement, last, frequency, b)
	wait := c.periodsBetween(settlement, maturity, last, frequency, b)
	paid := redeem + coupon*whole
	if toPrice {
		return Num(paid/(1+wait*given/frequency) - accrued)
	}
	return Num((paid/(given+accrued) - 1) * frequency / wait)
}
