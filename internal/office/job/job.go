package job

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"gridflow/internal/book"
	"gridflow/internal/office"
	"gridflow/internal/office/intake"
	"gridflow/internal/office/wire"
	"gridflow/internal/xlsx"
	"gridflow/internal/xlsx/patch"
)

// A Runner has office workers; *office.Pool is it. Any number of goroutines may call it.
type Runner interface {
	// Available says why nothing can be done now; nil: it can.
	Available() error
	// Run does one job on the first worker that is free, and comes back when it is done or ctx
	// has ended. key names the contents of the document, so that one which breaks workers can be
	// set aside alone.
	Run(ctx context.Context, key string, job office.Job) error
}

// Office does the jobs. It may be used from any number of goroutines at once.
type Office struct {
	Runner Runner
	Limits xlsx.Limits // of what a worker writes

	bounds bounds // of a test; the zero value are those that hold
}

// A Document is a workbook, or a version of a fork: see forks.Package.
type Document struct {
	Snapshot *book.Snapshot
	File     *xlsx.File
	Patch    patch.Patch
	Key      string
}

// The codes of [Error].
const (
	CodeNoEffect     = "RECALC_NO_EFFECT" // the pool has it for a worker that writes nothing
	CodeFailed       = "RECALC_FAILED"
	CodeRender       = "RENDER_FAILED"
	CodeTooLarge     = "RENDER_TOO_LARGE"
	CodeUnreadable   = string(xlsx.Unreadable)
	CodeUnsupported  = string(xlsx.Unsupported)
	CodeEncrypted    = string(xlsx.Encrypted)
	CodeFileTooLarge = string(xlsx.TooLarge)
	CodeConvert      = "CONVERT_FAILED"
)

// Error is a failure that the caller can understand and mend.
type Error struct {
	Code    string
	Message string // what is wrong
	Hint    string // what to do next
	cause   error
}

// Error gives the text without the hint.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Told gives what a caller is told, for rooms that say of which file it is.
func (e *Error) Told() (code, message, hint string) { return e.Code, e.Message, e.Hint }

// Unwrap gives the error behind this one, if any.
func (e *Error) Unwrap() error { return e.cause }

func fail(code, hint, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), Hint: hint}
}

// run does a job. What LibreOffice says of the document gets the code.
func (o *Office) run(ctx context.Context, code, key string, j office.Job) error {
	err := o.Runner.Run(ctx, key, j)
	var said *office.FailedError
	if !errors.As(err, &said) {
		return err
	}
	e := fail(code, "", "LibreOffice: %s", strings.TrimSuffix(clip(said.Message, 300), "."))
	e.cause = err
	switch said.Code {
	case wire.NotLoaded:
		e.Message = "LibreOffice does not open the document: " + clip(said.Message, 300)
		e.Hint = "Check that the file opens in a spreadsheet program, without a password"
	case wire.NotWritten:
		e.Message = "LibreOffice opened the document and wrote nothing: " + clip(said.Message, 300)
	case wire.TooLarge:
		e.Code = CodeTooLarge
	}
	return e
}

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}

// The names of files in the folder of a job.
const (
	rawName = "raw" // what is not for LibreOffice as it is
	inName  = "in.xlsx"
	outName = "out"
)

// create writes a file of a job.
func create(name string, write func(io.Writer) error) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}

// A copier writes what LibreOffice is shown of a file.
type copier func(l intake.Limits, dst, src string, wanted ...intake.Format) (intake.Format, error)

// ownSheet is the sheet that a new document of LibreOffice has. Where the first one of a file has its name in other letters, LibreOffice
// takes that for taken, and names it anew: then no formula and no print area finds it.
const ownSheet = "Sheet1"

// save writes the document of a job with a patch.
func (d *Document) save(ctx context.Context, dir string, p patch.Patch, copied copier) (path string, err error) {
	first := 0 // of the copy
	if p.View.Others == patch.OthersGone {
		first = slices.Min(p.View.Show)
	}
	if name := d.Snapshot.Workbook().Sheets[first].Name; name != ownSheet && book.FoldName(name) == book.FoldName(ownSheet) {
		p.View.Spelled = map[int]string{first: ownSheet}
	}
	raw := filepath.Join(dir, rawName)
	err = create(raw, func(w io.Writer) error {
		_, err := patch.Save(ctx, d.File, p, w)
		return err
	})
	if err != nil {
		return "", err
	}
	path = filepath.Join(dir, inName)
	return path, shown(path, raw, intake.XLSX, copied)
}

// shown makes of the file raw, which goes, the one that LibreOffice is shown.
func shown(in, raw string, format intake.Format, copied copier) error {
	defer os.Remove(raw)
	_, err := copied(intake.Limits{}, in, raw, format)
	var theirs *intake.Error
	if !errors.As(err, &theirs) {
		return err
	}
	e := fail(CodeUnreadable, "Check what the file is, and that it opens in a spreadsheet program", "LibreOffice is not shown it: %s", theirs.Detail)
	e.cause = err
	switch theirs.Reason {
	case intake.Encrypted:
		e.Code, e.Hint = CodeEncrypted, "Open it in a spreadsheet program, remove the password and save it"
	case intake.TooLarge:
		e.Code, e.Hint = CodeFileTooLarge, "Split the workbook, or use what needs no LibreOffice"
	case intake.OtherFormat, intake.NotWorkbook:
		e.Code, e.Hint = CodeUnsupported, "Check what the file is, and name it so"
	}
	return e
}

// made opens what a worker has made. It is a regular file, whatever the worker put there: what is
// behind a link may be anything.
func made(path, code string) (*os.File, int64, error) {
	info, err := os.Lstat(path)
	if err == nil && (!info.Mode().IsRegular() || info.Size() == 0) {
		err = fmt.Errorf("%v, %d bytes", info.Mode(), info.Size())
	}
	if err != nil {
		e := fail(code, "Try again", "LibreOffice said that it was done, and there is no result")
		e.cause = err
		return nil, 0, e
	}
	f, err := openSame(path, info)
	if err != nil {
		e := fail(code, "Try again", "the result of LibreOffice cannot be opened")
		e.cause = err
		return nil, 0, e
	}
	return f, info.Size(), nil
}

// openSame opens the file that info describes. The worker may have put something else in its place
// since: a link out of its folder, or a pipe, which is not to be waited for.
func openSame(path string, info os.FileInfo) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if now, err := f.Stat(); err != nil || !os.SameFile(info, now) {
		f.Close()
		return nil, errors.Join(errors.New("it is another file by now"), err)
	}
	return f, nil
}
