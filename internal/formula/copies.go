package formula

import "gridflow/internal/cell"

// Copies remembers what was found out of the formulas of a sheet for their copies: of what is filled down a
// column only the first formulas need to be parsed. What is remembered must be the same for all copies
// with the same literals, as whether they spill is. The zero value is ready; it belongs to one goroutine.
type Copies[T any] struct{ columns map[int]*copied[T] }

type copied[T any] struct {
	met     bool     // a formula
	pattern *Pattern // of the last one, from the second on: a formula that comes once needs none
	value   T
}

// Of gives what was noted of the last formula of the column, if text, which stands in cell at, is a copy of it.
func (c *Copies[T]) Of(text string, at cell.Ref) (value T, ok bool) {
	k := c.columns[at.Col]
	if k == nil || k.pattern == nil {
		return value, false
	}
	var l Literals
	same, ok := k.pattern.Match(text, at.Row, &l)
	return k.value, ok && same
}

// Note remembers what was found out of a formula that Of did not know.
func (c *Copies[T]) Note(text string, at cell.Ref, value T) {
	k := c.columns[at.Col]
	if k == nil {
		k = &copied[T]{}
		if c.columns == nil {
			c.columns = make(map[int]*copied[T])
		}
		c.columns[at.Col] = k
	}
	k.value, k.pattern = value, nil
	if k.met {
		k.pattern, _ = NewPattern(text, at) // none where it has no relative form
	}
	k.met = true
}

// Forget lets a column's formulas be as if there had been none.
func (c *Copies[T]) Forget(col int) { delete(c.columns, col) }
