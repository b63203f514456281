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

type inspectCellsIn struct {
	Book
	Sheet        string   `json:"sheet_name" required:"true"`
	Targets      []string `json:"targets" alias:"ranges" required:"true" min:"1" max:"200" doc:"Cells or small ranges, names, Table1[Column]"`
	IncludeEmpty bool     `json:"include_empty" default:"false"`
	Budget       int      `json:"budget" default:"25" min:"1" max:"200" doc:"Cells at most"`
}

type inspectCellsOut struct {
	WorkbookID string          `json:"workbook_id"`
	SheetName  string          `json:"sheet_name"`
	Range      string          `json:"range"`
	Targets    []string        `json:"targets"`
	Cells      []inspectedCell `json:"cells"`
	Truncated  bool            `json:"truncated"` // never: too many cells are an error
	Budget     any             `json:"budget"`    // the most cells that there may be, in the compat profile an inspectBudget

	budget inspectBudget
}

// inspectBudget is spreadsheet-mcp's account of what was shown of how much.
type inspectBudget struct {
	MaxCells      int `json:"max_cells"`
	MaxBytes      int `json:"max_payload_bytes,omitempty"`
	RowsReturned  int `json:"rows_returned"`
	CellsReturned int `json:"cells_returned"`
	TotalRows     int `json:"total_rows_available"`
}

func (o *inspectCellsOut) recast() {
	seen := map[string]bool{}
	for i := range o.Cells {
		o.Cells[i].sayGeneral()
		seen[strings.TrimLeft(o.Cells[i].Address[strings.LastIndexByte(o.Cells[i].Address, '!')+1:], "ABCDEFGHIJKLMNOPQRSTUVWXYZ")] = true
	}
	o.budget.CellsReturned, o.budget.RowsReturned = len(o.Cells), len(seen)
	o.Budget = o.budget
}

type inspectedCell struct {
	snapshotCell
	Comment string `json:"comment,omitempty"`
	Merged  string `json:"merged,omitempty"` // the range that the cell is part of
	Link    string `json:"hyperlink,omitempty"`
	Allows  string `json:"validation,omitempty"` // what may be entered
	Hidden  bool   `json:"hidden,omitempty"`     // its row or column is

	Origin *errorOrigin `json:"error_origin,omitempty"` // of an error value

	shown string // the value as Excel shows it, where that differs
	style string
}

var inspectCells = define(Spec{
	Name: "inspect_cells", Title: "Inspect cells", Toolset: "read", Core: true, Reach: ReachSheet,
	Description: "All details of a few cells: value, shown text, formula, where an error comes from, style, merge, comment, link, validation. For many cells use range_values.",
	Example:     `{"workbook_or_fork_id":"wb-23456789ab","sheet_name":"Sheet1","targets":["B2","D10:D12"]}`,
}, viewed(inspect))

func inspect(ctx context.Context, env *Env, snap *book.Snapshot, in inspectCellsIn) (*inspectCellsOut, error) {
	index, err := sheetNamed(snap, in.Sheet)
	if err != nil {
		return nil, err
	}
	allowed := in.Budget
	if m := env.Caps.MaxCells; m > 0 {
		allowed = min(allowed, m)
	}
	var list []area
	for _, text := range in.Targets {
		found, err := areas(ctx, snap, index, text)
		if err != nil {
			return nil, err
		}
		if list = append(list, found...); len(list) > areasMax {
			return nil, fail(codeRangeInvalid, "Ask for fewer of them at once", "more than %d ranges", areasMax)
		}
	}
	out := &inspectCellsOut{WorkbookID: snap.ID, SheetName: snap.Workbook().Sheets[index].Name, Range: strings.Join(in.Targets, ","), Budget: in.Budget}
	if len(in.Targets) > 1 {
		out.Targets = in.Targets
	}
	touches(ctx, snap, list...)
	out.budget = inspectBudget{MaxCells: allowed, MaxBytes: env.Caps.MaxPayloadBytes}
	for _, a := range list {
		out.budget.TotalRows += a.rng.Rows()
	}
	w := valuesOf(snap)
	lim := env.budget(0)
	lim.maxBytes, lim.maxItems = lim.maxFirst, 0 // budget is the bound on cells
	for _, a := range list {
		// Merges, comments and rules come behind the cells: all of the sheet is needed.
		sheet, err := snap.Sheet(ctx, a.sheet)
		if err != nil {
			return nil, err
		}
		rng, any := clipToUsed(sheet, a.rng)
		if !any {
			continue
		}
		name := ""
		if a.sheet != index {
			name = snap.Workbook().Sheets[a.sheet].Name
		}
		// The number of cells is known before any is looked at, unless the empty ones
		// do not count; then the walk stops at the first that is too many.
		if in.IncludeEmpty && rng.Cells() > int64(allowed-len(out.Cells)) {
			return nil, tooManyCells(in, allowed)
		}
		add := func(c grid.Cell) error {
			if len(out.Cells) == allowed {
				return tooManyCells(in, allowed)
			}
			// A text larger than a result is not looked at.
			if len(c.Value.Text()) > lim.room() {
				return detailsTooLarge(in, len(out.Cells), c.Ref)
			}
			i := w.inspected(snap, sheet, name, c)
			if i.Origin, err = originOf(ctx, snap, a.sheet, c, i.Formula); err != nil {
				return err
			}
			if !lim.takeEntry(&i) {
				return detailsTooLarge(in, len(out.Cells), c.Ref)
			}
			out.Cells = append(out.Cells, i)
			return nil
		}
		if in.IncludeEmpty {
			for row := rng.First.Row; row <= rng.Last.Row; row++ {
				for col := rng.First.Col; col <= rng.Last.Col; col++ {
					c, stored := sheet.At(cell.Ref{Row: row, Col: col})
					if !stored {
						c.Style = sheet.Layout.LineStyle(c.Ref)
					}
					if err := add(c); err != nil {
						return nil, err
					}
				}
			}
			continue
		}
		for c := range sheet.Cells(rng) {
			if !c.Empty() {
				if err := add(c); err != nil {
					return nil, err
				}
			}
		}
	}
	return out, nil
}

