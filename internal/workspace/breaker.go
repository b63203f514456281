package workspace

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"syscall"
	"time"

	"gridflow/flow/breaker"
)

// CodeCircuitOpen is the code of reads that are refused because the file system under a
// root, or the part of it where one file lies, has failed again and again.
const CodeCircuitOpen = "CIRCUIT_OPEN"

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

// Breakers tells of the breakers of the roots, whose names are the paths of the roots.
func (w *Workspace) Breakers() []breaker.Stats {
	all := make([]breaker.Stats, len(w.roots))
	for i, r := range w.roots {
		all[i] = r.breaker.Stats()
	}
	return all
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

// guarded is a file whose reads pass the breaker of its root.
type guarded struct {
	io.ReaderAt
	breaker *breaker.Breaker
	key     string
}

// ReadAt implements io.ReaderAt. The end of the file is no failure.
func (g guarded) ReadAt(p []byte, off int64) (int, error) {
	permit, err := g.breaker.Allow(g.key)
	if err != nil {
		return 0, err
	}
	n, err := g.ReaderAt.ReadAt(p, off)
	if errors.Is(err, io.EOF) {
		permit.Done(nil)
	} else {
		permit.Done(err)
	}
	return n, err
}

// circuitError words a refusal of a breaker for the caller.
func circuitError(path string, open *breaker.OpenError) error {
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
