package tools

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/forks"
	"gridflow/internal/formula"
	"gridflow/internal/grid"
	"gridflow/internal/xf"
)

// changeRow is one difference, in spreadsheet-mcp's shapes.
type changeRow struct {
	Kind       string  `json:"kind"` // "cell", "rows", "columns", "cells", "sheet", "table" or "name"
	Type       string  `json:"type"`
	Subtype    string  `json:"subtype,omitempty"`
	Sheet      string  `json:"sheet,omitempty"`
	Address    string  `json:"address,omitempty"`
	OldAddress string  `json:"old_address,omitempty"`
	Value      *string `json:"value,omitempty"`
	Formula    string  `json:"formula,omitempty"`
	OldValue   *string `json:"old_value,omitempty"`
	NewValue   *string `json:"new_value,omitempty"`
	OldFormula string  `json:"old_formula,omitempty"`
	NewFormula string  `json:"new_formula,omitempty"`
	OldStyle   string  `json:"old_format,omitempty"`
	NewStyle   string  `json:"new_format,omitempty"`
	Range      string  `json:"range,omitempty"`
	OldRange   string  `json:"old_range,omitempty"`
	NewRange   string  `json:"new_range,omitempty"`
	Name       string  `json:"name,omitempty"`
	OldName    string  `json:"old_name,omitempty"`
	Display    string  `json:"display_name,omitempty"`
	Scope      string  `json:"scope_sheet,omitempty"`
}

// changeValues writes values of the earlier and of the later state.
type changeValues struct{ old, new values }

// shown writes the value of a cell, nil where it has none.
func (w values) shown(s book.CellState, ref cell.Ref) *string {
	if !s.Stored || s.Value.IsBlank() {
		return nil
	}
	t := clip(string(w.appendPlain(nil, grid.Cell{Ref: ref, Value: s.Value, Style: s.Style})), changeTextMax)
	return &t
}

// changeTextMax bounds the value of a cell in a list of changes, in bytes.
const changeTextMax = 400

// row words a change; what a change of a cell was about comes by cell, as that is the dear part and few of
// many changes are shown.
func (v changeValues) row(c book.Change) changeRow {
	r := changeRow{Kind: "cell", Sheet: c.Sheet, Subtype: c.Subtype.String()}
	switch c.Kind {
	case book.CellAdded:
		r.Type = "added"
	case book.CellDeleted:
		r.Type = "deleted"
	case book.CellModified:
		r.Type = "modified"
	case book.RowsInserted, book.RowsDeleted:
		r.Kind, r.Type = "rows", c.Kind.String()
		r.Range = fmt.Sprintf("%d:%d", c.Range.First.Row+1, c.Range.Last.Row+1)
	case book.ColumnsInserted, book.ColumnsDeleted:
		r.Kind, r.Type = "columns", c.Kind.String()
		r.Range = cell.ColumnName(c.Range.First.Col) + ":" + cell.ColumnName(c.Range.Last.Col)
	case book.CellsMoved:
		r.Kind, r.Type = "cells", c.Kind.String()
		r.OldRange, r.NewRange, r.OldName = c.OldRange.String(), c.Range.String(), c.OldName
	case book.SheetAdded, book.SheetDeleted, book.SheetRenamed, book.SheetMoved:
		r.Kind, r.Type, r.OldName = "sheet", c.Kind.String(), c.OldName
	case book.LayoutModified:
		r.Kind, r.Type, r.Name = "layout", c.Kind.String(), c.Name
	case book.TableAdded, book.TableDeleted, book.TableModified:
		r.Kind, r.Type, r.Display = "table", c.Kind.String(), c.Name
		switch c.Kind {
		case book.TableAdded:
			r.Range = c.Range.String()
		case book.TableModified:
			r.OldRange, r.NewRange = c.OldRange.String(), c.Range.String()
		}
	default:
		r.Kind, r.Type, r.Name = "name", c.Kind.String(), c.Name
		if c.HasScope {
			r.Scope = c.Sheet
		}
		r.Sheet = ""
		switch c.Kind {
		case book.NameAdded:
			r.Formula = formula.Display(c.NewText)
		case book.NameModified:
			r.OldFormula, r.NewFormula = formula.Display(c.OldText), formula.Display(c.NewText)
		}
	}
	return r
}

