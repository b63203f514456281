package structure

import (
	"strings"

	"gridflow/internal/cell"
	"gridflow/internal/formula"
)

// A formula of which all references went with their cells gives afterwards what it gave before: it reads the same
// cells, in the same order. Of another one the change has disturbed what it reads, and it has to be calculated. What
// follows tells the two apart, reference by reference.

// Follow is [Rewriter.Formula] that also says whether the change disturbs what the formula reads: a reference is gone, or the cells
// that it covers are more, fewer or others than they were, or lie otherwise to one another. What a formula reads by a defined name or a
// table is not looked at, but for what becomes of its text, nor what it does with where it stands or where its
// references lie (ROW, implicit intersection).
func (r *Rewriter) Follow(text, own string) (out string, changed, disturbed bool) {
	if !r.mayConcern(text, own) {
		return text, false, false
	}
	out, err := formula.RewriteText(text, func(x formula.Reference) formula.Reference {
		to := r.reference(x, own, false)
		disturbed = disturbed || r.disturbsReference(x, to, own)
		return to
	})
	if err != nil {
		return text, false, false
	}
	return out, out != text, disturbed
}

// FollowName is Follow for what a defined name refers to: see [Rewriter.Name]. A relative reference counts from the cell that uses the name,
// which may have moved: rows, columns or cells that change disturb it wherever they are.
func (r *Rewriter) FollowName(text string) (disturbed bool) {
	_, _ = formula.RewriteText(text, func(x formula.Reference) formula.Reference {
		relative := x.Kind != formula.ColumnsRef && !x.First.AbsRow || x.Kind != formula.RowsRef && !x.First.AbsCol
		if x.Kind == formula.AreaRef || x.Kind == formula.ColumnsRef || x.Kind == formula.RowsRef {
			relative = relative || x.Kind != formula.ColumnsRef && !x.Last.AbsRow || x.Kind != formula.RowsRef && !x.Last.AbsCol
		}
		lines := r.rows != nil || r.cols != nil || r.block != nil
		disturbed = disturbed || lines && relative && x.Kind <= formula.RowsRef || r.disturbsReference(x, r.reference(x, "", false), "")
		return x
	})
	return disturbed
}

// Disturbed gives the cells of area, as it is before the change, whose copies of a formula are disturbed, as [Rewriter.Follow] has
// it; text is the formula as it stands in anchor.
func (r *Rewriter) Disturbed(text, own string, anchor cell.Ref, area cell.Range) (cells []cell.Range) {
	if _, ok := r.Sheet(own); !ok || !r.mayConcern(text, own) {
		return nil
	}
	for strip := range r.strips(text, own, anchor, area) {
		if _, _, disturbed := r.Follow(shifted(text, anchor, strip.First), own); disturbed {
			cells = append(cells, strip)
		}
	}
	return cells
}

// disturbsReference is Follow for one reference, of which becomes to.
func (r *Rewriter) disturbsReference(x, to formula.Reference, own string) bool {
	if book := x.Book(); book != "" && book != "0" || x.Kind == formula.DeletedRef {
		return false
	}
	if x.Kind == formula.NameRef || x.Kind == formula.TableRef {
		return to != x && r.change.Kind != RenameSheet
	}
	if x.LastSheet() != "" {
		return r.disturbsThreeD(x)
	}
	sheet := own
	if x.Qualified() {
		if sheet = x.Sheet(); sheet == "" {
			return true // on whichever sheet it is asked for
		}
		if index(r.sheets, sheet) < 0 {
			return r.names(sheet)
		}
	}
	area, ok := x.Range()
	return ok && r.Disturbs(sheet, area)
}

// names reports whether a sheet has a name only after the change.
func (r *Rewriter) names(sheet string) bool {
	switch r.change.Kind {
	case AddSheet:
		return r.on(sheet)
	case RenameSheet:
		return strings.EqualFold(sheet, r.change.Name)
	}
	return false
}

// Disturbs reports whether an area of a sheet, which references follow, has other cells after the change, more or fewer, or the same
// ones in other places of it. An area whose cells all moved alike is not disturbed.
func (r *Rewriter) Disturbs(sheet string, x cell.Range) bool {
	switch {
	case r.block != nil:
		if g := r.block.gap; g != nil && r.on(sheet) {
			if along, within := g.along(x); within {
				return g.disturbs(along)
			}
		}
		leaves, enters := r.on(sheet), strings.EqualFold(sheet, r.change.Target())
		return !(leaves && r.block.from.ContainsRange(x)) && (leaves && meets(r.block.from, x) || enters && meets(r.block.to, x))
	case !r.on(sheet):
		return false
	case r.change.Kind == DeleteSheet:
		return true
	case r.rows != nil:
		return r.rows.disturbs(rowsOf(x))
	case r.cols != nil:
		return r.cols.disturbs(colsOf(x))
	}
	return false
}

func meets(a, b cell.Range) bool {
	_, ok := a.Intersect(b)
	return ok
}

// disturbs reports whether a run has lines of its own inserted or deleted, or loses some over the end of the sheet.
func (l *lines) disturbs(s span) bool {
	switch {
	case s.last < l.at:
		return false
	case l.deletes:
		return s.first < l.at+l.count
	}
	return s.first < l.at || s.last+l.count >= l.size
}

// disturbsThreeD is Disturbs for a reference to several sheets, which does not follow the cells of any of them.
func (r *Rewriter) disturbsThreeD(x formula.Reference) bool {
	first, last := index(r.sheets, x.Sheet()), index(r.sheets, x.LastSheet())
	if first < 0 || last < 0 {
		return r.names(x.Sheet()) || r.names(x.LastSheet())
	}
	if first > last {
		first, last = last, first
	}
	area, ok := x.Range()
	if !ok {
		return false
	}
	switch r.change.Kind {
	case RenameSheet:
		return false
	case AddSheet:
		return r.change.Position > first && r.change.Position <= last
	case DeleteSheet:
		at := index(r.sheets, r.change.Sheet)
		return at >= first && at <= last
	case MoveSheet:
		// Which sheets are between the ends, and in which order, may be another matter.
		at, to := index(r.sheets, r.change.Sheet), r.change.Position
		return max(at, to) >= first && min(at, to) <= last
	}
	for _, sheet := range r.sheets[first : last+1] {
		on, enters := r.on(sheet), strings.EqualFold(sheet, r.change.Target())
		switch {
		case r.block != nil && (on && meets(r.block.from, area) || enters && meets(r.block.to, area)),
			r.rows != nil && on && area.Last.Row >= r.rows.at,
			r.cols != nil && on && area.Last.Col >= r.cols.at:
			return true
		}
	}
	return false
}
