package structure

import (
	"fmt"

	"gridflow/internal/cell"
)

// Contents is what a change has to heed of a sheet.
type Contents struct {
	Cells  bool         // whether it has any cells
	Used   cell.Range   // what they lie in
	Arrays []cell.Range // array formulas and what-if tables; not dynamic arrays, which go where they find room
	Tables []Table
	Pivots []cell.Range
	Merges []cell.Range
}

// Fits gives an [*Error] where what is on a sheet stands in the way of c, as it does in Excel. On is the sheet of
// the change, to the one that cells move to if it is another, and else the same. C must have passed [Change.Check].
func (c Change) Fits(on, to Contents) error {
	if rows, deletes, ok := c.Lines(); ok {
		return c.fitsLines(on, rows, deletes)
	}
	if c.Kind == MoveCells {
		return c.fitsMove(on, to)
	}
	return nil
}

func (c Change) fitsLines(on Contents, rows, deletes bool) error {
	what, size := "column", cell.MaxCols
	of, name := colsOf, func(i int) string { return cell.ColumnName(i) }
	if rows {
		what, size = "row", cell.MaxRows
		of, name = rowsOf, func(i int) string { return fmt.Sprint(i + 1) }
	}
	last := c.At + c.Count - 1
	// splits reports whether a range would be parted, or lose a part but not all.
	splits := func(r cell.Range) bool {
		s := of(r)
		if !deletes {
			return s.first < c.At && s.last >= c.At
		}
		return s.last >= c.At && s.first <= last && (s.first < c.At || s.last > last)
	}
	if !deletes && on.Cells && of(on.Used).last >= c.At && of(on.Used).last+c.Count >= size {
		return refuse(CellsPushed, "Insert fewer, or delete cells at the end of the sheet first.",
			"there are cells up to %s %s, and %d more %ss would push them out of the sheet", what, name(of(on.Used).last), c.Count, what)
	}
	for _, r := range on.Arrays {
		if splits(r) {
			return refuse(ArrayPart, "Take in all of it, or delete the formula first.", "an array formula or what-if table stands in %s, and no part of it can be changed", r)
		}
	}
	for _, r := range on.Pivots {
		if splits(r) {
			return refuse(PivotPart, "Take in all of it.", "a pivot table stands in %s, and no part of it can be changed", r)
		}
	}
	if !rows || !deletes {
		return nil
	}
	for _, t := range on.Tables {
		if err := t.without(c.At, c.Count); err != nil {
			return err
		}
	}
	return nil
}

// without gives an error where a table cannot do without rows of it.
func (t Table) without(at, count int) error {
	s, last := rowsOf(t.Range), at+count-1
	switch {
	case last < s.first || at > s.last || at <= s.first && last >= s.last:
		return nil
	case t.Header > 0 && at <= s.first:
		return refuse(TableHeader, "Delete all of its rows, or none of the header.", "row %d is the header row of table %q, which cannot do without it", s.first+1, t.Name)
	case at <= s.first+t.Header && last >= s.last-t.Totals:
		return refuse(TableRows, "Clear the rows instead, or delete all of the table with its header row.", "table %q would have no row left", t.Name)
	}
	return nil
}

// fitsShift is fitsMove for tables where cells make room or close a gap: a table gets or loses whole rows or columns, or goes along as a whole.
func (c Change) fitsShift(tables []Table) error {
	g := newGap(c)
	for _, t := range tables {
		part, ok := g.part(t.Range)
		if !ok {
			continue
		}
		s, _ := g.along(part)
		switch {
		case s.last < g.at:
		case part != t.Range:
			lines := "columns"
			if !g.rows {
				lines = "rows"
			}
			return refuse(TablePart, "Take in all of its "+lines+", or none.", "cells of table %q, which is %s, would go and others of it stay", t.Name, t.Range)
		case g.rows && g.deletes:
			if err := t.without(g.at, g.count); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c Change) fitsMove(on, to Contents) error {
	from, dest := c.Range, c.Destination()
	part := func(r, of cell.Range) bool {
		_, ok := r.Intersect(of)
		return ok && !of.ContainsRange(r)
	}
	same := c.ToSheet == "" || c.ToSheet == c.Sheet
	// stays reports whether what is in r of the sheet that cells go to is still there when they come.
	stays := func(r cell.Range) bool { return !same || !from.ContainsRange(r) }
	kinds := [...]struct {
		reason    Reason
		what      string
		on, to    []cell.Range
		overwrite bool // the whole of it may be written over
	}{
		{ArrayPart, "an array formula or what-if table", on.Arrays, to.Arrays, true},
		{PivotPart, "a pivot table", on.Pivots, to.Pivots, false},
		{MergedPart, "a merged cell", on.Merges, to.Merges, true},
	}
	for _, k := range kinds {
		for _, r := range k.on {
			if part(r, from) {
				return refuse(k.reason, "Move all of it, or none.", "%s stands in %s, and no part of it can be moved", k.what, r)
			}
		}
		for _, r := range k.to {
			_, hit := r.Intersect(dest)
			if hit && stays(r) && (part(r, dest) || !k.overwrite) {
				return refuse(k.reason, "Move the cells to another place.", "%s stands in %s, and no part of it can be written over", k.what, r)
			}
		}
	}
	if c.Shift {
		return c.fitsShift(on.Tables)
	}
	for _, t := range on.Tables {
		if header, ok := t.header(); ok && !from.ContainsRange(t.Range) {
			if _, hit := header.Intersect(from); hit {
				return refuse(TableHeader, "Move all of the table, or none of its header.", "%s is the header row of table %q", header, t.Name)
			}
		}
	}
	for _, t := range to.Tables {
		if !stays(t.Range) {
			continue
		}
		if header, ok := t.header(); ok {
			if _, hit := header.Intersect(dest); hit {
				return refuse(TableHeader, "Move the cells to another place.", "%s is the header row of table %q", header, t.Name)
			}
		}
		for _, moved := range on.Tables {
			if from.ContainsRange(moved.Range) {
				if _, hit := c.shifted(moved.Range).Intersect(t.Range); hit {
					return refuse(TablePart, "Move the table to another place.", "table %q would come to lie on table %q", moved.Name, t.Name)
				}
			}
		}
	}
	return nil
}

// shifted gives where a range is that moves with the cells.
func (c Change) shifted(r cell.Range) cell.Range {
	b := block{dRow: c.To.Row - c.Range.First.Row, dCol: c.To.Col - c.Range.First.Col}
	return b.shift(r)
}

// header is the header row of a table.
func (t Table) header() (cell.Range, bool) {
	r := t.Range
	r.Last.Row = r.First.Row
	return r, t.Header > 0
}
