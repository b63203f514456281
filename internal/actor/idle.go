package actor

import (
	"time"

	"gridflow/internal/interleave/csync"
)

// idleList has the idle actors of a shard, the one that has been idle the longest first.
type idleList[S any] struct{ first, last *actor[S] }

func (l *idleList[S]) push(a *actor[S]) {
	a.prev, a.next = l.last, nil
	if l.last != nil {
		l.last.next = a
	} else {
		l.first = a
	}
	l.last = a
}

func (l *idleList[S]) remove(a *actor[S]) {
	if a.prev != nil {
		a.prev.next = a.next
	} else {
		l.first = a.next
	}
	if a.next != nil {
		a.next.prev = a.prev
	} else {
		l.last = a.prev
	}
	a.prev, a.next = nil, nil
}

// claimLocked makes an actor busy, idle or new: from now on it belongs to the caller.
func (sh *shard[S]) claimLocked(a *actor[S]) {
	if !a.since.IsZero() {
		sh.idle.remove(a)
		a.since = time.Time{}
	}
	a.busy = true
}

// restLocked makes an actor idle. One timer for the shard is enough, since they fall due in
// the order in which they became idle; an actor that works again and again costs no timer.
func (sh *shard[S]) restLocked(a *actor[S], r *Registry[S]) {
	a.busy, a.since = false, time.Now()
	sh.idle.push(a)
	switch {
	case r.conf.Idle == 0 || sh.armed:
		return
	case sh.timer == nil:
		sh.timer = time.AfterFunc(r.conf.Idle, func() { r.expire(sh) })
	default:
		sh.timer.Reset(r.conf.Idle)
	}
	sh.armed = true
}

// expire lets those go that are due, and sets the timer for the next.
func (r *Registry[S]) expire(sh *shard[S]) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	for a := sh.idle.first; a != nil; a = sh.idle.first {
		if left := r.conf.Idle - time.Since(a.since); left > 0 {
			sh.timer.Reset(left)
			return
		}
		sh.claimLocked(a)
		csync.Go(func() { r.passivate(a) })
	}
	sh.armed = false
}

// turnAway refuses all messages that wait, of a shard that is closed.
func (r *Registry[S]) turnAway(sh *shard[S]) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	for _, a := range sh.actors {
		for _, m := range a.mailbox {
			m.err = r.refuse(&Refusal{ID: a.id, Reason: Closed})
			m.reply.Unpark()
		}
		a.mailbox = nil
	}
}
