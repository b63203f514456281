package numfmt

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"gridflow/internal/cell"
)

// showCase is one line of testdata/show.
type showCase struct {
	file string
	line int
	code string
	v    cell.Value
	sys  DateSystem
	want string
}

// TestShow reads testdata/show/*.txt. A line at the margin is a code, in backquotes
// where it has spaces at its ends; each line under it, behind a tab, is a value and
// the text it shows as, between bars. A value is a number, a quoted text, TRUE, FALSE,
// an error or blank; "1904:" before a number sets the date system. // starts a comment.
func TestShow(t *testing.T) {
	cases := readShow(t)
	for _, c := range cases {
		f := Compile(c.code)
		got := string(f.Append(nil, c.v, c.sys))
		if got != c.want {
			t.Errorf("%s:%d: %s of %v shows |%s|, want |%s| (err %v)", c.file, c.line, c.code, c.v, got, c.want, f.Err())
		}
		invalid := c.file == "invalid.txt"
		if invalid != (f.Err() != nil) {
			t.Errorf("%s:%d: %s: error %v", c.file, c.line, c.code, f.Err())
		}
		if invalid && (!errors.Is(f.Err(), ErrSyntax) || f.Kind() != General || f.IsDate()) {
			t.Errorf("%s:%d: %s: kind %v, error %v", c.file, c.line, c.code, f.Kind(), f.Err())
		}
	}
	if len(cases) < 400 {
		t.Errorf("only %d cases read", len(cases))
	}
}

func readShow(t testing.TB) (cases []showCase) {
	t.Helper()
	files, err := filepath.Glob("testdata/show/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no tables: %v", err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		code := ""
		for i, line := range strings.Split(string(b), "\n") {
			switch {
			case line == "" || strings.HasPrefix(strings.TrimSpace(line), "// "):
				continue
			case line[0] != '\t':
				code = strings.Trim(line, "`")
				continue
			}
			c := showCase{file: filepath.Base(file), line: i + 1, code: code}
			value, text, ok := strings.Cut(line[1:], "\t")
			if !ok || len(text) < 2 || text[0] != '|' || text[len(text)-1] != '|' {
				t.Fatalf("%s:%d: want a value, a tab and |text|", c.file, c.line)
			}
			c.want = text[1 : len(text)-1]
			c.v, c.sys = readValue(t, value)
			cases = append(cases, c)
		}
	}
	return cases
}

func readValue(t testing.TB, s string) (cell.Value, DateSystem) {
	t.Helper()
	sys := Date1900
	if rest, ok := strings.CutPrefix(s, "1904:"); ok {
		s, sys = rest, Date1904
	}
	if e, ok := cell.ParseError(s); ok {
		return cell.ErrorValue(e), sys
	}
	switch {
	case s == "blank":
		return cell.Value{}, sys
	case s == "TRUE" || s == "FALSE":
		return cell.BoolValue(s == "TRUE"), sys
	case strings.HasPrefix(s, `"`):
		return cell.TextValue(strings.Trim(s, `"`)), sys
	}
	x, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatalf("value %q: %v", s, err)
	}
	return cell.NumberValue(x), sys
}
