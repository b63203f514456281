package tools

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"gridflow/internal/analyze"
	"gridflow/internal/book"
	"gridflow/internal/cell"
)

type findValueIn struct {
	Book
	Query         string   `json:"query" lead:"true" doc:"What to look for; may be left out where label is given"`
	Label         string   `json:"label" instead:"query" doc:"Find the value beside or below this label"`
	Mode          string   `json:"mode" enum:"value|label" doc:"label where a label is given, else value"`
	MatchMode     string   `json:"match_mode" default:"contains" enum:"contains|exact|prefix|regex"`
	CaseSensitive bool     `json:"case_sensitive" default:"false"`
	Sheet         string   `json:"sheet_name" doc:"All sheets unless given"`
	RegionID      *int     `json:"region_id" min:"0" doc:"Of sheet_overview; needs sheet_name"`
	TableName     string   `json:"table_name"`
	ValueTypes    []string `json:"value_types" enum:"text|number|bool|date|error|null"`
	HeadersOnly   bool     `json:"search_headers_only" default:"false" doc:"Header rows of the regions and tables"`
	Direction     string   `json:"direction" default:"any" enum:"right|below|any" doc:"Where the value of a label stands"`
	Limit         int      `json:"limit" default:"50" min:"1" max:"500" clamp:"max"`
	Offset        int      `json:"offset" default:"0" min:"0"`
	Context       string   `json:"context" default:"none" enum:"none|neighbors|row|both"`
	ContextWidth  int      `json:"context_width" default:"3" min:"1" doc:"Columns of row context, 101 at most"`
}

type findValueOut struct {
	Cut
	WorkbookID   string       `json:"workbook_id"`
	Matches      []foundValue `json:"matches"`
	MatchCount   int          `json:"match_count"`                      // on all pages
	CountMinimum bool         `json:"match_count_is_minimum,omitempty"` // counting was stopped
	NextOffset   int          `json:"next_offset,omitempty"`

	where string
}

type foundValue struct {
	Address    string      `json:"address"`
	Sheet      string      `json:"sheet_name"`
	Value      *typed      `json:"value"`
	RowContext *rowContext `json:"row_context"`
	Neighbors  *neighbors  `json:"neighbors"`
	LabelHit   *labelHit   `json:"label_hit"`
}

type rowContext struct {
	Headers []string `json:"headers"`
	Values  []*typed `json:"values"`
}

type neighbors struct {
	Left  *typed `json:"left"`
	Right *typed `json:"right"`
	Up    *typed `json:"up"`
	Down  *typed `json:"down"`
}

type labelHit struct {
	Address string `json:"label_address"`
	Label   string `json:"label"`
}

var findValue = define(Spec{
	Name: "find_value", Title: "Find values", Toolset: "analysis", Core: true, Reach: ReachBook,
	Description: "Search cells by value, or values by their label (\"Total due\" gives what stands right of it, past empty cells too, or below). " +
		"Dates match as YYYY-MM-DD, numbers without their format. Regular expressions are RE2.",
	Example: `{"workbook_or_fork_id":"wb-23456789ab","query":"overdue"}`,
}, viewed(findValues))

// countCells bounds the cells that are looked at only to count matches behind the page.
const countCells = 50_000_000

// place is where a search looks: sheets, and areas of one of them.
type place struct {
	sheets []int
	areas  []cell.Range // nil for all of each sheet
	name   string
}

func findValues(ctx context.Context, env *Env, snap *book.Snapshot, in findValueIn) (*findValueOut, error) {
	pattern, labels := in.Query, in.Mode == "label" || in.Mode == "" && in.Label != ""
	if labels && in.Label != "" {
		pattern = in.Label
	}
	// Of spreadsheet-mcp's tool an empty query finds all.
	if pattern == "" && !slices.Contains(in.ValueTypes, "null") && (labels || env.Profile != Compat) {
		in.Query = "total"
		return nil, invalid("Give query, the text to look for, or label. Example: "+callText("find_value", in), "there is nothing to look for")
	}
	m, err := matcher(pattern, in.MatchMode, in.CaseSensitive)
	if err != nil {
		return nil, err
	}
	where, err := searchPlace(ctx, snap, in.Sheet, in.TableName, in.RegionID)
	if err != nil {
		return nil, err
	}
	q := analyze.Query{Match: m, Areas: where.areas}
	for _, t := range in.ValueTypes {
		q.Kinds = append(q.Kinds, kindNamed(t))
	}
	lim := env.budget(in.Limit)
	page := analyze.Page{Offset: in.Offset, Limit: env.Caps.items(in.Limit), MaxAfter: countCells}
	out := &findValueOut{WorkbookID: snap.ID, Matches: []foundValue{}, where: where.name}
	full := false
	for i, index := range where.sheets {
		if len(where.sheets) > 1 {
			ReportProgress(ctx, float64(i), float64(len(where.sheets)), "searching "+snap.Workbook().Sheets[index].Name)
		}
		sheet, err := snap.Sheet(ctx, index)
		if err != nil {
			return nil, err
		}
		v := analyze.ViewOf(snap.Workbook(), sheet)
		q := q
		if in.HeadersOnly {
			if q.Areas, err = headerAreas(ctx, snap, v, index, where.areas); err != nil {
				return nil, err
			}
		}
		var hits []analyze.Hit
		if labels {
			hits, err = analyze.FindLabels(ctx, v, q, directionNamed(in.Direction), &page)
		} else {
			hits, err = analyze.FindValues(ctx, v, q, &page)
		}
		if err != nil {
			return nil, err
		}
		f := foundIn{ctx: ctx, v: v, w: valuesOf(snap), name: snap.Workbook().Sheets[index].Name, in: in}
		for _, h := range hits {
			if full {
				break
			}
			row, err := f.row(h)
			if err != nil {
				return nil, err
			}
			if full = !lim.takeEntry(&row); !full {
				out.Matches = append(out.Matches, row)
			}
		}
		if page.Cut {
			break
		}
	}
	out.MatchCount, out.CountMinimum = page.Total, page.Cut
	onward(&out.Cut, &out.NextOffset, portion{"matches", len(out.Matches), page.Total, page.Cut}, "find_value", &in, &in.Offset)
	return out, nil
}

