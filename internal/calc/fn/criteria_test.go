package fn

import (
	"strings"
	"testing"

	"gridflow/internal/cell"
	"gridflow/internal/numfmt"

	"pgregory.net/rapid"
)

var (
	textCell = cell.TextValue
	numCell  = cell.NumberValue
)

// criteriaColumn is A1:A18 of the tests of criteria.
var criteriaColumn = []cell.Value{
	numCell(5), numCell(-3), numCell(0), textCell("5"), textCell("apple"), textCell("Apricot"), textCell("a*b"), textCell(""), {},
	cell.BoolValue(true), cell.BoolValue(false), cell.ErrorValue(cell.ErrNA), cell.ErrorValue(cell.ErrDiv0),
	textCell("TRUE"), numCell(43831), textCell("1/1/2020"), textCell("50%"), numCell(0.1 + 0.2),
}

func TestCriteria(t *testing.T) {
	book := column(criteriaColumn...)
	for _, test := range []struct {
		criterion cell.Value
		want      string // the rows, counted from 1
	}{
		{numCell(5), "1 4"},
		{textCell("5"), "1 4"},
		{textCell("=5"), "1 4"},
		{textCell(">"), ""},
		{textCell("<="), ""},
		{textCell("<>5"), "2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18"},
		{textCell("<=5"), "1 2 3 18"},
		{textCell("<5"), "2 3 18"},
		{textCell(">-3"), "1 3 15 18"},
		{textCell(">=-3"), "1 2 3 15 18"},
		{cell.Value{}, "3"},
		{numCell(0), "3"},
		{textCell("="), "9"},
		{textCell("<>"), "1 2 3 4 5 6 7 8 10 11 12 13 14 15 16 17 18"},
		{textCell(""), "8 9"},
		{textCell("A*"), "5 6 7"},
		{textCell("<>a*"), "1 2 3 4 8 9 10 11 12 13 14 15 16 17 18"},
		{textCell("a~*b"), "7"},
		{textCell("=APPLE"), "5"},
		{textCell("?????"), "5"},
		{textCell("*"), "4 5 6 7 8 14 16 17"},
		{textCell("?*"), "4 5 6 7 14 16 17"},
		{textCell(">apple"), "6 14"},
		{textCell("<b"), "4 5 6 7 8 16 17"},
		{cell.BoolValue(true), "10"},
		{textCell("true"), "10"},
		{textCell("<>FALSE"), "1 2 3 4 5 6 7 8 9 10 12 13 14 15 16 17 18"},
		{cell.ErrorValue(cell.ErrNA), "12"},
		{textCell("#DIV/0!"), "13"},
		{textCell("<>#N/A"), "1 2 3 4 5 6 7 8 9 10 11 13 14 15 16 17 18"},
		{textCell("2020-01-01"), "15 16"},
		{numCell(0.5), "17"},
		{numCell(0.3), "18"},
	} {
		c := book.context()
		s, e := c.Select([]Value{rng(t, "A1:A18"), Scalar(test.criterion)})
		if e != 0 {
			t.Errorf("%v: %v", test.criterion, e)
			continue
		}
		var rows []string
		for i, v := range criteriaColumn {
			if ParseCriterion(test.criterion, numfmt.Date1900).Match(v) {
				rows = append(rows, NumberText(float64(i+1)))
			}
		}
		if got := strings.Join(rows, " "); got != test.want {
			t.Errorf("%v takes rows %s, want %s", test.criterion, got, test.want)
		}
		if int(s.Count()) != len(rows) {
			t.Errorf("%v: %d selected, want %d", test.criterion, s.Count(), len(rows))
		}
		all, _ := c.Select([]Value{rng(t, "A:A"), Scalar(test.criterion)})
		want := int64(len(rows))
		if ParseCriterion(test.criterion, numfmt.Date1900).Match(cell.Value{}) {
			want += cell.MaxRows - 18
		}
		if all.Count() != want {
			t.Errorf("%v: %d selected of the column, want %d", test.criterion, all.Count(), want)
		}
	}
}

func TestFilterBeginsWith(t *testing.T) {
	for criterion, want := range map[string]bool{"app": true, "=app": false, "=apple": true, "pple": false, "<>app": true, "": true} {
		if got := ParseFilter(textCell(criterion), numfmt.Date1900).Match(textCell("Apple")); got != want && criterion != "" {
			t.Errorf("filter %q takes Apple: %v", criterion, got)
		}
	}
}

