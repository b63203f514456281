package eval

import (
	"math"

	"gridflow/internal/calc/fn"
	"gridflow/internal/formula"
)

// Lane is a value over lanes: a number for each, or where List is nil the same in all.
type Lane struct {
	List []float64
	F    float64
}

func (l *Lane) at(i int) float64 {
	if l.List == nil {
		return l.F
	}
	return l.List[i]
}

// LaneRunner runs codes over lanes. It belongs to one goroutine.
type LaneRunner struct {
	values  []Lane // of the steps of the code that is run
	bufs    [][]float64
	used    int
	context fn.Context
}

// Run runs a code over the lanes of out, which it fills: leaves are what the code is given, in the order of
// its Leaves. known is false where some lane is a NaN.
func (r *LaneRunner) Run(c *LaneCode, leaves []Lane, out []float64) (known bool) {
	if len(c.steps) == 0 {
		v := &leaves[c.root]
		r.Spread(v, out)
		for i, f := range out {
			if c.shown {
				out[i] = held(f)
			}
		}
		return allNumbers(out)
	}
	r.values, r.used = r.values[:0], 0
	sure := false
	last := len(c.steps) - 1
	for k := range c.steps {
		s := &c.steps[k]
		to := out
		if k != last {
			to = r.buf(len(out))
		}
		var args [3]*Lane
		for i, a := range s.args[:s.count] {
			if a >= 0 {
				args[i] = &leaves[a]
			} else {
				args[i] = &r.values[^a]
			}
		}
		var v Lane
		v, sure = r.step(s, args[:s.count], to)
		r.values = append(r.values, v)
	}
	if v := &r.values[last]; v.List == nil {
		r.Spread(v, out)
	}
	return sure || allNumbers(out)
}

// buf gives room for n lanes.
func (r *LaneRunner) buf(n int) []float64 {
	if r.used == len(r.bufs) {
		r.bufs = append(r.bufs, nil)
	}
	if cap(r.bufs[r.used]) < n {
		r.bufs[r.used] = make([]float64, n)
	}
	r.used++
	return r.bufs[r.used-1][:n]
}

// Spread puts a value into all lanes of out.
func (r *LaneRunner) Spread(v *Lane, out []float64) {
	if v.List == nil {
		fill(out, v.F)
	} else {
		copy(out, v.List)
	}
}

// list gives a value as a list of n lanes.
func (r *LaneRunner) list(v *Lane, n int) []float64 {
	if v.List != nil {
		return v.List[:n]
	}
	out := r.buf(n)
	return fill(out, v.F)
}

func allNumbers(list []float64) bool {
	for _, f := range list {
		if f != f {
			return false
		}
	}
	return true
}

// step applies a step to values, and may use out for what comes of it. sure says that it is a number in all lanes.
func (r *LaneRunner) step(s *laneStep, args []*Lane, out []float64) (v Lane, sure bool) {
	uniform := true
	for _, a := range args {
		uniform = uniform && a.List == nil
	}
	if uniform {
		var f [3]float64
		for i, a := range args {
			f[i] = a.F
		}
		return Lane{F: s.of(&r.context, f[0], f[1], f[2])}, false
	}
	switch {
	case s.binary != nil:
		x, y := args[0], args[1]
		if s.op >= 0 && !s.op.arithmetic(out, x, y) {
			return Lane{List: out}, true
		}
		for i := range out {
			out[i] = s.binary.number(x.at(i), y.at(i))
		}
	case s.comparison != nil:
		x, y := args[0], args[1]
		for i := range out {
			out[i] = s.comparison.of(x.at(i), y.at(i))
		}
	case s.choice:
		cond, yes, no := r.list(args[0], len(out)), args[1], args[2]
		for i, f := range cond {
			switch {
			case f != f:
				out[i] = f
			case f != 0:
				out[i] = yes.at(i)
			default:
				out[i] = no.at(i)
			}
		}
	default:
		var f [3]float64
		for i := range out {
			for k, a := range args {
				f[k] = a.at(i)
			}
			out[i] = s.of(&r.context, f[0], f[1], f[2])
		}
	}
	return Lane{List: out}, false
}

