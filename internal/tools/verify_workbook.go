package tools

import (
	"context"
	"fmt"
	"strings"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/grid"
)

type verifyWorkbookIn struct {
	Base        string   `json:"baseline_workbook_or_fork_id" alias:"baseline_id" required:"true"`
	Current     string   `json:"current_workbook_or_fork_id" alias:"current_id|workbook_or_fork_id|workbook_id" required:"true"`
	Targets     []string `json:"targets" max:"1000" doc:"Cells to report on, each with its sheet: Summary!B7"`
	Sheet       string   `json:"sheet_name" doc:"Look for errors and names on this sheet only"`
	Names       bool     `json:"include_named_range_deltas" default:"false"`
	ErrorsOnly  bool     `json:"errors_only" default:"false"`
	TargetsOnly bool     `json:"targets_only" default:"false"`
	Tolerance   *float64 `json:"tolerance" min:"0" doc:"By how much numbers may differ, as a part of the larger one"`
}

type targetDelta struct {
	Address        string `json:"address"`
	Before         any    `json:"before,omitempty"` // a text, in the compat profile a typed value
	After          any    `json:"after,omitempty"`
	BeforeFormula  string `json:"before_formula,omitempty"`
	AfterFormula   string `json:"after_formula,omitempty"`
	Classification string `json:"classification"`
	Changed        bool   `json:"changed"`

	before, after *typed
}

type errorDelta struct {
	Address       string `json:"address"`
	Before        string `json:"before_error,omitempty"`
	After         string `json:"after_error,omitempty"`
	BeforeFormula string `json:"before_formula,omitempty"`
	AfterFormula  string `json:"after_formula,omitempty"`
}

type nameDelta struct {
	Name      string `json:"name"`
	ScopeKind string `json:"scope_kind"`
	Scope     string `json:"scope_sheet_name,omitempty"`
	Change    string `json:"change"`
	Before    string `json:"before_refers_to,omitempty"`
	After     string `json:"after_refers_to,omitempty"`
}

type verifySummary struct {
	Targets     int            `json:"target_count"`
	Changed     int            `json:"changed_targets"`
	New         int            `json:"new_error_count"`
	Resolved    int            `json:"resolved_error_count"`
	Preexisting int            `json:"preexisting_error_count"`
	Names       int            `json:"named_range_delta_count"`
	Classes     map[string]int `json:"target_classification_counts"`
}

type verifyWorkbookOut struct {
	Cut
	Base        string        `json:"baseline"`
	Current     string        `json:"current"`
	Targets     []targetDelta `json:"target_deltas"`
	New         []errorDelta  `json:"new_errors"`
	Resolved    []errorDelta  `json:"resolved_errors"`
	Preexisting []errorDelta  `json:"preexisting_errors"`
	Names       []nameDelta   `json:"named_range_deltas"`
	Summary     verifySummary `json:"summary"`
	Stale       bool          `json:"recalc_needed"`
}

// verifyErrorsMax bounds each list of errors; the counts are exact.
const verifyErrorsMax = 200

var verifyWorkbook = define(Spec{
	Name: "verify_workbook", Title: "Verify changes", Toolset: "edit", Reach: ReachBook,
	Description: "Compares two workbooks, forks or versions: what became of given cells, which error values are new, resolved or were there before. Cells are followed through inserted rows.",
	Example:     `{"baseline_workbook_or_fork_id":"wb-23456789ab","current_workbook_or_fork_id":"fork-abcdefgh2345","targets":["Summary!B7"]}`,
}, func(ctx context.Context, env *Env, in verifyWorkbookIn) (*verifyWorkbookOut, error) {
	const example = `Example: verify_workbook {"baseline_workbook_or_fork_id":"wb-23456789ab","current_workbook_or_fork_id":"fork-abcdefgh2345","targets":["Summary!B7"]}`
	switch {
	case in.ErrorsOnly && (in.TargetsOnly || len(in.Targets) > 0 || in.Names):
		return nil, invalid(example, "errors_only excludes targets, targets_only and include_named_range_deltas")
	case in.TargetsOnly && (len(in.Targets) == 0 || in.Names):
		return nil, invalid(example, "targets_only needs targets, and excludes include_named_range_deltas")
	}
	out := &verifyWorkbookOut{Base: in.Base, Current: in.Current, Targets: []targetDelta{}, New: []errorDelta{}, Resolved: []errorDelta{}, Preexisting: []errorDelta{}, Names: []nameDelta{}}
	err := env.Workspace.View(ctx, in.Base, func(base *book.Snapshot) error {
		return env.Workspace.View(ctx, in.Current, func(cur *book.Snapshot) error {
			o := book.VerifyOptions{NoErrors: in.TargetsOnly, Names: in.Names, Tolerance: orElse(in.Tolerance, 0), Limit: verifyErrorsMax}
			if in.Sheet != "" {
				i, err := sheetNamed(cur, in.Sheet)
				if err != nil {
					return err
				}
				o.Sheet = cur.Workbook().Sheets[i].Name
			}
			for _, text := range in.Targets {
				t, err := oneTarget(cur, text)
				if err != nil {
					return err
				}
				o.Targets = append(o.Targets, t)
			}
			v, err := book.Verify(ctx, base, cur, o)
			if err != nil {
				return err
			}
			out.fill(v, valuesOf(base), valuesOf(cur))
			out.Stale = cur.Stale()
			return nil
		})
	})
	return out, err
})

