package book

import (
	"iter"

	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/grid"
)

// ChangeKind says what a Change is a change of.
type ChangeKind uint8

// The kinds of change.
const (
	CellAdded ChangeKind = iota
	CellDeleted
	CellModified
	RowsInserted
	RowsDeleted
	SheetAdded
	SheetDeleted
	SheetRenamed
	TableAdded
	TableDeleted
	TableModified
	NameAdded
	NameDeleted
	NameModified
	LayoutModified // what a sheet has besides its cells: Name says what of it
	ColumnsInserted
	ColumnsDeleted
	CellsMoved
	SheetMoved // to another place in the list
	kinds
)

// ChangeKinds gives all kinds.
func ChangeKinds() []ChangeKind {
	list := make([]ChangeKind, kinds)
	for i := range list {
		list[i] = ChangeKind(i)
	}
	return list
}

// String gives the kind in lower case, "cell_added" for one.
func (k ChangeKind) String() string {
	return [kinds]string{"cell_added", "cell_deleted", "cell_modified", "rows_inserted", "rows_deleted", "sheet_added", "sheet_deleted",
		"sheet_renamed", "table_added", "table_deleted", "table_modified", "name_added", "name_deleted", "name_modified", "layout_modified",
		"columns_inserted", "columns_deleted", "cells_moved", "sheet_moved"}[k]
}

// Subtype says what of a cell was modified. The first that fits counts.
type Subtype uint8

// The subtypes of a CellModified; all other changes have none.
const (
	NoSubtype    Subtype = iota
	FormulaEdit          // the formula is another, or there was or is none
	RecalcResult         // the same formula has another value
	ValueEdit            // a cell without a formula has another value
	StyleEdit            // the cell looks different only
)

// String gives the subtype in lower case, "" for none.
func (t Subtype) String() string {
	return [...]string{"", "formula_edit", "recalc_result", "value_edit", "style_edit"}[t]
}

// CellState is a cell before or after a change. The zero CellState is a cell that is not stored.
type CellState struct {
	Stored     bool
	Value      cell.Value
	Formula    string // as StoredFormula gives it; formula.Display makes of it what is shown
	HasFormula bool   // whether the cell has a formula of its own; a cell that an array formula fills has not
	Style      uint32 // index into the styles of its own workbook
}

// stateOf gives the state of a cell of sheet, which is stored or not.
func stateOf(sheet *grid.Sheet, c grid.Cell, stored bool) CellState {
	if !stored {
		return CellState{}
	}
	s := CellState{Stored: true, Value: c.Value, Style: c.Style, HasFormula: c.HasFormula()}
	if s.HasFormula {
		s.Formula = StoredFormula(sheet, c)
	}
	return s
}

// Change is one difference between two states of a workbook. Which fields mean something
// depends on Kind; names are those of the later state where there is one.
type Change struct {
	Kind    ChangeKind
	Subtype Subtype

	Sheet    string     // all but workbook-wide names
	Ref      cell.Ref   // cells: where it is, or was if it was deleted
	OldRef   cell.Ref   // cells: where it was, which differs where rows were inserted or deleted above
	Old, New CellState  // cells
	Range    cell.Range // rows and columns: whole ones, in the later state if inserted, else in the earlier; tables: the new range; cells that moved: where they are
	OldRange cell.Range // tables; cells that moved: where they were
	Cells    int        // rows: how many stored cells are in them
	// Calculated says of a cell that a calculation did it and no edit: the same formula has
	// another value, or an array in another cell fills it.
	Calculated bool

	Name     string // tables and names; layouts: "columns" or "view"
	OldName  string // sheets that were renamed; the sheet that cells moved from, if it is another
	OldText  string // names: what it referred to
	NewText  string // names: what it refers to
	HasScope bool   // names: it is one of the sheet Sheet
}

// sameFormula reports whether two cells have the same formula. Where rows were inserted or
// deleted between them, it is the same if it is so in relative form.
func sameFormula(x, y CellState, from, to cell.Ref) bool {
	if x.HasFormula != y.HasFormula {
		return false
	}
	if !x.HasFormula || from == to {
		return x.Formula == y.Formula
	}
	a, err := formula.AppendRelative(nil, x.Formula, from)
	if err != nil {
		return x.Formula == y.Formula
	}
	b, err := formula.AppendRelative(nil, y.Formula, to)
	return err == nil && string(a) == string(b)
}

// subtype gives what of a cell, which is stored before and after, was modified; ok is false
// where nothing was.
func subtype(x, y CellState, sameFormula, sameStyle bool, tolerance float64) (t Subtype, ok bool) {
	switch {
	case !sameFormula:
		return FormulaEdit, true
	case !SameValue(x.Value, y.Value, tolerance):
		if y.HasFormula {
			return RecalcResult, true
		}
		return ValueEdit, true
	case !sameStyle:
		return StyleEdit, true
	}
	return NoSubtype, false
}

// changes yields the cells that differ, by row and column. What both sheets share costs nothing.
func (p sheetPair) changes() iter.Seq[Change] {
	return func(yield func(Change) bool) {
		for x, y := range grid.Diff(p.old, p.new, p.sameStyle) {
			_, wasStored := p.old.At(x.Ref)
			_, isStored := p.new.At(y.Ref)
			old, new := stateOf(p.old, x, wasStored), stateOf(p.new, y, isStored)
			same := sameFormula(old, new, x.Ref, y.Ref)
			c, ok := cellChange(old, new, x.Ref, y.Ref, same, p.tolerance, p.sameStyle)
			c.Sheet = p.name
			c.Calculated = c.Subtype == RecalcResult || c.Subtype != StyleEdit && !new.HasFormula && !old.HasFormula && (filledInto(p.new, c.Ref) || spilledInto(p.old, c.Ref) && new.Value.IsBlank())
			if ok && !yield(c) {
				return
			}
		}
	}
}

// filledInto reports whether the value of a cell is that of an array formula in another one.
func filledInto(s *grid.Sheet, r cell.Ref) bool {
	for f := range s.Arrays(cell.Range{First: r, Last: r}) {
		return f.Anchor != r
	}
	return false
}

// sameIndex compares styles of two states of which one came out of the other: an index
// keeps its meaning, and no style is there twice because of an edit.
func sameIndex(old, new uint32) bool { return old == new }

// cellChange gives the change of a cell that was x at from and is y at to; ok is false where
// nothing changed.
func cellChange(x, y CellState, from, to cell.Ref, sameFormula bool, tolerance float64, sameStyle func(old, new uint32) bool) (c Change, ok bool) {
	c = Change{Ref: to, OldRef: from, Old: x, New: y}
	switch {
	case !x.Stored && !y.Stored:
		return c, false
	case !x.Stored:
		c.Kind = CellAdded
		return c, true
	case !y.Stored:
		c.Kind, c.Ref = CellDeleted, from
		return c, true
	}
	c.Kind = CellModified
	c.Subtype, ok = subtype(x, y, sameFormula, sameStyle(x.Style, y.Style), tolerance)
	return c, ok
}
