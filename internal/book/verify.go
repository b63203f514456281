package book

import (
	"context"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// Class says what became of a target.
type Class uint8

// The classes. The first that fits counts.
const (
	Unchanged    Class = iota // value and formula are what they were
	NewError                  // it is an error now and was none
	FormulaShift              // the formula is another, or there was or is none
	DirectEdit                // it has no formula: somebody set the value
	Recalculated              // the same formula has another value
	classes
)

// String gives the class in lower case.
func (c Class) String() string {
	return [classes]string{"unchanged", "new_error", "formula_shift", "direct_edit", "recalc_result"}[c]
}

// Target is a cell to look at. Sheet is its name in the later state.
type Target struct {
	Sheet string
	Ref   cell.Ref
	// Name, if not empty, is a defined name, which is the target in place of a cell: one of the sheet, or of
	// the workbook where Sheet is empty. Only conflicts have such targets.
	Name string
}

// VerifyOptions says what Verify looks at.
type VerifyOptions struct {
	// Targets are cells of the later state. The earlier one is that which the rows' alignment
	// finds, where there is one.
	Targets []Target
	// NoErrors leaves errors out, Names takes defined names in.
	NoErrors, Names bool
	// Sheet, if not empty, limits errors and names to one sheet of the later state.
	Sheet string
	// Tolerance is as in DiffOptions.
	Tolerance float64
	// Limit is the most entries of each list of errors; 0 for all. The counts are exact all the same.
	Limit int
}

// CellDelta is a cell before and after.
type CellDelta struct {
	Sheet         string
	Ref, OldRef   cell.Ref // OldRef differs from Ref where rows moved
	Before, After CellState
}

// TargetDelta is what became of a target.
type TargetDelta struct {
	CellDelta
	Class   Class
	Changed bool // Class is not Unchanged
}

// Verification is what Verify found.
type Verification struct {
	Targets []TargetDelta
	ByClass [classes]int // targets, by Class

	// Cells that hold an error value after but not before, before but not after, and both,
	// though it may be another error. Ref of a resolved one in a row that was deleted is OldRef.
	New, Resolved, Preexisting                []CellDelta
	NewCount, ResolvedCount, PreexistingCount int

	Names []Change
}

// Changed is the number of targets that are not Unchanged.
func (v *Verification) Changed() int { return len(v.Targets) - v.ByClass[Unchanged] }

// Verify tells what became of some cells between two states, of one line or of unrelated
// workbooks, and which error values came and went. A cell is followed through inserted and
// deleted rows as by Diff. An *Error says which sheet of a target is not there in both. It may
// be called by any number of goroutines at once.
func Verify(ctx context.Context, base, cur *Snapshot, o VerifyOptions) (*Verification, error) {
	c, err := newComparison(ctx, base, cur, DiffOptions{Sheet: o.Sheet, Tolerance: o.Tolerance})
	if err != nil {
		return nil, err
	}
	v := &Verification{}
	for i, t := range o.Targets {
		d, err := c.target(t)
		if err != nil {
			if e, ok := err.(*Error); ok {
				e.Cell, e.Sheet, e.Ref = i, t.Sheet, t.Ref
			}
			return nil, err
		}
		v.Targets = append(v.Targets, d)
		v.ByClass[d.Class]++
	}
	if !o.NoErrors {
		if err := c.errors(v, o.Limit); err != nil {
			return nil, err
		}
	}
	if o.Names {
		c.names(func(ch Change, _ error) bool {
			v.Names = append(v.Names, ch)
			return true
		})
	}
	return v, nil
}

// target tells what became of t.
func (c *comparison) target(t Target) (TargetDelta, error) {
	if !t.Ref.Valid() {
		return TargetDelta{}, errorf(BadCell, "", "row %d, column %d is outside of a worksheet", t.Ref.Row+1, t.Ref.Col+1)
	}
	n, ok := c.cur.SheetIndex(t.Sheet)
	pair := -1
	for i := range c.pairs {
		if ok && c.pairs[i].new == n {
			pair = i
		}
	}
	if pair < 0 {
		which := "the earlier"
		if !ok {
			which = "the later"
		}
		return TargetDelta{}, errorf(SheetNotFound, "Take a sheet that both workbooks have.", "%s workbook has no sheet %q", which, t.Sheet)
	}
	p := &c.pairs[pair]
	old, new, err := c.sheets(p.old, p.new)
	if err != nil {
		return TargetDelta{}, err
	}
	al, err := c.alignment(pair)
	if err != nil {
		return TargetDelta{}, err
	}
	d := TargetDelta{CellDelta: CellDelta{Sheet: p.name, Ref: t.Ref, OldRef: t.Ref}}
	d.After = stateAt(new, t.Ref)
	if row, ok := al.inverse().row(t.Ref.Row); ok {
		d.OldRef.Row = row
		d.Before = stateAt(old, d.OldRef)
		d.OldRef = before(c.moves, p.name, d.OldRef)
	}
	d.Class = c.class(pair, d.CellDelta)
	d.Changed = d.Class != Unchanged
	return d, nil
}

func stateAt(sheet *grid.Sheet, r cell.Ref) CellState {
	x, ok := sheet.At(r)
	return stateOf(sheet, x, ok)
}

// class tells the class of a cell of a pair.
func (c *comparison) class(pair int, d CellDelta) Class {
	formula := c.sameFormula(d.Before, d.After, d.OldRef, d.Ref, pair)
	switch {
	case formula && SameValue(d.Before.Value, d.After.Value, c.o.Tolerance):
		return Unchanged
	case d.After.Value.Kind() == cell.Error && d.Before.Value.Kind() != cell.Error:
		return NewError
	case !formula:
		return FormulaShift
	case !d.Before.HasFormula && !d.After.HasFormula:
		return DirectEdit
	}
	return Recalculated
}

// errors finds the error values that came, went and stayed.
func (c *comparison) errors(v *Verification, limit int) error {
	note := func(list *[]CellDelta, count *int, d CellDelta) {
		if *count++; limit == 0 || len(*list) < limit {
			*list = append(*list, d)
		}
	}
	for i := range c.pairs {
		p := &c.pairs[i]
		if !c.wanted(p.name) {
			continue
		}
		old, new, err := c.sheets(p.old, p.new)
		if err != nil {
			return err
		}
		al, err := c.alignment(i)
		if err != nil {
			return err
		}
		back := al.inverse()
		for x := range new.Errors() {
			d := CellDelta{Sheet: p.name, Ref: x.Ref, OldRef: x.Ref, After: stateOf(new, x, true)}
			if row, ok := back.row(x.Ref.Row); ok {
				d.OldRef.Row = row
				d.Before = stateAt(old, d.OldRef)
				d.OldRef = before(c.moves, p.name, d.OldRef)
			}
			if d.Before.Value.Kind() == cell.Error {
				note(&v.Preexisting, &v.PreexistingCount, d)
			} else {
				note(&v.New, &v.NewCount, d)
			}
		}
		for x := range old.Errors() {
			d := CellDelta{Sheet: p.name, Ref: x.Ref, OldRef: before(c.moves, p.name, x.Ref), Before: stateOf(old, x, true)}
			if row, ok := al.row(x.Ref.Row); ok {
				d.Ref.Row = row
				d.After = stateAt(new, d.Ref)
			}
			if d.After.Value.Kind() != cell.Error {
				note(&v.Resolved, &v.ResolvedCount, d)
			}
		}
		if c.ctx.Err() != nil {
			return c.ctx.Err()
		}
	}
	// Sheets that one side only has.
	for _, i := range c.added {
		name := c.cur.Workbook().Sheets[i].Name
		if !c.wanted(name) {
			continue
		}
		sheet, err := c.cur.Sheet(c.ctx, i)
		if err != nil {
			return err
		}
		for x := range sheet.Errors() {
			note(&v.New, &v.NewCount, CellDelta{Sheet: name, Ref: x.Ref, OldRef: x.Ref, After: stateOf(sheet, x, true)})
		}
	}
	for _, i := range c.deleted {
		name := c.base.Workbook().Sheets[i].Name
		if !c.wanted(name) {
			continue
		}
		sheet, err := c.base.Sheet(c.ctx, i)
		if err != nil {
			return err
		}
		for x := range sheet.Errors() {
			note(&v.Resolved, &v.ResolvedCount, CellDelta{Sheet: name, Ref: x.Ref, OldRef: x.Ref, Before: stateOf(sheet, x, true)})
		}
	}
	return nil
}
