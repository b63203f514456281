package tools

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// The form of an export that costs least: values as rows, and each format once with the ranges that have it, and of it that in
// which it differs from the base, the format of cells without one. A row is a list of
// values from the first column on, a text with = a formula. What lies between, rows or cells, is null or {"skip":n}. A text that would
// be taken for something else is {"v":"…","t":"text"}.

// compactExport is an export in the making.
type compactExport struct {
	w     values
	sheet *grid.Sheet
	rng   cell.Range
	most  int // bytes that it may have; 0: any number

	base   []byte
	rows   []byte
	looks  []exportLook
	byKey  map[string]int // of the looks
	byXf   map[uint32]int // the same, -1 for what has no format
	open   map[lookRun]int
	bounds int // of the bytes of looks, from above
}

// exportLook is a format with its ranges.
type exportLook struct {
	text   []byte // `"fmt":"0.00","style":{…}`
	ranges []cell.Range
}

// lookRun is a part of a row that has one format; in open, with the number of the range that ends with it.
type lookRun struct{ look, first, last int }

// rangeBytes bounds what the text of a range with its comma takes.
const rangeBytes = len("XFD1048576:XFD1048576,")

// skipRows and skipCells are how many rows or cells without values are told by their number.
const (
	skipRows  = 4
	skipCells = 3
)

func newCompactExport(w values, sheet *grid.Sheet, rng cell.Range, most int) *compactExport {
	base := usualStyle(w.styles).appendJSON(nil)
	return &compactExport{w: w, sheet: sheet, rng: rng, most: most, base: base, bounds: len(base) + len(`,"base":`), rows: []byte{'['}, byKey: map[string]int{}, byXf: map[uint32]int{}, open: map[lookRun]int{}}
}

// over reports whether there is more than there may be.
func (x *compactExport) over() bool {
	return x.most > 0 && len(x.rows)+x.bounds+len(`],"formats":[]`) > x.most
}

// write writes all rows. Where they do not fit, at is the cell that does not.
func (x *compactExport) write(ctx context.Context) (at cell.Ref, fits bool, err error) {
	next := x.rng.First.Row  // the first row that is not told
	empty := x.rng.First.Row // the first row whose formats are not told
	for row := range x.sheet.OccupiedRows(x.rng.First.Row, x.rng.Last.Row) {
		if err := ctx.Err(); err != nil {
			return at, false, err
		}
		x.emptyRows(empty, row-1)
		if at, fits = x.row(row, &next); !fits {
			return at, false, nil
		}
		empty = row + 1
	}
	x.emptyRows(empty, x.rng.Last.Row)
	if x.over() {
		return x.rng.Last, false, nil
	}
	x.rows = append(x.rows, ']')
	return at, true, nil
}

// emptyRows takes the formats that rows without cells have by themselves or of their columns.
func (x *compactExport) emptyRows(first, last int) {
	l := x.sheet.Layout
	for first <= last {
		to := last
		if i, ok := slices.BinarySearchFunc(l.Rows, first, func(r grid.RowSpan, row int) int { return cmp.Compare(r.Last, row) }); ok || i < len(l.Rows) {
			if r := l.Rows[i]; r.First > first {
				to = min(to, r.First-1)
			} else {
				to = min(to, r.Last)
			}
		}
		x.spread(x.unstored(nil, first, x.rng.First.Col, x.rng.Last.Col), first, to)
		first = to + 1
	}
}

// unstored adds the formats of cells of a row that are not stored.
func (x *compactExport) unstored(runs []lookRun, row, first, last int) []lookRun {
	l := x.sheet.Layout
	if r, ok := l.Row(row); ok && r.HasStyle {
		return x.run(runs, r.Style, first, last)
	}
	for _, c := range l.Columns {
		if c.Style != 0 {
			runs = x.run(runs, c.Style, max(first, c.First), min(last, c.Last))
		}
	}
	return runs
}

// run adds the format of cells that stand side by side.
func (x *compactExport) run(runs []lookRun, style uint32, first, last int) []lookRun {
	look := x.look(style)
	if look < 0 || first > last {
		return runs
	}
	if n := len(runs); n > 0 && runs[n-1].look == look && runs[n-1].last == first-1 {
		runs[n-1].last = last
		return runs
	}
	x.bounds += rangeBytes
	return append(runs, lookRun{look, first, last})
}