// oneTarget reads Sheet!A1.
func oneTarget(snap *book.Snapshot, text string) (book.Target, error) {
	name, rest, ok := cell.SplitSheet(strings.TrimSpace(text))
	ref, isRef := cell.ParseRef(strings.ReplaceAll(rest, "$", ""))
	if !ok || name == "" || !isRef {
		return book.Target{}, fail(codeRangeInvalid, "Write one cell with its sheet, such as Summary!B7", "%q is no target", clip(text, 60))
	}
	i, err := sheetNamed(snap, name)
	if err != nil {
		return book.Target{}, err
	}
	return book.Target{Sheet: snap.Workbook().Sheets[i].Name, Ref: ref}, nil
}

func (o *verifyWorkbookOut) fill(v *book.Verification, was, is values) {
	o.Summary.Classes = map[string]int{}
	for _, t := range v.Targets {
		d := targetDelta{
			Address:       cell.QuoteSheet(t.Sheet) + "!" + t.Ref.String(),
			BeforeFormula: formula.Display(t.Before.Formula), AfterFormula: formula.Display(t.After.Formula),
			Classification: t.Class.String(), Changed: t.Changed,
		}
		if text := was.shown(t.Before, t.OldRef); text != nil {
			d.Before, d.before = *text, was.typed(grid.Cell{Ref: t.OldRef, Value: t.Before.Value, Style: t.Before.Style})
		}
		if text := is.shown(t.After, t.Ref); text != nil {
			d.After, d.after = *text, is.typed(grid.Cell{Ref: t.Ref, Value: t.After.Value, Style: t.After.Style})
		}
		o.Targets = append(o.Targets, d)
		o.Summary.Classes[t.Class.String()]++
	}
	list := func(deltas []book.CellDelta) []errorDelta {
		rows := []errorDelta{}
		for _, d := range deltas {
			row := errorDelta{Address: cell.QuoteSheet(d.Sheet) + "!" + d.Ref.String(), BeforeFormula: formula.Display(d.Before.Formula), AfterFormula: formula.Display(d.After.Formula)}
			if d.Before.Value.Kind() == cell.Error {
				row.Before = d.Before.Value.Err().String()
			}
			if d.After.Value.Kind() == cell.Error {
				row.After = d.After.Value.Err().String()
			}
			rows = append(rows, row)
		}
		return rows
	}
	o.New, o.Resolved, o.Preexisting = list(v.New), list(v.Resolved), list(v.Preexisting)
	for _, c := range v.Names {
		n := nameDelta{Name: c.Name, ScopeKind: "workbook", Change: strings.TrimPrefix(c.Kind.String(), "name_"), Before: c.OldText, After: c.NewText}
		n.Change = map[string]string{"added": "added", "deleted": "removed", "modified": "changed"}[n.Change]
		if c.HasScope {
			n.ScopeKind, n.Scope = "sheet", c.Sheet
		}
		o.Names = append(o.Names, n)
	}
	s := &o.Summary
	s.Targets, s.Changed, s.New, s.Resolved, s.Preexisting, s.Names = len(v.Targets), v.Changed(), v.NewCount, v.ResolvedCount, v.PreexistingCount, len(v.Names)
	if n := max(s.New, s.Resolved, s.Preexisting); n > verifyErrorsMax {
		o.Next = fmt.Sprintf("at most %d errors of each kind are listed, the counts are exact; name a sheet with sheet_name to see fewer", verifyErrorsMax)
	}
}

func (o *verifyWorkbookOut) recast() {
	for i := range o.Targets {
		if t := &o.Targets[i]; t.before != nil {
			t.Before = t.before
		}
		if t := &o.Targets[i]; t.after != nil {
			t.After = t.after
		}
	}
	for class := book.Unchanged; class <= book.Recalculated; class++ {
		o.Summary.Classes[class.String()] += 0
	}
}

func (o *verifyWorkbookOut) appendText(b []byte, _ bool) []byte {
	s := o.Summary
	b = fmt.Appendf(b, "%s => %s: %d of %d targets changed; errors: %d new, %d resolved, %d there before\n", plain(o.Base), plain(o.Current), s.Changed, s.Targets, s.New, s.Resolved, s.Preexisting)
	if o.Stale {
		b = append(b, "values of formulas are not recalculated yet\n"...)
	}
	show := func(v any) string {
		text, ok := v.(string)
		if !ok {
			return "(empty)"
		}
		return text
	}
	for _, t := range o.Targets {
		b = appendEscaped(b, t.Address)
		b = appendEscaped(append(b, "\t"+t.Classification+"\t"...), show(t.Before))
		b = appendEscaped(append(b, " => "...), show(t.After))
		if t.AfterFormula != "" {
			b = appendEscaped(append(b, "\t="...), t.AfterFormula)
		}
		b = append(b, '\n')
	}
	for _, l := range []struct {
		what string
		rows []errorDelta
	}{{"new", o.New}, {"resolved", o.Resolved}, {"there before", o.Preexisting}} {
		for _, e := range l.rows {
			b = appendEscaped(b, e.Address)
			b = append(b, "\t"+l.what+"\t"+e.Before+" => "+e.After...)
			if e.AfterFormula != "" {
				b = appendEscaped(append(b, "\t="...), e.AfterFormula)
			}
			b = append(b, '\n')
		}
	}
	for _, n := range o.Names {
		b = appendEscaped(append(b, "name "+n.Change+"\t"...), n.Name)
		b = appendEscaped(append(b, '\t'), n.Before)
		b = appendEscaped(append(b, " => "...), n.After)
		b = append(b, '\n')
	}
	return b
}
