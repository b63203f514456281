package actor

import (
	"errors"
	"fmt"
)

var errNoState = errors.New("neither a state nor an error")

// Reason says why a message was not taken.
type Reason uint8

const (
	// Full: as many messages wait for this actor as may. It is worth to try again later.
	Full Reason = iota + 1
	// Limit: as many actors live as may, and each of them has something to do.
	Limit
	// Left: the caller's context was done before the message was taken.
	Left
	// Order: the caller executes a message itself, of this id or of one after it. To wait
	// might never end: messages that send messages do so to greater ids only.
	Order
	// Closed: the registry has been closed.
	Closed
)

var reasons = [...]string{Full: "its mailbox is full", Limit: "as many actors live as may", Left: "its caller has left",
	Order: "its caller holds an id that is not before this one", Closed: "the registry is closed"}

func (r Reason) String() string {
	if int(r) < len(reasons) && reasons[r] != "" {
		return reasons[r]
	}
	return fmt.Sprintf("Reason(%d)", r)
}

// Refusal is the error of a message that was not taken and never will be: the function has
// not run. Of any other error a function has run, or its state could not be restored.
type Refusal struct {
	ID     string
	Reason Reason

	Depth, Capacity int // messages that wait, for Full; actors that live, for Limit

	Err error // the cause of the caller's context, for Left
}

func (r *Refusal) Error() string {
	switch {
	case r.Capacity > 0:
		return fmt.Sprintf("actor %s takes no message: %v (%d of %d)", r.ID, r.Reason, r.Depth, r.Capacity)
	case r.Err != nil:
		return fmt.Sprintf("actor %s takes no message: %v: %v", r.ID, r.Reason, r.Err)
	}
	return fmt.Sprintf("actor %s takes no message: %v", r.ID, r.Reason)
}

// Unwrap gives the cause of the caller's context, so that errors.Is finds it.
func (r *Refusal) Unwrap() error { return r.Err }

// PanicError is what the caller gets whose message panicked, or ended its goroutine by
// runtime.Goexit. What the state has become nobody knows: it has been released, and the next
// message finds one that was restored.
type PanicError struct {
	ID    string
	Value any // what it panicked with, nil for Goexit
	Stack []byte
}

func (e *PanicError) Error() string {
	if e.Value == nil {
		return fmt.Sprintf("actor %s: the message ended its goroutine", e.ID)
	}
	return fmt.Sprintf("actor %s: the message panicked: %v", e.ID, e.Value)
}

// Unwrap gives the value of the panic where it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// RestoreError is what the caller gets for whose message the state could not be restored.
// The function has not run. The next message tries again.
type RestoreError struct {
	ID  string
	Err error // what Restore gave, or a *PanicError
}

func (e *RestoreError) Error() string {
	return fmt.Sprintf("actor %s is not restored: %v", e.ID, e.Err)
}
func (e *RestoreError) Unwrap() error { return e.Err }
