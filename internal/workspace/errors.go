package workspace

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"gridflow/internal/xlsx"
)

// The codes of [Error]. Those of files that cannot be read are package xlsx's.
const (
	CodeNotFound    = "WORKBOOK_NOT_FOUND"
	CodeAmbiguous   = "WORKBOOK_AMBIGUOUS"
	CodeChanged     = "FILE_CHANGED"
	CodeUnreadable  = string(xlsx.Unreadable)
	CodeUnsupported = string(xlsx.Unsupported)
	CodeBusy        = "TOO_MANY_OPEN_FILES"
)

// Error is a failure that the caller can understand and mend.
type Error struct {
	Code    string
	Message string // what is wrong, with the value that was given
	Hint    string // what to do next

	RetryAfter time.Duration // 0 unless it is worth trying again after that time

	cause error
}

// Error gives the text without the hint.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Unwrap gives the error behind this one, if any.
func (e *Error) Unwrap() error { return e.cause }

// fileError words what went wrong with the file at path, in the terms of the caller.
func fileError(path string, err error) error {
	var ours *Error
	var theirs *xlsx.Error
	var open *diskRefusal
	var hang *hangError
	var system *fs.PathError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &open):
		return circuitError(path, open)
	case errors.As(err, &hang):
		return stuckError(path, hang)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.As(err, &ours):
		return err
	case errors.As(err, &theirs):
		return &Error{Code: string(theirs.Code), Message: fmt.Sprintf("%s: %v", path, theirs), Hint: theirs.Hint, cause: err}
	case outOfFiles(err):
		return &Error{Code: CodeBusy, Message: path + " cannot be opened now: as many files are open as may be", Hint: "Call again in a while; the operator can raise the limit of open files (ulimit -n)", RetryAfter: time.Second, cause: err}
	case errors.Is(err, fs.ErrNotExist):
		return &Error{Code: CodeNotFound, Message: path + " is no longer there", Hint: "Call list_workbooks to see what is", cause: err}
	case errors.Is(err, fs.ErrPermission):
		return &Error{Code: CodeUnreadable, Message: path + " may not be read by the server", Hint: "Give the server's user the right to read it", cause: err}
	case errors.As(err, &system): // among others: a link that leads out of the root
		return &Error{Code: CodeUnreadable, Message: fmt.Sprintf("%s cannot be read: %v", path, system.Err), Hint: "Call list_workbooks to see what can", cause: err}
	}
	return err
}

// inTheFile tells whether a failure to open a workbook lies in the bytes of its file, so
// that it stays as long as they do.
func inTheFile(err error) bool {
	var theirs *xlsx.Error
	var open *diskRefusal
	return errors.As(err, &theirs) && !errors.As(err, &open) && !broken(err)
}

func errNotRegular(path string) error {
	return &Error{Code: CodeUnsupported, Message: path + " is not a regular file", Hint: "Copy it to one"}
}