// detailsTooLarge is the error for cells whose details are more than a result holds, at
// being the first that does not fit.
func detailsTooLarge(in inspectCellsIn, shown int, at cell.Ref) error {
	if shown == 0 {
		return fail(codeResponseTooLarge, "Name other cells", "the cell %s alone is larger than a result may be", at)
	}
	return fail(codeResponseTooLarge, fmt.Sprintf("Name fewer cells: the first %d fit", shown), "the details of the cells down to %s are larger than a result may be", at)
}

func tooManyCells(in inspectCellsIn, allowed int) error {
	hint := "Name fewer cells"
	if allowed < 200 && allowed == in.Budget {
		hint += " (budget may be up to 200)"
	}
	hint += ", or call the tool for many: " + callText("range_values", rangeValuesIn{Book: in.Book, Sheet: in.Sheet, Ranges: in.Targets})
	return fail(codeResponseTooLarge, hint, "the targets hold more cells than the budget of %d", allowed)
}

func (w values) inspected(snap *book.Snapshot, sheet *grid.Sheet, sheetName string, c grid.Cell) inspectedCell {
	i := inspectedCell{snapshotCell: w.snapshot(sheet, c, true, true), style: describeXf(w.styles, c.Style)}
	if sheetName != "" {
		i.Address = cell.QuoteSheet(sheetName) + "!" + i.Address
	}
	if m, ok := sheet.Layout.MergeAt(c.Ref); ok {
		i.Merged = m.String()
	}
	for _, comment := range sheet.Layout.Comments {
		if comment.Ref == c.Ref {
			i.Comment = comment.Text
			if comment.Author != "" {
				i.Comment = comment.Author + ": " + comment.Text
			}
			break
		}
	}
	i.describePlace(sheet.Layout, c.Ref)
	shown := string(w.styles.Format(c.Style).Append(nil, c.Value, w.dates))
	if shown != string(w.appendPlain(nil, c)) {
		i.shown = shown
	}
	return i
}

// describePlace adds what the sheet says about the place of the cell.
func (i *inspectedCell) describePlace(l *grid.Layout, at cell.Ref) {
	for _, h := range l.Hyperlinks {
		if h.Range.Contains(at) {
			i.Link = h.Target
			if h.Location != "" {
				i.Link += "#" + h.Location
			}
			break
		}
	}
	for _, v := range l.Validations {
		if slices.ContainsFunc(v.Ranges, func(r cell.Range) bool { return r.Contains(at) }) {
			i.Allows = v.Type
			if v.Operator != "" && v.Type != "list" && v.Type != "custom" {
				i.Allows += " " + v.Operator
			}
			if v.Formula1 != "" {
				i.Allows += " " + v.Formula1
			}
			if v.Formula2 != "" {
				i.Allows += " and " + v.Formula2
			}
			break
		}
	}
	col, _ := l.Column(at.Col)
	row, _ := l.Row(at.Row)
	i.Hidden = col.Hidden || row.Hidden
}

func (o *inspectCellsOut) appendText(b []byte, _ bool) []byte {
	if len(o.Cells) == 0 {
		return fmt.Appendf(b, "no cell with a value or formula in %s of %s\n", plain(o.Range), plain(o.SheetName))
	}
	b = appendEscaped(b, o.SheetName)
	b = append(b, ": cell, kind, value, then what else there is\n"...)
	for _, c := range o.Cells {
		b = appendEscaped(b, c.Address)
		if c.Value == nil {
			b = append(b, "\tBlank\t"...)
		} else {
			b = append(append(b, '\t'), c.Value.w.kind(c.Value.c)...)
			b = c.Value.w.appendField(append(b, '\t'), c.Value.c)
		}
		part := func(name, text string) {
			if text != "" {
				b = append(append(append(b, '\t'), name...), text...)
			}
		}
		part("=", plain(c.Formula))
		if c.Origin != nil {
			b = c.Origin.appendText(append(b, "\tthe error comes "...))
		}
		part("shows ", plain(c.shown))
		part("style ", plain(c.style))
		part("merged ", c.Merged)
		part("comment ", plain(c.Comment))
		part("link ", plain(c.Link))
		part("allows ", plain(c.Allows))
		if c.Hidden {
			b = append(b, "\thidden"...)
		}
		b = append(b, '\n')
	}
	return b
}
