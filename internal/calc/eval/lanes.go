package eval

import (
	"math"
	"slices"

	"gridflow/internal/calc/fn"
	"gridflow/internal/cell"
	"gridflow/internal/formula"
)

// LaneCode is a program over lanes: what a formula gives for many sets of inputs at once, of which
// each is a lane. A cell that differs between the sets is a list of numbers, one for each lane; all
// others are one number. What it knows is what a [Kernel] knows, and sums and their kind over ranges.
//
// The invariant is that of a Kernel: a lane gets a number only where the program gives that number,
// to the last bit, and a NaN where the program has to be run.
type LaneCode struct {
	// Leaves are what the code is given for a cell that it is run for.
	Leaves []Leaf
	// Logical says that the results are logical values, 0 or 1.
	Logical bool
	// Open says that literals of the code are parameters.
	Open bool

	steps []laneStep
	root  laneRef
	shown bool // the result is made what a cell can hold
}

// Given gives the code of one cell's number, or what was gathered in place of one, as a cell can hold it.
func Given() *LaneCode { return &LaneCode{Leaves: []Leaf{{Kind: LeafCell}}, shown: true} }

// Leaf is something that a code is given.
type Leaf struct {
	Kind LeafKind
	// Of a cell.
	Sheet   int
	At      Corner
	Numeric bool // what is logical counts as 0 or 1, and nothing as 0

	Number  float64   // of a number: that of the formula that was compiled
	Literal int       // of a number that is a parameter: which one, else -1
	Fold    *Fold     // of a fold
	Shared  *LaneCode // of a part of the formula that gives the same wherever the formula stands
}

// LeafKind says what a [Leaf] is.
type LeafKind uint8

// The kinds of leaves.
const (
	LeafCell LeafKind = iota
	LeafNumber
	LeafFold
	LeafShared
)

// Fold is a call of SUM or one of its kind. Of ranges it takes the numbers and passes over all
// else but errors; the results of codes are numbers.
type Fold struct {
	Op   FoldOp
	Args []FoldArg
}

// FoldOp is what a [Fold] does with its numbers.
type FoldOp uint8

// The operations.
const (
	FoldSum FoldOp = iota
	FoldAverage
	FoldCount
	FoldProduct
	FoldMin
	FoldMax
)

var foldOps = map[string]FoldOp{"SUM": FoldSum, "AVERAGE": FoldAverage, "COUNT": FoldCount, "PRODUCT": FoldProduct, "MIN": FoldMin, "MAX": FoldMax}

// FoldArg is an argument of a fold: a rectangle of cells, or a code where that is not nil.
type FoldArg struct {
	Sheet       int
	First, Last Corner
	Code        *LaneCode
}

// Growing reports whether copies of the fold below one another go on where the one above ends: they
// are of one column, from a fixed row to one that moves along.
func (f *Fold) Growing() bool {
	a := &f.Args[0]
	return f.Op == FoldSum && len(f.Args) == 1 && a.Code == nil && a.First.AbsRow && !a.Last.AbsRow && a.First.Col == a.Last.Col && a.First.AbsCol == a.Last.AbsCol
}

// laneRef names a value within a code: a leaf, or of a negative one the step ^r.
type laneRef int16

// laneStep is an operation over values that are there. One of its parts is set.
type laneStep struct {
	args       [3]laneRef
	binary     *binary
	op         laneOp // of binary; -1 where it has none
	sign       *sign
	comparison *comparison
	function   *fn.Function
	choice     bool // args are the condition and both branches
	count      int  // of args
}

// laneNode is a part of a formula while its code is made: a leaf or a step over others.
type laneNode struct {
	leaf    *Leaf
	step    laneStep
	kids    []*laneNode
	logical bool
	fixed   bool // it gives the same wherever the formula stands, but for its literals
}

// laneStepsMax bounds the steps and leaves of a code, so that a laneRef can name them.
const laneStepsMax = 1 << 12

// Lanes gives the code of a program, or nil where it has none.
func (p *Program) Lanes() *LaneCode {
	root := laneOf(p.root, false)
	if root == nil || p.Cost > laneStepsMax {
		return nil
	}
	return codeOf(root)
}

func codeOf(root *laneNode) *LaneCode {
	c := &LaneCode{Logical: root.logical}
	c.root = c.emit(root, root.fixed)
	return c
}

// emit adds a part to the code. within says that what it is a part of is fixed, too: then it is
// shared with that.
func (c *LaneCode) emit(n *laneNode, within bool) laneRef {
	if n.fixed && !within && (n.leaf == nil || n.leaf.Kind == LeafFold) {
		l := Leaf{Kind: LeafShared, Shared: codeOf(n)}
		n = &laneNode{leaf: &l}
	}
	if n.leaf != nil {
		c.Leaves = append(c.Leaves, *n.leaf)
		c.Open = c.Open || n.leaf.open()
		return laneRef(len(c.Leaves) - 1)
	}
	s := n.step
	for i, k := range n.kids {
		s.args[i] = c.emit(k, n.fixed)
	}
	c.steps = append(c.steps, s)
	return laneRef(^(len(c.steps) - 1))
}

