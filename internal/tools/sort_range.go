package tools

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"gridflow/internal/calc/fn"
	"gridflow/internal/cell"
	"gridflow/internal/until"
)

type sortKey struct {
	Column string `json:"column" required:"true" doc:"A letter, or a heading"`
	Order  string `json:"order" enum:"asc|desc" also:"ascending=asc|descending=desc" default:"asc"`
}

// setText reads the short form: a column, with a minus before it for descending.
func (k *sortKey) setText(text string) string {
	*k = sortKey{Column: text, Order: "asc"}
	if rest, ok := strings.CutPrefix(text, "-"); ok {
		*k = sortKey{Column: rest, Order: "desc"}
	}
	return ""
}

type sortRangeIn struct {
	RowsArg
	Keys          []sortKey `json:"keys" required:"true" min:"1" max:"64" doc:"The first counts most"`
	CaseSensitive bool      `json:"case_sensitive" default:"false"`
	EditMode
	Guard
}

var sortRange = define(Spec{
	Name: "sort_range", Title: "Sort rows", Toolset: "edit", Writes: true, Reach: ReachSheet,
	Description: "Sorts the rows of a range or table of a fork, as Excel does: numbers, then texts, logical values and errors, blanks always last; equal rows keep their order. Formulas and formats move with their rows; hidden rows, as those that a filter hides, stay where they are.",
	Example:     `{"fork_id":"fork-abcdefgh2345","sheet_name":"Sheet1","range":"A1:D99","keys":[{"column":"Amount","order":"desc"},{"column":"B"}]}`,
}, func(ctx context.Context, env *Env, in sortRangeIn) (*rowsOut, error) {
	columns := make([]string, len(in.Keys))
	for i, k := range in.Keys {
		columns[i] = k.Column
	}
	return env.rows(ctx, in.RowsArg, columns, "sort_range", in.EditMode, in.Guard, func(r *rowSet) ([]int, error) {
		if r.unsure {
			return nil, invalid("Give has_header", "row %d of %v may be headings, or data like that below it", r.first+1, r.rng)
		}
		cols := make([]int, len(in.Keys))
		for i, k := range in.Keys {
			var err error
			if cols[i], err = r.column(k.Column); err != nil {
				return nil, err
			}
		}
		keys := make([]cell.Value, r.n*len(cols)) // row by row
		for i := range until.Done(ctx, rowSpan(0, r.n-1)) {
			for k, col := range cols {
				c, _ := r.sheet.At(cell.Ref{Row: r.first + i, Col: col})
				keys[i*len(cols)+k] = c.Value
			}
		}
		shown := r.shown()
		order := slices.Clone(shown)
		r.stay = r.n - len(shown)
		compared, ended := 0, false
		slices.SortStableFunc(order, func(a, b int) int {
			if compared++; compared%until.Every == 0 {
				ended = ended || ctx.Err() != nil
			}
			if ended { // nobody waits for the order: any will do
				return 0
			}
			for k := range cols {
				x, y := keys[a*len(cols)+k], keys[b*len(cols)+k]
				if x.IsBlank() || y.IsBlank() { // they come last either way
					if c := cmp.Compare(sortRank(x), sortRank(y)); c != 0 {
						return c
					}
					continue
				}
				c := compareValues(x, y, in.CaseSensitive)
				if in.Keys[k].Order == "desc" {
					c = -c
				}
				if c != 0 {
					return c
				}
			}
			return 0
		})
		all := r.all()
		for i, to := range shown {
			all[to] = order[i]
		}
		return all, nil
	})
})

// sortRank is the order of kinds of values.
func sortRank(v cell.Value) int {
	switch v.Kind() {
	case cell.Number:
		return 0
	case cell.Text:
		return 1
	case cell.Bool:
		return 2
	case cell.Error:
		return 3
	}
	return 4
}

// compareValues compares values as sorting does.
func compareValues(x, y cell.Value, caseSensitive bool) int {
	if c := cmp.Compare(sortRank(x), sortRank(y)); c != 0 {
		return c
	}
	switch x.Kind() {
	case cell.Number, cell.Bool:
		return cmp.Compare(x.Number(), y.Number())
	case cell.Text:
		c := fn.CompareText(x.Text(), y.Text())
		if c == 0 && caseSensitive {
			c = -strings.Compare(x.Text(), y.Text()) // lower case comes first, as in Excel
		}
		return c
	}
	return 0 // errors are all alike
}
