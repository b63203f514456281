// Package forks keeps private lines of versions on top of workbooks, and loses nothing
// that it has acknowledged.
//
// A fork stands on a base, which is a kept revision of a workbook's file, and is a line of
// versions: version 0 is the base, and each commit makes the next. A commit is checked in
// full and applied to an immutable snapshot, written to the journal and made durable there,
// published with one store of a pointer, and then acknowledged. Readers take the published
// pointer and never wait for writers. Undo, redo and going back to a checkpoint are commits
// as well, which point to contents that are there already. A line that has become long is told
// again in another stream of the journal, see shorten.go.
//
// Principal types: [Store] has the forks; [Info] is what is known of one. Inside, a line is
// the history (a pure state machine that the journal's records drive) and a live is a fork
// that somebody uses, which one goroutine at a time may touch; see package actor.
//
// The one invariant: what a caller was told is in the journal. All else, the lines, the
// snapshots, what is in memory, is made again from base and journal whenever it is wanted.
//
// Start reading at [Store.Edit], then line.apply.
package forks
