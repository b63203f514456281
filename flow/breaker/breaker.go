package breaker

import (
	"context"
	"errors"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"

	"gridflow/internal/lock"
)

// ErrTimeout is the cause with which [Breaker.Run] cancels a call that hangs.
var ErrTimeout = errors.New("breaker: the call took longer than it may")

// probeWait is told to who comes while a probe runs: its end is not known, but near.
const probeWait = time.Second

// Breaker guards one backend. It is safe for concurrent use.
type Breaker struct {
	name string // name and cfg are fixed
	cfg  Config

	mu      lock.Mutex[lock.Breaker]
	circuit circuitbreaker.CircuitBreaker[any]
	state   State
	calls   uint64 // let in so far: the number of the last one
	since   uint64 // calls up to this number were let in by an earlier state

	probing bool // half-open: a probe runs
	spare   bool // the circuit has given leave for a probe, and none has used it up

	suspects suspects

	changes  [states]uint64 // by the state that they led to
	rejected uint64
}

// New gives a closed Breaker, or says what is wrong with cfg.
func New(name string, cfg Config) (*Breaker, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	b := &Breaker{name: name, cfg: cfg, suspects: suspects{max: cfg.Keys}}
	b.circuit = circuitbreaker.NewBuilder[any]().
		WithFailureThresholdPeriod(cfg.Failures, cfg.Window).
		WithSuccessThreshold(cfg.Successes).
		WithDelay(cfg.OpenFor).
		Build()
	return b, nil
}

// Name gives the name of the backend.
func (b *Breaker) Name() string { return b.name }

// State gives the present state. An open breaker becomes half-open only when a call
// comes, so it may be open with no time left.
func (b *Breaker) State() State {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.state
}

// Stats is what a breaker is doing, and has done since it was made.
type Stats struct {
	Name        string
	State       State
	Changes     [states]uint64 // of the state, by the one that they led to
	Rejected    uint64         // calls that were refused, by the breaker or by the quarantine of their key
	Quarantined int            // keys that are in quarantine
}

// Stats gives the counts. They are of one moment.
func (b *Breaker) Stats() Stats {
	b.mu.Lock()
	defer b.mu.Unlock()
	quarantined, _ := b.quarantined(0)
	return Stats{b.name, b.state, b.changes, b.rejected, quarantined}
}

// Quarantined gives the number of keys that are in quarantine, and those of them that
// failed last, at most limit of them.
func (b *Breaker) Quarantined(limit int) (n int, keys []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.quarantined(limit)
}

func (b *Breaker) quarantined(limit int) (n int, keys []string) {
	for e := b.suspects.order.Front(); e != nil; e = e.Next() {
		if s := e.Value.(*suspect); !s.until.IsZero() {
			if n++; n <= limit {
				keys = append(keys, s.key)
			}
		}
	}
	return n, keys
}

// Permit is the right to run one call. Whoever has it must call Done; a probe that is
// never done keeps everybody else out until the timeout.
type Permit struct {
	b        *Breaker
	key      string
	number   uint64
	probe    bool     // of the backend
	keyProbe *suspect // of a key in quarantine, or nil
	timer    *time.Timer
	done     bool // guarded by b.mu
}

// Allow lets a call in, or refuses it with an [*OpenError]. key is what the call works
// on, and may be empty: then it has no quarantine.
func (b *Breaker) Allow(key string) (*Permit, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	s := b.suspects.get(key)
	if s != nil && s.until.IsZero() {
		s = nil // known, but not in quarantine
	}
	if err := b.aside(s, now); err != nil {
		return nil, err
	}
	p := &Permit{b: b, key: key, keyProbe: s}
	if err := b.enter(p); err != nil {
		return nil, err
	}
	if s != nil {
		s.probing = true
	}
	b.calls++
	p.number = b.calls
	if b.cfg.Timeout > 0 {
		p.timer = time.AfterFunc(b.cfg.Timeout, func() { p.end(Failure) })
	}
	return p, nil
}

// Peek says what Allow would refuse a call for now, with an [*OpenError], and takes
// nothing: for who has something to prepare before the call. nil promises nothing, and a
// refusal counts as one.
func (b *Breaker) Peek(key string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s := b.suspects.get(key); s != nil && !s.until.IsZero() {
		if err := b.aside(s, time.Now()); err != nil {
			return err
		}
	}
	switch {
	case b.state == Closed:
		return nil
	case b.probing:
		return b.refusal("", probeWait)
	case b.state == Open:
		if left := b.circuit.RemainingDelay(); left > 0 {
			return b.refusal("", left)
		}
	}
	return nil
}

// aside gives the refusal of a key that is in quarantine, unless it may be tried; nil is
// none. Locked.
func (b *Breaker) aside(s *suspect, now time.Time) error {
	if s == nil {
		return nil
	}
	switch left := s.until.Sub(now); {
	case left > 0:
		return b.refusal(s.key, left)
	case s.probing:
		return b.refusal(s.key, probeWait)
	}
	return nil
}

