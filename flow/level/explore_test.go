//go:build interleave

package level

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"gridflow/internal/interleave"
	"gridflow/internal/interleave/csync"
)

// A leveller has no lock of its own: the owner of the queue has one. What is explored is
// such an owner: work of three kinds comes, leaves and is started in every order, and what
// the package promises of starts and turns holds in each.

type program struct {
	name    string
	threads []string // words: see world.do
}

var programs = []program{
	{"one kind", []string{"x x x", "start start start"}},
	{"two kinds", []string{"x x y", "start start start"}},
	{"two kinds, two workers", []string{"x x y start", "y start start"}},
	{"a lot of two", []string{"z z z x", "start start start start"}},
	{"one leaves", []string{"x y -x", "start y start"}},
	{"nobody is there", []string{"start x start", "start"}},
	{"after a pause", []string{"x x pass start", "start x start"}},
	{"late", []string{"x x x x late start", "start start"}},
	{"the end", []string{"x x start", "start close start"}},

	{"three kinds", []string{"x z", "y z", "start start start"}},
	{"three workers", []string{"x y start", "z z start", "x start"}},
	{"three, one leaves", []string{"x y -y", "z start", "start start"}},
	{"three, and time passes", []string{"x x", "late start", "pass start"}},
	{"four", []string{"x z", "y z", "start start", "start -z"}},
	{"four workers", []string{"x start", "y start", "z start", "x start"}},
}

func cases() (cases []interleave.Case) {
	for _, p := range programs {
		cases = append(cases, interleave.Case{Name: p.name, Options: interleave.ByThreads(len(p.threads)), Run: p.run})
	}
	return cases
}

func TestExploreLevel(t *testing.T) { interleave.ExploreAll(t, cases()) }

// TestMutants: each fault in testdata/mutants.txt makes one of the programs fail.
func TestMutants(t *testing.T) { interleave.FindMutants(t, 10, cases()) }

// The kinds, by the words for a piece of them.
var parts = []Type{{Name: "x", Lot: 1, Longest: interval}, {Name: "y", Lot: 1, Longest: interval}, {Name: "z", Lot: 2, Longest: interval}}

const (
	interval = 100 * time.Millisecond
	shortest = 10 * time.Millisecond
)

// world is one execution of a program: an owner of a leveller.
type world struct {
	*interleave.Run
	meter    *Meter
	pacer    *Pacer
	rotation *Rotation

	mu       csync.Mutex
	now      time.Duration
	arrivals int
	waiting  []int
	passed   []int           // starts of others since work of the kind waits and none of it was started
	since    []time.Duration // when that was
	longest  []time.Duration
	started  bool
	last     time.Duration
	apart    time.Duration // interval after the last start
	closed   bool
}

func (p program) run(r *interleave.Run) {
	w := &world{Run: r, waiting: make([]int, len(parts)), passed: make([]int, len(parts)), since: make([]time.Duration, len(parts)), longest: make([]time.Duration, len(parts))}
	var err [3]error
	w.meter, err[0] = NewMeter(time.Second)
	w.pacer, err[1] = NewPacer(shortest, interval)
	w.rotation, err[2] = NewRotation(parts)
	for _, e := range err {
		if e != nil {
			r.Failf("%v", e)
		}
	}
	for i, script := range p.threads {
		r.Go(string(rune('a'+i)), func() {
			for _, word := range strings.Fields(script) {
				w.mu.Lock()
				w.do(word)
				w.mu.Unlock()
			}
		})
	}
	r.Final(w.atEnd)
}

// do does what a word says, with the lock.
func (w *world) do(word string) {
	switch word {
	case "start":
		w.start()
	case "pass": // a pause in which nothing is started
		w.now += 20 * interval
	case "late":
		w.now += interval + interval/2
	case "close":
		w.pacer.Close()
		w.closed = true
	case "-x", "-y", "-z": // one that waits leaves, if one does
		k := kindOf(word[1:])
		w.rotation.Drop(k)
		w.waiting[k] = max(0, w.waiting[k]-1)
		w.passed[k] = 0
	default:
		k := kindOf(word)
		w.meter.Arrived(w.now)
		w.arrivals++
		w.rotation.Add(w.now, k)
		if w.waiting[k]++; w.waiting[k] == 1 {
			w.passed[k], w.since[k] = 0, w.now
		}
	}
}

func kindOf(name string) int {
	for i, k := range parts {
		if k.Name == name {
			return i
		}
	}
	panic(name)
}

// start starts what is next, in the moment in which it may be.
func (w *world) start() {
	at, ok := w.pacer.Next(w.now)
	switch {
	case ok == w.closed:
		w.Failf("closed: %v, and a start is allowed: %v", w.closed, ok)
	case !ok:
		return
	case at < w.now || !w.started && at > w.now || w.started && at > max(w.now, w.last+w.apart):
		w.Failf("the next start may be at %v; it is %v, the last was at %v, and the interval %v", at, w.now, w.last, w.apart)
	case w.started && at-w.last < w.apart*9/10:
		w.Failf("two starts %v apart, and the interval is %v", at-w.last, w.apart)
	}
	all := 0
	for _, n := range w.waiting {
		all += n
	}
	k, _, ok := w.rotation.Next(at)
	if ok != (all > 0) || ok && w.waiting[k] == 0 {
		w.Failf("of %v next is %d, %v", w.waiting, k, ok)
	}
	if !ok {
		return
	}
	w.now = at
	lots := 0
	for _, t := range parts {
		lots += t.Lot
	}
	for i := range parts {
		if i != k && w.waiting[i] > 0 {
			if w.passed[i]++; w.passed[i] > lots-parts[i].Lot {
				w.Failf("%d pieces of others were started before one of %s, which waits", w.passed[i], parts[i].Name)
			}
		}
	}
	w.longest[k] = max(w.longest[k], w.now-w.since[k])
	w.waiting[k]--
	w.passed[k], w.since[k] = 0, w.now
	w.pacer.Started(w.now, all-1)
	w.started, w.last, w.apart = true, w.now, w.pacer.Interval()
	if w.apart < shortest || w.apart > interval {
		w.Failf("the interval is %v", w.apart)
	}
}

// atEnd: what was counted is what was.
func (w *world) atEnd() error {
	if n := w.meter.Figures(w.now).Arrivals; n != w.arrivals && w.now < 500*time.Millisecond {
		return fmt.Errorf("%d arrivals, of %d", n, w.arrivals)
	}
	for k := range parts {
		if w.rotation.Waiting(k) != w.waiting[k] || w.rotation.Interval(k) != w.longest[k] {
			return fmt.Errorf("%s: %d wait, %v at the longest, want %d and %v", parts[k].Name, w.rotation.Waiting(k), w.rotation.Interval(k), w.waiting[k], w.longest[k])
		}
	}
	if bound := w.rotation.Bound(); bound != 4*interval {
		return fmt.Errorf("a bound of %v", bound)
	}
	return nil
}
