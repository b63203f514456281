package tools

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"strings"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/xf"
)

type getEditsIn struct {
	ForkArg
	From   int `json:"from_version" default:"1" min:"0" doc:"The first version to tell of"`
	Limit  int `json:"limit" default:"500" min:"1" max:"10000" doc:"Cells"`
	Offset int `json:"offset" default:"0" min:"0" doc:"Cells of from_version to leave out"`
}

type editRow struct {
	Timestamp string `json:"timestamp"`
	Version   uint64 `json:"version"`
	Tool      string `json:"tool,omitempty"`
	Label     string `json:"label,omitempty"`
	Sheet     string `json:"sheet"`
	Address   string `json:"address"`
	Value     string `json:"value"`
	IsFormula bool   `json:"is_formula"`
	NumFmt    string `json:"number_format,omitempty"`
	Format    string `json:"format,omitempty"` // as "font.bold=1, fill.pattern_type="
	What      string `json:"what"`             // "value", "formula", "clear", "format", "layout", "name", "table", "object" or "structure"
	Name      string `json:"name,omitempty"`   // that is defined, changed or, without a value, deleted
}

type getEditsOut struct {
	Cut
	stamp
	Edits []editRow `json:"edits"`
}

var getEdits = define(Spec{
	Name: "get_edits", Title: "List edits", Toolset: "edit", Reach: ReachNothing,
	Description: "What was asked of a fork, cell by cell, in the order in which it was: with version, time and tool.",
	Example:     `{"fork_id":"fork-abcdefgh2345"}`,
}, func(ctx context.Context, env *Env, in getEditsIn) (*getEditsOut, error) {
	store, info, err := env.fork(ctx, in.Fork)
	if err != nil {
		return nil, err
	}
	out := &getEditsOut{stamp: stamp{info.ID, info.Version}, Edits: []editRow{}}
	lim := env.budget(in.Limit)
	was := in
	from, skip := uint64(in.From), in.Offset
	for {
		// A few versions at a time: one may have set a million cells.
		versions, edits, err := store.EditsOf(ctx, in.Fork, from, 16)
		if err != nil {
			return nil, err
		}
		if len(versions) == 0 {
			return out, nil
		}
		for i, v := range versions {
			n := 0
			for _, op := range edits[i].Ops {
				for row := range editRows(op) {
					if n++; v.Number == uint64(in.From) && n <= skip {
						continue
					}
					row.Timestamp, row.Version, row.Tool, row.Label = rfc3339(v.At), v.Number, v.Tool, v.Label
					if lim.takeEntry(&row) {
						out.Edits = append(out.Edits, row)
						continue
					}
					in.From, in.Offset = int(v.Number), n-1
					what := fmt.Sprintf("%d edits from version %d on", len(out.Edits), was.From)
					if len(out.Edits) == 0 {
						in.Offset = n // or the call would go round
						what = fmt.Sprintf("edit %d of version %d is larger than a result may be", n, v.Number)
					}
					out.Next = what + "; next: " + callText("get_edits", in)
					return out, nil
				}
			}
		}
		from = versions[len(versions)-1].Number + 1
	}
})

// editRows yields what an operation asks for, cell by cell or range by range.
func editRows(op book.Op) iter.Seq[editRow] {
	return func(yield func(editRow) bool) {
		switch o := op.(type) {
		case book.SetCells:
			for k := range o.Cells {
				if !yield(editRowOf(o.Sheet, &o.Cells[k])) {
					return
				}
			}
		case book.EditNames:
			for _, n := range o.Names {
				if !yield(editRow{Sheet: n.Sheet, What: "name", Name: n.Name, Value: formula.Display(n.RefersTo), IsFormula: !n.Delete}) {
					return
				}
			}
		case book.Arrange:
			for _, part := range o.Parts() {
				if !yield(editRow{Sheet: o.Sheet, What: "layout", Value: part}) {
					return
				}
			}
		case book.ArrangeTables:
			for _, t := range o.Tables {
				row := editRow{What: "table", Value: t.Of}
				if t.To != nil {
					row.Sheet, row.Address = t.To.Sheet, t.To.Range
					if row.Value = t.To.Name; t.Of != "" && t.Of != t.To.Name {
						row.Value = t.Of + " => " + t.To.Name
					}
				} else {
					row.Value += " ends"
				}
				if !yield(row) {
					return
				}
			}
		case book.ArrangeObjects:
			for _, id := range o.Remove {
				if !yield(editRow{Sheet: o.Sheet, What: "object", Value: id + " removed"}) {
					return
				}
			}
			for i := range o.Add {
				if !yield(editRow{Sheet: o.Sheet, Address: o.Add[i].Anchor.Cell, What: "object", Value: o.Add[i].ID + " added"}) {
					return
				}
			}
		case book.Restructure:
			yield(editRow{Sheet: o.Sheet, What: "structure", Value: structureText(o.Change)})
		case book.ArrangeBook:
			for _, x := range o.Sheets {
				if !yield(editRow{Sheet: x.Sheet, What: "layout", Value: x.Visibility.String()}) {
					return
				}
			}
			if o.Protection != nil && !yield(editRow{What: "layout", Value: "workbook_protection"}) {
				return
			}
		case book.FormatLines:
			for _, l := range o.Spans {
				if !yield(formatRow(o.Sheet, o.Range(l), o.Anew, o.Settings)) {
					return
				}
			}
		case book.FormatCells:
			for _, r := range o.Ranges {
				if !yield(formatRow(o.Sheet, r, o.Anew, o.Settings)) {
					return
				}
			}
		}
	}
}

