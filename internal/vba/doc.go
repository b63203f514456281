// Package vba reads the VBA project of a workbook, the part vbaProject.bin: which
// modules and references it has, and the source text of its modules. Nothing in it is
// ever run, and the compiled code beside the source is not looked at.
//
// The format is described by [MS-OVBA] and lies in a compound file, [MS-CFB]. Principal
// types: [Project], [Module], [Reference].
//
// The one invariant: whatever the bytes say, reading them ends soon, within a memory
// that is a small multiple of [MaxBytes], and fails with an [*Error] if it fails.
//
// Start reading at [Open].
//
// [MS-OVBA]: https://learn.microsoft.com/openspecs/office_file_formats/ms-ovba
// [MS-CFB]: https://learn.microsoft.com/openspecs/windows_protocols/ms-cfb
package vba
