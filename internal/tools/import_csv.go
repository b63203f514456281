package tools

import (
	"context"
	"regexp"
	"strings"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/numfmt"
	"gridflow/internal/textfile"
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
		on, err := snap.Sheet(ctx, index)
		if err != nil {
			return nil, err
		}
		e := newEditor(snap, index, !in.Texts, "fail")
		e.room = env.room()
		var doubts doubtful
		if in.CSV != "" {
			err = e.csvText(ctx, index, on, anchor, in.CSV, &doubts)
		} else {
			err = e.csvFile(ctx, env, index, on, anchor, in.Source, &doubts)
		}
		if !in.Texts {
			doubts.tell(e, "")
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

// doubtful counts texts that may be meant as numbers or dates, which countries write in different ways: 1.234 may be a
// thousand or little more than one.
type doubtful struct {
	n    int
	at   cell.Ref // of the first
	text string
}

var numberLike = regexp.MustCompile(`^[(+-]?[$€£¥]? ?[(+-]?\d{1,3}([.,' \x{a0}]?\d{3})*([.,]\d+)? ?[$€£¥%]?\)?$|^\d{1,2}[./-]\d{1,2}[./-](\d\d){1,2}$`)

// see takes a value that is written. Digits alone are a code.
func (d *doubtful) see(at cell.Ref, v cell.Value) {
	const longest = 32
	if v.Kind() != cell.Text || len(v.Text()) > longest || !strings.ContainsAny(v.Text(), ".,'/-% $€£¥()\u00a0") || !numberLike.MatchString(v.Text()) {
		return
	}
	if d.n++; d.n == 1 {
		d.at, d.text = at, v.Text()
	}
}

// tell warns of the texts, with the name of their sheet where there may be several.
func (d *doubtful) tell(e *editor, sheet string) {
	if d.n == 0 {
		return
	}
	at := d.at.String()
	if sheet != "" {
		at = address(sheet, d.at)
	}
	e.warn("WARN_NUMBER_TEXTS: %s that may be meant as numbers or dates stay texts, which sums leave out: the first is %q in %s", counted(d.n, "value", "values"), d.text, at)
}

// csvText reads a text as a file with it would be read: separators, quotes and empty lines are found out alike.
func (e *editor) csvText(ctx context.Context, sheet int, on *grid.Sheet, anchor cell.Ref, text string, doubts *doubtful) error {
	f, err := textfile.Open(ctx, strings.NewReader(text), int64(len(text)), "text.csv")
	if err != nil {
		return fail(codeInvalidParams, "Give the rows as text, one a line", "the text is no CSV: %v", err)
	}
	return f.EachRow(ctx, func(row int, fields []string) error {
		for col, field := range fields {
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
			doubts.see(ref, c.Value)
			e.dated(on, &c)
			e.set(sheet, c)
		}
		return nil
	})
}

// csvFile takes the values as they were read from the file, dates as dates of the fork's own
// calendar.
func (e *editor) csvFile(ctx context.Context, env *Env, sheet int, on *grid.Sheet, anchor cell.Ref, source string, doubts *doubtful) error {
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
				doubts.see(ref, edit.Value)
				e.dated(on, &edit)
				e.set(sheet, edit)
			}
		}
		return ctx.Err()
	})
}
