package office

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"gridflow/flow/breaker"
	"gridflow/internal/lock"
	"gridflow/internal/tally"
)

// A Pool does jobs with LibreOffice. Its methods may be called from any number of goroutines
// at once.
type Pool struct {
	home     home
	starter  Starter
	presence *presence
	log      *slog.Logger
	origin   time.Time

	breakers [len(kinds)]*breaker.Breaker // by kind of job
	starts   *breaker.Breaker             // keeps LibreOffice from being started again and again

	seconds [len(kinds)]tally.Durations // that jobs took, their worker's part of it
	waits   tally.Durations             // that jobs waited for a worker

	life     context.Context // of jobs
	cut      context.CancelCauseFunc
	boot     context.Context // of starts
	stopBoot context.CancelFunc
	work     sync.WaitGroup // jobs, starts, ends, watchers

	mu        lock.Mutex[lock.OfficePool]
	r         *roster // guarded by mu, as is all that follows
	closed    bool
	installed bool   // what was found last …
	stamp     string // … and which
	timer     *time.Timer
	flights   map[string]*flight // by Job.Share
	lastJob   uint64
	count     counts
}

// counts are what has happened since the start.
type counts struct {
	started  uint64 // workers
	ended    map[Cause]uint64
	outcomes [len(kinds)][outcomes]uint64
	joined   uint64
	rejected uint64 // jobs that found the queue full
	plans    uint64 // how often it was looked whether workers should start or end
}

// New makes a pool, and removes what a killed server has left in its folder. It starts no
// worker; see [Pool.Warm]. The error says what is wrong with the options.
func New(o Options) (*Pool, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	log := o.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	p := &Pool{
		home: home{given: o.Folder, log: log}, starter: o.Starter, presence: &presence{find: o.Find}, log: log, origin: time.Now(),
		r: newRoster(o.Limits), flights: make(map[string]*flight), count: counts{ended: make(map[Cause]uint64)},
	}
	if err := p.home.sweepOld(); err != nil {
		log.Warn("LibreOffice cannot be used yet", "error", err) // whoever wants it tries again
	}
	if err := p.guard(); err != nil {
		return nil, err
	}
	p.life, p.cut = context.WithCancelCause(context.Background())
	p.boot, p.stopBoot = context.WithCancel(context.Background())
	p.timer = time.AfterFunc(time.Hour, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.plan()
	})
	p.timer.Stop()
	return p, nil
}

func (p *Pool) now() time.Duration { return time.Since(p.origin) }

// Available says with an error of the code BACKEND_UNAVAILABLE why nothing can be done with
// LibreOffice now; nil: it is there. It looks at the disk every few seconds at most, and
// starts nothing.
func (p *Pool) Available() error {
	is, err := p.presence.now()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.installed, p.stamp = err == nil, is.Stamp
	if err == nil && p.r.limits.Workers == 0 {
		err = errOff
	}
	var ours *Error
	if err != nil && !errors.As(err, &ours) {
		return notInstalled(err)
	}
	return err
}

var errOff = &Error{Code: CodeUnavailable, Message: "LibreOffice is switched off on this server", Hint: "The operator can allow it with --office-workers"}

// Warm starts the workers that are to be warm before anybody wants one, behind the caller's
// back. It is for the moment when the server serves: starting takes a second or two of a
// processor.
func (p *Pool) Warm() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.r.limits.Warm == 0 {
		return
	}
	p.work.Go(func() {
		if p.Available() != nil {
			return // who wants it later looks again
		}
		if _, err := p.home.open(); err != nil {
			p.log.Warn("LibreOffice cannot be used yet", "error", err)
			return
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.plan()
	})
}

// Reconfigure changes the limits while jobs wait and run. Those that run go on under the
// limits that they began with.
func (p *Pool) Reconfigure(l Limits) error {
	if err := l.check(); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.r.reconfigure(l)
	if l.Workers == 0 {
		p.r.fail(errOff)
	}
	p.r.dispatch(p.now())
	p.plan()
	return nil
}

// Limits gives the limits as they are.
func (p *Pool) Limits() Limits {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.r.limits
}

var errDraining = &Error{Code: CodeDraining, Message: "the server stops", Hint: "Call again; another server may have taken over"}

// Close ends the pool: jobs that wait are refused, those that run may finish until ctx ends,
// then they are cut off. It returns when no worker is left, and their scratch files are gone;
// profiles stay, for making one costs a second.
func (p *Pool) Close(ctx context.Context) {
	p.mu.Lock()
	if !p.closed {
		p.closed = true
		p.stopBoot()
		p.timer.Stop()
		p.r.fail(errDraining)
		for len(p.r.idle) > 0 {
			p.retire(p.r.idle[0], CauseDrain)
		}
	}
	p.mu.Unlock()
	over := make(chan struct{})
	go func() {
		p.work.Wait()
		close(over)
	}()
	select {
	case <-over:
	case <-ctx.Done():
		p.cut(errDraining)
		<-over
	}
	p.cut(errDraining)
	p.home.close()
}

// acquire waits for a worker, of which the caller has the slot then. The error says why there
// is none, or is the cause of ctx's end.
func (p *Pool) acquire(ctx context.Context, kind int) (*slot, error) {
	w := newWaiter(kind)
	p.mu.Lock()
	switch {
	case p.closed:
		p.mu.Unlock()
		return nil, errDraining
	case p.r.limits.Workers == 0:
		p.mu.Unlock()
		return nil, errOff
	case p.r.waiting >= p.r.limits.Queue:
		err := p.overloaded()
		p.mu.Unlock()
		return nil, err
	}
	begin := p.now()
	p.r.arrive(begin, w)
	p.plan()
	p.mu.Unlock()

	if err := w.ready.Park(ctx); err != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.r.leave(w) {
			return nil, err
		}
		// It was decided in the same moment.
		w.ready.TryPark()
		if w.slot != nil {
			p.r.unused(p.now(), w.slot)
			p.plan()
		}
		return nil, err
	}
	p.waits.Add(p.now() - begin)
	return w.slot, w.err
}

