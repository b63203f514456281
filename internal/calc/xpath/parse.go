package xpath

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Path is a compiled expression.
type Path struct{ eval expr }

// ErrSyntax matches every error that Compile gives.
var ErrSyntax = errors.New("xpath: the expression cannot be read")

// deepest bounds how far expressions are nested; each pair of parentheses counts for seven.
const deepest = 1000

// Compile reads an expression.
func Compile(text string) (*Path, error) {
	p := &parser{}
	if err := p.scan(text); err != nil {
		return nil, err
	}
	e, err := p.or()
	if err == nil && p.tok() != "" {
		err = p.fail("something stands behind the expression")
	}
	if err != nil {
		return nil, err
	}
	return &Path{e}, nil
}

// parser reads a list of tokens by recursive descent, one method for each level of
// precedence.
type parser struct {
	tokens []token
	i      int
	depth  int
}

// token is a symbol, an operator, a name, a number or a quoted text.
type token struct {
	text string
	kind tokenKind
}

type tokenKind uint8

const (
	symbol   tokenKind = iota // also operators that are words
	name                      // a:b, a or a:*
	number                    // digits and a point
	literal                   // what stands between quotes
	wildcard                  // * for any name
)

func (p *parser) fail(reason string) error { return fmt.Errorf("%w: %s", ErrSyntax, reason) }

