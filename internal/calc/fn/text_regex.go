package fn

import (
	"strings"
	"time"

	"github.com/dlclark/regexp2"

	"gridflow/internal/cell"
)

// The functions of regular expressions. Excel takes PCRE2 for them; regexp2, which has the
// back references and the look-around of it, comes nearest in Go.
var regexFunctions = []Function{
	{Name: "REGEXEXTRACT", Category: TextFunctions, Params: "text text opt? opt?", Since: 2024, Eval: regexExtract},
	{Name: "REGEXREPLACE", Category: TextFunctions, Params: "text text text opt? opt?", Since: 2024, Eval: regexReplace},
	{Name: "REGEXTEST", Category: TextFunctions, Params: "text text opt?", Since: 2024, Eval: regexTest},
}

// regexTime bounds one search: a pattern that backtracks without end is #VALUE! after it.
const regexTime = time.Second

// posixClasses are what .NET's syntax lacks of PCRE's, inside of brackets.
var posixClasses = strings.NewReplacer(
	"[:alpha:]", `\p{L}`, "[:digit:]", `0-9`, "[:alnum:]", `\p{L}\p{N}`, "[:upper:]", `\p{Lu}`, "[:lower:]", `\p{Ll}`,
	"[:space:]", `\s`, "[:blank:]", ` \t`, "[:punct:]", `!-/:-@\[-`+"`"+`{-~`, "[:xdigit:]", `0-9A-Fa-f`, "[:word:]", `\w`,
	"[:cntrl:]", `\x00-\x1f\x7f`, "[:print:]", `\x20-\x7e`, "[:graph:]", `\x21-\x7e`)

// regex compiles the pattern in argument i, with the option in argument fold for small
// and capital letters.
func (c *Context) regex(a Args, i, fold int) (*regexp2.Regexp, Value) {
	insensitive := a.option(fold, 0)
	if insensitive != 0 && insensitive != 1 {
		return nil, c.Fail(cell.ErrValue, "the case sensitivity is neither 0 nor 1")
	}
	pattern, key := a[i].Str(), "c"+a[i].Str()
	options := regexp2.RegexOptions(regexp2.None)
	if insensitive != 0 {
		options, key = regexp2.IgnoreCase, "i"+pattern
	}
	re, err := c.regexes.of(key, func() (*regexp2.Regexp, error) {
		re, err := regexp2.Compile(posixClasses.Replace(pattern), options)
		if err == nil {
			re.MatchTimeout = regexTime
		}
		return re, err
	})
	if err != nil {
		return nil, c.Fail(cell.ErrValue, "the regular expression cannot be read")
	}
	return re, Value{}
}

func regexTest(c *Context, a Args) Value {
	re, bad := c.regex(a, 1, 2)
	if re == nil {
		return bad
	}
	ok, err := re.MatchString(a[0].Str())
	if err != nil {
		return c.Fail(cell.ErrValue, "the regular expression takes too long")
	}
	return Bool(ok)
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
	m, err := re.FindStringMatch(a[0].Str())
	if err == nil && m == nil {
		return c.Fail(cell.ErrNA, "the regular expression fits nowhere")
	}
	var found []cell.Value
	switch mode {
	case 0:
		if err == nil {
			return Text(m.String())
		}
	case 1:
		for ; err == nil && m != nil && len(found) < maxText; m, err = re.FindNextMatch(m) {
			found = append(found, cell.TextValue(m.String()))
		}
	case 2:
		if err == nil {
			for _, g := range m.Groups()[1:] {
				found = append(found, cell.TextValue(g.String()))
			}
			if len(found) == 0 {
				return c.Fail(cell.ErrNA, "the regular expression has no groups")
			}
		}
	}
	if err != nil {
		return c.Fail(cell.ErrValue, "the regular expression takes too long")
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
	s, with := a[0].Str(), a[2].Str()
	from, n := -1, -1
	if k := a.option(3, 0); k != 0 {
		// One occurrence is replaced by looking for it from where it begins.
		var starts []int // in characters, as regexp2 counts
		m, err := re.FindStringMatch(s)
		for ; err == nil && m != nil && (k < 0 || len(starts) < k) && len(starts) <= maxText; m, err = re.FindNextMatch(m) {
			starts = append(starts, m.Index)
		}
		if err != nil {
			return c.Fail(cell.ErrValue, "the regular expression takes too long")
		}
		if k < 0 {
			k += len(starts) + 1
		}
		if k < 1 || k > len(starts) {
			return Text(s)
		}
		from, n = offsetOfRune(s, starts[k-1]), 1
	}
	out, err := re.Replace(s, with, from, n)
	if err != nil {
		return c.Fail(cell.ErrValue, "the regular expression takes too long, or its replacement cannot be read")
	}
	return c.text(out)
}

// offsetOfRune gives the byte offset of the n-th character of s, or the length of s.
func offsetOfRune(s string, n int) int {
	for i := range s {
		if n == 0 {
			return i
		}
		n--
	}
	return len(s)
}
