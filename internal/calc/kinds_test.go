package calc

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gridflow/internal/calc/fn"
	"gridflow/internal/formula"
)

// The kinds of rows that every function's table should have.
const (
	normalRow = iota
	edgeRow
	coercionRow
	errorRow
	arrayRow
	kinds
)

// emptyCell is a cell that is empty in every table.
const emptyCell = "Z99"

var kindNames = [kinds]string{"normal", "edge", "coercion", "error", "array"}

// TestKinds counts the rows of testdata/functions by function and kind. The counts stand in
// testdata/kinds.txt: none may fall, and a function without a kind that it can have is listed there.
func TestKinds(t *testing.T) {
	counts := kindCounts(t)
	var b strings.Builder
	poor := 0
	for _, f := range fn.All() {
		if f.Offline() {
			continue
		}
		n := counts[f.Name]
		fmt.Fprintf(&b, "%s", f.Name)
		for k := range kinds {
			fmt.Fprintf(&b, "\t%d", n[k])
		}
		if lacks := lacking(f, n); len(lacks) > 0 {
			poor++
			b.WriteString("\tno " + strings.Join(lacks, ", "))
		}
		b.WriteByte('\n')
	}
	text := fmt.Sprintf("# function\t%s\n# %d functions lack a kind of row\n", strings.Join(kindNames[:], "\t"), poor) + b.String()
	t.Logf("%d functions lack a kind of row", poor)
	if *update {
		writeGolden(t, "testdata/kinds.txt", text)
		return
	}
	golden := readTestdata(t, "kinds.txt")
	was := map[string][kinds]int{}
	for line := range strings.Lines(golden) {
		var n [kinds]int
		name, rest, _ := strings.Cut(line, "\t")
		if got, _ := fmt.Sscan(rest, &n[0], &n[1], &n[2], &n[3], &n[4]); got == kinds {
			was[name] = n
		}
	}
	if len(was) < 400 {
		t.Fatalf("testdata/kinds.txt has %d functions", len(was))
	}
	for name, n := range was {
		for k := range kinds {
			if counts[name][k] < n[k] {
				t.Errorf("%s has %d rows of kind %s, it had %d", name, counts[name][k], kindNames[k], n[k])
			}
		}
	}
}

// lacking names the kinds of which a function has no row though it could.
func lacking(f *fn.Function, n [kinds]int) (list []string) {
	p := f.Takes()
	for k := range kinds {
		if n[k] > 0 || p.Max == 0 && k != normalRow {
			continue
		}
		if k == coercionRow && !slices.ContainsFunc([]int{0, 1, 2, 3}, func(i int) bool { return i < p.Max && coerces(p.Shape(i)) }) {
			continue
		}
		list = append(list, kindNames[k])
	}
	return list
}

// coerces says whether a parameter makes something of an argument of another kind, or passes it over.
func coerces(s fn.Shape) bool {
	return slices.Contains([]fn.Shape{fn.ShapeNum, fn.ShapeReal, fn.ShapeOpt, fn.ShapeText, fn.ShapeBool, fn.ShapeRange}, s)
}

func kindCounts(t *testing.T) map[string][kinds]int {
	t.Helper()
	files, err := filepath.Glob("testdata/functions/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string][kinds]int{}
	for _, file := range files {
		for line := range strings.Lines(readTestdata(t, filepath.Join("functions", filepath.Base(file)))) {
			text, want, ok := cutLast(strings.TrimSpace(line), " => ")
			if !ok || line[0] != '=' {
				continue
			}
			tree, err := formula.Parse(text)
			if err != nil {
				continue
			}
			outer := true
			for _, call := range calls(tree.Root) {
				f := fn.Find(call.Function())
				if f == nil {
					continue
				}
				n := counts[f.Name]
				for k := range kinds {
					if rowIs(k, f, call, text, want, outer) {
						n[k]++
					}
				}
				counts[f.Name] = n
				outer = false
			}
		}
	}
	return counts
}

// rowIs says whether a call is of a kind. Of a call within another one the value is not known.
func rowIs(kind int, f *fn.Function, call *formula.Node, text, want string, outer bool) bool {
	p := f.Takes()
	written := func(n *formula.Node) string {
		pos, end := n.Span()
		return text[pos:end]
	}
	switch kind {
	case errorRow:
		return outer && strings.Contains(want, "#")
	case arrayRow:
		if outer && strings.HasPrefix(want, "{") {
			return true
		}
		for _, k := range call.Kids {
			if k.Kind == formula.Array || k.Kind == formula.Ref && strings.Contains(written(k), ":") {
				return true
			}
		}
		return false
	case normalRow:
		return outer && !rowIs(errorRow, f, call, text, want, outer) && !rowIs(coercionRow, f, call, text, want, outer)
	}
	for i, k := range call.Kids {
		if kind == edgeRow {
			switch k.Kind {
			case formula.Number:
				if x := math.Abs(k.Float()); x == 0 || x >= 1e6 || x <= 1e-5 {
					return true
				}
			case formula.Text:
				if k.Text == "" || len(k.Text) > 100 {
					return true
				}
			case formula.Unary, formula.Missing:
				return true
			case formula.Ref:
				if written(k) == emptyCell {
					return true
				}
			}
			continue
		}
		switch shape := p.Shape(i); {
		case k.Kind == formula.Missing || k.Kind == formula.Ref && written(k) == emptyCell:
			return true
		case shape == fn.ShapeText:
			if k.Kind == formula.Number || k.Kind == formula.Logical {
				return true
			}
		case shape == fn.ShapeBool:
			if k.Kind == formula.Number || k.Kind == formula.Text {
				return true
			}
		case !coerces(shape):
		case k.Kind == formula.Text || k.Kind == formula.Logical:
			return true
		case k.Kind == formula.Array:
			for _, e := range k.Kids {
				if e.Kind == formula.Text || e.Kind == formula.Logical {
					return true
				}
			}
		}
	}
	return false
}
