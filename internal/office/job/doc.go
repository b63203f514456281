// Package job is what LibreOffice does for gridflow: it makes the documents that an office
// worker is given, and reads what the worker has made of them.
//
// Principal types: [Office], which does the jobs; [Document], what a job is about; [Values], what
// LibreOffice calculates; [Runner], who has the workers.
//
// The one invariant: what a worker writes is a source of values, pixels and exports. It never
// takes the place of a user's workbook, and nothing of it is believed that was not looked at:
// that a recalculation has happened is seen by values which were wrong on purpose.
//
// A worker sees a copy, made by package patch out of the file that the workbook or fork stands
// on. For pictures and exports the formulas in it are replaced by the values that gridflow has:
// then LibreOffice shows what every other tool says, functions that it does not know included,
// and has nothing to calculate. For a picture of a large workbook the copy has only what can be seen in it (seen.go).
//
// Start reading at [Office.Recalculate].
package job
