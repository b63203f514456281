package calc

import (
	"context"
	"slices"

	"gridflow/internal/calc/eval"
	"gridflow/internal/calc/fn"
	"gridflow/internal/calc/graph"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// Reader runs single formulas to see what they read, which of those with INDIRECT, OFFSET and
// their kind the text does not tell. It belongs to one goroutine.
type Reader struct {
	c       *calculation
	noting  *noting
	machine *eval.Machine
}

// reachedMax bounds the areas that are noted for one formula.
const reachedMax = 256

// Reader gives a Reader of the values that in has. Nothing is calculated or changed.
func (m *Model) Reader(in Input, opt Options) *Reader {
	c := m.begin(in, opt)
	r := &Reader{c: c, noting: &noting{worker: c.worker()}}
	r.machine = eval.NewMachine(r.noting)
	r.machine.Dates, r.machine.Now = in.Book.Dates, opt.Now
	return r
}

// Reached gives the areas that the formula of a cell reads with the values as they are, without
// those that it names: at most 256, in the order in which it comes to them. The error is that
// of ctx.
func (r *Reader) Reached(ctx context.Context, at Cell) ([]graph.Area, error) {
	s, ok := r.c.span(place{at.Sheet, at.At})
	if !ok {
		return nil, nil
	}
	r.machine.Stopped = func() bool { return ctx.Err() != nil }
	r.machine.Rand = r.c.random(place{at.Sheet, at.At})
	r.noting.areas = nil
	p := programOf(s)
	r.machine.Literals = r.c.literals(p.Open, at.Sheet, at.At)
	r.machine.Run(p.Program, at.Sheet, at.At, s.Template.Kind != grid.NormalFormula)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	own := cell.Range{First: at.At, Last: at.At}
	return slices.DeleteFunc(r.noting.areas, func(a graph.Area) bool {
		for i, read := range p.Reads {
			if x, ok := s.Template.Image(i, own); ok && !read.Named && x.Sheet == a.Sheet && x.Range.ContainsRange(a.Range) {
				return true
			}
		}
		return false
	}), nil
}

// noting answers what formulas ask of the workbook, and notes what was asked for.
type noting struct {
	*worker
	areas []graph.Area
}

func (n *noting) note(a graph.Area) {
	if len(n.areas) < reachedMax && !slices.Contains(n.areas, a) {
		n.areas = append(n.areas, a)
	}
}

// Value gives the value of a cell.
func (n *noting) Value(sheet int, at cell.Ref) cell.Value {
	n.note(graph.Area{Sheet: sheet, Range: cell.Range{First: at, Last: at}})
	return n.worker.Value(sheet, at)
}

// Runs gives the cells of an area.
func (n *noting) Runs(a fn.Area, f func(*fn.Run) bool) {
	n.note(graph.Area{Sheet: a.Sheet, Range: a.Range})
	n.worker.Runs(a, f)
}

// ReadName gives the defined name or the table by which a span's read is written, "" where it
// names cells.
func ReadName(s graph.Span, read int) string {
	if p := programOf(s); p != nil && read < len(p.Reads) {
		return p.Reads[read].Through
	}
	return ""
}

// Externals gives what a span's formula refers to of other workbooks.
func Externals(s graph.Span) []eval.External {
	if p := programOf(s); p != nil {
		return p.Externals
	}
	return nil
}
