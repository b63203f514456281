package calc

import (
	"slices"

	"gridflow/internal/calc/eval"
	"gridflow/internal/calc/graph"
	"gridflow/internal/grid"
)

// Displacement is what structural changes have done to a workbook that the references in the text of a formula do not
// tell: see structure.Rewriter.Follow.
type Displacement struct {
	Any    bool     // there was a change
	Cells  bool     // cells were moved out of their rows and columns
	Names  []string // defined names that say other cells than they did, in any case
	Tables []string // tables that have other cells than they had, in any case
	Across []string // those of them that have other columns
	Scoped bool     // there were defined names of single sheets
	Filter bool     // a sheet with a filter that hides rows was changed: they may be hidden without one now
}

// Displaced gives the cells whose formula may give something else for a displacement, although its references went with their cells.
func (m *Model) Displaced(d Displacement) (areas []graph.Area) {
	if !d.Any {
		return nil
	}
	// There may be as many names as formulas.
	any := func(of []string) func(list []string) bool {
		names := make(map[string]bool, len(of))
		for _, name := range of {
			names[fold(name)] = true
		}
		return func(list []string) bool {
			return len(names) > 0 && slices.ContainsFunc(list, func(a string) bool { return a == "" || names[fold(a)] })
		}
	}
	named, tabled, across := any(d.Names), any(d.Tables), any(d.Across)
	scoped := d.Scoped || slices.ContainsFunc(m.words.in.Book.Names, func(n grid.Name) bool { return n.Sheet >= 0 })
	for s := range m.graph.Spans() {
		p := programOf(s)
		if p == nil {
			continue
		}
		away := slices.ContainsFunc(p.Reads, func(r eval.Read) bool { return r.Sheet != s.Template.Sheet })
		// What stands in the row or column of the formula is another cell where that went another way.
		aligned := p.Intersects || p.Ranged && s.Template.Kind == grid.NormalFormula || p.OwnRow
		if p.Placed || named(p.Names) || p.OtherRows && tabled(p.Tables) || p.Across && across(p.Tables) ||
			aligned && (d.Cells || away) || (d.Cells || d.Filter) && p.Subtotal || d.Cells && scoped && len(p.Names) > 0 {
			areas = append(areas, graph.Area{Sheet: s.Template.Sheet, Range: s.Area})
		}
	}
	return areas
}
