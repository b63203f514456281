package eval

import (
	"gridflow/internal/calc/fn"
	"gridflow/internal/cell"
	"gridflow/internal/formula"
)

// ScopedHost is a host that is its own scope, as workbooks are.
type ScopedHost interface {
	Host
	Scope
}

// Resolve reads the text of a reference as INDIRECT does: cells in either notation, a
// name or a table part, seen from the cell of c. The code is #REF! for anything else.
func Resolve(h ScopedHost, c *fn.Context, text string, a1 bool) (*fn.Ref, cell.ErrorCode) {
	mode := formula.Mode{At: c.At}
	if !a1 {
		mode.Style = formula.R1C1
	}
	tree, err := formula.ParseMode(text, mode)
	if err != nil || len(text) > 0 && text[0] == '=' {
		return nil, cell.ErrRef
	}
	m := NewMachine(h)
	m.Stopped, m.Now, m.Dates, m.Rand = c.Stopped, c.Now, c.Dates, c.Rand
	v := m.Evaluate(Compile(h, tree, c.Sheet, c.At), c.Sheet, c.At, true)
	if r := v.Ref(); r != nil {
		return r, 0
	}
	return nil, cell.ErrRef
}