func (x *compactExport) row(row int, next *int) (at cell.Ref, fits bool) {
	started := false
	col := x.rng.First.Col // the first column that is not told
	looked := col          // the first column whose format is not
	var runs []lookRun
	g := gridRows{w: x.w, sheet: x.sheet, stop: x.most}
	for c := range x.sheet.Cells(cell.Range{First: cell.Ref{Row: row, Col: x.rng.First.Col}, Last: cell.Ref{Row: row, Col: x.rng.Last.Col}}) {
		runs = x.unstored(runs, row, looked, c.Ref.Col-1)
		runs = x.run(runs, c.Style, c.Ref.Col, c.Ref.Col)
		looked = c.Ref.Col + 1
		g.shorten(x.rows, &c)
		if v := x.value(c); v != nil {
			if !started {
				started = true
				x.separate()
				x.skip(row-*next, skipRows, "[]")
				x.rows = append(x.rows, '[')
			}
			x.separate()
			x.skip(c.Ref.Col-col, skipCells, "null")
			x.rows = append(x.rows, v...)
			col = c.Ref.Col + 1
		}
		if x.over() {
			return c.Ref, false
		}
	}
	if started {
		x.rows = append(x.rows, ']')
		*next = row + 1
	}
	x.spread(x.unstored(runs, row, looked, x.rng.Last.Col), row, row)
	return at, true
}

// spread takes the formats of rows first to last, which have the same ones.
func (x *compactExport) spread(runs []lookRun, first, last int) {
	open := make(map[lookRun]int, len(runs))
	for _, r := range runs {
		ranges := &x.looks[r.look].ranges
		if i, ok := x.open[r]; ok && (*ranges)[i].Last.Row == first-1 {
			(*ranges)[i].Last.Row = last
			open[r] = i
			x.bounds -= rangeBytes // it is not one more
			continue
		}
		open[r] = len(*ranges)
		*ranges = append(*ranges, cell.Range{First: cell.Ref{Row: first, Col: r.first}, Last: cell.Ref{Row: last, Col: r.last}})
	}
	x.open = open
}

// separate writes a comma where something stands before.
func (x *compactExport) separate() {
	if last := x.rows[len(x.rows)-1]; last != '[' {
		x.rows = append(x.rows, ',')
	}
}

// skip tells n rows or cells without values, with the comma behind them.
func (x *compactExport) skip(n, from int, one string) {
	if n >= from {
		x.rows = append(strconv.AppendInt(append(x.rows, `{"skip":`...), int64(n), 10), "},"...)
		return
	}
	for range n {
		x.rows = append(append(x.rows, one...), ',')
	}
}

// value gives what stands in a cell, nil where that is nothing.
func (x *compactExport) value(c grid.Cell) json.RawMessage {
	switch {
	case c.HasFormula():
		v, _ := appendJSON(nil, "="+book.FormulaText(x.sheet, c), 0)
		return v
	case c.Value.IsBlank(), filledFrom(x.sheet, c.Ref, x.rng):
		return nil
	}
	v, kind := x.w.exportedValue(c)
	if kind == "" && c.Value.Kind() == cell.Text && strings.HasPrefix(c.Value.Text(), "=") {
		kind = "text"
	}
	if kind != "" {
		v, _ = appendJSON(nil, exportedText{v, kind}, 0)
	}
	return v
}

// exportedText is a text that would be taken for something else.
type exportedText struct {
	Value json.RawMessage `json:"v"`
	Kind  string          `json:"t"`
}

// look gives the number of a format, -1 for that of cells without one.
func (x *compactExport) look(style uint32) int {
	if style == 0 {
		return -1
	}
	if i, ok := x.byXf[style]; ok {
		return i
	}
	var text []byte
	if f := x.w.styles.Format(style); f != nil && !strings.EqualFold(f.Code(), "General") {
		text, _ = appendJSON(append(text, `"fmt":`...), f.Code(), 0)
		text = append(text, ',')
	}
	text = exportStyle(x.w.styles, style, false).appendJSON(append(text, `"style":`...))
	i, ok := x.byKey[string(text)]
	if !ok {
		i = len(x.looks)
		x.looks = append(x.looks, exportLook{text: text})
		x.byKey[string(text)] = i
		x.bounds += len(text) + len(`{"cells":"",},`)
	}
	x.byXf[style] = i
	return i
}

// formats gives the formats with their ranges, in the order in which they were met.
func (x *compactExport) formats() json.RawMessage {
	if len(x.looks) == 0 {
		return nil
	}
	b := []byte{'['}
	for i, l := range x.looks {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"cells":"`...)
		for k, r := range l.ranges {
			if k > 0 {
				b = append(b, ',')
			}
			b = r.AppendA1(b)
		}
		b = append(append(append(b, `",`...), l.text...), '}')
	}
	return append(b, ']')
}
