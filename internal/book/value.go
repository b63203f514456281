package book

import (
	"math"

	"gridflow/internal/cell"
)

// SameValue reports whether two values are the same: numbers if they differ by no more than
// tolerance times the larger of them, or than tolerance where both are below 1; all others
// if they are equal.
func SameValue(x, y cell.Value, tolerance float64) bool {
	if x == y {
		return true
	}
	if x.Kind() != cell.Number || y.Kind() != cell.Number {
		return false
	}
	a, b := x.Number(), y.Number()
	return math.Abs(a-b) <= tolerance*max(1, math.Abs(a), math.Abs(b))
}
