package tools

import (
	"iter"
	"math"
	"sort"
	"strconv"
	"sync"
	"unicode/utf8"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/grid"
)

// gridRows writes rows of one sheet, those columns of them that cols names.
type gridRows struct {
	w     values
	sheet *grid.Sheet
	cols  []int // ascending unless the caller asked for an order
	stop  int   // a row is given up once its buffer is longer than this; 0: never
}

// at gives a cell that is to be appended to b. A text that alone is longer than what is
// left of the room comes shortened: it is not going to be shown, and need not be escaped
// whole to know that.
func (g *gridRows) at(b []byte, row, col int) grid.Cell {
	c, _ := g.sheet.At(cell.Ref{Row: row, Col: col})
	g.shorten(b, &c)
	return c
}

func (g *gridRows) shorten(b []byte, c *grid.Cell) {
	if text := c.Value.Text(); g.stop > 0 && len(text) > g.stop-len(b) {
		c.Value = cell.TextValue(text[:min(len(text), max(g.stop-len(b), 0)+utf8.UTFMax)])
	}
}

// over reports whether b is longer than the room for it.
func (g *gridRows) over(b []byte) bool { return g.stop > 0 && len(b) > g.stop }

// rowSpan yields first…last.
func rowSpan(first, last int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for r := first; r <= last && yield(r); r++ {
		}
	}
}

// appendRows appends rows with write until lim is used up, commas between them where
// comma says so. It gives the number of rows that are there, and the first row that is
// not, -1 where all are. A row that write leaves empty does not count.
func (g *gridRows) appendRows(b []byte, rows iter.Seq[int], lim *budget, cells int, comma bool, write func(b []byte, row int) []byte) (out []byte, shown, next int) {
	for row := range rows {
		before := len(b)
		g.stop = before + lim.room()
		if comma && shown > 0 {
			b = append(b, ',')
		}
		start := len(b)
		b = write(b, row)
		if len(b) == start {
			b = b[:before]
			continue
		}
		if !lim.take(len(b)-before, cells) {
			return b[:before], shown, row
		}
		shown++
	}
	return b, shown, -1
}

// narrower gives the columns with which a row fits into room bytes, where write gives
// the size of the row with those of them that are in g: all of them, or else the first
// that fit together. A cell that fits nowhere is passed over; none may be left.
func (g *gridRows) narrower(row, room int, write func() int) []int {
	saved := g.cols
	defer func() { g.cols = saved }()
	fits := func(cols []int) bool {
		g.cols, g.stop = cols, room
		return write() <= room
	}
	if fits(saved) {
		return saved
	}
	for left := saved; len(left) > 0; left = left[1:] {
		if c, _ := g.sheet.At(cell.Ref{Row: row, Col: left[0]}); len(c.Value.Text()) > room {
			continue
		}
		if n := sort.Search(len(left), func(k int) bool { return !fits(left[:k+1]) }); n > 0 {
			return left[:n]
		}
	}
	return nil
}

// filledCols appends to cols the columns of rng that hold a value or a formula in its rows.
func filledCols(cols []int, sheet *grid.Sheet, rng cell.Range) []int {
	used, any := sheet.Used()
	if !any {
		return cols
	}
	first, last := max(rng.First.Col, used.First.Col), min(rng.Last.Col, used.Last.Col)
	if last-first < 64 {
		for col := first; col <= last; col++ {
			if columnFilled(sheet, col, rng.First.Row, rng.Last.Row) {
				cols = append(cols, col)
			}
		}
		return cols
	}
	for _, col := range sheet.OccupiedCols(rng.First.Row, rng.Last.Row) {
		if col >= first && col <= last && columnFilled(sheet, col, rng.First.Row, rng.Last.Row) {
			cols = append(cols, col)
		}
	}
	return cols
}

func columnFilled(sheet *grid.Sheet, col, first, last int) bool {
	for c := range sheet.Column(col, first, last) {
		if !c.Empty() {
			return true
		}
	}
	return false
}

// colSpan gives first…last as a list.
func colSpan(first, last int) []int {
	cols := make([]int, 0, max(last-first+1, 0))
	for c := first; c <= last; c++ {
		cols = append(cols, c)
	}
	return cols
}

// appendLetters appends the first line of a text grid: a tab and a letter per column.
func (g *gridRows) appendLetters(b []byte) []byte {
	for _, col := range g.cols {
		b = append(b, '\t')
		b = cell.AppendColumn(b, col)
	}
	return append(b, '\n')
}

