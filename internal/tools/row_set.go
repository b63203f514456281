package tools

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"gridflow/internal/analyze"
	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/until"
)

// RowsArg is embedded in the operations on the rows of a range or a table.
type RowsArg struct {
	ForkArg
	Sheet  string `json:"sheet_name" doc:"Where range is"`
	Range  string `json:"range" lead:"true" doc:"With its headings, if it has any"`
	Table  string `json:"table_name" instead:"range" doc:"Instead of a range"`
	Header *bool  `json:"has_header" doc:"Whether the first row is headings, which stay; of a table it is known, and else guessed, or asked for where it cannot be"`
}

type rowsOut struct {
	committed
	Sheet string `json:"sheet_name"`
	Range string `json:"range"`
	Rows  int    `json:"rows"`
	Moved int    `json:"rows_moved"`

	Hidden int `json:"rows_hidden,omitempty"`

	Headings string `json:"headings,omitempty"` // what was made of the first row, where nobody said
}

func (o *rowsOut) appendText(b []byte, verbose bool) []byte {
	b = o.committed.appendText(b, verbose)
	b = appendEscaped(b, cell.QuoteSheet(o.Sheet)+"!"+o.Range)
	b = fmt.Appendf(b, ": %d rows, %d moved", o.Rows, o.Moved)
	if o.Hidden > 0 {
		b = fmt.Appendf(b, "; %d hidden rows stay", o.Hidden)
	}
	if o.Headings != "" {
		b = append(append(b, "; "...), o.Headings...)
	}
	return append(b, '\n')
}

// rowSet is the rows of a range, without headings and totals.
type rowSet struct {
	snap     *book.Snapshot
	index    int
	sheet    *grid.Sheet
	rng      cell.Range
	first, n int
	headings map[string]int // columns by their heading in lower case
	names    []string       // the headings as they are written
	guessed  string         // what was made of the first row where nobody said whether it is headings
	stay     int            // how many rows stay where they are, as they are hidden
	unsure   bool           // nothing tells whether the first row is headings; it is taken for data
}

func (r *rowSet) all() []int {
	list := make([]int, r.n)
	for i := range list {
		list[i] = i
	}
	return list
}

// shown are the rows that are not hidden. Excel sorts no others (Range.EntireRow of its object model has an
// example that shows all rows so that they are sorted).
func (r *rowSet) shown() []int {
	return slices.DeleteFunc(r.all(), r.hidden)
}

func (r *rowSet) hidden(i int) bool {
	span, ok := r.sheet.Layout.Row(r.first + i)
	return ok && span.Hidden
}

// tellWhatStays warns of what does not go with the rows that are put in this order.
func (r *rowSet) tellWhatStays(b *batch, order []int) {
	moves := func(over cell.Range) bool {
		for row := range rowSpan(max(over.First.Row, r.first), over.Last.Row) {
			if i := row - r.first; i >= len(order) || order[i] != i {
				return true
			}
		}
		return false
	}
	var left []string
	for _, c := range r.sheet.Layout.Comments {
		if r.rng.Contains(c.Ref) && moves(cell.Range{First: c.Ref, Last: c.Ref}) {
			left = append(left, "the note of "+c.Ref.String())
		}
	}
	for _, h := range r.sheet.Layout.Hyperlinks {
		if over, ok := h.Range.Intersect(r.rng); ok && moves(over) {
			left = append(left, "the link of "+over.String())
		}
	}
	if n := len(left); n > 0 {
		more := ""
		if n > staysMax {
			left, more = left[:staysMax], fmt.Sprintf(" and %d more", n-staysMax)
		}
		b.warn("WARN_ANNOTATIONS_STAY: %s%s stay where they are and not with their rows; comment_batch and link_batch move them", strings.Join(left, ", "), more)
	}
}

// staysMax is how many notes and links are named that do not go with their rows.
const staysMax = 10

// letter reads the letter of a column of the range.
func (r *rowSet) letter(name string) (int, bool) {
	col, ok := cell.ParseColumn(name)
	return col, ok && col >= r.rng.First.Col && col <= r.rng.Last.Col
}

