package tools

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gridflow/internal/book"
	"gridflow/internal/forks"
	"gridflow/internal/structure"
)

// draft is a change that is to be made of a fork.
type draft interface {
	edit() book.Edit
	// onlyHere tells that places were chosen by what the snapshot has: the change is wrong on any other.
	onlyHere() bool
	// foresee warns of what the change will come to that its caller may not know.
	foresee(ctx context.Context) error
	// operations counts what the caller asked for.
	operations() int
	// told gives the warnings, and what is counted besides the cells that become others.
	told() (warnings []string, kinds []string, counts map[string]int)
	// besides gives the formulas that the caller has written elsewhere than into cells.
	besides() []beside
}

// beside is a formula of a name or a rule.
type beside struct{ of, formula string }

// committed is what a tool tells of a change that was made, or staged.
type committed struct {
	changedOut
	Mode     string `json:"mode"`
	ChangeID string `json:"change_id,omitempty"`

	tool string
}

// commit has a fork changed, or the change staged, by what collect makes of the newest
// version. Texts of addresses do not depend on the version, so that the version which the
// change is made on may be a newer one, unless the caller expects one. Where places do, it is
// collected anew on the newer one.
func (e *Env) commit(ctx context.Context, fork, tool string, mode EditMode, guard Guard, collect func(*book.Snapshot) (draft, error)) (committed, error) {
	const tries = 100 // as many others may be quicker
	for try := 1; ; try++ {
		out, again, err := e.commitOnce(ctx, fork, tool, mode, guard, collect)
		if err == nil || !again || try == tries {
			return out, err
		}
	}
}

// commitOnce is one try. again tells that another change came between, and that nothing was
// said of the version.
func (e *Env) commitOnce(ctx context.Context, fork, tool string, mode EditMode, guard Guard, collect func(*book.Snapshot) (draft, error)) (out committed, again bool, err error) {
	store, err := e.forkStore()
	if err != nil {
		return out, false, err
	}
	var d draft
	var seen uint64
	c := guard.commit(tool, mode.Label)
	err = store.View(ctx, fork, func(snap *book.Snapshot) error {
		if d, err = collect(snap); err != nil {
			return err
		}
		seen = snap.Version
		err = d.foresee(ctx)
		if d.onlyHere() && c.Expected == nil {
			c.Expected, again = &snap.Version, true
		}
		return err
	})
	if err != nil {
		return out, false, err
	}
	asking, err := e.outside(d.edit(), d.besides())
	if err != nil {
		return out, false, err
	}
	out.Mode, out.tool = mode.Mode, tool
	if nothing := len(d.edit().Ops) == 0 && (c.Expected == nil || *c.Expected == seen); nothing {
		out.changedOut = changedOut{stamp: stamp{fork, seen}, Before: seen, Summary: summarize(nil, false)}
	} else if mode.Mode == "preview" {
		c.Account = func(changes *book.Changeset) string {
			a := account{d.operations(), summarize(changes, false)}
			a.Summary.tell(d, asking)
			a.Summary.Calculated = nil
			said, err := json.Marshal(a)
			if err != nil {
				panic(err) // the type has nothing that JSON has not
			}
			return string(said)
		}
		st, changes, err := store.Stage(ctx, fork, d.edit(), c)
		if err != nil {
			return out, again && isConflict(err), err
		}
		out.changedOut = changedOut{stamp: stamp{fork, st.Version}, Before: st.Version, Summary: summarize(changes, false)}
		out.ChangeID = st.ID
	} else {
		r, err := store.Edit(ctx, fork, d.edit(), c)
		if err != nil {
			return out, again && isConflict(err), err
		}
		out.changedOut = changed(r)
	}
	out.Summary.tell(d, asking)
	out.Warnings = append(slices.Clip(out.Summary.Warnings), out.Warnings...)
	return out, false, nil
}

// tell adds what a draft knows and its cells do not say, and the warnings.
func (s *summary) tell(d draft, asking []string) {
	for _, op := range d.edit().Ops {
		for _, name := range sheetsBeside(op) {
			if !slices.Contains(s.Sheets, name) {
				s.Sheets = append(s.Sheets, name)
			}
		}
	}
	warnings, kinds, counts := d.told()
	if kinds != nil {
		s.Kinds = kinds
	}
	maps.Copy(s.Counts, counts)
	s.Warnings = append(append([]string{}, warnings...), asking...)
}

// sheetsBeside gives the sheets that an operation changes besides their cells.
func sheetsBeside(op book.Op) (sheets []string) {
	switch o := op.(type) {
	case book.Restructure: // under the names that they had
		if o.Kind == structure.DeleteSheet || o.Kind == structure.RenameSheet {
			sheets = append(sheets, o.Sheet)
		}
	case book.Arrange:
		sheets = append(sheets, o.Sheet)
	case book.FormatLines:
		sheets = append(sheets, o.Sheet)
	case book.EditNames:
		for _, n := range o.Names {
			if n.Sheet != "" {
				sheets = append(sheets, n.Sheet)
			}
		}
	case book.ArrangeObjects:
		sheets = append(sheets, o.Sheet)
	case book.ArrangeTables:
		for _, t := range o.Tables {
			if t.To != nil && !slices.Contains(sheets, t.To.Sheet) {
				sheets = append(sheets, t.To.Sheet)
			}
		}
	case book.ArrangeBook:
		for _, x := range o.Sheets {
			sheets = append(sheets, x.Sheet)
		}
	}
	return sheets
}

func isConflict(err error) bool {
	var e *forks.Error
	return errors.As(err, &e) && e.Code == forks.CodeConflict
}

func (o *committed) appendText(b []byte, verbose bool) []byte {
	if o.ChangeID == "" {
		return o.changedOut.appendText(b, verbose)
	}
	b = fmt.Appendf(b, "%s: staged as %s for version %d", o.ForkID, o.ChangeID, o.Version)
	b = append(o.Summary.appendText(b), "; apply_staged_change makes it\n"...)
	if o.Summary.Calculated != nil {
		b = o.Summary.Calculated.appendText(b)
	}
	for _, w := range o.Warnings {
		b = append(append(append(b, "warning: "...), w...), '\n')
	}
	return b
}

// appendText tells of formulas that were left out, nothing where there are none.
func (d *diagnostics) appendText(b []byte) []byte {
	if d == nil {
		return b
	}
	b = fmt.Appendf(b, "%d formulas do not parse and were left out:\n", d.Total)
	for _, g := range d.Groups {
		b = fmt.Appendf(b, "  %s!%s (%d): =%s: %s\n", plain(g.Sheet), strings.Join(g.Samples, ","), g.Count, plain(g.Preview), g.Message)
	}
	return b
}