func countText(n int, minimum bool) string {
	if minimum {
		return fmt.Sprintf("at least %d", n)
	}
	return fmt.Sprint(n)
}

// counted writes a number of things: "1 match", "2 matches".
func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// matcher compiles a pattern.
func matcher(pattern, mode string, caseSensitive bool) (*analyze.Matcher, error) {
	modes := map[string]analyze.MatchMode{"contains": analyze.Contains, "exact": analyze.Exact, "prefix": analyze.Prefix, "regex": analyze.Regex}
	m, err := analyze.NewMatcher(pattern, modes[mode], caseSensitive)
	var wrong *analyze.PatternError
	if errors.As(err, &wrong) {
		return nil, invalid(`RE2 syntax has no look-around and no back-references; write \. \( \[ for the characters themselves, or use match_mode contains`,
			"%q is not a regular expression: %s", clip(wrong.Pattern, 100), wrong.Problem)
	}
	return m, err
}

func kindNamed(name string) analyze.Kind {
	for k := analyze.Null; k <= analyze.Error; k++ {
		if k.String() == name {
			return k
		}
	}
	return analyze.Null
}

func directionNamed(name string) analyze.Direction {
	switch name {
	case "right":
		return analyze.Right
	case "below":
		return analyze.Below
	}
	return analyze.Any
}

// searchPlace settles where to look: a table, a region of a sheet, a sheet, or everywhere.
func searchPlace(ctx context.Context, snap *book.Snapshot, sheet, table string, region *int) (place, error) {
	var p place
	index := -1
	if sheet != "" {
		i, err := sheetNamed(snap, sheet)
		if err != nil {
			return p, err
		}
		index = i
	}
	switch {
	case table != "" && region != nil:
		return p, invalid("Give one of them", "table_name and region_id exclude each other")
	case table != "":
		t, err := tableNamed(ctx, snap, table)
		if err != nil {
			return p, err
		}
		name := snap.Workbook().Sheets[t.Sheet].Name
		if index >= 0 && index != t.Sheet {
			return p, fail(codeTableNotFound, "Leave sheet_name out", "the table %s is on sheet %q, not on %q", t.Name, clip(name, 64), clip(sheet, 64))
		}
		return place{[]int{t.Sheet}, []cell.Range{t.Range}, qualified(name, t.Range)}, nil
	case region != nil:
		if index < 0 && len(snap.Workbook().Sheets) == 1 {
			index = 0
		}
		if index < 0 {
			return p, invalid("Give sheet_name too: each sheet has a region 0", "region_id without sheet_name")
		}
		s, err := snap.Sheet(ctx, index)
		if err != nil {
			return p, err
		}
		name := snap.Workbook().Sheets[index].Name
		r, err := regionByID(ctx, analyze.ViewOf(snap.Workbook(), s), name, *region)
		if err != nil {
			return p, err
		}
		return place{[]int{index}, []cell.Range{r.Bounds}, qualified(name, r.Bounds)}, nil
	case index >= 0:
		return place{[]int{index}, nil, snap.Workbook().Sheets[index].Name}, nil
	}
	n := len(snap.Workbook().Sheets)
	for i := range n {
		p.sheets = append(p.sheets, i)
	}
	p.name = counted(n, "sheet", "sheets")
	return p, nil
}

