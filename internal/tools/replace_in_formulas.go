package tools

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/until"
)

type replaceInFormulasIn struct {
	ForkArg
	Sheet         string `json:"sheet_name" required:"true"`
	Find          string `json:"find" required:"true"`
	Replace       string `json:"replace" doc:"With regex, $1 is what the first group found"`
	Range         string `json:"range" doc:"All of the sheet unless given"`
	Regex         bool   `json:"regex" default:"false"`
	CaseSensitive bool   `json:"case_sensitive" default:"true"`
	Formula       string `json:"formula_parse_policy" enum:"fail|warn|off" default:"warn" doc:"warn keeps formulas as they are that would not parse, and tells"`
	EditMode
	Guard
}

type formulaSample struct {
	Address string `json:"address"`
	Before  string `json:"before"`
	After   string `json:"after"`
}

type replaceInFormulasOut struct {
	committed
	Checked int             `json:"formulas_checked"`
	Changed int             `json:"formulas_changed"`
	Samples []formulaSample `json:"samples"`
	Bad     *diagnostics    `json:"formula_parse_diagnostics"`
}

// formulaSamplesMax is how many formulas are shown as they were and are.
const formulaSamplesMax = 20

var replaceInFormulas = define(Spec{
	Name: "replace_in_formulas", Title: "Replace in formulas", Toolset: "edit", Writes: true, Reach: ReachSheet,
	Description: "Replaces a text, or what a regular expression finds, in the formulas of a sheet of a fork. Values stay. A formula that would not be one any more is left as it is.",
	Example:     `{"fork_id":"fork-abcdefgh2345","sheet_name":"Sheet1","find":"Budget2025!","replace":"Budget2026!"}`,
}, func(ctx context.Context, env *Env, in replaceInFormulasIn) (*replaceInFormulasOut, error) {
	pattern := in.Find
	if !in.Regex {
		pattern = regexp.QuoteMeta(pattern)
	}
	if !in.CaseSensitive {
		pattern = "(?i)" + pattern
	}
	re, err := regexp.Compile(pattern)
	switch {
	case in.Find == "":
		return nil, invalid("", "find is empty")
	case err != nil:
		return nil, invalid("Write it in the syntax of RE2", "%q is no regular expression: %v", clip(in.Find, 60), err)
	}
	var out *replaceInFormulasOut
	made, err := env.commit(ctx, in.Fork, "replace_in_formulas", in.EditMode, in.Guard, func(snap *book.Snapshot) (draft, error) {
		out = &replaceInFormulasOut{Samples: []formulaSample{}}
		b := &batch{ctx: ctx, snap: snap, policy: in.Formula, kinds: []string{"replace_in_formulas"}, room: env.room()}
		index, err := sheetNamed(snap, in.Sheet)
		if err != nil {
			return nil, err
		}
		where := []area{{sheet: index, rng: cell.WholeSheet}}
		if in.Range != "" {
			if where, err = areas(ctx, snap, index, in.Range); err != nil {
				return nil, err
			}
		}
		for _, a := range where {
			sheet, err := snap.Sheet(ctx, a.sheet)
			if err != nil {
				return nil, err
			}
			e := b.editor(a.sheet)
			for c := range until.Done(ctx, sheet.Cells(a.rng)) {
				if !c.HasFormula() {
					continue
				}
				out.Checked++
				was := book.FormulaText(sheet, c)
				is := re.ReplaceAllString(was, in.Replace)
				if !in.Regex {
					is = re.ReplaceAllLiteralString(was, in.Replace)
				}
				if is == was {
					continue
				}
				edit := book.CellEdit{Ref: c.Ref, HasFormula: true, Formula: strings.TrimPrefix(strings.TrimSpace(is), "=")}
				if ok, err := e.parses(a.sheet, edit); err != nil {
					return nil, err
				} else if !ok {
					continue
				}
				if out.Changed++; len(out.Samples) < formulaSamplesMax {
					out.Samples = append(out.Samples, formulaSample{c.Ref.String(), clip(was, changeTextMax), clip(edit.Formula, changeTextMax)})
				}
				e.set(a.sheet, edit)
			}
			if err := b.take(e); err != nil {
				return nil, err
			}
		}
		out.Bad = diagnose(b.policy, b.bad)
		b.counts = map[string]int{"formulas_changed": out.Changed, "formulas_checked": out.Checked}
		if out.Changed == 0 {
			b.warn("WARN_NO_MATCH: none of %d formulas becomes another one; nothing was changed", out.Checked)
		}
		return b, nil
	})
	if err != nil {
		return nil, err
	}
	out.committed = made
	out.Applied = out.Changed
	return out, nil
})

func (o *replaceInFormulasOut) appendText(b []byte, verbose bool) []byte {
	b = o.committed.appendText(b, verbose)
	b = fmt.Appendf(b, "%d of %d formulas changed\n", o.Changed, o.Checked)
	for _, s := range o.Samples {
		b = appendEscaped(fmt.Appendf(b, "  %s\t=", s.Address), s.Before)
		b = appendEscaped(append(b, " => ="...), s.After)
		b = append(b, '\n')
	}
	return o.Bad.appendText(b)
}
