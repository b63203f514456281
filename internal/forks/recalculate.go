package forks

import (
	"context"

	"gridflow/internal/book"
)

// Recalculate makes a version of a fork in which formulas are calculated anew: with all every
// one, whatever the file said; else those that are stale and those that depend on time or
// chance. It ends when all are calculated, however long that takes, or with ctx; what is cut
// off changes nothing. An undo goes back to the values before.
func (s *Store) Recalculate(ctx context.Context, id string, all bool, c Commit) (Result, error) {
	return s.commit(ctx, id, c, func(ctx context.Context, l *live) (step, error) {
		now, _, err := l.newest(ctx)
		if err != nil {
			return step{}, err
		}
		at := s.moment()
		next, did, err := s.calculate(ctx, now, *at, all, book.Limits{})
		if err != nil {
			return step{}, err
		}
		next = next.As(l.fork.id, now.Version+1)
		return step{recalculated, event{Tool: text(c.Tool), Label: text(c.Label), Calc: at}, nil, next, next.Since(now, 0, did), ""}, nil
	})
}

// Adopt makes a version of a fork in which formulas have the values that another program, by
// name, has calculated for the version that c expects: values is that of book.Snapshot.Values.
// The values are in the journal, and are not calculated again; an undo goes back to those before.
func (s *Store) Adopt(ctx context.Context, id string, values book.Edit, by string, c Commit) (Result, error) {
	if c.Expected == nil {
		return Result{}, fail(CodeBadInput, "", "values without the version that they are of")
	}
	return s.commit(ctx, id, c, func(ctx context.Context, l *live) (step, error) {
		now, _, err := l.newest(ctx)
		if err != nil {
			return step{}, err
		}
		next, changes, err := now.Apply(ctx, values)
		if err != nil {
			return step{}, err
		}
		did := &book.Calculation{}
		for _, op := range values.Ops {
			if o, ok := op.(book.GiveValues); ok {
				did.Calculated += len(o.Cells)
			}
		}
		for change := range changes.Changes() {
			if change.Old.Value != change.New.Value {
				did.Changed++
			}
		}
		changes.Calculation = did
		return step{valued, event{Tool: text(c.Tool), Label: text(c.Label), Why: text(by)}, &values, next, changes, ""}, nil
	})
}
