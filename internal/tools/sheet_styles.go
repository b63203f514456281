package tools

import (
	"context"
	"fmt"

	"gridflow/internal/analyze"
	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

type sheetStylesIn struct {
	Book
	Sheet string `json:"sheet_name" required:"true"`
	Scope *struct {
		Kind   string `json:"kind" enum:"range|region" required:"true"`
		Range  string `json:"range"`
		Region *int   `json:"region_id" min:"0"`
	} `json:"scope" doc:"The whole sheet unless given"`
	Granularity string `json:"granularity" enum:"runs|cells" default:"runs" doc:"How ranges are listed"`
	MaxItems    int    `json:"max_items" default:"50" min:"1" max:"5000" clamp:"both" doc:"Ranges per style"`
	SummaryOnly *bool  `json:"summary_only"`
	Descriptor  *bool  `json:"include_descriptor"`
	Ranges      *bool  `json:"include_ranges"`
	Examples    *bool  `json:"include_example_cells"`
}

type sheetStylesOut struct {
	Cut
	WorkbookID      string      `json:"workbook_id"`
	SheetName       string      `json:"sheet_name"`
	Styles          []*styleUse `json:"styles"`
	ConditionalRule []string    `json:"conditional_rules"`
	TotalStyles     int         `json:"total_styles"`
	StylesTruncated bool        `json:"styles_truncated"`

	// Formats of columns and rows as such, which cells have as long as they are empty.
	Lines []formattedLine `json:"line_styles"`
}

// formattedLine is the style of columns or rows.
type formattedLine struct {
	Range      string           `json:"range"`
	StyleID    string           `json:"style_id"`
	Descriptor *styleDescriptor `json:"descriptor"`

	brief string
}

// formattedLines gives the formats of the columns and rows of a range.
func formattedLines(styles *grid.Styles, l *grid.Layout, rng cell.Range, descriptor bool) (list []formattedLine) {
	add := func(r cell.Range, style uint32) {
		if _, meet := r.Intersect(rng); !meet || len(list) == stylesMax {
			return
		}
		d := describeStyle(styles, style)
		s := formattedLine{Range: r.String(), StyleID: styleID(d), brief: describeXf(styles, style)}
		if descriptor {
			s.Descriptor = &d
		}
		list = append(list, s)
	}
	for _, c := range grid.PutColumns(l.Columns, nil) { // without their widths, which tell those of one format apart
		if c.Style != 0 {
			add(cell.Range{First: cell.Ref{Col: c.First}, Last: cell.Ref{Row: cell.MaxRows - 1, Col: c.Last}}, c.Style)
		}
	}
	for _, r := range (&grid.Layout{}).Restyled(l).Rows {
		if r.HasStyle {
			add(cell.Range{First: cell.Ref{Row: r.First}, Last: cell.Ref{Row: r.Last, Col: cell.MaxCols - 1}}, r.Style)
		}
	}
	return list
}

// stylesMax bounds the styles of one result.
const stylesMax = 200

var sheetStyles = define(Spec{
	Name: "sheet_styles", Title: "Styles of a sheet", Toolset: "styles", Reach: ReachSheet,
	Description: "The different looks of cells on a sheet, the most used first: fonts, fills, borders, number formats, and where they are. Conditional formats are named by type and range.",
	Example:     `{"workbook_or_fork_id":"wb-23456789ab","sheet_name":"Sheet1","summary_only":false}`,
}, viewed(readSheetStyles))

func readSheetStyles(ctx context.Context, env *Env, snap *book.Snapshot, in sheetStylesIn) (*sheetStylesOut, error) {
	index, err := sheetNamed(snap, in.Sheet)
	if err != nil {
		return nil, err
	}
	wb := snap.Workbook()
	rng := cell.WholeSheet
	if in.Scope != nil && in.Scope.Kind == "range" {
		if in.Scope.Region != nil {
			return nil, invalid(`Example: "scope":{"kind":"range","range":"A1:D20"}`, "scope: of kind range, it has a region_id too")
		}
		a, err := oneArea(ctx, snap, index, in.Scope.Range)
		if err != nil {
			return nil, err
		}
		index, rng = a.sheet, a.rng // the range may name a sheet of its own
	}
	sheet, err := snap.Sheet(ctx, index)
	if err != nil {
		return nil, err
	}
	if in.Scope != nil && in.Scope.Kind == "region" {
		switch {
		case in.Scope.Range != "":
			return nil, invalid(`Example: "scope":{"kind":"region","region_id":0}`, "scope: of kind region, it has a range too")
		case in.Scope.Region == nil:
			return nil, invalid(`Example: "scope":{"kind":"region","region_id":0}`, "scope: region_id is missing")
		default:
			found, err := analyze.Regions(ctx, analyze.ViewOf(wb, sheet))
			if err != nil {
				return nil, err
			}
			if *in.Scope.Region >= len(found.Regions) {
				return nil, fail(codeRegionNotFound, "Call sheet_overview to see the regions", "the sheet has %d regions, counted from 0; there is no region %d",
					len(found.Regions), *in.Scope.Region)
			}
			rng = found.Regions[*in.Scope.Region].Bounds
		}
	}
	summary := orElse(in.SummaryOnly, !env.verbose())
	ranges := orElse(in.Ranges, !summary)
	census := newStyleCensus(wb.Styles, 0, in.Granularity == "runs")
	if ranges {
		census.maxRange = in.MaxItems
	}
	census.count(sheet, rng, 0, "")
	all := census.sorted()
	out := &sheetStylesOut{WorkbookID: snap.ID, SheetName: wb.Sheets[index].Name, TotalStyles: len(all)}
	for _, f := range sheet.Layout.Conditional {
		if len(out.ConditionalRule) == stylesMax {
			break
		}
		out.ConditionalRule = append(out.ConditionalRule, f.Type+" "+rangesText(f.Ranges))
	}
	out.Lines = formattedLines(wb.Styles, sheet.Layout, rng, orElse(in.Descriptor, !summary))
	out.Styles = fitStyles(env, all, orElse(in.Descriptor, !summary), orElse(in.Examples, !summary || env.Profile != Compat))
	if len(out.Styles) < len(all) {
		out.StylesTruncated = true
		out.Next = fmt.Sprintf("the %d most used of %d styles", len(out.Styles), len(all))
		if orElse(in.Ranges, !summary) || orElse(in.Descriptor, !summary) {
			in.Ranges, in.Descriptor = new(bool), new(bool)
			out.Next += "; for more: " + callText("sheet_styles", in)
		} else {
			out.Next += "; a scope that is smaller than " + plain(rng.String()) + " shows others"
		}
	}
	return out, nil
}

// fitStyles gives as many of the styles as a result holds, without what was not asked for.
func fitStyles(env *Env, all []*styleUse, descriptor, examples bool) []*styleUse {
	lim := env.budget(stylesMax)
	for i, u := range all {
		if !descriptor {
			u.Descriptor = nil
		}
		if !examples {
			u.ExampleCells = nil
		}
		if !lim.takeEntry(u) {
			return all[:i]
		}
	}
	return all
}

func rangesText(list []cell.Range) string {
	var b []byte
	for i, r := range list {
		if i == 10 {
			return string(append(b, " …"...))
		}
		if i > 0 {
			b = append(b, ' ')
		}
		b = r.AppendA1(b)
	}
	return string(b)
}

func (o *sheetStylesOut) appendText(b []byte, verbose bool) []byte {
	if verbose && len(o.Styles) > 0 && o.Styles[0].Descriptor != nil {
		return nil // descriptors are objects
	}
	b = fmt.Appendf(b, "%d styles on %s: style_id, cells, look, where\n", o.TotalStyles, plain(o.SheetName))
	for _, u := range o.Styles {
		b = u.appendText(b)
	}
	for _, l := range o.Lines {
		b = append(b, l.StyleID+"\t"+l.Range+" as such\t"...)
		if l.brief == "" {
			b = append(b, "default"...)
		}
		b = append(appendEscaped(b, l.brief), '\n')
	}
	for _, c := range o.ConditionalRule {
		b = append(appendEscaped(append(b, "conditional\t"...), c), '\n')
	}
	return b
}
