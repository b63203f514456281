package graph

import (
	"iter"

	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/grid"
)

// Template is a formula in its relative form, which all of its copies on one sheet have.
// It is compiled once, and shared by a graph and all that are made from it.
type Template struct {
	Sheet    int
	Kind     grid.FormulaKind // NormalFormula, ArrayFormula or DynamicArray
	Relative string           // as formula.AppendTemplate gives it; of an array formula, as formula.AppendRelative does
	Facts    Facts            // without Reads, which the graph keeps in a form of its own
	Err      error            // why the compiler does not understand it

	reads    []read
	literals formula.Literals // of the copy that was met first
}

// Reads is the number of regions that one cell of the template reads or names.
func (t *Template) Reads() int { return len(t.reads) }

// Image gives all that cells of the template read by one of its reads, which has no gaps; ok is
// false where that is off the sheet.
func (t *Template) Image(read int, cells cell.Range) (a Area, ok bool) {
	r := &t.reads[read]
	x := r.image(boxOf(cells))
	return Area{int(r.sheet), x.Range()}, !x.empty()
}

// restless reports whether the template is one whose cells a calculation begins with, whatever
// was changed.
func (t *Template) restless() bool { return t.Facts.Volatile || t.Facts.Dynamic }

// span is a template over a rectangle.
type span struct {
	tpl  *Template // nil in a slot that is free
	area box       // the cells that hold the formula
	out  box       // the cells whose values it gives: area, or what an array formula fills
}

// array reports whether the formula, which one cell holds, gives the values of others.
func (s *span) array() bool { return s.area != s.out }

// Span is copies of one formula over a rectangle, or one array formula.
type Span struct {
	ID       int32 // names the span in its graph; other graphs may give it to another
	Template *Template
	Area     cell.Range // the cells that hold the formula; of an array formula the anchor
	Output   cell.Range // the cells whose values it gives: Area, but for an array formula that fills more
}

// Reads yields what some cells of the span read, an area for each read of its template.
func (s Span) Reads(cells cell.Range) iter.Seq[Area] {
	return func(yield func(Area) bool) {
		for i := range s.Template.reads {
			r := &s.Template.reads[i]
			if x := r.image(boxOf(cells)); !x.empty() && !yield(Area{int(r.sheet), x.Range()}) {
				return
			}
		}
	}
}

// Graph is which formulas of a workbook read which cells, and the order that this puts on
// them. It is immutable and may be used from any number of goroutines.
type Graph struct {
	sheets  []sheet
	spans   pages
	free    int32   // the first slot without a span, -1 for none; its area begins with the next one
	special []int32 // ids of spans that are volatile or dynamic, ascending

	base   map[templateKey]*Template // templates that were there when the graph was built
	recent []*Template               // those that came with edits, by key
	sweep  int                       // so many are reason to look which are still used

	formulas int64
	reads    int64 // entries of the read indexes
}

// sheet is what the graph knows of one sheet.
type sheet struct {
	used    box  // what the formulas can find there; for estimates only
	outputs tree // of the spans that stand on it
	reads   tree // of all spans, as far as they reach it

	literals []*literalColumn // by column
}

type templateKey struct {
	sheet    int32
	kind     grid.FormulaKind
	relative string
}

func (t *Template) key() templateKey { return templateKey{int32(t.Sheet), t.Kind, t.Relative} }

// pages is the spans by id, in pages of which versions share those that are the same.
type pages []*[pageSize]span

const (
	pageShift = 7
	pageSize  = 1 << pageShift
)

func (p pages) at(id int32) *span { return &p[id>>pageShift][id&(pageSize-1)] }

// ids is one more than the highest id.
func (p pages) ids() int { return len(p) << pageShift }

func (g *Graph) span(id int32) Span {
	s := g.spans.at(id)
	return Span{id, s.tpl, s.area.Range(), s.out.Range()}
}

// Spans yields all spans, by id.
func (g *Graph) Spans() iter.Seq[Span] {
	return func(yield func(Span) bool) {
		for id := range int32(g.spans.ids()) {
			if g.spans.at(id).tpl != nil && !yield(g.span(id)) {
				return
			}
		}
	}
}

