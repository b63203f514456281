// Package sim runs a scheduler in virtual time: the same [kernel.Kernel] that decides in
// a server is fed by clients that are drawn at random and by a backend that is a queue,
// and an hour of a thousand clients passes in seconds. It is for questions that a server
// under load answers too slowly and never twice alike: what a bound costs, who starves,
// what a spike leaves behind, whether the waits are those that queueing theory expects.
//
// A [Config] holds the configuration of the kernel, the [Source]s of requests and a seed;
// [Run] gives a [Result]. The same Config gives the same Result.
//
// # How it works
//
// What will happen is in one heap, by time: the next arrival of each source, the end of
// each request that runs, the end of the patience of those that wait, the end of the
// thinking of a client that calls again. The kernel's own timer ([kernel.Kernel.Next]) is
// looked at before each. A source draws from a generator of its own, and draws everything
// about a request when it arrives, so that neither another source nor another order of
// service changes what it asks for: two runs can be compared request by request.
package sim
