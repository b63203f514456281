// Package xlsx reads workbooks in the Office Open XML format, .xlsx and .xlsm. It is the
// only room that knows zip and XML. Below it, package patch saves edited cells into a
// workbook and package write makes new ones.
//
// Principal types: [Package] (an OPC package: named parts in a zip file, every one of
// which is kept in sight for a later save that copies it byte by byte), [File] (a workbook
// in a package, its sheets read when they are asked for), [Limits] and [Error].
//
// The one invariant: whatever the bytes of a file are, it opens or gives an [Error] that
// names the part, within memory that the limits bound; the content of a part counts only
// when its checksum is right.
//
// Start reading at [Open] and [File.Sheet]. The large parts go through pump.go into
// package scan; the small ones are read whole and walked with package xmltext.
package xlsx
