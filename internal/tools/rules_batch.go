package tools

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/grid"
)

type ruleOp struct {
	Kind       string          `json:"kind" alias:"op" required:"true" enum:"set_data_validation|clear_data_validation|add_conditional_format|set_conditional_format|clear_conditional_formats" also:"clear_data_validations=clear_data_validation|clear_conditional_format=clear_conditional_formats"`
	Sheet      string          `json:"sheet_name" required:"true"`
	Range      string          `json:"target_range" alias:"range|target" required:"true" doc:"B2:B99, several with commas, a name or a table"`
	Validation *validationSpec `json:"validation" doc:"set_data_validation"`
	Rule       *ruleSpec       `json:"rule" doc:"add_conditional_format, set_conditional_format"`
	Style      *ruleStyle      `json:"style" doc:"How cells look that the rule holds for; light red unless given"`
	Match      string          `json:"match" enum:"cells|exact" doc:"Which rules are cleared or replaced: cells takes these cells out of all rules, exact takes the rules of just these ranges. cells for the kinds that clear, exact for set_conditional_format"`
}

type rulesBatchIn struct {
	ForkArg
	Ops     []ruleOp `json:"ops" required:"true" min:"1" max:"1000"`
	Formula string   `json:"formula_parse_policy" enum:"fail|warn|off" doc:"warn leaves operations out whose formula does not parse, and tells; fail unless given"`
	EditMode
	Guard
}

