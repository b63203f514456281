package fn

import (
	"errors"

	"gridflow/internal/calc/regex"
	"gridflow/internal/cell"
)

// The functions of regular expressions, of the syntax of PCRE2.
var regexFunctions = []Function{
	{Name: "REGEXEXTRACT", Category: TextFunctions, Params: "text text opt? opt?", Since: 2024, Eval: regexExtract},
	{Name: "REGEXREPLACE", Category: TextFunctions, Params: "text text text opt? opt?", Since: 2024, Eval: regexReplace},
	{Name: "REGEXTEST", Category: TextFunctions, Params: "text text opt?", Since: 2024, Eval: regexTest},
}

// regex compiles the pattern in argument i, with the option in argument fold for small
// and capital letters.
func (c *Context) regex(a Args, i, fold int) (*regex.Regexp, Value) {
	insensitive := a.option(fold, 0)
	if insensitive != 0 && insensitive != 1 {
		return nil, c.Fail(cell.ErrValue, "the case sensitivity is neither 0 nor 1")
	}
	pattern, key := a[i].Str(), "c"+a[i].Str()
	if insensitive != 0 {
		key = "i" + pattern
	}
	re, err := c.regexes.of(key, func() (*regex.Regexp, error) { return regex.Compile(pattern, insensitive != 0) })
	if err != nil {
		return nil, c.Fail(cell.ErrValue, "the regular expression cannot be read: "+err.Error())
	}
	return re, Value{}
}

// matches is a text that a pattern is looked for in, match by match.
type matches struct {
	re     *regex.Regexp
	text   []rune
	budget regex.Budget
	from   int
}

func (c *Context) matches(re *regex.Regexp, text string) *matches {
	return &matches{re: re, text: []rune(text), budget: regex.Budget{Stop: c.Stop}}
}

// next gives the spans of the next match, nil where there is none. After an empty one it goes on
// a character further.
func (s *matches) next() ([]int, error) {
	if s.from > len(s.text) {
		return nil, nil
	}
	spans, err := s.re.Find(s.text, s.from, &s.budget)
	if spans == nil {
		s.from = len(s.text) + 1
		return nil, err
	}
	if s.from = spans[1]; spans[1] <= spans[0] {
		s.from = max(spans[0], spans[1]) + 1
	}
	return spans, nil
}

// part gives a group of a match, empty for one that took no part.
func (s *matches) part(spans []int, group int) string {
	from, to := spans[2*group], spans[2*group+1]
	if from < 0 || to < from {
		return ""
	}
	return string(s.text[from:to])
}

// searchFailed gives the error of a search that was given up.
func (c *Context) searchFailed(err error) Value {
	if errors.Is(err, regex.ErrStopped) {
		return Err(cell.ErrValue) // thrown away
	}
	return c.Fail(cell.ErrValue, "the regular expression takes too long")
}

func regexTest(c *Context, a Args) Value {
	re, bad := c.regex(a, 1, 2)
	if re == nil {
		return bad
	}
	spans, err := c.matches(re, a[0].Str()).next()
	if err != nil {
		return c.searchFailed(err)
	}
	return Bool(spans != nil)
}

func regexExtract(c *Context, a Args) Value {
	re, bad := c.regex(a, 1, 3)
	if re == nil {
		return bad
	}
	mode := a.option(2, 0)
	if mode < 0 || mode > 2 {
		return c.Fail(cell.ErrValue, "the return mode is not 0, 1 or 2")
	}
	s := c.matches(re, a[0].Str())
	spans, err := s.next()
	if err != nil {
		return c.searchFailed(err)
	}
	if spans == nil {
		return c.Fail(cell.ErrNA, "the regular expression fits nowhere")
	}
	var found []cell.Value
	switch mode {
	case 0:
		return Text(s.part(spans, 0))
	case 1:
		for ; spans != nil && len(found) < maxText; spans, err = s.next() {
			found = append(found, cell.TextValue(s.part(spans, 0)))
		}
		if err != nil {
			return c.searchFailed(err)
		}
	case 2:
		for g := range re.Groups() {
			found = append(found, cell.TextValue(s.part(spans, g+1)))
		}
		if len(found) == 0 {
			return c.Fail(cell.ErrNA, "the regular expression has no groups")
		}
	}
	if !c.Room(1, len(found)) {
		return c.Fail(cell.ErrNum, "there are more matches than a row can hold")
	}
	return Of(&Array{Rows: 1, Cols: len(found), Cells: found})
}

func regexReplace(c *Context, a Args) Value {
	re, bad := c.regex(a, 1, 4)
	if re == nil {
		return bad
	}
	with, err := re.Replacement(a[2].Str())
	if err != nil {
		return c.Fail(cell.ErrValue, err.Error())
	}
	s := c.matches(re, a[0].Str())
	nth := a.option(3, 0)
	if nth < 0 { // counted from the end: the matches are counted first
		n := 0
		for spans, err := s.next(); spans != nil || err != nil; spans, err = s.next() {
			if err != nil {
				return c.searchFailed(err)
			}
			n++
		}
		if nth += n + 1; nth < 1 {
			return a[0]
		}
		s.from = 0
	}
	var out []byte
	done := 0 // what of the text is in out
	for n := 1; ; n++ {
		spans, err := s.next()
		if err != nil {
			return c.searchFailed(err)
		}
		if spans == nil {
			break
		}
		if from, to := spans[0], max(spans[0], spans[1]); nth == 0 || n == nth {
			out = append(out, string(s.text[done:max(from, done)])...)
			out = with.Append(out, s.text, spans, 4*maxText)
			done = max(to, done)
		}
		if n == nth {
			break
		}
		if len(out) > 4*maxText {
			return c.Fail(cell.ErrValue, "the text would be longer than 32767 characters")
		}
	}
	return c.text(string(append(out, string(s.text[done:])...)))
}
