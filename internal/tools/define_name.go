package tools

import (
	"context"

	"gridflow/internal/book"
	"gridflow/internal/formula"
)

type defineNameIn struct {
	NameArg
	RefersTo string `json:"refers_to" required:"true" doc:"Sheet1!$A$1:$B$9, a formula or a constant, with = or without"`
	Comment  string `json:"comment"`
	EditMode
	Guard
}

var defineName = define(Spec{
	Name: "define_name", Title: "Define a name", Toolset: "structure", Writes: true, Reach: ReachSheet,
	Description: "Defines a name in a fork, of the workbook or of one sheet. A name that is there already, and one that Excel could not have, is refused; update_name changes one.",
	Example:     `{"fork_id":"fork-abcdefgh2345","name":"TaxRate","refers_to":"Sheet1!$B$2"}`,
}, func(ctx context.Context, env *Env, in defineNameIn) (*nameOut, error) {
	return env.changeName(ctx, "define_name", in.NameArg, in.EditMode, in.Guard, func(b *batch, out *nameOut) (e book.NameEdit, err error) {
		scope, err := in.scopeOf(b.snap)
		if err != nil {
			return e, err
		}
		if err := reserved(in.Name); err != nil {
			return e, err
		}
		if wrong := book.CheckName(in.Name); wrong != nil {
			return e, wrong
		}
		sheet := -1
		if scope != "" {
			sheet, _ = b.snap.SheetIndex(scope)
		}
		wb := b.snap.Workbook()
		if i := book.NameIndex(wb.Names, in.Name, sheet); i >= 0 {
			return e, fail("NAME_EXISTS", "update_name changes it", "there is a name %q already, which refers to =%s", wb.Names[i].Name, plain(clip(formula.Display(wb.Names[i].RefersTo), 120)))
		}
		text, warning, err := refersTo(b.snap, in.Name, scope, in.RefersTo)
		if err != nil {
			return e, err
		}
		if warning != "" {
			b.warn("%s", warning)
		}
		b.others = append(b.others, beside{"the name " + in.Name, text})
		out.Name, out.RefersTo = in.Name, formula.Display(text)
		return book.NameEdit{Name: in.Name, Sheet: scope, RefersTo: text, Comment: in.Comment}, nil
	})
})
