//go:build interleave

package flow

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"gridflow/flow/kernel"
	"gridflow/internal/interleave"
	"gridflow/internal/interleave/csync"
)

// The gate under every order of its operations. A program is what each thread does, in
// words (see world.do), and is explored as far as its number of threads allows: two in
// every order, three with three preemptions, four with two. What must hold is the same for
// all of them: world.always after each step, world.atEnd after the last.

type program struct {
	name    string
	conf    func(*Config) // of one class with one seat
	held    string        // words for calls that hold permits when the threads start
	threads []string
	big     bool // to be executed once, not for each mutant
}

func threads(scripts ...string) []string { return scripts }

func seats(n int64) func(*Config) { return func(c *Config) { c.Resources[0].Capacity = n } }

func queue(n int) func(*Config) { return func(c *Config) { c.Classes[0].QueueMax = n } }

// behind adds a class behind, of which one may run at once.
func behind(n int64) func(*Config) {
	return func(c *Config) {
		c.Classes = append(c.Classes, Class{Name: "behind", QueueMax: 1, Limit: 1})
		c.Resources[0].Capacity = n
	}
}

func waitMax(c *Config) { c.Classes[0].WaitMax = time.Hour }

var programs = []program{
	{name: "two take turns", threads: threads("call call", "call call")},
	{name: "done twice", threads: threads("twice call", "twice")},
	{name: "done by two", held: "call", threads: threads("either", "either call")},
	{name: "stale permit", held: "call", threads: threads("release again", "call call")},
	{name: "cancel a waiter", threads: threads("call cancel", "leave")},
	{name: "cancel, then grant", held: "call", threads: threads("leave", "cancel release")},
	{name: "grant, then cancel", held: "call", threads: threads("leave call", "release cancel")},
	{name: "gone before it comes", threads: threads("cancel gone", "call leave")},
	{name: "drain", held: "call", threads: threads("call", "drain refused release")},
	{name: "drain the queue", held: "call", threads: threads("call", "empty release refused")},
	{name: "drain and cancel", held: "call", threads: threads("leave", "empty cancel release")},
	{name: "shrink and grow", conf: seats(2), held: "call", threads: threads("call call", "limit1 limit2 release")},
	{name: "shrink the seats", conf: seats(2), held: "call", threads: threads("call call", "seats1 release seats2"), big: true},
	{name: "grow the seats", held: "call", threads: threads("call", "seats2 release")},
	{name: "a limit below one", held: "call", threads: threads("call", "limit-1 release")},
	{name: "stats", held: "call", threads: threads("call", "stats release stats")},
	{name: "wait ends", conf: waitMax, held: "call", threads: threads("call", "expire release")},

	{name: "share", threads: threads("share", "share share")},
	{name: "share, leader first", held: "share", threads: threads("share", "release call")},
	{name: "share, called in", held: "call", threads: threads("share", "release share")},
	{name: "share, leader done twice", held: "share share", threads: threads("release again", "release2 call")},
	{name: "share, waiter leaves", held: "call", threads: threads("share-leave", "cancel release share")},
	{name: "share, drain", held: "share", threads: threads("share", "drain refused-share release")},
	{name: "share, crowded", conf: seats(2), held: "share share", threads: threads("share", "release release2 share")},

	{name: "left behind", conf: behind(1), threads: threads("tail", "call call")},
	{name: "left behind, no room", conf: behind(2), threads: threads("tail", "tail call")},
	{name: "left behind, drain", conf: behind(1), threads: threads("tail", "drain")},
	{name: "left behind, shared", conf: behind(1), threads: threads("tail-share", "share share")},
	{name: "left behind, two pieces", conf: behind(1), threads: threads("tail-share", "tail-share")},
	{name: "left behind, no room, shared", conf: behind(2), held: "call-double", threads: threads("tail-share", "release tail")},
	{name: "left behind, done twice", conf: behind(1), held: "call", threads: threads("release again", "tail")},
	{name: "left behind, in parts", conf: behind(1), threads: threads("parts call", "call")},

	{name: "levels", conf: queue(1), held: "call", threads: threads("call", "release call")},
	{name: "levels, one leaves", conf: queue(1), held: "call", threads: threads("leave", "cancel")},
	{name: "levels, wait ends", conf: func(c *Config) { waitMax(c); queue(1)(c) }, held: "call", threads: threads("call", "late stats release")},

	{name: "three take turns", threads: threads("call", "call", "call")},
	{name: "three, one leaves", threads: threads("call cancel", "leave", "call"), big: true},
	{name: "three on two seats", conf: seats(2), threads: threads("call cancel", "leave", "call"), big: true},
	{name: "three, two clients", threads: threads("call", "call-other", "call")},
	{name: "three, full queue", conf: queue(1), held: "call", threads: threads("call", "call", "release"), big: true},
	{name: "three, wait ends", conf: waitMax, held: "call", threads: threads("leave", "cancel expire", "release call"), big: true},
	{name: "three, drain", held: "call", threads: threads("call", "leave", "empty cancel release")},
	{name: "three, limits", conf: seats(2), held: "call", threads: threads("call", "call", "limit1 release limit2")},
	{name: "three, reconfigure", conf: seats(2), held: "call", threads: threads("call", "leave", "seats1 cancel release")},
	{name: "three, stats", held: "call", threads: threads("call", "leave", "cancel stats release")},
	{name: "three, the first leaves", conf: seats(2), held: "call", threads: threads("call-double-leave", "call", "cancel release")},
	{name: "three, levels", conf: queue(2), held: "call", threads: threads("call", "call", "release")},
	{name: "three share", threads: threads("share", "share", "share")},
	{name: "three share, one leaves", held: "call", threads: threads("share", "share-leave", "cancel release")},
	{name: "three share, leader first", held: "share", threads: threads("share", "release share", "share-leave cancel")},
	{name: "three share, crowded", held: "share share", threads: threads("share", "release", "release2 share")},
	{name: "three share, one after the other", held: "share", threads: threads("share share", "share", "release")},
	{name: "two share and one does not", held: "call", threads: threads("share", "share", "release call")},

	{name: "three, left behind", conf: behind(2), threads: threads("tail", "tail", "call"), big: true},
	{name: "three, left behind, shared", conf: behind(1), threads: threads("tail-share", "share", "call")},
	{name: "three, left behind, two pieces", conf: behind(2), threads: threads("tail-share", "tail-share", "tail"), big: true},

	{name: "four take turns", threads: threads("call", "call", "call", "call"), big: true},
	{name: "four, two leave", threads: threads("call cancel", "leave", "call", "leave"), big: true},
	{name: "four, wait ends", conf: waitMax, held: "call", threads: threads("leave", "call", "cancel release", "expire"), big: true},
	{name: "four, drain", held: "call", threads: threads("call", "leave", "cancel empty", "release"), big: true},
	{name: "four, limits", conf: seats(2), held: "call", threads: threads("call", "call", "limit1 limit2", "release"), big: true},
	{name: "four, levels", conf: queue(2), held: "call", threads: threads("call", "call", "call", "release"), big: true},
	{name: "four share", threads: threads("share", "share", "share", "share")},
	{name: "four share, one leaves", held: "call", threads: threads("share", "share-leave", "share", "cancel release"), big: true},
	{name: "four share, crowded", held: "share share", threads: threads("share", "share", "release", "release2")},
	{name: "three share, two start at once", conf: seats(2), held: "call-double", threads: threads("share", "share", "share", "release")},
	{name: "two share, the next starts", conf: seats(2), held: "call-double", threads: threads("share", "share-double", "call", "release")},
	{name: "three share, the first leaves", conf: seats(2), held: "call", threads: threads("share-double-leave", "share", "share", "cancel release")},
}

