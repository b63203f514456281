// Package breaker keeps calls away from a backend that fails, lets one call at a time
// try whether it is well again, and shuts out a single poisonous key without shutting
// out the others.
//
// Principal types: [Breaker] (one backend: a LibreOffice, a workspace root, a remote
// API), [Permit] (the right to run one call, and the duty to say how it ended), [Set]
// (breakers by name, so many at most), [OpenError] (the refusal, with the time after
// which to come back), [Config] (when to open, whose fault counts).
//
// The one invariant: a call that is refused has not run and will not run; a call that
// was let in is counted exactly once, and only for the state that let it in.
//
// # The states
//
// Closed: calls run, and failures are counted in a sliding window. So many of them open
// the breaker; successes do not hide them. Open: every call is refused, until the time
// is over. Half-open: the next call is a probe, and nobody else runs until it has ended.
// So many probes in a row that succeed close the breaker, one that fails opens it again
// for the whole time.
//
// The states, the window and the timer are those of the circuitbreaker package of
// failsafe-go. It is given only what this package has judged, since in half-open it
// would let as many calls in at once as it wants successes, counts a result for whatever
// state it arrives in, and has no notion of a result that says nothing.
//
// # What counts
//
// Only failures of the backend do; [Config.Classify] tells them from the mistakes of
// users. A call that its caller cancelled says nothing, and neither does a user's
// mistake. A panic is a failure. A call that hangs is a failure once [Config.Timeout]
// has passed: it is counted then, and what it returns later is not counted any more.
//
// # Quarantine
//
// A workbook that brings the backend down each time would open the breaker for everybody.
// Therefore the failures of each key are counted too: the one that reaches
// [Config.Poison] puts the key into quarantine, and no more than Poison failures of one
// key within a window count against the backend, so that no key opens the breaker alone.
// A key in quarantine has its own timer and its own single probe. Only keys that failed
// are remembered, and only so many; the one that failed longest ago is forgotten first.
package breaker
