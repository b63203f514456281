package tools

import (
	"bufio"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"path"
	"strings"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/workspace"
)

// Files is where tools write files; *workspace.Workspace is it.
type Files interface {
	// Target finds the place that a path names, inside of the roots.
	Target(ctx context.Context, name string) (workspace.Target, error)
	// Write writes a file as a whole or not at all.
	Write(ctx context.Context, t workspace.Target, o workspace.WriteOptions, fn func(io.Writer) error) (workspace.Entry, error)
}

type exportCSVIn struct {
	Book
	Sheet     string `json:"sheet_name" required:"true"`
	Range     string `json:"range" doc:"All of the sheet's data unless given; blank columns and rows of it are in the file, but for rows below the data"`
	Target    string `json:"target_path" required:"true" doc:"Relative to a served folder; .csv or .tsv"`
	Shown     bool   `json:"formatted" default:"false" doc:"Values as the sheet shows them, instead of plain numbers and ISO dates"`
	Formulas  bool   `json:"formulas" default:"false" doc:"Formulas instead of their values"`
	Overwrite bool   `json:"overwrite" default:"false"`
}

type exportCSVOut struct {
	WorkbookID string `json:"workbook_id"`
	SavedTo    string `json:"saved_to"`
	Range      string `json:"range"`
	Rows       int    `json:"rows"`
	Columns    int    `json:"columns"`
	Bytes      int64  `json:"bytes"`
}

var exportCSV = define(Spec{
	Name: "export_csv", Title: "Export CSV", Toolset: "edit", Writes: true, Idempotent: true, Reach: ReachSheet, Disk: true,
	Description: "Writes a sheet or range of a workbook, fork or version to a .csv or .tsv file, however large, without passing it through the conversation.",
	Example:     `{"workbook_or_fork_id":"fork-abcdefgh2345","sheet_name":"Sheet1","target_path":"exports/sheet1.csv"}`,
}, func(ctx context.Context, env *Env, in exportCSVIn) (*exportCSVOut, error) {
	if env.Files == nil {
		_, err := env.forkStore()
		return nil, err
	}
	comma := ','
	switch strings.ToLower(path.Ext(in.Target)) {
	case ".csv":
	case ".tsv":
		comma = '\t'
	default:
		return nil, fail("BAD_PATH", "Give a target_path such as exports/sheet1.csv", "%q ends neither in .csv nor in .tsv", clip(in.Target, 60))
	}
	at, err := env.Files.Target(ctx, in.Target)
	if err != nil {
		return nil, err
	}
	out := &exportCSVOut{WorkbookID: in.Workbook}
	err = env.Workspace.View(ctx, in.Workbook, func(snap *book.Snapshot) error {
		index, err := sheetNamed(snap, in.Sheet)
		if err != nil {
			return err
		}
		sheet, err := snap.Sheet(ctx, index)
		if err != nil {
			return err
		}
		area, ok := filledArea(sheet)
		if in.Range != "" {
			list, err := areas(ctx, snap, index, in.Range)
			if err != nil {
				return err
			}
			if len(list) != 1 || list[0].sheet != index {
				return fail(codeRangeInvalid, "Give one range of the sheet", "%q is not one range of %s", clip(in.Range, 60), in.Sheet)
			}
			area, ok = written(list[0].rng, area)
		}
		if !ok {
			return fail(codeRangeInvalid, "Read the sheet first to see where its data is", "there is no data to export")
		}
		w := csvWriter{values: valuesOf(snap), sheet: sheet, in: in}
		entry, err := env.Files.Write(ctx, at, workspace.WriteOptions{Overwrite: in.Overwrite}, func(f io.Writer) error { return w.write(ctx, f, area, comma) })
		out.SavedTo, out.Bytes, out.Range, out.Rows, out.Columns = entry.Path, entry.Bytes, area.String(), area.Rows(), area.Cols()
		return err
	})
	return out, err
})

// filledArea is the smallest range with all cells that hold something.
func filledArea(sheet *grid.Sheet) (r cell.Range, ok bool) {
	for c := range sheet.Cells(cell.WholeSheet) {
		if c.Empty() {
			continue
		}
		if !ok {
			r, ok = cell.Range{First: c.Ref, Last: c.Ref}, true
			continue
		}
		r.First.Col, r.Last.Col = min(r.First.Col, c.Ref.Col), max(r.Last.Col, c.Ref.Col)
		r.Last.Row = c.Ref.Row
	}
	return r, ok
}

// written is what is written of a range where the cells that hold something are those of filled: all of its columns, so
// that each stands where it was asked for, from its first row to the last one with data. Whole rows end where the data do.
func written(r, filled cell.Range) (cell.Range, bool) {
	within, ok := r.Intersect(filled)
	r.Last.Row = within.Last.Row
	if r.Cols() == cell.MaxCols {
		r.Last.Col = within.Last.Col
	}
	return r, ok
}

// csvWriter writes rows of a sheet as CSV.
type csvWriter struct {
	values
	sheet *grid.Sheet
	in    exportCSVIn
}

func (w *csvWriter) write(ctx context.Context, f io.Writer, area cell.Range, comma rune) error {
	buf := bufio.NewWriterSize(f, 1<<16)
	out := csv.NewWriter(buf)
	out.Comma = comma
	record := make([]string, area.Cols())
	var text []byte
	for row := area.First.Row; row <= area.Last.Row; row++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		clear(record)
		line := cell.Range{First: cell.Ref{Row: row, Col: area.First.Col}, Last: cell.Ref{Row: row, Col: area.Last.Col}}
		for c := range w.sheet.Cells(line) {
			text = w.appendCell(text[:0], c)
			record[c.Ref.Col-area.First.Col] = string(text)
		}
		if err := out.Write(record); err != nil {
			return err
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return err
	}
	return buf.Flush()
}

func (w *csvWriter) appendCell(b []byte, c grid.Cell) []byte {
	switch {
	case w.in.Formulas && c.HasFormula():
		return append(append(b, '='), book.FormulaText(w.sheet, c)...)
	case w.in.Shown:
		return w.styles.Format(c.Style).Append(b, c.Value, w.dates)
	}
	return w.appendPlain(b, c)
}

func (o *exportCSVOut) appendText(b []byte, _ bool) []byte {
	return fmt.Appendf(b, "%s: %d rows of %d columns are in %s, %d bytes\n", o.Range, o.Rows, o.Columns, plain(o.SavedTo), o.Bytes)
}
