package grid

import (
	"encoding/binary"
	"math"
	"slices"
)

// column collects the cells of one column of the band that is being built. Mostly they
// follow each other row by row and are alike in kind and style, perhaps but for a
// heading: so they are kept as payloads, and as runs of such cells.
type column struct {
	payload []uint64
	runs    []run
	next    uint16   // row offset below the last cell: a cell above it is out of order
	alike   Likeness // of the last cell, noLikeness where there is none

	formulaRows  []uint16
	formulas     []uint32
	formulaCells []int32 // which of the cells they belong to
}

// run is cells that follow each other and are alike.
type run struct {
	start int    // number of the first cell
	row   uint16 // its row offset
	like  Likeness
}

// Likeness is the kind and the style of a cell, and what its payload means: see Again.
type Likeness uint64

const noLikeness = ^Likeness(0)

func likeness(t tag, style uint32) Likeness { return Likeness(style)<<8 | Likeness(t) }

func (l Likeness) tag() tag      { return tag(l) }
func (l Likeness) style() uint32 { return uint32(l >> 8) }

// with gives the likeness of another kind.
func (l Likeness) with(t tag) Likeness { return l&^0xFF | Likeness(t) }

// IntLike is the likeness of whole numbers of 32 bits; the payload is a uint32 of these.
func IntLike(style uint32) Likeness { return likeness(tagInt, style) }

// FloatLike is the likeness of numbers; the payload is the bits of one that is finite.
func FloatLike(style uint32) Likeness { return likeness(tagFloat, style) }

// SharedLike is the likeness of shared strings; the payload is the index, of 32 bits.
func SharedLike(style uint32) Likeness { return likeness(tagShared, style) }

// BoolLike is the likeness of logical values; the payload is 0 or 1.
func BoolLike(style uint32) Likeness { return likeness(tagBool, style) }

// BlankLike is the likeness of cells without a value; the payload is 0.
func BlankLike(style uint32) Likeness { return likeness(tagBlank, style) }

func newColumn() *column { return &column{alike: noLikeness} }

func (c *column) reset() {
	*c = column{
		alike: noLikeness, payload: c.payload[:0], runs: c.runs[:0],
		formulaRows: c.formulaRows[:0], formulas: c.formulas[:0], formulaCells: c.formulaCells[:0],
	}
}

// add adds a cell that does not just go on what the last run is.
func (c *column) add(o uint16, like Likeness, payload uint64) {
	switch {
	case len(c.runs) == 0 || o != c.next:
		c.begin(o, like)
	case like.tag() == tagInt && c.alike == like.with(tagFloat):
		// Whole numbers among others take eight bytes anyway: one kind keeps runs long.
		payload = floatBits(payload)
	case like.tag() == tagFloat && c.alike == like.with(tagInt):
		last := &c.runs[len(c.runs)-1]
		toFloats(c.payload[last.start:])
		last.like, c.alike = like, like
	default:
		c.begin(o, like)
	}
	c.payload = append(c.payload, payload)
	c.next = o + 1
}

// begin begins a run with the next cell.
func (c *column) begin(o uint16, like Likeness) {
	c.runs = append(c.runs, run{len(c.payload), o, like})
	c.alike = like
}

// floatBits gives the payload of a tagInt as that of a tagFloat.
func floatBits(payload uint64) uint64 { return math.Float64bits(float64(int32(payload))) }

func toFloats(payload []uint64) {
	for i, p := range payload {
		payload[i] = floatBits(p)
	}
}

// end gives the number of the cell behind run i.
func (c *column) end(i int) int {
	if i+1 < len(c.runs) {
		return c.runs[i+1].start
	}
	return len(c.payload)
}

// blankFormulas counts the cells that have a formula and no value.
func (c *column) blankFormulas() (n int) {
	i := 0
	for _, o := range c.formulaRows {
		// The cell of a formula is there: it is in the last run that does not begin below.
		for i+1 < len(c.runs) && c.runs[i+1].row <= o {
			i++
		}
		if c.runs[i].like.tag() == tagBlank {
			n++
		}
	}
	return n
}

// maxShared gives the highest index of a shared string, -1 where there is none.
func (c *column) maxShared() int64 {
	highest := int64(-1)
	for i, r := range c.runs {
		if r.like.tag() == tagShared {
			highest = max(highest, int64(slices.Max(c.payload[r.start:c.end(i)])))
		}
	}
	return highest
}