// headingKey is what headings are found by.
func headingKey(text string) string { return strings.ToLower(strings.TrimSpace(text)) }

// column finds a column by its letter or its heading.
func (r *rowSet) column(name string) (int, error) {
	if col, ok := r.letter(name); ok {
		return col, nil
	}
	if col, ok := r.headings[headingKey(name)]; ok {
		return col, nil
	}
	hint := "Give its letter, or has_header true where the first row is headings"
	if len(r.names) > 0 {
		hint = suggest("columns", name, r.names)
	}
	return 0, fail("COLUMN_NOT_FOUND", hint, "%v has no column %q", r.rng, clip(name, 60))
}

// rowsOf finds the rows that are meant. Columns are named by letters or headings.
func rowsOf(ctx context.Context, b *batch, in RowsArg, columns []string) (*rowSet, error) {
	r := &rowSet{snap: b.snap, headings: map[string]int{}}
	header := 0
	switch {
	case (in.Table != "") == (in.Range != ""):
		return nil, invalid(`Example: "sheet_name":"Sheet1","range":"A1:D99"`, "give range or table_name, and not both")
	case in.Table != "":
		tables, err := b.snap.Tables(ctx)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(tables, func(t grid.Table) bool { return book.FoldName(t.Name) == book.FoldName(in.Table) })
		if i < 0 {
			names := make([]string, len(tables))
			for i := range tables {
				names[i] = tables[i].Name
			}
			return nil, fail("TABLE_NOT_FOUND", suggest("tables", in.Table, names), "there is no table %q", clip(in.Table, 60))
		}
		t := &tables[i]
		r.index, r.rng, header = t.Sheet, t.Range, t.HeaderRows
		r.rng.Last.Row -= t.TotalsRows
	default:
		index := 0
		if in.Sheet != "" {
			var err error
			if index, err = sheetNamed(b.snap, in.Sheet); err != nil {
				return nil, err
			}
		} else if !strings.Contains(in.Range, "!") && len(b.snap.Workbook().Sheets) > 1 {
			return nil, invalid("Give sheet_name", "%q does not say on which sheet it is", clip(in.Range, 60))
		}
		a, err := oneArea(ctx, b.snap, index, in.Range)
		if err != nil {
			return nil, err
		}
		r.index = a.sheet
		if r.rng, err = b.withData(a.sheet, a.rng); err != nil {
			return nil, err
		}
		header = -1
	}
	var err error
	if r.sheet, err = b.snap.Sheet(ctx, r.index); err != nil {
		return nil, err
	}
	for _, m := range r.sheet.Layout.Merges {
		if _, meet := m.Intersect(r.rng); meet {
			return nil, fail("MERGED_CELLS", "Unmerge them first, or leave them out", "%v has merged cells, %v, and rows with such cannot move", r.rng, m)
		}
	}
	if in.Header != nil {
		header = 0
		if *in.Header {
			header = 1
		}
	} else if header < 0 {
		header = r.guessHeader(columns)
	}
	if header > 0 {
		for col := r.rng.First.Col; col <= r.rng.Last.Col; col++ {
			if c, ok := r.sheet.At(cell.Ref{Row: r.rng.First.Row + header - 1, Col: col}); ok && c.Value.Kind() == cell.Text {
				key := headingKey(c.Value.Text())
				if _, twice := r.headings[key]; !twice {
					r.headings[key], r.names = col, append(r.names, c.Value.Text())
				}
			}
		}
	}
	r.first = r.rng.First.Row + header
	r.n = r.rng.Last.Row - r.first + 1
	if r.n < 1 {
		return nil, fail(codeRangeInvalid, "", "%v has no rows below its headings", r.rng)
	}
	return r, nil
}

