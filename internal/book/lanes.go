package book

import (
	"context"

	"gridflow/internal/calc"
)

// Lanes prepares the formulas of s to be calculated for many sets of inputs side by side (see
// [calc.Model.Lanes]); nil where the sets have to be calculated one by one. s is a version that was
// calculated at the moment at with all formulas true ([Snapshot.Whole]), or has one of the sets and was not
// calculated since. The error is as CalculateWithin has it.
func (s *Snapshot) Lanes(ctx context.Context, at Moment, limits Limits, inputs []calc.LaneInput, outputs []calc.Cell) (*calc.Lanes, error) {
	since := s
	if s.stale && s.before != nil {
		since = s.before
	}
	in, model, opt, err := s.calculation(ctx, since, at, limits)
	if err != nil {
		return nil, err
	}
	return model.Lanes(ctx, in, opt, inputs, outputs)
}
