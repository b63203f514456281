package grid

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"sync"

	"gridflow/internal/cell"
)

// ErrRowOrder is returned by a Builder that is given a cell of a band that is already
// sealed. A reader that meets it starts again with a sorted pass.
var ErrRowOrder = errors.New("rows are not in ascending order")

// Builder makes a Sheet from cells that come in row order. It is used by one
// goroutine; the sheets that Sheet gives out on the way are immutable and may be read
// by others while it goes on.
//
// Within a band the order does not matter and a cell may be given twice, the later
// one counting; a cell above the current band is refused with ErrRowOrder.
type Builder struct {
	name   string
	layout *Layout
	bands  []*Band

	pending map[int]pendingBand // bands put aside, in a builder that takes any order

	row     int // of the cell put last
	band    int // number of the band being built
	cols    []*column
	present []uint16 // columns with cells in the band being built, in order of arrival
	messy   bool     // some column got a row twice or out of order
	free    []*column
	cells   int

	texts    StringsBuilder
	formulas formulas
	ftexts   StringsBuilder

	used         cell.Range
	hasCells     bool
	filled       int
	formulaCells int
	valueless    int

	maxShared int64 // highest shared-string index in a sealed band, -1 for none
}

// NewBuilder starts a sheet.
func NewBuilder(name string) *Builder {
	return &Builder{name: name, layout: &Layout{}, maxShared: -1, row: -1}
}

// AnyOrder lets cells come in any order: bands are sealed only at the end, which takes
// the memory of all cells unpacked. It is to be called before the first cell.
func (b *Builder) AnyOrder() { b.pending = make(map[int]pendingBand) }

// pendingBand is a band that was put aside for cells of another.
type pendingBand struct {
	cols    []*column
	present []uint16
	messy   bool
}

// turnTo puts the current band aside and takes up band n.
func (b *Builder) turnTo(n int) {
	if len(b.present) > 0 {
		b.pending[b.band] = pendingBand{b.cols, b.present, b.messy}
	}
	p := b.pending[n]
	delete(b.pending, n)
	b.band, b.cols, b.present, b.messy, b.row = n, p.cols, p.present, p.messy, -1
}

// Number stores a number at r. A NaN or an infinity, which no cell can hold, becomes #NUM!.
func (b *Builder) Number(r cell.Ref, style uint32, f float64) error {
	if i := int32(f); float64(i) == f && (i != 0 || !math.Signbit(f)) {
		return b.put(r, style, tagInt, uint64(uint32(i)))
	}
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return b.Error(r, style, cell.ErrNum)
	}
	return b.put(r, style, tagFloat, math.Float64bits(f))
}

// Int stores a small whole number at r; it is Number without the tests.
func (b *Builder) Int(r cell.Ref, style uint32, i int32) error {
	return b.put(r, style, tagInt, uint64(uint32(i)))
}

// Float stores a number that is neither infinite nor NaN at r; it is Number without the
// tests, and takes eight bytes even where the number is whole.
func (b *Builder) Float(r cell.Ref, style uint32, f float64) error {
	return b.put(r, style, tagFloat, math.Float64bits(f))
}

// Shared stores shared string i at r.
func (b *Builder) Shared(r cell.Ref, style, i uint32) error {
	return b.put(r, style, tagShared, uint64(i))
}

// Text stores a text of the sheet's own at r.
func (b *Builder) Text(r cell.Ref, style uint32, text []byte) error {
	i, ok := b.texts.Intern(text)
	if !ok {
		return errPoolFull
	}
	return b.put(r, style, tagText, uint64(i))
}

var errPoolFull = errors.New("the sheet's texts need more than 4 GiB")

// Bool stores a logical value at r.
func (b *Builder) Bool(r cell.Ref, style uint32, v bool) error {
	var p uint64
	if v {
		p = 1
	}
	return b.put(r, style, tagBool, p)
}

// Error stores an error value at r.
func (b *Builder) Error(r cell.Ref, style uint32, e cell.ErrorCode) error {
	return b.put(r, style, tagError, uint64(e))
}

// Blank stores a cell without a value at r: it has a style, or a formula to come.
func (b *Builder) Blank(r cell.Ref, style uint32) error {
	return b.put(r, style, tagBlank, 0)
}

