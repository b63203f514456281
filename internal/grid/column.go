package grid

import (
	"encoding/binary"
	"math"
	"slices"
)

// column collects the cells of one column of the band that is being built. Mostly they
// follow each other row by row and are alike in kind and style: then their payloads are
// all that is kept of them.
type column struct {
	payload []uint64
	first   uint16 // row offset of the first cell
	next    uint16 // row offset below the last cell: a cell above it is out of order

	// alike is what all cells so far are, as likeness gives it, and noLikeness where they
	// are none, or leave out rows, or differ: then add looks closer.
	alike Likeness

	tag   tag    // of the first cell
	style uint32 // of the first cell

	// What is told of each cell, once it is not what follows from the first.
	rows   []uint16
	tags   []tag
	styles []uint32

	formulaRows  []uint16
	formulas     []uint32
	formulaCells []int32 // which of the cells they belong to
}

// Likeness is the kind and the style of a cell, and what its payload means: see Again.
type Likeness uint64

const noLikeness = ^Likeness(0)

func likeness(t tag, style uint32) Likeness { return Likeness(style)<<8 | Likeness(t) }

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
		alike: noLikeness, payload: c.payload[:0], rows: c.rows[:0], tags: c.tags[:0], styles: c.styles[:0],
		formulaRows: c.formulaRows[:0], formulas: c.formulas[:0], formulaCells: c.formulaCells[:0],
	}
}

// add adds a cell that is not just like those before it.
func (c *column) add(o uint16, style uint32, t tag, payload uint64) {
	n := len(c.payload)
	if n == 0 {
		c.first, c.tag, c.style, c.alike = o, t, style, likeness(t, style)
	}
	if t != c.tag && len(c.tags) == 0 {
		// Whole numbers among others take eight bytes anyway: one kind keeps the column uniform.
		switch {
		case t == tagInt && c.tag == tagFloat:
			t, payload = tagFloat, floatBits(payload)
		case t == tagFloat && c.tag == tagInt:
			for i, p := range c.payload {
				c.payload[i] = floatBits(p)
			}
			c.tag = tagFloat
			if c.alike != noLikeness {
				c.alike = likeness(tagFloat, c.style)
			}
		default:
			for range n {
				c.tags = append(c.tags, c.tag)
			}
			c.alike = noLikeness
		}
	}
	if style != c.style && len(c.styles) == 0 {
		for range n {
			c.styles = append(c.styles, c.style)
		}
		c.alike = noLikeness
	}
	if n > 0 && o != c.next && len(c.rows) == 0 {
		for i := range n {
			c.rows = append(c.rows, c.first+uint16(i))
		}
		c.alike = noLikeness
	}
	if len(c.rows) > 0 {
		c.rows = append(c.rows, o)
	}
	if len(c.tags) > 0 {
		c.tags = append(c.tags, t)
	}
	if len(c.styles) > 0 {
		c.styles = append(c.styles, style)
	}
	c.payload = append(c.payload, payload)
	c.next = o + 1
}

// floatBits gives the payload of a tagInt as that of a tagFloat.
func floatBits(payload uint64) uint64 { return math.Float64bits(float64(int32(payload))) }

// row gives the row offset of cell i.
func (c *column) row(i int) uint16 {
	if len(c.rows) == 0 {
		return c.first + uint16(i)
	}
	return c.rows[i]
}

func (c *column) tagAt(i int) tag {
	if len(c.tags) == 0 {
		return c.tag
	}
	return c.tags[i]
}

func (c *column) styleAt(i int) uint32 {
	if len(c.styles) == 0 {
		return c.style
	}
	return c.styles[i]
}

// blankFormulas counts the cells that have a formula and no value.
func (c *column) blankFormulas() (n int) {
	i := 0
	for _, o := range c.formulaRows {
		for i < len(c.payload) && c.row(i) < o {
			i++
		}
		if i < len(c.payload) && c.row(i) == o && c.tagAt(i) == tagBlank {
			n++
		}
	}
	return n
}

// maxShared gives the highest index of a shared string, -1 where there is none.
func (c *column) maxShared() int64 {
	highest := int64(-1)
	if len(c.tags) == 0 && c.tag == tagShared {
		for _, p := range c.payload {
			highest = max(highest, int64(p))
		}
	}
	for i, t := range c.tags {
		if t == tagShared {
			highest = max(highest, int64(c.payload[i]))
		}
	}
	return highest
}

// tidy sorts the cells by row and keeps the last of those that were given twice.
func (c *column) tidy() {
	order := make([]int32, len(c.payload))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, func(i, j int32) int { return int(c.row(int(i))) - int(c.row(int(j))) })
	// A formula counts if its cell does. At most one cell of a row counts.
	formulaOf := make(map[int32]uint32, len(c.formulas))
	for k, i := range c.formulaCells {
		formulaOf[i] = c.formulas[k]
	}
	t := newColumn()
	for k, i := range order {
		o := c.row(int(i))
		if k+1 < len(order) && c.row(int(order[k+1])) == o {
			continue
		}
		t.add(o, c.styleAt(int(i)), c.tagAt(int(i)), c.payload[i])
		if id, ok := formulaOf[i]; ok {
			t.formulaRows, t.formulas = append(t.formulaRows, o), append(t.formulas, id)
		}
	}
	*c = *t
}

// seal packs the column's cells, which are in row order, into a Chunk.
func (c *column) seal() Chunk {
	k := Chunk{n: len(c.payload), first: c.first, tag: c.tag, style: c.style}
	if len(c.rows) > 0 {
		k.rows = slices.Clone(c.rows)
	}
	if len(c.tags) > 0 {
		c.sealTags(&k)
	}
	k.width = 8
	if k.tags == nil && k.tag != tagFloat || k.tags != nil && !slices.Contains(k.tags, tagFloat) {
		var all uint64
		for _, p := range c.payload {
			all |= p
		}
		k.width = width(all)
	}
	k.payload = packPayloads(c.payload, k.width)
	if len(c.styles) > 0 {
		k.styleWidth, k.styles = packStyles(c.styles)
	}
	if len(c.formulaRows) > 0 {
		k.formulaRows = slices.Clone(c.formulaRows)
		k.formulas = slices.Clone(c.formulas)
	}
	return k
}

// sealTags makes whole numbers among others what these are, and keeps the tags if some
// differ then.
func (c *column) sealTags(k *Chunk) {
	var kinds uint
	for _, t := range c.tags {
		kinds |= 1 << t
	}
	if kinds&(1<<tagFloat) != 0 && kinds&(1<<tagInt) != 0 {
		for i, t := range c.tags {
			if t == tagInt {
				c.tags[i], c.payload[i] = tagFloat, floatBits(c.payload[i])
			}
		}
		kinds &^= 1 << tagInt
	}
	k.tag = c.tags[0]
	if kinds&(kinds-1) != 0 {
		k.tags = slices.Clone(c.tags)
	}
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

func packStyles(styles []uint32) (width uint8, packed []byte) {
	var all uint32
	for _, s := range styles {
		all |= s
	}
	switch {
	case all <= math.MaxUint8:
		packed = make([]byte, len(styles))
		for i, s := range styles {
			packed[i] = byte(s)
		}
		return 1, packed
	case all <= math.MaxUint16:
		packed = make([]byte, 2*len(styles))
		for i, s := range styles {
			binary.LittleEndian.PutUint16(packed[2*i:], uint16(s))
		}
		return 2, packed
	}
	packed = make([]byte, 4*len(styles))
	for i, s := range styles {
		binary.LittleEndian.PutUint32(packed[4*i:], s)
	}
	return 4, packed
}
