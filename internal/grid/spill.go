package grid

import (
	"slices"

	"gridflow/internal/cell"
)

// spill is the range that the dynamic array in a cell fills, where an edit set the formula or
// a calculation gave an array of another size than the one that was read. Formula texts of
// edits are kept without their kind: that they are arrays, only this list says.
type spill struct {
	anchor cell.Ref
	fills  cell.Range
}

// findSpill gives the place of an anchor in the list, which is in row-major order.
func (s *Sheet) findSpill(at cell.Ref) (int, bool) {
	return slices.BinarySearchFunc(s.spills, at, func(x spill, at cell.Ref) int { return order(x.anchor) - order(at) })
}

// SameArrays reports whether s, a later version of old, has the arrays of old, and they fill the
// same cells.
func (s *Sheet) SameArrays(old *Sheet) bool {
	return s == old || slices.Equal(s.spills, old.spills) && slices.Equal(s.dissolved, old.dissolved)
}

// Without gives the sheet without those of the cells that have nothing: no value, no formula, and
// the style that they have when they are not stored. So they are again what they were before an
// array filled them. Cells that an array fills stay.
func (s *Sheet) Without(cells []cell.Ref) (*Sheet, error) {
	var changes []Change
	for _, r := range cells {
		x, ok := s.At(r)
		if !ok || !x.Empty() || x.HasFormula() {
			continue
		}
		if x.Style == s.Layout.LineStyle(r) && !s.InArray(r) {
			changes = append(changes, Change{Ref: r, Kind: RemoveCell})
		}
	}
	if changes == nil {
		return s, nil
	}
	return s.With(changes)
}

// respill brings the list up to date with changes, which are in row-major order. s is not yet handed out.
func (s *Sheet) respill(changes []Change) {
	var list []spill
	n := 0 // of those that there were, which are in list or gone
	for i := range changes {
		c := &changes[i]
		now := c.Spills && (c.Kind == SetCell && c.Formula != "" || c.Kind == SetValue)
		if c.Kind == SetStyle || c.Kind == SetValue && !now {
			continue
		}
		at, there := s.findSpill(c.Ref)
		if k := len(list) - 1; k >= 0 && list[k].anchor == c.Ref {
			list = list[:k] // two changes of one cell that go together
		} else if !there && !now {
			continue
		}
		list = append(list, s.spills[n:max(n, at)]...)
		if n = max(n, at); there && n == at {
			n++
		}
		if now {
			list = append(list, spill{c.Ref, c.Fills})
		}
	}
	if n > 0 || len(list) > 0 {
		s.setSpills(append(list, s.spills[n:]...))
	}
}

// setSpills gives s, which is not yet handed out, a list in row-major order.
func (s *Sheet) setSpills(list []spill) {
	s.spills, s.wide, s.tallest = list, nil, 0
	for _, x := range list {
		if x.fills.Cells() > 1 {
			s.wide = append(s.wide, x)
			s.tallest = max(s.tallest, x.fills.Rows())
		}
	}
}

// spilled gives a formula with what it fills.
func (s *Sheet) spilled(f Formula) Formula {
	if len(s.spills) > 0 {
		if n, ok := s.findSpill(f.Anchor); ok {
			f.Kind, f.Range = DynamicArray, s.spills[n].fills
		}
	}
	return f
}

// ended reports whether an array formula that was read is there no more as it was read. What it filled when it was replaced does not
// tell, since a calculation, or a move, may have made that another range than the one that was read.
func (s *Sheet) ended(f *readArray) bool {
	if c, ok := s.At(f.Anchor); !ok || c.formula != f.number {
		return true
	}
	_, other := s.findSpill(f.Anchor)
	return other
}

// eachSpill yields the arrays of the list that fill more than one cell and touch r, and
// reports whether more are wanted.
func (s *Sheet) eachSpill(r cell.Range, yield func(Formula) bool) bool {
	i, _ := slices.BinarySearchFunc(s.wide, r.First.Row-s.tallest+1, func(x spill, row int) int { return x.anchor.Row - row })
	for ; i < len(s.wide) && s.wide[i].anchor.Row <= r.Last.Row; i++ {
		x := &s.wide[i]
		if _, touch := x.fills.Intersect(r); !touch {
			continue
		}
		c, ok := s.At(x.anchor)
		if ok && c.HasFormula() && !yield(s.Formula(c)) {
			return false
		}
	}
	return true
}
