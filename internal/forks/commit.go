package forks

import (
	"cmp"
	"context"
	"errors"
	"time"

	"gridflow/internal/audit"
	"gridflow/internal/book"
)

// A Commit says how a fork is to be changed.
type Commit struct {
	Expected *uint64 // the version that the fork must have; nil: any
	Tool     string  // that makes the change, for the history
	Label    string

	// Account is asked, while a change is staged, what its maker wants to hear of it again (Staged.Account).
	Account func(*book.Changeset) string
}

// A Result is a version that a commit has made.
type Result struct {
	Version   uint64
	Before    uint64 // the version that it was made on
	Changeset *book.Changeset
	Info      Info
	Staged    Staged // the change as it was staged, where it was
}

// Edit makes the next version of a fork: edit on the newest. It is all or nothing, durable
// when Edit returns, and seen by every reader that begins after.
func (s *Store) Edit(ctx context.Context, id string, edit book.Edit, c Commit) (Result, error) {
	return s.commit(ctx, id, c, func(ctx context.Context, l *live) (step, error) {
		now, hold, err := l.newest(ctx)
		if err != nil {
			return step{}, err
		}
		if err := savable(now, hold.File(), edit); err != nil {
			return step{}, err
		}
		m, err := s.make(ctx, now, edit, (*book.Snapshot).Apply)
		if err != nil {
			return step{}, err
		}
		return step{edited, event{Tool: text(c.Tool), Label: text(c.Label), Cells: edit.Cells(), Calc: m.at}, &edit, m.snap, m.changes, m.why}, nil
	})
}

// A step is what a commit comes to: the record that makes it durable, and what follows.
type step struct {
	kind    kind
	event   event
	edit    *book.Edit     // of the record, nil where it has none
	next    *book.Snapshot // the content of the version that is made
	changes *book.Changeset
	why     string // next cannot be calculated
}

// commit checks the version, makes what fn says durable and true, and gives the result.
func (s *Store) commit(ctx context.Context, id string, c Commit, fn func(ctx context.Context, l *live) (step, error)) (r Result, err error) {
	id, err = newest(id)
	if err != nil {
		return r, err
	}
	err = s.call(ctx, id, func(ctx context.Context, l *live) error {
		r.Before = l.line.head()
		if c.Expected != nil && *c.Expected != r.Before {
			return conflict(*c.Expected, r.Before)
		}
		out, err := fn(ctx, l)
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		if out.next != nil {
			l.why = out.why
		}
		if err := l.commit(out.kind, out.event, out.edit, out.next); err != nil {
			return err
		}
		l.finishBehind(out.next)
		r.Version, r.Changeset = l.line.head(), out.changes
		audit.Record(ctx, audit.Change{Kind: audit.VersionMade, ID: id, Item: cmp.Or(out.event.Change, out.event.ID), Version: r.Version})
		l.anchor(ctx)
		l.shorten(ctx)
		r.Info = l.fork.known()
		return nil
	})
	if ours := (*Error)(nil); errors.As(err, &ours) && ours.Code == CodeConflict {
		s.conflicts.Add(1)
	}
	return r, err
}

// Undo goes back by steps commits, Redo forward again, as one commit: by all of them or by
// none. There is nothing to redo after another change.
func (s *Store) Undo(ctx context.Context, id string, steps int, c Commit) (Result, error) {
	return s.walk(ctx, id, steps, whyUndo, c)
}

// Redo is Undo's opposite.
func (s *Store) Redo(ctx context.Context, id string, steps int, c Commit) (Result, error) {
	return s.walk(ctx, id, steps, whyRedo, c)
}

func (s *Store) walk(ctx context.Context, id string, steps int, why string, c Commit) (Result, error) {
	if steps < 1 {
		return Result{}, fail(CodeBadInput, "Give 1 or more", "%d steps", steps)
	}
	return s.commit(ctx, id, c, func(ctx context.Context, l *live) (step, error) {
		stack := l.line.undo
		if why == whyRedo {
			stack = l.line.redo
		}
		if len(stack) < steps && why == whyUndo && l.line.first > 0 {
			return step{}, l.goneBy("there are %d steps to undo, not %d, of the versions that are kept", len(stack), steps)
		}
		if len(stack) < steps {
			return step{}, fail(CodeNothing, "Call fork_history to see the versions; restore_checkpoint goes to any of them",
				"there are %d steps to %s, not %d", len(stack), why, steps)
		}
		return l.goTo(ctx, stack[len(stack)-steps], event{Why: why, Steps: steps, Tool: text(c.Tool), Label: text(c.Label)})
	})
}

// goTo says how the fork gets the content of a version.
func (l *live) goTo(ctx context.Context, v uint64, e event) (step, error) {
	snap, _, err := l.at(ctx, v)
	e.Of = v
	return step{kind: moved, event: e, next: snap}, err
}

