package formula

import (
	"slices"
	"strings"
)

// Stored gives the formula text as a file has to have it, which is the inverse of
// [Display]: functions that came after Excel 2007 and the names that LET and LAMBDA bind
// get their prefixes, A1# becomes _xlfn.ANCHORARRAY(A1) and @A1 becomes _xlfn.SINGLE(A1).
// Everything else stays as it was typed, to the byte; so does a text that is stored
// already. The error is a [*ParseError].
//
// A prefix that is there but wrong, as that of _xlfn.FILTER, is put right. A function that
// Stored does not know keeps what it has: it may be newer than the list.
func Stored(text string) (string, error) {
	t, err := Parse(text)
	if err != nil {
		return "", err
	}
	s := storer{src: text}
	s.node(t.Root)
	if len(s.edits) == 0 {
		return text, nil
	}
	return s.apply(), nil
}

// storer collects what has to be put into a formula's text. The text is edited, and not
// printed from the nodes, because these do not know of lower case column letters.
type storer struct {
	src   string
	edits []insertion
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
	case n.Kind == Local:
		s.local(n)
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
	return n.Kind == Binary && (n.Op == OpUnion || joins(n.Kids[0]) || joins(n.Kids[1]))
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
