package tools

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strings"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

type readTableIn struct {
	Book
	Sheet      string        `json:"sheet_name" doc:"First sheet unless given"`
	Table      string        `json:"table_name" doc:"Table or defined name"`
	Region     *int          `json:"region_id" min:"0" doc:"From sheet_overview"`
	Range      string        `json:"range"`
	HeaderRow  *int          `json:"header_row" min:"1" max:"1048576"`
	HeaderRows int           `json:"header_rows" default:"1" min:"0" max:"10" doc:"0: no header"`
	Columns    []string      `json:"columns" doc:"Letters or headers"`
	Filters    []tableFilter `json:"filters" doc:"All must hold"`
	Sample     string        `json:"sample_mode" enum:"first|last|distributed" default:"first"`
	Limit      int           `json:"limit" default:"100" min:"1"`
	Offset     int           `json:"offset" default:"0" min:"0" doc:"Rows to skip; from the end with last"`
	Format     string        `json:"format" enum:"tsv|csv|json|values|rows|dense" doc:"tsv unless given"`
	Headers    bool          `json:"include_headers" default:"true"`
	Types      bool          `json:"include_types" default:"false"`
}

// limitMax bounds the rows of one result, whatever else does.
const limitMax = 10_000

type readTableOut struct {
	Cut
	WorkbookID string          `json:"workbook_id"`
	SheetName  string          `json:"sheet_name"`
	TableName  string          `json:"table_name,omitempty"`
	Warnings   []warning       `json:"warnings"`
	Headers    []string        `json:"headers"`
	Rows       json.RawMessage `json:"rows"`
	Values     json.RawMessage `json:"values"`
	CSV        string          `json:"csv,omitempty"`
	Text       string          `json:"text,omitempty"` // of tsv
	Types      json.RawMessage `json:"types"`
	TotalRows  int             `json:"total_rows"`
	TotalExact *bool           `json:"total_rows_exact"` // false where the file says so many and they were not counted
	NextOffset int             `json:"next_offset,omitempty"`

	head string
}

type warning struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

var readTable = define(Spec{
	Name: "read_table", Title: "Read a table", Toolset: "read", Core: true,
	Description: "Rows of a table under its header, filtered and sampled: of a named table, a detected region, a range or a whole sheet. Gives the number of all rows that pass the filters. A table's totals row is left out.",
	Example:     `{"workbook_or_fork_id":"wb-23456789ab","table_name":"Sales","filters":[{"column":"Amount","op":"gt","value":1000}],"limit":20}`,
}, func(ctx context.Context, env *Env, in readTableIn) (*readTableOut, error) {
	var out *readTableOut
	err := env.Workspace.View(ctx, in.Workbook, func(snap *book.Snapshot) (err error) {
		in.Limit = min(in.Limit, limitMax) // the next call goes on
		t := tableReader{env: env, in: in, snap: snap, w: valuesOf(snap)}
		if err := t.locate(ctx); err != nil {
			return err
		}
		if err := t.layOut(); err != nil {
			return err
		}
		if err := t.match(ctx); err != nil {
			return err
		}
		if out, err = t.read(); err == nil && !t.none && touches(ctx, snap, area{sheet: t.index, rng: t.bounds()}) {
			out.Warnings = append(out.Warnings, warning{warnStale, staleText})
		}
		return err
	})
	return out, err
})

// bounds is all that the result goes by: the rows of data and those of the header.
func (t *tableReader) bounds() cell.Range {
	r := t.data
	if t.headerRows > 0 {
		r.First.Row = min(r.First.Row, t.headerRow)
	}
	return r
}

// row gives the sheet row of match i.
func (t *tableReader) row(i int) int {
	if t.rows != nil {
		return int(t.rows[i])
	}
	return t.data.First.Row + i
}

// span is the matches first, first+step, … of which there are n; a distributed sample
// has its last one at total-1.
type span struct {
	first, n, last int
	spread         bool
}

func (s span) at(i int) int {
	if s.spread && s.n > 1 {
		return s.first + int(int64(i)*int64(s.last-s.first)/int64(s.n-1))
	}
	return s.first + i
}

func (t *tableReader) rowsOf(s span) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := range s.n {
			if !yield(t.row(s.at(i))) {
				return
			}
		}
	}
}