// Value stores any value at r.
func (b *Builder) Value(r cell.Ref, style uint32, v cell.Value) error {
	switch v.Kind() {
	case cell.Number:
		return b.Number(r, style, v.Number())
	case cell.Text:
		return b.Text(r, style, []byte(v.Text()))
	case cell.Bool:
		return b.Bool(r, style, v.Bool())
	case cell.Error:
		return b.Error(r, style, v.Err())
	}
	return b.Blank(r, style)
}

// Again stores a cell that is like the one above it, and reports whether it is: where it
// is not, or where nothing else was stored in its row, nothing is stored. It is what put
// mostly does, and small enough to be compiled into the caller.
func (b *Builder) Again(row, col int, like Likeness, payload uint64) bool {
	if uint(col) >= uint(len(b.cols)) || row != b.row {
		return false
	}
	c := b.cols[col]
	if c == nil || c.next != uint16(row)&(BandRows-1) || c.alike != like {
		return false
	}
	c.next++
	c.payload = append(c.payload, payload)
	return true
}

func (b *Builder) put(r cell.Ref, style uint32, t tag, payload uint64) error {
	if r.Row>>bandShift != b.band || uint(r.Col) >= uint(len(b.cols)) || b.cols[r.Col] == nil {
		if err := b.reach(r); err != nil {
			return err
		}
	}
	c := b.cols[r.Col]
	o := uint16(r.Row & (BandRows - 1))
	b.row = r.Row
	like := likeness(t, style)
	if o == c.next && like == c.alike {
		c.next = o + 1
		c.payload = append(c.payload, payload)
		return nil
	}
	if o < c.next {
		b.messy = true
	}
	c.add(o, like, payload)
	return nil
}

// reach makes the band of r the one that is being built, with a column for r.
func (b *Builder) reach(r cell.Ref) error {
	if !r.Valid() {
		return fmt.Errorf("cell %d,%d is outside of a worksheet", r.Row+1, r.Col+1)
	}
	if n := r.Row >> bandShift; n != b.band {
		switch {
		case b.pending != nil:
			b.turnTo(n)
		case n < b.band:
			return ErrRowOrder
		default:
			b.Seal()
			b.band = n
		}
	}
	b.column(r.Col)
	return nil
}

// columns recycles columns between builders, of which there is one for each sheet.
var columns = sync.Pool{New: func() any { return newColumn() }}

// column makes the column that collects col in the current band, if there is none.
func (b *Builder) column(col int) {
	if col < len(b.cols) {
		if b.cols[col] != nil {
			return
		}
	} else {
		b.cols = append(b.cols, make([]*column, col+1-len(b.cols))...)
	}
	var c *column
	if n := len(b.free); n > 0 {
		c, b.free = b.free[n-1], b.free[:n-1]
	} else {
		c = columns.Get().(*column)
	}
	b.cols[col] = c
	b.present = append(b.present, uint16(col))
}

// FormulaID names a formula that was added to a Builder.
type FormulaID uint32

// AddFormula adds a formula that one cell has (group -1) or that a group shares.
func (b *Builder) AddFormula(text []byte, group int) (FormulaID, error) {
	i, ok := b.ftexts.Append(text)
	if !ok {
		return 0, errPoolFull
	}
	b.formulas.list = append(b.formulas.list, formulaRecord{text: i, group: int32(group)})
	return FormulaID(len(b.formulas.list) - 1), nil
}

// AddGroup adds what the cells of a shared, array or data-table formula have in common.
func (b *Builder) AddGroup(kind FormulaKind, anchor cell.Ref, r cell.Range) (group int) {
	b.formulas.groups = append(b.formulas.groups, formulaGroup{kind, anchor, r})
	return len(b.formulas.groups) - 1
}

// SetFormula gives the cell at r, which was stored just before, a formula.
func (b *Builder) SetFormula(r cell.Ref, id FormulaID) {
	c := b.cols[r.Col]
	o := uint16(r.Row & (BandRows - 1))
	if n := len(c.formulaRows); n > 0 && c.formulaRows[n-1] >= o {
		b.messy = true
	}
	c.formulaRows = append(c.formulaRows, o)
	c.formulas = append(c.formulas, uint32(id))
	c.formulaCells = append(c.formulaCells, int32(len(c.payload)-1))
}

// Layout is the layout of the sheet, to be filled before the sheet is finished.
func (b *Builder) Layout() *Layout { return b.layout }

