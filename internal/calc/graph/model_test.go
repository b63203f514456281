package graph

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/grid"
)

// references is a compiler that knows no names and no tables.
type references struct{ sheets []string }

func (c references) Facts(f Formula) (Facts, error) {
	tree, err := formula.ParseMode(f.Relative, formula.Mode{Style: formula.R1C1})
	if err != nil {
		return Facts{}, err
	}
	var out Facts
	for ref := range formula.References(tree.Root) {
		sheet := f.Sheet
		if s := ref.Sheet(); s != "" {
			sheet = slices.Index(c.sheets, s)
		}
		if r, ok := ReadOf(sheet, ref); ok && ref.Book() == "" {
			out.Reads = append(out.Reads, r)
		}
	}
	for name := range formula.Functions(tree.Root) {
		out.Volatile = out.Volatile || formula.Volatile(name)
		out.Dynamic = out.Dynamic || name == "OFFSET" || name == "INDIRECT"
	}
	return out, nil
}

// spot is a cell of a workbook.
type spot struct{ sheet, row, col int }

// model is a workbook as a map of formulas.
type model struct {
	names []string
	cells map[spot]grid.Formula // Anchor is the cell
}

func newModel(sheets int) *model {
	m := &model{cells: make(map[spot]grid.Formula)}
	for i := range sheets {
		m.names = append(m.names, fmt.Sprintf("S%d", i))
	}
	return m
}

func (m *model) compiler() references { return references{m.names} }

func (m *model) clone() *model { return &model{m.names, maps.Clone(m.cells)} }

func (m *model) set(sheet int, at cell.Ref, text string) {
	m.cells[spot{sheet, at.Row, at.Col}] = grid.Formula{Text: text, Anchor: at}
}

// spots gives the cells with a formula by sheet, row and column.
func (m *model) spots() []spot {
	return slices.SortedFunc(maps.Keys(m.cells), func(a, b spot) int {
		if a.sheet != b.sheet {
			return a.sheet - b.sheet
		}
		if a.row != b.row {
			return a.row - b.row
		}
		return a.col - b.col
	})
}

func (m *model) grids(tb testing.TB) []*grid.Sheet {
	builders := make([]*grid.Builder, len(m.names))
	for i, name := range m.names {
		builders[i] = grid.NewBuilder(name)
	}
	for _, s := range m.spots() {
		b, f := builders[s.sheet], m.cells[s]
		group := -1
		if f.Kind != grid.NormalFormula {
			group = b.AddGroup(f.Kind, f.Anchor, f.Range)
		}
		at := cell.Ref{Row: s.row, Col: s.col}
		if err := b.Blank(at, 0); err != nil {
			tb.Fatal(err)
		}
		id, err := b.AddFormula([]byte(f.Text), group)
		if err != nil {
			tb.Fatal(err)
		}
		b.SetFormula(at, id)
	}
	sheets := make([]*grid.Sheet, len(builders))
	for i, b := range builders {
		sheets[i] = b.Finish(nil)
	}
	return sheets
}

func (m *model) build(tb testing.TB) *Graph {
	g, err := Build(tb.Context(), m.grids(tb), m.compiler())
	if err != nil {
		tb.Fatal(err)
	}
	return g
}

// output gives the cells whose values the formula of s gives.
func (m *model) output(s spot) cell.Range {
	f := m.cells[s]
	at := cell.Ref{Row: s.row, Col: s.col}
	if f.Kind == grid.ArrayFormula || f.Kind == grid.DynamicArray {
		return f.Range
	}
	return cell.Range{First: at, Last: at}
}

// reads gives what the formula of s reads, and whether it is volatile and dynamic.
func (m *model) reads(s spot) (areas []Area, volatile, dynamic bool) {
	tree, err := formula.Parse(m.cells[s].Text)
	if err != nil {
		return nil, false, false
	}
	for ref := range formula.References(tree.Root) {
		a := Area{Sheet: s.sheet}
		if name := ref.Sheet(); name != "" {
			a.Sheet = slices.Index(m.names, name)
		}
		var ok bool
		if a.Range, ok = ref.Range(); ok && a.Sheet >= 0 {
			areas = append(areas, a)
		}
	}
	for name := range formula.Functions(tree.Root) {
		volatile = volatile || formula.Volatile(name)
		dynamic = dynamic || name == "OFFSET" || name == "INDIRECT"
	}
	return areas, volatile, dynamic
}

// readers gives for each cell with a formula those of the others that it reads.
func (m *model) precedents() map[spot][]spot {
	out := make(map[spot][]spot)
	spots := m.spots()
	for _, s := range spots {
		areas, _, _ := m.reads(s)
		for _, a := range areas {
			for _, p := range spots {
				if p.sheet != a.Sheet {
					continue
				}
				if _, ok := m.output(p).Intersect(a.Range); ok {
					out[s] = append(out[s], p)
				}
			}
		}
	}
	return out
}

// dirty gives the formulas that are dirty after a change of sources, cell by cell.
func (m *model) dirty(sources []Area) map[spot]bool { return m.depending(sources, true) }

// depending gives what depends on sources, with what is dirty anyway or without.
func (m *model) depending(sources []Area, own bool) map[spot]bool {
	out := make(map[spot]bool)
	var stack []spot
	mark := func(s spot) {
		if !out[s] {
			out[s] = true
			stack = append(stack, s)
		}
	}
	readers := make(map[spot][]spot)
	for s, ps := range m.precedents() {
		for _, p := range ps {
			readers[p] = append(readers[p], s)
		}
	}
	for s := range m.cells {
		areas, volatile, dynamic := m.reads(s)
		if own && (volatile || dynamic) {
			mark(s)
		}
		for _, src := range sources {
			if _, ok := m.output(s).Intersect(src.Range); ok && own && s.sheet == src.Sheet {
				mark(s)
			}
			for _, a := range areas {
				if _, ok := a.Range.Intersect(src.Range); ok && a.Sheet == src.Sheet {
					mark(s)
				}
			}
		}
	}
	for len(stack) > 0 {
		s := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		for _, r := range readers[s] {
			mark(r)
		}
	}
	return out
}

