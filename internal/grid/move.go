package grid

// Rows and columns that are inserted and deleted.
//
// Cells lie where their band says, so that those below an inserted row come to lie in other chunks:
// they are put together anew, some nanoseconds a cell. What lies above is shared, and so are all chunks when
// columns move, which are only called otherwise then. Formulas are kept by numbers: where a text
// changes, its number stays, and where a shared formula falls to pieces, the pieces behind the first get new numbers.

import (
	"slices"

	"gridflow/internal/cell"
	"gridflow/internal/structure"
)

// Mover makes sheets what they are after one structural change. Versions of a sheet that go through
// the same Mover share afterwards what they have shared before. It is used by one goroutine.
type Mover struct {
	change structure.Change
	r      *structure.Rewriter

	sheets   map[sheetKey]*Sheet
	bands    map[bandKey]*Band
	formulas map[*formulas]*movedFormulas
}

// sheetKey is a sheet, and the one whose cells come to it, if cells do.
type sheetKey struct{ sheet, other *Sheet }

// NewMover starts a change that r knows.
func NewMover(r *structure.Rewriter) *Mover {
	return &Mover{change: r.Change(), r: r, sheets: map[sheetKey]*Sheet{}, bands: map[bandKey]*Band{}, formulas: map[*formulas]*movedFormulas{}}
}

// bandKey is what a band was made of. Own is the texts of edits where the band has formulas among them.
type bandKey struct {
	from [3]*Band
	n    int
	own  *textList
}

// Sheet gives a sheet after the change; own is its name before. The sheet must be whole, and what the
// change would push beyond the end of the sheet is not looked after: see structure.Contents. The
// sheet itself comes back if nothing of it changes.
func (m *Mover) Sheet(s *Sheet, own string) (*Sheet, error) {
	if !s.Complete() {
		return nil, &EditError{Reason: ErrPartial}
	}
	return m.once(sheetKey{s, nil}, own)
}

// Receive is Sheet for the one that cells move to from another sheet, which is from.
func (m *Mover) Receive(s, from *Sheet, own string) (*Sheet, error) {
	if !s.Complete() || !from.Complete() {
		return nil, &EditError{Reason: ErrPartial}
	}
	return m.once(sheetKey{s, from}, own)
}

func (m *Mover) once(key sheetKey, own string) (*Sheet, error) {
	if n := m.sheets[key]; n != nil {
		return n, nil
	}
	n, err := m.sheet(key.sheet, key.other, own)
	if err == nil {
		m.sheets[key] = n
	}
	return n, err
}

func (m *Mover) sheet(s, from *Sheet, own string) (*Sheet, error) {
	n := *s
	f := m.movedFormulas(s.formulas, own)
	n.formulas = f.to
	t := &renumbering{f: f, from: s.formulas.len(), to: f.to.len(), own: s.own}
	if err := t.rewriteOwn(s, func(text string) (string, bool) { return m.r.Formula(text, own) }); err != nil {
		return nil, err
	}
	n.own = t.own
	on := m.on(own)
	n.bands = m.movedBands(s, t, on)
	n.over = m.movedPatches(s, t, own, on)
	n.Layout = m.movedLayout(s.Layout, from, own)
	if name, ok := m.r.Sheet(own); ok {
		n.Name = name
	}
	if on {
		n.dissolved, n.spills = m.movedRanges(s.dissolved, own), m.movedSpills(s.spills, own)
		if gone, ok := m.deleted(); ok {
			n.uncount(s, gone)
		}
		n.used, n.hasCells = n.bounds()
	}
	if m.change.Kind == structure.MoveCells && m.r.Concerns(own) {
		if err := m.moveCells(&n, s, from, own, t); err != nil {
			return nil, err
		}
		return &n, nil
	}
	if n.Name == s.Name && n.formulas == s.formulas && n.own == s.own && n.Layout == s.Layout && !on && sameBands(n.bands, s.bands) && len(t.rewritten) == 0 && !t.patches {
		return s, nil
	}
	return &n, nil
}

func sameBands(a, b []*Band) bool { return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0]) }

// on reports whether cells of a sheet move.
func (m *Mover) on(own string) bool {
	_, _, lines := m.change.Lines()
	return lines && m.r.Concerns(own)
}

// deleted gives the cells that go.
func (m *Mover) deleted() (cell.Range, bool) {
	rows, deletes, ok := m.change.Lines()
	if !ok || !deletes {
		return cell.Range{}, false
	}
	r := cell.WholeSheet
	if rows {
		r.First.Row, r.Last.Row = m.change.At, m.change.At+m.change.Count-1
	} else {
		r.First.Col, r.Last.Col = m.change.At, m.change.At+m.change.Count-1
	}
	return r, true
}

// uncount takes the cells that go out of the numbers of cells. n is not yet handed out.
func (n *Sheet) uncount(s *Sheet, gone cell.Range) {
	for c := range s.Cells(gone) {
		n.cells--
		if !c.Empty() {
			n.filled--
		}
		if c.HasFormula() {
			n.formulaCells--
		}
	}
}