// Restore gives the fork the content of an earlier version: a checkpoint's, or that of a
// version number.
func (s *Store) Restore(ctx context.Context, id, checkpoint string, version *uint64, c Commit) (Result, error) {
	return s.commit(ctx, id, c, func(ctx context.Context, l *live) (step, error) {
		e := event{Why: whyRestore, Tool: text(c.Tool), Label: text(c.Label), ID: checkpoint}
		if version != nil {
			return l.goTo(ctx, *version, e)
		}
		cp, ok := l.line.checkpoint(checkpoint)
		if !ok {
			return step{}, noCheckpoint(id, checkpoint)
		}
		return l.goTo(ctx, cp.Version, e)
	})
}

func noCheckpoint(id, checkpoint string) error {
	return fail(CodeCheckpoint, "Call list_checkpoints", "fork %s has no checkpoint %q", id, clip(checkpoint))
}

// note makes a record durable that makes no version. Where there are more functions they see
// the fork after it.
func (s *Store) note(ctx context.Context, id string, fn func(ctx context.Context, l *live) (kind, event, *book.Edit, error), after ...func(l *live)) error {
	id, err := newest(id)
	if err != nil {
		return err
	}
	return s.call(ctx, id, func(ctx context.Context, l *live) error {
		k, e, edit, err := fn(ctx, l)
		if err != nil {
			return err
		}
		if err := l.commit(k, e, edit, nil); err != nil {
			return err
		}
		for _, see := range after {
			see(l)
		}
		return nil
	})
}

// Checkpoint names the newest version.
func (s *Store) Checkpoint(ctx context.Context, id, label string) (cp Checkpoint, err error) {
	err = s.note(ctx, id, func(_ context.Context, l *live) (kind, event, *book.Edit, error) {
		if len(l.line.checkpoints) >= s.o.CheckpointsMax {
			return 0, event{}, nil, fail(CodeLimit, "Delete one that is no longer needed (list_checkpoints, delete_checkpoint)", "fork %s has %d checkpoints, which is as many as there may be", id, s.o.CheckpointsMax)
		}
		return checkpointed, event{ID: "cp-" + randomID(), Label: text(label), Of: l.line.head()}, nil, nil
	}, func(l *live) {
		cp = l.line.checkpoints[len(l.line.checkpoints)-1]
		audit.Record(ctx, audit.Change{Kind: audit.CheckpointMade, ID: l.fork.id, Item: cp.ID, Version: cp.Version})
	})
	return cp, err
}

// Checkpoints lists the checkpoints of a fork, the oldest first.
func (s *Store) Checkpoints(ctx context.Context, id string) (list []Checkpoint, err error) {
	err = s.look(ctx, id, func(l *live) error { list = append(list, l.line.checkpoints...); return nil })
	return list, err
}

// DeleteCheckpoint forgets a name; the version stays.
func (s *Store) DeleteCheckpoint(ctx context.Context, id, checkpoint string) error {
	return s.note(ctx, id, func(_ context.Context, l *live) (kind, event, *book.Edit, error) {
		if _, ok := l.line.checkpoint(checkpoint); !ok {
			return 0, event{}, nil, noCheckpoint(id, checkpoint)
		}
		return uncheckedOut, event{ID: checkpoint}, nil, nil
	}, func(l *live) {
		audit.Record(ctx, audit.Change{Kind: audit.CheckpointDeleted, ID: l.fork.id, Item: checkpoint})
	})
}

// Stage keeps an edit to be applied later. It is checked as an edit is, and the changes
// that it would make are given; the fork stays as it is.
func (s *Store) Stage(ctx context.Context, id string, edit book.Edit, c Commit) (st Staged, changes *book.Changeset, err error) {
	err = s.note(ctx, id, func(ctx context.Context, l *live) (kind, event, *book.Edit, error) {
		if c.Expected != nil && *c.Expected != l.line.head() {
			return 0, event{}, nil, conflict(*c.Expected, l.line.head())
		}
		if len(l.line.staged) >= s.o.StagedMax {
			return 0, event{}, nil, fail(CodeLimit, "Apply or discard one (list_staged_changes)", "fork %s has %d staged changes, which is as many as there may be", id, s.o.StagedMax)
		}
		now, hold, err := l.newest(ctx)
		if err != nil {
			return 0, event{}, nil, err
		}
		if err := savable(now, hold.File(), edit); err != nil {
			return 0, event{}, nil, err
		}
		m, err := s.make(ctx, now, edit, (*book.Snapshot).Apply)
		if err != nil {
			return 0, event{}, nil, err
		}
		changes = m.changes
		e := event{ID: "chg-" + randomID(), Label: text(c.Label), Tool: text(c.Tool), Of: l.line.head(), Cells: edit.Cells()}
		if c.Account != nil {
			e.Account = text(c.Account(changes))
		}
		return staged, e, &edit, nil
	}, func(l *live) {
		st = l.line.staged[len(l.line.staged)-1]
		audit.Record(ctx, audit.Change{Kind: audit.ChangeStaged, ID: l.fork.id, Item: st.ID, Version: st.Version})
	})
	return st, changes, err
}

