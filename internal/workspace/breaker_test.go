package workspace

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"gridflow/flow/breaker"
	"gridflow/internal/book"
)

// faulty is a file whose reads fail while fails is set.
type faulty struct {
	io.ReaderAt
	fails *atomic.Bool
	reads *atomic.Int64
}

func (f faulty) ReadAt(p []byte, off int64) (int, error) {
	f.reads.Add(1)
	if f.fails.Load() {
		return 0, &os.PathError{Op: "read", Path: "file", Err: syscall.EIO}
	}
	return f.ReaderAt.ReadAt(p, off)
}

// TestBadDisk: reads that fail because of the disk set the one file aside that they are
// of; when several files fail, nothing more of that root is tried for a while. What is in
// memory can be read all the same, and what the caller does wrong counts for nothing.
func TestBadDisk(t *testing.T) {
	dir := t.TempDir()
	for i := range 8 {
		write(t, filepath.Join(dir, fmt.Sprintf("b%d.csv", i)), "a,b\n1,2\n")
	}
	w := open(t, Options{}, dir)
	fails, reads := map[string]*atomic.Bool{}, new(atomic.Int64)
	for i := range 8 {
		fails[fmt.Sprintf("b%d.csv", i)] = new(atomic.Bool)
	}
	w.readerOf = func(f *os.File) io.ReaderAt {
		return faulty{f, fails[filepath.Base(f.Name())], reads}
	}
	read := func(id string) error {
		return w.View(t.Context(), id, func(s *book.Snapshot) error {
			_, err := s.Sheet(t.Context(), 0)
			return err
		})
	}
	if err := read("b0.csv"); err != nil {
		t.Fatal(err)
	}
	for range 50 {
		if err := read("nothing.csv"); code(err) != CodeNotFound {
			t.Fatal(err)
		}
	}
	conf := breaker.Files()
	fails["b1.csv"].Store(true)
	for i := range 10 {
		before := reads.Load()
		err := read("b1.csv")
		if refused := code(err) == CodeCircuitOpen; err == nil || refused != (i >= int(conf.Poison)) {
			t.Errorf("read %d of a file on a bad spot: %v", i, err)
		} else if refused && reads.Load() != before {
			t.Errorf("read %d was refused and tried all the same", i)
		}
	}
	if err := read("b2.csv"); err != nil {
		t.Errorf("another file: %v", err)
	}
	var e *Error
	for i := 3; i < 8; i++ {
		fails[fmt.Sprintf("b%d.csv", i)].Store(true)
		err := read(fmt.Sprintf("b%d.csv", i))
		if err == nil {
			t.Errorf("b%d.csv could be read", i)
		}
		errors.As(err, &e)
	}
	if e == nil || e.Code != CodeCircuitOpen || e.RetryAfter <= 0 || e.RetryAfter > conf.OpenFor {
		t.Errorf("the last of many files that fail: %v", e)
	}
	if err := read("b0.csv"); err != nil {
		t.Errorf("what is in memory: %v", err)
	}
}

// TestProbe: after the time of the breaker one read tries, and when enough have succeeded
// all go through again.
func TestProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, err := newDisk("root", 0, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		var fails atomic.Bool
		var reads atomic.Int64
		conf := breaker.Files()
		file := func(key string) guarded {
			return guarded{faulty{strings.NewReader("0123456789"), &fails, &reads}, d, key}
		}
		fails.Store(true)
		for i := range int(conf.Failures) {
			if _, err := file(fmt.Sprint("k", i)).ReadAt(make([]byte, 4), 0); !errors.Is(err, syscall.EIO) {
				t.Errorf("read %d: %v", i, err)
			}
		}
		fails.Store(false)
		var open *breaker.OpenError
		if _, err := file("other").ReadAt(make([]byte, 4), 0); !errors.As(err, &open) {
			t.Errorf("with the breaker open: %v", err)
		}
		time.Sleep(conf.OpenFor)
		before := reads.Load()
		for range int(conf.Successes) {
			if _, err := file("other").ReadAt(make([]byte, 4), 8); err != io.EOF {
				t.Errorf("a probe at the end of the file: %v", err)
			}
		}
		if b := d.breaker; b.State() != breaker.Closed || reads.Load()-before != int64(conf.Successes) {
			t.Errorf("after %d probes the breaker is %v", reads.Load()-before, b.State())
		}
	})
}

// TestBroken: what a device or a network does counts for the breaker of a root; what is so of a file, or of who asks, does not.
func TestBroken(t *testing.T) {
	for want, list := range map[bool][]error{
		true: {syscall.EIO, syscall.ENXIO, syscall.ENODEV, syscall.ESTALE, syscall.ETIMEDOUT, syscall.ENOTCONN, syscall.EHOSTDOWN, syscall.EHOSTUNREACH, &hangError{time.Second}},
		false: {nil, io.EOF, io.ErrUnexpectedEOF, syscall.ENOENT, syscall.EACCES, syscall.EPERM, syscall.EISDIR, syscall.ENOTDIR, syscall.EINVAL, syscall.EMFILE, syscall.EINTR,
			context.Canceled, context.DeadlineExceeded},
	} {
		for _, err := range list {
			if got := broken(err); got != want {
				t.Errorf("%v: %v", err, got)
			}
			if err != nil && broken(&fs.PathError{Op: "read", Path: "a.xlsx", Err: err}) != want {
				t.Errorf("%v of a file: %v", err, !want)
			}
		}
	}
}
