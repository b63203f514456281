package flow

import (
	"context"
	"fmt"
	"hash/maphash"
	"time"

	"gridflow/flow/kernel"
	"gridflow/flow/limit"
	"gridflow/internal/interleave/csync"
	"gridflow/internal/lock"
)

// A Request says who asks for what.
type Request struct {
	Class  int    // index into Config.Classes
	Client string // who can be held to account; "" is a client like any other. All bounds are of the client
	Weight int64  // of the client, against others; 0 means 1

	// Part is whom the client tells apart, such as its sessions or the programs of a machine;
	// "": nobody. The parts of a client share what it gets, by PartWeight (0 means 1), and
	// have nothing else: a client gains nothing by making up parts.
	Part       string
	PartWeight int64

	Cost time.Duration // how long it will probably take; see [Costs]
	Need Amounts       // of the resources, all taken at once
	Kind string        // of work; where starts are levelled the kinds of a part take turns, see [Gate.Pace]

	// Share is a key that calls have in common of which one does the work of all, such as
	// the loading of a workbook: while one of them holds a permit others run under it, up to
	// ShareMax in all, and it comes back when the last of them is done. "": none.
	Share string

	// Apart says that the work is done elsewhere, such as by another program. It comes in as
	// others do; from then on, where the limit of the class adapts ([Gate.Adapt]), it is neither
	// among the calls that the limit is on nor among those by which it moves. Seats of its own
	// bound it.
	Apart bool
}

// A Gate lets calls in. Its methods may be called from any number of goroutines at once.
type Gate struct {
	now      func() kernel.Instant // the time since the gate was made; tests have their own
	seed     maphash.Seed
	listener Listener
	classes  int
	shareMax int // ShareMax, but in tests

	mu       lock.Mutex[lock.FlowGate]
	k        *kernel.Kernel    // guarded by mu, as is all that follows
	out      []kernel.Decision // scratch
	spare    *waiter           // waiters to use again, linked by next
	shares   map[string]*share // of calls that wait or run
	tails    map[*tail]struct{}
	revoked  uint64 // see Stats
	timer    *time.Timer
	alarm    kernel.Instant // when timer fires; 0: it does not
	level    Level          // the last change in edges led here
	floor    Level          // what Raise asked for
	steer    []steering     // by class
	edges    []edge         // changes of the level that have not been told
	limits   []limitStep    // changes of limits that have not been told
	draining bool
	telling  bool // somebody tells them, and will tell those that come meanwhile
}

type edge struct{ from, to Level }

// A Listener is told what happens. Each function may be nil, and must not panic. They are
// called without a lock of the gate, so they may use it, by the goroutine that made it
// happen, from many at once. Only Level and Limit are called by one at a time, in order:
// while one runs, whoever makes a further change leaves it to that one to tell.
type Listener struct {
	Arrived func(class int) // a call came; one of Refused, Left and Done tells of its end
	Started func(class int, waited time.Duration)
	Refused func(class int, outcome kernel.Outcome, waited time.Duration)
	Left    func(class int, waited time.Duration) // the caller ceased to wait; nothing ran
	Done    func(class int, service time.Duration, result Result)
	Level   func(from, to Level)
	Limit   func(class int, c limit.Change)     // an adaptive limit has moved; by one at a time, in order
	Joined  func(class int)                     // the call of which Started tells next takes nothing: it runs under another's permit
	Freed   func(class int, held time.Duration) // a permit has come back, with the last call that ran under it
}

// A waiter is a call at the gate: one that waits, or holds a permit.
type waiter struct {
	kernel.Ticket
	ready csync.Parker    // wakes the call when it has been decided about …
	d     kernel.Decision // … like this
	turn  uint64          // how often this waiter has been used
	next  *waiter

	since  kernel.Instant // when it came in
	began  kernel.Instant // when it was let in: the kernel's start, where it has one
	beside int            // calls of the class that ran then, this one included
	share  *share         // nil: it has no key
	tail   *tail          // what goes on behind the calls under this one's permit; nil: nothing
	behind bool           // no call, but what goes on behind some

	apart   bool      // Request.Apart
	name    string    // Request.Kind …
	kind    int       // … its number in rotates,
	rotates *rotation // where it waits for its turn; nil: nowhere
}

