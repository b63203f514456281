package grid

import (
	"iter"
	"math/bits"
	"slices"

	"gridflow/internal/cell"
)

// Diff yields, in row-major order, the cells that differ between two sheets: in value, in
// style, or in formula as it is stored. Each comes as the cell of a and that of b; the one
// that is not stored is blank, without a style and a formula. A cell stored on one side only
// differs even where it is blank.
//
// What versions of a sheet share is not looked at: between two of them it costs by the
// edits. Two styles are the same if sameStyle says so, or where it is nil if they are equal:
// forks of one workbook may each have added styles, and then an index says two things.
func Diff(a, b *Sheet, sameStyle func(a, b uint32) bool) iter.Seq2[Cell, Cell] {
	if sameStyle == nil {
		sameStyle = func(a, b uint32) bool { return a == b }
	}
	return func(yield func(Cell, Cell) bool) {
		if a == b {
			return
		}
		d := differ{a: a, b: b, overA: a.over, overB: b.over, sameStyle: sameStyle, line: a.formulas == b.formulas && a.shared == b.shared && a.texts == b.texts}
		d.respilled()
		last := max(len(a.bands), len(b.bands))
		if n := len(d.spills); n > 0 {
			last = max(last, d.spills[n-1].Row>>bandShift+1)
		}
		for _, s := range [...]*Sheet{a, b} {
			if n := len(s.over); n > 0 {
				last = max(last, int(s.over[n-1].row>>bandShift)+1)
			}
		}
		for n := range last {
			if !d.band(n, yield) {
				return
			}
		}
	}
}

// differ walks two sheets band by band.
type differ struct {
	a, b         *Sheet
	overA, overB []patch // not yet passed
	cols         []candidates
	spills       []cell.Ref // cells of arrays that may fill another range; not yet passed
	sameStyle    func(a, b uint32) bool
	line         bool // a and b are versions of one sheet
}

// candidates are the rows of a band in which a column may differ.
type candidates struct {
	col  uint16
	rows [BandRows / 64]uint64
}

// band yields what differs in band n and reports whether to go on.
func (d *differ) band(n int, yield func(Cell, Cell) bool) bool {
	take := func(over *[]patch) []patch {
		i := 0
		for i < len(*over) && int((*over)[i].row>>bandShift) == n {
			i++
		}
		p := (*over)[:i]
		*over = (*over)[i:]
		return p
	}
	pa, pb := take(&d.overA), take(&d.overB)
	spills := 0
	for spills < len(d.spills) && d.spills[spills].Row>>bandShift == n {
		spills++
	}
	ba, bb := d.a.bandAt(n), d.b.bandAt(n)
	if ba == bb && len(pa) == 0 && len(pb) == 0 && spills == 0 {
		return true
	}
	d.cols = d.cols[:0]
	if ba != bb {
		d.chunks(ba, bb)
	}
	d.patches(pa)
	d.patches(pb)
	for _, r := range d.spills[:spills] {
		d.candidate(uint16(r.Col), uint16(r.Row&(BandRows-1)))
	}
	d.spills = d.spills[spills:]
	return d.compare(n, yield)
}

// respilled finds the dynamic arrays that may fill other cells in one sheet than in the other:
// neither chunks nor patches tell of that.
func (d *differ) respilled() {
	if slices.Equal(d.a.spills, d.b.spills) {
		return
	}
	x, y := d.a.spills, d.b.spills
	for len(x) > 0 || len(y) > 0 {
		switch {
		case len(y) == 0 || len(x) > 0 && order(x[0].anchor) < order(y[0].anchor):
			d.spills, x = append(d.spills, x[0].anchor), x[1:]
		case len(x) == 0 || order(y[0].anchor) < order(x[0].anchor):
			d.spills, y = append(d.spills, y[0].anchor), y[1:]
		default:
			if x[0] != y[0] {
				d.spills = append(d.spills, x[0].anchor)
			}
			x, y = x[1:], y[1:]
		}
	}
}

func (s *Sheet) bandAt(n int) *Band {
	if n < len(s.bands) {
		return s.bands[n]
	}
	return nil
}

// chunks takes the cells of the chunks that two bands do not share as candidates.
func (d *differ) chunks(a, b *Band) {
	if a == nil {
		a = &Band{}
	}
	if b == nil {
		b = &Band{}
	}
	for i, j := 0, 0; i < len(a.cols) || j < len(b.cols); {
		var x, y *Chunk
		col := uint16(0)
		switch {
		case j == len(b.cols) || i < len(a.cols) && a.cols[i] < b.cols[j]:
			x, col = a.chunks[i], a.cols[i]
			i++
		case i == len(a.cols) || b.cols[j] < a.cols[i]:
			y, col = b.chunks[j], b.cols[j]
			j++
		default:
			x, y, col = a.chunks[i], b.chunks[j], a.cols[i]
			i++
			j++
		}
		if x == y {
			continue
		}
		c := candidates{col: col}
		d.cells(&c, x, y)
		d.cols = append(d.cols, c)
	}
}

