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
		filled := false
		for range s.Arrays(cell.Range{First: r, Last: r}) {
			filled = true
		}
		if x.Style == s.Layout.LineStyle(r) && !filled {
			changes = append(changes, Change{Ref: r, Kind: RemoveCell})
		}
	}
	if changes == nil {
		return s, nil
	}
	return s.With(changes)
}

// respill brings the list up to date with changes. s is not yet handed out.
func (s *Sheet) respill(changes []Change) {
	own := false
	for i := range changes {
		c := &changes[i]
		n, there := s.findSpill(c.Ref)
		now := c.Spills && (c.Kind == SetCell && c.Formula != "" || c.Kind == SetValue)
		if c.Kind == SetStyle || c.Kind == SetValue && !now || !there && !now {
			continue
		}
		if !own {
			s.spills, own = slices.Clone(s.spills), true
		}
		switch {
		case now && there:
			s.spills[n].fills = c.Fills
		case now:
			s.spills = slices.Insert(s.spills, n, spill{c.Ref, c.Fills})
		default:
			s.spills = slices.Delete(s.spills, n, n+1)
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

// ended reports whether an array formula that was read is there no more as it was read.
func (s *Sheet) ended(f *Formula) bool {
	if slices.Contains(s.dissolved, f.Range) {
		return true
	}
	_, other := s.findSpill(f.Anchor)
	return other
}

// eachSpill yields the arrays of the list that fill more than one cell and touch r, and
// reports whether more are wanted.
func (s *Sheet) eachSpill(r cell.Range, yield func(Formula) bool) bool {
	for i := range s.spills {
		x := &s.spills[i]
		if _, touch := x.fills.Intersect(r); !touch || x.fills.Cells() < 2 {
			continue
		}
		c, ok := s.At(x.anchor)
		if ok && c.HasFormula() && !yield(s.Formula(c)) {
			return false
		}
	}
	return true
}
