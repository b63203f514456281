// Package tools holds the tools that models call: one file per tool, one table of them
// ([Table]), and the little that they share. It is the only room with JSON shapes.
//
// A tool is a Go function from a typed input to a typed output. The struct tags of the
// input give the JSON Schema, the documentation and a strict decoder; the output has a
// short text for the model and the JSON shape of spreadsheet-mcp for clients that were
// written for that. Failures that a caller can mend are [*Error].
//
// The one invariant: what a call gives back is bounded while it is made. Rows are
// encoded one after the other until the budget is used up, at least one row is always
// there, and a result that was cut says so first and names the call that goes on.
//
// Start reading at [Tool], then define in define.go, then any tool, for example
// sheet_page.go.
package tools