// cell says where a changed cell is and what became of it; it does nothing to the row of another change.
func (v changeValues) cell(r *changeRow, c *book.Change) {
	if r.Kind != "cell" {
		return
	}
	r.Address = c.Ref.String()
	switch c.Kind {
	case book.CellAdded:
		r.Value, r.Formula = v.new.shown(c.New, c.Ref), formula.Display(c.New.Formula)
		return
	case book.CellDeleted:
		r.OldValue, r.OldFormula = v.old.shown(c.Old, c.Ref), formula.Display(c.Old.Formula)
		return
	}
	if c.OldRef != c.Ref {
		r.OldAddress = c.OldRef.String()
	}
	if c.Subtype == book.StyleEdit {
		r.OldStyle, r.NewStyle = v.styles(c.Old.Style, c.New.Style)
		return
	}
	r.OldValue, r.NewValue = v.old.shown(c.Old, c.OldRef), v.new.shown(c.New, c.Ref)
	if c.Old.Formula != c.New.Formula {
		r.OldFormula, r.NewFormula = formula.Display(c.Old.Formula), formula.Display(c.New.Formula)
	} else {
		r.Formula = formula.Display(c.New.Formula)
	}
}

// styles says of what two styles say that differs, in the words of a patch.
func (v changeValues) styles(old, new uint32) (was, is string) {
	a, b := xf.Of(v.old.format(old)), xf.Of(v.new.format(new))
	back, there := make(xf.Settings, 0, 4), make(xf.Settings, 0, 4)
	for i := range a {
		if a[i] != b[i] {
			back = append(back, xf.Setting{Leaf: xf.Leaf(i), Value: a[i]})
			there = append(there, xf.Setting{Leaf: xf.Leaf(i), Value: b[i]})
		}
	}
	if len(there) == 0 {
		return "a named style", "another named style"
	}
	return settingsText(back), settingsText(there)
}

// format gives a cell format.
func (w values) format(style uint32) grid.Xf {
	if w.styles == nil || int(style) >= len(w.styles.Xfs) {
		return grid.Xf{NumFmt: "General", NamedStyle: -1}
	}
	return w.styles.Xfs[style]
}

// appendText writes a change on one line.
func (r *changeRow) appendText(b []byte) []byte {
	value := func(v *string, f string) {
		if f != "" {
			b = appendEscaped(append(b, '='), clip(f, changeTextMax))
			if v != nil {
				b = append(b, " → "...)
			}
		}
		if v != nil {
			b = appendEscaped(b, *v)
		} else if f == "" {
			b = append(b, "(empty)"...)
		}
	}
	switch r.Kind {
	case "cell":
		b = append(b, "  "+r.Address...)
		if r.OldAddress != "" {
			b = append(b, " (was "+r.OldAddress+")"...)
		}
		switch r.Type {
		case "added":
			b = append(b, "\t+ "...)
			value(r.Value, r.Formula)
		case "deleted":
			b = append(b, "\t- "...)
			value(r.OldValue, r.OldFormula)
		default:
			b = append(append(append(b, '\t'), r.Subtype...), '\t')
			if r.Subtype == "style_edit" {
				b = appendEscaped(b, r.OldStyle)
				b = appendEscaped(append(b, " => "...), r.NewStyle)
				break
			}
			value(r.OldValue, r.OldFormula)
			b = append(b, " => "...)
			value(r.NewValue, r.NewFormula)
		}
	case "rows":
		b = append(b, "  rows "+r.Range+" "+strings.TrimPrefix(r.Type, "rows_")...)
	case "columns":
		b = append(b, "  columns "+r.Range+" "+strings.TrimPrefix(r.Type, "columns_")...)
	case "cells":
		b = append(b, "  "...)
		if r.OldName != "" {
			b = append(appendEscaped(b, cell.QuoteSheet(r.OldName)), '!')
		}
		b = append(b, r.OldRange+" moved to "+r.NewRange...)
	case "layout":
		b = append(b, "  "+r.Name+" arranged otherwise"...)
	case "sheet":
		b = append(b, strings.ReplaceAll(r.Type, "_", " ")+" "...)
		if r.OldName != "" {
			b = append(appendEscaped(b, r.OldName), " => "...)
		}
		b = appendEscaped(b, r.Sheet)
	case "table":
		b = appendEscaped(append(b, strings.ReplaceAll(r.Type, "_", " ")+" "...), r.Display)
		now := r.Range + r.NewRange
		if r.OldRange != "" && r.OldRange != now {
			b = append(b, " "+r.OldRange+" =>"...)
		}
		b = append(b, " "+now...)
	default:
		b = appendEscaped(append(b, strings.ReplaceAll(r.Type, "_", " ")+" "...), r.Name)
		if r.OldFormula != "" {
			b = append(appendEscaped(append(b, ' '), r.OldFormula), " =>"...)
		}
		b = appendEscaped(append(b, ' '), r.Formula+r.NewFormula)
	}
	return append(b, '\n')
}

