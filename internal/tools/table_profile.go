package tools

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"

	"gridflow/internal/analyze"
	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

type tableProfileIn struct {
	Book
	Sheet       string   `json:"sheet_name" doc:"First sheet unless given"`
	RegionID    *int     `json:"region_id" min:"0" doc:"Of sheet_overview; the largest one unless given"`
	TableName   string   `json:"table_name"`
	Range       string   `json:"range" doc:"Header row included"`
	Columns     []string `json:"columns" doc:"Letters"`
	SampleMode  string   `json:"sample_mode" default:"distributed" enum:"first|last|distributed"`
	SampleSize  int      `json:"sample_size" default:"10" min:"0" doc:"Rows shown, 100 at most; statistics are over all rows"`
	SummaryOnly *bool    `json:"summary_only" doc:"No sample rows"`
}

type tableProfileOut struct {
	Cut
	WorkbookID string          `json:"workbook_id"`
	SheetName  string          `json:"sheet_name"`
	TableName  string          `json:"table_name,omitempty"`
	Range      string          `json:"range"`
	Headers    []string        `json:"headers"`
	Columns    []columnProfile `json:"column_types"`
	RowCount   int             `json:"row_count"`
	Samples    []sampleRow     `json:"samples"`
	Notes      []string        `json:"notes"`

	rows *gridRows
	at   []int // rows of the samples
}

// sampleRow is a row as {header: value}.
type sampleRow struct {
	w       values
	headers []string
	cells   []grid.Cell
}

func (r sampleRow) appendJSON(b []byte) []byte { return r.appendWithin(b, math.MaxInt) }

// appendWithin is appendJSON that stops once the row is longer than room.
func (r sampleRow) appendWithin(b []byte, room int) []byte {
	start := len(b)
	b = append(b, '{')
	for i, h := range r.headers {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendQuoted(b, h), ':')
		if len(r.cells[i].Value.Text()) > room {
			return append(b, r.cells[i].Value.Text()[:room+1]...)
		}
		if b = r.w.appendTyped(b, r.cells[i]); len(b)-start > room {
			return b
		}
	}
	return append(b, '}')
}

// columnProfile is the statistics of one column over all of its rows.
type columnProfile struct {
	Name           string   `json:"name"`
	Column         string   `json:"column"`
	Type           string   `json:"inferred_type"`
	Nulls          int      `json:"nulls"`
	Distinct       int      `json:"distinct"`
	DistinctApprox bool     `json:"distinct_estimated,omitempty"`
	Top            []string `json:"top_values"`
	TopCounts      []int    `json:"top_counts"`
	TopApprox      bool     `json:"top_values_approximate,omitempty"`
	Min            any      `json:"min"`
	Max            any      `json:"max"`
	Mean           any      `json:"mean"`
	Deviation      any      `json:"std_dev"`
	Sum            any      `json:"sum"`
	Duplicates     bool     `json:"duplicates"`
	DupUnknown     bool     `json:"duplicates_unknown,omitempty"` // none was met, but not all values could be kept
	Sorted         string   `json:"sorted,omitempty"`             // "ascending" or "descending", strictly
	Formulas       int      `json:"formulas,omitempty"`
	Total          string   `json:"total_in,omitempty"` // the last cell, if it is a total of others: it counts like them
	Errors         []string `json:"errors"`
	NumericTexts   int      `json:"numeric_texts,omitempty"`
	Lengths        []int    `json:"text_lengths"` // shortest and longest
	Kinds          []string `json:"kinds"`        // of a mixed column, with counts
	samples        []*typed
}

var tableProfile = define(Spec{
	Name: "table_profile", Title: "Profile a table", Toolset: "analysis", Core: true, Reach: ReachSheet,
	Description: "What each column of a table holds: type, blanks, different values, the most frequent ones, minimum, maximum, mean, standard deviation, " +
		"errors, duplicates. All rows are read, however many there are.",
	Example: `{"workbook_or_fork_id":"wb-23456789ab","sheet_name":"Sheet1"}`,
}, viewed(profileTable))

// profileTarget is the cells that are profiled.
type profileTarget struct {
	view   analyze.View
	sheet  int
	table  string
	bounds cell.Range
	data   cell.Range
	empty  bool     // there is no data row
	labels []string // by column of bounds
	notes  []string
}

