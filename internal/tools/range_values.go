package tools

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"gridflow/internal/book"
	"gridflow/internal/cell"
)

type rangeValuesIn struct {
	Book
	Sheet    string   `json:"sheet_name" required:"true"`
	Ranges   []string `json:"ranges" required:"true" min:"1" max:"100" doc:"Each a range (B2:D9, B:D, 2:9, Sheet!A1:B2), defined name, table or Table1[Column]"`
	Headers  bool     `json:"include_headers" default:"false" doc:"Row 1 of the sheet above each range"`
	Formulas *bool    `json:"include_formulas"`
	Format   string   `json:"format" enum:"tsv|csv|values|json|rows|dense" doc:"tsv unless given"`
	PageSize int      `json:"page_size" min:"1" doc:"Rows per range"`
}

type rangeValuesOut struct {
	Cut
	WorkbookID string        `json:"workbook_id"`
	SheetName  string        `json:"sheet_name"`
	Warnings   []warning     `json:"warnings"`
	Values     []*rangeBlock `json:"values"`
}

// rangeBlock is one range with its values in the form asked for.
type rangeBlock struct {
	Range        string          `json:"range"`
	Rows         json.RawMessage `json:"rows"`
	Formulas     json.RawMessage `json:"formulas"`
	Values       json.RawMessage `json:"values"`
	Text         string          `json:"text,omitempty"` // tsv
	CSV          string          `json:"csv,omitempty"`
	Dense        json.RawMessage `json:"dense"`
	RowsKeyed    json.RawMessage `json:"rows_keyed"`
	NextStartRow int             `json:"next_start_row,omitempty"`
	TotalRows    int             `json:"total_rows,omitempty"` // set where it was cut
}

var rangeValues = define(Spec{
	Name: "range_values", Title: "Read ranges", Toolset: "read", Core: true,
	Description: "Values of exact ranges, as text grids like those of sheet_page. Whole columns and rows end where the sheet does. A bare table name includes its header row.",
	Example:     `{"workbook_or_fork_id":"wb-23456789ab","sheet_name":"Sheet1","ranges":["A1:D20"]}`,
}, viewed(readRanges))

func readRanges(ctx context.Context, env *Env, snap *book.Snapshot, in rangeValuesIn) (*rangeValuesOut, error) {
	index, err := sheetNamed(snap, in.Sheet)
	if err != nil {
		return nil, err
	}
	// All ranges are resolved before the first is read: a wrong one costs nothing.
	var list []area
	for _, text := range in.Ranges {
		found, err := areas(ctx, snap, index, text)
		if err != nil {
			return nil, err
		}
		if list = append(list, found...); len(list) > areasMax {
			return nil, fail(codeRangeInvalid, "Ask for fewer of them at once", "more than %d ranges", areasMax)
		}
	}
	r := rangeReader{env: env, in: in, snap: snap, home: index, lim: env.budget(0)}
	r.lim.maxItems = 0 // the ranges are exact: cells and bytes bound them
	r.format = in.Format
	if r.format == "" {
		r.format = "tsv"
		if env.Profile == Compat {
			r.format = "dense"
		}
	}
	r.formulas = orElse(in.Formulas, env.verbose())
	out := &rangeValuesOut{WorkbookID: snap.ID, SheetName: snap.Workbook().Sheets[index].Name, Warnings: []warning{}}
	var left []area // what is still to be read
	if touches(ctx, snap, list...) {
		out.Warnings = append(out.Warnings, warning{warnStale, staleText})
	}
	known := false // that the first of it fits a result
	for i, a := range list {
		if i > 0 && r.full() {
			left = append(left, a)
			continue
		}
		block, rest, err := r.read(ctx, a)
		if err != nil {
			return nil, err
		}
		if block != nil {
			out.Values = append(out.Values, block)
		}
		known = known || len(left) == 0 && len(rest) > 0
		for _, rng := range rest {
			left = append(left, area{sheet: a.sheet, rng: rng})
		}
	}
	if len(left) > 0 && !known {
		first, err := r.split(ctx, left[0])
		if err != nil {
			return nil, err
		}
		left = append(first, left[1:]...)
	}
	in.Ranges = nil
	for _, a := range left {
		in.Ranges = append(in.Ranges, r.name(a))
	}
	if len(out.Values) == 0 {
		return nil, fail(codeResponseTooLarge, "Read it in parts: "+callText("range_values", in), "the first row of %s is larger than a result may be", r.name(list[0]))
	}
	if len(left) > 0 {
		shown := 0
		for _, b := range out.Values {
			if b.NextStartRow == 0 {
				shown++
			}
		}
		if len(out.Values) < len(list) {
			out.Warnings = append(out.Warnings, warning{"WARN_RANGES_LEFT", fmt.Sprintf("%d of %d ranges are not in this result: the call in cut reads them", len(list)-len(out.Values), len(list))})
		}
		out.Next = fmt.Sprintf("%d of %d ranges are whole; next: %s", shown, len(list), callText("range_values", in))
	}
	return out, nil
}

