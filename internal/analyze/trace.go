package analyze

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"gridflow/internal/book"
	"gridflow/internal/calc"
	"gridflow/internal/calc/eval"
	"gridflow/internal/calc/graph"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// Progress is told how far long work is, in units of its own. A nil Progress is nobody.
type Progress func(done, total int, message string)

func (p Progress) report(done, total int, message string) {
	if p != nil {
		p(done, total, message)
	}
}

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
	Reached  bool   // the formula does not say so: it was run, and read To
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
	dependentsMax = 500    // places that depend on one node, but for the origin
	dynamicMax    = 2_000  // formulas that are run to see what they reach
	topRanges     = 3
	topGroups     = 3
	notableCells  = 5
	groupSamples  = 5
)

// Follow walks the references from or to a cell, breadth first and across sheets, through names,
// tables and 3-D ranges. What INDIRECT, OFFSET and their kind reach is followed as they do it now.
// It asks the graph that calculation has, too: where that is not there yet it is made, and all
// sheets are read.
func Follow(ctx context.Context, snap *book.Snapshot, sheet int, at cell.Ref, o TraceOptions) (*Trace, error) {
	for i, info := range snap.Workbook().Sheets {
		o.Progress.report(i, len(snap.Workbook().Sheets), "reading the formulas of sheet "+info.Name)
		if info.Kind == grid.Worksheet {
			if _, err := snap.Sheet(ctx, i); err != nil {
				return nil, err
			}
		}
	}
	f, err := snap.Formulas(ctx)
	if err != nil {
		return nil, err
	}
	t := tracer{ctx: ctx, snap: snap, formulas: f, graph: f.Graph(), options: o, pace: newPace(ctx), seen: make(map[Node]bool), views: make(map[int]View), noted: make(map[string]bool)}
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
			if len(t.edges) >= layerEdges && len(t.next) >= layerNodes {
				break // whatever comes is left out, and a note says so
			}
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
	if t.reached {
		t.note("A formula on the way calls INDIRECT, OFFSET or the like: what it reads with the present values is followed.")
	}
	out.Notes = t.notes
	return out, nil
}

type tracer struct {
	ctx      context.Context
	snap     *book.Snapshot
	formulas *book.Formulas
	graph    *graph.Graph
	options  TraceOptions
	pace     *pace
	origin   Node
	seen     map[Node]bool
	views    map[int]View
	edges    []Edge
	next     []Node
	notes    []string
	noted    map[string]bool // by format

	reader  *calc.Reader // nil until a formula has to be run
	runs    int          // of formulas
	reached bool         // something was followed that only a run told
	readers []reach      // what formulas reach by the functions that only a run tells
	listed  bool         // readers is made
}