// profileTargetOf settles what to profile.
func profileTargetOf(ctx context.Context, snap *book.Snapshot, in tableProfileIn) (*profileTarget, error) {
	given := 0
	for _, is := range []bool{in.RegionID != nil, in.TableName != "", in.Range != ""} {
		if is {
			given++
		}
	}
	if given > 1 {
		return nil, invalid("Give one of them, or none for the largest region", "region_id, table_name and range exclude each other")
	}
	t := &profileTarget{}
	if in.Sheet != "" {
		i, err := sheetNamed(snap, in.Sheet)
		if err != nil {
			return nil, err
		}
		t.sheet = i
	} else {
		t.sheet = max(slices.IndexFunc(snap.Workbook().Sheets, func(s grid.SheetInfo) bool { return s.Kind == grid.Worksheet }), 0)
	}
	if in.TableName != "" {
		return t, t.named(ctx, snap, in)
	}
	var a area
	if in.Range != "" {
		var err error
		if a, err = oneArea(ctx, snap, t.sheet, in.Range); err != nil {
			return nil, err
		}
		t.sheet = a.sheet
	}
	if err := t.open(ctx, snap); err != nil {
		return nil, err
	}
	switch {
	case in.Range != "" && a.table != nil && a.whole:
		t.ofTable(a.table)
	case in.Range != "" && a.table != nil:
		t.ofPart(a.table, a.rng)
	case in.Range != "":
		rng, any := clipToUsed(t.view.Sheet, a.rng)
		t.ofRange(rng, any)
	default:
		return t, t.ofRegion(ctx, snap, in.RegionID)
	}
	return t, nil
}

func (t *profileTarget) open(ctx context.Context, snap *book.Snapshot) error {
	s, err := snap.Sheet(ctx, t.sheet)
	t.view = analyze.ViewOf(snap.Workbook(), s)
	return err
}

// named resolves table_name: a table, or else a defined name.
func (t *profileTarget) named(ctx context.Context, snap *book.Snapshot, in tableProfileIn) error {
	table, err := tableNamed(ctx, snap, in.TableName)
	if err != nil {
		n := definedName(snap.Workbook(), in.TableName, t.sheet)
		if n == nil {
			return err
		}
		a, err := oneArea(ctx, snap, t.sheet, n.Name)
		if err != nil {
			return err
		}
		t.sheet, t.table = a.sheet, n.Name
		if err := t.open(ctx, snap); err != nil {
			return err
		}
		rng, any := clipToUsed(t.view.Sheet, a.rng)
		t.ofRange(rng, any)
		return nil
	}
	t.sheet = table.Sheet
	if err := t.open(ctx, snap); err != nil {
		return err
	}
	t.ofTable(table)
	return nil
}

func (t *profileTarget) ofTable(table *grid.Table) {
	t.table, t.bounds = table.Name, table.Range
	var any bool
	t.data, any = table.DataRange()
	t.empty = !any
	for _, c := range table.Columns {
		t.labels = append(t.labels, c.Name)
	}
	for len(t.labels) < table.Range.Cols() {
		t.labels = append(t.labels, cell.ColumnName(table.Range.First.Col+len(t.labels)))
	}
}

// ofPart takes a part of a table such as Table1[Column]: its columns have names, and
// its rows are data but for the table's header row.
func (t *profileTarget) ofPart(table *grid.Table, rng cell.Range) {
	t.ofTable(table)
	t.labels = t.labels[rng.First.Col-table.Range.First.Col:][:rng.Cols()]
	t.bounds, t.data = rng, rng
	t.data.First.Row = max(rng.First.Row, table.Range.First.Row+table.HeaderRows)
	t.empty = t.data.First.Row > t.data.Last.Row
}

func (t *profileTarget) ofRange(rng cell.Range, any bool) {
	if used, ok := t.view.Used(); any && ok {
		rng, any = rng.Intersect(used)
	}
	if t.bounds, t.empty = rng, !any; t.empty {
		return
	}
	h := analyze.FindHeader(t.view, rng)
	t.labels, t.data = h.Labels, rng
	if h.Rows > 0 {
		t.data.First.Row = h.Row + h.Rows
	}
	t.empty = t.data.First.Row > t.data.Last.Row
}

