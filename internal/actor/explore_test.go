//go:build interleave

package actor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"gridflow/internal/interleave"
	"gridflow/internal/interleave/csync"
)

// A registry under every order of what its callers, its actors and its timer do. An actor
// that has messages is one thread more than the program says, and so is each that is let go.

type program struct {
	name    string
	mailbox int
	live    int
	threads []string // words: see world.do
	bound   int      // preemptions; 0: as many as there may be
	shards  int      // 0 is one
}

var programs = []program{
	{"one place, one caller", 4, 1, []string{"a b"}, 0, 0},
	{"one after the other", 4, 2, []string{"a a", "a"}, 0, 0},
	{"two ids", 4, 2, []string{"a", "b"}, 0, 0},
	{"the timer fires", 4, 2, []string{"a a", "due"}, 0, 0},
	{"the timer fires twice", 4, 2, []string{"a", "due due"}, 0, 0},
	{"one place for two", 4, 1, []string{"a", "b"}, 0, 0},
	{"one place for two, again", 4, 1, []string{"a b", "a"}, 3, 0},
	{"one place for two shards", 4, 1, []string{"a", "b"}, 0, 2},
	{"one place for two shards, again", 4, 1, []string{"a b", "b"}, 2, 2},
	{"a mailbox of one", 1, 2, []string{"a", "a"}, 0, 0},
	{"a panic", 4, 2, []string{"a-panic a", "a"}, 3, 0},
	{"not restored", 4, 2, []string{"a-unrestored", "a"}, 0, 0},
	{"the caller leaves", 4, 2, []string{"a-leave", "cancel"}, 0, 0},
	{"the caller leaves and comes back", 4, 2, []string{"a-leave a", "cancel"}, 3, 0},
	{"gone before it comes", 4, 2, []string{"cancel a-leave"}, 0, 0},
	{"a message sends one", 4, 2, []string{"a-b", "b"}, 3, 0},
	{"both ways", 4, 2, []string{"a-b", "b-a"}, 3, 0},
	{"close", 4, 2, []string{"a", "close"}, 0, 0},
	{"close twice", 4, 2, []string{"close", "close a"}, 0, 0},
	{"close while it is let go", 4, 2, []string{"a close", "due"}, 0, 0},
	{"nobody waits for the end", 4, 2, []string{"a", "close-leave", "cancel"}, 3, 0},
	{"those in the mailbox are turned away", 4, 2, []string{"a", "a", "cancel close-leave"}, 2, 0},

	{"three", 4, 2, []string{"a", "a", "a"}, 3, 0},
	{"three and a mailbox of one", 1, 2, []string{"a", "a", "a"}, 2, 0},
	{"three, the timer fires", 4, 2, []string{"a a", "a", "due"}, 3, 0},
	{"three, one leaves", 4, 2, []string{"a", "a-leave", "cancel"}, 3, 0},
	{"three, one leaves behind a panic", 4, 2, []string{"a-panic", "a-leave", "cancel"}, 2, 0},
	{"three ids in two places", 4, 2, []string{"a", "b", "c"}, 1, 0},
	{"two ids, one place, the timer fires", 4, 1, []string{"a", "b", "due"}, 2, 0},
	{"three, close", 4, 1, []string{"a", "b", "close"}, 2, 0},
	{"three, close while it is let go", 4, 2, []string{"a a", "due", "close"}, 3, 0},
}

func cases() (cases []interleave.Case) {
	for _, p := range programs {
		cases = append(cases, interleave.Case{Name: p.name, Options: interleave.AtMost(p.bound), Run: p.run, Once: len(p.threads) > 2 && p.bound != 2})
	}
	return cases
}

func TestExploreActors(t *testing.T) { interleave.ExploreAll(t, cases()) }

// TestMutants: each fault in testdata/mutants.txt makes one of the programs fail.
func TestMutants(t *testing.T) { interleave.FindMutants(t, 15, cases()) }

var (
	errLeft  = errors.New("left")
	errSick  = errors.New("the journal cannot be read")
	errCross = errors.New("of the message")
)

