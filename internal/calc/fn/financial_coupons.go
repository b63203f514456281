package fn

import (
	"math"

	"gridflow/internal/cell"
)

// couponFunctions tell the dates of a bond's coupons and the days between them.
var couponFunctions = []Function{
	{Name: "COUPPCD", Category: Financial, Params: "real real real real?", Since: 2007, Eval: couponFunction(func(b bond) float64 { return b.previous.serial })},
	{Name: "COUPNCD", Category: Financial, Params: "real real real real?", Since: 2007, Eval: couponFunction(func(b bond) float64 { return b.next.serial })},
	{Name: "COUPNUM", Category: Financial, Params: "real real real real?", Since: 2007, Eval: couponFunction(func(b bond) float64 { return b.coupons })},
	{Name: "COUPDAYBS", Category: Financial, Params: "real real real real?", Since: 2007, Eval: couponFunction(bond.accrued)},
	{Name: "COUPDAYS", Category: Financial, Params: "real real real real?", Since: 2007, Eval: couponFunction(bond.length)},
	{Name: "COUPDAYSNC", Category: Financial, Params: "real real real real?", Since: 2007, Eval: couponFunction(bond.untilNext)},
}

// bond is what is known of a bond's coupons on the day of settlement.
type bond struct {
	settlement, maturity day
	previous, next       day     // coupon dates around the settlement
	coupons              float64 // to be paid from next to the maturity
	frequency            float64 // coupons in a year
	basis                basis
}

const couponDomain = "the settlement has to be before the maturity, the frequency 1, 2 or 4, and the basis one of 0 to 4"

// frequencyOf reads the number of coupons in a year.
func frequencyOf(v Value) (f float64, ok bool) {
	f = math.Trunc(v.Number())
	return f, f == 1 || f == 2 || f == 4
}

// bond reads the settlement and the maturity, and the frequency and the basis that stand at
// argument i and after.
func (c *Context) bond(a Args, i int) (b bond, code cell.ErrorCode) {
	ds, code := c.dates(a[0], a[1])
	if code != 0 {
		return b, code
	}
	b.settlement, b.maturity = ds[0], ds[1]
	var ok, ok2 bool
	b.frequency, ok = frequencyOf(a[i])
	b.basis, ok2 = basisOf(a.Num(i+1, 0))
	if !ok || !ok2 || b.settlement.serial >= b.maturity.serial {
		c.Fail(cell.ErrNum, couponDomain)
		return b, cell.ErrNum
	}
	c.around(&b)
	return b, 0
}

// around finds the coupon dates around the settlement, counted back from the maturity. A
// bond that matures on the last day of a month has its coupons on such days.
func (c *Context) around(b *bond) {
	step := 12 / int(b.frequency)
	back := ((b.maturity.y-b.settlement.y)*12 + b.maturity.m - b.settlement.m) / step
	last := b.maturity.last()
	for {
		b.previous = c.monthsAfter(b.maturity, -back*step, last)
		if b.previous.serial <= b.settlement.serial {
			break
		}
		back++
	}
	b.next = c.monthsAfter(b.maturity, -(back-1)*step, last)
	for b.next.serial <= b.settlement.serial {
		back--
		b.previous, b.next = b.next, c.monthsAfter(b.maturity, -(back-1)*step, last)
	}
	b.coupons = float64(back)
}

func couponFunction(f func(bond) float64) func(*Context, Args) Value {
	return func(c *Context, a Args) Value {
		b, e := c.bond(a, 2)
		if e != 0 {
			return Err(e)
		}
		x := f(b)
		if x < 0 {
			return c.Fail(cell.ErrNum, "the coupon date is before the calendar begins")
		}
		return Num(x)
	}
}

// periodLength is the number of days in a coupon period.
func (b basis) periodLength(from, to day, frequency float64) float64 {
	switch b {
	case actual:
		return to.serial - from.serial
	case actual365:
		return 365 / frequency
	}
	return 360 / frequency
}

func (b bond) length() float64  { return b.basis.periodLength(b.previous, b.next, b.frequency) }
func (b bond) accrued() float64 { return b.basis.days(b.previous, b.settlement) }

// untilNext is the number of days to the next coupon; with months of 30 days it is what is
// left of the period.
func (b bond) untilNext() float64 {
	if b.basis == usThirty || b.basis == euroThirty {
		return b.length() - b.accrued()
	}
	return b.next.serial - b.settlement.serial
}