// overloaded words the refusal of a job for which there is no room. p.mu is held.
func (p *Pool) overloaded() error {
	p.count.rejected++
	r := p.r
	after := r.meter.Figures(p.now()).Cycle * time.Duration(r.waiting+1) / time.Duration(max(r.limits.Workers, 1))
	return &Error{
		Code: CodeOverloaded, RetryAfter: min(max(after, 100*time.Millisecond), 30*time.Second),
		Message: fmt.Sprintf("%d jobs wait for LibreOffice, which is as many as may", r.waiting), Hint: "Nothing was tried. Call again later",
	}
}

// plan starts and ends workers as the roster wants it. p.mu is held.
func (p *Pool) plan() {
	p.count.plans++
	if p.closed {
		return
	}
	now := p.now()
	stamp := p.stamp
	if !p.installed {
		stamp = "none" // what is warm still works, but for how long nobody knows
	}
	list, why, next := p.r.toEnd(now, stamp)
	for i, s := range list {
		p.retire(s, why[i])
	}
	if next > 0 {
		p.timer.Reset(next)
	}
	if !p.installed {
		return
	}
	for _, s := range p.r.toStart(now) {
		permit, err := p.starts.Allow("")
		if err != nil {
			if p.r.live() == 0 {
				p.r.fail(refused(err))
			}
			return
		}
		s.state = starting
		p.work.Go(func() { p.start(s, permit) })
	}
}

// start starts a worker in a slot.
func (p *Pool) start(s *slot, permit *breaker.Permit) {
	limit := p.Limits().StartTimeout
	ctx, stop := context.WithTimeoutCause(p.boot, limit, fmt.Errorf("it was not ready after %v", limit))
	defer stop()
	is, err := p.presence.now()
	var w Worker
	if err == nil {
		begin := time.Now()
		if w, err = p.startIn(ctx, s, is.Program); err == nil {
			p.log.Info("a worker of LibreOffice is warm", "slot", s.number, "after", time.Since(begin).Round(time.Millisecond))
		} else {
			if ctx.Err() != nil && p.boot.Err() == nil {
				err = context.Cause(ctx)
			}
			err = startError{err}
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.boot.Err() != nil {
		permit.Done(context.Canceled)
		s.state = absent
		if w != nil {
			s.worker = w
			p.retire(s, CauseDrain)
		}
		return
	}
	permit.Done(err)
	if err == nil {
		p.count.started++
		p.r.started(p.now(), s, w, is.Stamp)
		p.work.Go(func() {
			<-w.Gone()
			p.lost(s, w)
		})
		p.plan()
		return
	}
	// Another one is not started for that: the next job asks for it.
	s.state = absent
	var start startError
	var ours *Error
	switch {
	case !errors.As(err, &start):
		p.installed = false // it has been removed in the meantime
		err = notInstalled(err)
	case errors.As(err, &ours):
		err = ours // there is something that looks like it and is not
	default:
		p.count.ended[CauseStart]++
		p.log.Warn("a worker of LibreOffice does not start", "slot", s.number, "error", err)
		err = notStarted(start.error)
	}
	if p.r.live() == 0 {
		p.r.fail(err)
	}
}

// startIn starts a worker in the folder of a slot.
func (p *Pool) startIn(ctx context.Context, s *slot, program string) (Worker, error) {
	home, err := p.home.open()
	if err != nil {
		return nil, err
	}
	at := Place{Program: program, Dir: filepath.Join(home, slotFolders+strconv.Itoa(s.number))}
	at.Jobs = filepath.Join(at.Dir, jobsFolder) // no worker sees the job of another
	if err := os.MkdirAll(at.Jobs, 0o700); err != nil {
		return nil, err
	}
	s.jobsAt = at.Jobs
	return p.starter.Start(ctx, at)
}

// retire ends a worker behind the caller's back. p.mu is held.
func (p *Pool) retire(s *slot, why Cause) {
	w := p.r.retire(s)
	p.count.ended[why]++
	p.log.Info("a worker of LibreOffice ends", "slot", s.number, "cause", string(why), "jobs", s.jobs)
	p.work.Go(func() {
		w.Kill()
		<-w.Gone()
		p.mu.Lock()
		defer p.mu.Unlock()
		s.state = absent
		p.plan()
	})
}

// lost takes in that a worker is gone, which matters where it had no job: then nobody else
// has seen it.
func (p *Pool) lost(s *slot, w Worker) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.worker != w || s.state != idle {
		return
	}
	p.r.retire(s)
	s.state = absent
	exit := w.Exit()
	p.mourn(s, exit.cause(), exit)
	p.plan()
}

// mourn counts and tells that the worker of a slot is gone. p.mu is held.
func (p *Pool) mourn(s *slot, why Cause, exit Exit) {
	p.count.ended[why]++
	level := slog.LevelWarn
	if why == CauseCancelled {
		level = slog.LevelInfo
	}
	p.log.Log(context.Background(), level, "a worker of LibreOffice is gone", "slot", s.number, "cause", string(why), "exit", exit.What, "said", exit.Said)
}
