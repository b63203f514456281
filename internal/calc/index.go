package calc

import (
	"slices"
	"sync"

	"gridflow/internal/calc/fn"
	"gridflow/internal/calc/graph"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/numfmt"
)

// What lookups and criteria find in a column is indexed when the column is searched for the
// fourth time. An index is made of the chunks of a sheet, which say which column it is of: a
// later calculation, of this version of the workbook or of another, uses it again where the chunks are
// the same. The cells that are others than in the chunks, since edits lie over them or
// they were calculated, are few, and looked at one by one.

// columnKey is a part of a column.
type columnKey struct{ sheet, col, first, last int }

// index is an index as a calculation uses it.
type index struct {
	*fn.ColumnIndex
	odd []int32 // places, ascending, of cells that may hold something else than the index says
}

// sought is a column as a worker searched it.
type sought struct {
	times  int
	index  *index
	picked int // cells that were picked of it
}

const (
	scans   = 3  // searches of a column before an index of it is made
	rowsMin = 64 // of a column that is indexed
	oddMax  = 64 // so many cells, or a part of the column, may be others than in the index
	oddPart = 256
	heldMax = 1 << 12 // columns that a worker remembers
)

// keptMax bounds the bytes of the indexes that are kept between calculations.
const keptMax = 64 << 20

// kept is the indexes that are kept between calculations. It may be used from any number of
// goroutines.
type kept struct {
	mu    sync.Mutex
	of    map[keptKey]*keptIndex
	bytes int64
}

type keptKey struct {
	columnKey
	dates numfmt.DateSystem
}

type keptIndex struct {
	chunks []*grid.Chunk
	index  *fn.ColumnIndex
}

func newKept() *kept { return &kept{of: map[keptKey]*keptIndex{}} }

// IndexBytes is about what the indexes take that calculations of this model, and of those that
// it was made from or that were made from it, left for the next ones.
func (m *Model) IndexBytes() int64 {
	m.kept.mu.Lock()
	defer m.kept.mu.Unlock()
	return m.kept.bytes
}

// get gives the index of a column of a sheet, if there is one.
func (k *kept) get(key keptKey, s *grid.Sheet) *fn.ColumnIndex {
	k.mu.Lock()
	defer k.mu.Unlock()
	x := k.of[key]
	if x == nil {
		return nil
	}
	for i, c := range x.chunks {
		if s.Chunk(key.col, key.first/grid.BandRows+i) != c {
			return nil
		}
	}
	return x.index
}

// put keeps an index, and others no longer where they become too large.
func (k *kept) put(key keptKey, x *keptIndex) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if old := k.of[key]; old != nil {
		k.bytes -= old.bytes()
	}
	k.of[key] = x
	k.bytes += x.bytes()
	for other, old := range k.of {
		if k.bytes <= keptMax {
			break
		}
		if other != key {
			delete(k.of, other)
			k.bytes -= old.bytes()
		}
	}
	if k.bytes > keptMax {
		delete(k.of, key)
		k.bytes -= x.bytes()
	}
}

func (x *keptIndex) bytes() int64 { return x.index.Bytes() + 8*int64(len(x.chunks)) }

// column gives the key of a column; ok is false where the area is not one, or has too few cells.
func (w *worker) column(a fn.Area) (k columnKey, ok bool) {
	if a.Sheet < 0 || a.Sheet >= len(w.c.sheets) || a.Range.First.Col != a.Range.Last.Col {
		return k, false
	}
	s := w.c.sheets[a.Sheet]
	if s.empty || a.Range.First.Col >= len(s.cols) {
		return k, false
	}
	k = columnKey{a.Sheet, a.Range.First.Col, a.Range.First.Row, min(a.Range.Last.Row, s.used.Last.Row)}
	return k, k.last-k.first >= rowsMin
}