// appendTSV appends one row of a text grid: its number, then a tab and the value for
// each column, nothing behind the last value. A row without values leaves b as it was.
func (g *gridRows) appendTSV(b []byte, row int) []byte {
	start, tabs := len(b), 0
	for _, col := range g.cols {
		tabs++
		c := g.at(b, row, col)
		if c.Value.IsBlank() {
			continue
		}
		if len(b) == start {
			b = strconv.AppendInt(b, int64(row)+1, 10)
		}
		for ; tabs > 0; tabs-- {
			b = append(b, '\t')
		}
		if b = g.w.appendFieldOf(b, &c); g.over(b) {
			break
		}
	}
	if len(b) == start {
		return b
	}
	return append(b, '\n')
}

// appendText appends rows first…last of a text grid until lim is used up. It gives the
// number of rows that are there, and the first one that did not fit, or -1.
//
// It is appendRows with appendTSV, faster and without an allocation: most of what is
// read goes through here. A sheet is stored by columns, so a block of rows is
// gathered column by column and then written row by row.
func (g *gridRows) appendText(b []byte, first, last int, lim *budget) (out []byte, shown, next int) {
	width := len(g.cols)
	if width == 0 {
		return b, 0, -1
	}
	height := min(max(blockCells/width, 1), blockRowsMax)
	block := blocks.Get().(*[]grid.Cell)
	defer blocks.Put(block)
	for top := first; top <= last; top += height {
		if top = firstOccupied(g.sheet, top, last); top < 0 {
			break
		}
		bottom := min(top+height-1, last)
		size := (bottom - top + 1) * width
		if cap(*block) < size {
			*block = make([]grid.Cell, size)
		}
		cells := (*block)[:size]
		for i, col := range g.cols {
			for c := range g.sheet.Column(col, top, bottom) {
				cells[(c.Ref.Row-top)*width+i] = c
			}
		}
		for row := top; row <= bottom; row++ {
			before := len(b)
			g.stop = before + lim.room()
			if b = g.appendLine(b, row, cells[(row-top)*width:][:width]); len(b) == before {
				continue
			}
			if !lim.take(len(b)-before, width) {
				clear(cells) // a pooled block must not keep a sheet alive
				return b[:before], shown, row
			}
			shown++
		}
		clear(cells)
	}
	return b, shown, -1
}

// appendLine is appendTSV for cells that are at hand.
func (g *gridRows) appendLine(b []byte, row int, cells []grid.Cell) []byte {
	start, tabs := len(b), 0
	for i := range cells {
		tabs++
		if cells[i].Value.IsBlank() {
			continue
		}
		if len(b) == start {
			b = strconv.AppendInt(b, int64(row)+1, 10)
		}
		for ; tabs > 0; tabs-- {
			b = append(b, '\t')
		}
		g.shorten(b, &cells[i])
		if b = g.w.appendFieldOf(b, &cells[i]); g.over(b) {
			break
		}
	}
	if len(b) == start {
		return b
	}
	return append(b, '\n')
}

// The size of a block of appendText.
const (
	blockCells   = 2048
	blockRowsMax = 128
)

var blocks = sync.Pool{New: func() any { return new([]grid.Cell) }}

// firstOccupied gives the first row from first to last that has a cell, or -1.
func firstOccupied(sheet *grid.Sheet, first, last int) int {
	for row := range sheet.OccupiedRows(first, last) {
		return row
	}
	return -1
}

// list appends the cells of one row with write between brackets.
func (g *gridRows) list(b []byte, row int, write func([]byte, grid.Cell) []byte) []byte {
	b = append(b, '[')
	for i, col := range g.cols {
		if i > 0 {
			b = append(b, ',')
		}
		if b = write(b, g.at(b, row, col)); g.over(b) {
			break
		}
	}
	return append(b, ']')
}

func (g *gridRows) appendPrimitives(b []byte, row int) []byte {
	return g.list(b, row, g.w.appendPrimitive)
}

func (g *gridRows) appendTyped(b []byte, row int) []byte { return g.list(b, row, g.w.appendTyped) }

func (g *gridRows) appendCSV(b []byte, row int) []byte {
	for i, col := range g.cols {
		if i > 0 {
			b = append(b, ',')
		}
		if b = g.w.appendCSV(b, g.at(b, row, col)); g.over(b) {
			break
		}
	}
	return append(b, '\n')
}

