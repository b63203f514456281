package analyze

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/grid"
)

// Group is formulas of a sheet that are copies of one another.
type Group struct {
	Fingerprint   string
	First         cell.Ref // the first copy, row by row
	Formula       string   // as it reads there, without "="
	Relative      string   // in R1C1 notation, as all copies read
	Count         int
	Ranges        []cell.Range // of the copies, compressed; at most groupRanges
	RangesCut     bool
	Nodes         int // of the syntax tree
	Array, Shared bool
	Volatile      []string // volatile functions that it calls
	Err           string   // why it cannot be parsed
}

// GroupOrder is how FormulaMap sorts.
type GroupOrder uint8

// The orders. All but the first are from much to little, and by address among equals.
const (
	ByAddress GroupOrder = iota
	ByComplexity
	ByCount
)

// groupRanges bounds the ranges that are kept for one group.
const groupRanges = 4096

// FormulaMap groups the formulas of a sheet, or of a range of it. f is what NewFormulas gave for it.
func FormulaMap(ctx context.Context, s *grid.Sheet, f *Formulas, within cell.Range, order GroupOrder) ([]Group, error) {
	p := newPace(ctx)
	list, err := copiesIn(p, f.graph, 0, within)
	if err != nil {
		return nil, err
	}
	groups := make([]Group, len(list))
	for i := range list {
		c, says := &list[i], list[i].said()
		g := Group{Fingerprint: fingerprint(c.Template), First: c.first(), Count: c.count(), Ranges: c.cells, Nodes: says.Nodes, Array: isArray(c.Template), Volatile: says.Volatile}
		if c.Err != nil {
			g.Err = c.Err.Error()
		}
		for _, r := range c.cells {
			if err := p.step(1); err != nil {
				return nil, err
			}
			first, _ := s.At(r.First)
			last, _ := s.At(r.Last)
			if g.Shared = s.Formula(first).Kind == grid.SharedFormula || s.Formula(last).Kind == grid.SharedFormula; g.Shared {
				break
			}
		}
		if g.RangesCut = len(g.Ranges) > groupRanges; g.RangesCut {
			g.Ranges = g.Ranges[:groupRanges]
		}
		g.Ranges = compress(g.Ranges)
		groups[i] = g
	}
	slices.SortFunc(groups, func(a, b Group) int {
		by := 0
		switch order {
		case ByComplexity:
			by = cmp.Compare(b.Nodes, a.Nodes)
		case ByCount:
			by = cmp.Compare(b.Count, a.Count)
		}
		return cmp.Or(by, a.First.Compare(b.First))
	})
	return groups, nil
}

// Describe fills in the texts of a group, which take time that the groups of a page
// that is not shown need not cost.
func (g *Group) Describe(s *grid.Sheet) {
	c, _ := s.At(g.First)
	g.Formula = book.FormulaText(s, c)
	if b, err := formula.AppendRelative(nil, g.Formula, g.First); err == nil {
		g.Relative = string(b)
	}
}

// compress joins the ranges of rectangles that lie below one another with the same columns, as
// single cells laid out row by row give them, and sorts them row by row.
func compress(ranges []cell.Range) []cell.Range {
	out := slices.Clone(ranges)
	slices.SortFunc(out, func(a, b cell.Range) int {
		return cmp.Or(cmp.Compare(a.First.Col, b.First.Col), cmp.Compare(a.Last.Col, b.Last.Col), cmp.Compare(a.First.Row, b.First.Row))
	})
	joined := out[:0]
	for _, r := range out {
		if n := len(joined); n > 0 && joined[n-1].First.Col == r.First.Col && joined[n-1].Last.Col == r.Last.Col && joined[n-1].Last.Row+1 == r.First.Row {
			joined[n-1].Last.Row = r.Last.Row
			continue
		}
		joined = append(joined, r)
	}
	slices.SortFunc(joined, func(a, b cell.Range) int {
		return a.First.Compare(b.First)
	})
	return joined
}

// VolatileName is a defined name whose formula is volatile.
type VolatileName struct {
	Index     int // in Workbook.Names
	Functions []string
}

