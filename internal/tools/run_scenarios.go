package tools

import (
	"context"
	"fmt"
	"slices"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/whatif"
)

// scenarioIn is one set of inputs.
type scenarioIn struct {
	Name   string `json:"name"`
	Inputs *Tree  `json:"inputs" required:"true" doc:"Values by cell: {\"B2\":0.05,\"Assumptions!C3\":100}; null empties a cell"`
}

type runScenariosIn struct {
	Book
	Sheet     string       `json:"sheet_name" lead:"true" doc:"Where cells without a sheet are"`
	Scenarios []scenarioIn `json:"scenarios" lead:"true" max:"10000" doc:"Sets of inputs"`
	Grid      *Tree        `json:"grid" instead:"scenarios" doc:"Or every combination of some values: {\"B2\":[0.04,0.05],\"B3\":[1,2,3]}"`
	Outputs   []string     `json:"outputs" required:"true" min:"1" max:"50" doc:"Cells or names whose values are wanted"`
	Base      bool         `json:"include_base" default:"true" doc:"Begin with the values as they are"`
	Limit     int          `json:"limit" default:"1000" min:"1" max:"10000"`
	Offset    int          `json:"offset" default:"0" min:"0"`
}

type scenarioRow struct {
	Name    string `json:"name"`
	Inputs  []told `json:"inputs"`
	Outputs []told `json:"outputs"`
}

type runScenariosOut struct {
	Cut
	WorkbookID string        `json:"workbook_id"`
	Inputs     []string      `json:"input_cells"`
	Outputs    []string      `json:"output_cells"`
	Total      int           `json:"total_scenarios"`
	Rows       []scenarioRow `json:"rows"`
	NextOffset int           `json:"next_offset,omitempty"`
	Warnings   []string      `json:"warnings"`
}

// combinationsMax is how many sets of inputs one call may ask for.
const combinationsMax = 10_000

var runScenarios = define(Spec{
	Name: "run_scenarios", Title: "Run scenarios", Toolset: "analysis", Reach: ReachBook,
	Description: "Tries sets of inputs on a workbook or fork, each recalculated by itself and in parallel, and gives the outputs of each as one table. Changes nothing.",
	Example:     `{"workbook_or_fork_id":"fork-abcdefgh2345","sheet_name":"Model","scenarios":[{"name":"low","inputs":{"B2":0.02}},{"name":"high","inputs":{"B2":0.08,"B3":120}}],"outputs":["B10","Summary!C3"]}`,
}, func(ctx context.Context, env *Env, in runScenariosIn) (*runScenariosOut, error) {
	if (len(in.Scenarios) > 0) == (in.Grid != nil) {
		return nil, invalid(`Example: "grid":{"B2":[0.04,0.05]}`, "give scenarios or grid, and not both")
	}
	out := &runScenariosOut{Rows: []scenarioRow{}, Warnings: []string{}}
	err := env.Workspace.View(ctx, in.Workbook, func(snap *book.Snapshot) error {
		t, err := newTrials(snap, in.Sheet)
		if err != nil {
			return err
		}
		outputs, names, err := t.cells(ctx, in.Outputs)
		if err != nil {
			return err
		}
		if in.Grid != nil {
			err = t.combine(ctx, in.Grid.node)
		} else {
			err = t.list(ctx, in.Scenarios)
		}
		if err != nil {
			return err
		}
		out.WorkbookID, out.Outputs, out.Inputs = snap.ID, names, t.inputs
		if err := t.warnings(ctx, out); err != nil {
			return err
		}
		model, err := t.model(ctx)
		if err != nil {
			return err
		}
		if in.Base {
			t.sets = slices.Insert(t.sets, 0, scenario{name: "base"})
		}
		out.Total = len(t.sets)
		return out.run(ctx, env, model, t, outputs, in)
	})
	return out, err
})

// run makes the trials of a page.
func (o *runScenariosOut) run(ctx context.Context, env *Env, model *whatif.Model, t *trials, outputs []whatif.Cell, in runScenariosIn) error {
	sets := t.sets[min(in.Offset, len(t.sets)):]
	sets = sets[:min(len(sets), in.Limit)]
	rows := make([]scenarioRow, len(sets))
	cells := slices.Concat(outputs, t.places)
	err := tryAll(ctx, model, len(sets), "calculating scenarios", func(i int) []whatif.Input { return sets[i].inputs }, cells, func(i int, values []cell.Value) {
		told := tellAll(values)
		rows[i] = scenarioRow{sets[i].name, told[len(outputs):], told[:len(outputs)]}
	})
	if err != nil {
		return err
	}
	lim := env.budget(in.Limit)
	for i := range rows {
		if !lim.takeEntry(&rows[i]) {
			break
		}
		o.Rows = append(o.Rows, rows[i])
	}
	onward(&o.Cut, &o.NextOffset, portion{"scenarios", len(o.Rows), o.Total, false}, "run_scenarios", &in, &in.Offset)
	return nil
}

func (o *runScenariosOut) appendText(b []byte, _ bool) []byte {
	b = fmt.Appendf(b, "%s: %d scenarios\n", plain(o.WorkbookID), o.Total)
	for _, w := range o.Warnings {
		b = append(append(append(b, "warning: "...), w...), '\n')
	}
	b = append(b, "scenario"...)
	for _, n := range o.Inputs {
		b = appendEscaped(append(b, '\t'), n)
	}
	for _, n := range o.Outputs {
		b = appendEscaped(append(b, "\t→ "...), n)
	}
	b = append(b, '\n')
	for i := range o.Rows {
		r := &o.Rows[i]
		b = appendEscaped(b, r.Name)
		for _, list := range [][]told{r.Inputs, r.Outputs} {
			for _, v := range list {
				b = v.appendText(append(b, '\t'))
			}
		}
		b = append(b, '\n')
	}
	return b
}
