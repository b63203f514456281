package fn

import (
	"math"
	"time"

	"gridflow/internal/cell"
	"gridflow/internal/numfmt"
)

var dateFunctions = []Function{
	{Name: "DATE", Category: Date, Params: "num num num", Since: 2007, Eval: date},
	{Name: "DATEVALUE", Category: Date, Params: "any", Since: 2007, Eval: func(c *Context, a Args) Value {
		day, _, hasDay, hasTime := c.typedDate(a[0])
		if !hasDay && !hasTime {
			return c.Fail(cell.ErrValue, "DATEVALUE takes a text that is a date")
		}
		return Num(day)
	}},
	{Name: "DAY", Category: Date, Params: "num", Since: 2007, Eval: partOfDate(func(y, m, d int) int { return d })},
	{Name: "EDATE", Category: Date, Params: "real real", Since: 2007, Eval: func(c *Context, a Args) Value {
		return c.months(a, func(d, last int) int { return min(d, last) })
	}},
	{Name: "EOMONTH", Category: Date, Params: "real real", Since: 2007, Eval: func(c *Context, a Args) Value {
		return c.months(a, func(_, last int) int { return last })
	}},
	{Name: "HOUR", Category: Date, Params: "num", Since: 2007, Eval: partOfTime(func(s int) int { return s / 3600 })},
	{Name: "ISOWEEKNUM", Category: Date, Params: "num", Since: 2013, Eval: func(c *Context, a Args) Value {
		day, ok := c.day(a[0])
		if !ok {
			return c.noDate()
		}
		return Num(float64(c.isoWeek(day)))
	}},
	{Name: "MINUTE", Category: Date, Params: "num", Since: 2007, Eval: partOfTime(func(s int) int { return s / 60 % 60 })},
	{Name: "MONTH", Category: Date, Params: "num", Since: 2007, Eval: partOfDate(func(y, m, d int) int { return m })},
	{Name: "NOW", Category: Date, Since: 2007, Volatile: true, Eval: func(c *Context, _ Args) Value { return Num(c.Now) }},
	{Name: "SECOND", Category: Date, Params: "num", Since: 2007, Eval: partOfTime(func(s int) int { return s % 60 })},
	{Name: "TIME", Category: Date, Params: "num num num", Since: 2007, Eval: timeOf},
	{Name: "TIMEVALUE", Category: Date, Params: "any", Since: 2007, Eval: func(c *Context, a Args) Value {
		_, clock, hasDay, hasTime := c.typedDate(a[0])
		if !hasDay && !hasTime {
			return c.Fail(cell.ErrValue, "TIMEVALUE takes a text that is a time")
		}
		return Num(clock - math.Floor(clock))
	}},
	{Name: "TODAY", Category: Date, Since: 2007, Volatile: true, Eval: func(c *Context, _ Args) Value { return Num(math.Floor(c.Now)) }},
	{Name: "WEEKDAY", Category: Date, Params: "num num?", Since: 2007, Eval: weekday},
	{Name: "WEEKNUM", Category: Date, Params: "real real?", Since: 2007, Eval: weekNumber},
	{Name: "YEAR", Category: Date, Params: "num", Since: 2007, Eval: partOfDate(func(y, m, d int) int { return y })},
}

// lastDay is the serial of 9999-12-31 in the 1900 system; in the other one it is less by
// epochGap.
const (
	lastDay  = 2958465
	epochGap = 1462
)

// day gives the whole serial in a number, if it is one of the calendar.
func (c *Context) day(v Value) (int, bool) {
	f := math.Floor(v.Number())
	if !(f >= 0 && f <= float64(c.lastDay())) {
		return 0, false
	}
	return int(f), true
}

func (c *Context) lastDay() int {
	if c.Dates == numfmt.Date1904 {
		return lastDay - epochGap
	}
	return lastDay
}

func (c *Context) noDate() Value {
	return c.Fail(cell.ErrNum, "the number is no date: dates go from 0 to the end of 9999")
}

// civil gives the calendar date of a whole serial.
func (c *Context) civil(day int) (y, m, d int) {
	y, m, d, _, _, _, _, _ = numfmt.FromSerial(float64(day), c.Dates)
	return y, m, d
}

// firstOf gives the serial of the first day of a month, whose number may lie outside of 1 to 12;
// it is negative before the calendar begins.
func (c *Context) firstOf(y, m int) int {
	serial := int(time.Date(y, time.Month(m), 1, 0, 0, 0, 0, time.UTC).Unix()/86400) + 25569
	if c.Dates == numfmt.Date1904 {
		return serial - epochGap
	}
	if serial <= 60 { // before the day that never was
		serial--
	}
	return serial
}

// monthLength gives the number of days of a month; February 1900 has 29 in the 1900 system.
func (c *Context) monthLength(y, m int) int { return c.firstOf(y, m+1) - c.firstOf(y, m) }

// date makes a date of numbers that may each be too large or too small for a calendar.
func date(c *Context, a Args) Value {
	y, m, d := math.Trunc(a[0].Number()), math.Trunc(a[1].Number()), math.Trunc(a[2].Number())
	const far = 1e7 // no month or day so far away is on the calendar
	if y < 0 || y >= 10000 || math.Abs(m) > far || math.Abs(d) > far {
		return c.noDate()
	}
	if y < 1900 {
		y += 1900
	}
	serial := c.firstOf(int(y), int(m)) + int(d) - 1
	if serial < 0 || serial > c.lastDay() {
		return c.noDate()
	}
	return Num(float64(serial))
}