func TestSelectRefuses(t *testing.T) {
	c := column(numCell(1), numCell(2)).context()
	for name, pairs := range map[string][]Value{
		"sizes":     {rng(t, "A1:A2"), Num(1), rng(t, "A1:A3"), Num(1)},
		"no range":  {Num(1), Num(1)},
		"long text": {rng(t, "A1:A2"), Text(strings.Repeat("x", 256))},
	} {
		if _, e := c.Select(pairs); e != cell.ErrValue {
			t.Errorf("%s: %v", name, e)
		}
	}
	if _, e := c.Select([]Value{Err(cell.ErrRef), Num(1)}); e != cell.ErrRef {
		t.Errorf("an error for a range gives %v", e)
	}
}

func TestPattern(t *testing.T) {
	for _, test := range []struct {
		pattern, text string
		want          bool
	}{
		{"a*c", "ABC", true}, {"a*c", "abcd", false}, {"*a*b*", "xxaxxbxx", true}, {"*ab", "aab", true},
		{"~?", "?", true}, {"~?", "x", false}, {"~~x", "~x", true}, {"~x", "x", true}, {"x~", "x", true}, {"?", "é", true}, {"É*", "éa", true},
		{"**", "", true}, {"?", "", false}, {"*?", "ab", true}, {"*äb", "ääÄb", true},
	} {
		p, _, _ := ParsePattern(test.pattern)
		if p.Match(test.text) != test.want {
			t.Errorf("%q matches %q: %v", test.pattern, test.text, !test.want)
		}
	}
}

// What a selection takes is what each criterion takes by itself, wherever runs begin.
func TestSelectionProperty(t *testing.T) {
	value := rapid.SampledFrom(criteriaColumn)
	criterion := rapid.SampledFrom([]cell.Value{
		numCell(5), textCell("<>5"), textCell("a*"), textCell("<1"), textCell(">=0"), textCell("="), textCell(""), cell.BoolValue(true), textCell("<>*p*"), {},
	})
	rapid.Check(t, func(t *rapid.T) {
		book := gridBook{}
		n := rapid.IntRange(1, 200).Draw(t, "rows")
		for row := range n {
			for col := range 3 {
				if v := value.Draw(t, "value"); !v.IsBlank() {
					book[cell.Ref{Row: row, Col: col}] = v
				}
			}
		}
		k1, k2 := criterion.Draw(t, "1"), criterion.Draw(t, "2")
		var want, sum float64
		p1, p2 := ParseCriterion(k1, 0), ParseCriterion(k2, 0)
		for row := range n + 5 {
			if p1.Match(book[cell.Ref{Row: row}]) && p2.Match(book[cell.Ref{Row: row, Col: 1}]) {
				want++
				if v := book[cell.Ref{Row: row, Col: 2}]; v.Kind() == cell.Number {
					sum += v.Number()
				}
			}
		}
		c := book.context()
		column := func(col int) Value {
			return To(Cells(Area{Range: cell.Range{First: cell.Ref{Col: col}, Last: cell.Ref{Row: n + 4, Col: col}}}))
		}
		s, e := c.Select([]Value{column(0), Scalar(k1), column(1), Scalar(k2)}, column(2))
		if e != 0 {
			t.Fatal(e)
		}
		if float64(s.Count()) != want {
			t.Fatalf("%d selected, want %v", s.Count(), want)
		}
		var got float64
		s.Each(c, column(2), func(r *Run, i int) bool {
			if r.Kinds[i] == cell.Number {
				got += r.Nums[i]
			}
			return true
		})
		if got != sum {
			t.Fatalf("sum %v, want %v", got, sum)
		}
	})
}

// A pattern matches what a plain definition of its signs says.
func TestPatternProperty(t *testing.T) {
	var plain func(p, s []rune) bool
	plain = func(p, s []rune) bool {
		switch {
		case len(p) == 0:
			return len(s) == 0
		case p[0] == '*':
			return plain(p[1:], s) || len(s) > 0 && plain(p, s[1:])
		}
		return len(s) > 0 && (p[0] == '?' || foldRune(p[0]) == foldRune(s[0])) && plain(p[1:], s[1:])
	}
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.StringOfN(rapid.RuneFrom([]rune("abÄ?*")), 0, 8, -1).Draw(t, "pattern")
		s := rapid.StringOfN(rapid.RuneFrom([]rune("aBbä")), 0, 10, -1).Draw(t, "text")
		pattern, _, _ := ParsePattern(p)
		if pattern.Match(s) != plain([]rune(p), []rune(s)) {
			t.Fatalf("%q matches %q: %v", p, s, pattern.Match(s))
		}
	})
}
