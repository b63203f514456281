//go:build interleave

package batch

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"gridflow/internal/interleave"
	"gridflow/internal/interleave/csync"
)

// A Batcher under every order of what its callers do.

type program struct {
	name    string
	cfg     Config[int, int]
	threads []string // words: see world.do
}

var (
	leaving = Config[int, int]{Leave: true}
	one     = Config[int, int]{MaxItems: 1}
	pair    = Config[int, int]{MaxItems: 2}
	crowded = Config[int, int]{MaxWaiting: 1}
	linger  = Config[int, int]{Linger: time.Hour}
	couple  = Config[int, int]{Linger: time.Hour, MaxItems: 2}
)

var programs = []program{
	{"two at once", Config[int, int]{}, []string{"do do", "do"}},
	{"one by one", one, []string{"do do", "do"}},
	{"one leaves", Config[int, int]{}, []string{"do", "leave cancel do"}},
	{"one is made to leave", Config[int, int]{}, []string{"leave do", "do cancel"}},
	{"leaves what runs", leaving, []string{"leave do", "do cancel"}},
	{"closed", Config[int, int]{}, []string{"do do", "close"}},
	{"closed twice", Config[int, int]{}, []string{"do close", "close do"}},
	{"a failure", Config[int, int]{}, []string{"do fail", "do"}},
	{"a panic", Config[int, int]{}, []string{"do panic", "do"}},
	{"no room", crowded, []string{"do do", "do"}},
	{"company comes", couple, []string{"do", "do"}},
	{"time passes", linger, []string{"do", "expire"}},
	{"time passes twice", linger, []string{"leave do", "cancel expire"}},
	{"waits for company and leaves", linger, []string{"leave", "cancel"}},
	{"waits for company and is closed", linger, []string{"do", "close"}},

	{"three at once", pair, []string{"do", "do", "do"}},
	{"three, one leaves", Config[int, int]{}, []string{"do", "leave", "cancel"}},
	{"three, two leave", Config[int, int]{}, []string{"leave", "leave", "do cancel"}},
	{"three, one leaves what runs", leaving, []string{"do", "leave", "cancel do"}},
	{"three, closed", Config[int, int]{}, []string{"do", "do", "close"}},
	{"three, no room", crowded, []string{"do", "do", "do"}},
	{"three, the lead leaves", couple, []string{"leave", "do", "cancel expire"}},
	{"three and a panic", Config[int, int]{}, []string{"panic", "do", "do"}},

	{"four at once", pair, []string{"do", "do", "do", "do"}},
	{"four, one leaves", pair, []string{"do", "do", "leave", "cancel"}},
	{"four, closed", Config[int, int]{}, []string{"do", "leave", "cancel", "close"}},
	{"four, company", couple, []string{"do", "leave", "cancel", "expire"}},
}

func cases() (cases []interleave.Case) {
	for _, p := range programs {
		n := len(p.threads)
		cases = append(cases, interleave.Case{Name: p.name, Options: interleave.ByThreads(n), Run: p.run, Once: n > 3})
	}
	return cases
}

func TestExploreBatch(t *testing.T) { interleave.ExploreAll(t, cases()) }

// TestMutants: each fault in testdata/mutants.txt makes one of the programs fail.
func TestMutants(t *testing.T) { interleave.FindMutants(t, 14, cases()) }

var (
	errLeft = errors.New("left")
	errFail = errors.New("failed")
)

// The items that a batch takes ill.
const (
	itemFail = 1000 * (1 + iota)
	itemPanic
)

// world is one execution of a program.
type world struct {
	*interleave.Run
	p      program
	b      *Batcher[int, int]
	ctx    context.Context
	cancel context.CancelCauseFunc

	numbers csync.Int64
	running csync.Bool
	closed  csync.Bool // Close has been called …
	over    csync.Bool // … and has returned
	ran     [10]csync.Int32
	ill     csync.Bool // a batch had something in it that it takes ill

	mu     csync.Mutex
	timers []func()
	passed bool // time has passed: every timer that is set later has fired too
}

