package tools

import (
	"context"
	"encoding/csv"
	"io"
	"strings"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/numfmt"
	"gridflow/internal/until"
)

type importCSVIn struct {
	ForkArg
	Sheet  string `json:"sheet_name" required:"true" doc:"Where to"`
	Anchor string `json:"anchor" default:"A1" doc:"The cell of the first value"`
	Source string `json:"source" lead:"true" doc:"A .csv or .tsv file of a served folder, by id, name or path"`
	CSV    string `json:"csv" instead:"source" doc:"In place of source: the text itself"`
	Texts  bool   `json:"keep_texts" default:"false" doc:"Take every value of csv as a text: without it numbers, dates and TRUE/FALSE become these"`
	EditMode
	Guard
}

var importCSV = define(Spec{
	Name: "import_csv", Title: "Import CSV", Toolset: "edit", Writes: true, Reach: ReachSheet,
	Description: "Writes the rows of a .csv or .tsv file, or of CSV text, into a sheet of a fork. Codes such as 00123 stay texts.",
	Example:     `{"fork_id":"fork-abcdefgh2345","sheet_name":"Sheet1","source":"orders.csv"}`,
}, func(ctx context.Context, env *Env, in importCSVIn) (*editBatchOut, error) {
	if (in.Source == "") == (in.CSV == "") {
		file, text := in, in
		file.Source, file.CSV, text.Source, text.CSV = "orders.csv", "", "", "name,amount\nrent,1200"
		return nil, invalid("Example of a file that is served: "+callText("import_csv", file)+"; of a text: "+callText("import_csv", text), "give source or csv, and not both")
	}
	return env.change(ctx, in.Fork, "import_csv", in.EditMode, in.Guard, func(snap *book.Snapshot) (*editor, error) {
		index, err := sheetNamed(snap, in.Sheet)
		if err != nil {
			return nil, err
		}
		anchor, ok := cell.ParseRef(in.Anchor)
		if !ok {
			return nil, fail(codeRangeInvalid, "Write one cell, such as A1", "%q is no cell", clip(in.Anchor, 20))
		}
		e := newEditor(snap, index, !in.Texts, "fail")
		e.room = env.room()
		if in.CSV != "" {
			err = e.csvText(index, anchor, in.CSV)
		} else {
			err = e.csvFile(ctx, env, index, anchor, in.Source)
		}
		if err == nil && len(e.sheets) == 0 {
			in.Source, in.CSV = "", "name,amount\nrent,1200"
			err = invalid("Example: "+callText("import_csv", in), "there are no values to import")
		}
		return e, err
	})
})

// place moves an offset from the anchor onto the sheet.
func (e *editor) place(anchor cell.Ref, row, col int) (cell.Ref, error) {
	ref := cell.Ref{Row: anchor.Row + row, Col: anchor.Col + col}
	if !ref.Valid() {
		return ref, fail(codeRangeInvalid, "Choose an anchor further up and left, or import less", "row %d, column %d of the data does not fit the sheet", row+1, col+1)
	}
	return ref, nil
}

func (e *editor) csvText(sheet int, anchor cell.Ref, text string) error {
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord = -1
	if first, _, _ := strings.Cut(text, "\n"); strings.Count(first, "\t") > strings.Count(first, ",") {
		r.Comma = '\t'
	}
	for row := 0; ; row++ {
		record, err := r.Read()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fail(codeInvalidParams, "Quote fields that hold commas, quotes or line ends, and double the quotes in them", "the text is no CSV: %v", err)
		}
		for col, field := range record {
			ref, err := e.place(anchor, row, col)
			if err != nil {
				return err
			}
			if field == "" {
				continue
			}
			c := book.CellEdit{Ref: ref}
			if e.guess {
				e.guessed(&c, field)
			} else {
				c.Value = cell.TextValue(field)
			}
			e.set(sheet, c)
		}
	}
}

// csvFile takes the values as they were read from the file, dates as dates of the fork's own
// calendar.
func (e *editor) csvFile(ctx context.Context, env *Env, sheet int, anchor cell.Ref, source string) error {
	return env.Workspace.View(ctx, source, func(from *book.Snapshot) error {
		data, err := textSheet(ctx, from, source)
		if err != nil {
			return err
		}
		e.expect(sheet, int64(data.FilledCells()))
		w := valuesOf(from)
		for c := range until.Done(ctx, data.Cells(cell.WholeSheet)) {
			ref, err := e.place(anchor, c.Ref.Row, c.Ref.Col)
			if err != nil {
				return err
			}
			edit := book.CellEdit{Ref: ref, Value: c.Value}
			if w.isDate(c) {
				edit.NumFmt = w.styles.Xfs[c.Style].NumFmt
				if y, m, d, hh, mm, ss, ms, ok := numfmt.FromSerial(c.Value.Number(), w.dates); ok && w.dates != e.snap.Workbook().Dates {
					if serial, ok := numfmt.ToSerial(y, m, d, hh, mm, ss, ms, e.snap.Workbook().Dates); ok {
						edit.Value = cell.NumberValue(serial)
					}
				}
			}
			if !edit.Value.IsBlank() {
				e.set(sheet, edit)
			}
		}
		return ctx.Err()
	})
}
