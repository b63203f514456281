package fn

import (
	"math"

	"gridflow/internal/cell"
)

// couponFunctions tell the dates of a bond's coupons and the days between them.
var couponFunctions = []Function{
	{Name: "COUPPCD", Category: Financial, Params: "real real real real?", Since: 2007, Eval: couponFunction(func(b bond) float64 { return float64(b.previous) })},
	{Name: "COUPNCD", Category: Financial, Params: "real real real real?", Since: 2007, Eval: couponFunction(func(b bond) float64 { return float64(b.next) })},
	{Name: "COUPNUM", Category: Financial, Params: "real real real real?", Since: 2007, Eval: couponFunction(func(b bond) float64 { return b.coupons })},
	{Name: "COUPDAYBS", Category: Financial, Params: "real real real real?", Since: 2007, Eval: couponFunction(func(b bond) float64 { return b.accrued })},
	{Name: "COUPDAYS", Category: Financial, Params: "real real real real?", Since: 2007, Eval: couponFunction(func(b bond) float64 { return b.length })},
	{Name: "COUPDAYSNC", Category: Financial, Params: "real real real real?", Since: 2007, Eval: couponFunction(func(b bond) float64 { return b.untilNext })},
}

// bond is what is known of a bond's coupons on the day of settlement.
type bond struct {
	settlement, maturity       int
	previous, next             int     // coupon dates around the settlement
	coupons                    float64 // to be paid from next to the maturity
	frequency                  float64 // coupons in a year
	basis                      DayCount
	accrued, untilNext, length float64 // days of the coupon period, by the basis
}

const couponDomain = "the settlement has to be before the maturity, the frequency 1, 2 or 4, and the basis one of 0 to 4"

// frequencyOf reads the number of coupons in a year.
func frequencyOf(v Value) (f float64, ok bool) {
	f = math.Trunc(v.Number())
	return f, f == 1 || f == 2 || f == 4
}

// basisOf reads a basis, cut to a whole number.
func basisOf(v float64) (b DayCount, ok bool) {
	if v = math.Trunc(v); !(v >= 0 && v <= 4) {
		return 0, false
	}
	return DayCount(v), true
}

// dates reads arguments as dates.
func (c *Context) dates(args ...Value) (days []int, code cell.ErrorCode) {
	for _, v := range args {
		d, ok := c.day(v)
		if !ok {
			c.noDate()
			return nil, cell.ErrNum
		}
		days = append(days, d)
	}
	return days, 0
}

// lastOfMonth reports whether a day is the last one of its month.
func (c *Context) lastOfMonth(day int) bool {
	y, m, d := c.civil(day)
	return d == c.monthLength(y, m)
}

// monthsAfter gives the day so many months later, or the last one of that month if last
// says so or if it is shorter.
func (c *Context) monthsAfter(day, n int, last bool) int {
	y, m, d := c.civil(day)
	if length := c.monthLength(y, m+n); last || d > length {
		d = length
	}
	return c.firstOf(y, m+n) + d - 1
}

// daysBetween counts the days from one date to a later one.
func (c *Context) daysBetween(from, to int, b DayCount) float64 {
	switch b {
	case US30360:
		return float64(c.days360NASD(from, to))
	case European30360:
		return float64(c.days360European(from, to))
	}
	return float64(to - from)
}

// periodLength is the number of days in a coupon period.
func periodLength(from, to int, frequency float64, b DayCount) float64 {
	switch b {
	case ActualActual:
		return float64(to - from)
	case Actual365:
		return 365 / frequency
	}
	return 360 / frequency
}

// bond reads the settlement and the maturity, and the frequency and the basis that stand at
// argument i and after.
func (c *Context) bond(a Args, i int) (b bond, code cell.ErrorCode) {
	ds, code := c.dates(a[0], a[1])
	if code != 0 {
		return b, code
	}
	frequency, ok := frequencyOf(a[i])
	basis, ok2 := basisOf(a.Num(i+1, 0))
	if !ok || !ok2 || ds[0] >= ds[1] {
		c.Fail(cell.ErrNum, couponDomain)
		return b, cell.ErrNum
	}
	return c.bondOf(ds[0], ds[1], frequency, basis), 0
}

// bondOf finds the coupon dates around the settlement, counted back from the maturity. A
// bond that matures on the last day of a month has its coupons on such days.
func (c *Context) bondOf(settlement, maturity int, frequency float64, basis DayCount) bond {
	b := bond{settlement: settlement, maturity: maturity, frequency: frequency, basis: basis}
	step := 12 / int(frequency)
	y1, m1, _ := c.civil(settlement)
	y2, m2, _ := c.civil(maturity)
	back := ((y2-y1)*12 + m2 - m1) / step
	last := c.lastOfMonth(maturity)
	for b.previous = c.monthsAfter(maturity, -back*step, last); b.previous > settlement; back++ {
		b.previous = c.monthsAfter(maturity, -(back+1)*step, last)
	}
	for b.next = c.monthsAfter(maturity, -(back-1)*step, last); b.next <= settlement; back-- {
		b.previous, b.next = b.next, c.monthsAfter(maturity, -(back-2)*step, last)
	}
	b.coupons = float64(back)
	b.length = periodLength(b.previous, b.next, frequency, basis)
	b.accrued = c.daysBetween(b.previous, settlement, basis)
	b.untilNext = float64(b.next - settlement)
	if basis == US30360 || basis == European30360 { // what is left of the period
		b.untilNext = b.length - b.accrued
	}
	return b
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
