package fn

import (
	"strings"
	"unicode/utf8"

	"gridflow/internal/cell"
)

// The functions that put texts together and take them apart at delimiters.
var joinFunctions = []Function{
	{Name: "CONCAT", Category: TextFunctions, Params: "range...", Since: 2019, Eval: concatAll},
	{Name: "CONCATENATE", Category: TextFunctions, Params: "text...", Since: 2007, Eval: func(c *Context, a Args) Value {
		var b strings.Builder
		for _, v := range a {
			b.WriteString(v.Str())
		}
		return c.text(b.String())
	}},
	{Name: "TEXTAFTER", Category: TextFunctions, Params: "text range opt? opt? opt? range?", Since: 2024, Eval: textAfter},
	{Name: "TEXTBEFORE", Category: TextFunctions, Params: "text range opt? opt? opt? range?", Since: 2024, Eval: textBefore},
	{Name: "TEXTJOIN", Category: TextFunctions, Params: "range any range...", Since: 2019, Eval: textJoin},
	{Name: "TEXTSPLIT", Category: TextFunctions, Params: "text range range? bool? num? range?", Since: 2024, Eval: textSplit},
}

// byRows calls f for the values in v row by row, as CONCAT reads them. Blanks are among
// them only if they are asked for.
func (c *Context) byRows(v Value, blanks bool, f func(cell.Value) bool) cell.ErrorCode {
	r := v.Ref()
	if r == nil || len(r.Areas) > 1 {
		c.Each(v, func(x cell.Value, _ bool) bool { return f(x) })
		return 0
	}
	area := r.Areas[0]
	if !blanks {
		if area.Range.Cols() == 1 {
			c.Each(v, func(x cell.Value, _ bool) bool { return f(x) })
			return 0
		}
		used, ok := c.Book.Used(area.Sheet)
		if !ok {
			return 0
		}
		if area.Range, ok = area.Range.Intersect(used); !ok {
			return 0
		}
	}
	m, e := c.Matrix(To(Cells(area)))
	if e != 0 {
		return e
	}
	for _, x := range m.Cells {
		if !f(x) {
			break
		}
	}
	return 0
}

func concatAll(c *Context, a Args) Value {
	var b strings.Builder
	for _, v := range a {
		if e := c.joinTo(&b, v, false, func(s string) { b.WriteString(s) }); e != 0 {
			return Err(e)
		}
	}
	return c.text(b.String())
}

// joinTo calls add with the texts in v, until b is longer than a cell could hold.
func (c *Context) joinTo(b *strings.Builder, v Value, blanks bool, add func(string)) (code cell.ErrorCode) {
	e := c.byRows(v, blanks, func(x cell.Value) bool {
		var s string
		if s, code = ToText(x); code != 0 {
			return false
		}
		add(s)
		return b.Len() <= 4*maxText
	})
	if e != 0 {
		return e
	}
	return code
}

// texts gives the texts in v, at least one.
func (c *Context) texts(v Value) (list []string, code cell.ErrorCode) {
	e := c.byRows(v, true, func(x cell.Value) bool {
		var s string
		if s, code = ToText(x); code != 0 {
			return false
		}
		list = append(list, s)
		return len(list) <= maxText
	})
	if e != 0 {
		return nil, e
	}
	if len(list) == 0 { // of several areas blanks are not seen
		list = []string{""}
	}
	return list, code
}

func textJoin(c *Context, a Args) Value {
	between, e := c.texts(a[0])
	if e != 0 {
		return Err(e)
	}
	skip := true
	if s := a[1].Scalar(); !s.IsBlank() {
		if skip, e = ToBool(s); e != 0 {
			return c.Fail(e, "whether to pass over empty texts is not a logical value")
		}
	}
	var b strings.Builder
	n := 0
	for _, v := range a[2:] {
		e := c.joinTo(&b, v, !skip, func(s string) {
			if skip && s == "" {
				return
			}
			if n > 0 {
				b.WriteString(between[(n-1)%len(between)])
			}
			b.WriteString(s)
			n++
		})
		if e != 0 {
			return Err(e)
		}
	}
	return c.text(b.String())
}

// delimiters are texts at which another one is cut.
type delimiters struct {
	list []string
	fold bool // without regard to case
}

// at gives the length of the longest delimiter that stands at s[i:]; ok is false if none
// does.
func (d *delimiters) at(s string, i int) (n int, ok bool) {
	for _, x := range d.list {
		m, fits := len(x), false
		if d.fold {
			m, fits = prefixFold(s[i:], x)
		} else {
			fits = strings.HasPrefix(s[i:], x)
		}
		if fits && (!ok || m > n) {
			n, ok = m, true
		}
	}
	return n, ok
}

// prefixFold reports whether s begins with prefix without regard to case, and how many
// bytes of s that takes.
func prefixFold(s, prefix string) (n int, ok bool) {
	for _, want := range prefix {
		if n >= len(s) {
			return 0, false
		}
		r, size := utf8.DecodeRuneInString(s[n:])
		if foldRune(r) != foldRune(want) {
			return 0, false
		}
		n += size
	}
	return n, true
}

