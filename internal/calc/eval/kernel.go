package eval

import (
	"math"
	"slices"

	"gridflow/internal/calc/fn"
	"gridflow/internal/calc/special"
	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/grid"
)

// Kernel is a program over plain numbers: what a formula of single cells, constants, arithmetic,
// comparisons, IF and some functions of numbers gives where all cells it reads hold
// numbers or nothing. It is run for a column of cells at once, operator by operator, or for
// one cell, without a value ever being made.
//
// The invariant: it gives a number only where the program gives that number, to the last
// bit; for every other cell (a text, an error, a division by 0, a comparison that hangs on the
// sixteenth digit) it gives a NaN, and the program has to be run.
type Kernel struct {
	// Logical says that the results are logical values, 0 or 1.
	Logical bool
	// Open says that literals of the formula are parameters.
	Open bool
	root node
}

// Numbers is where a kernel finds what cells hold. A cell that is not calculated yet, or holds
// anything but a number or nothing, has none.
type Numbers interface {
	// Column gives the numbers of n cells, at most grid.BandRows, downwards from one, 0 for
	// one that holds nothing; ok is false where one of them has none. buf may be used for them.
	Column(sheet int, from cell.Ref, n int, buf *[grid.BandRows]float64) (nums []float64, ok bool)
	// Number gives the number of one cell, or a NaN.
	Number(sheet int, at cell.Ref) float64
}

// Runner runs kernels. It belongs to one goroutine.
type Runner struct {
	// Literals are those of the cells that a kernel is run for; nil where all are those of the
	// kernel.
	Literals Literals

	src     Numbers
	at      cell.Ref
	n       int
	bufs    []*[grid.BandRows]float64
	used    int
	context fn.Context
}

// NewRunner makes a runner that reads cells from src.
func NewRunner(src Numbers) *Runner { return &Runner{src: src} }

// Rows runs k for n cells of one band downwards from one. ok is false where a cell
// that they read has no number. The results are there until the next run.
func (r *Runner) Rows(k *Kernel, from cell.Ref, n int) (out []float64, ok bool) {
	r.at, r.n, r.used = from, n, 0
	return k.root.rows(r)
}

// One runs k for one cell.
func (r *Runner) One(k *Kernel, at cell.Ref) float64 {
	r.at = at
	return k.root.one(r)
}

func (r *Runner) buf() *[grid.BandRows]float64 {
	if r.used == len(r.bufs) {
		r.bufs = append(r.bufs, new([grid.BandRows]float64))
	}
	r.used++
	return r.bufs[r.used-1]
}

// node is a part of a kernel. A list that rows gives may be one of the workbook's: it is only
// to be read.
type node interface {
	rows(r *Runner) ([]float64, bool)
	one(r *Runner) float64
}

// Kernel gives the kernel of a program, or nil where it has none.
func (p *Program) Kernel() *Kernel {
	n, logical := lower(p.root)
	if n == nil {
		return nil
	}
	return &Kernel{logical, p.Open, n}
}

// lower makes the node of an expression; nil where there is none.
func lower(e expr) (n node, logical bool) {
	switch e := e.(type) {
	case *constant:
		switch v := e.v.Scalar(); {
		case !e.v.IsScalar():
		case v.Kind() == cell.Number && v.Number()-v.Number() == 0, v.Kind() == cell.Bool:
			return &number{v.Number()}, v.Kind() == cell.Bool
		}
	case *parameter:
		if v := e.v.Scalar(); v.Kind() == cell.Number {
			return &openNumber{e.i, v.Number()}, false
		}
	case *one:
		if !e.wrap {
			return &cellNumber{e.sheet, e.at}, false
		}
	case *unary:
		x, logical := lower(e.x)
		switch {
		case x == nil:
		case e.op == formula.OpPlus:
			return x, logical
		case e.op == formula.OpMinus || e.op == formula.OpPercent:
			return &sign{e.op == formula.OpPercent, x}, false
		}
	case *binary:
		l, ll := lower(e.l)
		r, rl := lower(e.r)
		switch {
		case l == nil || r == nil:
		case e.op >= formula.OpEqual && e.op <= formula.OpGreaterEqual:
			if !ll && !rl { // a logical value is more than any number
				return &comparison{e.op, l, r}, true
			}
		case e.arithmetic():
			return &arithmetic{e, l, r}, false
		}
	case *branch:
		cond, _ := lower(e.cond)
		yes, yl := lower(e.yes)
		no, nl := lower(e.no)
		if cond != nil && yes != nil && no != nil && yl == nl {
			return &choice{cond, yes, no}, yl
		}
	case *call:
		if !slices.Contains(numeric[:], e.f.Name) {
			break
		}
		f := &applied{f: e.f}
		for _, x := range e.args {
			n, _ := lower(x)
			if n == nil {
				return nil, false
			}
			f.args = append(f.args, n)
		}
		return f, false
	}
	return nil, false
}

