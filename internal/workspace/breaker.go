package workspace

import (
	"errors"
	"fmt"
	"log/slog"
	"syscall"
	"time"

	"gridflow/flow/breaker"
)

// CodeCircuitOpen is the code of reads that are refused because the file system under a
// root, or the part of it where one file lies, has failed again and again.
const CodeCircuitOpen = "CIRCUIT_OPEN"

// CodeReadTimeout is the code of a read that the disk or the network did not answer in time.
const CodeReadTimeout = "READ_TIMEOUT"

// newBreaker makes the breaker of a root. It stands before each read of a file, so that
// what is in memory is not affected, and a file on a bad spot of the disk is set aside
// alone.
func newBreaker(root string, log *slog.Logger) (*breaker.Breaker, error) {
	conf := breaker.Files()
	conf.Classify = func(err error) breaker.Verdict {
		if broken(err) {
			return breaker.Failure
		}
		return breaker.Neutral
	}
	conf.On = breaker.Listener{
		Changed: func(_ string, from, to breaker.State) {
			log.Warn("reading a root", "root", root, "breaker", to.String(), "was", from.String())
		},
		Quarantined: func(_, key string, d time.Duration) {
			log.Warn("a file cannot be read again and again; it is set aside", "root", root, "workbook", key, "for", d)
		},
		Released: func(_, key string) { log.Info("a file that was set aside can be read", "root", root, "workbook", key) },
	}
	return breaker.New(root, conf)
}

// broken tells whether an error is one of the file system or the device, and neither of
// who reads nor of what is read.
func broken(err error) bool {
	for _, bad := range []error{syscall.EIO, syscall.ENXIO, syscall.ENODEV, syscall.ESTALE, syscall.ETIMEDOUT, syscall.ENOTCONN, syscall.EHOSTDOWN, syscall.EHOSTUNREACH} {
		if errors.Is(err, bad) {
			return true
		}
	}
	return false
}

// A diskRefusal is that of the breaker of a root. An [breaker.OpenError] by itself is somebody else's, such as a Converter's,
// and says nothing of the disk.
type diskRefusal struct{ *breaker.OpenError }

// Unwrap gives the breaker's own error.
func (r *diskRefusal) Unwrap() error { return r.OpenError }

// circuitError words a refusal for the caller.
func circuitError(path string, open *diskRefusal) error {
	what := "the folder that holds " + path
	if open.Key != "" {
		what = path
	}
	return &Error{
		Code:    CodeCircuitOpen,
		Message: fmt.Sprintf("%s could not be read several times, because of the disk or the network", what),
		Hint:    "Nothing was tried; call again later. Workbooks that are in memory can be read",
		// At least the time that the breaker asks for.
		RetryAfter: open.RetryAfter,
		cause:      open,
	}
}

// hangError is the failure of a read that has taken longer than it may.
type hangError struct{ after time.Duration }

func (e *hangError) Error() string { return fmt.Sprintf("no answer within %v", e.after) }

// Is makes it a failure of the device like those that the system reports.
func (e *hangError) Is(target error) bool { return target == syscall.ETIMEDOUT }

// stuckError words a read that hangs for the caller.
func stuckError(path string, hang *hangError) error {
	return &Error{
		Code:       CodeReadTimeout,
		Message:    fmt.Sprintf("%s could not be read: the disk or the network gave no answer within %v", path, hang.after),
		Hint:       "Call again later. Workbooks that are in memory can be read",
		RetryAfter: breaker.Files().OpenFor,
		cause:      hang,
	}
}
