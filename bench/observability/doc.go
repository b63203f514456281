// Package observability tests what gridflow ships for Prometheus (docs/observability) with
// Prometheus's own code: that the rules parse, that each alert fires when what it is for
// happens, and that none does while all is well.
//
// It is a module of its own because that code is ten times as much as gridflow, and must
// not become a dependency of who builds it. What the files refer to is held to what there
// is by the tests of internal/obs, at every change; here is what only an engine can tell.
//
// The one invariant: nothing is made up. Each fault is played to the real gate, breaker and
// metrics in virtual time, /metrics is read as a scraper reads it, and the files that are
// shipped are evaluated over what it said.
//
// Start reading at faults in faults_test.go; scene_test.go is the server that they happen
// to, rules_test.go is Prometheus.
package observability
