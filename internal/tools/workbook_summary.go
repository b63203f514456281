package tools

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"gridflow/internal/analyze"
	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

type workbookSummaryIn struct {
	Book
	SummaryOnly *bool `json:"summary_only" doc:"Counts alone"`
	EntryPoints *bool `json:"include_entry_points" doc:"Where to start reading"`
	NamedRanges *bool `json:"include_named_ranges"`
}

type workbookSummaryOut struct {
	WorkbookID    string       `json:"workbook_id"`
	Slug          string       `json:"slug"`
	SheetCount    int          `json:"sheet_count"`
	TotalCells    int64        `json:"total_cells"`
	TotalFormulas int64        `json:"total_formulas"`
	Breakdown     breakdown    `json:"breakdown"`
	RegionCounts  regionCounts `json:"region_counts"`
	KeyNames      []nameItem   `json:"key_named_ranges"`
	EntryPoints   []entryPoint `json:"suggested_entry_points"`
	Notes         []string     `json:"notes"`

	filled     int64
	unreadable int // sheets
	sheets     []sheetLine
}

type breakdown struct {
	Data       int `json:"data_sheets"`
	Calculator int `json:"calculator_sheets"`
	Parameters int `json:"parameter_sheets"`
	Metadata   int `json:"metadata_sheets"`
}

type regionCounts struct {
	Data       int `json:"data"`
	Parameters int `json:"parameters"`
	Outputs    int `json:"outputs"`
	Calculator int `json:"calculator"`
	Metadata   int `json:"metadata"`
	Other      int `json:"other"`
}

type entryPoint struct {
	Sheet     string `json:"sheet_name"`
	RegionID  *int   `json:"region_id"`
	Bounds    string `json:"bounds,omitempty"`
	Rationale string `json:"rationale"`

	class analyze.SheetClass
}

// sheetLine is what the text says of a sheet.
type sheetLine struct {
	name             string
	class            analyze.SheetClass
	used             string
	filled, formulas int
	hidden           bool
}

var workbookSummary = define(Spec{
	Name: "workbook_summary", Title: "Summary of a workbook", Toolset: "analysis", Core: true, Reach: ReachBook,
	Description: "One look at a whole workbook: size, what each sheet is for, where to start reading, important names.",
	Example:     `{"workbook_or_fork_id":"wb-23456789ab"}`,
}, func(ctx context.Context, env *Env, in workbookSummaryIn) (*workbookSummaryOut, error) {
	entry, err := env.Workspace.Lookup(ctx, in.Workbook)
	if err != nil {
		return nil, err
	}
	var out *workbookSummaryOut
	err = env.Workspace.View(ctx, in.Workbook, func(snap *book.Snapshot) (err error) {
		out, err = summarise(ctx, env, snap, in)
		return err
	})
	if err == nil {
		out.Slug = entry.Slug
	}
	return out, err
})

const (
	entryPointsMax = 5
	keyNamesMax    = 10
	sheetLinesMax  = 50
)

