package book

import (
	"context"
	"errors"
	"sync/atomic"

	"gridflow/internal/calc"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// doubt is which cells of a stale version may be stale, once somebody has asked.
type doubt struct{ known atomic.Pointer[calc.Doubt] }

// StaleIn reports whether cells of a range of sheet i may have other values once the formulas of
// s are calculated. All that have a formula or lie in an array may, as long as no formulas were compiled; then it is those
// that depend on what was edited, on time or on chance, and those that arrays may come to fill. The error is that of
// ctx or of the Source.
func (s *Snapshot) StaleIn(ctx context.Context, i int, r cell.Range) (bool, error) {
	if !s.stale {
		return false, nil
	}
	d, err := s.doubts(ctx)
	if err != nil {
		return false, err
	}
	if d != nil {
		return d.Meets(i, r), nil
	}
	sheet, err := s.SheetTo(ctx, i, r.Last.Row)
	if err != nil || sheet.FormulaCells() == 0 {
		return false, err
	}
	return holdsFormulas(sheet, r), nil
}

// doubts gives the cells that may be stale, nil where only a look at all formulas would tell.
func (s *Snapshot) doubts(ctx context.Context) (*calc.Doubt, error) {
	if s.doubt == nil || s.before == nil {
		return nil, nil
	}
	if d := s.doubt.known.Load(); d != nil {
		return d, nil
	}
	if _, compiled := s.models.base.Peek(); !compiled {
		return nil, nil
	}
	in, model, opt, err := s.calculation(ctx, s.before, Moment{}, Limits{})
	if err != nil {
		return nil, err
	}
	d, err := model.Doubt(ctx, in, opt)
	if large := (*calc.ErrTooLarge)(nil); errors.As(err, &large) {
		return nil, nil
	}
	if err == nil {
		s.doubt.known.Store(d)
	}
	return d, err
}

// holdsFormulas reports whether a cell of a range has a formula or lies in an array.
func holdsFormulas(sheet *grid.Sheet, r cell.Range) bool {
	for range sheet.Arrays(r) {
		return true
	}
	for col := r.First.Col; col <= r.Last.Col; col++ {
		for range sheet.Formulas(col, r.First.Row, r.Last.Row) {
			return true
		}
	}
	return false
}
