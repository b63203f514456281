// Package eval turns a parsed formula into a program and runs it for a cell.
//
// [Compile] binds what a formula names (sheets, defined names, tables, functions) in a
// [Scope] and gives a [Program]: a tree of small nodes that does not know which cell it is
// run for, so that all copies of a formula share one. A Program also says what the
// formula reads ([Program.Reads]), which is all that a dependency graph needs of it.
// [CompileTemplate] makes the literals parameters, too: none is looked at before a program runs, so
// that what is said of the program holds whatever they are. A [Machine] runs programs; each
// goroutine has its own.
//
// A node is asked in one of two ways: eval gives what the expression is, a reference
// included; value gives what stands there, a single value or an array. The functions are
// those of package fn; the ones that decide which of their arguments are evaluated at all
// (IF, LET, LAMBDA, …) are nodes of their own.
//
// The one invariant: a Program never changes after Compile and may be run by any number of
// Machines at once. Running one never panics, and depends only on what the Machine's
// Context answers.
//
// Start reading at [Compile] and [Machine.Run].
package eval