// appendNumbered appends {"row":n,"cells":{"A":…}}, blank cells left out.
func (g *gridRows) appendNumbered(b []byte, row int) []byte {
	b = append(b, `{"row":`...)
	b = strconv.AppendInt(b, int64(row)+1, 10)
	b = append(b, `,"cells":{`...)
	open := len(b)
	for _, col := range g.cols {
		c := g.at(b, row, col)
		if c.Value.IsBlank() {
			continue
		}
		if len(b) > open {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = cell.AppendColumn(b, col)
		b = append(b, '"', ':')
		if b = g.w.appendPrimitive(b, c); g.over(b) {
			break
		}
	}
	return append(b, '}', '}')
}

// formulaRun is a run of cells of one column whose formulas are copies of each other.
type formulaRun struct {
	rng  cell.Range
	text string // of the first cell
}

// formulaRuns gives the formulas of the columns in rows first…last, column by column,
// and how many cells have one. The texts of max runs and about room bytes are kept.
func (g *gridRows) formulaRuns(first, last, max, room int) (runs []formulaRun, cells int) {
	var canonical, previous []byte
	for _, col := range g.cols {
		open := false // the last run is in this column and may grow
		for c := range g.sheet.Column(col, first, last) {
			if !c.HasFormula() {
				open = false
				continue
			}
			cells++
			text := book.FormulaText(g.sheet, c)
			var err error
			canonical, err = formula.AppendRelative(canonical[:0], text, c.Ref)
			if err != nil {
				canonical = append(canonical[:0], text...)
			}
			if open && runs[len(runs)-1].rng.Last.Row == c.Ref.Row-1 && string(canonical) == string(previous) {
				runs[len(runs)-1].rng.Last = c.Ref
				continue
			}
			open = len(runs) < max && room >= 0
			if open {
				runs = append(runs, formulaRun{cell.Range{First: c.Ref, Last: c.Ref}, text})
				room -= len(text)
			}
			previous = append(previous[:0], canonical...)
		}
	}
	return runs, cells
}

// runsMax bounds the runs of formulas or formats that follow one text grid.
const runsMax = 200

// appendFormulas appends the formulas below a text grid: a line per run.
func (g *gridRows) appendFormulas(b []byte, first, last int, lim *budget) []byte {
	most := math.MaxInt
	if lim.maxBytes > 0 {
		most = max(lim.maxBytes-lim.bytes, 0)
	}
	runs, cells := g.formulaRuns(first, last, runsMax, most)
	if cells == 0 {
		return append(b, "no formulas\n"...)
	}
	b = append(b, "formulas (a range has copies of its first cell's):\n"...)
	for i, run := range runs {
		before := len(b)
		bound := lim.maxBytes
		if i == 0 {
			bound = lim.maxFirst
		}
		if bound == 0 {
			bound = math.MaxInt
		}
		b = run.rng.AppendA1(b)
		b = append(b, "\t="...)
		b = appendEscaped(b, run.text[:min(len(run.text), bound)])
		b = append(b, '\n')
		if lim.bytes+len(b)-before > bound || i == runsMax-1 {
			return append(b[:before], "… more; ask for fewer rows, or call sheet_formula_map\n"...)
		}
		lim.bytes += len(b) - before
	}
	return b
}

// appendFormats appends what cells look like, below a text grid: a line per run of
// cells of one column with the same style, those with the default one left out.
func (g *gridRows) appendFormats(b []byte, first, last int, lim *budget) []byte {
	b = append(b, "styles:\n"...)
	n := 0
	flush := func(rng cell.Range, style uint32) bool {
		text := describeXf(g.w.styles, style)
		if text == "" {
			return true
		}
		before := len(b)
		b = rng.AppendA1(b)
		b = append(b, '\t')
		b = appendEscaped(b, text)
		b = append(b, '\n')
		n++
		if lim.maxBytes > 0 && lim.bytes+len(b)-before > lim.maxBytes || n == runsMax {
			b = append(b[:before], "… more; ask for fewer rows, or call sheet_styles\n"...)
			return false
		}
		lim.bytes += len(b) - before
		return true
	}
	for _, col := range g.cols {
		var run cell.Range
		var style uint32
		any := false
		for c := range g.sheet.Column(col, first, last) {
			if any && c.Style == style && c.Ref.Row == run.Last.Row+1 {
				run.Last = c.Ref
				continue
			}
			if any && !flush(run, style) {
				return b
			}
			run, style, any = cell.Range{First: c.Ref, Last: c.Ref}, c.Style, true
		}
		if any && !flush(run, style) {
			return b
		}
	}
	if n == 0 {
		return append(b[:len(b)-len("styles:\n")], "no styles\n"...)
	}
	return b
}
