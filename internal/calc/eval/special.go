package eval

import (
	"gridflow/internal/calc/fn"
	"gridflow/internal/cell"
)

// branch is IF.
type branch struct{ cond, yes, no expr }

func (b *branch) value(m *Machine) fn.Value { return m.deref(b.eval(m)) }
func (b *branch) eval(m *Machine) fn.Value {
	cond := b.cond.value(m)
	if cond.Array() == nil {
		if cond.Lambda() != nil {
			return m.Fail(cell.ErrCalc, "the condition is a function")
		}
		t, e := fn.ToBool(cond.Scalar())
		switch {
		case e != 0:
			if cond.Scalar().Kind() == cell.Text {
				return m.Fail(e, "the condition is a text that is neither TRUE nor FALSE")
			}
			return fn.Err(e)
		case t:
			return b.yes.eval(m)
		}
		return b.no.eval(m)
	}
	return m.choose(cond, []expr{b.yes, b.no}, func(x cell.Value) (int, cell.ErrorCode) {
		t, e := fn.ToBool(x)
		if t {
			return 0, e
		}
		return 1, e
	})
}

// choose gives for each element of which the element of one of the branches, each of which
// is evaluated at most once.
func (m *Machine) choose(which fn.Value, branches []expr, pick func(cell.Value) (int, cell.ErrorCode)) fn.Value {
	w, e := m.Matrix(which)
	if e != 0 {
		return fn.Err(e)
	}
	picks := make([]int, len(w.Cells))
	got := make([]*fn.Array, len(branches))
	arrays := []*fn.Array{w}
	for i, x := range w.Cells {
		n, e := pick(x)
		if e != 0 {
			picks[i] = -int(e)
			continue
		}
		picks[i] = n
		if got[n] == nil {
			a, e := m.Matrix(branches[n].value(m))
			if e != 0 {
				return fn.Err(e)
			}
			got[n], arrays = a, append(arrays, a)
		}
	}
	out := m.Joined(arrays...)
	if out == nil {
		return m.Fail(cell.ErrNum, "the array is too large")
	}
	for row := range out.Rows {
		for col := range out.Cols {
			v := cell.ErrorValue(cell.ErrNA)
			if i, ok := w.Place(row, col); ok {
				if n := picks[i]; n < 0 {
					v = cell.ErrorValue(cell.ErrorCode(-n))
				} else {
					v = got[n].Stretch(row, col)
				}
			}
			out.Set(row, col, v)
		}
	}
	return fn.Of(out)
}

// rescue is IFERROR and IFNA.
type rescue struct {
	x, alt expr
	onlyNA bool
}

func (r *rescue) catches(v cell.Value) bool {
	e := v.Err()
	return e != 0 && (!r.onlyNA || e == cell.ErrNA)
}

func (r *rescue) eval(m *Machine) fn.Value { return r.value(m) }
func (r *rescue) value(m *Machine) fn.Value {
	v := r.x.value(m)
	a := v.Array()
	if a == nil {
		if v.IsOmitted() {
			v = fn.Value{}
		}
		if r.catches(v.Scalar()) {
			return r.alt.value(m)
		}
		return v
	}
	caught := false
	for _, x := range a.Cells {
		caught = caught || r.catches(x)
	}
	if !caught {
		return v
	}
	return m.pairs(v, r.alt.value(m), func(x, alt cell.Value) cell.Value {
		if r.catches(x) {
			return alt
		}
		return x
	})
}

// pick is CHOOSE.
type pick struct {
	index expr
	among []expr
}

func (p *pick) value(m *Machine) fn.Value { return m.deref(p.eval(m)) }
func (p *pick) eval(m *Machine) fn.Value {
	find := func(x cell.Value) (int, cell.ErrorCode) {
		f, e := m.ToNumber(x)
		if e == 0 && (f < 1 || f >= float64(len(p.among)+1)) {
			e = cell.ErrValue
		}
		return int(f) - 1, e
	}
	index := p.index.value(m)
	if index.Array() != nil {
		return m.choose(index, p.among, find)
	}
	n, e := find(index.Scalar())
	if e != 0 {
		return m.Fail(e, "CHOOSE has no value of that number")
	}
	return p.among[n].eval(m)
}

// cases is IFS and SWITCH: the first pair whose condition holds.
type cases struct {
	subject expr // nil for IFS
	when    []expr
	then    []expr
	other   expr // nil where there is none
}

func (s *cases) value(m *Machine) fn.Value { return m.deref(s.eval(m)) }
func (s *cases) eval(m *Machine) fn.Value {
	var subject fn.Value
	if s.subject != nil {
		if subject = s.subject.value(m); subject.Err() != 0 {
			return subject
		}
	}
	return s.from(m, subject, 0)
}

// from looks at the pairs from i on.
func (s *cases) from(m *Machine, subject fn.Value, i int) fn.Value {
	for ; i < len(s.when); i++ {
		cond := s.when[i].value(m)
		if s.subject != nil {
			equal := func(x, y cell.Value) cell.Value {
				switch {
				case x.Err() != 0:
					return x
				case y.Err() != 0:
					return y
				}
				return cell.BoolValue(sameKind(x, y) && fn.Compare(x, y) == 0)
			}
			if cond.Array() == nil && subject.Array() == nil {
				cond = fn.Scalar(equal(subject.Scalar(), cond.Scalar()))
			} else {
				cond = m.pairs(subject, cond, equal)
			}
		}
		if cond.Array() != nil {
			rest := i + 1
			return m.choose(cond, []expr{s.then[i], lazily(func(m *Machine) fn.Value { return s.from(m, subject, rest) })},
				func(x cell.Value) (int, cell.ErrorCode) {
					t, e := fn.ToBool(x)
					if t {
						return 0, e
					}
					return 1, e
				})
		}
		t, e := fn.ToBool(cond.Scalar())
		switch {
		case e != 0:
			return m.Fail(e, "a condition is neither true nor false")
		case t:
			return s.then[i].eval(m)
		}
	}
	if s.other != nil {
		return s.other.eval(m)
	}
	return m.Fail(cell.ErrNA, "no condition holds")
}

// sameKind reports whether SWITCH compares two values at all; a blank is like any kind.
func sameKind(x, y cell.Value) bool {
	return x.Kind() == y.Kind() || x.IsBlank() || y.IsBlank()
}

// lazily is an expression that is a function of the program.
type lazily func(*Machine) fn.Value

func (f lazily) eval(m *Machine) fn.Value  { return f(m) }
func (f lazily) value(m *Machine) fn.Value { return m.deref(f(m)) }
