// Package genbook writes xlsx packages for benchmarks, examples and tests: the
// parts, their order and their XML are those of a workbook saved by Excel, the
// content is ours, and the same program writes the same bytes every time.
//
// A Book declares its sheets, names and looks; Book.Write streams it. Each
// Sheet brings a function that fills a Writer row by row, so the memory needed
// is that of the shared strings and styles, not that of the cells. Workloads
// are the five workbooks W1 … W5 that the benchmarks measure.
//
// The invariant: formulas are written with the value that Excel would show for
// them. This package computes nothing, so whoever calls Writer.Formula answers
// for the cached value.
//
// Nothing of the server imports this package. Start reading at Book and Writer.
package genbook
