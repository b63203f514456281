package book

import (
	"context"
	"iter"
	"time"

	"gridflow/internal/calc"
	"gridflow/internal/calc/graph"
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
	opt := calc.Options{Now: serialNow(in.Book.Dates)}
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

// Precedents yields the ranges that the formula behind a cell reads or names, as far as its text
// tells, in the order in which it names them.
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

// Formulas is the compiled formulas of a snapshot, with the values that it has. It is immutable
// and may be used from any number of goroutines.
type Formulas struct {
	model *calc.Model
	in    calc.Input
}

// Formulas gives the compiled formulas of s, which all versions and forks of a workbook share as far
// as they are the same. All sheets are read whole, if they were not yet. The error is that of ctx,
// or what the Source says of a sheet that cannot be read.
func (s *Snapshot) Formulas(ctx context.Context) (*Formulas, error) {
	in, model, err := s.formulas(ctx)
	if err != nil {
		return nil, err
	}
	return &Formulas{model, in}, nil
}

// Graph gives what the formulas read.
func (f *Formulas) Graph() *graph.Graph { return f.model.Graph() }

// Reader gives a reader of what single formulas reach.
func (f *Formulas) Reader() *calc.Reader {
	return f.model.Reader(f.in, calc.Options{Now: serialNow(f.in.Book.Dates)})
}

// serialNow is the present moment as formulas have it.
func serialNow(dates numfmt.DateSystem) float64 {
	now := MomentAt(time.Now(), 0).Now
	if dates == numfmt.Date1904 {
		now -= days1904
	}
	return now
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
