//go:build interleave

package lazy

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"gridflow/internal/interleave"
	"gridflow/internal/interleave/csync"
)

// A load under every order of what its callers and its work do. The work is one thread
// more than the program says; where one run follows another, two.

type program struct {
	name    string
	work    string // never, once, grow, hold, stay, nest, fail or panic: see world.work
	threads []string
	bound   int  // preemptions; 0: as many as there may be
	alone   bool // callers have no keeper
}

var programs = []program{
	{"one run for two", "grow", []string{"wait", "wait"}, 0, false},
	{"a part for one", "grow", []string{"part", "wait peek"}, 0, false},
	{"two parts", "grow", []string{"part wait", "part"}, 0, false},
	{"a failure is kept", "fail", []string{"wait wait", "wait"}, 0, false},
	{"a panic is kept", "panic", []string{"wait", "wait"}, 0, false},
	{"the only one leaves", "hold", []string{"leave", "cancel"}, 0, false},
	{"the only one leaves, the next comes", "hold", []string{"leave", "cancel open wait"}, 0, false},
	{"one of two leaves", "hold", []string{"leave open", "cancel wait"}, 0, false},
	{"one leaves, one has a part", "grow", []string{"part cancel", "leave"}, 0, false},
	{"leaves while it ends", "grow", []string{"leave wait", "cancel"}, 0, false},
	{"leaves while it fails", "fail", []string{"leave", "cancel wait"}, 0, false},
	{"gone before it comes", "never", []string{"cancel leave", "peek"}, 0, false},
	{"set", "grow", []string{"set peek", "wait"}, 0, false},
	{"revoked", "grow", []string{"part wait", "revoke"}, 0, false},
	{"revoked while one waits", "hold", []string{"part", "wait", "revoke open"}, 3, false},
	{"revoked, one leaves", "hold", []string{"leave-part", "revoke cancel open"}, 0, false},
	{"stop", "grow", []string{"part", "stop wait"}, 0, false},
	{"without a keeper", "grow", []string{"part wait", "part"}, 0, true},
	{"without a keeper, one leaves", "hold", []string{"part", "leave", "cancel open"}, 3, true},
	{"a part by another load", "nest", []string{"wait", "leave", "cancel"}, 2, false},
	{"a part by another load, for one", "nest", []string{"wait", "wait inner"}, 2, false},

	{"one run for three", "grow", []string{"wait", "part", "wait"}, 3, false},
	{"three, one leaves", "hold", []string{"leave", "wait", "cancel open"}, 3, false},
	{"three, two leave", "hold", []string{"leave", "leave", "cancel"}, 3, false},
	{"three, two leave, one comes", "hold", []string{"leave", "leave", "cancel open wait"}, 2, false},
	{"three, one leaves from a part", "hold", []string{"leave-part", "leave", "cancel open"}, 2, false},
	{"three, a part of a run that was given up", "grow", []string{"leave-part", "cancel part", "part"}, 2, false},
	{"three, one leaves, one comes", "grow", []string{"leave", "cancel", "wait"}, 3, false},
	{"three and a failure", "fail", []string{"leave", "wait", "cancel"}, 3, false},

	{"one run for four", "once", []string{"wait", "wait", "wait", "wait"}, 2, false},
	{"four and a failure", "fail", []string{"wait", "wait", "wait", "wait"}, 2, false},
	{"four, one leaves", "once", []string{"wait", "leave", "wait", "cancel"}, 2, false},
	{"four, all leave", "stay", []string{"leave", "leave", "leave", "cancel"}, 2, false},
}

func cases() (cases []interleave.Case) {
	for _, p := range programs {
		cases = append(cases, interleave.Case{Name: p.name, Options: interleave.AtMost(p.bound), Run: p.run, Once: len(p.threads) > 3})
	}
	return cases
}

func TestExploreLoad(t *testing.T) { interleave.ExploreAll(t, cases()) }

