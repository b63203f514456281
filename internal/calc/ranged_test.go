package calc

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gridflow/internal/calc/eval"
	"gridflow/internal/calc/fn"
	"gridflow/internal/calc/plain"
	"gridflow/internal/cell"
	"gridflow/internal/formula"
)

// TestRanged: a formula of the tables in testdata/functions that gives something else with arrays than without is
// known for that by its form, so that it becomes a dynamic array when it is typed.
func TestRanged(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/functions/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no tables", err)
	}
	cells := func(v fn.Value) []cell.Value {
		if a := v.Array(); a != nil {
			return a.Cells
		}
		return []cell.Value{v.Scalar()}
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
			if err1 != nil || err2 != nil || slices.Equal(cells(with), cells(without)) {
				continue
			}
			if differ++; !p.Ranged && !tree.Spills() {
				t.Errorf("%s: %s gives %v with arrays and %v without", file, text, cells(with), cells(without))
			}
		}
	}
	if differ < 500 {
		t.Errorf("only %d formulas differ", differ)
	}
}
