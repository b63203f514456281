package office

import (
	"errors"
	"fmt"
	"time"

	"gridflow/flow/breaker"
	"gridflow/internal/office/wire"
)

// The codes of [Error]. Those of a backend that crashed are made by [crashCode], those of one
// that gave nothing by [emptyCode].
const (
	CodeUnavailable = "BACKEND_UNAVAILABLE" // there is no LibreOffice, or it is switched off
	CodeNotStarted  = "BACKEND_NOT_STARTED" // there is one, but it does not start
	CodeTimeout     = "TIMEOUT"             // the job took longer than jobs may
	CodeCircuitOpen = "CIRCUIT_OPEN"        // it has failed too often, or this document has
	CodeOverloaded  = "OVERLOADED"          // too many jobs wait
	CodeDraining    = "DRAINING"            // the server stops
)

// An Error is a failure that the caller of a tool can be told.
type Error struct {
	Code       string
	Message    string // what happened
	Hint       string // what to do
	RetryAfter time.Duration
	Cause      error // what it came from; nil: nothing more is known
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Cause }

// A FailedError is what LibreOffice said of the document or the request. It and the worker
// are well.
type FailedError struct {
	Op wire.Op
	wire.Failure
}

func (e *FailedError) Error() string {
	return fmt.Sprintf("LibreOffice could not %s: %s (%s)", verb(e.Op), e.Message, e.Code)
}

// names are the words for the kinds of jobs: in codes, in texts.
func names(op wire.Op) (code, verb string) {
	switch op {
	case wire.Recalculate:
		return "RECALC", "recalculate the workbook"
	case wire.Paint:
		return "RENDER", "draw the sheet"
	case wire.Convert:
		return "CONVERT", "convert the document"
	}
	return "OFFICE", "answer"
}

func verb(op wire.Op) string { _, v := names(op); return v }

// crashCode gives the code of an error of a worker that died: RECALC_BACKEND_CRASHED,
// RENDER_BACKEND_CRASHED, CONVERT_BACKEND_CRASHED.
func crashCode(op wire.Op) string { c, _ := names(op); return c + "_BACKEND_CRASHED" }

// emptyCode gives the code of an error of a worker that says it is done and has written
// nothing: RECALC_NO_EFFECT, RENDER_NO_EFFECT, CONVERT_NO_EFFECT.
func emptyCode(op wire.Op) string { c, _ := names(op); return c + "_NO_EFFECT" }

func crashed(op wire.Op, exit Exit, cause error) *Error {
	what := exit.What
	if what == "" {
		what = "it is gone"
	}
	hint := "Nothing was changed. Call again; a workbook that crashes it twice in a row is set aside for a while"
	if exit.OutOfMemory {
		what = "it needed more memory than it may have"
		hint = "Nothing was changed. The workbook may be too large for LibreOffice; the operator can give it more with --office-memory"
	}
	return &Error{Code: crashCode(op), Message: fmt.Sprintf("LibreOffice ended while it was to %s: %s", verb(op), what), Hint: hint, Cause: cause}
}

func empty(op wire.Op) *Error {
	return &Error{Code: emptyCode(op), Message: fmt.Sprintf("LibreOffice said that it did %s, but gave nothing", verb(op)), Hint: "Nothing was changed. Call again"}
}

func tookTooLong(op wire.Op, limit time.Duration, cause error) *Error {
	return &Error{
		Code: CodeTimeout, Cause: cause,
		Message: fmt.Sprintf("LibreOffice was to %s and was stopped after %v", verb(op), limit),
		Hint:    "Nothing was changed. The operator can allow more with --office-timeout",
	}
}

func notStarted(cause error) *Error {
	return &Error{
		Code: CodeNotStarted, Cause: cause, Message: fmt.Sprintf("LibreOffice is installed but does not start: %v", cause),
		Hint: "The log has what it said. What needs no LibreOffice works",
	}
}

// refused words the refusal of a breaker.
func refused(err error) error {
	var open *breaker.OpenError
	if !errors.As(err, &open) {
		return err
	}
	e := &Error{Code: CodeCircuitOpen, RetryAfter: open.RetryAfter, Cause: open,
		Message: "LibreOffice has failed several times and is left alone for now",
		Hint:    "Nothing was tried. Call again later; what needs no LibreOffice works"}
	if open.Key != "" {
		e.Message = "LibreOffice has failed on this workbook each time, which is set aside for now"
		e.Hint = "Nothing was tried. Call again later, or change the workbook; others work"
	}
	return e
}

// A startError is a worker that could not be started.
type startError struct{ error }

func (e startError) Unwrap() error { return e.error }
