package formula

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"gridflow/internal/cell"
)

// String gives the formula as it was written, with a leading "=" if it had one. Of a
// rewritten tree it gives the new references in the old layout.
func (t *Tree) String() string {
	if !t.changed && t.src != "" {
		return t.src
	}
	return string(t.Append(nil))
}

// Append appends the text of String to b, printed from the nodes.
func (t *Tree) Append(b []byte) []byte {
	p := printer{b: b, src: t.src, mode: t.mode}
	return p.tree(t)
}

// Format gives the formula in another notation, white space and "=" kept.
func (t *Tree) Format(mode Mode) string {
	p := printer{src: t.src, mode: mode}
	return string(p.tree(t))
}

// Relative gives the form that all copies of a formula share: R1C1 seen from at, the
// cell that holds it, without white space and "=", function names as [FunctionName]
// gives them. [AppendRelative] makes the same from a text.
func (t *Tree) Relative(at cell.Ref) string {
	p := printer{src: t.src, mode: Mode{Style: R1C1, At: at}, canonical: true}
	p.node(t.Root)
	return string(p.b)
}

// Display gives the formula text as Excel shows it: without the prefixes that files
// put before newer functions and before the names of LET and LAMBDA, with A1# for
// _xlfn.ANCHORARRAY(A1), @A1 for _xlfn.SINGLE(A1), A1:.B9 for _xlfn._TRO_TRAILING(A1:B9) and T[@Column] for
// T[[#This Row],[Column]]. What does not parse comes back as it is.
func Display(text string) string {
	if !mayBeStored(text) {
		return text
	}
	t, err := Parse(text)
	if err != nil {
		return text
	}
	p := printer{src: t.src, display: true}
	return string(p.tree(&Tree{Root: operators(t.Root)}))
}

// mayBeStored reports whether text has what begins a storage prefix, in either case, or a
// part of a table. Most formulas have not, and need not be parsed.
func mayBeStored(text string) bool {
	if strings.Contains(text, "[#") {
		return true
	}
	for {
		i := strings.IndexByte(text, '_')
		if i < 0 || i+2 >= len(text) {
			return false
		}
		if text[i+1]|0x20 == 'x' && text[i+2]|0x20 == 'l' {
			return true
		}
		text = text[i+1:]
	}
}

// operators gives n with the operators for which files have functions.
func operators(n *Node) *Node {
	kids := n.Kids
	for i, k := range n.Kids {
		if m := operators(k); m != k {
			if &kids[0] == &n.Kids[0] {
				kids = slices.Clone(kids)
			}
			kids[i] = m
		}
	}
	m := *n
	m.Kids = kids
	if n.Kind == Call && len(kids) == 1 && kids[0].Kind != Missing && storagePrefix(n.Text) > 0 {
		switch name := n.Function(); name {
		case "_TRO_ALL", "_TRO_LEADING", "_TRO_TRAILING":
			if r := kids[0].Ref; kids[0].Kind == Ref && r.trims() {
				to := *r
				to.Trim = TrimOf(name)
				return &Node{Kind: Ref, Ref: &to, pos: n.pos, end: n.end}
			}
		case "ANCHORARRAY":
			if kids[0].mayRefer() {
				m.Kind, m.Op = Postfix, OpSpill
				return &m
			}
		case "SINGLE":
			m.Kind, m.Op = Unary, OpImplicit
			return &m
		}
	}
	if len(kids) == 0 || &kids[0] == &n.Kids[0] {
		return n
	}
	return &m
}

// printer writes a tree.
type printer struct {
	b         []byte
	src       string // where white space comes from
	mode      Mode
	canonical bool
	display   bool // without storage prefixes
	argument  bool // a comma would end the argument being written
	ranged    bool // the next node is an operand of the range operator
}

func (p *printer) tree(t *Tree) []byte {
	if p.src != "" {
		p.b = append(p.b, p.src[:t.Root.pos]...)
	}
	p.node(t.Root)
	if p.src != "" {
		p.b = append(p.b, p.src[t.Root.end:]...)
	}
	return p.b
}

