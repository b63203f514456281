package book

import (
	"context"
	"fmt"
	"strings"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/structure"
)

// stepper makes sheets what they are after a step. Versions of a sheet that go through the same one share afterwards
// what they have shared before.
type stepper struct {
	source *movedSource
	st     *step
	plain  *stepper // of the source, for sheets without formulas, where st is of a state that has other tables
	mover  *grid.Mover
	made   map[[2]*grid.Sheet]*grid.Sheet // what sheet gave, by the sheet, and the one that cells come from
	named  map[headedSheet]*grid.Sheet    // what headed gave
	// By sheet, as it was: the cells there whose formulas the change has made read something else.
	disturbed map[*grid.Sheet][]cell.Range
}

func (m *movedSource) stepper(st *step) *stepper {
	return &stepper{source: m, st: st, mover: grid.NewMover(st.r), made: map[[2]*grid.Sheet]*grid.Sheet{}, named: map[headedSheet]*grid.Sheet{}, disturbed: map[*grid.Sheet][]cell.Range{}}
}

// sheet gives sheet i, in one of its states, after the step, without the headings that tables get by it, since these are not
// the same in all states: see headed. Other gives the state of another sheet then.
func (p *stepper) sheet(ctx context.Context, i int, sheet *grid.Sheet, other func(i int) (*grid.Sheet, error)) (*grid.Sheet, error) {
	own := p.st.names[i]
	key := [2]*grid.Sheet{sheet}
	from, receives := p.st.from(own)
	if receives {
		var err error
		if key[1], err = other(from); err != nil {
			return nil, err
		}
	}
	if n := p.made[key]; n != nil {
		return n, nil
	}
	if p.plain != nil && sheet.FormulaCells() == 0 && (!receives || key[1].FormulaCells() == 0) {
		return p.plain.sheet(ctx, i, sheet, other)
	}
	whole, err := p.withdrawn(sheet, own)
	if err != nil {
		return nil, err
	}
	var n *grid.Sheet
	if receives {
		source, err := p.withdrawn(key[1], p.st.names[from])
		if err != nil {
			return nil, err
		}
		n, err = p.mover.Receive(ctx, whole, source, own)
		if err != nil {
			return nil, err
		}
	} else if n, err = p.mover.Sheet(ctx, whole, own); err != nil {
		return nil, err
	}
	p.disturbed[sheet] = append(p.disturbed[sheet], p.mover.Disturbed(whole)...)
	p.made[key] = n
	return n, nil
}

// withdrawn lets dynamic arrays that the change cuts apart go back to their own cells, until they are calculated.
func (p *stepper) withdrawn(sheet *grid.Sheet, own string) (*grid.Sheet, error) {
	if p.source.raw || !p.st.r.Concerns(own) || p.st.change.Kind == structure.RenameSheet {
		return sheet, nil
	}
	var back []grid.Change
	for f := range sheet.Arrays(cell.WholeSheet) {
		if f.Kind != grid.DynamicArray || !cuts(p.st.r, own, f) {
			continue
		}
		back = collapse(back, sheet, f)
		p.disturbed[sheet] = append(p.disturbed[sheet], f.Range) // what reads a cell that it filled reads nothing there now
	}
	if back == nil {
		return sheet, nil
	}
	p.source.other.Store(true)
	return collapsed(sheet, back)
}

// cuts reports whether the cells that an array fills do not all go the same way.
func cuts(r *structure.Rewriter, own string, f grid.Formula) bool {
	sheet, anchor, ok := r.Locate(own, f.Anchor)
	if !ok {
		return true
	}
	lastSheet, last, ok := r.Locate(own, f.Range.Last)
	parts := r.Cover(own, f.Range)
	return !ok || len(parts) != 1 || sheet != lastSheet || last.Row-anchor.Row != f.Range.Rows()-1 || last.Col-anchor.Col != f.Range.Cols()-1 ||
		parts[0].Range.Cells() != f.Range.Cells()
}

// headed writes the names of the columns that tables got to their header rows, as the heading beside it looks. Sheet is what
// sheet gave for i.
func (p *stepper) headed(i int, sheet *grid.Sheet, headings []heading) (*grid.Sheet, error) {
	own := p.st.names[i]
	var changes []grid.Change
	key := headedSheet{sheet: sheet}
	for _, h := range headings {
		if !strings.EqualFold(h.sheet, own) {
			continue
		}
		c := grid.Change{Ref: h.at, Value: cell.TextValue(h.name)}
		if beside, ok := sheet.At(cell.Ref{Row: h.at.Row, Col: h.at.Col - 1}); ok && beside.Style != 0 && !p.source.raw {
			c.Style = beside.Style
			p.source.other.Store(true)
		}
		changes = append(changes, c)
		key.headings += fmt.Sprintf("%v=%s\n", h.at, h.name)
	}
	if changes == nil {
		return sheet, nil
	}
	if n := p.named[key]; n != nil {
		return n, nil
	}
	n, err := sheet.With(changes)
	if err == nil {
		p.named[key] = n
	}
	return n, err
}

// headedSheet is a sheet with the headings that it gets, so that states in which they are the same share it.
type headedSheet struct {
	sheet    *grid.Sheet
	headings string
}

// heading is the name of a new column of a table, and the cell in which it has to stand.
type heading struct {
	sheet string
	at    cell.Ref
	name  string
}

// headingsOf gives the headings of the columns that a table got, which was on a sheet of that name. From says what
// its columns were: see structure.Rewriter.Table.
func headingsOf(sheet string, after structure.Table, from []int) (list []heading) {
	for k, old := range from {
		if old < 0 && after.Header > 0 {
			at := cell.Ref{Row: after.Range.First.Row, Col: after.Range.First.Col + k}
			list = append(list, heading{sheet, at, after.Columns[k]})
		}
	}
	return list
}
