package fn

import (
	"math"
	"slices"
	"sort"

	"gridflow/internal/cell"
)

var workdayFunctions = []Function{
	{Name: "NETWORKDAYS", Category: Date, Params: "real real range?", Since: 2007, Eval: func(c *Context, a Args) Value {
		return c.networkDays(a, 2, saturdaySunday)
	}},
	{Name: "NETWORKDAYS.INTL", Category: Date, Params: "real real raw? range?", Since: 2010, Eval: func(c *Context, a Args) Value {
		w, failed, ok := c.weekend(a)
		if !ok {
			return failed
		}
		return c.networkDays(a, 3, w)
	}},
	{Name: "WORKDAY", Category: Date, Params: "real real range?", Since: 2007, Eval: func(c *Context, a Args) Value {
		return c.workday(a, 2, saturdaySunday)
	}},
	{Name: "WORKDAY.INTL", Category: Date, Params: "real real raw? range?", Since: 2010, Eval: func(c *Context, a Args) Value {
		w, failed, ok := c.weekend(a)
		if !ok {
			return failed
		}
		return c.workday(a, 3, w)
	}},
}

// weekend says which days of the week, from Monday, are not worked.
type weekend [7]bool

var saturdaySunday = weekend{5: true, 6: true}

// days counts the days of a week that are worked.
func (w weekend) days() (n int) {
	for _, off := range w {
		if !off {
			n++
		}
	}
	return n
}

// weekend reads the third argument: a number of a pair of days (1 is Saturday and Sunday) or of a
// single one (11 is Sunday), or seven digits from Monday on, of which 1 is a day off.
func (c *Context) weekend(a Args) (w weekend, failed Value, ok bool) {
	if !a.Has(2) {
		return saturdaySunday, Value{}, true
	}
	v := a[2].Scalar()
	switch v.Kind() {
	case cell.Error:
		return w, a[2], false
	case cell.Blank:
		return saturdaySunday, Value{}, true
	case cell.Text:
		s := v.Text()
		if len(s) != 7 {
			break
		}
		for i := range w {
			if s[i] != '0' && s[i] != '1' {
				return w, c.Fail(cell.ErrValue, "a week is written as seven digits 0 or 1"), false
			}
			w[i] = s[i] == '1'
		}
		return w, Value{}, true
	case cell.Bool:
	default:
		switch n := int(clamp(v.Number())); {
		case n >= 1 && n <= 7:
			w[(n+4)%7], w[(n+5)%7] = true, true
			return w, Value{}, true
		case n >= 11 && n <= 17:
			w[(n-5)%7] = true
			return w, Value{}, true
		}
		return w, c.Fail(cell.ErrNum, "weekends have the numbers 1 to 7 and 11 to 17"), false
	}
	return w, c.Fail(cell.ErrValue, "a week is written as seven digits 0 or 1"), false
}

// holidays gives the days in argument i that would be worked by w, in order and each once.
func (c *Context) holidays(a Args, i int, w weekend) ([]int, cell.ErrorCode) {
	if !a.Given(i) {
		return nil, 0
	}
	var days []int
	code := cell.ErrorCode(0)
	c.Each(a[i], func(x cell.Value, whole bool) bool {
		if x.IsBlank() || whole && x.Kind() == cell.Text && x.Text() == "" {
			return true
		}
		f, e := c.ToNumber(x)
		switch {
		case x.Kind() == cell.Bool:
			code = cell.ErrValue
		case e != 0:
			code = e
		case f < 0 || f >= lastDay+1:
			code = cell.ErrNum
		}
		if code != 0 {
			return false
		}
		if day := int(f); !w[c.weekdayOf(day)] {
			days = append(days, day)
		}
		return true
	})
	slices.Sort(days)
	return slices.Compact(days), code
}

// worked counts the days from 0 to day, included, that are worked by w.
func (c *Context) worked(day int, w weekend) int {
	n := (day + 1) / 7 * w.days()
	for d := (day + 1) / 7 * 7; d <= day; d++ {
		if !w[c.weekdayOf(d)] {
			n++
		}
	}
	return n
}

// networkDays counts the days worked between two dates, both included; backwards they are
// negative.
func (c *Context) networkDays(a Args, holidays int, w weekend) Value {
	start, ok1 := c.day(a[0])
	end, ok2 := c.day(a[1])
	if !ok1 || !ok2 {
		return c.noDate()
	}
	off, e := c.holidays(a, holidays, w)
	if e != 0 {
		return Err(e)
	}
	sign := 1
	if start > end {
		start, end, sign = end, start, -1
	}
	n := c.worked(end, w)
	if start > 0 {
		n -= c.worked(start-1, w)
	}
	n -= sort.SearchInts(off, end+1) - sort.SearchInts(off, start)
	return Num(float64(sign * n))
}

// workday gives the day that comes after some days of work.
func (c *Context) workday(a Args, holidays int, w weekend) Value {
	day, ok := c.day(a[0])
	n := math.Trunc(a[1].Number())
	if !ok || math.Abs(n) > lastDay {
		return c.noDate()
	}
	if w.days() == 0 {
		return c.Fail(cell.ErrValue, "a week without work has no workday")
	}
	off, e := c.holidays(a, holidays, w)
	if e != 0 {
		return Err(e)
	}
	left, step := int(n), 1
	if left < 0 {
		left, step = -left, -1
	}
	at := sort.SearchInts(off, day)
	if step > 0 {
		at = sort.SearchInts(off, day+1)
	}
	for left > 0 {
		// whole weeks at once where no holiday lies in them
		weeks := left / w.days()
		if step > 0 && at < len(off) {
			weeks = min(weeks, (off[at]-day-1)/7)
		} else if step < 0 && at > 0 {
			weeks = min(weeks, (day-off[at-1]-1)/7)
		}
		if weeks > 0 && weeks*w.days() == left { // the last day has to be one of work
			weeks--
		}
		day += step * weeks * 7
		left -= weeks * w.days()
		if day += step; day < 0 || day > c.lastDay() {
			return c.noDate()
		}
		switch {
		case step > 0 && at < len(off) && off[at] == day:
			at++
		case step < 0 && at > 0 && off[at-1] == day:
			at--
		case !w[c.weekdayOf(day)]:
			left--
		}
	}
	return Num(float64(day))
}
