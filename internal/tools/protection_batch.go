package tools

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"

	"gridflow/internal/book"
	"gridflow/internal/grid"
	"gridflow/internal/xlsx/password"
)

type protectionOp struct {
	Kind      string   `json:"kind" alias:"op" required:"true" enum:"protect_sheet|unprotect_sheet|protect_workbook|unprotect_workbook"`
	Sheet     string   `json:"sheet_name" doc:"protect_sheet, unprotect_sheet"`
	Password  string   `json:"password" doc:"To set one, or the one that there is; only its hash is kept"`
	Allow     []string `json:"allow" enum:"select_locked_cells|select_unlocked_cells|format_cells|format_columns|format_rows|insert_columns|insert_rows|insert_hyperlinks|delete_columns|delete_rows|sort|auto_filter|pivot_tables|edit_objects|edit_scenarios" doc:"protect_sheet: what people may still do; the two selections unless given"`
	Structure *bool    `json:"structure" doc:"protect_workbook: sheets are not added, moved, renamed, shown; true unless given"`
	Windows   bool     `json:"windows" default:"false" doc:"protect_workbook"`
}

type protectionBatchIn struct {
	ForkArg
	Ops []protectionOp `json:"ops" required:"true" min:"1" max:"1000"`
	EditMode
	Guard
}

var protectionBatch = define(Spec{
	Name: "protection_batch", Title: "Protect sheets and workbooks", Toolset: "structure", Writes: true, Reach: ReachSheet,
	Description: "Protects sheets of a fork, or the structure of its workbook, and takes that away, with or without a password. Spreadsheet programs hold to it; these tools do not, and nothing is encrypted. A wrong password is refused. list_sheets with include_bounds, sheet_overview and describe_workbook tell what is protected.",
	Example:     `{"fork_id":"fork-abcdefgh2345","ops":[{"kind":"protect_sheet","sheet_name":"Sheet1","password":"open sesame","allow":["select_unlocked_cells","sort","auto_filter"]},{"kind":"protect_workbook"}]}`,
}, func(ctx context.Context, env *Env, in protectionBatchIn) (*batchOut, error) {
	return env.batch(ctx, in.Fork, "protection_batch", "fail", in.EditMode, in.Guard, len(in.Ops), func(b *batch, i int) error {
		op := &in.Ops[i]
		b.begin(op.Kind)
		b.counts["ops"]++
		b.counts[op.Kind+"_ops"]++
		if strings.HasSuffix(op.Kind, "_workbook") {
			return b.protectWorkbook(op)
		}
		if op.Sheet == "" {
			return lacks(op.Kind, "sheet_name", `"sheet_name":"Sheet1"`)
		}
		index, err := sheetNamed(b.snap, op.Sheet)
		if err != nil {
			return err
		}
		return b.protectSheet(index, op)
	})
})

// allowances are what may be allowed, in the words of the tool and in the order of grid.AllowanceNames.
var allowances = [...]string{"format_cells", "format_columns", "format_rows", "insert_columns", "insert_rows", "insert_hyperlinks",
	"delete_columns", "delete_rows", "sort", "auto_filter", "pivot_tables", "select_locked_cells", "select_unlocked_cells"}

// allowed gives the words for what a protected sheet allows.
func allowed(p grid.SheetProtection) []string {
	list := []string{}
	for i, word := range allowances {
		if p.Allow&(1<<i) != 0 {
			list = append(list, word)
		}
	}
	if !p.Objects {
		list = append(list, "edit_objects")
	}
	if !p.Scenarios {
		list = append(list, "edit_scenarios")
	}
	return list
}

func (b *batch) protectSheet(index int, op *protectionOp) error {
	return b.arrange(index, func(o *book.Arrange, l *grid.Layout) error {
		was := l.Protection
		what := "sheet " + b.snap.Workbook().Sheets[index].Name
		p := grid.SheetProtection{}
		if op.Kind == "unprotect_sheet" {
			o.Protection = &p
			if !was.On {
				b.warn("WARN_NOT_PROTECTED: %s is not protected", plain(what))
				o.Protection = nil
				return nil
			}
			return opens(was.Password, op.Password, what)
		}
		if was.On && was.Password.Asked() {
			return protectedAlready(what, "unprotect_sheet")
		}
		p = grid.SheetProtection{On: true, Objects: true, Scenarios: true, Allow: grid.AllowSelectLocked | grid.AllowSelectUnlocked}
		if op.Allow != nil {
			p.Allow = 0
			for _, word := range op.Allow {
				switch word {
				case "edit_objects":
					p.Objects = false
				case "edit_scenarios":
					p.Scenarios = false
				default:
					p.Allow |= 1 << slices.Index(allowances[:], word)
				}
			}
		}
		o.Protection = &p
		return keeps(&p.Password, op.Password)
	})
}

func (b *batch) protectWorkbook(op *protectionOp) error {
	was := b.snap.Workbook().Protection
	p := grid.WorkbookProtection{}
	if op.Kind == "unprotect_workbook" {
		if !was.On() {
			b.warn("WARN_NOT_PROTECTED: the workbook is not protected")
			return nil
		}
		if err := opens(was.Password, op.Password, "the workbook"); err != nil {
			return err
		}
		return b.do(book.ArrangeBook{Protection: &p})
	}
	if was.On() && was.Password.Asked() {
		return protectedAlready("the workbook", "unprotect_workbook")
	}
	p.Structure, p.Windows = orElse(op.Structure, true), op.Windows
	if !p.On() {
		return invalid("Leave structure out, or use unprotect_workbook", "neither structure nor windows are to be protected")
	}
	if err := keeps(&p.Password, op.Password); err != nil {
		return err
	}
	return b.do(book.ArrangeBook{Protection: &p})
}

func protectedAlready(what, kind string) error {
	return fail("PROTECTED", kind+" with its password comes first", "%s is protected with a password already", plain(what))
}

// opens refuses a text that is not the password that is asked for.
func opens(is grid.Password, text, what string) error {
	ok, err := password.Matches(is, text)
	switch {
	case err != nil:
		return fail("UNKNOWN_PASSWORD", "Take the protection away in a spreadsheet program", "%s is protected, and %v", plain(what), err)
	case !ok && text == "":
		return fail("WRONG_PASSWORD", "Give it as password", "%s is protected with a password", plain(what))
	case !ok:
		return fail("WRONG_PASSWORD", "Capital letters count", "that is not the password of %s", plain(what))
	}
	return nil
}

// keeps makes what is kept of a password.
func keeps(to *grid.Password, text string) error {
	p, err := password.New(text, rand.Reader)
	if errors.Is(err, password.ErrTooLong) {
		return fail("TOO_LONG", "Give a shorter one", "%v", err)
	}
	*to = p
	return err
}

// protectionText words what is protected, "" where nothing is.
func protectionText(on bool, what string, p grid.Password) string {
	if !on {
		return ""
	}
	if p.Asked() {
		return what + ", with a password"
	}
	return what
}

// workbookProtectionText words what of a workbook is protected.
func workbookProtectionText(p grid.WorkbookProtection) string {
	var what []string
	if p.Structure {
		what = append(what, "structure")
	}
	if p.Windows {
		what = append(what, "windows")
	}
	return protectionText(p.On(), strings.Join(what, " and "), p.Password)
}
