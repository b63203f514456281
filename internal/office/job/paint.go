package job

import (
	"context"
	"fmt"
	"image"
	"io"
	"path/filepath"
	"slices"

	"gridflow/internal/book"
	"gridflow/internal/cell"
	"gridflow/internal/office"
	"gridflow/internal/office/wire"
	"gridflow/internal/xlsx/patch"
)

// PaintOptions say how a picture is to look.
type PaintOptions struct {
	Scale     float64 // pixels for each 1/96 inch
	Gridlines *bool   // nil: as the sheet says
	MaxSide   int     // pixels of width or height, and …
	MaxPixels int     // … of both together, that a picture may have
}

// A Painting is a picture of cells.
type Painting struct {
	Image *image.NRGBA
	// Cols and Rows are the edges of columns and rows in pixels from the left and the top: one
	// more than there are columns and rows. What is hidden has no width.
	Cols, Rows []int
}

// Paint draws a range of a sheet as the document has it now, the edits of a fork included. A
// hidden sheet is drawn as if it were shown. A picture that would be larger than it may is
// refused with RENDER_TOO_LARGE.
func (o *Office) Paint(ctx context.Context, d Document, sheet int, area cell.Range, opt PaintOptions) (*Painting, error) {
	var p *Painting
	lines := "as it is"
	if opt.Gridlines != nil {
		lines = fmt.Sprint(*opt.Gridlines)
	}
	var listed []int // the sheets of the copy
	err := o.run(ctx, CodeRender, d.Key, office.Job{
		Op: wire.Paint, Share: fmt.Sprintf("paint %s %d %v %v %s %d", d.Key, sheet, area, opt.Scale, lines, opt.MaxPixels),
		Prepare: func(dir string) (wire.Request, error) {
			in, sheets, err := d.drawn(ctx, dir, sheet, area, opt, o.bounds)
			listed = sheets
			return wire.Request{
				Op: wire.Paint, In: in, Out: filepath.Join(dir, outName), Sheet: slices.Index(listed, sheet), Scale: opt.Scale, MaxPixels: opt.MaxPixels,
				Range: wire.Range{FirstRow: area.First.Row, FirstCol: area.First.Col, LastRow: area.Last.Row, LastCol: area.Last.Col},
			}, err
		},
		Collect: func(dir string, r wire.Response) (err error) {
			// It was told the number of the sheet, which is another one's where it has left one out.
			infos := d.Snapshot.Workbook().Sheets
			at := slices.Index(listed, sheet)
			if n := len(r.Sheets); n > 0 && n != len(listed) && (at >= n || book.FoldName(r.Sheets[at]) != book.FoldName(infos[sheet].Name)) {
				return fail(CodeRender, "Save the workbook in a spreadsheet program, which may mend it", "LibreOffice has %d of the workbook's %d sheets, and another one in the place of %q", n, len(listed), clip(infos[sheet].Name, 64))
			}
			p, err = collect(filepath.Join(dir, outName), r.Picture, area, opt)
			return err
		},
	})
	return p, err
}

// drawn writes the copy that is drawn; it gives where it is, and which sheets it has.
func (d *Document) drawn(ctx context.Context, dir string, sheet int, area cell.Range, opt PaintOptions, b bounds) (in string, sheets []int, err error) {
	shown, err := d.seenIn(ctx, sheet, area, b)
	if ctx.Err() != nil {
		return "", nil, err
	}
	if err != nil {
		shown = nil // what cannot be read beside the cells is LibreOffice's to read
	}
	return d.saveSeen(ctx, dir, shown, func(sheets []int, p *patch.Patch) {
		p.View = patch.ViewPatch{Show: []int{sheet}}
		if len(sheets) < len(d.Snapshot.Workbook().Sheets) {
			p.View.Others = patch.OthersGone
			p.View.Show = append(p.View.Show, slices.DeleteFunc(slices.Clone(sheets), func(i int) bool { return i == sheet })...)
		}
		if opt.Gridlines != nil {
			p.View.Gridlines = map[int]bool{sheet: *opt.Gridlines}
		}
	})
}

// collect reads the pixels that a worker has painted, and looks whether they are what it says.
func collect(path string, w *wire.Picture, area cell.Range, opt PaintOptions) (*Painting, error) {
	wrong := func(what string) error {
		return fail(CodeRender, "Try again", "LibreOffice gave no picture of the range: %s", what)
	}
	switch {
	case w == nil:
		return nil, wrong("it says nothing of one")
	case w.Width <= 0 || w.Height <= 0:
		return nil, fail(CodeRender, "Give a range with visible rows and columns", "all rows or all columns of %v are hidden, so that there is nothing to see", area)
	case w.Width > opt.MaxSide || w.Height > opt.MaxSide || w.Width*w.Height > opt.MaxPixels:
		return nil, fail(CodeTooLarge, "", "the picture of %v would have %d by %d pixels", area, w.Width, w.Height)
	case len(w.Cols) != area.Cols()+1 || len(w.Rows) != area.Rows()+1 || !rising(w.Cols, w.Width) || !rising(w.Rows, w.Height):
		return nil, wrong("its columns and rows are not those of the range")
	}
	f, size, err := made(path, CodeRender)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	img := image.NewNRGBA(image.Rect(0, 0, w.Width, w.Height))
	if size != int64(len(img.Pix)) {
		return nil, wrong(fmt.Sprintf("%d bytes are no picture of %d by %d pixels", size, w.Width, w.Height))
	}
	if _, err := io.ReadFull(f, img.Pix); err != nil {
		return nil, err
	}
	return &Painting{Image: img, Cols: w.Cols, Rows: w.Rows}, nil
}

// rising reports whether edges go from 0 to the end, never back.
func rising(edges []int, end int) bool {
	for i := 1; i < len(edges); i++ {
		if edges[i] < edges[i-1] {
			return false
		}
	}
	return edges[0] == 0 && edges[len(edges)-1] == end
}
