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

// FormulaMap groups the formulas of a sheet, or of a range of it.
func FormulaMap(ctx context.Context, s *grid.Sheet, k *Skeleton, within cell.Range, order GroupOrder) ([]Group, error) {
	p := newPace(ctx)
	index := make(map[int32]int)
	var groups []Group
	err := k.parts(within, func(r Run) error {
		i, ok := index[r.Template]
		if !ok {
			t := &k.Templates[r.Template]
			i = len(groups)
			index[r.Template] = i
			groups = append(groups, Group{Fingerprint: t.Fingerprint(), First: r.Range().First, Nodes: int(t.Nodes),
				Array: t.Array, Shared: t.Shared, Volatile: t.Volatile, Err: t.Err})
		}
		g := &groups[i]
		x := r.Range()
		g.Count += x.Rows()
		if first := x.First; first.Row < g.First.Row || first.Row == g.First.Row && first.Col < g.First.Col {
			g.First = first
		}
		if len(g.Ranges) < groupRanges {
			g.Ranges = append(g.Ranges, x)
		} else {
			g.RangesCut = true
		}
		return p.step(1)
	})
	if err != nil {
		return nil, err
	}
	for i := range groups {
		groups[i].Ranges = compress(groups[i].Ranges)
	}
	slices.SortFunc(groups, func(a, b Group) int {
		by := 0
		switch order {
		case ByComplexity:
			by = cmp.Compare(b.Nodes, a.Nodes)
		case ByCount:
			by = cmp.Compare(b.Count, a.Count)
		}
		return cmp.Or(by, cmp.Compare(a.First.Row, b.First.Row), cmp.Compare(a.First.Col, b.First.Col))
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

// compress joins ranges of single columns, sorted by column and row, into rectangles,
// and sorts these row by row.
func compress(ranges []cell.Range) []cell.Range {
	nodes := make([]Node, len(ranges))
	for i, r := range ranges {
		nodes[i].Range = r
	}
	nodes = joinColumns(nodes)
	out := ranges[:0]
	for _, n := range nodes {
		out = append(out, n.Range)
	}
	// Rows of equal width below one another: from single cells laid out row by row.
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
		return cmp.Or(cmp.Compare(a.First.Row, b.First.Row), cmp.Compare(a.First.Col, b.First.Col))
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

// VolatileRun is formulas below one another that are volatile for the same reason.
type VolatileRun struct {
	Range     cell.Range
	Functions []string
	Name      string // the defined name that the first of them comes through, "" where the formula calls it
	template  int32
}

// Volatiles gives the volatile formulas of a sheet, column by column. names is what
// VolatileNames gave.
func Volatiles(ctx context.Context, wb *grid.Workbook, sheet int, s *grid.Sheet, k *Skeleton, names []VolatileName) ([]VolatileRun, error) {
	type reason struct {
		functions []string
		name      string
	}
	reasons := make(map[int32]reason)
	p := newPace(ctx)
	for i := range k.Templates {
		if err := p.step(1); err != nil {
			return nil, err
		}
		t := &k.Templates[i]
		r := reason{functions: t.Volatile}
		if len(r.functions) == 0 && t.Names && len(names) > 0 {
			r.functions, r.name = throughName(wb, sheet, s, t, names)
		}
		if len(r.functions) > 0 {
			reasons[int32(i)] = r
		}
	}
	if len(reasons) == 0 {
		return nil, nil
	}
	var out []VolatileRun
	for _, r := range k.Runs {
		if err := p.step(1); err != nil {
			return nil, err
		}
		if why, ok := reasons[r.Template]; ok {
			out = append(out, VolatileRun{r.Range(), why.functions, why.name, r.Template})
		}
	}
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

// throughName gives the volatile functions that a formula calls through a defined name.
func throughName(wb *grid.Workbook, sheet int, s *grid.Sheet, t *Template, names []VolatileName) ([]string, string) {
	c, _ := s.At(t.At)
	return namesIn(wb, sheet, book.FormulaText(s, c), names)
}

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

// FindFormulas yields to the page the formula cells whose text holds what m looks for,
// row by row.
func FindFormulas(ctx context.Context, v View, m *Matcher, p *Page) ([]grid.Cell, error) {
	if v.FormulaCells() == 0 {
		return nil, nil
	}
	f := formulaFinder{sheet: v.Sheet, match: m, shifts: strings.ContainsAny(m.text, "0123456789#"), known: make(map[memberKey]bool)}
	var hits []grid.Cell
	q := Query{}
	err := scanBands(ctx, v.Sheet, q.reach, v, p, f.test, func(c grid.Cell) {
		if p.take() {
			hits = append(hits, c)
		}
	})
	return hits, err
}

// formulaFinder tests formula texts. The members of a shared formula that stand in one
// column differ in nothing but row numbers, so that a query without a digit is tested
// once for all of them.
type formulaFinder struct {
	sheet  *grid.Sheet
	match  *Matcher
	shifts bool // the query may match some members and not others
	known  map[memberKey]bool
}

type memberKey struct {
	anchor cell.Ref
	col    int
}

// knownMax bounds what a formulaFinder remembers.
const knownMax = 1 << 16

func (f *formulaFinder) test(c grid.Cell) bool {
	if !c.HasFormula() {
		return false
	}
	x := f.sheet.Formula(c)
	if x.Kind != grid.SharedFormula || x.Anchor == c.Ref {
		return f.match.Match(x.Text)
	}
	if f.shifts {
		return f.match.Match(book.FormulaText(f.sheet, c))
	}
	key := memberKey{x.Anchor, c.Ref.Col}
	ok, seen := f.known[key]
	if !seen {
		ok = f.match.Match(book.FormulaText(f.sheet, c))
		if len(f.known) < knownMax {
			f.known[key] = ok
		}
	}
	return ok
}