// place gives where a row or column is afterwards; false if it is gone, or beyond the end.
func (m *Mover) place(i, size int) (int, bool) {
	_, deletes, _ := m.change.Lines()
	c := &m.change
	switch {
	case i < c.At:
		return i, true
	case !deletes:
		return i + c.Count, i+c.Count < size
	case i < c.At+c.Count:
		return 0, false
	}
	return i - c.Count, true
}

// ref gives where a cell of the sheet that changes is afterwards.
func (m *Mover) ref(r cell.Ref) (cell.Ref, bool) {
	rows, _, _ := m.change.Lines()
	ok := true
	if rows {
		r.Row, ok = m.place(r.Row, cell.MaxRows)
	} else {
		r.Col, ok = m.place(r.Col, cell.MaxCols)
	}
	return r, ok
}

func (m *Mover) movedBands(s *Sheet, t *renumbering, on bool) []*Band {
	rows, _, _ := m.change.Lines()
	var out []*Band
	same := true
	put := func(k int, b *Band) {
		for len(out) <= k {
			out = append(out, nil)
		}
		out[k] = b
	}
	switch {
	case on && rows:
		same = false
		last := len(s.bands)
		if m.change.Kind == structure.InsertRows {
			last += m.change.Count>>bandShift + 1
		}
		for k := 0; k < last && k<<bandShift < cell.MaxRows; k++ {
			if b := m.rowBand(s, k, t); b != nil {
				put(k, b)
			}
		}
	default:
		out = make([]*Band, 0, len(s.bands))
		for k, b := range s.bands {
			moved := b
			if b != nil && (on || t.touches(b)) {
				key := bandKey{from: [3]*Band{b}, n: k, own: t.key(b)}
				if moved = m.bands[key]; moved == nil {
					moved = b
					if on {
						moved = m.columnBand(b)
					}
					moved = t.band(moved, k)
					m.bands[key] = moved
				}
				if moved != nil && len(moved.cols) == 0 {
					moved = nil
				}
			}
			same = same && moved == b
			out = append(out, moved)
		}
	}
	if same {
		return s.bands
	}
	for len(out) > 0 && out[len(out)-1] == nil {
		out = out[:len(out)-1]
	}
	return slices.Clip(out)
}

// columnBand gives a band with columns inserted or deleted; its chunks are those that it had.
func (m *Mover) columnBand(b *Band) *Band {
	n := &Band{cols: make([]uint16, 0, len(b.cols)), chunks: make([]*Chunk, 0, len(b.cols))}
	for i, col := range b.cols {
		to, ok := m.place(int(col), cell.MaxCols)
		if !ok {
			continue
		}
		k := b.chunks[i]
		n.cols, n.chunks = append(n.cols, uint16(to)), append(n.chunks, k)
		n.cells += k.n
	}
	if len(n.cols) == len(b.cols) {
		n.occupied = b.occupied
		return n
	}
	for _, k := range n.chunks {
		n.occupy(k)
	}
	return n
}

// part is rows of a band that come to lie in another one.
type part struct {
	band     *Band
	from, to int // row offsets in it, both included
	shift    int // what is added to them
}

// rowParts gives what makes up band k after rows were inserted or deleted.
func (m *Mover) rowParts(s *Sheet, k int) (parts []part) {
	take := func(first, last, delta int) { // rows afterwards, and how much further down they are
		first, last = max(first, k<<bandShift), min(last, k<<bandShift+BandRows-1)
		for first <= last {
			old := first - delta
			end := min(old|(BandRows-1), last-delta)
			if b := s.band(old); b != nil {
				parts = append(parts, part{b, old & (BandRows - 1), end & (BandRows - 1), first&(BandRows-1) - old&(BandRows-1)})
			}
			first = end + delta + 1
		}
	}
	c := &m.change
	take(0, c.At-1, 0)
	if c.Kind == structure.InsertRows {
		take(c.At+c.Count, cell.MaxRows-1, c.Count)
	} else {
		take(c.At, cell.MaxRows-1-c.Count, -c.Count)
	}
	return parts
}

// rowBand gives band k after rows were inserted or deleted; nil where it has no cell.
func (m *Mover) rowBand(s *Sheet, k int, t *renumbering) *Band {
	parts := m.rowParts(s, k)
	if len(parts) == 0 {
		return nil
	}
	key := bandKey{n: k}
	touched := false
	for i, p := range parts {
		key.from[i] = p.band
		if own := t.key(p.band); own != nil {
			key.own = own
		}
		touched = touched || t.touches(p.band)
	}
	p := parts[0]
	whole := len(parts) == 1 && p.shift == 0 && p.from == 0 && p.to == BandRows-1
	if whole && !touched {
		return p.band
	}
	b, ok := m.bands[key]
	if !ok {
		if b = p.band; !whole {
			b = joined(parts)
		}
		b = t.band(b, k)
		m.bands[key] = b
	}
	if b == nil || len(b.cols) == 0 {
		return nil
	}
	return b
}

