package main

import "testing"

// figure writes what a scenario has measured beside its bound, in the form that
// bench/scenarios makes its table of. It checks nothing: where the bound does not depend on
// how busy the machine is, the test does.
func figure(t *testing.T, what string, got, bound any) {
	t.Helper()
	t.Logf("figure: %s: %v | %v", what, got, bound)
}
