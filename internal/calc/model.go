package calc

import (
	"context"
	"slices"

	"gridflow/internal/calc/eval"
	"gridflow/internal/calc/graph"
	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/grid"
)

// Model is the formulas of a workbook, compiled, and the graph of what they read. It is
// immutable and may be used by any number of calculations at once; versions of a workbook
// share of it what they have in common.
type Model struct {
	words *words
	graph *graph.Graph
	// blocked are the dynamic arrays that had no room: whatever is emptied may give it to them,
	// and nothing that they read says so.
	blocked []place
	kept    *kept // shared by all that are made from one another
	bytes   int64 // that it keeps alive, about; of one that is derived, beside the first one's

	derived bool // it came of another one by With
}

// program is a formula that all its copies on a sheet share.
type program struct {
	*eval.Program
	kernel *eval.Kernel // nil where it has none
	text   string       // of the first copy, as the file has it, with its literals
	at     cell.Ref
	words  *words // in which it was compiled
}

// NewModel compiles the formulas of a workbook. The error is that of ctx.
func NewModel(ctx context.Context, in Input) (*Model, error) {
	w := newWords(in)
	g, err := graph.Build(ctx, in.Sheets, w)
	if err != nil {
		return nil, err
	}
	s := g.Stats()
	return &Model{words: w, graph: g, blocked: blockedIn(in, g), kept: newKept(), bytes: s.Bytes + programBytes*int64(s.Templates)}, nil
}

// blockedIn finds the dynamic arrays without room in a workbook as it was saved.
func blockedIn(in Input, g *graph.Graph) (list []place) {
	for s := range g.Spans() {
		if s.Template.Kind != grid.DynamicArray {
			continue
		}
		for row := s.Area.First.Row; row <= s.Area.Last.Row; row++ {
			for col := s.Area.First.Col; col <= s.Area.Last.Col; col++ {
				p := place{s.Template.Sheet, cell.Ref{Row: row, Col: col}}
				if in.Sheets[p.sheet].Value(p.at).Err() == cell.ErrSpill {
					list = append(list, p)
				}
			}
		}
	}
	slices.SortFunc(list, comparePlaces)
	return list
}

// AsIn gives the model for the values that in has, where those of which m was made are others: it knows which dynamic arrays have no room.
func (m *Model) AsIn(in Input) *Model {
	blocked := blockedIn(in, m.graph)
	if slices.Equal(blocked, m.blocked) {
		return m
	}
	n := *m
	n.blocked = blocked
	return &n
}

// What a compiled formula takes, about, and what one more changed cell does: a span, its entries in
// the indexes and a program of its own.
const (
	programBytes = 600
	changeBytes  = 1000
)

// Bytes is about what the model keeps alive. For one that came of another by With it is what
// it has beside the one that was compiled first.
func (m *Model) Bytes() int64 { return m.bytes }

// With gives the model of a workbook in which the formulas of some cells are others than in
// m. in is the workbook as it is now; its names, tables and sheets are those of m. The error may be that of ctx.
func (m *Model) With(ctx context.Context, in Input, changed []Cell) (*Model, error) {
	changes := make([]graph.Change, 0, len(changed))
	for _, x := range changed {
		c := graph.Change{Sheet: x.Sheet, At: x.At}
		if s := in.Sheets[x.Sheet]; s != nil {
			if at, ok := s.At(x.At); ok && at.HasFormula() {
				c.Formula = s.Formula(at)
			}
		}
		changes = append(changes, c)
	}
	g, err := m.graph.With(ctx, changes, m.words)
	if err != nil {
		return nil, err
	}
	return m.derive(g, len(changes)), nil
}

// derive gives the model with another graph, in which so many cells were changed.
func (m *Model) derive(g *graph.Graph, changes int) *Model {
	return &Model{words: m.words, graph: g, blocked: m.blocked, kept: m.kept, bytes: m.over() + changeBytes*int64(changes), derived: true}
}

// Derived reports whether the model came of another one by With, with which it shares what they
// have in common.
func (m *Model) Derived() bool { return m.derived }

// over is what m has beside the model that was compiled first.
func (m *Model) over() int64 {
	if m.derived {
		return m.bytes
	}
	return 0
}

// Restless reports whether a formula is calculated whatever was edited: it depends on time, on chance
// or on what only evaluation tells.
func (m *Model) Restless() bool {
	for range m.graph.Restless() {
		return true
	}
	return false
}

// Graph gives the graph of the formulas.
func (m *Model) Graph() *graph.Graph { return m.graph }

// Facts compiles a formula for the graph. One that cannot be understood gives #NAME?.
func (w *words) Facts(f graph.Formula) (graph.Facts, error) {
	tree, err := formula.Parse(f.Text)
	if err != nil {
		broken, _ := formula.Parse("#NAME?")
		return graph.Facts{Program: &program{eval.Compile(w, broken, f.Sheet, f.At), nil, f.Text, f.At, w}}, err
	}
	compile := eval.Compile
	if f.Kind == grid.NormalFormula {
		compile = eval.CompileTemplate
	}
	p := compile(w, tree, f.Sheet, f.At)
	facts := graph.Facts{Volatile: p.Volatile, Dynamic: p.Dynamic, Spill: f.Kind == grid.DynamicArray, Program: &program{p, p.Kernel(), f.Text, f.At, w}}
	for _, r := range p.Reads {
		facts.Reads = append(facts.Reads, graph.Read{Sheet: r.Sheet, First: r.First, Last: r.Last, Named: r.Named})
	}
	return facts, nil
}