// joined makes one band of parts of others, which come in the order of their rows afterwards.
func joined(parts []part) *Band {
	c := columns.Get().(*column)
	defer columns.Put(c)
	defer c.reset()
	n := &Band{}
	var next [3]int
	for {
		col := cell.MaxCols
		for i, p := range parts {
			if next[i] < len(p.band.cols) {
				col = min(col, int(p.band.cols[next[i]]))
			}
		}
		if col == cell.MaxCols {
			return n
		}
		c.reset()
		for i, p := range parts {
			if next[i] < len(p.band.cols) && int(p.band.cols[next[i]]) == col {
				c.take(p.band.chunks[next[i]], p.from, p.to, p.shift)
				next[i]++
			}
		}
		if len(c.payload) > 0 {
			k := c.seal()
			n.cols, n.chunks = append(n.cols, uint16(col)), append(n.chunks, k)
			n.cells += k.n
			n.occupy(k)
		}
	}
}

// take adds the cells of a chunk in row offsets from one to another, which are shifted.
func (c *column) take(k *Chunk, from, to, shift int) {
	i, _ := k.find(uint16(from))
	if k.rows == nil {
		i = max(from-int(k.first), 0)
	}
	end := i
	for end < k.n && int(k.row(end)) <= to {
		if k.rows == nil {
			end = min(k.n, to-int(k.first)+1)
			break
		}
		end++
	}
	alike := k.tags == nil && k.styles == nil && k.rows == nil
	for i < end {
		like, o := likeness(k.tagAt(i), k.styleAt(i)), uint16(int(k.row(i))+shift)
		if len(c.runs) > 0 && o == c.next && like == c.alike {
			c.next++
			c.payload = append(c.payload, k.payloadAt(i))
		} else {
			c.add(o, like, k.payloadAt(i))
		}
		i++
		if alike && i < end {
			c.takeRun(k, i, end, like)
			i = end
		}
	}
	for n, o := range k.formulaRows {
		if int(o) >= from && int(o) <= to {
			c.formulaRows, c.formulas = append(c.formulaRows, uint16(int(o)+shift)), append(c.formulas, k.formulas[n])
		}
	}
}

// takeRun adds cells of a chunk that go on what was added last and are like it.
func (c *column) takeRun(k *Chunk, from, to int, like Likeness) {
	c.next += uint16(to - from)
	begin := len(c.payload)
	for i := from; i < to; i++ {
		c.payload = append(c.payload, k.payloadAt(i))
	}
	if like != c.alike { // whole numbers among others
		toFloats(c.payload[begin:])
	}
}

func (m *Mover) movedPatches(s *Sheet, t *renumbering, own string, on bool) []patch {
	var out []patch
	for i := range s.over {
		p := s.over[i]
		if on {
			to, ok := m.ref(p.ref())
			if !ok {
				out = initPatches(out, s, i)
				t.patches = true
				continue
			}
			p.row, p.col = uint32(to.Row), uint16(to.Col)
		}
		switch {
		case p.formula == wordsFormula:
			if text, changed := m.r.Formula(p.words.formula, own); changed {
				p.words = &words{p.words.text, text}
				t.patches = true
			}
		case p.formula >= 0:
			p.formula = int32(t.number(uint32(p.formula), p.ref()))
		}
		if p != s.over[i] {
			t.patches = true
			out = initPatches(out, s, i)
		}
		if out != nil {
			out = append(out, p)
		}
	}
	if !t.patches {
		return s.over
	}
	return out
}

// initPatches gives the list that those from number i on are added to.
func initPatches(out []patch, s *Sheet, i int) []patch {
	if out == nil {
		out = make([]patch, 0, len(s.over))
		out = append(out, s.over[:i]...)
	}
	return out
}

func (m *Mover) movedRanges(list []cell.Range, own string) (out []cell.Range) {
	for _, r := range list {
		if to, ok := m.r.Range(own, r); ok {
			out = append(out, to)
		}
	}
	return out
}

func (m *Mover) movedSpills(list []spill, own string) (out []spill) {
	for _, x := range list {
		anchor, ok := m.ref(x.anchor)
		if !ok {
			continue
		}
		out = append(out, spill{anchor, m.filled(own, DynamicArray, x.fills, anchor)})
	}
	return out
}

// filled gives what an array formula fills after the change, of which the own cell is anchor then. A dynamic array keeps
// its size, whatever becomes of the cells that it filled.
func (m *Mover) filled(own string, kind FormulaKind, fills cell.Range, anchor cell.Ref) cell.Range {
	if kind != DynamicArray {
		if to, ok := m.r.Range(own, fills); ok && to.First == anchor {
			return to
		}
	}
	return cell.Range{First: anchor, Last: cell.Ref{
		Row: min(anchor.Row+fills.Rows(), cell.MaxRows) - 1,
		Col: min(anchor.Col+fills.Cols(), cell.MaxCols) - 1,
	}}
}
