package numfmt

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// mode is the way in which a section shows its value.
type mode uint8

const (
	modeNumber   mode = iota // decimal digits, with or without an exponent
	modeFraction             // vulgar fraction
	modeGeneral              // as the General format
	modeText                 // text section
	modeDate                 // date, time or duration
)

// section is one of the parts of a code that semicolons separate.
type section struct {
	ops     []op
	mode    mode
	kind    Kind
	color   Color
	percent bool // a percent sign scales the number
	literal bool // shows no part of the value, only literal text
	cond    *condition

	// Numbers. The value is multiplied by 10^shift before it is shown.
	group     bool // thousands separators
	exponent  bool
	shift     int
	ints      int // digit placeholders before the decimal point
	decimals  int // and after it
	expDigits int // and in the exponent

	fraction fractionLayout

	// Dates.
	subsecond int // most decimals of a second that are shown
	twelve    bool
}

// op is one step in showing a value. ph is the placeholder that stands there ('0',
// '#' or '?') and n the place of its digit, or for a date part the number of letters.
type op struct {
	kind opKind
	ph   byte
	n    int16
	lit  string
}

type opKind uint8

const (
	opLiteral opKind = iota
	opText           // @
	opGeneral
	// What the scanner finds in numbers, before the section's mode is known.
	opDigit   // 0 # ?
	opNumeral // 1 … 9: part of a denominator, otherwise literal
	opPoint
	opComma
	opPercent
	opSlash
	opExponent // E+ or E-, the sign in ph
	// Digits once their part of the number is known.
	opInt         // n is the power of ten
	opDecimal     // n is the number of the decimal, from 1
	opExpDigit    // n is the power of ten
	opNumerator   // n is the power of ten
	opDenominator // the whole denominator, the n placeholders in lit
	opPadding     // a placeholder that no digit reaches
	// Parts of a date; n is the number of letters.
	opYear
	opBuddhist
	opEra
	opMonth
	opDay
	opHour
	opMinute
	opSecond
	opSubsecond // n is the number of decimals
	opMeridiem  // AM/PM or A/P as written in lit
	opElapsedHours
	opElapsedMinutes
	opElapsedSeconds
)

func (k opKind) isDatePart() bool { return k >= opYear }

// empty reports whether the section shows nothing at all.
func (s *section) empty() bool { return len(s.ops) == 0 }

// parser reads the sections of a code from left to right.
type parser struct {
	code string
	pos  int
}

func (p *parser) fail(why string) error { return syntaxError{p.pos, why} }

// systemFormat says that a section stands for the long date or the time format of
// the user's system, whatever its own parts are.
type systemFormat uint8

const (
	systemNone systemFormat = iota
	systemDate
	systemTime
)

// The formats of an en-US system that [$-F800] and [$-F400] stand for.
const (
	longDateCode = `dddd, mmmm d, yyyy`
	longTimeCode = `h:mm:ss AM/PM`
)

// section reads one section and leaves p at the semicolon after it or at the end.
func (p *parser) section() (*section, error) {
	s := &section{}
	system, err := p.scan(s)
	if err != nil {
		return nil, err
	}
	var has [opElapsedSeconds + 1]bool
	date := false
	for _, o := range s.ops {
		has[o.kind] = true
		date = date || o.kind.isDatePart()
	}
	switch {
	case date && system != systemNone:
		sub := parser{code: longDateCode}
		if system == systemTime {
			sub.code = longTimeCode
		}
		shown, err := sub.section()
		shown.color, shown.cond = s.color, s.cond
		return shown, err
	case date:
		err = s.resolveDate(p)
	case has[opText]:
		err = s.resolvePlain(p, modeText, opText)
	case has[opGeneral]:
		err = s.resolvePlain(p, modeGeneral, opGeneral)
	case has[opSlash]:
		err = s.resolveFraction(p)
	default:
		err = s.resolveNumber(p)
	}
	return s, err
}

