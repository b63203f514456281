package formula

import (
	"slices"
	"strconv"

	"gridflow/internal/cell"
)

// Literals are the numbers and the texts that stand in a formula as values, in the order of its
// text. Those of an array constant are not among them: they say how large it is, too. Nor are the
// logical values, for which there are but two.
type Literals struct {
	Numbers []float64
	Texts   []string
}

// Equal reports whether two formulas with the same template have the same literals.
func (l *Literals) Equal(o *Literals) bool {
	return slices.Equal(l.Numbers, o.Numbers) && slices.Equal(l.Texts, o.Texts)
}

// copy makes l those of o. It gives false, as there is something that differs.
func (l *Literals) copy(o *Literals) bool {
	l.Numbers, l.Texts = append(l.Numbers[:0], o.Numbers...), append(l.Texts[:0], o.Texts...)
	return false
}

// take adds a literal to l, and to b what stands for it in a template.
func (l *Literals) take(b []byte, kind tokenKind, word string) []byte {
	if kind == tokenText {
		l.Texts = append(l.Texts, unquoteText(word))
		return append(b, `""`...)
	}
	f, _ := strconv.ParseFloat(word, 64)
	l.Numbers = append(l.Numbers, f)
	return append(b, '0')
}

// open reports whether a token that was just read is a literal. Beside a colon it is none, for
// there numbers may be rows, nor is a number that is too large to be one.
func (s *scanner) open(t *token, array, ranged bool) bool {
	if t.kind != tokenNumber && t.kind != tokenText || array || ranged || s.nextByte() == ':' {
		return false
	}
	return t.kind == tokenText || finite(s.src[t.pos:t.end])
}

// AppendTemplate is [AppendRelative] for formulas that may differ in their literals: in the form that
// it appends to b each number is 0 and each text is empty. The literals are put into l, in
// place of what was there. Where there is an error, what is in l means nothing.
func AppendTemplate(b []byte, text string, at cell.Ref, l *Literals) ([]byte, error) {
	l.Numbers, l.Texts = l.Numbers[:0], l.Texts[:0]
	return appendRelative(b, text, at, l)
}

// Literals gives the nodes of the literals of a formula that was parsed, in the order in which
// AppendTemplate has them: the numbers, and the texts. Of a rewritten tree there are none.
func (t *Tree) Literals() (numbers, texts []*Node) {
	if t.changed {
		return nil, nil
	}
	s := scanner{src: t.src, mode: t.mode}
	if !s.start() {
		return nil, nil
	}
	open := map[int32]bool{} // where they begin
	var x token
	for ranged, array := false, false; s.next(&x) && x.kind != tokenEnd; {
		if array = x.kind == tokenOpenArray || array && x.kind != tokenCloseArray; s.open(&x, array, ranged) {
			open[int32(x.pos)] = true
		}
		ranged = x.kind == tokenBinary && x.op == OpRange
	}
	for n := range Nodes(t.Root) {
		switch {
		case n.Kind != Number && n.Kind != Text || !open[n.pos]:
		case n.Kind == Number:
			numbers = append(numbers, n)
		default:
			texts = append(texts, n)
		}
	}
	byPlace := func(a, b *Node) int { return int(a.pos - b.pos) }
	slices.SortFunc(numbers, byPlace)
	slices.SortFunc(texts, byPlace)
	return numbers, texts
}