// enter asks the circuit. Locked.
func (b *Breaker) enter(p *Permit) error {
	if b.state == Closed {
		return nil
	}
	if b.probing {
		return b.refusal("", probeWait)
	}
	if !b.spare && !b.circuit.TryAcquirePermit() {
		return b.refusal("", b.circuit.RemainingDelay())
	}
	b.follow()
	b.spare, b.probing, p.probe = false, true, true
	return nil
}

// refusal words a refusal, and counts it. Locked.
func (b *Breaker) refusal(key string, after time.Duration) error {
	b.rejected++
	return &OpenError{Name: b.name, Key: key, RetryAfter: max(after, time.Millisecond)}
}

// Done says how the call ended; nil is a success. Only the first Done counts, and none
// after the timeout.
func (p *Permit) Done(err error) {
	switch {
	case err == nil:
		p.end(Success)
	case errors.Is(err, context.Canceled):
		p.end(Neutral)
	default:
		p.end(p.b.cfg.Classify(err))
	}
}

// end counts the call once.
func (p *Permit) end(v Verdict) {
	b := p.b
	b.mu.Lock()
	defer b.mu.Unlock()
	if p.done {
		return
	}
	p.done = true
	if p.timer != nil {
		p.timer.Stop()
	}
	if !b.counts(p, v) {
		v = Neutral
	}
	if p.number <= b.since {
		return // another state let it in
	}
	if p.probe {
		b.probing = false
		b.spare = v == Neutral // the circuit waits for a result; the next probe is in its place
	}
	switch v {
	case Success:
		b.circuit.RecordSuccess()
	case Failure:
		b.circuit.RecordFailure()
	}
	b.follow()
}

// counts takes in what the call says of its key, and tells whether it says anything of
// the backend. Locked.
func (b *Breaker) counts(p *Permit, v Verdict) bool {
	s := p.keyProbe
	if s != nil {
		s.probing = false
	} else if s = b.suspects.get(p.key); s != nil && p.number <= s.since {
		return false // it began before the quarantine did, and adds nothing
	}
	switch {
	case p.key == "" || b.cfg.Poison == 0 || v == Neutral:
		return true
	case v == Success:
		if s != nil {
			b.cleared(s)
		}
		return true
	}

	now := time.Now()
	s = b.suspects.failed(p.key)
	s.inARow++
	if s.inARow >= b.cfg.Poison {
		s.until, s.since = now.Add(b.cfg.Quarantine), b.calls
		if b.cfg.On.Quarantined != nil {
			b.cfg.On.Quarantined(b.name, s.key, b.cfg.Quarantine)
		}
	}
	if now.Sub(s.countedFrom) > b.cfg.Window {
		s.counted, s.countedFrom = 0, now
	}
	if p.keyProbe != nil || s.counted >= b.cfg.Poison {
		return false
	}
	s.counted++
	return true
}

// cleared ends the quarantine of a key, and forgets the key once its failures do not
// count any more. Locked.
func (b *Breaker) cleared(s *suspect) {
	if !s.until.IsZero() && b.cfg.On.Released != nil {
		b.cfg.On.Released(b.name, s.key)
	}
	s.inARow, s.until = 0, time.Time{}
	if time.Since(s.countedFrom) > b.cfg.Window {
		b.suspects.remove(s.key)
	}
}

// follow takes over the state that the circuit has come to. What was let in by the state
// before does not count from here on. Locked.
func (b *Breaker) follow() {
	to := Closed
	switch b.circuit.State() {
	case circuitbreaker.HalfOpenState:
		to = HalfOpen
	case circuitbreaker.OpenState:
		to = Open
	}
	if to == b.state {
		return
	}
	from := b.state
	b.state, b.since, b.probing, b.spare = to, b.calls, false, false
	b.changes[to]++
	if b.cfg.On.Changed != nil {
		b.cfg.On.Changed(b.name, from, to)
	}
}

// Run lets fn run, or refuses with an [*OpenError] without running it. A panic of fn
// goes on to the caller and is a failure, as is a Goexit. The context of fn is cancelled
// with [ErrTimeout] when the timeout has passed. Run returns only when fn has: what fn
// holds is free then.
func (b *Breaker) Run(ctx context.Context, key string, fn func(context.Context) error) error {
	p, err := b.Allow(key)
	if err != nil {
		return err
	}
	if b.cfg.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, b.cfg.Timeout, ErrTimeout)
		defer cancel()
	}
	returned := false
	defer func() {
		if !returned {
			p.end(Failure)
		}
	}()
	err = fn(ctx)
	returned = true
	if err != nil && errors.Is(context.Cause(ctx), ErrTimeout) {
		p.end(Failure) // the timer of the permit may be a moment behind the context's
	}
	p.Done(err)
	return err
}