// rangeReader reads ranges one after the other into one budget.
type rangeReader struct {
	env    *Env
	in     rangeValuesIn
	snap   *book.Snapshot
	home   int // the sheet that needs no name
	format string
	lim    budget

	formulas bool
}

func (r *rangeReader) full() bool {
	return r.lim.maxBytes > 0 && r.lim.bytes >= r.lim.maxBytes || r.lim.maxCells > 0 && r.lim.cells >= r.lim.maxCells
}

// name writes an area as the ranges of this call would name it.
func (r *rangeReader) name(a area) string {
	if a.sheet == r.home {
		return a.rng.String()
	}
	return qualified(r.snap.Workbook().Sheets[a.sheet].Name, a.rng)
}

// read gives one range and, where it did not fit, the parts that are left. block is nil
// where nothing of it fitted.
func (r *rangeReader) read(ctx context.Context, a area) (block *rangeBlock, rest []cell.Range, err error) {
	// What lies above the last row is enough, and if the range is large, so is what
	// the budget can hold of it.
	last := a.rng.Last.Row
	if most := r.lim.maxCells; most > 0 && !a.rng.WholeColumns() {
		last = min(last, a.rng.First.Row+most)
	}
	sheet, err := r.snap.Rows(ctx, a.sheet, a.rng.First.Row, last)
	if err != nil {
		return nil, nil, err
	}
	if a.rng.WholeRows() && extentOf(sheet).vague() {
		// How many columns there are is known only when all rows have been read.
		if sheet, err = r.snap.Sheet(ctx, a.sheet); err != nil {
			return nil, nil, err
		}
	}
	block = &rangeBlock{Range: r.name(a)}
	rng, any := clipToUsed(sheet, a.rng)
	if !any {
		if r.format == "tsv" {
			block.Text = "blank\n"
		}
		return block, nil, nil
	}
	if rng != a.rng {
		block.Range = r.name(area{sheet: a.sheet, rng: rng})
	}
	g := gridRows{w: valuesOf(r.snap), sheet: sheet}
	page := rng
	if r.in.PageSize > 0 {
		page.Last.Row = min(rng.Last.Row, rng.First.Row+r.in.PageSize-1)
	}
	next := r.encode(block, &g, page)
	if next < 0 && page.Last.Row < rng.Last.Row {
		next = page.Last.Row + 1
	}
	if used, _ := sheet.Used(); next > used.Last.Row {
		next = -1 // there are only blank rows left
	}
	if next >= 0 {
		block.NextStartRow, block.TotalRows = next+1, rng.Rows()
		if rest, err = r.rest(&g, cell.Range{First: cell.Ref{Row: next, Col: rng.First.Col}, Last: rng.Last}); err != nil {
			return nil, nil, err
		}
		if next == rng.First.Row {
			block = nil
		}
	}
	return block, rest, nil
}