// after writes the white space that stood at offset end of the source.
func (p *printer) after(end int32) {
	if p.canonical || p.src == "" {
		return
	}
	i := int(end)
	for i < len(p.src) && class[p.src[i]]&isSpace != 0 {
		i++
	}
	p.b = append(p.b, p.src[end:i]...)
}

// before writes the white space that stood before offset pos of the source.
func (p *printer) before(pos int32) {
	if p.canonical || p.src == "" {
		return
	}
	i := int(pos)
	for i > 0 && class[p.src[i-1]]&isSpace != 0 {
		i--
	}
	p.b = append(p.b, p.src[i:pos]...)
}

func (p *printer) node(n *Node) {
	ranged := p.ranged
	p.ranged = false
	switch n.Kind {
	case Number:
		p.number(n)
	case Logical, Error:
		p.upper(n.Text)
	case Text:
		p.b = append(p.b, '"')
		for s := n.Text; ; {
			i := strings.IndexByte(s, '"')
			if i < 0 {
				p.b = append(append(p.b, s...), '"')
				break
			}
			p.b = append(append(p.b, s[:i]...), `""`...)
			s = s[i+1:]
		}
	case Array:
		p.b = append(p.b, '{')
		for i, k := range n.Kids {
			if i > 0 {
				separator := byte(',')
				if i%int(n.Cols) == 0 {
					separator = ';'
				}
				p.after(n.Kids[i-1].end)
				p.b = append(p.b, separator)
			}
			p.before(k.pos)
			p.node(k)
		}
		p.before(n.end - 1)
		p.b = append(p.b, '}')
	case Ref:
		p.reference(n.Ref, ranged)
	case Local:
		p.local(n.Text)
	case Call:
		if n.Ref != nil {
			p.sheets(n.Ref.sheets)
		}
		switch {
		case p.canonical:
			p.b = append(p.b, FunctionName(n.Text)...)
		case p.display && TrimOf(n.Function()) == 0: // which without its prefix is nothing that could be typed
			p.b = append(p.b, n.Text[storagePrefix(n.Text):]...)
		default:
			p.b = append(p.b, n.Text...)
		}
		p.arguments(n, n.Kids)
	case Invoke:
		switch callee := n.Kids[0]; callee.Kind {
		case Local:
			if p.canonical {
				p.upper(callee.Text)
			} else {
				p.local(callee.Text)
			}
		case Call, Invoke, Paren:
			p.node(callee)
		default:
			p.operand(callee, true)
		}
		p.arguments(n, n.Kids[1:])
	case Unary:
		p.b = append(p.b, n.Op.String()...)
		p.before(n.Kids[0].pos)
		p.operand(n.Kids[0], n.Kids[0].binds() < bindSign)
	case Postfix:
		kid := n.Kids[0]
		area := n.Op == OpSpill && kid.Kind == Ref && kid.Ref.Kind == AreaRef
		p.operand(kid, area || kid.binds() < binding[n.Op])
		p.before(n.end - 1)
		p.b = append(p.b, n.Op.String()...)
	case Binary:
		p.binary(n)
	case Paren:
		argument := p.argument
		p.argument = false
		p.b = append(p.b, '(')
		p.before(n.Kids[0].pos)
		p.node(n.Kids[0])
		p.before(n.end - 1)
		p.b = append(p.b, ')')
		p.argument = argument
	}
}