// ChangeFilter is embedded in the input of tools that list differences.
type ChangeFilter struct {
	Sheet       string   `json:"sheet_name"`
	Limit       int      `json:"limit" default:"200" min:"1" max:"2000" clamp:"both"`
	Offset      int      `json:"offset" default:"0" min:"0"`
	SummaryOnly bool     `json:"summary_only" default:"false"`
	Types       []string `json:"include_types" doc:"added, deleted, modified, rows_inserted, sheet_renamed, …"`
	NotTypes    []string `json:"exclude_types"`
	Subtypes    []string `json:"include_subtypes" doc:"value_edit, formula_edit, recalc_result, style_edit"`
	NotSubtypes []string `json:"exclude_subtypes"`
}

// check refuses words that no change has: a filter with one would say that nothing has changed.
func (f *ChangeFilter) check() error {
	var types, subtypes []string
	for _, k := range book.ChangeKinds() {
		types = append(types, strings.TrimPrefix(k.String(), "cell_"))
	}
	for _, t := range []book.Subtype{book.ValueEdit, book.FormulaEdit, book.RecalcResult, book.StyleEdit} {
		subtypes = append(subtypes, t.String())
	}
	for _, list := range []struct {
		name         string
		given, known []string
	}{{"include_types", f.Types, types}, {"exclude_types", f.NotTypes, types}, {"include_subtypes", f.Subtypes, subtypes}, {"exclude_subtypes", f.NotSubtypes, subtypes}} {
		for _, x := range list.given {
			if !slices.ContainsFunc(list.known, func(known string) bool { return strings.EqualFold(x, known) }) {
				return invalid("They are "+strings.Join(list.known, ", "), "%s: there are no changes called %q", list.name, clip(x, 40))
			}
		}
	}
	return nil
}

func (f *ChangeFilter) takes(r *changeRow) bool {
	has := func(list []string, s string) bool {
		return slices.ContainsFunc(list, func(x string) bool { return strings.EqualFold(x, s) })
	}
	switch {
	case len(f.Types) > 0 && !has(f.Types, r.Type), has(f.NotTypes, r.Type):
		return false
	case len(f.Subtypes) > 0 && !has(f.Subtypes, r.Subtype), r.Subtype != "" && has(f.NotSubtypes, r.Subtype):
		return false
	}
	return true
}

// changeList is what such tools give.
type changeList struct {
	Cut
	Changes []changeRow   `json:"changes"`
	Summary changeSummary `json:"summary"`
}

