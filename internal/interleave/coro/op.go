//go:build interleave

package coro

import "unsafe"

// Access says how an operation touches its object, and by that which operations commute.
type Access uint8

const (
	// Write commutes with nothing on the same object.
	Write Access = iota
	// Read commutes with other reads.
	Read
	// Close commutes with its like and not with reads: the return of a call in a history
	// (see interleave.History) does not commute with the start of another, but two returns do.
	Close
)

// Kind is what is fixed about an operation: one variable per method of a shim.
type Kind struct {
	Type, Verb string // "Mutex", "Lock"
	Access     Access
	Everything bool // depends on whatever any other thread does
}

// Condition is what a blocking operation waits for. Ready must only look.
type Condition interface{ Ready() bool }

// Reason is what a [Condition] may say about itself when a thread is stuck on it:
// "held by b".
type Reason interface{ Reason() string }

// Op is an operation that a thread has announced and not yet done.
type Op struct {
	Kind *Kind
	Obj  unsafe.Pointer // the identity of the object
	Cond Condition      // nil: never blocks

	// The other way in which a wait can end: by a context, which is an object of its own.
	Done    Condition
	DoneObj unsafe.Pointer
}

// Ways in which an operation can go on; the second return value of a choice.
const (
	Proceed   = 0 // Cond holds
	Cancelled = 1 // Done holds
	Ways      = 2
)

// Enabled gives the ways in which the operation could go on now, as a set of bits.
func (o *Op) Enabled() uint64 {
	var ways uint64
	if o.Cond == nil || o.Cond.Ready() {
		ways |= 1 << Proceed
	}
	if o.Done != nil && o.Done.Ready() {
		ways |= 1 << Cancelled
	}
	return ways
}

// Footprint is the one object that an operation touches when it goes on in one way.
type Footprint struct {
	Obj        unsafe.Pointer
	Access     Access
	Everything bool
}

// Footprint gives what the operation touches when it goes on in the given way. A wait that
// is cancelled looks at the context and leaves the object alone.
func (o *Op) Footprint(way int) Footprint {
	if way == Cancelled {
		return Footprint{Obj: o.DoneObj, Access: Read}
	}
	return Footprint{Obj: o.Obj, Access: o.Kind.Access, Everything: o.Kind.Everything}
}

// Dependent reports whether two operations of different threads may fail to commute: to do
// them in the other order might lead elsewhere, or one might enable or disable the other.
// It errs on the side of dependence.
func (f Footprint) Dependent(g Footprint) bool {
	if f.Everything || g.Everything {
		return true
	}
	if f.Obj != g.Obj {
		return false
	}
	return f.Access == Write || f.Access != g.Access
}