func summarise(ctx context.Context, env *Env, snap *book.Snapshot, in workbookSummaryIn) (*workbookSummaryOut, error) {
	wb := snap.Workbook()
	out := &workbookSummaryOut{WorkbookID: snap.ID, SheetCount: len(wb.Sheets)}
	var points []entryPoint
	for i, info := range wb.Sheets {
		if info.Problem != "" {
			out.Notes = append(out.Notes, fmt.Sprintf("The sheet %s cannot be read and is not counted: %s.", plain(clip(info.Name, 64)), plain(info.Problem)))
			out.unreadable++
			continue
		}
		ReportProgress(ctx, float64(i), float64(len(wb.Sheets)), "reading "+info.Name)
		sheet, err := snap.Sheet(ctx, i)
		if err != nil {
			return nil, err
		}
		v := analyze.ViewOf(wb, sheet)
		rows, cols := analyze.Extent(sheet)
		out.TotalCells += int64(rows) * int64(cols)
		out.TotalFormulas += int64(sheet.FormulaCells())
		out.filled += int64(sheet.FilledCells())
		class := analyze.Classify(v)
		out.count(class)
		p := entryPoint{Sheet: info.Name, class: class, Rationale: rationale(class)}
		line := sheetLine{info.Name, class, "", sheet.FilledCells(), sheet.FormulaCells(), info.Visibility != grid.Visible}
		if used, any := sheet.Used(); any {
			line.used = used.String()
			if rows <= 10_000 && cols <= 200 {
				p.Bounds = cell.Range{Last: used.Last}.String()
			}
		}
		points = append(points, p)
		if len(out.sheets) < sheetLinesMax {
			out.sheets = append(out.sheets, line)
		}
	}
	full := !orElse(in.SummaryOnly, !env.verbose())
	if orElse(in.EntryPoints, full) {
		slices.SortStableFunc(points, func(a, b entryPoint) int {
			return cmp.Or(cmp.Compare(a.class, b.class), cmp.Compare(a.Sheet, b.Sheet))
		})
		out.EntryPoints = points[:min(len(points), entryPointsMax)]
	}
	if orElse(in.NamedRanges, full) {
		out.KeyNames = keyNames(wb)
	}
	out.Notes = append([]string{"Regions are counted by what each sheet is for, one for each sheet; sheet_overview detects them."}, out.Notes[:min(len(out.Notes), 20)]...)
	return out, nil
}

func (o *workbookSummaryOut) count(c analyze.SheetClass) {
	switch c {
	case analyze.DataSheet, analyze.MixedSheet:
		o.Breakdown.Data++
		o.RegionCounts.Data++
	case analyze.CalculatorSheet:
		o.Breakdown.Calculator++
		o.RegionCounts.Calculator++
	case analyze.MetadataSheet:
		o.Breakdown.Metadata++
		o.RegionCounts.Metadata++
	default:
		o.RegionCounts.Other++
	}
}

func rationale(c analyze.SheetClass) string {
	switch c {
	case analyze.DataSheet:
		return "rows of data"
	case analyze.MixedSheet:
		return "data with formulas"
	case analyze.CalculatorSheet:
		return "mostly formulas"
	case analyze.MetadataSheet:
		return "small: notes or parameters"
	}
	return "empty"
}

// keyNames gives the first visible names that refer to different things.
func keyNames(wb *grid.Workbook) []nameItem {
	seen := make(map[string]bool)
	var out []nameItem
	for _, n := range wb.Names {
		if n.Hidden || seen[n.RefersTo] {
			continue
		}
		seen[n.RefersTo] = true
		if out = append(out, describeName(wb, &n)); len(out) == keyNamesMax {
			break
		}
	}
	return out
}

func (o *workbookSummaryOut) appendText(b []byte, _ bool) []byte {
	b = fmt.Appendf(b, "%s: %s, %s, %s\n", o.Slug, counted(o.SheetCount, "sheet", "sheets"),
		counted(int(o.filled), "filled cell", "filled cells"), counted(int(o.TotalFormulas), "formula", "formulas"))
	for _, s := range o.sheets {
		b = fmt.Appendf(b, "%s\t%s\t%s\t%d filled\t%d formulas", s.name, s.class, s.used, s.filled, s.formulas)
		if s.hidden {
			b = append(b, "\thidden"...)
		}
		b = append(b, '\n')
	}
	for _, n := range o.Notes[min(1, len(o.Notes)):] {
		b = append(append(append(b, "note: "...), n...), '\n')
	}
	if more := o.SheetCount - len(o.sheets) - o.unreadable; more > 0 {
		b = fmt.Appendf(b, "… %d more sheets: call list_sheets\n", more)
	}
	for _, p := range o.EntryPoints {
		b = fmt.Appendf(b, "start at %s %s: %s\n", p.Sheet, p.Bounds, p.Rationale)
	}
	for _, n := range o.KeyNames {
		b = fmt.Appendf(b, "name %s = %s\n", n.Name, clip(n.RefersTo, 120))
	}
	return b
}
