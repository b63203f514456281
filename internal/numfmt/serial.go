package numfmt

import "math"

// DateSystem says which day the serial 1 stands for. A workbook has one for all of
// its dates.
type DateSystem uint8

const (
	// Date1900 counts 1900-01-01 as 1. It has two days that never were, kept for the
	// files that count on them: serial 60 is 1900-02-29, and 0 is 1900-01-00.
	Date1900 DateSystem = iota
	// Date1904 counts 1904-01-02 as 1, so that 1904-01-01 is 0.
	Date1904
)

// String gives "1900" or "1904".
func (s DateSystem) String() string {
	if s == Date1904 {
		return "1904"
	}
	return "1900"
}

const (
	epochGap   = 1462     // a 1904 serial plus this is the 1900 serial of the same day
	serialMax  = 2958465  // 9999-12-31, in the 1900 system
	leapBug    = 60       // 1900-02-29
	unixSerial = 25569    // 1970-01-01
	msPerDay   = 86400000 // milliseconds
)

// lastDay gives the largest whole serial of the system.
func (s DateSystem) lastDay() int {
	if s == Date1904 {
		return serialMax - epochGap
	}
	return serialMax
}

// split rounds a serial, which must not be negative, to the given number of units a
// day and gives its whole days, counted from the start of sys, and the units left.
// Rounding carries: the last half unit of a day belongs to the next one.
func (s DateSystem) split(serial float64, unitsPerDay int64) (day int, units int64, ok bool) {
	if !(serial >= 0 && serial < float64(s.lastDay()+1)) {
		return 0, 0, false
	}
	whole := math.Floor(serial)
	units = int64(math.Floor((serial-whole)*float64(unitsPerDay) + 0.5))
	day = int(whole)
	if units >= unitsPerDay {
		day++
		units = 0
	}
	return day, units, day <= s.lastDay()
}

// date gives the calendar date of a whole serial.
func (s DateSystem) date(day int) (y, m, d int) {
	if s == Date1904 {
		day += epochGap
	} else if day <= leapBug {
		switch day {
		case 0:
			return 1900, 1, 0
		case leapBug:
			return 1900, 2, 29
		}
		day++ // before the day that never was, serials are one behind
	}
	return civil(day - unixSerial)
}

// weekday gives the day of the week of a whole serial, 0 being Sunday. In the 1900
// system the days before March 1900 have the one that Excel gives them, which is one
// day off the calendar's.
func (s DateSystem) weekday(day int) int {
	if s == Date1904 {
		day += epochGap
	}
	return (day + 6) % 7
}

// civil gives the date of a day counted from 1970-01-01 in the proleptic Gregorian
// calendar. The algorithm is Howard Hinnant's civil_from_days.
func civil(days int) (y, m, d int) {
	z := days + 719468 // from 0000-03-01
	era := floorDiv(z, 146097)
	doe := z - era*146097 // day of the 400 years
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153 // month from March
	d = doy - (153*mp+2)/5 + 1
	m = mp + 3
	if m > 12 {
		m -= 12
	}
	y = yoe + era*400
	if m <= 2 {
		y++
	}
	return y, m, d
}

// daysFromCivil is the inverse of civil.
func daysFromCivil(y, m, d int) int {
	if m <= 2 {
		y--
	}
	era := floorDiv(y, 400)
	yoe := y - era*400
	doy := (153*((m+9)%12)+2)/5 + d - 1
	doe := yoe*365 + yoe/4 - yoe/100 + doy
	return era*146097 + doe - 719468
}

// daysIn gives the length of a month, 0 for a month that is none.
func daysIn(y, m int) int {
	switch m {
	case 2:
		if y%4 == 0 && (y%100 != 0 || y%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	if m < 1 || m > 12 {
		return 0
	}
	return 31
}

// FromSerial gives the date and the time of day of a serial, rounded to the
// millisecond. ok is false where the serial is negative, or after 9999-12-31, or no
// number. In the 1900 system serial 60 gives 1900-02-29 and 0 gives 1900-01-00, as
// Excel shows them.
func FromSerial(serial float64, sys DateSystem) (y, m, d, hh, mm, ss, ms int, ok bool) {
	day, left, ok := sys.split(serial, msPerDay)
	if !ok {
		return 0, 0, 0, 0, 0, 0, 0, false
	}
	y, m, d = sys.date(day)
	t := int(left)
	return y, m, d, t / 3600000, t / 60000 % 60, t / 1000 % 60, t % 1000, true
}

// ToSerial gives the serial of a date and a time of day. ok is false for a date that
// does not exist or that sys cannot count, and for a time outside of the day. The two
// days that only the 1900 system has, 1900-01-00 and 1900-02-29, are accepted there.
func ToSerial(y, m, d, hh, mm, ss, ms int, sys DateSystem) (serial float64, ok bool) {
	if uint(hh) > 23 || uint(mm) > 59 || uint(ss) > 59 || uint(ms) > 999 {
		return 0, false
	}
	day, ok := sys.day(y, m, d)
	if !ok {
		return 0, false
	}
	return float64(day) + float64(((hh*60+mm)*60+ss)*1000+ms)/msPerDay, true
}

// day is the inverse of date.
func (s DateSystem) day(y, m, d int) (day int, ok bool) {
	if s == Date1900 && y == 1900 {
		switch {
		case m == 1 && d == 0:
			return 0, true
		case m == 2 && d == 29:
			return leapBug, true
		}
	}
	if y < 1900 || y > 9999 || d < 1 || d > daysIn(y, m) {
		return 0, false
	}
	day = daysFromCivil(y, m, d) + unixSerial
	if s == Date1904 {
		day -= epochGap
		return day, day >= 0
	}
	if day <= leapBug {
		day--
	}
	return day, true
}
