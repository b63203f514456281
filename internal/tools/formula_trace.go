package tools

import (
	"context"
	"fmt"

	"gridflow/internal/analyze"
	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

type formulaTraceIn struct {
	Book
	Sheet       string       `json:"sheet_name" required:"true"`
	Cell        string       `json:"cell_address" required:"true"`
	Direction   string       `json:"direction" required:"true" enum:"precedents|dependents" doc:"What the cell uses, or what uses the cell"`
	Depth       int          `json:"depth" default:"3" min:"1" max:"5" clamp:"both"`
	PageSize    int          `json:"page_size" default:"20" min:"5" max:"200" clamp:"both" alias:"limit" doc:"References for each layer"`
	Cursor      *traceCursor `json:"cursor" doc:"Where a layer is gone on with: next_cursor"`
	ParsePolicy string       `json:"formula_parse_policy" default:"warn" enum:"fail|warn|off"`
}

type traceCursor struct {
	Depth  int `json:"depth" required:"true" min:"1" max:"5"`
	Offset int `json:"offset" default:"0" min:"0"`
}

type formulaTraceOut struct {
	Cut
	WorkbookID  string         `json:"workbook_id"`
	SheetName   string         `json:"sheet_name"`
	Origin      string         `json:"origin"`
	Direction   string         `json:"direction"`
	Layers      []traceLayer   `json:"layers"`
	NextCursor  *traceCursor   `json:"next_cursor"`
	Diagnostics *parseFailures `json:"formula_parse_diagnostics"`
	Notes       []string       `json:"notes"`

	formula string // of the origin
	value   *typed
}

type traceLayer struct {
	Depth      int             `json:"depth"`
	Summary    traceSummary    `json:"summary"`
	Highlights traceHighlights `json:"highlights"`
	Edges      []traceEdge     `json:"edges"`
	HasMore    bool            `json:"has_more"`

	total int
}

type traceSummary struct {
	Nodes     int `json:"total_nodes"`
	Formulas  int `json:"formula_nodes"`
	Values    int `json:"value_nodes"`
	Blanks    int `json:"blank_nodes"`
	Externals int `json:"external_nodes"`
	Groups    int `json:"unique_formula_groups"`
}

type traceHighlights struct {
	Ranges  []traceRange `json:"top_ranges"`
	Groups  []traceGroup `json:"top_formula_groups"`
	Notable []traceCell  `json:"notable_cells"`
}

type traceRange struct {
	Start           string   `json:"start"`
	End             string   `json:"end"`
	Count           int64    `json:"count"`
	Literals        int64    `json:"literals"`
	Formulas        int64    `json:"formulas"`
	Blanks          int64    `json:"blanks"`
	SampleValues    []*typed `json:"sample_values"`
	SampleFormulas  []string `json:"sample_formulas"`
	SampleAddresses []string `json:"sample_addresses"`

	name string
}

type traceGroup struct {
	Fingerprint     string   `json:"fingerprint"`
	Formula         string   `json:"formula"`
	Count           int      `json:"count"`
	SampleAddresses []string `json:"sample_addresses"`
}

type traceCell struct {
	Address string `json:"address"`
	Kind    string `json:"kind"`
	Value   *typed `json:"value"`
	Formula string `json:"formula,omitempty"`
}

type traceEdge struct {
	From    string `json:"from"`
	To      string `json:"to"`
	Formula string `json:"formula,omitempty"`
	Note    string `json:"note,omitempty"`
}

var formulaTrace = define(Spec{
	Name: "formula_trace", Title: "Trace a formula", Toolset: "analysis", Core: true, Reach: ReachBook,
	Description: "What a cell is computed from (precedents), or what changes with it (dependents), layer by layer and across sheets, " +
		"through names, tables, 3-D references and what INDIRECT and OFFSET reach now. Copies of a formula are shown as one range.",
	Example: `{"workbook_or_fork_id":"wb-23456789ab","sheet_name":"Sheet1","cell_address":"D10","direction":"precedents"}`,
}, viewed(traceFormula))

// expandCompat is up to how many cells a range is shown cell by cell in the compat shape.
const expandCompat = 500

func traceFormula(ctx context.Context, env *Env, snap *book.Snapshot, in formulaTraceIn) (*formulaTraceOut, error) {
	index, err := sheetNamed(snap, in.Sheet)
	if err != nil {
		return nil, err
	}
	a, err := oneArea(ctx, snap, index, in.Cell)
	if err != nil {
		return nil, err
	}
	if a.rng.Cells() != 1 {
		return nil, fail(codeRangeInvalid, "Name one of its cells", "%q is a range; cell_address is one cell", clip(in.Cell, 64))
	}
	index = a.sheet
	at := a.rng.First
	o := analyze.TraceOptions{Dependents: in.Direction == "dependents", Depth: in.Depth, PageSize: in.PageSize,
		Progress: func(done, total int, message string) { ReportProgress(ctx, float64(done), float64(total), message) }}
	if in.Cursor != nil {
		o.Cursor = &analyze.Cursor{Depth: in.Cursor.Depth, Offset: in.Cursor.Offset}
	}
	if env.Profile == Compat {
		o.ExpandTo = expandCompat
	}
	tr, err := analyze.Follow(ctx, snap, index, at, o)
	if err != nil {
		return nil, err
	}
	t := traceWriter{ctx: ctx, snap: snap, w: valuesOf(snap), origin: index}
	out := &formulaTraceOut{WorkbookID: snap.ID, SheetName: snap.Workbook().Sheets[index].Name, Origin: at.String(), Direction: in.Direction, Notes: tr.Notes}
	c, text, err := t.cell(index, at)
	if err != nil {
		return nil, err
	}
	out.formula, out.value = text, t.w.typed(c)
	if !o.Dependents && text == "" {
		out.Notes = append(out.Notes, "The cell has no formula.")
	}
	for i := range tr.Layers {
		l, err := t.layer(&tr.Layers[i])
		if err != nil {
			return nil, err
		}
		out.Layers = append(out.Layers, l)
	}
	if out.Diagnostics, err = t.diagnostics(in, index); err != nil {
		return nil, err
	}
	if tr.Next != nil {
		out.NextCursor = &traceCursor{tr.Next.Depth, tr.Next.Offset}
		l := tr.Layers[tr.Next.Depth-1]
		in.Cursor = out.NextCursor
		out.Next = fmt.Sprintf("references 1-%d of %d in layer %d; next: %s", tr.Next.Offset, l.Total, l.Depth, callText("formula_trace", in))
	}
	return out, nil
}

// traceWriter turns a trace into its result.
type traceWriter struct {
	ctx    context.Context
	snap   *book.Snapshot
	w      values
	origin int
}

// cell gives a cell and its formula.
func (t *traceWriter) cell(sheet int, at cell.Ref) (grid.Cell, string, error) {
	s, err := t.snap.Sheet(t.ctx, sheet)
	if err != nil {
		return grid.Cell{}, "", err
	}
	c, _ := s.At(at)
	return c, book.FormulaText(s, c), nil
}

// name writes a node's place, with its sheet where that is not the origin's.
func (t *traceWriter) name(n analyze.Node) string {
	switch {
	case n.Sheet < 0:
		return n.External
	case n.Sheet == t.origin:
		return n.Range.String()
	}
	return qualified(t.snap.Workbook().Sheets[n.Sheet].Name, n.Range)
}

func (t *traceWriter) refName(sheet int, at cell.Ref) string {
	return t.name(analyze.Node{Sheet: sheet, Range: cell.Range{First: at, Last: at}})
}

func (t *traceWriter) layer(l *analyze.Layer) (traceLayer, error) {
	s := l.Summary
	out := traceLayer{Depth: l.Depth, Summary: traceSummary{s.Nodes, s.Formulas, s.Values, s.Blanks, s.Externals, s.Groups}, HasMore: l.More(), total: l.Total}
	for _, e := range l.Edges {
		_, text, err := t.cell(e.From.Sheet, e.From.Range.First)
		if err != nil {
			return out, err
		}
		edge := traceEdge{From: t.name(e.From), To: t.name(e.To), Formula: clip(text, 500)}
		switch {
		case e.Reached:
			edge.Note = "when it is calculated"
		case e.Name != "":
			edge.Note = "through " + e.Name
		}
		out.Edges = append(out.Edges, edge)
	}
	h := &out.Highlights
	for _, r := range l.Ranges {
		row, err := t.block(r)
		if err != nil {
			return out, err
		}
		h.Ranges = append(h.Ranges, row)
	}
	for _, g := range l.Groups {
		_, text, err := t.cell(g.Sheet, g.First)
		if err != nil {
			return out, err
		}
		row := traceGroup{Fingerprint: g.Fingerprint, Formula: clip(text, 500), Count: g.Count}
		for _, at := range g.Samples {
			row.SampleAddresses = append(row.SampleAddresses, t.refName(g.Sheet, at))
		}
		h.Groups = append(h.Groups, row)
	}
	for _, n := range l.Notable {
		row := traceCell{Address: t.name(n.Node), Kind: n.Kind}
		if n.Node.Sheet >= 0 && n.Node.Range.Cells() == 1 {
			c, text, err := t.cell(n.Node.Sheet, n.Node.Range.First)
			if err != nil {
				return out, err
			}
			row.Value, row.Formula = t.w.typed(c), clip(text, 500)
		}
		h.Notable = append(h.Notable, row)
	}
	return out, nil
}

// block describes a block of nodes with a few of its cells.
func (t *traceWriter) block(h analyze.RangeHighlight) (traceRange, error) {
	r := h.Node.Range
	out := traceRange{Start: t.refName(h.Node.Sheet, r.First), End: t.refName(h.Node.Sheet, r.Last), Count: h.Cells,
		Literals: h.Literals, Formulas: h.Formulas, Blanks: h.Blanks, name: t.name(h.Node)}
	s, err := t.snap.Sheet(t.ctx, h.Node.Sheet)
	if err != nil {
		return out, err
	}
	looked := 0
	for c := range s.Cells(r) {
		if looked++; looked > 100 || len(out.SampleAddresses) == 3 {
			break
		}
		if c.Empty() {
			continue
		}
		out.SampleAddresses = append(out.SampleAddresses, t.refName(h.Node.Sheet, c.Ref))
		if v := t.w.typed(c); v != nil {
			out.SampleValues = append(out.SampleValues, v)
		}
		if text := book.FormulaText(s, c); text != "" && len(out.SampleFormulas) < 2 {
			out.SampleFormulas = append(out.SampleFormulas, clip(text, 500))
		}
	}
	return out, nil
}

// diagnostics names the formulas that the trace could not read: those of all sheets
// where dependents are looked for, else those of the origin's sheet.
func (t *traceWriter) diagnostics(in formulaTraceIn, index int) (*parseFailures, error) {
	sheets := []int{index}
	if in.Direction == "dependents" {
		sheets = sheets[:0]
		for i, info := range t.snap.Workbook().Sheets {
			if info.Kind == grid.Worksheet {
				sheets = append(sheets, i)
			}
		}
	}
	var failed error
	out, err := parseDiagnostics(in.ParsePolicy, func(d *analyze.Diagnostics) { failed = d.DiagnoseAll(t.ctx, t.snap, sheets) })
	if failed != nil {
		return nil, failed
	}
	return out, err
}

// recast writes formulas with their =, as spreadsheet-mcp does in this tool.
func (o *formulaTraceOut) recast() {
	with := func(f *string) {
		if *f != "" {
			*f = "=" + *f
		}
	}
	for i := range o.Layers {
		l := &o.Layers[i]
		for j := range l.Edges {
			with(&l.Edges[j].Formula)
		}
		for j := range l.Highlights.Groups {
			with(&l.Highlights.Groups[j].Formula)
		}
		for j := range l.Highlights.Notable {
			with(&l.Highlights.Notable[j].Formula)
		}
		for j := range l.Highlights.Ranges {
			for k := range l.Highlights.Ranges[j].SampleFormulas {
				with(&l.Highlights.Ranges[j].SampleFormulas[k])
			}
		}
	}
}

func (o *formulaTraceOut) appendText(b []byte, _ bool) []byte {
	b = fmt.Appendf(b, "%s of %s!%s", o.Direction, cell.QuoteSheet(o.SheetName), o.Origin)
	if o.formula != "" {
		b = appendEscaped(append(b, " ="...), o.formula)
	}
	if o.value != nil {
		b = o.value.appendField(append(b, ", value "...))
	}
	b = append(b, '\n')
	if len(o.Layers) == 0 {
		b = append(b, "none\n"...)
	}
	for _, l := range o.Layers {
		b = l.appendText(b)
	}
	b = o.Diagnostics.appendText(b)
	return appendNotes(b, o.Notes)
}

func (l *traceLayer) appendText(b []byte) []byte {
	b = fmt.Appendf(b, "layer %d: %s to %s", l.Depth, counted(l.total, "reference", "references"), counted(l.Summary.Nodes, "new cell or range", "new cells or ranges"))
	sep := ": "
	for _, n := range []struct {
		n         int
		one, many string
	}{{l.Summary.Formulas, "formula", "formulas"}, {l.Summary.Values, "value", "values"}, {l.Summary.Blanks, "blank", "blanks"},
		{l.Summary.Externals, "in another workbook", "in other workbooks"}} {
		if n.n > 0 {
			b = append(append(b, sep...), counted(n.n, n.one, n.many)...)
			sep = ", "
		}
	}
	b = append(b, '\n')
	for i, e := range l.Edges {
		if i > 0 && l.Edges[i-1].From == e.From {
			b = append(b, ", "...)
		} else {
			if i > 0 {
				b = append(b, '\n')
			}
			b = append(append(b, "  "...), e.From...)
			if e.Formula != "" {
				b = appendEscaped(append(b, " ="...), e.Formula)
			}
			b = append(b, " uses "...)
		}
		b = append(b, e.To...)
		if e.Note != "" {
			b = append(append(append(b, " ("...), e.Note...), ')')
		}
	}
	if len(l.Edges) > 0 {
		b = append(b, '\n')
	}
	for _, r := range l.Highlights.Ranges {
		b = fmt.Appendf(b, "  block %s: %s, %s, %s\n", r.name, counted(int(r.Literals), "literal", "literals"),
			counted(int(r.Formulas), "formula", "formulas"), counted(int(r.Blanks), "blank", "blanks"))
	}
	for _, n := range l.Highlights.Notable {
		if n.Value != nil && (n.Kind == "literal" || n.Value.c.Value.Kind() == cell.Error) {
			b = n.Value.appendField(append(append(append(b, "  "...), n.Address...), " holds "...))
			b = append(b, '\n')
		}
	}
	return b
}
