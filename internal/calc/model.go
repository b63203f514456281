package calc

import (
	"context"

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
	kept  *kept // shared by all that are made from one another
}

// program is a formula that all its copies on a sheet share.
type program struct {
	*eval.Program
	kernel *eval.Kernel // nil where it has none
	text   string       // of the first copy, as the file has it
	at     cell.Ref
}

// NewModel compiles the formulas of a workbook. The error is that of ctx.
func NewModel(ctx context.Context, in Input) (*Model, error) {
	w := newWords(in)
	g, err := graph.Build(ctx, in.Sheets, w)
	if err != nil {
		return nil, err
	}
	return &Model{w, g, newKept()}, nil
}

// With gives the model of a workbook in which the formulas of some cells are others than in
// m. in is the workbook as it is now; its names, tables and sheets are those of m.
func (m *Model) With(in Input, changed []Cell) (*Model, error) {
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
	g, err := m.graph.With(changes, m.words)
	if err != nil {
		return nil, err
	}
	return &Model{m.words, g, m.kept}, nil
}

// Graph gives the graph of the formulas.
func (m *Model) Graph() *graph.Graph { return m.graph }

// Facts compiles a formula for the graph.
func (w *words) Facts(f graph.Formula) (graph.Facts, error) {
	tree, err := formula.Parse(f.Text)
	if err != nil {
		broken, _ := formula.Parse("#NAME?")
		return graph.Facts{Program: &program{eval.Compile(w, broken, f.Sheet, f.At), nil, f.Text, f.At}}, nil
	}
	p := eval.Compile(w, tree, f.Sheet, f.At)
	facts := graph.Facts{Volatile: p.Volatile, Dynamic: p.Dynamic, Spill: f.Kind == grid.DynamicArray, Program: &program{p, p.Kernel(), f.Text, f.At}}
	for _, r := range p.Reads {
		facts.Reads = append(facts.Reads, graph.Read{Sheet: r.Sheet, First: r.First, Last: r.Last})
	}
	return facts, nil
}

// programOf gives the program of a span.
func programOf(s graph.Span) *program {
	p, _ := s.Template.Facts.Program.(*program)
	return p
}

// Formulas is the number of cells with a formula.
func (m *Model) Formulas() int { return int(m.graph.Stats().Formulas) }
