// Package regex matches regular expressions of the syntax of PCRE2, which Excel takes for REGEXTEST and
// its kind: with groups, back references, look-around, atomic groups and possessive quantifiers, without
// recursion, conditions and callouts.
//
// Principal types: [Regexp] (a compiled pattern; immutable, for any number of goroutines), [Budget] (what a
// search may take, and who stops it).
//
// The one invariant: how far a search goes depends on the pattern and the text alone, never on the clock.
// Steps are counted, as PCRE2 counts them for its match limit, and every few thousand the budget is asked
// whether to stop.
//
// Start reading at [Compile] and [Regexp.Find]. A pattern is parsed into a tree (parse.go), and the tree is
// matched by backtracking with continuations (match.go): a node is asked to match at a place and to call
// what follows it for each way in which it can.
package regex
