package formula

import (
	"math"
	"strconv"
	"strings"

	"gridflow/internal/cell"
)

// Parse reads a formula in A1 notation. A leading "=" is allowed and kept. The error
// is a [*ParseError].
func Parse(text string) (*Tree, error) { return ParseMode(text, Mode{}) }

// ParseMode is [Parse] for a formula in the given notation.
func ParseMode(text string, mode Mode) (*Tree, error) {
	p := parser{scanner: scanner{src: text, mode: mode}, unions: true, stack: make([]*Node, 0, 8)}
	root := p.formula()
	if root == nil {
		return nil, p.err
	}
	return &Tree{Root: root, src: text, mode: mode}, nil
}

// parser builds the tree by precedence climbing. A method that gives nil has set
// p.err; the callers hand the nil up.
type parser struct {
	scanner
	tok    token
	depth  int
	unions bool    // a comma is the union operator, not the end of an argument
	bound  []bound // names that LET and LAMBDA bind around here

	// Nodes, references and operand lists come from blocks, to have a few allocations
	// per formula and not a few per node. A block that is full is left to its users.
	nodes []Node
	refs  []Reference
	lists []*Node
	stack []*Node // operands waiting for their list
}

func (p *parser) formula() *Node {
	if !p.start() || !p.advance() {
		return nil
	}
	if p.tok.kind == tokenEnd {
		p.fail(p.tok.pos, "the formula is empty: expected a value or reference")
		return nil
	}
	root := p.expression(bindNothing)
	if root == nil {
		return nil
	}
	switch p.tok.kind {
	case tokenEnd:
		return root
	case tokenClose:
		p.fail(p.tok.pos, "unexpected ) without a ( before it")
	default:
		p.fail(p.tok.pos, "expected an operator or the end of the formula, found %s", p.found())
	}
	return nil
}

func (p *parser) advance() bool { return p.next(&p.tok) }

// found describes the present token for an error message.
func (p *parser) found() string {
	if p.tok.kind == tokenEnd {
		return "the end of the formula"
	}
	text := p.src[p.tok.pos:p.tok.end]
	if strings.TrimSpace(text) == "" {
		return "a space"
	}
	if len(text) > 24 {
		text = near(text, 12) + "…"
	}
	return text
}

// expression reads operands and operators as long as these bind tighter than least.
func (p *parser) expression(least uint8) *Node {
	if p.depth++; p.depth > MaxDepth {
		p.fail(p.tok.pos, "the formula is nested deeper than %d levels", MaxDepth)
		return nil
	}
	left := p.operand()
	for left != nil {
		op := p.tok.op
		switch p.tok.kind {
		case tokenBinary:
		case tokenPostfix:
			if binding[op] <= least {
				p.depth--
				return left
			}
			if op == OpSpill && !left.mayRefer() {
				p.fail(p.tok.pos, "# (spilled range) must follow a reference, not a %s", left.Kind)
				return nil
			}
			left = p.node(Node{Kind: Postfix, Op: op, pos: left.pos, end: int32(p.tok.end), Kids: p.list(left)})
			if !p.advance() {
				return nil
			}
			continue
		case tokenOpen:
			if left.Kind != Call && left.Kind != Invoke && left.Kind != Paren && left.Kind != Local {
				p.fail(p.tok.pos, "expected an operator before (")
				return nil
			}
			left = p.invoke(left)
			continue
		case tokenComma:
			if !p.unions {
				p.depth--
				return left
			}
			op = OpUnion
		default:
			p.depth--
			return left
		}
		if binding[op] <= least {
			p.depth--
			return left
		}
		left = p.binary(left, op)
	}
	return nil
}

// binary reads the right operand of op, which is the present token.
func (p *parser) binary(left *Node, op Op) *Node {
	at := p.tok.pos
	if !p.advance() {
		return nil
	}
	if p.tok.kind == tokenEnd {
		p.fail(p.tok.pos, "expected a value or reference after %s, found the end of the formula", op)
		return nil
	}
	right := p.expression(binding[op])
	if right == nil {
		return nil
	}
	if binding[op] >= bindUnion {
		for _, n := range [...]*Node{left, right} {
			if n.mayRefer() {
				continue
			}
			switch op {
			case OpIntersect:
				p.fail(int(right.pos), "expected an operator before this: a space means intersection and joins references, not a %s,", n.Kind)
			case OpUnion:
				p.fail(at, "a comma here joins references, not a %s,", n.Kind)
			default:
				p.fail(at, "%s joins references, not a %s,", op, n.Kind)
			}
			return nil
		}
	}
	return p.node(Node{Kind: Binary, Op: op, pos: left.pos, end: right.end, Kids: p.list(left, right)})
}

