package job

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"path/filepath"

	"gridflow/internal/office"
	"gridflow/internal/office/intake"
	"gridflow/internal/office/wire"
	"gridflow/internal/xlsx"
)

// Foreign are the extensions of workbooks that LibreOffice makes .xlsx files of.
var Foreign = []string{".xls", ".xlt", ".xlsb", ".ods", ".ots"}

// formats are what files of these extensions have to be.
var formats = map[string]intake.Format{".xls": intake.XLS, ".xlt": intake.XLS, ".xlsb": intake.XLSB, ".ods": intake.ODS, ".ots": intake.ODS}

// Convert writes an .xlsx file to w that is made of another kind of workbook, in src, which has
// size bytes, the extension ext, one of Foreign, and the SHA-256 sum, in hex. What is no workbook
// of that kind, or is encrypted, is refused without LibreOffice seeing it, and what LibreOffice sees
// loads nothing from outside of itself: see package intake.
func (o *Office) Convert(ctx context.Context, sum, ext string, src io.ReaderAt, size int64, w io.Writer) error {
	return o.run(ctx, CodeUnreadable, sum, office.Job{
		Op: wire.Convert, Share: "open " + ext + " " + sum,
		Prepare: func(dir string) (wire.Request, error) {
			raw, in := filepath.Join(dir, rawName), filepath.Join(dir, "in"+ext)
			err := create(raw, func(w io.Writer) error {
				h := sha256.New()
				_, err := io.Copy(io.MultiWriter(w, h), io.NewSectionReader(src, 0, size))
				if err == nil && hex.EncodeToString(h.Sum(nil)) != sum {
					return fail("FILE_CHANGED", "Call again: the next call sees the new contents", "the file was changed while it was being read")
				}
				return err
			})
			if err == nil {
				err = shown(in, raw, formats[ext], intake.Limits.Copy)
			}
			return wire.Request{Op: wire.Convert, In: in, Out: filepath.Join(dir, outName+".xlsx"), Format: "xlsx"}, err
		},
		Collect: func(dir string, _ wire.Response) error {
			f, size, err := made(filepath.Join(dir, outName+".xlsx"), CodeUnreadable)
			if err != nil {
				return err
			}
			defer f.Close()
			if _, err := xlsx.Open(ctx, f, size, o.Limits); err != nil {
				var theirs *xlsx.Error
				if errors.As(err, &theirs) {
					return fail(CodeUnreadable, "Save it as .xlsx in a spreadsheet program", "what LibreOffice made of the file cannot be read: %v", err)
				}
				return err
			}
			_, err = io.Copy(w, io.NewSectionReader(f, 0, size))
			return err
		},
	})
}
