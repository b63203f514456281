package tools

import (
	"slices"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/until"
)

// mergeCells makes one cell of a range, as Excel does: of what the cells hold the first content stays, and
// moves to the first cell if it is not there. Merged ranges within become a part of it.
func (b *batch) mergeCells(sheet int, r cell.Range) error {
	name := b.snap.Workbook().Sheets[sheet].Name
	s, err := b.snap.Sheet(b.ctx, sheet)
	if err != nil {
		return err
	}
	if r.Cells() < 2 {
		return fail(codeRangeInvalid, "Name two cells or more", "%s is a single cell, which cannot be merged", r)
	}
	merges := slices.Clone(s.Layout.Merges)
	for _, m := range merges {
		if _, meet := m.Intersect(r); meet && !r.ContainsRange(m) {
			return fail("BAD_LAYOUT", "Unmerge "+m.String()+" first, or merge all of it", "%s cuts through the merged cells %s", r, m)
		}
	}
	merges = slices.DeleteFunc(merges, func(m cell.Range) bool { return r.ContainsRange(m) })
	for f := range s.Arrays(r) {
		if f.Kind == grid.DynamicArray { // a legacy one is refused by the book
			return fail("BAD_LAYOUT", "Clear the formula first, or choose other cells", "%s has cells that the formula in %s fills", r, f.Anchor)
		}
	}
	merges = append(merges, r)
	ops := []book.Op{book.Arrange{Sheet: name, Merges: (*book.Ranges)(&merges)}}
	if cells, lost := keepFirst(b, s, r); len(cells) > 0 {
		ops = append(ops, book.SetCells{Sheet: name, Cells: cells})
		if lost > 0 {
			b.warn("WARN_MERGE_CONTENT: %s had contents in %d cells; merged cells keep the first of them, and the others are gone", r, lost+1)
		}
	}
	b.counts["cells_merged"]++
	return b.do(ops...)
}

// keepFirst gives the edits that leave of the contents of a range the first one, in its first cell, and how many
// go.
func keepFirst(b *batch, s *grid.Sheet, r cell.Range) (cells []book.CellEdit, lost int) {
	n := 0
	for c := range until.Done(b.ctx, s.Cells(r)) {
		if c.Empty() {
			continue
		}
		if n++; n == 1 && c.Ref == r.First {
			continue
		}
		if n == 1 {
			e := b.snap.NewCopier().Cell(s, c.Ref, s, r.First)
			if e.HasFormula { // it is moved, not copied: what it reads stays
				e.Formula = book.StoredFormula(s, c)
			}
			cells = append(cells, e)
		} else {
			lost++
		}
		cells = append(cells, book.CellEdit{Ref: c.Ref, Clear: true})
	}
	return cells, lost
}

// unmergeCells takes all merged ranges apart that meet a range.
func (b *batch) unmergeCells(sheet int, r cell.Range) error {
	s, err := b.snap.Sheet(b.ctx, sheet)
	if err != nil {
		return err
	}
	merges := slices.DeleteFunc(slices.Clone(s.Layout.Merges), func(m cell.Range) bool {
		_, meet := m.Intersect(r)
		return meet
	})
	n := len(s.Layout.Merges) - len(merges)
	if n == 0 {
		b.warn("WARN_NO_MERGE: no cells of %s are merged", r)
		return nil
	}
	b.counts["cells_unmerged"] += n
	return b.do(book.Arrange{Sheet: b.snap.Workbook().Sheets[sheet].Name, Merges: (*book.Ranges)(&merges)})
}