func cases() (cases []interleave.Case) {
	for _, p := range programs {
		cases = append(cases, interleave.Case{Name: p.name, Options: interleave.ByThreads(len(p.threads)), Run: p.run, Once: p.big})
	}
	return cases
}

func TestExploreGate(t *testing.T) { interleave.ExploreAll(t, cases()) }

// TestMutants: each fault in testdata/mutants.txt makes one of the programs fail.
func TestMutants(t *testing.T) { interleave.FindMutants(t, 30, cases()) }

// shareMaxTest is how many share a permit in these programs.
const shareMaxTest = 2

// world is one execution of a program.
type world struct {
	*interleave.Run
	g      *Gate
	now    kernel.Instant // moves on by one whenever the gate looks, under its lock
	ctx    context.Context
	cancel context.CancelCauseFunc

	held    []*call         // holding permits when the threads start
	calls   []*call         // all
	single  int             // permits that are held, of calls without a key
	sharing map[string]int  // calls that run under a permit, by key
	goOn    int             // pieces of work that go on behind a call
	working map[string]int  // pieces of work that calls have begun, by key
	stop    csync.Int32     // an operation: others can run here
	taken   int64           // seats, after the step before
	running int             // calls, after the step before
	refuses map[string]bool // codes of refusals that the program may bring about

	gaveBack int // how often the permit came back that either of two threads gives

	told    Level // as the listener has it
	telling int   // listeners that run
}

