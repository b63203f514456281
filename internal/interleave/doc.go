// Package interleave executes a small concurrent program under every order of its
// operations, or every order with few preemptions, or random ones, and checks what comes
// of each. It is for code that synchronizes in a way of its own: a hand-over, a wake-up, a
// retry. All of it but this page is built under the tag interleave only: `make interleave`.
//
// The principal words are [Explore], which fails a test, and [Search], which gives the
// failure; [Run], one execution; [Options]; [Failure], a schedule with its trace; [Replay];
// [History] and [Linearizable]; [KillMutants] and [Planted]; a [Case], of which a package has a
// table, for [ExploreAll] and [FindMutants]. Code that is explored imports
// interleave/csync, and interleave/mutant for faults that a test must find.
//
// # How to write a test
//
// In a file that begins with //go:build interleave:
//
//	func TestHandover(t *testing.T) {
//		interleave.Explore(t, interleave.Options{Mode: interleave.Bounded, Bound: 3}, func(r *interleave.Run) {
//			s := newSemaphore(1)                                        // the state, anew for each execution
//			ctx, cancel := csync.WithCancel(context.Background())
//			r.Go("a", func() { … s.acquire(ctx) … s.release() … })      // the threads
//			r.Go("b", func() { … })
//			r.Go("canceller", func() { cancel() })
//			r.Invariant(func() error { … })                             // after every step
//			r.Final(func() error { … })                                 // after the last
//		})
//	}
//
// Two threads with a handful of operations are searched exhaustively in no time; three want
// a bound of 3, four a bound of 2. Most faults need two preemptions or fewer, and a fault
// that needs many threads can nearly always be shown with three. What is larger is for PCT.
// A search that fails prints each step of the schedule: thread, operation, object, line.
// Keep the schedule with [Replay] if it deserves a test of its own.
//
// Then plant faults, with mutant.New, at each place where the code is careful, and let
// [KillMutants] show that the test notices when it is not. semaphore_test.go is a worked
// example of all of this. Where the switches would litter the code, keep the faults as
// patches beside the test: see [Planted].
//
// # The model
//
// A thread stops before each operation of csync; a step is that operation and the thread's
// own code up to the next. One thread runs at a time, so memory is sequentially
// consistent. That is no simplification: the Go memory model makes the atomics of
// sync/atomic sequentially consistent and gives programs without data races sequentially
// consistent executions, so there are no weaker ones to search. For the same reason
// nothing is lost by stopping at operations only: what a thread does in between, no other
// can see without a race.
//
// A blocking operation is possible when its condition holds. When a wait could end both
// ways, by its condition and by its context, both are executed. A mutex goes to any of
// its waiters. To cancel a context is an operation of the thread that cancels; a deadline
// is a thread that cancels with context.DeadlineExceeded. There is no time otherwise.
//
// An execution fails when a check fails, a thread panics, no thread can go on though some
// have not finished (a lost wakeup if all of those are parked, a deadlock otherwise), or
// when it does not end. A search that cannot be finished within its bounds fails too.
//
// Of schedules that differ in the order of operations that commute one is executed, in a
// way that loses none of the states on the way, so invariants may be about any of them:
// see dfs.go, also for what a bound on preemptions changes about that. The begins and
// returns of a [History] are operations for the same reason.
//
// # Limits
//
//   - Data races are not seen, and with one in it a program is neither explored completely
//     nor pruned rightly. Run the normal build under the race detector as well. The same
//     holds for what a test's threads write down for its checks: either it is guarded by
//     the program's own locks, or the writes must commute (a count).
//   - What synchronizes otherwise than by csync is invisible, and blocks for good: sync,
//     bare channels, time.Sleep, t.FailNow. A context that can be cancelled must come from
//     csync; another one is a panic.
//   - The body must do the same under the same schedule: no time, no random numbers, no
//     order of a map, nothing kept from one execution to the next (a pool, a package
//     variable). A search that sees a difference says so.
//   - At most 32 threads in an execution. A csync.Chan has room for at least one value.
//     There is no select over several channels, no RWMutex, no Cond, no Once.
//   - Code that recovers from panics and goes on is unwound late when an execution is given
//     up: it goes on to its next operation.
//   - One search at a time in a process, and no other goroutine that uses csync meanwhile:
//     no t.Parallel beside one.
//
// Start reading at [Search], then dfs.go and pct.go for how schedules are picked, then
// coro for how threads are made to stop.
package interleave
