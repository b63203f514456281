package fn

import (
	"strings"

	"gridflow/internal/numfmt"
)

// The years that two digits stand for: 30 to 99 are of the last century.
const twoDigitPivot = 30

// parseDateTime reads a date, a time or both as Excel (en-US) reads what somebody types.
// A date without a year is of the given year, or is refused where that is 0. It gives the
// whole days and the part of a day, and which of both the text has.
func parseDateTime(s string, dates numfmt.DateSystem, year int) (day, time float64, hasDay, hasTime bool) {
	date, clock := splitClock(s)
	if clock != "" {
		if time, hasTime = parseClock(clock); !hasTime {
			return 0, 0, false, false
		}
		if date == "" {
			return 0, time, false, true
		}
		if time >= 1 { // beside a date there are no more than 24 hours
			return 0, 0, false, false
		}
	}
	if day, hasDay = parseDate(date, dates, year); !hasDay {
		return 0, 0, false, false
	}
	return day, time, true, hasTime
}

// splitClock parts a time from the date before or after it.
func splitClock(s string) (date, clock string) {
	first := strings.IndexByte(s, ':')
	meridiem := meridiemAt(s)
	if first < 0 && meridiem < 0 {
		return s, ""
	}
	// the time begins with the number before the colon, or before AM
	from := first
	if first < 0 {
		from = meridiem
		for from > 0 && s[from-1] == ' ' {
			from--
		}
	}
	for from > 0 && isDigit(s[from-1]) {
		from--
	}
	if from > 0 && s[from-1] != ' ' {
		return s, "x" // no time begins in the middle of a word
	}
	if from > 0 {
		return strings.TrimRight(s[:from], " "), s[from:]
	}
	// a date may also follow the time; it has one of its signs or a letter
	for i := 0; i < len(s); i++ {
		if s[i] != ' ' {
			continue
		}
		rest := strings.TrimLeft(s[i:], " ")
		if word, _, ok := strings.Cut(rest, " "); ok && meridiemAt("1 "+word) > 0 {
			continue
		}
		if strings.ContainsAny(rest, "/-") || len(rest) > 2 && meridiemAt(rest) < 0 {
			return rest, s[:i]
		}
	}
	return "", s
}

// meridiemAt finds AM, PM, A or P at the end of a time, behind a space: 1:00AM is a text in Excel (Knowledge Base 109139), and so
// is the code 12A.
func meridiemAt(s string) int {
	n := len(s)
	if n > 1 && (s[n-1] == 'm' || s[n-1] == 'M') {
		n--
	}
	if n < 2 || strings.IndexByte("aApP", s[n-1]) < 0 || s[n-2] != ' ' {
		return -1
	}
	for i := n - 2; i >= 0; i-- {
		if isDigit(s[i]) {
			return n - 1
		}
		if s[i] != ' ' {
			return -1
		}
	}
	return -1
}

// parseClock reads h:mm, h:mm:ss, mm:ss.f and h with AM or PM as a part of a day.
func parseClock(s string) (float64, bool) {
	afternoon, twelve := false, false
	if at := meridiemAt(s); at > 0 {
		twelve, afternoon = true, lower(s[at]) == 'p'
		s = strings.TrimRight(s[:at], " ")
	}
	whole, fraction, fractional := strings.Cut(s, ".")
	parts := strings.Split(whole, ":")
	if len(parts) > 3 || len(parts) == 1 && !twelve || len(fraction) > 9 {
		return 0, false
	}
	var n [3]float64
	for i, p := range parts {
		p = strings.TrimSpace(p)
		if p == "" && i == 1 && len(parts) == 2 { // 3: is three o'clock
			continue
		}
		f, ok := parseUnsigned(p)
		if !ok || len(p) > 4 || i > 0 && len(p) > 2 {
			return 0, false
		}
		n[i] = f
	}
	h, m, sec := n[0], n[1], n[2]
	if fractional {
		if len(parts) == 1 {
			return 0, false
		}
		f, ok := parseDecimal("0." + fraction + "0")
		if !ok {
			return 0, false
		}
		if len(parts) == 2 {
			h, m, sec = 0, h, m
		}
		sec += f
	}
	if h > 9999 || m >= 60 || sec >= 60 || twelve && h > 12 {
		return 0, false
	}
	if twelve && h == 12 {
		h = 0
	}
	if afternoon {
		h += 12
	}
	return (h*3600 + m*60 + sec) / 86400, true
}

// datePart is a number or the name of a month in a date.
type datePart struct {
	n      int
	digits int // 0 for a month
}

