package calc

import (
	"sync/atomic"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// tile is one column of one band, unpacked. Its cells are written by whoever calculates
// them, and read by others only afterwards.
type tile struct {
	kinds [grid.BandRows]cell.Kind
	nums  [grid.BandRows]float64
	texts []string // by row; nil as long as there is none

	forms   *formulaTile // nil where no cell has a formula
	state   []state      // of the cells with formulas; nil where none is to be calculated
	todo    int          // how many are to be calculated
	changed [grid.BandRows / 64]uint64
}

// state is how far a cell with a formula is.
type state uint8

const (
	clean   state = iota
	dirty         // to be calculated
	running       // being calculated, further up
	waiting       // put off until what it needs is calculated
)

// at gives the value in a row of the band.
func (t *tile) at(i int) cell.Value {
	switch t.kinds[i] {
	case cell.Number:
		return cell.NumberValue(t.nums[i])
	case cell.Bool:
		return cell.BoolValue(t.nums[i] != 0)
	case cell.Error:
		return cell.ErrorValue(cell.ErrorCode(t.nums[i]))
	case cell.Text:
		return cell.TextValue(t.texts[i])
	}
	return cell.Value{}
}

// set puts a value and reports whether it is another one.
func (t *tile) set(i int, v cell.Value) bool {
	if t.at(i) == v {
		return false
	}
	k := v.Kind()
	t.kinds[i], t.nums[i] = k, v.Number()
	switch k {
	case cell.Error:
		t.nums[i] = float64(v.Err())
	case cell.Text:
		if t.texts == nil {
			t.texts = make([]string, grid.BandRows)
		}
		t.texts[i] = v.Text()
	}
	t.changed[i/64] |= 1 << (i % 64)
	return true
}

// sheetTiles are the tiles of a sheet.
type sheetTiles struct {
	from  *grid.Sheet
	forms *formulas
	used  cell.Range // outside of it the sheet has nothing
	empty bool
	cols  []atomic.Pointer[columnTiles]
}

type columnTiles struct{ bands []atomic.Pointer[tile] }

// nothing is the tile of a band that has no cell in its column.
var nothing = new(tile)

func newSheetTiles(s *grid.Sheet, f *formulas) *sheetTiles {
	t := &sheetTiles{from: s, forms: f, empty: true}
	if s != nil {
		if used, ok := s.Used(); ok {
			t.used, t.empty = used, false
		}
	}
	if f != nil && len(f.cols) > 0 {
		if t.empty {
			t.used = f.used
		} else {
			t.used = t.used.Union(f.used)
		}
		t.empty = false
	}
	if !t.empty {
		t.cols = make([]atomic.Pointer[columnTiles], t.used.Last.Col+1)
	}
	return t
}

// tile gives the tile of a band of a column, nil where nothing can be.
func (s *sheetTiles) tile(col, band int) *tile {
	if col >= len(s.cols) || band > s.used.Last.Row/grid.BandRows {
		return nil
	}
	c := s.cols[col].Load()
	if c == nil {
		c = &columnTiles{bands: make([]atomic.Pointer[tile], s.used.Last.Row/grid.BandRows+1)}
		if !s.cols[col].CompareAndSwap(nil, c) {
			c = s.cols[col].Load()
		}
	}
	if band >= len(c.bands) {
		return nil
	}
	t := c.bands[band].Load()
	if t == nil {
		t = s.unpack(col, band)
		if !c.bands[band].CompareAndSwap(nil, t) {
			t = c.bands[band].Load()
		}
	}
	return t
}

// unpack reads a tile from the sheet.
func (s *sheetTiles) unpack(col, band int) *tile {
	forms := s.forms.tile(col, band)
	var t *tile
	if forms != nil {
		t = &tile{forms: forms}
	}
	if s.from == nil {
		if t == nil {
			return nothing
		}
		return t
	}
	first := band * grid.BandRows
	for c := range s.from.Column(col, first, first+grid.BandRows-1) {
		if c.Value.IsBlank() {
			continue
		}
		if t == nil {
			t = new(tile)
		}
		t.set(c.Ref.Row-first, c.Value)
	}
	if t == nil {
		return nothing
	}
	t.changed = [grid.BandRows / 64]uint64{}
	return t
}

// grow makes room for cells outside of what was used. Only one goroutine may be at work.
func (s *sheetTiles) grow(r cell.Range) {
	if s.empty {
		s.used, s.empty = r, false
	} else {
		s.used = s.used.Union(r)
	}
	if n := s.used.Last.Col + 1; n > len(s.cols) {
		cols := make([]atomic.Pointer[columnTiles], n)
		for i := range s.cols {
			cols[i].Store(s.cols[i].Load())
		}
		s.cols = cols
	}
	bands := s.used.Last.Row/grid.BandRows + 1
	for i := range s.cols {
		if c := s.cols[i].Load(); c != nil && len(c.bands) < bands {
			more := &columnTiles{bands: make([]atomic.Pointer[tile], bands)}
			for b := range c.bands {
				more.bands[b].Store(c.bands[b].Load())
			}
			s.cols[i].Store(more)
		}
	}
}

// own gives the tile of a cell to be written, even where there was nothing. Only one
// goroutine may be at work.
func (s *sheetTiles) own(at cell.Ref) *tile {
	s.grow(cell.Range{First: at, Last: at})
	band := at.Row / grid.BandRows
	t := s.tile(at.Col, band)
	if t == nothing {
		t = new(tile)
		s.cols[at.Col].Load().bands[band].Store(t)
	}
	return t
}
