package forks

import (
	"context"
	"errors"

	"gridflow/internal/journal"
	"gridflow/internal/workspace"
)

// stand is a base and the number of forks, made or being made, that stand on it.
type stand struct {
	base  workspace.Base
	forks int
}

// standLocked counts one more fork that stands on b.
func (s *Store) standLocked(b workspace.Base) {
	name := nameOf(b)
	s.standing[name] = stand{b, s.standing[name].forks + 1}
}

// nameOf tells bases apart.
func nameOf(b workspace.Base) string { return b.SHA256 + b.Ext }

// keep keeps a workbook as it is now, and counts that a fork stands on it.
func (s *Store) keep(ctx context.Context, id string) (workspace.Entry, *workspace.Hold, error) {
	s.dropping.RLock()
	defer func() {
		s.dropping.RUnlock()
		s.dropUnused()
	}()
	entry, hold, err := s.bases.KeepBase(ctx, id)
	if err == nil {
		s.mu.Lock()
		s.standLocked(hold.Base)
		s.mu.Unlock()
	}
	return entry, hold, err
}

// standBeside counts one more fork that stands on a base; ok is false where none does.
func (s *Store) standBeside(b workspace.Base) (ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ok = s.standing[nameOf(b)].forks > 0; ok {
		s.standLocked(b)
	}
	return ok
}

// leave counts a fork that stands on a base no more, and drops the base after the last.
func (s *Store) leave(b workspace.Base) {
	name := nameOf(b)
	s.mu.Lock()
	if at := s.standing[name]; at.forks > 1 {
		s.standing[name] = stand{b, at.forks - 1}
	} else {
		delete(s.standing, name)
		s.unused[name] = b
	}
	s.mu.Unlock()
	s.dropUnused()
}

// leaveAfter is leave for a fork whose record could not be written because of err. Where the
// record may be in the journal all the same, the fork may be there after the next start.
func (s *Store) leaveAfter(err error, b workspace.Base) {
	if !errors.Is(err, journal.ErrPoisoned) {
		s.leave(b)
	}
}

// dropUnused drops the bases that nothing stands on, unless somebody is about to stand on
// one: then that caller does it, when it has come to an end.
func (s *Store) dropUnused() {
	for s.hasUnused() && s.dropping.TryLock() {
		for _, b := range s.takeUnused() {
			if err := s.bases.DropBase(b); err != nil {
				s.o.Logger.Warn("a base that nothing stands on cannot be removed", "base", b.SHA256, "error", err)
			}
		}
		s.dropping.Unlock()
	}
}

func (s *Store) hasUnused() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.unused) > 0
}

// takeUnused gives the bases that can be dropped. Nobody begins to stand on one while
// dropping is held for writing: standBeside finds none there.
func (s *Store) takeUnused() (list []workspace.Base) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, b := range s.unused {
		if s.standing[name].forks == 0 && s.unread == 0 {
			list = append(list, b)
		}
	}
	clear(s.unused)
	return list
}
