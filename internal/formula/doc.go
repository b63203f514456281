// Package formula turns the text of a worksheet formula into a tree and back, and
// walks, shifts and rewrites the references in it.
//
// [Parse] gives a [Tree]: the text and a root [Node]. [References] walks what a tree
// refers to, as [Reference] values; [Tree.Rewrite] makes the tree in which some of
// them are others; [Tree.Shift] is the rewrite that copying to another cell does.
// Some functions do without a tree because they run for every formula of a
// workbook when it is loaded or moved: [ShiftText] (the members of a shared formula), [RewriteText],
// [AppendRelative] and [Fingerprint] (which formulas are copies of one another); and
// [AppendTemplate] and [Pattern], for which copies may have other numbers and texts ([Literals]).
// [Display] takes out what only files write, and [Stored] puts it in; [Tree.Spills] says which
// formulas files have to mark as dynamic arrays.
//
// The invariant: a tree is never changed after it was made, and it prints as it was
// written, to the byte (a rewritten tree has its column letters in upper case). White space is not stored in the nodes. A node knows where
// its text began and ended in the text that was parsed, and the printer takes the
// white space between two tokens from there; everything else it prints comes from
// the nodes. A rewritten tree keeps the old text for this purpose, so the layout of a
// long formula survives an inserted row. Stored edits the text itself.
//
// The grammar is Excel's for stored formulas (US English: comma between arguments,
// point in numbers) together with what people type: a leading "=", function names
// without their storage prefixes, [@Column].
//
// Everything here but a Pattern may be used by any number of goroutines at once.
//
// Start reading at [Node] and (*parser).expression; the words of the language are
// in scan.go and scanref.go.
package formula
