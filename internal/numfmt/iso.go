package numfmt

import (
	"strconv"

	"gridflow/internal/cell"
)

// AppendISO appends a serial in the ISO 8601 form that kind calls for, rounded to the
// millisecond and without zeros at its end:
//
//	Date      2024-03-01
//	Datetime  2024-03-01T13:45:00
//	Time      13:45:00.5 (the day is left out, as the format does)
//	Duration  75:23:53 (whole hours, minutes, seconds; negative ones have a sign)
//
// Any other kind gives a date where the serial is whole, otherwise date and time. The
// two days that only the 1900 system has are written as Excel shows them, 1900-01-00
// and 1900-02-29. A serial that is no date of sys is written as a plain number.
func AppendISO(dst []byte, serial float64, sys DateSystem, kind Kind) []byte {
	if kind == Duration {
		return appendDuration(dst, serial)
	}
	y, m, d, hh, mm, ss, ms, ok := FromSerial(serial, sys)
	if !ok {
		return cell.AppendNumber(dst, serial)
	}
	midnight := hh|mm|ss|ms == 0
	if kind != Time {
		dst = appendPadded(dst, y, 4)
		dst = append(dst, '-')
		dst = appendPadded(dst, m, 2)
		dst = append(dst, '-')
		dst = appendPadded(dst, d, 2)
		if kind == Date || kind != Datetime && midnight {
			return dst
		}
		dst = append(dst, 'T')
	}
	return appendClock(dst, hh, mm, ss, ms)
}

func appendClock(dst []byte, hh, mm, ss, ms int) []byte {
	dst = appendPadded(dst, hh, 2)
	dst = append(dst, ':')
	dst = appendPadded(dst, mm, 2)
	dst = append(dst, ':')
	dst = appendPadded(dst, ss, 2)
	if ms == 0 {
		return dst
	}
	dst = append(dst, '.')
	dst = appendPadded(dst, ms, 3)
	for dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
	}
	return dst
}

// durationMax bounds what is written as a duration, in days; it is as long as the
// calendar.
const durationMax = serialMax + 1

func appendDuration(dst []byte, days float64) []byte {
	if !(days > -durationMax && days < durationMax) {
		return cell.AppendNumber(dst, days)
	}
	neg := days < 0
	if neg {
		days = -days
	}
	ms := int64(days*msPerDay + 0.5)
	if neg && ms > 0 {
		dst = append(dst, '-')
	}
	t := ms / 1000
	return appendClock(dst, int(t/3600), int(t/60%60), int(t%60), int(ms%1000))
}

// ParseISO reads a text that AppendISO writes for a Date, a Datetime, a Time or a
// Duration and gives its serial and which of them it is. Seconds may be absent, their
// fraction is rounded to the millisecond, a space may stand for the T, and a Z at the
// end, which some writers of workbooks add, is passed over. Offsets from UTC are not
// read: a serial has no time zone. A time of 24 hours and more is a Duration.
func ParseISO(text string, sys DateSystem) (serial float64, kind Kind, ok bool) {
	if n := len(text); n > 10 && text[4] == '-' && (text[n-1] == 'Z' || text[n-1] == 'z') {
		text = text[:n-1]
	}
	if len(text) >= 10 && text[4] == '-' {
		y, ok1 := number(text[:4])
		m, ok2 := number(text[5:7])
		d, ok3 := number(text[8:10])
		day, ok4 := sys.day(y, m, d)
		if !ok1 || !ok2 || !ok3 || !ok4 || text[7] != '-' {
			return 0, General, false
		}
		if len(text) == 10 {
			return float64(day), Date, true
		}
		ms, ok := clock(text[11:])
		if !ok || ms >= msPerDay || text[10] != 'T' && text[10] != 't' && text[10] != ' ' {
			return 0, General, false
		}
		return float64(day) + float64(ms)/msPerDay, Datetime, true
	}
	neg := len(text) > 0 && text[0] == '-'
	if neg {
		text = text[1:]
	}
	ms, ok := clock(text)
	if !ok {
		return 0, General, false
	}
	serial = float64(ms) / msPerDay
	switch {
	case neg:
		return -serial, Duration, true
	case ms >= msPerDay:
		return serial, Duration, true
	}
	return serial, Time, true
}

// clock reads h:mm, h:mm:ss or h:mm:ss.fff and gives milliseconds.
func clock(s string) (ms int64, ok bool) {
	h := 0
	for h < len(s) && s[h] != ':' {
		h++
	}
	if h < 1 || h > 9 || len(s) < h+3 {
		return 0, false
	}
	hours, ok1 := number(s[:h])
	mins, ok2 := number(s[h+1 : h+3])
	if !ok1 || !ok2 || mins > 59 {
		return 0, false
	}
	ms = int64(hours)*3600000 + int64(mins)*60000
	if ms >= durationMax*msPerDay {
		return 0, false
	}
	s = s[h+3:]
	if s == "" {
		return ms, true
	}
	if len(s) < 3 || s[0] != ':' {
		return 0, false
	}
	secs, ok := number(s[1:3])
	if !ok || secs > 59 {
		return 0, false
	}
	ms += int64(secs) * 1000
	s = s[3:]
	if s == "" {
		return ms, true
	}
	if s[0] != '.' && s[0] != ',' || len(s) < 2 || len(s) > 19 {
		return 0, false
	}
	if _, ok := number(s[1:]); !ok {
		return 0, false
	}
	f, err := strconv.ParseFloat("0."+s[1:], 64)
	if err != nil {
		return 0, false
	}
	return ms + int64(f*1000+0.5), true
}

// number reads decimal digits and nothing else.
func number(s string) (n int, ok bool) {
	for i := range len(s) {
		c := s[i] - '0'
		if c > 9 {
			return 0, false
		}
		n = n*10 + int(c)
	}
	return n, s != ""
}
