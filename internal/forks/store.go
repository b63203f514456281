package forks

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"gridflow/internal/actor"
	"gridflow/internal/audit"
	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/journal"
	"gridflow/internal/lock"
	"gridflow/internal/principal"
	"gridflow/internal/workspace"
)

type position = journal.Pos

// Bases is where forks find what they stand on; *workspace.Workspace is it. All methods may
// be called from any number of goroutines at once.
type Bases interface {
	Lookup(ctx context.Context, id string) (workspace.Entry, error)
	View(ctx context.Context, id string, fn func(*book.Snapshot) error) error
	KeepBase(ctx context.Context, id string) (workspace.Entry, *workspace.Hold, error)
	HoldBase(ctx context.Context, b workspace.Base) (*workspace.Hold, error)
	KeptBases() ([]workspace.Base, error)
	DropBase(b workspace.Base) error
	BaseMemory(b workspace.Base) int64
}

// Options say what a store is made of.
type Options struct {
	Bases   Bases
	Files   Files        // where saves go
	Journal *journal.Log // the store has it for itself, and closes it

	Max            int           // forks that there may be; 64 where 0
	TTL            time.Duration // a fork that nobody has used for so long is discarded; 0: never
	CheckpointsMax int           // of one fork; checkpointsMax where 0
	StagedMax      int           // of one fork; 64 where 0
	History        int           // versions back from the newest that a fork keeps at least; 0: all of them
	LiveMax        int           // forks in memory; 1 024 where 0
	LiveBytes      int64         // what they may take beside their bases; 0: a twelfth of what these take, at least 512 KiB
	BaseBytes      int64         // what the bases of forks in memory may take together before those that are idle leave it; any number where 0
	Idle           time.Duration // a fork that nobody has used for so long leaves memory; 5 minutes where 0

	// ReadOnly is for who looks at a state folder that may be another process's: nothing is
	// dropped, no fork's time ends, and the journal refuses every change. Bases must leave the
	// folder alone as well.
	ReadOnly bool

	CalcBudget time.Duration    // what a commit may spend on calculation before the rest is done behind it; 2 s where 0, no calculation at all where less
	CalcBytes  int64            // what one calculation may take beside its workbook; any number where 0. One that needs more is not made, and the fork stays stale
	Now        func() time.Time // the clock of NOW and TODAY, in the time zone that they tell; time.Now where nil

	// Begin waits until work may begin that no call has asked for, such as the discarding of
	// forks; end is called when it has stopped. After an error the work is tried another time.
	// nil: it may begin at once.
	Begin func(ctx context.Context) (under context.Context, end func(), err error)

	// Calculate is the same for the calculations that a commit had no time for.
	Calculate func(ctx context.Context) (under context.Context, end func(), err error)

	// Rest is called by such a calculation every now and then, with the context that Calculate
	// gave: whoever waits for what it holds may go first. nil: nobody may.
	Rest func(under context.Context)

	Changed func(id string, version uint64) // told of each new version; it must not block; nil: nobody is
	Logger  *slog.Logger                    // slog.Default where nil
}

// checkpointsMax is how many checkpoints a fork may have where the options do not say.
const checkpointsMax = 64

// Store is the forks of one journal. Its methods may be called from any number of
// goroutines at once.
type Store struct {
	bases    Bases
	log      *journal.Log
	o        Options
	registry *actor.Registry[live]

	// Held for reading from looking for a base until a fork stands on it, for writing while
	// those that nothing stands on are dropped. Copying takes long, and so nobody waits for
	// the right to drop: who gives the lock back does what is due.
	dropping lock.RWMutex[lock.ForksDropping]

	mu       lock.Mutex[lock.ForksStore]
	forks    map[string]*fork
	reserved int                       // forks that are being made
	standing map[string]stand          // by name of a base
	unused   map[string]workspace.Base // nothing stands on them, or did not for a moment
	jobs     map[string]*job           // calculations behind commits, by fork
	settled  bool                      // no more of them are begun
	unread   int                       // streams that could not be read: nobody knows what it stands on, nothing is dropped

	commits, conflicts, replayed atomic.Uint64
	shortened                    atomic.Uint64
	calcs                        calcs
	liveBytes                    atomic.Int64 // what live forks take, beside their bases
	liveMost                     atomic.Int64 // what they may take; it is reckoned anew now and then
	weighings                    atomic.Uint64

	run  context.Context // of what the store does by itself
	stop context.CancelFunc
	done sync.WaitGroup
}

