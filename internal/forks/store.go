package forks

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"gridflow/internal/actor"
	"gridflow/internal/book"
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
	WholeCells int              // cells in which a version may differ from its file to be saved, merged or copied, which takes some 250 bytes for each; any number where 0
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
	Expired func(id, owner string)          // told of each fork that was discarded because its time was over; nil: nobody is
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

	mu         lock.Mutex[lock.ForksStore]
	forks      map[string]*fork
	reserved   int                       // forks that are being made
	reservedOf map[string]int            // … by their owner
	standing   map[string]stand          // by name of a base
	unused     map[string]workspace.Base // nothing stands on them, or did not for a moment
	jobs       map[string]*job           // calculations behind commits, by fork
	settled    bool                      // no more of them are begun
	unread     int                       // streams that could not be read: nobody knows what it stands on, nothing is dropped

	failing sync.Once // the log is told that the journal fails

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
		f := &fork{id: id, stream: stream, used: lastUse{began: time.Now()}, info: l.info(id, l.stale())}
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

// call runs fn on the fork, alone.
func (s *Store) call(ctx context.Context, id string, fn func(ctx context.Context, l *live) error) error {
	f := s.forkFor(ctx, id)
	if f == nil {
		return notFound(id)
	}
	f.used.note()
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
	f.used.note()
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

func (s *Store) changed(id string, version uint64) {
	if s.o.Changed != nil {
		s.o.Changed(id, version)
	}
}