// search gives the index of a column, nil where there is none.
func (w *worker) search(a fn.Area) *index {
	k, ok := w.column(a)
	if !ok {
		return nil
	}
	x := w.sought(k)
	if x.index == nil {
		x.times++
		x.index = w.c.index(k, x.times > scans)
	}
	return x.index
}

// sought gives what the worker remembers of a column.
func (w *worker) sought(k columnKey) *sought {
	x := w.columns[k]
	if x == nil {
		if w.columns == nil || len(w.columns) >= heldMax {
			w.columns = map[columnKey]*sought{}
		}
		x = &sought{}
		w.columns[k] = x
	}
	return x
}

// searchedRows gives how many rows a column among the ranges has of which an index is kept, 0 where there is none: of that
// and of the columns beside it few cells are looked at.
func (c *calculation) searchedRows(reads []graph.Area) int {
	for _, a := range reads {
		s := c.sheets[a.Sheet]
		if s.from == nil || s.empty || a.Range.Cols() > 1 {
			continue
		}
		k := columnKey{a.Sheet, a.Range.First.Col, a.Range.First.Row, min(a.Range.Last.Row, s.used.Last.Row)}
		if c.m.kept.get(keptKey{k, c.in.Book.Dates}, s.from) != nil {
			return a.Range.Rows()
		}
	}
	return 0
}

// index gives the index of a column, which is made only where it is asked to.
func (c *calculation) index(k columnKey, make bool) *index {
	c.indexing.Lock()
	defer c.indexing.Unlock()
	if x := c.indexes[k]; x != nil {
		return x
	}
	s := c.sheets[k.sheet]
	key := keptKey{k, c.in.Book.Dates}
	var base *fn.ColumnIndex
	if s.from != nil {
		base = c.m.kept.get(key, s.from)
	}
	if base == nil && !make {
		return nil
	}
	odd, few, ok := s.odd(k)
	switch {
	case !ok || !few && !make:
		return nil
	case !few:
		base, odd = s.indexed(k, c.in.Book.Dates), nil
	case base == nil:
		x := s.chunks(k, c.in.Book.Dates)
		c.m.kept.put(key, x)
		base = x.index
	}
	x := &index{base, odd}
	c.indexes[k] = x
	return x
}

// bands calls f for the bands of a column with the rows in each, until it gives false.
func (k columnKey) bands(f func(band, first, last int) bool) {
	for band := k.first / grid.BandRows; band <= k.last/grid.BandRows; band++ {
		top := band * grid.BandRows
		if !f(band, max(k.first-top, 0), min(k.last-top, grid.BandRows-1)) {
			return
		}
	}
}

// odd gives the places of a column that may hold something else than the chunks of the sheet,
// and whether they are few. ok is false where a cell is not calculated.
func (s *sheetTiles) odd(k columnKey) (odd []int32, few, ok bool) {
	few, ok = s.from != nil, true
	k.bands(func(band, first, last int) bool {
		top := band*grid.BandRows - k.first
		t := s.there(k.col, band) // a tile that nobody asked for has nothing to be calculated
		if t != nil && t.todo != nil && t.todo.left.Load() > 0 {
			for _, x := range t.todo.state[first : last+1] {
				if x != clean {
					ok = false
					return false
				}
			}
			few = false // others may be at the cells around: what changed is not to be looked at
		}
		if few {
			for row := range s.from.Patched(k.col, band) {
				if i := row % grid.BandRows; i >= first && i <= last {
					odd = append(odd, int32(top+i))
				}
			}
			for i := first; i <= last && t != nil; i++ {
				if t.changed[i/64] == 0 {
					i |= 63
				} else if t.changed[i/64]&(1<<(i%64)) != 0 {
					odd = append(odd, int32(top+i))
				}
			}
			few = len(odd) <= max(oddMax, (k.last-k.first)/oddPart)
		}
		return true
	})
	slices.Sort(odd)
	return slices.Compact(odd), few, ok
}

