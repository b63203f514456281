package kernel

import "time"

// A Request says what is asked for.
type Request struct {
	Class   int           // index into Config.Classes
	Flow    uint64        // whose request it is: a hash of the client
	Weight  int64         // of the flow, against others of its class; 0 means 1
	Part    uint64        // of the flow: a hash of whom the client tells apart; 0: of nobody
	PartBy  int64         // the weight of the part, against others of its flow; 0 means 1
	Cost    time.Duration // how long it will probably take; at most an hour is believed
	Need    Amounts       // what it holds while it runs
	StartBy Instant       // when starting it is of no more use; 0: never
}

// A Ticket is one request on its way through a [Kernel]. Its maker fills in Request and
// Owner; the rest is the kernel's until the ticket is refused or done, after which it may
// be used again.
type Ticket struct {
	Request
	Owner any // whatever the maker wants to find again

	state    state
	part     *part
	arrived  Instant
	started  Instant
	expiry   int // place in Kernel.expiries; -1: none
	charged  time.Duration
	next     *Ticket // of the same part, younger; or of those that run
	prev     *Ticket
	younger  *Ticket // of the same class: of those that wait, or of those that run and are short
	older    *Ticket
	buffered bool // its seats count as taken from the buffer first
}

type state uint8

const (
	stateNew state = iota
	stateWaiting
	stateRunning
	stateRiding // under another one that runs
)

// Waiting reports whether the ticket waits.
func (t *Ticket) Waiting() bool { return t.state == stateWaiting }

// Running reports whether the ticket has started and is not done.
func (t *Ticket) Running() bool { return t.state == stateRunning }

// Behind gives the ticket that waits behind this one in its part, nil for the youngest.
func (t *Ticket) Behind() *Ticket { return t.next }

// overdue reports whether the ticket has waited long enough, and what it is dropped for.
func (c *class) overdue(t *Ticket, now Instant) (Outcome, bool) {
	switch {
	case t.StartBy > 0 && now >= t.StartBy:
		return TooLate, true
	case c.WaitMax > 0 && now-t.arrived >= c.WaitMax:
		return WaitedOut, true
	case c.standing && now-t.arrived > c.Target && c.stands(now):
		return Standing, true
	}
	return Started, false
}

// Arrived is when the ticket came in.
func (t *Ticket) Arrived() Instant { return t.arrived }

// Started is when the ticket started to run.
func (t *Ticket) Started() Instant { return t.started }

// An Outcome says what has been decided about a ticket.
type Outcome uint8

// What can be decided. Every ticket that arrives gets exactly one of these; one that is
// cancelled or joins another while it waits gets none, because its owner knows.
const (
	Started     Outcome = iota // it holds what it needs; [Kernel.Done] gives it back
	FullFlow                   // refused: its flow has as many waiting as it may, and none of its parts more than this one
	FullClass                  // refused: the class is full, and no flow has more waiting than this one
	FullQueue                  // refused: the queues are full together, and nobody had to give way to it
	Displaced                  // dropped: it was the newest of the fattest part of the fattest flow, or of its own, when that was full
	Shed                       // refused: the level is one at which its class is not let in
	RateLimited                // refused: its flow has asked too often
	WaitedOut                  // dropped: it has waited for WaitMax
	TooLate                    // refused or dropped: it has not started by StartBy
	Standing                   // dropped: it had waited for longer than Target in a queue that stands
	Draining                   // refused or dropped: nothing is let in any more
	Impossible                 // refused: it needs more than there is
	outcomes
)

var outcomeNames = [outcomes]string{
	"started", "full_flow", "full_class", "full_queue", "displaced", "shed", "rate_limited",
	"waited_out", "too_late", "standing", "draining", "impossible",
}

func (o Outcome) String() string { return outcomeNames[o] }

// Outcomes is the number of different outcomes.
const Outcomes = int(outcomes)

// A Decision is what an event brought about for one ticket.
type Decision struct {
	Ticket  *Ticket
	Outcome Outcome

	// RetryAfter is when another try may succeed, as far as can be told: for refusals
	// because something is full or asked for too often. Else 0.
	RetryAfter time.Duration
}
