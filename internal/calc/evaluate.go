package calc

import (
	"context"
	"math/rand/v2"

	"gridflow/internal/calc/eval"
	"gridflow/internal/calc/fn"
	"gridflow/internal/cell"
	"gridflow/internal/formula"
)

// Evaluate gives what a formula would give in a cell, with arrays: its rows, and of an error
// that arose in it the reason, as far as there is one. Nothing is changed, and the formulas that
// it reads have the values that they have in in. The error is that of ctx, or that of a text
// that is no formula.
func (m *Model) Evaluate(ctx context.Context, in Input, opt Options, at Cell, text string) (rows [][]cell.Value, reason string, err error) {
	tree, err := formula.Parse(text)
	if err != nil {
		return nil, "", err
	}
	c := m.begin(in, opt)
	machine := eval.NewMachine(c.worker())
	machine.Dates, machine.Now, machine.Rand = in.Book.Dates, opt.Now, rand.New(rand.NewPCG(opt.Seed, 0))
	machine.Stopped = func() bool { return ctx.Err() != nil }
	reasons := map[cell.ErrorCode]string{}
	machine.Why = func(code cell.ErrorCode, why string) {
		if machine.Calling != "" {
			why = machine.Calling + ": " + why
		}
		reasons[code] = why
	}
	v := machine.Spilled(machine.Run(eval.Compile(m.words, tree, at.Sheet, at.At), at.Sheet, at.At, true), at.At)
	if err := ctx.Err(); err != nil {
		return nil, "", err
	}
	a := v.Array()
	if a == nil {
		a = &fn.Array{Rows: 1, Cols: 1, Cells: []cell.Value{v.Scalar()}}
	}
	for row := range a.Rows {
		rows = append(rows, a.Cells[row*a.Cols:(row+1)*a.Cols])
	}
	for _, x := range a.Cells {
		if e := x.Err(); e != 0 {
			return rows, reasons[e], nil
		}
	}
	return rows, "", nil
}
