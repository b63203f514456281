package forks

import (
	"fmt"
	"slices"
	"time"

	"gridflow/internal/journal"
	"gridflow/internal/workspace"
)

// line is the history of a fork: which versions there are and where their contents come
// from. It holds no cell. The records of the journal drive it, in the order in which they
// were written, and nothing else does: the same records give the same line.
type line struct {
	workbook string // id of the workbook that the fork was made of
	path     string // of its file, relative to its root
	label    string
	from     string
	created  time.Time
	ttl      time.Duration

	bases    []workspace.Base
	versions []version
	undo     []uint64 // versions whose contents an undo goes back to, the next one last
	redo     []uint64

	checkpoints []Checkpoint
	staged      []Staged

	savedSum    map[string][]string // by path: what this line has left there, the last one or two hashes
	savedAt     uint64              // the version that was last saved
	edits       int                 // commits that changed cells
	sinceAnchor int                 // edits since the content was last written whole
}

// version is one commit.
type version struct {
	at      time.Time
	kind    kind
	content uint64 // the version whose content this one has: itself, unless it was moved
	parent  uint64 // of a content of its own: the content that it was made on
	base    int    // index in bases
	fresh   bool   // the content begins at the base and not at parent
	pos     journal.Pos
	anchor  journal.Pos // where the content stands whole, 0 where it does not
	cells   int
	why     string
	tool    string
	label   string
	id      string // the checkpoint that was restored, or the staged change that was applied
}

// A Checkpoint is a version with a name.
type Checkpoint struct {
	ID      string
	Label   string
	Version uint64
	Created time.Time
}

// A Staged change is an edit that waits to be applied.
type Staged struct {
	ID      string
	Label   string
	Tool    string
	Version uint64 // that it was made for
	Cells   int
	Created time.Time

	pos journal.Pos
}

// head is the number of the newest version.
func (l *line) head() uint64 { return uint64(len(l.versions) - 1) }

// content is the version whose content version v has.
func (l *line) content(v uint64) uint64 { return l.versions[v].content }

// apply notes a record. An error means that the record can't follow those before it.
func (l *line) apply(k kind, e event, pos journal.Pos, at time.Time) error {
	if (len(l.versions) == 0) != (k == created) {
		return fmt.Errorf("%w: kind %d at version %d", errRecord, k, len(l.versions))
	}
	if e.Of > uint64(max(len(l.versions)-1, 0)) {
		return fmt.Errorf("%w: version %d is not there", errRecord, e.Of)
	}
	v := version{at: at, kind: k, pos: pos, cells: e.Cells, why: e.Why, tool: e.Tool, label: e.Label, id: e.ID}
	if e.Change != "" {
		v.id = e.Change
	}
	switch k {
	case created:
		if e.Base == nil {
			return fmt.Errorf("%w: no base", errRecord)
		}
		*l = line{
			workbook: e.Workbook, path: e.Path, label: e.Label, from: e.From, created: at, ttl: time.Duration(e.TTL),
			bases: []workspace.Base{*e.Base}, savedSum: make(map[string][]string),
		}
		v.fresh = true
		l.versions = append(l.versions, v)
	case edited:
		l.unstage(e.Change)
		l.change(v)
	case rebased:
		if e.Base == nil {
			return fmt.Errorf("%w: no base", errRecord)
		}
		l.bases = append(l.bases, *e.Base)
		v.base, v.fresh = len(l.bases)-1, true
		l.push(v)
		l.versions[l.head()].base = v.base
	case moved:
		return l.move(v, e)
	case checkpointed:
		l.checkpoints = append(l.checkpoints, Checkpoint{e.ID, e.Label, e.Of, at})
	case uncheckedOut:
		l.checkpoints = slices.DeleteFunc(l.checkpoints, func(c Checkpoint) bool { return c.ID == e.ID })
	case staged:
		l.staged = append(l.staged, Staged{e.ID, e.Label, e.Tool, e.Of, e.Cells, at, pos})
	case unstaged:
		l.unstage(e.ID)
	case saving: // nobody knows whether it came to that until it was saved
		l.savedSum[e.Path] = append(l.savedSum[e.Path], e.Sum)
	case saved:
		l.savedSum[e.Path], l.savedAt = []string{e.Sum}, e.Of
	case anchored:
		l.versions[l.content(e.Of)].anchor = pos
		l.sinceAnchor = 0
	default:
		return fmt.Errorf("%w: of the unknown kind %d; a newer version of the program wrote it", errRecord, k)
	}
	return nil
}

// change adds a version with a content of its own, made on the present one.
func (l *line) change(v version) {
	now := l.versions[l.head()]
	v.parent, v.base = now.content, now.base
	l.push(v)
}

func (l *line) push(v version) {
	l.undo, l.redo = append(l.undo, l.content(l.head())), nil
	v.content = uint64(len(l.versions))
	l.versions = append(l.versions, v)
	l.edits++
	l.sinceAnchor++
}

func (l *line) move(v version, e event) error {
	now := l.content(l.head())
	to := l.content(e.Of)
	switch e.Why {
	case whyUndo:
		if len(l.undo) == 0 || l.undo[len(l.undo)-1] != to {
			return fmt.Errorf("%w: an undo to version %d", errRecord, e.Of)
		}
		l.undo, l.redo = l.undo[:len(l.undo)-1], append(l.redo, now)
	case whyRedo:
		if len(l.redo) == 0 || l.redo[len(l.redo)-1] != to {
			return fmt.Errorf("%w: a redo to version %d", errRecord, e.Of)
		}
		l.redo, l.undo = l.redo[:len(l.redo)-1], append(l.undo, now)
	case whyRestore:
		l.undo, l.redo = append(l.undo, now), nil
	default:
		return fmt.Errorf("%w: a move because of %q", errRecord, e.Why)
	}
	v.content, v.base = to, l.versions[to].base
	l.versions = append(l.versions, v)
	return nil
}

func (l *line) unstage(id string) {
	l.staged = slices.DeleteFunc(l.staged, func(s Staged) bool { return s.ID == id })
}

func (l *line) checkpoint(id string) (Checkpoint, bool) {
	for _, c := range l.checkpoints {
		if c.ID == id {
			return c, true
		}
	}
	return Checkpoint{}, false
}

func (l *line) stagedChange(id string) (Staged, bool) {
	for _, s := range l.staged {
		if s.ID == id {
			return s, true
		}
	}
	return Staged{}, false
}
