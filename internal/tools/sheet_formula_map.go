package tools

import (
	"cmp"
	"context"
	"fmt"

	"gridflow/internal/analyze"
	"gridflow/internal/book"
	"gridflow/internal/cell"
)

type formulaMapIn struct {
	Book
	Sheet          string `json:"sheet_name" required:"true"`
	Range          string `json:"range" doc:"Only formulas in it"`
	Expand         bool   `json:"expand" default:"false" doc:"No bound on addresses"`
	Limit          int    `json:"limit" default:"50" min:"1" max:"500" clamp:"max" doc:"Groups"`
	Offset         int    `json:"offset" default:"0" min:"0"`
	SortBy         string `json:"sort_by" default:"address" enum:"address|complexity|count"`
	SummaryOnly    *bool  `json:"summary_only" doc:"No addresses"`
	Addresses      *bool  `json:"include_addresses"`
	AddressesLimit int    `json:"addresses_limit" default:"15" min:"1" max:"10000" doc:"Ranges for each group"`
	ParsePolicy    string `json:"formula_parse_policy" default:"warn" enum:"fail|warn|off"`
}

type formulaMapOut struct {
	Cut
	WorkbookID  string         `json:"workbook_id"`
	SheetName   string         `json:"sheet_name"`
	Groups      []formulaGroup `json:"groups"`
	GroupCount  int            `json:"group_count"`
	Diagnostics *parseFailures `json:"formula_parse_diagnostics"`
	NextOffset  int            `json:"next_offset,omitempty"`

	formulas int
}

type formulaGroup struct {
	Fingerprint string   `json:"fingerprint"`
	Addresses   []string `json:"addresses"`
	More        int      `json:"addresses_left_out,omitempty"`
	Count       int      `json:"count"`
	Formula     string   `json:"formula"`
	Relative    string   `json:"formula_r1c1,omitempty"`
	Complexity  int      `json:"complexity"`
	Array       bool     `json:"is_array"`
	Shared      bool     `json:"is_shared"`
	Volatile    bool     `json:"is_volatile"`

	first     string
	functions []string
	err       string
}

var sheetFormulaMap = define(Spec{
	Name: "sheet_formula_map", Title: "Map of a sheet's formulas", Toolset: "analysis", Reach: ReachSheet,
	Description: "The different formulas of a sheet, each with the ranges that hold a copy of it: formulas filled down or right count as one. " +
		"A column whose copies are interrupted shows where somebody typed over a formula.",
	Example: `{"workbook_or_fork_id":"wb-23456789ab","sheet_name":"Sheet1","sort_by":"count"}`,
}, viewed(formulaMap))

func formulaMap(ctx context.Context, env *Env, snap *book.Snapshot, in formulaMapIn) (*formulaMapOut, error) {
	index, err := sheetNamed(snap, in.Sheet)
	if err != nil {
		return nil, err
	}
	within := cell.WholeSheet
	if in.Range != "" {
		a, err := oneArea(ctx, snap, index, in.Range)
		if err != nil {
			return nil, err
		}
		index, within = a.sheet, a.rng
	}
	sheet, err := snap.Sheet(ctx, index)
	if err != nil {
		return nil, err
	}
	f, err := analyze.FormulasOf(ctx, sheet)
	if err != nil {
		return nil, err
	}
	var failed error
	failures, err := parseDiagnostics(in.ParsePolicy, func(d *analyze.Diagnostics) { failed = d.Diagnose(ctx, sheet, f) })
	if err = cmp.Or(failed, err); err != nil {
		return nil, err
	}
	orders := map[string]analyze.GroupOrder{"complexity": analyze.ByComplexity, "count": analyze.ByCount}
	groups, err := analyze.FormulaMap(ctx, sheet, f, within, orders[in.SortBy])
	if err != nil {
		return nil, err
	}
	out := &formulaMapOut{WorkbookID: snap.ID, SheetName: snap.Workbook().Sheets[index].Name, GroupCount: len(groups), Diagnostics: failures}
	for _, g := range groups {
		out.formulas += g.Count
	}
	// Ranges are so short that the text always has them; the compat shape leaves them
	// out where it is asked for the summary, which is its default.
	summary := orElse(in.SummaryOnly, env.Profile == Compat)
	addresses := orElse(in.Addresses, !summary)
	lim := env.budget(in.Limit)
	volatile := analyze.VolatileNames(snap.Workbook())
	for _, g := range groups[min(in.Offset, len(groups)):] {
		g.Describe(sheet)
		if len(g.Volatile) == 0 {
			g.Volatile = analyze.VolatileThrough(snap.Workbook(), index, g.Formula, volatile)
		}
		row := formulaGroup{Fingerprint: g.Fingerprint, Count: g.Count, Formula: g.Formula, Relative: g.Relative, Complexity: g.Nodes,
			Array: g.Array, Shared: g.Shared, Volatile: len(g.Volatile) > 0, first: g.First.String(), functions: g.Volatile, err: g.Err}
		if addresses {
			for i, r := range g.Ranges {
				if !in.Expand && i == in.AddressesLimit {
					row.More = len(g.Ranges) - i
					break
				}
				row.Addresses = append(row.Addresses, r.String())
			}
		}
		if !lim.takeEntry(&row) {
			break
		}
		out.Groups = append(out.Groups, row)
	}
	onward(&out.Cut, &out.NextOffset, portion{"groups", len(out.Groups), len(groups), false}, "sheet_formula_map", &in, &in.Offset)
	return out, nil
}

