// Package book is what a handler is given of a workbook: a [Snapshot], one immutable
// state of it, with its version. It does no I/O of its own and knows no file format; a
// [Source] stands behind it and reads sheets when they are first asked for.
//
// An [Edit] is a request to change cells. [Snapshot.Apply] makes the next Snapshot of it, which
// shares with the one before all that did not change, and a [Changeset]: what became
// different. A fork is a Snapshot that somebody goes on from; it costs its own edits only.
//
// Structural changes ([Restructure]) make of the Source below a Snapshot another one, the file after them; edits lie over
// it as over a file (moved.go).
//
// Principal types: [Snapshot], [Source], [Edit] with its [Op]s, [Changeset], [Change], [Error].
//
// The one invariant: a Snapshot never changes. Whoever holds one may read it for ever
// and from any goroutine; two reads of one Snapshot agree whatever happens to the file.
//
// Start reading at [Snapshot] and [Snapshot.Apply].
package book
