package tools

import (
	"fmt"
	"strings"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/outside"
)

// outside holds the policy on formulas that reach outside of their workbook to those that an edit writes into cells, and
// to those that its caller has put into names and rules: it warns of each kind once, with the first place, or fails.
func (e *Env) outside(edit book.Edit, besides []beside) (warnings []string, err error) {
	if e.Outside == outside.Allow {
		return nil, nil
	}
	type kind struct {
		what, first string
		n           int
	}
	var kinds []*kind
	asks := func(what string, place func() string) {
		var k *kind
		for _, has := range kinds {
			if has.what == what {
				k = has
			}
		}
		if k == nil {
			k = &kind{what: what, first: place()}
			kinds = append(kinds, k)
		}
		k.n++
	}
	for sheet, c := range edit.Formulas() {
		for _, what := range outside.Of(c.Formula) {
			asks(what, func() string { return cell.QuoteSheet(sheet) + "!" + c.Ref.String() })
		}
	}
	for _, f := range besides {
		place := func() string { return f.of }
		for _, what := range outside.Of(f.formula) {
			asks(what, place)
		}
		if _, err := formula.Parse(f.formula); err != nil { // the policy on formulas lets it pass
			asks("what does not parse (links by DDE among it)", place)
		}
	}
	if len(kinds) == 0 {
		return nil, nil
	}
	if e.Outside == outside.Refuse {
		var list []string
		for _, k := range kinds {
			list = append(list, k.first+" uses "+k.what)
		}
		return nil, fail(codeOutside, "Write the value itself; the operator of this server has refused such formulas (--outside-formulas)", "formulas may not reach outside of their workbook: %s", strings.Join(list, "; "))
	}
	for _, k := range kinds {
		more := ""
		if k.n > 1 {
			more = fmt.Sprintf(" and %d more", k.n-1)
		}
		warnings = append(warnings, fmt.Sprintf("WARN_OUTSIDE_FORMULA: %s%s: %s", k.first, more, k.what))
	}
	return warnings, nil
}
