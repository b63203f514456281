package grid

import (
	"math"
	"math/bits"
	"slices"

	"gridflow/internal/cell"
)

// foldDense is the number of patches over one chunk from which on they are folded alone,
// while those that lie scattered stay patches.
const foldDense = 16

// fold puts patches into copies of the chunks that they lie over. s is not yet handed out.
func (s *Sheet) fold() error {
	byChunk := chunked(s.over)
	// groups yields the patches of each chunk.
	groups := func(yield func([]patch) bool) {
		for left := byChunk; len(left) > 0; {
			n := 1
			for n < len(left) && left[n].col == left[0].col && left[n].row>>bandShift == left[0].row>>bandShift {
				n++
			}
			if !yield(left[:n]) {
				return
			}
			left = left[n:]
		}
	}
	scattered := 0
	for g := range groups {
		if len(g) < foldDense {
			scattered += len(g)
		}
	}
	all := scattered > overMax/2
	var folded [][]patch
	var rest []patch
	for g := range groups {
		if all || len(g) >= foldDense {
			folded = append(folded, g)
		} else {
			rest = append(rest, g...)
		}
	}
	if err := s.pool(folded); err != nil {
		return err
	}
	slices.SortFunc(rest, func(a, b patch) int { return a.order() - b.order() })
	s.over = rest
	s.foldBands(folded)
	s.compact()
	return nil
}

// chunked gives patches, which are by row and column, by band, column and row: counted out within each band.
func chunked(over []patch) []patch {
	out := make([]patch, len(over))
	var next [cell.MaxCols]int32 // where the next patch of a column goes, within its band
	for done := 0; done < len(over); {
		band := over[done].row >> bandShift
		end, first, last := done, over[done].col, over[done].col
		for ; end < len(over) && over[end].row>>bandShift == band; end++ {
			col := over[end].col
			next[col]++
			first, last = min(first, col), max(last, col)
		}
		at := int32(0)
		for col := int(first); col <= int(last); col++ {
			next[col], at = at, at+next[col]
		}
		for i := done; i < end; i++ {
			to := &next[over[i].col]
			out[done+int(*to)] = over[i]
			*to++
		}
		clear(next[first : int(last)+1])
		done = end
	}
	return out
}

// pool moves the words of patches that will be folded to the sheet's own texts.
func (s *Sheet) pool(folded [][]patch) error {
	var b StringsBuilder
	texts, formulas := s.own.len(), s.formulas.len()
	// Formulas are numbered behind those that were read, in 31 bits.
	limit := math.MaxInt32 - formulas - texts - len(s.over)
	intern := func(text string) (int, bool) {
		i, ok := b.Intern([]byte(text))
		return texts + int(i), ok && b.Len() < limit
	}
	for _, g := range folded {
		for i := range g {
			p := &g[i]
			if p.words == nil {
				continue
			}
			if p.tag == tagOwn {
				n, ok := intern(p.words.text)
				if !ok {
					return &EditError{Ref: p.ref(), Reason: ErrFull}
				}
				p.payload = uint64(n)
			}
			if p.formula == wordsFormula {
				n, ok := intern(p.words.formula)
				if !ok {
					return &EditError{Ref: p.ref(), Reason: ErrFull}
				}
				p.formula = int32(formulas + n)
			}
			p.words = nil
		}
	}
	if b.Len() > 0 {
		s.own = s.own.with(&b)
	}
	return nil
}

// foldBands makes the bands anew that groups of patches, by band and column, lie over.
func (s *Sheet) foldBands(groups [][]patch) {
	if len(groups) == 0 {
		return
	}
	last := int(groups[len(groups)-1][0].row >> bandShift)
	bands := make([]*Band, max(len(s.bands), last+1))
	copy(bands, s.bands)
	c := columns.Get().(*column)
	for len(groups) > 0 {
		n := groups[0][0].row >> bandShift
		end := 1
		for end < len(groups) && groups[end][0].row>>bandShift == n {
			end++
		}
		bands[n] = bands[n].with(groups[:end], c)
		groups = groups[end:]
	}
	c.reset()
	columns.Put(c)
	for len(bands) > 0 && bands[len(bands)-1] == nil {
		bands = bands[:len(bands)-1]
	}
	s.bands = bands
}

// with gives the band with groups of patches, by column, folded in; nil where no cell is left.
func (b *Band) with(groups [][]patch, c *column) *Band {
	if b == nil {
		b = &Band{}
	}
	n := &Band{cols: make([]uint16, 0, len(b.cols)+len(groups)), chunks: make([]*Chunk, 0, len(b.cols)+len(groups))}
	add := func(col uint16, k *Chunk) {
		n.cols, n.chunks = append(n.cols, col), append(n.chunks, k)
		n.cells += k.n
		n.occupy(k)
	}
	old := 0
	for _, g := range groups {
		col := g[0].col
		for ; old < len(b.cols) && b.cols[old] < col; old++ {
			add(b.cols[old], b.chunks[old])
		}
		var k *Chunk
		if old < len(b.cols) && b.cols[old] == col {
			k = b.chunks[old]
			old++
		}
		if k = k.with(g, c); k != nil {
			add(col, k)
		}
	}
	for ; old < len(b.cols); old++ {
		add(b.cols[old], b.chunks[old])
	}
	if len(n.cols) == 0 {
		return nil
	}
	return n
}

