// Package interleave searches the interleavings of small concurrent programs.
package interleave
