// Package mutant plants faults that a test must find. A [Switch] names one fault; where the
// code would be wrong it asks [Switch.On]. In a normal build that is the constant false and
// the compiler drops what depends on it. Under the build tag interleave a test throws one
// switch after another (interleave.KillMutants) and fails if its search still passes: then
// it is the test that is wrong.
//
//	var keepsPermit = mutant.New("flow: a cancelled waiter keeps the permit")
//
//	if !keepsPermit.On() {
//		s.release()
//	}
//
// A switch is named once in the process. Nothing but a test may throw one.
package mutant
