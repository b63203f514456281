package fn

import (
	"strings"
	"time"
	"unicode/utf8"

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
	if strings.Contains(strings.ReplaceAll(with, "$$", ""), "$_") || strings.Contains(with, "$`") || strings.Contains(with, "$'") {
		return c.Fail(cell.ErrValue, "the replacement cannot be read") // .NET has these, PCRE has not
	}
	// The matches are gone through first: for where they begin, and for how long the result
	// may get, as every $ may stand for the longest group.
	nth := a.option(3, 0)
	var starts []int // in characters, as regexp2 counts
	size, dollars := len(s), strings.Count(with, "$")
	m, err := re.FindStringMatch(s)
	for ; err == nil && m != nil && (nth <= 0 || len(starts) < nth); m, err = re.FindNextMatch(m) {
		starts = append(starts, m.Index)
		longest := 0
		for i := range m.GroupCount() {
			longest = max(longest, m.GroupByNumber(i).Length)
		}
		more := len(with) + dollars*longest*utf8.UTFMax
		if nth != 0 { // only one of them is replaced
			more = max(0, len(s)+more-size)
		}
		if size += more; size > 1<<24 {
			return c.Fail(cell.ErrValue, "the text would be longer than 32767 characters")
		}
	}
	if err != nil {
		return c.Fail(cell.ErrValue, "the regular expression takes too long")
	}
	from, n := -1, -1
	if nth != 0 {
		if nth < 0 {
			nth += len(starts) + 1
		}
		if nth < 1 || nth > len(starts) {
			return Text(s)
		}
		from, n = offsetOfRune(s, starts[nth-1]), 1
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