// ofRegion takes the region of an id, or the largest one.
func (t *profileTarget) ofRegion(ctx context.Context, snap *book.Snapshot, id *int) error {
	name := snap.Workbook().Sheets[t.sheet].Name
	var r *analyze.Region
	if id != nil {
		var err error
		if r, err = regionByID(ctx, t.view, name, *id); err != nil {
			return err
		}
	} else {
		d, err := analyze.Regions(ctx, t.view)
		if err != nil {
			return err
		}
		if len(d.Regions) == 0 {
			t.empty = true
			return nil
		}
		for i := range d.Regions {
			if x := &d.Regions[i]; r == nil || x.Counts.Filled > r.Counts.Filled {
				r = x
			}
		}
		if n := len(d.Regions); n > 1 {
			t.notes = append(t.notes, fmt.Sprintf("The sheet has %d regions; this is the largest, region %d. sheet_overview lists them.", n, r.ID))
		}
	}
	if id == nil {
		// Whoever did not name a region may take it for the whole sheet.
		var beside []int
		if used, any := t.view.Used(); any {
			for _, col := range filledCols(nil, t.view.Sheet, used) {
				if col < r.Bounds.First.Col || col > r.Bounds.Last.Col {
					beside = append(beside, col)
				}
			}
		}
		if len(beside) > 0 {
			t.notes = append(t.notes, fmt.Sprintf("Columns %s have cells beside it and are left out; range profiles them too.", joinClipped(columnLetters(beside), 20)))
		}
	}
	t.bounds, t.labels = r.Bounds, r.Header.Labels
	if len(t.labels) != r.Bounds.Cols() { // a sheet that was not split
		t.ofRange(r.Bounds, true)
		return nil
	}
	var any bool
	t.data, any = r.Data()
	t.empty = !any
	return nil
}

// columnsOf gives the columns of the target that the caller wants.
func columnsOf(list []string, within cell.Range) ([]int, error) {
	if len(list) == 0 {
		return colSpan(within.First.Col, within.Last.Col), nil
	}
	cols, err := columnList(list)
	if err != nil {
		return nil, err
	}
	for _, c := range cols {
		if c < within.First.Col || c > within.Last.Col {
			return nil, fail(codeColumnNotFound, fmt.Sprintf("Its columns are %s to %s", cell.ColumnName(within.First.Col), cell.ColumnName(within.Last.Col)),
				"column %s is not in %s", cell.ColumnName(c), within)
		}
	}
	return cols, nil
}

func profileTable(ctx context.Context, env *Env, snap *book.Snapshot, in tableProfileIn) (*tableProfileOut, error) {
	t, err := profileTargetOf(ctx, snap, in)
	if err != nil {
		return nil, err
	}
	out := &tableProfileOut{WorkbookID: snap.ID, SheetName: snap.Workbook().Sheets[t.sheet].Name, TableName: t.table, Notes: t.notes}
	if len(t.labels) == 0 {
		out.Notes = append(out.Notes, "There are no cells to profile.")
		return out, nil
	}
	touches(ctx, snap, area{sheet: t.sheet, rng: t.bounds})
	out.Range = t.bounds.String()
	if t.empty {
		out.Headers = t.labels
		out.Notes = append(out.Notes, "The table has no row below its header.")
		return out, nil
	}
	out.RowCount = t.data.Rows()
	cols, err := columnsOf(in.Columns, t.bounds)
	if err != nil {
		return nil, err
	}
	labels := analyze.UniqueLabels(t.labels)
	w := valuesOf(snap)
	lim := env.budget(0)
	shown := 0
	profiler := analyze.NewProfiler(ctx, t.view, t.data, analyze.ProfileOptions{Top: 3})
	for i, col := range cols {
		ReportProgress(ctx, float64(i), float64(len(cols)), "reading column "+cell.ColumnName(col))
		c, err := profiler.Describe(col)
		if err != nil {
			return nil, err
		}
		row := profileOf(w, &c, labels[col-t.bounds.First.Col])
		if !lim.takeEntry(&row) {
			break
		}
		out.Columns, out.Headers = append(out.Columns, row), append(out.Headers, row.Name)
		shown++
	}
	if shown < len(cols) {
		next := in
		next.Columns = columnLetters(cols[shown:])
		out.Next = fmt.Sprintf("columns %d-%d of %d; next: %s", 1, shown, len(cols), callText("table_profile", next))
	}
	if !orElse(in.SummaryOnly, !env.verbose()) {
		out.sample(t, w, cols[:shown], &lim, in)
	}
	return out, nil
}

