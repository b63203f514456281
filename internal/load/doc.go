// Package load puts an MCP server under load, as a crowd of clients would, and tells what
// became of their calls.
//
// A [Scenario] says who calls: groups of clients, each with a rate or a number of calls
// that it keeps going, a mix of operations, workbooks of which some are asked for more
// than others, and manners (some read slowly, some leave before they are answered). A
// [Dialect] says how an operation is called with a certain server, so that one scenario
// can be put to several. [Run] opens the sessions, over HTTP or with a process for each
// over stdio, goes through the steps of the scenario, each a multiple of the rates, and
// gives a [Result]: text with [Result.Text], a drawing with [Result.SVG], and JSON as it is.
//
// The invariant: every call that was due is counted once, by what came of it, and one that
// was answered took as long as it is since the moment when it was due. A server, or a
// generator, that stands still makes the calls late that were due meanwhile, and the
// figures say so. Where later calls waited for earlier ones and time began when they were
// sent, the worst of what clients see would be left out: this is the coordinated omission
// of Gil Tene, "How NOT to Measure Latency", and the reason why rates here are open loops.
//
// Principal types: Scenario and Group (scenario.go) what is asked for; Dialect (dialect.go)
// how; Target (target.go) of whom; Result, Step and Report (report.go) what came of it.
// Start reading at Run in run.go.
package load
