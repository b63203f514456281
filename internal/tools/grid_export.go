package tools

import (
	"context"
	"encoding/json"
	"strings"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/numfmt"
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
	Widths  []*float64      `json:"widths"` // by column, null where it has none of its own
	Merges  []string        `json:"merges"`
	Rows    json.RawMessage `json:"rows"`
	Base    json.RawMessage `json:"base"` // the format of cells without one, from which the others differ
	Formats json.RawMessage `json:"formats"`
}

type exportColumn struct {
	Offset int     `json:"offset"`
	Width  float64 `json:"width_chars"`
}

type exportCell struct {
	Offset  [2]int          `json:"offset"` // rows and columns from the anchor
	Value   json.RawMessage `json:"v"`
	Kind    string          `json:"t,omitempty"` // "text" where the value would be taken for something else
	Formula string          `json:"f,omitempty"`
	Format  string          `json:"fmt,omitempty"`
	Style   *exportedStyle  `json:"style"`
}

var gridExport = define(Spec{
	Name: "grid_export", Title: "Export a range with its looks", Toolset: "exchange", Reach: ReachSheet,
	Description: "A range as JSON for grid_import: rows of values (of a cell with a formula that, with =; {\"skip\":n} for n empty ones), each format once with its cells, widths of columns, merges.",
	Example:     `{"workbook_or_fork_id":"wb-23456789ab","sheet_name":"Sheet1","range":"A1:F30"}`,
}, viewed(exportGrid))

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
	touches(ctx, snap, a)
	out := &gridExportOut{Sheet: snap.Workbook().Sheets[a.sheet].Name, Rows: json.RawMessage("[]")}
	rng, any := clipToUsed(sheet, a.rng)
	if !any {
		out.Anchor = a.rng.First.String()
		return out, nil
	}
	out.Anchor = rng.First.String()
	for _, s := range sheet.Layout.Columns {
		for col := max(s.First, rng.First.Col); col <= min(s.Last, rng.Last.Col) && s.Width > 0; col++ {
			if env.Profile == Compat {
				out.Columns = append(out.Columns, exportColumn{col - rng.First.Col, s.Width})
				continue
			}
			for len(out.Widths) <= col-rng.First.Col {
				out.Widths = append(out.Widths, nil)
			}
			out.Widths[col-rng.First.Col] = &s.Width
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
	if env.Profile == Compat {
		rows, at, fits, err := w.exportRows(ctx, sheet, rng, most)
		if err == nil && !fits {
			err = exportTooLarge(in, out.Sheet, a.sheet == index, rng, at)
		}
		out.Rows = rows
		return out, err
	}
	x := newCompactExport(w, sheet, rng, most)
	at, fits, err := x.write(ctx)
	switch {
	case err != nil:
		return nil, err
	case !fits:
		return nil, exportTooLarge(in, out.Sheet, a.sheet == index, rng, at)
	}
	if out.Rows, out.Formats = x.rows, x.formats(); out.Formats != nil {
		out.Base = x.base
	}
	return out, nil
}

// exportRows gives rows of cells that each have all that is said of them, as A's clients read them. Where they do not fit, at is the cell
// that does not.
func (w values) exportRows(ctx context.Context, sheet *grid.Sheet, rng cell.Range, most int) (rows []byte, at cell.Ref, fits bool, err error) {
	styles := map[uint32]*exportedStyle{}
	rows = []byte{'['}
	g := gridRows{w: w, sheet: sheet, stop: most}
	for row := range sheet.OccupiedRows(rng.First.Row, rng.Last.Row) {
		if err := ctx.Err(); err != nil {
			return nil, at, false, err
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
			rows, _ = appendJSON(rows, w.exported(sheet, c, rng, styles), 0)
			if most > 0 && len(rows)+len("]}]") > most {
				return nil, c.Ref, false, nil
			}
		}
		if len(rows) > before {
			rows = append(rows, "]}"...)
		}
	}
	return append(rows, ']'), at, true, nil
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

// filledFrom tells whether the value of a cell is that of an array formula in another cell of a range.
func filledFrom(sheet *grid.Sheet, r cell.Ref, rng cell.Range) bool {
	for f := range sheet.Arrays(cell.Range{First: r, Last: r}) {
		if f.Anchor != r && rng.Contains(f.Anchor) {
			return true
		}
	}
	return false
}

// exportedValue gives a value so that grid_import makes the same one of it: a date as a text only where that says it
// exactly, and of a text that reads as something else that it is one.
func (w values) exportedValue(c grid.Cell) (v json.RawMessage, kind string) {
	v = w.appendPrimitive(nil, c)
	switch c.Value.Kind() {
	case cell.Number:
		if w.isDate(c) {
			if serial, _, ok := numfmt.ParseISO(strings.Trim(string(v), `"`), w.dates); !ok || serial != c.Value.Number() {
				v = cell.AppendNumber(nil, c.Value.Number())
			}
		}
	case cell.Text:
		text := c.Value.Text()
		_, _, date := numfmt.ParseISO(text, w.dates)
		if _, fault := cell.ParseError(text); fault || date && w.styles.Format(c.Style).IsDate() {
			kind = "text"
		}
	}
	return v, kind
}

func (w values) exported(sheet *grid.Sheet, c grid.Cell, rng cell.Range, styles map[uint32]*exportedStyle) exportCell {
	e := exportCell{Offset: [2]int{c.Ref.Row - rng.First.Row, c.Ref.Col - rng.First.Col}}
	switch {
	case c.HasFormula():
		e.Formula = "=" + book.FormulaText(sheet, c)
	case filledFrom(sheet, c.Ref, rng):
		// What fills it comes with the formula.
	case !c.Value.IsBlank():
		e.Value, e.Kind = w.exportedValue(c)
	}
	if f := w.styles.Format(c.Style); f != nil && !strings.EqualFold(f.Code(), "General") {
		e.Format = f.Code()
	}
	if c.Style == 0 {
		return e
	}
	d, ok := styles[c.Style]
	if !ok {
		d = exportStyle(w.styles, c.Style, true)
		styles[c.Style] = d
	}
	e.Style = d
	return e
}
