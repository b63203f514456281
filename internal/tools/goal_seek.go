package tools

import (
	"context"
	"fmt"
	"math"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/whatif"
)

type goalSeekIn struct {
	Book
	Sheet     string   `json:"sheet_name" lead:"true" doc:"Where cells without a sheet are"`
	Cell      string   `json:"set_cell" required:"true" doc:"The cell with the formula that is to become to_value"`
	To        float64  `json:"to_value" required:"true"`
	By        string   `json:"by_changing_cell" alias:"by_changing" required:"true" doc:"The input cell"`
	Min       *float64 `json:"min" doc:"The least that the input may be"`
	Max       *float64 `json:"max"`
	Tolerance *float64 `json:"tolerance" min:"0" doc:"How far from to_value it may end; a billionth of it unless given"`
	Trials    int      `json:"max_trials" default:"200" min:"2" max:"5000"`
	Apply     bool     `json:"apply" default:"false" doc:"Write the input into the fork, if the goal is reached"`
	Guard
}

type goalSeekOut struct {
	stamp
	Cell    string `json:"set_cell"`
	Input   string `json:"input_cell"`
	Reached bool   `json:"reached"`
	Found   told   `json:"input_value"`
	Value   told   `json:"value"`
	Before  told   `json:"value_before"`
	Trials  int    `json:"trials"`
	Why     string `json:"why,omitempty"`
	Applied bool   `json:"applied"`
}

var goalSeek = define(Spec{
	Name: "goal_seek", Title: "Goal seek", Toolset: "analysis", Writes: true, Reach: ReachBook,
	Description: "Finds the input with which a formula becomes what it should, as Excel's goal seek does, but within bounds and to full precision. Changes nothing unless apply is set.",
	Example:     `{"workbook_or_fork_id":"fork-abcdefgh2345","sheet_name":"Loan","set_cell":"B5","to_value":1200,"by_changing_cell":"B2","min":0,"max":1}`,
}, func(ctx context.Context, env *Env, in goalSeekIn) (*goalSeekOut, error) {
	out := &goalSeekOut{}
	if in.Apply {
		if _, _, err := env.fork(ctx, in.Workbook); err != nil {
			return nil, err // before it takes the trouble
		}
	}
	var edit book.Edit
	err := env.Workspace.View(ctx, in.Workbook, func(snap *book.Snapshot) error {
		t, err := newTrials(snap, in.Sheet)
		if err != nil {
			return err
		}
		at, names, err := t.cells(ctx, []string{in.Cell, in.By})
		if err != nil {
			return err
		}
		model, err := t.model(ctx)
		if err != nil {
			return err
		}
		were, err := model.Outcome(ctx, nil, at)
		if err != nil {
			return err
		}
		out.stamp = stamp{snap.ID, snap.Version}
		out.Cell, out.Input, out.Before = names[0], names[1], told{were[0]}
		sheet, err := snap.Sheet(ctx, at[1].Sheet)
		if err != nil {
			return err
		}
		goal, err := snap.Sheet(ctx, at[0].Sheet)
		if err != nil {
			return err
		}
		if c, ok := goal.At(at[0].Ref); !ok || !c.HasFormula() && !goal.InArray(at[0].Ref) {
			return fail("BAD_INPUT", "Name a cell whose formula depends on "+names[1], "%s has no formula, so that no input changes it", names[0])
		}
		if c, ok := sheet.At(at[1].Ref); ok && (c.HasFormula() || c.Value.Kind() != cell.Number && !c.Value.IsBlank()) {
			return fail("BAD_INPUT", "Name the cell that its formula reads", "%s holds no number that could change: a formula or a text", names[1])
		}
		g := whatif.Goal{Sheet: at[0].Sheet, Ref: at[0].Ref, Value: in.To, InputSheet: at[1].Sheet, Input: at[1].Ref,
			Min: orElse(in.Min, math.Inf(-1)), Max: orElse(in.Max, math.Inf(1)), Tolerance: orElse(in.Tolerance, 1e-9*max(1, math.Abs(in.To))), Trials: in.Trials}
		if were[1].Kind() == cell.Number {
			g.Start = were[1].Number()
		}
		if g.Min > g.Max {
			return invalid("", "min %v is above max %v", g.Min, g.Max)
		}
		f, err := model.Seek(ctx, g)
		if err != nil {
			return err
		}
		out.Reached, out.Trials, out.Why = f.Reached, f.Trials, f.Why
		out.Found, out.Value = told{cell.NumberValue(f.Input)}, told{cell.NumberValue(f.Value)}
		edit = book.Edit{Ops: []book.Op{book.SetCells{Sheet: snap.Workbook().Sheets[at[1].Sheet].Name, Cells: []book.CellEdit{{Ref: at[1].Ref, Value: out.Found.Value}}}}}
		return nil
	})
	if err != nil || !in.Apply || !out.Reached {
		return out, err
	}
	store, err := env.forkStore()
	if err != nil {
		return nil, err
	}
	c := in.commit("goal_seek", "")
	if c.Expected == nil {
		c.Expected = &out.Version // it was found on this version
	}
	r, err := store.Edit(ctx, in.Workbook, edit, c)
	if err != nil {
		return nil, err
	}
	out.stamp, out.Applied = stamp{r.Info.ID, r.Version}, true
	return out, nil
})

func (o *goalSeekOut) appendText(b []byte, _ bool) []byte {
	if o.Reached {
		b = appendEscaped(b, o.Input)
		b = o.Found.appendText(append(b, " = "...))
		b = appendEscaped(append(b, " gives "...), o.Cell)
		b = o.Value.appendText(append(b, " = "...))
		b = fmt.Appendf(b, ", after %d trials (it was ", o.Trials)
		b = append(o.Before.appendText(b), ")\n"...)
		if o.Applied {
			b = fmt.Appendf(b, "%s: version %d has it\n", o.ForkID, o.Version)
		}
		return b
	}
	b = appendEscaped(append(b, "not reached: "...), o.Why)
	b = appendEscaped(append(b, "; nearest is "...), o.Input)
	b = o.Found.appendText(append(b, " = "...))
	b = appendEscaped(append(b, ", with "...), o.Cell)
	b = o.Value.appendText(append(b, " = "...))
	return fmt.Appendf(b, ", after %d trials\n", o.Trials)
}
