package grid

import (
	"encoding/binary"
	"math"
	"sort"

	"gridflow/internal/cell"
)

// BandRows is the height of a band: rows 0…511 are band 0, and so on. It is small
// enough that an edit copies little and a first page is there soon, and large enough
// that a chunk's fixed cost is a fraction of a byte a cell.
const BandRows = 512

const bandShift = 9

// tag says how to read a cell's payload.
type tag uint8

const (
	tagBlank  tag = iota // no value: the cell has a style or a formula only
	tagInt               // payload is an int32
	tagFloat             // payload is the bits of a float64
	tagShared            // payload is an index into the workbook's shared strings
	tagText              // payload is an index into the sheet's own texts
	tagBool              // payload is 0 or 1
	tagError             // payload is a cell.ErrorCode
	tagOwn               // payload is an index into the texts that edits brought
)

// Chunk is one column of one band, sealed. The cells are numbered 0…n-1 in row order.
type Chunk struct {
	n     int
	first uint16   // row offset of cell 0 in the band
	rows  []uint16 // row offset of each cell; nil where they follow each other from first

	tag  tag   // the kind of all cells, where tags is nil
	tags []tag // the kind of each cell

	style  uint32 // the style of all cells, where styles is nil
	styles []byte // the style of each cell, little endian, styleWidth bytes each

	payload []byte // the payload of each cell, little endian, width bytes each
	width   uint8  // 0 (all payloads are 0), 1, 2, 4 or 8

	styleWidth uint8 // 1, 2 or 4

	formulaRows []uint16 // row offsets of the cells with a formula, ascending
	formulas    []uint32 // their indices in the sheet's formulas
}

// find gives the number of the cell in row offset o.
func (c *Chunk) find(o uint16) (int, bool) {
	if c.rows == nil {
		i := int(o) - int(c.first)
		return i, uint(i) < uint(c.n)
	}
	// Rows are often dense behind a gap; where they are, the guess is a hit.
	lo, hi := 0, c.n
	if g := int(o) - int(c.first); g < c.n && g >= 0 && c.rows[g] == o {
		return g, true
	}
	for lo < hi {
		m := int(uint(lo+hi) >> 1)
		if c.rows[m] < o {
			lo = m + 1
		} else {
			hi = m
		}
	}
	return lo, lo < c.n && c.rows[lo] == o
}

// row gives the row offset of cell i.
func (c *Chunk) row(i int) uint16 {
	if c.rows == nil {
		return c.first + uint16(i)
	}
	return c.rows[i]
}

// blanks is the number of cells without a value.
func (c *Chunk) blanks() (n int) {
	if c.tags == nil {
		if c.tag == tagBlank {
			return c.n
		}
		return 0
	}
	for _, t := range c.tags {
		if t == tagBlank {
			n++
		}
	}
	return n
}

func (c *Chunk) tagAt(i int) tag {
	if c.tags == nil {
		return c.tag
	}
	return c.tags[i]
}

func (c *Chunk) styleAt(i int) uint32 {
	if c.styles == nil {
		return c.style
	}
	switch c.styleWidth {
	case 1:
		return uint32(c.styles[i])
	case 2:
		return uint32(binary.LittleEndian.Uint16(c.styles[2*i:]))
	}
	return binary.LittleEndian.Uint32(c.styles[4*i:])
}

func (c *Chunk) payloadAt(i int) uint64 {
	switch c.width {
	case 1:
		return uint64(c.payload[i])
	case 2:
		return uint64(binary.LittleEndian.Uint16(c.payload[2*i:]))
	case 4:
		return uint64(binary.LittleEndian.Uint32(c.payload[4*i:]))
	case 8:
		return binary.LittleEndian.Uint64(c.payload[8*i:])
	}
	return 0
}

// decode gives the value that a payload of kind t stands for: that of a cell of a chunk, or
// of a patch.
func (s *Sheet) decode(t tag, p uint64) cell.Value {
	switch t {
	case tagInt:
		return cell.NumberValue(float64(int32(p)))
	case tagFloat:
		return cell.NumberValue(math.Float64frombits(p))
	case tagShared:
		if p >= uint64(s.shared.Len()) {
			return cell.ErrorValue(cell.ErrRef) // the file has no such string
		}
		return cell.TextValue(s.shared.At(uint32(p)))
	case tagText:
		return cell.TextValue(s.texts.At(uint32(p)))
	case tagBool:
		return cell.BoolValue(p != 0)
	case tagError:
		return cell.ErrorValue(cell.ErrorCode(p))
	case tagOwn:
		return cell.TextValue(s.own.at(uint32(p)))
	}
	return cell.Value{}
}

// formulaAt gives the index of the formula in row offset o.
func (c *Chunk) formulaAt(o uint16) (uint32, bool) {
	if len(c.formulaRows) == 0 {
		return 0, false
	}
	i := sort.Search(len(c.formulaRows), func(i int) bool { return c.formulaRows[i] >= o })
	if i < len(c.formulaRows) && c.formulaRows[i] == o {
		return c.formulas[i], true
	}
	return 0, false
}

// chunkOverhead is the fixed cost of a Chunk in bytes, as MemoryBytes counts it.
const chunkOverhead = 200

func (c *Chunk) memoryBytes() int64 {
	return chunkOverhead + int64(len(c.rows)*2+len(c.tags)+len(c.styles)+len(c.payload)+len(c.formulaRows)*2+len(c.formulas)*4)
}
