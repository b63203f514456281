//go:build interleave

package interleave

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"gridflow/internal/interleave/coro"
)

// Kind says in which way an execution failed.
type Kind string

const (
	Deadlock   Kind = "deadlock"    // no thread can go on, and some have not finished
	LostWakeup Kind = "lost wakeup" // the same, where all that have not finished are parked
	Livelock   Kind = "livelock"    // more than Options.MaxSteps steps
	Panic      Kind = "panic"       // of a thread or a check
	Invariant  Kind = "invariant"   // a check of Run.Invariant
	Final      Kind = "final state" // a check of Run.Final
	Assertion  Kind = "assertion"   // Run.Failf
	Incomplete Kind = "incomplete"  // more executions than Options.MaxExecutions, or too many threads
	Diverged   Kind = "diverged"    // the body does not do the same under the same schedule
)

// Failure is a schedule under which the program is wrong.
type Failure struct {
	Kind     Kind
	Message  string
	Schedule string // for Replay
	Trace    string // one line for each step
}

func (f *Failure) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", f.Kind, f.Message)
	if f.Kind != Incomplete {
		fmt.Fprintf(&b, "\nschedule %q:\n%s", f.Schedule, f.Trace)
	}
	return b.String()
}

// Replay executes body once under a schedule from a failure and gives the failure, with a
// trace. After the last step of the schedule it lets the first thread go on that can. The
// failure is nil if none occurs; the trace is in the log then.
func Replay(t testing.TB, text string, body func(*Run)) *Failure {
	t.Helper()
	s, err := parseSchedule(text)
	if err != nil {
		t.Fatal(err)
	}
	searching.Lock()
	defer searching.Unlock()
	failure, trace := replay(Options{}.withDefaults(), s, body)
	if failure == nil {
		t.Logf("schedule %q does not fail:\n%s", text, trace)
	}
	return failure
}

func replay(o Options, s schedule, body func(*Run)) (*Failure, string) {
	tr := &tracer{names: map[unsafe.Pointer]string{}, count: map[string]int{}}
	_, f := search(o, &replayer{schedule: s}, tr, body)
	if f != nil {
		f.Trace = tr.String()
	}
	return f, tr.String()
}

// explain makes a trace of a failure by executing it again.
func explain(o Options, f *Failure, body func(*Run)) *Failure {
	s, err := parseSchedule(f.Schedule)
	if err != nil {
		panic(err)
	}
	again, trace := replay(o, s, body)
	if again == nil || again.Kind != f.Kind {
		f.Trace = trace
		f.Message = fmt.Sprintf("%s (and the same schedule gave another outcome when it was executed again, so the body depends on something else: %v)", f.Message, again)
		return f
	}
	return again
}

// replayer is the strategy that follows a schedule.
type replayer struct {
	schedule schedule
}

func (r *replayer) pick(e *explorer, enabled set) transition {
	if n := len(e.schedule); n < len(r.schedule) {
		x := r.schedule[n]
		if enabled&x.set() == 0 {
			e.fail(Diverged, fmt.Sprintf("step %d of the schedule is not possible", n))
			return none
		}
		return x
	}
	return enabled.first()
}

func (r *replayer) again(*explorer) bool { return false }

// tracer writes down the steps of one execution. It names objects in the order in which
// they are first used.
type tracer struct {
	lines []string
	names map[unsafe.Pointer]string
	count map[string]int
}

func (tr *tracer) step(t *coro.Thread, way int) {
	verb := t.Op.Kind.Verb
	if way == coro.Cancelled {
		verb += " cancelled"
	}
	tr.lines = append(tr.lines, fmt.Sprintf("%4d  %c %-12s %-18s %-14s %s",
		len(tr.lines), letters[t.Index], t.Name, verb, tr.object(&t.Op), location(t.Callers())))
}

func (tr *tracer) object(op *coro.Op) string {
	name, ok := tr.names[op.Obj]
	if !ok {
		tr.count[op.Kind.Type]++
		name = fmt.Sprintf("%s#%d", op.Kind.Type, tr.count[op.Kind.Type])
		tr.names[op.Obj] = name
	}
	return name
}

func (tr *tracer) String() string { return strings.Join(tr.lines, "\n") }

// location gives the innermost place outside of the shims.
func location(pcs []uintptr) string {
	frames := runtime.CallersFrames(pcs)
	for {
		f, more := frames.Next()
		if !strings.HasPrefix(f.Function, "gridflow/internal/interleave/csync.") &&
			!strings.HasPrefix(f.Function, "gridflow/internal/interleave/coro.") {
			return fmt.Sprintf("%s:%d", filepath.Base(f.File), f.Line)
		}
		if !more {
			return "?"
		}
	}
}