func (p program) run(r *interleave.Run) {
	w := &world{Run: r, p: p}
	w.ctx, w.cancel = csync.WithCancelCause(context.Background())
	cfg := p.cfg
	cfg.Run = w.batch
	var err error
	if w.b, err = New(cfg); err != nil {
		r.Failf("%v", err)
	}
	w.b.after = w.after
	for i, script := range p.threads {
		r.Go(string(rune('a'+i)), func() {
			for _, word := range strings.Fields(script) {
				w.do(word)
			}
		})
	}
	r.Invariant(func() error {
		if n := w.b.stats.Waiting; p.cfg.MaxWaiting > 0 && n > p.cfg.MaxWaiting {
			return fmt.Errorf("%d wait, and %d may", n, p.cfg.MaxWaiting)
		}
		return nil
	})
	r.Final(w.atEnd)
}

// after is the clock of the program, which goes on when it says so.
func (w *world) after(_ time.Duration, f func()) func() bool {
	w.mu.Lock()
	passed := w.passed
	if !passed {
		w.timers = append(w.timers, f)
	}
	w.mu.Unlock()
	if passed {
		f()
	}
	return func() bool { return false } // it may fire when nobody wants it any more
}

// batch is what the batches do.
func (w *world) batch(items []int, out []Outcome[int]) error {
	if !w.running.CompareAndSwap(false, true) {
		w.Failf("two batches at once")
	}
	defer w.running.Store(false)
	if len(items) == 0 || w.p.cfg.MaxItems > 0 && len(items) > w.p.cfg.MaxItems {
		w.Failf("a batch of %d", len(items))
	}
	if w.over.Load() {
		w.Failf("a batch after the end")
	}
	for i, n := range items {
		w.ran[n%1000].Add(1)
		out[i].Value = 2 * n
	}
	for _, n := range items {
		switch n / 1000 * 1000 {
		case itemFail:
			w.ill.Store(true)
			return errFail
		case itemPanic:
			w.ill.Store(true)
			panic(errFail)
		}
	}
	return nil
}

func (w *world) do(word string) {
	ctx, item := context.Background(), int(w.numbers.Add(1))
	switch word {
	case "cancel":
		w.cancel(errLeft)
		return
	case "close":
		w.closed.Store(true)
		w.b.Close()
		w.over.Store(true)
		return
	case "expire":
		w.mu.Lock()
		fire := w.timers
		w.timers, w.passed = nil, true
		w.mu.Unlock()
		for _, f := range fire {
			f()
		}
		return
	case "leave":
		ctx = w.ctx
	case "fail":
		item += itemFail
	case "panic":
		item += itemPanic
	}
	v, err := w.b.Do(ctx, item)
	ran := w.ran[item%1000].Load()
	var panicked *PanicError
	switch {
	case err == nil:
		if v != 2*item || ran != 1 {
			w.Failf("item %d gave %d, and was run %d times", item, v, ran)
		}
	case errors.Is(err, ErrTaken):
		if !w.p.cfg.Leave || !errors.Is(err, errLeft) {
			w.Failf("item %d: %v", item, err)
		}
	case err == errLeft, err == ErrClosed, err == ErrFull:
		if ran != 0 {
			w.Failf("item %d was run, and its caller told %v", item, err)
		}
		if err == errLeft && ctx != w.ctx || err == ErrClosed && !w.closed.Load() || err == ErrFull && w.p.cfg.MaxWaiting == 0 {
			w.Failf("item %d: %v", item, err)
		}
	case err == errFail, errors.As(err, &panicked):
		if !w.ill.Load() || ran != 1 {
			w.Failf("item %d: %v, and was run %d times", item, err, ran)
		}
	default:
		w.Failf("item %d: %v", item, err)
	}
}

// atEnd: nothing is left, whoever came has been served or has left, and is counted.
func (w *world) atEnd() error {
	b := w.b
	var ran uint64
	for i := range w.ran {
		n := w.ran[i].Load()
		if n > 1 {
			return fmt.Errorf("item %d was run %d times", i, n)
		}
		ran += uint64(n)
	}
	if b.led || len(b.queue) > 0 || b.stats.Waiting != 0 || b.stats.Items != ran {
		return fmt.Errorf("led %v, %d groups, %+v, %d items were run", b.led, len(b.queue), b.stats, ran)
	}
	for _, g := range b.free {
		if g.readers.Load() != 0 || g.live != 0 || g.taken || len(g.items) > 0 {
			return fmt.Errorf("a group that is not fit for use is kept: %+v", g)
		}
	}
	return nil
}
