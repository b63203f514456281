package forks

import (
	"context"
	"time"

	"gridflow/internal/audit"
	"gridflow/internal/crew"
)

// Discard ends a fork for good. Readers under way go on.
func (s *Store) Discard(ctx context.Context, id string) error {
	id, err := newest(id)
	if err != nil {
		return err
	}
	return s.call(ctx, id, func(ctx context.Context, l *live) error { return l.discardFor(ctx) })
}

// discardFor is discard for a caller.
func (l *live) discardFor(ctx context.Context) error {
	err := l.discard()
	if err == nil {
		audit.Record(ctx, audit.Change{Kind: audit.ForkDiscarded, ID: l.fork.id})
	}
	return err
}

func (l *live) discard() error {
	if err := l.store.log.End(l.fork.stream); err != nil {
		return l.store.journalError(err)
	}
	l.gone = true
	s := l.store
	s.mu.Lock()
	delete(s.forks, l.fork.id)
	s.mu.Unlock()
	s.supersede(l.fork.id)
	l.release()
	for _, b := range l.line.bases {
		s.leave(b)
	}
	s.changed(l.fork.id, l.line.head()+1)
	return nil
}

// expire discards forks that nobody has used for their time to live.
func (s *Store) expire(ctx context.Context) {
	ticker := time.NewTicker(expireEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if err := crew.Call(func() error { s.expireOnce(ctx); return nil }); err != nil {
				s.o.Logger.Error("looking for forks whose time is over", "error", err)
			}
		}
	}
}

// expireEvery is how exact a time to live is.
const expireEvery = time.Second

func (s *Store) expireOnce(ctx context.Context) {
	s.mu.Lock()
	var due []*fork
	for _, f := range s.forks {
		if f.expired() {
			due = append(due, f)
		}
	}
	s.mu.Unlock()
	if len(due) > 0 && s.log.Stats().Poisoned != nil {
		return // nothing can be discarded any more, as every caller is told
	}
	if len(due) > 0 && s.o.Begin != nil {
		// To discard a fork is to read what it stands on where it is not in memory, and the
		// journal is written: work like a call's, which comes after all calls.
		under, end, err := s.o.Begin(ctx)
		if err != nil {
			if ctx.Err() == nil {
				s.o.Logger.Debug("forks whose time is over are discarded later", "forks", len(due), "error", err)
			}
			return
		}
		defer end()
		ctx = under
	}
	for _, f := range due {
		// Not by call, which is a use.
		over := false
		err := s.registry.Call(ctx, f.id, func(_ context.Context, l *live) error {
			if l.gone || !f.expired() {
				return nil
			}
			over = true
			return l.discard()
		})
		if err == nil && !over {
			continue
		}
		if err == nil && s.o.Expired != nil {
			s.o.Expired(f.id, f.owner())
		}
		if err == nil {
			s.o.Logger.Info("a fork was discarded: nobody has used it for its time to live", "fork", f.id)
		} else if ctx.Err() == nil {
			s.o.Logger.Warn("a fork whose time is over cannot be discarded", "fork", f.id, "error", err)
		}
	}
}