// with gives the chunk with patches, by row, folded in; nil where no cell is left. The
// cells go through c.
func (k *Chunk) with(patches []patch, c *column) *Chunk {
	c.reset()
	put := func(o uint16, t tag, style uint32, payload uint64, formula int32) {
		like := likeness(t, style)
		if len(c.runs) > 0 && o == c.next && like == c.alike {
			c.next = o + 1
			c.payload = append(c.payload, payload)
		} else {
			c.add(o, like, payload)
		}
		if formula >= 0 {
			c.formulaRows, c.formulas = append(c.formulaRows, o), append(c.formulas, uint32(formula))
		}
	}
	putPatch := func(p *patch) {
		if !p.removed {
			put(uint16(p.row&(BandRows-1)), p.tag, p.style, p.payload, p.formula)
		}
	}
	if k != nil {
		f := 0
		for i := range k.n {
			o := k.row(i)
			for len(patches) > 0 && uint16(patches[0].row&(BandRows-1)) < o {
				putPatch(&patches[0])
				patches = patches[1:]
			}
			formula := int32(-1)
			if f < len(k.formulaRows) && k.formulaRows[f] == o {
				formula = int32(k.formulas[f])
				f++
			}
			if len(patches) > 0 && uint16(patches[0].row&(BandRows-1)) == o {
				putPatch(&patches[0])
				patches = patches[1:]
				continue
			}
			put(o, k.tagAt(i), k.styleAt(i), k.payloadAt(i), formula)
		}
	}
	for i := range patches {
		putPatch(&patches[i])
	}
	if len(c.payload) == 0 {
		return nil
	}
	return c.seal()
}

// onBorder reports whether r lies on the border of the used range.
func (s *Sheet) onBorder(r cell.Ref) bool {
	u := s.used
	return r.Row == u.First.Row || r.Row == u.Last.Row || r.Col == u.First.Col || r.Col == u.Last.Col
}

// grow takes r into the used range.
func (s *Sheet) grow(r cell.Ref) {
	one := cell.Range{First: r, Last: r}
	if s.hasCells {
		one = one.Union(s.used)
	}
	s.used, s.hasCells = one, true
}

// bounds finds the used range. It looks at what lies at the borders of the bands, not at
// the cells.
func (s *Sheet) bounds() (cell.Range, bool) {
	if s.cells == 0 {
		return cell.Range{}, false
	}
	var r cell.Range
	for row := range s.OccupiedRows(0, cell.MaxRows-1) {
		r.First.Row = row
		break
	}
	r.Last.Row = s.lastRow()
	r.First.Col, r.Last.Col = s.outerCols()
	return r, true
}

// lastRow is the last row with a cell.
func (s *Sheet) lastRow() int {
	last := -1
	for i := len(s.over) - 1; i >= 0; i-- {
		if !s.over[i].removed {
			last = int(s.over[i].row)
			break
		}
	}
	for n := len(s.bands) - 1; n >= 0 && n >= last>>bandShift; n-- {
		b := s.bands[n]
		if b == nil {
			continue
		}
		for w := len(b.occupied) - 1; w >= 0; w-- {
			for word := b.occupied[w]; word != 0; {
				bit := 63 - bits.LeadingZeros64(word)
				row := n<<bandShift + w<<6 + bit
				if row <= last {
					return last
				}
				if s.storedBeside(row, s.patchesBetween(row, row)) {
					return row
				}
				word &^= 1 << bit
			}
		}
	}
	return last
}

// outerCols gives the first and the last column with a cell.
func (s *Sheet) outerCols() (first, last int) {
	first, last = cell.MaxCols, -1
	// How many cells of a chunk are hidden by a patch that removes them.
	removed := map[[2]int]int{}
	for i := range s.over {
		p := &s.over[i]
		if p.removed {
			removed[[2]int{int(p.row >> bandShift), int(p.col)}]++
			continue
		}
		first, last = min(first, int(p.col)), max(last, int(p.col))
	}
	for n, b := range s.bands {
		if b == nil {
			continue
		}
		left := func(i int) bool { return len(removed) == 0 || b.chunks[i].n > removed[[2]int{n, int(b.cols[i])}] }
		for i := 0; i < len(b.cols) && int(b.cols[i]) < first; i++ {
			if left(i) {
				first = int(b.cols[i])
			}
		}
		for i := len(b.cols) - 1; i >= 0 && int(b.cols[i]) > last; i-- {
			if left(i) {
				last = int(b.cols[i])
			}
		}
	}
	return first, last
}