func (p *printer) binary(n *Node) {
	left, right := n.Kids[0], n.Kids[1]
	binds := binding[n.Op]
	if n.Op == OpUnion && p.argument && p.completes() {
		p.operand(n, true)
		return
	}
	p.ranged = n.Op == OpRange
	p.operand(left, left.binds() < binds)
	switch {
	case n.Op == OpIntersect:
		from := len(p.b)
		if p.after(left.end); len(p.b) == from {
			p.b = append(p.b, ' ')
		}
	case n.Op == OpRange && (p.canonical && right.pos-left.end > 1 || p.src == ""):
		// Without the spaces, A1 : B2 would become one reference, and Name : Sheet1!A1
		// one to several sheets.
		p.b = append(p.b, " : "...)
	default:
		p.after(left.end)
		p.b = append(p.b, n.Op.String()...)
		p.before(right.pos)
	}
	p.ranged = n.Op == OpRange
	p.operand(right, right.binds() <= binds && (right.Kind != Unary || binds > bindSign))
}

// completes reports whether p writes parentheses that are no nodes. A tree that was
// parsed has all that it needs.
func (p *printer) completes() bool { return p.src == "" || p.display }

// operand writes n, in parentheses where its operator would else be torn apart.
func (p *printer) operand(n *Node, parens bool) {
	if !parens || !p.completes() {
		p.node(n)
		return
	}
	argument := p.argument
	p.argument = false
	p.b = append(p.b, '(')
	p.node(n)
	p.b = append(p.b, ')')
	p.argument = argument
}

func (p *printer) arguments(n *Node, args []*Node) {
	argument := p.argument
	p.argument = true
	p.b = append(p.b, '(')
	for i, k := range args {
		if i > 0 {
			p.after(args[i-1].end)
			p.b = append(p.b, ',')
		}
		p.before(k.pos)
		p.node(k)
	}
	if len(args) == 0 || args[len(args)-1].Kind != Missing {
		p.before(n.end - 1)
	}
	p.b = append(p.b, ')')
	p.argument = argument
}

// number writes a number with the white space that an array constant allows behind
// its sign.
func (p *printer) number(n *Node) {
	if sign := n.Text[0]; (sign == '-' || sign == '+') && int(n.end-n.pos) > len(n.Text) {
		p.b = append(p.b, sign)
		p.after(n.pos + 1)
		p.b = append(p.b, n.Text[1:]...)
		return
	}
	p.b = append(p.b, n.Text...)
}

// upper writes a word that is the same in either case.
func (p *printer) upper(s string) {
	if p.canonical {
		s = strings.ToUpper(s)
	}
	p.b = append(p.b, s...)
}

// sheets writes a sheet prefix.
func (p *printer) sheets(s *sheets) {
	if s != nil {
		from := len(p.b)
		p.b = s.append(p.b)
		p.quoted(from)
	}
}

// quoted looks after the sheet prefix at p.b[from:]. In R1C1 the sheets R:Z! need
// quotes, or else they begin with a reference.
func (p *printer) quoted(from int) {
	if p.mode.Style != R1C1 || len(p.b) == from {
		return
	}
	if i := bytes.IndexByte(p.b[from:], ':'); i > 0 && looksR1C1(string(p.b[from:from+i])) {
		p.b = append(slices.Insert(p.b[:len(p.b)-1], from, '\''), "'!"...)
	}
}

// local writes a name that LET or LAMBDA binds.
func (p *printer) local(s string) {
	switch name := localName(s); {
	case !p.display:
		p.name(s)
	case len(s) > 6 && strings.EqualFold(s[:6], "_xlop."):
		p.b = append(append(append(p.b, '['), name...), ']')
	case s[0] == '[':
		p.b = append(p.b, s...)
	default:
		p.b = append(p.b, name...)
	}
}

// name writes a defined or bound name. In R1C1 a name that can be read as a
// reference, as the r of LET(r,2,r*r), gets the prefix that files give it.
func (p *printer) name(s string) {
	if p.mode.Style == R1C1 && looksR1C1(s) {
		p.b = append(p.b, "_xlpm."...)
	}
	p.b = append(p.b, s...)
}