// indexed makes the index of a column as it was calculated.
func (s *sheetTiles) indexed(k columnKey, dates numfmt.DateSystem) *fn.ColumnIndex {
	x := fn.NewColumnIndex(k.last-k.first+1, dates)
	k.bands(func(band, first, last int) bool {
		if t := s.tile(k.col, band); t != nil && t != nothing {
			for i := first; i <= last; i++ {
				x.Add(band*grid.BandRows+i-k.first, t.at(i))
			}
		}
		return true
	})
	x.Finish()
	return x
}

// chunks makes the index of a column as the chunks of the sheet have it.
func (s *sheetTiles) chunks(k columnKey, dates numfmt.DateSystem) *keptIndex {
	x := &keptIndex{index: fn.NewColumnIndex(k.last-k.first+1, dates)}
	k.bands(func(band, first, last int) bool {
		c := s.from.Chunk(k.col, band)
		x.chunks = append(x.chunks, c)
		if c == nil {
			return true
		}
		t := &tile{}
		if texts := s.from.Unpack(c, &t.kinds, &t.nums); texts != nil {
			t.texts.Store(texts)
		}
		for i := first; i <= last; i++ {
			x.index.Add(band*grid.BandRows+i-k.first, t.at(i))
		}
		return true
	})
	x.index.Finish()
	return x
}

// Exact finds a value in a column.
func (w *worker) Exact(column fn.Area, v cell.Value, last bool) (found int, ok bool) {
	x := w.search(column)
	if x == nil {
		return 0, false
	}
	found = -1
	at := func(place int32) bool {
		r := cell.Ref{Row: column.Range.First.Row + int(place), Col: column.Range.First.Col}
		return fn.SameCell(w.Value(column.Sheet, r), v)
	}
	list := x.Find(v)
	for i := range list {
		place := list[i]
		if last {
			place = list[len(list)-1-i]
		}
		if at(place) { // also of an odd one: it is what is there that counts
			found = int(place)
			break
		}
	}
	for _, place := range x.odd {
		if better := found < 0 || int(place) < found != last; better && at(place) {
			found = int(place)
		}
	}
	return found, true
}

// Candidates finds the cells of a column that may equal a value.
func (w *worker) Candidates(column fn.Area, v cell.Value) (places []int32, exact, ok bool) {
	x := w.search(column)
	if x == nil {
		return nil, false, false
	}
	list := x.Find(v)
	if len(x.odd) > 0 {
		w.places = append(append(w.places[:0], list...), x.odd...)
		slices.Sort(w.places)
		list = slices.Compact(w.places)
	}
	return list, len(x.odd) == 0 && x.ColumnIndex.Exact(v), true
}

// Pick reads cells of a column. As long as a worker picks fewer cells than the column has they are read where
// they are stored: to unpack the column would cost more than all of them. That is no more than twice the work of
// who knew how many there will be.
func (w *worker) Pick(column fn.Area, places []int32, r *fn.Run) {
	n := len(places)
	r.Row, r.Col = column.Range.First.Row, column.Range.First.Col
	r.Kinds, r.Nums = slices.Grow(r.Kinds[:0], n)[:n], slices.Grow(r.Nums[:0], n)[:n]
	texts := r.Texts[:0]
	s := w.c.sheets[column.Sheet]
	stored := w.stored(column, n)
	t, band := (*tile)(nil), -1
	for j, place := range places {
		row := r.Row + int(place)
		if b := row / grid.BandRows; b != band {
			if band = b; stored {
				t = s.asked(r.Col, b)
			} else {
				t = s.tile(r.Col, b)
			}
		}
		text := ""
		switch i := row % grid.BandRows; {
		case t != nil:
			if !t.isClean(i) {
				w.need(placeOf(column.Sheet, row, r.Col), t, i)
			}
			if r.Kinds[j], r.Nums[j] = t.kinds[i], t.nums[i]; r.Kinds[j] == cell.Text {
				text = t.texts.Load()[i]
			}
		case stored: // a tile that nobody asked for has nothing to be calculated
			v := s.from.Value(cell.Ref{Row: row, Col: r.Col})
			r.Kinds[j], r.Nums[j], text = v.Kind(), v.Payload(), v.Text()
		default:
			r.Kinds[j], r.Nums[j] = cell.Blank, 0
		}
		if r.Kinds[j] == cell.Text {
			for len(texts) < n {
				texts = append(texts, "")
			}
			texts[j] = text
		}
	}
	r.Texts = texts
}

