// Package until ends loops over data once nobody waits for what comes of them.
package until

import (
	"context"
	"iter"
)

// Every is how many steps of a loop go by between two looks at its context. A step that reads a cell
// takes some 100 ns: a loop goes on for less than a millisecond after its end.
const Every = 4096

// Done yields what seq does, and ceases once ctx has ended. Who ranges over it looks at ctx.Err
// afterwards: what came may be a part.
func Done[T any](ctx context.Context, seq iter.Seq[T]) iter.Seq[T] {
	return func(yield func(T) bool) {
		n := 0
		for x := range seq {
			if n++; n%Every == 0 && ctx.Err() != nil {
				return
			}
			if !yield(x) {
				return
			}
		}
	}
}

// Done2 is Done for pairs.
func Done2[A, B any](ctx context.Context, seq iter.Seq2[A, B]) iter.Seq2[A, B] {
	return func(yield func(A, B) bool) {
		n := 0
		for a, b := range seq {
			if n++; n%Every == 0 && ctx.Err() != nil {
				return
			}
			if !yield(a, b) {
				return
			}
		}
	}
}