// TestMutants: each fault in testdata/mutants.txt makes one of the programs fail.
func TestMutants(t *testing.T) { interleave.FindMutants(t, 20, cases()) }

var (
	errLeft = errors.New("left")
	errWork = errors.New("it cannot be done")
)

const (
	parts = 2  // the marks that the work reaches before its end
	runs  = 10 // a value is its mark, and its run times this
)

type world struct {
	*interleave.Run
	load   Load[int]
	inner  Load[int] // what a run that nests waits for
	kind   string
	alone  bool
	ctx    context.Context
	cancel context.CancelCauseFunc
	open   csync.Parker // lets work that holds go on

	stop      csync.Int32 // an operation: others can run here
	published csync.Bool  // the work has begun to publish a part

	// Of the work. One run at a time writes them.
	run     int
	running int
	runCtx  context.Context
	stopped bool // runCtx was done after the step before

	// Of the keeper. The load asks it once for each run.
	kept    int      // runs for which it was asked
	revoke  []func() // how to revoke the leave that they got
	revoked int      // runs up to this one have no leave any more
	kin     int      // runs of the inner load that began within one of the other
	holds   int

	forNobody int        // the last run that went on though nobody waited
	maybe     bool       // somebody left who may have been given a part in the same moment
	served    [runs]bool // runs of which somebody was given something
	ended     [8]bool
}

func (p program) run(r *interleave.Run) {
	w := &world{Run: r, kind: p.work, alone: p.alone, open: csync.MakeParker()}
	w.ctx, w.cancel = csync.WithCancelCause(context.Background())
	for i, script := range p.threads {
		r.Go(string(rune('a'+i)), func() {
			for _, word := range strings.Fields(script) {
				w.do(i, word)
			}
			w.ended[i] = true
		})
	}
	r.Invariant(w.always)
	r.Final(func() error { return w.atEnd(len(p.threads)) })
}

// Keep makes the world a keeper.
func (w *world) Keep(revoke func()) (Hold, bool) {
	w.kept++
	w.revoke = append(w.revoke, revoke)
	w.holds++
	return &held{w: w}, true
}

type held struct {
	w    *world
	gone bool
}

func (h *held) Again() Hold {
	if h.gone {
		h.w.Failf("one more of what was released")
	}
	h.w.holds++
	return &held{w: h.w}
}

func (h *held) Release(bool) {
	if h.gone {
		h.w.Failf("released twice")
	}
	h.gone = true
	h.w.holds--
}

// work makes a value with the number of its run in it.
func (w *world) work(ctx context.Context, p *Publisher[int]) (int, error) {
	w.run++
	w.running++
	w.runCtx, w.stopped = ctx, false
	defer func() { w.running-- }()
	for n := 1; n <= parts && (w.kind == "grow" || w.kind == "hold"); n++ {
		if ctx.Err() != nil {
			return 0, csync.Cause(ctx)
		}
		if p.Wanted(n) {
			w.published.Store(true)
			p.Publish(w.run*runs+n, n)
		}
	}
	switch w.kind {
	case "nest":
		if _, err := w.inner.Wait(ctx, 1, w.innerWork); err != nil {
			return 0, err
		}
	case "hold", "stay":
		if err := w.open.Park(ctx); err != nil {
			return 0, err
		}
		w.open.Unpark() // it stays open
	case "fail":
		return 0, errWork
	case "panic":
		panic("work")
	}
	return w.run*runs + runs - 1, nil
}

// innerWork publishes a part, and would go on for ever.
func (w *world) innerWork(ctx context.Context, p *Publisher[int]) (int, error) {
	if w.running > 0 {
		w.kin++
		defer func() { w.kin-- }()
	}
	for !p.Wanted(1) {
		if ctx.Err() != nil {
			return 0, csync.Cause(ctx)
		}
		csync.Gosched()
	}
	p.Publish(runs-1, 1)
	stay := csync.MakeParker()
	return 0, stay.Park(ctx)
}

