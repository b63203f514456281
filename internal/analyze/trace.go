package analyze

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"gridflow/internal/book"
	"gridflow/internal/cell"
)

// Node is a vertex of a trace: a cell, a range that is too large to be looked at cell
// by cell, or a reference to another workbook.
type Node struct {
	Sheet    int // -1 where External is set
	Range    cell.Range
	External string
}

// Edge says that the formulas at From refer to To.
type Edge struct {
	From, To Node
	Name     string // the defined name or table that the reference is written with
}

// Cursor is where a layer's edges are gone on with.
type Cursor struct{ Depth, Offset int }

// TraceOptions says what Trace follows and shows.
type TraceOptions struct {
	Dependents bool
	Depth      int // layers
	PageSize   int // edges of a layer
	ExpandTo   int // edges to ranges of at most so many cells are shown cell by cell; 0 keeps ranges
	Cursor     *Cursor
	Progress   Progress
}

// Trace is what a cell depends on, or what depends on it, layer by layer.
type Trace struct {
	Layers []Layer
	Next   *Cursor
	Notes  []string
}

// Layer is what is reached after Depth steps and not before.
type Layer struct {
	Depth   int
	Summary Summary
	Ranges  []RangeHighlight
	Groups  []GroupHighlight
	Notable []Notable

	Edges  []Edge // the page that was asked for
	Offset int    // edges before it
	Total  int    // edges in all
}

// More reports whether edges follow behind the page.
func (l *Layer) More() bool { return l.Offset+len(l.Edges) < l.Total }

// Summary counts the nodes of a layer. A large range counts once, as a formula node
// where it holds a formula.
type Summary struct {
	Nodes, Formulas, Values, Blanks, Externals int
	Groups                                     int // different formulas among them
}

// RangeHighlight is a block of nodes.
type RangeHighlight struct {
	Node                       Node
	Cells                      int64
	Literals, Formulas, Blanks int64
}

// GroupHighlight is formulas of a layer that are copies of one another.
type GroupHighlight struct {
	Sheet       int
	Fingerprint string
	First       cell.Ref
	Count       int
	Samples     []cell.Ref
}

// Notable is a node worth a look: an external reference, an error, a formula.
type Notable struct {
	Node Node
	Kind string // "external", "formula", "literal" or "blank"
}

// The bounds of a trace. A layer that reaches one says so in the notes.
const (
	expandCells   = 500    // ranges up to this size are looked at cell by cell
	layerNodes    = 20_000 // nodes of one layer
	layerEdges    = 50_000 // edges of one layer
	dependentsMax = 500    // places that depend on one node
	topRanges     = 3
	topGroups     = 3
	notableCells  = 5
	groupSamples  = 5
)

// Trace walks the references from or to a cell, breadth first and across sheets.
// References through names, tables and 3-D ranges are followed; what OFFSET and
// INDIRECT reach at calculation is not known here, and a note says where it matters.
func (g *Graph) Trace(ctx context.Context, snap *book.Snapshot, sheet int, at cell.Ref, o TraceOptions) (*Trace, error) {
	t := tracer{Graph: g, ctx: ctx, snap: snap, options: o, pace: newPace(ctx), seen: make(map[Node]bool), views: make(map[int]View), noted: make(map[string]bool)}
	if o.Dependents {
		rev, err := g.reversed(ctx, snap, o.Progress)
		if err != nil {
			return nil, err
		}
		t.rev = rev
		if rev.cut {
			t.note("The workbook has more references than are indexed: some dependents may be missing.")
		}
	}
	origin := Node{Sheet: sheet, Range: cell.Range{First: at, Last: at}}
	t.seen[origin] = true
	t.origin = origin
	out := &Trace{}
	frontier := []Node{origin}
	for depth := 1; depth <= o.Depth && len(frontier) > 0; depth++ {
		t.edges, t.next = nil, nil
		for _, n := range frontier {
			if n.Sheet < 0 {
				continue
			}
			var err error
			if o.Dependents {
				err = t.dependents(n)
			} else {
				err = t.precedents(n)
			}
			if err != nil {
				return nil, err
			}
		}
		if len(t.edges) == 0 {
			break
		}
		l, err := t.layer(depth)
		if err != nil {
			return nil, err
		}
		out.Layers = append(out.Layers, l)
		frontier = t.next
	}
	for i := range out.Layers {
		if l := &out.Layers[i]; l.More() && (o.Cursor == nil || o.Cursor.Depth == l.Depth) {
			out.Next = &Cursor{l.Depth, l.Offset + len(l.Edges)}
			break
		}
	}
	if out.Next == nil && o.Cursor != nil {
		// The layer that was paged is done: go on with the next one that is not.
		for i := range out.Layers {
			if l := &out.Layers[i]; l.Depth > o.Cursor.Depth && l.Total > o.PageSize {
				out.Next = &Cursor{l.Depth, o.PageSize}
				break
			}
		}
	}
	out.Notes = t.notes
	if t.dynamic {
		out.Notes = append(out.Notes, "A formula on the way calls OFFSET or INDIRECT: what these reach is known only when they are calculated, and is not followed.")
	}
	return out, nil
}

