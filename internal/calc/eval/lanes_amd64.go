package eval

import "golang.org/x/sys/cpu"

//go:noescape
func laneArithmetic(op int, out, x, y *float64, n, xStep, yStep int) (odd int)

var hasAVX = cpu.X86.HasAVX

// wideLanes applies an operator to as many lanes as it can at once, says how many these were, and whether a
// result among them is odd.
func wideLanes(op laneOp, out []float64, x, y *Lane) (n int, odd bool) {
	n = len(out) &^ 3
	if n == 0 || !hasAVX {
		return 0, false
	}
	var one, two [4]float64
	p, pStep := operandAt(x, &one)
	q, qStep := operandAt(y, &two)
	return n, laneArithmetic(int(op), &out[0], p, q, n, pStep, qStep) != 0
}

// operandAt gives where the numbers of an operand begin, and how far it is from four of them to the next. same is
// room for those of one that is the same in all lanes.
func operandAt(l *Lane, same *[4]float64) (*float64, int) {
	if l.List != nil {
		return &l.List[0], 32
	}
	*same = [4]float64{l.F, l.F, l.F, l.F}
	return &same[0], 0
}
