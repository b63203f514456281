// Package graph is the dependency graph of a workbook: which formulas read which cells,
// which have to be calculated after a change, and in which order they can be. It evaluates
// nothing and does no I/O; what a formula's text means, a [Compiler] tells it.
//
// Principal types: [Graph] (immutable; made by [Build], and by [Graph.With] out of another
// one), [Template] (a formula in the form that its copies share), [Span] (copies over a
// rectangle), [Literals] (in what the copies differ), [Read] (a region that a formula reads, as seen from its cell), [Dirty] (what
// has to be calculated), [Plan] and [Unit] (the order).
//
// The one invariant: every cell with a formula lies in the area of exactly one span, and every
// read of every span is in the index of the sheet that it reaches. So who reads a cell is
// one question to one index. A Graph, a Dirty and a Plan never change and may be used from
// any number of goroutines; versions share what they have in common.
//
// # How it works
//
// Formulas are copies of others far more often than not. Those of one sheet with the same
// relative form are one template, which is compiled once; a template over a rectangle is
// a span, and a span is all that is kept of its cells. A sheet of 750 000 formulas that were copied
// down is three spans. Copies may differ in their literals too: those are parameters of the template, and
// where a cell has another one than the template it stands in a page of its column and band
// (literal.go). This is the compression of TACO (Tang et al., Efficient and Compact
// Spreadsheet Formula Graphs, arXiv 2302.05482), taken from the formulas rather than
// found among single edges.
//
// A read has two corners, each of whose parts is fixed or moves with the cell. Along an axis that
// makes three kinds of interval ([axis]): TACO's patterns fixed–fixed, relative–relative and
// relative–fixed. Rows and columns do not depend on one another, so that what a rectangle of
// cells reads, and which cells of a rectangle read some of another, is arithmetic on two
// intervals each. No range is ever looked at cell by cell, and A:A costs what A1 does.
//
// Each sheet has two R-trees (Guttman, R-trees: a dynamic index structure for spatial
// searching, SIGMOD 1984; packed as in Leutenegger et al., STR, ICDE 1997): of what the spans
// on it fill, and of what is read on it. An edit copies the nodes on its way and shares the
// others with the graph that it was made from (Driscoll et al., Making data structures
// persistent, 1989); there is no list of differences that would have to be folded.
//
// Dirty cells spread from the sources breadth first, in rectangles: each is looked up in the index of
// reads, and the cells that read it are added to the region of their span; only what is new
// in the region goes on. A chain of copies and a circle of columns that go on from row to row
// are taken in one step (chain.go). The edges that are met on the way are what Plan orders.
//
// A plan's units are the strongly connected components (Tarjan, Depth-first search and linear
// graph algorithms, 1972) of the dirty spans. Most are one span that does not read itself. Of
// the others it is tested, with the same arithmetic, whether all reads inside go to lines above,
// or to what comes before in the same line: then the unit is done line by line, as running
// balances and models with a column for each month are. What is left, a [Knot], has to be
// evaluated on demand and may hold a circle. What is dynamic, with all that reads it, is one last
// Knot.
//
// # Bounds
//
// With F formulas in S spans with R reads in all, and k what is found:
//
//   - Build: O(F) to compare texts, on all processors, and O((S+R) log R).
//   - Memory: some 50 bytes a span and 30 a read, 250 a template, and nothing a formula; for a literal that is
//     neither that of its template nor that of the cell above, 10 bytes for a number and 18 for a text.
//   - With: O(log S + log R) for each rectangle of cells that is changed, in time and memory, and a page
//     where literals are.
//   - Dependents, SpanAt: O(log + k) where rectangles overlap little, as in any R-tree.
//   - Dirty: a step for each rectangle that becomes dirty at once. What is dirty in a span takes a
//     rectangle where it is one, and never more than a bit a cell.
//   - Plan: O(spans and edges that are dirty). Edges are bounded by the memory that they may take: there are as many as
//     the square of the spans where each of many formulas that are no copies reads all others.
//
// Dirty is exact for what the reads say: neither more nor less than looking at each cell would give.
// It is a superset of what an evaluation would read, since IF reads one of its branches only.
//
// Start reading at [axis], then [Graph.Dependents] and [Graph.Dirty]; the order is in plan.go
// and order.go.
package graph
