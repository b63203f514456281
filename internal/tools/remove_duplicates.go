package tools

import (
	"context"
	"fmt"

	"gridflow/internal/calc/fn"
	"gridflow/internal/cell"
	"gridflow/internal/until"
)

type removeDuplicatesIn struct {
	RowsArg
	Columns       []string `json:"columns" doc:"Letters or headings; rows are duplicates if these are alike. All unless given"`
	CaseSensitive bool     `json:"case_sensitive" default:"false"`
	EditMode
	Guard
}

type removeDuplicatesOut struct {
	rowsOut
	Removed int `json:"rows_removed"`
}

var removeDuplicates = define(Spec{
	Name: "remove_duplicates", Title: "Remove duplicate rows", Toolset: "edit", Writes: true, Reach: ReachSheet,
	Description: "Takes rows out of a range or table of a fork that are like an earlier one in the columns that count; those below move up within the range. The first of each stays.",
	Example:     `{"fork_id":"fork-abcdefgh2345","sheet_name":"Sheet1","range":"A1:D99","columns":["A","Amount"]}`,
}, func(ctx context.Context, env *Env, in removeDuplicatesIn) (*removeDuplicatesOut, error) {
	out := &removeDuplicatesOut{}
	rows, err := env.rows(ctx, in.RowsArg, in.Columns, "remove_duplicates", in.EditMode, in.Guard, func(r *rowSet) ([]int, error) {
		var cols []int
		for _, name := range in.Columns {
			col, err := r.column(name)
			if err != nil {
				return nil, err
			}
			cols = append(cols, col)
		}
		for col := r.rng.First.Col; len(in.Columns) == 0 && col <= r.rng.Last.Col; col++ {
			cols = append(cols, col)
		}
		seen := make(map[string]bool, r.n)
		var keep []int
		for i := range until.Done(ctx, rowSpan(0, r.n-1)) {
			var key []byte
			for _, col := range cols {
				c, _ := r.sheet.At(cell.Ref{Row: r.first + i, Col: col})
				text := c.Value.String()
				if !in.CaseSensitive {
					text = fn.FoldText(text)
				}
				key = fmt.Appendf(key, "%d %d %s", c.Value.Kind(), len(text), text)
			}
			if !seen[string(key)] {
				seen[string(key)] = true
				keep = append(keep, i)
			}
		}
		out.Removed = r.n - len(keep)
		return keep, nil
	})
	if err != nil {
		return nil, err
	}
	out.rowsOut = *rows
	return out, nil
})

func (o *removeDuplicatesOut) appendText(b []byte, verbose bool) []byte {
	b = o.rowsOut.appendText(b, verbose)
	return fmt.Appendf(b, "removed: %d rows\n", o.Removed)
}
