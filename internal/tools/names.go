package tools

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/grid"
)

// NameArg is embedded in the input of tools that change a defined name.
type NameArg struct {
	ForkArg
	Name  string `json:"name" required:"true"`
	Scope string `json:"scope" enum:"workbook|sheet" doc:"Where the name is valid"`
	Sheet string `json:"scope_sheet_name" doc:"The sheet, for scope sheet"`
}

// nameOut is what such tools tell.
type nameOut struct {
	committed
	WorkbookID     string `json:"workbook_id"`
	Name           string `json:"name"`
	RefersTo       string `json:"refers_to,omitempty"`
	Previous       string `json:"previous_refers_to,omitempty"`
	ScopeKind      string `json:"scope_kind"`
	ScopeSheetName string `json:"scope_sheet_name,omitempty"`
	Deleted        *bool  `json:"deleted,omitempty"`
}

func (o *nameOut) appendText(b []byte, verbose bool) []byte {
	b = o.committed.appendText(b, verbose)
	said := "=" + o.RefersTo
	switch {
	case o.Deleted != nil:
		said = "is deleted, it was =" + o.Previous
	case o.Previous != "":
		said += ", it was =" + o.Previous
	}
	b = appendEscaped(b, o.Name)
	if o.ScopeSheetName != "" {
		b = appendEscaped(append(b, " of "...), o.ScopeSheetName)
	}
	return append(appendEscaped(append(b, ' '), clip(said, 2*changeTextMax)), '\n')
}

// changeName has a name of a fork changed, or the change staged. do says what becomes of it.
func (e *Env) changeName(ctx context.Context, tool string, in NameArg, mode EditMode, guard Guard, do func(b *batch, out *nameOut) (book.NameEdit, error)) (*nameOut, error) {
	var out *nameOut
	made, err := e.commit(ctx, in.Fork, tool, mode, guard, func(snap *book.Snapshot) (draft, error) {
		out = &nameOut{WorkbookID: in.Fork, ScopeKind: "workbook"}
		b := &batch{ctx: ctx, snap: snap, kinds: []string{tool}, counts: map[string]int{"names_changed": 1}, done: 1}
		edit, err := do(b, out)
		if err != nil {
			return nil, err
		}
		if edit.Sheet != "" {
			out.ScopeKind, out.ScopeSheetName = "sheet", edit.Sheet
		}
		return b, b.do(book.EditNames{Names: []book.NameEdit{edit}})
	})
	if err != nil {
		return nil, err
	}
	out.committed = made
	out.Applied = 1
	return out, nil
}

// scopeOf gives the sheet that a new name is to be one of, "" for the workbook.
func (in *NameArg) scopeOf(snap *book.Snapshot) (string, error) {
	switch {
	case in.Sheet == "" && in.Scope == "sheet":
		return "", invalid(`Example: "scope":"sheet","scope_sheet_name":"Sheet1"`, "scope_sheet_name is missing")
	case in.Sheet != "" && in.Scope == "workbook":
		return "", invalid("Leave one of them out", "a name of the workbook has no scope_sheet_name")
	case in.Sheet == "":
		return "", nil
	}
	i, err := sheetNamed(snap, in.Sheet)
	if err != nil {
		return "", err
	}
	return snap.Workbook().Sheets[i].Name, nil
}

// find gives the name that is meant: where no scope is given the workbook's before that of a sheet.
func (in *NameArg) find(snap *book.Snapshot) (*grid.Name, error) {
	wb := snap.Workbook()
	scope, err := in.scopeOf(snap)
	if err != nil {
		return nil, err
	}
	if scope != "" || in.Scope == "workbook" {
		sheet := -1
		if scope != "" {
			sheet, _ = snap.SheetIndex(scope)
		}
		if i := book.NameIndex(wb.Names, in.Name, sheet); i >= 0 {
			return &wb.Names[i], nil
		}
		return nil, in.notFound(wb)
	}
	var found []*grid.Name
	for i := range wb.Names {
		n := &wb.Names[i]
		if book.FoldName(n.Name) != book.FoldName(in.Name) {
			continue
		}
		if n.Sheet < 0 {
			return n, nil
		}
		found = append(found, n)
	}
	switch len(found) {
	case 0:
		return nil, in.notFound(wb)
	case 1:
		return found[0], nil
	}
	sheets := make([]string, len(found))
	for i, n := range found {
		sheets[i] = wb.Sheets[n.Sheet].Name
	}
	return nil, fail("NAME_AMBIGUOUS", "Say which with scope_sheet_name", "there is a name %q on each of %s", clip(in.Name, 64), quoteList(sheets[:min(len(sheets), 12)], ", "))
}

