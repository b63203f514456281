package tools

import (
	"fmt"
	"strings"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/outside"
)

// outside holds the policy on formulas that reach outside of their workbook to those that an edit writes: it
// warns of each kind once, with the first of its cells, or fails.
func (e *Env) outside(edit book.Edit) (warnings []string, err error) {
	if e.Outside == outside.Allow {
		return nil, nil
	}
	type kind struct {
		what, first string
		n           int
	}
	var kinds []*kind
	for sheet, c := range edit.Formulas() {
		for _, what := range outside.Of(c.Formula) {
			var k *kind
			for _, has := range kinds {
				if has.what == what {
					k = has
				}
			}
			if k == nil {
				k = &kind{what: what, first: cell.QuoteSheet(sheet) + "!" + c.Ref.String()}
				kinds = append(kinds, k)
			}
			k.n++
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
