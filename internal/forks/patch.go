package forks

import (
	"context"
	"slices"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/until"
	"gridflow/internal/xf"
	"gridflow/internal/xlsx"
	"gridflow/internal/xlsx/patch"
)

// patchOf says what a save has to change in the file of base to make it cur, and how many
// cells that are. The error may be that there are more than most (0: there may be any number).
func patchOf(ctx context.Context, base, cur *book.Snapshot, most int) (p patch.Patch, cells int, err error) {
	styles := cur.Workbook().Styles
	if styles != nil {
		for i, from := range styles.Derived {
			was, is := xf.Of(styles.Xfs[from]), xf.Of(styles.Xfs[len(styles.Xfs)-len(styles.Derived)+i])
			p.Styles = append(p.Styles, patch.StyleDerivation{Base: from, Settings: xf.Difference(&was, &is)})
		}
	}
	p.RecalcOnLoad = cur.Stale()
	if p.Tables, err = tablesOf(ctx, cur); err != nil {
		return p, 0, err
	}
	if p.Objects, err = objectsOf(ctx, cur); err != nil {
		return p, 0, err
	}
	p.Structure = cur.Moves()
	sheets := cur.EditedSheets()
	if len(sheets) > 0 || len(p.Structure) > 0 { // what was calculated because the file has no values is saved with the rest
		opened := base.OpenedSheets()
		for i, info := range cur.Workbook().Sheets {
			if !slices.Contains(opened, cur.Origin(i)) && !cur.Shifted(i) || slices.Contains(sheets, i) || info.Kind != grid.Worksheet {
				continue
			}
			if _, err := cur.Sheet(ctx, i); err != nil { // so that all is known that a move has done to it
				return p, 0, err
			}
			sheets = append(sheets, i)
		}
		slices.Sort(sheets)
	}
	file := base.Stored()
	if len(p.Structure) > 0 {
		file = cur.Written()
	}
	if o, ok := book.NamesBetween(file, cur); ok {
		for _, e := range o.Names {
			n := patch.NamePatch{Name: grid.Name{Name: e.Name, Sheet: -1, RefersTo: e.RefersTo, Comment: e.Comment, Hidden: e.Hidden}, Remove: e.Delete}
			if e.Sheet != "" {
				n.Sheet, _ = file.SheetIndex(e.Sheet)
			}
			p.Names = append(p.Names, n)
		}
	}
	if o, ok := book.BookBetween(file, cur); ok {
		p.Book.Protection = o.Protection
		for _, x := range o.Sheets {
			if p.Book.Shown == nil {
				p.Book.Shown = map[int]grid.Visibility{}
			}
			i, _ := file.SheetIndex(x.Sheet)
			p.Book.Shown[i] = x.Visibility
		}
	}
	selected := map[int]*bool{}
	if was, is := file.Workbook().ActiveSheet, cur.Workbook().ActiveSheet; was != is {
		p.Book.Active = &is
		selected[was], selected[is] = new(bool), new(true)
	}
	for i := range selected {
		if !slices.Contains(sheets, i) && cur.Workbook().Sheets[i].Kind == grid.Worksheet {
			sheets = append(sheets, i)
		}
	}
	slices.Sort(sheets)
	differ := 0
	for _, i := range sheets {
		was, err := file.Sheet(ctx, i)
		if err != nil {
			return p, 0, err
		}
		is, err := cur.Sheet(ctx, i)
		if err != nil {
			return p, 0, err
		}
		// A patch is much larger than what it says of the cells: it is made in one piece, once it
		// is known that it may be.
		n, weight := book.Differing(ctx, was, is, most)
		if err := ctx.Err(); err != nil {
			return p, 0, err
		}
		if differ += weight; most > 0 && differ > most {
			return p, 0, tooDifferent(most)
		}
		sheet := patch.SheetPatch{Sheet: i, Cells: make([]patch.CellPatch, 0, n)}
		for x, y := range until.Done2(ctx, grid.Diff(was, is, nil)) {
			_, stored := is.At(y.Ref)
			if !stored {
				sheet.Cells = append(sheet.Cells, patch.CellPatch{Ref: x.Ref, Remove: true})
				continue
			}
			_, there := was.At(x.Ref)
			same := there && sameFormula(was, x, is, y) && was.Formula(x).Range == is.Formula(y).Range
			if same && x.Value == y.Value {
				sheet.Cells = append(sheet.Cells, patch.CellPatch{Ref: y.Ref, Keep: patch.KeepContent, Value: y.Value, Style: y.Style})
				continue
			}
			c := contentOf(is, y)
			if y.HasFormula() {
				if same {
					c.Keep = patch.KeepFormula
				}
			} else if was.InArray(y.Ref) && is.InArray(y.Ref) {
				// A value that an array gives. Where the file has none there may be no cell either.
				c.Keep = patch.KeepFormula
			}
			sheet.Cells = append(sheet.Cells, c)
		}
		if err := ctx.Err(); err != nil {
			return p, 0, err
		}
		sheet.Cells = endArrays(sheet.Cells, was, is)
		columns, rows := book.LinesRestyled(was, is)
		if o, ok := book.Rearranged(was, is, ""); ok || columns != nil || rows != nil {
			sheet.Layout = &patch.LayoutPatch{
				Columns: columns,
				View:    o.View,
				Merges:  (*[]cell.Range)(o.Merges),

				Validations: o.Validations,
				Conditional: o.Conditional,
				Hyperlinks:  o.Hyperlinks,
				Comments:    o.Comments,
				Filter:      o.Filter,

				Rows: rows, TabColor: o.TabColor, Margins: o.Margins, Setup: o.Setup, Breaks: o.Breaks, Edges: o.Edges, Protection: o.Protection,
			}
			sheet.Layout.UsualWidth = is.Layout.UsualWidth()
			sheet.Layout.Outlines.Rows, sheet.Layout.Outlines.Columns = is.Layout.Outlines()
		}
		if selected[i] != nil {
			if sheet.Layout == nil {
				sheet.Layout = new(patch.LayoutPatch)
			}
			sheet.Layout.Selected = selected[i]
		}
		if len(sheet.Cells) > 0 || sheet.Layout != nil {
			p.Sheets = append(p.Sheets, sheet)
			cells += len(sheet.Cells)
		}
	}
	return p, cells, nil
}

