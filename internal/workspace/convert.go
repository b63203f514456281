package workspace

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// A Converter makes .xlsx files of workbooks in other formats. Its methods may be called from any
// number of goroutines at once.
type Converter interface {
	// Formats are the extensions that it knows, with the dot, in lower case. They never change.
	Formats() []string
	// Available says why nothing can be converted now; nil: it can.
	Available() error
	// Convert opens an .xlsx file that is made of src, a file of size bytes with the extension
	// ext, whose SHA-256 is sum, in hex. The caller closes it.
	Convert(ctx context.Context, sum, ext string, src io.ReaderAt, size int64) (*os.File, error)
}

// CodeNoConverter is the code of workbooks that cannot be opened without a Converter.
const CodeNoConverter = "BACKEND_UNAVAILABLE"

// convertible are the formats that a Converter may know.
var convertible = []string{".xls", ".xlt", ".xlsb", ".ods", ".ots"}

// converts reports whether a file of that name is one that the workspace's Converter opens.
func (w *Workspace) converts(name string) bool {
	return w.converter != nil && slices.Contains(w.converter.Formats(), strings.ToLower(path.Ext(name))) && w.known(name) && !w.listed(name)
}

// converting reports whether workbooks of other formats can be opened now.
func (w *Workspace) converting() bool { return w.converter != nil && w.converter.Available() == nil }

// openable gives the entry, or the error for a file of a format that does not open.
func (w *Workspace) openable(e Entry) (Entry, error) {
	if !e.foreign {
		return e, nil
	}
	if w.converts(path.Base(e.Path)) {
		if err := w.converter.Available(); err != nil {
			return Entry{}, err
		}
		return e, nil
	}
	ext := strings.ToLower(path.Ext(e.Path))
	err := &Error{
		Code: CodeUnsupported, Message: fmt.Sprintf("%s is %s, which does not open here", e.Path, foreignFormats[ext]),
		Hint: fmt.Sprintf("Files that open: %s. Save it as .xlsx in a spreadsheet program", strings.Join(w.extensions, ", ")),
	}
	if slices.Contains(convertible, ext) {
		err.Code = CodeNoConverter
		err.Hint += ". The operator can let LibreOffice open such files: install it (Debian: libreoffice-calc-nogui) and start the server with --office auto"
	}
	return Entry{}, err
}

// told is an error of a Converter that the caller can understand.
type told interface {
	error
	Told() (code, message, hint string)
}

// converted opens what the Converter makes of the file at an origin, which b reads and info
// describes, and gives its SHA-256.
func (w *Workspace) converted(ctx context.Context, from origin, b *backing, info fs.FileInfo) (f *os.File, sum string, err error) {
	h := sha256.New()
	if err := hashing(ctx, io.NewSectionReader(b, 0, info.Size()), h); err != nil {
		return nil, "", err
	}
	sum = hex.EncodeToString(h.Sum(nil))
	f, err = w.converter.Convert(ctx, sum, strings.ToLower(path.Ext(from.path)), b, info.Size())
	var theirs told
	if errors.As(err, &theirs) {
		code, message, hint := theirs.Told()
		err = &Error{Code: code, Message: from.path + ": " + message, Hint: hint, cause: err}
	}
	return f, sum, err
}
