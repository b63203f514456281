package fn

import (
	"strings"

	"gridflow/internal/cell"
)

var dayCountFunctions = []Function{
	{Name: "DATEDIF", Category: Date, Params: "num num text", Since: 2007, Eval: dateDif},
	{Name: "DAYS", Category: Date, Params: "num num", Since: 2013, Eval: func(c *Context, a Args) Value {
		end, ok1 := c.day(a[0])
		start, ok2 := c.day(a[1])
		if !ok1 || !ok2 {
			return c.noDate()
		}
		return Num(float64(end - start))
	}},
	{Name: "DAYS360", Category: Date, Params: "num num bool?", Since: 2007, Eval: func(c *Context, a Args) Value {
		start, ok1 := c.nearestDay(a[0])
		end, ok2 := c.nearestDay(a[1])
		if !ok1 || !ok2 {
			return c.noDate()
		}
		if a.Truth(2, false) {
			return Num(float64(c.days360European(start, end)))
		}
		return Num(float64(c.days360US(start, end)))
	}},
	{Name: "YEARFRAC", Category: Date, Params: "real real real?", Since: 2007, Eval: func(c *Context, a Args) Value {
		start, ok1 := c.day(a[0])
		end, ok2 := c.day(a[1])
		if !ok1 || !ok2 {
			return c.noDate()
		}
		basis := clamp(a.Num(2, 0))
		if basis < 0 || basis > 4 {
			return c.Fail(cell.ErrNum, "the bases of day counts are 0 to 4")
		}
		return Num(c.yearFraction(start, end, DayCount(basis)))
	}},
}

// nearestDay is day for a function that takes the last half second of a day for the next one.
func (c *Context) nearestDay(v Value) (int, bool) { return c.day(Num(v.Number() + 0.5/86400)) }

// DayCount is a convention by which days and years are counted; its values are the numbers that
// Excel gives them.
type DayCount int

const (
	US30360       DayCount = iota // months of 30 days, the ends of months as in the United States
	ActualActual                  // days of the calendar, years as long as they are
	Actual360                     // days of the calendar, years of 360 days
	Actual365                     // days of the calendar, years of 365 days
	European30360                 // months of 30 days, the 31st is the 30th
)

// dateDif counts whole years, months or days between two dates, or what is left of a smaller
// unit. "MD", which Excel warns of, may be negative here as there.
func dateDif(c *Context, a Args) Value {
	start, ok1 := c.day(a[0])
	end, ok2 := c.day(a[1])
	if !ok1 || !ok2 {
		return c.noDate()
	}
	if start > end {
		return c.Fail(cell.ErrNum, "DATEDIF counts forward: the first date has to be the earlier one")
	}
	y1, m1, d1 := c.civil(start)
	y2, m2, d2 := c.civil(end)
	months := (y2-y1)*12 + m2 - m1
	if d2 < d1 {
		months--
	}
	n := 0
	switch strings.ToUpper(a[2].Str()) {
	case "D":
		n = end - start
	case "M":
		n = months
	case "Y":
		n = months / 12
	case "YM":
		n = months % 12
	case "MD":
		if n = d2 - d1; n < 0 {
			n = end - (c.firstOf(y2, m2-1) + d1 - 1)
		}
	case "YD":
		// both within the years that the first date is in, and the next one
		y := y1
		if m2 < m1 || m2 == m1 && d2 < d1 {
			y++
		}
		n = c.firstOf(y, m2) + d2 - 1 - start
	default:
		return c.Fail(cell.ErrNum, `DATEDIF has the units "Y", "M", "D", "MD", "YM" and "YD"`)
	}
	return Num(float64(n))
}

// days360US counts the days between dates in years of 360 as DAYS360 does: a start on the last
// day of a month is on the 30th; so is an end on the 31st, if the start is on the 30th then,
// and else it is on the 1st of the next month.
func (c *Context) days360US(start, end int) int {
	y1, m1, d1 := c.civil(start)
	y2, m2, d2 := c.civil(end)
	if d1 == c.monthLength(y1, m1) {
		d1 = 30
	}
	if d2 == 31 && d1 == 30 {
		d2 = 30
	}
	return (y2-y1)*360 + (m2-m1)*30 + d2 - d1
}

// days360European counts the days between dates in years of 360, the 31st being the 30th.
func (c *Context) days360European(start, end int) int {
	y1, m1, d1 := c.civil(start)
	y2, m2, d2 := c.civil(end)
	return (y2-y1)*360 + (m2-m1)*30 + min(d2, 30) - min(d1, 30)
}

// days360NASD is days360US as YEARFRAC and the functions of bonds count: an end on the last day
// of February is on the 30th where the start is on one as well.
func (c *Context) days360NASD(start, end int) int {
	y1, m1, d1 := c.civil(start)
	y2, m2, d2 := c.civil(end)
	lastOfFebruary := func(y, m, d int) bool { return m == 2 && d == c.monthLength(y, m) }
	if lastOfFebruary(y1, m1, d1) {
		if lastOfFebruary(y2, m2, d2) {
			d2 = 30
		}
		d1 = 30
	}
	if d2 == 31 && d1 >= 30 {
		d2 = 30
	}
	return (y2-y1)*360 + (m2-m1)*30 + d2 - min(d1, 30)
}

// yearFraction gives the years between two dates, in whatever order they are.
//
// How Excel counts with the basis ActualActual was found out by David A. Wheeler ("YEARFRAC
// Incompatibilities between Excel 2007 and OOXML", 2008): up to a year counts with the length
// of the year, more of it with the mean length of all the years that are touched.
func (c *Context) yearFraction(start, end int, basis DayCount) float64 {
	if start > end {
		start, end = end, start
	}
	days := float64(end - start)
	switch basis {
	case US30360:
		return float64(c.days360NASD(start, end)) / 360
	case Actual360:
		return days / 360
	case Actual365:
		return days / 365
	case European30360:
		return float64(c.days360European(start, end)) / 360
	}
	y1, m1, d1 := c.civil(start)
	y2, m2, d2 := c.civil(end)
	if y1 == y2 || y1+1 == y2 && (m1 > m2 || m1 == m2 && d1 >= d2) {
		length := 365.0
		leap1, leap2 := c.monthLength(y1, 2) == 29, c.monthLength(y2, 2) == 29
		switch {
		case y1 == y2 && leap1,
			leap1 && m1 <= 2 && y1 != y2, // February 29 of the first year lies between
			leap2 && y1 != y2 && (m2 > 2 || m2 == 2 && d2 == 29):
			length = 366
		}
		return days / length
	}
	years := float64(y2 - y1 + 1)
	return days / (float64(c.firstOf(y2+1, 1)-c.firstOf(y1, 1)) / years)
}
