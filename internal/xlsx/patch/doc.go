// Package patch writes edited cells back into a workbook file. What an edit does not mean
// stays as it is, to the byte: see [Save].
//
// Principal types: [Patch], what changes; [CellPatch], one cell of it; [Report], what was
// done and what its user should know.
//
// The one invariant: a part that no edit concerns keeps its compressed bytes and headers; in
// a part that one does concern, everything but the element or attribute that it is about
// keeps its bytes. Without edits the result is the file.
//
// A part is changed in three steps. Its XML is looked through for the places that the edits
// concern, which for a large sheet with an index is a few hundred kilobytes (sheet.go, with
// scan.Locator). Each place becomes a splice.Edit, bytes for bytes. Package splice makes the
// new compressed stream, and xlsx.Package.Rewrite puts it where the old one was.
//
// Texts are written as inline strings. That keeps an edit in one part: the shared strings
// need not be read, changed, counted and compressed again for it, what is known of them
// elsewhere (an index, a cache) stays true, and a file that has none needs no new part. Excel
// shows no difference and makes shared strings of them when it saves the file itself.
//
// A formula that gives an array (formula.Tree.Spills) becomes a dynamic array: an array formula
// over its own cell with the cell metadata that says so, which is added where the workbook has
// none (metadata.go). An error that came after Excel 2007 becomes #VALUE! with a rich value behind it
// that says what it is (richerror.go). Such a part, a style sheet and new sheets are all that is ever added to a package.
//
// Sheets, rows, columns and ranges that come, go and move ([Patch.Structure]) are applied first, and
// what else a patch says to the workbook that results, which is never written (structure.go). A sheet whose cells move is written
// anew, through a filter that sees each byte once; in all other parts what refers to cells becomes
// edits like any other.
//
// Start reading at [Save]; for structure changes, at (*saver).restructure.
package patch