// SpanAt gives the span that the value of a cell comes from, and whether there is any.
// Where an array formula fills a cell that has a formula of its own, it is that of the cell.
func (g *Graph) SpanAt(sheet int, at cell.Ref) (Span, bool) {
	if uint(sheet) >= uint(len(g.sheets)) || !at.Valid() {
		return Span{}, false
	}
	found := int32(-1)
	b := boxAt(at)
	g.sheets[sheet].outputs.search(b, func(e *entry) bool {
		if found < 0 || g.spans.at(e.span).area.holds(b) {
			found = e.span
		}
		return true
	})
	if found < 0 {
		return Span{}, false
	}
	return g.span(found), true
}

// SpansIn yields the spans whose output meets a range, in no particular order.
func (g *Graph) SpansIn(sheet int, r cell.Range) iter.Seq[Span] {
	return func(yield func(Span) bool) {
		if uint(sheet) < uint(len(g.sheets)) {
			g.sheets[sheet].outputs.search(boxOf(r), func(e *entry) bool { return yield(g.span(e.span)) })
		}
	}
}

// Dependent is formulas that read a range, or name it.
type Dependent struct {
	Span  Span
	Cells cell.Range // the cells of Span.Area that do
	Read  int        // by which of the template's reads
	Named bool       // it does not go by what the range holds
}

// Dependents yields the formulas that read or name some cell of a range, directly. A span
// comes once for each of its reads that does. The cost is by what is found.
func (g *Graph) Dependents(sheet int, r cell.Range) iter.Seq[Dependent] {
	return func(yield func(Dependent) bool) {
		if uint(sheet) >= uint(len(g.sheets)) {
			return
		}
		d := boxOf(r)
		g.sheets[sheet].reads.search(d, func(e *entry) bool {
			s := g.spans.at(e.span)
			r := &s.tpl.reads[e.read]
			x := r.inverse(s.area, d)
			return x.empty() || yield(Dependent{g.span(e.span), x.Range(), int(e.read), r.named})
		})
	}
}

// Restless yields the spans that are volatile or dynamic, by id.
func (g *Graph) Restless() iter.Seq[Span] {
	return func(yield func(Span) bool) {
		for _, id := range g.special {
			if !yield(g.span(id)) {
				return
			}
		}
	}
}

// Precedents yields what the formula behind a cell's value reads or names, directly: an area for
// each read, in the order in which the compiler gave them.
func (g *Graph) Precedents(sheet int, at cell.Ref) iter.Seq[Area] {
	return func(yield func(Area) bool) {
		s, ok := g.SpanAt(sheet, at)
		if !ok {
			return
		}
		from := cell.Range{First: at, Last: at}
		if s.Area != s.Output {
			from = s.Area
		}
		s.Reads(from)(yield)
	}
}

// Stats is what a graph is made of.
type Stats struct {
	Formulas  int64 // cells that hold a formula
	Spans     int
	Templates int
	Edges     int64 // reads of spans: what an index of cells would expand
	Volatile  int   // spans that are volatile or dynamic
	Bytes     int64 // about what the graph keeps alive, without the compiler's programs
}

// Stats counts. It looks at every node of the graph.
func (g *Graph) Stats() Stats {
	s := Stats{Formulas: g.formulas, Edges: g.reads, Volatile: len(g.special)}
	seen := make(map[*Template]bool)
	for id := range int32(g.spans.ids()) {
		if t := g.spans.at(id).tpl; t != nil {
			s.Spans++
			if !seen[t] {
				seen[t] = true
				s.Bytes += templateBytes + int64(len(t.Relative)) + 28*int64(cap(t.reads)) + 8*int64(len(t.literals.Numbers)) + 16*int64(len(t.literals.Texts))
			}
		}
	}
	s.Templates = len(seen)
	s.Bytes += 200 + int64(8+pageSize*40)*int64(len(g.spans)) + 4*int64(cap(g.special)) + 8*int64(cap(g.recent)) + 48*int64(len(g.base))
	for i := range g.sheets {
		s.Bytes += 72 + g.sheets[i].outputs.bytes() + g.sheets[i].reads.bytes() + g.sheets[i].literalBytes()
	}
	return s
}

// templateBytes is the size of a Template.
const templateBytes = 208
