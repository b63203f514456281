package fn

import (
	"math"

	"gridflow/internal/cell"
)

// discountFunctions value securities that pay once, at maturity.
var discountFunctions = []Function{
	{Name: "DISC", Category: Financial, Params: "real real real real real?", Since: 2007, Eval: discounted(func(price, redemption, years float64) float64 {
		return (1 - price/redemption) / years
	})},
	{Name: "INTRATE", Category: Financial, Params: "real real real real real?", Since: 2007, Eval: discounted(func(invested, redemption, years float64) float64 {
		return (redemption/invested - 1) / years
	})},
	{Name: "RECEIVED", Category: Financial, Params: "real real real real real?", Since: 2007, Eval: discounted(func(invested, discount, years float64) float64 {
		return invested / (1 - discount*years)
	})},
	{Name: "PRICEDISC", Category: Financial, Params: "real real real real real?", Since: 2007, Eval: discounted(func(discount, redemption, years float64) float64 {
		return redemption - discount*redemption*years
	})},
	{Name: "YIELDDISC", Category: Financial, Params: "real real real real real?", Since: 2007, Eval: discounted(func(price, redemption, years float64) float64 {
		return (redemption/price - 1) / years
	})},
	{Name: "PRICEMAT", Category: Financial, Params: "real real real real real real?", Since: 2007, Eval: atMaturity(true)},
	{Name: "YIELDMAT", Category: Financial, Params: "real real real real real real?", Since: 2007, Eval: atMaturity(false)},
	{Name: "TBILLEQ", Category: Financial, Params: "real real real", Since: 2007, Eval: tBill(tBillEquivalent)},
	{Name: "TBILLPRICE", Category: Financial, Params: "real real real", Since: 2007, Eval: tBill(func(discount, days float64) float64 {
		if discount*days > 360 {
			return math.NaN() // there is nothing left of the price
		}
		return 100 * (1 - discount*days/360)
	})},
	{Name: "TBILLYIELD", Category: Financial, Params: "real real real", Since: 2007, Eval: tBill(func(price, days float64) float64 {
		return (100 - price) / price * 360 / days
	})},
}

const discountDomain = "the settlement has to be before the maturity, the amounts and rates above 0, and the basis one of 0 to 4"

// discounted makes a function of two amounts and the years between settlement and maturity.
func discounted(f func(x, y, years float64) float64) func(*Context, Args) Value {
	return func(c *Context, a Args) Value {
		ds, e := c.dates(a[0], a[1])
		if e != 0 {
			return Err(e)
		}
		b, ok := basisOf(a.Num(4, 0))
		x, y := a[2].Number(), a[3].Number()
		if !ok || x <= 0 || y <= 0 || ds[0] >= ds[1] {
			return c.Fail(cell.ErrNum, discountDomain)
		}
		z := f(x, y, c.yearFraction(ds[0], ds[1], b))
		return Num(z)
	}
}

// atMaturity makes PRICEMAT, or YIELDMAT.
func atMaturity(toPrice bool) func(*Context, Args) Value {
	return func(c *Context, a Args) Value {
		ds, e := c.dates(a[:3]...)
		if e != 0 {
			return Err(e)
		}
		settlement, maturity, issue := ds[0], ds[1], ds[2]
		rate, given := a[3].Number(), a[4].Number()
		b, ok := basisOf(a.Num(5, 0))
		if !ok || rate < 0 || given < 0 || !toPrice && given == 0 || settlement >= maturity || issue > settlement {
			return c.Fail(cell.ErrNum, discountDomain)
		}
		whole := c.yearFraction(issue, maturity, b)
		accrued := c.yearFraction(issue, settlement, b)
		left := c.yearFraction(settlement, maturity, b)
		if toPrice {
			return Num(100 * ((1+whole*rate)/(1+left*given) - accrued*rate))
		}
		return Num(((1+whole*rate)/(given/100+accrued*rate) - 1) / left)
	}
}

// tBill makes a function of a discount or a price and the days to a maturity that is a
// year away at most.
func tBill(f func(x, days float64) float64) func(*Context, Args) Value {
	return func(c *Context, a Args) Value {
		ds, e := c.dates(a[0], a[1])
		if e != 0 {
			return Err(e)
		}
		days := float64(ds[1] - ds[0])
		if a[2].Number() <= 0 || days <= 0 || ds[1] > c.monthsAfter(ds[0], 12, false) {
			return c.Fail(cell.ErrNum, "the maturity has to be after the settlement and a year away at most, and the discount or price above 0")
		}
		return Num(f(a[2].Number(), days))
	}
}

// tBillEquivalent is the yield of a bond with the same return: with one payment of interest
// up to 182 days, and with one after half a year beyond that.
func tBillEquivalent(discount, days float64) float64 {
	if discount*days >= 360 {
		return math.NaN()
	}
	if days <= 182 {
		return 365 * discount / (360 - discount*days)
	}
	price := 1 - discount*days/360
	year := 365.0
	if days > 365 {
		year = 366
	}
	x := days / year
	return (-2*x + 2*math.Sqrt(x*x-(2*x-1)*(1-1/price))) / (2*x - 1)
}
