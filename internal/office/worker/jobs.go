package worker

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"

	"gridflow/internal/office/lok"
	"gridflow/internal/office/wire"
)

// The folders of a worker within its own.
const (
	profileName = "profile"
	scratchName = "tmp"
)

// An office is what a worker does its jobs with. Its goroutine alone uses it.
type office struct {
	lo   *lok.Office
	dir  string // the worker's folder, without symbolic links
	jobs string // the folder that all jobs' folders lie in, without symbolic links
}

// do does one job. Whatever comes of it, the worker is ready for the next.
func (w *office) do(r wire.Request) wire.Response {
	response, err := w.try(r)
	if err != nil {
		var f *failure
		if !errors.As(err, &f) {
			f = &failure{wire.Broken, err}
		}
		response.Failure = failed(f.code, f.err)
	}
	return response
}

// A failure is an error that knows its code.
type failure struct {
	code wire.Code
	err  error
}

func (f *failure) Error() string { return f.err.Error() }

func fail(code wire.Code, format string, args ...any) error {
	return &failure{code, fmt.Errorf(format, args...)}
}

func (w *office) try(r wire.Request) (response wire.Response, err error) {
	format := r.Format
	switch r.Op {
	case wire.Ping:
		return response, nil
	case wire.Recalculate:
		format = "xlsx"
	case wire.Convert:
		switch format {
		case "xlsx", "ods", "pdf":
		default:
			return response, fail(wire.BadRequest, "there is no format %q to convert to, but xlsx, ods and pdf", r.Format)
		}
	case wire.Paint:
		if err := checkPaint(&r); err != nil {
			return response, err
		}
	default:
		return response, fail(wire.BadRequest, "there is no operation %q", r.Op)
	}
	if err := w.checkPaths(r); err != nil {
		return response, err
	}

	d, err := w.lo.Load(r.In)
	if err != nil {
		return response, &failure{wire.NotLoaded, err}
	}
	defer func() {
		if closing := d.Close(); err == nil {
			err = closing
		}
	}()
	if ok, err := d.Spreadsheet(); err != nil {
		return response, err
	} else if !ok {
		return response, fail(wire.NotLoaded, "LibreOffice takes the document for something else than a workbook")
	}
	if response.Sheets, err = d.Sheets(); err != nil {
		return response, err
	}
	if r.Op == wire.Paint {
		response.Picture, err = paint(d, r, response.Sheets)
		return response, err
	}
	if err := d.Save(r.Out, format, r.Filter); err != nil {
		return response, &failure{wire.NotWritten, err}
	}
	return response, written(r.Out)
}

// written makes sure that there is a file; LibreOffice's word is not enough.
func written(path string) error {
	if info, err := os.Stat(path); err != nil || info.Size() == 0 {
		return fail(wire.NotWritten, "LibreOffice says that it has written the document, but has not")
	}
	return nil
}

// checkPaths refuses what does not lie in the folder of one job. What lay at Out goes.
func (w *office) checkPaths(r wire.Request) error {
	for _, path := range []string{r.In, r.Out} {
		if !filepath.IsAbs(path) || filepath.Clean(path) != path || strings.ContainsRune(path, 0) {
			return fail(wire.BadRequest, "%q is not the full path of a file", path)
		}
	}
	folder := filepath.Dir(r.In)
	if filepath.Dir(r.Out) != folder || r.Out == r.In {
		return fail(wire.BadRequest, "%q and %q are not two files of one folder", r.In, r.Out)
	}
	real, err := filepath.EvalSymlinks(folder)
	if err != nil {
		return fail(wire.BadRequest, "the folder of the job: %v", err)
	}
	if !within(w.jobs, real) || real == w.dir || within(filepath.Join(w.dir, profileName), real) || within(filepath.Join(w.dir, scratchName), real) {
		return fail(wire.BadRequest, "%q does not lie in a folder for jobs", r.In)
	}
	switch info, err := os.Lstat(r.In); {
	case err != nil:
		return fail(wire.BadRequest, "the document: %v", err)
	case !info.Mode().IsRegular():
		return fail(wire.BadRequest, "the document %q is not a regular file", r.In)
	}
	switch info, err := os.Lstat(r.Out); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fail(wire.BadRequest, "what is to be written: %v", err)
	case !info.Mode().IsRegular():
		return fail(wire.BadRequest, "%q is there, and is not a regular file", r.Out)
	}
	if err := os.Remove(r.Out); err != nil {
		return fail(wire.BadRequest, "what is to be written: %v", err)
	}
	return nil
}