// reach is what one cell reads beyond what its formula says.
type reach struct {
	at    Node
	areas []graph.Area
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

// user is formulas of which something is asked: copies of one that stand together, or an array
// formula with the cells that it fills.
type user struct {
	span  graph.Span // of one of them
	read  int        // by which of its reads, where that counts
	sheet int
	cells cell.Range // that hold the formula
	shown cell.Range // the same, or what an array formula fills
}

func compareUsers(a, b user) int {
	return cmp.Or(cmp.Compare(a.sheet, b.sheet), compareRanges(a.shown, b.shown), cmp.Compare(a.read, b.read))
}

// together makes one of users that are copies of one formula side by side, so that it does not
// matter in which pieces the graph has them.
func together(list []user) []user {
	type key struct {
		template *graph.Template
		read     int
	}
	index := make(map[key]int)
	var out []user
	var cells [][]cell.Range
	for _, u := range list {
		if u.cells != u.shown {
			out, cells = append(out, u), append(cells, nil)
			continue
		}
		k := key{u.span.Template, u.read}
		i, ok := index[k]
		if !ok {
			i = len(out)
			index[k] = i
			out, cells = append(out, u), append(cells, nil)
		}
		cells[i] = append(cells[i], u.cells)
	}
	for i, n := 0, len(out); i < n; i++ {
		for k, r := range rectangles(cells[i]) {
			if k == 0 {
				out[i].cells, out[i].shown = r, r
				continue
			}
			u := out[i]
			u.cells, u.shown = r, r
			out = append(out, u)
		}
	}
	slices.SortFunc(out, compareUsers)
	return out
}

// precedents adds what the formulas in n refer to.
func (t *tracer) precedents(n Node) error {
	var list []user
	for s := range t.graph.SpansIn(n.Sheet, n.Range) {
		if err := t.pace.step(1); err != nil {
			return err
		}
		u := user{span: s, sheet: n.Sheet, cells: s.Area}
		if x, ok := s.Area.Intersect(n.Range); ok {
			u.cells, u.shown = x, x
		} else {
			// What an array formula fills has its references, though only its anchor holds it.
			u.shown, _ = s.Output.Intersect(n.Range)
		}
		list = append(list, u)
	}
	for _, u := range together(list) {
		from := Node{Sheet: n.Sheet, Range: u.shown}
		for _, x := range calc.Externals(u.span) {
			to := Node{Sheet: -1, External: t.external(&x, u.cells)}
			t.edge(Edge{From: from, To: to})
			t.reach(to)
		}
		for i := range u.span.Template.Reads() {
			x, ok := u.span.Template.Image(i, u.cells)
			if !ok {
				continue
			}
			to := Node{Sheet: x.Sheet, Range: x.Range}
			t.edge(Edge{From: from, To: to, Name: calc.ReadName(u.span, i)})
			if err := t.reachRange(to); err != nil {
				return err
			}
		}
		if !u.span.Template.Facts.Dynamic {
			continue
		}
		for at := range refsOf(u.cells) {
			areas, more, err := t.run(n.Sheet, at)
			if err != nil {
				return err
			}
			if u.cells == u.shown {
				from.Range = cell.Range{First: at, Last: at}
			}
			for _, a := range areas {
				t.reached = true
				to := Node{Sheet: a.Sheet, Range: a.Range}
				t.edge(Edge{From: from, To: to, Reached: true})
				if err := t.reachRange(to); err != nil {
					return err
				}
			}
			if !more {
				break
			}
		}
	}
	return nil
}

// external gives what a formula in some cells refers to of another workbook, as a text with the
// workbook's own path where the file gives one.
func (t *tracer) external(x *eval.External, cells cell.Range) string {
	file := x.Book
	if n, ok := cell.ParseRow(file); ok && n < len(t.snap.Workbook().External) && t.snap.Workbook().External[n] != "" {
		file = t.snap.Workbook().External[n]
	}
	text := "[" + file + "]"
	if x.Sheet != "" {
		text += x.Sheet + "!"
	}
	if x.Name != "" {
		return text + x.Name
	}
	area, _ := graph.ImageOf(graph.Read{First: x.First, Last: x.Last}, cells)
	return text + area.String()
}

// run gives what the formula of a cell reads beyond what it says; more is false where so many were
// run that this has to do.
func (t *tracer) run(sheet int, at cell.Ref) (areas []graph.Area, more bool, err error) {
	if t.runs >= dynamicMax {
		t.note("More than %d formulas call INDIRECT, OFFSET or the like: what the rest of them reach is left out.", dynamicMax)
		return nil, false, nil
	}
	t.runs++
	if t.reader == nil {
		t.reader = t.formulas.Reader()
	}
	areas, err = t.reader.Reached(t.ctx, calc.Cell{Sheet: sheet, At: at})
	return areas, true, err
}

// dependents adds the formulas that refer to n.
func (t *tracer) dependents(n Node) error {
	most := dependentsMax
	if n == t.origin {
		most = layerEdges
	}
	var list []user
	cut := false
	for d := range t.graph.Dependents(n.Sheet, n.Range) {
		if err := t.pace.step(1); err != nil {
			return err
		}
		u := user{span: d.Span, read: d.Read, sheet: d.Span.Template.Sheet, cells: d.Cells, shown: d.Cells}
		if d.Span.Area != d.Span.Output {
			u.shown = d.Span.Output
		}
		if list = append(list, u); len(list) >= 2*most {
			slices.SortFunc(list, compareUsers)
			list, cut = list[:most], true
		}
	}
	list = together(list)
	if cut = cut || len(list) > most; cut {
		t.note("More than %d places depend on %s: the rest is left out.", most, n.Range)
		list = list[:min(most, len(list))]
	}
	for _, u := range list {
		from := Node{Sheet: u.sheet, Range: u.shown}
		t.edge(Edge{From: from, To: n, Name: calc.ReadName(u.span, u.read)})
		if err := t.reachRange(from); err != nil {
			return err
		}
	}
	if err := t.list(); err != nil {
		return err
	}
	for _, r := range t.readers {
		for _, a := range r.areas {
			if err := t.pace.step(1); err != nil {
				return err
			}
			if _, meets := a.Range.Intersect(n.Range); !meets || a.Sheet != n.Sheet {
				continue
			}
			t.reached = true
			t.edge(Edge{From: r.at, To: n, Reached: true})
			if err := t.reachRange(r.at); err != nil {
				return err
			}
			break
		}
	}
	return nil
}

// list runs all formulas of which only a run tells what they read.
func (t *tracer) list() error {
	if t.listed {
		return nil
	}
	t.listed = true
	var list []user
	for s := range t.graph.Restless() {
		if err := t.pace.step(1); err != nil {
			return err
		}
		if s.Template.Facts.Dynamic {
			list = append(list, user{span: s, sheet: s.Template.Sheet, cells: s.Area, shown: s.Output})
		}
	}
	slices.SortFunc(list, compareUsers)
	for _, u := range list {
		for at := range refsOf(u.cells) {
			areas, more, err := t.run(u.sheet, at)
			if err != nil || !more {
				return err
			}
			shown := u.shown
			if u.cells == u.shown {
				shown = cell.Range{First: at, Last: at}
			}
			if len(areas) > 0 {
				t.readers = append(t.readers, reach{Node{Sheet: u.sheet, Range: shown}, areas})
			}
		}
	}
	return nil
}

// edge adds an edge, cell by cell where that was asked for.
func (t *tracer) edge(e Edge) {
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
			t.add(e)
		}
		return
	}
	t.add(e)
}

func (t *tracer) add(e Edge) {
	if len(t.edges) >= layerEdges {
		t.note("A layer has more than %d edges: the rest is left out.", layerEdges)
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

// order puts false before true.
func order(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// layer makes the layer out of what was added: its edges sorted and cut to the page,
// its new nodes counted.
func (t *tracer) layer(depth int) (Layer, error) {
	slices.SortFunc(t.edges, func(a, b Edge) int {
		return cmp.Or(compareNodes(a.From, b.From), compareNodes(a.To, b.To), cmp.Compare(a.Name, b.Name), order(a.Reached, b.Reached))
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
