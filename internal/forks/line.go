package forks

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"
	"unique"

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

	savedSum map[string][]string // by path: what this line has left there, the last one or two hashes
	savedAt  uint64              // the version that was last saved
	edits    int                 // commits that changed cells
}

// version is one commit. There are many in memory, of many forks: what most have in common
// with others stands in memory once.
type version struct {
	at      int64 // Unix nanoseconds
	pos     journal.Pos
	anchor  journal.Pos // where the content stands whole, 0 where it does not
	content uint64      // the version whose content this one has: itself, unless it was moved
	calc    uint64      // of a content of its own: the version whose record says when its formulas were calculated, its own or that of an earlier one
	timed   bool        // of a content of its own: there is such a record
	whole   bool        // of a content of its own: all its formulas were calculated once
	parent  uint64      // of a content of its own: the content that it was made on
	said    unique.Handle[said]
	cells   int
	depth   int32 // of a content of its own: the edits from one that stood whole to it
	base    int16 // index in bases
	kind    kind
	fresh   bool // the content begins at the base and not at parent
	stale   bool // of a content of its own: values of formulas may be older than what they are computed from
}

// said is what the maker of a version says of it.
type said struct {
	why, tool, label string
	id               string // the checkpoint that was restored, or the staged change that was applied
}

// basesMax is the number of bases that a line may have.
const basesMax = math.MaxInt16

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

// stale tells whether the newest version is, as far as the records say.
func (l *line) stale() bool { return l.versions[l.content(l.head())].stale }

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
	v := version{at: at.UnixNano(), kind: k, pos: pos, cells: e.Cells, said: unique.Make(said{e.Why, e.Tool, e.Label, cmp.Or(e.Change, e.ID)}), stale: !e.Fresh}
	switch k {
	case created:
		if e.Base == nil {
			return fmt.Errorf("%w: no base", errRecord)
		}
		*l = line{
			workbook: e.Workbook, path: e.Path, label: e.Label, from: e.From, created: at, ttl: time.Duration(e.TTL),
			bases: []workspace.Base{*e.Base}, savedSum: make(map[string][]string),
		}
		v.fresh, v.stale = true, !e.Fresh && e.From != ""
		v.timed, v.whole = e.Calc != nil, e.Whole
		l.versions = append(l.versions, v)
	case edited:
		if _, ok := l.stagedChange(e.Change); !ok && e.Change != "" {
			return fmt.Errorf("%w: no change %q is staged", errRecord, e.Change)
		}
		l.unstage(e.Change)
		l.change(v, e)
	case recalculated:
		if e.Calc == nil {
			return fmt.Errorf("%w: a calculation at no time", errRecord)
		}
		l.change(v, e)
	case valued:
		l.change(v, e)
	case rebased:
		if e.Base == nil {
			return fmt.Errorf("%w: no base", errRecord)
		}
		if len(l.bases) == basesMax {
			return fmt.Errorf("%w: more than %d bases", errRecord, basesMax)
		}
		l.bases = append(l.bases, *e.Base)
		v.base, v.fresh = int16(len(l.bases)-1), true
		v.calc, v.timed, v.whole = uint64(len(l.versions)), e.Calc != nil, e.Whole
		l.push(v)
	case moved:
		return l.move(v, e)
	case checkpointed:
		if _, ok := l.checkpoint(e.ID); ok {
			return fmt.Errorf("%w: checkpoint %q is there already", errRecord, e.ID)
		}
		l.checkpoints = append(l.checkpoints, Checkpoint{e.ID, e.Label, e.Of, at})
	case uncheckedOut:
		if _, ok := l.checkpoint(e.ID); !ok {
			return fmt.Errorf("%w: there is no checkpoint %q", errRecord, e.ID)
		}
		l.checkpoints = slices.DeleteFunc(l.checkpoints, func(c Checkpoint) bool { return c.ID == e.ID })
	case staged:
		if _, ok := l.stagedChange(e.ID); ok {
			return fmt.Errorf("%w: change %q is staged already", errRecord, e.ID)
		}
		l.staged = append(l.staged, Staged{e.ID, e.Label, e.Tool, e.Of, e.Cells, at, pos})
	case unstaged:
		if _, ok := l.stagedChange(e.ID); !ok {
			return fmt.Errorf("%w: no change %q is staged", errRecord, e.ID)
		}
		l.unstage(e.ID)
	case saving: // nobody knows whether it came to that until it was saved
		if !slices.Contains(l.savedSum[e.Path], e.Sum) {
			l.savedSum[e.Path] = append(l.savedSum[e.Path], e.Sum)
		}
	case saved:
		l.savedSum[e.Path], l.savedAt = []string{e.Sum}, e.Of
	case anchored:
		whole := &l.versions[l.content(e.Of)]
		whole.anchor, whole.depth = pos, 0
	default:
		return fmt.Errorf("%w: of the unknown kind %d; a newer version of the program wrote it", errRecord, k)
	}
	return nil
}

// change adds a version with a content of its own, made on the present one.
func (l *line) change(v version, e event) {
	now := l.versions[l.head()]
	on := l.versions[now.content]
	v.parent, v.base = now.content, now.base
	v.depth = on.depth + 1
	v.calc, v.timed, v.whole = on.calc, on.timed, e.Whole
	if e.Calc != nil {
		v.calc, v.timed = uint64(len(l.versions)), true
	}
	l.push(v)
}

func (l *line) push(v version) {
	l.undo, l.redo = append(l.undo, l.content(l.head())), nil
	v.content = uint64(len(l.versions))
	l.versions = append(l.versions, v)
	l.edits++
}

func (l *line) move(v version, e event) error {
	now := l.content(l.head())
	to := l.content(e.Of)
	switch e.Why {
	case whyUndo, whyRedo:
		from, onto := &l.undo, &l.redo
		if e.Why == whyRedo {
			from, onto = onto, from
		}
		steps := max(e.Steps, 1)
		left := len(*from) - steps
		if e.Steps < 0 || left < 0 || (*from)[left] != to {
			return fmt.Errorf("%w: %d steps of %s to version %d", errRecord, steps, e.Why, e.Of)
		}
		for i := len(*from) - 1; i >= left; i-- {
			*onto = append(*onto, now)
			now = (*from)[i]
		}
		*from = (*from)[:left]
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
