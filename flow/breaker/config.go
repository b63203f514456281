package breaker

import (
	"fmt"
	"time"
)

// State is the state of a breaker. The numbers are those that a gauge shows.
type State uint8

const (
	Closed State = iota
	HalfOpen
	Open
	states // how many there are
)

func (s State) String() string {
	return [states]string{"closed", "half-open", "open"}[s]
}

// Verdict is what the end of a call says of the backend.
type Verdict uint8

const (
	Neutral Verdict = iota // nothing: a user's mistake, a caller who left
	Success
	Failure
)

// Config describes a breaker. [Default], [Recalc] and [Files] fill it, all but Classify.
type Config struct {
	Failures  uint          // so many failures …
	Window    time.Duration // … within this time open the breaker
	OpenFor   time.Duration // it stays open for this time; then one call may try
	Successes uint          // so many probes in a row must succeed to close it
	Timeout   time.Duration // a call that runs longer has failed; 0: there is no such time

	Poison     uint          // so many failures in a row put a key into quarantine; less than Failures, 0: none
	Quarantine time.Duration // it stays there for this time; then one call may try
	Keys       int           // so many failing keys are remembered

	// Classify tells what an error says of the backend. It is not asked for nil (a
	// success), for errors that are context.Canceled (neutral), and for panics and
	// timeouts (failures). It must be safe for concurrent use.
	Classify func(error) Verdict

	// On tells of changes. Its functions are called in the order of the changes, with
	// the breaker locked: they must be quick, and must not use the breaker.
	On Listener
}

// Listener is told what happens; each function may be nil.
type Listener struct {
	Changed     func(name string, from, to State)
	Quarantined func(name, key string, d time.Duration)
	Released    func(name, key string) // a probe of a key in quarantine succeeded
}

// keysMax is how many failing keys are remembered where nothing is said: far more than
// fail at a time, and 100 KB or so.
const keysMax = 1024

// Default opens for 60 s after 5 failures within 120 s and closes after 2 successes.
func Default() Config {
	return Config{
		Failures: 5, Window: 120 * time.Second, OpenFor: 60 * time.Second, Successes: 2,
		Poison: 2, Quarantine: 10 * time.Minute, Keys: keysMax,
	}
}

// Recalc is for a spreadsheet engine in a process of its own, which is slow to start and
// is not to be started again and again: 3 failures within 60 s, 30 s open.
func Recalc() Config {
	c := Default()
	c.Failures, c.Window, c.OpenFor = 3, 60*time.Second, 30*time.Second
	return c
}

// Files is for a file system: 5 failures within 60 s, 15 s open, 3 successes.
func Files() Config {
	c := Default()
	c.Window, c.OpenFor, c.Successes = 60*time.Second, 15*time.Second, 3
	return c
}

func (c *Config) check() error {
	switch {
	case c.Classify == nil:
		return fmt.Errorf("breaker: no Classify: without it a user's mistake would open the breaker")
	case c.Failures < 1 || c.Successes < 1:
		return fmt.Errorf("breaker: %d failures, %d successes: both must be at least 1", c.Failures, c.Successes)
	case c.Window <= 0 || c.OpenFor <= 0 || c.Timeout < 0:
		return fmt.Errorf("breaker: window %v, open for %v, timeout %v: the first two must be positive, the last not negative", c.Window, c.OpenFor, c.Timeout)
	case c.Poison > 0 && (c.Poison >= c.Failures || c.Quarantine <= 0 || c.Keys < 1):
		return fmt.Errorf("breaker: quarantine after %d failures, for %v, of %d keys at most: it must be fewer than the %d that open the breaker, for a positive time, of at least one key",
			c.Poison, c.Quarantine, c.Keys, c.Failures)
	}
	return nil
}

// OpenError is the refusal of a call that has not run.
type OpenError struct {
	Name       string        // of the breaker
	Key        string        // in quarantine; empty when the breaker itself refuses
	RetryAfter time.Duration // not before; at least a millisecond
}

func (e *OpenError) Error() string {
	after := e.RetryAfter.Round(time.Millisecond)
	if e.Key != "" {
		return fmt.Sprintf("%s has failed on %s each time and does not try again yet: retry after %v, or use another one", e.Name, e.Key, after)
	}
	return fmt.Sprintf("%s is failing and is left alone for now: retry after %v", e.Name, after)
}
