// Package limit says how many calls may run at once when nobody knows the right number
// beforehand: it watches how the calls go and moves a limit between two bounds.
//
// Principal types: [Limiter] (what both algorithms are), [Controller] (holds a quantile
// of the execution time against the target of a class), [Gradient] (finds the capacity
// of a backend by how the execution time grows with the calls in flight), [Change] (one
// step of a limit, for log and counter), [SchedReader] (how long runnable goroutines
// wait for a processor, as one number).
//
// The one invariant: Min ≤ Limit ≤ Max, always, and Min is at least 1. A limit never
// closes: to shrink means that permits that come back are not given out again, so who
// runs and who waits only ever sees a smaller number.
//
// Nothing here has a clock, a goroutine or a lock: the time is handed in, counted from
// an origin of the caller's choice, and whoever calls serialises. An observation costs
// O(1) and allocates nothing.
//
// What makes a limit go wrong, and what is done about it:
//
//   - One slow call is no overload. A decision is made at the end of a window that has
//     enough samples, never on a single one.
//   - A step shows its effect late. Calls that began before the last change speak of
//     the old limit, and the Controller does not count them; between two changes there
//     is a cooldown besides.
//   - An idle server is quick. A limit grows only when a fair share of the window's
//     calls began at the limit.
//   - A call that fails at once is quick too. Failures never count as execution times,
//     and too large a share of them shrinks the limit. Cancelled calls say nothing.
//   - Some work is slow by nature. Without an absolute target a Controller compares
//     with its own baseline, which falls at once and rises slowly.
//   - A baseline that is only ever measured under load creeps up with the load. The
//     Gradient lowers its limit a little from time to time and measures there.
//
// Sources: additive increase and multiplicative decrease are of Chiu and Jain,
// "Analysis of the Increase and Decrease Algorithms for Congestion Avoidance in
// Computer Networks" (1989). Execution time against its no-queue value as a measure of
// the queue inside a backend is of Brakmo and Peterson, "TCP Vegas" (1995); that the
// limit is to be throughput × no-queue time is Kleinrock's operating point (1979), which
// by Little's law is calls in flight × no-queue time ÷ execution time.
package limit
