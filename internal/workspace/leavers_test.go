package workspace

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gridflow/internal/book"
	"gridflow/internal/ziptest"
)

// standing has all reads of files wait until release is closed, from the call of stop on.
func standing(w *Workspace, release chan struct{}) (stop func()) {
	s := silent{mute: new(atomic.Bool), release: release, tried: new(atomic.Int64)}
	w.readerOf = func(f *os.File) io.ReaderAt {
		s := s
		s.ReaderAt = f
		return s
	}
	return func() { s.mute.Store(true) }
}

// wholeFiles is what reads a file as a whole.
var wholeFiles = map[string]func(ctx context.Context, w *Workspace) error{
	"its hash": func(ctx context.Context, w *Workspace) error {
		sum, err := w.Revision(ctx, "a")
		if err == nil && len(sum) != 64 {
			err = errors.New("no hash: " + sum)
		}
		return err
	},
	"its base": func(ctx context.Context, w *Workspace) error {
		_, hold, err := w.KeepBase(ctx, "a")
		if err == nil {
			hold.Release()
		}
		return err
	},
}

// readsAll skips the test of a base where the file system copies a file without that anybody reads it.
func readsAll(t *testing.T, name string) {
	t.Helper()
	if name != "its base" {
		return
	}
	dir := t.TempDir()
	from, err := os.Create(filepath.Join(dir, "from"))
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	to, err := os.Create(filepath.Join(dir, "to"))
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	if _, err := from.WriteString("bytes"); err != nil {
		t.Fatal(err)
	}
	if cloneFile(to, from) == nil {
		t.Skip("the file system shares the bytes of a file with its copy, and nobody reads them")
	}
}

// ofWholeFiles runs a test of each of the wholeFiles, on a workspace whose only workbook has the content.
func ofWholeFiles(t *testing.T, content string, o Options, test func(t *testing.T, w *Workspace, want func(context.Context, *Workspace) error)) {
	for name, want := range wholeFiles {
		t.Run(name, func(t *testing.T) {
			readsAll(t, name)
			dir := t.TempDir()
			write(t, filepath.Join(dir, "a.xlsx"), content)
			o.Bases = t.TempDir()
			test(t, open(t, o, dir), want)
		})
	}
}

// isOpen has the workbook opened, so that what is read of it later is all that is read.
func isOpen(t *testing.T, w *Workspace) {
	t.Helper()
	if err := w.View(t.Context(), "a", func(*book.Snapshot) error { return nil }); err != nil {
		t.Fatal(err)
	}
}

// TestFirstLeaves: a file is hashed, and copied to be the base of a fork, once for all who want it: the one leaves for whom it was begun,
// the others have it.
func TestFirstLeaves(t *testing.T) {
	parts := ziptest.Parts(t, loan(t))
	noise := make([]byte, 3<<20) // more than is read at a time
	rand.NewChaCha8([32]byte{}).Read(noise)
	parts["xl/media/noise.bin"] = string(noise)
	ofWholeFiles(t, string(ziptest.Pack(t, parts)), Options{}, func(t *testing.T, w *Workspace, want func(context.Context, *Workspace) error) {
		synctest.Test(t, func(t *testing.T) {
			release := make(chan struct{})
			stop := standing(w, release)
			isOpen(t, w)
			stop()
			ask := func() (leave func(), answer chan error) {
				ctx, cancel := context.WithCancel(t.Context())
				answer = make(chan error, 1)
				go func() { answer <- want(ctx, w) }()
				synctest.Wait()
				return cancel, answer
			}
			leave, first := ask()
			leaveToo, second := ask()
			defer leaveToo()
			if len(first)+len(second) > 0 {
				t.Fatal("nobody waits")
			}
			leave()
			if err := <-first; !errors.Is(err, context.Canceled) {
				t.Errorf("who has left: %v", err)
			}
			close(release)
			if err := <-second; err != nil {
				t.Errorf("who has stayed: %v", err)
			}
		})
	})
}

// TestBadWholeFile: where the file cannot be read that is to be kept, the state folder is not to blame.
func TestBadWholeFile(t *testing.T) {
	ofWholeFiles(t, string(loan(t)), Options{}, func(t *testing.T, w *Workspace, want func(context.Context, *Workspace) error) {
		bad := new(atomic.Bool)
		w.readerOf = func(f *os.File) io.ReaderAt { return faulty{f, bad, new(atomic.Int64)} }
		isOpen(t, w)
		bad.Store(true)
		if err := want(t.Context(), w); code(err) != CodeUnreadable || !strings.HasPrefix(err.Error(), CodeUnreadable+": a.xlsx cannot be read: ") {
			t.Error(err)
		}
	})
}

// TestHangingWholeFile: a file that is read as a whole is told to hang as any other, and not waited for.
func TestHangingWholeFile(t *testing.T) {
	ofWholeFiles(t, string(loan(t)), Options{ReadTimeout: hangAfter}, func(t *testing.T, w *Workspace, want func(context.Context, *Workspace) error) {
		synctest.Test(t, func(t *testing.T) {
			release := make(chan struct{})
			stop := standing(w, release)
			isOpen(t, w)
			stop()
			begin := time.Now()
			if err := want(t.Context(), w); code(err) != CodeReadTimeout || time.Since(begin) != hangAfter {
				t.Errorf("after %v: %v", time.Since(begin), err)
			}
			close(release)
		})
	})
}
