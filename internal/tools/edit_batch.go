package tools

import (
	"context"
	"fmt"

	"gridflow/internal/book"
)

// EditMode is embedded in the input of tools whose change can be looked at first.
type EditMode struct {
	Mode  string `json:"mode" enum:"apply|preview" default:"apply" doc:"preview stages the change for apply_staged_change"`
	Label string `json:"label" line:"true" doc:"For the history"`
}

type editBatchIn struct {
	ForkArg
	Sheet   string       `json:"sheet_name" doc:"Where addresses without a sheet are"`
	Edits   []cellEditIn `json:"edits" required:"true" min:"1" max:"100000"`
	Guess   *bool        `json:"parse_text" doc:"Turn texts that look like numbers, dates or TRUE/FALSE into these; otherwise \"00123\" stays a text"`
	Formula string       `json:"formula_parse_policy" enum:"fail|warn|off" doc:"warn leaves formulas out that do not parse, and tells; fail unless given"`
	EditMode
	Guard
}

type editBatchOut struct {
	committed
	Warnings []any        `json:"warnings"` // in place of those of committed, which it hides: texts
	Edits    int          `json:"edits_applied"`
	Total    int          `json:"total_edits"`
	Grown    []string     `json:"tables_grown,omitempty"` // as "Sales is A1:D6"
	Bad      *diagnostics `json:"formula_parse_diagnostics"`
}

var editBatch = define(Spec{
	Name: "edit_batch", Title: "Edit cells", Toolset: "edit", Core: true, Writes: true, Reach: ReachSheet,
	Description: "Sets values and formulas of cells in a fork, on one sheet or several: all of them or none. Values are what JSON says they are: a text stays a text, a number a number. Returns the new version.",
	Example:     `{"fork_id":"fork-abcdefgh2345","sheet_name":"Sheet1","edits":[{"address":"B2","value":12.5},{"address":"B3","formula":"SUM(B1:B2)"},{"address":"A2","date":"2026-11-26"}]}`,
}, func(ctx context.Context, env *Env, in editBatchIn) (*editBatchOut, error) {
	policy := in.Formula
	if policy == "" {
		policy = "fail"
		if env.Profile == Compat {
			policy = "warn"
		}
	}
	return env.change(ctx, in.Fork, "edit_batch", in.EditMode, in.Guard, func(snap *book.Snapshot) (*editor, error) {
		sheet := -1
		var err error
		if in.Sheet != "" {
			if sheet, err = sheetNamed(snap, in.Sheet); err != nil {
				return nil, err
			}
		}
		e := newEditor(snap, sheet, orElse(in.Guess, env.Profile == Compat), policy)
		for i, one := range in.Edits {
			if err := e.add(ctx, one); err != nil {
				return nil, inEntry(err, i)
			}
		}
		return e, nil
	})
})

// inEntry says which entry of a list an error is of.
func inEntry(err error, i int) error {
	if e, ok := err.(*Error); ok {
		e.Message = fmt.Sprintf("edit %d: %s", i+1, e.Message)
	}
	return err
}

// change has a fork changed, or the change staged, by what collect makes of the newest version.
func (e *Env) change(ctx context.Context, fork, tool string, mode EditMode, guard Guard, collect func(*book.Snapshot) (*editor, error)) (*editBatchOut, error) {
	out := &editBatchOut{}
	made, err := e.commit(ctx, fork, tool, mode, guard, func(snap *book.Snapshot) (draft, error) {
		ed, err := collect(snap)
		if err != nil {
			return nil, err
		}
		out.Bad = ed.diagnostics()
		edit := ed.edit()
		out.Edits = edit.Cells()
		out.Total = out.Edits + len(ed.bad)
		out.Grown = ed.grownTexts
		if out.Edits == 0 && (e.Profile != Compat || ed.policy == "fail") { // spreadsheet-mcp's tool tells of them only
			return nil, fail("BAD_FORMULA", "Mend the formulas; nothing was changed", "none of the %d formulas parses: %s: %s", len(ed.bad), ed.bad[0].address, ed.bad[0].message)
		}
		return ed, nil
	})
	if err != nil {
		return nil, err
	}
	out.committed = made
	out.Applied = out.Edits
	for _, w := range made.Warnings {
		out.Warnings = append(out.Warnings, w)
	}
	return out, nil
}

func (o *editBatchOut) appendText(b []byte, verbose bool) []byte {
	b = o.committed.appendText(b, verbose)
	for _, t := range o.Grown {
		b = appendEscaped(append(b, "table "...), t)
		b = append(b, " now\n"...)
	}
	return o.Bad.appendText(b)
}
