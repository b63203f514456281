// Package office is LibreOffice as this server uses it: a pool of workers, each a process
// with a profile of its own, that take one document at a time.
//
// The one invariant: a job holds its slot from before a worker sees its document until the
// worker has answered, or until the worker and all that it started are gone. So no more
// documents are worked on at once than there are slots, whatever hangs, crashes or is
// cancelled, and whoever gave the job keeps what it holds (its permit of package flow) for as
// long.
//
// # How a job goes
//
// [Pool.Run] makes a private folder, lets the caller write the inputs into it, waits for a
// slot and a warm worker, hands over the request, lets the caller read the outputs, and removes
// the folder. Callers who want the same thing at the same moment ([Job].Share) get it from one
// run, each for itself. What only this caller did wrong, and what LibreOffice says of the
// document, is the caller's; a worker that crashes, hangs or takes too much memory counts against
// LibreOffice (flow/breaker), and twice in a row against the document, which is then set aside
// alone.
//
// # How workers come and go
//
// Work is pulled: a job waits in the pool and not at a worker, and gets the first that is free;
// recalculations, pictures and conversions take turns (flow/level). There are as many workers
// as are busy, or have been lately, and a fifth to three tenths more, by the variation that was
// measured (level.Spares), so that one that is killed or used up costs nobody its start. They
// are started behind the jobs, replaced after so many jobs, so much memory or so long, and end
// when nobody wants them. Whether LibreOffice is installed is looked at when somebody wants it.
//
// The principal types are [Pool], [Job], and what the pool starts workers with, [Starter] and
// [Worker]; who gets what is decided by roster, which has no clock, no lock and no process.
// Package wire is what is said to a worker.
//
// Start reading at [Pool.Run], then roster.go.
package office