// operand reads one operand with the prefix operators before it.
func (p *parser) operand() *Node {
	t := p.tok
	n := Node{pos: int32(t.pos), end: int32(t.end)}
	switch t.kind {
	case tokenNumber:
		n.Kind, n.Text = Number, p.src[t.pos:t.end]
		if !p.finite(n.Text, t.pos) {
			return nil
		}
	case tokenText:
		n.Kind, n.Text = Text, unquoteText(p.src[t.pos:t.end])
	case tokenLogical:
		n.Kind, n.Text = Logical, p.src[t.pos:t.end]
	case tokenError:
		n.Kind, n.Text, n.Err = Error, p.src[t.pos:t.end], t.err
	case tokenRef, tokenName, tokenTable:
		if !p.reference(&n, &t) {
			return nil
		}
	case tokenCall:
		return p.call(n, t)
	case tokenOpen:
		return p.paren(n)
	case tokenOpenArray:
		return p.array(n)
	case tokenPrefix:
		if !p.advance() {
			return nil
		}
		kid := p.expression(bindSign)
		if kid == nil {
			return nil
		}
		n.Kind, n.Op, n.end, n.Kids = Unary, t.op, kid.end, p.list(kid)
		return p.node(n)
	default:
		p.fail(t.pos, "expected a value or reference, found %s", p.found())
		return nil
	}
	if !p.advance() {
		return nil
	}
	return p.node(n)
}

// finite reports whether a number literal is one that a cell can hold.
func (p *parser) finite(text string, pos int) bool {
	return finite(text) || p.fail(pos, "the number is too large")
}

// finite reports whether a number is one that a cell can hold.
func finite(text string) bool {
	if len(text) < 300 && !strings.ContainsAny(text, "eE") {
		return true
	}
	f, err := strconv.ParseFloat(text, 64)
	return err == nil && !math.IsInf(f, 0)
}

// reference makes n the reference, name, table part or bound name that t is.
func (p *parser) reference(n *Node, t *token) bool {
	text := p.src[t.body:t.end]
	if t.kind == tokenName && t.body == t.pos && p.isBound(text) {
		n.Kind, n.Text = Local, text
		return true
	}
	r := Reference{Kind: t.ref}
	switch t.kind {
	case tokenRef:
		if t.ref != DeletedRef {
			r.First, r.Last, r.Trim = t.first, t.last, t.trim
		}
	case tokenName:
		r.Kind, r.Name = NameRef, text
	case tokenTable:
		part, offset, fault := decodeTable(p.src[t.spec:t.end])
		if fault != "" {
			return p.fail(t.spec+offset, "%s", fault)
		}
		r.Kind, r.Name, r.table = TableRef, p.src[t.body:t.spec], part
	}
	if t.body > t.pos {
		r.sheets = decodeSheets(p.src[t.pos:t.body])
	}
	n.Kind, n.Ref = Ref, p.keep(r)
	return true
}

// keep gives r a place in the present block of references.
func (p *parser) keep(r Reference) *Reference {
	if len(p.refs) == cap(p.refs) {
		p.refs = make([]Reference, 0, p.block(16))
	}
	p.refs = append(p.refs, r)
	return &p.refs[len(p.refs)-1]
}

// block gives the size of the next block of something that comes about once in so
// many bytes of what is left.
func (p *parser) block(every int) int { return min(1+(len(p.src)-p.tok.pos)/every, 64) }

// paren reads an expression in parentheses, where commas are unions.
func (p *parser) paren(n Node) *Node {
	unions := p.unions
	p.unions = true
	if !p.advance() {
		return nil
	}
	if p.tok.kind == tokenClose {
		p.fail(p.tok.pos, "expected a value or reference between ( and )")
		return nil
	}
	kid := p.expression(bindNothing)
	p.unions = unions
	if kid == nil {
		return nil
	}
	if p.tok.kind != tokenClose {
		p.fail(p.tok.pos, "expected ) for the ( at position %d, found %s", newParseError(p.src, int(n.pos), "").column, p.found())
		return nil
	}
	n.Kind, n.end, n.Kids = Paren, int32(p.tok.end), p.list(kid)
	if !p.advance() {
		return nil
	}
	return p.node(n)
}

// call reads the arguments of the function that t names.
func (p *parser) call(n Node, t token) *Node {
	name := p.src[t.body : t.end-1]
	if t.body == t.pos && p.invokes(name) {
		return p.invoke(p.node(Node{Kind: Local, Text: name, pos: n.pos, end: n.end - 1}))
	}
	n.Kind, n.Text = Call, name
	if t.body > t.pos {
		n.Ref = p.keep(Reference{Kind: NameRef, Name: name, sheets: decodeSheets(p.src[t.pos:t.body])})
	}
	mark := len(p.stack)
	if !p.arguments(name) {
		return nil
	}
	return p.close(n, mark)
}

