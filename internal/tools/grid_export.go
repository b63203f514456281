package tools

import (
	"context"
	"encoding/json"
	"strings"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

type gridExportIn struct {
	Book
	Sheet string `json:"sheet_name" required:"true"`
	Range string `json:"range" required:"true"`
}

type gridExportOut struct {
	Sheet   string          `json:"sheet"`
	Anchor  string          `json:"anchor"`
	Columns []exportColumn  `json:"columns"`
	Merges  []string        `json:"merges"`
	Rows    json.RawMessage `json:"rows"`
}

type exportColumn struct {
	Offset int     `json:"offset"`
	Width  float64 `json:"width_chars"`
}

type exportCell struct {
	Offset  [2]int           `json:"offset"` // rows and columns from the anchor
	Value   json.RawMessage  `json:"v"`
	Formula string           `json:"f,omitempty"`
	Format  string           `json:"fmt,omitempty"`
	Style   *styleDescriptor `json:"style"`
}

var gridExport = define(Spec{
	Name: "grid_export", Title: "Export a range with its looks", Toolset: "exchange", Reach: ReachSheet,
	Description: "A range as JSON with values, formulas, formats, styles, column widths and merges. Cells with a formula have no value.",
	Example:     `{"workbook_or_fork_id":"wb-23456789ab","sheet_name":"Sheet1","range":"A1:F30"}`,
}, func(ctx context.Context, env *Env, in gridExportIn) (*gridExportOut, error) {
	var out *gridExportOut
	err := env.Workspace.View(ctx, in.Workbook, func(snap *book.Snapshot) (err error) {
		out, err = exportGrid(ctx, env, snap, in)
		return err
	})
	return out, err
})

func exportGrid(ctx context.Context, env *Env, snap *book.Snapshot, in gridExportIn) (*gridExportOut, error) {
	index, err := sheetNamed(snap, in.Sheet)
	if err != nil {
		return nil, err
	}
	a, err := oneArea(ctx, snap, index, in.Range)
	if err != nil {
		return nil, err
	}
	// Merges stand at the end of a sheet's part: the whole of it must be read.
	sheet, err := snap.Sheet(ctx, a.sheet)
	if err != nil {
		return nil, err
	}
	out := &gridExportOut{Sheet: snap.Workbook().Sheets[a.sheet].Name, Rows: json.RawMessage("[]")}
	rng, any := clipToUsed(sheet, a.rng)
	if !any {
		out.Anchor = a.rng.First.String()
		return out, nil
	}
	out.Anchor = rng.First.String()
	for _, s := range sheet.Layout.Columns {
		for col := max(s.First, rng.First.Col); col <= min(s.Last, rng.Last.Col) && s.Width > 0; col++ {
			out.Columns = append(out.Columns, exportColumn{col - rng.First.Col, s.Width})
		}
	}
	for _, m := range sheet.Layout.Merges {
		if _, ok := m.Intersect(rng); ok {
			out.Merges = append(out.Merges, m.String())
		}
	}
	// A part of a grid would be taken for the whole by whoever reads it, so a range that
	// does not fit is an error that names the part that would.
	w := valuesOf(snap)
	most := env.Caps.MaxResponseBytes
	if most > 0 {
		head, _ := appendJSON(nil, out, most)
		if most -= len(head) + len(`,"rows":]`); most <= 0 { // merges and widths alone are too much
			if rng.Cols() == 1 {
				return nil, fail(codeResponseTooLarge, "Export fewer rows at once", "what stands around %s is larger than a result may be", rng)
			}
			return nil, exportTooLarge(in, out.Sheet, a.sheet == index, rng, cell.Ref{Row: rng.First.Row, Col: rng.First.Col + rng.Cols()/2})
		}
	}
	styles := map[uint32]*styleDescriptor{}
	rows := []byte{'['}
	g := gridRows{w: w, sheet: sheet, stop: most}
	for row := range sheet.OccupiedRows(rng.First.Row, rng.Last.Row) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		before := len(rows)
		for c := range sheet.Cells(cell.Range{First: cell.Ref{Row: row, Col: rng.First.Col}, Last: cell.Ref{Row: row, Col: rng.Last.Col}}) {
			if c.Empty() && c.Style == 0 {
				continue
			}
			switch {
			case len(rows) > before:
				rows = append(rows, ',')
			case before > 1:
				rows = append(rows, `,{"cells":[`...)
			default:
				rows = append(rows, `{"cells":[`...)
			}
			g.shorten(rows, &c)
			rows, _ = appendJSON(rows, w.exported(sheet, c, rng.First, styles), 0)
			if most > 0 && len(rows)+len("]}]") > most {
				return nil, exportTooLarge(in, snap.Workbook().Sheets[a.sheet].Name, a.sheet == index, rng, c.Ref)
			}
		}
		if len(rows) > before {
			rows = append(rows, "]}"...)
		}
	}
	out.Rows = append(rows, ']')
	return out, nil
}

// exportTooLarge names the part of the range that fits: the rows above the cell at which
// the result became too large, or the columns left of it.
func exportTooLarge(in gridExportIn, sheet string, home bool, rng cell.Range, at cell.Ref) error {
	part := rng
	switch {
	case at.Row > rng.First.Row:
		part.Last.Row = at.Row - 1
	case at.Col > rng.First.Col:
		part.Last = cell.Ref{Row: at.Row, Col: at.Col - 1}
	default:
		return fail(codeResponseTooLarge, "Export ranges without it", "the cell %s, or what stands around it, is larger than a result may be", at)
	}
	if in.Range = part.String(); !home {
		in.Range = qualified(sheet, part)
	}
	return fail(codeResponseTooLarge, "Export it in parts, first: "+callText("grid_export", in), "the range %s is larger than a result may be", rng)
}

func (w values) exported(sheet *grid.Sheet, c grid.Cell, anchor cell.Ref, styles map[uint32]*styleDescriptor) exportCell {
	e := exportCell{Offset: [2]int{c.Ref.Row - anchor.Row, c.Ref.Col - anchor.Col}}
	switch {
	case c.HasFormula():
		e.Formula = "=" + book.FormulaText(sheet, c)
	case !c.Value.IsBlank():
		e.Value = w.appendPrimitive(nil, c)
	}
	if f := w.styles.Format(c.Style); f != nil && !strings.EqualFold(f.Code(), "General") {
		e.Format = f.Code()
	}
	if c.Style == 0 {
		return e
	}
	d, ok := styles[c.Style]
	if !ok {
		full := describeStyle(w.styles, c.Style)
		full.NumberFormat = "" // it stands in fmt
		d = &full
		styles[c.Style] = d
	}
	e.Style = d
	return e
}
