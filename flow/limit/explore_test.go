//go:build interleave

package limit

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"gridflow/internal/interleave"
	"gridflow/internal/interleave/csync"
)

// A limiter has no lock of its own: the owner of the queue has one. What is explored is
// such an owner: calls begin and end in every order, with the load of the machine told in
// between, and each step of the limit must be one that the calls since the last justify.

type program struct {
	name    string
	max     int
	initial int
	threads []string // words: see world.do
}

var programs = []program{
	{"slow calls", 3, 3, []string{"slow slow", "slow slow"}},
	{"quick calls at the limit", 3, 1, []string{"quick quick quick", "quick quick quick"}},
	{"quick calls below the limit", 9, 5, []string{"quick late quick", "quick late quick"}},
	{"slow, then quick", 3, 2, []string{"slow slow quick", "quick late quick"}},
	{"at the lower bound", 2, 1, []string{"slow slow", "fail fail"}},
	{"at the upper bound", 2, 2, []string{"quick quick late", "quick late quick"}},
	{"failures", 3, 3, []string{"fail quick fail", "fail"}},
	{"one failure says nothing", 3, 2, []string{"fail-quick", "fair fair"}},
	{"callers who leave", 3, 2, []string{"leave leave", "fair leave leave"}},
	{"a busy machine", 4, 3, []string{"quick late quick", "busy late calm"}},
	{"a machine that is not calm", 4, 2, []string{"quick quick", "stirred late calm"}},

	{"three, slow", 3, 3, []string{"slow slow", "slow", "slow"}},
	{"three, quick", 4, 1, []string{"quick late quick", "quick quick", "quick"}},
	{"three and the machine", 3, 2, []string{"quick late quick", "slow", "busy calm"}},
	{"three, one fails", 3, 3, []string{"fail fail", "quick", "leave fail"}},
	{"four", 3, 3, []string{"slow", "fail", "quick", "busy"}},
	{"four, quick", 3, 1, []string{"quick late", "quick", "quick", "quick"}},
}

// cases gives the programs of one of the two limiters.
func cases(run func(program) func(*interleave.Run)) (cases []interleave.Case) {
	for _, p := range programs {
		cases = append(cases, interleave.Case{Name: p.name, Options: interleave.ByThreads(len(p.threads)), Run: run(p)})
	}
	return cases
}

func ofController(p program) func(*interleave.Run) { return p.controller }
func ofGradient(p program) func(*interleave.Run)   { return p.gradient }

func TestExploreController(t *testing.T) { interleave.ExploreAll(t, cases(ofController)) }

func TestExploreGradient(t *testing.T) { interleave.ExploreAll(t, cases(ofGradient)) }

// TestMutants: each fault in testdata/mutants.txt makes one of the programs fail.
func TestMutants(t *testing.T) {
	interleave.FindMutants(t, 10, append(cases(ofController), cases(ofGradient)...))
}

const (
	window   = time.Second
	cooldown = 2 * time.Second
)

// world is one execution of a program: an owner of a limiter.
type world struct {
	*interleave.Run
	l      Limiter
	strict bool // each step is to be justified; else only that it is one, and in bounds

	mu       csync.Mutex
	now      time.Duration
	inFlight int
	pressure float64
	limit    int
	max      int
	steps    int
	last     time.Duration // the last step …
	since    since         // … and what happened since
}

// since is what is known of calls that began after the last step and have ended.
type since struct {
	calls, failed, slow, quick, atLimit int
}

func (p program) controller(r *interleave.Run) {
	l, err := New(Config{Min: 1, Max: p.max, Initial: p.initial, Shrink: time.Second, Grow: 100 * time.Millisecond, Window: window, MinSamples: 1, Cooldown: cooldown})
	if err != nil {
		r.Failf("%v", err)
	}
	p.run(&world{Run: r, l: l, strict: true})
}