// The part of a sheet that random formulas stand in and read.
const (
	modelRows = 14
	modelCols = 6
)

func drawRef(t *rapid.T) cell.Ref {
	return cell.Ref{Row: rapid.IntRange(0, modelRows-1).Draw(t, "row"), Col: rapid.IntRange(0, modelCols-1).Draw(t, "col")}
}

func drawRange(t *rapid.T) cell.Range {
	return cell.RangeOf(drawRef(t), drawRef(t))
}

// drawFormula gives a formula for a cell, mostly of references to what is near.
func drawFormula(t *rapid.T, m *model, at cell.Ref) string {
	var b strings.Builder
	reference := func() string {
		sheet := ""
		if rapid.IntRange(0, 5).Draw(t, "other") == 0 {
			sheet = rapid.SampledFrom(m.names).Draw(t, "sheet") + "!"
		}
		corner := func() (row, col int, text string) {
			row = min(max(at.Row+rapid.IntRange(-2, 2).Draw(t, "dr"), 0), modelRows)
			col = min(max(at.Col+rapid.IntRange(-2, 1).Draw(t, "dc"), 0), modelCols)
			dollar := func() string {
				if rapid.IntRange(0, 3).Draw(t, "abs") == 0 {
					return "$"
				}
				return ""
			}
			return row, col, dollar() + cell.ColumnName(col) + dollar() + fmt.Sprint(row+1)
		}
		_, col, text := corner()
		switch rapid.IntRange(0, 9).Draw(t, "form") {
		case 0, 1, 2:
			_, _, last := corner()
			text += ":" + last
		case 3:
			text = cell.ColumnName(col) + ":" + cell.ColumnName(col)
		}
		return sheet + text
	}
	for i := range rapid.IntRange(1, 2).Draw(t, "reads") {
		if i > 0 {
			b.WriteByte('+')
		}
		b.WriteString("SUM(" + reference() + ")")
	}
	switch rapid.IntRange(0, 24).Draw(t, "special") {
	case 0:
		b.WriteString("+RAND()")
	case 1:
		b.WriteString(`+INDIRECT("A1")`)
	}
	if rapid.Bool().Draw(t, "literal") {
		b.WriteString("+7")
	}
	if rapid.IntRange(0, 3).Draw(t, "text") == 0 {
		b.WriteString(`&"x"`)
	}
	return b.String()
}

// drawLiterals gives a formula of drawFormula with other literals, or the same.
func drawLiterals(t *rapid.T, text string) string {
	if rapid.IntRange(0, 2).Draw(t, "other") == 0 {
		text = strings.Replace(text, "+7", "+"+rapid.SampledFrom([]string{"7.0", "8", "1e3"}).Draw(t, "number"), 1)
		text = strings.Replace(text, `&"x"`, `&`+rapid.SampledFrom([]string{`""`, `"y"`}).Draw(t, "text"), 1)
	}
	return text
}

// drawFormulas puts copies of a random formula over a random range, or an array formula, or
// takes the formulas of a range away, and gives the changes.
func drawFormulas(t *rapid.T, m *model, sheet int) (changes []Change) {
	x := drawRange(t)
	put := func(at cell.Ref, f grid.Formula) {
		m.cells[spot{sheet, at.Row, at.Col}] = f
		changes = append(changes, Change{sheet, at, f})
	}
	kind := rapid.IntRange(0, 9).Draw(t, "kind")
	text := ""
	if kind > 0 {
		text = drawFormula(t, m, x.First)
	}
	if kind == 1 {
		x.Last = cell.Ref{Row: min(x.Last.Row, x.First.Row+2), Col: min(x.Last.Col, x.First.Col+1)}
		k := rapid.SampledFrom([]grid.FormulaKind{grid.ArrayFormula, grid.DynamicArray}).Draw(t, "array")
		put(x.First, grid.Formula{Text: text, Kind: k, Anchor: x.First, Range: x})
		return changes
	}
	for row := x.First.Row; row <= x.Last.Row; row++ {
		for col := x.First.Col; col <= x.Last.Col; col++ {
			at := cell.Ref{Row: row, Col: col}
			if kind == 0 {
				delete(m.cells, spot{sheet, row, col})
				changes = append(changes, Change{Sheet: sheet, At: at})
				continue
			}
			copied, err := formula.ShiftText(text, x.First, at)
			if err != nil {
				t.Fatal(err)
			}
			put(at, grid.Formula{Text: drawLiterals(t, copied), Anchor: at})
		}
	}
	return changes
}

func drawModel(t *rapid.T) *model {
	m := newModel(rapid.IntRange(1, 2).Draw(t, "sheets"))
	for range rapid.IntRange(1, 6).Draw(t, "blocks") {
		drawFormulas(t, m, rapid.IntRange(0, len(m.names)-1).Draw(t, "sheet"))
	}
	return m
}

func drawSources(t *rapid.T, m *model) (out []Area) {
	for range rapid.IntRange(0, 3).Draw(t, "sources") {
		a := Area{rapid.IntRange(0, len(m.names)-1).Draw(t, "sheet"), drawRange(t)}
		if rapid.Bool().Draw(t, "one") {
			a.Range.Last = a.Range.First
		}
		out = append(out, a)
	}
	return out
}
