package grid

import (
	"iter"
	"math/bits"

	"gridflow/internal/cell"
)

// Band is BandRows rows of a sheet: its chunks by column.
type Band struct {
	cols     []uint16 // ascending
	chunks   []*Chunk // chunks[i] is column cols[i]; versions of a sheet share them
	occupied [BandRows / 64]uint64
	cells    int
}

// occupy marks the rows in which k has cells.
func (b *Band) occupy(k *Chunk) {
	if k.rows != nil {
		for _, o := range k.rows {
			b.occupied[o>>6] |= 1 << (o & 63)
		}
		return
	}
	for o, end := int(k.first), int(k.first)+k.n; o < end; o = o&^63 + 64 {
		word := ^uint64(0) << (o & 63)
		if left := end - o&^63; left < 64 {
			word &= 1<<left - 1
		}
		b.occupied[o>>6] |= word
	}
}

// chunk gives the chunk of column col, or nil.
func (b *Band) chunk(col int) *Chunk {
	if b == nil || len(b.cols) == 0 {
		return nil
	}
	// Columns mostly follow each other without a gap: then the guess is a hit.
	if g := col - int(b.cols[0]); uint(g) < uint(len(b.cols)) && int(b.cols[g]) == col {
		return b.chunks[g]
	}
	i := b.search(col)
	if i < len(b.cols) && int(b.cols[i]) == col {
		return b.chunks[i]
	}
	return nil
}

// search gives the index of the first column at or after col.
func (b *Band) search(col int) int {
	lo, hi := 0, len(b.cols)
	for lo < hi {
		m := int(uint(lo+hi) >> 1)
		if int(b.cols[m]) < col {
			lo = m + 1
		} else {
			hi = m
		}
	}
	return lo
}

// Cell is one stored cell. A cell that is not stored is blank, has style 0 and no formula.
type Cell struct {
	Ref     cell.Ref
	Value   cell.Value
	Style   uint32
	formula int32 // index in the sheet's formulas, -1 where there is none
}

// HasFormula reports whether the value was computed by a formula.
func (c Cell) HasFormula() bool { return c.formula >= 0 }

// Empty reports whether the cell holds neither a value nor a formula.
func (c Cell) Empty() bool { return c.formula < 0 && c.Value.IsBlank() }

// Sheet is the cells and the layout of one sheet. See the package comment for what
// may be relied on.
type Sheet struct {
	Name   string
	Layout *Layout // never nil

	bands    []*Band // by number; nil where the band has no cell
	shared   *Strings
	texts    *Strings
	formulas *formulas

	// What edits put over the bands: see edit.go. All of it is empty in a sheet as it was read.
	over      []patch      // by row and then by column; each hides the cell of the bands
	own       *textList    // texts and formulas of edited cells that are in the bands by now
	ownMax    int          // so many own texts are reason to look which are still needed
	dissolved []cell.Range // array formulas that edits replaced, as they were then: SameArrays
	spills    []spill      // what dynamic arrays fill, where it is not as it was read: see spill.go
	wide      []spill      // those of spills that fill more than one cell
	tallest   int          // the most rows that one of wide fills

	used         cell.Range
	hasCells     bool
	cells        int
	filled       int
	formulaCells int
	valueless    int // of these, as the sheet was read
	firstRow     int
	loadedRows   int
}

// Used is the smallest range that holds every stored cell, and whether there is any.
// A sheet that is loaded from the top, but not whole, gives the range that its file
// declares; a page out of the middle gives that of the whole sheet.
func (s *Sheet) Used() (r cell.Range, ok bool) { return s.used, s.hasCells }

// StoredCells is the number of stored cells, those with only a style included.
func (s *Sheet) StoredCells() int { return s.cells }

// FilledCells is the number of cells with a value or a formula.
func (s *Sheet) FilledCells() int { return s.filled }

// FormulaCells is the number of cells with a formula.
func (s *Sheet) FormulaCells() int { return s.formulaCells }

// Valueless is the number of cells with a formula of which the file had no value: programs
// that write workbooks without calculating them leave it out. It is about the sheet as it was
// read and stays what it was in edited versions.
func (s *Sheet) Valueless() int { return s.valueless }

// FirstLoadedRow says from where on the sheet is complete: 0 but for a page out of the
// middle, which of the cells above has those of row 0 only.
func (s *Sheet) FirstLoadedRow() int { return s.firstRow }

