package numfmt

import (
	"math"
	"strconv"
	"unicode/utf8"
)

// fractionLayout says where the parts of a vulgar fraction stand in the ops of its
// section: the whole number up to intEnd, the numerator from numStart on and the
// denominator at denEnd. What lies between them goes when the fraction goes.
type fractionLayout struct {
	intEnd   int    // index of the last placeholder of the whole number, or -1
	numStart int    // index of the first placeholder of the numerator
	denEnd   int    // index of the denominator
	fixed    uint64 // the denominator that the code asks for, or 0
	denMax   uint64 // otherwise the largest one that there is room for
	numZero  bool   // the numerator has a 0: it is shown even when it is zero
	blankGap bool   // a ? before the slash keeps the gap behind a whole number not shown
	blank    bool   // a ? anywhere keeps the room of a fraction not shown
}

// denDigitsMax bounds the digits of a denominator, looked for or fixed.
const denDigitsMax = 9

// resolveFraction finds the parts of a fraction. The numerator is the run of
// placeholders nearest before the slash, the denominator the first run of
// placeholders, or the first number, behind it; other text may stand between.
func (s *section) resolveFraction(p *parser) error {
	s.mode, s.kind = modeFraction, Fraction
	slash, err := s.fractionCommas(p)
	if err != nil {
		return err
	}
	end := slash - 1
	for end >= 0 && s.ops[end].kind != opDigit {
		end--
	}
	if end < 0 {
		return p.fail("a fraction without a numerator")
	}
	l := &s.fraction
	l.numStart = end
	for l.numStart > 0 && s.ops[l.numStart-1].kind == opDigit {
		l.numStart--
	}
	l.intEnd = -1
	for i := l.numStart - 1; i >= 0; i-- { // from the right, as places count
		if o := &s.ops[i]; o.kind == opDigit {
			l.intEnd = max(l.intEnd, i)
			l.blankGap = l.blankGap || o.ph == '?'
			o.kind, o.n = opInt, int16(s.ints)
			s.ints++
		}
	}
	for i := l.numStart; i <= end; i++ {
		o := &s.ops[i]
		l.numZero = l.numZero || o.ph == '0'
		l.blankGap = l.blankGap || o.ph == '?'
		o.kind, o.n = opNumerator, int16(end-i)
	}
	if err := s.joinDenominator(p, slash); err != nil {
		return err
	}
	for i := range s.ops {
		switch o := &s.ops[i]; o.kind {
		case opDigit:
			o.kind = opPadding
		case opPercent:
			s.shift += 2
			s.percent = true
			o.kind = opLiteral
		case opSlash, opNumeral:
			o.kind = opLiteral
		}
	}
	return nil
}

// fractionCommas drops the commas between the placeholders before the slash, which
// ask for thousands separators, and gives the index of the slash.
func (s *section) fractionCommas(p *parser) (slash int, err error) {
	digits, out := false, s.ops[:0]
	slash = -1
	for _, o := range s.ops {
		switch o.kind {
		case opPoint, opExponent:
			return 0, p.fail("a fraction has no decimals and no exponent")
		case opDigit:
			digits = true
		case opSlash:
			if slash < 0 {
				slash = len(out)
			}
		case opComma:
			if digits && slash < 0 {
				s.group = true
				continue
			}
			o.kind = opLiteral
		}
		out = append(out, o)
	}
	s.ops = out
	return slash, nil
}

// joinDenominator makes one op of the denominator behind the slash.
func (s *section) joinDenominator(p *parser, slash int) error {
	isDigit := func(i int) bool { return s.ops[i].kind == opDigit }
	l, start := &s.fraction, slash+1
	for start < len(s.ops) && !isDigit(start) && s.ops[start].kind != opNumeral {
		start++
	}
	if start == len(s.ops) {
		return p.fail("a fraction without a denominator")
	}
	numeral := !isDigit(start)
	end := start
	den := ""
	for end < len(s.ops) {
		o := s.ops[end]
		if numeral && o.kind != opNumeral && (o.kind != opDigit || o.ph != '0') || !numeral && !isDigit(end) {
			break
		}
		den += string(rune(o.ph))
		end++
	}
	l.blank = l.blankGap
	if numeral {
		if len(den) > denDigitsMax {
			return p.fail("a denominator of more than nine digits")
		}
		l.fixed, _ = strconv.ParseUint(den, 10, 64)
	} else {
		l.denMax = 1
		for range min(len(den), denDigitsMax) {
			l.denMax *= 10
		}
		l.denMax--
		for _, c := range den {
			l.blank = l.blank || c == '?'
		}
	}
	l.denEnd = start
	s.ops[start] = op{kind: opDenominator, lit: den}
	s.ops = append(s.ops[:start+1], s.ops[end:]...)
	return nil
}

