package fn

import (
	"math"
	"strings"
	"unicode"

	"gridflow/internal/cell"
)

// The functions that look at the characters of a text. Those named with a B at the end
// count bytes where a double-byte language is the default one, and characters like the
// others everywhere else.
var textFunctions = concat(plainTextFunctions, joinFunctions, textNumberFunctions,
	characterFunctions, regexFunctions, asianFunctions)

var plainTextFunctions = []Function{
	{Name: "CLEAN", Category: TextFunctions, Params: "text", Since: 2007, Eval: clean},
	{Name: "EXACT", Category: TextFunctions, Params: "text text", Since: 2007, Eval: func(_ *Context, a Args) Value {
		return Bool(a[0].Str() == a[1].Str())
	}},
	{Name: "FIND", Category: TextFunctions, Params: "text text num?", Since: 2007, Eval: find},
	{Name: "FINDB", Category: TextFunctions, Params: "text text num?", Since: 2007, Eval: find},
	{Name: "LEFT", Category: TextFunctions, Params: "text num?", Since: 2007, Eval: left},
	{Name: "LEFTB", Category: TextFunctions, Params: "text num?", Since: 2007, Eval: left},
	{Name: "LEN", Category: TextFunctions, Params: "text", Since: 2007, Eval: length},
	{Name: "LENB", Category: TextFunctions, Params: "text", Since: 2007, Eval: length},
	{Name: "LOWER", Category: TextFunctions, Params: "text", Since: 2007, Eval: ofText(strings.ToLower)},
	{Name: "MID", Category: TextFunctions, Params: "text num num", Since: 2007, Eval: mid},
	{Name: "MIDB", Category: TextFunctions, Params: "text num num", Since: 2007, Eval: mid},
	{Name: "PROPER", Category: TextFunctions, Params: "text", Since: 2007, Eval: ofText(proper)},
	{Name: "REPLACE", Category: TextFunctions, Params: "text num num text", Since: 2007, Eval: replace},
	{Name: "REPLACEB", Category: TextFunctions, Params: "text num num text", Since: 2007, Eval: replace},
	{Name: "REPT", Category: TextFunctions, Params: "text num", Since: 2007, Eval: rept},
	{Name: "RIGHT", Category: TextFunctions, Params: "text num?", Since: 2007, Eval: right},
	{Name: "RIGHTB", Category: TextFunctions, Params: "text num?", Since: 2007, Eval: right},
	{Name: "SEARCH", Category: TextFunctions, Params: "text text num?", Since: 2007, Eval: search},
	{Name: "SEARCHB", Category: TextFunctions, Params: "text text num?", Since: 2007, Eval: search},
	{Name: "SUBSTITUTE", Category: TextFunctions, Params: "text text text num?", Since: 2007, Eval: substitute},
	{Name: "T", Category: TextFunctions, Params: "range", Since: 2007, Eval: func(c *Context, a Args) Value {
		return c.eachElement(a[0], func(v cell.Value) cell.Value {
			if k := v.Kind(); k == cell.Text || k == cell.Error {
				return v
			}
			return cell.TextValue("")
		})
	}},
	{Name: "TRIM", Category: TextFunctions, Params: "text", Since: 2007, Eval: ofText(trim)},
	{Name: "UPPER", Category: TextFunctions, Params: "text", Since: 2007, Eval: ofText(strings.ToUpper)},
}