// formatRow is what an operation does to the format of a range.
func formatRow(sheet string, r cell.Range, anew bool, s xf.Settings) editRow {
	format := settingsText(s)
	if anew {
		format = strings.TrimSuffix("default; "+format, "; ")
	}
	return editRow{Sheet: sheet, Address: r.String(), What: "format", Format: format}
}

// settingsText shows changes of a format: null for what is as the default format has it.
func settingsText(s xf.Settings) string {
	list := make([]string, len(s))
	for i, one := range s {
		value := one.Value
		if one.Reset {
			value = "null"
		}
		list[i] = one.Leaf.String() + "=" + value
	}
	return clip(strings.Join(list, ", "), changeTextMax)
}

func editRowOf(sheet string, c *book.CellEdit) editRow {
	row := editRow{Sheet: sheet, Address: c.Ref.String(), NumFmt: c.NumFmt, Format: settingsText(c.Format), What: "value"}
	switch {
	case c.Keep:
		row.What = "format"
	case c.HasFormula:
		row.What, row.IsFormula, row.Value = "formula", true, formula.Display(c.Formula)
	case c.Clear || c.Value.Kind() == cell.Blank:
		row.What = "clear"
	default:
		row.Value = string(c.Value.Append(nil))
	}
	return row
}

func (o *getEditsOut) appendText(b []byte, _ bool) []byte {
	if len(o.Edits) == 0 && o.Next == "" {
		return fmt.Appendf(b, "%s has no edits\n", o.ForkID)
	}
	version := ^uint64(0)
	for _, e := range o.Edits {
		if e.Version != version {
			version = e.Version
			b = fmt.Appendf(b, "version %d, %s, %s", e.Version, e.Timestamp, e.Tool)
			if e.Label != "" {
				b = appendEscaped(append(b, ": "...), e.Label)
			}
			b = append(b, '\n')
		}
		b = append(b, "  "...)
		switch {
		case e.Sheet != "":
			b = appendEscaped(b, cell.QuoteSheet(e.Sheet))
		case e.Name == "":
			b = append(b, "(workbook)"...)
		}
		if place := cmp.Or(e.Address, e.Name); place != "" && e.Sheet != "" {
			b = appendEscaped(append(b, '!'), place)
		} else {
			b = appendEscaped(b, place)
		}
		switch e.What {
		case "name":
			if b = append(b, "\t(name)"...); e.IsFormula {
				b = appendEscaped(append(b, "\t="...), e.Value)
			} else {
				b = append(b, "\tdeleted"...)
			}
		case "formula":
			b = appendEscaped(append(b, "\t="...), e.Value)
		case "table":
			b = appendEscaped(append(b, "\ttable "...), e.Value)
		case "value", "layout", "object", "structure":
			b = appendEscaped(append(b, '\t'), e.Value)
		default:
			b = append(append(b, "\t("...), e.What+")"...)
		}
		if e.NumFmt != "" {
			b = appendEscaped(append(b, "\tas "...), e.NumFmt)
		}
		if e.Format != "" {
			b = appendEscaped(append(b, '\t'), e.Format)
		}
		b = append(b, '\n')
	}
	return b
}
