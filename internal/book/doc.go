// Package book is what a handler is given of a workbook: a [Snapshot], one immutable
// state of it, with its version. It does no I/O of its own and knows no file format; a
// [Source] stands behind it and reads sheets when they are first asked for.
//
// The one invariant: a Snapshot never changes. Whoever holds one may read it for ever
// and from any goroutine; two reads of one Snapshot agree whatever happens to the file.
//
// Start reading at [Snapshot].
package book
