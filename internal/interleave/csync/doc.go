// Package csync has the primitives by which gridflow's own concurrent code synchronizes:
// [Mutex], the atomics, [WaitGroup], [Parker], [Chan], [Go] and contexts that can be
// cancelled. In a normal build they are the standard library's, as aliases where that is
// possible and where it is not as wrappers that cost at most a call: see bench_test.go.
// Under the build tag interleave each operation first stops and lets a search decide which thread goes on (see package
// interleave), and a wait is a condition that the search can see.
//
// Code that is to be explored must synchronize by this package only: an operation of sync,
// of sync/atomic, a go statement or a bare channel is invisible to a search, and blocking
// on one stops the test for good. Outside of a search a build with the tag behaves like a
// normal one.
//
// Start reading at std.go for what the names mean, at model.go for how they are explored.
package csync