// StagedChanges lists the staged changes of a fork, the oldest first.
func (s *Store) StagedChanges(ctx context.Context, id string) (list []Staged, err error) {
	err = s.look(ctx, id, func(l *live) error { list = append(list, l.line.staged...); return nil })
	return list, err
}

// ApplyStaged makes a version of a staged change, if the fork still has the content that it
// was made for.
func (s *Store) ApplyStaged(ctx context.Context, id, change string, c Commit) (Result, error) {
	var was Staged
	r, err := s.commit(ctx, id, c, func(ctx context.Context, l *live) (step, error) {
		st, ok := l.line.stagedChange(change)
		if !ok {
			return step{}, noChange(id, change)
		}
		if l.line.content(st.Version) != l.line.content(l.line.head()) {
			e := conflict(st.Version, l.line.head())
			e.(*Error).Hint = "Look at what has changed since, then stage it anew; or discard it with discard_staged_change"
			return step{}, e
		}
		edit, _, err := l.edit(st.pos)
		if err != nil {
			return step{}, err
		}
		now, _, err := l.newest(ctx)
		if err != nil {
			return step{}, err
		}
		m, err := s.make(ctx, now, edit, (*book.Snapshot).Apply)
		if err != nil {
			return step{}, err
		}
		was = st
		return step{edited, event{Tool: st.Tool, Label: st.Label, Cells: st.Cells, Change: st.ID, Calc: m.at}, &edit, m.snap, m.changes, m.why}, nil
	})
	r.Staged = was
	return r, err
}

// DiscardStaged forgets a staged change.
func (s *Store) DiscardStaged(ctx context.Context, id, change string) error {
	return s.note(ctx, id, func(_ context.Context, l *live) (kind, event, *book.Edit, error) {
		if _, ok := l.line.stagedChange(change); !ok {
			return 0, event{}, nil, noChange(id, change)
		}
		return unstaged, event{ID: change}, nil, nil
	}, func(l *live) {
		audit.Record(ctx, audit.Change{Kind: audit.ChangeDiscarded, ID: l.fork.id, Item: change})
	})
}

func noChange(id, change string) error {
	return fail(CodeChange, "Call list_staged_changes", "fork %s has no staged change %q", id, clip(change))
}

// look runs fn on the history of a fork.
func (s *Store) look(ctx context.Context, id string, fn func(l *live) error) error {
	id, err := newest(id)
	if err != nil {
		return err
	}
	return s.call(ctx, id, func(_ context.Context, l *live) error { return fn(l) })
}

// A Version is one entry of a fork's history.
type Version struct {
	Number uint64
	At     time.Time
	What   string // "created", "edit", "undo", "redo", "restore", "rebase", "recalculate"
	Of     uint64 // the version whose content it has, where it has none of its own
	Tool   string
	Label  string
	Cells  int
	ID     string // the checkpoint that was restored, the staged change that was applied
}

// History lists the versions from one on, the oldest first, at most limit of them. Those that
// are not kept any more are left out: see Info.First.
func (s *Store) History(ctx context.Context, id string, from uint64, limit int) (list []Version, err error) {
	err = s.look(ctx, id, func(l *live) error {
		for n := max(from, l.line.first); n <= l.line.head() && len(list) < limit; n++ {
			list = append(list, l.line.version(n))
		}
		return nil
	})
	return list, err
}

func (l *line) version(n uint64) Version {
	v := l.rec(n)
	by := v.said.Value()
	out := Version{Number: n, At: time.Unix(0, v.at), Of: v.content, Tool: by.tool, Label: by.label, Cells: v.cells, ID: by.id, What: by.why}
	switch v.kind {
	case created:
		out.What = "created"
	case edited:
		out.What = "edit"
	case recalculated, valued:
		out.What = "recalculate"
	case rebased:
		out.What = "rebase"
	}
	return out
}

// EditsOf gives the edits of the versions from one on, at most limit versions of them. Of the
// oldest version of a line that was shortened there is the content, and no edit.
func (s *Store) EditsOf(ctx context.Context, id string, from uint64, limit int) (versions []Version, edits []book.Edit, err error) {
	err = s.look(ctx, id, func(l *live) error {
		for n := max(from, l.line.first); n <= l.line.head() && len(versions) < limit; n++ {
			v := l.line.rec(n)
			if v.kind != edited && v.kind != rebased || v.entire {
				continue
			}
			edit, _, err := l.edit(v.pos)
			if err != nil {
				return err
			}
			versions, edits = append(versions, l.line.version(n)), append(edits, edit)
		}
		return nil
	})
	return versions, edits, err
}
