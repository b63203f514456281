package job

import (
	"context"
	"io"
	"path/filepath"
	"slices"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/formula"
	"gridflow/internal/grid"
	"gridflow/internal/office"
	"gridflow/internal/office/intake"
	"gridflow/internal/office/wire"
	"gridflow/internal/xlsx/patch"
)

// Export says what is to be written of a document, and as what.
type Export struct {
	Format string      // "pdf" or "ods"
	Sheet  int         // -1: all of the workbook
	Range  *cell.Range // of the sheet; nil: all of it
	// Formulas, of a whole workbook as ods, stay, and have the values that LibreOffice gives them:
	// else their places have gridflow's values.
	Formulas bool
}

// Export writes a document in another format to w. A PDF has the pages that printing gives: of all
// sheets that are not hidden, or of one sheet, hidden or not. An ods of a sheet or a range has
// nothing else of the workbook, and values in place of formulas, which would lead nowhere. Until
// Export has come back without an error, what w was given is no file.
func (o *Office) Export(ctx context.Context, d Document, e Export, w io.Writer) error {
	return o.run(ctx, CodeConvert, d.Key, office.Job{
		Op: wire.Convert,
		Prepare: func(dir string) (wire.Request, error) {
			in, err := d.exported(ctx, dir, e, o.bounds)
			return wire.Request{Op: wire.Convert, In: in, Out: filepath.Join(dir, outName+"."+e.Format), Format: e.Format}, err
		},
		Collect: func(dir string, _ wire.Response) error {
			f, size, err := made(filepath.Join(dir, outName+"."+e.Format), CodeConvert)
			if err != nil {
				return err
			}
			defer f.Close()
			if e.Format == "ods" {
				return placeless(w, f, size, dir)
			}
			_, err = io.Copy(w, f)
			return err
		},
	})
}

// exported writes the copy that is converted; it gives where it is.
func (d *Document) exported(ctx context.Context, dir string, e Export, b bounds) (in string, err error) {
	whole := cell.WholeSheet
	if e.Range != nil {
		whole = *e.Range
	}
	p := d.Patch
	switch {
	case e.Sheet < 0 && e.Formulas:
	case e.Sheet < 0:
		p, _, err = d.flat(ctx, nil, nil)
		if e.Format == "pdf" {
			p.Names = d.noAreas(p.Names, func(sheet int) bool { return d.Snapshot.Workbook().Sheets[sheet].Visibility != grid.Visible })
		}
	case e.Format == "pdf":
		return d.printed(ctx, dir, e.Sheet, whole, b)
	default:
		p, _, err = d.flat(ctx, map[int]cell.Range{e.Sheet: whole}, nil)
		p.View = patch.ViewPatch{Show: []int{e.Sheet}, Others: patch.OthersGone}
	}
	if err == nil && e.Format == "ods" {
		p, err = d.unasked(ctx, p, e.Sheet)
	}
	if err != nil {
		return "", err
	}
	return d.save(ctx, dir, p, intake.Limits.Copy)
}

// Asked gives the sheets, of all or of one, whose passwords an .ods cannot have: OpenDocument keeps them another way
// than files of Excel 2013 and later do, and only who knows one could have it kept anew.
func (d *Document) Asked(ctx context.Context, sheet int) (list []int, err error) {
	for i, info := range d.Snapshot.Workbook().Sheets {
		if sheet >= 0 && i != sheet || info.Kind != grid.Worksheet {
			continue
		}
		s, err := d.Snapshot.Sheet(ctx, i)
		if err != nil {
			return nil, err
		}
		if s.Layout.Protection.Password.Hash != "" {
			list = append(list, i)
		}
	}
	return list, nil
}

// unasked gives p with these sheets protected without a password: LibreOffice asks for it again before it writes an .ods,
// and nobody would answer.
func (d *Document) unasked(ctx context.Context, p patch.Patch, sheet int) (patch.Patch, error) {
	asked, err := d.Asked(ctx, sheet)
	if err != nil || len(asked) == 0 {
		return p, err
	}
	p.Sheets = slices.Clone(p.Sheets)
	for _, i := range asked {
		s, err := d.Snapshot.Sheet(ctx, i)
		if err != nil {
			return p, err
		}
		open := s.Layout.Protection
		open.Password = grid.Password{}
		k := slices.IndexFunc(p.Sheets, func(s patch.SheetPatch) bool { return s.Sheet == i })
		if k < 0 {
			k, p.Sheets = len(p.Sheets), append(p.Sheets, patch.SheetPatch{Sheet: i})
		}
		layout := patch.LayoutPatch{}
		if was := p.Sheets[k].Layout; was != nil {
			layout = *was
		}
		layout.Protection = &open
		p.Sheets[k].Layout = &layout
	}
	return p, nil
}

// printed writes the copy of which an area is printed, where that is the whole sheet as the file says. Pages have what a
// picture of the area has, and titles of rows or columns, by defined names: no sheet goes, for with it all of these would.
func (d *Document) printed(ctx context.Context, dir string, sheet int, area cell.Range, b bounds) (in string, err error) {
	shown, err := d.seenIn(ctx, sheet, area, b)
	if ctx.Err() != nil {
		return "", err
	}
	if err != nil || shown != nil && !d.titlesRead(shown, sheet) {
		shown = nil
	}
	if shown != nil {
		for i := range d.Snapshot.Workbook().Sheets {
			shown.add(i, 0, -1)
		}
	}
	in, _, err = d.saveSeen(ctx, dir, shown, func(_ []int, p *patch.Patch) {
		p.View = patch.ViewPatch{Show: []int{sheet}, Others: patch.OthersHidden}
		if area != cell.WholeSheet {
			p.View.Print = []patch.PrintArea{{Sheet: sheet, Range: area}}
		}
		p.Names = d.noAreas(p.Names, func(i int) bool { return i != sheet })
	})
	return in, err
}

// noAreas gives names with which hidden sheets do not say what is printed of them: LibreOffice prints that.
func (d *Document) noAreas(names []patch.NamePatch, hidden func(sheet int) bool) []patch.NamePatch {
	names = slices.DeleteFunc(slices.Clone(names), func(n patch.NamePatch) bool {
		return n.Sheet >= 0 && hidden(n.Sheet) && book.FoldName(n.Name.Name) == book.FoldName(grid.PrintArea)
	})
	for i := range d.Snapshot.Workbook().Sheets {
		if hidden(i) {
			names = append(names, patch.NamePatch{Name: grid.Name{Name: grid.PrintArea, Sheet: i}, Remove: true})
		}
	}
	return names
}

// titlesRead adds the rows that a sheet prints on each page; false: who knows.
func (d *Document) titlesRead(s seen, sheet int) bool {
	for _, n := range d.Snapshot.Workbook().Names {
		if n.Sheet != sheet || book.FoldName(n.Name) != book.FoldName(grid.PrintTitles) {
			continue
		}
		tree, err := formula.Parse(n.RefersTo)
		if err != nil {
			return false
		}
		for r := range formula.References(tree.Root) {
			switch r.Kind {
			case formula.RowsRef:
				s.add(sheet, int(r.First.Row), int(r.Last.Row))
			case formula.ColumnsRef: // of the rows that are printed
			default:
				return false
			}
		}
	}
	s[sheet] = apart(s[sheet])
	return true
}