type tracer struct {
	*Graph
	ctx     context.Context
	snap    *book.Snapshot
	options TraceOptions
	pace    *pace
	rev     *reverse
	origin  Node
	seen    map[Node]bool
	views   map[int]View
	edges   []Edge
	next    []Node
	notes   []string
	noted   map[string]bool // by format
	dynamic bool
}

// note adds a note, the first one of each format.
func (t *tracer) note(format string, args ...any) {
	if !t.noted[format] {
		t.noted[format] = true
		t.notes = append(t.notes, fmt.Sprintf(format, args...))
	}
}

func (t *tracer) view(i int) (View, error) {
	v, ok := t.views[i]
	if !ok {
		s, err := t.snap.Sheet(t.ctx, i)
		if err != nil {
			return v, err
		}
		v = ViewOf(t.snap.Workbook(), s)
		t.views[i] = v
	}
	return v, nil
}

// precedents adds what the formulas in n refer to.
func (t *tracer) precedents(n Node) error {
	s, err := t.sheet(t.ctx, t.snap, n.Sheet)
	if err != nil {
		return err
	}
	use := func(from Node, r Run) error {
		t.seeTemplate(&s.Templates[r.Template])
		for _, l := range s.linksOf(r.Template) {
			name := ""
			if l.name >= 0 {
				name = s.names[l.name]
			}
			if l.from < 0 {
				to := Node{Sheet: -1, External: s.externals[l.external]}
				t.edge(Edge{from, to, name})
				t.reach(to)
				continue
			}
			x, ok := l.target(r.Col, r.First, r.Last)
			if !ok {
				continue
			}
			for i := l.from; i <= l.to; i++ {
				to := Node{Sheet: int(i), Range: x}
				t.edge(Edge{from, to, name})
				if err := t.reachRange(to); err != nil {
					return err
				}
			}
		}
		return nil
	}
	err = s.parts(n.Range, func(r Run) error { return use(Node{Sheet: n.Sheet, Range: r.Range()}, r) })
	if err != nil {
		return err
	}
	// What an array formula fills has its references, though only its anchor holds it.
	v, err := t.view(n.Sheet)
	if err != nil {
		return err
	}
	for f := range v.Arrays(n.Range) {
		if n.Range.Contains(f.Anchor) {
			continue
		}
		filled, _ := f.Range.Intersect(n.Range)
		at := cell.Range{First: f.Anchor, Last: f.Anchor}
		if err := s.parts(at, func(r Run) error { return use(Node{Sheet: n.Sheet, Range: filled}, r) }); err != nil {
			return err
		}
	}
	return nil
}

func (t *tracer) seeTemplate(tpl *Template) {
	t.dynamic = t.dynamic || slices.Contains(tpl.Volatile, "OFFSET") || slices.Contains(tpl.Volatile, "INDIRECT")
}

// parts calls f for the parts of runs that lie in x.
func (k *Skeleton) parts(x cell.Range, f func(Run) error) error {
	for i := k.search(x.First.Col, x.First.Row); i < len(k.Runs); {
		r := k.Runs[i]
		if int(r.Col) > x.Last.Col {
			return nil
		}
		if int(r.First) > x.Last.Row || int(r.Last) < x.First.Row {
			// Behind the rows of x in this column: on to the next, by a search.
			col := int(r.Col)
			if int(r.First) > x.Last.Row {
				col++
			}
			i = max(k.search(col, x.First.Row), i+1)
			continue
		}
		r.First, r.Last = max(r.First, int32(x.First.Row)), min(r.Last, int32(x.Last.Row))
		if err := f(r); err != nil {
			return err
		}
		i++
	}
	return nil
}

// dependents adds the formulas that refer to n.
func (t *tracer) dependents(n Node) error {
	var err error
	places := 0
	t.rev.to[n.Sheet].reaching(n.Range, func(e entry) bool {
		if err = t.pace.step(1); err != nil {
			return false
		}
		var s *sheetGraph
		if s, err = t.sheet(t.ctx, t.snap, int(e.sheet)); err != nil {
			return false
		}
		r, l := s.Runs[e.run], &s.links[e.link]
		lo, hi, ok := l.holders(r.First, r.Last, int32(n.Range.First.Row), int32(n.Range.Last.Row))
		if !ok {
			return true
		}
		if places++; places > dependentsMax {
			t.note("More than %d places depend on %s: the rest is left out.", dependentsMax, n.Range)
			return false
		}
		r.First, r.Last = lo, hi
		name := ""
		if l.name >= 0 {
			name = s.names[l.name]
		}
		from := Node{Sheet: int(e.sheet), Range: r.Range()}
		if s.Templates[r.Template].Array {
			return t.arrayDependents(from, n, name, &err)
		}
		t.edge(Edge{from, n, name})
		err = t.reachRange(from)
		return err == nil
	})
	return err
}

