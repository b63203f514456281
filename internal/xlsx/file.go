package xlsx

import (
	"context"
	"io"
	"sync"
	"sync/atomic"

	"gridflow/internal/cell"
	"gridflow/internal/grid"
	"gridflow/internal/lazy"
)

// File is an open workbook: what belongs to no single sheet is read, the sheets are read
// when asked for. It may be used from any number of goroutines.
type File struct {
	pkg      *Package
	book     *grid.Workbook
	rels     *relationships // of the workbook part
	workbook *Part

	sharedStrings *Part // nil where there is none
	loads         loads
	index         []atomic.Pointer[sheetIndex] // by sheet, once there is one

	tables  lazy.Load[[]grid.Table]
	persons lazy.Load[map[string]string]

	richErrors func() []cell.ErrorCode // see readRichErrors; read once
}

// Open reads the directory, the workbook part, the styles and the theme of the workbook
// in src, which has size bytes. src must not change while the File is in use. Errors are
// of type *Error, or ctx's own.
func Open(ctx context.Context, src io.ReaderAt, size int64, limits Limits) (*File, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	pkg, err := OpenPackage(src, size, limits)
	if err != nil {
		return nil, err
	}
	f := &File{pkg: pkg}
	f.richErrors = sync.OnceValue(f.readRichErrors)
	top, err := pkg.relationshipsOf("")
	if err != nil {
		return nil, err
	}
	if f.workbook, err = findWorkbook(pkg, top); err != nil {
		return nil, err
	}
	if f.rels, err = pkg.relationshipsOf(f.workbook.Name); err != nil {
		return nil, err
	}
	doc, err := pkg.readXML(f.workbook)
	if err != nil {
		return nil, err
	}
	w, err := parseWorkbook(pkg, doc, f.rels)
	if err != nil {
		return nil, inPart(f.workbook.Name, err)
	}
	f.book = w.book
	if f.book.External, err = externalTargets(pkg, w.external, f.rels); err != nil {
		return nil, err
	}
	// What made the file is told where it can be; a broken docProps is no reason to fail.
	f.book.App, _ = application(pkg, top)
	f.book.HasMacros = f.rels.first("vbaProject") != nil
	if rel := f.rels.first("sharedStrings"); rel != nil {
		f.sharedStrings = rel.part
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f.loads.sheets = make([]lazy.Load[*grid.Sheet], len(f.book.Sheets))
	f.loads.tops = make([]lazy.Load[*grid.Sheet], len(f.book.Sheets))
	f.index = make([]atomic.Pointer[sheetIndex], len(f.book.Sheets))
	f.book.Styles, err = readStyles(pkg, f.rels)
	return f, err
}

// Workbook gives what is known without reading any sheet.
func (f *File) Workbook() *grid.Workbook { return f.book }

// Package gives the package behind the workbook.
func (f *File) Package() *Package { return f.pkg }