// scan splits a section into ops and takes out what brackets say about it.
func (p *parser) scan(s *section) (system systemFormat, err error) {
	digits := false
	for p.pos < len(p.code) && p.code[p.pos] != ';' {
		c, width := utf8.DecodeRuneInString(p.code[p.pos:])
		switch c {
		case '"':
			end := strings.IndexByte(p.code[p.pos+1:], '"')
			if end < 0 {
				return 0, p.fail("a quote is not closed")
			}
			s.add(op{lit: p.code[p.pos+1 : p.pos+1+end]})
			p.pos += end + 2
			continue
		case '\\', '_', '*':
			_, n := utf8.DecodeRuneInString(p.code[p.pos+1:])
			if n == 0 {
				return 0, p.fail("a character must follow " + string(c))
			}
			switch c {
			case '\\':
				s.add(op{lit: p.code[p.pos+1 : p.pos+1+n]})
			case '_':
				s.add(op{lit: " "})
			}
			p.pos += 1 + n
			continue
		case '[':
			sys, err := p.bracket(s)
			if err != nil {
				return 0, err
			}
			if sys != systemNone {
				system = sys
			}
			continue
		case '@':
			s.add(op{kind: opText})
		case '0', '#', '?':
			s.add(op{kind: opDigit, ph: byte(c)})
			digits = true
		case '1', '2', '3', '4', '5', '6', '7', '8', '9':
			s.add(op{kind: opNumeral, ph: byte(c), lit: p.code[p.pos : p.pos+1]})
		case '.':
			s.add(op{kind: opPoint, lit: "."})
		case ',':
			s.add(op{kind: opComma, lit: ","})
		case '%':
			s.add(op{kind: opPercent, lit: "%"})
		case '/':
			s.add(op{kind: opSlash, lit: "/"})
		default:
			if width == 1 && p.word(s, digits) {
				continue
			}
			s.add(op{lit: p.code[p.pos : p.pos+width]})
		}
		p.pos += width
	}
	return system, nil
}

// add appends o, joining literal text with what stands before it.
func (s *section) add(o op) {
	if n := len(s.ops); o.kind == opLiteral && n > 0 && s.ops[n-1].kind == opLiteral {
		s.ops[n-1].lit += o.lit
		return
	}
	if o.kind != opLiteral || o.lit != "" {
		s.ops = append(s.ops, o)
	}
}

// dateLetters gives the part of a date that a letter stands for. An m is a month
// until resolveDate finds that it counts minutes.
var dateLetters = [256]opKind{'y': opYear, 'e': opYear, 'b': opBuddhist, 'g': opEra, 'm': opMonth,
	'd': opDay, 'h': opHour, 's': opSecond}