func (in *NameArg) notFound(wb *grid.Workbook) error {
	var names, elsewhere []string
	for _, n := range wb.Names {
		if !n.Hidden {
			names = append(names, n.Name)
		}
		if book.FoldName(n.Name) == book.FoldName(in.Name) {
			where := "the workbook"
			if n.Sheet >= 0 {
				where = wb.Sheets[n.Sheet].Name
			}
			elsewhere = append(elsewhere, where)
		}
	}
	slices.Sort(names) // a name of several sheets is one to suggest
	hint := suggest("names", in.Name, slices.Compact(names))
	if len(elsewhere) > 0 {
		hint = "There is one of " + quoteList(elsewhere[:min(len(elsewhere), 12)], ", ")
	}
	return fail(codeNameNotFound, hint, "there is no such defined name %q", clip(in.Name, 64))
}

// reserved tells the names that Excel keeps to itself, and which tool sets them.
func reserved(name string) error {
	if !strings.HasPrefix(strings.ToLower(name), "_xlnm.") {
		return nil
	}
	return fail("BAD_NAME", "sheet_layout_batch sets print areas and titles", "%q is a name that Excel keeps to itself", clip(name, 64))
}

// refersTo reads what a name is to say. In a name of a sheet references without one are to that sheet; in one
// of the workbook nobody would know to which, and Excel takes a file with such a one for damaged.
func refersTo(snap *book.Snapshot, name, scope, text string) (said string, warning string, err error) {
	text = strings.TrimPrefix(strings.TrimSpace(text), "=")
	tree, wrong := formula.ParseTyped(text)
	if wrong != nil {
		return "", "", fail("BAD_FORMULA", "Examples: Sheet1!$A$1:$B$9, SUM(Sheet1!$A:$A), 0.19, \"text\"", "what %s refers to does not parse: %v", plain(clip(name, 64)), wrong)
	}
	for r := range formula.References(tree.Root) {
		if r.Kind == formula.TableRef && r.Name == "" {
			return "", "", fail("BAD_NAME", "Name it: Table1[Amount]", "%q does not say of which table, and a name stands in none", clip(text, 64))
		}
	}
	relative := false
	var unknown string
	bare := false
	tree = tree.Rewrite(func(r formula.Reference) formula.Reference {
		if r.Book() != "" {
			return r
		}
		if r.Qualified() && r.Sheet() != "" {
			for _, sheet := range []string{r.Sheet(), r.LastSheet()} {
				if _, ok := snap.SheetIndex(sheet); sheet != "" && !ok && r.Kind != formula.DeletedRef {
					unknown = sheet
				}
			}
		}
		if _, cells := r.Range(); !cells {
			return r
		}
		relative = relative || !absoluteRef(r)
		if !r.Qualified() {
			if bare = true; scope != "" {
				return r.WithSheets("", scope, "")
			}
		}
		return r
	})
	switch {
	case unknown != "":
		_, err := sheetNamed(snap, unknown)
		return "", "", err
	case bare && scope == "":
		return "", "", fail("BAD_NAME", "Write cells with their sheet, such as "+cell1(snap)+"!$A$1", "%q names cells and not of which sheet", clip(text, 64))
	case relative:
		warning = fmt.Sprintf("WARN_RELATIVE_REFERENCE: %s has references without $: they move with the cell that uses the name, counted from A1", plain(clip(name, 64)))
	}
	if said, wrong = formula.Stored(tree.String()); wrong != nil {
		return "", "", wrong
	}
	return said, warning, nil
}

// cell1 gives a sheet for an example.
func cell1(snap *book.Snapshot) string {
	for _, s := range snap.Workbook().Sheets {
		return cell.QuoteSheet(s.Name)
	}
	return "Sheet1"
}

// absoluteRef tells whether a reference to cells stays the same wherever it is used.
func absoluteRef(r formula.Reference) bool {
	for _, c := range [...]formula.Corner{r.First, r.Last} {
		if r.Kind != formula.RowsRef && !c.AbsCol || r.Kind != formula.ColumnsRef && !c.AbsRow {
			return false
		}
	}
	return true
}

// kept gives the edit that leaves a name as it is.
func kept(wb *grid.Workbook, n *grid.Name) book.NameEdit {
	e := book.NameEdit{Name: n.Name, RefersTo: n.RefersTo, Comment: n.Comment, Hidden: n.Hidden}
	if n.Sheet >= 0 {
		e.Sheet = wb.Sheets[n.Sheet].Name
	}
	return e
}