var rulesBatch = define(Spec{
	Name: "rules_batch", Title: "Validate and format by rules", Toolset: "styles", Writes: true, Reach: ReachSheet,
	Description: "Sets and clears data validations (lists, numbers, dates, texts, formulas, with prompts and error messages) and conditional formats (comparisons, formulas, texts, dates, top and bottom, averages, duplicates, colour scales, data bars, icon sets) of a fork. Formulas are written for the first cell of the range. list_rules shows what there is.",
	Example:     `{"fork_id":"fork-abcdefgh2345","ops":[{"kind":"set_data_validation","sheet_name":"Sheet1","target_range":"B2:B99","validation":{"kind":"list","values":["open","done"]}},{"kind":"add_conditional_format","sheet_name":"Sheet1","target_range":"C2:C99","rule":{"kind":"cell_is","operator":"less_than","formula":"0"}}]}`,
}, func(ctx context.Context, env *Env, in rulesBatchIn) (*countedOut, error) {
	var bounds []string
	made, err := env.batch(ctx, in.Fork, "rules_batch", env.batchPolicy(in.Formula), in.EditMode, in.Guard, len(in.Ops), func(b *batch, i int) error {
		if i == 0 {
			bounds = nil
			if env.Profile == Compat { // spreadsheet-mcp tells of each, 0 included
				for _, name := range ruleCounts {
					b.counts[name] = 0
				}
			}
		}
		at, err := b.rules(&in.Ops[i], env.Profile == Compat)
		if at != "" && !slices.Contains(bounds, at) {
			bounds = append(bounds, at)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	made.Summary.Bounds = append(made.Summary.Bounds, bounds...)
	return &countedOut{*made}, nil
})

// ruleCounts are what spreadsheet-mcp counts of rules, in the order in which they are told.
var ruleCounts = []string{"validations_set", "validations_replaced", "conditional_formats_added", "conditional_formats_skipped", "conditional_formats_set",
	"conditional_formats_replaced", "conditional_formats_set_skipped", "conditional_formats_cleared"}

// countedOut is what tools tell that change something besides cells: how much of it.
type countedOut struct{ batchOut }

func (o *countedOut) appendText(b []byte, verbose bool) []byte {
	return appendCounts(o.batchOut.appendText(b, verbose), o.Summary.Counts)
}

// appendCounts tells what was counted besides cells.
func appendCounts(b []byte, counts map[string]int) []byte {
	sep := "counts: "
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		if counts[name] > 0 && !strings.HasPrefix(name, "cells_") {
			b = fmt.Appendf(b, "%s%s %d", sep, name, counts[name])
			sep = ", "
		}
	}
	if sep == ", " {
		b = append(b, '\n')
	}
	return b
}

// ruled is the cells that an operation on rules is of.
type ruled struct {
	b      *batch
	sheet  int
	name   string // of the sheet
	ranges []cell.Range
	base   cell.Ref // the cell that formulas are written for
	bad    bool     // a formula did not parse, and the policy is to go on without
}

// rules makes one operation and tells of which cells it was.
func (b *batch) rules(op *ruleOp, compat bool) (bounds string, err error) {
	b.begin("rules_batch")
	p := ruled{b: b}
	index, err := sheetNamed(b.snap, op.Sheet)
	if err != nil {
		return "", err
	}
	list, err := areas(b.ctx, b.snap, index, op.Range)
	if err != nil {
		return "", err
	}
	for _, a := range list {
		if a.sheet != list[0].sheet {
			return "", invalid("Make two operations of it", "%q is on two sheets", clip(op.Range, 64))
		}
		p.ranges = append(p.ranges, a.rng)
	}
	p.sheet = list[0].sheet
	p.name = b.snap.Workbook().Sheets[p.sheet].Name
	p.base = baseOf(p.ranges)
	validates := op.Kind == "set_data_validation"
	if (op.Validation != nil) != validates {
		return "", invalid(`Example: "validation":{"kind":"list","formula1":"\"a,b\""}`, "set_data_validation needs a validation, and no other kind takes one")
	}
	formats := op.Kind == "add_conditional_format" || op.Kind == "set_conditional_format"
	if (op.Rule != nil) != formats || op.Style != nil && !formats {
		return "", invalid(`Example: "rule":{"kind":"cell_is","operator":"less_than","formula":"0"}`, "add_conditional_format and set_conditional_format need a rule, and no other kind takes one or a style")
	}
	exact := op.Match == "exact" || op.Match == "" && (compat || op.Kind == "set_conditional_format")
	switch {
	case validates:
		err = p.setValidation(op.Validation)
	case op.Kind == "clear_data_validation":
		err = p.clearValidations(exact)
	case op.Kind == "clear_conditional_formats":
		err = p.clearFormats(exact)
	default:
		err = p.format(op, exact, compat)
	}
	return qualified(p.name, p.ranges[0]), err
}

// baseOf gives the cell for which the formulas of a rule on ranges are written: the corner of what bounds them.
func baseOf(list []cell.Range) cell.Ref {
	all := list[0]
	for _, r := range list[1:] {
		all = all.Union(r)
	}
	return all.First
}

// formula reads a formula of a rule: without "=", in the form of files. "" stands for none, or for one that does not parse and is
// to be left out, which is noted.
func (p *ruled) formula(field, text, prefixWarning string) (string, error) {
	is := strings.TrimSpace(text)
	if rest, ok := strings.CutPrefix(is, "="); ok {
		p.b.warn("%s: Stripped leading '=' from %s", prefixWarning, field)
		is = strings.TrimSpace(rest)
	}
	if is == "" {
		return is, nil
	}
	if p.b.policy == "off" {
		p.b.others = append(p.b.others, beside{"a rule of " + qualified(p.name, p.ranges[0]), is})
		return is, nil
	}
	tree, err := formula.ParseTyped(is)
	if err == nil {
		what, hint, wrong := p.unfit(tree.Root)
		if wrong != nil {
			return "", wrong
		}
		if what != "" {
			err = errors.New(what)
			if p.b.policy == "fail" {
				return "", fail("BAD_FORMULA", hint, "%s of %s: %v", field, p.ranges[0], err)
			}
		}
	}
	if err == nil {
		var stored string
		if stored, err = formula.Stored(is); err == nil {
			p.b.others = append(p.b.others, beside{"a rule of " + qualified(p.name, p.ranges[0]), stored})
			return stored, nil
		}
	}
	if p.b.policy == "fail" {
		return "", fail("BAD_FORMULA", "Write it as in a cell, with commas between arguments; formula_parse_policy off takes it as it is", "formula parse failed: %s of %s: %v", field, p.ranges[0], err)
	}
	p.bad = true
	p.b.bad = append(p.b.bad, badFormula{p.name, p.ranges[0].First.String(), is, err.Error()})
	return "", nil
}

// unfit says what in a formula a rule cannot have, "" for nothing: Excel refuses such a rule when it is typed, and takes a
// file with it for damaged ([MS-OI29500] 3.2.3.1.2 and 3.2.3.1.3).
func (p *ruled) unfit(root *formula.Node) (what, hint string, err error) {
	var tables []grid.Table
	for n := range formula.Nodes(root) {
		switch {
		case n.Kind == formula.Array:
			return "a rule takes no array in braces", "Write its values into cells, or define a name for it", nil
		case n.Kind == formula.Binary && (n.Op == formula.OpUnion || n.Op == formula.OpIntersect):
			return "a rule takes no union and no intersection of references", "Define a name for it", nil
		case n.Kind == formula.Ref && n.Ref.LastSheet() != "":
			return "a rule takes no reference through several sheets", "Define a name for it, or calculate it in a cell", nil
		case n.Kind == formula.Ref && n.Ref.Kind == formula.NameRef && n.Ref.Book() == "":
			if tables == nil {
				if tables, err = p.b.snap.Tables(p.b.ctx); p.b.ctx.Err() != nil {
					return "", "", err
				} // where they cannot be read, nothing can be said of them
			}
			key := book.FoldName(n.Ref.Name)
			if !slices.ContainsFunc(tables, func(t grid.Table) bool { return book.FoldName(t.Name) == key }) ||
				slices.ContainsFunc(p.b.snap.Workbook().Names, func(d grid.Name) bool { return book.FoldName(d.Name) == key }) {
				continue
			}
			fallthrough
		case n.Kind == formula.Ref && n.Ref.Kind == formula.TableRef:
			return "a rule takes no reference to a table", `Write the cells ($A$2:$A$9), define a name for the column and take that, or INDIRECT("Table1[Amount]")`, nil
		}
	}
	return "", "", nil
}

// moved gives a formula of a rule whose first cell was at another place.
func moved(text string, from, to cell.Ref) string {
	if from == to || text == "" {
		return text
	}
	is, err := formula.ShiftText(text, from, to)
	if err != nil {
		return text // nobody can say what its references are
	}
	return is
}

// cutOut gives what is left of ranges without the cells of p, where the formulas are written for another cell each: one list for each
// rule that there then has to be. With exact, all goes that is of just these ranges, and all else stays.
func (p *ruled) cutOut(ranges []cell.Range, formulas []string, exact bool) (parts [][]cell.Range, changed bool) {
	if exact {
		if sameRanges(ranges, p.ranges) {
			return nil, true
		}
		return [][]cell.Range{ranges}, false
	}
	left := book.Cut(ranges, p.ranges)
	if slices.Equal(left, ranges) {
		return [][]cell.Range{ranges}, false
	}
	if len(left) == 0 {
		return nil, true
	}
	was := baseOf(ranges)
	for _, f := range formulas {
		// Which cell a formula is written for is only beyond doubt for a rectangle.
		if is := baseOf(left); len(left) > 1 && (moved(f, was, cell.Ref{Row: was.Row + 1, Col: was.Col + 1}) != f || is != was) {
			for _, r := range left {
				parts = append(parts, []cell.Range{r})
			}
			return parts, true
		}
	}
	return [][]cell.Range{left}, true
}

// sameRanges tells whether two lists have the same ranges, in any order.
func sameRanges(a, b []cell.Range) bool {
	if len(a) != len(b) {
		return false
	}
	for _, r := range a {
		if !slices.Contains(b, r) {
			return false
		}
	}
	return true
}
