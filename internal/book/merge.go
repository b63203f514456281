package book

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/structure"
	"gridflow/internal/until"
	"gridflow/internal/xf"
)

// Conflict is a cell, or a defined name, that two lines changed in different ways.
type Conflict struct {
	Target
	Base, Ours, Theirs CellState // of a cell
	nameConflict                 // of a name

	take CellEdit // gives the cell of ours the state of theirs; of a Rebase, the cell of theirs that of ours
	Lost bool     // there is no such cell any more where the change would go: only what leaves all as it is can be chosen, see Merged.Stay
}

// Choice says what becomes of a conflict.
type Choice uint8

// The choices.
const (
	TakeOurs   Choice = iota // the cell stays as it is
	TakeTheirs               // the cell becomes what it is in theirs
	TakeManual               // the cell becomes what Resolution.Cell says
)

// Resolution is what becomes of one conflict. The Ref of Cell is filled in.
type Resolution struct {
	Choice Choice
	Cell   CellEdit // for TakeManual of a cell
	Text   string   // for TakeManual of a name: what it refers to; "" deletes it
}

// Merged is what theirs would change in ours, or, of a [Rebase], what ours would change in theirs.
type Merged struct {
	Edit      Edit       // what theirs changed and ours did not
	Conflicts []Conflict // first of names, then by sheet, row and column
	Same      int        // cells that both changed in the same way

	onto bool // it is of a Rebase: Edit is for theirs
}

// Stay is the choice that leaves the cell of a conflict as it is.
func (m *Merged) Stay() Choice {
	if m.onto {
		return TakeTheirs
	}
	return TakeOurs
}