// concat makes one list of several.
func concat(lists ...[]Function) []Function {
	var all []Function
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

// ofText makes a function of one text.
func ofText(f func(string) string) func(*Context, Args) Value {
	return func(_ *Context, a Args) Value { return Text(f(a[0].Str())) }
}

// eachElement applies f to a single value, to each element of an array, and to the first
// cell of a range, as N and T do.
func (c *Context) eachElement(v Value, f func(cell.Value) cell.Value) Value {
	if a := v.Array(); a != nil {
		out := NewArray(a.Rows, a.Cols)
		for i, x := range a.Cells {
			out.Cells[i] = f(x)
		}
		return Of(out)
	}
	return Scalar(f(c.Single(v)))
}

// count brings a number to a whole one that can be used as a count or a place: fractions
// are cut off, and what is larger than any text or sheet becomes that large.
func count(f float64) int {
	const most = 1 << 30
	return int(math.Trunc(max(-most, min(most, f))))
}

func length(_ *Context, a Args) Value { return Num(float64(unitsOf(a[0].Str()))) }

func left(c *Context, a Args) Value {
	n := count(a.Num(1, 1))
	if n < 0 {
		return c.Fail(cell.ErrValue, "the number of characters is negative")
	}
	return Text(slice(a[0].Str(), 0, n))
}

func right(c *Context, a Args) Value {
	n := count(a.Num(1, 1))
	if n < 0 {
		return c.Fail(cell.ErrValue, "the number of characters is negative")
	}
	s := a[0].Str()
	have := unitsOf(s)
	return Text(slice(s, max(0, have-n), have))
}

func mid(c *Context, a Args) Value {
	from, n := count(a[1].Number()), count(a[2].Number())
	if from < 1 || n < 0 {
		return c.Fail(cell.ErrValue, "characters are asked for before the first one, or fewer than none")
	}
	return Text(slice(a[0].Str(), from-1, from-1+n))
}

func replace(c *Context, a Args) Value {
	from, n := count(a[1].Number()), count(a[2].Number())
	if from < 1 || n < 0 {
		return c.Fail(cell.ErrValue, "characters are to be replaced before the first one, or fewer than none")
	}
	s := a[0].Str()
	return c.text(slice(s, 0, from-1) + a[3].Str() + slice(s, from-1+n, unitsOf(s)))
}

// text gives a text that was put together; one that no cell can hold is #VALUE!.
func (c *Context) text(s string) Value {
	if len(s) > maxText && unitsOf(s) > maxText {
		return c.Fail(cell.ErrValue, "the text would be longer than 32767 characters")
	}
	return Text(s)
}

func rept(c *Context, a Args) Value {
	s, n := a[0].Str(), count(a[1].Number())
	if n < 0 {
		return c.Fail(cell.ErrValue, "the number of repetitions is negative")
	}
	if unitsOf(s)*n > maxText {
		return c.Fail(cell.ErrValue, "the text would be longer than 32767 characters")
	}
	return Text(strings.Repeat(s, n))
}

// findFrom gives the text in which FIND and SEARCH look and the byte offset where they
// begin; ok is false for a place outside of the text.
func findFrom(a Args) (within string, from int, ok bool) {
	within = a[1].Str()
	start := count(a.Num(2, 1))
	if start < 1 || start > unitsOf(within)+1 {
		return within, 0, false
	}
	return within, offsetOf(within, start-1), true
}

func find(c *Context, a Args) Value {
	within, from, ok := findFrom(a)
	if ok {
		if i := strings.Index(within[from:], a[0].Str()); i >= 0 {
			return Num(float64(unitsOf(within[:from+i]) + 1))
		}
	}
	return c.Fail(cell.ErrValue, "the text is not found")
}

func search(c *Context, a Args) Value {
	within, from, ok := findFrom(a)
	if ok {
		p, _, _ := ParsePattern(a[0].Str())
		if i, ok := p.Search(within, from); ok {
			return Num(float64(unitsOf(within[:i]) + 1))
		}
	}
	return c.Fail(cell.ErrValue, "the text is not found")
}

func substitute(c *Context, a Args) Value {
	s, old, with := a[0].Str(), a[1].Str(), a[2].Str()
	if !a.Has(3) {
		if old == "" {
			return Text(s)
		}
		// Longer texts than a cell holds are not even made.
		if n := strings.Count(s, old); n > 0 && len(s)+n*(len(with)-len(old)) > 4*maxText {
			return c.Fail(cell.ErrValue, "the text would be longer than 32767 characters")
		}
		return c.text(strings.ReplaceAll(s, old, with))
	}
	nth := count(a[3].Number())
	if nth < 1 {
		return c.Fail(cell.ErrValue, "the occurrence to replace is not 1 or more")
	}
	if old == "" {
		return Text(s)
	}
	for at := 0; ; {
		i := strings.Index(s[at:], old)
		if i < 0 {
			return Text(s)
		}
		if nth--; nth == 0 {
			return c.text(s[:at+i] + with + s[at+i+len(old):])
		}
		at += i + len(old)
	}
}

// trim takes the spaces away at both ends, and all but one between words. Other blanks
// than the space stay.
func trim(s string) string {
	s = strings.Trim(s, " ")
	if !strings.Contains(s, "  ") {
		return s
	}
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == ' ' }), " ")
}

// clean takes the 32 control characters of ASCII out, and no others.
func clean(_ *Context, a Args) Value {
	return Text(strings.Map(func(r rune) rune {
		if r < ' ' {
			return -1
		}
		return r
	}, a[0].Str()))
}

// proper begins each word with a capital letter and has small ones behind it. A word is
// a run of letters: anything else ends it, an apostrophe too.
func proper(s string) string {
	inWord := false
	return strings.Map(func(r rune) rune {
		isLetter := unicode.IsLetter(r) || inWord && unicode.IsMark(r)
		defer func() { inWord = isLetter }()
		if isLetter && inWord {
			return unicode.ToLower(r)
		}
		return unicode.ToUpper(r)
	}, s)
}
