// Package xpath finds nodes in a small XML text by an XPath 1.0 expression, for the
// worksheet function FILTERXML.
//
// The whole language of the W3C recommendation of 1999 (https://www.w3.org/TR/1999/REC-xpath-19991116)
// is there, except variables, id() and lang(); names are compared with their prefix as
// they are written, without looking up namespaces.
//
// Principal types: [Document], a parsed text; [Path], a compiled expression.
//
// The one invariant: a search ends. Expressions within expressions multiply, so every step
// is counted, and a search that takes more of them than it is allowed ends with [ErrSteps].
// Documents and Paths do not change and may be used from any number of goroutines.
//
// Start reading at [Document], then parse.go for the grammar and eval.go for what it means.
package xpath