// split gives a range that was not read as ranges whose first row fits a result.
func (r *rangeReader) split(ctx context.Context, a area) ([]area, error) {
	sheet, err := r.snap.Rows(ctx, a.sheet, a.rng.First.Row, a.rng.First.Row)
	if err != nil {
		return nil, err
	}
	g := gridRows{w: valuesOf(r.snap), sheet: sheet}
	used, any := sheet.Used()
	if !any || a.rng.Cols() > used.Last.Col+1 {
		return []area{a}, nil // whole rows: they are cut to what is used first
	}
	var list []area
	parts, err := r.rest(&g, a.rng)
	for _, rng := range parts {
		list = append(list, area{sheet: a.sheet, rng: rng})
	}
	return list, err
}

// rest gives what is left of a range as ranges whose first row fits a result: one, unless
// its first row is too wide.
func (r *rangeReader) rest(g *gridRows, left cell.Range) ([]cell.Range, error) {
	all := cell.Range{First: left.First, Last: cell.Ref{Row: left.First.Row, Col: left.Last.Col}}
	g.cols = colSpan(all.First.Col, all.Last.Col)
	lim := r.env.budget(0)
	cols := g.narrower(left.First.Row, lim.room(), func() int { return r.rowSize(g, left.First.Row) })
	if len(cols) == len(g.cols) {
		return []cell.Range{left}, nil
	}
	if len(cols) == 0 {
		return nil, fail(codeResponseTooLarge, "Ask for ranges without it", "each cell of %s is larger than a result may be", r.name(area{sheet: r.home, rng: all}))
	}
	var parts []cell.Range
	part := all
	part.First.Col, part.Last.Col = cols[0], cols[len(cols)-1]
	parts = append(parts, part)
	if part.Last.Col < all.Last.Col {
		part.First.Col, part.Last.Col = part.Last.Col+1, all.Last.Col
		parts = append(parts, part)
	}
	if left.First.Row < left.Last.Row {
		left.First.Row++
		parts = append(parts, left)
	}
	return parts, nil
}

// rowSize is the bytes that a row takes in the format of the result, or something above
// the room for it.
func (r *rangeReader) rowSize(g *gridRows, row int) int {
	size := 0
	if r.in.Headers && row > 0 {
		size = len(g.appendCSV(nil, 0))
	}
	switch r.format {
	case "csv":
		return size + len(g.appendCSV(nil, row))
	case "values":
		return size + len(g.appendPrimitives(nil, row))
	case "json":
		size += len(g.appendTyped(nil, row))
		if r.formulas {
			size += len(g.appendFormulaRow(nil, row))
		}
		return size
	case "rows":
		return size + len(g.appendNumbered(nil, row))
	case "dense":
		d := newDense(g, row)
		d.row(row)
		if r.formulas {
			d.rowFormulas(row)
		}
		return size + d.bytes()
	}
	return size + len(g.appendTSV(nil, row))
}

// blankCellsMax is how many cells below the last used one a range is shown with in the compat profile.
const blankCellsMax = 10_000