// tidy sorts the cells by row and keeps the last of those that were given twice.
func (c *column) tidy() {
	type placed struct {
		number int
		row    uint16
		like   Likeness
	}
	cells := make([]placed, 0, len(c.payload))
	for i, r := range c.runs {
		for k := r.start; k < c.end(i); k++ {
			cells = append(cells, placed{k, r.row + uint16(k-r.start), r.like})
		}
	}
	slices.SortStableFunc(cells, func(a, b placed) int { return int(a.row) - int(b.row) })
	// A formula counts if its cell does. At most one cell of a row counts.
	formulaOf := make(map[int]uint32, len(c.formulas))
	for k, i := range c.formulaCells {
		formulaOf[int(i)] = c.formulas[k]
	}
	t := newColumn()
	for k, p := range cells {
		if k+1 < len(cells) && cells[k+1].row == p.row {
			continue
		}
		t.add(p.row, p.like, c.payload[p.number])
		if id, ok := formulaOf[p.number]; ok {
			t.formulaRows, t.formulas = append(t.formulaRows, p.row), append(t.formulas, id)
		}
	}
	*c = *t
}

// seal packs the column's cells, which are in row order, into a Chunk.
func (c *column) seal() *Chunk {
	var kinds uint
	var styles uint32
	for _, r := range c.runs {
		kinds |= 1 << r.like.tag()
		styles |= r.like.style()
	}
	if kinds&(1<<tagFloat) != 0 && kinds&(1<<tagInt) != 0 {
		for i := range c.runs {
			if r := &c.runs[i]; r.like.tag() == tagInt {
				toFloats(c.payload[r.start:c.end(i)])
				r.like = r.like.with(tagFloat)
			}
		}
		kinds &^= 1 << tagInt
	}
	first := c.runs[0]
	k := &Chunk{n: len(c.payload), first: first.row, tag: first.like.tag(), style: first.like.style()}
	if kinds&(kinds-1) != 0 {
		k.tags = make([]tag, k.n)
		c.each(func(r run, from, to int) { fill(k.tags[from:to], r.like.tag()) })
	}
	if int(c.next)-int(first.row) != k.n {
		k.rows = make([]uint16, k.n)
		c.each(func(r run, from, to int) {
			for i := range k.rows[from:to] {
				k.rows[from+i] = r.row + uint16(i)
			}
		})
	}
	if slices.ContainsFunc(c.runs, func(r run) bool { return r.like.style() != k.style }) {
		c.sealStyles(k, styles)
	}
	k.width = 8
	if kinds&(1<<tagFloat) == 0 {
		var all uint64
		for _, p := range c.payload {
			all |= p
		}
		k.width = width(all)
	}
	k.payload = packPayloads(c.payload, k.width)
	if len(c.formulaRows) > 0 {
		k.formulaRows = slices.Clone(c.formulaRows)
		k.formulas = slices.Clone(c.formulas)
	}
	return k
}

// each calls f with each run and the numbers of its first cell and of the one behind it.
func (c *column) each(f func(r run, from, to int)) {
	for i, r := range c.runs {
		f(r, r.start, c.end(i))
	}
}

func fill[T any](s []T, v T) {
	for i := range s {
		s[i] = v
	}
}

// sealStyles packs the styles, whose bits are all in all.
func (c *column) sealStyles(k *Chunk, all uint32) {
	k.styleWidth = width(uint64(all))
	k.styles = make([]byte, int(k.styleWidth)*k.n)
	c.each(func(r run, from, to int) {
		style := r.like.style()
		switch k.styleWidth {
		case 1:
			fill(k.styles[from:to], byte(style))
		case 2:
			for i := from; i < to; i++ {
				binary.LittleEndian.PutUint16(k.styles[2*i:], uint16(style))
			}
		default:
			for i := from; i < to; i++ {
				binary.LittleEndian.PutUint32(k.styles[4*i:], style)
			}
		}
	})
}

// width is the number of bytes that hold each of the payloads whose bits are in all.
func width(all uint64) uint8 {
	switch {
	case all == 0:
		return 0
	case all <= math.MaxUint8:
		return 1
	case all <= math.MaxUint16:
		return 2
	}
	return 4
}

func packPayloads(payload []uint64, width uint8) []byte {
	if width == 0 {
		return nil
	}
	b := make([]byte, len(payload)*int(width))
	switch width {
	case 1:
		for i, p := range payload {
			b[i] = byte(p)
		}
	case 2:
		for i, p := range payload {
			binary.LittleEndian.PutUint16(b[2*i:], uint16(p))
		}
	case 4:
		for i, p := range payload {
			binary.LittleEndian.PutUint32(b[4*i:], uint32(p))
		}
	case 8:
		for i, p := range payload {
			binary.LittleEndian.PutUint64(b[8*i:], p)
		}
	}
	return b
}
