package tools

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gridflow/internal/analyze"
	"gridflow/internal/book"
	"gridflow/internal/cell"
)

type sheetOverviewIn struct {
	Book
	Sheet          string `json:"sheet_name" required:"true"`
	MaxRegions     int    `json:"max_regions" default:"25" min:"0" doc:"0 for all"`
	MaxHeaders     int    `json:"max_headers" default:"50" min:"0" doc:"For each region; 0 for all"`
	IncludeHeaders bool   `json:"include_headers" default:"true"`
}

type sheetOverviewOut struct {
	Cut
	WorkbookID      string          `json:"workbook_id"`
	SheetName       string          `json:"sheet_name"`
	Narrative       string          `json:"narrative"`
	Regions         []sheetRegion   `json:"regions"`
	Detected        []regionSummary `json:"detected_regions"`
	DetectedCount   int             `json:"detected_region_count"`
	DetectedCut     bool            `json:"detected_regions_truncated"`
	KeyRanges       []string        `json:"key_ranges"`
	FormulaRatio    float64         `json:"formula_ratio"`
	NotableFeatures []string        `json:"notable_features"`
	Notes           []string        `json:"notes"`
	Protection      *protectionOut  `json:"protection,omitempty"`
}

// protectionOut tells that a sheet is protected.
type protectionOut struct {
	Allowed  []string `json:"allowed"`
	Password bool     `json:"password"`
}

type sheetRegion struct {
	Kind        string `json:"kind"`
	Address     string `json:"address"`
	Description string `json:"description"`
}

type regionSummary struct {
	ID               int      `json:"id"`
	Bounds           string   `json:"bounds"`
	HeaderRow        int      `json:"header_row,omitempty"`
	Headers          []string `json:"headers"`
	HeaderCount      int      `json:"header_count"`
	HeadersTruncated bool     `json:"headers_truncated"`
	RowCount         int      `json:"row_count"`
	Classification   string   `json:"classification"`
	RegionKind       string   `json:"region_kind"`
	Confidence       float64  `json:"confidence"`

	headerRows int
	keyValue   bool
}

var sheetOverview = define(Spec{
	Name: "sheet_overview", Title: "Overview of a sheet", Toolset: "analysis", Core: true, Reach: ReachSheet,
	Description: "What a sheet holds: its blocks of cells (regions) with their headers and what they seem to be for. " +
		"A region's id is valid as region_id in read_table, table_profile and find_value.",
	Example: `{"workbook_or_fork_id":"wb-23456789ab","sheet_name":"Sheet1"}`,
}, viewed(overview))

func overview(ctx context.Context, env *Env, snap *book.Snapshot, in sheetOverviewIn) (*sheetOverviewOut, error) {
	index, err := sheetNamed(snap, in.Sheet)
	if err != nil {
		return nil, err
	}
	sheet, err := snap.Sheet(ctx, index)
	if err != nil {
		return nil, err
	}
	v := analyze.ViewOf(snap.Workbook(), sheet)
	d, err := analyze.Regions(ctx, v)
	if err != nil {
		return nil, err
	}
	out := &sheetOverviewOut{WorkbookID: snap.ID, SheetName: snap.Workbook().Sheets[index].Name, Narrative: analyze.Narrative(v), Notes: slices.Clone(d.Notes)}
	if p := sheet.Layout.Protection; p.On {
		out.Protection = &protectionOut{allowed(p), p.Password.Asked()}
		out.Notes = append(out.Notes, "The sheet is "+protectionText(true, "protected", p.Password)+"; allowed: "+strings.Join(out.Protection.Allowed, ", ")+".")
	}
	l := sheet.Layout
	for _, has := range []struct {
		n          int
		what, tool string
	}{{len(l.Hyperlinks), "links", "list_annotations"}, {len(l.Comments), "comments", "list_annotations"}, {len(l.Validations), "validations", "list_rules"}, {len(l.Conditional), "conditional formats", "list_rules"}} {
		if has.n > 0 {
			out.Notes = append(out.Notes, fmt.Sprintf("%d %s: %s shows them", has.n, has.what, has.tool))
		}
	}
	if n := sheet.FilledCells(); n > 0 {
		out.FormulaRatio = round(float64(sheet.FormulaCells())/float64(n), 4)
	}
	if used, any := sheet.Used(); any && sheet.FilledCells() > 0 {
		whole := cell.Range{Last: used.Last}
		out.Regions = []sheetRegion{{likely(d.Class), whole.String(), out.Narrative}}
		out.KeyRanges = []string{used.String()}
	}
	tags := make(map[string]bool)
	styles := snap.Workbook().Styles
	for i := range d.Regions {
		// The first cells of a region show how it is formatted.
		n := 0
		for c := range sheet.Cells(d.Regions[i].Bounds) {
			for _, t := range styleTags(styles, c.Style) {
				tags[t] = true
			}
			if n++; n == 200 {
				break
			}
		}
	}
	out.NotableFeatures = orderedTags(tags)

	out.DetectedCount = len(d.Regions)
	lim := env.budget(in.MaxRegions)
	if in.MaxRegions == 0 {
		lim.maxItems = 0
	}
	for i := range d.Regions {
		s := summaryOf(&d.Regions[i], in)
		if !lim.takeEntry(&s) {
			break
		}
		out.Detected = append(out.Detected, s)
	}
	if shown := len(out.Detected); shown < out.DetectedCount {
		out.DetectedCut = true
		out.Notes = append(out.Notes, fmt.Sprintf("%d of %d regions are shown.", shown, out.DetectedCount))
		next := in
		next.MaxRegions = 0
		next.IncludeHeaders = in.IncludeHeaders && shown == in.MaxRegions // else it was the bytes that were too many
		how := callText("sheet_overview", next)
		if next == in {
			how = callText("read_table", readTableOf(in, shown)) // the rest fits in no single answer
		}
		out.Next = fmt.Sprintf("regions 0-%d of %d; next: %s", shown-1, out.DetectedCount, how)
	}
	return out, nil
}

