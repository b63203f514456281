package analyze

import (
	"strings"

	"gridflow/internal/book"
	"gridflow/internal/formula"
	"gridflow/internal/grid"
)

// totals are the functions by which the last cell of a column says something of those above.
var totals = map[string]bool{"SUM": true, "SUBTOTAL": true, "AGGREGATE": true, "AVERAGE": true, "COUNT": true, "COUNTA": true, "MIN": true, "MAX": true, "MEDIAN": true, "PRODUCT": true}

// isTotal reports whether c holds a total of cells above it, from row first on, in its own column.
func (v View) isTotal(c grid.Cell, first int) bool {
	if !c.HasFormula() {
		return false
	}
	tree, err := formula.Parse(book.FormulaText(v.Sheet, c))
	if err != nil || tree.Root.Kind != formula.Call || !totals[strings.ToUpper(tree.Root.Function())] {
		return false
	}
	for _, k := range tree.Root.Kids {
		if k.Ref == nil || k.Ref.Kind != formula.AreaRef || k.Ref.Qualified() {
			continue
		}
		top, end := k.Ref.First, k.Ref.Last
		if int(top.Col) == c.Ref.Col && top.Col == end.Col && first <= int(top.Row) && top.Row < end.Row && int(end.Row) < c.Ref.Row {
			return true
		}
	}
	return false
}
