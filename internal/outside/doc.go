// Package outside tells what a formula asks for outside of its workbook, and holds the operator's
// policy on formulas that do: a server that agents write to must not be the way by which a workbook
// sends its cells to an address, or runs a program, on the machine of whoever opens it.
//
// Principal types: [Policy], what becomes of such formulas; [Of] finds them.
//
// The one invariant: it never judges what a file already has. A formula is looked at when it is
// written.
//
// Start reading at [Of].
package outside
