package calc

import (
	"context"

	"gridflow/internal/calc/eval"
	"gridflow/internal/calc/fn"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// Origin says where an error value arose.
type Origin struct {
	Cell     Cell
	Steps    int    // cells that the error went through from there, 0 where it arose in the cell itself
	Function string // that gave it, "" where it was an operator, a reference or a value
	Reason   string // a sentence without a full stop
}

// stepsMax bounds how far an error is followed.
const stepsMax = 10_000

// Explain follows the error value of a cell to where it arose; ok is false where the cell
// holds none. The formulas on the way are run again, each by itself, on the values as they are in in,
// and none is changed. The error is that of ctx.
func (m *Model) Explain(ctx context.Context, in Input, opt Options, at Cell) (o Origin, ok bool, err error) {
	c := m.begin(in, opt)
	w := &witness{worker: c.worker()}
	machine := eval.NewMachine(w)
	machine.Dates, machine.Now = in.Book.Dates, opt.Now
	machine.Why = func(code cell.ErrorCode, reason string) {
		if code == w.code {
			w.why, w.from = Origin{Function: machine.Calling, Reason: reason}, nil
		}
	}
	machine.Stopped = func() bool { return ctx.Err() != nil }
	seen := map[Cell]int{} // after how many steps
	for o.Cell = at; ; o.Steps++ {
		if err := ctx.Err(); err != nil {
			return o, false, err
		}
		w.code = w.worker.Value(o.Cell.Sheet, o.Cell.At).Err()
		if w.code == 0 {
			return o, false, nil
		}
		if steps, was := seen[o.Cell]; was || o.Steps == stepsMax {
			o.Reason = "it comes from cells that read one another"
			if was && w.code == cell.ErrCirc {
				o.Steps, o.Reason = steps, "the cell depends on itself"
			}
			return o, true, nil
		}
		seen[o.Cell] = o.Steps
		span, here := m.graph.SpanAt(o.Cell.Sheet, o.Cell.At)
		if !here {
			o.Reason = "the cell holds the error as a value"
			return o, true, nil
		}
		p := programOf(span)
		if !span.Area.Contains(o.Cell.At) { // a cell that an array fills
			o.Cell.At = span.Area.First
		}
		place := place{o.Cell.Sheet, o.Cell.At}
		w.why, w.from = Origin{}, nil
		machine.Rand = c.random(place)
		machine.Literals = c.literals(p.Open, place.sheet, place.at)
		v := machine.Run(p.Program, place.sheet, place.at, span.Template.Kind != grid.NormalFormula)
		switch {
		case w.from != nil:
			o.Cell = *w.from
			continue
		case w.why.Reason != "":
			o.Function, o.Reason = w.why.Function, w.why.Reason
		case p.Elsewhere && in.External == nil:
			o.Reason = "the formula needs another workbook, a server or a macro, and none is asked here"
		case w.code == cell.ErrSpill:
			o.Reason = "the array does not fit: cells in its way are filled or merged, the sheet ends, or it stands in a table"
		case w.code == cell.ErrCirc:
			o.Reason = "the cell depends on itself"
		case !gives(v, w.code):
			o.Reason = "the formula does not give it now: the value is older than what it is computed from"
		default:
			o.Reason = "the formula gives it"
			if o.Function = p.Outermost(); o.Function != "" {
				o.Reason = "it gives that for these arguments"
			}
		}
		return o, true, nil
	}
}

// gives reports whether an error is in a value.
func gives(v fn.Value, code cell.ErrorCode) bool {
	if a := v.Array(); a != nil {
		for _, x := range a.Cells {
			if x.Err() == code {
				return true
			}
		}
		return false
	}
	return v.Scalar().Err() == code
}

// witness answers what formulas ask of the workbook, and remembers the last event that may
// have been the reason for an error: a cell with it that was read, or a function that gave it.
type witness struct {
	*worker
	code cell.ErrorCode // that is looked for
	why  Origin         // function and reason
	from *Cell          // nil where the function was the last
}

// Value gives the value of a cell.
func (w *witness) Value(sheet int, at cell.Ref) cell.Value {
	v := w.worker.Value(sheet, at)
	if v.Err() == w.code {
		w.from = &Cell{sheet, at}
	}
	return v
}

// Runs gives the cells of an area. Of those with the error the first counts, as it does
// for functions.
func (w *witness) Runs(a fn.Area, f func(*fn.Run) bool) {
	found := false
	w.worker.Runs(a, func(r *fn.Run) bool {
		for i, k := range r.Kinds {
			if !found && k == cell.Error && cell.ErrorCode(r.Nums[i]) == w.code {
				found, w.from = true, &Cell{a.Sheet, cell.Ref{Row: r.Row + i, Col: r.Col}}
			}
		}
		return f(r)
	})
}
