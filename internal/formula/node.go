package formula

import (
	"strconv"
	"strings"

	"gridflow/internal/cell"
)

// Tree is a parsed formula. It is immutable: share it freely.
type Tree struct {
	// Root is the whole expression, without the leading "=".
	Root *Node

	src     string // the text that was parsed: white space comes from here
	mode    Mode
	changed bool // Root is not what src says any more
}

// Kind says what a [Node] is, and so which of its fields mean something.
type Kind uint8

// The kinds of node.
const (
	Number  Kind = iota // Text as written: see [Node.Float]
	Text                // Text without its quotes
	Logical             // Text as written: see [Node.Bool]
	Error               // Err; Text as written
	Array               // Kids row by row, Cols to a row: numbers, texts, logicals, errors
	Ref                 // Ref: cells, a name, a table part, #REF!
	Local               // Text: a name bound by LET or LAMBDA, where it is bound and where it is used
	Call                // Text: function name as written; Kids are the arguments; Ref only for its sheet prefix
	Invoke              // Kids[0] is what is called, the others are the arguments: LAMBDA(x,x+1)(2)
	Missing             // an argument left empty
	Unary               // Op OpPlus, OpMinus or OpIntersection (@) before Kids[0]
	Postfix             // Op OpPercent or OpSpill after Kids[0]
	Binary              // Kids[0] Op Kids[1]
	Paren               // Kids[0] in parentheses
)

var kindNames = [...]string{"number", "text", "logical", "error", "array", "ref", "local", "call", "invoke", "missing", "unary", "postfix", "binary", "paren"}

// String gives the kind's name in lower case.
func (k Kind) String() string { return kindNames[k] }

// Op is an operator of the formula language.
type Op uint8

// The operators. OpImplicit is the prefix @, OpIntersect the space between
// references, OpUnion the comma between them.
const (
	NoOp Op = iota
	OpEqual
	OpNotEqual
	OpLess
	OpLessEqual
	OpGreater
	OpGreaterEqual
	OpConcat
	OpPlus
	OpMinus
	OpMultiply
	OpDivide
	OpPower
	OpPercent
	OpUnion
	OpIntersect
	OpRange
	OpImplicit
	OpSpill
)

var opText = [...]string{"", "=", "<>", "<", "<=", ">", ">=", "&", "+", "-", "*", "/", "^", "%", ",", " ", ":", "@", "#"}

// String gives the operator as it is written.
func (o Op) String() string { return opText[o] }

// How tightly operators bind, loosest first. Excel's own order: a sign binds tighter
// than a power, so -2^2 is 4, and powers group from the left.
const (
	bindNothing = iota
	bindCompare
	bindConcat
	bindAdd
	bindMultiply
	bindPower
	bindPercent
	bindSign
	bindUnion
	bindIntersect
	bindRange
	bindSpill
	bindOperand
)

var binding = [...]uint8{
	OpEqual: bindCompare, OpNotEqual: bindCompare, OpLess: bindCompare, OpLessEqual: bindCompare,
	OpGreater: bindCompare, OpGreaterEqual: bindCompare, OpConcat: bindConcat, OpPlus: bindAdd, OpMinus: bindAdd,
	OpMultiply: bindMultiply, OpDivide: bindMultiply, OpPower: bindPower, OpPercent: bindPercent, OpUnion: bindUnion,
	OpIntersect: bindIntersect, OpRange: bindRange, OpImplicit: bindSign, OpSpill: bindSpill,
}

// Node is one node of a tree. Which fields are set depends on Kind. Do not change a
// node that came from [Parse]; trees share nodes.
type Node struct {
	Kind     Kind
	Op       Op
	Err      cell.ErrorCode
	Cols     int32 // columns of an Array
	pos, end int32 // where the node's text is in Tree.src, operands included
	Text     string
	Ref      *Reference
	Kids     []*Node
}

// Span gives the bytes that n took up in the text given to [Parse].
func (n *Node) Span() (pos, end int) { return int(n.pos), int(n.end) }

// Float is the value of a Number. The parser made sure that it is finite.
func (n *Node) Float() float64 {
	f, _ := strconv.ParseFloat(n.Text, 64)
	return f
}

// Bool is the value of a Logical.
func (n *Node) Bool() bool { return len(n.Text) == len("TRUE") }

// Function is the name of the function that a Call calls, in upper case and without
// storage prefixes: "XLOOKUP" where the file says "_xlfn.XLOOKUP".
func (n *Node) Function() string {
	if n.Kind != Call {
		return ""
	}
	return FunctionName(n.Text)
}

// Name is the name of a Local without its storage prefix or, for an optional
// parameter, its brackets.
func (n *Node) Name() string { return localName(n.Text) }

// binds is how tightly the outermost operator of n binds.
func (n *Node) binds() uint8 {
	switch n.Kind {
	case Unary:
		return bindSign
	case Postfix, Binary:
		return binding[n.Op]
	}
	return bindOperand
}

// mayRefer reports whether n can give a reference, which the reference operators ask
// of their operands.
func (n *Node) mayRefer() bool {
	switch n.Kind {
	case Ref, Local, Call, Invoke, Error:
		return true
	case Paren:
		return n.Kids[0].mayRefer()
	case Unary:
		return n.Op == OpImplicit && n.Kids[0].mayRefer()
	case Postfix:
		return n.Op == OpSpill
	case Binary:
		return n.binds() >= bindUnion
	}
	return false
}

// localName strips what files put around the names that LET and LAMBDA bind.
func localName(s string) string {
	if len(s) > 2 && s[0] == '[' {
		s = s[1 : len(s)-1]
	}
	for _, prefix := range [...]string{"_xlpm.", "_xlop."} {
		if len(s) > len(prefix) && class[s[len(prefix)]]&isNameStart != 0 && strings.EqualFold(s[:len(prefix)], prefix) {
			return s[len(prefix):]
		}
	}
	return s
}
