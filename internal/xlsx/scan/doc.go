// Package scan reads the two parts of an xlsx package that are large: the cells of a
// sheet ([Sheet]) and the shared strings ([Strings]).
//
// Both are push scanners: they are fed the inflated XML window by window and say how
// much of it they have used up; what is left must stand at the start of the next
// window. Neither keeps a reference into a window. The XML that Excel and most other
// programs write goes down a path that compares whole words and never builds a token
// (fast.go), or is even like the row above and not parsed at all but for the values
// (above.go); everything else that is well formed goes down a general one, cell by cell,
// with the same result.
//
// A [Locator] is a third one, for a sheet that is to be changed: it finds where cells stand in
// the XML, or where they belong.
//
// The one invariant: however the input is cut into windows, the result is the same.
//
// Start reading at [Sheet.Feed].
package scan
