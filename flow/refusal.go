package flow

import (
	"fmt"
	"time"

	"gridflow/flow/kernel"
)

// The codes of a Refusal.
const (
	CodeOverloaded  = "OVERLOADED"   // there is no room; try again later
	CodeRateLimited = "RATE_LIMITED" // this client has asked too often
	CodeTimeout     = "TIMEOUT"      // it waited for as long as it may
	CodeDraining    = "DRAINING"     // the server stops
)

// A Refusal says why a call was not let in. Nothing of it has run.
type Refusal struct {
	Code    string
	Class   string         // of the call
	Outcome kernel.Outcome // what was decided, more exactly than Code

	Waited   time.Duration
	Depth    int // calls of the class that wait
	Capacity int // calls of the class that may wait

	// RetryAfter is when another try may succeed; 0 where that cannot be told.
	RetryAfter time.Duration
}

// Error says it in words.
func (r *Refusal) Error() string {
	s := r.Code + ": " + r.Reason()
	if r.RetryAfter > 0 {
		const step = 10 * time.Millisecond // up: never before another try may succeed
		s += fmt.Sprintf("; try again in %s", (r.RetryAfter + step - 1).Truncate(step))
	}
	return s
}

// Reason is the sentence of Error, without the code and the time.
func (r *Refusal) Reason() string {
	switch r.Outcome {
	case kernel.FullFlow:
		return fmt.Sprintf("this client has as many %s calls waiting as it may", r.Class)
	case kernel.FullClass, kernel.FullQueue:
		return fmt.Sprintf("%d of %d %s calls wait already", r.Depth, r.Capacity, r.Class)
	case kernel.Displaced:
		return fmt.Sprintf("the queue for %s calls is full, and this client has the most calls in it", r.Class)
	case kernel.Shed:
		return fmt.Sprintf("the server has too much to do to take %s calls", r.Class)
	case kernel.Standing:
		return fmt.Sprintf("after %s this %s call was still waiting, and the queue does not get shorter", r.Waited.Round(time.Millisecond), r.Class)
	case kernel.RateLimited:
		return fmt.Sprintf("this client makes %s calls faster than it may", r.Class)
	case kernel.WaitedOut, kernel.TooLate:
		return fmt.Sprintf("after %s in the queue this %s call had not started", r.Waited.Round(time.Millisecond), r.Class)
	case kernel.Draining:
		return "the server is stopping"
	case kernel.Impossible:
		return "this call needs more than the server has"
	}
	return r.Outcome.String()
}

// codeOf gives the code that stands for an outcome.
func codeOf(o kernel.Outcome) string {
	switch o {
	case kernel.RateLimited:
		return CodeRateLimited
	case kernel.WaitedOut, kernel.TooLate:
		return CodeTimeout
	case kernel.Draining:
		return CodeDraining
	}
	return CodeOverloaded
}
