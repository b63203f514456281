package calc

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gridflow/internal/calc/eval"
	"gridflow/internal/calc/fn"
	"gridflow/internal/calc/plain"
	"gridflow/internal/cell"
	"gridflow/internal/formula"
)

// TestRanged: a formula of the tables in testdata/functions that gives something else with arrays than without is
// known for that by its form, so that it becomes a dynamic array when it is typed.
func TestRanged(t *testing.T) {
	if underRace {
		t.Skip("one goroutine and much to compute")
	}
	t.Parallel()
	files, err := filepath.Glob("testdata/functions/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no tables", err)
	}
	differ := 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		s := &script{book: plain.New("Sheet1", "Sheet2"), at: cell.Ref{Row: 499, Col: 3}, arrays: true}
		for line := range strings.Lines(string(data)) {
			line = strings.TrimRight(line, " \r\n")
			if line == "" || line[0] == '#' {
				continue
			}
			text, _, _ := cutLast(line, " => ")
			tree, err := formula.Parse(strings.TrimPrefix(text, "="))
			if line[0] != '=' || !s.arrays || err != nil {
				s.do(line)
				continue
			}
			p := eval.Compile(s.book, tree, 0, s.at)
			if p.Volatile && !p.Dynamic { // by chance
				continue
			}
			with, err1 := s.book.Ask(0, s.at, text, true)
			without, err2 := s.book.Ask(0, s.at, text, false)
			if err1 != nil || err2 != nil || slices.Equal(elements(with), elements(without)) {
				continue
			}
			if differ++; !p.Ranged && !tree.Spills() {
				t.Errorf("%s: %s gives %v with arrays and %v without", file, text, elements(with), elements(without))
			}
		}
	}
	if differ < 500 {
		t.Errorf("only %d formulas differ", differ)
	}
}

// TestRangedDrawn: the same of formulas that are put together by chance.
func TestRangedDrawn(t *testing.T) {
	t.Parallel()
	s := &script{book: plain.New("Sheet1"), at: cell.Ref{Row: 499, Col: 3}, arrays: true}
	for _, line := range []string{"set A1 1", "set A2 2", "set A3 1", `set A4 "b"`, "set B1 =1/0", "set B2 0", "set B3 TRUE", "set B4 3", "set C2 5", "set C3 #N/A"} {
		if msg := s.do(line); msg != "" {
			t.Fatal(msg)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		text := drawRanged(rt, 3)
		tree, err := formula.Parse(text)
		if err != nil {
			rt.Fatal(text, err)
		}
		with, err1 := s.book.Ask(0, s.at, text, true)
		without, err2 := s.book.Ask(0, s.at, text, false)
		if err1 != nil || err2 != nil {
			rt.Fatal(text, err1, err2)
		}
		if !slices.Equal(elements(with), elements(without)) && !eval.Compile(s.book, tree, 0, s.at).Ranged && !tree.Spills() {
			rt.Fatalf("=%s gives %v with arrays and %v without", text, elements(with), elements(without))
		}
	})
}

// drawRanged draws a formula whose functions are nested up to a depth.
func drawRanged(t *rapid.T, depth int) string {
	forms := []string{"A1:A3", "A1:B4", "B2", "2", "A2:C2", `"b"`}
	if depth > 0 {
		forms = append(forms, "SUM(?)", "COUNT(?)", "TEXTJOIN(?,TRUE,?)", "?+?", "-?", "?=?", "IF(?,?,?)", "IF(?,?)", "IFERROR(?,?)", "IFNA(?,?)", "IFS(?,?,TRUE,?)",
			"SWITCH(?,1,?,?)", "CHOOSE(?,?,?)", "INDEX(?,2)", "INDEX(?,1,1)", "LET(x,?,x+?)", "LET(x,?,SUM(x))", "ISNUMBER(?)", "ROUND(?,0)", "LEFT(?,?)", "MATCH(?,A1:A4,0)", "COUNTIF(A1:A4,?)",
			"XLOOKUP(?,A1:A4,B1:B4)", "VLOOKUP(?,A1:C4,?,FALSE)", "SUMPRODUCT(?)", "AND(?)", "ROWS(?)", "N(?)", "LARGE(?,?)", "PERCENTILE(?,?)", "ROW(A1:A3)", "ISFORMULA(A1:B2)", "T(?)", "SUMIF(A1:A4,?,B1)", "SUBTOTAL(?,A1:A4)", "OFFSET(A1,?,0)", "RANK(?,A1:A4)", "CONCAT(?)", "FREQUENCY(?,?)", "XMATCH(?,?)", "LOOKUP(?,A1:A4)",
			"EDATE(?,1)", "GCD(?)", "TEXTSPLIT(?,?)", "PRODUCT(?)", "ISERROR(?)", "XOR(?)", "NPV(?,A1:A2)", "SORT(?)", "TAKE(?,1)", "LAMBDA(x,SUM(x))(?)", "MAX(?,?)", "(?)")
	}
	parts := strings.Split(rapid.SampledFrom(forms).Draw(t, "form"), "?")
	var b strings.Builder
	for i, p := range parts {
		if i > 0 {
			b.WriteString(drawRanged(t, depth-1))
		}
		b.WriteString(p)
	}
	return b.String()
}

// elements are the values of an array, or a single one.
func elements(v fn.Value) []cell.Value {
	if a := v.Array(); a != nil {
		return a.Cells
	}
	return []cell.Value{v.Scalar()}
}
