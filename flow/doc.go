// Package flow decides when each call of a server runs: who goes first when there is
// more to do than can be done at once, and who is told early and clearly to come back
// later. Any Go server can use it; flow/mcpflow puts it in front of an MCP server.
//
// For most servers: make a [Gate] from [Defaults], call [Gate.Acquire] before the work of
// a call and [Permit.Done] when the work has really stopped. A call that is refused gets a
// [*Refusal], which says why, and when to try again.
//
//	gate, err := flow.New(flow.Defaults(runtime.GOMAXPROCS(0)))
//	...
//	permit, err := gate.Acquire(ctx, flow.Request{Class: flow.Fast, Client: user, Part: session})
//	if err != nil {
//		return err // *flow.Refusal, or the cause of ctx's end
//	}
//	defer permit.Done(flow.OK)
//
// What is decided is decided in flow/kernel, whose package comment has the algorithm and
// its bounds; this package adds the goroutines that wait, the clock, and what is known of
// the cost of calls ([Costs]).
//
// The one invariant: a permit stands for what its holder uses. It comes back when the work
// has stopped, not when somebody has ceased to wait for it.
//
// Work that a call begins and that goes on when the call has its answer keeps the permit
// ([Permit.Keep]), and is then work of a class behind, or is told to stop.
//
// There is no gate within a gate. A call takes all that it needs in one Acquire; work that
// holds a permit and waits for another could wait for itself.
package flow
