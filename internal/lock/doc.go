// Package lock gives mutexes a rank, and with the build tag lockcheck checks it.
//
// The one invariant: who holds a lock takes only such as come after it in the table of
// ranks.go. Then no two goroutines can wait for each other by locks alone, whatever they do.
// Two locks of one rank are never held together.
//
// [Mutex] and [RWMutex] take their rank as a type argument, so that the zero value is ready
// and knows it. In a normal build the rank says under which name it is counted how long a
// lock was waited for ([Waits]), and costs nothing while nobody waits. With the tag each lock that is taken out of order crashes the
// program, with the stacks of both; a graph of who holds and who waits finds deadlocks among
// all locks, those without rank included ([Unranked]); and [Report] tells what it holds.
//
//	make lockcheck
//
// Other ways to wait have their own order: a message of an actor goes to greater ids only
// (package actor), a call waits for its permit before it takes any lock (package flow).
//
// Start reading at ranks.go.
package lock
