// Package whatif tries inputs on a workbook without changing it: many sets of them side by side
// ([Model.Run]), and the one that makes a cell what it should be ([Model.Seek]).
//
// A trial is a version of a snapshot that nobody else sees: it shares all that the inputs do not
// change, and is dropped when it was read. Where only the values of some cells are wanted, trials are calculated side by
// side without such versions (calc.Lanes), if the workbook lets them; what they come to is the same.
//
// The one invariant: all trials of a Model are of one moment. Random numbers and the clock are the same in
// each, so that what differs between two of them comes of their inputs alone, and the result does
// not depend on how many run at once.
//
// Principal types: [Model], [Input], [Goal].
//
// Start reading at [Model.Try].
package whatif