// Stats counts what a store did. The counts are read one after the other: they are no
// snapshot of one moment.
type Stats struct {
	Forks     int
	Commits   uint64 // versions that were made
	Conflicts uint64 // changes that expected another version
	Replayed  uint64 // records of the journal that forks were made again from
	Shortened uint64 // lines that were told again, shorter or in one place
	LiveBytes int64  // what live forks take beside their bases
	LiveMost  int64  // what they may take
	Calc      CalcStats
	Actors    actor.Stats
	Journal   journal.Stats
}

// Stats gives the counts since Open.
func (s *Store) Stats() Stats {
	s.mu.Lock()
	n, behind, stale := len(s.forks), len(s.jobs), 0
	for _, f := range s.forks {
		if f.stale() {
			stale++
		}
	}
	s.mu.Unlock()
	c := s.calcs.read()
	c.Behind, c.Stale = behind, stale
	return Stats{n, s.commits.Load(), s.conflicts.Load(), s.replayed.Load(), s.shortened.Load(), s.liveBytes.Load(), s.liveMost.Load(), c, s.registry.Stats(), s.log.Stats()}
}

// fork is what is known of a fork whether it is in memory or not.
type fork struct {
	id      string
	stream  string       // of the journal; the actor's, which changes it when it shortens the line
	touched atomic.Int64 // when it was last used, in Unix nanoseconds

	mu   lock.Mutex[lock.Fork]
	head *head // nil while it is not in memory
	info *Info
}

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
	Used     time.Time // somebody read or wrote
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

// Open opens the forks that the journal has. Bases that no fork stands on are dropped.
func Open(ctx context.Context, o Options) (*Store, error) {
	o.Max, o.CheckpointsMax, o.StagedMax = cmp.Or(o.Max, 64), cmp.Or(o.CheckpointsMax, checkpointsMax), cmp.Or(o.StagedMax, 64)
	o.Idle, o.CalcBudget = cmp.Or(o.Idle, 5*time.Minute), cmp.Or(o.CalcBudget, calcBudget)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	s := &Store{bases: o.Bases, log: o.Journal, o: o, forks: make(map[string]*fork), jobs: make(map[string]*job), standing: make(map[string]stand), unused: make(map[string]workspace.Base)}
	var err error
	s.registry, err = actor.New(actor.Config[live]{Restore: s.restore, Release: s.letGo, Live: o.LiveMax, Idle: o.Idle})
	if err != nil {
		return nil, err
	}
	for id, streams := range streamsOf(s.log.Streams()) {
		if err := s.recover(id, streams); err != nil {
			// One damaged fork must not shut out the others; nothing of it is touched.
			o.Logger.Error("a fork cannot be read from the journal; it is left alone", "fork", id, "error", err)
			s.unread++
		}
	}
	if s.unread == 0 && !o.ReadOnly {
		s.sweep()
	}
	s.liveMost.Store(s.budget())
	s.run, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	if !o.ReadOnly {
		s.done.Go(func() { s.expire(s.run) })
	}
	return s, nil
}

// recover reads what is known of a fork; its content waits until somebody asks. Of streams,
// the older ones first, one tells all of it: the others are of a line that was being shortened.
func (s *Store) recover(id string, streams []string) error {
	for i, stream := range slices.Backward(streams) {
		l, err := s.read(stream)
		if err != nil {
			return err
		}
		if l.retelling {
			if i == 0 {
				return errRecord // the stream that it was told from is not there
			}
			s.endStream(stream)
			continue
		}
		for _, older := range streams[:i] {
			s.endStream(older)
		}
		f := &fork{id: id, stream: stream, info: l.info(id, l.stale())}
		f.touched.Store(time.Now().UnixNano())
		s.forks[id] = f
		for _, b := range l.bases {
			s.standLocked(b)
		}
		return nil
	}
	return nil // there is no id without a stream
}

// read makes the line that a stream tells of.
func (s *Store) read(stream string) (l line, err error) {
	for entry, err := range s.log.All(stream) {
		if err != nil {
			return l, err
		}
		e, _, err := decode(entry.Data)
		if err != nil {
			return l, err
		}
		if err := l.apply(kind(entry.Kind), e, entry.Pos, entry.Time); err != nil {
			return l, err
		}
	}
	if len(l.versions) == 0 {
		return l, errRecord
	}
	return l, nil
}

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

// sweep drops the bases that nothing stands on.
func (s *Store) sweep() {
	kept, err := s.bases.KeptBases()
	if err != nil {
		s.o.Logger.Warn("the kept bases cannot be listed", "error", err)
		return
	}
	for _, b := range kept {
		s.unused[nameOf(b)] = b
	}
	s.dropUnused()
}