// state is what an actor holds: the version that the journal had when it was restored, and
// what came to it since.
type state struct{ version int }

type world struct {
	*interleave.Run
	program
	r      *Registry[state]
	ctx    context.Context
	cancel context.CancelCauseFunc

	// Of each id, written by whom the state belongs to. That no two do so at once is what is
	// checked: each looks, lets others run, and looks again.
	journal map[string]int
	states  map[string]int
	open    map[string]*csync.Int32
	broken  map[string]*state // what a panic leaves behind

	answered [8]int // calls of each thread that came back
	executed [8]int
	expected [8]int // of its calls, those that were executed by what they were told
	closed   csync.Bool
}

type unrestored struct{}

func (p program) run(run *interleave.Run) {
	w := &world{Run: run, program: p, journal: map[string]int{}, states: map[string]int{}, open: map[string]*csync.Int32{}, broken: map[string]*state{}}
	w.ctx, w.cancel = csync.WithCancelCause(context.Background())
	for _, id := range []string{"a", "b", "c"} {
		w.open[id] = new(csync.Int32)
		w.journal[id], w.states[id], w.broken[id] = 0, 0, nil // so that no map grows under two threads
	}
	r, err := New(Config[state]{Mailbox: p.mailbox, Live: p.live, Shards: max(1, p.shards), Restore: w.restore, Release: w.release})
	if err != nil {
		panic(err)
	}
	r.hash = func(id string) uint64 { return uint64(id[0]) }
	w.r = r
	for i, script := range p.threads {
		run.Go(string(rune('a'+i)), func() {
			for _, word := range strings.Fields(script) {
				w.do(i, word)
				w.answered[i]++
			}
		})
	}
	run.Invariant(w.always)
	run.Final(w.atEnd)
}

func (w *world) restore(ctx context.Context, id string) (*state, error) {
	if ctx.Value(unrestored{}) != nil {
		return nil, errSick
	}
	if w.states[id]++; w.states[id] > 1 {
		w.Failf("%d states of %s", w.states[id], id)
	}
	version := w.journal[id]
	w.open[id].Load() // others run: nobody may write the journal meanwhile
	if w.journal[id] != version {
		w.Failf("the journal of %s was written while it was read", id)
	}
	return &state{version: version}, nil
}

func (w *world) release(id string, s *state, cause error) {
	var broken *PanicError
	if cause != nil && !errors.As(cause, &broken) {
		w.Failf("released because of %v", cause)
	}
	w.open[id].Load()
	w.states[id]--
}

// message is what thread i has executed on the state of id.
func (w *world) message(i int, id string, then func(ctx context.Context) error) func(context.Context, *state) error {
	return func(ctx context.Context, s *state) error {
		if n := w.open[id].Add(1); n != 1 {
			w.Failf("%d messages of %s at once", n, id)
		}
		if s.version != w.journal[id] {
			w.Failf("%s is at version %d, its journal at %d", id, s.version, w.journal[id])
		}
		w.journal[id]++
		s.version++
		w.executed[i]++
		w.open[id].Add(-1)
		w.broken[id] = s
		return then(ctx)
	}
}

// do executes one word of thread i: an id, alone or with what is special about the message.
func (w *world) do(i int, word string) {
	switch word {
	case "cancel":
		w.cancel(errLeft)
		return
	case "due": // the timer of the shard fires, and whoever is idle is due
		sh := &w.r.shards[0]
		sh.mu.Lock()
		a := sh.idle.first
		if a != nil {
			sh.claimLocked(a)
		}
		sh.mu.Unlock()
		if a != nil {
			w.r.passivate(a)
		}
		return
	case "close":
		if err := w.r.Close(context.Background()); err != nil {
			w.Failf("close: %v", err)
		}
		if n := w.r.live.Load(); n != 0 {
			w.Failf("%d live after Close", n)
		}
		w.closed.Store(true)
		return
	case "close-leave":
		err := w.r.Close(w.ctx)
		if err != nil && err != errLeft {
			w.Failf("close: %v", err)
		}
		if n := w.r.Stats().Depth; n > 0 {
			w.Failf("%d wait after Close", n)
		}
		return
	}
	id, special, _ := strings.Cut(word, "-")
	ctx, then := context.Background(), func(context.Context) error { return errCross }
	switch special {
	case "":
	case "leave":
		ctx = w.ctx
	case "panic":
		then = func(context.Context) error { w.broken[id].version = -1; panic("sick") }
	case "unrestored":
		ctx = context.WithValue(ctx, unrestored{}, true)
	default: // another id, to which the message sends one
		then = func(ctx context.Context) error {
			w.check(i, special, "inner", w.r.Call(ctx, special, w.message(i, special, func(context.Context) error { return errCross })))
			return errCross
		}
	}
	was := w.closed.Load()
	err := w.r.Call(ctx, id, w.message(i, id, then))
	var refusal *Refusal
	if was && (!errors.As(err, &refusal) || refusal.Reason != Closed) {
		w.Failf("after Close a call gives %v", err)
	}
	w.check(i, id, special, err)
}