// do executes one word of the program of thread i.
func (w *world) do(i int, word string) {
	ctx, mark := context.Background(), Whole
	switch word {
	case "cancel":
		w.cancel(errLeft)
		return
	case "open":
		w.open.Unpark()
		return
	case "revoke":
		w.stop.Load()
		all, upTo := w.revoke, w.kept
		w.revoke = nil
		for _, f := range all {
			f()
		}
		w.revoked = max(w.revoked, upTo)
		return
	case "stop":
		w.load.Stop()
		return
	case "set":
		w.load.Set(runs - 1)
		return
	case "peek":
		if v, ok := w.load.Peek(); ok && v%runs != runs-1 {
			w.Failf("what was whole is %d", v)
		}
		return
	case "part", "inner":
		mark = 1
	case "leave":
		ctx = w.ctx
	case "leave-part":
		ctx, mark = w.ctx, 1
	case "wait":
	default:
		panic("what is " + word + "?")
	}
	load, work := &w.load, w.work
	if word == "inner" {
		load, work = &w.inner, w.innerWork
	} else if !w.alone {
		ctx = WithKeeper(ctx, w)
	}
	v, err := load.Wait(ctx, mark, work)
	switch {
	case err == nil:
		if v%runs < min(mark, runs-1) {
			w.Failf("asked for %d and got %d", mark, v)
		}
		w.served[v/runs] = true
	case v != 0:
		w.Failf("a value and %v", err)
	case err == errLeft && strings.HasPrefix(word, "leave"):
		if mark != Whole && w.published.Load() {
			w.maybe = true
		}
	case err == errWork && w.kind == "fail", errors.Is(err, ErrPanic) && w.kind == "panic":
	default:
		w.Failf("%v", err)
	}
}

// always holds after each step.
func (w *world) always() error {
	if w.running > 1 {
		return fmt.Errorf("%d runs at once", w.running)
	}
	if w.kin > w.holds {
		return errors.New("a part of some work keeps nothing")
	}
	if w.running == 0 {
		return nil
	}
	// Whoever comes later needs a step of its own.
	before := w.stopped
	w.stopped = w.runCtx.Err() != nil
	if w.stopped && !before && len(w.load.waiters) > 0 {
		return fmt.Errorf("the work was stopped while %d wait", len(w.load.waiters))
	}
	if w.load.mu.TryLock() {
		forNobody := w.load.state == running && len(w.load.waiters) == 0 && !w.stopped
		w.load.mu.Unlock()
		if forNobody {
			w.forNobody = w.run
		}
		if forNobody && (w.alone || w.run <= w.revoked) {
			return fmt.Errorf("run %d goes on for nobody, and may not", w.run)
		}
	}
	if !w.alone && w.holds == 0 {
		return errors.New("work is done that keeps nothing")
	}
	return nil
}

func (w *world) atEnd(threads int) error {
	l := &w.load
	var err error
	for i := range threads {
		if !w.ended[i] {
			err = errors.Join(err, fmt.Errorf("caller %d has no answer", i))
		}
	}
	if n := w.holds; n != 0 || w.inner.state == running {
		err = errors.Join(err, fmt.Errorf("%d are kept, the inner load is in state %d", n, w.inner.state))
	}
	if len(l.waiters) != 0 || l.state == running {
		err = errors.Join(err, fmt.Errorf("state %d, %d wait", l.state, len(l.waiters)))
	}
	if l.state == finished && l.value%runs != runs-1 {
		err = errors.Join(err, fmt.Errorf("the whole is %d", l.value))
	}
	if w.kind == "never" && w.run > 0 {
		err = errors.Join(err, errors.New("there was work for nobody"))
	}
	if w.forNobody > 0 && !w.maybe {
		if !w.served[w.forNobody] {
			err = errors.Join(err, fmt.Errorf("run %d went on when all had left, and nobody had got anything of it", w.forNobody))
		}
	}
	return err
}
