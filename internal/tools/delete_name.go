package tools

import (
	"context"

	"gridflow/internal/book"
	"gridflow/internal/formula"
)

type deleteNameIn struct {
	NameArg
	EditMode
	Guard
}

var deleteName = define(Spec{
	Name: "delete_name", Title: "Delete a name", Toolset: "structure", Writes: true, Reach: ReachSheet,
	Description: "Deletes a defined name of a fork; formulas that use it become #NAME?, and the result names some. Without a scope it is the workbook's name, or else that of the only sheet that has one.",
	Example:     `{"fork_id":"fork-abcdefgh2345","name":"TaxRate"}`,
}, func(ctx context.Context, env *Env, in deleteNameIn) (*nameOut, error) {
	return env.changeName(ctx, "delete_name", in.NameArg, in.EditMode, in.Guard, func(b *batch, out *nameOut) (e book.NameEdit, err error) {
		n, err := in.find(b.snap)
		if err != nil {
			return e, err
		}
		e = kept(b.snap.Workbook(), n)
		out.Name, out.Previous = n.Name, formula.Display(n.RefersTo)
		yes := true
		out.Deleted = &yes
		return book.NameEdit{Name: e.Name, Sheet: e.Sheet, Delete: true}, nil
	})
})
