package scan

import (
	"math"
	"slices"
	"sort"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// Index is what a scan of a sheet leaves behind for later scans that begin in the
// middle: where rows start, and what the cells there need to know of those above. It is
// immutable once the scan has ended, and holds nothing of the sheet's cells.
type Index struct {
	every        int64
	root, head   []byte
	prefix       string
	marks        []rowMark
	masters      []master // by si, those of one si by row
	masterTexts  grid.StringsBuilder
	texts        *grid.Strings
	masterSorted bool
}

// rowMark is the start tag of a row.
type rowMark struct {
	offset int64
	row    int32
}

// master is a shared formula: what its members, which name it by si, have in common.
type master struct {
	si     int32
	text   uint32
	anchor cell.Ref
	rng    cell.Range
}

// Record makes the scanner keep an index with the first row that starts in each stretch
// of every bytes. It is to be called before the first Feed.
func (s *Sheet) Record(every int64) {
	s.index, s.nextMark = &Index{every: every, masterSorted: true}, 0
}

// mark notes a row that starts at offset, and looks for the next one in a later stretch.
func (s *Sheet) mark(row int, offset int64) {
	x := s.index
	x.marks = append(x.marks, rowMark{offset, int32(row)})
	s.nextMark = (offset/x.every + 1) * x.every
}

// addMaster notes a shared formula; ok is false where there is no room for it.
func (x *Index) addMaster(si int, text []byte, anchor cell.Ref, rng cell.Range) (ok bool) {
	i, ok := x.masterTexts.Append(text)
	if !ok || si > math.MaxInt32 {
		return false
	}
	if n := len(x.masters); n > 0 && x.masters[n-1].si > int32(si) {
		x.masterSorted = false
	}
	x.masters = append(x.masters, master{int32(si), i, anchor, rng})
	return true
}

// Index gives the index, after the last Feed. It is nil where Record was not called,
// and where the sheet is one that can be read from the top only: its rows do not follow
// each other in ascending order, or its cells do not lie in the rows they stand in.
func (s *Sheet) Index() *Index {
	x := s.index
	if x == nil || s.disordered || s.phase != inTail || len(x.marks) == 0 {
		return nil
	}
	x.root, x.head, x.prefix = s.root, s.head, s.prefix
	if !x.masterSorted {
		slices.SortStableFunc(x.masters, func(a, b master) int { return int(a.si) - int(b.si) })
	}
	x.masters, x.marks = slices.Clip(x.masters), slices.Clip(x.marks)
	x.texts = x.masterTexts.Finish()
	return x
}

// MemoryBytes is about what the index keeps alive.
func (x *Index) MemoryBytes() int64 {
	return int64(len(x.root)+len(x.head)+16*cap(x.marks)+64*cap(x.masters)) + x.texts.MemoryBytes()
}

// Locate gives the place of the last marked row that is not below row, or of the first
// row that there is: what lies between that row and the one returned has no cells.
func (x *Index) Locate(row int) (first int, offset int64) {
	i := sort.Search(len(x.marks), func(i int) bool { return int(x.marks[i].row) > row })
	if i == 0 {
		return 0, x.marks[0].offset
	}
	return int(x.marks[i-1].row), x.marks[i-1].offset
}

// NewRows gives a scanner that fills b with the rows from where Locate(row) points,
// which is where the first Feed must begin, down to lastRow. It may be fed more; once
// Past says so it need not.
func NewRows(b *grid.Builder, limit Limits, x *Index, row, lastRow int) *Sheet {
	s := NewSheet(b, limit)
	s.phase, s.lastRow = inData, lastRow
	s.root, s.head, s.prefix = x.root, x.head, x.prefix
	s.findFormatted()
	first, offset := x.Locate(row)
	s.base = offset
	s.formulas.above, s.formulas.first = x, first
	if first > 0 {
		s.setRow(first - 1) // the row there may leave its own number out
	}
	return s
}

// Past reports whether a scanner made by NewRows has read all the rows that it is to
// read, and whether there are none below them.
func (s *Sheet) Past() (past, ended bool) {
	return s.formulas.above != nil && s.phase >= inTail, s.phase == inTail
}

// sharedFormula gives the shared formula si as it is defined at the present cell.
func (s *Sheet) sharedFormula(si int) (id grid.FormulaID, ok bool, err error) {
	if id, ok = s.formulas.bySI[si]; ok || s.formulas.above == nil {
		return id, ok, nil
	}
	m, text, ok := s.formulas.above.masterAbove(si, s.formulas.first)
	if !ok {
		return 0, false, nil
	}
	id, err = s.b.AddFormula([]byte(text), s.b.AddGroup(grid.SharedFormula, m.anchor, m.rng))
	if err == nil {
		s.formulas.bySI[si] = id
	}
	return id, err == nil, err
}

// masterAbove gives the last definition of si above row.
func (x *Index) masterAbove(si, row int) (m master, text string, ok bool) {
	i := sort.Search(len(x.masters), func(i int) bool {
		m := &x.masters[i]
		return int(m.si) > si || int(m.si) == si && m.anchor.Row >= row
	})
	if i == 0 || int(x.masters[i-1].si) != si {
		return master{}, "", false
	}
	m = x.masters[i-1]
	return m, x.texts.At(m.text), true
}

// WholeRows gives the number of rows from the top that have been read whole, while there
// are cells to come; ok is false where there are none, where the first row is not yet
// read, and where rows do not follow each other in ascending order.
func (s *Sheet) WholeRows() (n int, ok bool) {
	return s.row, s.phase == inData && s.rowLen > 0 && !s.disordered
}