// invoke reads the arguments with which the value of callee is called.
func (p *parser) invoke(callee *Node) *Node {
	mark := len(p.stack)
	p.stack = append(p.stack, callee)
	if !p.arguments("") {
		return nil
	}
	return p.close(Node{Kind: Invoke, pos: callee.pos}, mark)
}

// close takes the operands above mark, behind which ")" is the present token.
func (p *parser) close(n Node, mark int) *Node {
	n.end, n.Kids = int32(p.tok.end), p.list(p.stack[mark:]...)
	p.stack = p.stack[:mark]
	if !p.advance() {
		return nil
	}
	return p.node(n)
}

// arguments reads what stands between the parentheses of a call and leaves it on the
// stack. It stops at the closing one.
func (p *parser) arguments(name string) bool {
	unions, bound, mark := p.unions, len(p.bound), len(p.stack)
	p.unions = false
	binder := notBinder
	if len(name) >= len("LET") {
		binder = binderOf(name)
	}
	for {
		if !p.advance() {
			return false
		}
		if p.tok.kind == tokenClose && len(p.stack) == mark {
			break
		}
		if p.tok.kind == tokenComma || p.tok.kind == tokenClose {
			p.stack = append(p.stack, p.node(Node{Kind: Missing, pos: int32(p.tok.pos), end: int32(p.tok.pos)}))
		} else {
			if p.tok.kind == tokenEnd {
				return p.unclosed(name, len(p.stack)-mark)
			}
			arg := p.expression(bindNothing)
			if arg == nil {
				return false
			}
			p.stack = append(p.stack, arg)
		}
		if p.tok.kind == tokenClose {
			break
		}
		if p.tok.kind != tokenComma {
			return p.unclosed(name, len(p.stack)-mark)
		}
		if binder != notBinder {
			p.bind(binder, p.stack[mark:])
		}
	}
	p.unions, p.bound = unions, p.bound[:bound]
	return true
}

// unclosed fails where the n-th argument of a call is not followed by "," or ")".
func (p *parser) unclosed(name string, n int) bool {
	of := "the call"
	if name != "" {
		of = FunctionName(name)
	}
	where := "after the " + ordinal(n) + " argument of " + of
	if n == 0 {
		where = "to close " + of + "("
	}
	switch p.tok.kind {
	case tokenSemicolon:
		return p.fail(p.tok.pos, "expected , or ) %s, found ; (arguments are separated by commas)", where)
	case tokenEnd:
		return p.fail(p.tok.pos, "expected ) %s, found the end of the formula", where)
	}
	return p.fail(p.tok.pos, "expected , or ) %s, found %s", where, p.found())
}

// binder is a function that gives names to its arguments.
type binder uint8

const (
	notBinder binder = iota
	letBinder
	lambdaBinder
)

func binderOf(name string) binder {
	switch last := name[len(name)-1] | 0x20; {
	case last == 't' && FunctionName(name) == "LET":
		return letBinder
	case last == 'a' && FunctionName(name) == "LAMBDA":
		return lambdaBinder
	}
	return notBinder
}

// bind turns the last of args into a bound name, now that a comma follows it: for
// LAMBDA every argument but the last, for LET the names, each from behind its value on.
func (p *parser) bind(b binder, args []*Node) {
	i := len(args) - 1
	if b == lambdaBinder {
		if p.local(args[i]) {
			p.bindName(args[i], false)
		}
		return
	}
	if i%2 == 0 {
		p.local(args[i])
	} else if args[i-1].Kind == Local {
		p.bindName(args[i-1], args[i].Kind == Call && args[i].Function() == "LAMBDA")
	}
}

// bound is a name that LET or LAMBDA bound.
type bound struct {
	name   string // without a prefix
	stored bool   // it has one, as in files
	lambda bool   // LET bound it to a LAMBDA
}

func (p *parser) bindName(n *Node, lambda bool) {
	name := n.Name()
	p.bound = append(p.bound, bound{name, n.Text[0] == '_' && len(n.Text) > len(name), lambda})
}

// local makes n a bound name if it is a name at all. It is still the parser's own.
func (p *parser) local(n *Node) bool {
	switch {
	case n.Kind == Local:
	case n.Kind == Ref && n.Ref.Kind == NameRef && n.Ref.sheets == nil:
		*n = Node{Kind: Local, Text: n.Ref.Name, pos: n.pos, end: n.end}
	case n.Kind == Ref && n.Ref.Kind == TableRef && n.Ref.Name == "" && n.Ref.sheets == nil && n.Ref.table.items == 0 && n.Ref.table.raw != "[]":
		// LAMBDA(x,[y],…): an optional parameter.
		*n = Node{Kind: Local, Text: n.Ref.table.raw, pos: n.pos, end: n.end}
	default:
		return false
	}
	return true
}