// stored reports whether n cells more of a column are to be picked where they are stored.
func (w *worker) stored(column fn.Area, n int) bool {
	k, ok := w.column(column)
	if !ok || w.c.sheets[k.sheet].from == nil {
		return false
	}
	x := w.sought(k)
	if x.picked > k.last-k.first {
		return false
	}
	x.picked += n
	return true
}

func placeOf(sheet, row, col int) place { return place{sheet, cell.Ref{Row: row, Col: col}} }

// runningSums are the sums of a column from one cell to the end of each band.
type runningSums struct {
	ends []subtotal // from one band to the next
	next int        // the row behind the last sum, and that sum; 0 where there was none
	sum  subtotal
}

type subtotal struct {
	total float64
	count int
	code  cell.ErrorCode
}

// add goes on with cells of a tile, until one is an error.
func (s *subtotal) add(t *tile, first, last int) {
	for i, k := range t.kinds[first : last+1] {
		switch k {
		case cell.Number:
			s.total += t.nums[first+i]
			s.count++
		case cell.Error:
			s.code = cell.ErrorCode(t.nums[first+i])
			return
		}
	}
}

// Sum adds up a column. The sums up to the end of each band are kept: columns that begin with
// the same cell share them. They are what adding one number after another gives, so that
// whether they were there does not show.
func (w *worker) Sum(column fn.Area) (total float64, count int, code cell.ErrorCode, ok bool) {
	k, ok := w.column(column)
	if !ok || k.last-k.first < grid.BandRows {
		return 0, 0, 0, false
	}
	s := w.c.sheets[k.sheet]
	start := columnKey{k.sheet, k.col, k.first, 0}
	r := w.sums[start]
	if r == nil {
		if w.sums == nil || len(w.sums) >= heldMax {
			w.sums = map[columnKey]*runningSums{}
		}
		r = &runningSums{}
		w.sums[start] = r
	}
	var sum subtotal
	from := k
	if n := min(len(r.ends), (k.last+1)/grid.BandRows-k.first/grid.BandRows); n > 0 {
		sum = r.ends[n-1]
		from.first = (k.first/grid.BandRows + n) * grid.BandRows
	}
	if r.next > from.first && r.next <= k.last+1 { // as in sums that grow
		sum, from.first = r.sum, r.next
	}
	if from.first > k.last || sum.code != 0 {
		return sum.total, sum.count, sum.code, true
	}
	keep := true
	from.bands(func(band, first, last int) bool {
		if t := s.tile(k.col, band); t != nil && t != nothing {
			if t.todo != nil && t.todo.left.Load() > 0 {
				for i := first; i <= last; i++ {
					if t.todo.state[i] != clean {
						w.need(placeOf(k.sheet, band*grid.BandRows+i, k.col), t, i)
						if w.put != nil {
							return false
						}
						keep = keep && t.todo.state[i] == clean // else it depends on itself
					}
				}
			}
			sum.add(t, first, last)
		}
		if keep && last == grid.BandRows-1 && len(r.ends) == band-k.first/grid.BandRows {
			r.ends = append(r.ends, sum)
		}
		return sum.code == 0
	})
	if keep && w.put == nil {
		r.next, r.sum = k.last+1, sum
	}
	return sum.total, sum.count, sum.code, true
}
