package tools

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"gridflow/internal/book"
	"gridflow/internal/cell"
)

// denseRows is the "dense_v1" form of rows: a dictionary of the values, whose entry 0
// is null, and for each row the runs of equal entries.
type denseRows struct {
	g     *gridRows
	first int            // row 0 of the result
	index map[string]int // JSON of a value → its entry
	keys  []string       // the entries
	size  int            // bytes of the entries

	runs     []byte // rows, with commas between them
	formulas []byte // members of the formulas array, with commas between them; nil if not wanted
	scratch  []byte
}

// dense writes the rows first…last that lim has room for. next is the first row that
// did not fit, or -1.
func (g *gridRows) dense(first, last int, formulas bool, lim *budget) (out json.RawMessage, next int) {
	d := newDense(g, first)
	next = -1
	for row := first; row <= last; row++ {
		entries, runs, listed, size := len(d.keys), len(d.runs), len(d.formulas), d.bytes()
		g.stop = size + lim.room()
		d.row(row)
		if formulas {
			d.rowFormulas(row)
		}
		if !lim.take(d.bytes()-size, len(g.cols)) {
			d.keys, d.runs, d.formulas, next = d.keys[:entries], d.runs[:runs], d.formulas[:listed], row
			break
		}
	}
	out = fmt.Appendf(nil, `{"encoding":"dense_v1","col_count":%d,"dictionary":[%s],"row_runs":[%s]`, len(g.cols), strings.Join(d.keys, ","), d.runs)
	if len(d.formulas) > 0 {
		out = fmt.Appendf(out, `,"formulas":[%s]`, d.formulas)
	}
	return append(out, '}'), next
}

func newDense(g *gridRows, first int) *denseRows {
	return &denseRows{g: g, first: first, index: map[string]int{}, keys: []string{"null"}}
}

func (d *denseRows) bytes() int { return d.size + len(d.runs) + len(d.formulas) }

// row appends the runs of one row.
func (d *denseRows) row(row int) {
	if len(d.runs) > 0 {
		d.runs = append(d.runs, ',')
	}
	d.runs = append(d.runs, '[')
	entry, length := 0, 0
	flush := func() {
		if length > 0 {
			if d.runs[len(d.runs)-1] != '[' {
				d.runs = append(d.runs, ',')
			}
			d.runs = fmt.Appendf(d.runs, `{"value_idx":%d,"len":%d}`, entry, length)
		}
	}
	for _, col := range d.g.cols {
		if e := d.entry(cell.Ref{Row: row, Col: col}); e != entry || length == 0 {
			flush()
			entry, length = e, 0
		}
		length++
		if d.bytes() > d.g.stop {
			break
		}
	}
	flush()
	d.runs = append(d.runs, ']')
}

// entry gives the dictionary entry of a cell's value.
func (d *denseRows) entry(r cell.Ref) int {
	c, _ := d.g.sheet.At(r)
	if c.Value.IsBlank() {
		return 0
	}
	if text := c.Value.Text(); len(text) > d.g.stop {
		c.Value = cell.TextValue(text[:min(len(text), d.g.stop+utf8.UTFMax)])
	}
	d.scratch = d.g.w.appendPrimitive(d.scratch[:0], c)
	e, known := d.index[string(d.scratch)]
	if !known {
		e = len(d.keys)
		key := string(d.scratch)
		d.index[key], d.keys, d.size = e, append(d.keys, key), d.size+len(key)+1
	}
	return e
}

func (d *denseRows) rowFormulas(row int) {
	for i, col := range d.g.cols {
		c, _ := d.g.sheet.At(cell.Ref{Row: row, Col: col})
		if !c.HasFormula() {
			continue
		}
		if d.bytes() > d.g.stop {
			return
		}
		if len(d.formulas) > 0 {
			d.formulas = append(d.formulas, ',')
		}
		d.formulas = fmt.Appendf(d.formulas, `{"row":%d,"col":%d,"formula":`, row-d.first, i)
		d.formulas = append(appendQuoted(d.formulas, book.FormulaText(d.g.sheet, c)), '}')
	}
}