// recast writes formulas with their =, as spreadsheet-mcp does in this tool.
func (o *formulaMapOut) recast() {
	for i := range o.Groups {
		if g := &o.Groups[i]; g.Formula != "" {
			g.Formula = "=" + g.Formula
		}
	}
}

func (o *formulaMapOut) appendText(b []byte, _ bool) []byte {
	b = fmt.Appendf(b, "%s: %s, %d different\n", o.SheetName, counted(o.formulas, "formula", "formulas"), o.GroupCount)
	for _, g := range o.Groups {
		b = fmt.Appendf(b, "%s\t×%d\t=", g.first, g.Count)
		b = appendEscaped(b, g.Formula)
		if g.Count > 1 && len(g.Addresses) > 0 {
			b = append(append(b, "\tin "...), joinClipped(g.Addresses, len(g.Addresses))...)
			if g.More > 0 {
				b = fmt.Appendf(b, " and %s", counted(g.More, "more range", "more ranges"))
			}
		}
		if g.Array {
			b = append(b, "\tarray"...)
		}
		if len(g.functions) > 0 {
			b = append(append(b, "\tvolatile: "...), joinClipped(g.functions, len(g.functions))...)
		}
		if g.err != "" {
			b = appendEscaped(append(b, "\tcannot be parsed: "...), g.err)
		}
		b = append(b, '\n')
	}
	return b
}

// parseFailures is what results say of formulas that cannot be parsed.
type parseFailures struct {
	Policy    string         `json:"policy"`
	Total     int            `json:"total_errors"`
	Truncated bool           `json:"groups_truncated"`
	Groups    []parseFailure `json:"groups"`
}

type parseFailure struct {
	Code    string   `json:"error_code"`
	Message string   `json:"error_message"`
	Sheet   string   `json:"sheet_name"`
	Preview string   `json:"formula_preview"`
	Count   int      `json:"count"`
	Samples []string `json:"sample_addresses"`
}

// parseDiagnostics applies formula_parse_policy: fail makes an error of the first
// formula that cannot be parsed, warn lists them, off says nothing.
func parseDiagnostics(policy string, diagnose func(*analyze.Diagnostics)) (*parseFailures, error) {
	if policy == "off" {
		return nil, nil
	}
	var d analyze.Diagnostics
	diagnose(&d)
	if d.Total == 0 {
		return nil, nil
	}
	if policy == "fail" {
		g := d.Groups[0]
		return nil, fail(codeFormulaParse, `With formula_parse_policy "warn" such formulas are listed and left out`, "formula parse failed: %s!%s: =%s: %s",
			cell.QuoteSheet(g.Sheet), g.Samples[0], g.Preview, g.Message)
	}
	out := &parseFailures{Policy: policy, Total: d.Total, Truncated: d.Cut}
	for _, g := range d.Groups {
		f := parseFailure{Code: codeFormulaParse, Message: g.Message, Sheet: g.Sheet, Preview: g.Preview, Count: g.Count}
		for _, r := range g.Samples {
			f.Samples = append(f.Samples, r.String())
		}
		out.Groups = append(out.Groups, f)
	}
	return out, nil
}

// codeFormulaParse is about formulas of the workbook that cannot be parsed.
const codeFormulaParse = "FORMULA_PARSE_FAILED"

// failuresShown bounds the groups of them in a text.
const failuresShown = 3

// appendText appends the formulas that cannot be parsed, a line for each group.
func (f *parseFailures) appendText(b []byte) []byte {
	if f == nil {
		return b
	}
	b = append(b, counted(f.Total, "formula", "formulas")...)
	b = append(b, " cannot be parsed, left out:\n"...)
	for i, g := range f.Groups {
		if i == failuresShown {
			return append(b, "… more: call sheet_formula_map\n"...)
		}
		b = fmt.Appendf(b, "%s!%s\t×%d\t=", cell.QuoteSheet(g.Sheet), joinClipped(g.Samples, 3), g.Count)
		b = appendEscaped(b, g.Preview)
		b = appendEscaped(append(b, '\t'), g.Message)
		b = append(b, '\n')
	}
	return b
}

// joinClipped joins words with commas and counts those behind the first n.
func joinClipped(words []string, n int) string {
	b := []byte{}
	for i, w := range words {
		if i == n {
			return string(fmt.Appendf(b, " and %d more", len(words)-n))
		}
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(b, w...)
	}
	return string(b)
}
