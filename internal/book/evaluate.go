package book

import (
	"context"

	"gridflow/internal/calc"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/numfmt"
)

// Evaluate gives what a formula, written without "=", would give in a cell of a sheet, given by
// index: rows of values, and of an error that arose in it the reason, as far as there is one.
// Nothing is changed. The error is that of ctx, of a sheet that cannot be read, or a *formula.Error
// for a text that is no formula.
func (s *Snapshot) Evaluate(ctx context.Context, now Moment, sheet int, at cell.Ref, text string) (rows [][]cell.Value, reason string, err error) {
	in, model, err := s.formulas(ctx)
	if err != nil {
		return nil, "", err
	}
	opt := calc.Options{Now: now.Now, Seed: now.Seed}
	if in.Book.Dates == numfmt.Date1904 {
		opt.Now -= days1904
	}
	return model.Evaluate(ctx, in, opt, calc.Cell{Sheet: sheet, At: at}, text)
}

// Blank is a workbook with one empty sheet, which no file has.
func Blank() *Snapshot {
	return NewSnapshot("", "", blank{&grid.Workbook{Sheets: []grid.SheetInfo{{Name: "Sheet1"}}}, grid.NewBuilder("Sheet1").Finish(nil)})
}

type blank struct {
	book  *grid.Workbook
	sheet *grid.Sheet
}

func (b blank) Workbook() *grid.Workbook                                 { return b.book }
func (b blank) Sheet(context.Context, int, int) (*grid.Sheet, error)     { return b.sheet, nil }
func (b blank) Rows(context.Context, int, int, int) (*grid.Sheet, error) { return b.sheet, nil }
func (b blank) Tables(context.Context) ([]grid.Table, error)             { return nil, nil }
