// Package journal is a durable log that many streams share: what was appended is there
// after a crash, whole, in order, and byte for byte. It knows bytes, not cells.
//
// Principal types: [Log] (a folder of segments; [Log.Append] returns when the record is
// on the disk), [Entry] (a record), [Pos] (its place), [Options], [CorruptError] (what
// is damaged, and where).
//
// The one invariant: a record whose Append has returned without an error is read back as
// it was, or reading it fails with a [*CorruptError]; nothing that was acknowledged is
// left out in silence. A record whose Append has not returned is there as a whole, or
// not at all.
//
// # How a record becomes durable
//
// Callers meet in a flow/batch: one of them writes the records of all in one write and
// one sync, and while that sync runs the next ones gather. The steps, for a batch:
//
//  1. If the segment would pass its size, it is sealed (an index of its streams, a
//     trailer, a sync), and the next one is made: header, sync, sync of the folder.
//  2. Every record gets its sequence numbers and the place of the one before it in its
//     stream, and all are written.
//  3. Sync.
//  4. They are published: readers see them, callers return.
//
// [Log.AppendAll] has several records of one stream written by one batch. They are no unit: of
// those that were not acknowledged a crash may leave the first ones.
//
// An error in 1 to 3 poisons the log: nobody knows what is on the disk, and a sync that
// is tried again may report success for pages that the kernel has given up. So nothing
// is tried again; every Append fails with [ErrPoisoned] until the log was closed and
// opened anew, which reads what is there.
//
// # What Open does
//
// All segments but the last are sealed, so that Open reads their index and not their
// records. The last one is scanned. Its tail may be torn: the records of the last batch,
// if its sync had not returned. Each record says where its batch begins, and a batch is
// written only after the one before was synced; so a bad place that is followed by a
// record of a later batch is damage, and any other is a torn tail and is cut off. What is
// left is written again, synced and sealed, and a new segment begins, in a new epoch.
//
// # What is kept, and for how long
//
// A stream lives from its first record to [Log.End]. A segment is deleted when no living
// stream has a record in it and no older segment is left whose records an End in it has
// killed: without the End those would come alive again. Records are not copied out of
// segments that are mostly dead, so one long-lived stream keeps each segment it wrote to; its
// user can write it again as another stream (package forks does).
//
// docs/journal-format.md has the format, byte by byte. Start reading at commit in
// commit.go, then Open in open.go.
package journal
