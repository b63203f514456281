package eval

import (
	"math"

	"gridflow/internal/calc/fn"
	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/grid"
)

// binary is an operator between two values.
type binary struct {
	op   formula.Op
	l, r expr
	// last says that this is the outermost operator of the formula: Excel then takes a
	// difference that is only rounding for 0.
	last bool
}

func (b *binary) eval(m *Machine) fn.Value { return b.value(m) }

func (b *binary) value(m *Machine) fn.Value {
	l := b.l.value(m)
	r := b.r.value(m)
	if l.IsScalar() && r.IsScalar() {
		return fn.Scalar(b.one(m, l.Scalar(), r.Scalar()))
	}
	return m.pairs(l, r, func(x, y cell.Value) cell.Value { return b.one(m, x, y) })
}

// one applies the operator to single values.
func (b *binary) one(m *Machine, x, y cell.Value) cell.Value {
	var a, c float64
	if x.Kind() == cell.Number && y.Kind() == cell.Number {
		a, c = x.Number(), y.Number()
	} else {
		if e := x.Err(); e != 0 {
			return x
		}
		if e := y.Err(); e != 0 {
			return y
		}
		if b.op == formula.OpConcat {
			s, _ := fn.ToText(x)
			t, _ := fn.ToText(y)
			if len(s)+len(t) > 4*maxText || len(s)+len(t) > maxText && runes(s)+runes(t) > maxText {
				return m.fail(cell.ErrValue, "the text is longer than 32767 characters")
			}
			return cell.TextValue(s + t)
		}
		if b.op >= formula.OpEqual && b.op <= formula.OpGreaterEqual {
			return compare(b.op, fn.Compare(x, y))
		}
		var e cell.ErrorCode
		if a, e = m.ToNumber(x); e != 0 {
			return m.fail(e, "an operand is a text that is no number")
		}
		if c, e = m.ToNumber(y); e != 0 {
			return m.fail(e, "an operand is a text that is no number")
		}
	}
	switch b.op {
	case formula.OpPlus:
		return m.number(b.settle(a+c, a, c))
	case formula.OpMinus:
		return m.number(b.settle(a-c, a, c))
	case formula.OpMultiply:
		return m.number(a * c)
	case formula.OpDivide:
		if c == 0 {
			return m.fail(cell.ErrDiv0, "the divisor is 0")
		}
		return m.number(a / c)
	case formula.OpPower:
		return m.Power(a, c).Scalar()
	case formula.OpConcat:
		return cell.TextValue(fn.NumberText(a) + fn.NumberText(c))
	}
	return compare(b.op, fn.CompareNumbers(a, c))
}

// maxText is the longest text of a cell, in characters.
const maxText = 32767

func runes(s string) int {
	n := 0
	for range s {
		n++
	}
	return n
}

// settle gives 0 for the sum, or the difference, of two numbers that cancel each other but for the last bits, as
// Excel does where that is the last thing a formula does: where their lengths, taken as whole numbers bit
// by bit, are at most [bitsLost] from one another. Parentheses around it all keep the last bits.
func (b *binary) settle(sum, x, y float64) float64 {
	if b.last && sum != 0 && math.Abs(sum) < math.Abs(x) {
		if d := int64(math.Float64bits(math.Abs(x)) - math.Float64bits(math.Abs(y))); -bitsLost <= d && d <= bitsLost {
			return 0
		}
	}
	return sum
}

// bitsLost is what Excel takes for no difference, in units of the last bit.
const bitsLost = 7

func compare(op formula.Op, order int) cell.Value {
	switch op {
	case formula.OpEqual:
		return cell.BoolValue(order == 0)
	case formula.OpNotEqual:
		return cell.BoolValue(order != 0)
	case formula.OpLess:
		return cell.BoolValue(order < 0)
	case formula.OpLessEqual:
		return cell.BoolValue(order <= 0)
	case formula.OpGreater:
		return cell.BoolValue(order > 0)
	}
	return cell.BoolValue(order >= 0)
}

