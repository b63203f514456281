package tools

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/until"
	"gridflow/internal/workspace"
	"gridflow/internal/xlsx"
	"gridflow/internal/xlsx/write"
)

type newSheetIn struct {
	Name   string `json:"name" required:"true" line:"true"`
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
	Name: "create_workbook", Title: "Create a workbook", Toolset: "edit", Core: true, Writes: true, Destructive: true, Idempotent: true, Reach: ReachPart, Disk: true,
	Description: "Writes a new .xlsx file with the given sheets and rows. Edit it further through create_fork.",
	Example:     `{"target_path":"reports/costs.xlsx","sheets":[{"name":"Costs","rows":[["Item","Amount"],["Rent",1200],["Total","=SUM(B2:B2)"]]}]}`,
}, func(ctx context.Context, env *Env, in createWorkbookIn) (*createWorkbookOut, error) {
	if env.Files == nil {
		return nil, fail("READ_ONLY", "The operator has started the server with --read-only", "no file may be written")
	}
	if ext := strings.ToLower(path.Ext(in.Target)); ext != ".xlsx" {
		return nil, fail("BAD_PATH", "Give a target_path such as reports/costs.xlsx", "%q does not end in .xlsx", clip(in.Target, 60))
	}
	at, err := env.Files.Target(ctx, in.Target)
	if err != nil {
		return nil, err
	}
	if len(in.Sheets) == 0 {
		in.Sheets = []newSheetIn{{Name: "Sheet1"}}
	}
	out := &createWorkbookOut{Sheets: []string{}}
	for _, s := range in.Sheets {
		out.Sheets = append(out.Sheets, s.Name)
		if s.Source != "" && len(s.Rows) > 0 {
			return nil, invalid(`Example: create_workbook {"target_path":"costs.xlsx","sheets":[{"name":"Costs","source":"costs.csv"}]}`, "sheet %q is given both rows and a source", clip(s.Name, 60))
		}
	}
	blank, err := blankWorkbook(ctx, out.Sheets)
	if err != nil {
		return nil, err
	}
	e := newEditor(blank, -1, in.Guess, "fail")
	e.typed = true
	for i, s := range in.Sheets {
		if err := e.matrix(i, cell.Ref{}, s.Rows); err != nil {
			return nil, err
		}
	}
	asking, err := env.outside(e.edit(), nil)
	if err != nil {
		return nil, err
	}
	entry, err := env.Files.Write(ctx, at, workspace.WriteOptions{Overwrite: in.Overwrite}, func(f io.Writer) (err error) {
		w := write.New(ctx, f, write.Options{})
		defer func() { err = errors.Join(err, w.Close()) }()
		for i, s := range in.Sheets {
			sheet, err := w.Sheet(s.Name)
			if err != nil {
				return err
			}
			rows := rowWriter{w: w, sheet: sheet}
			if s.Source != "" {
				var doubts doubtful
				err = env.copyCSV(ctx, s.Source, &rows, &doubts)
				doubts.tell(e, s.Name)
			} else if set := e.bySheet[i]; set != nil {
				err = rows.edits(set.Cells)
			}
			if err != nil {
				return err
			}
			out.Cells += rows.cells
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out.WorkbookID, out.SavedTo, out.Bytes, out.Warnings = entry.ID, entry.Path, entry.Bytes, append(append([]string{}, e.warnings...), asking...)
	return out, nil
})

// blankWorkbook is a workbook of empty sheets, in which values find their kinds.
func blankWorkbook(ctx context.Context, sheets []string) (*book.Snapshot, error) {
	var b bytes.Buffer
	w := write.New(ctx, &b, write.Options{})
	for _, name := range sheets {
		if _, err := w.Sheet(name); err != nil {
			return nil, errors.Join(err, w.Close())
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	f, err := xlsx.Open(ctx, bytes.NewReader(b.Bytes()), int64(b.Len()), xlsx.Limits{})
	if err != nil {
		return nil, err
	}
	return book.NewSnapshot("new", "", f), nil
}

// rowWriter gathers cells, which come in row-major order, into rows.
type rowWriter struct {
	w     *write.Writer
	sheet *write.Sheet
	row   int
	line  []write.Cell
	cells int
}

func (r *rowWriter) add(ref cell.Ref, c write.Cell, code string) (err error) {
	if ref.Row != r.row {
		if err := r.flush(); err != nil {
			return err
		}
		r.row = ref.Row
	}
	if code != "" {
		if c.Style, err = r.w.Style(code); err != nil {
			return err
		}
	}
	c.Col = ref.Col
	r.line = append(r.line, c)
	r.cells++
	return nil
}

func (r *rowWriter) flush() error {
	if len(r.line) == 0 {
		return nil
	}
	err := r.sheet.WriteRow(r.row, r.line)
	r.line = r.line[:0]
	return err
}

func (r *rowWriter) edits(cells []book.CellEdit) error {
	for _, c := range cells {
		if c.Clear {
			continue
		}
		if err := r.add(c.Ref, write.Cell{Value: c.Value, Formula: c.Formula, HasFormula: c.HasFormula}, c.NumFmt); err != nil {
			return err
		}
	}
	return r.flush()
}

// copyCSV writes the rows of a text file, however many there are.
func (e *Env) copyCSV(ctx context.Context, source string, rows *rowWriter, doubts *doubtful) error {
	return e.Workspace.View(ctx, source, func(from *book.Snapshot) error {
		data, err := textSheet(ctx, from, source)
		if err != nil {
			return err
		}
		words := valuesOf(from)
		for c := range until.Done(ctx, data.Cells(cell.WholeSheet)) {
			code := ""
			if words.isDate(c) {
				code = words.styles.Xfs[c.Style].NumFmt
			}
			doubts.see(c.Ref, c.Value)
			if err := rows.add(c.Ref, write.Cell{Value: c.Value}, code); err != nil {
				return err
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		return rows.flush()
	})
}

// textSheet gives the sheet of a CSV or TSV file.
func textSheet(ctx context.Context, from *book.Snapshot, source string) (*grid.Sheet, error) {
	if sheets := from.Workbook().Sheets; len(sheets) != 1 || sheets[0].Part != "" {
		return nil, fail("UNSUPPORTED_FORMAT", "Name a .csv or .tsv file; list_workbooks shows them", "%q is no text file", clip(source, 60))
	}
	return from.Sheet(ctx, 0)
}

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
