// Package grid is the immutable, columnar cell store: what the xlsx reader fills,
// what snapshots share and what every read looks at.
//
// A [Sheet] is cut into bands of [BandRows] rows; inside a band each column that has
// cells is one [Chunk]. When a chunk is sealed its kinds and styles collapse to one
// value where they are uniform, and its numbers to the narrowest width that holds them
// all, so that a mixed sheet costs seven to eight bytes a cell. An edit ([Sheet.With]) makes
// another sheet, which shares all that did not change; [Diff] passes over what two share.
//
// Principal types: [Sheet] (cells, and its [Layout]), [Builder] (makes one, row by
// row), [Change] (what an edit does to a cell), [Strings] (text pool), [Workbook] (what belongs to no single sheet: styles,
// names, tables).
//
// The one invariant: a Sheet that has been handed out is never changed. It may be read
// from any number of goroutines for ever. A sheet handed out while its file is still
// being read is complete up to [Sheet.LoadedRows] and stays as it is; a page out of the
// middle is complete from [Sheet.FirstLoadedRow] on.
//
// Start reading at [Sheet.At] and [Builder.Seal]; for edits, at [Sheet.With].
package grid
