package actor

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"sync/atomic"
	"time"

	"gridflow/internal/interleave/csync"
	"gridflow/internal/lock"
)

// Config says how the actors of a registry live.
type Config[S any] struct {
	// Restore makes the state of an id, from its journal. It is called by the goroutine of
	// the actor, under the context of the message that needs the state. It must be there.
	Restore func(ctx context.Context, id string) (*S, error)
	// Release is called once for each state that Restore gave, when nothing will touch it
	// any more; cause is nil for one that was idle, or the *PanicError of the message that
	// broke it. The next state of the id is restored only after it. It should be quick: a
	// caller may wait for it who needs the place. It must not end its goroutine. It may be nil.
	Release func(id string, s *S, cause error)

	Mailbox int           // messages that may wait for one actor; 0 is 64
	Live    int           // actors that may live; 0 is 1,024
	Idle    time.Duration // after so long without a message a state is released; 0 is never
	Shards  int           // parts that the actors are kept in, each with its lock, a power of two; 0 is 16
}

func (c Config[S]) withDefaults() (Config[S], error) {
	for _, f := range []struct {
		value *int
		name  string
		or    int
	}{{&c.Mailbox, "Mailbox", 64}, {&c.Live, "Live", 1024}, {&c.Shards, "Shards", 16}} {
		if *f.value < 0 {
			return c, fmt.Errorf("actor: %s is %d", f.name, *f.value)
		}
		if *f.value == 0 {
			*f.value = f.or
		}
	}
	switch {
	case c.Restore == nil:
		return c, errors.New("actor: Restore is missing")
	case c.Idle < 0:
		return c, fmt.Errorf("actor: Idle is %v", c.Idle)
	case c.Shards&(c.Shards-1) != 0:
		return c, fmt.Errorf("actor: Shards is %d, which is no power of two", c.Shards)
	}
	return c, nil
}

// Registry holds the actors that live, by id. All its methods may be called from any number
// of goroutines at once.
type Registry[S any] struct {
	conf   Config[S]
	hash   func(id string) uint64
	shards []shard[S]
	live   csync.Int64 // actors in all shards, never above conf.Live

	sealed csync.Bool // no shard takes an actor any more
	ended  csync.Bool
	gone   *csync.Chan[struct{}] // closed when sealed and none lives

	// Counted beside everything else: they synchronize nothing.
	restores, panics, passivations, refused atomic.Uint64
}

// shard is a part of the actors.
type shard[S any] struct {
	mu     lock.Mutex[lock.ActorShard] // no function of the user is called under it
	actors map[string]*actor[S]
	idle   idleList[S]
	timer  *time.Timer // fires when the first of idle is due
	armed  bool
	closed bool
}

// New makes a registry without actors.
func New[S any](c Config[S]) (*Registry[S], error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	seed := maphash.MakeSeed()
	r := &Registry[S]{
		conf:   c,
		hash:   func(id string) uint64 { return maphash.String(seed, id) }, // the whole id: ids of one kind begin alike
		shards: make([]shard[S], c.Shards),
		gone:   csync.NewChan[struct{}](1),
	}
	for i := range r.shards {
		r.shards[i].actors = make(map[string]*actor[S])
	}
	return r, nil
}

func (r *Registry[S]) shardOf(id string) *shard[S] {
	return &r.shards[r.hash(id)&uint64(len(r.shards)-1)]
}

// Call has the actor of id execute fn on its state, restoring it first where there is none,
// after all messages that came before, and gives the error of fn.
//
// It does not wait where it cannot be served: a message that is not taken gives a *[Refusal],
// and its function never runs. When ctx is done before its turn the message is taken back.
// From then on Call waits until fn has returned, however long that takes: it is for fn to
// look at its context. A panic of fn gives a *[PanicError], a state that cannot be restored a
// *[RestoreError].
//
// The context of fn is ctx and knows what it runs in: a Call with it, from fn, is for a
// greater id or is refused. So two calls that go to several actors never wait for each other
// within one registry. fn must not keep the state, and not hand its context to what goes on
// after it.
func (r *Registry[S]) Call(ctx context.Context, id string, fn func(ctx context.Context, s *S) error) error {
	outer, _ := ctx.Value(holderKey{}).(*holder)
	if outer.blocks(r, id) {
		return r.refuse(&Refusal{ID: id, Reason: Order})
	}
	if ctx.Err() != nil {
		return r.refuse(&Refusal{ID: id, Reason: Left, Err: csync.Cause(ctx)})
	}
	m := &message[S]{
		ctx:   context.WithValue(ctx, holderKey{}, &holder{registry: r, id: id, outer: outer}),
		fn:    fn,
		reply: csync.MakeParker(),
	}
	a, refusal := r.post(id, m)
	if refusal != nil {
		return r.refuse(refusal)
	}
	if err := m.reply.Park(ctx); err != nil {
		if a.withdraw(m) {
			return r.refuse(&Refusal{ID: id, Reason: Left, Err: err})
		}
		// It has been taken. Who goes on before its work has stopped would free its seat too soon.
		_ = m.reply.Park(context.Background())
	}
	return m.err
}

func (r *Registry[S]) refuse(refusal *Refusal) error {
	r.refused.Add(1)
	return refusal
}

// holderKey is the key under which a context has the innermost message that it belongs to.
type holderKey struct{}