// within reports whether a clean path is dir or lies in it.
func within(dir, path string) bool {
	rest, ok := strings.CutPrefix(path, dir)
	return ok && (rest == "" || rest[0] == filepath.Separator || strings.HasSuffix(dir, string(filepath.Separator)))
}

// warmUp does, in the folder scratch, what the first job would wait for.
func (w *office) warmUp(scratch string) error {
	dir, err := os.MkdirTemp(scratch, "warm-up-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	in, out := filepath.Join(dir, "in.xlsx"), filepath.Join(dir, "out")
	if err := writeWarmUp(in); err != nil {
		return err
	}
	d, err := w.lo.Load(in)
	if err != nil {
		return err
	}
	if err := d.Save(out+".xlsx", "xlsx", ""); err != nil {
		return err
	}
	r := wire.Request{Op: wire.Paint, In: in, Out: out, Range: wire.Range{LastRow: 3, LastCol: 3}, Scale: 1}
	if _, err := paint(d, r, []string{"Sheet1"}); err != nil {
		return err
	}
	return d.Close()
}

// checkPaint refuses what no sheet can have, and fills in the scale.
func checkPaint(r *wire.Request) error {
	const rows, cols = 1 << 20, 1 << 14
	g := r.Range
	if g.FirstRow < 0 || g.FirstRow > g.LastRow || g.LastRow >= rows || g.FirstCol < 0 || g.FirstCol > g.LastCol || g.LastCol >= cols {
		return fail(wire.BadRequest, "the range %+v is none of a sheet", g)
	}
	if r.Scale == 0 {
		r.Scale = 1
	}
	if least, most := float64(lok.ZoomMin)/100, float64(lok.ZoomMax)/100; !(r.Scale >= least && r.Scale <= most) {
		return fail(wire.BadRequest, "the scale %v is not from %v to %v", r.Scale, least, most)
	}
	return nil
}

// paint draws a range into r.Out.
func paint(d *lok.Document, r wire.Request, sheets []string) (*wire.Picture, error) {
	if r.Sheet < 0 || r.Sheet >= len(sheets) {
		return nil, fail(wire.NoSheet, "there is no sheet %d; the workbook has %d", r.Sheet, len(sheets))
	}
	switch hidden, err := d.Hidden(r.Sheet); {
	case err != nil:
		return nil, err
	case hidden:
		return nil, fail(wire.NoSheet, "the sheet %q is hidden, and cannot be painted", sheets[r.Sheet])
	}
	if err := d.Show(r.Sheet); err != nil {
		return nil, err
	}
	g, err := d.Geometry()
	if err != nil {
		return nil, err
	}
	zoom := lok.Zoom(math.Round(r.Scale * 100))
	area := rectangle{cols: g.Cols.Edges(r.Range.FirstCol, r.Range.LastCol, zoom), rows: g.Rows.Edges(r.Range.FirstRow, r.Range.LastRow, zoom)}
	p := &wire.Picture{Width: area.width(), Height: area.height()}
	switch {
	case p.Width == 0 || p.Height == 0:
		return nil, fail(wire.BadRequest, "all columns or all rows of the range are hidden")
	case r.MaxPixels > 0 && p.Width > r.MaxPixels/p.Height:
		return p, fail(wire.TooLarge, "the picture would have %d × %d pixels, more than %d", p.Width, p.Height, r.MaxPixels)
	}
	f, err := os.OpenFile(r.Out, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, &failure{wire.NotWritten, err}
	}
	err = area.paint(d, zoom, f)
	if closing := f.Close(); err == nil && closing != nil {
		err = &failure{wire.NotWritten, closing}
	}
	if err != nil {
		return nil, err
	}
	p.Cols, p.Rows = shift(area.cols), shift(area.rows)
	return p, nil
}

// shift counts edges from the first one.
func shift(edges []int) []int {
	out := make([]int, len(edges))
	for i, e := range edges {
		out[i] = e - edges[0]
	}
	return out
}