// read writes the rows that were asked for.
func (t *tableReader) read() (*readTableOut, error) {
	t.format = t.in.Format
	if t.format == "" {
		t.format = "tsv"
		if t.env.Profile == Compat {
			t.format = "csv"
		}
	}
	out := &readTableOut{WorkbookID: t.snap.ID, SheetName: t.snap.Workbook().Sheets[t.index].Name, Warnings: []warning{}, TotalRows: t.total}
	if t.table != nil {
		out.TableName = t.table.Name
	} else if t.in.Table != "" {
		out.TableName = t.in.Table
	}
	if t.none {
		out.head = emptySheet(&t.snap.Workbook().Sheets[t.index]) + "\n"
		if in := t.in.Range; in != "" {
			out.head = plain(in) + " holds nothing\n"
		}
		return out, nil
	}
	in := &t.in
	left := max(t.total-in.Offset, 0)
	s := span{first: in.Offset, n: min(in.Limit, left), last: t.total - 1}
	if in.Sample == "distributed" {
		s.spread = true
		if s.n == 1 {
			s.first = t.total - 1
		}
	}
	if in.Sample == "last" {
		s.first = left - s.n
		// How many fit counts from the end.
		lim := t.limits()
		fit := 0
		var scratch []byte
		g := gridRows{w: t.w, sheet: t.sheet, cols: t.cols}
		for fit < s.n {
			g.stop = lim.room()
			scratch = t.appendRow(&g, scratch[:0], t.row(s.first+s.n-1-fit))
			if !lim.take(len(scratch)+1, len(t.cols)) {
				break
			}
			fit++
		}
		if fit == 0 && s.n > 0 {
			return nil, t.rowTooLarge(s.first + s.n - 1)
		}
		s.first, s.n = s.first+s.n-fit, fit
	}
	shown := t.encode(out, s)
	for s.spread && shown < s.n {
		s.n = shown // spread what fits over all of them
		shown = t.encode(out, s)
	}
	if shown == 0 && s.n > 0 {
		return nil, t.rowTooLarge(s.at(0))
	}
	t.describe(out, s, shown)
	return out, nil
}

// rowTooLarge is the error for a result whose first row, match i, is larger than one may be.
func (t *tableReader) rowTooLarge(i int) error {
	row := t.row(i)
	in := t.in
	if in.Columns = columnLetters(t.narrower(row)); len(in.Columns) == 0 {
		return fail(codeResponseTooLarge, "Each of its cells is larger than that; leave the row out by offset or filters", "row %d is larger than a result may be", row+1)
	}
	return fail(codeResponseTooLarge, "Read it by columns, first: "+callText("read_table", in), "row %d is larger than a result may be", row+1)
}

// narrower gives the columns of a result that begins with a row and fits.
func (t *tableReader) narrower(row int) []int {
	g := gridRows{w: t.w, sheet: t.sheet, cols: t.cols}
	lim := t.limits()
	return g.narrower(row, lim.room(), func() int { return len(t.appendRow(&g, nil, row)) })
}

func (t *tableReader) limits() budget {
	lim := t.env.budget(0)
	lim.maxItems = 0 // limit is the bound on rows
	return lim
}

// appendRow writes one row in the format of the result.
func (t *tableReader) appendRow(g *gridRows, b []byte, row int) []byte {
	switch t.format {
	case "csv":
		return g.appendCSV(b, row)
	case "values", "dense":
		return g.appendPrimitives(b, row)
	case "json", "rows":
		return t.appendRecord(g, b, row)
	}
	return g.appendTSV(b, row)
}

// appendRecord appends {"Header":{"kind":…,"value":…}|null,…}.
func (t *tableReader) appendRecord(g *gridRows, b []byte, row int) []byte {
	b = append(b, '{')
	for i, col := range g.cols {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendQuoted(b, t.names[i]), ':')
		if b = t.w.appendTyped(b, g.at(b, row, col)); g.over(b) {
			break
		}
	}
	return append(b, '}')
}

