// Package level makes slow work even: it measures the demand, starts work at the pace of
// the demand instead of the pace of the arrivals, takes the kinds of work in turn, and
// says how much spare capacity the measured variation asks for.
//
// Principal types: [Meter] (takt, cycle time and their variation, over a window),
// [Pacer] (when the next start may be), [Rotation] (of which kind it is), [Share] and
// [Spares] (buffers).
//
// The invariants: a Pacer never lets two starts come closer than nine tenths of its
// interval, and never holds back a start whose predecessor is an interval ago; a
// Rotation starts work of every kind that has some at least every [Rotation.Bound], as
// long as it is asked whenever a seat is free and no job runs longer than was said.
//
// Nothing here has a clock, a goroutine or a lock: the time is handed in, counted from
// an origin of the caller's choice, and whoever calls serialises. Everything is O(1) and
// allocates nothing.
//
// # What it is for, and what not
//
// Levelling trades waiting for evenness: bursts of 19 jobs in two seconds that start
// 105 ms apart wait 1.4 s on average. That is right where the work is slow and each
// start takes a large part of the machine, and wrong for quick reads. Where seats are
// free and nobody asks for evenness, do not ask the Pacer.
//
// # Words
//
// They are those of Toyota's production system, for which see Liker, "The Toyota Way"
// (2004), chapter 8: takt is the available time divided by the demand; the cycle time is
// how long one piece of work takes; EPEI, "every part every interval", is the time in
// which each kind of work has had its turn. The buffer follows Kingman's formula, "The
// single server queue in heavy traffic" (1961): waiting grows with the mean of the
// squared variations of arrivals and of service.
package level
