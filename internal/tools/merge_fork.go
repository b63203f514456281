package tools

import (
	"context"
	"fmt"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/forks"
	"gridflow/internal/formula"
	"gridflow/internal/grid"
)

type mergeForkIn struct {
	ForkArg
	With    string         `json:"with" doc:"A fork of the same workbook, or a version of one (fork-…@3), or a workbook; left out: the workbook that was forked, as it is now"`
	All     string         `json:"conflicts" enum:"list|ours|theirs" default:"list" doc:"ours keeps what the fork has, theirs takes the other's; list changes nothing while there are any"`
	Resolve []resolutionIn `json:"resolutions" doc:"For single cells and names"`
	Preview bool           `json:"preview" default:"false" doc:"Tell what would happen"`
	Label   string         `json:"label" line:"true"`
	Guard
}

type resolutionIn struct {
	Address string   `json:"address" required:"true" doc:"Sheet1!B2, or a defined name"`
	Choice  string   `json:"choice" enum:"ours|theirs|manual" required:"true"`
	Value   *Scalars `json:"value" doc:"For manual"`
	Formula string   `json:"formula" doc:"For manual"`
}

type conflictRow struct {
	Address string `json:"address"`
	Base    string `json:"base"`
	Ours    string `json:"ours"`
	Theirs  string `json:"theirs"`
}

type mergeForkOut struct {
	Cut
	stamp
	Merged    bool          `json:"merged"`
	With      string        `json:"with"`
	Rebased   bool          `json:"rebased"`
	Cells     int           `json:"cells"`
	Same      int           `json:"changed_alike"`
	Conflicts []conflictRow `json:"conflicts"`
	Count     int           `json:"conflict_count"`

	RecalcNeeded bool `json:"recalc_needed"`
}

var mergeFork = define(Spec{
	Name: "merge_fork", Title: "Merge", Toolset: "edit", Writes: true, Reach: ReachBook,
	Description: "Brings the changes of another fork into this one, cell by cell and name by name, or puts this fork's changes on its workbook as it is now, after another program has saved it. Cells that both changed differently are conflicts: they are listed and nothing is done, until each has a choice.",
	Example:     `{"fork_id":"fork-abcdefgh2345","with":"fork-bcdefgh23456","conflicts":"ours"}`,
}, func(ctx context.Context, env *Env, in mergeForkIn) (*mergeForkOut, error) {
	store, info, err := env.fork(ctx, in.Fork)
	if err != nil {
		return nil, err
	}
	if in.With == "" {
		in.With = info.Workbook
	}
	o := forks.MergeOptions{Commit: in.commit("merge_fork", in.Label), Preview: in.Preview}
	switch in.All {
	case "ours", "theirs":
		choice := book.TakeOurs
		if in.All == "theirs" {
			choice = book.TakeTheirs
		}
		o.All = &choice
	}
	if len(in.Resolve) > 0 {
		if o.Choices, err = env.resolutions(ctx, in); err != nil {
			return nil, err
		}
	}
	m, err := store.Merge(ctx, in.Fork, in.With, o)
	if err != nil {
		return nil, err
	}
	out := &mergeForkOut{stamp: stamp{info.ID, info.Version}, Merged: m.Done, With: m.With, Rebased: m.Rebased && m.Done, Cells: m.Cells, Same: m.Same, Count: len(m.Conflicts), Conflicts: []conflictRow{}}
	if m.Done {
		out.Version, out.RecalcNeeded = m.Result.Version, m.Result.Info.Stale
	}
	var words values
	if err := env.Workspace.View(ctx, info.ID, func(snap *book.Snapshot) error { words = valuesOf(snap); return nil }); err != nil {
		return nil, err
	}
	lim := env.budget(0)
	for _, c := range m.Conflicts {
		if c.Name != "" {
			row := conflictRow{c.Target.String(), nameText(c.BaseText), nameText(c.OursText), nameText(c.TheirsText)}
			if c.Lost {
				row.Theirs = "(no place for such a name any more: theirs is the only choice)"
			}
			if !lim.takeEntry(&row) {
				out.Next = fmt.Sprintf("%d of %d conflicts; choose ours or theirs for all, or for those that are shown with resolutions", len(out.Conflicts), out.Count)
				break
			}
			out.Conflicts = append(out.Conflicts, row)
			continue
		}
		row := conflictRow{cell.QuoteSheet(c.Sheet) + "!" + c.Ref.String(), words.state(c.Base, c.Ref), words.state(c.Ours, c.Ref), words.state(c.Theirs, c.Ref)}
		if c.Lost {
			row.Theirs = "(no such cell any more: theirs is the only choice)"
		}
		if !lim.takeEntry(&row) {
			out.Next = fmt.Sprintf("%d of %d conflicts; choose ours or theirs for all, or for those that are shown with resolutions", len(out.Conflicts), out.Count)
			break
		}
		out.Conflicts = append(out.Conflicts, row)
	}
	return out, nil
})