// columnLetters names columns as an argument does, runs of them together.
func columnLetters(cols []int) []string {
	var out []string
	for i := 0; i < len(cols); {
		j := i
		for j+1 < len(cols) && cols[j+1] == cols[j]+1 {
			j++
		}
		if name := cell.ColumnName(cols[i]); i == j {
			out = append(out, name)
		} else {
			out = append(out, name+":"+cell.ColumnName(cols[j]))
		}
		i = j + 1
	}
	return out
}

const samplesMax = 100

// sample adds rows of the table.
func (o *tableProfileOut) sample(t *profileTarget, w values, cols []int, lim *budget, in tableProfileIn) {
	n := min(in.SampleSize, samplesMax, t.data.Rows())
	if n < min(in.SampleSize, t.data.Rows()) {
		o.Notes = append(o.Notes, fmt.Sprintf("At most %d sample rows are shown; read_table reads more.", samplesMax))
	}
	o.rows = &gridRows{w: w, sheet: t.view.Sheet, cols: cols}
	for i := range n {
		row := t.data.First.Row + i
		switch {
		case in.SampleMode == "last":
			row = t.data.Last.Row - n + 1 + i
		case in.SampleMode == "distributed" && n > 1:
			row = t.data.First.Row + i*(t.data.Rows()-1)/(n-1)
		}
		s := sampleRow{w: w, headers: o.Headers}
		for _, col := range cols {
			c, _ := t.view.At(cell.Ref{Row: row, Col: col})
			s.cells = append(s.cells, c)
		}
		if !lim.take(len(s.appendWithin(nil, lim.room())), len(cols)) {
			o.Notes = append(o.Notes, fmt.Sprintf("%d of %d sample rows are shown.", i, n))
			return
		}
		o.Samples, o.at = append(o.Samples, s), append(o.at, row)
	}
}

// profileOf turns the statistics of a column into those of a result.
func profileOf(w values, c *analyze.Column, name string) columnProfile {
	p := columnProfile{Name: name, Column: cell.ColumnName(c.Col), Type: c.Type, Nulls: c.Nulls, Distinct: c.Distinct, DistinctApprox: !c.DistinctExact,
		Duplicates: c.Duplicates, DupUnknown: !c.DuplicatesExact, Formulas: c.Formulas, NumericTexts: c.NumericTexts}
	if c.HasTotal {
		p.Total = c.Total.String()
	}
	for _, x := range c.Top {
		p.Top, p.TopCounts = append(p.Top, w.clipped(x.Cell, 100)), append(p.TopCounts, x.Count)
	}
	p.TopApprox = !c.TopExact
	if c.Numeric > 0 {
		if c.Type == "date" || c.Counts[analyze.Number] == 0 {
			// A date column has dates for extremes; a mean of dates says little.
			p.Min, p.Max = string(w.appendPlain(nil, c.MinCell)), string(w.appendPlain(nil, c.MaxCell))
		} else {
			p.Min, p.Max, p.Mean, p.Deviation, p.Sum = c.Min, c.Max, finite(derived(c.Mean, c.Min, c.Max)), finite(derived(c.Deviation, 0, math.Inf(1))), finite(c.Sum)
		}
	}
	if c.Counts[analyze.Text] > 0 {
		p.Lengths = []int{c.ShortestText, c.LongestText}
	}
	switch {
	case c.Ascending:
		p.Sorted = "ascending"
	case c.Descending:
		p.Sorted = "descending"
	}
	for code, n := range c.Errors {
		p.Errors = append(p.Errors, fmt.Sprintf("%s ×%d", code, n))
	}
	slices.Sort(p.Errors)
	if c.Type == "mixed" {
		for k := analyze.Number; k <= analyze.Error; k++ {
			if n := c.Counts[k]; n > 0 {
				p.Kinds = append(p.Kinds, fmt.Sprintf("%d %s", n, k))
			}
		}
	}
	for _, x := range c.Samples {
		p.samples = append(p.samples, w.typed(x))
	}
	return p
}

