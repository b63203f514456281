package tools

import (
	"context"
	"strings"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/until"
)

type applyFormulaPatternIn struct {
	ForkArg
	Sheet     string `json:"sheet_name" required:"true"`
	Target    string `json:"target_range" required:"true"`
	Anchor    string `json:"anchor_cell" required:"true" doc:"The first cell of target_range, whose formula base_formula is"`
	Formula   string `json:"base_formula" required:"true"`
	Direction string `json:"fill_direction" enum:"down|right|both" default:"both"`
	Relative  string `json:"relative_mode" enum:"excel|abs_cols|abs_rows" also:"columns_absolute=abs_cols|abscols=abs_cols|rows_absolute=abs_rows|absrows=abs_rows" default:"excel" doc:"abs_cols keeps columns as they are, abs_rows rows; excel keeps what has a $"`
	EditMode
	Guard
}

type applyFormulaPatternOut struct {
	committed
	Sheet  string `json:"sheet_name"`
	Target string `json:"target_range"`
	Filled int    `json:"cells_filled"`
}

var applyFormulaPattern = define(Spec{
	Name: "apply_formula_pattern", Title: "Fill a formula", Toolset: "edit", Writes: true, Reach: ReachSheet,
	Description: "Fills a range of a fork with a formula, whose references move with each cell as when it is copied in Excel.",
	Example:     `{"fork_id":"fork-abcdefgh2345","sheet_name":"Sheet1","target_range":"D2:D99","anchor_cell":"D2","base_formula":"B2*C2"}`,
}, func(ctx context.Context, env *Env, in applyFormulaPatternIn) (*applyFormulaPatternOut, error) {
	out := &applyFormulaPatternOut{}
	made, err := env.onRange(ctx, in.Fork, "apply_formula_pattern", in.EditMode, in.Guard, in.Sheet, in.Target, func(b *batch, a area) error {
		r, err := b.withData(a.sheet, a.rng)
		if err != nil {
			return err
		}
		anchor, ok := cell.ParseRef(strings.ReplaceAll(in.Anchor, "$", ""))
		switch {
		case !ok || anchor != r.First:
			return invalid("Give "+r.First.String(), "the anchor cell %s is not the first cell of %s", clip(in.Anchor, 20), r)
		case in.Direction == "down" && r.Cols() > 1, in.Direction == "right" && r.Rows() > 1:
			return invalid("Give fill_direction both, or one column or row", "%s has more than one column and row to fill %s", r, in.Direction)
		case r.Cells() > filledMax:
			return fail(codeRangeInvalid, "Fill the part that is needed", "%s has more than %d cells", r, filledMax)
		}
		e := b.editor(a.sheet)
		fill, err := newFiller(e, a.sheet, book.CellEdit{Ref: anchor, HasFormula: true, Formula: in.Formula})
		if err != nil {
			return err
		}
		if fill.tree != nil && in.Relative != "excel" {
			fill.tree = pinned(fill.tree, in.Relative == "abs_cols")
		}
		e.expect(a.sheet, r.Cells())
		for ref := range until.Done(b.ctx, refsOf(r)) {
			c, err := fill.at(ref)
			if err != nil {
				return err
			}
			e.set(a.sheet, c)
		}
		out.Sheet, out.Target, out.Filled = b.snap.Workbook().Sheets[a.sheet].Name, r.String(), int(r.Cells())
		b.counts["cells_filled"] = out.Filled
		return b.end(e)
	})
	if err != nil {
		return nil, err
	}
	out.committed = made
	out.Applied = out.Filled
	return out, nil
})

// pinned gives a formula with the columns of its references absolute, or their rows.
func pinned(t *formula.Tree, columns bool) *formula.Tree {
	return t.Rewrite(func(r formula.Reference) formula.Reference {
		if r.Kind > formula.RowsRef {
			return r
		}
		for _, c := range []*formula.Corner{&r.First, &r.Last} {
			if columns && r.Kind != formula.RowsRef {
				c.AbsCol = true
			}
			if !columns && r.Kind != formula.ColumnsRef {
				c.AbsRow = true
			}
		}
		return r
	})
}
