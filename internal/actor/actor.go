package actor

import (
	"context"
	"runtime/pprof"
	"slices"
	"time"

	"gridflow/internal/crew"
	"gridflow/internal/interleave/csync"
)

// actor is one id while it lives. It is idle, in the list of its shard, or busy: then it
// belongs to one goroutine, which executes its messages or releases its state.
type actor[S any] struct {
	id    string
	shard *shard[S]

	// Guarded by shard.mu.
	mailbox    []*message[S]
	busy       bool
	since      time.Time // when it became idle
	prev, next *actor[S] // in shard.idle

	// Touched by whom it belongs to.
	state   *S   // nil: to be restored
	exiting bool // the goroutine is ended by runtime.Goexit
}

// message is a function that waits for its turn.
type message[S any] struct {
	ctx   context.Context
	fn    func(context.Context, *S) error
	reply csync.Parker // when err is there; leaving the token never blocks the actor
	err   error
}

// run executes the messages of a busy actor until there are none.
func (r *Registry[S]) run(a *actor[S]) {
	ours := true // not a's fields, once it is another's
	defer func() {
		if ours && a.exiting { // a message has taken the goroutine along
			a.exiting = false
			csync.Go(func() { r.run(a) })
		}
	}()
	for m := r.take(a); m != nil; {
		r.execute(a, m)
		done := m
		// Before the answer: whoever has it finds the actor idle, if it is, and its place to
		// be had.
		m = r.take(a)
		ours = m != nil
		done.reply.Unpark()
	}
}

// take gives the next message. Where there is none it gives nil, and the actor is idle or
// has gone: it does not belong to the caller any more.
func (r *Registry[S]) take(a *actor[S]) *message[S] {
	sh := a.shard
	for {
		sh.mu.Lock()
		switch {
		case len(a.mailbox) > 0:
			m := a.mailbox[0]
			a.mailbox = slices.Delete(a.mailbox, 0, 1)
			sh.mu.Unlock()
			return m
		case a.state == nil:
			r.removeLocked(a)
			sh.mu.Unlock()
			return nil
		case !sh.closed:
			sh.restLocked(a, r)
			sh.mu.Unlock()
			return nil
		}
		sh.mu.Unlock()
		r.release(a, nil)
	}
}

// execute restores the state if there is none and executes a message on it. Whatever
// happens, there is an answer.
func (r *Registry[S]) execute(a *actor[S], m *message[S]) {
	returned := false
	defer func() {
		if !returned {
			value := recover()
			p := crew.Recovered(value)
			broken := &PanicError{ID: a.id, Value: p.Value, Stack: p.Stack}
			m.err = broken
			r.panics.Add(1)
			r.release(a, broken)
			if value == nil { // run does not go on
				a.exiting = true
				m.reply.Unpark()
			}
		}
	}()
	// Whoever looks for the goroutines of a call by its labels finds this one, too.
	pprof.SetGoroutineLabels(m.ctx)
	if a.state == nil {
		if a.state, m.err = r.restore(m.ctx, a.id); m.err != nil {
			returned = true
			return
		}
	}
	m.err = m.fn(m.ctx, a.state)
	returned = true
}

// restore calls Restore and turns its panic into an error.
func (r *Registry[S]) restore(ctx context.Context, id string) (s *S, err error) {
	r.restores.Add(1)
	defer func() {
		if v := recover(); v != nil {
			p := crew.Recovered(v)
			s, err = nil, &RestoreError{ID: id, Err: &PanicError{ID: id, Value: p.Value, Stack: p.Stack}}
		}
	}()
	s, err = r.conf.Restore(ctx, id)
	switch {
	case err != nil:
		return nil, &RestoreError{ID: id, Err: err}
	case s == nil:
		return nil, &RestoreError{ID: id, Err: errNoState}
	}
	return s, nil
}

// release lets the state of a busy actor go, if it has one.
func (r *Registry[S]) release(a *actor[S], cause error) {
	s := a.state
	a.state = nil
	if s == nil || r.conf.Release == nil {
		return
	}
	defer func() {
		// The state has gone either way, and nobody is there to be told but the next
		// caller, whom it does not concern.
		if p := recover(); p != nil {
			r.panics.Add(1)
		}
	}()
	r.conf.Release(a.id, s, cause)
}

// passivate lets a busy actor go that was idle. Messages may have come while its state was
// released: they have it restored.
func (r *Registry[S]) passivate(a *actor[S]) {
	r.passivations.Add(1)
	r.release(a, nil)
	sh := a.shard
	sh.mu.Lock()
	wanted := len(a.mailbox) > 0
	if !wanted {
		r.removeLocked(a)
	}
	sh.mu.Unlock()
	if wanted {
		csync.Go(func() { r.run(a) })
	}
}

// removeLocked forgets an actor without state and messages.
func (r *Registry[S]) removeLocked(a *actor[S]) {
	delete(a.shard.actors, a.id)
	// Close seals and then looks who lives; here it is the other way round, so that one of
	// the two sees the other.
	if r.live.Add(-1) == 0 && r.sealed.Load() {
		r.end()
	}
}

// withdraw takes a message back, and reports whether it was there still.
func (a *actor[S]) withdraw(m *message[S]) bool {
	a.shard.mu.Lock()
	defer a.shard.mu.Unlock()
	i := slices.Index(a.mailbox, m)
	if i < 0 {
		return false
	}
	a.mailbox = slices.Delete(a.mailbox, i, i+1)
	return true
}
