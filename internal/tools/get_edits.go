package tools

import (
	"context"
	"fmt"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/formula"
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
	What      string `json:"what"` // "value", "formula", "clear" or "format"
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
	store, info, err := env.fork(in.Fork)
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
				set, ok := op.(book.SetCells)
				if !ok {
					continue
				}
				for k := range set.Cells {
					if n++; v.Number == uint64(in.From) && n <= skip {
						continue
					}
					row := editRowOf(set.Sheet, &set.Cells[k])
					row.Timestamp, row.Version, row.Tool, row.Label = rfc3339(v.At), v.Number, v.Tool, v.Label
					if lim.takeEntry(&row) {
						out.Edits = append(out.Edits, row)
						continue
					}
					in.From, in.Offset = int(v.Number), n-1
					out.Next = fmt.Sprintf("%d edits from version %d on; next: %s", len(out.Edits), was.From, callText("get_edits", in))
					return out, nil
				}
			}
		}
		from = versions[len(versions)-1].Number + 1
	}
})

func editRowOf(sheet string, c *book.CellEdit) editRow {
	row := editRow{Sheet: sheet, Address: c.Ref.String(), NumFmt: c.NumFmt, What: "value"}
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
	if len(o.Edits) == 0 {
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
		b = appendEscaped(b, cell.QuoteSheet(e.Sheet)+"!"+e.Address)
		switch e.What {
		case "formula":
			b = appendEscaped(append(b, "\t="...), e.Value)
		case "value":
			b = appendEscaped(append(b, '\t'), e.Value)
		default:
			b = append(append(b, "\t("...), e.What+")"...)
		}
		if e.NumFmt != "" {
			b = appendEscaped(append(b, "\tas "...), e.NumFmt)
		}
		b = append(b, '\n')
	}
	return b
}
