// Package actor gives each id one writer: a state that is touched by one goroutine at a
// time, and a bounded mailbox of functions that it executes one after the other, in the
// order in which they came.
//
// The one invariant: of an id there is at most one state at any moment, from the begin of
// Restore to the end of Release, and a message is executed either once, on that state, or
// never; its caller is told which.
//
// An id that nobody uses is nothing here: no goroutine, no entry, no byte. The first
// message makes the actor and restores its state. While there are messages a goroutine
// executes them; when there are none it ends, and the state stays for the next. A state
// that is idle for long, or the longest when another needs its place, is released.
//
// The principal types are [Registry], which holds the actors; [Config], how they are made
// and how many there may be; and [Refusal], the error of a message that was not taken.
//
// Start reading at [Registry.Call], then actor.go for the life of one actor.
package actor