// cut is where a delimiter stands.
type cut struct{ start, end int }

// cuts gives the places where delimiters stand, none of them over another, found from the
// front or from the back, and at most so many.
func (d *delimiters) cuts(s string, back bool, most int) []cut {
	var out []cut
	if !back {
		for i := 0; i < len(s) && len(out) < most; {
			if n, ok := d.at(s, i); ok && n > 0 {
				out = append(out, cut{i, i + n})
				i += n
			} else {
				_, size := utf8.DecodeRuneInString(s[i:])
				i += size
			}
		}
		return out
	}
	end := len(s)
	for i := len(s); i > 0 && len(out) < most; {
		_, size := utf8.DecodeLastRuneInString(s[:i])
		i -= size
		if n, ok := d.at(s[:end], i); ok && n > 0 {
			out = append(out, cut{i, i + n})
			end = i
		}
	}
	return out
}

// empty reports whether one of the delimiters is an empty text.
func (d *delimiters) empty() bool {
	for _, x := range d.list {
		if x == "" {
			return true
		}
	}
	return false
}

// option gives the whole number of an "opt", or def where it was not given or left empty.
func (a Args) option(i, def int) int {
	if !a.Given(i) {
		return def
	}
	return count(a[i].Number())
}

// cutAt finds the delimiter that TEXTBEFORE and TEXTAFTER ask for. If it is not there the
// value is the result.
func (c *Context) cutAt(a Args) (at cut, none Value, ok bool) {
	s := a[0].Str()
	list, e := c.texts(a[1])
	if e != 0 {
		return at, Err(e), false
	}
	nth, mode, end := a.option(2, 1), a.option(3, 0), a.option(4, 0)
	if nth == 0 || mode != 0 && mode != 1 || nth != 1 && nth != -1 && max(nth, -nth) > unitsOf(s) {
		return at, c.Fail(cell.ErrValue, "the instance is 0 or lies beyond the text, or the match mode is neither 0 nor 1"), false
	}
	d := delimiters{list: list, fold: mode == 1}
	back := nth < 0
	nth = max(nth, -nth)
	if d.empty() {
		if back {
			return cut{len(s), len(s)}, Value{}, true
		}
		return cut{}, Value{}, true
	}
	found := d.cuts(s, back, nth)
	if len(found) < nth && end != 0 {
		if back {
			found = append(found, cut{})
		} else {
			found = append(found, cut{len(s), len(s)})
		}
	}
	if len(found) >= nth {
		return found[nth-1], Value{}, true
	}
	if a.Given(5) {
		return at, Scalar(c.Single(a[5])), false
	}
	return at, c.Fail(cell.ErrNA, "the delimiter is not found"), false
}

func textBefore(c *Context, a Args) Value {
	at, none, ok := c.cutAt(a)
	if !ok {
		return none
	}
	return Text(a[0].Str()[:at.start])
}

func textAfter(c *Context, a Args) Value {
	at, none, ok := c.cutAt(a)
	if !ok {
		return none
	}
	return Text(a[0].Str()[at.end:])
}

// split cuts s at delimiters.
func (d *delimiters) split(s string, skipEmpty bool) []string {
	var out []string
	add := func(piece string) {
		if piece != "" || !skipEmpty {
			out = append(out, piece)
		}
	}
	from := 0
	for _, x := range d.cuts(s, false, len(s)) {
		add(s[from:x.start])
		from = x.end
	}
	add(s[from:])
	return out
}

func textSplit(c *Context, a Args) Value {
	mode := count(a.Num(4, 0))
	if mode != 0 && mode != 1 {
		return c.Fail(cell.ErrValue, "the match mode is neither 0 nor 1")
	}
	var by [2]delimiters // between columns and between rows
	for i := range by {
		if !a.Given(i + 1) {
			continue
		}
		list, e := c.texts(a[i+1])
		if e != 0 {
			return Err(e)
		}
		if by[i] = (delimiters{list: list, fold: mode == 1}); by[i].empty() {
			return c.Fail(cell.ErrValue, "a delimiter is an empty text")
		}
	}
	if by[0].list == nil && by[1].list == nil {
		return c.Fail(cell.ErrValue, "no delimiter is given")
	}
	skip := a.Truth(3, false)
	pad := cell.ErrorValue(cell.ErrNA)
	if a.Given(5) {
		pad = c.Single(a[5])
	}
	var rows [][]string
	cols := 0
	for _, line := range by[1].split(a[0].Str(), skip) {
		pieces := by[0].split(line, skip)
		if len(pieces) == 0 {
			continue
		}
		rows, cols = append(rows, pieces), max(cols, len(pieces))
	}
	if len(rows) == 0 {
		return c.Fail(cell.ErrCalc, "nothing is left of the text")
	}
	if !c.Room(len(rows), cols) {
		return c.Fail(cell.ErrNum, "there are more pieces than an array can hold")
	}
	out := NewArray(len(rows), cols)
	for i, pieces := range rows {
		for j := range cols {
			if j < len(pieces) {
				out.Set(i, j, cell.TextValue(pieces[j]))
			} else {
				out.Set(i, j, pad)
			}
		}
	}
	return Of(out)
}
