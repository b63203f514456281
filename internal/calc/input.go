package calc

import (
	"strings"

	"gridflow/internal/calc/eval"
	"gridflow/internal/calc/fn"
	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/grid"
)

// Input is a workbook as a calculation sees it.
type Input struct {
	Book   *grid.Workbook
	Sheets []*grid.Sheet // one for each of Book.Sheets, loaded whole; nil for those without cells
	Tables []grid.Table
	File   string // name of the file with its folder, for CELL("filename")

	// External gives the values of cells of another workbook, by the number of its link or its
	// file name. With nil they are #REF!.
	External func(book, sheet string, r cell.Range) fn.Value
}

// words is the scope in which the formulas of a workbook are compiled.
type words struct {
	in     Input
	sheets map[string]int
	names  map[string][]int // folded: indices into in.Book.Names
	trees  map[int]*formula.Tree
}

// Scope gives what the formulas of a workbook are compiled in. Of in.Sheets only the number
// counts.
func Scope(in Input) eval.Scope { return newWords(in) }

// words is what formulas are compiled in. Programs keep it, and it is not to keep versions of sheets.
func (in Input) words() Input {
	return Input{Book: in.Book, Tables: in.Tables, Sheets: make([]*grid.Sheet, len(in.Sheets)), File: in.File}
}

func newWords(in Input) *words {
	w := &words{in: in.words(), sheets: map[string]int{}, names: indexed(in.Book.Names), trees: map[int]*formula.Tree{}}
	for i, s := range in.Book.Sheets {
		w.sheets[fold(s.Name)] = i
	}
	for i, n := range in.Book.Names {
		if tree, err := formula.Parse(n.RefersTo); err == nil {
			w.trees[i] = tree
		}
	}
	return w
}

func fold(s string) string { return strings.ToUpper(s) }

// Sheets is the number of sheets.
func (w *words) Sheets() int { return len(w.in.Sheets) }

// SheetIndex finds a sheet by its name.
func (w *words) SheetIndex(name string) (int, bool) {
	i, ok := w.sheets[fold(name)]
	return i, ok
}

// Name gives a defined name: that of the sheet before that of the workbook.
func (w *words) Name(sheet int, name string) (*formula.Tree, int, bool) {
	found := -1
	for _, i := range w.names[fold(name)] {
		if s := w.in.Book.Names[i].Sheet; s == sheet || s < 0 && found < 0 {
			found = i
		}
		if found >= 0 && w.in.Book.Names[found].Sheet == sheet {
			break
		}
	}
	if found < 0 || w.trees[found] == nil {
		return nil, 0, false
	}
	return w.trees[found], w.in.Book.Names[found].Sheet, true
}

// Table gives a table by name, or the one around a cell.
func (w *words) Table(name string, sheet int, at cell.Ref) (*grid.Table, bool) {
	for i := range w.in.Tables {
		t := &w.in.Tables[i]
		if name != "" && strings.EqualFold(t.Name, name) || name == "" && t.Sheet == sheet && t.Range.Contains(at) {
			return t, true
		}
	}
	return nil, false
}