// partOfDate makes a function of a date.
func partOfDate(part func(y, m, d int) int) func(*Context, Args) Value {
	return func(c *Context, a Args) Value {
		day, ok := c.day(a[0])
		if !ok {
			return c.noDate()
		}
		return Num(float64(part(c.civil(day))))
	}
}

// partOfTime makes a function of the time of day in whole seconds, rounded to the nearest.
func partOfTime(part func(seconds int) int) func(*Context, Args) Value {
	return func(c *Context, a Args) Value {
		if _, ok := c.day(a[0]); !ok {
			return c.noDate()
		}
		f := a[0].Number()
		s := int(math.Floor((f-math.Floor(f))*86400+0.5)) % 86400
		return Num(float64(part(s)))
	}
}

// timeOf makes a time of day; whole days that come of it are left out.
func timeOf(c *Context, a Args) Value {
	h, m, s := math.Trunc(a[0].Number()), math.Trunc(a[1].Number()), math.Trunc(a[2].Number())
	const most = 32767
	total := h*3600 + m*60 + s
	if math.Abs(h) > most || math.Abs(m) > most || math.Abs(s) > most || total < 0 {
		return c.Fail(cell.ErrNum, "TIME takes hours, minutes and seconds to 32767 that make no negative time")
	}
	return Num(math.Mod(total, 86400) / 86400)
}

// typedDate reads the text in v as a date, a time or both.
func (c *Context) typedDate(v Value) (day, clock float64, hasDay, hasTime bool) {
	s := trimTyped(v.Str())
	day, clock, hasDay, hasTime = parseDateTime(s, c.Dates, c.year())
	return
}

// months gives the day of the month that lies some months away.
func (c *Context) months(a Args, pick func(day, last int) int) Value {
	day, ok := c.day(a[0])
	n := math.Trunc(a[1].Number())
	if !ok || math.Abs(n) > 12*10000 {
		return c.noDate()
	}
	y, m, d := c.civil(day)
	m += int(n)
	first := c.firstOf(y, m)
	serial := first + pick(d, c.monthLength(y, m)) - 1
	if serial < 0 || first < 0 || serial > c.lastDay() {
		return c.noDate()
	}
	return Num(float64(serial))
}

// weekdayOf gives the day of the week, 0 being Monday, as Excel counts it: in the 1900 system
// the days before March 1900 have one that is a day off.
func (c *Context) weekdayOf(day int) int {
	if c.Dates == numfmt.Date1904 {
		day += epochGap
	}
	return (day + 5) % 7
}

// weekday counts the days of the week from one that a type says.
func weekday(c *Context, a Args) Value {
	day, ok := c.day(a[0])
	if !ok {
		return c.noDate()
	}
	d := c.weekdayOf(day)
	switch t := int(clamp(a.Num(1, 1))); {
	case t == 1:
		return Num(float64((d+1)%7 + 1))
	case t == 2:
		return Num(float64(d + 1))
	case t == 3:
		return Num(float64(d))
	case t >= 11 && t <= 17:
		return Num(float64((d+18-t)%7 + 1))
	}
	return c.Fail(cell.ErrNum, "WEEKDAY has the types 1 to 3 and 11 to 17")
}

// clamp cuts a number to whole ones that fit an int.
func clamp(f float64) float64 { return math.Trunc(math.Max(-1e9, math.Min(1e9, f))) }

// weekNumber counts the weeks of a year, the first being the one with January 1.
func weekNumber(c *Context, a Args) Value {
	day, ok := c.day(a[0])
	if !ok {
		return c.noDate()
	}
	start := 0 // the first day of the week, 0 being Monday
	switch t := int(clamp(a.Num(1, 1))); {
	case t == 21:
		return Num(float64(c.isoWeek(day)))
	case t == 1:
		start = 6
	case t == 2:
	case t >= 11 && t <= 17:
		start = t - 11
	default:
		return c.Fail(cell.ErrNum, "WEEKNUM has the types 1, 2, 11 to 17 and 21")
	}
	y, _, _ := c.civil(day)
	first := c.firstOf(y, 1)
	if first < 0 { // the first year of the 1904 system begins with 0
		first = 0
	}
	offset := (c.weekdayOf(first) - start + 7) % 7
	// on January 0, 1900, day-first is -1
	return Num(math.Floor(float64(day-first+offset)/7) + 1)
}

// isoWeek gives the number of the ISO 8601 week: the one that holds the Thursday of the same
// week, counted in the Thursday's year.
func (c *Context) isoWeek(day int) int {
	thursday := day - c.weekdayOf(day) + 3
	y := 1899
	if thursday >= 1 && thursday <= c.lastDay() {
		y, _, _ = c.civil(thursday)
	} else if thursday > c.lastDay() {
		y = 10000
	}
	if c.Dates == numfmt.Date1904 && thursday < 1 {
		y = 1903
	}
	return (thursday-c.firstOf(y, 1))/7 + 1
}
