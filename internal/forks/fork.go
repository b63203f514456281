package forks

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"gridflow/internal/book"
	"gridflow/internal/lock"
	"gridflow/internal/principal"
	"gridflow/internal/workspace"
)

// fork is what is known of a fork whether it is in memory or not.
type fork struct {
	id     string
	stream string // of the journal; the actor's, which changes it when it shortens the line
	used   lastUse

	mu   lock.Mutex[lock.Fork]
	head *head // nil while it is not in memory
	info *Info
}

// lastUse is when a fork was last used. It goes by the monotonic clock: a clock on the wall that is set to another
// year must not end the time of every fork. Who makes one sets began to now, which is the first use.
type lastUse struct {
	began time.Time
	after atomic.Int64 // nanoseconds after began
}

func (u *lastUse) note()           { u.after.Store(int64(time.Since(u.began))) }
func (u *lastUse) when() time.Time { return u.began.Add(time.Duration(u.after.Load())) }

// head is the newest version, with its hold on the base.
type head struct {
	snap *book.Snapshot
	hold *workspace.Hold
}

// publish replaces the head. Who reads the old one has a hold of its own. A nil info leaves
// what is known.
func (f *fork) publish(h *head, info *Info) {
	f.mu.Lock()
	old := f.head
	f.head = h
	if info != nil {
		f.info = info
	}
	f.mu.Unlock()
	if old != nil {
		old.hold.Release()
	}
}

func (f *fork) setInfo(info *Info) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.info = info
}

// snapshot is the newest version, nil where the fork is not in memory.
func (f *fork) snapshot() *book.Snapshot {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.head == nil {
		return nil
	}
	return f.head.snap
}

// isFor tells whether p may know of the fork.
func (f *fork) isFor(p *principal.Principal) bool {
	if p == nil {
		return true
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return p.Owns(f.info.Owner, f.info.Root)
}

func (f *fork) owner() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.info.Owner
}

func (f *fork) expired() bool {
	i := f.known()
	return i.TTL > 0 && time.Since(i.Used) >= i.TTL
}

// Info is what is known of a fork. It is never changed.
type Info struct {
	ID       string
	Workbook string // id of the workbook that it was made of
	Path     string // of its file when the fork was made
	Root     string // that the file lies under, "" where an earlier program made the fork
	Owner    string // for whom it was made, as a principal owns it; "": the operator
	Label    string
	From     string // the fork, with its version, that it was made of, if it was
	Base     workspace.Base
	Created  time.Time
	Changed  time.Time // the newest version
	Used     time.Time // somebody read or wrote; with a reading of the monotonic clock
	TTL      time.Duration

	Version     uint64
	First       uint64 // the oldest version that there is
	Edits       int    // commits that changed cells
	Stale       bool   // values of formulas may be older than what they are computed from
	StaleWhy    string // why they stay so; "" while they are calculated
	Checkpoints int
	Staged      int
	Undo, Redo  int    // how many steps there are
	Saved       uint64 // the version that was last saved, 0 where none was
}

func (l *line) info(id string, stale bool) *Info {
	last := l.rec(l.head())
	return &Info{
		ID: id, Workbook: l.workbook, Path: l.path, Root: l.root, Owner: l.owner, Label: l.label, From: l.from, Base: l.bases[last.base], Created: l.created, Changed: time.Unix(0, last.at), TTL: l.ttl,
		Version: l.head(), First: l.first, Edits: l.edits, Checkpoints: len(l.checkpoints), Staged: len(l.staged), Undo: len(l.undo), Redo: len(l.redo), Saved: l.savedAt,
		Stale: stale,
	}
}

func (f *fork) stale() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.info.Stale
}

func (f *fork) known() Info {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := *f.info
	i.Used = f.used.when()
	return i
}

// List gives the forks that the principal of ctx may know of, the oldest first. It is no use of
// them.
func (s *Store) List(ctx context.Context) []Info {
	p := principal.From(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Info, 0, len(s.forks))
	for _, f := range s.forks {
		if f.isFor(p) {
			list = append(list, f.known())
		}
	}
	slices.SortFunc(list, func(a, b Info) int { return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID)) })
	return list
}

// Info gives what is known of a fork. It is no use of it.
func (s *Store) Info(ctx context.Context, id string) (Info, error) {
	id, _, err := split(id)
	if err != nil {
		return Info{}, err
	}
	f := s.forkFor(ctx, id)
	if f == nil {
		return Info{}, notFound(id)
	}
	return f.known(), nil
}

// IsFork tells whether an id has the form of a fork's, with or without a version.
func IsFork(id string) bool { return strings.HasPrefix(id, "fork-") }

// split takes an id apart: "fork-…" is the newest version, "fork-…@3" is version 3.
func split(id string) (fork string, version *uint64, err error) {
	fork, v, at := strings.Cut(strings.TrimSpace(id), "@")
	fork = strings.ToLower(fork)
	if !at {
		return fork, nil, nil
	}
	n, err := strconv.ParseUint(v, 10, 64)
	if err != nil {
		return "", nil, fail(CodeVersion, "Write it as fork-…@3", "%q is no version of a fork", clip(id))
	}
	return fork, &n, nil
}

// newest is split for what changes a fork, or is about all of it: it takes no version.
func newest(id string) (string, error) {
	fork, version, err := split(id)
	if err == nil && version != nil {
		err = fail(CodeVersion, "Leave the version out of the id; where a tool has expected_version, that makes sure it is the one you mean", "%s@%d is one version, and never changes: this is done to the fork", fork, *version)
	}
	return fork, err
}

// Resolve takes the id of a fork apart: version is nil where it names none.
func Resolve(id string) (fork string, version *uint64, err error) { return split(id) }