// Close lets all forks go and closes the journal. Calls under way end first.
func (s *Store) Close(ctx context.Context) error {
	s.Settle()
	s.stop()
	s.done.Wait()
	err := s.registry.Close(ctx)
	if cerr := s.log.Close(); err == nil {
		err = cerr
	}
	return err
}

func (s *Store) fork(id string) *fork {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.forks[id]
}

// forkFor is fork for a caller: nil also where the fork is not for the principal of ctx, so that
// nobody learns of it. Whatever comes from outside of the store begins here.
func (s *Store) forkFor(ctx context.Context, id string) *fork {
	f := s.fork(id)
	if f == nil || !f.isFor(principal.From(ctx)) {
		return nil
	}
	return f
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

// call runs fn on the fork, alone.
func (s *Store) call(ctx context.Context, id string, fn func(ctx context.Context, l *live) error) error {
	f := s.forkFor(ctx, id)
	if f == nil {
		return notFound(id)
	}
	f.touched.Store(time.Now().UnixNano())
	err := s.registry.Call(ctx, id, func(ctx context.Context, l *live) error {
		if l.gone {
			return notFound(id)
		}
		defer l.weigh()
		return fn(ctx, l)
	})
	s.shed()
	return actorError(id, err)
}

// View runs fn on a version of a fork, which may be used until fn returns: the newest, or
// the one that the id names ("fork-…@3"). It waits for no writer where the newest is in memory.
func (s *Store) View(ctx context.Context, id string, fn func(*book.Snapshot) error) error {
	id, version, err := split(id)
	if err != nil {
		return err
	}
	h, err := s.use(ctx, id, version)
	if err != nil {
		return err
	}
	defer h.hold.Release()
	return fn(h.snap)
}

// use gives a version with a hold that the caller releases.
func (s *Store) use(ctx context.Context, id string, version *uint64) (head, error) {
	f := s.forkFor(ctx, id)
	if f == nil {
		return head{}, notFound(id)
	}
	if err := ctx.Err(); err != nil {
		return head{}, context.Cause(ctx)
	}
	f.touched.Store(time.Now().UnixNano())
	f.mu.Lock()
	if f.head != nil && (version == nil || *version == f.head.snap.Version) {
		h := head{f.head.snap, f.head.hold.Again()}
		f.mu.Unlock()
		return h, nil
	}
	f.mu.Unlock()
	var h head
	err := s.call(ctx, id, func(ctx context.Context, l *live) error {
		v := l.line.head()
		if version != nil {
			v = *version
		}
		snap, hold, err := l.at(ctx, v)
		if err == nil && v == l.line.head() {
			l.show(snap, hold)
		}
		if err == nil {
			h = head{snap, hold.Again()}
		}
		return err
	})
	return h, err
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

func (f *fork) stale() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.info.Stale
}

func (f *fork) known() Info {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := *f.info
	i.Used = time.Unix(0, f.touched.Load())
	return i
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

// roomFor fails where a principal has as many forks as it may have. Forks that are being made do
// not count yet: who asks for several at once may come to have as many more.
func (s *Store) roomFor(p *principal.Principal) error {
	if p == nil || p.MaxForks == 0 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, f := range s.forks {
		if f.owner() == p.Name {
			n++
		}
	}
	if n >= p.MaxForks {
		return fail(CodeLimit, "Discard one that is no longer needed (list_forks, discard_fork)", "you have %d forks, which is as many as you may have", n)
	}
	return nil
}

func (f *fork) owner() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.info.Owner
}

// CreateOptions say how a fork begins.
type CreateOptions struct {
	Label string
	TTL   time.Duration // 0: that of the store
}

// Create makes a fork of a workbook as it is now, or of a version of another fork. Nothing
// of the workbook is copied but its file, once per revision.
func (s *Store) Create(ctx context.Context, from string, o CreateOptions) (Info, error) {
	if o.TTL < 0 {
		return Info{}, fail(CodeBadInput, "Give a time to live of 0 or more", "a time to live of %v", o.TTL)
	}
	if err := s.roomFor(principal.From(ctx)); err != nil {
		return Info{}, err
	}
	s.mu.Lock()
	if len(s.forks)+s.reserved >= s.o.Max {
		s.mu.Unlock()
		return Info{}, fail(CodeLimit, "Discard one that is no longer needed (list_forks, discard_fork), or ask the operator for a greater --max-forks", "there are %d forks, which is as many as there may be", s.o.Max)
	}
	s.reserved++
	s.mu.Unlock()
	var f *fork // once it is made
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		// In one step: a fork that counted twice for a moment would take another's place.
		s.reserved--
		if f != nil {
			s.forks[f.id] = f
		}
	}()
	e := event{Label: text(o.Label), Owner: text(principal.From(ctx).Owner()), TTL: int64(cmp.Or(o.TTL, s.o.TTL))}
	var payload []byte
	var hold *workspace.Hold
	var stale, whole, calculates bool
	if IsFork(from) {
		h, info, edit, at, err := s.contentOf(ctx, from)
		if err != nil {
			return Info{}, err
		}
		e.Calc = at
		given := h.snap.Given() && !h.snap.Stale()
		if given { // no calculation would come to the values that another program gave
			e.Calc = nil
			values, err := h.snap.Values(ctx, func(_ int, c grid.Cell) cell.Value { return c.Value })
			if err != nil {
				h.hold.Release()
				return Info{}, err
			}
			edit.Ops = append(edit.Ops, values.Ops...)
		}
		hold, payload, stale, calculates = h.hold, edit.AppendTo(nil), h.snap.Stale(), !given
		whole = h.snap.Whole()
		e.Workbook, e.Path, e.Root, e.From = info.Workbook, info.Path, info.Root, fmt.Sprintf("%s@%d", info.ID, h.snap.Version)
		if !s.standBeside(hold.Base) { // the other was discarded meanwhile, and its base with it
			hold.Release()
			return Info{}, notFound(from)
		}
	} else {
		entry, h, err := s.keep(ctx, from)
		if err != nil {
			return Info{}, err
		}
		hold, e.Workbook, e.Path, e.Root = h, entry.ID, entry.Path, entry.Root
	}
	defer hold.Release()
	e.Base, e.Fresh, e.Whole = &hold.Base, !stale, whole
	if e.Calc == nil && calculates && len(payload) > 0 {
		e.Calc = s.moment()
	}
	id := "fork-" + randomID()
	rec, err := s.log.Append(id, uint8(created), e.encode(payload))
	if err != nil {
		s.leaveAfter(err, hold.Base)
		return Info{}, journalError(err)
	}
	var l line
	if err := l.apply(created, e, rec.Pos, rec.Time); err != nil {
		panic(err)
	}
	f = &fork{id: id, stream: id, info: l.info(id, stale)}
	f.touched.Store(time.Now().UnixNano())
	audit.Record(ctx, audit.Change{Kind: audit.ForkMade, ID: id, Path: e.Path})
	return f.known(), nil
}

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

