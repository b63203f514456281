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
	root     string // the absolute path of that, "" where it is not known
	owner    string // the principal that it belongs to, "": the operator
	label    string
	from     string
	created  time.Time
	ttl      time.Duration

	bases    []workspace.Base
	first    uint64    // the number of the oldest version that there is
	versions []version // from first on
	undo     []uint64  // versions whose contents an undo goes back to, the next one last
	redo     []uint64

	checkpoints []Checkpoint
	staged      []Staged

	left    map[string][]left // by path: what this line has left there, the last one or two files
	savedAt uint64            // the version that was last saved
	edits   int               // commits that changed cells

	retelling bool // the records so far tell of a line again that another stream has: see shorten.go
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
	entire  bool // its record has all of its content, and not what was asked for
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
	ID      string    `json:"id"`
	Label   string    `json:"label,omitempty"`
	Version uint64    `json:"version"`
	Created time.Time `json:"created"`
}

// A Staged change is an edit that waits to be applied.
type Staged struct {
	ID      string
	Label   string
	Tool    string
	Version uint64 // that it was made for
	Cells   int
	Created time.Time
	Account string // what its maker said of it when it was staged

	pos journal.Pos
}

// head is the number of the newest version.
func (l *line) head() uint64 { return l.first + uint64(len(l.versions)-1) }

// rec is what is known of a version, which there must be.
func (l *line) rec(v uint64) *version { return &l.versions[v-l.first] }

// has reports whether there is a version.
func (l *line) has(v uint64) bool { return v >= l.first && v-l.first < uint64(len(l.versions)) }

// stale tells whether the newest version is, as far as the records say.
func (l *line) stale() bool { return l.rec(l.content(l.head())).stale }

// content is the version whose content version v has.
func (l *line) content(v uint64) uint64 { return l.rec(v).content }

// apply notes a record. An error means that the record can't follow those before it.
func (l *line) apply(k kind, e event, pos journal.Pos, at time.Time) error {
	if (len(l.versions) == 0) != (k == created || k == resumed) {
		return fmt.Errorf("%w: kind %d after %d versions", errRecord, k, len(l.versions))
	}
	if l.retelling && !slices.Contains(retold, k) || !l.retelling && (k == brought || k == complete) {
		return fmt.Errorf("%w: kind %d in this place", errRecord, k)
	}
	// What was saved may be a version that has gone while it was being written.
	if e.Of != 0 && (len(l.versions) == 0 || e.Of > l.head()) || e.Of < l.first && slices.Contains(ofVersions, k) {
		return fmt.Errorf("%w: version %d is not there", errRecord, e.Of)
	}
	if e.At != 0 {
		at = time.Unix(0, e.At)
	}
	v := version{at: at.UnixNano(), kind: k, pos: pos, cells: e.Cells, said: unique.Make(said{e.Why, e.Tool, e.Label, cmp.Or(e.Change, e.ID)}), stale: !e.Fresh}
	switch k {
	case created:
		if e.Base == nil {
			return fmt.Errorf("%w: no base", errRecord)
		}
		*l = line{
			workbook: e.Workbook, path: e.Path, root: e.Root, owner: e.Owner, label: e.Label, from: e.From, created: at, ttl: time.Duration(e.TTL),
			bases: []workspace.Base{*e.Base}, left: make(map[string][]left),
		}
		v.fresh, v.stale = true, !e.Fresh && e.From != ""
		v.timed, v.whole = e.Calc != nil, e.Whole
		l.versions = append(l.versions, v)
	case resumed:
		return l.resume(v, e)
	case brought:
		return l.bring(v, e)
	case complete:
		return l.finish(e)
	case edited:
		if _, ok := l.stagedChange(e.Change); !ok && e.Change != "" && !l.retelling {
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
		v.calc, v.timed, v.whole = l.head()+1, e.Calc != nil, e.Whole
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
		l.staged = append(l.staged, Staged{e.ID, e.Label, e.Tool, e.Of, e.Cells, at, e.Account, pos})
	case unstaged:
		if _, ok := l.stagedChange(e.ID); !ok {
			return fmt.Errorf("%w: no change %q is staged", errRecord, e.ID)
		}
		l.unstage(e.ID)
	case saving: // nobody knows whether it came to that until it was saved
		if f := l.leaves(e); !slices.Contains(l.left[e.Path], f) {
			l.left[e.Path] = append(l.left[e.Path], f)
		}
	case saved:
		l.left[e.Path], l.savedAt = []left{l.leaves(e)}, e.Of
	case anchored:
		whole := l.rec(l.content(e.Of))
		whole.anchor, whole.depth = pos, 0
	default:
		return fmt.Errorf("%w: of the unknown kind %d; a newer version of the program wrote it", errRecord, k)
	}
	return nil
}

// left is a file that a line has left somewhere.
type left struct {
	Sum  string `json:"sum"`            // SHA-256 in hex
	Base string `json:"base,omitempty"` // that of what the saved version stands on; "" where the version is not kept any more
}

// leaves gives the file that a record of a save speaks of.
func (l *line) leaves(e event) left {
	f := left{Sum: e.Sum}
	if l.has(e.Of) {
		f.Base = l.bases[l.rec(e.Of).base].SHA256
	}
	return f
}

// mayReplace gives the hashes of the files that a version may replace at a path without a
// question: those that this line has left there of the same revision of the workbook. Of
// another one they may have what another program has changed and what this version knows nothing
// of: a merge that was undone.
func (l *line) mayReplace(path string, v uint64) (sums []string) {
	base := l.bases[l.rec(v).base].SHA256
	for _, f := range l.left[path] {
		if f.Base == base {
			sums = append(sums, f.Sum)
		}
	}
	return sums
}

// change adds a version with a content of its own, made on the present one.
func (l *line) change(v version, e event) {
	now := l.rec(l.head())
	on := l.rec(now.content)
	v.parent, v.base = now.content, now.base
	v.depth = on.depth + 1
	v.calc, v.timed, v.whole = on.calc, on.timed, e.Whole
	if e.Calc != nil {
		v.calc, v.timed = l.head()+1, true
	}
	l.push(v)
}

func (l *line) push(v version) {
	l.undo, l.redo = append(l.undo, l.content(l.head())), nil
	v.content = l.head() + 1
	l.versions = append(l.versions, v)
	l.edits++
}

func (l *line) move(v version, e event) error {
	now := l.content(l.head())
	to := l.content(e.Of)
	switch why := e.Why; {
	case l.retelling: // which steps there are is told in the end
	case why == whyUndo || why == whyRedo:
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
	case why == whyRestore:
		l.undo, l.redo = append(l.undo, now), nil
	default:
		return fmt.Errorf("%w: a move because of %q", errRecord, e.Why)
	}
	v.content, v.base = to, l.rec(to).base
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
