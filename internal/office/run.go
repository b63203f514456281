package office

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"gridflow/internal/crew"
	"gridflow/internal/office/wire"
)

// A Job is something to do with one document.
type Job struct {
	// Op is what Prepare will ask for. Where it is known beforehand, a job that would be refused
	// prepares nothing. "": it is seen then.
	Op wire.Op
	// Share is a key that jobs have in common which do the same with the same document: of those
	// that are there at once one runs, and each collects. "": none.
	Share string
	// Prepare writes the inputs into dir, a folder of mode 0700 that only this run uses, and gives
	// the request; its In and Out lie in dir. No worker waits for it.
	Prepare func(dir string) (wire.Request, error)
	// Collect reads the outputs. Of jobs that share a run each Collect is called, maybe at once:
	// it changes nothing in dir, which is removed after the last. nil: there is nothing to read.
	Collect func(dir string, r wire.Response) error
}

// A flight is one run of a job, and who waits for it.
type flight struct {
	share    string
	leader   context.Context // of the call that began it, whose Prepare it is
	cancel   context.CancelCauseFunc
	waiters  int           // guarded by Pool.mu
	prepared chan struct{} // closed when Prepare has returned, or will not be called
	done     chan struct{}

	dir string // these are written before done is closed
	r   wire.Response
	err error
	// orphaned says that Prepare broke off because the leader left: whoever else waits begins anew.
	orphaned bool
}

// Run does a job. key is the content of its document, as a hash, by which one that brings
// LibreOffice down is set aside alone; "": it has none.
//
// The error is that of Prepare or of Collect, a [*FailedError] for what LibreOffice says of the
// document, an [*Error] for everything else that is not a fault of the server, or the cause of
// ctx's end. When ctx ends Run returns once the worker that had the job is gone, unless others
// share the run.
func (p *Pool) Run(ctx context.Context, key string, job Job) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := p.Available(); err != nil {
		return err
	}
	home, err := p.home.open()
	if err != nil {
		return err
	}
	for {
		err, again := p.ride(ctx, home, key, job)
		if !again {
			return err
		}
	}
}

// ride takes part in a run. again says that it broke off for what another caller did.
func (p *Pool) ride(ctx context.Context, home, key string, job Job) (err error, again bool) {
	f, leads, err := p.board(ctx, home, key, job)
	if err != nil {
		return err, false
	}
	defer p.alight(ctx, f)
	select {
	case <-f.done:
	case <-ctx.Done():
		if leads {
			<-f.prepared // what Prepare uses may be the caller's for as long as the call only
		}
		return context.Cause(ctx), false
	}
	switch {
	case f.orphaned && ctx.Err() == nil:
		return nil, true
	case f.err != nil:
		return f.err, false
	case job.Collect == nil:
		return nil, false
	}
	return job.Collect(f.dir, f.r), false
}

// board gives the run of a job: that of others, or a new one, which the caller leads.
func (p *Pool) board(caller context.Context, home, key string, job Job) (f *flight, leads bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, false, errDraining
	}
	if f := p.flights[job.Share]; job.Share != "" && f != nil {
		f.waiters++
		p.count.joined++
		return f, false, nil
	}
	ctx, cancel := context.WithCancelCause(p.life)
	f = &flight{share: job.Share, leader: caller, cancel: cancel, waiters: 1, prepared: make(chan struct{}), done: make(chan struct{})}
	if job.Share != "" {
		p.flights[job.Share] = f
	}
	p.lastJob++
	f.dir = filepath.Join(home, jobsFolder, jobFolders+strconv.FormatUint(p.lastJob, 10))
	p.work.Go(func() {
		defer cancel(nil)
		p.fly(ctx, f, key, job)
	})
	return f, true, nil
}

// seal keeps others from joining a run. p.mu is held.
func (p *Pool) seal(f *flight) {
	if p.flights[f.share] == f {
		delete(p.flights, f.share)
	}
}