type changeSummary struct {
	Total     int            `json:"total_changes"`
	Returned  int            `json:"returned_changes"`
	Truncated bool           `json:"truncated"`
	Next      int            `json:"next_offset,omitempty"`
	ByKind    map[string]int `json:"counts_by_kind"`
	ByType    map[string]int `json:"counts_by_type"`
	BySubtype map[string]int `json:"counts_by_subtype"`
	Sheets    []string       `json:"affected_sheets"`
}

// changesBetween lists what is different, as far as f asks for it and the result has room.
// Everything is counted.
func (e *Env) changesBetween(ctx context.Context, base, cur *book.Snapshot, f ChangeFilter, o book.DiffOptions) (out changeList, err error) {
	if err := f.check(); err != nil {
		return out, err
	}
	if f.Sheet != "" {
		i, err := sheetNamed(cur, f.Sheet)
		if err != nil {
			return out, err
		}
		o.Sheet = cur.Workbook().Sheets[i].Name
	}
	s := &out.Summary
	*s = changeSummary{ByKind: map[string]int{}, ByType: map[string]int{}, BySubtype: map[string]int{}, Sheets: []string{}}
	out.Changes = []changeRow{}
	lim := e.budget(f.Limit)
	full := f.SummaryOnly
	words := changeValues{valuesOf(base), valuesOf(cur)}
	for c, err := range book.Diff(ctx, base, cur, o) {
		if err != nil {
			return out, err
		}
		row := words.row(c)
		if !f.takes(&row) {
			continue
		}
		s.Total++
		s.ByKind[row.Kind]++
		s.ByType[row.Type]++
		if row.Subtype != "" {
			s.BySubtype[row.Subtype]++
		}
		if row.Sheet != "" && !slices.Contains(s.Sheets, row.Sheet) {
			s.Sheets = append(s.Sheets, row.Sheet)
		}
		if s.Total <= f.Offset || full {
			continue
		}
		words.cell(&row, &c)
		if full = !lim.takeEntry(&row); !full {
			out.Changes = append(out.Changes, row)
		}
	}
	s.Returned = len(out.Changes)
	s.Truncated = f.Offset+s.Returned < s.Total && !f.SummaryOnly
	return out, nil
}

// onwardChanges says what is shown of how much and how to go on.
func onwardChanges[In any](l *changeList, tool string, in *In, f *ChangeFilter) {
	if s := &l.Summary; s.Truncated {
		onward(&l.Cut, &s.Next, portion{what: "changes", shown: s.Returned, total: s.Total}, tool, in, &f.Offset)
	}
}

func (l *changeList) appendText(b []byte, what string) []byte {
	b = fmt.Appendf(b, "%s: %d changes", what, l.Summary.Total)
	sep := ": "
	for _, kind := range []string{"value_edit", "formula_edit", "recalc_result", "style_edit"} {
		if n := l.Summary.BySubtype[kind]; n > 0 {
			b = fmt.Appendf(b, "%s%d %s", sep, n, kind)
			sep = ", "
		}
	}
	for _, kind := range []string{"added", "deleted", "rows_inserted", "rows_deleted"} {
		if n := l.Summary.ByType[kind]; n > 0 {
			b = fmt.Appendf(b, "%s%d %s", sep, n, kind)
			sep = ", "
		}
	}
	if len(l.Summary.Sheets) > 0 {
		b = appendEscaped(append(b, "; on "...), strings.Join(l.Summary.Sheets, ", "))
	}
	b = append(b, '\n')
	sheet := ""
	for i := range l.Changes {
		c := &l.Changes[i]
		if (c.Kind == "cell" || c.Kind == "rows" || c.Kind == "layout") && c.Sheet != sheet {
			sheet = c.Sheet
			b = append(appendEscaped(b, sheet), '\n')
		}
		b = c.appendText(b)
	}
	return b
}

type getChangesetIn struct {
	ForkArg
	FromVersion *int `json:"from_version" min:"0" doc:"0, the workbook that was forked, unless given"`
	ToVersion   *int `json:"to_version" min:"0" doc:"The newest unless given"`
	ChangeFilter
}

