package fn

import (
	"math/bits"

	"gridflow/internal/cell"
)

// Selection says which cells of ranges of one size meet all of several criteria. It is
// made by [Context.Select] and belongs to that call.
type Selection struct {
	// Only the part in which any of the ranges holds something has bits, column by column;
	// all cells outside of it hold nothing.
	rows, cols int
	bits       []uint64
	outside    int64 // how many cells outside meet the criteria

	// Where few cells of one column were found by an index they are a list, and there are no bits.
	room *picked
}

// selectionMax bounds the cells of a selection: 32 MB of bits.
const selectionMax = 1 << 28

// Select finds the cells that meet the criteria in pairs, which are a range and a criterion
// in turn, as COUNTIFS takes them. The ranges must be references of one size, and so must
// those in with, from which values are to be taken afterwards; else the code is #VALUE!. An
// error in the place of a range is the code; one in that of a criterion is looked for.
func (c *Context) Select(pairs []Value, with ...Value) (*Selection, cell.ErrorCode) {
	areas := make([]Area, 0, len(pairs)/2+len(with))
	for i := 0; i < len(pairs); i += 2 {
		a, e := oneArea(pairs[i])
		if e != 0 {
			return nil, e
		}
		areas = append(areas, a)
		if len(pairs[i+1].Str()) > criterionMax {
			return nil, cell.ErrValue
		}
	}
	for _, v := range with {
		a, e := oneArea(v)
		if e != 0 {
			return nil, e
		}
		areas = append(areas, a)
	}
	total := areas[0].Range
	s := &Selection{}
	for _, a := range areas {
		if a.Range.Rows() != total.Rows() || a.Range.Cols() != total.Cols() {
			return nil, cell.ErrValue
		}
		if used, ok := c.Book.Used(a.Sheet); ok {
			if r, ok := used.Intersect(a.Range); ok {
				s.rows = max(s.rows, r.Last.Row-a.Range.First.Row+1)
				s.cols = max(s.cols, r.Last.Col-a.Range.First.Col+1)
			}
		}
	}
	if int64(s.rows)*int64(s.cols) > selectionMax {
		return nil, cell.ErrNum
	}
	criteria := make([]*Criterion, len(pairs)/2)
	for i := range criteria {
		criteria[i] = ParseCriterion(pairs[2*i+1].Scalar(), c.Dates)
	}
	if s.few(c, criteria, areas) {
		return s, 0
	}
	n := (s.rows*s.cols + 63) / 64
	s.bits = make([]uint64, n)
	var one []uint64
	outside := true
	for i, k := range criteria {
		outside = outside && k.blank
		if i == 0 {
			s.mark(c, s.bits, areas[0], k)
			continue
		}
		if one == nil {
			one = make([]uint64, n)
		}
		s.mark(c, one, areas[i], k)
		for j, w := range one {
			s.bits[j] &= w
		}
	}
	if outside {
		s.outside = total.Cells() - int64(s.rows)*int64(s.cols)
	}
	return s, 0
}

// oneArea gives the area of a value that has to be a range.
func oneArea(v Value) (Area, cell.ErrorCode) {
	r := v.Ref()
	switch {
	case r != nil && len(r.Areas) == 1:
		return r.Areas[0], 0
	case v.Err() != 0:
		return Area{}, v.Err()
	}
	return Area{}, cell.ErrValue
}

// mark sets the bits of the cells that meet one criterion and clears all others.
func (s *Selection) mark(c *Context, set []uint64, a Area, k *Criterion) {
	if len(set) == 0 {
		return
	}
	fill := uint64(0)
	if k.blank {
		fill = ^fill
	}
	for i := range set {
		set[i] = fill
	}
	if tail := s.rows * s.cols % 64; tail != 0 {
		set[len(set)-1] &= 1<<tail - 1
	}
	c.Book.Runs(s.part(a), func(r *Run) bool {
		at := s.place(a, r)
		for i := 0; i < len(r.Kinds); {
			w, n := k.word(r, i)
			put(set, at+i, w, n)
			i += n
		}
		return !c.Stop()
	})
}

// part cuts an area to what has bits.
func (s *Selection) part(a Area) Area {
	a.Range.Last = cell.Ref{Row: a.Range.First.Row + s.rows - 1, Col: a.Range.First.Col + s.cols - 1}
	return a
}

// place gives the bit of the first cell of a run.
func (s *Selection) place(a Area, r *Run) int {
	return (r.Col-a.Range.First.Col)*s.rows + r.Row - a.Range.First.Row
}

// put writes the lowest n bits of w to place at and after.
func put(set []uint64, at int, w uint64, n int) {
	mask := ^uint64(0) >> (64 - n)
	i, shift := at/64, at%64
	set[i] = set[i]&^(mask<<shift) | w<<shift
	if shift+n > 64 {
		back := 64 - shift
		set[i+1] = set[i+1]&^(mask>>back) | w>>back
	}
}

// Count gives the number of cells that were selected.
func (s *Selection) Count() int64 {
	if s.room != nil {
		return int64(len(s.room.list))
	}
	n := s.outside
	for _, w := range s.bits {
		n += int64(bits.OnesCount64(w))
	}
	return n
}

// Numbers calls f for the numbers that v, a range of the selection's size, holds in the
// cells that were selected. The code is that of the first error there.
func (s *Selection) Numbers(c *Context, v Value, f func(float64)) (code cell.ErrorCode) {
	if r := s.picked(c, v); r != nil {
		for i, k := range r.Kinds {
			switch k {
			case cell.Number:
				f(r.Nums[i])
			case cell.Error:
				return cell.ErrorCode(r.Nums[i])
			}
		}
		return 0
	}
	s.Each(c, v, func(r *Run, i int) bool {
		switch r.Kinds[i] {
		case cell.Number:
			f(r.Nums[i])
		case cell.Error:
			code = cell.ErrorCode(r.Nums[i])
		}
		return code == 0
	})
	return code
}

// picked gives the cells of v that are on the list, nil where there is none.
func (s *Selection) picked(c *Context, v Value) *Run {
	a, e := oneArea(v)
	if s.room == nil || e != 0 {
		return nil
	}
	c.Index.Pick(s.part(a), s.room.list, &s.room.run)
	return &s.room.run
}

// Each calls f for the cells of v, a range of the selection's size, that were selected and
// may hold something, until it says no more: cell i of a run.
func (s *Selection) Each(c *Context, v Value, f func(r *Run, i int) bool) {
	a, e := oneArea(v)
	if e != 0 {
		return
	}
	if s.room != nil {
		if r := s.picked(c, v); r != nil {
			for i, k := range r.Kinds {
				if k != cell.Blank && !f(r, i) {
					return
				}
			}
		}
		return
	}
	if len(s.bits) == 0 {
		return
	}
	c.Book.Runs(s.part(a), func(r *Run) bool {
		at := s.place(a, r)
		for i := 0; i < len(r.Kinds); {
			w := s.bits[(at+i)/64] >> uint((at+i)%64)
			if w == 0 { // none of the rest of this word
				i += 64 - (at+i)%64
				continue
			}
			if w&1 == 0 {
				i += bits.TrailingZeros64(w)
				continue
			}
			if !f(r, i) {
				return false
			}
			i++
		}
		return !c.Stop()
	})
}