// alight ends the wait for a run. Who is the last to do so stops it where it still goes on,
// waits until it has stopped, and removes its folder.
func (p *Pool) alight(ctx context.Context, f *flight) {
	p.mu.Lock()
	f.waiters--
	last := f.waiters == 0
	if last {
		p.seal(f)
	}
	p.mu.Unlock()
	if last {
		f.cancel(ctx.Err()) // whether it was a deadline matters, and the cause need not say
		<-f.done
		os.RemoveAll(f.dir)
	}
}

// fly does what a run is for.
func (p *Pool) fly(ctx context.Context, f *flight, key string, job Job) {
	kind, out := kindOf(job.Op), failed
	prepared := sync.OnceFunc(func() { close(f.prepared) })
	defer func() {
		prepared()
		if v := recover(); v != nil {
			p := crew.Recovered(v)
			f.err = fmt.Errorf("office: a job panicked: %v\n%s", p.Value, p.Stack)
		}
		p.mu.Lock()
		p.seal(f)
		p.count.outcomes[kind][out]++
		p.mu.Unlock()
		close(f.done)
	}()
	if job.Op != "" {
		if err := p.breakers[kind].Peek(key); err != nil {
			f.err, out = refused(err), rejected
			return
		}
	}
	if f.err = os.Mkdir(f.dir, 0o700); f.err != nil {
		return
	}
	var r wire.Request
	r, f.err = job.Prepare(f.dir)
	prepared()
	if f.err != nil {
		f.orphaned = f.leader.Err() != nil
		return
	}
	if f.err = within(f.dir, r); f.err != nil {
		return
	}
	kind = kindOf(r.Op)
	f.r, out, f.err = p.do(ctx, kind, key, f.dir, r)
}

// within refuses a request for files elsewhere: paths that go there could only come from a
// name that was taken for part of one.
func within(dir string, r wire.Request) error {
	for _, path := range []string{r.In, r.Out} {
		if path == "" {
			continue
		}
		if rel, err := filepath.Rel(dir, path); err != nil || !filepath.IsLocal(rel) || rel == "." {
			return fmt.Errorf("office: %q is not in the job's folder", path)
		}
	}
	return nil
}

// do has a worker do a request, with the folder dir.
func (p *Pool) do(ctx context.Context, kind int, key, dir string, r wire.Request) (wire.Response, outcome, error) {
	for {
		s, err := p.acquire(ctx, kind)
		if err != nil {
			if ctx.Err() != nil {
				return wire.Response{}, cancelled, err
			}
			return wire.Response{}, rejected, err
		}
		// Much may have happened while it waited.
		permit, err := p.breakers[kind].Allow(key)
		if err != nil {
			p.give(s)
			return wire.Response{}, rejected, refused(err)
		}
		select {
		case <-s.worker.Gone(): // it died while it had nothing to do: that says nothing of this job
			permit.Done(context.Canceled)
			p.finish(s, 0, wire.Response{}, s.worker.Exit().cause())
			continue
		default:
		}
		// The folder is at the worker's for as long as the job is, so that no other job of any
		// worker can read it or change it.
		there := filepath.Join(s.jobsAt, filepath.Base(dir))
		if err := os.Rename(dir, there); err != nil {
			permit.Done(context.Canceled)
			p.give(s)
			return wire.Response{}, failed, err
		}
		resp, took, v := p.ask(ctx, s.worker, moved(r, dir, there))
		if err := os.Rename(there, dir); err != nil && v.err == nil {
			v.err, v.outcome = err, failed
		}
		permit.Done(v.blame)
		p.seconds[kind].Add(took)
		p.finish(s, took, resp, v.cause)
		return resp, v.outcome, v.err
	}
}

// moved gives a request of which the files have been moved.
func moved(r wire.Request, from, to string) wire.Request {
	for _, path := range []*string{&r.In, &r.Out} {
		if rest, ok := strings.CutPrefix(*path, from); ok {
			*path = to + rest
		}
	}
	return r
}

