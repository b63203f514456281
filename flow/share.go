package flow

import "gridflow/flow/kernel"

// ShareMax bounds the calls that run under one permit, at once and one after the other: so
// it comes back, however many come.
const ShareMax = 256

// share is the calls with one key. The first that is let in leads: its ticket is the one
// that the kernel knows as running. All that wait are called in with it, and those that
// come while it runs go in at once. None of them is bound to another: each has its own
// answer, may fail or leave by itself, and the permit comes back with the last of them,
// whoever that is.
type share struct {
	key     string
	leader  *waiter   // nil: none runs
	members int       // calls that run under its permit, its own among them if it is not done
	came    int       // calls that have come to, in all
	waiting []*waiter // in the order of their arrival
}

// join lets w in under the permit of a call with the same key, if there is one, unless it
// is refused; else it makes w one of those that wait, and nothing is decided. g.mu is held.
func (g *Gate) join(w *waiter, key string, now kernel.Instant) (d kernel.Decision, decided bool) {
	s := g.shares[key]
	if s == nil {
		s = &share{key: key}
		g.shares[key] = s
	}
	if s.leader != nil && s.came < g.shareMax {
		if d = g.k.Ride(now, &w.Ticket); d.Outcome == kernel.Started {
			s.members++
			s.came++
			w.share = s
		}
		return d, true
	}
	w.share = s
	s.waiting = append(s.waiting, w)
	return d, false
}

// unshare takes a call that does not wait any more off the list of those that do.
func (g *Gate) unshare(w *waiter) {
	s := w.share
	if s == nil {
		return
	}
	for i, other := range s.waiting {
		if other == w {
			s.waiting = append(s.waiting[:i], s.waiting[i+1:]...)
			break
		}
	}
	if s.leader == nil && len(s.waiting) == 0 {
		delete(g.shares, s.key)
	}
}

// lead follows a decision about a call that has a key: it was let in or refused. If it was
// let in and none with its key runs, it leads, and those that wait come in with it.
func (g *Gate) lead(w *waiter, started bool, now kernel.Instant) {
	s := w.share
	if !started {
		g.unshare(w)
		return
	}
	if s.leader != nil { // there are as many under that permit as there may be
		g.unshare(w)
		w.share = nil
		return
	}
	s.leader, s.members, s.came = w, 1, 1
	g.unshare(w)
	// What the kernel decides because these wait no more is appended to g.out.
	stay := s.waiting[:0]
	for _, w := range s.waiting {
		joined := false
		if s.came < g.shareMax {
			g.out, joined = g.k.Join(now, &w.Ticket, g.out)
		}
		if !joined { // there is no room, or it has been decided about, further on in g.out
			stay = append(stay, w)
			continue
		}
		w.unrotate(now, false)
		s.members++
		s.came++
		w.d = kernel.Decision{Ticket: &w.Ticket, Outcome: kernel.Started}
		w.ready.Unpark()
	}
	clear(s.waiting[len(stay):])
	s.waiting = stay
}

// leave ends a call that has a permit. It gives the waiter whose ticket stands for the
// permit if that was the last call under it; nil: others run under it.
func (g *Gate) leave(w *waiter, now kernel.Instant) *waiter {
	s := w.share
	if s == nil {
		if w.tail != nil {
			w.tail.calls = 0
			w.turn++ // this call is done, what it has begun is not
		}
		return w
	}
	s.members--
	leader := s.leader
	if w != leader {
		g.k.Alight(now, &w.Ticket)
		g.recycle(w)
	}
	if s.members > 0 {
		if w == leader {
			w.turn++ // its call is done, its ticket is not
		}
		return nil
	}
	if w == leader && w.tail != nil {
		w.turn++ // the same
	}
	return leader
}
