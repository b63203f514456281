package mcpflow

import (
	"context"
	"errors"
	"time"

	"gridflow/flow"
)

// An Observation is what became of one call.
type Observation struct {
	Kind   flow.Kind
	Class  int
	Client string
	Part   string // of the client
	Weight int64  // of the client

	PartWeight int64

	Ran     bool // it was let in
	Waited  time.Duration
	Service time.Duration // 0 unless it ran
	Outcome string        // one of the constants below
}

// The outcomes of calls.
const (
	OutcomeOK           = "ok"
	OutcomeUserError    = "user_error"    // the caller asked for what cannot be
	OutcomeInternal     = "internal"      // a fault of the server
	OutcomeTimeoutQueue = "timeout_queue" // it waited for as long as it may
	OutcomeTimeoutExec  = "timeout_exec"  // it ran for as long as it may
	OutcomeCancelled    = "cancelled"     // nobody wanted the answer any more, whether it waited or ran
	OutcomeOverloaded   = "overloaded"
	OutcomeRateLimited  = "rate_limited"
	OutcomeDraining     = "draining"
)

// refusedAs gives the outcome of a call that was not let in.
func refusedAs(err error) string {
	var r *flow.Refusal
	switch {
	case !errors.As(err, &r):
		if errors.Is(err, context.DeadlineExceeded) {
			return OutcomeTimeoutQueue
		}
		return OutcomeCancelled
	case r.Code == flow.CodeRateLimited:
		return OutcomeRateLimited
	case r.Code == flow.CodeTimeout:
		return OutcomeTimeoutQueue
	case r.Code == flow.CodeDraining:
		return OutcomeDraining
	}
	return OutcomeOverloaded
}

// endedAs gives the outcome of a call that ran.
func endedAs(r flow.Result) string {
	switch r {
	case flow.OK:
		return OutcomeOK
	case flow.UserError:
		return OutcomeUserError
	case flow.TimedOut:
		return OutcomeTimeoutExec
	case flow.Cancelled:
		return OutcomeCancelled
	}
	return OutcomeInternal
}
