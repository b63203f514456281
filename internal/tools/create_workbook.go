package tools

import (
	"context"
	"fmt"
	"io"
	"path"
	"strings"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/forks"
	"gridflow/internal/workspace"
	"gridflow/internal/xlsx"
)

type newSheetIn struct {
	Name   string `json:"name" required:"true"`
	Rows   Matrix `json:"rows" min:"0" max:"100000" doc:"Arrays of JSON values from A1 on; a text that begins with = is a formula"`
	Source string `json:"source" doc:"In place of rows: a .csv or .tsv file of a served folder"`
}

type createWorkbookIn struct {
	Target    string       `json:"target_path" required:"true" doc:"Relative to a served folder; .xlsx"`
	Sheets    []newSheetIn `json:"sheets" max:"100" doc:"One empty Sheet1 unless given"`
	Guess     bool         `json:"parse_text" default:"false" doc:"Turn texts that look like numbers, dates or TRUE/FALSE into these"`
	Overwrite bool         `json:"overwrite" default:"false"`
}

type createWorkbookOut struct {
	WorkbookID string   `json:"workbook_id"`
	SavedTo    string   `json:"saved_to"`
	Bytes      int64    `json:"bytes"`
	Cells      int      `json:"cells"`
	Sheets     []string `json:"sheets"`
	Warnings   []string `json:"warnings"`
}

var createWorkbook = define(Spec{
	Name: "create_workbook", Title: "Create a workbook", Toolset: "edit", Core: true, Writes: true, Destructive: true, Idempotent: true, Reach: ReachPart,
	Description: "Writes a new .xlsx file with the given sheets and rows. Edit it further through create_fork.",
	Example:     `{"target_path":"reports/costs.xlsx","sheets":[{"name":"Costs","rows":[["Item","Amount"],["Rent",1200],["Total","=SUM(B2:B2)"]]}]}`,
}, func(ctx context.Context, env *Env, in createWorkbookIn) (*createWorkbookOut, error) {
	if env.Files == nil {
		return nil, fail("READ_ONLY", "The operator has started the server with --read-only", "no file may be written")
	}
	if ext := strings.ToLower(path.Ext(in.Target)); ext != ".xlsx" {
		return nil, fail("BAD_PATH", "Give a target_path such as reports/costs.xlsx", "%q does not end in .xlsx", clip(in.Target, 60))
	}
	at, err := env.Files.Target(in.Target)
	if err != nil {
		return nil, err
	}
	if len(in.Sheets) == 0 {
		in.Sheets = []newSheetIn{{Name: "Sheet1"}}
	}
	names := make([]string, len(in.Sheets))
	seen := map[string]bool{}
	for i, s := range in.Sheets {
		if why := xlsx.CheckSheetName(s.Name); why != "" {
			return nil, fail("BAD_NAME", "Choose another name", "%q is no name of a sheet: %s", clip(s.Name, 60), why)
		}
		if key := book.FoldName(s.Name); seen[key] {
			return nil, fail("BAD_NAME", "Names of sheets differ in more than upper and lower case", "there are two sheets %q", clip(s.Name, 60))
		} else {
			seen[key] = true
		}
		names[i] = s.Name
	}
	fresh, err := forks.NewFresh(ctx, names)
	if err != nil {
		return nil, err
	}
	e := newEditor(fresh.Snapshot(), -1, in.Guess, "fail")
	e.typed = true
	for i, s := range in.Sheets {
		if s.Source != "" {
			if len(s.Rows) > 0 {
				return nil, fail(codeInvalidParams, `Example: create_workbook {"target_path":"costs.xlsx","sheets":[{"name":"Costs","source":"costs.csv"}]}`, "sheet %q is given both rows and a source", clip(s.Name, 60))
			}
			if err := e.csvFile(ctx, env, i, cell.Ref{}, s.Source); err != nil {
				return nil, err
			}
			continue
		}
		if err := e.matrix(i, cell.Ref{}, s.Rows); err != nil {
			return nil, err
		}
	}
	edit := e.edit()
	entry, err := env.Files.Write(ctx, at, workspace.WriteOptions{Overwrite: in.Overwrite}, func(w io.Writer) error { return fresh.WriteTo(ctx, edit, w) })
	if err != nil {
		return nil, err
	}
	return &createWorkbookOut{entry.ID, entry.Path, entry.Bytes, edit.Cells(), names, append([]string{}, e.warnings...)}, nil
})

// matrix sets the cells of rows of JSON values from a cell on.
func (e *editor) matrix(sheet int, anchor cell.Ref, rows Matrix) error {
	for i, row := range rows {
		for k, v := range row {
			if v.Kind == NullScalar {
				continue
			}
			ref, err := e.place(anchor, i, k)
			if err != nil {
				return err
			}
			c := book.CellEdit{Ref: ref}
			e.scalar(&c, v, false)
			if c.HasFormula {
				c.Formula = strings.TrimPrefix(c.Formula, "=")
				if ok, err := e.parses(sheet, c); !ok {
					return inEntry(err, i)
				}
			}
			e.set(sheet, c)
		}
	}
	return nil
}

func (o *createWorkbookOut) appendText(b []byte, _ bool) []byte {
	b = fmt.Appendf(b, "%s (%s): %d sheets, %d cells, %d bytes\n", plain(o.SavedTo), o.WorkbookID, len(o.Sheets), o.Cells, o.Bytes)
	for _, w := range o.Warnings {
		b = append(append(append(b, "warning: "...), w...), '\n')
	}
	return b
}