// call is one Acquire and what came of it.
type call struct {
	Request
	leaves  bool // when world.ctx ends
	permit  Permit
	err     error
	decided bool
	done    bool

	arrived, started kernel.Instant // if it was let in and has no key
}

var errLeft = errors.New("left")

// newWorld makes the gate of a program and the calls that hold permits at its start.
func newWorld(r *interleave.Run, p program) *world {
	w := &world{Run: r, sharing: map[string]int{}, working: map[string]int{}, refuses: p.refuses()}
	conf := Config{
		Classes:   []Class{{Name: "work", QueueMax: 10}},
		Resources: []Resource{{Name: "seat", Capacity: 1}},
	}
	if p.conf != nil {
		p.conf(&conf)
	}
	g, err := New(conf, Listener{Level: w.level})
	if err != nil {
		panic(err)
	}
	w.g = g
	g.shareMax = shareMaxTest
	g.now = func() kernel.Instant { w.now++; return w.now }
	w.ctx, w.cancel = csync.WithCancelCause(context.Background())
	for _, word := range words(p.held) {
		c := w.newCall(word)
		w.acquire(c)
		w.held = append(w.held, c)
	}
	return w
}

// refuses gives the codes that calls may be refused with.
func (p program) refuses() map[string]bool {
	all := fmt.Sprint(p.threads)
	return map[string]bool{
		CodeDraining:   strings.Contains(all, "drain") || strings.Contains(all, "empty"),
		CodeTimeout:    strings.Contains(all, "expire") || strings.Contains(all, "late"),
		CodeOverloaded: strings.Contains(p.name, "full") || strings.Contains(p.name, "levels"),
	}
}

func words(script string) []string { return strings.Fields(script) }

func (p program) run(r *interleave.Run) {
	w := newWorld(r, p)
	for i, script := range p.threads {
		r.Go(string(rune('a'+i)), func() {
			for _, word := range words(script) {
				w.do(word)
			}
		})
	}
	r.Invariant(w.always)
	r.Final(w.atEnd)
}

func same[T comparable](what string, got, want T) error {
	if got != want {
		return fmt.Errorf("%s: %v, want %v", what, got, want)
	}
	return nil
}

// do executes one word of a program.
func (w *world) do(word string) {
	switch word {
	case "cancel":
		w.cancel(errLeft)
	case "release":
		w.done(w.held[0])
	case "release2":
		w.done(w.held[1])
	case "again":
		if w.held[0].permit.Done(OK) != 0 {
			w.Failf("a permit that was given back gave back another")
		}
	case "either": // one of two threads gives it back
		c := w.held[0]
		if !c.done {
			c.done = true
			w.single--
		}
		if c.permit.Done(OK) != 0 {
			w.gaveBack++
		}
	case "twice":
		c := w.newCall("call")
		w.acquire(c)
		w.done(c)
		if c.permit.Done(OK) != 0 {
			w.Failf("a permit was given back twice")
		}
	case "refused", "refused-share":
		c := w.newCall(strings.Replace(word, "refused", "call", 1))
		w.acquire(c)
		var r *Refusal
		if !errors.As(c.err, &r) || r.Code != CodeDraining {
			w.Failf("after Drain a call gets %v", c.err)
		}
	case "gone":
		c := w.newCall("leave")
		w.acquire(c)
		if c.err != errLeft {
			w.Failf("with a context that is done: %v", c.err)
		}
	case "drain":
		w.g.Drain(false)
	case "empty":
		w.g.Drain(true)
	case "limit-1":
		w.g.SetLimit(0, -1)
	case "limit1":
		w.g.SetLimit(0, 1)
	case "limit2":
		w.g.SetLimit(0, 2)
	case "seats1", "seats2":
		conf := w.g.Config()
		conf.Resources = []Resource{{Name: "seat", Capacity: int64(word[5] - '0')}}
		if err := w.g.Reconfigure(conf); err != nil {
			w.Failf("%v", err)
		}
	case "stats":
		s := w.g.Stats()
		if c := s.Classes[0]; c.Waiting != s.Waiting || c.InFlight != s.InFlight || s.Resources[0].Used < int64(s.InFlight) {
			w.Failf("these are not of one moment: %+v", s)
		}
	case "late", "expire": // what waits has waited for long enough; the alarm comes too
		w.g.mu.Lock()
		w.now += 2 * time.Hour
		w.g.mu.Unlock()
		if word == "expire" {
			w.g.advance()
			w.g.mu.Lock()
			oldest, alarm, now := w.g.k.Stats(0).OldestNs, w.g.alarm, w.now
			w.g.mu.Unlock()
			if oldest >= time.Hour || alarm != 0 && alarm < now {
				w.Failf("at %v a call waits for %v, the alarm is set to %v", now, oldest, alarm)
			}
		}
	case "tail", "tail-share", "parts":
		w.leaveBehind(word)
	default:
		c := w.newCall(word)
		w.acquire(c)
		if c.err == nil {
			w.stop.Load()
			w.done(c)
		}
	}
}

