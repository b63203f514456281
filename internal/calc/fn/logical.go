package fn

import "gridflow/internal/cell"

var logicalFunctions = []Function{
	{Name: "TRUE", Category: Logical, Since: 2007, Eval: func(*Context, Args) Value { return True }},
	{Name: "FALSE", Category: Logical, Since: 2007, Eval: func(*Context, Args) Value { return False }},
	{Name: "NOT", Category: Logical, Params: "bool", Since: 2007, Eval: func(_ *Context, a Args) Value { return Bool(!a[0].Truth()) }},
	{Name: "AND", Category: Logical, Params: "range...", Since: 2007, Eval: func(c *Context, a Args) Value {
		return c.fold(a, true, func(acc, x bool) bool { return acc && x })
	}},
	{Name: "OR", Category: Logical, Params: "range...", Since: 2007, Eval: func(c *Context, a Args) Value {
		return c.fold(a, false, func(acc, x bool) bool { return acc || x })
	}},
	{Name: "XOR", Category: Logical, Params: "range...", Since: 2013, Eval: func(c *Context, a Args) Value {
		return c.fold(a, false, func(acc, x bool) bool { return acc != x })
	}},
}

// fold combines the logical values in args: numbers and logical values of ranges, where
// texts are passed over, and single values coerced. With none it is #VALUE!.
func (c *Context) fold(args Args, acc bool, f func(acc, x bool) bool) Value {
	any, code := false, cell.ErrorCode(0)
	for _, v := range args {
		c.Each(v, func(x cell.Value, whole bool) bool {
			switch x.Kind() {
			case cell.Number, cell.Bool:
			case cell.Error:
				code = x.Err()
				return false
			default:
				if whole {
					return true
				}
			}
			b, e := ToBool(x)
			if e != 0 {
				code = e
				return false
			}
			any, acc = true, f(acc, b)
			return true
		})
		if code != 0 {
			return Err(code)
		}
	}
	if !any {
		return c.Fail(cell.ErrValue, "there is no logical value among the arguments")
	}
	return Bool(acc)
}