// readTableOf is the call that reads a region.
func readTableOf(in sheetOverviewIn, region int) readTableIn {
	return readTableIn{Book: in.Book, Sheet: in.Sheet, Region: &region, HeaderRows: 1, Sample: "first", Limit: 100, Headers: true}
}

// likely gives the word for a sheet's class as the compat shape has it.
func likely(c analyze.SheetClass) string {
	switch c {
	case analyze.CalculatorSheet:
		return "likely_calculator"
	case analyze.MetadataSheet:
		return "likely_metadata"
	case analyze.EmptySheet:
		return "unknown"
	}
	return "likely_data"
}

// recast writes the bounds of a region of one cell as A1:A1.
func (o *sheetOverviewOut) recast() {
	for i := range o.Detected {
		if b := &o.Detected[i].Bounds; !strings.Contains(*b, ":") {
			*b += ":" + *b
		}
	}
}

func summaryOf(r *analyze.Region, in sheetOverviewIn) regionSummary {
	s := regionSummary{ID: r.ID, Bounds: r.Bounds.String(), RowCount: r.Bounds.Rows(), Confidence: r.Confidence, keyValue: r.KeyValue,
		headerRows: r.Header.Rows, HeaderCount: len(r.Header.Labels)}
	s.RegionKind = "likely_" + r.Kind.String()
	s.Classification = s.RegionKind
	if r.Header.Rows > 0 {
		s.HeaderRow = r.Header.Row + 1
	}
	if in.IncludeHeaders {
		s.Headers = r.Header.Labels
		if in.MaxHeaders > 0 && len(s.Headers) > in.MaxHeaders {
			s.Headers, s.HeadersTruncated = s.Headers[:in.MaxHeaders], true
		}
	}
	return s
}

func (o *sheetOverviewOut) appendText(b []byte, _ bool) []byte {
	b = append(append(append(b, o.SheetName...), ": "...), o.Narrative...)
	if len(o.KeyRanges) > 0 {
		b = append(append(b, "; used "...), o.KeyRanges[0]...)
	}
	if len(o.NotableFeatures) > 0 {
		b = append(append(b, "; styles: "...), strings.Join(o.NotableFeatures, ", ")...)
	}
	b = append(b, '\n')
	for _, r := range o.Detected {
		b = fmt.Appendf(b, "region %d\t%s\t%s\tconfidence %s", r.ID, r.Bounds, strings.TrimPrefix(r.RegionKind, "likely_"), strconv.FormatFloat(r.Confidence, 'f', 2, 64))
		switch {
		case r.keyValue:
			b = append(b, "\tlabels beside values"...)
		case r.HeaderRow == 0:
			b = append(b, "\tno header row"...)
		case r.headerRows > 1:
			b = fmt.Appendf(b, "\theader rows %d-%d", r.HeaderRow, r.HeaderRow+r.headerRows-1)
		default:
			b = fmt.Appendf(b, "\theader row %d", r.HeaderRow)
		}
		if r.HeaderRow > 0 && len(r.Headers) > 0 {
			b = append(b, ": "...)
			for i, h := range r.Headers {
				if i > 0 {
					b = append(b, " | "...)
				}
				b = appendEscaped(b, clip(h, 60))
			}
			if r.HeadersTruncated {
				b = fmt.Appendf(b, " … %d more", r.HeaderCount-len(r.Headers))
			}
		}
		b = append(b, '\n')
	}
	return appendNotes(b, o.Notes)
}

func appendNotes(b []byte, notes []string) []byte {
	for _, n := range notes {
		b = append(append(append(b, "note: "...), n...), '\n')
	}
	return b
}

// regionByID gives a detected region of a sheet, an error naming the valid ids where
// there is none of that id.
func regionByID(ctx context.Context, v analyze.View, name string, id int) (*analyze.Region, error) {
	d, err := analyze.Regions(ctx, v)
	if err != nil {
		return nil, err
	}
	if id < 0 || id >= len(d.Regions) {
		hint := "The sheet has no region; it is empty"
		if n := len(d.Regions); n == 1 {
			hint = "The only region is 0"
		} else if n > 1 {
			hint = fmt.Sprintf("Regions are 0 to %d: call sheet_overview to see them", n-1)
		}
		return nil, fail(codeRegionNotFound, hint, "there is no region %d on sheet %q", id, clip(name, 64))
	}
	return &d.Regions[id], nil
}

// round keeps n decimals, so that a result does not show the noise of a division.
func round(f float64, n int) float64 {
	r, err := strconv.ParseFloat(strconv.FormatFloat(f, 'f', n, 64), 64)
	if err != nil {
		return f
	}
	return r
}