// leaveBehind is a call that begins work which goes on when the call is done, in one piece
// or in parts.
func (w *world) leaveBehind(word string) {
	c := w.newCall(strings.NewReplacer("tail-", "", "tail", "call", "parts", "call").Replace(word))
	w.acquire(c)
	if c.err != nil {
		return
	}
	revoked := 0
	h, goesOn := c.permit.Keep(1, Amounts{9}, func() {
		if revoked++; revoked > 1 {
			w.Failf("told %d times to stop", revoked)
		}
		w.g.SetLimit(0, 0) // as it may, for it is told without the lock
	})
	if h == nil {
		w.Failf("a permit keeps nothing")
	}
	w.working[c.Share]++
	var part *Hold
	if word == "parts" {
		part = h.Again()
	}
	w.stop.Load()
	w.done(c)
	counted := goesOn && revoked == 0 && c.Share == "" && !w.refuses[CodeDraining]
	if counted {
		if w.goOn++; w.goOn > w.g.k.Running(1) {
			w.Failf("what goes on behind a call has neither become work of the class behind nor been told to stop")
		}
	}
	if late, ok := c.permit.Keep(1, Amounts{9}, nil); late != nil || ok {
		w.Failf("a permit that has come back keeps something")
	}
	w.stop.Load()
	if part != nil {
		h.Release(OK)
		h.Release(OK)
		w.stop.Load()
		h = part
	}
	w.working[c.Share]--
	if counted {
		w.goOn--
	}
	h.Release(OK)
	h.Release(Failed)
	if h.Again() != nil {
		w.Failf("work that has stopped keeps something")
	}
}

// newCall gives the call that a word describes.
func (w *world) newCall(word string) *call {
	c := &call{Request: Request{Client: "one", Need: Amounts{1}}}
	for _, part := range strings.Split(word, "-") {
		switch part {
		case "call":
		case "leave":
			c.leaves = true
		case "share":
			c.Share = "key"
		case "double":
			c.Need[0] = 2
		case "other":
			c.Client = "other"
		default:
			panic("what is " + word + "?")
		}
	}
	return c
}

func (w *world) acquire(c *call) {
	ctx := context.Background()
	if c.leaves {
		ctx = w.ctx
	}
	w.calls = append(w.calls, c)
	c.permit, c.err = w.g.Acquire(ctx, c.Request)
	c.decided = true
	var r *Refusal
	switch {
	case c.err == nil && c.permit.gate == w.g:
		if c.Share != "" {
			w.sharing[c.Share]++
		} else {
			w.single++
			c.arrived, c.started = c.permit.w.Arrived(), c.permit.w.Started()
		}
	case c.permit != (Permit{}):
		w.Failf("a permit and %v", c.err)
	case c.err == errLeft && c.leaves:
	case errors.As(c.err, &r) && w.refuses[r.Code]:
	default:
		w.Failf("neither permit nor refusal nor cause: %v", c.err)
	}
}

func (w *world) done(c *call) {
	if c.Share != "" {
		w.sharing[c.Share]--
	} else {
		w.single--
	}
	c.permit.Done(OK)
	c.done = true
}

// level is the listener. It uses the gate, as a listener may.
func (w *world) level(from, to Level) {
	if w.telling++; w.telling > 1 {
		w.Failf("two changes of the level are told at once")
	}
	if from == kernel.LevelOK {
		w.g.SetGap(0, 0)
	}
	if from != w.told {
		w.Failf("told of a change from %v after one to %v", from, w.told)
	}
	w.told = to
	w.telling--
}

