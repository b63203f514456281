package scan

import (
	"encoding/binary"
	"math"
	"unsafe"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// Sheets are written by machines: a cell mostly looks like the one above it but for the
// row number and the value. So how each cell was written is kept, and the cell that
// follows the same column in the next row is compared with it, word by word, instead of
// being parsed. Nothing depends on the guess being right.

// shape is how a cell of the form that fastCell takes was written.
type shape struct {
	start, startMask uint64 // `<c r="AB`
	open, openMask   [3]uint64
	startLen         uint8
	openLen          uint8 // ` s="1" t="s"><v>` or ` s="1"/>`
	kind             byte  // its t attribute, or '/' where it has a style only
	style            uint32
	like             grid.Likeness // where the value is not a decimal
	col              int
}

// shapeCols is the number of columns that shapes are kept for: those whose names leave
// room in a word.
const shapeCols = 26 + 26*26

// learn keeps the shape of the cell that starts at b[p], in the current row, whose
// attributes begin at attr and whose value at value. It is to be called before the cell's
// column becomes the current one.
func (s *Sheet) learn(b []byte, p, attr, value int, kind byte, style uint32, col int) {
	i := s.col + 1
	n := attr - p - s.rowLen - 1 // of `<c r="AB`
	if n > 8 || value-attr > 24 || i >= shapeCols {
		return
	}
	for len(s.shapes) <= i {
		s.shapes = append(s.shapes, shape{start: 0xFF, startMask: 0xFF}) // which nothing is like
	}
	f := &s.shapes[i]
	*f = shape{startLen: uint8(n), openLen: uint8(value - attr), kind: kind, style: style, col: col}
	switch kind {
	case 'n':
		f.like = grid.IntLike(style)
	case 's':
		f.like = grid.SharedLike(style)
	case 'b':
		f.like = grid.BoolLike(style)
	case '/':
		f.like = grid.BlankLike(style)
	}
	f.startMask = ^uint64(0) >> (64 - 8*n)
	f.start = binary.LittleEndian.Uint64(b[p:]) & f.startMask
	for k := range f.open {
		if left := value - attr - 8*k; left > 0 {
			f.openMask[k] = ^uint64(0) >> (64 - 8*min(left, 8))
			f.open[k] = binary.LittleEndian.Uint64(b[attr+8*k:]) & f.openMask[k]
		}
	}
}

// likeAbove scans cells of the current row from p on, for as long as they start at last
// or before it and are written like those above. It gives the position behind them.
// fastReach bytes from last on must be there. No element may have a prefix.
//
// # Why unchecked memory access is safe here
//
// A cell is looked at from its start p <= last on: eight bytes there, eight at the row
// number, at most 8 bytes on, 24 behind that, at most 8 bytes on again, and 32 at the
// value, at most 24 bytes on: all of that is within fastReach.
func (s *Sheet) likeAbove(b []byte, p, last int) int {
	var (
		in      = unsafe.Pointer(unsafe.SliceData(b))
		rowWord = s.rowWord
		rowMask = s.rowMask
		rowLen  = uint(s.rowLen) + 1
		row     = s.row
		shapes  = s.shapes
		next    = uint(s.col + 1)
	)
	for p <= last && next < uint(len(shapes)) {
		f := &shapes[next]
		q := uint(p)
		differ := (load64(in, q) ^ f.start) & f.startMask
		q += uint(f.startLen)
		differ |= (load64(in, q) ^ rowWord) & rowMask
		q += rowLen
		differ |= (load64(in, q) ^ f.open[0]) & f.openMask[0]
		differ |= (load64(in, q+8) ^ f.open[1]) & f.openMask[1]
		differ |= (load64(in, q+16) ^ f.open[2]) & f.openMask[2]
		if differ != 0 {
			break
		}
		q += uint(f.openLen)
		if f.kind == '/' {
			if (f.style != 0 || s.plain(f.col)) && !s.b.Again(row, f.col, f.like, 0) && s.b.Blank(cell.Ref{Row: row, Col: f.col}, f.style) != nil {
				break
			}
		} else {
			w := load64(in, q) ^ zeros
			n := uint(digits8(w))
			if n-1 < 7 && load64(in, q+n) == endValueCell {
				v := leading(w, int(n))
				if f.kind == 'b' && (v > 1 || n > 1) {
					break
				}
				if !s.b.Again(row, f.col, f.like, v) && s.whole(cell.Ref{Row: row, Col: f.col}, f, uint32(v)) != nil {
					break
				}
				q += n + 8
			} else if v, next, ok := decimal(in, q, n, w); ok && f.kind == 'n' {
				if !s.b.Again(row, f.col, grid.FloatLike(f.style), math.Float64bits(v)) && s.b.Number(cell.Ref{Row: row, Col: f.col}, f.style, v) != nil {
					break
				}
				q = next
			} else {
				k := s.fastValue(b, int(q), f.kind, f.style, f.col)
				if k == 0 {
					break
				}
				q = uint(k)
			}
		}
		p, next = int(q), uint(f.col+1)
	}
	s.col = int(next) - 1
	return p
}

// whole stores a cell whose value is a short whole number.
func (s *Sheet) whole(r cell.Ref, f *shape, v uint32) error {
	switch f.kind {
	case 's':
		return s.b.Shared(r, f.style, v)
	case 'b':
		return s.b.Bool(r, f.style, v == 1)
	}
	return s.b.Int(r, f.style, int32(v))
}

func load64(p unsafe.Pointer, i uint) uint64 {
	return binary.LittleEndian.Uint64((*[8]byte)(unsafe.Add(p, i))[:])
}