// derived gives a number that was computed from others with the fifteen digits that
// spreadsheets show: what stands behind them is how binary fractions are rounded. It stays
// between the bounds, as a mean has to.
func derived(f, least, most float64) float64 {
	if math.Abs(f) >= 1e15 {
		return f // the digits before the point are all meant
	}
	r, err := strconv.ParseFloat(strconv.FormatFloat(f, 'g', 15, 64), 64)
	if err != nil {
		return f
	}
	return min(max(r, least), most)
}

// finite gives f for a result, nothing where it is larger than any number.
func finite(f float64) any {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil
	}
	return f
}

func (p *columnProfile) appendText(b []byte) []byte {
	b = append(append(b, p.Column...), '\t')
	b = appendEscaped(b, clip(p.Name, 100))
	b = append(append(b, '\t'), p.Type...)
	if len(p.Kinds) > 0 {
		b = fmt.Appendf(b, " (%s)", joinClipped(p.Kinds, len(p.Kinds)))
	}
	if p.Type == "unknown" {
		return append(b, "\tno values\n"...)
	}
	b = fmt.Appendf(b, "\t%d blank\t", p.Nulls)
	if p.DistinctApprox {
		b = append(b, "about "...)
	}
	b = fmt.Appendf(b, "%d different", p.Distinct)
	if !p.Duplicates && !p.DupUnknown {
		b = append(b, ", no duplicates"...)
	}
	if p.Sorted != "" {
		b = append(append(b, ", "...), p.Sorted...)
	}
	if p.Min != nil {
		b = append(b, "\tmin "...)
		b = appendAny(b, p.Min)
		b = append(b, " max "...)
		b = appendAny(b, p.Max)
		if p.Mean != nil {
			b = appendAny(append(b, " mean "...), p.Mean)
			b = appendAny(append(b, " sd "...), p.Deviation)
			b = appendAny(append(b, " sum "...), p.Sum)
		}
	}
	if len(p.Lengths) > 0 {
		b = fmt.Appendf(b, "\tlength %d-%d", p.Lengths[0], p.Lengths[1])
	}
	if len(p.Top) > 0 && p.Duplicates {
		b = append(b, "\ttop "...)
		for i, t := range p.Top {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = appendEscaped(b, clip(t, 60))
			if p.TopApprox {
				b = append(b, " ≥"...)
			} else {
				b = append(b, " ×"...)
			}
			b = fmt.Appendf(b, "%d", p.TopCounts[i])
		}
	}
	if p.Formulas > 0 {
		b = append(append(b, '\t'), counted(p.Formulas, "formula", "formulas")...)
	}
	if p.Total != "" {
		b = append(append(append(b, '\t'), p.Total...), " is a total of cells above it and counts like them"...)
	}
	if p.NumericTexts > 0 {
		b = append(append(b, '\t'), counted(p.NumericTexts, "text that is a number", "texts that are numbers")...)
	}
	if len(p.Errors) > 0 {
		b = fmt.Appendf(b, "\terrors %s", joinClipped(p.Errors, 5))
	}
	return append(b, '\n')
}

// appendAny writes a number or a text.
func appendAny(b []byte, v any) []byte {
	switch v := v.(type) {
	case float64:
		return cell.AppendNumber(b, v)
	case string:
		return append(b, v...)
	}
	return append(b, "too large"...)
}

func (o *tableProfileOut) appendText(b []byte, _ bool) []byte {
	b = append(b, cell.QuoteSheet(o.SheetName)...)
	if o.Range != "" {
		b = append(append(b, '!'), o.Range...)
	}
	if o.TableName != "" {
		b = append(append(b, ", table "...), o.TableName...)
	}
	b = fmt.Appendf(b, ": %s of data\n", counted(o.RowCount, "row", "rows"))
	for i := range o.Columns {
		b = o.Columns[i].appendText(b)
	}
	if len(o.at) > 0 {
		b = append(b, "sample rows:\n"...)
		b = o.rows.appendLetters(b)
		for _, row := range o.at {
			b = o.rows.appendTSV(b, row)
		}
	}
	return appendNotes(b, o.Notes)
}
