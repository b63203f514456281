package tools

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

type styleSummaryIn struct {
	Book
	MaxStyles      int   `json:"max_styles" default:"200" min:"1" max:"5000" clamp:"max"`
	MaxConditional int   `json:"max_conditional_formats" default:"200" min:"1" max:"5000" clamp:"max"`
	MaxCells       int   `json:"max_cells_scan" default:"500000" min:"1" doc:"Cells looked at, in all sheets together"`
	SummaryOnly    *bool `json:"summary_only"`
	Descriptor     *bool `json:"include_descriptor"`
	Examples       *bool `json:"include_example_cells"`
	Theme          *bool `json:"include_theme"`
	Conditional    *bool `json:"include_conditional_formats"`
}

type styleSummaryOut struct {
	Cut
	WorkbookID           string           `json:"workbook_id"`
	Theme                *themeSummary    `json:"theme"`
	DefaultStyleID       string           `json:"inferred_default_style_id,omitempty"`
	DefaultFont          *fontDescriptor  `json:"inferred_default_font"`
	Styles               []*styleUse      `json:"styles"`
	TotalStyles          int              `json:"total_styles"`
	StylesTruncated      bool             `json:"styles_truncated"`
	ConditionalFormats   []conditionalUse `json:"conditional_formats"`
	ConditionalTruncated bool             `json:"conditional_formats_truncated"`
	ScanTruncated        bool             `json:"scan_truncated"`
	Notes                []string         `json:"notes"`
}

type themeSummary struct {
	Name   string            `json:"name,omitempty"`
	Colors map[string]string `json:"colors"`
	Fonts  map[string]string `json:"font_scheme"`
}

// themeColors are the names of the theme's colours in its own order.
var themeColors = [12]string{"dk1", "lt1", "dk2", "lt2", "accent1", "accent2", "accent3", "accent4", "accent5", "accent6", "hlink", "fol_hlink"}

type conditionalUse struct {
	SheetName string   `json:"sheet_name"`
	Range     string   `json:"range"`
	RuleTypes []string `json:"rule_types"`
	RuleCount int      `json:"rule_count"`
}

var workbookStyleSummary = define(Spec{
	Name: "workbook_style_summary", Title: "Styles of a workbook", Toolset: "styles", Reach: ReachBook,
	Description: "The looks of cells over all sheets, the most used first, with the theme and the conditional formats.",
	Example:     `{"workbook_or_fork_id":"wb-23456789ab","summary_only":false}`,
}, viewed(summariseStyles))

func summariseStyles(ctx context.Context, env *Env, snap *book.Snapshot, in styleSummaryIn) (*styleSummaryOut, error) {
	wb := snap.Workbook()
	summary := orElse(in.SummaryOnly, !env.verbose())
	out := &styleSummaryOut{WorkbookID: snap.ID}
	census := newStyleCensus(wb.Styles, 0, true)
	left := in.MaxCells
	for i := range wb.Sheets {
		ReportProgress(ctx, float64(i), float64(len(wb.Sheets)), "reading "+wb.Sheets[i].Name)
		sheet, err := snap.Sheet(ctx, i)
		if err != nil {
			return nil, err
		}
		if left > 0 {
			left -= census.count(sheet, cell.WholeSheet, left, cell.QuoteSheet(wb.Sheets[i].Name)+"!")
		} else if sheet.StoredCells() > 0 {
			out.ScanTruncated = true
		}
		if orElse(in.Conditional, !summary) {
			out.addConditional(wb.Sheets[i].Name, sheet.Layout, min(in.MaxConditional, stylesMax))
		}
	}
	if out.ScanTruncated || left == 0 {
		out.ScanTruncated = true
		out.Notes = append(out.Notes, fmt.Sprintf("only the first %d cells were looked at; raise max_cells_scan for all", in.MaxCells))
	}
	all := census.sorted()
	out.TotalStyles = len(all)
	if len(all) > 0 {
		out.DefaultStyleID, out.DefaultFont = all[0].StyleID, all[0].Descriptor.Font
	}
	if wb.Styles != nil && wb.Styles.Theme.Problem != "" {
		out.Notes = append(out.Notes, "the theme cannot be read: "+clip(wb.Styles.Theme.Problem, 300))
	}
	if orElse(in.Theme, !summary) && wb.Styles != nil {
		out.Theme = &themeSummary{Name: wb.Styles.Theme.Name, Colors: map[string]string{}, Fonts: wb.Styles.Theme.Fonts}
		for i, name := range themeColors {
			if rgb := wb.Styles.Theme.Colors[i]; rgb != "" {
				out.Theme.Colors[name] = rgb
			}
		}
	}
	out.Styles = fitStyles(env, all[:min(len(all), in.MaxStyles)], orElse(in.Descriptor, !summary), orElse(in.Examples, !summary || env.Profile != Compat))
	if len(out.Styles) < len(all) {
		out.StylesTruncated = true
		out.Next = fmt.Sprintf("the %d most used of %d styles; sheet_styles has those of one sheet", len(out.Styles), len(all))
	}
	return out, nil
}

// addConditional lists the conditional formats of a sheet, rules on the same cells as one.
func (o *styleSummaryOut) addConditional(sheet string, layout *grid.Layout, most int) {
	at := map[string]int{}
	for _, f := range layout.Conditional {
		where := rangesText(f.Ranges)
		i, ok := at[where]
		if !ok {
			if len(o.ConditionalFormats) >= most {
				o.ConditionalTruncated = true
				return
			}
			i = len(o.ConditionalFormats)
			at[where] = i
			o.ConditionalFormats = append(o.ConditionalFormats, conditionalUse{SheetName: sheet, Range: where})
		}
		c := &o.ConditionalFormats[i]
		c.RuleCount++
		if !slices.Contains(c.RuleTypes, f.Type) {
			c.RuleTypes = append(c.RuleTypes, f.Type)
		}
	}
}

func (o *styleSummaryOut) appendText(b []byte, verbose bool) []byte {
	if verbose && len(o.Styles) > 0 && o.Styles[0].Descriptor != nil {
		return nil // descriptors are objects
	}
	for _, n := range o.Notes {
		b = append(append(append(b, "note: "...), n...), '\n')
	}
	if t := o.Theme; t != nil {
		b = append(b, "theme "...)
		b = appendEscaped(b, t.Name)
		for _, name := range themeColors {
			if rgb := t.Colors[name]; rgb != "" {
				b = fmt.Appendf(b, " %s=%s", name, plain(rgb))
			}
		}
		b = append(b, '\n')
	}
	if f := o.DefaultFont; f != nil {
		b = append(b, "default font "...)
		b = appendEscaped(b, f.Name)
		b = append(cell.AppendNumber(append(b, ' '), f.Size), '\n')
	}
	b = fmt.Appendf(b, "%d styles: style_id, cells, look, where\n", o.TotalStyles)
	for _, u := range o.Styles {
		b = u.appendText(b)
	}
	for _, c := range o.ConditionalFormats {
		b = append(b, "conditional\t"...)
		b = appendEscaped(b, c.SheetName)
		b = fmt.Appendf(b, "\t%s\t%d rules: %s\n", c.Range, c.RuleCount, plain(strings.Join(c.RuleTypes, ", ")))
	}
	return b
}
