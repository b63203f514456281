package grid

import (
	"slices"

	"gridflow/internal/cell"
	"gridflow/internal/structure"
)

// movedBands gives the bands of s after the change; those of s itself if none of them becomes another.
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
