// Package hub tells many readers what has happened without ever waiting for one of them.
//
// The one invariant: to publish takes a bounded number of steps for each reader, whatever
// the readers do, and each event that a reader was to get it either gets, or is told how
// many it did not get, with the next one. The last event of a key that it gets is the
// newest, unless it is told that events were lost.
//
// Events have a key. What counts of a key is its newest event ("fork X is at version n"),
// so an event takes the place of one of the same key that has not been read. A reader that
// reads nothing for ten thousand events of one key then gets the last of them, and the
// marker that 9,999 are missing. Only events of more keys than a reader has room for are
// lost for good, the oldest first; then it has to look at the state of things itself.
//
// The principal types are [Hub], with [Subscription] for who reads by keys; and [Queue],
// what waits for one reader, for use by itself where somebody else knows who is to be told.
//
// Start reading at [Queue.Put].
package hub
