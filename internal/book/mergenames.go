package book

import (
	"slices"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// nameConflict is a defined name that two lines changed in different ways.
type nameConflict struct {
	// What the name refers to; "" where there is none of it.
	BaseText, OursText, TheirsText string

	takeName NameEdit // as Conflict.take
}

func refersTo(n *grid.Name) string {
	if n == nil {
		return ""
	}
	return n.RefersTo
}

// swap exchanges the sides.
func (c *nameConflict) swap() { c.OursText, c.TheirsText = c.TheirsText, c.OursText }

// mergeNames finds which defined names theirs changed, and what of it ours gets.
func (m *Merged) mergeNames(base, ours, theirs *Snapshot) {
	o, ok := NamesBetween(base, theirs)
	if !ok {
		return
	}
	was, mine, is := base.namesByID(), ours.namesByID(), theirs.namesByID()
	var take EditNames
	for _, e := range o.Names {
		id := nameID{FoldName(e.Name), FoldName(e.Sheet)}
		switch {
		case sameName(mine[id], was[id]):
			take.Names = append(take.Names, e)
		case sameName(mine[id], is[id]):
			m.Same++
		default:
			m.Conflicts = append(m.Conflicts, Conflict{Target: Target{Sheet: e.Sheet, Name: e.Name},
				nameConflict: nameConflict{refersTo(was[id]), refersTo(mine[id]), refersTo(is[id]), e}})
		}
	}
	if len(take.Names) > 0 {
		m.Edit.Ops = append(m.Edit.Ops, take)
	}
}

// rebaseNames finds which defined names ours changed since base, and what of it onto gets: references
// follow rows that moved and sheets that were renamed.
func (m *Merged) rebaseNames(c *comparison, base, ours, onto *Snapshot) {
	o, ok := NamesBetween(base, ours)
	if !ok {
		return
	}
	was, mine, theirs := base.namesByID(), ours.namesByID(), onto.namesByID()
	var take EditNames
	for _, e := range o.Names {
		id := nameID{FoldName(e.Name), FoldName(e.Sheet)}
		conflict := Conflict{Target: Target{Sheet: e.Sheet, Name: e.Name}}
		conflict.BaseText, conflict.OursText = refersTo(was[id]), refersTo(mine[id])
		edit, there := c.movedName(e)
		if !there {
			conflict.Lost = true
			m.Conflicts = append(m.Conflicts, conflict)
			continue
		}
		at := nameID{FoldName(edit.Name), FoldName(edit.Sheet)}
		now := theirs[at]
		conflict.Sheet, conflict.TheirsText, conflict.takeName = edit.Sheet, refersTo(now), edit
		switch {
		case c.sameAs(was[id], now, e.Sheet):
			take.Names = append(take.Names, edit)
		case edit.Delete && now == nil, !edit.Delete && now != nil && now.RefersTo == edit.RefersTo && now.Comment == edit.Comment && now.Hidden == edit.Hidden:
			m.Same++
		default:
			m.Conflicts = append(m.Conflicts, conflict)
		}
	}
	if len(take.Names) > 0 {
		m.Edit.Ops = append(m.Edit.Ops, take)
	}
}

// movedName gives the edit of a name of base as the other workbook has to have it; ok is false where its
// sheet is gone, or cells that it names are.
func (c *comparison) movedName(e NameEdit) (NameEdit, bool) {
	pair := 0
	if e.Sheet != "" {
		old, known := c.base.SheetIndex(e.Sheet)
		n, there := c.byOld[old]
		if !known || !there {
			return e, false
		}
		pair, e.Sheet = n, c.pairs[n].name
	}
	if e.Delete || len(c.pairs) == 0 {
		return e, true
	}
	text, ok := c.moved(e.RefersTo, pair)
	e.RefersTo = text
	return e, ok
}

// sameAs reports whether a name is in the other workbook what it was in base, on a sheet or in the workbook.
func (c *comparison) sameAs(was, now *grid.Name, sheet string) bool {
	if sameName(was, now) || was == nil || now == nil {
		return sameName(was, now)
	}
	moved, ok := c.movedName(NameEdit{Name: was.Name, Sheet: sheet, RefersTo: was.RefersTo})
	return ok && moved.RefersTo == now.RefersTo && was.Comment == now.Comment && was.Hidden == now.Hidden
}

// addName puts an edit of a name to the others, before all that is done to cells.
func addName(ops []Op, e NameEdit) []Op {
	for i, op := range ops {
		if o, ok := op.(EditNames); ok {
			o.Names = append(o.Names, e)
			ops[i] = o
			return ops
		}
	}
	return slices.Insert(ops, 0, Op(EditNames{Names: []NameEdit{e}}))
}

// String gives the target as a formula names it.
func (t Target) String() string {
	what := t.Name
	if what == "" {
		what = t.Ref.String()
	}
	if t.Sheet == "" {
		return what
	}
	return cell.QuoteSheet(t.Sheet) + "!" + what
}