// guessHeader tells whether the first row is headings: where a column is called by a text in it, or where it is
// texts over something else. A number over a number is data. Texts over texts, and years or dates over numbers, may be
// either, and so may a row with both.
func (r *rowSet) guessHeader(columns []string) int {
	v := analyze.ViewOf(r.snap.Workbook(), r.sheet)
	kindAt := func(row, col int) (grid.Cell, analyze.Kind) {
		c, _ := r.sheet.At(cell.Ref{Row: row, Col: col})
		return c, v.KindOf(c)
	}
	isYear := func(c grid.Cell) bool {
		n := c.Value.Number()
		return c.Value.Kind() == cell.Number && n >= 1900 && n <= 2100 && n == math.Trunc(n)
	}
	first, apart, data, open := r.rng.First.Row, false, r.rng.Rows() < 2, false
	for col := r.rng.First.Col; col <= r.rng.Last.Col; col++ {
		head, kind := kindAt(first, col)
		if kind == analyze.Null {
			continue
		}
		if kind == analyze.Text && slices.ContainsFunc(columns, func(name string) bool {
			_, letter := r.letter(name)
			return !letter && headingKey(name) == headingKey(head.Value.Text())
		}) {
			r.guessed = fmt.Sprintf("row %d is headings", first+1)
			return 1
		}
		below, under := kindAt(first+1, col)
		for row := first + 2; under == analyze.Null && row <= min(r.rng.Last.Row, first+looksBelow); row++ {
			below, under = kindAt(row, col)
		}
		switch {
		case under == analyze.Null || under == analyze.Error:
			open = true
		case kind == analyze.Text && under != analyze.Text:
			apart = true
		case kind == analyze.Text, under == analyze.Number && (kind == analyze.Date || isYear(head) && !isYear(below)):
			open = true
		default:
			data = true
		}
	}
	switch {
	case apart && !data:
		r.guessed = fmt.Sprintf("row %d is headings", first+1)
		return 1
	case apart || open && !data:
		r.unsure = true
	}
	r.guessed = "without headings"
	return 0
}

// looksBelow is how many rows down a heading is compared with what stands below it.
const looksBelow = 20

// rows has the rows of a range put in another order, of which some may be left out: they leave empty
// rows at the end.
func (e *Env) rows(ctx context.Context, in RowsArg, columns []string, tool string, mode EditMode, guard Guard, order func(*rowSet) ([]int, error)) (*rowsOut, error) {
	out := &rowsOut{}
	made, err := e.commit(ctx, in.Fork, tool, mode, guard, func(snap *book.Snapshot) (draft, error) {
		b := &batch{ctx: ctx, snap: snap, policy: "off", kinds: []string{tool}, counts: map[string]int{}, room: e.room()}
		r, err := rowsOf(ctx, b, in, columns)
		if err != nil {
			return nil, err
		}
		list, err := order(r)
		if err != nil {
			return nil, err
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		r.tellWhatStays(b, list)
		copier := snap.NewCopier()
		ed := b.editor(r.index)
		ed.expect(r.index, min(int64(r.n)*int64(r.rng.Cols()), int64(r.sheet.FilledCells())))
		out.Sheet, out.Range, out.Rows, out.Moved, out.Hidden, out.Headings = snap.Workbook().Sheets[r.index].Name, r.rng.String(), len(list), 0, r.stay, r.guessed
		for to := range until.Done(ctx, rowSpan(0, r.n-1)) {
			if to < len(list) && list[to] == to {
				continue
			}
			if to < len(list) {
				out.Moved++
			}
			for col := r.rng.First.Col; col <= r.rng.Last.Col; col++ {
				at := cell.Ref{Row: r.first + to, Col: col}
				if to >= len(list) {
					if c, ok := r.sheet.At(at); ok && !c.Empty() {
						ed.set(r.index, book.CellEdit{Ref: at, Clear: true})
					}
					continue
				}
				from := cell.Ref{Row: r.first + list[to], Col: col}
				_, is := r.sheet.At(from)
				if !is {
					_, is = r.sheet.At(at)
				}
				if is {
					ed.set(r.index, copier.Cell(r.sheet, from, r.sheet, at))
				}
			}
		}
		b.counts["rows_moved"] = out.Moved
		return b, b.end(ed)
	})
	if err != nil {
		return nil, err
	}
	out.committed = made
	out.Applied = 1
	return out, nil
}