// table looks after the table reference at p.b[from:], with a name of so many bytes. In
// R1C1 one that can be read as a reference to cells, as RC[2], becomes RC[[2]].
func (p *printer) table(from, name int) {
	if p.mode.Style == R1C1 && looksR1C1(string(p.b[from:])) {
		p.b = append(slices.Insert(p.b, from+name, '['), ']')
	}
}

// looksR1C1 reports whether s is an R1C1 reference.
func looksR1C1(s string) bool {
	if s == "" || s[0]|0x20 != 'r' && s[0]|0x20 != 'c' {
		return false
	}
	sc := scanner{src: s, mode: Mode{Style: R1C1}}
	var t token
	return sc.reference(&t, 0) == len(s)
}

func (p *printer) reference(r *Reference, ranged bool) {
	p.sheets(r.sheets)
	switch r.Kind {
	case NameRef:
		if p.display && Handed(r.Name) != "" {
			p.b = append(p.b, r.Name[storagePrefix(r.Name):]...)
			return
		}
		p.name(r.Name)
	case TableRef:
		if p.display && r.table.items == ItemThisRow {
			p.b = r.table.appendThisRow(append(p.b, r.Name...))
			return
		}
		from := len(p.b)
		p.b = append(p.b, r.Name...)
		p.b = r.table.append(p.b)
		p.table(from, len(r.Name))
	default:
		p.cells(r.Kind, r.First, r.Last, r.Trim, ranged)
	}
}

// cells writes a reference to cells. In R1C1 one column is C and not C:C, except for an
// operand of the range operator, where C:C:C would be read otherwise.
func (p *printer) cells(kind RefKind, first, last Corner, trim Trim, ranged bool) {
	if p.mode.Style == R1C1 && !ranged && trim == 0 && first == last && (kind == ColumnsRef || kind == RowsRef) {
		p.b = appendCorner(p.b, kind, first, p.mode)
		return
	}
	p.b = appendCells(p.b, kind, first, last, trim, p.mode)
}

// appendCells writes a reference to cells. What lies off the sheet is #REF! in A1; in
// R1C1 it is an offset like any other.
func appendCells(b []byte, kind RefKind, first, last Corner, trim Trim, mode Mode) []byte {
	if kind == DeletedRef || mode.Style == A1 && !visible(kind, first, last) {
		return append(b, deletedText...)
	}
	b = appendCorner(b, kind, first, mode)
	if kind == CellRef {
		return b
	}
	return appendCorner(append(b, trim.colon()...), kind, last, mode)
}

// visible reports whether both corners are on the sheet.
func visible(kind RefKind, first, last Corner) bool {
	switch kind {
	case ColumnsRef:
		return uint32(first.Col) < cell.MaxCols && uint32(last.Col) < cell.MaxCols
	case RowsRef:
		return uint32(first.Row) < cell.MaxRows && uint32(last.Row) < cell.MaxRows
	case CellRef:
		return first.onSheet()
	}
	return first.onSheet() && last.onSheet()
}

func appendCorner(b []byte, kind RefKind, c Corner, mode Mode) []byte {
	if mode.Style == R1C1 {
		if kind != ColumnsRef {
			b = appendR1C1(append(b, 'R'), int(c.Row), c.AbsRow, mode.At.Row)
		}
		if kind != RowsRef {
			b = appendR1C1(append(b, 'C'), int(c.Col), c.AbsCol, mode.At.Col)
		}
		return b
	}
	if kind != RowsRef {
		if c.AbsCol {
			b = append(b, '$')
		}
		b = cell.AppendColumn(b, int(c.Col))
	}
	if kind != ColumnsRef {
		if c.AbsRow {
			b = append(b, '$')
		}
		b = strconv.AppendInt(b, int64(c.Row)+1, 10)
	}
	return b
}

func appendR1C1(b []byte, position int, absolute bool, at int) []byte {
	if absolute {
		return strconv.AppendInt(b, int64(position)+1, 10)
	}
	if position == at {
		return b
	}
	b = strconv.AppendInt(append(b, '['), int64(position-at), 10)
	return append(b, ']')
}
