// Package graph is the dependency graph of a workbook.
package graph