// open reports whether the leaf has literals that are parameters.
func (l *Leaf) open() bool {
	switch l.Kind {
	case LeafNumber:
		return l.Literal >= 0
	case LeafShared:
		return l.Shared.Open
	case LeafFold:
		return slices.ContainsFunc(l.Fold.Args, func(a FoldArg) bool { return a.Code != nil && a.Code.Open })
	}
	return false
}

// Alone gives the leaf that is all of the code, nil where it has steps.
func (c *LaneCode) Alone() *Leaf {
	if len(c.steps) > 0 {
		return nil
	}
	return &c.Leaves[c.root]
}

func leaf(l Leaf, fixed bool) *laneNode { return &laneNode{leaf: &l, fixed: fixed} }

func over(step laneStep, logical bool, kids ...*laneNode) *laneNode {
	n := &laneNode{step: step, kids: kids, logical: logical, fixed: true}
	n.step.count = len(kids)
	for _, k := range kids {
		if k == nil {
			return nil
		}
		n.fixed = n.fixed && k.fixed
	}
	return n
}

// laneOf makes the node of an expression, nil where there is none. asNumber says that it stands
// where a number is expected, so that a logical value is one.
func laneOf(e expr, asNumber bool) *laneNode {
	switch e := e.(type) {
	case *constant:
		v := e.v.Scalar()
		if e.v.IsScalar() && (v.Kind() == cell.Number && v.Number()-v.Number() == 0 || v.Kind() == cell.Bool) {
			n := leaf(Leaf{Kind: LeafNumber, Number: v.Number(), Literal: -1}, true)
			n.logical = v.Kind() == cell.Bool
			return n
		}
	case *parameter:
		if v := e.v.Scalar(); v.Kind() == cell.Number {
			return leaf(Leaf{Kind: LeafNumber, Number: v.Number(), Literal: e.i}, true)
		}
	case *one:
		if !e.wrap {
			return leaf(Leaf{Kind: LeafCell, Sheet: e.sheet, At: e.at, Numeric: asNumber}, e.at.AbsRow && e.at.AbsCol)
		}
	case *unary:
		switch e.op {
		case formula.OpPlus:
			return laneOf(e.x, asNumber)
		case formula.OpMinus, formula.OpPercent:
			return over(laneStep{sign: &sign{percent: e.op == formula.OpPercent}}, false, laneOf(e.x, true))
		}
	case *binary:
		switch {
		case e.op >= formula.OpEqual && e.op <= formula.OpGreaterEqual:
			l, r := laneOf(e.l, false), laneOf(e.r, false)
			if l != nil && r != nil && !l.logical && !r.logical { // a logical value is more than any number
				return over(laneStep{comparison: &comparison{op: e.op}}, true, l, r)
			}
		case e.arithmetic():
			last := 0
			if e.last {
				last = 1
			}
			op, ok := laneOps[last][e.op]
			if !ok {
				op = -1
			}
			return over(laneStep{binary: e, op: op}, false, laneOf(e.l, true), laneOf(e.r, true))
		}
	case *branch:
		yes, no := laneOf(e.yes, asNumber), laneOf(e.no, asNumber)
		if yes != nil && no != nil && (asNumber || yes.logical == no.logical) {
			return over(laneStep{choice: true}, yes.logical && no.logical, laneOf(e.cond, true), yes, no)
		}
	case *call:
		if op, ok := foldOps[e.f.Name]; ok {
			return foldOf(op, e)
		}
		if slices.Contains(numeric[:], e.f.Name) {
			kids := make([]*laneNode, len(e.args))
			for i, x := range e.args {
				kids[i] = laneOf(x, true)
			}
			return over(laneStep{function: e.f}, false, kids...)
		}
	}
	return nil
}

// foldOf makes the node of a call of SUM or one of its kind.
func foldOf(op FoldOp, e *call) *laneNode {
	f, fixed := &Fold{Op: op}, true
	for _, x := range e.args {
		switch x := x.(type) {
		case *area:
			if x.wrap || x.sheet != x.last {
				return nil
			}
			f.Args = append(f.Args, FoldArg{Sheet: x.sheet, First: x.first, Last: x.end})
			fixed = fixed && x.fixed != nil
		case *one:
			if x.wrap {
				return nil
			}
			f.Args = append(f.Args, FoldArg{Sheet: x.sheet, First: x.at, Last: x.at})
			fixed = fixed && x.at.AbsRow && x.at.AbsCol
		default:
			n := laneOf(x, true)
			if n == nil {
				return nil
			}
			f.Args = append(f.Args, FoldArg{Code: codeOf(n)})
			fixed = fixed && n.fixed
		}
	}
	return leaf(Leaf{Kind: LeafFold, Fold: f}, fixed)
}

// of applies a step to single numbers.
func (s *laneStep) of(c *fn.Context, x, y, z float64) float64 {
	switch {
	case s.binary != nil:
		return s.binary.number(x, y)
	case s.choice:
		switch {
		case x != x:
			return x
		case x != 0:
			return y
		}
		return z
	case s.comparison != nil:
		return s.comparison.of(x, y)
	case s.sign != nil:
		return s.sign.of(x)
	case x != x || s.count > 1 && y != y || s.count > 2 && z != z:
		return math.NaN()
	}
	args := [3]fn.Value{fn.Num(x), fn.Num(y), fn.Num(z)}
	return applyNumbers(c, s.function, args[:s.count])
}
