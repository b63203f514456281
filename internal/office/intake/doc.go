// Package intake decides whether a file may be shown to LibreOffice, and makes the copy that it
// is shown. LibreOffice takes a file for what it looks like, whatever it is called, and follows
// what it points at; so both are settled here first.
//
// Principal types: [Format], what a file is; [Limits], how large it may be; [Error], why it is
// refused. [Check] is for a workbook that has to be .xlsx; [Limits.Check] for others; and
// [Limits.Copy] writes the copy for LibreOffice: the same entries in a new package, without the
// links that lead out of it, but those of cells and those between workbooks, which LibreOffice
// is told not to follow. [Limits.CopyRows] leaves out cells as well that are not looked at.
//
// The one invariant: sizes of what is shown are those that were found by unpacking, within the limits, not those
// that the file claims; and whatever the bytes say, the answer comes within a time and a memory
// that the limits bound.
//
// Start reading at [Limits.Check].
package intake
