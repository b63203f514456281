//go:build interleave

package interleave

import (
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	"gridflow/internal/interleave/coro"
)

// Mode is how a search picks the schedules that it executes.
type Mode uint8

const (
	// Exhaustive executes every schedule, up to the order of operations that commute.
	Exhaustive Mode = iota
	// Bounded executes every schedule with at most Options.Bound preemptions: switches away
	// from a thread that could have gone on (Musuvathi and Qadeer, "Iterative Context
	// Bounding for Systematic Testing of Multithreaded Programs", PLDI 2007). Most faults
	// need one or two.
	Bounded
	// PCT executes Options.Runs random schedules, each by priorities that change at
	// Options.Depth-1 random steps (see pct.go). It is for what is too large for the others.
	PCT
)

// Options say what to search. The zero value searches exhaustively.
type Options struct {
	Mode  Mode
	Bound int // Bounded: preemptions in one execution

	Runs  int    // PCT: executions
	Depth int    // PCT: how many orderings a fault may need; 0 is 3
	Seed  uint64 // PCT: the same seed makes the same schedules

	// Unpruned executes also what differs from another execution only in the order of
	// operations that commute.
	Unpruned bool
	// MaxSteps bounds one execution; beyond it the schedule is reported as a livelock. 0 is 1,000.
	MaxSteps int
	// MaxExecutions bounds the search; beyond it the search fails, since what it has not
	// executed it cannot vouch for. 0 is 5,000,000.
	MaxExecutions int
}

func (o Options) withDefaults() Options {
	if o.MaxSteps == 0 {
		o.MaxSteps = 1000
	}
	if o.MaxExecutions == 0 {
		o.MaxExecutions = 5_000_000
	}
	if o.Depth == 0 {
		o.Depth = 3
	}
	return o
}

// Report says what a search has done.
type Report struct {
	Executions int // to their end
	Pruned     int // given up half-way: all that could follow has been executed elsewhere
	Steps      int // of all of them
	MaxDepth   int // steps of the longest
	MaxThreads int
	Took       time.Duration
}

// PerSecond gives the executions per second, those that were given up included.
func (r Report) PerSecond() float64 {
	return float64(r.Executions+r.Pruned) / max(r.Took.Seconds(), 1e-9)
}

// add counts another search in.
func (r *Report) add(o Report) {
	r.Executions += o.Executions
	r.Pruned += o.Pruned
	r.Steps += o.Steps
	r.MaxDepth = max(r.MaxDepth, o.MaxDepth)
	r.MaxThreads = max(r.MaxThreads, o.MaxThreads)
	r.Took += o.Took
}

func (r Report) String() string {
	return fmt.Sprintf("%d executions, %d pruned, %d steps, longest %d, %d threads, %v, %.0f executions/s",
		r.Executions, r.Pruned, r.Steps, r.MaxDepth, r.MaxThreads, r.Took.Round(time.Microsecond), r.PerSecond())
}

// Run is one execution. The body of a test gets it, makes the state, and registers threads
// and checks; the threads start when the body has returned.
type Run struct {
	e          *explorer
	invariants []func() error
	finals     []func() error
}

// Go registers a thread, which must finish.
func (r *Run) Go(name string, f func()) { r.e.machine.Start(name, f) }

// Background registers a thread that may still wait for something when all others have
// finished: a worker that is never told to stop.
func (r *Run) Background(name string, f func()) { r.e.machine.Start(name, f).Background = true }

// Invariant registers a check of the state at the start and after every step. It runs by
// itself, so its operations on shims are no steps. What it sees of a thread is the moments
// before operations, not those in between.
func (r *Run) Invariant(f func() error) { r.invariants = append(r.invariants, f) }

// Final registers a check of the state after the last step.
func (r *Run) Final(f func() error) { r.finals = append(r.finals, f) }

// Failf fails the execution from within a thread and ends that thread. (The methods of
// testing.TB that end a test must not be called there.)
func (r *Run) Failf(format string, args ...any) {
	r.e.fail(Assertion, fmt.Sprintf(format, args...))
	r.e.machine.Abort()
}

// strategy picks the transitions of one execution after another.
type strategy interface {
	// pick gives one of the enabled transitions, or none if the execution need not go on.
	pick(e *explorer, enabled set) transition
	// again prepares the next execution, if there is one.
	again(e *explorer) bool
}

type explorer struct {
	opts     Options
	machine  coro.Machine
	strategy strategy
	run      Run
	report   Report

	// Of the current execution.
	schedule schedule
	last     coro.Footprint // of the last step
	pruned   bool
	failure  *Failure
	stuck    bool // no thread can go on
	tracer   *tracer
}

// searching is held by the search that uses the one machine of the process.
var searching sync.Mutex

// Search executes body under one schedule after another until one fails or all have been
// executed. The failure is nil if none failed. Searches of one process take turns; no
// other goroutine may use shims meanwhile.
func Search(o Options, body func(*Run)) (Report, *Failure) {
	o = o.withDefaults()
	var s strategy
	switch o.Mode {
	case PCT:
		s = newPCT(o)
	default:
		s = newDFS(o)
	}
	searching.Lock()
	defer searching.Unlock()
	report, failure := search(o, s, nil, body)
	if failure == nil || failure.Kind == Incomplete {
		return report, failure
	}
	return report, explain(o, failure, body)
}