// arrayDependents adds array formulas that refer to n, whose anchors are from, with all
// the cells that they fill.
func (t *tracer) arrayDependents(from, n Node, name string, err *error) bool {
	var v View
	if v, *err = t.view(from.Sheet); *err != nil {
		return false
	}
	anchors := from.Range
	for f := range v.Arrays(anchors) {
		if !anchors.Contains(f.Anchor) {
			continue
		}
		if anchors.Cells() == 1 {
			from.Range = f.Range
		}
		if *err = t.reachRange(Node{Sheet: from.Sheet, Range: f.Range}); *err != nil {
			return false
		}
	}
	t.edge(Edge{from, n, name})
	*err = t.reachRange(from)
	return *err == nil
}

// edge adds an edge, cell by cell where that was asked for.
func (t *tracer) edge(e Edge) {
	if len(t.edges) >= layerEdges {
		t.note("A layer has more than %d edges: the rest is left out.", layerEdges)
		return
	}
	side := &e.To
	if t.options.Dependents {
		side = &e.From
	}
	if side.Sheet == t.origin.Sheet && side.Range.ContainsRange(t.origin.Range) {
		t.note("The cell depends on itself: there is a circular reference.")
	}
	if n := side.Range.Cells(); side.Sheet >= 0 && n > 1 && n <= int64(t.options.ExpandTo) {
		for ref := range refsOf(side.Range) {
			side.Range = cell.Range{First: ref, Last: ref}
			t.edges = append(t.edges, e)
		}
		return
	}
	t.edges = append(t.edges, e)
}

// reachRange adds the cells of a range to the next layer, or the range as one node
// where it is large.
func (t *tracer) reachRange(n Node) error {
	if err := t.pace.step(int(min(n.Range.Cells(), expandCells))); err != nil {
		return err
	}
	if n.Range.Cells() > expandCells {
		t.reach(n)
		return nil
	}
	for ref := range refsOf(n.Range) {
		t.reach(Node{Sheet: n.Sheet, Range: cell.Range{First: ref, Last: ref}})
	}
	return nil
}

func (t *tracer) reach(n Node) {
	if t.seen[n] {
		return
	}
	if len(t.next) >= layerNodes {
		t.note("A layer has more than %d cells: the rest is not followed.", layerNodes)
		return
	}
	t.seen[n] = true
	t.next = append(t.next, n)
}

func refsOf(r cell.Range) func(func(cell.Ref) bool) {
	return func(yield func(cell.Ref) bool) {
		for row := r.First.Row; row <= r.Last.Row; row++ {
			for col := r.First.Col; col <= r.Last.Col; col++ {
				if !yield(cell.Ref{Row: row, Col: col}) {
					return
				}
			}
		}
	}
}

func compareNodes(a, b Node) int {
	return cmp.Or(
		cmp.Compare(uint(a.Sheet), uint(b.Sheet)), // external nodes last
		cmp.Compare(a.Range.First.Row, b.Range.First.Row),
		cmp.Compare(a.Range.First.Col, b.Range.First.Col),
		cmp.Compare(a.Range.Last.Row, b.Range.Last.Row),
		cmp.Compare(a.Range.Last.Col, b.Range.Last.Col),
		cmp.Compare(a.External, b.External))
}

// layer makes the layer out of what was added: its edges sorted and cut to the page,
// its new nodes counted.
func (t *tracer) layer(depth int) (Layer, error) {
	slices.SortFunc(t.edges, func(a, b Edge) int {
		return cmp.Or(compareNodes(a.From, b.From), compareNodes(a.To, b.To), cmp.Compare(a.Name, b.Name))
	})
	edges := slices.Compact(t.edges)
	l := Layer{Depth: depth, Total: len(edges)}
	end := min(len(edges), t.options.PageSize)
	if c := t.options.Cursor; c != nil {
		l.Offset, end = 0, 0
		if c.Depth == depth {
			l.Offset = min(c.Offset, len(edges))
			end = min(len(edges), l.Offset+t.options.PageSize)
		}
	}
	l.Edges = edges[l.Offset:end]
	slices.SortFunc(t.next, compareNodes)
	return l, t.summarise(&l)
}
