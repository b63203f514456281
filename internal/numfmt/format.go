package numfmt

import (
	"errors"
	"math"
	"strconv"

	"gridflow/internal/cell"
)

// Kind says what a format is for.
type Kind uint8

// The kinds of format. Datetime shows a day and a time of it; Duration counts hours,
// minutes or seconds beyond their usual wrap, as [h]:mm does.
const (
	General Kind = iota
	Number
	Currency
	Percent
	Scientific
	Fraction
	Date
	Time
	Datetime
	Duration
	Text
)

// String gives the kind's name as it stands in results, for example "currency".
func (k Kind) String() string {
	return [...]string{"general", "number", "currency", "percent", "scientific", "fraction",
		"date", "time", "datetime", "duration", "text"}[k]
}

// IsDate reports whether k shows a point in time or a length of time.
func (k Kind) IsDate() bool { return k >= Date && k <= Duration }

// Color is a font colour that a format section asks for: an index in 1 … 56 of
// Excel's fixed palette, of which the first eight have names. 0 is no colour.
type Color uint8

var colorNames = [...]string{"", "Black", "White", "Red", "Green", "Blue", "Yellow", "Magenta", "Cyan"}

// String gives the colour as a format code writes it: "Red", "Color12", or "".
func (c Color) String() string {
	if int(c) < len(colorNames) {
		return colorNames[c]
	}
	return "Color" + strconv.Itoa(int(c))
}

// codeMax bounds the characters of a code. It is Excel's own bound, and with it the
// text of any number is bounded too.
const codeMax = 255

// overflow is what a cell shows that has no text: a date before or after the
// calendar, or a number that no section takes.
const overflow = "########"

// Format is a compiled number-format code. It is immutable and safe for concurrent
// use. A nil *Format shows values as General does.
type Format struct {
	code    string
	err     error
	numeric [3]*section // the sections for numbers, in order
	n       int         // how many of them there are
	text    *section    // the section for text, or nil
	kind    Kind
}

// Compile reads a number-format code in the form that files hold, which is the
// en-US one. It always gives a Format: one that cannot be read shows values as
// General does, and its Err says why.
func Compile(code string) *Format {
	f := &Format{code: code}
	if err := f.parse(code); err != nil {
		*f = Format{code: code, err: err}
	}
	return f
}

// parse fills f from code. The last of several sections is the text section when it
// holds an @; a fourth one always is.
func (f *Format) parse(code string) error {
	if len(code) > codeMax && len([]rune(code)) > codeMax {
		return syntaxError{0, "the code has more than 255 characters"}
	}
	if code == "" {
		return nil
	}
	p := parser{code: code}
	for i := 0; ; i++ {
		s, err := p.section()
		if err != nil {
			return err
		}
		last := p.pos == len(code)
		switch {
		case i == 3 && s.mode == modeGeneral:
			s.mode = modeText
			f.text = s
		case i == 3 && s.mode != modeText && !s.literal:
			return p.fail("the fourth section is for text and cannot show a number")
		case i == 3, s.mode == modeText && last:
			s.mode = modeText
			f.text = s
		case s.mode == modeText:
			return p.fail("only the last section can hold @")
		case i == 2 && s.cond != nil:
			return p.fail("only the first two sections can have a condition")
		default:
			f.numeric[f.n] = s
			f.n++
		}
		if last {
			break
		}
		if i == 3 {
			return p.fail("a code has at most four sections")
		}
		p.pos++ // the semicolon
	}
	f.kind = f.findKind()
	return nil
}

// findKind takes the first numeric section that shows a value, so that 0;;; and
// "";0% are told by what they show rather than by what they hide.
func (f *Format) findKind() Kind {
	for _, s := range f.numeric[:f.n] {
		if !s.literal {
			return s.kind
		}
	}
	switch {
	case f.n > 0 && !f.numeric[0].empty():
		return Number
	case f.text != nil && f.n == 0:
		return Text
	}
	return General
}

// Code gives the code that f was compiled from.
func (f *Format) Code() string {
	if f == nil {
		return "General"
	}
	return f.code
}

// Err says why the code could not be read, or is nil. With an error f shows values
// as General does.
func (f *Format) Err() error {
	if f == nil {
		return nil
	}
	return f.err
}

// Kind says what f is for, by its first section that shows a value.
func (f *Format) Kind() Kind {
	if f == nil {
		return General
	}
	return f.kind
}

// any reports whether a numeric section of f satisfies is.
func (f *Format) any(is func(*section) bool) bool {
	if f == nil {
		return false
	}
	for _, s := range f.numeric[:f.n] {
		if is(s) {
			return true
		}
	}
	return false
}

// IsDate reports whether any section of f shows a date, a time or a duration.
func (f *Format) IsDate() bool {
	return f.any(func(s *section) bool { return s.mode == modeDate })
}

// IsPercent reports whether any section of f shows a number as a percentage.
func (f *Format) IsPercent() bool {
	return f.any(func(s *section) bool { return s.mode != modeDate && s.percent })
}