// number gives a number as a cell can hold it. Results too small for a normal number are
// 0 in Excel, and there is only one zero: what a cell held before is not to show in its sign.
func (m *Machine) number(f float64) cell.Value {
	if f-f != 0 {
		return m.fail(cell.ErrNum, "the result is too large or not a real number")
	}
	if math.Abs(f) < 0x1p-1022 {
		f = 0
	}
	return cell.NumberValue(f)
}

func (m *Machine) fail(code cell.ErrorCode, reason string) cell.Value {
	return m.Fail(code, reason).Scalar()
}

// pairs applies f to the elements of two values of which one at least is an array.
func (m *Machine) pairs(l, r fn.Value, f func(x, y cell.Value) cell.Value) fn.Value {
	if l.Lambda() != nil || r.Lambda() != nil {
		return m.Fail(cell.ErrCalc, "a function stands where a value is expected")
	}
	la, _ := m.Matrix(l)
	ra, _ := m.Matrix(r)
	out := m.Joined(la, ra)
	if out == nil {
		return m.Fail(cell.ErrNum, "the array is too large")
	}
	for row := range out.Rows {
		if m.Stop() {
			break
		}
		for col := range out.Cols {
			x := f(la.Stretch(row, col), ra.Stretch(row, col))
			if !m.Keeps(x) {
				return m.Fail(cell.ErrNum, "the texts of the array are too long")
			}
			out.Set(row, col, x)
		}
	}
	return fn.Of(out)
}

// each applies f to the elements of a value.
func (m *Machine) each(v fn.Value, f func(cell.Value) cell.Value) fn.Value {
	a := v.Array()
	if a == nil {
		if v.Lambda() != nil {
			return m.Fail(cell.ErrCalc, "a function stands where a value is expected")
		}
		return fn.Scalar(f(v.Scalar()))
	}
	out := fn.NewArray(a.Rows, a.Cols)
	out.Below, out.Right = a.Below, a.Right
	for i, x := range a.Cells {
		if m.StopAt(i) {
			break
		}
		out.Cells[i] = f(x)
	}
	return fn.Of(out)
}

// unary is a sign or a percent sign.
type unary struct {
	op formula.Op
	x  expr
}

func (u *unary) eval(m *Machine) fn.Value {
	if u.op == formula.OpPlus {
		return u.x.eval(m) // changes nothing, not even that a reference is one
	}
	return u.value(m)
}

func (u *unary) value(m *Machine) fn.Value {
	v := u.x.value(m)
	if u.op == formula.OpPlus {
		return v
	}
	return m.each(v, func(x cell.Value) cell.Value {
		f, e := m.ToNumber(x)
		switch {
		case e != 0:
			if x.Kind() == cell.Text {
				return m.fail(e, "the operand is a text that is no number")
			}
			return x
		case u.op == formula.OpPercent:
			return m.number(f / 100)
		case f == 0:
			return cell.NumberValue(0)
		}
		return cell.NumberValue(-f)
	})
}

// constant is a value that stands in the formula.
type constant struct{ v fn.Value }

func (k *constant) eval(*Machine) fn.Value  { return k.v }
func (k *constant) value(*Machine) fn.Value { return k.v }

// parameter is a literal that copies of the formula may have another of.
type parameter struct {
	i int
	v fn.Value // of the formula that was compiled
}

func (p *parameter) eval(m *Machine) fn.Value { return p.value(m) }

func (p *parameter) value(m *Machine) fn.Value {
	if m.Literals == nil {
		return p.v
	}
	row := m.At.Row % grid.BandRows
	if p.v.Scalar().Kind() == cell.Text {
		if s, ok := m.Literals.Text(p.i, row); ok {
			return fn.Text(s)
		}
	} else if f, ok := m.Literals.Number(p.i, row); ok {
		return fn.Num(f)
	}
	return p.v
}

// failed is a part of the formula that is an error whenever it is run.
type failed struct {
	code   cell.ErrorCode
	reason string
}

func (f *failed) eval(m *Machine) fn.Value  { return m.Fail(f.code, f.reason) }
func (f *failed) value(m *Machine) fn.Value { return m.Fail(f.code, f.reason) }
