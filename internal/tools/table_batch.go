package tools

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"gridflow/internal/book"
	"gridflow/internal/grid"
)

type totalOp struct {
	Column   string `json:"column" required:"true" doc:"Its header"`
	Function string `json:"function" enum:"sum|average|count|count_numbers|min|max|std_dev|var|none" doc:"count counts all that is not blank"`
	Label    string `json:"label" doc:"A text instead, such as Total"`
	Formula  string `json:"formula" doc:"A formula of your own instead"`
}

type tableOp struct {
	Kind    string    `json:"kind" required:"true" enum:"create|resize|rename|delete|totals_row|column_formula|rename_column|style" doc:"delete makes a plain range of it; its cells stay"`
	Table   string    `json:"table_name" alias:"name" doc:"The table that it is of; for create the name of the new one, Table1 and so on unless given"`
	Sheet   string    `json:"sheet_name" doc:"For create"`
	Range   string    `json:"range" doc:"For create and resize: with the header row, and totals row if there is one"`
	Header  *bool     `json:"header_row" doc:"For create: the first row of the range has the headers; true unless given"`
	NewName string    `json:"new_name" doc:"For rename and rename_column; for create the same as table_name"`
	Show    *bool     `json:"show" doc:"For totals_row: false takes it away; true unless given"`
	Totals  []totalOp `json:"totals" max:"16384" doc:"For totals_row: what stands in it; else a label and a total of the last column"`
	Column  string    `json:"column" doc:"For column_formula and rename_column: its header"`
	Formula string    `json:"formula" doc:"For column_formula, written for the first row of data, such as [@Net]*1.2; empty: the cells stay, and new rows get none"`

	Style         *string `json:"style_name" doc:"For create and style: TableStyleLight1 to 21, TableStyleMedium1 to 28, TableStyleDark1 to 11, a style of the workbook, or none; TableStyleMedium2 unless given"`
	FirstColumn   *bool   `json:"first_column" doc:"Stands out"`
	LastColumn    *bool   `json:"last_column"`
	RowStripes    *bool   `json:"banded_rows"`
	ColumnStripes *bool   `json:"banded_columns"`
	Filter        *bool   `json:"filter_buttons"`
}

type tableBatchIn struct {
	ForkArg
	Ops []tableOp `json:"ops" required:"true" min:"1" max:"100"`
	EditMode
	Guard
}

type tableBatchOut struct {
	batchOut
	Tables []tableAt `json:"tables"` // that the operations were of, as they are now
}

type tableAt struct {
	Name  string `json:"table_name"`
	Sheet string `json:"sheet_name"`
	Range string `json:"range"`
}

func (o *tableBatchOut) appendText(b []byte, verbose bool) []byte {
	b = o.batchOut.appendText(b, verbose)
	for _, t := range o.Tables {
		b = fmt.Appendf(b, "%s is %s!%s\n", plain(t.Name), plain(t.Sheet), t.Range)
	}
	return b
}

