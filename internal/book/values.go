package book

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
)

// GiveValues gives the formulas of a sheet values that another program has calculated. The
// formulas stay. An Edit of a GiveValues for each sheet with formulas, with all of them (see
// Values), makes a version that is not stale: what its formulas give is settled by it, and not
// by a calculation.
type GiveValues struct {
	Sheet string // its name; case does not matter
	Cells []GivenValue
}

// GivenValue is the value of a cell that has a formula or is filled by an array.
type GivenValue struct {
	Ref   cell.Ref
	Value cell.Value
	Fills cell.Range // of a dynamic array in its own cell: what it fills; else zero
}

func (o GiveValues) kind() opKind { return kindGiveValues }

// flagFills stands in the byte of a value's kind.
const flagFills = 1 << 3

func (o GiveValues) appendTo(b []byte) []byte {
	b = appendText(b, o.Sheet)
	b = binary.AppendUvarint(b, uint64(len(o.Cells)))
	for i := range o.Cells {
		c := &o.Cells[i]
		flags := byte(c.Value.Kind())
		if c.Fills != (cell.Range{}) {
			flags |= flagFills
		}
		b = append(b, flags)
		b = binary.AppendUvarint(b, uint64(c.Ref.Row))
		b = binary.AppendUvarint(b, uint64(c.Ref.Col))
		b = appendValue(b, c.Value)
		if flags&flagFills != 0 {
			b = binary.AppendUvarint(b, uint64(c.Fills.Last.Row))
			b = binary.AppendUvarint(b, uint64(c.Fills.Last.Col))
		}
	}
	return b
}

func decodeGiveValues(d *decoder) Op {
	o := GiveValues{Sheet: d.text()}
	n := d.count(3)
	for i := 0; i < n && d.err == nil; i++ {
		flags := d.byte()
		c := GivenValue{Ref: cell.Ref{Row: d.below(cell.MaxRows), Col: d.below(cell.MaxCols)}}
		c.Value = d.value(cell.Kind(flags & flagKind))
		if flags&flagFills != 0 {
			c.Fills = cell.Range{First: c.Ref, Last: cell.Ref{Row: d.below(cell.MaxRows), Col: d.below(cell.MaxCols)}}
		}
		if flags&^(flagKind|flagFills) != 0 {
			d.fail("a value has a flag that is not known")
		}
		o.Cells = append(o.Cells, c)
	}
	return o
}

func (o GiveValues) check(s *Snapshot) *Error {
	if _, err := s.worksheet(o.Sheet); err != nil {
		err.Sheet = o.Sheet
		return err
	}
	for i := range o.Cells {
		c := &o.Cells[i]
		err := (&CellEdit{Ref: c.Ref, Value: c.Value}).check()
		if err == nil && c.Fills != (cell.Range{}) && (c.Fills.First != c.Ref || c.Fills.Last.Row < c.Ref.Row || c.Fills.Last.Col < c.Ref.Col || !c.Fills.Last.Valid()) {
			err = errorf(BadCell, "", "an array in %v cannot fill %v", c.Ref, c.Fills)
		}
		if err != nil {
			err.Cell, err.Sheet, err.Ref = i, o.Sheet, c.Ref
			return err
		}
	}
	return nil
}

func (o GiveValues) apply(d *draft) error {
	i, sheet, err := d.named(o.Sheet)
	if err != nil {
		return err
	}
	given := make(map[cell.Ref]*GivenValue)
	for k := range o.Cells {
		if c := &o.Cells[k]; c.Fills != (cell.Range{}) {
			given[c.Ref] = c
		}
	}
	// What arrays fill now and will not any more: between the calculation that the values are
	// of and this state of the sheet an array may have had another size.
	var changes, empty []grid.Change
	for f := range sheet.Arrays(cell.WholeSheet) {
		if f.Kind != grid.DynamicArray {
			continue
		}
		keeps := cell.Range{First: f.Anchor, Last: f.Anchor}
		if c := given[f.Anchor]; c != nil {
			keeps = c.Fills
		}
		for x := range sheet.Cells(f.Range) {
			if keeps.Contains(x.Ref) {
				continue
			}
			changes = append(changes, grid.Change{Ref: x.Ref, Kind: grid.SetValue})
			if x.Style == sheet.Layout.LineStyle(x.Ref) {
				empty = append(empty, grid.Change{Ref: x.Ref, Kind: grid.RemoveCell})
			}
		}
	}
	for k := range o.Cells {
		c := &o.Cells[k]
		change := grid.Change{Ref: c.Ref, Kind: grid.SetValue, Value: c.Value}
		if c.Fills != (cell.Range{}) {
			if x, ok := sheet.At(c.Ref); !ok || !x.HasFormula() || sheet.Formula(x).Kind != grid.DynamicArray {
				err := errorf(BadCell, "", "%v has no formula whose values spill", c.Ref)
				err.Cell, err.Sheet, err.Ref = k, o.Sheet, c.Ref
				return err
			}
			change.Spills, change.Fills = true, c.Fills
		}
		changes = append(changes, change)
	}
	d.given = true
	valued, err := sheet.With(changes)
	if err != nil {
		return fmt.Errorf("values of %s: %w", o.Sheet, err)
	}
	// They are in no array any more. What another array fills of them has a value by now.
	empty = slices.DeleteFunc(empty, func(c grid.Change) bool { return !valued.Value(c.Ref).IsBlank() || valued.InArray(c.Ref) })
	if valued, err = valued.With(empty); err != nil {
		return fmt.Errorf("values of %s: %w", o.Sheet, err)
	}
	if valued != sheet {
		d.put(i, sheet, valued)
	}
	return nil
}

// Values gives the edit that gives every formula of s the value that value says: of sheet i, and
// of a cell that has a formula or is filled by an array. All sheets are read whole, if they were
// not yet; an error is that of ctx or the Source.
func (s *Snapshot) Values(ctx context.Context, value func(i int, c grid.Cell) cell.Value) (Edit, error) {
	var e Edit
	for i, info := range s.Workbook().Sheets {
		if info.Kind != grid.Worksheet {
			continue
		}
		sheet, err := s.Sheet(ctx, i)
		if err != nil {
			return Edit{}, err
		}
		op := GiveValues{Sheet: info.Name}
		for c := range Computed(sheet, cell.WholeSheet) {
			v := GivenValue{Ref: c.Ref, Value: value(i, c)}
			if c.HasFormula() {
				if f := sheet.Formula(c); f.Kind == grid.DynamicArray {
					v.Fills = f.Range
				}
			}
			op.Cells = append(op.Cells, v)
		}
		if len(op.Cells) > 0 {
			e.Ops = append(e.Ops, op)
		}
	}
	return e, nil
}

// Computed yields the cells of a range that have a formula or are filled by an array, row by row.
func Computed(sheet *grid.Sheet, r cell.Range) func(yield func(grid.Cell) bool) {
	return func(yield func(grid.Cell) bool) {
		if sheet.FormulaCells() == 0 {
			return
		}
		arrays := false
		for range sheet.Arrays(r) {
			arrays = true
			break
		}
		for c := range sheet.Cells(r) {
			if (c.HasFormula() || arrays && sheet.InArray(c.Ref)) && !yield(c) {
				return
			}
		}
	}
}

// Given reports whether some formula has a value that a GiveValues gave it, and that no
// calculation of all formulas has replaced since.
func (s *Snapshot) Given() bool { return s.given }
