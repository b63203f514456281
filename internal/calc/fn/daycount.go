package fn

import (
	"math"
	"time"

	"gridflow/internal/cell"
	"gridflow/internal/numfmt"
)

// day is a date of the calendar, which the day-count rules look at, with its serial.
type day struct {
	y, m, d int
	serial  float64 // a whole number
}

// basis is a rule of how to count the days between two dates and those of a year.
type basis int

// The bases, as Excel numbers them.
const (
	usThirty   basis = iota // months of 30 days, US (NASD)
	actual                  // as they are
	actual360               // days as they are, years of 360
	actual365               // days as they are, years of 365
	euroThirty              // months of 30 days, European
)

// basisOf reads a basis, cut to a whole number.
func basisOf(v float64) (b basis, ok bool) {
	if v = math.Trunc(v); v < 0 || v > 4 {
		return 0, false
	}
	return basis(v), true
}

// dayAt reads a serial as a date, without its time. ok is false for what is no date.
func (c *Context) dayAt(serial float64) (d day, ok bool) {
	serial = math.Floor(serial)
	y, m, dd, _, _, _, _, ok := numfmt.FromSerial(serial, c.Dates)
	return day{y, m, dd, serial}, ok
}

// dayOf gives the day of a year and a month, which may lie outside of 1 … 12, that comes
// nearest to d without leaving the month. A day that has no serial has one below 0.
func (c *Context) dayOf(y, m, d int) day {
	y, m = y+floorDiv(m-1, 12), (m-1)-12*floorDiv(m-1, 12)+1
	d = min(d, monthDays(y, m))
	s, ok := numfmt.ToSerial(y, m, d, 0, 0, 0, 0, c.Dates)
	if !ok {
		s = float64(time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC).Unix()/86400 - 100000)
	}
	return day{y, m, d, s}
}

// monthsAfter gives the day so many months after d, the last of a month if last says so.
func (c *Context) monthsAfter(d day, n int, last bool) day {
	at := d.d
	if last {
		at = 31
	}
	return c.dayOf(d.y, d.m+n, at)
}

func floorDiv(a, b int) int { return int(math.Floor(float64(a) / float64(b))) }

func leap(y int) bool { return y%4 == 0 && (y%100 != 0 || y%400 == 0) }

func monthDays(y, m int) int {
	switch m {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if leap(y) {
			return 29
		}
		return 28
	}
	return 31
}

// last reports whether d is the last day of its month.
func (d day) last() bool { return d.d >= monthDays(d.y, d.m) }

// thirty counts days with months of 30.
func thirty(from, to day, european bool) float64 {
	d1, d2 := from.d, to.d
	if european {
		d1, d2 = min(d1, 30), min(d2, 30)
	} else {
		if from.m == 2 && from.last() {
			if to.m == 2 && to.last() {
				d2 = 30
			}
			d1 = 30
		}
		if d2 == 31 && d1 >= 30 {
			d2 = 30
		}
		d1 = min(d1, 30)
	}
	return float64(360*(to.y-from.y) + 30*(to.m-from.m) + d2 - d1)
}

// days counts the days from one date to a later one.
func (b basis) days(from, to day) float64 {
	switch b {
	case usThirty:
		return thirty(from, to, false)
	case euroThirty:
		return thirty(from, to, true)
	}
	return to.serial - from.serial
}

// year is the number of days in a year around two dates.
func (b basis) year(from, to day) float64 {
	switch b {
	case actual:
		return actualYear(from, to)
	case actual365:
		return 365
	}
	return 360
}

// actualYear is the length of the year between two dates in Excel's actual/actual: within
// one year 366 if there is a 29 February in it, and the mean of all years touched otherwise.
func actualYear(from, to day) float64 {
	if from.y == to.y || from.y+1 == to.y && (from.m > to.m || from.m == to.m && from.d >= to.d) {
		switch {
		case from.y == to.y && leap(from.y),
			from.y != to.y && leap(from.y) && (from.m < 3),
			from.y != to.y && leap(to.y) && (to.m > 2 || to.m == 2 && to.d == 29):
			return 366
		}
		return 365
	}
	total := 0
	for y := from.y; y <= to.y; y++ {
		total += 365
		if leap(y) {
			total++
		}
	}
	return float64(total) / float64(to.y-from.y+1)
}

// yearFraction is the time between two dates in years, which may come in any order.
func (b basis) yearFraction(from, to day) float64 {
	if from.serial > to.serial {
		from, to = to, from
	}
	return b.days(from, to) / b.year(from, to)
}

// dates reads arguments as dates. The code is #NUM! for what is none.
func (c *Context) dates(args ...Value) (ds []day, code cell.ErrorCode) {
	for _, v := range args {
		d, ok := c.dayAt(v.Number())
		if !ok {
			c.Fail(cell.ErrNum, "an argument is no date")
			return nil, cell.ErrNum
		}
		ds = append(ds, d)
	}
	return ds, 0
}
