// Package cell holds the words that every other room of gridflow speaks: where a
// cell is ([Ref], [Range]), what is in it ([Value], [ErrorCode]) and how both are
// written (A1 and R1C1 text).
//
// Everything here is a small value: copied freely, compared with ==, safe to use
// from any number of goroutines. Rows and columns count from 0 inside the program
// and from 1 (or A) in text; the conversion happens in this package and nowhere else.
//
// Start reading at [Ref] and [Value].
package cell
