package flow

import (
	"context"
	"slices"
	"time"

	"gridflow/flow/kernel"
)

// tail is work that calls under one permit have started and that may go on when they have
// their answers. While it does, what the permit stood for is not given back. The first of
// it may go on behind the last of the calls, if there is room for that in a class behind
// (kernel.HandOver); what there is no room for is told to stop, and keeps its seat until it
// has. So whatever works has a seat at any time, and never waits for one.
type tail struct {
	root  *waiter // whose ticket stands for all of it
	calls int     // calls under it, where they have no share to count them
	holds int     // pieces of work
	class int     // behind
	most  Amounts // that it takes there
	first *Hold   // the one piece that may go on behind the calls
}

// A Hold keeps the seats of a permit while work goes on that a call under it has begun. Its
// methods may be called from any goroutine; nil is a hold on nothing.
type Hold struct {
	gate   *Gate
	tail   *tail
	revoke func()
	gone   bool // guarded by gate.mu, as all else
}

// Keep keeps what the permit stands for, for work that its call begins, until the hold is
// released: also beyond Done. nil: the permit has come back already.
//
// behind tells whether the work may go on when the call, and all others under the permit,
// have their answers: in class, charged to the client, without waiting for what it has
// already. Of several pieces of work at once under a permit, which has one seat, one may.
// If there turns out to be no room, or the gate drains, revoke is called, once, without a
// lock: then the work is to stop as soon as nobody waits for it.
func (p Permit) Keep(class int, most Amounts, revoke func()) (h *Hold, behind bool) {
	g := p.gate
	if g == nil {
		return nil, false
	}
	g.mustHave(class)
	g.mu.Lock()
	defer g.mu.Unlock()
	if p.w.turn != p.turn {
		return nil, false
	}
	root := p.w
	if s := root.share; s != nil {
		root = s.leader
	}
	t := root.tail
	if t == nil {
		t = &tail{root: root, class: class, most: most}
		if root.share == nil {
			t.calls = 1
		}
		root.tail = t
		g.tails[t] = struct{}{}
	}
	h = &Hold{gate: g, tail: t, revoke: revoke}
	t.holds++
	if t.first == nil && !g.draining {
		t.first = h
	}
	return h, t.first == h
}

// Again is one more hold on the same seats, for a part of the work that is done by another
// goroutine. It is asked for before h is released.
func (h *Hold) Again() *Hold {
	if h == nil {
		return nil
	}
	h.gate.mu.Lock()
	defer h.gate.mu.Unlock()
	if h.gone {
		return nil
	}
	h.tail.holds++
	return &Hold{gate: h.gate, tail: h.tail}
}

// Release says that the work has stopped, and how it ended. With the last hold, and the last
// call, what the permit stood for comes back. Further calls do nothing.
func (h *Hold) Release(result Result) {
	if h == nil {
		return
	}
	g := h.gate
	g.mu.Lock()
	t := h.tail
	if h.gone {
		g.mu.Unlock()
		return
	}
	h.gone = true
	if t.first == h {
		t.first = nil
	}
	t.holds--
	now := g.now()
	g.out = g.out[:0]
	var n notice
	if t.holds == 0 {
		t.root.tail = nil
		delete(g.tails, t)
		if t.idle() {
			n = g.freed(t.root, result, now)
		}
	}
	g.settle(now, nil)
	told := g.untold()
	g.mu.Unlock()
	if told {
		g.tell()
	}
	n.tell(g)
}

// idle tells whether no call is under the permit any more.
func (t *tail) idle() bool {
	if s := t.root.share; s != nil {
		return s.members == 0
	}
	return t.calls == 0
}

// notice is what listeners are told of a permit that came back, or changed hands.
type notice struct {
	freed, began, ended int // classes; each less than 0 for none
	held, service       time.Duration
	result              Result
	revoke              func()
	set                 bool
}

func (n *notice) tell(g *Gate) {
	if !n.set {
		return
	}
	l := &g.listener
	if n.freed >= 0 && l.Freed != nil {
		l.Freed(n.freed, n.held)
	}
	if n.began >= 0 {
		if l.Arrived != nil {
			l.Arrived(n.began)
		}
		if l.Started != nil {
			l.Started(n.began, 0)
		}
	}
	if n.ended >= 0 && l.Done != nil {
		l.Done(n.ended, n.service, n.result)
	}
	if n.revoke != nil {
		n.revoke()
	}
}

// freed gives back the ticket of a waiter that no call and no work is under any more. g.mu
// is held.
func (g *Gate) freed(w *waiter, result Result, now kernel.Instant) notice {
	n := notice{set: true, freed: w.Class, held: now - w.began, began: -1, ended: -1}
	if w.behind { // listeners have been told of its start as of a call's
		n.ended, n.service, n.result = w.Class, n.held, result
		g.ended(w, n.held, result, now)
	}
	if s := w.share; s != nil {
		s.leader = nil
		if len(s.waiting) == 0 {
			delete(g.shares, s.key)
		}
	}
	g.out = g.k.Done(now, &w.Ticket, g.out)
	g.apart(w, now, -1)
	g.recycle(w)
	return n
}

// left is for when the last call under a permit is done and work goes on. What the call
// held passes to the work, in a class behind; or the work is told to stop. g.mu is held.
func (g *Gate) left(t *tail, now kernel.Instant) (n notice) {
	n = notice{set: true, freed: -1, began: -1, ended: -1}
	if t.first == nil || t.root.behind {
		return n // it ends with whom it is for, or has been handed over before
	}
	from, to := t.root, g.waiter()
	to.Request = from.Request
	to.Class, to.StartBy = t.class, 0
	for r := range to.Need {
		to.Need[r] = min(to.Need[r], t.most[r])
	}
	at, ok := len(g.out), false
	if g.out, ok = g.k.HandOver(now, &from.Ticket, &to.Ticket, g.out); !ok {
		g.recycle(to)
		g.revoked++
		n.revoke, t.first.revoke, t.first = t.first.revoke, nil, nil
		return n
	}
	g.out = slices.Delete(g.out, at, at+1) // of what it says, all that follows is here
	g.started(t.class, now)
	g.apart(from, now, -1)
	n.freed, n.held, n.began = from.Class, now-from.began, t.class
	to.since, to.began, to.beside = now, now, g.k.Running(t.class)
	to.share, to.tail, to.behind = from.share, t, true
	if to.share != nil {
		to.share.leader = to
	}
	from.tail = nil
	t.root = to
	g.recycle(from)
	return n
}

// revokeAll takes from all work the right to go on behind the calls. g.mu is held; what it
// gives is to be called without.
func (g *Gate) revokeAll() (revoke []func()) {
	for t := range g.tails {
		if t.first != nil {
			g.revoked++
			revoke = append(revoke, t.first.revoke)
			t.first = nil
		}
	}
	return revoke
}

type permitKey struct{}

// WithPermit gives a context that carries a permit, for whoever begins work under it.
func WithPermit(ctx context.Context, p Permit) context.Context {
	return context.WithValue(ctx, permitKey{}, p)
}

// PermitOf gives the permit that a context carries; the zero Permit where it has none.
func PermitOf(ctx context.Context) Permit {
	p, _ := ctx.Value(permitKey{}).(Permit)
	return p
}
