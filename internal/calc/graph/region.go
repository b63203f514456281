package graph

import (
	"iter"
	"slices"
	"sort"

	"gridflow/internal/cell"
)

// region is a set of cells inside of a frame, which is the area of a span and is given with
// each call. While the set is one rectangle it is only that; else it is strips of columns,
// each with the rows that are in the set in all of its columns.
type region struct {
	bounds box     // of the whole set
	strips []strip // by column, not overlapping; nil where the set is bounds
	some   bool    // the set is not empty
}

type strip struct {
	cols interval
	rows rowset
}

// add adds x, which lies in frame, and calls fresh for the parts that were not in the set.
func (g *region) add(frame, x box, fresh func(box)) {
	switch {
	case !g.some:
		*g = region{bounds: x, some: true}
		fresh(x)
		return
	case g.strips == nil && g.bounds.holds(x):
		return
	case g.strips == nil && g.bounds.joins(x):
		x.without(g.bounds, fresh)
		g.bounds = g.bounds.hull(x)
		return
	case g.strips == nil && x.holds(g.bounds):
		x.without(g.bounds, fresh)
		g.bounds = x
		return
	case g.strips == nil:
		g.strips = []strip{{g.bounds[cols], rowset{runs: []interval{g.bounds[rows]}}}}
	}
	g.bounds = g.bounds.hull(x)
	g.addStrips(frame, x, fresh)
}

func (g *region) addStrips(frame, x box, fresh func(box)) {
	i := sort.Search(len(g.strips), func(i int) bool { return g.strips[i].cols.hi >= x[cols].lo })
	first := i
	for left := x[cols]; !left.empty(); i++ {
		if i == len(g.strips) || left.lo < g.strips[i].cols.lo {
			// No strip has these columns yet.
			c := left
			if i < len(g.strips) {
				c.hi = min(c.hi, g.strips[i].cols.lo-1)
			}
			g.strips = slices.Insert(g.strips, i, strip{cols: c})
		}
		s := &g.strips[i]
		if s.cols.lo < left.lo {
			g.split(i, left.lo)
			i++
			s = &g.strips[i]
		}
		if left.hi < s.cols.hi {
			g.split(i, left.hi+1)
			s = &g.strips[i]
		}
		s.rows.add(frame[rows], x[rows], func(r interval) { fresh(box{r, s.cols}) })
		left.lo = s.cols.hi + 1
	}
	g.unite(max(first-1, 0), i+1)
}

// split makes two strips of strip i, of which the second begins at column at.
func (g *region) split(i int, at int32) {
	s := strip{interval{at, g.strips[i].cols.hi}, g.strips[i].rows.clone()}
	g.strips[i].cols.hi = at - 1
	g.strips = slices.Insert(g.strips, i+1, s)
}

// unite makes one of neighbouring strips with the same few runs, from strip i to j.
func (g *region) unite(i, j int) {
	for j = min(j, len(g.strips)); i+1 < j; {
		a, b := &g.strips[i], &g.strips[i+1]
		if a.cols.hi+1 == b.cols.lo && a.rows.bits == nil && b.rows.bits == nil && len(a.rows.runs) <= 4 && slices.Equal(a.rows.runs, b.rows.runs) {
			a.cols.hi = b.cols.hi
			g.strips = slices.Delete(g.strips, i+1, i+2)
			j--
			continue
		}
		i++
	}
	if len(g.strips) == 1 && g.strips[0].rows.bits == nil && len(g.strips[0].rows.runs) == 1 {
		g.strips = nil
	}
}

func (g *region) has(frame box, row, col int32) bool {
	if !g.some || row < g.bounds[rows].lo || row > g.bounds[rows].hi || col < g.bounds[cols].lo || col > g.bounds[cols].hi {
		return false
	}
	if g.strips == nil {
		return true
	}
	i := sort.Search(len(g.strips), func(i int) bool { return g.strips[i].cols.hi >= col })
	return i < len(g.strips) && g.strips[i].cols.lo <= col && g.strips[i].rows.has(frame[rows], row)
}

// covers reports whether all of x is in the set.
func (g *region) covers(frame, x box) bool {
	if !g.some || !g.bounds.holds(x) {
		return false
	}
	if g.strips == nil {
		return true
	}
	i := sort.Search(len(g.strips), func(i int) bool { return g.strips[i].cols.hi >= x[cols].lo })
	for ; i < len(g.strips) && g.strips[i].cols.lo <= x[cols].lo; i++ {
		s := &g.strips[i]
		if r, ok := s.rows.next(frame[rows], x[rows].lo); !ok || !r.holds(x[rows]) {
			return false
		}
		if x[cols].lo = s.cols.hi + 1; x[cols].empty() {
			return true
		}
	}
	return false
}

func (g *region) cells() (n int64) {
	if !g.some {
		return 0
	}
	if g.strips == nil {
		return g.bounds.cells()
	}
	for i := range g.strips {
		n += g.strips[i].cols.len() * g.strips[i].rows.count()
	}
	return n
}

// boxes yields the set as rectangles that do not overlap, from left to right and in the
// same columns from top to bottom.
func (g *region) boxes(frame box) iter.Seq[box] {
	return func(yield func(box) bool) {
		if !g.some {
			return
		}
		if g.strips == nil {
			yield(g.bounds)
			return
		}
		for i := range g.strips {
			s := &g.strips[i]
			for r, ok := s.rows.next(frame[rows], frame[rows].lo); ok; r, ok = s.rows.next(frame[rows], r.hi+1) {
				if !yield(box{r, s.cols}) {
					return
				}
			}
		}
	}
}

func (g *region) bytes() (n int64) {
	for i := range g.strips {
		n += 64 + int64(8*(cap(g.strips[i].rows.runs)+cap(g.strips[i].rows.bits)))
	}
	return n
}

// Region is the cells of a span that are dirty.
type Region struct {
	region *region
	frame  box
}

// Bounds is the smallest range that holds the region.
func (r Region) Bounds() cell.Range { return r.region.bounds.Range() }

// Cells is the number of cells in the region.
func (r Region) Cells() int64 { return r.region.cells() }

// Contains reports whether a cell is in the region.
func (r Region) Contains(at cell.Ref) bool {
	return r.region.has(r.frame, int32(at.Row), int32(at.Col))
}

// Ranges yields the region as ranges that do not overlap, from left to right and in the
// same columns from top to bottom.
func (r Region) Ranges() iter.Seq[cell.Range] {
	return func(yield func(cell.Range) bool) {
		for b := range r.region.boxes(r.frame) {
			if !yield(b.Range()) {
				return
			}
		}
	}
}
