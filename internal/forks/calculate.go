package forks

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"gridflow/internal/book"
	"gridflow/internal/calc"
	"gridflow/internal/crew"
)

// moment is the clock and the seed of a calculation that is made now.
func (s *Store) moment() *book.Moment {
	m := book.MomentAt(s.o.Now(), rand.Uint64())
	return &m
}

// made is a content in the making: an edit that was applied, and its formulas calculated as
// far as the budget went.
type made struct {
	snap    *book.Snapshot
	changes *book.Changeset
	at      *book.Moment
	why     string // it is stale and stays so, where that is not for want of time
}

// make applies an edit and calculates what depends on it. A calculation that takes longer than
// its budget is made behind: the content is stale until then. apply is (*book.Snapshot).Apply, or
// Replay where the edit was made of what others have changed.
func (s *Store) make(ctx context.Context, on *book.Snapshot, edit book.Edit, apply func(*book.Snapshot, context.Context, book.Edit) (*book.Snapshot, *book.Changeset, error)) (made, error) {
	next, changes, err := apply(on, ctx, edit)
	if err != nil {
		return made{}, err
	}
	m := made{snap: next, changes: changes}
	if s.o.CalcBudget < 0 || !next.Stale() {
		return m, nil // no moment: random numbers stay what they are
	}
	m.at = s.moment()
	fresh, did, err := s.refresh(ctx, next, *m.at)
	switch {
	case ctx.Err() != nil:
		return made{}, context.Cause(ctx)
	case err != nil: // the edit is good all the same
		m.why = staleWhy(err)
		return m, nil
	}
	if did == nil { // nothing that a formula depends on: the values stay those of the last moment
		m.at = nil
	}
	m.snap, m.changes = fresh, changes.Calculated(fresh, did)
	return m, nil
}

// staleWhy says why a content cannot be calculated, "" where it only takes longer than its
// budget.
func staleWhy(err error) string {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return ""
	}
	if large := (*calc.ErrTooLarge)(nil); errors.As(err, &large) {
		return fmt.Sprintf("to calculate it takes more than the %d MB of memory that a calculation may take; the operator can give more with --cache-bytes", large.Most>>20)
	}
	if broken := (*crew.Panic)(nil); errors.As(err, &broken) {
		return "something went wrong inside the server, whose log has it"
	}
	return text(err.Error())
}

// refresh calculates a content within the budget of a commit.
func (s *Store) refresh(ctx context.Context, snap *book.Snapshot, at book.Moment) (*book.Snapshot, *book.Calculation, error) {
	if !snap.Stale() {
		return snap, nil, nil
	}
	return s.again(ctx, snap, at, false)
}

// again is refresh for a content whether it is stale or not, with all of every formula.
func (s *Store) again(ctx context.Context, snap *book.Snapshot, at book.Moment, all bool) (*book.Snapshot, *book.Calculation, error) {
	within, cancel := context.WithTimeout(ctx, s.o.CalcBudget)
	defer cancel()
	fresh, did, err := s.calculate(within, snap, at, all, book.Limits{})
	if err != nil && ctx.Err() == nil && within.Err() != nil {
		s.calcs.over.Add(1)
	}
	return fresh, did, err
}

// calculate calculates a content, with all every formula. What memory it may take is not for the
// caller to say.
func (s *Store) calculate(ctx context.Context, snap *book.Snapshot, at book.Moment, all bool, limits book.Limits) (*book.Snapshot, *book.Calculation, error) {
	begun := time.Now()
	limits.Bytes = s.o.CalcBytes
	fresh, did, err := snap.Recalculate(ctx, at, all, limits)
	s.calcs.seconds.Add(time.Since(begun))
	if did != nil {
		s.calcs.formulas.Add(uint64(did.Calculated))
		s.calcs.changed.Add(uint64(did.Changed))
		s.calcs.circular.Add(uint64(len(did.Circular)))
	}
	if large := (*calc.ErrTooLarge)(nil); errors.As(err, &large) {
		s.calcs.tooLarge.Add(1)
	}
	return fresh, did, err
}

// retryLeast and retryMost are how long a calculation that was refused waits before it asks
// again: twice as long each time.
const (
	retryLeast = time.Second
	retryMost  = time.Minute
)

// A job calculates what a commit had no time for.
type job struct {
	version uint64
	cancel  context.CancelFunc
}

