package eval

import (
	"gridflow/internal/calc/fn"
	"gridflow/internal/cell"
	"gridflow/internal/formula"
)

// place gives the position that a corner has for the cell at; ok is false off the sheet.
// Positions of defined names wrap around its edges.
func place(c Corner, at cell.Ref, wrap bool) (r cell.Ref, ok bool) {
	r = cell.Ref{Row: int(c.Row), Col: int(c.Col)}
	if !c.AbsRow {
		r.Row += at.Row
	}
	if !c.AbsCol {
		r.Col += at.Col
	}
	if wrap {
		r.Row, r.Col = (r.Row+cell.MaxRows)%cell.MaxRows, (r.Col+cell.MaxCols)%cell.MaxCols
	}
	return r, r.Valid()
}

// At gives the position that a corner has for a cell; ok is false off the sheet.
func At(c Corner, at cell.Ref) (r cell.Ref, ok bool) { return place(c, at, false) }

// one is a reference to one cell.
type one struct {
	sheet int
	at    Corner
	wrap  bool
}

func (o *one) eval(m *Machine) fn.Value {
	r, ok := place(o.at, m.At, o.wrap)
	if !ok {
		return m.Fail(cell.ErrRef, "the reference lies outside of the sheet")
	}
	return fn.To(fn.Cells(fn.Area{Sheet: o.sheet, Range: cell.Range{First: r, Last: r}}))
}

func (o *one) value(m *Machine) fn.Value {
	r, ok := place(o.at, m.At, o.wrap)
	if !ok {
		return m.Fail(cell.ErrRef, "the reference lies outside of the sheet")
	}
	return fn.Scalar(m.Host.Value(o.sheet, r))
}

// area is a reference to a rectangle, of one sheet or of several in a row.
type area struct {
	sheet, last int // sheets of a 3-D reference, both included
	first, end  Corner
	wrap        bool
	fixed       *fn.Ref // what it is wherever the formula stands; nil where it moves with it
}

// newArea makes an area.
func newArea(sheet, last int, first, end Corner, wrap bool) *area {
	a := &area{sheet: sheet, last: last, first: first, end: end, wrap: wrap}
	if first.AbsRow && first.AbsCol && end.AbsRow && end.AbsCol {
		if v := a.eval(&Machine{}); v.Ref() != nil {
			a.fixed = v.Ref()
		}
	}
	return a
}

func (a *area) eval(m *Machine) fn.Value {
	if a.fixed != nil {
		return fn.To(a.fixed)
	}
	p, ok1 := place(a.first, m.At, a.wrap)
	q, ok2 := place(a.end, m.At, a.wrap)
	if !ok1 || !ok2 {
		return m.Fail(cell.ErrRef, "the reference lies outside of the sheet")
	}
	r := cell.RangeOf(p, q)
	if a.last == a.sheet {
		return fn.To(fn.Cells(fn.Area{Sheet: a.sheet, Range: r}))
	}
	ref := &fn.Ref{Across: true}
	for s := a.sheet; s <= a.last; s++ {
		ref.Areas = append(ref.Areas, fn.Area{Sheet: s, Range: r})
	}
	return fn.To(ref)
}

func (a *area) value(m *Machine) fn.Value { return m.deref(a.eval(m)) }

// thisRow is a part of the row of a table in which the formula stands.
type thisRow struct {
	sheet       int
	data        cell.Range // the table's data rows
	first, last int        // columns
}

func (t *thisRow) eval(m *Machine) fn.Value {
	if m.At.Row < t.data.First.Row || m.At.Row > t.data.Last.Row {
		return m.Fail(cell.ErrValue, "the formula does not stand in a row of the table")
	}
	return fn.To(fn.Cells(fn.Area{Sheet: t.sheet, Range: cell.Range{
		First: cell.Ref{Row: m.At.Row, Col: t.first}, Last: cell.Ref{Row: m.At.Row, Col: t.last}}}))
}

func (t *thisRow) value(m *Machine) fn.Value { return m.deref(t.eval(m)) }

// join is an operator between references: the range that spans both (:), what they share
// (space), or both (comma).
type join struct {
	op   formula.Op
	l, r expr
}

func (j *join) value(m *Machine) fn.Value { return m.deref(j.eval(m)) }

