package forks

import (
	"context"
	"errors"
	"fmt"

	"gridflow/internal/book"
	"gridflow/internal/workspace"
)

// MergeOptions say what becomes of conflicts.
type MergeOptions struct {
	Commit
	// All is the choice for conflicts that Choices does not name; nil leaves them open, and
	// then nothing is changed.
	All     *book.Choice
	Choices map[book.Target]book.Resolution
	Preview bool // nothing is changed
}

// Merging is what a merge did, or would do.
type Merging struct {
	Result    Result // zero where nothing was changed
	Done      bool
	With      string // what was merged: a fork with its version, or a workbook
	Rebased   bool   // the fork stands on a newer revision of its workbook now
	Cells     int    // that the merge sets
	Same      int    // that both had changed in the same way
	Conflicts []book.Conflict
}

// Merge brings into a fork what another fork of the same workbook has changed, whichever revision
// of it that one stands on. Where with names a workbook, Merge puts the fork's changes on the
// workbook as it is now. Conflicts that no choice is made for are told, and nothing is changed.
func (s *Store) Merge(ctx context.Context, id, with string, o MergeOptions) (m Merging, err error) {
	id, err = newest(id)
	if err != nil {
		return m, err
	}
	if IsFork(with) {
		return s.mergeFork(ctx, id, with, o)
	}
	return s.rebase(ctx, id, with, o)
}

func (s *Store) mergeFork(ctx context.Context, id, with string, o MergeOptions) (m Merging, err error) {
	other, version, err := split(with)
	if err != nil {
		return m, err
	}
	if other == id {
		return m, fail(CodeBadInput, "Name another fork, or use restore_checkpoint to go back to a version", "a fork cannot be merged with itself")
	}
	// Taken before, and not within the message to the fork: two forks that merge each other
	// would wait for one another.
	theirs, err := s.use(ctx, other, version)
	if err != nil {
		return m, err
	}
	defer theirs.hold.Release()
	m.With = fmt.Sprintf("%s@%d", other, theirs.snap.Version)
	info, err := s.Info(ctx, other)
	if err != nil {
		return m, err
	}
	err = s.merging(ctx, id, &m, o, func(ctx context.Context, l *live, ours *book.Snapshot) (*book.Merged, *book.Snapshot, event, error) {
		e := event{Tool: text(o.Tool), Label: text(o.Label), From: m.With}
		base := l.held(l.line.head())
		if base.SHA256 == theirs.hold.SHA256 {
			if err := s.near(ctx, base.Snapshot(), ours, theirs.snap); err != nil {
				return nil, nil, e, err
			}
			found, err := book.Merge(ctx, base.Snapshot(), ours, theirs.snap)
			return found, ours, e, err
		}
		if info.Workbook != l.line.workbook {
			return nil, nil, e, fail(CodeBadInput, "Compare them with diff_workbooks, and make what is wanted of it with edit_batch", "the forks are of different workbooks, %s and %s", l.line.path, info.Path)
		}
		if err := s.near(ctx, theirs.hold.Snapshot(), theirs.snap); err != nil {
			return nil, nil, e, err
		}
		found, err := book.MergeAcross(ctx, theirs.hold.Snapshot(), ours, theirs.snap)
		return found, ours, e, err
	})
	return m, err
}