// LoadedRows says how far the sheet is complete: every cell from FirstLoadedRow on and
// above that row is there. It is cell.MaxRows where no cell below is missing.
func (s *Sheet) LoadedRows() int { return s.loadedRows }

// Complete reports whether the sheet is loaded whole.
func (s *Sheet) Complete() bool { return s.firstRow == 0 && s.loadedRows >= cell.MaxRows }

func (s *Sheet) band(row int) *Band {
	if i := row >> bandShift; uint(i) < uint(len(s.bands)) {
		return s.bands[i]
	}
	return nil
}

// At gives the cell at r, and whether it is stored.
func (s *Sheet) At(r cell.Ref) (Cell, bool) {
	if !r.Valid() {
		return Cell{Ref: r, formula: -1}, false
	}
	if len(s.over) > 0 {
		if i, ok := s.patchAt(r); ok {
			return s.patched(i), !s.over[i].removed
		}
	}
	k := s.band(r.Row).chunk(r.Col)
	if k == nil {
		return Cell{Ref: r, formula: -1}, false
	}
	return s.cellAt(k, r)
}

func (s *Sheet) cellAt(k *Chunk, r cell.Ref) (Cell, bool) {
	o := uint16(r.Row & (BandRows - 1))
	i, ok := k.find(o)
	if !ok {
		return Cell{Ref: r, formula: -1}, false
	}
	c := Cell{Ref: r, Value: s.decode(k.tagAt(i), k.payloadAt(i)), Style: k.styleAt(i), formula: -1}
	if f, ok := k.formulaAt(o); ok {
		c.formula = int32(f)
	}
	return c, true
}

// Value gives the value at r, blank where nothing is stored.
func (s *Sheet) Value(r cell.Ref) cell.Value {
	if len(s.over) > 0 || !r.Valid() {
		c, _ := s.At(r)
		return c.Value
	}
	k := s.band(r.Row).chunk(r.Col)
	if k == nil {
		return cell.Value{}
	}
	i, ok := k.find(uint16(r.Row & (BandRows - 1)))
	if !ok {
		return cell.Value{}
	}
	return s.decode(k.tagAt(i), k.payloadAt(i))
}

// Cells yields the stored cells of r in row-major order, each row from left to right.
// Rows without cells cost nothing.
func (s *Sheet) Cells(r cell.Range) iter.Seq[Cell] {
	if s.patchedBetween(r.First.Row, r.Last.Row) {
		return s.overlaid(s.storedCells(r), r)
	}
	return s.storedCells(r)
}

// storedCells is Cells of the bands.
func (s *Sheet) storedCells(r cell.Range) iter.Seq[Cell] {
	return func(yield func(Cell) bool) {
		for row := range s.storedRows(r.First.Row, r.Last.Row) {
			b := s.band(row)
			for i := b.search(r.First.Col); i < len(b.cols) && int(b.cols[i]) <= r.Last.Col; i++ {
				c, ok := s.cellAt(b.chunks[i], cell.Ref{Row: row, Col: int(b.cols[i])})
				if ok && !yield(c) {
					return
				}
			}
		}
	}
}

// Column yields the stored cells of one column between two rows, both included, from
// top to bottom. It looks at nothing but that column.
func (s *Sheet) Column(col, firstRow, lastRow int) iter.Seq[Cell] {
	// A literal that is returned as it is can be compiled into the loops of callers: so the
	// patches are asked for in here.
	return func(yield func(Cell) bool) {
		if s.patchedBetween(firstRow, lastRow) {
			r := cell.Range{First: cell.Ref{Row: firstRow, Col: col}, Last: cell.Ref{Row: lastRow, Col: col}}
			s.overlaid(s.storedColumn(col, firstRow, lastRow), r)(yield)
			return
		}
		lastRow = min(lastRow, len(s.bands)<<bandShift-1)
		for n := max(firstRow, 0) >> bandShift; n <= lastRow>>bandShift && n < len(s.bands); n++ {
			k := s.bands[n].chunk(col)
			if k == nil {
				continue
			}
			base := n << bandShift
			for i := range k.n {
				row := base + int(k.row(i))
				if row < firstRow {
					continue
				}
				if row > lastRow {
					return
				}
				c := Cell{Ref: cell.Ref{Row: row, Col: col}, Value: s.decode(k.tagAt(i), k.payloadAt(i)), Style: k.styleAt(i), formula: -1}
				if f, ok := k.formulaAt(k.row(i)); ok {
					c.formula = int32(f)
				}
				if !yield(c) {
					return
				}
			}
		}
	}
}

