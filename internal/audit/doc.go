// Package audit keeps the record of who has changed what: one line of JSON for each call of
// a tool that may change something, with the caller, the tool, what came of it, and the
// versions, forks and files that it has made; and within a minute one for requests that were
// refused before they were read, with how many they were. It never holds what is in cells.
//
// The invariant: a line is written before its call is answered, in one write, so that lines
// of several processes in one file stay whole; and no line is written twice.
//
// What a call has changed is told by the rooms that change it, with [Record], to whoever
// collects it under the same context ([Collect]): neither knows of the other. What is changed
// without a call, the end of a fork whose time is over, has a line of its own.
//
// The journal of the forks is what makes a change durable, and has each version of a fork
// with its time and tool; this file adds who it was, and what is outside of forks. It is not
// synced: after a power cut its last lines may be missing where the journal has the versions.
//
// Start reading at Entry in log.go, and at Refusals.
package audit