type getChangesetOut struct {
	stamp
	staleMark
	BaseWorkbook string `json:"base_workbook"`
	changeList
}

var getChangeset = define(Spec{
	Name: "get_changeset", Title: "List changes", Toolset: "edit", Reach: ReachPart,
	Description: "What became different in a fork, cell by cell with old and new values: against the workbook that was forked, or between any two of its versions.",
	Example:     `{"fork_id":"fork-abcdefgh2345"}`,
}, func(ctx context.Context, env *Env, in getChangesetIn) (*getChangesetOut, error) {
	store, info, err := env.fork(ctx, in.Fork)
	if err != nil {
		return nil, err
	}
	from, to := orElse(in.FromVersion, 0), int(info.Version)
	_, named, err := forks.Resolve(in.Fork)
	switch {
	case err != nil:
		return nil, err
	case in.ToVersion != nil:
		to = *in.ToVersion
	case named != nil:
		to = int(*named)
	}
	out := &getChangesetOut{stamp: stamp{info.ID, uint64(to)}, BaseWorkbook: info.Path}
	err = store.View(ctx, fmt.Sprintf("%s@%d", info.ID, from), func(base *book.Snapshot) error {
		return store.View(ctx, fmt.Sprintf("%s@%d", info.ID, to), func(cur *book.Snapshot) error {
			out.Stale = base.Stale() || cur.Stale()
			out.changeList, err = env.changesBetween(ctx, base, cur, in.ChangeFilter, book.DiffOptions{})
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	onwardChanges(&out.changeList, "get_changeset", &in, &in.ChangeFilter)
	return out, nil
})

func (o *getChangesetOut) appendText(b []byte, _ bool) []byte {
	return o.changeList.appendText(o.staleMark.appendText(b), fmt.Sprintf("%s, version %d, of %s", o.ForkID, o.Version, plain(o.BaseWorkbook)))
}

type diffWorkbooksIn struct {
	Base      string   `json:"baseline_workbook_or_fork_id" alias:"baseline_id" required:"true" doc:"The earlier one: a workbook, a fork, or a version of one (fork-…@3)"`
	Current   string   `json:"current_workbook_or_fork_id" alias:"current_id|workbook_or_fork_id|workbook_id" required:"true" doc:"The later one"`
	Tolerance *float64 `json:"tolerance" min:"0" doc:"By how much numbers may differ, as a part of the larger one"`
	InPlace   bool     `json:"in_place" default:"false" doc:"Compare rows by number, without looking for inserted ones"`
	ChangeFilter
}

type diffWorkbooksOut struct {
	Base    string `json:"baseline"`
	Current string `json:"current"`
	changeList
}

var diffWorkbooks = define(Spec{
	Name: "diff_workbooks", Title: "Compare two workbooks", Toolset: "edit", Reach: ReachBook,
	Description: "The differences between any two workbooks, forks or versions. Rows are aligned, so that an inserted row is one change; renamed sheets are found.",
	Example:     `{"baseline_workbook_or_fork_id":"wb-23456789ab","current_workbook_or_fork_id":"fork-abcdefgh2345"}`,
}, func(ctx context.Context, env *Env, in diffWorkbooksIn) (*diffWorkbooksOut, error) {
	out := &diffWorkbooksOut{Base: in.Base, Current: in.Current}
	err := env.Workspace.View(ctx, in.Base, func(base *book.Snapshot) error {
		return env.Workspace.View(ctx, in.Current, func(cur *book.Snapshot) (err error) {
			out.changeList, err = env.changesBetween(ctx, base, cur, in.ChangeFilter, book.DiffOptions{Tolerance: orElse(in.Tolerance, 0), InPlace: in.InPlace})
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	onwardChanges(&out.changeList, "diff_workbooks", &in, &in.ChangeFilter)
	return out, nil
})

func (o *diffWorkbooksOut) appendText(b []byte, _ bool) []byte {
	return o.changeList.appendText(b, plain(o.Base)+" => "+plain(o.Current))
}