// New makes a gate. The error says what is wrong with the configuration.
func New(conf Config, l Listener) (*Gate, error) {
	k, err := kernel.New(conf)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	g := &Gate{
		now:  func() kernel.Instant { return time.Since(start) },
		seed: maphash.MakeSeed(), k: k, listener: l, shares: make(map[string]*share), tails: make(map[*tail]struct{}), steer: make([]steering, len(conf.Classes)),
		classes: len(conf.Classes), shareMax: ShareMax,
	}
	for i, c := range conf.Classes {
		g.steer[i].limit, g.steer[i].gap = c.Limit, c.Gap
	}
	g.timer = time.AfterFunc(time.Hour, g.advance)
	g.timer.Stop()
	return g, nil
}

// Acquire waits until the call may run. The error is a [*Refusal], or the cause of ctx's
// end; nothing is held then. A call that ctx ends while it waits leaves the queue at once.
func (g *Gate) Acquire(ctx context.Context, r Request) (Permit, error) {
	g.mustHave(r.Class)
	if ctx.Err() != nil {
		return Permit{}, csync.Cause(ctx)
	}
	if g.listener.Arrived != nil {
		g.listener.Arrived(r.Class)
	}
	flow, part := maphash.String(g.seed, r.Client), g.part(r.Part)
	g.mu.Lock()
	w := g.waiter()
	w.Request = kernel.Request{Class: r.Class, Flow: flow, Weight: r.Weight, Part: part, PartBy: r.PartWeight, Cost: r.Cost, Need: r.Need}
	now := g.now()
	w.since, w.name, w.apart = now, r.Kind, r.Apart
	if r.Share != "" {
		if d, decided := g.join(w, r.Share, now); decided {
			return g.conclude(w, d, now) // unlocks
		}
	}
	if rotation := g.steer[r.Class].rotation; rotation != nil {
		rotation.add(now, w, r.Kind)
	}
	g.out = g.k.Arrive(now, &w.Ticket, g.out[:0])
	g.arrived(r.Class, now)
	d, decided := g.settle(now, &w.Ticket)
	if decided {
		return g.conclude(w, d, now)
	}
	told := g.untold()
	g.mu.Unlock()
	if told {
		g.tell()
	}

	if err := w.ready.Park(ctx); err != nil {
		g.mu.Lock()
		now := g.now()
		var waited bool
		g.out, waited = g.k.Cancel(now, &w.Ticket, g.out[:0])
		g.settle(now, nil)
		if waited {
			since := w.since
			w.unrotate(now, false)
			g.unshare(w)
			g.recycle(w)
			g.mu.Unlock()
			g.tell()
			if g.listener.Left != nil {
				g.listener.Left(r.Class, now-since)
			}
			return Permit{}, err
		}
		// It was decided in the same moment. A permit that nobody waits for goes back.
		w.ready.TryPark()
		w.began = now
		unwanted := Permit{g, w, w.turn}
		g.mu.Unlock()
		g.tell()
		if w.d.Outcome == kernel.Started {
			unwanted.Done(Unused)
			return Permit{}, err
		}
	}
	g.mu.Lock()
	return g.conclude(w, w.d, g.now())
}

// settle tells those whom the decisions in g.out are about, but for the ticket mine, whose
// decision it gives back. It sets the timer. g.mu is held.
func (g *Gate) settle(now kernel.Instant, mine *kernel.Ticket) (d kernel.Decision, decided bool) {
	for i := 0; i < len(g.out); i++ { // g.out grows on the way
		o := g.out[i]
		w := o.Ticket.Owner.(*waiter)
		if w.share != nil {
			g.lead(w, o.Outcome == kernel.Started, now)
		}
		w.unrotate(now, o.Outcome == kernel.Started)
		if o.Outcome == kernel.Started {
			g.started(w.Class, now)
			g.apart(w, now, 1)
		}
		if o.Ticket == mine {
			d, decided = o, true
			continue
		}
		w.d = o
		w.ready.Unpark()
	}
	if at, ok := g.k.Next(); ok && (g.alarm == 0 || at < g.alarm) {
		g.alarm = at
		g.timer.Reset(at - now)
	}
	if level := g.levelNow(); level != g.level {
		g.edges = append(g.edges, edge{g.level, level})
		g.level = level
	}
	return d, decided
}

