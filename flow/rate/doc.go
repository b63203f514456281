// Package rate says how many calls may begin in a stretch of time: a token bucket for
// clients, a pacer for work that is to be spread evenly.
//
// Principal types: [Rate] (an exact fraction: so many in that time), [Bucket] (lets a
// burst through at once and the rest at the rate; refuses and says when to come back),
// [Pacer] (gives every call the moment at which it may begin).
//
// The one invariant: in any stretch of time d, wherever it begins, a Bucket lets at most
// burst + rate × d calls through, and a Pacer at most 1 + tolerance/interval +
// d/interval. Nothing is lost and nothing gained by the size of the steps in which time
// is handed in: the arithmetic is in whole numbers, and exact.
//
// Nothing here has a clock or a lock: the time is handed in, counted from an origin of
// the caller's choice, and whoever calls serialises. Time that goes backwards stands
// still. Every call is O(1), a Bucket is six words, and nothing is allocated; a Bucket
// that is [Bucket.Full] is no different from a new one, so the buckets of clients that
// have gone may be thrown away.
//
// # Why these two
//
// Two others count the calls of a window. compare_test.go plays the same arrivals to all
// of them; what comes out is in testdata/compare.txt.
//
//   - A fixed window is one counter, and lets twice its limit through around a boundary,
//     since both halves of that burst are counted in different windows. A client that
//     comes a little too often is shut out until the window ends.
//   - A sliding window that keeps the time of every call is exact, and its memory is as
//     large as its limit, for each client. As two counters it is small but only an
//     estimate: it refuses calls that the exact one lets through.
//   - The token bucket has a burst that is chosen, not one that comes of where a
//     boundary lies, in constant space; and it knows to the nanosecond when the next
//     call will be let through.
//   - The leaky bucket makes every arrival even, at the price of waiting. That is right
//     for slow work, of which a burst would take all seats, and wrong for quick reads,
//     which would wait for nothing.
//
// So clients have a Bucket, and slow work a Pacer.
//
// Sources: the leaky bucket as a meter and as a queue is of Turner, "New Directions in
// Communications" (1986). The Pacer is the virtual scheduling form of the generic cell
// rate algorithm, ITU-T I.371.
package rate
