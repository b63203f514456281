//go:build interleave

package hub

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"gridflow/internal/interleave"
	"gridflow/internal/interleave/csync"
)

// A hub under every order of what its publishers and its readers do.

type program struct {
	name    string
	room    int
	threads []string // words: see world.do
	bound   int      // preemptions; 0: as many as there may be
}

var programs = []program{
	{"one key", 2, []string{"a a", "read"}, 0},
	{"two keys", 2, []string{"a b a", "read read"}, 0},
	{"two keys, room for one", 1, []string{"a b a", "read"}, 0},
	{"read to the end", 2, []string{"a b close", "all"}, 0},
	{"close while it waits", 2, []string{"close", "all"}, 0},
	{"not watched any more", 2, []string{"a b close", "unwatch all"}, 0},
	{"watched again", 2, []string{"a a close", "unwatch watch all"}, 0},
	{"the reader leaves", 2, []string{"a cancel", "leave all-leave"}, 0},
	{"two publishers", 2, []string{"a a", "a a"}, 0},

	{"two publishers and a reader", 2, []string{"a b", "b a", "read read"}, 3},
	{"two publishers, room for one", 1, []string{"a b", "b a", "read"}, 3},
	{"a publisher, a reader, one who closes", 2, []string{"a b", "all", "close"}, 3},
	{"a publisher, a reader, one who changes his mind", 2, []string{"a a close", "all", "unwatch watch"}, 3},
	{"a publisher, a reader, one who lets it go", 2, []string{"a b a", "leave", "cancel"}, 3},
}

func cases() (cases []interleave.Case) {
	for _, p := range programs {
		cases = append(cases, interleave.Case{Name: p.name, Options: interleave.AtMost(p.bound), Run: p.run})
	}
	return cases
}

func TestExploreHub(t *testing.T) { interleave.ExploreAll(t, cases()) }

// TestMutants: each fault in testdata/mutants.txt makes one of the programs fail.
func TestMutants(t *testing.T) { interleave.FindMutants(t, 12, cases()) }

var errLeft = errors.New("left")

// world has two readers who watch everything: one of the program, and one who looks
// at the end.
type world struct {
	*interleave.Run
	hub    Hub[string, int]
	read   *Subscription[string, int]
	late   *Subscription[string, int]
	ctx    context.Context
	cancel context.CancelCauseFunc

	versions csync.Int64
	last     map[string]int // that the reader of the program has read
	got      int            // events, with those it was told that it lacks
	ended    bool
	without  bool // the reader does not watch a; written and read by it, where it is one thread
	changed  bool // unwatch was among the words
}

func (p program) run(r *interleave.Run) {
	w := &world{Run: r, last: map[string]int{}, changed: strings.Contains(strings.Join(p.threads, " "), "unwatch")}
	w.ctx, w.cancel = csync.WithCancelCause(context.Background())
	w.read, w.late = w.hub.Subscribe(p.room, "a", "b"), w.hub.SubscribeAll(2)
	for i, script := range p.threads {
		r.Go(string(rune('a'+i)), func() {
			for _, word := range strings.Fields(script) {
				w.do(word)
			}
		})
	}
	r.Invariant(func() error {
		if n := len(w.read.queue.waiting); n > p.room {
			return fmt.Errorf("%d events wait in room for %d", n, p.room)
		}
		return nil
	})
	r.Final(func() error { return w.atEnd(p) })
}

func (w *world) do(word string) {
	switch word {
	case "cancel":
		w.cancel(errLeft)
	case "close":
		w.read.Close()
	case "watch":
		w.read.Watch("a")
		w.without = false
	case "unwatch":
		w.read.Unwatch("a")
		w.without = true
	case "read":
		w.next(context.Background())
	case "leave":
		w.next(w.ctx)
	case "all":
		for w.next(context.Background()) {
		}
	case "all-leave":
		for w.next(w.ctx) {
		}
	default:
		w.hub.Publish(word, int(w.versions.Add(1)))
	}
}

// next reads an event and reports whether there may be more.
func (w *world) next(ctx context.Context) bool {
	e, err := w.read.Next(ctx)
	switch {
	case err == ErrClosed:
		w.ended = true
		return false
	case err == errLeft && ctx == w.ctx:
		return false
	case err != nil:
		w.Failf("%v", err)
	case e.Lost > e.Lagged, e.Key == "a" && w.without:
		w.Failf("%+v", e)
	}
	w.got += 1 + int(e.Lagged)
	w.last[e.Key] = e.Value
	return true
}

// atEnd: every event was given, or counted as missing, or waits; and both readers know the
// newest of each key, which two publishers may have numbered in another order.
func (w *world) atEnd(p program) error {
	published, lost, waiting := 0, uint64(0), 0
	newest := map[string]int{}
	var err error
	if n := len(w.read.queue.waiting); w.ended && n > 0 {
		err = fmt.Errorf("the reader was told of the end, and %d wait", n)
	}
	for e, ok := w.late.TryNext(); ok; e, ok = w.late.TryNext() {
		published += 1 + int(e.Lagged)
		newest[e.Key] = e.Value
	}
	if words := strings.Fields(strings.Join(p.threads, " ")); published != count(words, "a")+count(words, "b") {
		err = errors.Join(err, fmt.Errorf("who looks at the end got %d events", published))
	}
	for e, ok := w.read.TryNext(); ok; e, ok = w.read.TryNext() {
		waiting += 1 + int(e.Lagged)
		lost += e.Lost
		w.last[e.Key] = e.Value
	}
	if closed := w.read.closed; closed || w.changed {
		if closed && !w.ended && strings.Contains(strings.Join(p.threads, " "), "all") {
			err = errors.Join(err, errors.New("the reader was not told of the end"))
		}
		return err // how many it should have had depends on when
	}
	if w.got+waiting != published {
		err = errors.Join(err, fmt.Errorf("%d published, %d read, %d wait", published, w.got, waiting))
	}
	for k, v := range newest {
		if p.room > 1 && w.last[k] != v {
			err = errors.Join(err, fmt.Errorf("the newest of %s is %d for one, %d for the other", k, w.last[k], v))
		}
	}
	return err
}

func count(words []string, word string) (n int) {
	for _, w := range words {
		if w == word {
			n++
		}
	}
	return n
}