// numeric are the functions that take nothing but numbers and depend on nothing else.
var numeric = [...]string{"ABS", "INT", "SIGN", "SQRT", "EXP", "LN", "MOD", "ROUND", "ROUNDUP", "ROUNDDOWN", "TRUNC", "POWER"}

// held gives a result as a cell can hold it, which a negative zero is not, or a NaN for what is an error.
func held(f float64) float64 {
	switch {
	case f-f != 0:
		return math.NaN()
	case f < 0x1p-1022 && f > -0x1p-1022:
		return 0
	}
	return f
}

type number struct{ f float64 }

func (k *number) one(*Runner) float64 { return k.f }
func (k *number) rows(r *Runner) ([]float64, bool) {
	return fill(r.buf()[:r.n], k.f), true
}

// openNumber is a number that is a parameter.
type openNumber struct {
	i int
	f float64 // of the formula that was compiled
}

func (k *openNumber) one(r *Runner) float64 {
	if r.Literals != nil {
		if f, ok := r.Literals.Number(k.i, r.at.Row%grid.BandRows); ok {
			return f
		}
	}
	return k.f
}

func (k *openNumber) rows(r *Runner) ([]float64, bool) {
	out := fill(r.buf()[:r.n], k.f)
	if r.Literals != nil {
		r.Literals.Numbers(k.i, r.at.Row%grid.BandRows, out)
	}
	return out, true
}

func fill(out []float64, f float64) []float64 {
	for i := range out {
		out[i] = f
	}
	return out
}

type cellNumber struct {
	sheet int
	at    Corner
}

func (c *cellNumber) one(r *Runner) float64 {
	at, ok := place(c.at, r.at, false)
	if !ok {
		return math.NaN()
	}
	return r.src.Number(c.sheet, at)
}

func (c *cellNumber) rows(r *Runner) ([]float64, bool) {
	at, ok := place(c.at, r.at, false)
	switch {
	case !ok:
		return nil, false
	case c.at.AbsRow:
		f := r.src.Number(c.sheet, at)
		return fill(r.buf()[:r.n], f), f == f
	case at.Row+r.n > cell.MaxRows:
		return nil, false
	}
	return r.src.Column(c.sheet, at, r.n, r.buf())
}

// sign is a minus sign or a percent sign.
type sign struct {
	percent bool
	x       node
}

func (s *sign) of(f float64) float64 {
	switch {
	case s.percent:
		return held(f / 100)
	case f == 0:
		return 0
	}
	return -f
}

func (s *sign) one(r *Runner) float64 { return s.of(s.x.one(r)) }
func (s *sign) rows(r *Runner) ([]float64, bool) {
	out := r.buf()[:r.n]
	x, ok := s.x.rows(r)
	if !ok {
		return nil, false
	}
	for i, f := range x {
		out[i] = s.of(f)
	}
	return out, true
}

// arithmetic is an operator that gives a number.
type arithmetic struct {
	b    *binary
	l, r node
}

func (a *arithmetic) one(r *Runner) float64 { return a.b.number(a.l.one(r), a.r.one(r)) }

// arithmetic reports whether an operator gives a number of two.
func (b *binary) arithmetic() bool {
	switch b.op {
	case formula.OpPlus, formula.OpMinus, formula.OpMultiply, formula.OpDivide, formula.OpPower:
		return true
	}
	return false
}

// number applies an operator of arithmetic to numbers; what gives none is a NaN.
func (b *binary) number(x, y float64) float64 {
	switch b.op {
	case formula.OpPlus:
		return held(b.settle(x+y, x, y))
	case formula.OpMinus:
		return held(b.settle(x-y, x, y))
	case formula.OpMultiply:
		return held(x * y)
	case formula.OpDivide:
		return held(x / y)
	}
	return power(x, y)
}

func power(x, y float64) float64 {
	if x == 0 && y <= 0 || x != x || y != y {
		return math.NaN()
	}
	return held(special.Pow(x, y))
}