// headerAreas gives the header rows of the regions and tables of a sheet that lie in
// within, or row 1 where there are none.
func headerAreas(ctx context.Context, snap *book.Snapshot, v analyze.View, sheet int, within []cell.Range) ([]cell.Range, error) {
	d, err := analyze.Regions(ctx, v)
	if err != nil {
		return nil, err
	}
	tables, err := snap.Tables(ctx)
	if err != nil {
		return nil, err
	}
	out := []cell.Range{}
	add := func(r cell.Range, first, rows int) {
		r.First.Row, r.Last.Row = first, first+rows-1
		if within == nil {
			out = append(out, r)
		}
		for _, w := range within {
			if x, ok := r.Intersect(w); ok {
				out = append(out, x)
			}
		}
	}
	for i := range d.Regions {
		if r := &d.Regions[i]; r.Header.Rows > 0 {
			add(r.Bounds, r.Header.Row, r.Header.Rows)
		}
	}
	for i := range tables {
		if t := &tables[i]; t.Sheet == sheet && t.HeaderRows > 0 {
			add(t.Range, t.Range.First.Row, t.HeaderRows)
		}
	}
	if len(out) == 0 {
		add(cell.WholeSheet, 0, 1)
	}
	return out, nil
}

// foundIn makes the matches of one sheet.
type foundIn struct {
	ctx  context.Context
	v    analyze.View
	w    values
	name string
	in   findValueIn
}

func (f *foundIn) row(h analyze.Hit) (foundValue, error) {
	at := h.Cell.Ref
	row := foundValue{Address: at.String(), Sheet: f.name, Value: f.w.typed(h.Cell)}
	if h.HasLabel {
		row.LabelHit = &labelHit{h.Label.Ref.String(), clip(f.v.Shown(h.Label), 200)}
	}
	if c := f.in.Context; c == "neighbors" || c == "both" {
		row.Neighbors = &neighbors{f.at(at.Row, at.Col-1), f.at(at.Row, at.Col+1), f.at(at.Row-1, at.Col), f.at(at.Row+1, at.Col)}
	}
	if c := f.in.Context; c == "row" || c == "both" {
		rc, err := f.rowContext(at)
		if err != nil {
			return row, err
		}
		row.RowContext = rc
	}
	return row, nil
}

func (f *foundIn) at(row, col int) *typed {
	c, _ := f.v.At(cell.Ref{Row: row, Col: col})
	return f.w.typed(c)
}

const contextMax = 101

// rowContext gives the cells around one in its row, with the headers of its region.
func (f *foundIn) rowContext(at cell.Ref) (*rowContext, error) {
	d, err := analyze.Regions(f.ctx, f.v)
	if err != nil {
		return nil, err
	}
	half := min(f.in.ContextWidth, contextMax) / 2
	rc := &rowContext{}
	region, _ := d.Region(at)
	for col := max(at.Col-half, 0); col <= min(at.Col+half, cell.MaxCols-1); col++ {
		label := cell.ColumnName(col)
		if region != nil && region.Header.Rows > 0 && at.Row >= region.Header.Row && col >= region.Bounds.First.Col && col <= region.Bounds.Last.Col {
			label = region.Header.Labels[col-region.Bounds.First.Col]
		} else if c, _ := f.v.At(cell.Ref{Col: col}); region == nil && c.Value.Kind() == cell.Text && at.Row > 0 {
			label = c.Value.Text()
		}
		rc.Headers = append(rc.Headers, clip(label, 100))
		rc.Values = append(rc.Values, f.at(at.Row, col))
	}
	return rc, nil
}

func (o *findValueOut) appendText(b []byte, _ bool) []byte {
	b = append(b, counted(o.MatchCount, "match", "matches")...)
	if o.CountMinimum {
		b = append(b, " or more"...)
	}
	b = append(append(append(b, " in "...), o.where...), '\n')
	for i := range o.Matches {
		b = o.Matches[i].appendText(b)
	}
	return b
}

func (m *foundValue) appendText(b []byte) []byte {
	b = append(append(append(b, cell.QuoteSheet(m.Sheet)...), '!'), m.Address...)
	b = m.Value.appendField(append(b, '\t'))
	if m.LabelHit != nil {
		b = append(append(append(b, "\tlabel "...), m.LabelHit.Address...), ' ')
		b = appendEscaped(b, m.LabelHit.Label)
	}
	if r := m.RowContext; r != nil {
		b = append(b, "\trow "...)
		for i, h := range r.Headers {
			if i > 0 {
				b = append(b, " | "...)
			}
			b = appendEscaped(b, h)
			b = r.Values[i].appendField(append(b, '='))
		}
	}
	if n := m.Neighbors; n != nil {
		for _, x := range []struct {
			name string
			v    *typed
		}{{"left", n.Left}, {"right", n.Right}, {"up", n.Up}, {"down", n.Down}} {
			if x.v != nil {
				b = append(append(append(b, '\t'), x.name...), ' ')
				b = x.v.appendField(b)
			}
		}
	}
	return append(b, '\n')
}

// appendField writes the value for a line of text, nothing where it is blank. Long
// texts are clipped: range_values reads them whole.
func (t *typed) appendField(b []byte) []byte {
	if t == nil {
		return b
	}
	if t.c.Value.Kind() == cell.Text && len(t.c.Value.Text()) > fieldMax {
		return appendEscaped(b, clip(t.c.Value.Text(), fieldMax))
	}
	return t.w.appendField(b, t.c)
}

// fieldMax bounds a value in the text of a search result, in bytes.
const fieldMax = 300
