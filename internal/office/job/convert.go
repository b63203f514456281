package job

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"path/filepath"
	"strings"

	"gridflow/internal/office"
	"gridflow/internal/office/wire"
	"gridflow/internal/xlsx"
)

// Foreign are the extensions of workbooks that LibreOffice makes .xlsx files of.
var Foreign = []string{".xls", ".xlt", ".xlsb", ".ods", ".ots"}

// Convert writes an .xlsx file to w that is made of another kind of workbook, in src, which has
// size bytes, the extension ext, one of Foreign, and the SHA-256 sum, in hex. What is no workbook
// of that kind, is encrypted, or an OpenDocument that would load something from outside of itself
// is refused without LibreOffice seeing it.
func (o *Office) Convert(ctx context.Context, sum, ext string, src io.ReaderAt, size int64, w io.Writer) error {
	if err := inspect(ext, src, size); err != nil {
		return err
	}
	return o.run(ctx, CodeUnreadable, sum, office.Job{
		Op: wire.Convert, Share: "open " + ext + " " + sum,
		Prepare: func(dir string) (wire.Request, error) {
			in := filepath.Join(dir, "in"+ext)
			err := create(in, func(w io.Writer) error {
				h := sha256.New()
				_, err := io.Copy(io.MultiWriter(w, h), io.NewSectionReader(src, 0, size))
				if err == nil && hex.EncodeToString(h.Sum(nil)) != sum {
					return fail("FILE_CHANGED", "Call again: the next call sees the new contents", "the file was changed while it was being read")
				}
				return err
			})
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

// inspect refuses what must not come before LibreOffice.
func inspect(ext string, src io.ReaderAt, size int64) error {
	head := make([]byte, min(size, 8))
	if _, err := src.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	wrong := func(what string) error {
		return fail(CodeUnreadable, "Check what the file is, and name it so", "the file is named %s and %s", ext, what)
	}
	ole := string(head) == "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"
	zipped := strings.HasPrefix(string(head), "PK\x03\x04")
	switch ext {
	case ".xls", ".xlt":
		// Workbooks of Excel 2 to 4 are no compound files: they begin with a BOF record.
		if biff := len(head) >= 4 && head[0] == 9 && head[1]&^0x0E == 0 && head[3] == 0; !ole && !biff {
			return wrong("is no Excel 97-2003 workbook")
		}
		return nil
	case ".xlsb":
		if ole {
			return fail(CodeEncrypted, "Open it in a spreadsheet program, remove the password and save it", "the workbook is encrypted: it opens with a password only")
		}
		if !zipped {
			return wrong("is no binary workbook")
		}
		return inspectBinary(src, size)
	}
	if !zipped {
		return wrong("is no OpenDocument spreadsheet")
	}
	return inspectODF(src, size)
}