// encode writes the rows of s into out and gives how many of them were dealt with.
func (t *tableReader) encode(out *readTableOut, s span) (done int) {
	g := &gridRows{w: t.w, sheet: t.sheet, cols: t.cols}
	lim := t.limits()
	dealt := 0
	rows := func(yield func(int) bool) {
		for row := range t.rowsOf(s) {
			if !yield(row) {
				return
			}
			dealt++
		}
	}
	write := func(b []byte, row int) []byte { return t.appendRow(g, b, row) }
	if t.in.Sample == "last" {
		lim = budget{} // what fits was counted before
	}
	var b []byte
	next := -1
	switch t.format {
	case "tsv":
		b = g.appendLetters(b)
		if t.in.Headers && (t.headerRows > 0 || t.table != nil || t.part != nil && t.in.HeaderRows == 1) { // else they are the letters
			for _, name := range t.names {
				b = appendEscaped(append(b, '\t'), name)
			}
			b = append(b, '\n')
		}
		b, _, next = g.appendRows(b, rows, &lim, len(t.cols), false, write)
		out.Text = string(b)
	case "csv":
		if t.in.Headers {
			for i, name := range t.names {
				if i > 0 {
					b = append(b, ',')
				}
				b = appendCSVText(b, name)
			}
			b = append(b, '\n')
		}
		b, _, next = g.appendRows(b, rows, &lim, len(t.cols), false, write)
		out.CSV = string(b)
	default:
		b, _, next = g.appendRows(append(b, '['), rows, &lim, len(t.cols), true, write)
		b = append(b, ']')
		if t.format == "json" || t.format == "rows" {
			out.Rows = b
		} else {
			out.Values = b
		}
		if t.in.Headers {
			out.Headers = t.names
		}
	}
	if next < 0 {
		dealt = s.n
	}
	if t.in.Types {
		out.Types = t.types(g, span{first: s.first, n: dealt, last: s.last, spread: s.spread && dealt == s.n})
	}
	return dealt
}

// types gives the kind of each cell of the rows of s.
func (t *tableReader) types(g *gridRows, s span) json.RawMessage {
	b, _, _ := g.appendRows([]byte{'['}, t.rowsOf(s), &budget{}, 0, true, func(b []byte, row int) []byte {
		return g.list(b, row, func(b []byte, c grid.Cell) []byte {
			if kind := t.w.kind(c); kind != "" {
				return appendQuoted(b, strings.ToLower(kind))
			}
			return append(b, "null"...)
		})
	})
	return append(b, ']')
}

// describe says what was shown and how to go on.
func (t *tableReader) describe(out *readTableOut, s span, shown int) {
	about := ""
	if t.data.Last.Row >= t.sheet.LoadedRows() && !extentOf(t.sheet).exact() {
		about = "about " // the count is the file's own word
		out.TotalExact = new(bool)
	}
	header := "no header row"
	switch {
	case t.headerRows == 1:
		header = fmt.Sprintf("header row %d", t.headerRow+1)
	case t.headerRows > 1:
		header = fmt.Sprintf("header rows %d-%d", t.headerRow+1, t.headerRow+t.headerRows)
	}
	pass := "rows"
	if len(t.in.Filters) > 0 {
		pass = "rows pass the filters"
	}
	out.head = fmt.Sprintf("%s, %s, %s%d %s\n", plain(qualified(out.SheetName, t.target)), header, about, t.total, pass)
	in := t.in
	narrow := func(i int) string {
		cols := t.narrower(t.row(i))
		if len(cols) == 0 || len(cols) == len(t.cols) {
			return ""
		}
		in.Columns = columnLetters(cols)
		return fmt.Sprintf("; row %d is larger than a result may be with all columns, so first %s", t.row(i)+1, strings.Join(in.Columns, ","))
	}
	switch {
	case s.spread && shown < min(in.Limit, t.total):
		in.Sample, in.Offset = "first", 0
		wide := narrow(0)
		out.Next = fmt.Sprintf("%d rows spread over all %d%s; all of them in order: %s", shown, t.total, wide, callText("read_table", in))
	case s.spread:
		return
	case in.Sample == "last":
		if in.Offset+shown >= t.total {
			return
		}
		out.NextOffset = in.Offset + shown
		in.Offset = out.NextOffset
		wide := narrow(s.first - 1)
		out.Next = fmt.Sprintf("the last rows, %d-%d of %d%s; next, those before them: %s", s.first+1, s.first+shown, t.total, wide, callText("read_table", in))
	default:
		if in.Offset+shown >= t.total || shown == 0 {
			return
		}
		out.NextOffset = in.Offset + shown
		in.Offset = out.NextOffset
		wide := narrow(s.first + shown)
		out.Next = fmt.Sprintf("rows %d-%d of %s%d%s; next: %s", s.first+1, s.first+shown, about, t.total, wide, callText("read_table", in))
	}
}

func (o *readTableOut) appendText(b []byte, _ bool) []byte {
	if o.Rows != nil || o.Values != nil {
		return nil
	}
	for _, w := range o.Warnings {
		if w.Code == warnStale { // it stands above
			continue
		}
		b = fmt.Appendf(b, "warning: %s: %s\n", w.Code, w.Message)
	}
	b = append(b, o.head...)
	b = append(append(b, o.Text...), o.CSV...)
	if o.Types != nil {
		b = append(append(append(b, "types "...), o.Types...), '\n')
	}
	return b
}