// parseDate reads a date without a time.
func parseDate(s string, dates numfmt.DateSystem, year int) (float64, bool) {
	parts, ok := dateParts(s)
	if !ok {
		return 0, false
	}
	y, m, d := 0, 0, 1
	month := -1
	for i, p := range parts {
		if p.digits == 0 {
			if month >= 0 {
				return 0, false
			}
			month = i
		}
	}
	switch {
	case len(parts) == 3 && parts[0].digits == 4 && month != 2: // 2020-1-31, 2020-Jan-31
		y, m, d = parts[0].n, parts[1].n, parts[2].n
		if month == -1 && parts[2].digits > 2 {
			return 0, false
		}
	case len(parts) == 3 && month <= 0: // 1/31/2020, Jan 31, 2020
		m, d = parts[0].n, parts[1].n
		y = fullYear(parts[2])
	case len(parts) == 3 && month == 1: // 31-Jan-2020
		d, m = parts[0].n, parts[1].n
		y = fullYear(parts[2])
	case len(parts) == 2 && parts[0].digits == 4: // 2020-1, 2020 Jan
		y, m = parts[0].n, parts[1].n
	case len(parts) == 2 && month <= 0: // 1/31, Jan 31, Jan 2020, 1/2020
		m = parts[0].n
		// a day of this year if it can be one, else a year
		if parts[1].digits <= 2 && dayExists(year, m, parts[1].n) {
			y, d = year, parts[1].n
		} else if y = fullYear(parts[1]); parts[1].digits <= 2 && year == 0 && parts[1].n <= 31 {
			return 0, false
		}
	case len(parts) == 2: // 31 Jan
		d, m, y = parts[0].n, parts[1].n, year
		if !dayExists(year, m, d) && year != 0 && parts[0].digits == 2 {
			d, y = 1, fullYear(parts[0])
		}
	default:
		return 0, false
	}
	if d == 0 || y < 1900 {
		return 0, false
	}
	return numfmt.ToSerial(y, m, d, 0, 0, 0, 0, dates)
}

// fullYear gives the year that a part stands for, 0 for none.
func fullYear(p datePart) int {
	switch {
	case p.digits == 4:
		return p.n
	case p.digits == 0 || p.digits > 2:
		return 0
	case p.n < twoDigitPivot:
		return 2000 + p.n
	}
	return 1900 + p.n
}

// dayExists reports whether a month of a year has a day.
func dayExists(y, m, d int) bool {
	if d == 0 || y == 0 {
		return false
	}
	_, ok := numfmt.ToSerial(y, m, d, 0, 0, 0, 0, numfmt.Date1900)
	return ok
}

// dateParts reads the two or three parts of a date. Numbers are parted by / or -, beside the
// name of a month also by spaces and a comma.
func dateParts(s string) ([]datePart, bool) {
	var parts []datePart
	var seps []string
	named := false
	for i := 0; i < len(s); {
		from := i
		switch {
		case isDigit(s[i]):
			n := 0
			for ; i < len(s) && isDigit(s[i]); i++ {
				if n = n*10 + int(s[i]-'0'); n > 9999 {
					return nil, false
				}
			}
			parts = append(parts, datePart{n: n, digits: i - from})
		case isLetter(s[i]):
			for i < len(s) && isLetter(s[i]) {
				i++
			}
			m := monthNamed(s[from:i])
			if m == 0 || i < len(s) && isDigit(s[i]) && len(parts) == 0 { // 1jan2020, but not jan1
				return nil, false
			}
			named = true
			parts = append(parts, datePart{n: m})
		default:
			return nil, false
		}
		if i == len(s) {
			break
		}
		from = i
		for i < len(s) && strings.IndexByte(" ,-/", s[i]) >= 0 {
			i++
		}
		seps = append(seps, strings.TrimSpace(s[from:i]))
		if i == len(s) || len(parts) == 3 {
			return nil, false
		}
	}
	if len(parts) < 2 || len(seps) != len(parts)-1 {
		return nil, false
	}
	for i, sep := range seps {
		switch {
		case sep == "/", sep == "-":
		case named && sep == "":
		case named && sep == ",": // not between a day and its month
			if i == 0 && len(parts) == 3 {
				return nil, false
			}
		default:
			return nil, false
		}
	}
	return parts, true
}

var monthNames = [...]string{"january", "february", "march", "april", "may", "june", "july", "august",
	"september", "october", "november", "december"}

// monthNamed gives the month of a name or its first three letters, 0 for none.
func monthNamed(s string) int {
	for i, name := range monthNames {
		if strings.EqualFold(s, name) || strings.EqualFold(s, name[:3]) {
			return i + 1
		}
	}
	return 0
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isLetter(c byte) bool { return lower(c) >= 'a' && lower(c) <= 'z' }
