package tools

import (
	"context"
	"fmt"
	"strings"

	"gridflow/internal/analyze"
	"gridflow/internal/book"
	"gridflow/internal/cell"
)

type sheetStatisticsIn struct {
	Book
	Sheet       string   `json:"sheet_name" required:"true"`
	Columns     []string `json:"columns" doc:"Letters"`
	SampleRows  int      `json:"sample_rows" default:"500" min:"1" max:"1048576" doc:"Rows that samples come from; statistics are over all rows"`
	SummaryOnly *bool    `json:"summary_only" doc:"No samples"`
}

type sheetStatisticsOut struct {
	Cut
	WorkbookID  string          `json:"workbook_id"`
	SheetName   string          `json:"sheet_name"`
	RowCount    int             `json:"row_count"`
	ColumnCount int             `json:"column_count"`
	Density     float64         `json:"density"`
	Numeric     []columnStatRow `json:"numeric_columns"`
	Text        []columnStatRow `json:"text_columns"`
	Dates       []columnStatRow `json:"date_columns"`
	Nulls       map[string]int  `json:"null_counts"`
	Duplicates  []string        `json:"duplicate_warnings"`

	empty   string // why it has no cells, if it has none
	used    string
	filled  int
	forms   int
	header  int // 1-based row, 0 for none
	columns []columnProfile
}

type columnStatRow struct {
	Header  string   `json:"header,omitempty"`
	Column  string   `json:"column"`
	Samples []*typed `json:"samples"`
	Min     any      `json:"min"`
	Max     any      `json:"max"`
	Mean    any      `json:"mean"`
	Dev     any      `json:"std_dev"`
	Sum     any      `json:"sum"`
	Nulls   int      `json:"nulls"`
	Unique  int      `json:"distinct"`
	Approx  bool     `json:"distinct_estimated,omitempty"`
}

var sheetStatistics = define(Spec{
	Name: "sheet_statistics", Title: "Statistics of a sheet", Toolset: "analysis", Reach: ReachSheet,
	Description: "Size, density and statistics of every column of a sheet, over all rows. For one table of a sheet call table_profile.",
	Example:     `{"workbook_or_fork_id":"wb-23456789ab","sheet_name":"Sheet1"}`,
}, viewed(statistics))

// statSamples is how many values are shown of a column.
const statSamples = 5

func statistics(ctx context.Context, env *Env, snap *book.Snapshot, in sheetStatisticsIn) (*sheetStatisticsOut, error) {
	index, err := sheetNamed(snap, in.Sheet)
	if err != nil {
		return nil, err
	}
	sheet, err := snap.Sheet(ctx, index)
	if err != nil {
		return nil, err
	}
	out := &sheetStatisticsOut{WorkbookID: snap.ID, SheetName: snap.Workbook().Sheets[index].Name, filled: sheet.FilledCells(), forms: sheet.FormulaCells()}
	out.RowCount, out.ColumnCount = analyze.Extent(sheet)
	out.empty = emptySheet(&snap.Workbook().Sheets[index])
	used, any := sheet.Used()
	if !any || out.filled == 0 {
		return out, nil
	}
	touches(ctx, snap, area{sheet: index, rng: cell.WholeSheet})
	v := analyze.ViewOf(snap.Workbook(), sheet)
	out.used = used.String()
	out.Density = round(float64(out.filled)/float64(used.Cells()), 4)
	h := analyze.FindHeader(v, used)
	data := used
	if h.Rows > 0 {
		out.header = h.Row + 1
		data.First.Row = h.Row + h.Rows
	}
	cols, err := columnsOf(in.Columns, used)
	if err != nil {
		return nil, err
	}
	o := analyze.ProfileOptions{Top: 3, SampleRows: in.SampleRows}
	if !orElse(in.SummaryOnly, !env.verbose()) {
		o.Samples = statSamples
	}
	w := valuesOf(snap)
	lim := env.budget(0)
	out.Nulls = make(map[string]int)
	if data.First.Row > data.Last.Row {
		return out, nil
	}
	profiler := analyze.NewProfiler(ctx, v, data, o)
	for i, col := range cols {
		ReportProgress(ctx, float64(i), float64(len(cols)), "reading column "+cell.ColumnName(col))
		c, err := profiler.Describe(col)
		if err != nil {
			return nil, err
		}
		p := profileOf(w, &c, h.Labels[col-used.First.Col])
		if !lim.takeEntry(&p) {
			next := in
			next.Columns = columnLetters(cols[i:])
			out.Next = fmt.Sprintf("columns 1-%d of %d; next: %s", i, len(cols), callText("sheet_statistics", next))
			break
		}
		out.add(p, &c, h.Rows > 0)
	}
	return out, nil
}

// add puts a column into the list of its kind. A column counts as numeric where it has
// at least as many numbers as other values.
func (o *sheetStatisticsOut) add(p columnProfile, c *analyze.Column, header bool) {
	o.columns = append(o.columns, p)
	o.Nulls[p.Column] = p.Nulls
	values := c.Rows - c.Nulls
	if values == 0 {
		return
	}
	row := columnStatRow{Column: p.Column, Samples: p.samples, Min: p.Min, Max: p.Max, Mean: p.Mean, Dev: p.Deviation, Sum: p.Sum, Nulls: p.Nulls, Unique: p.Distinct, Approx: p.DistinctApprox}
	if header {
		row.Header = p.Name
	}
	switch {
	case p.Type == "date":
		o.Dates = append(o.Dates, row)
	case 2*c.Counts[analyze.Number] >= values:
		o.Numeric = append(o.Numeric, row)
	default:
		row.Min, row.Max, row.Mean, row.Dev, row.Sum = nil, nil, nil, nil, nil
		o.Text = append(o.Text, row)
	}
	if p.Duplicates {
		o.Duplicates = append(o.Duplicates, fmt.Sprintf("Column %s contains duplicate values", p.Column))
	}
}

func (o *sheetStatisticsOut) appendText(b []byte, _ bool) []byte {
	if o.used == "" {
		return append(append(b, o.empty...), '\n')
	}
	b = fmt.Appendf(b, "%s!%s: %s, %s, density %.0f%%", cell.QuoteSheet(o.SheetName), o.used,
		counted(o.filled, "filled cell", "filled cells"), counted(o.forms, "formula", "formulas"), 100*o.Density)
	if o.header > 0 {
		b = fmt.Appendf(b, ", header in row %d", o.header)
	}
	b = append(b, '\n')
	for i := range o.columns {
		p := &o.columns[i]
		line := p.appendText(nil)
		b = append(b, strings.TrimSuffix(string(line), "\n")...)
		for j, s := range p.samples {
			if j == 0 {
				b = append(b, "\tsuch as "...)
			} else {
				b = append(b, ", "...)
			}
			b = s.appendField(b)
		}
		b = append(b, '\n')
	}
	return b
}
