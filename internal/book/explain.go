package book

import (
	"context"
	"iter"
	"time"

	"gridflow/internal/calc"
	"gridflow/internal/cell"
	"gridflow/internal/numfmt"
)

// Origin says where the error value of a cell arose.
type Origin struct {
	Cell     SheetCell
	Steps    int    // cells that it went through from there, 0 where it arose in the cell itself
	Function string // that gave it, "" where it was an operator, a reference or a value
	Reason   string // a sentence without a full stop
}

// Explain follows the error value in a cell of a sheet, given by index, to where it arose; ok
// is false where the cell holds none. The error is that of ctx, or what the Source says of a
// sheet that cannot be read.
func (s *Snapshot) Explain(ctx context.Context, sheet int, at cell.Ref) (o Origin, ok bool, err error) {
	in, model, err := s.formulas(ctx)
	if err != nil {
		return o, false, err
	}
	opt := calc.Options{Now: MomentAt(time.Now(), 0).Now}
	if in.Book.Dates == numfmt.Date1904 {
		opt.Now -= days1904
	}
	found, ok, err := model.Explain(ctx, in, opt, calc.Cell{Sheet: sheet, At: at})
	if err != nil || !ok {
		return o, false, err
	}
	return Origin{SheetCell{in.Book.Sheets[found.Cell.Sheet].Name, found.Cell.At}, found.Steps, found.Function, found.Reason}, true, nil
}

// SheetRange is a range of cells of a workbook.
type SheetRange struct {
	Sheet int // index
	Range cell.Range
}

// Precedents yields the ranges that the formula behind a cell reads, as far as its text tells, in
// the order in which it names them.
func (s *Snapshot) Precedents(ctx context.Context, sheet int, at cell.Ref) (iter.Seq[SheetRange], error) {
	_, model, err := s.formulas(ctx)
	if err != nil {
		return nil, err
	}
	return func(yield func(SheetRange) bool) {
		for a := range model.Graph().Precedents(sheet, at) {
			if !yield(SheetRange{a.Sheet, a.Range}) {
				return
			}
		}
	}, nil
}

// formulas gives the workbook and its compiled formulas.
func (s *Snapshot) formulas(ctx context.Context) (calc.Input, *calc.Model, error) {
	in, err := s.input(ctx)
	if err != nil {
		return in, nil, err
	}
	model, err := s.modelOf(ctx, in, s.before)
	return in, model, err
}