// VolatileNames gives the defined names that call volatile functions, themselves or
// through other names.
func VolatileNames(wb *grid.Workbook) []VolatileName {
	trees := make([]*formula.Tree, len(wb.Names))
	calls := make([][]string, len(wb.Names))
	byName := make(map[string][]int)
	for i, n := range wb.Names {
		key := book.FoldName(n.Name)
		byName[key] = append(byName[key], i)
		if trees[i], _ = formula.Parse(n.RefersTo); trees[i] != nil {
			calls[i] = volatileCalls(trees[i])
		}
	}
	// Names refer to names at most a few deep; cycles end because calls only grow.
	for changed, depth := true, 0; changed && depth < nameDepth; depth++ {
		changed = false
		for i, tree := range trees {
			if tree == nil {
				continue
			}
			for ref := range formula.References(tree.Root) {
				if ref.Kind != formula.NameRef {
					continue
				}
				for _, j := range byName[book.FoldName(ref.Name)] {
					for _, f := range calls[j] {
						if !slices.Contains(calls[i], f) {
							calls[i] = append(calls[i], f)
							changed = true
						}
					}
				}
			}
		}
	}
	var out []VolatileName
	for i, f := range calls {
		if len(f) > 0 {
			out = append(out, VolatileName{i, f})
		}
	}
	return out
}

func volatileCalls(tree *formula.Tree) (out []string) {
	for name := range formula.Functions(tree.Root) {
		if formula.Volatile(name) && !slices.Contains(out, name) {
			out = append(out, strings.Clone(name))
		}
	}
	return out
}

// VolatileRun is copies of a formula that is volatile.
type VolatileRun struct {
	Range     cell.Range
	Functions []string
	Name      string // the defined name that the first of them comes through, "" where the formula calls it
}

// Volatiles gives the volatile formulas of a sheet, column by column. f is what NewFormulas gave for
// it, names what VolatileNames gave.
func Volatiles(ctx context.Context, wb *grid.Workbook, sheet int, s *grid.Sheet, f *Formulas, names []VolatileName) ([]VolatileRun, error) {
	list, err := copiesIn(newPace(ctx), f.graph, 0, cell.WholeSheet)
	if err != nil {
		return nil, err
	}
	var out []VolatileRun
	for i := range list {
		c, says := &list[i], list[i].said()
		functions, through := says.Volatile, ""
		if len(functions) == 0 && says.Names && len(names) > 0 {
			at, _ := s.At(c.cells[0].First)
			functions, through = namesIn(wb, sheet, book.FormulaText(s, at), names)
		}
		if len(functions) > 0 {
			for _, r := range c.cells {
				out = append(out, VolatileRun{r, functions, through})
			}
		}
	}
	slices.SortFunc(out, func(a, b VolatileRun) int { return compareRanges(a.Range, b.Range) })
	return out, nil
}

// VolatileThrough gives the volatile functions that a formula calls through a defined
// name. names is what VolatileNames gave.
func VolatileThrough(wb *grid.Workbook, sheet int, text string, names []VolatileName) []string {
	if len(names) == 0 {
		return nil
	}
	functions, _ := namesIn(wb, sheet, text, names)
	return functions
}

// namesIn gives the volatile functions that a formula calls through a defined name, and that name.
func namesIn(wb *grid.Workbook, sheet int, text string, names []VolatileName) ([]string, string) {
	tree, err := formula.Parse(text)
	if err != nil {
		return nil, ""
	}
	for ref := range formula.References(tree.Root) {
		if ref.Kind != formula.NameRef || ref.Book() != "" {
			continue
		}
		for _, n := range names {
			name := &wb.Names[n.Index]
			if (name.Sheet < 0 || name.Sheet == sheet) && strings.EqualFold(name.Name, ref.Name) {
				return n.Functions, name.Name
			}
		}
	}
	return nil, ""
}

// nameDepth bounds names that refer to names.
const nameDepth = 8