// tooDifferent is the error of what cannot be done with a version that differs in more cells from its
// file than may be taken up at once.
func tooDifferent(most int) error {
	return fail(CodeLimit, "The operator can give the process more memory, or set --max-edit-cells", "more than %d cells differ from the file, a long text counting for several, which are as many as this server takes up at once with the memory that it has", most)
}

// far reports whether a version of a workbook differs in more cells from it than may be taken up at once.
func (s *Store) far(ctx context.Context, base, version *book.Snapshot) (bool, error) {
	if s.o.WholeCells == 0 {
		return false, nil
	}
	return book.Exceeds(ctx, base, version, s.o.WholeCells)
}

// near fails where versions of a workbook are far from it.
func (s *Store) near(ctx context.Context, base *book.Snapshot, versions ...*book.Snapshot) error {
	for _, v := range versions {
		if far, err := s.far(ctx, base, v); err != nil {
			return err
		} else if far {
			return tooDifferent(s.o.WholeCells)
		}
	}
	return nil
}

// contentOf says that a cell of a sheet is all that there is to be at its place.
func contentOf(s *grid.Sheet, y grid.Cell) patch.CellPatch {
	c := patch.CellPatch{Ref: y.Ref, Value: y.Value, HasValue: !y.Value.IsBlank(), Style: y.Style}
	if y.Value.Err() == cell.ErrCirc {
		c.Value = cell.NumberValue(0) // what Excel keeps of a cell that depends on itself; it has no such error
	}
	if y.HasFormula() {
		if f := s.Formula(y); f.Kind == grid.DynamicArray {
			fills := f.Range
			c.Fills = &fills
		}
		c.HasFormula, c.Formula = true, book.StoredFormula(s, y)
	}
	return c
}

// endArrays has all cells of an array formula that was replaced written, as it goes as a whole or not at
// all: also those that look as they did, because what stands there now gives them the same value or
// is an array, too. A dynamic array goes with its own cell.
func endArrays(cells []patch.CellPatch, was, is *grid.Sheet) []patch.CellPatch {
	for a := range was.Arrays(cell.WholeSheet) {
		if a.Kind == grid.DynamicArray || stands(is, &a) {
			continue
		}
		for row := a.Range.First.Row; row <= a.Range.Last.Row; row++ {
			for col := a.Range.First.Col; col <= a.Range.Last.Col; col++ {
				c := patch.CellPatch{Ref: cell.Ref{Row: row, Col: col}, Remove: true}
				if y, ok := is.At(c.Ref); ok {
					c = contentOf(is, y)
				}
				i, found := slices.BinarySearchFunc(cells, c.Ref, func(p patch.CellPatch, r cell.Ref) int {
					return p.Ref.Compare(r)
				})
				if found {
					cells[i] = c
				} else {
					cells = slices.Insert(cells, i, c)
				}
			}
		}
	}
	return cells
}

// stands tells whether an array formula is in a sheet as it was.
func stands(s *grid.Sheet, a *grid.Formula) bool {
	for b := range s.Arrays(a.Range) {
		if b.Kind == a.Kind && b.Range == a.Range && b.Text == a.Text {
			return true
		}
	}
	return false
}

// sameFormula tells whether cell x of was says the same as cell y of is, or neither says any.
func sameFormula(was *grid.Sheet, x grid.Cell, is *grid.Sheet, y grid.Cell) bool {
	if !x.HasFormula() || !y.HasFormula() {
		return x.HasFormula() == y.HasFormula()
	}
	// A copy of the same formula says the same, and its text need not be made, which may be long.
	if f, g := was.Formula(x), is.Formula(y); f.Kind == g.Kind && f.Text == g.Text && f.Anchor == g.Anchor && x.Ref == y.Ref {
		return true
	}
	return book.StoredFormula(was, x) == book.StoredFormula(is, y)
}

// savable refuses an edit that no save could write: a number format in a workbook whose style
// sheet has no list to put it into. Where there is no style sheet a save makes one.
func savable(snap *book.Snapshot, file *xlsx.File, e book.Edit) error {
	if styles := snap.Workbook().Styles; styles != nil && len(styles.Xfs) > 0 || file.Related("styles") == nil {
		return nil
	}
	at, ok := e.Formats()
	if !ok {
		return nil
	}
	return fail("BAD_FORMAT", "Give a number or a text without a format, or save the file once in a spreadsheet program, which adds styles",
		"%s: the style sheet of the workbook has no cell formats, so that no cell can have a number format, as a date needs one", at)
}