// IsCurrency reports whether any section of f shows a number with a currency sign.
func (f *Format) IsCurrency() bool {
	return f.any(func(s *section) bool { return s.kind == Currency })
}

// Color gives the font colour that f asks for when it shows v, or 0.
func (f *Format) Color(v cell.Value) Color {
	if f == nil {
		return 0
	}
	switch v.Kind() {
	case cell.Number:
		if s, _, _ := f.pick(v.Number()); s != nil {
			return s.color
		}
	case cell.Text:
		if f.text != nil {
			return f.text.color
		}
	}
	return 0
}

// Append appends the text that Excel shows for v under f to dst. Numbers follow the
// sections of the code, texts its text section; logicals and errors show their
// names and a blank shows nothing. A date outside of the calendar of sys, and a
// number that no section takes, give a run of # as in Excel.
func (f *Format) Append(dst []byte, v cell.Value, sys DateSystem) []byte {
	switch v.Kind() {
	case cell.Number:
		return f.AppendNumber(dst, v.Number(), sys)
	case cell.Text:
		if f != nil && f.text != nil {
			return f.text.appendText(dst, v.Text())
		}
	}
	return v.Append(dst)
}

// ShowsTexts reports whether f shows texts as they are.
func (f *Format) ShowsTexts() bool { return f == nil || f.text == nil }

// AppendNumber is Append for a number. NaN and the infinities, which no cell holds,
// show as #NUM!.
func (f *Format) AppendNumber(dst []byte, x float64, sys DateSystem) []byte {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return append(dst, cell.ErrNum.String()...)
	}
	if f == nil {
		return appendGeneral(dst, x)
	}
	s, minus, ok := f.pick(x)
	if !ok {
		return append(dst, overflow...)
	}
	if s == nil {
		if x < 0 && !minus {
			x = -x
		}
		return appendGeneral(dst, x)
	}
	switch s.mode {
	case modeDate:
		return s.appendDate(dst, x, minus, sys)
	case modeGeneral:
		return s.appendGeneral(dst, math.Abs(x), minus)
	case modeFraction:
		return s.appendFraction(dst, math.Abs(x), minus)
	}
	return s.appendNumber(dst, math.Abs(x), minus)
}

// pick finds the section that shows x. minus says that a minus sign goes in front of
// it. A nil section stands for General; ok is false where no section takes x.
//
// Without conditions the sections are for positive, negative and zero. A section
// that takes only negative numbers shows them without a sign, because the code is
// expected to mark them; Excel decides that from the condition, as [condition.unsigned]
// and [condition.restUnsigned] do.
func (f *Format) pick(x float64) (s *section, minus, ok bool) {
	neg := x < 0
	if f.n == 0 {
		return nil, neg, true
	}
	a, b, c := f.numeric[0], f.numeric[1], f.numeric[2]
	switch {
	case a.cond != nil:
		if a.cond.holds(x) {
			return a, neg && !a.cond.unsigned(), true
		}
	case f.n == 1, x > 0, x == 0 && f.n == 2:
		return a, neg, true
	}
	switch {
	case f.n == 1:
		return nil, neg && !a.cond.restUnsigned(), true
	case b.cond != nil:
		if b.cond.holds(x) {
			return b, neg && !b.cond.unsigned(), true
		}
	case f.n == 2 && a.cond != nil:
		return b, neg && !a.cond.restUnsigned(), true
	case neg:
		return b, false, true
	}
	if f.n == 2 {
		return nil, false, false
	}
	return c, neg, true
}

// condition is a comparison in brackets that a number must pass to be shown by a
// section.
type condition struct {
	op compare
	x  float64
}

type compare uint8

const (
	equal compare = iota
	notEqual
	less
	lessEqual
	greater
	greaterEqual
)

func (c *condition) holds(x float64) bool {
	switch c.op {
	case equal:
		return x == c.x
	case notEqual:
		return x != c.x
	case less:
		return x < c.x
	case lessEqual:
		return x <= c.x
	case greater:
		return x > c.x
	}
	return x >= c.x
}

// unsigned reports whether only negative numbers pass c.
func (c *condition) unsigned() bool {
	switch c.op {
	case equal, lessEqual:
		return c.x < 0
	case less:
		return c.x <= 0
	}
	return false
}

// restUnsigned reports whether Excel drops the sign of the numbers that fail c where
// c is the only condition. It goes by the operator alone.
func (c *condition) restUnsigned() bool {
	return c.op == less || c.op == lessEqual || c.op == notEqual
}

// syntaxError says where and why a code cannot be read.
type syntaxError struct {
	at  int // byte offset in the code
	why string
}

func (e syntaxError) Error() string {
	return "number format: " + e.why + " (at byte " + strconv.Itoa(e.at) + ")"
}

// Is lets callers test for any unreadable code with errors.Is(err, ErrSyntax).
func (e syntaxError) Is(target error) bool { return target == ErrSyntax }

// ErrSyntax matches every error that [Format.Err] gives.
var ErrSyntax = errors.New("number format: invalid code")