func (p *parser) isBound(name string) bool {
	_, ok := p.boundTo(name)
	return ok
}

// boundTo gives the innermost binding of a name.
func (p *parser) boundTo(name string) (bound, bool) {
	if len(p.bound) == 0 {
		return bound{}, false
	}
	name = localName(name)
	for i := len(p.bound) - 1; i >= 0; i-- {
		if strings.EqualFold(p.bound[i].name, name) {
			return p.bound[i], true
		}
	}
	return bound{}, false
}

// invokes reports whether what looks like the call of a function calls what a name is bound to. A
// function of Excel is meant where there is one, as in LET(rows,ROWS(x),…,ROWS(y)), unless the
// prefix of files says otherwise, or in the absence of any prefix the name stands for a LAMBDA.
func (p *parser) invokes(name string) bool {
	b, ok := p.boundTo(name)
	if !ok {
		return false
	}
	return len(localName(name)) < len(name) || !Builtin(FunctionName(name)) || b.lambda && !b.stored
}

// array reads an array constant.
func (p *parser) array(n Node) *Node {
	n.Kind = Array
	mark, row := len(p.stack), len(p.stack)
	for {
		if !p.advance() || !p.element() {
			return nil
		}
		if !p.advance() {
			return nil
		}
		if p.tok.kind == tokenComma {
			continue
		}
		if p.tok.kind != tokenSemicolon && p.tok.kind != tokenCloseArray {
			p.fail(p.tok.pos, "expected , or ; or } in the array constant, found %s", p.found())
			return nil
		}
		cols := int32(len(p.stack) - row)
		if row == mark {
			n.Cols = cols
		} else if cols != n.Cols {
			p.fail(p.tok.pos, "the rows of the array constant differ in length (%d and %d)", n.Cols, cols)
			return nil
		}
		row = len(p.stack)
		if p.tok.kind == tokenCloseArray {
			return p.close(n, mark)
		}
	}
}

// element reads one value of an array constant, the present token, onto the stack.
func (p *parser) element() bool {
	t := p.tok
	sign := t.kind == tokenPrefix && t.op != OpImplicit
	if sign {
		if !p.advance() {
			return false
		}
		if p.tok.kind != tokenNumber {
			return p.fail(p.tok.pos, "expected a number after the sign in the array constant, found %s", p.found())
		}
	}
	n := Node{pos: int32(t.pos), end: int32(p.tok.end)}
	text := p.src[p.tok.pos:p.tok.end]
	switch {
	case p.tok.kind == tokenNumber:
		n.Kind, n.Text = Number, text
		if sign {
			if n.Text = p.src[t.pos:p.tok.end]; p.tok.pos > t.end {
				n.Text = t.op.String() + text
			}
		}
		if !p.finite(text, p.tok.pos) {
			return false
		}
	case p.tok.kind == tokenText:
		n.Kind, n.Text = Text, unquoteText(text)
	case p.tok.kind == tokenLogical:
		n.Kind, n.Text = Logical, text
	case p.tok.kind == tokenError:
		n.Kind, n.Text, n.Err = Error, text, p.tok.err
	case p.tok.kind == tokenRef && p.tok.ref == DeletedRef && p.tok.body == p.tok.pos:
		n.Kind, n.Text, n.Err = Error, text, cell.ErrRef
	default:
		return p.fail(t.pos, "an array constant holds numbers, texts, logicals and errors, found %s", p.found())
	}
	p.stack = append(p.stack, p.node(n))
	return true
}

// node gives n a place in the present block of nodes.
func (p *parser) node(n Node) *Node {
	if len(p.nodes) == cap(p.nodes) {
		p.nodes = make([]Node, 0, p.block(6)+1)
	}
	p.nodes = append(p.nodes, n)
	return &p.nodes[len(p.nodes)-1]
}

// list copies operands to the present block of lists.
func (p *parser) list(operands ...*Node) []*Node {
	if len(operands) == 0 {
		return nil
	}
	if len(p.lists)+len(operands) > cap(p.lists) {
		p.lists = make([]*Node, 0, len(operands)+p.block(8))
	}
	from := len(p.lists)
	p.lists = append(p.lists, operands...)
	return p.lists[from:len(p.lists):len(p.lists)]
}

// unquoteText gives the text of a text literal.
func unquoteText(s string) string {
	s = s[1 : len(s)-1]
	if strings.IndexByte(s, '"') < 0 {
		return s
	}
	return strings.ReplaceAll(s, `""`, `"`)
}