func (j *join) eval(m *Machine) fn.Value {
	l, r := j.l.eval(m), j.r.eval(m)
	for _, v := range [...]fn.Value{l, r} {
		switch {
		case v.Err() != 0:
			return v
		case v.Ref() == nil:
			return m.Fail(cell.ErrValue, "an operand is no reference")
		}
	}
	a, b := l.Ref().Areas, r.Ref().Areas
	switch j.op {
	case formula.OpUnion:
		return fn.To(&fn.Ref{Areas: append(a[:len(a):len(a)], b...)})
	case formula.OpRange:
		if len(a) != 1 || len(b) != 1 || a[0].Sheet != b[0].Sheet {
			return m.Fail(cell.ErrValue, "a range joins two areas of one sheet")
		}
		return fn.To(fn.Cells(fn.Area{Sheet: a[0].Sheet, Range: a[0].Range.Union(b[0].Range)}))
	}
	var both []fn.Area
	for _, x := range a {
		for _, y := range b {
			if x.Sheet == y.Sheet {
				if r, ok := x.Range.Intersect(y.Range); ok {
					both = append(both, fn.Area{Sheet: x.Sheet, Range: r})
				}
			}
		}
	}
	if both == nil {
		return m.Fail(cell.ErrNull, "the references share no cell")
	}
	return fn.To(&fn.Ref{Areas: both})
}

// spilled is A1#: the range that the array in a cell fills.
type spilled struct{ x expr }

func (s *spilled) value(m *Machine) fn.Value { return m.deref(s.eval(m)) }

func (s *spilled) eval(m *Machine) fn.Value {
	v := s.x.eval(m)
	r := v.Ref()
	if r == nil || len(r.Areas) != 1 {
		if v.Err() != 0 {
			return v
		}
		return m.Fail(cell.ErrRef, "# stands behind what is no reference to a cell")
	}
	a := r.Areas[0]
	m.Host.Value(a.Sheet, a.Range.First) // the array is that of the last calculation only once its cell is calculated
	full, ok := m.Host.Spill(a.Sheet, a.Range.First)
	if !ok {
		if e := m.Host.Value(a.Sheet, a.Range.First).Err(); e == cell.ErrSpill {
			return fn.Err(e)
		}
		return m.Fail(cell.ErrRef, "the cell before # holds no array that spills")
	}
	return fn.To(fn.Cells(fn.Area{Sheet: a.Sheet, Range: full}))
}

// single is @: one value of a range or an array.
type single struct{ x expr }

func (s *single) eval(m *Machine) fn.Value {
	v := s.x.eval(m)
	if r := v.Ref(); r != nil {
		if len(r.Areas) > 1 {
			return m.Fail(cell.ErrValue, "@ stands before several areas")
		}
		return m.Intersect(r.Areas[0])
	}
	if a := v.Array(); a != nil {
		return fn.Scalar(a.Cells[0])
	}
	return v
}

func (s *single) value(m *Machine) fn.Value { return s.eval(m) }

// named is a defined name: its expression, compiled once, evaluated where it is used. It is
// bound late because names may refer to themselves (recursive functions).
type named struct {
	name string
	body *binding
}

// binding is the compiled expression of a name; root is nil while it is being compiled.
type binding struct{ root expr }

func (n *named) eval(m *Machine) fn.Value {
	return m.enter(func() fn.Value {
		// Names are evaluated as arrays, whatever the formula that uses them.
		return m.withArrays(true, n.body.root.eval)
	})
}

func (n *named) value(m *Machine) fn.Value { return m.deref(n.eval(m)) }

// enter runs f without the bindings of the formula around it and within the bound of depth.
func (m *Machine) enter(f func() fn.Value) fn.Value {
	if m.depth >= maxDepth {
		return m.Fail(cell.ErrNum, "names and functions call each other too deep")
	}
	locals := m.locals
	m.locals, m.depth = nil, m.depth+1
	v := f()
	m.locals, m.depth = locals, m.depth-1
	return v
}

// external is a reference to cells of another workbook: their values, never a reference.
type external struct {
	book, sheet string
	first, last Corner
}

func (e *external) eval(m *Machine) fn.Value { return e.value(m) }

func (e *external) value(m *Machine) fn.Value {
	p, ok1 := place(e.first, m.At, false)
	q, ok2 := place(e.last, m.At, false)
	if !ok1 || !ok2 {
		return m.Fail(cell.ErrRef, "the reference lies outside of the sheet")
	}
	return m.Host.External(e.book, e.sheet, cell.RangeOf(p, q))
}
