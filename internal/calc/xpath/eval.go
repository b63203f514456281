package xpath

import (
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
)

// The values of expressions are sets of nodes in document order ([]*node), numbers
// (float64), texts (string) and logical values (bool).
type expr func(*context) any

// context is for what an expression is evaluated.
type context struct {
	search    *search
	node      *node
	pos, size int
}

// search counts the steps of one search.
type search struct {
	doc   *Document
	steps int // that are left
	stop  func() bool
}

// ErrSteps says that a search took more steps than it was allowed, or was stopped.
var ErrSteps = errors.New("xpath: the search takes too long")

// ErrNoNodes says that an expression gives a number, a text or a logical value.
var ErrNoNodes = errors.New("xpath: the expression gives no nodes")

// outOfSteps is what ends a search from deep inside.
type outOfSteps struct{}

func (s *search) spend(n int) {
	before := s.steps
	s.steps -= n
	if s.steps < 0 || before>>16 != s.steps>>16 && s.stop() {
		panic(outOfSteps{})
	}
}

// Find gives the contents of the nodes that the path finds, in document order. It takes
// so many steps at most, and asks stop now and then whether to end earlier.
func (p *Path) Find(d *Document, steps int, stop func() bool) (found []string, err error) {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(outOfSteps); !ok {
				panic(r)
			}
			found, err = nil, ErrSteps
		}
	}()
	s := &search{doc: d, steps: steps, stop: stop}
	set, ok := p.eval(&context{search: s, node: d.all[0], pos: 1, size: 1}).([]*node)
	if !ok {
		return nil, ErrNoNodes
	}
	for _, n := range set {
		found = append(found, s.content(n))
	}
	return found, nil
}

// content gives the text of a node: of an element and of the root all texts in it.
func (s *search) content(n *node) string {
	if n.kind != elementNode && n.kind != rootNode {
		return n.data
	}
	var b strings.Builder
	for _, x := range s.doc.all[n.at:n.end] {
		s.spend(1)
		if x.kind == textNode {
			s.spend(len(x.data) / 16)
			b.WriteString(x.data)
		}
	}
	return b.String()
}

// An axis gives the nodes that lie in a direction, the nearest first.
type axis func(d *Document, n *node, f func(*node))

var axes = map[string]axis{
	"self": func(_ *Document, n *node, f func(*node)) { f(n) },
	"child": func(_ *Document, n *node, f func(*node)) {
		for _, x := range n.children {
			f(x)
		}
	},
	"attribute": func(_ *Document, n *node, f func(*node)) {
		for _, x := range n.attrs {
			f(x)
		}
	},
	"parent": func(_ *Document, n *node, f func(*node)) {
		if n.parent != nil {
			f(n.parent)
		}
	},
	"ancestor":         func(_ *Document, n *node, f func(*node)) { ancestors(n.parent, f) },
	"ancestor-or-self": func(_ *Document, n *node, f func(*node)) { ancestors(n, f) },
	"descendant":       func(d *Document, n *node, f func(*node)) { within(d, n.at+1, n.end, f) },
	"descendant-or-self": func(d *Document, n *node, f func(*node)) {
		f(n)
		within(d, n.at+1, n.end, f)
	},
	"following": func(d *Document, n *node, f func(*node)) { within(d, n.end, len(d.all), f) },
	"preceding": func(d *Document, n *node, f func(*node)) {
		for i := n.at - 1; i > 0; i-- {
			if x := d.all[i]; x.end <= n.at && x.kind != attributeNode {
				f(x)
			}
		}
	},
	"following-sibling": func(_ *Document, n *node, f func(*node)) {
		if n.parent != nil && n.kind != attributeNode {
			for _, x := range n.parent.children[n.place+1:] {
				f(x)
			}
		}
	},
	"preceding-sibling": func(_ *Document, n *node, f func(*node)) {
		if n.parent != nil && n.kind != attributeNode {
			for i := n.place - 1; i >= 0; i-- {
				f(n.parent.children[i])
			}
		}
	},
	"namespace": func(*Document, *node, func(*node)) {},
}

func ancestors(n *node, f func(*node)) {
	for ; n != nil; n = n.parent {
		f(n)
	}
}

func within(d *Document, from, to int, f func(*node)) {
	for _, x := range d.all[min(from, to):to] {
		if x.kind != attributeNode {
			f(x)
		}
	}
}

func anyNode(*node) bool { return true }

// nodeTests are those written as calls.
var nodeTests = map[string]func(*node) bool{
	"node":                   anyNode,
	"text":                   func(n *node) bool { return n.kind == textNode },
	"comment":                func(n *node) bool { return n.kind == commentNode },
	"processing-instruction": func(n *node) bool { return n.kind == instructionNode },
}

// step is one step of a path.
type step struct {
	axis      axis
	test      func(*node) bool
	principal kind // the kind of node that names and * are about
	keep      []expr
}

