// Package textfile reads comma- and tab-separated text as a workbook of one sheet that
// is named after the file.
//
// A field becomes what a careful person would make of it and nothing more: plain
// numbers that lose no digit, TRUE and FALSE, error literals, ISO 8601 dates with or
// without a time. "00123", a number of more than 15 digits, "1,234", "5%" and "10:30"
// stay the text that they are.
//
// The one invariant: a line is a row, and a field that becomes a number keeps every
// digit that counts.
//
// Start reading at [Open].
package textfile
