package fn

import (
	"math"

	"gridflow/internal/calc/special"
	"gridflow/internal/cell"
)

// bondFunctions value bonds that pay coupons, and the interest that has accrued.
var bondFunctions = []Function{
	{Name: "PRICE", Category: Financial, Params: "real real real real real real real?", Since: 2007, Eval: price},
	{Name: "YIELD", Category: Financial, Params: "real real real real real real real?", Since: 2007, Eval: yield},
	{Name: "DURATION", Category: Financial, Params: "real real real real real real?", Since: 2007, Eval: func(c *Context, a Args) Value {
		d, _, e := duration(c, a)
		return valueOr(d, e)
	}},
	{Name: "MDURATION", Category: Financial, Params: "real real real real real real?", Since: 2007, Eval: func(c *Context, a Args) Value {
		d, perPeriod, e := duration(c, a)
		return valueOr(d/(1+perPeriod), e)
	}},
	{Name: "ACCRINT", Category: Financial, Params: "real real real real real real real? opt?", Since: 2007, Eval: accrInt},
	{Name: "ACCRINTM", Category: Financial, Params: "real real real real real?", Since: 2007, Eval: accrIntM},
}

// priceOf is the price for a face value of 100 at a yield per year, with the next coupon
// already begun: the formulas of Excel's documentation of PRICE.
func (b bond) priceOf(rate, yield, redemption float64) float64 {
	coupon := 100 * rate / b.frequency
	y := yield / b.frequency
	wait := b.rest()
	accrued := coupon * b.accrued / b.length
	if b.coupons == 1 {
		return (redemption+coupon)/(1+y*wait) - accrued
	}
	return (redemption*special.Pow(1+y, 1-b.coupons)+coupon*annuityDue(y, b.coupons))*special.Pow(1+y, -wait) - accrued
}

// rest is the part of the coupon period that is still to come. It is what has not accrued,
// also where COUPDAYSNC counts other days.
func (b bond) rest() float64 { return 1 - b.accrued/b.length }

// annuityDue is the value of n payments of 1, the first of which is made at once.
func annuityDue(y, n float64) float64 {
	if math.Abs(y) < 1e-12 {
		return n
	}
	_, gain := growth(y, -n)
	return -gain / y * (1 + y)
}

const bondDomain = "the rate and the yield may not be below 0, and the price and the redemption have to be above it"

func price(c *Context, a Args) Value {
	b, e := c.bond(a, 5)
	if e != 0 {
		return Err(e)
	}
	rate, yield, redemption := a[2].Number(), a[3].Number(), a[4].Number()
	if rate < 0 || yield < 0 || redemption <= 0 {
		return c.Fail(cell.ErrNum, bondDomain)
	}
	return Num(b.priceOf(rate, yield, redemption))
}

func yield(c *Context, a Args) Value {
	b, e := c.bond(a, 5)
	if e != 0 {
		return Err(e)
	}
	rate, price, redemption := a[2].Number(), a[3].Number(), a[4].Number()
	if rate < 0 || price <= 0 || redemption <= 0 {
		return c.Fail(cell.ErrNum, bondDomain)
	}
	if b.coupons == 1 {
		paid := price/100 + b.accrued/b.length*rate/b.frequency
		back := redemption/100 + rate/b.frequency
		return Num((back - paid) / paid * b.frequency / b.rest())
	}
	return c.yieldWhere(b.frequency, price, func(y float64) float64 { return b.priceOf(rate, y, redemption) })
}

// yieldWhere finds the yield at which a price, which falls as it grows, is the one given:
// by the secant method inside of an interval that is known to hold it.
func (c *Context) yieldWhere(frequency, price float64, at func(yield float64) float64) Value {
	low, high := -frequency*(1-1e-9), 0.1
	fh := at(high) - price
	for i := 0; fh > 0; i++ {
		if i == 60 || c.Stop() {
			return c.Fail(cell.ErrNum, noRate)
		}
		low, high = high, high*2+1
		fh = at(high) - price
	}
	x0, x1 := 0.0, 0.1
	f0, f1 := at(x0)-price, at(x1)-price
	for range 200 {
		next := x1 - f1*(x1-x0)/(f1-f0)
		if !(next > low && next < high) {
			next = low + (high-low)/2
		}
		if next == x1 || math.Abs(next-x1) < 1e-15*math.Max(0.01, math.Abs(next)) {
			return Num(next)
		}
		x0, f0, x1, f1 = x1, f1, next, at(next)-price
		switch {
		case f1 > 0:
			low = x1
		case f1 < 0:
			high = x1
		default:
			return Num(x1)
		}
	}
	return Num(x1)
}

