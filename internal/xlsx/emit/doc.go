// Package emit writes the XML of cells: numbers, texts with their escapes, and what stands
// between a cell's tags. The saver of changed workbooks and the writer of new ones share it.
//
// The one invariant: what is appended is well formed XML in UTF-8 whatever the value is, and
// package scan reads the same value from it.
//
// Principal functions: [AppendText], [AppendAttribute], [AppendNumber], [AppendValue] and
// [Check], which says what a file cannot hold. All are pure.
//
// Start reading at [AppendValue].
package emit