// holder is an actor that executes a message from which another is sent.
type holder struct {
	registry any
	id       string
	outer    *holder
}

// blocks reports whether a message to id could wait, in the end, for its own sender.
func (h *holder) blocks(registry any, id string) bool {
	for ; h != nil; h = h.outer {
		if h.registry == registry && h.id >= id {
			return true
		}
	}
	return false
}

// post puts a message into the mailbox of id, making its actor where there is none. Looking
// and putting are under one lock: an actor that has been found cannot leave in between.
func (r *Registry[S]) post(id string, m *message[S]) (*actor[S], *Refusal) {
	sh := r.shardOf(id)
	for {
		sh.mu.Lock()
		a := sh.actors[id]
		switch {
		case sh.closed:
			sh.mu.Unlock()
			return nil, &Refusal{ID: id, Reason: Closed}
		case a != nil && len(a.mailbox) >= r.conf.Mailbox:
			depth := len(a.mailbox)
			sh.mu.Unlock()
			return nil, &Refusal{ID: id, Reason: Full, Depth: depth, Capacity: r.conf.Mailbox}
		case a == nil && !r.reserve():
			sh.mu.Unlock()
			if !r.makeRoom() {
				return nil, &Refusal{ID: id, Reason: Limit, Depth: r.conf.Live, Capacity: r.conf.Live}
			}
			continue // another may have been quicker
		case a == nil:
			a = &actor[S]{id: id, shard: sh}
			sh.actors[id] = a
		}
		a.mailbox = append(a.mailbox, m)
		start := !a.busy
		if start {
			sh.claimLocked(a)
		}
		sh.mu.Unlock()
		if start {
			csync.Go(func() { r.run(a) })
		}
		return a, nil
	}
}

// reserve takes a place for an actor if there is one.
func (r *Registry[S]) reserve() bool {
	for n := r.live.Load(); n < int64(r.conf.Live); n = r.live.Load() {
		if r.live.CompareAndSwap(n, n+1) {
			return true
		}
	}
	return false
}

// makeRoom releases the state that has been idle the longest. It reports whether to try
// again is worth while: not if none was idle.
func (r *Registry[S]) makeRoom() bool {
	return r.ReleaseIdle() || r.live.Load() < int64(r.conf.Live)
}

// Live is the number of actors that live.
func (r *Registry[S]) Live() int { return int(r.live.Load()) }

// ReleaseIdle releases the state that has been idle the longest, for a user whose states
// take too much together. It reports whether there was one: another caller may have been
// quicker to take it. It may be called within a message, whose own actor is not idle.
func (r *Registry[S]) ReleaseIdle() bool {
	var from *shard[S]
	var since time.Time
	for i := range r.shards {
		sh := &r.shards[i]
		sh.mu.Lock()
		if a := sh.idle.first; a != nil && (from == nil || a.since.Before(since)) {
			from, since = sh, a.since
		}
		sh.mu.Unlock()
	}
	if from == nil {
		return false
	}
	from.mu.Lock()
	a := from.idle.first
	if a != nil {
		from.claimLocked(a)
	}
	from.mu.Unlock()
	if a != nil {
		r.passivate(a)
	}
	return true // where it was gone others have been served, or its place is free
}

// Close takes no further message, waits until those in the mailboxes have been executed and
// releases all states. When ctx is done first, those that still wait are refused, and its
// cause is given; what is being executed then ends by itself, and its state is released.
// After nil nothing of the registry is left.
func (r *Registry[S]) Close(ctx context.Context) error {
	for i := range r.shards {
		sh := &r.shards[i]
		sh.mu.Lock()
		sh.closed = true
		if sh.timer != nil {
			sh.timer.Stop()
		}
		for a := sh.idle.first; a != nil; a = sh.idle.first {
			sh.claimLocked(a)
			csync.Go(func() { r.passivate(a) })
		}
		sh.mu.Unlock()
	}
	r.sealed.Store(true)
	if r.live.Load() == 0 {
		r.end()
	}
	_, err := r.gone.Recv(ctx)
	if err == csync.ErrClosed {
		return nil
	}
	for i := range r.shards {
		r.turnAway(&r.shards[i])
	}
	return err
}

// end tells those who wait in Close.
func (r *Registry[S]) end() {
	if r.ended.CompareAndSwap(false, true) {
		r.gone.Close()
	}
}

// Stats are counts of a registry, each read by itself: together they are no one moment.
type Stats struct {
	Live, LiveMax int    // actors that live, and how many may
	Depth         int    // messages that wait, in all mailboxes
	Restores      uint64 // states that were restored, failures included
	Panics        uint64 // messages that panicked
	Passivations  uint64 // states that were released because they were idle
	Refused       uint64 // messages that were not taken
}

// Stats counts.
func (r *Registry[S]) Stats() Stats {
	s := Stats{
		Live: int(r.live.Load()), LiveMax: r.conf.Live,
		Restores: r.restores.Load(), Panics: r.panics.Load(), Passivations: r.passivations.Load(), Refused: r.refused.Load(),
	}
	for i := range r.shards {
		sh := &r.shards[i]
		sh.mu.Lock()
		for _, a := range sh.actors {
			s.Depth += len(a.mailbox)
		}
		sh.mu.Unlock()
	}
	return s
}
