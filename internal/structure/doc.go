// Package structure says what becomes of references when rows, columns, ranges or sheets of a workbook are
// inserted, deleted or moved, by Excel's rules.
//
// Principal types: [Change], one structural change as data; [Rewriter], which rewrites formulas ([Chain], by many changes at once),
// ranges and names by it; [Piece], a part of a shared formula afterwards; [Table] and [Contents], what on a sheet a
// change has to heed; [Error], why a change is refused.
//
// The one invariant: a Change together with the list of sheets before it (and the tables, where there are any)
// determines what becomes of every reference. Nothing here looks at cells, so that a snapshot in memory
// and a file that is patched give the same formulas.
//
// The rules, where they are not obvious. They are Excel's; where its documentation is silent, what its files show.
//
//   - A range that is inserted into grows, one that is deleted from shrinks, and one of which nothing is left is
//     #REF!. Inserting before its first line moves a range, behind its last line leaves it.
//   - A range over whole columns (A:C, or rows 1 to 1048576) stays so whatever happens to rows, and the other way round.
//     Another one that reaches the last row stays there when rows are inserted, and goes up with it when they are deleted.
//   - References to several sheets (Jan:Dec!A1) stay when the cells of one of them move, since they cannot follow. An end that
//     is deleted, or moved past the other end, is replaced by the sheet next to it that is still between them.
//   - Moving cells (cut and paste) takes along the references that lie wholly among them, wherever they
//     stand. One that lies wholly where the cells go is #REF!. Where a whole edge of a range is moved in the
//     direction across it, the range grows or shrinks with it. All others stay. A formula that is moved refers to what it
//     referred to.
//   - Cells that are inserted or deleted, others going down, right, up or left for them, are to references that lie wholly in their columns
//     (or rows) what whole rows (or columns) are to all. A reference that reaches beyond them stays.
//   - References to other workbooks are none of these.
//
// Everything here may be used by any number of goroutines at once.
//
// Start reading at [Change] and (*Rewriter).reference.
package structure