// always holds after each step.
func (w *world) always() error {
	permits := max(w.single, w.working[""])
	for key, n := range w.sharing {
		permits += max((n+shareMaxTest-1)/shareMaxTest, min(w.working[key], 1))
	}
	if n := w.g.k.InFlight(); permits > n {
		return fmt.Errorf("callers hold %d permits, the kernel knows of %d", permits, n)
	}
	// When the seats become fewer those that run may go on, and no more come.
	before := w.taken
	conf := w.g.k.Config()
	w.taken = w.g.k.Used()[0]
	if most := conf.Resources[0].Capacity; w.taken > most && w.taken > before {
		return fmt.Errorf("%d of %d seats are taken", w.taken, most)
	}
	limit, more := conf.Classes[0].Limit, w.g.k.Running(0) > w.running
	w.running = w.g.k.Running(0)
	if len(conf.Classes) > 1 && w.g.k.Running(1) > conf.Classes[1].Limit {
		return fmt.Errorf("%d pieces of work go on behind", w.g.k.Running(1))
	}
	if limit > 0 && w.running > limit && more {
		return fmt.Errorf("%d calls run, the limit is %d", w.running, limit)
	}
	if !w.g.mu.TryLock() {
		return nil
	}
	defer w.g.mu.Unlock()
	if at, ok := w.g.k.Next(); ok && (w.g.alarm == 0 || w.g.alarm > at) {
		return fmt.Errorf("something is due at %v, the alarm is set to %v", at, w.g.alarm)
	}
	if !w.g.telling && len(w.g.edges) == 0 && w.told != w.g.k.Level() {
		return fmt.Errorf("the level is %v, told is %v", w.g.k.Level(), w.told)
	}
	if w.g.k.Waiting() > 0 && w.taken == 0 {
		return errors.New("nothing runs, and calls wait")
	}
	if w.g.k.Waiting() > 0 && w.taken < conf.Resources[0].Capacity && (limit == 0 || w.running < limit) && !w.doubles() {
		return errors.New("a seat is free, and calls wait")
	}
	for _, s := range w.g.shares {
		switch {
		case s.leader == nil && s.members > 0, s.members > s.came, s.came > shareMaxTest:
			return fmt.Errorf("%d calls run under a permit of %v", s.members, s.leader)
		case s.leader != nil && s.came < shareMaxTest && len(s.waiting) > 0:
			return fmt.Errorf("%d calls wait for a permit under which %d have come", len(s.waiting), s.came)
		}
	}
	return nil
}

// doubles reports whether a call that needs two seats may be in the queue.
func (w *world) doubles() bool {
	for _, c := range w.calls {
		if c.Need[0] > 1 && !c.decided {
			return true
		}
	}
	return false
}

// atEnd holds when all threads have finished.
func (w *world) atEnd() error {
	g := w.g
	var err error
	if w.told != g.level || len(g.edges) != 0 {
		err = errors.Join(err, fmt.Errorf("the level is %v, told is %v, to be told %v", g.level, w.told, g.edges))
	}
	for _, c := range w.held {
		if !c.done {
			w.done(c)
		}
	}
	err = errors.Join(err, g.k.Check())
	if g.k.InFlight() != 0 || g.k.Waiting() != 0 || len(g.shares) != 0 || len(g.tails) != 0 {
		err = errors.Join(err, fmt.Errorf("%d run, %d wait, %d shares, %d tails", g.k.InFlight(), g.k.Waiting(), len(g.shares), len(g.tails)))
	}
	spare := map[*waiter]bool{}
	for s := g.spare; s != nil; s = s.next {
		if spare[s] {
			return errors.Join(err, errors.New("a waiter is spare twice"))
		}
		spare[s] = true
		if s.ready.TryPark() {
			err = errors.Join(err, errors.New("a spare waiter has been woken"))
		}
	}
	if w.gaveBack > 1 {
		err = errors.Join(err, errors.New("a permit came back twice"))
	}
	for _, a := range w.calls {
		if !a.decided || a.err == nil && !a.done {
			err = errors.Join(err, fmt.Errorf("a call has no end: %+v", a))
		}
		for _, b := range w.calls {
			if a.started > 0 && b.started > 0 && a.Client == b.Client && a.arrived < b.arrived && a.started > b.started {
				err = errors.Join(err, fmt.Errorf("of one client's calls that of %d starts at %d, that of %d at %d", a.arrived, a.started, b.arrived, b.started))
			}
		}
	}
	return err
}
