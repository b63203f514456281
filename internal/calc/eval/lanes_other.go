//go:build !amd64

package eval

// wideLanes applies an operator to as many lanes as it can at once: here to none.
func wideLanes(laneOp, []float64, *Lane, *Lane) (n int, odd bool) { return 0, false }
