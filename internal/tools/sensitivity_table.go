package tools

import (
	"context"
	"fmt"
	"strings"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/whatif"
)

type sensitivityIn struct {
	Book
	Sheet      string   `json:"sheet_name" lead:"true" doc:"Where cells without a sheet are"`
	Row        string   `json:"row_input" doc:"The input whose values stand across the top"`
	RowValues  *Scalars `json:"row_values" min:"1" max:"10000"`
	Column     string   `json:"column_input" required:"true" doc:"The input whose values go down"`
	ColumnVals Scalars  `json:"column_values" required:"true" min:"1" max:"10000"`
	Outputs    []string `json:"outputs" required:"true" min:"1" max:"50" doc:"One cell where there are two inputs; several with one"`
}

type sensitivityOut struct {
	Cut
	WorkbookID string   `json:"workbook_id"`
	Row        string   `json:"row_input,omitempty"`
	Column     string   `json:"column_input"`
	Outputs    []string `json:"outputs"`
	Header     []told   `json:"header"` // the row values, or nothing with one input
	Rows       [][]told `json:"rows"`   // the column value, and then the results
}

var sensitivityTable = define(Spec{
	Name: "sensitivity_table", Title: "Sensitivity table", Toolset: "analysis", Reach: ReachBook,
	Description: "How outputs change with one input, or one output with two, as a table: what Excel calls a data table. Changes nothing.",
	Example:     `{"workbook_or_fork_id":"fork-abcdefgh2345","sheet_name":"Loan","column_input":"B2","column_values":[0.03,0.04,0.05],"row_input":"B3","row_values":[180,360],"outputs":["B5"]}`,
}, func(ctx context.Context, env *Env, in sensitivityIn) (*sensitivityOut, error) {
	two := in.Row != ""
	switch {
	case two != (in.RowValues != nil && len(*in.RowValues) > 0):
		return nil, invalid("", "row_input and row_values belong together")
	case two && len(in.Outputs) > 1:
		return nil, invalid("Call it once for each, or use run_scenarios", "with two inputs there is room for one output, not %d", len(in.Outputs))
	}
	across := Scalars{{}}
	if two {
		across = *in.RowValues
	}
	if len(in.ColumnVals)*len(across) > combinationsMax {
		return nil, fail("TOO_MANY", "Give fewer values", "there are more than %d combinations", combinationsMax)
	}
	out := &sensitivityOut{Rows: [][]told{}, Header: []told{}}
	err := env.Workspace.View(ctx, in.Workbook, func(snap *book.Snapshot) error {
		t, err := newTrials(snap, in.Sheet)
		if err != nil {
			return err
		}
		outputs, names, err := t.cells(ctx, in.Outputs)
		if err != nil {
			return err
		}
		down, column, err := t.cell(ctx, in.Column)
		if err != nil {
			return err
		}
		out.WorkbookID, out.Outputs, out.Column = snap.ID, names, column
		var side whatif.Cell
		if two {
			if side, out.Row, err = t.cell(ctx, in.Row); err != nil {
				return err
			}
			if side == down {
				return fail("BAD_INPUT", "Leave row_input out, or name another cell", "row_input and column_input are the same cell %s", column)
			}
		}
		inputs := make([][]whatif.Input, 0, len(in.ColumnVals)*len(across))
		for _, c := range in.ColumnVals {
			v, err := t.value(ctx, down, c.node())
			if err != nil {
				return err
			}
			out.Rows = append(out.Rows, []told{{v.Value}})
			for _, r := range across {
				set := []whatif.Input{v}
				if two {
					w, err := t.value(ctx, side, r.node())
					if err != nil {
						return err
					}
					set = append(set, w)
					if len(out.Rows) == 1 {
						out.Header = append(out.Header, told{w.Value})
					}
				}
				inputs = append(inputs, set)
			}
		}
		for i := range out.Rows {
			out.Rows[i] = append(out.Rows[i], make([]told, len(across)*len(outputs))...)
		}
		model, err := t.model(ctx)
		if err != nil {
			return err
		}
		return tryAll(ctx, model, len(inputs), "calculating the table", func(i int) []whatif.Input { return inputs[i] }, outputs, func(i int, values []cell.Value) {
			copy(out.Rows[i/len(across)][1+i%len(across)*len(outputs):], tellAll(values))
		})
	})
	if err != nil {
		return nil, err
	}
	lim := env.budget(0)
	for i := range out.Rows {
		if !lim.takeEntry(&out.Rows[i]) {
			total := len(out.Rows)
			out.Rows, in.ColumnVals = out.Rows[:i], in.ColumnVals[i:]
			out.Next = fmt.Sprintf("rows 1-%d of %d; next: %s", i, total, callText("sensitivity_table", in))
			break
		}
	}
	return out, nil
})

func (o *sensitivityOut) appendText(b []byte, _ bool) []byte {
	b = appendEscaped(b, plain(o.WorkbookID)+": "+strings.Join(o.Outputs, ", ")+" by "+o.Column)
	if o.Row != "" {
		b = appendEscaped(append(b, " (down) and "...), o.Row)
		b = append(b, " (across)"...)
	}
	b = append(b, '\n')
	b = appendEscaped(b, o.Column)
	for _, v := range o.Header {
		b = v.appendText(append(b, '\t'))
	}
	if o.Row == "" {
		for _, n := range o.Outputs {
			b = appendEscaped(append(b, '\t'), n)
		}
	}
	b = append(b, '\n')
	for _, row := range o.Rows {
		for i, v := range row {
			if i > 0 {
				b = append(b, '\t')
			}
			b = v.appendText(b)
		}
		b = append(b, '\n')
	}
	return b
}