// FindFormulas yields to the page the formula cells whose text, as it is shown, holds what m looks
// for, row by row.
func FindFormulas(ctx context.Context, v View, m *Matcher, p *Page) ([]grid.Cell, error) {
	if v.FormulaCells() == 0 {
		return nil, nil
	}
	if m.isWord() {
		return findWord(ctx, v, m, p)
	}
	var hits []grid.Cell
	q := Query{}
	err := scanBands(ctx, v.Sheet, q.reach, v, p, func(c grid.Cell) bool {
		return c.HasFormula() && m.Match(book.FormulaText(v.Sheet, c))
	}, func(c grid.Cell) {
		if p.take() {
			hits = append(hits, c)
		}
	})
	return hits, err
}

// isWord reports whether m looks for a part of a name or the beginning of a call, in whatever case:
// copies of a formula in one column then match all or none. They may differ in spaces, in case and
// in numbers of rows, and in none of these does a word.
func (m *Matcher) isWord() bool {
	if m.mode != Contains || !m.fold || m.text == "" {
		return false
	}
	for i := range len(m.text) {
		switch c := m.text[i]; {
		case c >= 'a' && c <= 'z', c == '_', c == '.':
		case c == '(' && i == len(m.text)-1 && i > 0:
		default:
			return false
		}
	}
	return !strings.Contains("#ref!", m.text) // which a copy is where it refers beyond the edge of the sheet
}

// findWord is FindFormulas for a word: each formula is looked at once for each column that holds
// copies of it, and only the cells of the page one by one.
func findWord(ctx context.Context, v View, m *Matcher, p *Page) ([]grid.Cell, error) {
	f, err := FormulasOf(ctx, v.Sheet)
	if err != nil {
		return nil, err
	}
	pace := newPace(ctx)
	var found []cell.Range // single columns
	for s := range f.graph.SpansIn(0, cell.WholeSheet) {
		for col := s.Area.First.Col; col <= s.Area.Last.Col; col++ {
			if err := pace.step(16); err != nil {
				return nil, err
			}
			top := cell.Ref{Row: s.Area.First.Row, Col: col}
			if c, ok := v.At(top); ok && m.Match(book.FormulaText(v.Sheet, c)) {
				found = append(found, cell.Range{First: top, Last: cell.Ref{Row: s.Area.Last.Row, Col: col}})
			}
		}
	}
	slices.SortFunc(found, func(a, b cell.Range) int { return cmp.Compare(a.First.Row, b.First.Row) })
	total := 0
	for _, r := range found {
		total += r.Rows()
	}
	// Bands of rows, as far as the page reaches.
	skip, want := max(p.Offset-p.Total, 0), max(p.Offset+p.Limit-max(p.Total, p.Offset), 0)
	p.Total += total
	var hits []grid.Cell
	var open, band []cell.Range
	for next, top := 0, 0; (next < len(found) || len(open) > 0) && len(hits) < want; top += grid.BandRows {
		if len(open) == 0 {
			top = max(top, found[next].First.Row/grid.BandRows*grid.BandRows)
		}
		last := top + grid.BandRows - 1
		for ; next < len(found) && found[next].First.Row <= last; next++ {
			open = append(open, found[next])
		}
		cells, left := 0, 0
		band = band[:0]
		for _, r := range open {
			x := r
			x.First.Row, x.Last.Row = max(r.First.Row, top), min(r.Last.Row, last)
			band = append(band, x)
			cells += x.Rows()
			if r.Last.Row > last {
				open[left] = r
				left++
			}
		}
		open = open[:left]
		if err := pace.step(cells + 16); err != nil {
			return nil, err
		}
		if cells <= skip {
			skip -= cells
			continue
		}
		var refs []cell.Ref
		for _, r := range band {
			for row := r.First.Row; row <= r.Last.Row; row++ {
				refs = append(refs, cell.Ref{Row: row, Col: r.First.Col})
			}
		}
		slices.SortFunc(refs, cell.Ref.Compare)
		for _, at := range refs[skip:min(len(refs), skip+want-len(hits))] {
			c, _ := v.At(at)
			hits = append(hits, c)
		}
		skip = 0
	}
	return hits, nil
}
