package fn

import (
	"fmt"
	"unsafe"

	"gridflow/internal/cell"
)

// Args are the arguments of a call, brought to the shapes of the function's parameters.
type Args []Value

// Number is the number in v, 1 or 0 of a logical value, and 0 for everything else.
func (v Value) Number() float64 { return v.scalar.Number() }

// Str is the text in v, empty for everything else.
func (v Value) Str() string { return v.scalar.Text() }

// Truth reports whether v is TRUE.
func (v Value) Truth() bool { return v.scalar.Number() != 0 }

// Has reports whether argument i was given, be it empty.
func (a Args) Has(i int) bool { return i < len(a) }

// Given reports whether argument i was given and not left empty.
func (a Args) Given(i int) bool { return i < len(a) && !a[i].IsOmitted() }

// Num gives number i, or def where it was not given.
func (a Args) Num(i int, def float64) float64 {
	if i < len(a) {
		return a[i].scalar.Number()
	}
	return def
}

// Str gives text i, or def where it was not given.
func (a Args) Str(i int, def string) string {
	if i < len(a) {
		return a[i].scalar.Text()
	}
	return def
}

// Truth gives logical value i, or def where it was not given.
func (a Args) Truth(i int, def bool) bool {
	if i < len(a) {
		return a[i].Truth()
	}
	return def
}

// Apply calls f. It changes args.
//
// The first error among the arguments, from left to right, is the result, where neither the
// parameter nor the function asks for errors. Where an argument for a single value is an array, so
// is the result: f is called for each element, single rows and columns are repeated, and
// where arrays do not fit the element is #N/A.
func Apply(c *Context, f *Function, args []Value) Value {
	if len(args) < f.params.Min || len(args) > f.params.Max || !f.whole(len(args)) {
		return c.Fail(cell.ErrValue, f.Count(len(args)))
	}
	var lifted []*Array
	for i := range args {
		shape := f.params.Shape(i)
		if !shape.single() {
			if a := args[i].Array(); f.EachRef && a != nil && a.Areas != nil {
				lifted = append(lifted, a)
				continue
			}
			if e := c.fit(&args[i], shape); e != 0 {
				return c.Fail(e, "argument "+ordinal(i)+" is not what the function takes")
			}
			if a := args[i].Array(); a != nil && a.Long() {
				if e := c.short(f, args, i); e != 0 {
					return c.Fail(e, "argument "+ordinal(i)+" is too large an array")
				}
			}
			continue
		}
		if r := args[i].Ref(); r != nil {
			if shape == ShapeReal && len(r.Areas) == 1 && !r.Areas[0].Single() {
				return c.Fail(cell.ErrValue, "argument "+ordinal(i)+" is to be a single cell or an array, not a range: with + before it a range is an array")
			}
			args[i] = c.Fetch(r)
		}
		if a := args[i].Array(); a != nil {
			lifted = append(lifted, a)
		}
	}
	if lifted != nil {
		return c.lift(f, args, lifted)
	}
	return c.call(f, args)
}

// call coerces the single values and calls f.
func (c *Context) call(f *Function, args []Value) Value {
	for i := range args {
		if shape := f.params.Shape(i); shape == ShapeReal && i >= f.params.Min && args[i].IsOmitted() {
			continue // the Analysis ToolPak cannot tell one left empty from one left out
		} else if shape.single() && shape != ShapeRaw {
			if e := c.coerce(&args[i], shape); e != 0 {
				if e == cell.ErrValue && args[i].scalar.Kind() == cell.Text {
					return c.Fail(e, fmt.Sprintf("%q is not a %s", args[i].scalar.Text(), shapeNames[shape]))
				}
				return Err(e)
			}
		} else if shape == ShapeRaw && args[i].IsOmitted() {
			args[i] = Value{}
		} else if shape <= ShapeArray && shape > ShapeRaw && i < f.params.Min && !f.Errors {
			if e := args[i].Err(); e != 0 {
				return Err(e)
			}
		}
	}
	return f.Eval(c, args)
}

var shapeNames = map[Shape]string{ShapeNum: "number", ShapeReal: "number", ShapeOpt: "number", ShapeBool: "logical value", ShapeText: "text", ShapeAny: "value"}

// lift calls f for each element of what the arrays are that stand for single values.
func (c *Context) lift(f *Function, args []Value, arrays []*Array) Value {
	out := c.Joined(arrays...)
	if out == nil {
		return c.Fail(cell.ErrNum, "the array is too large")
	}
	if f.GivesRefs && !c.refer(out) {
		return c.Fail(cell.ErrNum, "the array is too large")
	}
	one := make([]Value, len(args))
	for row := range out.Rows {
		if c.Stop() {
			break
		}
		for col := range out.Cols {
			copy(one, args)
			v := c.callAt(f, one, row, col)
			if out.Areas != nil {
				v = out.place(row, col, v)
			}
			x := c.Single(v)
			if !c.Keeps(x) {
				return c.Fail(cell.ErrNum, tooMuchText)
			}
			out.Set(row, col, x)
		}
	}
	return Of(out)
}