// contentOf gives a version of a fork, its hold, what it has over its base as one edit, and when
// it was calculated.
func (s *Store) contentOf(ctx context.Context, from string) (h head, info Info, edit book.Edit, at *book.Moment, err error) {
	id, version, err := split(from)
	if err != nil {
		return
	}
	var stands bool
	// All of it in one message: the version might go in between.
	err = s.call(ctx, id, func(ctx context.Context, l *live) error {
		v := l.line.head()
		if version != nil {
			v = *version
		}
		snap, hold, err := l.at(ctx, v)
		if err != nil {
			return err
		}
		if v == l.line.head() {
			l.show(snap, hold)
		}
		if at, err = l.moment(l.line.content(v)); err != nil {
			return err
		}
		if snap.Workbook().Iterative { // where it has come to is no matter of its cells alone
			if edit, stands, err = l.standing(ctx, hold, v, snap); err != nil {
				return err
			}
		}
		h, info = head{snap, hold.Again()}, l.fork.known()
		return nil
	})
	if err != nil {
		return
	}
	if !stands {
		edit, err = book.Between(ctx, h.hold.Snapshot(), h.snap)
	}
	if err != nil {
		h.hold.Release()
	}
	return
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
		return journalError(err)
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
			s.expireOnce(ctx)
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
		if err == nil {
			s.o.Logger.Info("a fork was discarded: nobody has used it for its time to live", "fork", f.id)
		} else if ctx.Err() == nil {
			s.o.Logger.Warn("a fork whose time is over cannot be discarded", "fork", f.id, "error", err)
		}
	}
}

func (f *fork) expired() bool {
	i := f.known()
	return i.TTL > 0 && time.Since(i.Used) >= i.TTL
}

func (s *Store) changed(id string, version uint64) {
	if s.o.Changed != nil {
		s.o.Changed(id, version)
	}
}

// idAlphabet leaves out the characters that are read as one another.
const idAlphabet = "23456789abcdefghijkmnpqrstuvwxyz"

// randomID gives twelve characters that nobody can guess.
func randomID() string {
	var b [12]byte
	rand.Read(b[:])
	for i, c := range b {
		b[i] = idAlphabet[c&31]
	}
	return string(b[:])
}