// nameText writes what a name refers to, "" where there is none.
func nameText(text string) string {
	if text == "" {
		return ""
	}
	return clip("="+formula.Display(text), changeTextMax)
}

// state writes a cell in one text: its formula, or its value.
func (w values) state(s book.CellState, ref cell.Ref) string {
	switch {
	case s.HasFormula:
		return clip("="+formula.Display(s.Formula), changeTextMax)
	case !s.Stored || s.Value.IsBlank():
		return ""
	}
	return clip(string(w.appendPlain(nil, grid.Cell{Ref: ref, Value: s.Value, Style: s.Style})), changeTextMax)
}

// conflictTarget reads what a conflict is of: a cell with its sheet, or a defined name, of the workbook or with
// the sheet that it is of.
func conflictTarget(snap *book.Snapshot, text string) (book.Target, error) {
	sheet, name, ok := cell.SplitSheet(text)
	if !ok {
		sheet, name = "", text
	}
	if _, isCell := cell.ParseRef(name); isCell || book.CheckName(name) != nil {
		return oneTarget(snap, text)
	}
	t := book.Target{Name: name}
	if sheet != "" {
		i, err := sheetNamed(snap, sheet)
		if err != nil {
			return t, err
		}
		t.Sheet = snap.Workbook().Sheets[i].Name
	}
	// Conflicts have the spelling that there is.
	for _, n := range snap.Workbook().Names {
		if book.FoldName(n.Name) == book.FoldName(name) {
			t.Name = n.Name
		}
	}
	return t, nil
}

// resolutions reads what is chosen for single cells.
func (e *Env) resolutions(ctx context.Context, in mergeForkIn) (map[book.Target]book.Resolution, error) {
	choices := map[book.Target]book.Resolution{}
	err := e.Workspace.View(ctx, in.Fork, func(snap *book.Snapshot) error {
		for i, r := range in.Resolve {
			t, err := conflictTarget(snap, r.Address)
			if err != nil {
				return inEntry(err, i)
			}
			res := book.Resolution{Choice: map[string]book.Choice{"ours": book.TakeOurs, "theirs": book.TakeTheirs, "manual": book.TakeManual}[r.Choice]}
			if r.Choice == "manual" && t.Name != "" {
				if r.Formula == "" {
					return inEntry(invalid(`Example: "formula":"Sheet1!$A$1"`, "a manual choice for a name needs a formula"), i)
				}
				said, _, err := refersTo(snap, t.Name, t.Sheet, r.Formula)
				if err != nil {
					return inEntry(err, i)
				}
				res.Text = said
			} else if r.Choice == "manual" {
				ed := newEditor(snap, -1, false, "fail")
				if err := ed.add(ctx, cellEditIn{Address: r.Address, Value: r.Value, Formula: r.Formula}); err != nil {
					return inEntry(err, i)
				}
				res.Cell = ed.sheets[0].Cells[0]
			}
			choices[t] = res
		}
		return nil
	})
	return choices, err
}

func (o *mergeForkOut) appendText(b []byte, _ bool) []byte {
	switch {
	case o.Merged:
		b = fmt.Appendf(b, "%s: version %d, merged with %s: %d cells set, %d were alike already", o.ForkID, o.Version, o.With, o.Cells, o.Same)
		if o.Rebased {
			b = append(b, "; it stands on the workbook as it is now"...)
		}
		if o.RecalcNeeded {
			b = append(b, "; formulas are not recalculated yet"...)
		}
	case o.Count > 0:
		b = fmt.Appendf(b, "%s: not merged with %s: %d conflicts (%d other cells would be set). Choose with conflicts ours or theirs, or with resolutions", o.ForkID, o.With, o.Count, o.Cells)
	default:
		b = fmt.Appendf(b, "%s: a merge with %s would set %d cells, without conflicts", o.ForkID, o.With, o.Cells)
	}
	b = append(b, '\n')
	if len(o.Conflicts) > 0 {
		b = append(b, "address\tbase\tours\ttheirs\n"...)
	}
	for _, c := range o.Conflicts {
		b = append(appendEscaped(b, c.Address), '\t')
		b = append(appendEscaped(b, c.Base), '\t')
		b = append(appendEscaped(b, c.Ours), '\t')
		b = append(appendEscaped(b, c.Theirs), '\n')
	}
	return b
}
