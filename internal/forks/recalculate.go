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