// storedColumn is Column of the bands.
func (s *Sheet) storedColumn(col, firstRow, lastRow int) iter.Seq[Cell] {
	bare := *s
	bare.over = nil
	return bare.Column(col, firstRow, lastRow)
}

// OccupiedRows yields, ascending, the rows between first and last, both included,
// that have a stored cell.
func (s *Sheet) OccupiedRows(first, last int) iter.Seq[int] {
	if s.patchedBetween(first, last) {
		return s.overlaidRows(first, last)
	}
	return s.storedRows(first, last)
}

// storedRows is OccupiedRows of the bands.
func (s *Sheet) storedRows(first, last int) iter.Seq[int] {
	return func(yield func(int) bool) {
		first = max(first, 0)
		for n := first >> bandShift; n < len(s.bands) && n<<bandShift <= last; n++ {
			b := s.bands[n]
			if b == nil {
				continue
			}
			for w, word := range b.occupied {
				for word != 0 {
					row := n<<bandShift + w<<6 + bits.TrailingZeros64(word)
					word &= word - 1
					if row < first {
						continue
					}
					if row > last || !yield(row) {
						return
					}
				}
			}
		}
	}
}

// OccupiedCols yields, ascending, the columns that have a stored cell in any row of
// the bands between two rows: a cheap superset of the columns in use there.
func (s *Sheet) OccupiedCols(firstRow, lastRow int) []int {
	var seen [cell.MaxCols / 64]uint64
	for n := max(firstRow, 0) >> bandShift; n < len(s.bands) && n<<bandShift <= lastRow; n++ {
		if b := s.bands[n]; b != nil {
			for _, c := range b.cols {
				seen[c>>6] |= 1 << (c & 63)
			}
		}
	}
	for _, p := range s.patchesBetween(max(firstRow, 0), lastRow) {
		if !p.removed {
			seen[p.col>>6] |= 1 << (p.col & 63)
		}
	}
	var cols []int
	for w, word := range seen {
		for ; word != 0; word &= word - 1 {
			cols = append(cols, w<<6+bits.TrailingZeros64(word))
		}
	}
	return cols
}

// MemoryBytes is about what the sheet keeps alive, without the workbook's shared strings.
func (s *Sheet) MemoryBytes() int64 {
	n := int64(8*len(s.bands)) + s.texts.MemoryBytes() + s.formulas.memoryBytes() + s.Layout.memoryBytes() + s.overBytes(new(Sheet))
	for _, b := range s.bands {
		n += b.memoryBytes(nil)
	}
	return n
}

// MemoryOver is about what s keeps alive besides what it shares with base, of which it is
// an edited version: what one version more costs.
func (s *Sheet) MemoryOver(base *Sheet) int64 {
	if s == base {
		return 0
	}
	n := int64(sheetOverhead) + s.overBytes(base)
	if s.formulas != base.formulas {
		n += s.formulas.memoryBytes()
	}
	if len(s.bands) > 0 && (len(base.bands) == 0 || &s.bands[0] != &base.bands[0]) {
		n += int64(8 * len(s.bands))
		for i, b := range s.bands {
			var old *Band
			if i < len(base.bands) {
				old = base.bands[i]
			}
			if b != old {
				n += b.memoryBytes(old)
			}
		}
	}
	return n
}

// sheetOverhead is the size of a Sheet in bytes.
const sheetOverhead = 256

// memoryBytes counts b without the chunks that it shares with old.
func (b *Band) memoryBytes(old *Band) int64 {
	if b == nil {
		return 0
	}
	n := 128 + int64(10*len(b.cols))
	for i, k := range b.chunks {
		if old.chunk(int(b.cols[i])) != k {
			n += k.memoryBytes()
		}
	}
	return n
}

// memoryBytes counts what grows with a file: a fixed size for each entry.
func (l *Layout) memoryBytes() int64 {
	n := 512 + 32*len(l.Merges) + 48*(len(l.Columns)+len(l.Rows)) + 128*len(l.Hyperlinks)
	for _, c := range l.Comments {
		n += 64 + len(c.Text)
	}
	for _, v := range l.Validations {
		n += 256 + 32*len(v.Ranges) + len(v.Formula1) + len(v.Formula2)
	}
	for _, f := range l.Conditional {
		n += 160 + 32*len(f.Ranges)
	}
	return int64(n)
}