// encode writes page into block and gives the first row that did not fit, or -1.
func (r *rangeReader) encode(block *rangeBlock, g *gridRows, page cell.Range) (next int) {
	if r.format == "tsv" {
		return r.text(block, g, page)
	}
	// Blank rows below the last used one are all that can be left out here.
	used, _ := g.sheet.Used()
	last := max(used.Last.Row, page.First.Row)
	if r.env.Profile == Compat { // spreadsheet-mcp gives those, too; here a bounded number of them
		last += blankCellsMax / page.Cols()
	}
	last = min(last, page.Last.Row)
	g.cols = colSpan(page.First.Col, page.Last.Col)
	rows, cells := rowSpan(page.First.Row, last), len(g.cols)
	array := func(write func([]byte, int) []byte) json.RawMessage {
		var b []byte
		b, _, next = g.appendRows(append(b, '['), rows, &r.lim, cells, true, write)
		return append(b, ']')
	}
	header := r.in.Headers && page.First.Row > 0
	switch r.format {
	case "csv":
		var b []byte
		if header {
			b = r.header(g, b, g.appendCSV)
		}
		b, _, next = g.appendRows(b, rows, &r.lim, cells, false, g.appendCSV)
		block.CSV = string(b)
	case "values":
		block.Values = array(g.appendPrimitives)
	case "json":
		if !r.formulas {
			block.Rows = array(g.appendTyped)
			break
		}
		// A row counts with its formulas.
		formulas, before := []byte{'['}, 0
		block.Rows = array(func(b []byte, row int) []byte {
			if b = g.appendTyped(b, row); g.over(b) {
				before = len(formulas)
				return b
			}
			if before = len(formulas); before > 1 {
				formulas = append(formulas, ',')
			}
			formulas = g.appendFormulaRow(formulas, row)
			r.lim.bytes += len(formulas) - before
			return b
		})
		if next >= 0 {
			formulas = formulas[:before]
		}
		block.Formulas = append(formulas, ']')
	case "rows":
		block.RowsKeyed = array(g.appendNumbered)
	case "dense":
		block.Dense, next = g.dense(page.First.Row, last, r.formulas, &r.lim)
	}
	return next
}

// header writes row 1 above a range. It counts as what the first row has to fit beside.
func (r *rangeReader) header(g *gridRows, b []byte, write func([]byte, int) []byte) []byte {
	before := len(b)
	g.stop = before + r.lim.room()
	if b = write(b, 0); g.over(b) {
		b = b[:before+r.lim.room()+1] // no row fits beside it, and so it is not shown
	}
	r.lim.bytes += len(b) - before
	return b
}

// text writes page as a text grid: blank rows and columns are left out, as the line of
// letters and the numbers of the rows show.
func (r *rangeReader) text(block *rangeBlock, g *gridRows, page cell.Range) (next int) {
	g.cols = filledCols(nil, g.sheet, page)
	if len(g.cols) == 0 {
		block.Text = "blank\n"
		return -1
	}
	b := g.appendLetters(nil)
	if r.in.Headers && page.First.Row > 0 {
		b = r.header(g, b, g.appendTSV)
	}
	b, _, next = g.appendText(b, page.First.Row, page.Last.Row, &r.lim)
	if r.formulas {
		last := page.Last.Row
		if next >= 0 {
			last = next - 1
		}
		b = g.appendFormulas(b, page.First.Row, last, &r.lim)
	}
	block.Text = string(b)
	return next
}

// appendFormulaRow appends the formulas of one row as an array, null where a cell has none.
func (g *gridRows) appendFormulaRow(b []byte, row int) []byte {
	b = append(b, '[')
	for i, col := range g.cols {
		if i > 0 {
			b = append(b, ',')
		}
		if c, _ := g.sheet.At(cell.Ref{Row: row, Col: col}); c.HasFormula() {
			b = appendQuoted(b, book.FormulaText(g.sheet, c))
		} else {
			b = append(b, "null"...)
		}
	}
	return append(b, ']')
}

func (o *rangeValuesOut) appendText(b []byte, _ bool) []byte {
	for _, block := range o.Values {
		if block.Text == "" && block.CSV == "" {
			return nil
		}
	}
	for _, block := range o.Values {
		if !strings.Contains(block.Range, "!") {
			b = append(appendEscaped(b, cell.QuoteSheet(o.SheetName)), '!')
		}
		b = appendEscaped(b, block.Range)
		if block.NextStartRow > 0 {
			b = fmt.Appendf(b, " (down to row %d)", block.NextStartRow-1)
		}
		b = append(b, '\n')
		b = append(append(b, block.Text...), block.CSV...)
	}
	return b
}