// behind calculates the newest content of a fork, which is stale, when the gate lets it. A
// commit in the meantime ends it: the next calculation takes the rest along. Only one of a fork
// is under way at a time. It ends with the store's work, too: a fork that is stale then is calculated
// when somebody wants it.
func (s *Store) behind(l *live, snap *book.Snapshot, at book.Moment) {
	id, v := l.fork.id, l.line.content(l.line.head())
	s.mu.Lock()
	if s.settled || s.jobs[id] != nil {
		s.mu.Unlock()
		return
	}
	ctx, cancel := context.WithCancel(s.run)
	j := &job{v, cancel}
	s.jobs[id] = j
	hold := l.held(l.line.head()).Again()
	s.done.Go(func() {
		defer hold.Release()
		defer s.finish(id, j)
		s.work(ctx, id, v, snap, at)
	})
	s.mu.Unlock()
}

// finish ends a job, if it was not replaced by another.
func (s *Store) finish(id string, j *job) {
	j.cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.jobs[id] == j {
		delete(s.jobs, id)
	}
}

// supersede ends the calculation of a version that is no longer the newest.
func (s *Store) supersede(id string) {
	s.mu.Lock()
	j := s.jobs[id]
	delete(s.jobs, id)
	s.mu.Unlock()
	if j != nil {
		j.cancel()
	}
}

// pending reports whether a version of a fork is being calculated behind.
func (s *Store) pending(id string, v uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	j := s.jobs[id]
	return j != nil && j.version == v
}

// Settle ends the calculations that no call waits for, and begins no more of them: the
// server is about to stop.
func (s *Store) Settle() {
	s.mu.Lock()
	s.settled = true
	jobs := s.jobs
	s.jobs = map[string]*job{}
	s.mu.Unlock()
	for _, j := range jobs {
		j.cancel()
	}
}

// work calculates a version of a fork and puts it in the place of the stale one.
func (s *Store) work(ctx context.Context, id string, v uint64, snap *book.Snapshot, at book.Moment) {
	var fresh *book.Snapshot
	err := crew.Call(func() (err error) { fresh, err = s.whenLet(ctx, snap, at); return err })
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		s.o.Logger.Warn("formulas could not be calculated", "fork", id, "version", v, "error", err)
	}
	// Where the fork is gone meanwhile, or the store closes, nobody wants what was calculated.
	_ = s.call(ctx, id, func(_ context.Context, l *live) error {
		switch {
		case l.line.content(l.line.head()) != v:
		case err != nil:
			l.why = staleWhy(err)
			l.fork.setInfo(l.info(l.fork.known().Stale))
		default:
			l.replace(v, fresh)
		}
		return nil
	})
}

// whenLet calculates as soon as that may begin.
func (s *Store) whenLet(ctx context.Context, snap *book.Snapshot, at book.Moment) (*book.Snapshot, error) {
	for wait := retryLeast; ; wait = min(2*wait, retryMost) {
		under, end, err := s.beginCalc(ctx)
		if err == nil {
			defer end()
			// It has one seat, and so one goroutine.
			limits := book.Limits{Workers: 1}
			if s.o.Rest != nil {
				limits.Rest = func() { s.o.Rest(under) }
			}
			fresh, did, err := s.calculate(under, snap, at, false, limits)
			if did != nil {
				s.calcs.behind.Add(uint64(did.Calculated))
			}
			return fresh, err
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, context.Cause(ctx)
		}
	}
}

func (s *Store) beginCalc(ctx context.Context) (under context.Context, end func(), err error) {
	if s.o.Calculate == nil {
		return ctx, func() {}, nil
	}
	return s.o.Calculate(ctx)
}

// replace puts the calculated content of the newest version in the place of the stale one.
func (l *live) replace(v uint64, snap *book.Snapshot) {
	now := l.line.head()
	l.remember(v, snap)
	hold := l.held(now)
	if hold == nil {
		return // it was let go meanwhile; it is calculated when somebody asks again
	}
	l.fork.publish(&head{snap.As(l.fork.id, now), hold.Again()}, l.info(snap.Stale()))
	l.store.changed(l.fork.id, now)
}

// calcBudget is what a commit may spend on calculation where the options do not say.
const calcBudget = 2 * time.Second
