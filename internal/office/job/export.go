package job

import (
	"context"
	"io"
	"path/filepath"

	"gridflow/internal/cell"
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
			p, err := d.exported(ctx, e)
			if err != nil {
				return wire.Request{}, err
			}
			in, err := d.save(ctx, dir, p, intake.Limits.Copy)
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

// exported gives the patch of the copy that is converted.
func (d *Document) exported(ctx context.Context, e Export) (patch.Patch, error) {
	if e.Sheet < 0 {
		if e.Formulas {
			return d.Patch, nil
		}
		p, _, err := d.flat(ctx, nil, nil)
		return p, err
	}
	whole := cell.WholeSheet
	if e.Range != nil {
		whole = *e.Range
	}
	if e.Format == "pdf" {
		p, _, err := d.flat(ctx, nil, nil)
		p.View = patch.ViewPatch{Show: []int{e.Sheet}, Others: patch.OthersHidden}
		if e.Range != nil {
			p.View.Print = []patch.PrintArea{{Sheet: e.Sheet, Range: whole}}
		}
		return p, err
	}
	p, _, err := d.flat(ctx, map[int]cell.Range{e.Sheet: whole}, nil)
	p.View = patch.ViewPatch{Show: []int{e.Sheet}, Others: patch.OthersGone}
	return p, err
}
