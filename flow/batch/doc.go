// Package batch turns many small calls into few large ones: what comes while a batch
// runs is gathered into the next.
//
// Principal types: [Batcher] (the gathering; [Batcher.Do] is all that most need),
// [Config] (what runs a batch, and how large one may be), [Outcome] (what becomes of one
// item), [Stats].
//
// The one invariant: an item that [Batcher.Do] took in is in exactly one run, or in none
// if its caller gave up before it was taken; batches run one at a time, and the items of
// all of them, one batch after the other, stand in the order in which they came.
//
// # Natural batching
//
// A call that finds nothing running runs at once, alone: under light load nobody waits
// for anybody. Under heavy load a batch is what came during the one before, so it is the
// larger the slower a run is, and no setting has to be right for both. Where a run costs
// the same for one item as for many, as a sync of a disk does, [Config.Linger] lets a
// lone call wait a little for company.
//
// # Who runs it
//
// There is no goroutine: one of the callers of a batch runs it, for all of them, and then
// hands the lead to one of the next batch. So nobody works for others for longer than
// for one batch, an idle Batcher costs nothing, and there is nothing to stop.
//
// # Who gives up
//
// A caller whose context ends before its item was taken into a run gets the cause at
// once, and the item is not run. After that the caller waits for the result: only that
// says what has become of the item. With [Config.Leave] it returns [ErrTaken] instead,
// and the item runs without it. Whoever runs the batch stays in any case.
//
// The scheme is the leader and followers of group commit; see DeWitt et al.,
// "Implementation techniques for main memory database systems" (SIGMOD 1984), and for
// gathering without a timer the "natural batching" of M. Thompson.
package batch
