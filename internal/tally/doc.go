// Package tally counts how long things took, where no lock may be taken for it: in a mutex
// that was waited for, in the writer of a journal.
//
// The one invariant: adding takes two atomic additions, allocates nothing and waits for
// nobody. The principal type is [Durations]; start reading there.
package tally