func (p program) gradient(r *interleave.Run) {
	l, err := NewGradient(GradientConfig{Min: 1, Max: p.max, Initial: p.initial, MinSamples: 1})
	if err != nil {
		r.Failf("%v", err)
	}
	w := &world{Run: r, l: l}
	for range 2 * warmSamples { // it rests until it knows how long a call takes
		w.now += 3 * time.Millisecond
		l.Observe(w.now, Sample{Service: 10 * time.Millisecond, InFlight: l.Limit()})
	}
	p.run(w)
}

func (p program) run(w *world) {
	w.limit, w.max = w.l.Limit(), p.max
	for i, script := range p.threads {
		w.Go(string(rune('a'+i)), func() {
			for _, word := range strings.Fields(script) {
				w.do(word)
			}
		})
	}
	w.Final(func() error {
		if w.l.Limit() != w.limit {
			return fmt.Errorf("the limit is %d, and its last step led to %d", w.l.Limit(), w.limit)
		}
		return nil
	})
}

// The calls by how long they take and how they end.
var words = map[string]Sample{
	"quick":      {Service: 10 * time.Millisecond},
	"fair":       {Service: 500 * time.Millisecond},
	"slow":       {Service: 2 * time.Second},
	"fail":       {Service: 2 * time.Second, Outcome: Failed},
	"fail-quick": {Service: 500 * time.Millisecond, Outcome: Failed},
	"leave":      {Service: 5 * time.Second, Outcome: Cancelled},
}

func (w *world) do(word string) {
	switch word {
	case "busy", "calm", "stirred":
		w.mu.Lock()
		w.now += window
		w.pressure = map[string]float64{"busy": 1, "stirred": calmPressure, "calm": 0}[word]
		w.check(w.l.Tick(w.now, w.pressure))
		w.mu.Unlock()
		return
	case "late": // time passes
		w.mu.Lock()
		w.now += cooldown
		w.mu.Unlock()
		return
	}
	s := words[word]
	w.mu.Lock()
	began := w.now
	w.inFlight++
	s.InFlight = w.inFlight
	w.mu.Unlock()

	w.mu.Lock()
	w.inFlight--
	w.now = max(w.now, began+s.Service)
	s.Service = w.now - began
	if s.Outcome != Cancelled && (w.steps == 0 || began >= w.last) {
		w.since.add(s, w.l.Limit())
	}
	w.check(w.l.Observe(w.now, s))
	w.mu.Unlock()
}

func (n *since) add(s Sample, limit int) {
	n.calls++
	switch {
	case s.Outcome == Failed:
		n.failed++
	case s.Service >= 900*time.Millisecond: // the histogram of a window is right to some per cent
		n.slow++
	case s.Service <= 110*time.Millisecond:
		n.quick++
	}
	if s.InFlight >= limit {
		n.atLimit++
	}
}

// check looks at a step of the limit. w.mu is held.
func (w *world) check(c Change, ok bool) {
	if !ok {
		return
	}
	n := w.since
	switch {
	case c.From != w.limit || c.To == c.From || c.To < 1 || c.To > w.max || c.At != w.now:
		w.Failf("%+v of %d in 1…%d", c, w.limit, w.max)
	case !w.strict:
	case c.To > c.From+1 || c.To < shrunk(c.From):
		w.Failf("%+v: a leap", c)
	case w.steps > 0 && w.now-w.last < cooldown:
		w.Failf("%+v, %v after the last step", c, w.now-w.last)
	case n.calls == 0:
		w.Failf("%+v, and no call that began since the last step has ended", c)
	case c.Cause == Latency && (c.To > c.From || n.slow == 0), c.Cause == Scheduler && (c.To > c.From || w.pressure < 1),
		c.Cause == Failures && (c.To > c.From || n.failed < 2),
		c.Cause == Headroom && (c.To < c.From || n.quick == 0 || n.atLimit == 0 || w.pressure >= calmPressure):
		w.Failf("%+v, at a pressure of %g, after %+v", c, w.pressure, n)
	}
	w.limit, w.last, w.since = c.To, w.now, since{}
	w.steps++
}