// word reads the letters that have a meaning outside of quotes, and reports whether
// there was one. digits says that a digit placeholder came before: only then E+ and
// E- start an exponent, because e alone is a year.
func (p *parser) word(s *section, digits bool) bool {
	rest := p.code[p.pos:]
	for _, w := range [...]string{"general", "am/pm", "a/p"} {
		if len(rest) < len(w) || !strings.EqualFold(rest[:len(w)], w) {
			continue
		}
		if w == "general" {
			s.add(op{kind: opGeneral})
		} else {
			s.add(op{kind: opMeridiem, lit: rest[:len(w)]})
		}
		p.pos += len(w)
		return true
	}
	c := lower(rest[0])
	if c == 'e' && digits && len(rest) > 1 && (rest[1] == '+' || rest[1] == '-') {
		s.add(op{kind: opExponent, ph: rest[1]})
		p.pos += 2
		return true
	}
	if c == 'b' && len(rest) > 1 && rest[1] == '1' { // B1 asks for the usual calendar
		p.pos += 2
		return true
	}
	kind := dateLetters[c]
	if kind == opLiteral {
		return false
	}
	n := 1
	for n < len(rest) && lower(rest[n]) == c {
		n++
	}
	o := op{kind: kind, n: int16(n)}
	if c == 'e' {
		o.n = 4
	}
	s.add(o)
	p.pos += n
	return true
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// bracket reads a colour, a condition, a currency or locale, or an elapsed time.
func (p *parser) bracket(s *section) (systemFormat, error) {
	end := strings.IndexByte(p.code[p.pos:], ']')
	if end < 0 {
		return 0, p.fail("a bracket is not closed")
	}
	body := p.code[p.pos+1 : p.pos+end]
	if body == "" {
		return 0, p.fail("an empty bracket")
	}
	system := systemNone
	switch low := strings.ToLower(body); {
	case body[0] == '$':
		symbol, locale, _ := strings.Cut(body[1:], "-")
		if symbol != "" {
			s.add(op{lit: symbol})
			s.kind = Currency
		}
		switch strings.ToLower(locale) {
		case "f800", "x-sysdate":
			system = systemDate
		case "f400", "x-systime":
			system = systemTime
		}
	case body[0] == '<' || body[0] == '>' || body[0] == '=':
		cond, ok := parseCondition(body)
		if !ok {
			return 0, p.fail("[" + body + "] is not a condition")
		}
		s.cond = cond
	case strings.Trim(low, "h") == "":
		s.add(op{kind: opElapsedHours, n: int16(len(low))})
	case strings.Trim(low, "m") == "":
		s.add(op{kind: opElapsedMinutes, n: int16(len(low))})
	case strings.Trim(low, "s") == "":
		s.add(op{kind: opElapsedSeconds, n: int16(len(low))})
	case strings.HasPrefix(low, "dbnum"), strings.HasPrefix(low, "natnum"), low == "eng":
		// Other scripts' numerals: the digits stay as they are in en-US.
	default:
		c, ok := parseColor(low)
		if !ok {
			return 0, p.fail("[" + body + "] is not known")
		}
		s.color = c
	}
	p.pos += end + 1
	return system, nil
}

func parseCondition(body string) (*condition, bool) {
	for _, c := range [...]struct {
		text string
		op   compare
	}{{"<=", lessEqual}, {"<>", notEqual}, {">=", greaterEqual}, {"<", less}, {">", greater}, {"=", equal}} {
		if rest, ok := strings.CutPrefix(body, c.text); ok {
			rest = strings.TrimSpace(rest)
			if strings.Trim(rest, "0123456789.+-eE") != "" { // no Inf, NaN, hexadecimal or underscores
				return nil, false
			}
			x, err := strconv.ParseFloat(rest, 64)
			return &condition{c.op, x}, err == nil
		}
	}
	return nil, false
}

func parseColor(low string) (Color, bool) {
	for i, name := range colorNames {
		if i > 0 && low == strings.ToLower(name) {
			return Color(i), true
		}
	}
	if rest, ok := strings.CutPrefix(low, "color"); ok {
		n, err := strconv.Atoi(strings.TrimSpace(rest))
		return Color(n), err == nil && n >= 1 && n <= 56
	}
	return 0, false
}

// resolvePlain finishes a section that shows its value whole, through ops of one kind.
func (s *section) resolvePlain(p *parser, m mode, value opKind) error {
	s.mode = m
	for i, o := range s.ops {
		switch o.kind {
		case value:
		case opDigit, opExponent, opGeneral:
			return p.fail("digits cannot stand in a section with General or @")
		default:
			s.ops[i].kind = opLiteral
		}
	}
	if m == modeText {
		s.kind = Text
	} else if s.kind != Currency {
		s.kind = General
	}
	return nil
}

// resolveNumber finds out what each placeholder, point and comma of a decimal number
// means.
//
// A comma between two digits of the integer part asks for thousands separators; one
// behind all digits of its part divides by a thousand; one before any digit is
// literal. The first point is the decimal point, others are literal.
func (s *section) resolveNumber(p *parser) error {
	point, exponent := -1, -1
	for i, o := range s.ops {
		switch o.kind {
		case opPoint:
			if point < 0 && exponent < 0 {
				point = i
			}
		case opExponent:
			if exponent >= 0 {
				return p.fail("a second exponent")
			}
			exponent = i
		case opDigit:
			switch {
			case exponent >= 0:
				s.expDigits++
			case point >= 0:
				s.decimals++
			default:
				s.ints++
			}
		}
	}
	s.exponent = exponent >= 0
	if s.exponent && s.expDigits == 0 {
		return p.fail("an exponent without digits")
	}
	s.literal = s.ints+s.decimals == 0
	ints, decimals, exps := 0, 0, 0 // placeholders passed so far
	out := s.ops[:0]
	for i, o := range s.ops {
		switch o.kind {
		case opDigit:
			switch {
			case s.exponent && i > exponent:
				exps++
				o.kind, o.n = opExpDigit, int16(s.expDigits-exps)
			case point >= 0 && i > point:
				decimals++
				o.kind, o.n = opDecimal, int16(decimals)
			default:
				ints++
				o.kind, o.n = opInt, int16(s.ints-ints)
			}
		case opComma:
			inDecimals := point >= 0 && i > point
			switch {
			case ints+decimals == 0:
				o.kind = opLiteral
			case s.exponent && i > exponent:
				continue
			case inDecimals && decimals < s.decimals:
				continue
			case !inDecimals && ints < s.ints:
				s.group = true
				continue
			default:
				s.shift -= 3
				continue
			}
		case opPercent:
			s.shift += 2
			s.percent = true
			o.kind = opLiteral
		case opPoint:
			if i != point || s.literal {
				o.kind = opLiteral
			}
		case opNumeral, opSlash:
			o.kind = opLiteral
		}
		out = append(out, o)
	}
	s.ops = out
	switch {
	case s.percent:
		s.kind = Percent
	case s.currency():
		s.kind = Currency
	case s.exponent:
		s.kind = Scientific
	default:
		s.kind = Number
	}
	return nil
}

// currency reports whether the section names a currency: in brackets, or by one of
// the signs that Unicode lists as such.
func (s *section) currency() bool {
	if s.kind == Currency {
		return true
	}
	for _, o := range s.ops {
		for _, c := range o.lit {
			if unicode.Is(unicode.Sc, c) {
				return o.kind == opLiteral
			}
		}
	}
	return false
}

// resolveDate turns the ops of a date section into its parts: an m beside hours or
// seconds counts minutes, a point with zeros behind it shows parts of a second, and
// a unit that is counted without wrapping anywhere is so everywhere.
func (s *section) resolveDate(p *parser) error {
	s.mode = modeDate
	out := s.ops[:0]
	for i := 0; i < len(s.ops); i++ {
		o := s.ops[i]
		switch o.kind {
		case opPoint:
			zeros := 0
			for i+1 < len(s.ops) && s.ops[i+1].kind == opDigit && s.ops[i+1].ph == '0' {
				zeros++
				i++
			}
			switch {
			case zeros > 3:
				return p.fail("seconds have at most three decimals")
			case zeros > 0:
				o = op{kind: opSubsecond, n: int16(zeros)}
				s.subsecond = max(s.subsecond, zeros)
			default:
				o.kind = opLiteral
			}
		case opBuddhist:
			if i+1 < len(s.ops) && s.ops[i+1].kind == opNumeral && s.ops[i+1].ph == '2' {
				return p.fail("the Hijri calendar (B2) is not supported")
			}
		case opComma, opSlash, opNumeral:
			o.kind = opLiteral
		case opDigit, opPercent, opExponent, opText, opGeneral:
			return p.fail("a section shows a date or a number, not both")
		case opMeridiem:
			s.twelve = true
		}
		out = append(out, o)
	}
	s.ops = out
	s.findMinutes()
	s.findElapsed()
	s.kind = s.dateKind()
	return nil
}

// findMinutes makes minutes of each m or mm that follows hours or seconds, or that
// comes right before seconds.
func (s *section) findMinutes() {
	before := opLiteral // the last part of a date
	month := -1         // index of an m or mm that may still become minutes
	for i, o := range s.ops {
		switch o.kind {
		case opLiteral, opMeridiem, opSubsecond:
			continue
		case opMonth:
			month = -1
			if o.n <= 2 {
				month = i
				switch before {
				case opHour, opElapsedHours, opSecond, opElapsedSeconds:
					s.ops[i].kind = opMinute
				}
			}
		case opSecond, opElapsedSeconds:
			if month >= 0 {
				s.ops[month].kind = opMinute
			}
			month = -1
		default:
			month = -1
		}
		before = s.ops[i].kind
	}
}

// findElapsed makes the plain parts of a unit elapsed ones where the section has an
// elapsed part of that unit.
func (s *section) findElapsed() {
	for _, u := range [...]struct{ plain, elapsed opKind }{
		{opHour, opElapsedHours}, {opMinute, opElapsedMinutes}, {opSecond, opElapsedSeconds}} {
		found := false
		for _, o := range s.ops {
			found = found || o.kind == u.elapsed
		}
		for i, o := range s.ops {
			if found && o.kind == u.plain {
				s.ops[i].kind = u.elapsed
				s.ops[i].n = min(o.n, 2)
			}
		}
	}
}

func (s *section) dateKind() Kind {
	day, clock, elapsed := false, false, false
	for _, o := range s.ops {
		switch o.kind {
		case opYear, opBuddhist, opEra, opMonth, opDay:
			day = true
		case opHour, opMinute, opSecond, opSubsecond, opMeridiem:
			clock = true
		case opElapsedHours, opElapsedMinutes, opElapsedSeconds:
			elapsed = true
		}
	}
	switch {
	case day && (clock || elapsed):
		return Datetime
	case elapsed:
		return Duration
	case clock:
		return Time
	}
	return Date
}
