package eval

import (
	"gridflow/internal/calc/fn"
	"gridflow/internal/cell"
)

// call is a call of a function of the library.
type call struct {
	f    *fn.Function
	args []expr
	arr  []bool // which arguments are evaluated with arrays on
	ref  []bool // which keep a reference
}

func (c *call) value(m *Machine) fn.Value { return m.deref(c.eval(m)) }

func (c *call) eval(m *Machine) fn.Value {
	base := len(m.stack)
	for i, x := range c.args {
		was := m.Arrays
		m.Arrays = was || c.arr[i]
		var v fn.Value
		if c.ref[i] {
			v = x.eval(m)
		} else {
			v = x.value(m)
		}
		m.Arrays = was
		m.stack = append(m.stack, v)
	}
	top := len(m.stack)
	v := m.apply(c.f, m.stack[base:top:top])
	clear(m.stack[base:top])
	m.stack = m.stack[:base]
	return v
}

// apply calls a function of the library.
func (m *Machine) apply(f *fn.Function, args []fn.Value) fn.Value {
	if m.Why == nil {
		return fn.Apply(&m.Context, f, args)
	}
	why, was := m.Why, m.Calling
	told := false
	m.Calling, m.Why = f.Name, func(code cell.ErrorCode, reason string) { told = true; why(code, reason) }
	own := true // an error of the result cannot be that of an argument
	for i := range args {
		own = own && args[i].Err() == 0 && args[i].Ref() == nil && args[i].Array() == nil
	}
	v := fn.Apply(&m.Context, f, args)
	if e := v.Err(); e != 0 && own && !told {
		why(e, "the function has no value for these arguments")
	}
	m.Why, m.Calling = why, was
	return v
}

// invoke calls a function that a formula made.
func (m *Machine) invoke(l *fn.Lambda, args []fn.Value) fn.Value {
	switch body := l.Body.(type) {
	case *closure:
		if len(args) > l.Params || len(args) < l.Params-l.Optional {
			return m.Fail(cell.ErrValue, "the function takes another number of arguments")
		}
		if m.depth >= maxDepth || m.Stop() {
			return m.Fail(cell.ErrNum, "functions call each other too deep")
		}
		locals, arrays := m.locals, m.Arrays
		m.locals = append(body.env[:len(body.env):len(body.env)], args...)
		for range l.Params - len(args) {
			m.locals = append(m.locals, fn.Omitted)
		}
		m.depth, m.Arrays = m.depth+1, true
		v := body.body.eval(m)
		m.locals, m.depth, m.Arrays = locals, m.depth-1, arrays
		return v
	case *fn.Function:
		was := m.Arrays
		m.Arrays = true
		v := m.apply(body, append([]fn.Value(nil), args...))
		m.Arrays = was
		return v
	}
	return m.Fail(cell.ErrValue, "what is called is no function")
}

// closure is the inside of a function that a formula made.
type closure struct {
	body expr
	env  []fn.Value // what was bound where it was made
}

// lambda makes a function.
type lambda struct {
	params, optional int
	body             expr
}

func (l *lambda) value(m *Machine) fn.Value { return l.eval(m) }
func (l *lambda) eval(m *Machine) fn.Value {
	env := append([]fn.Value(nil), m.locals...)
	return fn.Func(&fn.Lambda{Params: l.params, Optional: l.optional, Body: &closure{body: l.body, env: env}})
}

// invoke1 calls what an expression gives: LAMBDA(x, x+1)(2), or a name that is a function.
type invocation struct {
	f    expr
	args []expr
}

func (i *invocation) value(m *Machine) fn.Value { return m.deref(i.eval(m)) }
func (i *invocation) eval(m *Machine) fn.Value {
	f := i.f.eval(m)
	l := f.Lambda()
	if l == nil {
		if f.Err() != 0 {
			return f
		}
		return m.Fail(cell.ErrRef, "what is called is no function")
	}
	args := make([]fn.Value, len(i.args))
	for n, x := range i.args {
		args[n] = x.eval(m)
	}
	return m.invoke(l, args)
}

// local is a name that LET or LAMBDA bound, by its place among what is bound.
type local struct {
	slot int
	many bool // see multi
}

func (l *local) eval(m *Machine) fn.Value {
	v := m.locals[l.slot]
	if v.IsOmitted() {
		return fn.Value{}
	}
	return v
}
func (l *local) value(m *Machine) fn.Value { return m.deref(l.eval(m)) }

// let binds values one after another.
type let struct {
	values []expr
	body   expr
}

func (l *let) value(m *Machine) fn.Value { return m.deref(l.eval(m)) }
func (l *let) eval(m *Machine) fn.Value {
	locals := m.locals
	for _, x := range l.values {
		v := x.eval(m)
		m.locals = append(m.locals[:len(m.locals):len(m.locals)], v)
	}
	v := l.body.eval(m)
	m.locals = locals
	return v
}

// isOmitted is ISOMITTED: whether an argument of a function was left out.
type isOmitted struct{ slot int }

func (i *isOmitted) eval(m *Machine) fn.Value  { return fn.Bool(m.locals[i.slot].IsOmitted()) }
func (i *isOmitted) value(m *Machine) fn.Value { return i.eval(m) }
