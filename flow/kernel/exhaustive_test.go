package kernel

import (
	"encoding/binary"
	"flag"
	"fmt"
	"hash/maphash"
	"math"
	"slices"
	"testing"
	"time"
)

var deeper = flag.Int("deeper", 0, "events by which TestExhaustive looks further; each takes about four times as long")

// TestExhaustive tries every order of events on small configurations, up to a depth. Two
// sequences that lead to states which cannot be told apart are followed once. In every
// state the parts agree (Check), nothing waits that could start (an own, plain rule), and
// every ticket has been decided about once or is known to wait; and from every state all
// tickets come to an end.
func TestExhaustive(t *testing.T) {
	const ms = time.Millisecond
	one := func(n int64) Amounts { return Amounts{n} }
	seats := func(n, buffer int64) []Resource { return []Resource{{Name: "seat", Capacity: n, Buffer: buffer}} }
	small := []Request{{Cost: 10 * ms, Need: one(1)}}
	for _, u := range []universe{{
		name: "two classes", depth: 5, tickets: 5,
		conf: Config{Classes: []Class{{Name: "a", Weight: 2, QueueMax: 3}, {Name: "b", QueueMax: 3}}, Resources: seats(2, 0)},
		asks: small, flows: 2, steps: []time.Duration{20 * ms},
	}, {
		name: "claims", depth: 6, tickets: 5,
		conf:  Config{Classes: []Class{{Name: "a", QueueMax: 4, AgeMax: 15 * ms}}, Resources: seats(2, 0)},
		asks:  []Request{{Cost: 10 * ms, Need: one(1)}, {Cost: 100 * ms, Need: one(2)}},
		flows: 2, steps: []time.Duration{10 * ms},
	}, {
		name: "ageing classes", depth: 6, tickets: 4,
		conf: Config{Classes: []Class{{Name: "a", Weight: 16, QueueMax: 3}, {Name: "b", QueueMax: 3, AgeMax: 15 * ms, Limit: 1}}, Resources: seats(2, 0)},
		asks: []Request{{Cost: 10 * ms, Need: one(1)}, {Cost: 10 * ms, Need: one(2)}}, flows: 1, steps: []time.Duration{10 * ms},
	}, {
		name: "two resources", depth: 5, tickets: 4,
		conf: Config{
			Classes:   []Class{{Name: "a", QueueMax: 4, AgeMax: 25 * ms}},
			Resources: []Resource{{Name: "cpu", Capacity: 2}, {Name: "recalc", Capacity: 1}},
		},
		asks:  []Request{{Cost: 10 * ms, Need: Amounts{1, 0}}, {Cost: 30 * ms, Need: Amounts{1, 1}}, {Cost: 5 * ms, Need: Amounts{2, 0}}},
		flows: 2, steps: []time.Duration{20 * ms},
	}, {
		name: "a buffer", depth: 6, tickets: 5,
		conf: Config{
			Classes:    []Class{{Name: "fast", QueueMax: 3, Buffered: true}, {Name: "slow", QueueMax: 3, AgeMax: 15 * ms}},
			Resources:  seats(3, 1),
			BufferIdle: 15 * ms,
		},
		asks: []Request{{Cost: 10 * ms, Need: one(1)}, {Cost: 10 * ms, Need: one(2)}}, flows: 1, steps: []time.Duration{10 * ms},
	}, {
		name: "bounds", depth: 6, tickets: 6,
		conf: Config{
			Classes:  []Class{{Name: "a", QueueMax: 3, FlowQueueMax: 2, WaitMax: 30 * ms, Target: 10 * ms, Interval: 10 * ms, Gap: 5 * ms}},
			QueueMax: 3, FlowsMax: 2, FlowIdle: 15 * ms, Resources: seats(1, 0),
		},
		asks: small, flows: 3, steps: []time.Duration{7 * ms},
	}, {
		name: "levels and rates", depth: 6, tickets: 5,
		conf: Config{
			Classes:  []Class{{Name: "a", QueueMax: 2, ShedAt: LevelEmergency, Rate: 50, Burst: 2}, {Name: "b", QueueMax: 2, ShedAt: LevelCritical}},
			QueueMax: 3, Resources: seats(1, 0),
		},
		asks: []Request{{Cost: 10 * ms, Need: one(1)}, {Cost: 10 * ms, Need: one(1), StartBy: 15 * ms}}, flows: 1, steps: []time.Duration{15 * ms},
	}, {
		name: "work left behind", depth: 6, tickets: 4,
		conf: Config{
			Classes:    []Class{{Name: "fast", QueueMax: 3, Buffered: true, ShortMax: 5 * ms}, {Name: "background", QueueMax: 3, AgeMax: 5 * ms}},
			Resources:  seats(2, 1),
			BufferIdle: 15 * ms,
		},
		asks: small, flows: 2, steps: []time.Duration{10 * ms}, behind: 1,
	}, {
		name: "work that parts leave behind", depth: 5, tickets: 4,
		conf: Config{
			Classes:    []Class{{Name: "fast", QueueMax: 3, Buffered: true, ShortMax: 5 * ms}, {Name: "background", QueueMax: 3, AgeMax: 5 * ms}},
			Resources:  seats(2, 1),
			BufferIdle: 15 * ms,
		},
		asks: small, flows: 1, parts: 2, steps: []time.Duration{10 * ms}, behind: 1,
	}, {
		name: "parts", depth: 4, tickets: 5,
		conf: Config{
			Classes:  []Class{{Name: "a", QueueMax: 3, FlowQueueMax: 2, AgeMax: 15 * ms}},
			PartsMax: 1, FlowIdle: 15 * ms, Resources: seats(2, 0),
		},
		asks: []Request{{Cost: 10 * ms, Need: one(1)}, {Cost: 20 * ms, Need: one(2)}}, flows: 2, parts: 3, steps: []time.Duration{20 * ms},
	}, {
		name: "parts and a buffer", depth: 5, tickets: 4,
		conf: Config{
			Classes:    []Class{{Name: "fast", QueueMax: 3, Buffered: true, ShortMax: 5 * ms}},
			Resources:  seats(2, 1),
			BufferIdle: 15 * ms,
		},
		asks: []Request{{Cost: 10 * ms, Need: one(1)}, {Cost: 10 * ms, Need: one(2)}}, flows: 2, parts: 2, steps: []time.Duration{10 * ms},
	}} {
		t.Run(u.name, func(t *testing.T) {
			u.depth += *deeper
			states, events, err := u.explore()
			t.Logf("%d states, %d sequences", states, events)
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// universe is a configuration and what may happen to it.
type universe struct {
	name    string
	conf    Config
	depth   int             // events
	tickets int             // that wait or run at once
	flows   int             // of each class
	parts   int             // of each flow; 0: they are not told apart
	asks    []Request       // what may be asked for; Class and Flow are filled in, StartBy is relative
	steps   []time.Duration // by which time may go on, besides up to Next
	behind  int             // class to which tickets that run may be handed over; 0: none
}

// world is one course of events.
type world struct {
	*universe
	k    *Kernel
	now  Instant
	live []*Ticket // that wait or run, by arrival
	err  error
}

// explore goes breadth first. A state is kept as the events that led to it: a kernel is
// not made to be copied, and eight events are soon played again.
func (u *universe) explore() (states, events int, err error) {
	type path []byte
	seen := map[uint64]bool{}
	seed := maphash.MakeSeed()
	var print []byte
	front := []path{nil}
	for range u.depth {
		var next []path
		for _, p := range front {
			for choice := 0; ; choice++ {
				w := u.play(p)
				if !w.do(choice) {
					break
				}
				events++
				if w.err == nil {
					w.err = w.check()
				}
				if w.err != nil {
					return len(seen), events, fmt.Errorf("%w\nafter\n%s", w.err, u.tell(append(p, byte(choice))))
				}
				print = w.fingerprint(print[:0])
				if h := maphash.Bytes(seed, print); !seen[h] {
					seen[h] = true
					q := append(append(path(nil), p...), byte(choice))
					next = append(next, q)
					if w.end(); w.err != nil {
						return len(seen), events, fmt.Errorf("%w\nat the end of\n%s", w.err, u.tell(q))
					}
				}
			}
		}
		front = next
	}
	return len(seen), events, nil
}

func (u *universe) play(p []byte) *world {
	k, err := New(u.conf)
	if err != nil {
		panic(err)
	}
	w := &world{universe: u, k: k}
	for _, choice := range p {
		w.do(int(choice))
	}
	return w
}

func (u *universe) tell(p []byte) (story string) {
	w := u.play(nil)
	for _, choice := range p {
		w.do(int(choice))
		story += fmt.Sprintf("%v: choice %d; %d wait, %d run\n", w.now, choice, w.k.Waiting(), w.k.InFlight())
	}
	return story
}

// do lets the event happen that has the number choice among those possible now, and
// reports false if there are not so many.
func (w *world) do(choice int) bool {
	for _, by := range w.steps {
		if choice == 0 {
			w.now += by
			w.take(w.k.Advance(w.now, nil))
			return true
		}
		choice--
	}
	if at, ok := w.k.Next(); ok {
		if choice == 0 {
			if at <= w.now {
				w.err = fmt.Errorf("Next gives %v at %v", at, w.now)
			}
			w.now = at
			w.take(w.k.Advance(w.now, nil))
			return true
		}
		choice--
	}
	for i, t := range w.live {
		if choice == 0 {
			if t.Running() {
				w.live = append(w.live[:i:i], w.live[i+1:]...)
				w.take(w.k.Done(w.now, t, nil))
				return true
			}
			out, ok := w.k.Cancel(w.now, t, nil)
			if !ok {
				w.err = fmt.Errorf("a ticket that waits cannot be taken back")
			}
			w.live = append(w.live[:i:i], w.live[i+1:]...)
			w.take(out)
			return true
		}
		choice--
	}
	for i, t := range w.live {
		if w.behind == 0 || !t.Running() || t.Class == w.behind {
			continue
		}
		if choice == 0 {
			w.handOver(i, t)
			return true
		}
		choice--
	}
	parts := max(w.parts, 1)
	if len(w.live) >= w.tickets || choice >= len(w.conf.Classes)*w.flows*parts*len(w.asks) {
		return false
	}
	r := w.asks[choice%len(w.asks)]
	choice /= len(w.asks)
	r.Part = uint64(choice % parts)
	choice /= parts
	r.Flow = uint64(choice % w.flows)
	r.Class = choice / w.flows
	if r.StartBy > 0 {
		r.StartBy += w.now
	}
	t := &Ticket{Request: r}
	w.live = append(w.live, t)
	w.take(w.k.Arrive(w.now, t, nil))
	return true
}

// handOver hands what a ticket holds to one of the class behind, if the kernel does as a
// plain rule says: if it is there without the buffer and without what another client has a
// claim to.
func (w *world) handOver(i int, t *Ticket) {
	to := &Ticket{Request: t.Request}
	to.Class = w.behind
	w.k.outgrow(w.now)
	want := true
	for r, res := range w.k.conf.Resources {
		free := w.k.free[r] + t.Need[r]
		inBuffer := int64(0)
		for _, o := range w.live {
			if o.Running() && w.short(o) && o != t {
				inBuffer += o.Need[r]
			}
		}
		free -= max(0, res.Buffer-inBuffer)
		claimed := w.k.claim != nil && w.k.claim.head.Need[r] > 0 && w.k.claim != w.part(to)
		want = want && to.Need[r] <= free && !claimed
	}
	out, ok := w.k.HandOver(w.now, t, to, nil)
	if ok != want {
		w.err = fmt.Errorf("handed over: %v, want %v", ok, want)
	}
	if ok {
		w.live[i] = to
	}
	w.take(out)
}

// part gives what the kernel has for the client of a ticket; nil: nothing.
func (w *world) part(t *Ticket) *part {
	f := w.k.classes[t.Class].flows.get(t.Flow)
	switch {
	case f == nil:
		return nil
	case t.Part == 0:
		return &f.own
	}
	return f.parts[t.Part]
}

// short reports whether a ticket that runs has its place in the buffer: as long as it is
// short, and beyond that while it would keep others out. When that is the kernel says; check
// looks that there is somebody.
func (w *world) short(t *Ticket) bool {
	c := &w.conf.Classes[t.Class]
	return c.Buffered && (c.ShortMax == 0 || w.now-t.started < c.ShortMax || t.buffered)
}

// take believes no decision: the ticket must be one that waits for it.
func (w *world) take(out []Decision) {
	for n, d := range out {
		found := false
		for i, t := range w.live {
			if t == d.Ticket {
				found = true
				if d.Outcome != Started {
					w.live = append(w.live[:i:i], w.live[i+1:]...)
				}
				break
			}
		}
		for _, before := range out[:n] {
			found = found && before.Ticket != d.Ticket
		}
		if !found {
			w.err = fmt.Errorf("decided %v about a ticket that was not due", d.Outcome)
		}
	}
}

func (w *world) check() error {
	if err := w.k.Check(); err != nil {
		return err
	}
	waiting, running := 0, 0
	var used, buffered Amounts
	others := slices.ContainsFunc(w.live, func(t *Ticket) bool { return t.Waiting() && !w.conf.Classes[t.Class].Buffered })
	for _, t := range w.live {
		// Where nothing waits it does not matter, and is seen to with the next event.
		if c := &w.conf.Classes[t.Class]; w.k.Waiting() > 0 && !others && t.Running() && t.buffered && c.ShortMax > 0 && w.now-t.started >= c.ShortMax {
			return fmt.Errorf("a ticket that is not short any more keeps its place in the buffer, and keeps nobody out")
		}
	}
	for _, t := range w.live {
		switch {
		case t.Waiting():
			waiting++
		case t.Running():
			running++
			for r := range used {
				used[r] += t.Need[r]
				if w.short(t) {
					buffered[r] += t.Need[r]
				}
			}
		default:
			return fmt.Errorf("a ticket is lost: no decision, and it neither waits nor runs")
		}
	}
	if waiting != w.k.Waiting() || running != w.k.InFlight() || used != w.k.Used() {
		return fmt.Errorf("%d wait and %d run with %v, by the kernel %d, %d, %v", waiting, running, used, w.k.Waiting(), w.k.InFlight(), w.k.Used())
	}
	for _, t := range w.live {
		if t.Waiting() && w.couldStart(t, used, buffered) {
			return fmt.Errorf("a ticket of class %d waits that could start: flow %d, need %v of %v taken", t.Class, t.Flow, t.Need, used)
		}
	}
	return nil
}

// couldStart is the rule of work conservation, told anew.
func (w *world) couldStart(t *Ticket, used, buffered Amounts) bool {
	c := w.k.classes[t.Class]
	if t.prev != nil || c.Limit > 0 && c.inFlight >= c.Limit || c.Gap > 0 && c.stats.Started > 0 && w.now < c.startedAt+c.Gap {
		return false
	}
	for r, res := range w.k.conf.Resources {
		if t.Need[r] == 0 {
			continue
		}
		free := res.Capacity - used[r]
		kept := max(0, res.Buffer-buffered[r])
		if !c.Buffered && w.k.hadBuffer && w.now < w.k.bufferedAt+w.k.conf.BufferIdle {
			free -= kept
		}
		if t.Need[r] > free {
			return false
		}
		if claim := w.k.claim; claim != nil && claim != t.part && claim.head.Need[r] > 0 {
			if !(c.Buffered && !w.k.claimant.Buffered && t.Need[r] <= kept) {
				return false
			}
		}
	}
	return true
}

// end brings everything to its end, those that run in the order of their arrival.
func (w *world) end() {
	for range 1000 {
		if len(w.live) == 0 {
			return
		}
		var running *Ticket
		for i, t := range w.live {
			if t.Running() {
				running = t
				w.live = append(w.live[:i:i], w.live[i+1:]...)
				break
			}
		}
		if running != nil {
			w.now += time.Millisecond
			w.take(w.k.Done(w.now, running, nil))
		} else if at, ok := w.k.Next(); ok {
			w.now = at
			w.take(w.k.Advance(w.now, nil))
		} else {
			w.err = fmt.Errorf("%d tickets wait for nothing", len(w.live))
			return
		}
		if w.err == nil {
			w.err = w.check()
		}
		if w.err != nil {
			return
		}
	}
	w.err = fmt.Errorf("%d tickets never come to an end", len(w.live))
}

// fingerprint writes down what decides about the future: times from now on, tags from the
// virtual time on.
func (w *world) fingerprint(b []byte) []byte {
	k := w.k
	num := func(n int) { b = binary.AppendVarint(b, int64(n)) }
	real := func(x float64) { b = binary.AppendVarint(b, int64(math.Round(x*64))) }
	yes := func(x bool) {
		n := 0
		if x {
			n = 1
		}
		num(n)
	}
	ago := func(at Instant, most time.Duration) { num(int(min(w.now-at, most))) }
	of := map[*Ticket]int{nil: -1}
	for i, t := range w.live {
		of[t] = i
		num(t.Class)
		num(int(t.Flow))
		num(int(t.Part))
		num(int(t.Cost))
		for r := range k.conf.Resources {
			num(int(t.Need[r]))
		}
		num(int(w.now - t.arrived))
		yes(t.Running())
		if t.Running() {
			num(int(w.now - t.started))
			num(int(t.charged))
			yes(t.buffered)
		} else if t.StartBy > 0 {
			num(int(t.StartBy - w.now))
		}
	}
	yes(k.hadBuffer)
	ago(k.bufferedAt, k.conf.BufferIdle)
	num(int(k.level))
	for _, c := range k.classes {
		if c.waiting > 0 {
			real(c.tag - k.vtime)
		} else {
			real(math.Max(c.tag-k.vtime, 0))
		}
		yes(c.stats.Started > 0)
		ago(c.startedAt, c.Gap)
		ago(c.servedAt, c.AgeMax)
		if c.Target > 0 {
			keep := float64(c.Interval) / float64(c.Interval+w.now-c.talliedAt)
			real(c.lost * keep)
			real(c.decided * keep)
			yes(c.standing)
		}
		for n := c.fattest; n > 0; n-- {
			for f := c.fat[n]; f != nil; f = f.thinner {
				num(int(f.key))
			}
		}
		for f := c.idleHead; f != nil; f = f.idleNext {
			num(int(f.key))
			ago(f.idleAt, k.conf.FlowIdle)
		}
		num(-2)
		flow := func(f *flow) {
			if f == nil {
				num(-3)
				return
			}
			switch {
			case f.waiting > 0:
				real(f.tag - c.vtime)
			case f.period == c.period:
				real(max(f.tag-c.vtime, 0))
			default:
				real(0)
			}
			part := func(p *part) {
				switch {
				case p == nil:
					num(-5)
					return
				case p.waiting > 0:
					real(p.tag - f.vtime)
				case p.busy == f.busy:
					real(max(p.tag-f.vtime, 0))
				default:
					real(0)
				}
				num(of[p.head])
				for _, q := range f.parts {
					if q.seq < p.seq {
						num(-6)
					}
				}
				if p.waiting > 0 && p.seq < f.own.seq {
					num(-7)
				}
				yes(k.claim == p)
				yes(c.passed == p)
				if c.passed == p {
					ago(c.passedAt, c.AgeMax)
				}
				yes(f.passed == p)
				if f.passed == p {
					ago(f.passedAt, c.AgeMax)
				}
				yes(c.starved == p)
				if c.starved == p {
					ago(c.starvedAt, c.AgeMax)
				}
			}
			part(&f.own)
			if w.parts > 0 {
				for key := range w.parts {
					part(f.parts[uint64(key)])
				}
				for p := f.idleHead; p != nil; p = p.idleNext {
					num(int(p.key))
					ago(p.idleAt, k.conf.FlowIdle)
				}
				if f.crowd != nil {
					for _, p := range f.crowd {
						part(p)
					}
				}
			}
			for g := range c.flows.all() { // how many of the others precede it among equals
				if g.seq < f.seq {
					num(-4)
				}
			}
			if c.Rate > 0 {
				real(math.Min(c.Burst, f.tokens+c.Rate*(w.now-f.filled).Seconds()))
			}
		}
		for key := range w.flows {
			flow(c.flows.get(uint64(key)))
		}
		for _, f := range c.shared {
			if f != nil {
				flow(f)
			}
		}
	}
	return b
}
