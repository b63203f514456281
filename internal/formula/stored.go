package formula

import (
	"slices"
	"strings"
)

// Stored gives the formula text as a file has to have it, which is the inverse of
// [Display]: functions that came after Excel 2007 and the names that LET and LAMBDA bind
// get their prefixes, A1# becomes _xlfn.ANCHORARRAY(A1), @A1 becomes _xlfn.SINGLE(A1) and A1:.B9 becomes _xlfn._TRO_TRAILING(A1:B9).
// T[@Column] becomes T[[#This Row],[Column]], for which files have no @, and the SUM of BYROW(A1:B9,SUM)
// becomes _xleta.SUM. Everything else stays
// as it was typed, to the byte; so does a text that is stored already. The error is a
// [*ParseError].
//
// [@Column] alone stays: which table that is, its cell says; and so does a defined name that is called as a function
// is. [Scope.Stored] is told of both.
//
// A prefix that is there but wrong, as that of _xlfn.FILTER, is put right. A function that
// Stored does not know keeps what it has: it may be newer than the list.
func Stored(text string) (string, error) { return Scope{}.Stored(text) }

// Scope is what the form that files have of a formula depends on beside its text.
type Scope struct {
	// Table is the table that the formula stands in, "" for none. References to columns that name no
	// table are to this one, and get its name, without which files do not have them.
	Table string
	// Defined reports whether there is a defined name or a table of that name; nil says that there is none.
	Defined func(name string) bool
}

// Stored is [Stored] within the scope.
func (in Scope) Stored(text string) (string, error) {
	t, err := Parse(text)
	if err != nil {
		return "", err
	}
	s := storer{src: text, table: in.Table, defined: in.Defined}
	s.node(t.Root)
	if len(s.edits) == 0 {
		return text, nil
	}
	return s.apply(), nil
}

// storer collects what has to be put into a formula's text. The text is edited, and not
// printed from the nodes, because these do not know of lower case column letters.
type storer struct {
	src     string
	table   string // that the formula stands in, "" for none
	defined func(name string) bool
	edits   []insertion
}

// insertion puts text in at a position, in place of skip bytes.
type insertion struct {
	at, skip int
	text     string
}

func (s *storer) insert(at, skip int, text string) {
	s.edits = append(s.edits, insertion{at, skip, text})
}

// node looks at n before its operands, so that of what is put in at one position the outer
// comes first.
func (s *storer) node(n *Node) {
	switch {
	case n.Kind == Call && n.Ref == nil: // one with a sheet prefix is a function of a workbook
		s.function(n)
		for _, k := range takesFunctions(n) {
			s.handed(k)
		}
	case n.Kind == Invoke:
		for _, k := range n.Kids[1:] {
			s.handed(k)
		}
	case n.Kind == Local:
		s.local(n)
	case n.Kind == Ref && n.Ref.Kind == TableRef:
		s.part(n)
	case n.Kind == Ref && n.Ref.Trim != 0:
		mark := n.Ref.Trim.colon()
		s.insert(int(n.pos), 0, "_xlfn."+trimNames[n.Ref.Trim]+"(")
		s.insert(int(n.pos)+strings.LastIndex(s.src[n.pos:n.end], mark), len(mark), ":")
		s.insert(int(n.end), 0, ")")
	case n.Kind == Unary && n.Op == OpImplicit:
		open, end := asArgument("_xlfn.SINGLE(", n.Kids[0])
		s.insert(int(n.pos), 1, open)
		s.node(n.Kids[0])
		s.insert(int(n.end), 0, end)
		return
	case n.Kind == Postfix && n.Op == OpSpill:
		open, end := asArgument("_xlfn.ANCHORARRAY(", n.Kids[0])
		s.insert(int(n.pos), 0, open)
		s.node(n.Kids[0])
		s.insert(int(n.end)-1, 1, end)
		return
	}
	for _, k := range n.Kids {
		s.node(k)
	}
}

// asArgument gives what stands around n where it is the only argument of a call. The comma
// of a union would begin another one.
func asArgument(call string, n *Node) (open, end string) {
	if joins(n) {
		return call + "(", "))"
	}
	return call, ")"
}