var tableBatch = define(Spec{
	Name: "table_batch", Title: "Change tables", Toolset: "edit", Writes: true, Reach: ReachBook,
	Description: "Creates tables in a fork, resizes, renames and styles them, gives them totals and calculated columns, or makes plain ranges of them. Formulas and names that refer to a table by its name or its columns follow.",
	Example:     `{"fork_id":"fork-abcdefgh2345","ops":[{"kind":"create","sheet_name":"Sheet1","range":"A1:C20","table_name":"Costs"},{"kind":"column_formula","table_name":"Costs","column":"Gross","formula":"[@Net]*1.2"},{"kind":"totals_row","table_name":"Costs","totals":[{"column":"Item","label":"Total"},{"column":"Gross","function":"sum"}]}]}`,
}, func(ctx context.Context, env *Env, in tableBatchIn) (*tableBatchOut, error) {
	var touched []string
	var last *book.Snapshot
	made, err := env.batch(ctx, in.Fork, "table_batch", "fail", in.EditMode, in.Guard, len(in.Ops), func(b *batch, i int) error {
		if i == 0 {
			touched = nil // it may be told again, on a newer version
		}
		b.begin("table_" + in.Ops[i].Kind)
		if env.Profile != Compat {
			if err := in.Ops[i].ignores(); err != nil {
				return err
			}
		}
		name, err := b.tableOp(&in.Ops[i])
		if err != nil {
			return err
		}
		if old := strings.TrimSpace(in.Ops[i].Table); old != name {
			touched = slices.DeleteFunc(touched, func(t string) bool { return strings.EqualFold(t, old) })
		}
		if !slices.Contains(touched, name) {
			touched = append(touched, name)
		}
		last = b.snap
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := &tableBatchOut{batchOut: *made, Tables: []tableAt{}}
	tables, err := last.Tables(ctx)
	if err != nil {
		return nil, err
	}
	for _, name := range touched {
		if k := slices.IndexFunc(tables, func(t grid.Table) bool { return strings.EqualFold(t.Name, name) }); k >= 0 {
			out.Tables = append(out.Tables, tableAt{tables[k].Name, last.Workbook().Sheets[tables[k].Sheet].Name, tables[k].Range.String()})
		}
	}
	return out, nil
})

// tableOp makes one operation and gives the name that its table has then.
func (b *batch) tableOp(op *tableOp) (string, error) {
	if op.Kind == "create" {
		return b.createTable(op)
	}
	if strings.TrimSpace(op.Table) == "" {
		return "", invalid("named_ranges lists the tables", "table_name is missing")
	}
	t, err := tableNamed(b.ctx, b.snap, op.Table)
	if err != nil {
		return "", err
	}
	if op.Sheet != "" && !strings.EqualFold(strings.TrimSpace(op.Sheet), b.snap.Workbook().Sheets[t.Sheet].Name) {
		return "", fail(codeTableNotFound, "Leave sheet_name out", "table %q is on sheet %q, and not on %q", t.Name, b.snap.Workbook().Sheets[t.Sheet].Name, clip(op.Sheet, 60))
	}
	e := b.tableEdit(t)
	switch op.Kind {
	case "resize":
		err = e.resize(op.Range)
	case "rename":
		if op.NewName == "" {
			return "", invalid("", "new_name is missing")
		}
		e.form.Name = strings.TrimSpace(op.NewName)
	case "delete":
		ops, err := b.unfiltered(t)
		if err != nil {
			return "", err
		}
		return t.Name, b.do(append([]book.Op{book.ArrangeTables{Tables: []book.TableChange{{Of: t.Name}}}}, ops...)...)
	case "totals_row":
		err = e.totals(orElse(op.Show, true), op.Totals)
	case "column_formula":
		err = e.columnFormula(op.Column, op.Formula)
	case "rename_column":
		err = e.renameColumn(op.Column, op.NewName)
	case "style":
		e.style(op)
	}
	if err != nil {
		return "", err
	}
	return e.form.Name, e.done()
}

// ignores refuses what an operation of this kind has no use for.
func (op *tableOp) ignores() error {
	looks := []string{"create", "style"}
	for _, a := range []struct {
		name  string
		given bool
		of    []string
	}{
		{"range", op.Range != "", []string{"create", "resize"}},
		{"header_row", op.Header != nil, []string{"create"}},
		{"new_name", op.NewName != "", []string{"create", "rename", "rename_column"}},
		{"show", op.Show != nil, []string{"totals_row"}},
		{"totals", len(op.Totals) > 0, []string{"totals_row"}},
		{"column", op.Column != "", []string{"column_formula", "rename_column"}},
		{"formula", op.Formula != "", []string{"column_formula"}},
		{"style_name", op.Style != nil, looks},
		{"first_column", op.FirstColumn != nil, looks},
		{"last_column", op.LastColumn != nil, looks},
		{"banded_rows", op.RowStripes != nil, looks},
		{"banded_columns", op.ColumnStripes != nil, looks},
		{"filter_buttons", op.Filter != nil, looks},
	} {
		if a.given && !slices.Contains(a.of, op.Kind) {
			return invalid("Leave it out, or make another operation of it", "%s is of kind %s, and not of %s", a.name, strings.Join(a.of, " and "), op.Kind)
		}
	}
	return nil
}

// unfiltered gives the operations that show the rows which the filter of a table hides.
func (b *batch) unfiltered(t *grid.Table) ([]book.Op, error) {
	if len(t.Filters) == 0 {
		return nil, nil
	}
	sheet, err := b.snap.Sheet(b.ctx, t.Sheet)
	if err != nil {
		return nil, err
	}
	was := grid.Filter{Range: t.Range, Columns: t.Filters}
	was.Range.Last.Row -= t.TotalsRows
	return rowsShown(b.snap.Workbook().Sheets[t.Sheet].Name, sheet, was, grid.Filter{None: true}, nil), nil
}

// style takes over what an operation says of how a table looks.
func (e *tableEdit) style(op *tableOp) {
	if op.Style != nil {
		if e.form.Style = strings.TrimSpace(*op.Style); strings.EqualFold(e.form.Style, "none") {
			e.form.Style = ""
		}
	}
	for _, f := range [...]struct {
		to *bool
		is *bool
	}{{&e.form.FirstColumn, op.FirstColumn}, {&e.form.LastColumn, op.LastColumn}, {&e.form.RowStripes, op.RowStripes}, {&e.form.ColumnStripes, op.ColumnStripes}, {&e.form.Filter, op.Filter}} {
		if f.is != nil {
			*f.to = *f.is
		}
	}
}