// laneOp is an operator of arithmetic over lanes, by the number that laneArithmetic knows it by. Those of the
// last operator of a formula also look for sums that may be only rounding.
type laneOp int

const (
	laneAdd laneOp = iota
	laneSubtract
	laneMultiply
	laneDivide
	laneAddLast
	laneSubtractLast
	laneGather // adds without looking at what comes of it
)

// laneOps are the operators of those in formulas, the last ones of formulas in the second row.
var laneOps = [2]map[formula.Op]laneOp{
	{formula.OpPlus: laneAdd, formula.OpMinus: laneSubtract, formula.OpMultiply: laneMultiply, formula.OpDivide: laneDivide},
	{formula.OpPlus: laneAddLast, formula.OpMinus: laneSubtractLast, formula.OpMultiply: laneMultiply, formula.OpDivide: laneDivide},
}

// arithmetic applies an operator the fast way, and reports whether some result is odd: one that a cell does not hold as
// it is, or that may be only rounding. Then binary.number says what it is. The lists may be the same ones.
func (op laneOp) arithmetic(out []float64, x, y *Lane) (odd bool) {
	n, odd := wideLanes(op, out, x, y)
	for i := n; i < len(out); i++ {
		a, b := x.at(i), y.at(i)
		var f float64
		switch op {
		case laneGather:
			out[i] = a + b
			continue
		case laneAdd, laneAddLast:
			f = a + b + 0 // which makes a negative zero a positive one
		case laneSubtract, laneSubtractLast:
			f = a - b + 0
		case laneMultiply:
			f = float64(a*b) + 0
		default:
			f = a/b + 0
		}
		out[i] = f
		size := math.Abs(f)
		odd = odd || !(size <= math.MaxFloat64) || size < 0x1p-1022 && size != 0 || op >= laneAddLast && size < math.Abs(a)*0x1p-48
	}
	return odd
}

// Fold adds the numbers of terms to what is in acc, or does whatever else op does, in their order.
func (op FoldOp) Fold(acc []float64, terms []Lane) {
	for k := range terms {
		t := &terms[k]
		switch {
		case op == FoldCount:
			if t.List != nil {
				for i, f := range t.List[:len(acc)] {
					acc[i] += f * 0 // a NaN where there is no number
				}
			}
		case op == FoldProduct:
			for i := range acc {
				acc[i] *= t.at(i)
			}
		case op == FoldMin:
			for i := range acc {
				acc[i] = min(acc[i], t.at(i))
			}
		case op == FoldMax:
			for i := range acc {
				acc[i] = max(acc[i], t.at(i))
			}
		default:
			laneGather.arithmetic(acc, &Lane{List: acc}, t)
		}
	}
}

// Start gives what a fold of no numbers begins with; with numbers that are the same in all lanes it is
// gone on with by Next.
func (op FoldOp) Start() float64 {
	switch op {
	case FoldProduct:
		return 1
	case FoldMin:
		return math.Inf(1)
	case FoldMax:
		return math.Inf(-1)
	}
	return 0
}

// Next goes on with one number.
func (op FoldOp) Next(acc, f float64) float64 {
	switch op {
	case FoldCount:
		return acc
	case FoldProduct:
		return acc * f
	case FoldMin:
		return min(acc, f)
	case FoldMax:
		return max(acc, f)
	}
	return acc + f
}

// Finish gives the results of a fold of count numbers in place of what was gathered, and reports whether
// all are known.
func (op FoldOp) Finish(acc []float64, count int) (known bool) {
	for i, f := range acc {
		if op == FoldAverage {
			f /= float64(count)
		}
		acc[i] = held(f)
	}
	return allNumbers(acc)
}