// from gives the nodes that the step finds from those of another expression.
func (s *step) from(from expr) expr {
	return func(c *context) any {
		start := nodes(from(c))
		var out []*node
		for _, n := range start {
			var found []*node
			s.axis(c.search.doc, n, func(x *node) {
				c.search.spend(1)
				if s.test(x) {
					found = append(found, x)
				}
			})
			for _, keep := range s.keep {
				found = c.filter(found, keep)
			}
			out = append(out, found...)
		}
		return ordered(out)
	}
}

// descend gives all nodes in and under those of another expression, as // does.
func descend(from expr) expr {
	s := &step{axis: axes["descendant-or-self"], test: anyNode}
	return s.from(from)
}

// ordered brings nodes into document order, each once.
func ordered(set []*node) []*node {
	slices.SortFunc(set, func(a, b *node) int { return a.at - b.at })
	return slices.Compact(set)
}

// filter keeps the nodes for which an expression is true, or a number that is their place.
func (c *context) filter(set []*node, keep expr) []*node {
	var out []*node
	for i, n := range set {
		c.search.spend(1)
		v := keep(&context{search: c.search, node: n, pos: i + 1, size: len(set)})
		if f, ok := v.(float64); ok && f == float64(i+1) || !ok && toBool(v) {
			out = append(out, n)
		}
	}
	return out
}

// nodes gives a set of nodes; a value that is none has no nodes.
func nodes(v any) []*node { set, _ := v.([]*node); return set }

// operation makes the expression of an operator.
func operation(op string, left, right expr) expr {
	switch op {
	case "or":
		return func(c *context) any { return toBool(left(c)) || toBool(right(c)) }
	case "and":
		return func(c *context) any { return toBool(left(c)) && toBool(right(c)) }
	case "|":
		return func(c *context) any { return ordered(slices.Concat(nodes(left(c)), nodes(right(c)))) }
	case "+", "-", "*", "div", "mod":
		return func(c *context) any {
			x, y := c.number(left(c)), c.number(right(c))
			switch op {
			case "+":
				return x + y
			case "-":
				return x - y
			case "*":
				return x * y
			case "div":
				return x / y
			}
			return math.Mod(x, y)
		}
	}
	return func(c *context) any { return c.compare(op, left(c), right(c)) }
}

// compare carries out a comparison; one with a set of nodes is true if it is for any node.
func (c *context) compare(op string, x, y any) bool {
	for _, side := range [2]bool{true, false} {
		set, other := x, y
		if !side {
			set, other = y, x
		}
		list, ok := set.([]*node)
		if !ok {
			continue
		}
		if b, ok := other.(bool); ok {
			return compareAtoms(op, side, len(list) > 0, b)
		}
		for _, n := range list {
			c.search.spend(1)
			s := c.search.content(n)
			if _, ok := other.([]*node); ok {
				if side && c.compare(op, s, other) {
					return true
				}
			} else if compareAtoms(op, side, s, other) {
				return true
			}
		}
		return false
	}
	return compareAtoms(op, true, x, y)
}

// compareAtoms compares single values, the other way round unless they are in order.
func compareAtoms(op string, inOrder bool, x, y any) bool {
	if !inOrder {
		x, y = y, x
	}
	if op == "=" || op == "!=" {
		_, xb := x.(bool)
		_, yb := y.(bool)
		_, xn := x.(float64)
		_, yn := y.(float64)
		var same bool
		switch {
		case xb || yb:
			same = toBool(x) == toBool(y)
		case xn || yn:
			same = toNumber(x) == toNumber(y)
		default:
			same = x == y
		}
		return same == (op == "=")
	}
	f, g := toNumber(x), toNumber(y)
	switch op {
	case "<":
		return f < g
	case "<=":
		return f <= g
	case ">":
		return f > g
	}
	return f >= g
}

// text brings a value to a text; of nodes it is that of the first.
func (c *context) text(v any) string {
	switch x := v.(type) {
	case string:
		return x
	case bool:
		return strconv.FormatBool(x)
	case float64:
		switch {
		case x != x:
			return "NaN"
		case math.IsInf(x, 0):
			return strings.TrimPrefix(strconv.FormatFloat(x, 'f', -1, 64), "+") + "inity"
		case x == 0:
			return "0"
		}
		return strconv.FormatFloat(x, 'f', -1, 64)
	case []*node:
		if len(x) > 0 {
			return c.search.content(x[0])
		}
	}
	return ""
}

func (c *context) number(v any) float64 {
	if set, ok := v.([]*node); ok {
		v = c.text(set)
	}
	return toNumber(v)
}

// toNumber brings a value that is no set of nodes to a number.
func toNumber(v any) float64 {
	switch x := v.(type) {
	case float64:
		return x
	case bool:
		if x {
			return 1
		}
		return 0
	case string:
		s := strings.Trim(x, " \t\r\n")
		if s == "" || strings.Trim(strings.TrimPrefix(s, "-"), "0123456789.") != "" {
			return math.NaN()
		}
		if f, err := strconv.ParseFloat(s, 64); err == nil {
			return f
		}
	}
	return math.NaN()
}

func toBool(v any) bool {
	switch x := v.(type) {
	case bool:
		return x
	case float64:
		return x == x && x != 0
	case string:
		return x != ""
	case []*node:
		return len(x) > 0
	}
	return false
}
