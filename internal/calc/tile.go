package calc

import (
	"sync/atomic"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// tile is one column of one band, unpacked. Each of its cells is calculated by one goroutine, while
// others calculate other ones and may read cells that are calculated.
type tile struct {
	kinds [grid.BandRows]cell.Kind
	nums  [grid.BandRows]float64
	texts atomic.Pointer[[grid.BandRows]string] // nil as long as there is none

	todo    *todo                      // what of it is to be calculated; nil where nothing is
	changed [grid.BandRows / 64]uint64 // which cells have other values than the sheet; written to by note
}

// state is how far a cell with a formula is.
type state uint8

const (
	clean   state = iota
	dirty         // to be calculated
	running       // being calculated, further up
	waiting       // put off until what it needs is calculated
)

// todo is the cells of a tile that are to be calculated.
type todo struct {
	left  atomic.Int32 // how many there are still
	state [grid.BandRows]state
	// by says which of the calculation's formulas gives the value of a cell: its number, from
	// 1 on, or, negative, that of an array formula that stands elsewhere.
	by [grid.BandRows]int32
}

// at gives the value in a row of the band.
func (t *tile) at(i int) cell.Value {
	text := ""
	if t.kinds[i] == cell.Text {
		text = t.texts.Load()[i]
	}
	return cell.ValueOf(t.kinds[i], t.nums[i], text)
}

// set puts a value and reports whether it is another one.
func (t *tile) set(i int, v cell.Value) bool {
	if t.at(i) == v {
		return false
	}
	t.kinds[i], t.nums[i] = v.Kind(), v.Payload()
	if v.Kind() == cell.Text {
		texts := t.texts.Load()
		if texts == nil {
			texts = new([grid.BandRows]string)
			if !t.texts.CompareAndSwap(nil, texts) {
				texts = t.texts.Load()
			}
		}
		texts[i] = v.Text()
	}
	t.note(i, true)
	return true
}

// note says that a cell has another value. With shared other goroutines may be at cells around.
func (t *tile) note(i int, shared bool) {
	if shared {
		atomic.OrUint64(&t.changed[i/64], 1<<(i%64))
	} else {
		t.changed[i/64] |= 1 << (i % 64)
	}
}

// sheetTiles are the tiles of a sheet.
type sheetTiles struct {
	from   *grid.Sheet
	memory *memory
	used   cell.Range // outside of it the sheet has nothing
	empty  bool
	cols   []atomic.Pointer[columnTiles]
}

type columnTiles struct{ bands []atomic.Pointer[tile] }

// nothing is the tile of a band that has no cell in its column.
var nothing = new(tile)

func newSheetTiles(s *grid.Sheet) *sheetTiles {
	t := &sheetTiles{from: s, empty: true}
	if s != nil {
		if used, ok := s.Used(); ok {
			t.used, t.empty = used, false
			t.cols = make([]atomic.Pointer[columnTiles], t.used.Last.Col+1)
		}
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
		} else if t != nothing {
			s.memory.take(tileBytes)
			if t.texts.Load() != nil {
				s.memory.take(textBytes)
			}
		}
	}
	return t
}

// there gives the tile of a band of a column if it was unpacked and has a cell, else nil.
func (s *sheetTiles) there(col, band int) *tile {
	if t := s.asked(col, band); t != nothing {
		return t
	}
	return nil
}

// asked gives the tile of a band of a column as far as somebody asked for it: nil where nobody did.
func (s *sheetTiles) asked(col, band int) *tile {
	if col >= len(s.cols) {
		return nil
	}
	c := s.cols[col].Load()
	if c == nil || band >= len(c.bands) {
		return nil
	}
	return c.bands[band].Load()
}

// unpack reads a tile from the sheet.
func (s *sheetTiles) unpack(col, band int) *tile {
	if s.from == nil {
		return nothing
	}
	var t *tile
	if k := s.from.Chunk(col, band); k != nil {
		t = new(tile)
		if texts := s.from.Unpack(k, &t.kinds, &t.nums); texts != nil {
			t.texts.Store(texts)
		}
	}
	for row := range s.from.Patched(col, band) {
		if t == nil {
			t = new(tile)
		}
		t.set(row%grid.BandRows, s.from.Value(cell.Ref{Row: row, Col: col}))
	}
	if t == nil {
		return nothing
	}
	t.changed = [grid.BandRows / 64]uint64{}
	return t
}

// grow makes room for cells outside of what was used. Only one goroutine may be at work.
func (s *sheetTiles) grow(r cell.Range) {
	if !s.empty && s.used.ContainsRange(r) {
		return
	}
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
		s.memory.take(tileBytes)
	}
	return t
}

// toDo gives the tile of a cell that is to be calculated. Only one goroutine may be at work on
// a tile, and only where grow made room for the cell before may there be others at all.
func (s *sheetTiles) toDo(at cell.Ref) *tile {
	t := s.own(at)
	if t.todo == nil {
		t.todo = new(todo)
		s.memory.take(todoBytes)
	}
	return t
}

// each calls f for every tile that was unpacked.
func (s *sheetTiles) each(f func(col, band int, t *tile)) {
	for col := range s.cols {
		c := s.cols[col].Load()
		if c == nil {
			continue
		}
		for band := range c.bands {
			if t := c.bands[band].Load(); t != nil && t != nothing {
				f(col, band, t)
			}
		}
	}
}

// mark says that formula number by is to be calculated for a cell of a tile that toDo gave.
func (t *tile) mark(i int, by int32) {
	if t.todo.state[i] == clean {
		t.todo.left.Add(1)
	}
	t.todo.state[i], t.todo.by[i] = dirty, by
}

// markRows does so for rows from one to another.
func (t *tile) markRows(first, last int, by int32) {
	states, forms := t.todo.state[first:last+1], t.todo.by[first:last+1]
	count := int32(0)
	for i := range states {
		if states[i] == clean {
			count++
		}
		states[i], forms[i] = dirty, by
	}
	t.todo.left.Add(count)
}

// settleRows marks rows from one to another as calculated.
func (t *tile) settleRows(first, last int) {
	states, count := t.todo.state[first:last+1], int32(0)
	for i := range states {
		if states[i] != clean {
			count++
		}
	}
	clear(states)
	t.todo.left.Add(-count)
}

// put is set for a number, or a logical value as 0 or 1.
func (t *tile) put(i int, k cell.Kind, f float64, shared bool) {
	if t.kinds[i] != k || t.nums[i] != f {
		t.kinds[i], t.nums[i] = k, f
		t.note(i, shared)
	}
}

// putRows is put for rows that follow one another. Others may be at cells around.
func (t *tile) putRows(first int, k cell.Kind, list []float64) {
	for len(list) > 0 {
		n := min(64-first%64, len(list)) // rows that have a word of changed in common
		kinds, nums, changed := t.kinds[first:first+n], t.nums[first:first+n], uint64(0)
		for i, f := range list[:n] {
			if kinds[i] != k || nums[i] != f {
				kinds[i], nums[i] = k, f
				changed |= 1 << i
			}
		}
		if changed != 0 {
			atomic.OrUint64(&t.changed[first/64], changed<<(first%64))
		}
		first, list = first+n, list[n:]
	}
}

// isClean reports whether the value of a cell is true.
func (t *tile) isClean(i int) bool { return t.todo == nil || t.todo.state[i] == clean }

// settle marks a cell as calculated.
func (t *tile) settle(i int) {
	if t.todo != nil && t.todo.state[i] != clean {
		t.todo.state[i] = clean
		t.todo.left.Add(-1)
	}
}
