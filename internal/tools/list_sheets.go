package tools

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"gridflow/internal/analyze"
	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

type listSheetsIn struct {
	Book
	Limit         int   `json:"limit" default:"100" min:"1" max:"1000" clamp:"max"`
	Offset        int   `json:"offset" default:"0" min:"0"`
	IncludeBounds *bool `json:"include_bounds" doc:"Used range, counts and classification; reads every sheet"`
}

type listSheetsOut struct {
	Cut
	WorkbookID string     `json:"workbook_id"`
	Sheets     []sheetRow `json:"sheets"`
	NextOffset int        `json:"next_offset,omitempty"`

	bounds bool
}

type sheetRow struct {
	Name           string   `json:"name"`
	Visible        bool     `json:"visible"`
	Visibility     string   `json:"visibility,omitempty"` // "hidden" or "veryHidden"
	Kind           string   `json:"kind,omitempty"`       // unless a worksheet
	RowCount       *int     `json:"row_count"`
	ColumnCount    *int     `json:"column_count"`
	NonEmptyCells  *int     `json:"non_empty_cells"`
	FormulaCells   *int     `json:"formula_cells"`
	CachedValues   *int     `json:"cached_values"`
	Classification string   `json:"classification,omitempty"`
	StyleTags      []string `json:"style_tags"`
	Problem        string   `json:"problem,omitempty"` // why the sheet cannot be read
	Protected      *bool    `json:"protected,omitempty"`

	used   string
	bytes  int64
	tables []string
}

var listSheets = define(Spec{
	Name: "list_sheets", Title: "List sheets", Toolset: "read", Core: true,
	Description: "The sheets of a workbook in tab order, with their tables. include_bounds adds sizes, what each sheet is for, and which are protected.",
	Example:     `{"workbook_or_fork_id":"wb-23456789ab","include_bounds":true}`,
}, viewed(readSheetList))

func readSheetList(ctx context.Context, env *Env, snap *book.Snapshot, in listSheetsIn) (*listSheetsOut, error) {
	wb := snap.Workbook()
	tables, err := snap.Tables(ctx)
	if err != nil {
		return nil, err
	}
	out := &listSheetsOut{WorkbookID: snap.ID, bounds: orElse(in.IncludeBounds, env.verbose())}
	lim := env.budget(in.Limit)
	next := in.Offset
	for ; next < len(wb.Sheets) && !lim.spent(); next++ {
		info := wb.Sheets[next]
		row := sheetRow{Name: info.Name, Visible: info.Visibility == grid.Visible, Problem: info.Problem, bytes: info.Bytes}
		if !row.Visible {
			row.Visibility = info.Visibility.String()
		}
		if info.Kind != grid.Worksheet {
			row.Kind = info.Kind.String()
		}
		for _, t := range tables {
			if t.Sheet == next {
				row.tables = append(row.tables, t.Name+" "+t.Range.String())
			}
		}
		// The classification is a part of the compat shape whatever was asked for.
		if row.Problem == "" && (out.bounds || env.Profile == Compat) {
			ReportProgress(ctx, float64(next-in.Offset), float64(len(wb.Sheets)-in.Offset), "reading "+info.Name)
			if err := row.measure(ctx, snap, next, out.bounds); err != nil {
				if ctx.Err() != nil {
					return nil, err
				}
				row.Problem = clip(err.Error(), 300) // one bad sheet does not hide the others
			}
		}
		if !lim.takeEntry(&row) {
			break
		}
		out.Sheets = append(out.Sheets, row)
	}
	onward(&out.Cut, &out.NextOffset, portion{"sheets", len(out.Sheets), len(wb.Sheets), false}, "list_sheets", &in, &in.Offset)
	return out, nil
}

// measure reads the sheet.
func (r *sheetRow) measure(ctx context.Context, snap *book.Snapshot, index int, bounds bool) error {
	sheet, err := snap.Sheet(ctx, index)
	if err != nil {
		return err
	}
	r.Classification = analyze.Classify(analyze.ViewOf(snap.Workbook(), sheet)).String()
	if used, any := sheet.Used(); any {
		r.used = used.String()
	}
	if on := sheet.Layout.Protection.On; on {
		r.Protected = &on
	}
	if !bounds {
		return nil
	}
	rows, cols := analyze.Extent(sheet)
	filled, formulas := sheet.FilledCells(), sheet.FormulaCells()
	r.RowCount, r.ColumnCount, r.NonEmptyCells, r.FormulaCells = &rows, &cols, &filled, &formulas
	cached := 0
	for _, col := range sheet.OccupiedCols(0, rows) {
		for c := range sheet.Column(col, 0, rows) {
			if c.HasFormula() && !c.Value.IsBlank() {
				cached++
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	r.CachedValues = &cached
	r.StyleTags = sheetTags(snap.Workbook().Styles, sheet)
	return nil
}

// sheetTags gives what the styles of the first cells of a sheet suggest.
func sheetTags(styles *grid.Styles, sheet *grid.Sheet) []string {
	const looked = 1000
	found := make(map[string]bool)
	n := 0
	for c := range sheet.Cells(cell.Range{Last: cell.Ref{Row: cell.MaxRows - 1, Col: cell.MaxCols - 1}}) {
		for _, t := range styleTags(styles, c.Style) {
			found[t] = true
		}
		if n++; n == looked {
			break
		}
	}
	return orderedTags(found)
}

func (o *listSheetsOut) appendText(b []byte, _ bool) []byte {
	if len(o.Sheets) == 0 {
		return append(b, "no sheets at this offset\n"...)
	}
	b = append(b, "sheet\tstate"...)
	if o.bounds {
		b = append(b, "\tused\tfilled\tformulas\tclass"...)
	} else {
		b = append(b, "\tsize"...)
	}
	b = append(b, "\ttables\n"...)
	for _, s := range o.Sheets {
		b = append(appendEscaped(b, s.Name), '\t')
		state := s.Visibility + " " + s.Kind
		if s.Protected != nil {
			state += " protected"
		}
		b = append(b, strings.Join(strings.Fields(state), " ")...)
		switch {
		case s.Problem != "":
			b = append(append(b, "\tcannot be read: "...), plain(s.Problem)...)
		case o.bounds:
			b = fmt.Appendf(b, "\t%s\t%d\t%d\t%s", s.used, *s.NonEmptyCells, *s.FormulaCells, s.Classification)
		default:
			b = append(append(b, '\t'), sizeText(s.bytes)...)
		}
		for i, t := range s.tables {
			b = append(b, "\t,"[min(i, 1)])
			b = appendEscaped(b, t)
		}
		b = append(b, '\n')
	}
	return b
}

// sizeText writes a size in bytes with a unit, as a hint about how much there is to read.
func sizeText(n int64) string {
	switch {
	case n < 10<<10:
		return strconv.FormatInt(n, 10) + " B"
	case n < 10<<20:
		return strconv.FormatInt(n>>10, 10) + " KB"
	}
	return strconv.FormatInt(n>>20, 10) + " MB"
}