// joins reports whether n has a union that is not in parentheses.
func joins(n *Node) bool {
	switch n.Kind {
	case Binary:
		return n.Op == OpUnion || joins(n.Kids[0]) || joins(n.Kids[1])
	case Unary, Postfix: // -A1,B1 is the sign of a union
		return joins(n.Kids[0])
	}
	return false
}

// takesFunctions gives the arguments of a call that may be functions.
func takesFunctions(n *Node) []*Node {
	at := -1
	switch n.Function() {
	case "BYCOL", "BYROW", "MAKEARRAY", "MAP", "REDUCE", "SCAN":
		at = len(n.Kids) - 1
	case "GROUPBY":
		at = 2
	case "PIVOTBY":
		at = 3
	case "LET":
		var values []*Node
		for i := 1; i < len(n.Kids); i += 2 {
			values = append(values, n.Kids[i])
		}
		return values
	}
	if at < 0 || at >= len(n.Kids) {
		return nil
	}
	return n.Kids[at : at+1]
}

// handed puts the prefix before the name of a function that is handed on, before several in HSTACK or VSTACK, and before
// those of which one is chosen.
func (s *storer) handed(n *Node) {
	switch {
	case n.Kind == Paren:
		s.handed(n.Kids[0])
	case n.Kind == Ref && n.Ref.Kind == NameRef && n.Ref.sheets == nil && storagePrefix(n.Ref.Name) == 0:
		if name := n.Ref.Name; Builtin(strings.ToUpper(name)) && (s.defined == nil || !s.defined(name)) {
			s.insert(int(n.pos), 0, handedPrefix)
		}
	case n.Kind == Call && n.Ref == nil:
		switch n.Function() {
		case "CHOOSE", "HSTACK", "IF", "IFERROR", "IFNA", "IFS", "SWITCH", "VSTACK":
			for _, k := range n.Kids {
				s.handed(k)
			}
		}
	}
}

func (s *storer) function(n *Node) {
	old := storagePrefix(n.Text)
	prefix := futurePrefix(n.Text[old:])
	if prefix == "" || strings.EqualFold(n.Text[:old], prefix) || strings.EqualFold(n.Text[:old], "_xludf.") {
		return
	}
	s.insert(int(n.pos), old, prefix)
}

// local puts the prefix before a bound name. An optional parameter of LAMBDA has brackets
// where it is bound, as [y], and a prefix of its own in files.
func (s *storer) local(n *Node) {
	name := n.Name()
	switch {
	case len(n.Text) == len(name):
		s.insert(int(n.pos), 0, "_xlpm.")
	case n.Text[0] == '[' && len(n.Text) == len(name)+2 && bareName(name):
		s.insert(int(n.pos), len(n.Text), "_xlop."+name)
	}
}

// part writes out the @ of a reference to the row of the formula.
func (s *storer) part(n *Node) {
	p := n.Ref.table
	at := int(n.end) - len(p.raw)
	name := ""
	if n.Ref.Name == "" {
		if name = s.table; name == "" || n.Ref.sheets != nil {
			return
		}
	}
	if p.raw[1] != '@' {
		if name != "" {
			s.insert(at, 0, name)
		}
		return
	}
	// What stands in brackets after the @ stays.
	columns := strings.TrimLeft(p.raw[2:len(p.raw)-1], " \t\r\n")
	switch {
	case columns == "":
		s.insert(at, len(p.raw), name+"[#This Row]")
		return
	case columns[0] != '[':
		columns = string(appendColumn(nil, p.first))
	}
	s.insert(at, len(p.raw), name+"[[#This Row],"+columns+"]")
}

// bareName reports whether a name can be written without brackets.
func bareName(name string) bool {
	sc := scanner{src: name}
	return class[name[0]]&isNameStart != 0 && sc.nameEnd(0) == len(name)
}

// apply gives the text with what was collected.
func (s *storer) apply() string {
	slices.SortStableFunc(s.edits, func(a, b insertion) int { return a.at - b.at })
	var b strings.Builder
	at := 0
	for _, e := range s.edits {
		b.WriteString(s.src[at:e.at])
		b.WriteString(e.text)
		at = e.at + e.skip
	}
	b.WriteString(s.src[at:])
	return b.String()
}