// callAt calls f for the elements in one place of the arrays that stand for single values and for references.
func (c *Context) callAt(f *Function, args []Value, row, col int) Value {
	for i := range args {
		a := args[i].Array()
		switch {
		case a == nil:
		case f.params.Shape(i).single():
			args[i] = Scalar(a.Stretch(row, col))
		case f.EachRef && a.Areas != nil:
			if args[i] = a.reference(row, col); args[i].Ref() == nil {
				return args[i]
			}
		}
	}
	return c.call(f, args)
}

// refer makes a an array of references, none of them known yet, and reports whether there is room for that.
func (c *Context) refer(a *Array) bool {
	if n := len(a.Cells); n >= largeArray && !c.claim(int64(n)*int64(unsafe.Sizeof(Area{}))) {
		return false
	}
	a.Areas = make([]Area, len(a.Cells))
	return true
}

// place puts what one element of an array of references refers to.
func (a *Array) place(row, col int, v Value) Value {
	area := Area{Sheet: -1}
	switch r := v.Ref(); {
	case r == nil:
	case len(r.Areas) > 1:
		v = Err(cell.ErrValue)
	default:
		area = r.Areas[0]
	}
	a.Areas[row*a.Cols+col] = area
	return v
}

// Single cuts a value to one as an element of an array has to be: of an array or a range
// the first.
func (c *Context) Single(v Value) cell.Value {
	switch x := v.more.(type) {
	case *Array:
		return x.Cells[0]
	case *Ref:
		a := x.Areas[0]
		return c.Book.Value(a.Sheet, a.Range.First)
	case *Lambda:
		return cell.ErrorValue(cell.ErrCalc)
	}
	return v.scalar
}

// coerce brings a single value to a shape.
func (c *Context) coerce(v *Value, shape Shape) cell.ErrorCode {
	if v.more != nil {
		if !v.IsOmitted() {
			return cell.ErrCalc // a function is no value
		}
		switch shape {
		case ShapeReal:
			return cell.ErrNA
		case ShapeOpt:
			return 0
		}
		*v = Value{}
	}
	switch k := v.scalar.Kind(); shape {
	case ShapeNum, ShapeReal, ShapeOpt:
		if k == cell.Bool && shape == ShapeReal {
			return cell.ErrValue
		}
		if k != cell.Number {
			f, e := c.ToNumber(v.scalar)
			if e != 0 {
				return e
			}
			*v = Num(f)
		}
	case ShapeText:
		if k != cell.Text {
			s, e := ToText(v.scalar)
			if e != 0 {
				return e
			}
			*v = Text(s)
		}
	case ShapeBool:
		if k != cell.Bool {
			b, e := ToBool(v.scalar)
			if e != 0 {
				return e
			}
			*v = Bool(b)
		}
	default:
		return v.scalar.Err()
	}
	return 0
}

// fit checks an argument of a whole shape.
func (c *Context) fit(v *Value, shape Shape) cell.ErrorCode {
	switch shape {
	case ShapeRef:
		if v.Ref() == nil {
			if e := v.Err(); e != 0 {
				return e
			}
			return cell.ErrValue
		}
	case ShapeFunc:
		if v.Lambda() == nil && !v.IsOmitted() {
			if e := v.Err(); e != 0 {
				return e
			}
			return cell.ErrValue
		}
	case ShapeOpen:
	default:
		if v.Lambda() != nil {
			return cell.ErrCalc
		}
	}
	return 0
}

// whole reports whether n arguments leave no group of repeated ones half given.
func (f *Function) whole(n int) bool {
	p := &f.params
	return p.repeat < 2 || n < len(p.shapes) || (n-(len(p.shapes)-p.repeat))%p.repeat == 0
}

// Count says how many arguments f takes, where it was given n.
func (f *Function) Count(n int) string {
	p := &f.params
	switch {
	case p.Min == p.Max:
		return fmt.Sprintf("%s takes %d arguments, not %d", f.Name, p.Min, n)
	case p.Max == MaxArgs:
		return fmt.Sprintf("%s takes %d arguments or more, not %d", f.Name, p.Min, n)
	}
	return fmt.Sprintf("%s takes %d to %d arguments, not %d", f.Name, p.Min, p.Max, n)
}

func ordinal(i int) string { return fmt.Sprint(i + 1) }