// scan cuts the text into tokens. A * is a product and a name like div an operator where
// something stands before it that they can join (section 3.7 of the recommendation).
func (p *parser) scan(s string) error {
	for {
		s = strings.TrimLeft(s, " \t\r\n")
		if s == "" {
			return nil
		}
		joins := false
		if n := len(p.tokens); n > 0 {
			t := p.tokens[n-1]
			joins = t.kind != symbol || t.text == ")" || t.text == "]" || t.text == "." || t.text == ".."
		}
		add := func(n int, k tokenKind) {
			p.tokens = append(p.tokens, token{s[:n], k})
			s = s[n:]
		}
		c := s[0]
		switch {
		case c == '"' || c == '\'':
			end := strings.IndexByte(s[1:], c)
			if end < 0 {
				return p.fail("a quote is not closed")
			}
			p.tokens = append(p.tokens, token{s[1 : 1+end], literal})
			s = s[end+2:]
		case isDigit(c) || c == '.' && len(s) > 1 && isDigit(s[1]):
			n := 0
			for n < len(s) && isDigit(s[n]) {
				n++
			}
			if n < len(s) && s[n] == '.' {
				for n++; n < len(s) && isDigit(s[n]); n++ {
				}
			}
			add(n, number)
		case c == '*':
			if joins {
				add(1, symbol)
			} else {
				add(1, wildcard)
			}
		case strings.HasPrefix(s, "::"), strings.HasPrefix(s, "//"), strings.HasPrefix(s, ".."),
			strings.HasPrefix(s, "!="), strings.HasPrefix(s, "<="), strings.HasPrefix(s, ">="):
			add(2, symbol)
		case strings.IndexByte("()[].@,/|+-=<>", c) >= 0:
			add(1, symbol)
		default:
			n := nameLength(s)
			if n == 0 {
				return p.fail("a character is no part of an expression")
			}
			if joins {
				switch s[:n] {
				case "and", "or", "div", "mod":
					add(n, symbol)
					continue
				}
				return p.fail("two values stand side by side")
			}
			if strings.HasPrefix(s[n:], ":") && !strings.HasPrefix(s[n:], "::") {
				rest := s[n+1:]
				if m := nameLength(rest); m > 0 {
					n += 1 + m
				} else if strings.HasPrefix(rest, "*") {
					n += 2
				}
			}
			add(n, name)
		}
	}
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// nameLength gives the length of the name at the beginning of s.
func nameLength(s string) int {
	for i, r := range s {
		if r == '_' || unicode.IsLetter(r) || i > 0 && (r == '-' || r == '.' || unicode.IsDigit(r) || unicode.IsMark(r)) {
			continue
		}
		if r == utf8.RuneError {
			return 0
		}
		return i
	}
	return len(s)
}

// tok gives the text of the next token if it is a symbol, and what is no symbol otherwise.
func (p *parser) tok() string {
	if p.i == len(p.tokens) {
		return ""
	}
	if t := p.tokens[p.i]; t.kind == symbol {
		return t.text
	}
	return "value"
}

// is reports whether the next token is of a kind.
func (p *parser) is(k tokenKind) bool { return p.i < len(p.tokens) && p.tokens[p.i].kind == k }

// take goes past the next token if it is that symbol.
func (p *parser) take(s string) bool {
	if p.tok() == s {
		p.i++
		return true
	}
	return false
}

// binary reads a level of operators that go from left to right.
func (p *parser) binary(operand func() (expr, error), operators ...string) (expr, error) {
	if p.depth++; p.depth > deepest {
		return nil, p.fail("it is nested too deeply")
	}
	defer func() { p.depth-- }()
	left, err := operand()
next:
	for err == nil {
		for _, op := range operators {
			if !p.take(op) {
				continue
			}
			var right expr
			if right, err = operand(); err == nil {
				left = operation(op, left, right)
			}
			continue next
		}
		return left, nil
	}
	return nil, err
}

func (p *parser) or() (expr, error)       { return p.binary(p.and, "or") }
func (p *parser) and() (expr, error)      { return p.binary(p.equality, "and") }
func (p *parser) equality() (expr, error) { return p.binary(p.relation, "=", "!=") }
func (p *parser) relation() (expr, error) { return p.binary(p.sum, "<=", ">=", "<", ">") }
func (p *parser) sum() (expr, error)      { return p.binary(p.product, "+", "-") }
func (p *parser) product() (expr, error)  { return p.binary(p.unary, "*", "div", "mod") }

func (p *parser) unary() (expr, error) {
	negative, signs := false, 0
	for ; p.take("-"); signs++ {
		negative = !negative
	}
	e, err := p.binary(p.path, "|")
	if err != nil || signs == 0 {
		return e, err
	}
	return func(c *context) any {
		f := c.number(e(c))
		if negative {
			f = -f
		}
		return f
	}, nil
}

// path reads a location path, or another expression with a path behind it.
func (p *parser) path() (expr, error) {
	switch {
	case p.take("/"):
		e := expr(func(c *context) any { return []*node{c.search.doc.all[0]} })
		if !p.startsStep() {
			return e, nil
		}
		return p.steps(e)
	case p.take("//"):
		return p.steps(descend(func(c *context) any { return []*node{c.search.doc.all[0]} }))
	case p.startsStep():
		return p.steps(func(c *context) any { return []*node{c.node} })
	}
	e, err := p.primary()
	if err != nil {
		return nil, err
	}
	for p.tok() == "[" {
		keep, err := p.predicate()
		if err != nil {
			return nil, err
		}
		from := e
		e = func(c *context) any { return c.filter(nodes(from(c)), keep) }
	}
	switch {
	case p.take("/"):
		return p.steps(e)
	case p.take("//"):
		return p.steps(descend(e))
	}
	return e, nil
}

// startsStep reports whether a step of a path is next, and no call or other value.
func (p *parser) startsStep() bool {
	switch p.tok() {
	case ".", "..", "@":
		return true
	}
	if p.is(wildcard) {
		return true
	}
	if !p.is(name) {
		return false
	}
	if p.i+1 < len(p.tokens) && p.tokens[p.i+1] == (token{"(", symbol}) {
		return nodeTests[p.tokens[p.i].text] != nil
	}
	return true
}

// steps reads the steps of a path that begins at the nodes of from.
func (p *parser) steps(from expr) (expr, error) {
	for {
		s, err := p.step()
		if err != nil {
			return nil, err
		}
		from = s.from(from)
		switch {
		case p.take("/"):
		case p.take("//"):
			from = descend(from)
		default:
			return from, nil
		}
	}
}

func (p *parser) step() (*step, error) {
	switch {
	case p.take("."):
		return &step{axis: axes["self"], test: anyNode}, nil
	case p.take(".."):
		return &step{axis: axes["parent"], test: anyNode}, nil
	}
	s := &step{axis: axes["child"], principal: elementNode}
	if p.take("@") {
		s.axis, s.principal = axes["attribute"], attributeNode
	} else if p.is(name) && p.i+1 < len(p.tokens) && p.tokens[p.i+1] == (token{"::", symbol}) {
		a, ok := axes[p.tokens[p.i].text]
		if !ok {
			return nil, p.fail("there is no such axis")
		}
		if p.tokens[p.i].text == "attribute" {
			s.principal = attributeNode
		}
		s.axis = a
		p.i += 2
	}
	if err := p.nodeTest(s); err != nil {
		return nil, err
	}
	for p.tok() == "[" {
		keep, err := p.predicate()
		if err != nil {
			return nil, err
		}
		s.keep = append(s.keep, keep)
	}
	return s, nil
}

// nodeTest reads which nodes of an axis a step takes.
func (p *parser) nodeTest(s *step) error {
	if p.is(wildcard) {
		p.i++
		principal := s.principal
		s.test = func(n *node) bool { return n.kind == principal }
		return nil
	}
	if !p.is(name) {
		return p.fail("the name of a node is missing")
	}
	want, principal := p.tokens[p.i].text, s.principal
	p.i++
	if p.take("(") {
		if s.test = nodeTests[want]; s.test == nil {
			return p.fail("there is no such kind of node")
		}
		if p.is(literal) && want == "processing-instruction" {
			target := p.tokens[p.i].text
			p.i++
			s.test = func(n *node) bool { return n.kind == instructionNode && n.name == target }
		}
		if !p.take(")") {
			return p.fail("a parenthesis is not closed")
		}
		return nil
	}
	if prefix, ok := strings.CutSuffix(want, "*"); ok {
		s.test = func(n *node) bool { return n.kind == principal && strings.HasPrefix(n.name, prefix) }
		return nil
	}
	s.test = func(n *node) bool { return n.kind == principal && n.name == want }
	return nil
}

func (p *parser) predicate() (expr, error) {
	p.i++ // the bracket
	e, err := p.or()
	if err == nil && !p.take("]") {
		err = p.fail("a bracket is not closed")
	}
	return e, err
}

// primary reads a number, a text, a call or an expression in parentheses.
func (p *parser) primary() (expr, error) {
	switch {
	case p.take("("):
		e, err := p.or()
		if err == nil && !p.take(")") {
			err = p.fail("a parenthesis is not closed")
		}
		return e, err
	case p.is(literal):
		s := p.tokens[p.i].text
		p.i++
		return func(*context) any { return s }, nil
	case p.is(number):
		f, err := strconv.ParseFloat(p.tokens[p.i].text, 64)
		if err != nil {
			return nil, p.fail("a number is out of range")
		}
		p.i++
		return func(*context) any { return f }, nil
	case p.is(name):
		return p.call()
	}
	return nil, p.fail("a value is missing")
}

func (p *parser) call() (expr, error) {
	f, ok := functions[p.tokens[p.i].text]
	if !ok {
		return nil, p.fail("there is no such function")
	}
	p.i += 2 // the parenthesis, too: anything else would be a step
	var args []expr
	for !p.take(")") {
		if len(args) > 0 && !p.take(",") {
			return nil, p.fail("a comma is missing")
		}
		a, err := p.or()
		if err != nil {
			return nil, err
		}
		args = append(args, a)
	}
	if len(args) < f.min || len(args) > f.max {
		return nil, p.fail("a function takes another number of arguments")
	}
	return func(c *context) any {
		values := make([]any, len(args))
		for i, a := range args {
			values[i] = a(c)
			if s, ok := values[i].(string); ok {
				c.search.spend(1 + len(s)/16)
			}
		}
		return f.do(c, values)
	}, nil
}