// ask has a worker do a request, and gives what that means. If the worker is not to be used
// again it is gone.
func (p *Pool) ask(ctx context.Context, w Worker, r wire.Request) (wire.Response, time.Duration, verdict) {
	limit := p.Limits().JobTimeout
	ctx, stop := context.WithTimeoutCause(ctx, limit, errHang)
	defer stop()
	begin := time.Now()
	resp, err := w.Do(ctx, r)
	took := time.Since(begin)
	if err == nil {
		v := judgeAnswer(r, resp)
		if v.cause != "" { // it lives, and nobody knows what it does
			w.Kill()
			<-w.Gone()
		}
		return resp, took, v
	}
	w.Kill() // which it should be already
	<-w.Gone()
	return resp, took, judgeEnd(ctx, r, err, took, limit, w.Exit())
}

var errHang = errors.New("the job took longer than jobs may")

// A verdict is what the end of a job means.
type verdict struct {
	outcome outcome
	err     error // for the caller; nil: it is well
	blame   error // for the breaker: nil a success, errBackend a failure, others say nothing
	cause   Cause // why the worker is not used again; "": it is
}

var (
	errBackend = errors.New("LibreOffice failed")
	errNeutral = errors.New("it says nothing of LibreOffice")
)

// judgeEnd says what it means that a worker has ended instead of answering, and whose doing it
// was. limit is how long the job might take, took how long it did.
func judgeEnd(ctx context.Context, r wire.Request, err error, took, limit time.Duration, exit Exit) verdict {
	op := r.Op
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, errHang):
		return verdict{timedOut, tookTooLong(op, limit, cause), errBackend, CauseTimeout}
	case errors.Is(cause, context.DeadlineExceeded) && took >= limit/2:
		// A caller who waits for a moment only says nothing of LibreOffice; one who has given it
		// a fair time does.
		return verdict{timedOut, cause, errBackend, CauseTimeout}
	case cause != nil:
		return verdict{cancelled, cause, errNeutral, CauseCancelled}
	case exit.NoOutput:
		return verdict{crashedOut, empty(op), errBackend, exit.cause()}
	}
	return verdict{crashedOut, crashed(op, exit, err), errBackend, exit.cause()}
}

// cause says why a worker is gone that nobody has ended for what others did.
func (e Exit) cause() Cause {
	switch {
	case e.NoOutput, e.Protocol:
		return CauseBroken
	case e.OutOfMemory:
		return CauseTooMuch
	}
	return CauseCrash
}

// judgeAnswer says what an answer means.
func judgeAnswer(r wire.Request, resp wire.Response) verdict {
	switch f := resp.Failure; {
	case f != nil && f.Code == wire.Broken:
		return verdict{crashedOut, crashed(r.Op, Exit{What: f.Message}, &FailedError{r.Op, *f}), errBackend, CauseBroken}
	case f != nil:
		return verdict{failed, &FailedError{r.Op, *f}, errNeutral, ""}
	case !written(r.Out):
		return verdict{crashedOut, empty(r.Op), errBackend, CauseBroken}
	}
	return verdict{outcome: succeeded}
}

// written tells whether there is an output: a file, with something in it, and not a link to
// what this process may read and the worker may not.
func written(path string) bool {
	if path == "" {
		return true
	}
	info, err := os.Lstat(path)
	return err == nil && info.Mode().IsRegular() && info.Size() > 0
}

// give puts back a worker that was not used.
func (p *Pool) give(s *slot) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.r.unused(p.now(), s)
	p.plan()
}

// finish ends a job's hold of a slot. why says that the worker is gone, and why; "": it is
// there.
func (p *Pool) finish(s *slot, took time.Duration, resp wire.Response, why Cause) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	if why != "" {
		exit := s.worker.Exit()
		p.r.died(now, took, s)
		p.mourn(s, why, exit)
		p.plan()
		return
	}
	p.r.done(now, took, s, resp.Usage.RSS)
	switch why := p.r.overdue(now, s, p.stamp); {
	case p.closed:
		p.retire(s, CauseDrain)
	case why != "":
		p.retire(s, why)
	}
	p.r.dispatch(now)
	p.plan()
}