// duration is Macaulay's, in years; perPeriod is the yield of one coupon period.
func duration(c *Context, a Args) (years, perPeriod float64, code cell.ErrorCode) {
	b, code := c.bond(a, 4)
	if code != 0 {
		return 0, 0, code
	}
	rate, yield := a[2].Number(), a[3].Number()
	if rate < 0 || yield < 0 {
		c.Fail(cell.ErrNum, bondDomain)
		return 0, 0, cell.ErrNum
	}
	y := yield / b.frequency
	coupon := 100 * rate / b.frequency
	t := b.rest()
	worth, weighted := 0.0, 0.0
	for k := 1.0; k <= b.coupons; k++ {
		flow := coupon
		if k == b.coupons {
			flow += 100
		}
		flow *= special.Pow(1+y, -t)
		worth += flow
		weighted += t * flow
		t++
	}
	return weighted / worth / b.frequency, y, 0
}

const accruedDomain = "the rate and the par value have to be above 0, and the issue before the settlement"

func accrIntM(c *Context, a Args) Value {
	ds, e := c.dates(a[0], a[1])
	if e != 0 {
		return Err(e)
	}
	rate, par := a[2].Number(), 1000.0
	if a.Given(3) {
		par = a[3].Number()
	}
	b, ok := basisOf(a.Num(4, 0))
	if !ok || rate <= 0 || par <= 0 || ds[0] >= ds[1] {
		return c.Fail(cell.ErrNum, accruedDomain)
	}
	return Num(par * rate * c.yearFraction(ds[0], ds[1], b))
}

// accrInt sums the parts of the coupon periods between the issue and the settlement.
func accrInt(c *Context, a Args) Value {
	ds, e := c.dates(a[0], a[1], a[2])
	if e != 0 {
		return Err(e)
	}
	issue, first, settlement := ds[0], ds[1], ds[2]
	rate, par := a[3].Number(), a[4].Number()
	frequency, ok := frequencyOf(a[5])
	b, ok2 := basisOf(a.Num(6, 0))
	if !ok || !ok2 || rate <= 0 || par <= 0 || issue >= settlement {
		return c.Fail(cell.ErrNum, accruedDomain)
	}
	whole := given(a, 7, 1) != 0
	step := 12 / int(frequency)
	toFirst := c.periodsBetween(issue, first, first, frequency, b)
	begin := c.monthsAfter(first, -step, c.lastOfMonth(first)) // of the period that ends with the first coupon
	var n float64
	switch {
	case settlement < begin:
		// Excel takes what is left at the settlement from what is left at the issue, the former
		// in one piece, measured by the period before the first coupon.
		left := float64(begin - settlement)
		if b == US30360 || b == European30360 {
			at := c.bondOf(settlement, first, frequency, b)
			left = (at.coupons-1)*at.length - at.accrued
		}
		n = toFirst - left/periodLength(begin, first, frequency, b) - 1
	case !whole && settlement > first:
		n = c.periodsBetween(first, settlement, first, frequency, b)
	default:
		n = c.periodsBetween(issue, settlement, first, frequency, b)
	}
	if !whole && settlement <= first {
		n -= max(0, math.Ceil(toFirst)-2) // it leaves out the whole periods between the first and the last
	}
	return Num(par * rate / frequency * n)
}

// periodsBetween counts coupon periods, of which one date is known, between two dates; of
// the first and the last one it takes the part that lies between them.
func (c *Context) periodsBetween(from, to, known int, frequency float64, b DayCount) float64 {
	step := 12 / int(frequency)
	last := c.lastOfMonth(known)
	y1, m1, _ := c.civil(known)
	y2, m2, _ := c.civil(from)
	n := ((y2-y1)*12 + m2 - m1) / step
	for c.monthsAfter(known, n*step, last) > from {
		n--
	}
	total := 0.0
	for start := c.monthsAfter(known, n*step, last); start < to; n++ {
		end := c.monthsAfter(known, (n+1)*step, last)
		switch {
		case end <= from:
		case start >= from && end <= to:
			total++
		default:
			total += c.daysBetween(max(start, from), min(end, to), b) / periodLength(start, end, frequency, b)
		}
		start = end
	}
	return total
}
