// Package calc keeps formulas true: it calculates the formulas of a workbook and says
// what changed.
//
// A [Model] is the formulas of a workbook, compiled: copies of one formula share a
// program, which takes the literals in which they differ as parameters, and each formula cell knows which is its. [Model.Calculate] makes their values
// true and gives the sheets that hold them.
//
// A calculation works on tiles: one column of one band of a sheet, unpacked into a list
// of kinds and one of numbers, made when somebody first reads it. The cells to be
// calculated are marked in their tiles. Whoever reads such a cell calculates it first, so
// that no order has to be known beforehand and only the branches of an IF that are taken
// count. Where that would go too deep, the cell that was being calculated is put off and
// the one it needs goes first. Where cells turn out to lie on a circle, what depends on
// them is calculated once more with its reads noted, so that it does not matter who met the
// circle first (circle.go).
//
// Most formulas never come to that. Those over plain numbers are run by kernels
// (eval.Kernel) for all rows of a tile at once, in the order of the graph's plan; columns
// that are searched again and again are indexed (index.go), and the indexes kept with the
// Model; sums that begin with the same cell share their parts. None of this changes a value, not even its last bit.
//
// Many sets of inputs are calculated side by side ([Model.Lanes]): what depends on them is put into one order, once,
// and each formula is calculated for a block of sets at a time (lanes.go).
//
// The one invariant: a published sheet is never changed; a calculation has tiles of its
// own and gives new sheets that share what did not change. The values do not depend on
// the order in which cells were calculated.
//
// Principal types: [Input] (what is calculated), [Model], [Result].
//
// Start reading at [Model.Calculate], then worker.Value.
package calc