// rebase puts the changes of a fork on a workbook as it is now.
func (s *Store) rebase(ctx context.Context, id, with string, o MergeOptions) (m Merging, err error) {
	info, err := s.Info(ctx, id)
	if err != nil {
		return m, err
	}
	// Before its bytes are copied: the workbook of a fork does not change.
	if entry, err := s.bases.Lookup(ctx, with); err == nil && entry.ID != info.Workbook {
		return m, fail(CodeBadInput, "Compare them with diff_workbooks; a fork moves only to newer contents of its own workbook", "%s is not the workbook that the fork was made of, which is %s", entry.Path, info.Path)
	}
	entry, onto, err := s.keep(ctx, with)
	var gone *workspace.Error
	if errors.As(err, &gone) && gone.Code == workspace.CodeNotFound {
		if info.Workbook == with {
			return m, fail(workspace.CodeNotFound, "The fork stands on a copy of it: save it to another path", "%s is no longer there", info.Path)
		}
	}
	if err != nil {
		return m, err
	}
	defer func() {
		if !m.Done {
			s.leaveAfter(err, onto.Base)
		}
		onto.Release()
	}()
	m.With, m.Rebased = entry.ID, true
	err = s.merging(ctx, id, &m, o, func(ctx context.Context, l *live, ours *book.Snapshot) (*book.Merged, *book.Snapshot, event, error) {
		base := l.held(l.line.head())
		if entry.ID != l.line.workbook { // the name has come to mean another since
			return nil, nil, event{}, fail(CodeConflict, "Send the call again", "%s has become another workbook meanwhile", entry.Path)
		}
		e := event{Tool: text(o.Tool), Label: text(o.Label), Base: &onto.Base, From: entry.ID, hold: onto}
		if base.SHA256 == onto.SHA256 {
			return nil, nil, e, fail(CodeNothing, "There is nothing to merge", "%s is what the fork stands on", entry.Path)
		}
		if err := s.near(ctx, base.Snapshot(), ours); err != nil {
			return nil, nil, e, err
		}
		found, err := book.Rebase(ctx, base.Snapshot(), ours, onto.Snapshot())
		return found, l.openedAs(onto), e, err
	})
	return m, err
}

// merging runs a merge on the fork, alone. find gives what it comes to, the snapshot that its
// edit is for, and the record.
func (s *Store) merging(ctx context.Context, id string, m *Merging, o MergeOptions, find func(context.Context, *live, *book.Snapshot) (*book.Merged, *book.Snapshot, event, error)) error {
	errOpen := fail(CodeConflict, "", "")
	r, err := s.commit(ctx, id, o.Commit, func(ctx context.Context, l *live) (step, error) {
		ours, _, err := l.newest(ctx)
		if err != nil {
			return step{}, err
		}
		found, ground, e, err := find(ctx, l, ours)
		if err != nil {
			return step{}, err
		}
		m.Conflicts, m.Same = found.Conflicts, found.Same
		choices := make(map[book.Target]book.Resolution, len(found.Conflicts))
		open := 0
		for _, c := range found.Conflicts {
			if r, ok := o.Choices[c.Target]; ok {
				choices[c.Target] = r
			} else if o.All != nil && c.Lost {
				choices[c.Target] = book.Resolution{Choice: found.Stay()} // there is no other
			} else if o.All != nil {
				choices[c.Target] = book.Resolution{Choice: *o.All}
			} else {
				open++
			}
		}
		if open > 0 {
			m.Cells = found.Edit.Cells()
			return step{}, errOpen
		}
		for t, r := range o.Choices {
			choices[t] = r // one that fits no conflict is told
		}
		edit, err := found.Resolve(choices)
		if err != nil {
			return step{}, err
		}
		m.Cells = edit.Cells()
		if len(edit.Ops) == 0 && !m.Rebased { // not by its cells: it may be columns alone
			return step{}, fail(CodeNothing, "Nothing was changed", "%s has nothing that the fork has not", m.With)
		}
		made, err := s.make(ctx, ground, edit, (*book.Snapshot).Replay)
		if err != nil {
			return step{}, err
		}
		if o.Preview {
			return step{}, errOpen
		}
		e.Cells, e.Calc = m.Cells, made.at
		if m.Rebased {
			return step{rebased, e, &edit, made.snap, made.changes, made.why}, nil
		}
		return step{edited, e, &edit, made.snap, made.changes, made.why}, nil
	})
	if err == error(errOpen) {
		return nil
	}
	if err == nil {
		m.Result, m.Done = r, true
	}
	return err
}
