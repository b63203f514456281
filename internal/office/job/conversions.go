package job

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"

	"gridflow/internal/office/shelf"
)

// Conversions are workbooks of other formats, each converted once and kept by its contents. They
// are a workspace.Converter, and may be used from any number of goroutines at once.
type Conversions struct {
	Office *Office
	Shelf  *shelf.Shelf // nil: nothing is kept
}

// conversion is a part of the names of files on the shelf. Another number makes all anew.
const conversion = "2"

// Formats are the extensions that can be converted.
func (c *Conversions) Formats() []string { return Foreign }

// Available says why nothing can be converted now. What was converted before can be opened.
func (c *Conversions) Available() error { return c.Office.Runner.Available() }

// Convert opens the .xlsx file that a workbook in src is converted to: see Office.Convert. sum is
// the SHA-256 of src in hex; where src has changed since, nothing is kept.
func (c *Conversions) Convert(ctx context.Context, sum, ext string, src io.ReaderAt, size int64) (*os.File, error) {
	if !slices.Contains(Foreign, ext) {
		return nil, fail(CodeUnsupported, "", "files that end in %q are not converted", ext)
	}
	if c.Shelf == nil {
		return c.once(ctx, sum, ext, src, size)
	}
	name := sum + ext + "." + conversion + ".xlsx"
	if f, err := c.Shelf.Get(name); !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	return c.Shelf.Put(ctx, name, func(w io.Writer) error {
		return c.Office.Convert(ctx, sum, ext, src, size, w)
	})
}

// once converts into a file that goes with its last user.
func (c *Conversions) once(ctx context.Context, sum, ext string, src io.ReaderAt, size int64) (*os.File, error) {
	f, err := os.CreateTemp("", "gridflow-converted-*.xlsx")
	if err != nil {
		return nil, err
	}
	// Where a file that is open cannot be removed it stays for the system to sweep.
	_ = os.Remove(f.Name())
	if err := c.Office.Convert(ctx, sum, ext, src, size, f); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
