package book

import (
	"context"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/until"
)

// Rebase finds what of the edits between base and ours can be made on onto, another revision
// of the same workbook: the file has changed since base. Cells are followed through inserted
// and deleted rows and renamed sheets as by Diff, and so are the references of formulas.
//
// The Edit that it gives is for onto, which plays theirs. What onto has changed as well, or has
// no place for any more, is a conflict, unless both did the same.
//
// Columns and panes have no conflicts: what both changed becomes as ours has it. What ours has restructured is done to onto
// first; where that cannot be, the error is an *Error with BothMoved.
func Rebase(ctx context.Context, base, ours, onto *Snapshot) (*Merged, error) {
	return rebased(ctx, base, ours, onto, true)
}

// rebased is Rebase; wins says whether columns and panes that onto changed as well become those of ours.
func rebased(ctx context.Context, base, ours, onto *Snapshot, wins bool) (*Merged, error) {
	base, onto, moves, err := transplant(ctx, base, ours, onto)
	if err != nil {
		return nil, err
	}
	c, err := newComparison(ctx, base, onto, DiffOptions{})
	if err != nil {
		return nil, err
	}
	m := &Merged{onto: true}
	for _, x := range moves {
		m.Edit.Ops = append(m.Edit.Ops, Restructure{x})
	}
	tables, err := rebaseTables(ctx, c, ours, onto)
	if err != nil {
		return nil, err
	}
	if len(tables.Tables) > 0 {
		m.Edit.Ops = append(m.Edit.Ops, tables)
		if onto, err = onto.settleTables(ctx, tables); err != nil {
			return nil, err
		}
	}
	mine, _, err := ours.ArrangedTables(ctx)
	if err != nil {
		return nil, err
	}
	if base, err = base.settleTables(ctx, mine); err != nil {
		return nil, err
	}
	if onto, err = m.rebaseLines(ctx, c, base, ours, onto, wins); err != nil {
		return nil, err
	}
	m.rebaseNames(c, base, ours, onto)
	m.mergeBook(base, onto, ours, wins, c.newName)
	for _, i := range edited(base, ours) {
		was, mine, err := bothSheets(ctx, base, ours, i)
		if err != nil {
			return nil, err
		}
		r := rebase{
			comparison: c, was: was.WithLayout(was.Layout.Restyled(mine.Layout)), mine: mine, cur: ours, name: ours.Workbook().Sheets[i].Name,
			before: looks{styles: ours.Workbook().Styles}, now: looks{styles: onto.Workbook().Styles},
		}
		if r.pair, r.there = c.byOld[i]; r.there {
			p := c.pairs[r.pair]
			if r.theirs, err = onto.Sheet(ctx, p.new); err != nil {
				return nil, err
			}
			if r.rows, err = c.alignment(r.pair); err != nil {
				return nil, err
			}
			r.name = p.name
		}
		op := SetCells{Sheet: r.name}
		for x, y := range until.Done2(ctx, grid.Diff(r.was, mine, nil)) {
			if e, ok := r.cell(m, x, y); ok {
				op.Cells = append(op.Cells, e)
			}
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if len(op.Cells) > 0 {
			m.Edit.Ops = append(m.Edit.Ops, op)
		}
		if r.there { // columns and panes do not move with rows
			if o, ok := mergeLayouts(r.name, r.shifted(was.Layout), r.theirs.Layout, r.shifted(mine.Layout), wins); ok {
				m.Edit.Ops = append(m.Edit.Ops, o)
			}
		}
	}
	objects, err := rebaseObjects(ctx, c, ours, onto)
	m.Edit.Ops = append(m.Edit.Ops, objects...)
	return m, err
}

// MergeAcross is Merge for theirs that stands on another revision of the workbook than ours.
// base is the revision that theirs stands on: what theirs changed in it is brought to ours, by the
// ways of [Rebase]. What else is different between the two revisions stays as it is in ours; where
// theirs changed such a cell, that is a conflict. Columns and panes of which that is so stay as ours has them.
func MergeAcross(ctx context.Context, base, ours, theirs *Snapshot) (*Merged, error) {
	m, err := rebased(ctx, base, theirs, ours, false)
	if err != nil {
		return nil, err
	}
	m.onto = false
	for i := range m.Conflicts {
		c := &m.Conflicts[i]
		c.Ours, c.Theirs = c.Theirs, c.Ours
		c.swap()
	}
	return m, nil
}

// rebase is one sheet of a Rebase.
type rebase struct {
	*comparison
	pair              int
	there             bool // onto has the sheet
	name              string
	was, mine, theirs *grid.Sheet
	cur               *Snapshot
	rows              alignment
	before, now       looks // of was, and of theirs
}

// cell gives the edit that makes on onto what became of x in ours, which is y. Where it gives
// none, m has been told why.
func (r *rebase) cell(m *Merged, x, y grid.Cell) (CellEdit, bool) {
	edit, ok := between(r.cur, r.was, r.mine, x, y)
	if !ok {
		return edit, false // a calculation did it, and will do it again
	}
	at := edit.Ref
	c := Conflict{Target: Target{Sheet: r.name, Ref: at}, Base: stateAt(r.was, at), Ours: stateAt(r.mine, at)}
	row := 0
	if ok = false; r.there {
		row, ok = r.row(at.Row)
	}
	if edit.HasFormula && ok {
		edit.Formula, ok = r.moved(edit.Formula, r.pair)
	}
	if !ok {
		c.Lost = true
		m.Conflicts = append(m.Conflicts, c)
		return edit, false
	}
	edit.Ref.Row = row
	c.Ref, c.take = edit.Ref, edit
	c.Theirs = stateAt(r.theirs, edit.Ref)
	clash := r.clash(&edit, at)
	if !clash && (edit.Keep || r.unchanged(c.Base, c.Theirs, at, edit.Ref)) { // with Keep only the format is ours
		return edit, true
	}
	if !clash && c.Theirs.HasFormula == edit.HasFormula && c.Theirs.Formula == edit.Formula && (edit.HasFormula || c.Theirs.Value == c.Ours.Value) {
		m.Same++
		return CellEdit{Ref: edit.Ref, Keep: true, NumFmt: edit.NumFmt, Format: edit.Format}, edit.formats()
	}
	m.Conflicts = append(m.Conflicts, c)
	return edit, false
}

// clash tells whether edit gives the format of its cell, which was at another place in base, something
// that onto has changed as well, to something else.
func (r *rebase) clash(edit *CellEdit, was cell.Ref) bool {
	if !edit.formats() {
		return false
	}
	before, now := r.before.of(r.was.StyleAt(was)), r.now.of(r.theirs.StyleAt(edit.Ref))
	for _, s := range edit.settings() {
		if now[s.Leaf] != before[s.Leaf] && now[s.Leaf] != s.Value {
			return true
		}
	}
	return false
}

// row gives the row of onto that a row of base became. What lies below everything that base
// had stays as far below.
func (r *rebase) row(old int) (int, bool) {
	if row, ok := r.rows.row(old); ok {
		return row, true
	}
	last, end := -1, -1
	if used, ok := r.was.Used(); ok {
		last = used.Last.Row
	}
	if used, ok := r.theirs.Used(); ok {
		end = used.Last.Row
	}
	if old <= last {
		return 0, false
	}
	row := old - last + end
	return row, row < cell.MaxRows
}

// unchanged tells whether onto left a cell as it was in base.
func (r *rebase) unchanged(x, y CellState, from, to cell.Ref) bool {
	if x.HasFormula || y.HasFormula {
		return r.sameFormula(x, y, from, to, r.pair)
	}
	return x.Value == y.Value
}

// rebaseLines gives onto with the formats of columns and rows that ours has changed, and notes them in m.
func (m *Merged) rebaseLines(ctx context.Context, c *comparison, base, ours, onto *Snapshot, wins bool) (*Snapshot, error) {
	var ops []Op
	for _, i := range edited(base, ours) {
		was, mine, err := bothSheets(ctx, base, ours, i)
		if err != nil {
			return nil, err
		}
		pair, there := c.byOld[i]
		if !there || was.Layout == mine.Layout {
			continue
		}
		p := c.pairs[pair]
		theirs, err := onto.Sheet(ctx, p.new)
		if err != nil {
			return nil, err
		}
		r := rebase{comparison: c, was: was, theirs: theirs}
		if r.rows, err = c.alignment(pair); err != nil {
			return nil, err
		}
		styles := &looks{styles: ours.Workbook().Styles} // those of base among them
		ops = append(ops, mergeLines(p.name, lined{r.shifted(was.Layout), styles}, lined{theirs.Layout, &looks{styles: onto.Workbook().Styles}}, lined{r.shifted(mine.Layout), styles}, wins)...)
	}
	m.Edit.Ops = append(m.Edit.Ops, ops...)
	return onto.settleLines(ctx, ops)
}
