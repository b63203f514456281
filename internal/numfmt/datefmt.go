package numfmt

import (
	"math"
	"strconv"
)

var (
	monthNames = [...]string{"January", "February", "March", "April", "May", "June", "July",
		"August", "September", "October", "November", "December"}
	dayNames = [...]string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"}
)

// buddhistGap is the difference of the Thai solar calendar's years.
const buddhistGap = 543

// secondUnits gives the units of a second for 0 … 3 decimals.
var secondUnits = [...]int64{1, 10, 100, 1000}

// appendDate shows a serial. It is rounded once, to the finest part of a second that
// the section shows and to the second at least; every part is then cut off, never
// rounded on its own, so that 23:59:59.9996 moves the date too.
//
// Only the 1904 system shows negative serials, as the date or the time of their
// absolute value behind a minus sign.
func (s *section) appendDate(dst []byte, serial float64, minus bool, sys DateSystem) []byte {
	if serial < 0 && sys != Date1904 {
		return append(dst, overflow...)
	}
	per := secondUnits[s.subsecond]
	day, units, ok := sys.split(math.Abs(serial), 86400*per)
	if !ok {
		return append(dst, overflow...)
	}
	if minus {
		dst = append(dst, '-')
	}
	y, m, d := sys.date(day)
	sub := units % per // in units of the finest part shown
	clock := int(units / per)
	elapsed := day*86400 + clock
	hour := clock / 3600
	for i := range s.ops {
		o := &s.ops[i]
		n := int(o.n)
		switch o.kind {
		case opYear:
			dst = appendYear(dst, y, n)
		case opBuddhist:
			dst = appendYear(dst, y+buddhistGap, n)
		case opMonth:
			dst = appendName(dst, monthNames[m-1], m, n)
		case opDay:
			dst = appendName(dst, dayNames[sys.weekday(day)], d, min(n, 4))
		case opHour:
			h := hour
			if s.twelve {
				h = (hour+11)%12 + 1
			}
			dst = appendPadded(dst, h, min(n, 2))
		case opMinute:
			dst = appendPadded(dst, clock/60%60, min(n, 2))
		case opSecond:
			dst = appendPadded(dst, clock%60, min(n, 2))
		case opSubsecond:
			dst = append(dst, '.')
			dst = appendPadded(dst, int(sub/(per/secondUnits[n])), n)
		case opMeridiem:
			dst = appendMeridiem(dst, hour >= 12, o.lit)
		case opElapsedHours:
			dst = appendPadded(dst, elapsed/3600, n)
		case opElapsedMinutes:
			dst = appendPadded(dst, elapsed/60, n)
		case opElapsedSeconds:
			dst = appendPadded(dst, elapsed, n)
		case opLiteral:
			dst = append(dst, o.lit...)
		}
	}
	return dst
}

// appendYear shows two digits for one or two letters and the whole year for more.
func appendYear(dst []byte, y, letters int) []byte {
	if letters <= 2 {
		return appendPadded(dst, y%100, 2)
	}
	return appendPadded(dst, y, 4)
}

// appendName shows a month or a day of the month: as a number for one or two letters,
// by its short name for three and its whole name for four; by its first letter for
// the five of a month.
func appendName(dst []byte, name string, number, letters int) []byte {
	switch letters {
	case 1, 2:
		return appendPadded(dst, number, letters)
	case 3:
		return append(dst, name[:3]...)
	case 5:
		return append(dst, name[0])
	}
	return append(dst, name...)
}

// appendMeridiem shows the half of the day. AM/PM is upper case whatever the code
// has, A/P keeps the case of the code.
func appendMeridiem(dst []byte, pm bool, code string) []byte {
	if len(code) == len("A/P") {
		if pm {
			return append(dst, code[2])
		}
		return append(dst, code[0])
	}
	if pm {
		return append(dst, "PM"...)
	}
	return append(dst, "AM"...)
}

// appendPadded appends n ≥ 0 with at least the given number of digits.
func appendPadded(dst []byte, n, digits int) []byte {
	var buf [20]byte
	b := strconv.AppendInt(buf[:0], int64(n), 10)
	for range digits - len(b) {
		dst = append(dst, '0')
	}
	return append(dst, b...)
}
