// Package fn is the function library of worksheets: what SUM, XLOOKUP and the rest
// give for the arguments that they are given.
//
// A [Function] is one row of one table ([All]): its name, its parameters as a short
// text, since when Excel has it, and the Go function behind it. [Apply] is how one is
// called: it counts the arguments, brings each to the shape that its parameter asks
// for (see [Params]), passes errors on, and calls a function of single values once for
// each element where it is given an array. A function therefore says only what is its
// own.
//
// Principal types: [Value] (what an expression gives), [Array], [Ref], [Lambda],
// [Context] (what a function may ask of the workbook and of the calculation),
// [Function]; [Criterion], [Selection] and [Pattern] (the conditions of COUNTIFS and its
// kind, the cells that meet several, texts with wildcards).
//
// The one invariant: a function's result depends on nothing but its arguments and what
// it asked the Context for. It keeps nothing, starts no goroutine and never panics on
// any argument. The table is read only and may be used from any number of goroutines; a
// Context belongs to one.
//
// Start reading at [Value], then [Params] and [Apply]; the functions themselves are in
// one file for each category.
package fn