// cells takes the cells of two chunks of one column as candidates, but for those that are
// seen to be the same by how they are stored. One of the chunks may be nil.
func (d *differ) cells(c *candidates, x, y *Chunk) {
	if x == nil || y == nil || !d.line {
		for _, k := range [...]*Chunk{x, y} {
			if k != nil {
				var in Band
				in.occupy(k)
				for w := range c.rows {
					c.rows[w] |= in.occupied[w]
				}
			}
		}
		return
	}
	i, j, f, g := 0, 0, 0, 0
	for i < x.n || j < y.n {
		var o uint16
		same := false
		switch {
		case j == y.n || i < x.n && x.row(i) < y.row(j):
			o = x.row(i)
			i++
		case i == x.n || y.row(j) < x.row(i):
			o = y.row(j)
			j++
		default:
			o = x.row(i)
			same = d.stored(x, i, y, j) && d.sameStyle(x.styleAt(i), y.styleAt(j))
			i++
			j++
		}
		p, q := x.formulaNext(&f, o), y.formulaNext(&g, o)
		if !same || p != q || p >= d.a.formulas.len() {
			c.rows[o>>6] |= 1 << (o & 63)
		}
	}
}

// stored reports whether two cells are seen to hold the same by how they are stored.
func (d *differ) stored(x *Chunk, i int, y *Chunk, j int) bool {
	t, u := x.tagAt(i), y.tagAt(j)
	p, q := x.payloadAt(i), y.payloadAt(j)
	if t == u {
		return p == q && t != tagOwn // forks number their own texts alike
	}
	// A fold may have made whole numbers of 8 bytes.
	return t == tagInt && u == tagFloat && floatBits(p) == q || t == tagFloat && u == tagInt && p == floatBits(q)
}

// formulaNext gives the index of the formula in row offset o, -1 where there is none. Offsets
// come in ascending order; next is the number of the first formula that is not passed.
func (c *Chunk) formulaNext(next *int, o uint16) int {
	for *next < len(c.formulaRows) && c.formulaRows[*next] < o {
		*next++
	}
	if *next < len(c.formulaRows) && c.formulaRows[*next] == o {
		return int(c.formulas[*next])
	}
	return -1
}

// patches takes the cells of patches as candidates.
func (d *differ) patches(patches []patch) {
	for i := range patches {
		d.candidate(patches[i].col, uint16(patches[i].row&(BandRows-1)))
	}
}

// candidate takes one cell of the band, in row offset o.
func (d *differ) candidate(col, o uint16) {
	n, ok := slices.BinarySearchFunc(d.cols, col, func(c candidates, col uint16) int { return int(c.col) - int(col) })
	if !ok {
		d.cols = slices.Insert(d.cols, n, candidates{col: col})
	}
	d.cols[n].rows[o>>6] |= 1 << (o & 63)
}

// compare yields the candidates of band n that differ.
func (d *differ) compare(n int, yield func(Cell, Cell) bool) bool {
	for w := range BandRows / 64 {
		var any uint64
		for i := range d.cols {
			any |= d.cols[i].rows[w]
		}
		for ; any != 0; any &= any - 1 {
			bit := any & -any
			row := n<<bandShift + w<<6 + bits.TrailingZeros64(any)
			for i := range d.cols {
				if d.cols[i].rows[w]&bit == 0 {
					continue
				}
				if x, y, differ := d.at(row, int(d.cols[i].col)); differ && !yield(x, y) {
					return false
				}
			}
		}
	}
	return true
}

// at gives the cell of both sheets and whether they differ.
func (d *differ) at(row, col int) (x, y Cell, differ bool) {
	r := cell.Ref{Row: row, Col: col}
	x, inA := d.a.At(r)
	y, inB := d.b.At(r)
	if !inA && !inB {
		return x, y, false
	}
	return x, y, inA != inB || x.Value != y.Value || !d.sameStyle(x.Style, y.Style) || !d.sameFormula(x, y)
}

// sameFormula reports whether two cells have the same formula, as it is stored.
func (d *differ) sameFormula(x, y Cell) bool {
	if x.HasFormula() != y.HasFormula() {
		return false
	}
	if !x.HasFormula() {
		return true
	}
	if x.formula == y.formula && d.a.formulas == d.b.formulas && int(x.formula) < d.a.formulas.len() && len(d.a.spills)+len(d.b.spills) == 0 {
		return true
	}
	return d.a.Formula(x) == d.b.Formula(y)
}
