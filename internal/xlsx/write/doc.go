// Package write makes new workbooks: a streaming writer of sheets, row by row, whose memory
// does not grow with the rows.
//
// Principal types: [Writer], a workbook being written; [Sheet], its sheet being written;
// [Cell] and [Style].
//
// The one invariant: after [Writer.Close] without an error the output is a workbook that
// package xlsx reads as it was given; until then it is none.
//
// A sheet is written as one part, compressed in pieces on all processors while its next rows
// come in. What needs to know all sheets, the workbook part and the styles, comes last. Texts
// stand in the cells: see [Options] for the other way.
//
// Start reading at [New] and [Sheet.WriteRow].
package write
