package analyze

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"gridflow/internal/calc/graph"
	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/grid"
)

// Formulas is what the formulas of one sheet say, each of them once: the graph of the sheet
// alone, in which copies of a formula are spans of one template, however they are stored. It
// holds no pointer into the sheet.
type Formulas struct{ graph *graph.Graph }

// said is what a template says, beside its relative form.
type said struct {
	At       cell.Ref // one of its copies
	Nodes    int      // of the syntax tree: how complex it is; 0 where it cannot be parsed
	Names    bool     // it refers to defined names
	Volatile []string // the volatile functions that it calls
}

// reader is the compiler of a graph that is asked what is there, not what depends on what.
type reader struct{}

// Facts implements graph.Compiler.
func (reader) Facts(f graph.Formula) (graph.Facts, error) {
	s := &said{At: f.At}
	tree, err := formula.Parse(f.Text)
	if err != nil {
		return graph.Facts{Program: s}, err
	}
	for n := range formula.Nodes(tree.Root) {
		s.Nodes++
		switch {
		case n.Kind == formula.Call && formula.Volatile(n.Text):
			if name := n.Function(); !slices.Contains(s.Volatile, name) {
				s.Volatile = append(s.Volatile, strings.Clone(name))
			}
		case n.Kind == formula.Ref && n.Ref.Kind == formula.NameRef:
			s.Names = true
		}
	}
	return graph.Facts{Program: s}, nil
}

// NewFormulas reads the formulas of a whole sheet.
func NewFormulas(ctx context.Context, s *grid.Sheet) (*Formulas, error) {
	g, err := graph.BuildExact(ctx, []*grid.Sheet{s}, reader{})
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, err
	}
	return &Formulas{g}, nil
}

// FormulasOf is NewFormulas, from the cache where they are known.
func FormulasOf(ctx context.Context, s *grid.Sheet) (*Formulas, error) {
	return sheetFormulas.get(ctx, s, func(ctx context.Context) (*Formulas, error) { return NewFormulas(ctx, s) }, (*Formulas).memoryBytes)
}

func (f *Formulas) memoryBytes() int64 {
	s := f.graph.Stats()
	return 128 + s.Bytes + 80*int64(s.Templates)
}

// Count is the number of cells with a formula.
func (f *Formulas) Count() int { return int(f.graph.Stats().Formulas) }

// copies is the cells of a sheet that hold copies of one formula, as few rectangles: they follow
// from the cells alone, whatever edits have made of the spans.
type copies struct {
	*graph.Template
	cells []cell.Range
}

// count is the number of cells.
func (c *copies) count() (n int) {
	for _, r := range c.cells {
		n += int(r.Cells())
	}
	return n
}

// first gives the first of the cells, row by row.
func (c *copies) first() cell.Ref {
	at := c.cells[0].First
	for _, r := range c.cells {
		if r.First.Row < at.Row || r.First.Row == at.Row && r.First.Col < at.Col {
			at = r.First
		}
	}
	return at
}

// said gives what the template says.
func (c *copies) said() *said { return c.Facts.Program.(*said) }

// isArray reports whether the formula was entered as an array.
func isArray(t *graph.Template) bool {
	return t.Kind == grid.ArrayFormula || t.Kind == grid.DynamicArray
}

// fingerprint is the key of a template as results show it: 16 hexadecimal digits.
func fingerprint(t *graph.Template) string {
	b := []byte(t.Relative)
	if isArray(t) {
		b = append(b, 0)
	}
	return fmt.Sprintf("%016x", formula.Hash(b))
}

// copiesIn gives the formulas that cells of a range hold, by the first copy of each, column by
// column.
func copiesIn(p *pace, g *graph.Graph, sheet int, r cell.Range) ([]copies, error) {
	index := make(map[*graph.Template]int)
	var list []copies
	var err error
	for s := range g.SpansIn(sheet, r) {
		x, ok := s.Area.Intersect(r)
		if !ok {
			continue // only what an array fills lies in r
		}
		if err = p.step(1); err != nil {
			return nil, err
		}
		i, ok := index[s.Template]
		if !ok {
			i = len(list)
			index[s.Template] = i
			list = append(list, copies{Template: s.Template})
		}
		list[i].cells = append(list[i].cells, x)
	}
	for i := range list {
		list[i].cells = rectangles(list[i].cells)
	}
	slices.SortFunc(list, func(a, b copies) int { return compareRanges(a.cells[0], b.cells[0]) })
	return list, nil
}

// compareRanges orders by column, then by row.
func compareRanges(a, b cell.Range) int {
	return cmp.Or(cmp.Compare(a.First.Col, b.First.Col), cmp.Compare(a.First.Row, b.First.Row),
		cmp.Compare(a.Last.Col, b.Last.Col), cmp.Compare(a.Last.Row, b.Last.Row))
}

// rectangles gives the cells of disjoint ranges as ranges that depend on these cells alone: columns
// are cut into stretches without a gap, and stretches of the same rows side by side are one. They
// come by column and row.
func rectangles(list []cell.Range) []cell.Range {
	if len(list) < 2 {
		return list
	}
	// Between two of these columns, all columns are cut alike.
	var cuts []int
	for _, r := range list {
		cuts = append(cuts, r.First.Col, r.Last.Col+1)
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	strips := make([][]cell.Range, len(cuts))
	for _, r := range list {
		for i, _ := slices.BinarySearch(cuts, r.First.Col); cuts[i] <= r.Last.Col; i++ {
			strips[i] = append(strips[i], cell.Range{First: cell.Ref{Row: r.First.Row, Col: cuts[i]}, Last: cell.Ref{Row: r.Last.Row, Col: cuts[i+1] - 1}})
		}
	}
	type rows struct{ first, last int }
	out := make([]cell.Range, 0, len(list))
	var left map[rows]int // stretches that end at the column before: places in out
	for _, strip := range strips {
		slices.SortFunc(strip, func(a, b cell.Range) int { return cmp.Compare(a.First.Row, b.First.Row) })
		n := 0
		for _, r := range strip {
			if n > 0 && strip[n-1].Last.Row+1 == r.First.Row {
				strip[n-1].Last.Row = r.Last.Row
				continue
			}
			strip[n] = r
			n++
		}
		here := make(map[rows]int, n)
		for _, r := range strip[:n] {
			key := rows{r.First.Row, r.Last.Row}
			at, ok := left[key]
			if ok {
				out[at].Last.Col = r.Last.Col
			} else {
				at = len(out)
				out = append(out, r)
			}
			here[key] = at
		}
		left = here
	}
	slices.SortFunc(out, compareRanges)
	return out
}