// conclude turns a decision into what Acquire returns. g.mu is held, and let go.
func (g *Gate) conclude(w *waiter, d kernel.Decision, now kernel.Instant) (Permit, error) {
	class := w.Class
	told := g.untold()
	if d.Outcome == kernel.Started {
		if w.began = now; w.Running() {
			// Not when its goroutine came to know: it is charged from here on.
			w.began = w.Ticket.Started()
		}
		w.beside = g.k.Running(class)
		p := Permit{g, w, w.turn}
		waited, joined := w.began-w.since, w.share != nil && w.share.leader != w
		g.mu.Unlock()
		if told {
			g.tell()
		}
		if joined && g.listener.Joined != nil {
			g.listener.Joined(class)
		}
		if g.listener.Started != nil {
			g.listener.Started(class, waited)
		}
		return p, nil
	}
	r := g.refusal(class, d, now-w.since)
	g.recycle(w)
	g.mu.Unlock()
	if told {
		g.tell()
	}
	if g.listener.Refused != nil {
		g.listener.Refused(class, d.Outcome, r.Waited)
	}
	return Permit{}, r
}

// refusal words a decision against a call. g.mu is held.
func (g *Gate) refusal(class int, d kernel.Decision, waited time.Duration) *Refusal {
	c := &g.k.Config().Classes[class]
	return &Refusal{
		Code: codeOf(d.Outcome), Class: c.Name, Outcome: d.Outcome, Waited: waited,
		Depth: g.k.Stats(class).Waiting, Capacity: c.QueueMax, RetryAfter: d.RetryAfter,
	}
}

// waiter gives a waiter that nobody uses, recycle gives one back.
func (g *Gate) waiter() *waiter {
	w := g.spare
	if w == nil {
		w = &waiter{ready: csync.MakeParker()}
		w.Owner = w
		return w
	}
	g.spare = w.next
	return w
}

func (g *Gate) recycle(w *waiter) {
	w.turn++
	w.share, w.tail, w.behind, w.name, w.apart = nil, nil, false, "", false
	w.next = g.spare
	g.spare = w
}

// unrotate takes a call out of the turns of its client, where it is in any.
func (w *waiter) unrotate(now kernel.Instant, starts bool) {
	if w.rotates != nil {
		w.rotates.leave(now, w, starts)
	}
}

// advance is what the timer calls.
func (g *Gate) advance() {
	g.mu.Lock()
	g.alarm = 0
	now := g.now()
	g.out = g.k.Advance(now, g.out[:0])
	g.settle(now, nil)
	g.mu.Unlock()
	g.tell()
}

// untold reports whether there is something to tell. g.mu is held.
func (g *Gate) untold() bool { return len(g.edges)+len(g.limits) > 0 }

// tell tells the listener of changes of the level and of limits, unless somebody does
// already.
func (g *Gate) tell() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.telling {
		return
	}
	g.telling = true
	for g.untold() {
		var news func()
		if len(g.limits) > 0 {
			s := g.limits[0]
			g.limits = g.limits[1:]
			if g.listener.Limit != nil {
				news = func() { g.listener.Limit(s.class, s.Change) }
			}
		} else {
			e := g.edges[0]
			g.edges = g.edges[1:]
			if g.listener.Level != nil {
				news = func() { g.listener.Level(e.from, e.to) }
			}
		}
		if news != nil {
			g.mu.Unlock()
			news()
			g.mu.Lock()
		}
	}
	g.telling = false
}

// A Result says how the work of a permit ended.
type Result uint8

// How work ends.
const (
	OK        Result = iota // it gave an answer
	Failed                  // it failed by its own doing: what it worked on, not who asked
	UserError               // the caller asked for what cannot be
	TimedOut                // it was stopped at its deadline
	Cancelled               // it was stopped because nobody waited any more
	Unused                  // it never began; listeners are told that the caller has left
	results
)

var resultNames = [results]string{"ok", "failed", "user_error", "timeout_exec", "cancelled", "unused"}

func (r Result) String() string { return resultNames[r] }

// A Permit is the right to run. The zero Permit is none.
type Permit struct {
	gate *Gate
	w    *waiter
	turn uint64
}

// Done gives the permit back. It is called when the work has stopped; calling it again
// does nothing. It gives the time that the permit was held.
func (p Permit) Done(result Result) time.Duration {
	g := p.gate
	if g == nil {
		return 0
	}
	g.mu.Lock()
	if p.w.turn != p.turn {
		g.mu.Unlock()
		return 0
	}
	now := g.now()
	class, took, waited := p.w.Class, now-p.w.began, p.w.began-p.w.since
	g.out = g.out[:0]
	g.ended(p.w, took, result, now)
	var n notice
	if last := g.leave(p.w, now); last != nil {
		if last.tail != nil {
			n = g.left(last.tail, now)
		} else {
			n = g.freed(last, result, now)
		}
	}
	g.settle(now, nil)
	told := g.untold()
	g.mu.Unlock()
	if told {
		g.tell()
	}
	n.tell(g)
	switch {
	case result == Unused: // whoever listens has not heard of its start
		if g.listener.Left != nil {
			g.listener.Left(class, waited)
		}
	case g.listener.Done != nil:
		g.listener.Done(class, took, result)
	}
	return took
}

