package tools

import (
	"cmp"
	"math"
	"strconv"
	"strings"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/numfmt"
)

// tableFilter is a condition on one column, as the caller gives it.
type tableFilter struct {
	Column string  `json:"column" required:"true" doc:"Header or letters"`
	Op     string  `json:"op" enum:"eq|neq|gt|lt|gte|lte|contains|starts_with|ends_with|in" also:"ne=neq|!=:neq|<>:neq|=:eq|==:eq|>:gt|<:lt|>=:gte|<=:lte|startswith=starts_with|endswith=ends_with" default:"eq"`
	Value  Scalars `json:"value" doc:"Number, text, boolean or ISO date; an array for in; none is blank"`
}

// condition is a filter that is ready to be tested: its column is known and its values
// are read once.
type condition struct {
	col      int
	op       string
	operands []operand
	w        values
	scratch  []byte
}

// operand is one value to compare with, in every form that it can be compared in.
type operand struct {
	null     bool
	text     string
	folded   string
	number   float64
	isNumber bool
	isText   bool  // it was given as a text, and is compared with texts as one
	date     int64 // milliseconds, or days where isDay
	isDate   bool
	isDay    bool // without a time: times are compared by their day
	logical  bool
	isBool   bool
}

// compile reads a filter; col is the column that it is about.
func (f *tableFilter) compile(w values, col int) (*condition, error) {
	c := &condition{col: col, op: f.Op, w: w}
	bad := func(what string) (*condition, error) {
		return nil, invalid(`Example: {"column":"Amount","op":"gte","value":100} or {"column":"Date","op":"lt","value":"2024-03-01"}`,
			"filters: op %s on %q %s", f.Op, clip(f.Column, 64), what)
	}
	list := f.Value
	if len(list) == 0 {
		if list != nil || f.Op == "in" {
			return bad(`needs at least one value, such as "value":["a","b"]; null is blank`)
		}
		list = Scalars{{}}
	}
	for _, s := range list {
		o := operand{null: s.Kind == NullScalar, text: s.Text, folded: strings.ToLower(s.Text)}
		switch s.Kind {
		case NumberScalar:
			o.number, o.isNumber = s.Number, true
		case BoolScalar:
			o.logical, o.isBool = s.Number != 0, true
		case TextScalar:
			o.isText = true
			o.number, o.isNumber = numericText(s.Text)
			if serial, kind, ok := numfmt.ParseISO(strings.TrimSpace(s.Text), w.dates); ok && kind != numfmt.General {
				o.isDate, o.isDay = true, kind == numfmt.Date
				o.date = o.instant(serial)
			}
			if o.folded == "true" || o.folded == "false" {
				o.logical, o.isBool = o.folded == "true", true
			}
		}
		c.operands = append(c.operands, o)
	}
	switch f.Op {
	case "gt", "lt", "gte", "lte":
		if o := c.operands[0]; len(c.operands) != 1 || !o.isNumber && !o.isDate {
			return bad("needs one number or ISO date")
		}
	case "contains", "starts_with", "ends_with":
		if len(c.operands) != 1 || c.operands[0].null {
			return bad("needs one text")
		}
	}
	return c, nil
}

// numericText reads a text as a number in the way people write one, which is without
// zeros in front: those make it a code.
func numericText(s string) (float64, bool) {
	s = strings.TrimSpace(s)
	if digits := strings.TrimLeft(s, "+-"); len(digits) > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9' {
		return 0, false
	}
	if s == "" || strings.ContainsAny(s, "xXpP_nN") { // no hex, no infinities
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil && !math.IsInf(f, 0)
}

// holds reports whether the cell meets the condition.
func (c *condition) holds(x grid.Cell) bool {
	switch c.op {
	case "eq", "in":
		return c.equalsAny(x)
	case "neq":
		return !c.equalsAny(x)
	case "gt", "lt", "gte", "lte":
		return c.ordered(x)
	}
	if x.Value.IsBlank() {
		return false
	}
	text := x.Value.Text()
	if x.Value.Kind() != cell.Text {
		c.scratch = c.w.appendPlain(c.scratch[:0], x)
		text = string(c.scratch)
	}
	text = strings.ToLower(text)
	switch c.op {
	case "contains":
		return strings.Contains(text, c.operands[0].folded)
	case "starts_with":
		return strings.HasPrefix(text, c.operands[0].folded)
	}
	return strings.HasSuffix(text, c.operands[0].folded)
}

func (c *condition) equalsAny(x grid.Cell) bool {
	for i := range c.operands {
		if c.equals(x, &c.operands[i]) {
			return true
		}
	}
	return false
}

func (c *condition) equals(x grid.Cell, o *operand) bool {
	v := x.Value
	switch v.Kind() {
	case cell.Blank:
		return o.null || o.text == "" && !o.isBool && !o.isNumber
	case cell.Number:
		if o.isDate && c.w.isDate(x) {
			return o.instant(v.Number()) == o.date
		}
		return o.isNumber && v.Number() == o.number
	case cell.Bool:
		return o.isBool && v.Bool() == o.logical
	case cell.Error:
		return strings.EqualFold(v.Err().String(), o.text)
	}
	if o.null {
		return v.Text() == ""
	}
	if v.Text() == o.text {
		return true
	}
	if o.isText || !o.isNumber {
		return false // "7" is not "007"
	}
	n, ok := numericText(v.Text())
	return ok && n == o.number
}

// instant gives a serial in the unit that it is compared in with o: days, or else
// milliseconds, as no text says a time of day as exactly as its fraction of a day.
func (o *operand) instant(serial float64) int64 {
	const day = 24 * 60 * 60 * 1000
	ms := int64(math.Round(serial * day))
	if o.isDay {
		return int64(math.Floor(float64(ms) / day))
	}
	return ms
}

// ordered compares numbers with numbers and dates with dates; nothing else is ordered.
func (c *condition) ordered(x grid.Cell) bool {
	if x.Value.Kind() != cell.Number {
		return false
	}
	o := &c.operands[0]
	v := x.Value.Number()
	order := cmp.Compare(v, o.number)
	if !o.isNumber {
		if !c.w.isDate(x) {
			return false
		}
		order = cmp.Compare(o.instant(v), o.date)
	}
	switch c.op {
	case "gt":
		return order > 0
	case "lt":
		return order < 0
	case "gte":
		return order >= 0
	}
	return order <= 0
}