func (a *arithmetic) rows(r *Runner) ([]float64, bool) {
	out := r.buf()[:r.n]
	x, ok := a.l.rows(r)
	if !ok {
		return nil, false
	}
	y, ok := a.r.rows(r)
	if !ok {
		return nil, false
	}
	x, y = x[:len(out)], y[:len(out)]
	switch a.b.op {
	case formula.OpPlus:
		for i := range out {
			out[i] = held(a.b.settle(x[i]+y[i], x[i], y[i]))
		}
	case formula.OpMinus:
		for i := range out {
			out[i] = held(a.b.settle(x[i]-y[i], x[i], y[i]))
		}
	case formula.OpMultiply:
		for i := range out {
			out[i] = held(x[i] * y[i])
		}
	case formula.OpDivide:
		for i := range out {
			out[i] = held(x[i] / y[i])
		}
	default:
		for i := range out {
			out[i] = power(x[i], y[i])
		}
	}
	return out, true
}

// comparison compares two numbers.
type comparison struct {
	op   formula.Op
	l, r node
}

// of compares; numbers that differ in the last digits at most are left to the program.
func (c *comparison) of(x, y float64) float64 {
	holds := false
	if x != y {
		if !(math.Abs(x-y) > 1e-14*max(math.Abs(x), math.Abs(y))) {
			return math.NaN()
		}
		switch c.op {
		case formula.OpNotEqual:
			holds = true
		case formula.OpLess, formula.OpLessEqual:
			holds = x < y
		case formula.OpGreater, formula.OpGreaterEqual:
			holds = x > y
		}
	} else {
		holds = c.op == formula.OpEqual || c.op == formula.OpLessEqual || c.op == formula.OpGreaterEqual
	}
	if holds {
		return 1
	}
	return 0
}

func (c *comparison) one(r *Runner) float64 { return c.of(c.l.one(r), c.r.one(r)) }
func (c *comparison) rows(r *Runner) ([]float64, bool) {
	out := r.buf()[:r.n]
	x, ok := c.l.rows(r)
	if !ok {
		return nil, false
	}
	y, ok := c.r.rows(r)
	if !ok {
		return nil, false
	}
	for i := range out {
		out[i] = c.of(x[i], y[i])
	}
	return out, true
}

// choice is IF. A list is made of both branches, of which what is not chosen counts for nothing.
type choice struct{ cond, yes, no node }

func (c *choice) one(r *Runner) float64 {
	switch f := c.cond.one(r); {
	case f != f:
		return f
	case f != 0:
		return c.yes.one(r)
	}
	return c.no.one(r)
}

func (c *choice) rows(r *Runner) ([]float64, bool) {
	out := r.buf()[:r.n]
	cond, ok := c.cond.rows(r)
	if !ok {
		return nil, false
	}
	yes, ok := c.yes.rows(r)
	if !ok {
		return nil, false
	}
	no, ok := c.no.rows(r)
	if !ok {
		return nil, false
	}
	for i, f := range cond {
		switch {
		case f != f:
			out[i] = f
		case f != 0:
			out[i] = yes[i]
		default:
			out[i] = no[i]
		}
	}
	return out, true
}

// applied is a call of a function of numbers.
type applied struct {
	f    *fn.Function
	args []node
}

// applyNumbers calls a function of numbers; what is none is a NaN.
func applyNumbers(c *fn.Context, f *fn.Function, args []fn.Value) float64 {
	if v := f.Eval(c, args).Scalar(); v.Kind() == cell.Number {
		return v.Number()
	}
	return math.NaN()
}

func (a *applied) one(r *Runner) float64 {
	var args [3]fn.Value
	for k, n := range a.args {
		f := n.one(r)
		if f != f {
			return f
		}
		args[k] = fn.Scalar(cell.NumberValue(f)) // as it is: Num would take a denormal one for 0
	}
	return applyNumbers(&r.context, a.f, args[:len(a.args)])
}

func (a *applied) rows(r *Runner) ([]float64, bool) {
	out := r.buf()[:r.n]
	var lists [3][]float64
	for k, n := range a.args {
		var ok bool
		if lists[k], ok = n.rows(r); !ok {
			return nil, false
		}
	}
rows:
	for i := range out {
		var args [3]fn.Value
		for k := range a.args {
			f := lists[k][i]
			if f != f {
				out[i] = f
				continue rows
			}
			args[k] = fn.Scalar(cell.NumberValue(f)) // as it is: Num would take a denormal one for 0
		}
		out[i] = applyNumbers(&r.context, a.f, args[:len(a.args)])
	}
	return out, true
}
