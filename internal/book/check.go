package book

import (
	"context"
	"math"

	"gridflow/internal/calc/graph"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// Check counts the formulas of a workbook by how their stored values compare to calculated ones.
type Check struct {
	Formulas  int // cells with a formula
	Missing   int // without a stored value
	Volatile  int // that depend on time, chance or the environment, and are not compared
	Different int
}

// Difference is a cell whose stored value is not what its formula gives.
type Difference struct {
	Sheet              string
	Ref                cell.Ref
	Formula            string // as people type it; of a cell that an array fills, that of the array
	Stored, Calculated cell.Value
}

// Check calculates every formula of s and compares it with the value that is stored: of an
// unedited workbook that of the file, else that of s. Numbers that differ by no more than
// tolerance, as a part of the larger one, are the same. each is told of the differences, by sheet,
// row and column. Nothing is changed.
func (s *Snapshot) Check(ctx context.Context, at Moment, tolerance float64, each func(Difference)) (c Check, err error) {
	if len(s.sheets) == 0 {
		s = s.Stored()
	}
	done, volatile, err := s.recalculated(ctx, at)
	if err != nil {
		return c, err
	}
	return s.compare(ctx, done, volatile.Contains, tolerance, each)
}

// recalculated gives s with all its formulas calculated, and those of them that may have
// other values the next time.
func (s *Snapshot) recalculated(ctx context.Context, at Moment) (*Snapshot, *graph.Dirty, error) {
	done, _, err := s.Calculate(ctx, nil, at)
	if err != nil {
		return nil, nil, err
	}
	volatile, err := done.model.Graph().Dirty(ctx, nil, s.most)
	return done, volatile, err
}

// Opinion compares what gridflow calculates of all formulas of s with what theirs has, which is s
// with values that another program gave them (see GiveValues): of a Difference, Stored is
// gridflow's. Else it is Check.
func (s *Snapshot) Opinion(ctx context.Context, at Moment, theirs *Snapshot, tolerance float64, each func(Difference)) (c Check, err error) {
	done, volatile, err := s.recalculated(ctx, at)
	if err != nil {
		return c, err
	}
	return done.compare(ctx, theirs, volatile.Contains, tolerance, each)
}

// CheckGiven compares the values of s, those of its file where it is unedited, with those that
// theirs has, which is s with values that another program gave its formulas. Else it is Check.
func (s *Snapshot) CheckGiven(ctx context.Context, theirs *Snapshot, tolerance float64, each func(Difference)) (c Check, err error) {
	if len(s.sheets) == 0 {
		s = s.Stored()
	}
	in, err := s.input(ctx)
	if err != nil {
		return c, err
	}
	model, err := s.modelOf(ctx, in, nil)
	if err != nil {
		return c, err
	}
	volatile, err := model.Graph().Dirty(ctx, nil, s.most)
	if err != nil {
		return c, err
	}
	return s.compare(ctx, theirs, volatile.Contains, tolerance, each)
}

// compare goes over the cells that differ between two states of one workbook with the same
// formulas.
func (s *Snapshot) compare(ctx context.Context, theirs *Snapshot, volatile func(sheet int, r cell.Ref) bool, tolerance float64, each func(Difference)) (c Check, err error) {
	for i, info := range s.Workbook().Sheets {
		if info.Kind != grid.Worksheet {
			continue
		}
		was, is, err := bothSheets(ctx, s, theirs, i)
		if err != nil {
			return c, err
		}
		c.Formulas += was.FormulaCells()
		for x, y := range grid.Diff(was, is, nil) {
			d := Difference{Sheet: info.Name, Ref: y.Ref, Stored: x.Value, Calculated: y.Value}
			if _, there := is.At(y.Ref); !there {
				d.Ref = x.Ref
			}
			switch {
			case x.HasFormula() && x.Value.IsBlank():
				c.Missing++
			case volatile(i, d.Ref):
				c.Volatile++
			case !near(x.Value, y.Value, tolerance):
				c.Different++
				if d.Formula = FormulaText(is, y); d.Formula == "" {
					d.Formula = FormulaText(was, x)
				}
				each(d)
			}
		}
	}
	return c, nil
}

// near reports whether a stored value and a calculated one are the same within a tolerance. Some
// programs write errors as texts.
func near(a, b cell.Value, tolerance float64) bool {
	if a.Kind() == cell.Text && b.Kind() == cell.Error {
		return a.Text() == b.String()
	}
	if a.Kind() == cell.Number && b.Kind() == cell.Number {
		x, y := a.Number(), b.Number()
		return math.Abs(x-y) <= tolerance*max(math.Abs(x), math.Abs(y))
	}
	// No other program has an error of its own for what depends on itself.
	return a == b || a.Err() == cell.ErrCirc && b.Kind() == cell.Error
}
