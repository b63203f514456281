package analyze

import (
	"context"
	"math/bits"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// occupancyMax bounds the area that is held as bits: twice 8 MiB at worst.
const occupancyMax = 1 << 26

// mergedMax bounds the merged cells that are looked at: merges that lie over one
// another could otherwise cost any amount of work.
const mergedMax = 1 << 23

// occupancy says which cells of a range are stored, as one bit each, once by row and
// once by column, so that counting a row or a column of any rectangle in it is a few
// word operations. Row r of the range is words byRow[r*rowWords:][:rowWords].
type occupancy struct {
	bounds             cell.Range
	rowWords, colWords int
	byRow, byCol       []uint64
}

// span is an inclusive rectangle in coordinates of the occupancy, counted from 0.
type span struct {
	r0, r1, c0, c1 int
}

func (s span) rows() int { return s.r1 - s.r0 + 1 }
func (s span) cols() int { return s.c1 - s.c0 + 1 }

// newOccupancy reads the stored cells of a sheet, whose used range must not be larger
// than occupancyMax. Every stored cell counts, a blank one with only a style included.
// The cells of a merge whose first cell is stored count too: to the eye they are one.
func newOccupancy(ctx context.Context, s *grid.Sheet, used cell.Range) (*occupancy, error) {
	o := &occupancy{bounds: used, rowWords: (used.Cols() + 63) / 64, colWords: (used.Rows() + 63) / 64}
	o.byRow = make([]uint64, o.rowWords*used.Rows())
	o.byCol = make([]uint64, o.colWords*used.Cols())
	p := newPace(ctx)
	for _, col := range s.OccupiedCols(used.First.Row, used.Last.Row) {
		if col < used.First.Col || col > used.Last.Col {
			continue
		}
		for c := range s.Column(col, used.First.Row, used.Last.Row) {
			o.set(c.Ref.Row-used.First.Row, col-used.First.Col)
			if err := p.step(1); err != nil {
				return nil, err
			}
		}
	}
	budget := int64(mergedMax)
	for _, m := range s.Layout.Merges {
		m, ok := m.Intersect(used)
		if budget -= m.Cells(); budget < 0 {
			break
		}
		if !ok || !o.has(m.First.Row-used.First.Row, m.First.Col-used.First.Col) {
			continue
		}
		if err := p.step(int(m.Cells())); err != nil {
			return nil, err
		}
		for row := m.First.Row; row <= m.Last.Row; row++ {
			for col := m.First.Col; col <= m.Last.Col; col++ {
				o.set(row-used.First.Row, col-used.First.Col)
			}
		}
	}
	return o, nil
}

func (o *occupancy) set(r, c int) {
	o.byRow[r*o.rowWords+c>>6] |= 1 << (c & 63)
	o.byCol[c*o.colWords+r>>6] |= 1 << (r & 63)
}

func (o *occupancy) has(r, c int) bool { return o.byRow[r*o.rowWords+c>>6]&(1<<(c&63)) != 0 }

// row counts the occupied cells of row r between columns c0 and c1.
func (o *occupancy) row(r, c0, c1 int) int {
	return popcount(o.byRow[r*o.rowWords:(r+1)*o.rowWords], c0, c1)
}

// col counts the occupied cells of column c between rows r0 and r1.
func (o *occupancy) col(c, r0, r1 int) int {
	return popcount(o.byCol[c*o.colWords:(c+1)*o.colWords], r0, r1)
}

// count counts the occupied cells of s.
func (o *occupancy) count(s span) (n int) {
	if s.rows()*o.rowWords < s.cols()*o.colWords {
		for r := s.r0; r <= s.r1; r++ {
			n += o.row(r, s.c0, s.c1)
		}
		return n
	}
	for c := s.c0; c <= s.c1; c++ {
		n += o.col(c, s.r0, s.r1)
	}
	return n
}

// popcount counts the bits lo … hi, both included.
func popcount(words []uint64, lo, hi int) (n int) {
	first, last := lo>>6, hi>>6
	head := ^uint64(0) << (lo & 63)
	tail := ^uint64(0) >> (63 - hi&63)
	if first == last {
		return bits.OnesCount64(words[first] & head & tail)
	}
	n = bits.OnesCount64(words[first]&head) + bits.OnesCount64(words[last]&tail)
	for _, w := range words[first+1 : last] {
		n += bits.OnesCount64(w)
	}
	return n
}

// rangeOf gives s as a range of the sheet.
func (o *occupancy) rangeOf(s span) cell.Range {
	f := o.bounds.First
	return cell.Range{
		First: cell.Ref{Row: f.Row + s.r0, Col: f.Col + s.c0},
		Last:  cell.Ref{Row: f.Row + s.r1, Col: f.Col + s.c1},
	}
}
