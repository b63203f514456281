// Package analyze finds out what a workbook holds: the regions of a sheet and their
// headers, what the columns of a table contain, where a value or a formula is, which
// formulas are copies of one another, which are volatile, and what depends on what.
//
// A [View] is a sheet together with what is needed to read its values. [Detect] cuts
// it into regions, [Profile] describes the columns of a range, [FindValues] and
// [FindLabels] search it. [Formulas] is what a sheet's formulas say once, copies of a formula
// as spans of one template; [FormulaMap], [Volatiles] and [FindFormulas] read it. [Follow]
// walks precedents and dependents across sheets, by the graph that calculation has.
//
// The one invariant: a result depends on the cells alone, never on a clock, on load or
// on the order in which sheets were read; what a formula reaches by INDIRECT and its kind
// is what it reaches now. Work is bounded by counting it, and a result
// that was cut says so.
//
// Everything takes a context and looks at it every few thousand cells. All functions
// may be called from any number of goroutines at once.
//
// Start reading at [Detect] (region.go), [NewFormulas] (sheet.go) and [Follow] (trace.go).
package analyze