// Cells is the number of cells in sealed bands.
func (b *Builder) Cells() int { return b.cells }

// Seal packs the band that is being built. Further cells must lie below it.
func (b *Builder) Seal() {
	if len(b.present) == 0 {
		return
	}
	slices.Sort(b.present)
	band := &Band{cols: slices.Clone(b.present), chunks: make([]*Chunk, len(b.present))}
	lo, hi := uint16(BandRows), uint16(0)
	for i, col := range b.present {
		c := b.cols[col]
		if b.messy {
			c.tidy()
		}
		lo, hi = min(lo, c.runs[0].row), max(hi, c.next-1)
		b.formulaCells += len(c.formulaRows)
		blank := c.blankFormulas()
		b.filled, b.valueless = b.filled+blank, b.valueless+blank
		b.maxShared = max(b.maxShared, c.maxShared())
		band.chunks[i] = c.seal()
		k := band.chunks[i]
		band.cells += k.n
		b.filled += k.n - k.blanks()
		band.occupy(k)
		c.reset()
		b.cols[col] = nil
		b.free = append(b.free, c)
	}
	base := b.band << bandShift
	r := cell.Range{
		First: cell.Ref{Row: base + int(lo), Col: int(b.present[0])},
		Last:  cell.Ref{Row: base + int(hi), Col: int(b.present[len(b.present)-1])},
	}
	if b.hasCells {
		r = r.Union(b.used)
	}
	b.used, b.hasCells = r, true
	b.cells += band.cells
	b.present, b.messy, b.row = b.present[:0], false, -1
	b.bands = append(b.bands, make([]*Band, b.band+1-len(b.bands))...)
	b.bands[b.band] = band
	b.band++
}

// SealedRows is the number of rows from the top that are sealed.
func (b *Builder) SealedRows() int { return b.band << bandShift }

// SharedNeeded is the number of shared strings that the sealed bands point into.
func (b *Builder) SharedNeeded() int { return int(b.maxShared + 1) }

// Sheet gives what is sealed so far as a sheet that is complete up to SealedRows.
// shared must hold at least SharedNeeded strings, where the file has so many; declared
// is the range that the file says is used, nil where it does not say.
func (b *Builder) Sheet(shared *Strings, declared *cell.Range) *Sheet {
	layout := *b.layout
	s := &Sheet{
		Name: b.name, Layout: &layout, bands: b.bands[:len(b.bands):len(b.bands)], shared: shared, texts: b.texts.Pool(),
		used: b.used, hasCells: b.hasCells, cells: b.cells, filled: b.filled, formulaCells: b.formulaCells, valueless: b.valueless,
		loadedRows: b.SealedRows(),
	}
	list := b.formulas.list
	groups := b.formulas.groups
	s.formulas = &formulas{list: list[:len(list):len(list)], groups: groups[:len(groups):len(groups)], texts: b.ftexts.Pool()}
	if declared != nil {
		s.used, s.hasCells = *declared, true
		if b.hasCells {
			s.used = s.used.Union(b.used)
		}
	}
	return s
}

// Finish seals what is left and gives the whole sheet. The builder is spent.
func (b *Builder) Finish(shared *Strings) *Sheet {
	if b.pending != nil {
		b.turnTo(-1)
		for _, n := range slices.Sorted(maps.Keys(b.pending)) {
			b.turnTo(n)
			b.Seal()
		}
	}
	b.Seal()
	s := b.Sheet(shared, nil)
	s.bands = slices.Clip(s.bands)
	s.texts = b.texts.Finish()
	s.formulas.texts = b.ftexts.Finish()
	s.formulas.list = slices.Clone(s.formulas.list)
	s.loadedRows = cell.MaxRows
	b.recycle()
	return s
}

// FinishRows seals what is left and gives a sheet that is complete from row firstRow to
// above row loadedRows only. used, if not nil, is the range that the whole sheet uses.
// shared is as for Sheet, SharedNeeded being that after a Seal. The builder is spent.
func (b *Builder) FinishRows(shared *Strings, used *cell.Range, firstRow, loadedRows int) *Sheet {
	b.Seal()
	s := b.Sheet(shared, used)
	s.firstRow, s.loadedRows = firstRow, loadedRows
	b.recycle()
	return s
}

func (b *Builder) recycle() {
	for _, c := range b.free {
		columns.Put(c)
	}
	b.free = nil
}
