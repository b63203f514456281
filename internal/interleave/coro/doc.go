// Package coro runs threads one at a time, as coroutines that stop before every operation
// on a shared object. The shims of csync announce operations to it; the explorer in
// interleave says which thread goes on. Nothing else has a reason to import it, and in a
// build without the tag interleave it is empty.
//
// The principal types are [Machine], the threads of one execution; [Thread]; and [Op],
// what a thread is about to do. A step is: the operation that a thread has announced, and
// then its own code up to the next announcement. Since only one coroutine runs at any
// time, the state of the machine needs no lock, and neither do the shims.
//
// Start reading at [Machine.Run] and Thread.announce.
package coro
