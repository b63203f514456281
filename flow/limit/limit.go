package limit

import "time"

// Outcome says how a call ended, as far as a limit cares.
type Outcome uint8

const (
	OK        Outcome = iota
	Failed            // the backend or the machine failed; a user's mistake is OK
	TimedOut          // the call reached its execution deadline
	Cancelled         // the caller left: says nothing
)

// Sample is what is known of a call that has ended.
type Sample struct {
	Service  time.Duration // execution time; the wait in a queue is not part of it
	InFlight int           // calls in flight when this one began, itself included
	Outcome  Outcome
}

// Cause says why a limit changed. The values are few, so that they can be labels of a
// counter.
type Cause string

const (
	Latency   Cause = "latency"   // calls took too long
	Failures  Cause = "failures"  // too many failed or timed out
	Scheduler Cause = "scheduler" // goroutines waited for a processor
	Headroom  Cause = "headroom"  // calls were quick and the limit was used
	Probe     Cause = "probe"     // a Gradient tries one limit and the next around a knee that rests: not worth a log line
)

// Change is one step of a limit.
type Change struct {
	From, To int
	Cause    Cause
	At       time.Duration // since the caller's origin
}

// Limiter is an adaptive limit. It is not safe for concurrent use: whoever owns the
// queue behind the limit owns the Limiter too.
type Limiter interface {
	// Observe takes in a call that has ended at now. It reports the change that the
	// sample brought about, if any.
	Observe(now time.Duration, s Sample) (Change, bool)

	// Tick lets time pass without a sample and hands in how far the machine is from
	// overload: 0 is idle, 1 and more is overloaded (see [SchedLoad.Pressure]). The
	// number holds until the next Tick. Without any Tick it is 0.
	Tick(now time.Duration, pressure float64) (Change, bool)

	// Limit gives how many calls may be in flight now; at least 1.
	Limit() int

	// Bounds gives what Limit never leaves.
	Bounds() (min, max int)
}

// usedShare is the part of a window's calls that must have begun at the limit before
// the limit counts as used. A tenth is beyond what one short burst does to an
// otherwise idle window, and well below what a backlog does.
const usedShare = 0.1

// calmPressure is the pressure above which no limit grows. Between it and 1 a limit
// stays: the same dead band that the two targets leave for the execution time.
const calmPressure = 0.5

// idleWindows is the number of windows without any call running after which what was
// gathered before is too old to be mixed with what comes.
const idleWindows = 10

// shrunk takes an eighth off a limit, and at least 1: for the small limits of this
// house one by one, for large ones fast enough to matter.
func shrunk(limit int) int { return limit - max(1, limit/8) }
