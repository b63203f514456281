package tools

import (
	"context"

	"gridflow/internal/book"
	"gridflow/internal/formula"
)

type updateNameIn struct {
	NameArg
	RefersTo *string `json:"refers_to" doc:"As in define_name"`
	Comment  *string `json:"comment"`
	EditMode
	Guard
}

var updateName = define(Spec{
	Name: "update_name", Title: "Change a name", Toolset: "structure", Writes: true, Reach: ReachSheet, Idempotent: true,
	Description: "Changes what a defined name of a fork refers to. Without a scope it is the workbook's name, or else that of the only sheet that has one.",
	Example:     `{"fork_id":"fork-abcdefgh2345","name":"TaxRate","refers_to":"Sheet1!$B$3"}`,
}, func(ctx context.Context, env *Env, in updateNameIn) (*nameOut, error) {
	return env.changeName(ctx, "update_name", in.NameArg, in.EditMode, in.Guard, func(b *batch, out *nameOut) (e book.NameEdit, err error) {
		n, err := in.find(b.snap)
		if err != nil {
			return e, err
		}
		if err := reserved(in.Name); err != nil {
			return e, err
		}
		if in.RefersTo == nil && in.Comment == nil {
			return e, invalid(`Example: "refers_to":"Sheet1!$B$3"`, "there is nothing to change: refers_to is missing")
		}
		e = kept(b.snap.Workbook(), n)
		out.Name, out.Previous = n.Name, formula.Display(n.RefersTo)
		if in.RefersTo != nil {
			text, warning, err := refersTo(b.snap, n.Name, e.Sheet, *in.RefersTo)
			if err != nil {
				return e, err
			}
			if warning != "" {
				b.warn("%s", warning)
			}
			b.others = append(b.others, beside{"the name " + n.Name, text})
			e.RefersTo = text
		}
		if in.Comment != nil {
			e.Comment = *in.Comment
		}
		out.RefersTo = formula.Display(e.RefersTo)
		return e, nil
	})
})