// Waited is how long the permit's call was in the queue. It is asked before Done.
func (p Permit) Waited() time.Duration {
	if p.gate == nil {
		return 0
	}
	return p.w.began - p.w.since
}

// part gives the kernel's key of a part.
func (g *Gate) part(name string) uint64 {
	if name == "" {
		return 0
	}
	key := maphash.String(g.seed, name)
	if key == kernel.AnyPart {
		key--
	}
	return max(key, 1)
}

// Peek tells what a call of a client would be refused for whatever it needs and whichever
// of its parts makes it: that the server stops, that it has too much to do for the class,
// or that the client has asked too often or has a full queue. nil: nothing of this. It
// changes nothing and says nothing about what comes after.
func (g *Gate) Peek(class int, client string) *Refusal {
	return g.peek(class, client, kernel.AnyPart)
}

// PeekPart is Peek for a part that is known.
func (g *Gate) PeekPart(class int, client, part string) *Refusal {
	return g.peek(class, client, g.part(part))
}

func (g *Gate) peek(class int, client string, part uint64) *Refusal {
	flow := maphash.String(g.seed, client)
	g.mu.Lock()
	defer g.mu.Unlock()
	o, after := g.k.Peek(g.now(), class, flow, part)
	if o == kernel.Started {
		return nil
	}
	return g.refusal(class, kernel.Decision{Outcome: o, RetryAfter: after}, 0)
}

// Draining gives the refusal of a call of a class by a server that stops.
func (g *Gate) Draining(class int) *Refusal {
	g.mustHave(class)
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.refusal(class, kernel.Decision{Outcome: kernel.Draining}, 0)
}

// Drain ends admission: calls that come are refused with [CodeDraining]. Those that wait
// keep their turn, unless empty is set. Work behind calls is told to stop. A server that
// counts requests itself, from the moment in which they are read, closes its own door first
// and drains the gate when its patience is over: what it has taken on may still be on its way
// here.
func (g *Gate) Drain(empty bool) {
	var revoke []func()
	g.change(func(now kernel.Instant, out []kernel.Decision) []kernel.Decision {
		g.draining, revoke = true, g.revokeAll()
		return g.k.Drain(now, empty, out)
	})
	for _, stop := range revoke {
		stop()
	}
}

// Reconfigure changes bounds, weights and capacities while calls wait and run; see
// [kernel.Kernel.Reconfigure].
func (g *Gate) Reconfigure(conf Config) (err error) {
	g.change(func(now kernel.Instant, out []kernel.Decision) []kernel.Decision {
		if out, err = g.k.Reconfigure(now, conf, out); err != nil {
			return out
		}
		for i, c := range conf.Classes {
			g.steer[i].limit, g.steer[i].gap = c.Limit, c.Gap
			out = g.applyLimit(i, now, out)
			out = g.applyGap(i, now, out)
		}
		return out
	})
	return err
}

// SetLimit changes how many calls of a class may run at once; 0: as many as fit. Less than
// 0 counts as 1.
func (g *Gate) SetLimit(class, limit int) {
	g.mustHave(class)
	g.change(func(now kernel.Instant, out []kernel.Decision) []kernel.Decision {
		g.steer[class].limit = limit
		return g.applyLimit(class, now, out)
	})
}

// SetGap changes the least time between two starts of a class; 0: none.
func (g *Gate) SetGap(class int, gap time.Duration) {
	g.mustHave(class)
	g.change(func(now kernel.Instant, out []kernel.Decision) []kernel.Decision {
		g.steer[class].gap = gap
		return g.applyGap(class, now, out)
	})
}

func (g *Gate) change(event func(kernel.Instant, []kernel.Decision) []kernel.Decision) {
	g.mu.Lock()
	now := g.now()
	g.out = event(now, g.out[:0])
	g.settle(now, nil)
	g.mu.Unlock()
	g.tell()
}

// mustHave panics if there is no such class. The kernel would, and then with g.mu held.
func (g *Gate) mustHave(class int) {
	if class < 0 || class >= g.classes {
		panic(fmt.Sprintf("flow: there is no class %d, there are %d", class, g.classes))
	}
}
