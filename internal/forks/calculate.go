package forks

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"gridflow/internal/book"
)

// moment is the clock and the seed of a calculation that is made now.
func (s *Store) moment() *book.Moment {
	m := book.MomentAt(s.o.Now(), rand.Uint64())
	return &m
}

// made is a content in the making: an edit that was applied, and its formulas calculated as
// far as the budget went.
type made struct {
	snap    *book.Snapshot
	changes *book.Changeset
	at      *book.Moment
}

// make applies an edit and calculates what depends on it. A calculation that takes longer than
// its budget is made behind: the content is stale until then. apply is (*book.Snapshot).Apply, or
// Replay where the edit was made of what others have changed.
func (s *Store) make(ctx context.Context, on *book.Snapshot, edit book.Edit, apply func(*book.Snapshot, context.Context, book.Edit) (*book.Snapshot, *book.Changeset, error)) (made, error) {
	next, changes, err := apply(on, ctx, edit)
	if err != nil {
		return made{}, err
	}
	m := made{next, changes, nil}
	if s.o.CalcBudget < 0 || !next.Stale() {
		return m, nil // no moment: random numbers stay what they are
	}
	m.at = s.moment()
	within, cancel := context.WithTimeout(ctx, s.o.CalcBudget)
	defer cancel()
	fresh, did, err := next.Refresh(within, *m.at)
	switch {
	case ctx.Err() != nil:
		return made{}, context.Cause(ctx)
	case err != nil: // out of time, or a sheet cannot be read: the edit is good all the same
		return m, nil
	}
	m.snap, m.changes = fresh, fresh.Since(on, changes.Edited, did)
	return m, nil
}

// behind calculates what a commit had no time for. Only the newest version is: what is edited
// meanwhile takes the rest along.
func (s *Store) behind(l *live, snap *book.Snapshot, at book.Moment) {
	id, v := l.fork.id, l.line.content(l.line.head())
	hold := l.holds[l.line.versions[l.line.head()].base].Again()
	s.done.Go(func() {
		defer hold.Release()
		fresh, _, err := snap.Refresh(s.run, at)
		if err != nil {
			if s.run.Err() == nil {
				s.o.Logger.Warn("formulas could not be calculated", "fork", id, "version", v, "err", err)
			}
			return
		}
		_ = s.call(s.run, id, func(ctx context.Context, l *live) error {
			if l.line.content(l.line.head()) != v {
				return nil
			}
			l.replace(v, fresh)
			return nil
		})
	})
}

// replace puts the calculated content of the newest version in the place of the stale one.
func (l *live) replace(v uint64, snap *book.Snapshot) {
	now := l.line.head()
	if i := slices.IndexFunc(l.kept, func(k kept) bool { return k.version == v }); i >= 0 {
		l.forget(i)
	}
	l.remember(v, snap)
	if int(l.line.versions[now].base) >= len(l.holds) || l.holds[l.line.versions[now].base] == nil {
		return // it was let go meanwhile; it is calculated when somebody asks again
	}
	hold := l.holds[l.line.versions[now].base]
	l.fork.publish(&head{snap.As(l.fork.id, now), hold.Again()}, l.line.info(l.fork.id, snap.Stale()))
	l.store.changed(l.fork.id, now)
}

// calcBudget is what a commit may spend on calculation where the options do not say.
const calcBudget = 2 * time.Second