// literals gives the machine or the runner that runs a formula for a cell its literals, nil where it has
// no other ones than its program.
func (c *calculation) literals(open bool, sheet int, at cell.Ref) eval.Literals {
	if open {
		if l := c.m.graph.Literals(sheet, at.Col, at.Row/grid.BandRows); l != nil {
			return l
		}
	}
	return nil
}

// programOf gives the program of a span.
func programOf(s graph.Span) *program {
	p, _ := s.Template.Facts.Program.(*program)
	return p
}

// Formulas is the number of cells with a formula.
func (m *Model) Formulas() int { return int(m.graph.Stats().Formulas) }

// Outdated implements graph.Renewer: it tells the formulas that name tables, or look for defined
// names, which are others now than when they were compiled.
func (w *words) Outdated(t *graph.Template) (graph.Formula, bool) {
	p, _ := t.Facts.Program.(*program)
	if p == nil || p.words == w || !w.moved(p.words, p.Tables) && !w.renamed(p.words, p.Names) {
		return graph.Formula{}, false
	}
	return graph.Formula{Sheet: t.Sheet, At: p.at, Kind: t.Kind, Text: p.text, Relative: t.Relative}, true
}

// moved reports whether one of some tables lies otherwise than it did, or has other columns.
func (w *words) moved(was *words, names []string) bool {
	for _, name := range names {
		if name == "" { // whichever is around the formula
			return true
		}
		a, ok := was.Table(name, 0, cell.Ref{})
		b, still := w.Table(name, 0, cell.Ref{})
		if ok != still || ok && !sameTable(*a, *b) {
			return true
		}
	}
	return false
}

func sameTable(a, b grid.Table) bool { return a.Range == b.Range && sameShape(&a, &b) }

// sameShape reports whether two tables have the same name, place, columns and kinds of rows, but
// for where they end.
func sameShape(a, b *grid.Table) bool {
	return a.Name == b.Name && a.Sheet == b.Sheet && a.Range.First == b.Range.First && a.Range.Last.Col == b.Range.Last.Col &&
		a.HeaderRows == b.HeaderRows && a.TotalsRows == b.TotalsRows &&
		slices.EqualFunc(a.Columns, b.Columns, func(x, y grid.TableColumn) bool { return x.Name == y.Name })
}

// SameTables reports whether the tables of a workbook lie where they do in m.
func (m *Model) SameTables(tables []grid.Table) bool {
	return slices.EqualFunc(m.words.in.Tables, tables, sameTable)
}

// WithWords gives the model of a workbook with the formulas of m, whose tables may lie otherwise and
// whose defined names may say something else: what names one is compiled anew. in is the workbook as it
// is now; its sheets are those of m.
func (m *Model) WithWords(in Input) *Model {
	if m.SameNames(in.Book.Names) && m.SameTables(in.Tables) {
		return m
	}
	w := newWords(in)
	g, changed := m.graph.Renew(w)
	next := m.derive(g, changed)
	next.words = w
	return next
}

// TableReaders gives the cells whose formula names a table that lies otherwise in m than in tables:
// of those that name only what stands in their own row, the ones in rows that came or went.
func (m *Model) TableReaders(tables []grid.Table) []graph.Area {
	was := words{in: Input{Tables: tables}}
	var areas []graph.Area
	for s := range m.graph.Spans() {
		p := programOf(s)
		if p == nil || len(p.Tables) == 0 || !m.words.moved(&was, p.Tables) {
			continue
		}
		if p.OtherRows || s.Area != s.Output {
			areas = append(areas, graph.Area{Sheet: s.Template.Sheet, Range: s.Area})
			continue
		}
		for _, name := range p.Tables {
			a, ok := was.Table(name, 0, cell.Ref{})
			b, still := m.words.Table(name, 0, cell.Ref{})
			rows := s.Area
			if ok && still && sameShape(a, b) {
				rows.First.Row = max(rows.First.Row, min(a.Range.Last.Row, b.Range.Last.Row)+1)
				rows.Last.Row = min(rows.Last.Row, max(a.Range.Last.Row, b.Range.Last.Row))
			}
			if rows.First.Row <= rows.Last.Row {
				areas = append(areas, graph.Area{Sheet: s.Template.Sheet, Range: rows})
			}
		}
	}
	return areas
}

// Subtotals gives the cells whose formula may go by which rows are hidden: those that call SUBTOTAL or AGGREGATE.
func (m *Model) Subtotals() (areas []graph.Area) {
	for s := range m.graph.Spans() {
		if p := programOf(s); p != nil && p.Subtotal {
			areas = append(areas, graph.Area{Sheet: s.Template.Sheet, Range: s.Area})
		}
	}
	return areas
}