// appendFraction shows x ≥ 0 as a fraction. A numerator of zero hides the fraction,
// and a whole number that shows nothing hides the text between it and the numerator;
// where a ? stands among what is hidden, spaces keep its room.
func (s *section) appendFraction(dst []byte, x float64, minus bool) []byte {
	l := &s.fraction
	if s.percent {
		x *= math.Pow10(s.shift)
	}
	whole := math.Floor(x)
	num, den := l.approximate(x - whole)
	if num >= den {
		whole++
		num = 0
	}
	if num == 0 && l.fixed == 0 {
		den = 1
	}
	if minus {
		dst = append(dst, '-')
	}
	var wd, nd decimal
	hide := false
	if l.intEnd < 0 {
		nd.set(whole*float64(den) + float64(num))
	} else {
		wd.set(whole)
		nd.setInt(num)
		hide = num == 0 && !l.numZero
	}
	shown := wd.n > 0 // something of the whole number stands before the gap
	for i := range s.ops {
		o := &s.ops[i]
		if hide && i > l.intEnd && i <= l.denEnd {
			if l.blank {
				dst = appendBlank(dst, o)
			}
			continue
		}
		switch o.kind {
		case opInt:
			forced := o.n == 0 && wd.n == 0 && (hide || num == 0 && o.ph == '?')
			if forced {
				dst = append(dst, '0')
			} else {
				dst = s.appendInt(dst, &wd, o, s.ints)
			}
			shown = shown || forced || o.ph == '0'
		case opNumerator:
			dst = s.appendNumerator(dst, &nd, o, i == l.numStart)
		case opDenominator:
			dst = s.appendDenominator(dst, den, o.lit)
		case opPadding:
			dst = appendMissing(dst, o.ph)
		default:
			if i > l.intEnd && i < l.numStart && l.intEnd >= 0 && !shown {
				if l.blankGap {
					dst = appendBlank(dst, o)
				}
				continue
			}
			dst = append(dst, o.lit...)
		}
	}
	return dst
}

// appendNumerator shows one place of the numerator, which has at least one digit.
func (s *section) appendNumerator(dst []byte, d *decimal, o *op, first bool) []byte {
	p := int(o.n)
	if first {
		dst = appendDigits(dst, d, d.ints()-1, p+1, false)
	}
	if p < max(d.ints(), 1) {
		return append(dst, d.at(p))
	}
	return appendMissing(dst, o.ph)
}

// appendDenominator shows den in the room of its placeholders, to the left.
func (s *section) appendDenominator(dst []byte, den uint64, places string) []byte {
	if s.fraction.fixed != 0 {
		return append(dst, places...)
	}
	zeros, blanks := 0, 0
	for i := range len(places) {
		switch places[i] {
		case '0':
			zeros++
		case '?':
			blanks++
		}
	}
	digits := 1
	for d := den; d >= 10; d /= 10 {
		digits++
	}
	for range zeros - digits {
		dst = append(dst, '0')
	}
	dst = strconv.AppendUint(dst, den, 10)
	for range blanks - max(digits-zeros, 0) {
		dst = append(dst, ' ')
	}
	return dst
}

// appendBlank appends the spaces that keep the room of o.
func appendBlank(dst []byte, o *op) []byte {
	n := 1
	if o.kind == opLiteral || o.kind == opDenominator {
		n = utf8.RuneCountInString(o.lit)
	}
	for range n {
		dst = append(dst, ' ')
	}
	return dst
}

// approximate gives the fraction that Excel shows for f, 0 ≤ f < 1: with a fixed
// denominator the nearest one, otherwise the last convergent of the continued
// fraction whose denominator has room. The continued fraction is that of the float,
// noise included: Excel shows 0.3 as 2/7 and 1.3 as 1 1/3 with # ?/?, because 1/0.3
// leaves a remainder a hair above a third and 1/(1.3-1) one a hair below.
func (l *fractionLayout) approximate(f float64) (num, den uint64) {
	if l.fixed != 0 {
		return uint64(math.Floor(f*float64(l.fixed) + 0.5)), l.fixed
	}
	const near = 1e-13 // closer than that a float gives no better fraction
	var n0, d0, n1, d1 uint64 = 1, 0, 0, 1
	for z := f; math.Abs(f-float64(n1)/float64(d1)) > near; {
		z = 1 / (z - math.Floor(z))
		if !(z <= float64(l.denMax)) {
			break
		}
		a := uint64(z)
		d := a*d1 + d0
		if d > l.denMax {
			break
		}
		n0, n1 = n1, a*n1+n0
		d0, d1 = d1, d
	}
	return n1, d1
}
