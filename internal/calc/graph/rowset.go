package graph

import (
	"math/bits"
	"slices"
	"sort"
)

// rowset is a set of rows between two that are given with each call. It holds runs, and
// where these become many a bitmap, so that it never takes more than a bit a row and an
// insertion never moves much.
type rowset struct {
	runs []interval // ascending, none touches the next
	bits []uint64   // in place of runs; bit 0 is the first row of the frame
}

// runsMax is the number of runs that a rowset keeps before it becomes a bitmap.
const runsMax = 64

// add adds x, which lies in frame, and calls fresh for what was not in the set, ascending.
func (s *rowset) add(frame, x interval, fresh func(interval)) {
	if s.bits == nil {
		// The runs that x touches become one.
		i := sort.Search(len(s.runs), func(i int) bool { return s.runs[i].hi >= x.lo-1 })
		j, at := i, x.lo
		union := x
		for ; j < len(s.runs) && s.runs[j].lo <= x.hi+1; j++ {
			r := s.runs[j]
			if at < r.lo {
				fresh(interval{at, min(r.lo-1, x.hi)})
			}
			at = max(at, r.hi+1)
			union = union.hull(r)
		}
		if at <= x.hi {
			fresh(interval{at, x.hi})
		}
		if j == i+1 {
			s.runs[i] = union
		} else {
			s.runs = slices.Replace(s.runs, i, j, union)
		}
		if len(s.runs) <= runsMax {
			return
		}
		s.bits = make([]uint64, (frame.len()+63)/64)
		for _, r := range s.runs {
			s.mark(interval{r.lo - frame.lo, r.hi - frame.lo}, func(interval) {})
		}
		s.runs = nil
		return
	}
	s.mark(interval{x.lo - frame.lo, x.hi - frame.lo}, func(r interval) { fresh(interval{r.lo + frame.lo, r.hi + frame.lo}) })
}

// mark sets the bits of x and calls fresh for the runs of those that were not set.
func (s *rowset) mark(x interval, fresh func(interval)) {
	open := int32(-1) // where the run of new bits begins
	for w := x.lo >> 6; w <= x.hi>>6; w++ {
		mask := ^uint64(0)
		if w == x.lo>>6 {
			mask <<= x.lo & 63
		}
		if w == x.hi>>6 {
			mask &= ^uint64(0) >> (63 - x.hi&63)
		}
		news := mask &^ s.bits[w]
		if s.bits[w] |= mask; news == ^uint64(0) {
			if open < 0 {
				open = w << 6
			}
			continue
		}
		for at := int32(0); at < 64; {
			if open < 0 {
				if at += int32(bits.TrailingZeros64(news >> at)); at >= 64 {
					break
				}
				open = w<<6 + at
			}
			at += int32(bits.TrailingZeros64(^(news >> at)))
			if at >= 64 {
				break
			}
			fresh(interval{open, w<<6 + at - 1})
			open = -1
		}
	}
	if open >= 0 {
		fresh(interval{open, x.hi})
	}
}

// has reports whether a row is in the set.
func (s *rowset) has(frame interval, row int32) bool {
	if s.bits != nil {
		row -= frame.lo
		return uint(row>>6) < uint(len(s.bits)) && s.bits[row>>6]&(1<<(row&63)) != 0
	}
	i := sort.Search(len(s.runs), func(i int) bool { return s.runs[i].hi >= row })
	return i < len(s.runs) && s.runs[i].lo <= row
}

// next gives the first run that ends at or behind row, cut to what does not lie before row.
func (s *rowset) next(frame interval, row int32) (interval, bool) {
	if s.bits == nil {
		i := sort.Search(len(s.runs), func(i int) bool { return s.runs[i].hi >= row })
		if i == len(s.runs) {
			return interval{}, false
		}
		return interval{max(s.runs[i].lo, row), s.runs[i].hi}, true
	}
	lo, ok := s.scan(max(row-frame.lo, 0), 0)
	if !ok {
		return interval{}, false
	}
	hi, ok := s.scan(lo, ^uint64(0))
	if !ok {
		hi = int32(frame.len())
	}
	return interval{lo + frame.lo, hi + frame.lo - 1}, true
}

// scan finds the first bit at or behind one that is set, or with flip that is not.
func (s *rowset) scan(from int32, flip uint64) (int32, bool) {
	for w := int(from >> 6); w < len(s.bits); w++ {
		word := s.bits[w] ^ flip
		if w == int(from>>6) {
			word = word >> (from & 63) << (from & 63)
		}
		if word != 0 {
			return int32(w<<6 + bits.TrailingZeros64(word)), true
		}
	}
	return 0, false
}

// count is the number of rows in the set.
func (s *rowset) count() (n int64) {
	for _, r := range s.runs {
		n += r.len()
	}
	for _, w := range s.bits {
		n += int64(bits.OnesCount64(w))
	}
	return n
}

func (s *rowset) clone() rowset { return rowset{slices.Clone(s.runs), slices.Clone(s.bits)} }
