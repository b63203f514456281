package eval

import (
	"strings"

	"gridflow/internal/calc/fn"
	"gridflow/internal/cell"
	"gridflow/internal/formula"
)

// byPlace are the functions that look at where their first argument lies, not at what
// it holds: it is not read.
var byPlace = map[string]bool{"ROW": true, "COLUMN": true, "ROWS": true, "COLUMNS": true, "OFFSET": true, "AREAS": true,
	"SHEET": true, "SHEETS": true, "ISREF": true}

// placed are the functions whose value may be another one after rows, columns or sheets came, went or moved, although what they are given
// are the same cells.
var placed = map[string]bool{"ROW": true, "COLUMN": true, "SHEET": true, "SHEETS": true, "FORMULATEXT": true, "CELL": true, "OFFSET": true, "INDIRECT": true}

// call compiles a call of a function.
func (c *compiler) call(n *formula.Node) expr {
	name := n.Function()
	if n.Ref != nil { // Sheet1!Name(1) or a function of another workbook
		if b := n.Ref.Book(); b != "" && b != "0" {
			c.p.Elsewhere = true
			c.mention(n.Kids)
			return c.unknown(name)
		}
	}
	switch name {
	case "ANCHORARRAY":
		if len(n.Kids) == 1 {
			return &spilled{c.expr(n.Kids[0])}
		}
	case "_TRO_ALL", "_TRO_LEADING", "_TRO_TRAILING":
		if len(n.Kids) == 1 {
			return c.trimmed(formula.TrimOf(name), func() expr { return c.expr(n.Kids[0]) })
		}
	case "SINGLE":
		if len(n.Kids) == 1 {
			c.p.Intersects = true
			return &single{c.expr(n.Kids[0])}
		}
	}
	f := fn.Find(name)
	if f == nil {
		c.looksFor(n.Text)
		if tree, _, ok := c.scope.Name(c.sheet, n.Text); ok && tree != nil {
			return &invocation{c.name(&formula.Reference{Kind: formula.NameRef, Name: n.Text}, c.sheet), c.exprs(n.Kids)}
		}
		c.p.Elsewhere = true // it may be a macro's
		c.mention(n.Kids)
		return c.unknown(name)
	}
	c.calls(f)
	if p := f.Takes(); len(n.Kids) < p.Min || len(n.Kids) > p.Max {
		c.mention(n.Kids)
		return &failed{code: cell.ErrValue, reason: f.Count(len(n.Kids))}
	}
	if f.Special() {
		return c.special(name, n)
	}
	out := &call{f: f, args: make([]expr, len(n.Kids)), arr: make([]bool, len(n.Kids)), ref: make([]bool, len(n.Kids))}
	for i, k := range n.Kids {
		whole, as := c.whole, c.mode
		shape := f.Takes().Shape(i)
		c.whole = whole || shape == fn.ShapeArray || shape == fn.ShapeFunc || shape == fn.ShapeOpen
		if i == 0 && as == reading && byPlace[name] && k.Kind == formula.Ref {
			c.mode = positional
		}
		out.args[i] = c.argument(k)
		c.whole, c.mode = whole, as
		switch shape {
		case fn.ShapeArray, fn.ShapeFunc, fn.ShapeOpen:
			out.arr[i], out.ref[i] = true, true
		case fn.ShapeRange, fn.ShapeRef:
			out.ref[i] = true
		case fn.ShapeReal: // which refuses ranges, but not what a + before one makes of it
			out.ref[i] = k.Kind != formula.Unary
			if !reference(out.args[i], 0) {
				c.cut(out.args[i])
			}
		default:
			c.cut(out.args[i])
		}
	}
	if ofPlaces[name] {
		c.cut(out.args[1])
	}
	if len(out.args) == 3 && (name == "SUMIF" || name == "AVERAGEIF") {
		c.beyond(out.args[0], out.args[2])
	}
	return out
}

// special compiles a call that decides which arguments are evaluated.
func (c *compiler) special(name string, n *formula.Node) expr {
	kids := n.Kids
	switch name {
	case "IF":
		b := &branch{cond: c.expr(kids[0]), yes: &constant{fn.True}, no: &constant{fn.False}}
		c.cut(b.cond)
		if len(kids) > 1 {
			b.yes = c.expr(kids[1])
		}
		if len(kids) > 2 {
			b.no = c.expr(kids[2])
		}
		return b
	case "IFERROR", "IFNA":
		r := &rescue{x: c.expr(kids[0]), alt: c.expr(kids[1]), onlyNA: name == "IFNA"}
		c.cut(r.x)
		c.cut(r.alt)
		return r
	case "CHOOSE":
		p := &pick{index: c.expr(kids[0])}
		c.cut(p.index)
		for _, k := range kids[1:] {
			p.among = append(p.among, c.expr(k))
		}
		return p
	case "IFS":
		if len(kids)%2 != 0 {
			return &failed{code: cell.ErrNA, reason: "a condition of IFS has no value"}
		}
		return c.cases(nil, kids)
	case "SWITCH":
		subject := c.expr(kids[0])
		c.cut(subject)
		return c.cases(subject, kids[1:])
	case "LET":
		return c.let(kids)
	case "LAMBDA":
		return c.lambda(kids)
	}
	// ISOMITTED
	if kids[0].Kind == formula.Local {
		if slot := c.slot(kids[0].Name()); slot >= 0 {
			return &isOmitted{slot}
		}
	}
	return &constant{fn.False}
}

func (c *compiler) cases(subject expr, kids []*formula.Node) expr {
	s := &cases{subject: subject}
	for ; len(kids) > 1; kids = kids[2:] {
		when := c.expr(kids[0])
		c.cut(when)
		s.when = append(s.when, when)
		s.then = append(s.then, c.expr(kids[1]))
	}
	if len(kids) == 1 {
		s.other = c.expr(kids[0])
	}
	return s
}

func (c *compiler) let(kids []*formula.Node) expr {
	if len(kids)%2 == 0 {
		return &failed{code: cell.ErrValue, reason: "LET has no calculation behind its names"}
	}
	l, outer := &let{}, len(c.bound)
	for ; len(kids) > 1; kids = kids[2:] {
		if kids[0].Kind != formula.Local {
			c.bound = c.bound[:outer]
			return &failed{code: cell.ErrName, reason: "LET is given what cannot be a name"}
		}
		l.values = append(l.values, c.expr(kids[1]))
		c.bound = append(c.bound, bound{kids[0].Name(), multi(l.values[len(l.values)-1], 0)})
	}
	l.body = c.expr(kids[0])
	c.bound = c.bound[:outer]
	return l
}

func (c *compiler) lambda(kids []*formula.Node) expr {
	l, outer := &lambda{}, len(c.bound)
	for _, k := range kids[:len(kids)-1] {
		if k.Kind != formula.Local {
			c.bound = c.bound[:outer]
			return &failed{code: cell.ErrValue, reason: "LAMBDA is given what cannot be the name of a parameter"}
		}
		if strings.HasPrefix(k.Text, "[") || len(k.Text) > 6 && strings.EqualFold(k.Text[:6], "_xlop.") {
			l.optional++
		}
		l.params++
		c.bound = append(c.bound, bound{name: k.Name()})
	}
	l.body = c.expr(kids[len(kids)-1])
	c.bound = c.bound[:outer]
	return l
}
