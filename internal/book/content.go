package book

import (
	"context"
	"encoding/binary"
	"hash/maphash"
	"math"
	"math/bits"

	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/grid"
)

// hasher hashes what is in cells, for two workbooks alike. It is used by one goroutine.
type hasher struct {
	seed   maphash.Seed
	shared map[sharedKey]uint64 // hashes of shared formulas, which are the same in all their cells
	buf    []byte
}

type sharedKey struct {
	text   string
	anchor cell.Ref
}

func newHasher() *hasher {
	return &hasher{seed: maphash.MakeSeed(), shared: map[sharedKey]uint64{}}
}

// cell hashes the formula of c in relative form, or else its value; 0 for a cell with neither.
func (h *hasher) cell(sheet *grid.Sheet, c grid.Cell) uint64 {
	if !c.HasFormula() {
		return h.value(c.Value)
	}
	f := sheet.Formula(c)
	if f.Kind != grid.SharedFormula {
		return h.formula(f.Text, c.Ref)
	}
	key := sharedKey{f.Text, f.Anchor}
	x, ok := h.shared[key]
	if !ok {
		x = h.formula(f.Text, f.Anchor)
		h.shared[key] = x
	}
	return x
}

func (h *hasher) formula(text string, at cell.Ref) uint64 {
	b, err := formula.AppendRelative(append(h.buf[:0], '='), text, at)
	if err != nil {
		b = append(append(h.buf[:0], '='), text...)
	}
	h.buf = b
	return maphash.Bytes(h.seed, b) | 1
}

func (h *hasher) value(v cell.Value) uint64 {
	switch v.Kind() {
	case cell.Blank:
		return 0
	case cell.Text:
		return maphash.String(h.seed, v.Text()) | 1
	}
	f := v.Number()
	if v.Kind() == cell.Error {
		f = float64(v.Err())
	}
	if f == 0 {
		f = 0 // -0 is 0
	}
	var b [9]byte
	b[0] = byte(v.Kind())
	binary.LittleEndian.PutUint64(b[1:], math.Float64bits(f))
	return maphash.Bytes(h.seed, b[:]) | 1
}

// mixRow adds a cell to the hash of its row.
func mixRow(row uint64, col int, content uint64) uint64 {
	hi, lo := bits.Mul64(row^0x9E3779B97F4A7C15, content^uint64(col)<<1^0xD1B54A32D192ED03)
	return hi ^ lo | 1
}

// rows hashes the rows of a sheet that have stored cells.
func (h *hasher) rows(ctx context.Context, sheet *grid.Sheet) ([]contentRow, error) {
	var rows []contentRow
	for c := range sheet.Cells(cell.WholeSheet) {
		if n := len(rows); n == 0 || rows[n-1].row != c.Ref.Row {
			if n&0xFFF == 0 && ctx.Err() != nil {
				return nil, ctx.Err()
			}
			rows = append(rows, contentRow{row: c.Ref.Row})
		}
		if x := h.cell(sheet, c); x != 0 {
			r := &rows[len(rows)-1]
			r.hash = mixRow(r.hash, c.Ref.Col, x)
		}
	}
	return rows, nil
}

// alike counts the cells that two rows have in common; two rows without any count as 1.
func (h *hasher) alike(a, b *grid.Sheet) func(rowA, rowB int) int {
	var x, y []grid.Cell
	return func(rowA, rowB int) int {
		x, y = cellsOf(x[:0], a, rowA), cellsOf(y[:0], b, rowB)
		same, content := 0, false
		for i, k := 0, 0; i < len(x) || k < len(y); {
			switch {
			case k == len(y) || i < len(x) && x[i].Ref.Col < y[k].Ref.Col:
				content = content || !x[i].Empty()
				i++
			case i == len(x) || y[k].Ref.Col < x[i].Ref.Col:
				content = content || !y[k].Empty()
				k++
			default:
				p, q := h.cell(a, x[i]), h.cell(b, y[k])
				content = content || p != 0 || q != 0
				if p == q && p != 0 {
					same++
				}
				i++
				k++
			}
		}
		if !content {
			return 1
		}
		return same
	}
}

// cellsOf appends the stored cells of a row.
func cellsOf(cells []grid.Cell, sheet *grid.Sheet, row int) []grid.Cell {
	for c := range sheet.Cells(cell.Range{First: cell.Ref{Row: row}, Last: cell.Ref{Row: row, Col: cell.MaxCols - 1}}) {
		cells = append(cells, c)
	}
	return cells
}