// check counts a call that came back and looks whether it may have come back so.
func (w *world) check(i int, id, special string, err error) {
	var (
		refusal *Refusal
		broken  *PanicError
		sick    *RestoreError
		closing = strings.Contains(strings.Join(w.threads, " "), "close")
	)
	ok := false
	switch {
	case err == errCross:
		w.expected[i]++
		ok = special != "panic"
	case errors.As(err, &sick):
		ok = special == "unrestored"
	case errors.As(err, &broken):
		w.expected[i]++
		ok = special == "panic"
	case errors.As(err, &refusal):
		switch refusal.Reason {
		case Left:
			ok = special == "leave" && errors.Is(err, errLeft)
		case Full:
			ok = w.mailbox == 1 && refusal.Depth == 1
		case Limit:
			ok = w.live < 2 && len(w.threads) > 1 || strings.Contains(strings.Join(w.threads, " "), "c")
		case Order:
			ok = special == "inner" && id == "a"
		case Closed:
			ok = closing
		}
	}
	if !ok {
		w.Failf("a call of %s (%s) gives %v", id, special, err)
	}
}

// always holds after each step: no place is given twice.
func (w *world) always() error {
	if n := w.r.live.Load(); n < 0 || n > int64(w.live) {
		return fmt.Errorf("%d live, of %d", n, w.live)
	}
	for i := range w.r.shards {
		for id, a := range w.r.shards[i].actors {
			if len(a.mailbox) > w.mailbox {
				return fmt.Errorf("%d messages wait for %s", len(a.mailbox), id)
			}
		}
	}
	states := 0
	for id, n := range w.states {
		if n < 0 || n > 1 {
			return fmt.Errorf("%d states of %s", n, id)
		}
		states += n
	}
	if states > w.live {
		return fmt.Errorf("%d states in %d places", states, w.live)
	}
	return nil
}

func (w *world) atEnd() error {
	var err error
	for i, script := range w.threads {
		if n := len(strings.Fields(script)); w.answered[i] != n {
			err = errors.Join(err, fmt.Errorf("thread %d: %d of %d answers", i, w.answered[i], n))
		}
		if w.executed[i] != w.expected[i] {
			err = errors.Join(err, fmt.Errorf("thread %d: %d messages executed, and it was told so of %d", i, w.executed[i], w.expected[i]))
		}
	}
	states, known := 0, 0
	for i := range w.r.shards {
		sh := &w.r.shards[i]
		known += len(sh.actors)
		for id, a := range sh.actors {
			if a.busy || len(a.mailbox) > 0 || a.state == nil || w.states[id] != 1 {
				err = errors.Join(err, fmt.Errorf("%s: busy %v, %d messages, %d states", id, a.busy, len(a.mailbox), w.states[id]))
			}
		}
		if sh.closed && len(sh.actors) > 0 {
			err = errors.Join(err, fmt.Errorf("closed, and %d live", len(sh.actors)))
		}
	}
	for _, n := range w.states {
		states += n
	}
	if int(w.r.live.Load()) != known || states != known {
		err = errors.Join(err, fmt.Errorf("%d live, %d are known, %d states", w.r.live.Load(), known, states))
	}
	return err
}