// Merge finds what happened to cells between base and theirs, and makes an Edit of it for
// ours. All three must be states of one line, as forks of base are; else the error is an *Error
// with Unrelated. A cell that both changed to the same is no conflict, nor is the value that a
// calculation gave to a formula: it is no change at all, and formulas are the same if their
// texts are. Nothing is applied: ours.Apply does that.
//
// Where one of ours and theirs has rows, columns or sheets restructured and the other has not, that is done to the other first, and
// cells are those that they became. What both have restructured, in different ways, is an *Error with BothMoved.
func Merge(ctx context.Context, base, ours, theirs *Snapshot) (*Merged, error) {
	if base.file() != ours.file() || base.file() != theirs.file() {
		return nil, errorf(Unrelated, "Merge forks of one workbook; compare others with verify_workbook.", "the three are not states of one workbook")
	}
	m := &Merged{}
	base, ours, theirs, err := m.restructure(ctx, base, ours, theirs)
	if err != nil {
		return nil, err
	}
	tables, err := mergeTables(ctx, base, ours, theirs)
	if err != nil {
		return nil, err
	}
	base, ours, theirs = tables.base, tables.ours, tables.theirs
	if len(tables.op.Tables) > 0 {
		m.Edit.Ops = append(m.Edit.Ops, tables.op)
	}
	lines, err := mergedLines(ctx, base, ours, theirs)
	if err != nil {
		return nil, err
	}
	unlined := base
	if len(lines) > 0 {
		m.Edit.Ops = append(m.Edit.Ops, lines...)
		if base, err = base.settleLines(ctx, lines); err != nil {
			return nil, err
		}
		if ours, err = ours.settleLines(ctx, lines); err != nil {
			return nil, err
		}
	}
	m.mergeNames(base, ours, theirs)
	m.mergeBook(base, ours, theirs, false, sameSheet)
	for i, info := range ours.Workbook().Sheets {
		if theirs.edited(i) == unlined.edited(i) {
			continue
		}
		s := sheetMerge{name: info.Name}
		for _, side := range [...]struct {
			from *Snapshot
			to   *state
		}{{base, &s.base}, {ours, &s.ours}, {theirs, &s.theirs}} {
			sheet, err := side.from.Sheet(ctx, i)
			if err != nil {
				return nil, err
			}
			*side.to = state{sheet, looks{styles: side.from.Workbook().Styles}}
		}
		if len(lines) > 0 {
			if s.unlined, err = unlined.Sheet(ctx, i); err != nil {
				return nil, err
			}
		}
		if cells := s.merge(ctx, m); len(cells) > 0 {
			m.Edit.Ops = append(m.Edit.Ops, SetCells{Sheet: info.Name, Cells: cells})
		}
		if o, ok := mergeLayouts(info.Name, s.base.sheet.Layout, s.ours.sheet.Layout, s.theirs.sheet.Layout, false); ok {
			m.Edit.Ops = append(m.Edit.Ops, o)
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	m.Edit.Ops = append(m.Edit.Ops, mergeObjects(base, ours, theirs)...)
	return m, nil
}

// restructure brings the three to where rows, columns and sheets are in that of ours and theirs which has changed more of
// them. What of it ours has not, comes first in the Edit.
func (m *Merged) restructure(ctx context.Context, base, ours, theirs *Snapshot) (b, o, t *Snapshot, err error) {
	moves, ok := movesSince(ours, theirs)
	if ok && len(moves) > 0 {
		lost, err := lostBy(ctx, base, ours, moves)
		if err != nil {
			return nil, nil, nil, err
		}
		if len(lost) > 0 {
			e := errorf(BothMoved, "Undo one of the two, or move the changed cells away first.", "what is to be merged deletes cells that were changed here, %s!%v among them", cell.QuoteSheet(lost[0].Sheet), lost[0].Ref)
			e.Sheet, e.Ref = lost[0].Sheet, lost[0].Ref
			return nil, nil, nil, e
		}
		for _, c := range moves {
			m.Edit.Ops = append(m.Edit.Ops, Restructure{c})
		}
		if ours, _, err = ours.like(ctx, theirs); err != nil {
			return nil, nil, nil, err
		}
	} else if !ok {
		if moves, ok = movesSince(theirs, ours); !ok {
			return nil, nil, nil, errorf(BothMoved, "Undo the one or the other, merge, and make it again.", "rows, columns or sheets were inserted, deleted or moved on both sides")
		}
		lost, err := lostBy(ctx, base, theirs, moves)
		if err != nil {
			return nil, nil, nil, err
		}
		m.Conflicts = append(m.Conflicts, lost...)
		if err := inTheWay(ctx, base, theirs, moves); err != nil {
			return nil, nil, nil, err
		}
		if theirs, _, err = theirs.like(ctx, ours); err != nil {
			return nil, nil, nil, err
		}
	}
	if base, _, err = base.like(ctx, ours); err != nil {
		return nil, nil, nil, errorf(BothMoved, "", "what both have in common is not what was restructured")
	}
	return base, ours, theirs, nil
}

// inTheWay refuses to make structural changes on side for which it has something in their way since base, as merged cells or a table.
func inTheWay(ctx context.Context, base, side *Snapshot, moves []structure.Change) error {
	base, _, err := base.like(ctx, side)
	for _, c := range moves {
		if err != nil {
			return err
		}
		if wrong := (Restructure{c}).fits(ctx, side); wrong != nil && (Restructure{c}).fits(ctx, base) == nil {
			return wrong
		}
		if base, err = base.Restructured(ctx, c); err == nil {
			side, err = side.Restructured(ctx, c)
		}
	}
	return err
}

// lostBy gives the cells that side has changed since base and that some structural changes, made on side, would delete.
func lostBy(ctx context.Context, base, side *Snapshot, moves []structure.Change) (lost []Conflict, err error) {
	base, _, err = base.like(ctx, side)
	if err != nil {
		return nil, err
	}
	for _, e := range side.sheets {
		name := side.Workbook().Sheets[e.index].Name
		s := sheetMerge{name: name}
		was, err := base.Sheet(ctx, e.index)
		if err != nil {
			return nil, err
		}
		s.base = state{was, looks{styles: base.Workbook().Styles}}
		later := state{e.sheet, looks{styles: side.Workbook().Styles}}
		for _, at := range slices.SortedFunc(maps.Keys(s.touched(ctx, &later)), cell.Ref.Compare) {
			if isThere(moves, name, at, side) {
				continue
			}
			c := Conflict{Target: Target{Sheet: name, Ref: at}, Lost: true}
			c.Base, _ = s.base.at(at)
			c.Theirs, _ = later.at(at)
			lost = append(lost, c)
		}
	}
	return lost, ctx.Err()
}

// isThere reports whether a cell is there after some changes of a state.
func isThere(moves []structure.Change, sheet string, at cell.Ref, s *Snapshot) bool {
	names := namesOf(s.Workbook())
	for _, c := range moves {
		var ok bool
		if sheet, at, ok = c.Rewriter(names).Locate(sheet, at); !ok {
			return false
		}
		names = c.Sheets(names)
	}
	return true
}

// state is a sheet in one of the states.
type state struct {
	sheet *grid.Sheet
	looks looks
}

// at gives a cell and what its format says; one that is not stored has the format that it would
// have if it were.
func (s *state) at(r cell.Ref) (CellState, *xf.Leaves) {
	c := stateAt(s.sheet, r)
	style := c.Style
	if !c.Stored {
		style = s.sheet.Layout.LineStyle(r)
	}
	return c, s.looks.of(style)
}

// sheetMerge merges one sheet.
type sheetMerge struct {
	name               string
	base, ours, theirs state
	unlined            *grid.Sheet // base, before its lines were formatted as theirs are; nil where they were not
}

// merge notes conflicts in m and gives the edits of ours: a part of both once ctx has ended.
func (s *sheetMerge) merge(ctx context.Context, m *Merged) (cells []CellEdit) {
	ours, theirs := s.touched(ctx, &s.ours), s.touched(ctx, &s.theirs)
	refs := slices.SortedFunc(maps.Keys(theirs), cell.Ref.Compare)
	for r := range until.Done(ctx, slices.Values(refs)) {
		mine, myFormat := s.ours.at(r)
		take, same := s.take(r, mine, myFormat)
		switch {
		case !ours[r]:
			cells = append(cells, take)
		case same:
			m.Same++
		default:
			c := Conflict{Target: Target{Sheet: s.name, Ref: r}, Ours: mine, take: take}
			c.Base, _ = s.base.at(r)
			c.Theirs, _ = s.theirs.at(r)
			m.Conflicts = append(m.Conflicts, c)
		}
	}
	if s.unlined != nil {
		cells = append(cells, s.written(ours, theirs)...)
	}
	return cells
}

// written gives the edits of the cells that ours has written where theirs has none, in lines which theirs has formatted:
// they look as if they had been written afterwards.
func (s *sheetMerge) written(ours, theirs map[cell.Ref]bool) (cells []CellEdit) {
	for _, r := range slices.SortedFunc(maps.Keys(ours), cell.Ref.Compare) {
		mine, format := s.ours.at(r)
		_, was := s.unlined.At(r)
		_, is := s.theirs.sheet.At(r)
		if theirs[r] || was || is || !mine.Stored {
			continue
		}
		c := CellEdit{Ref: r, Keep: true}
		before, after := s.base.looks.of(s.unlined.Layout.LineStyle(r)), s.theirs.looks.of(s.theirs.sheet.Layout.LineStyle(r))
		to := *format
		for i := range to {
			if format[i] == before[i] {
				to[i] = after[i]
			}
		}
		if c.look(format, &to); c.formats() {
			cells = append(cells, c)
		}
	}
	return cells
}

// mergedLines gives the operations that bring to ours the formats of columns and rows that theirs has changed.
func mergedLines(ctx context.Context, base, ours, theirs *Snapshot) (ops []Op, err error) {
	for i, info := range ours.Workbook().Sheets {
		if theirs.edited(i) == base.edited(i) {
			continue
		}
		var three [3]lined
		for k, from := range [...]*Snapshot{base, ours, theirs} {
			sheet, err := from.Sheet(ctx, i)
			if err != nil {
				return nil, err
			}
			three[k] = lined{sheet.Layout, &looks{styles: from.Workbook().Styles}}
		}
		ops = append(ops, mergeLines(info.Name, three[0], three[1], three[2], false)...)
	}
	return ops, nil
}

// touched gives the cells that somebody changed between base and a later state.
func (s *sheetMerge) touched(ctx context.Context, later *state) map[cell.Ref]bool {
	touched := map[cell.Ref]bool{}
	if later.sheet == s.base.sheet {
		return touched
	}
	sameStyle := func(old, new uint32) bool { return *s.base.looks.of(old) == *later.looks.of(new) }
	for x := range until.Done2(ctx, grid.Diff(s.base.sheet, later.sheet, sameStyle)) {
		old, oldFormat := s.base.at(x.Ref)
		now, format := later.at(x.Ref)
		if !sameContent(s.base.sheet, later.sheet, x.Ref, old, now) || *oldFormat != *format {
			touched[x.Ref] = true
		}
	}
	// An array formula ends as a whole, though some of its cells may have kept their values.
	kept := map[cell.Range]bool{}
	for f := range later.sheet.Arrays(cell.WholeSheet) {
		kept[f.Range] = true
	}
	for f := range s.base.sheet.Arrays(cell.WholeSheet) {
		if kept[f.Range] {
			continue
		}
		for row := f.Range.First.Row; row <= f.Range.Last.Row; row++ {
			for col := f.Range.First.Col; col <= f.Range.Last.Col; col++ {
				touched[cell.Ref{Row: row, Col: col}] = true
			}
		}
	}
	return touched
}

// sameContent reports whether a cell has the same formula in two sheets, or is filled by the same
// array formula, or else has the same value.
func sameContent(a, b *grid.Sheet, r cell.Ref, x, y CellState) bool {
	if x.HasFormula || y.HasFormula {
		return x.HasFormula == y.HasFormula && x.Formula == y.Formula
	}
	// What spills into a cell is no content of its own.
	if spilledInto(a, r) {
		x.Value = cell.Value{}
	}
	if spilledInto(b, r) {
		y.Value = cell.Value{}
	}
	one := cell.Range{First: r, Last: r}
	for f := range a.Arrays(one) {
		if f.Kind == grid.DynamicArray {
			break
		}
		for g := range b.Arrays(one) {
			return f == g
		}
		return false
	}
	return x.Value == y.Value
}

// take gives the edit that makes the cell of ours what it is in theirs, and whether it is that
// already.
func (s *sheetMerge) take(r cell.Ref, mine CellState, myFormat *xf.Leaves) (c CellEdit, same bool) {
	theirs, format := s.theirs.at(r)
	c = CellEdit{Ref: r}
	c.look(myFormat, format)
	content := sameContent(s.ours.sheet, s.theirs.sheet, r, mine, theirs)
	switch {
	case content && (mine.Stored == theirs.Stored || !theirs.Value.IsBlank() || theirs.HasFormula):
		c.Keep = true
	case theirs.HasFormula:
		c.Formula, c.HasFormula = theirs.Formula, true
	case theirs.Value.IsBlank():
		c.Clear = true
	default:
		c.Value = theirs.Value
	}
	return c, content && *format == *myFormat
}

// Resolve gives the Edit of m together with what was chosen for its conflicts, of which each
// must have a resolution. An *Error with BadChoice says which has none, or which resolution
// fits no conflict. Whether the Edit can be applied is found out by Apply: a part of an array
// formula cannot be taken alone.
func (m *Merged) Resolve(choices map[Target]Resolution) (Edit, error) {
	ops := slices.Clone(m.Edit.Ops)
	for i, op := range ops { // what is added to them is not for m
		switch o := op.(type) {
		case SetCells:
			o.Cells = slices.Clip(o.Cells)
			ops[i] = o
		case EditNames:
			o.Names = slices.Clip(o.Names)
			ops[i] = o
		}
	}
	used := 0
	for _, c := range m.Conflicts {
		r, ok := choices[c.Target]
		if !ok {
			return Edit{}, c.refused("nothing was chosen for it")
		}
		used++
		edit := c.take
		switch {
		case r.Choice != m.Stay() && c.Lost:
			return Edit{}, c.refused("there is no such cell any more, so that only what is there can be chosen")
		case r.Choice == m.Stay():
			continue
		case r.Choice == TakeOurs, r.Choice == TakeTheirs:
		case r.Choice == TakeManual:
			edit = r.Cell
			edit.Ref = c.Ref
			c.takeName = NameEdit{Name: c.Name, Sheet: c.Sheet, RefersTo: r.Text, Delete: r.Text == ""}
		default:
			return Edit{}, c.refused(fmt.Sprintf("choice %d is not known", r.Choice))
		}
		if c.Name != "" {
			ops = addName(ops, c.takeName)
			continue
		}
		ops = add(ops, c.Sheet, edit)
	}
	if used < len(choices) {
		known := make(map[Target]bool, len(m.Conflicts))
		for _, c := range m.Conflicts {
			known[c.Target] = true
		}
		for t := range choices {
			if !known[t] {
				return Edit{}, (&Conflict{Target: t}).refused("it is no conflict")
			}
		}
	}
	return Edit{Ops: ops}, nil
}

// add puts an edit to those of its sheet.
func add(ops []Op, sheet string, c CellEdit) []Op {
	for i, op := range ops {
		if o, ok := op.(SetCells); ok && o.Sheet == sheet {
			o.Cells = append(o.Cells, c)
			ops[i] = o
			return ops
		}
	}
	return append(ops, SetCells{Sheet: sheet, Cells: []CellEdit{c}})
}

// refused is the error for a conflict and what was chosen for it.
func (c *Conflict) refused(why string) *Error {
	err := errorf(BadChoice, "Choose ours, theirs or a manual edit for each conflict, and for nothing else.", "%v: %s", c.Target, why)
	err.Sheet, err.Ref = c.Sheet, c.Ref
	return err
}