func search(o Options, s strategy, tr *tracer, body func(*Run)) (Report, *Failure) {
	e := &explorer{opts: o, strategy: s, tracer: tr}
	e.run.e = e
	e.machine.Choose = e.choose
	e.machine.Fault = func(t *coro.Thread, v any, stack []byte) {
		e.fail(Panic, fmt.Sprintf("thread %s: %v\n%s", t.Name, v, stack))
	}
	e.machine.Locate = tr != nil
	defer e.machine.Free()
	start := time.Now()
	defer func() { e.report.Took = time.Since(start) }()
	for {
		if e.report.Executions+e.report.Pruned == o.MaxExecutions {
			e.fail(Incomplete, fmt.Sprintf("not finished after %d executions: make the program smaller, or use another mode", o.MaxExecutions))
		} else {
			e.execute(body)
		}
		if e.failure != nil || !s.again(e) {
			e.report.Took = time.Since(start)
			return e.report, e.failure
		}
	}
}

// execute runs body once, under the schedule that the strategy makes.
func (e *explorer) execute(body func(*Run)) {
	e.schedule = e.schedule[:0]
	e.last = coro.Footprint{}
	e.pruned, e.stuck = false, false
	e.run.invariants, e.run.finals = e.run.invariants[:0], e.run.finals[:0]

	e.machine.Begin()
	body(&e.run)
	e.machine.Run()
	if e.stuck {
		e.checkEnd()
	}
	e.machine.End()

	if e.pruned {
		e.report.Pruned++
	} else {
		e.report.Executions++
	}
	e.report.Steps += len(e.schedule)
	e.report.MaxDepth = max(e.report.MaxDepth, len(e.schedule))
	e.report.MaxThreads = max(e.report.MaxThreads, len(e.machine.Threads))
}

// choose is called after every step: it checks what the step has done and asks the
// strategy for the next.
func (e *explorer) choose() (*coro.Thread, int) {
	if e.failure != nil || !e.check(e.run.invariants, Invariant) {
		return nil, 0
	}
	if n := len(e.machine.Threads); n > maxThreads {
		e.fail(Incomplete, fmt.Sprintf("%d threads; at most %d can be explored", n, maxThreads))
		return nil, 0
	}
	enabled := e.enabled()
	if enabled == 0 {
		e.stuck = true
		return nil, 0
	}
	if len(e.schedule) == e.opts.MaxSteps {
		e.fail(Livelock, fmt.Sprintf("still going after %d steps", e.opts.MaxSteps))
		return nil, 0
	}
	x := e.strategy.pick(e, enabled)
	if x == none {
		e.pruned = e.failure == nil
		return nil, 0
	}
	t, way := e.machine.Threads[x.thread()], x.way()
	if e.tracer != nil {
		e.tracer.step(t, way)
	}
	e.schedule = append(e.schedule, x)
	e.last = t.Op.Footprint(way)
	return t, way
}

// enabled gives the transitions that are possible now.
func (e *explorer) enabled() set {
	var enabled set
	for i, t := range e.machine.Threads {
		if !t.Finished {
			enabled |= set(t.Op.Enabled()) << (coro.Ways * i)
		}
	}
	return enabled
}

// footprint gives what a transition that is possible now would touch.
func (e *explorer) footprint(x transition) coro.Footprint {
	return e.machine.Threads[x.thread()].Op.Footprint(x.way())
}

// checkEnd looks at an execution in which no thread can go on.
func (e *explorer) checkEnd() {
	kind := Kind("")
	for _, t := range e.machine.Threads {
		if t.Finished || t.Background {
			continue
		}
		if t.Op.Kind.Type == "Parker" && kind != Deadlock {
			kind = LostWakeup
		} else {
			kind = Deadlock
		}
	}
	if kind != "" {
		e.fail(kind, e.waits())
		return
	}
	e.check(e.run.finals, Final)
}

// waits says who waits for what.
func (e *explorer) waits() string {
	var b strings.Builder
	for _, t := range e.machine.Threads {
		if t.Finished {
			continue
		}
		fmt.Fprintf(&b, "thread %s waits in %s.%s", t.Name, t.Op.Kind.Type, t.Op.Kind.Verb)
		if e.tracer != nil {
			fmt.Fprintf(&b, " of %s", e.tracer.object(&t.Op))
		}
		if r, ok := t.Op.Cond.(coro.Reason); ok {
			fmt.Fprintf(&b, ", %s", r.Reason())
		}
		if e.tracer != nil {
			fmt.Fprintf(&b, " (%s)", location(t.Callers()))
		}
		b.WriteByte('\n')
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// check runs checks until one fails; a panic is a failure.
func (e *explorer) check(checks []func() error, kind Kind) (ok bool) {
	if len(checks) == 0 {
		return true
	}
	defer func() {
		if r := recover(); r != nil {
			e.fail(Panic, fmt.Sprintf("in a check: %v\n%s", r, debug.Stack()))
			ok = false
		}
	}()
	for _, f := range checks {
		if err := f(); err != nil {
			e.fail(kind, err.Error())
			return false
		}
	}
	return true
}

// fail records the first failure of an execution.
func (e *explorer) fail(kind Kind, message string) {
	if e.failure == nil {
		e.failure = &Failure{Kind: kind, Message: message, Schedule: e.schedule.String()}
	}
}

// Explore searches and fails the test if a schedule fails. The report goes to the log.
func Explore(t testing.TB, o Options, body func(*Run)) Report {
	t.Helper()
	report, failure := Search(o, body)
	if failure != nil {
		t.Errorf("%v\nafter %v", failure, report)
	} else {
		t.Log(report)
	}
	return report
}
