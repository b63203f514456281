//go:build unix

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
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"gridflow/internal/book"
)

// A failure that does not lie in the file's bytes is gone when its reason is: the file
// need not be written again.
func TestPassingFailures(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.csv"), "1\n")
	w := open(t, Options{}, dir)
	for errno, want := range map[syscall.Errno]string{syscall.EACCES: CodeUnreadable, syscall.EMFILE: CodeBusy, syscall.EIO: syscall.EIO.Error()} {
		w.openAt = func(*os.Root, string) (*os.File, error) { return nil, errno }
		if _, _, err := first(t.Context(), w, "a"); code(err) != want {
			t.Errorf("%v: got %v", errno, err)
		}
		w.openAt = openAt
		if a1, _, err := first(t.Context(), w, "a"); a1 != "1" || err != nil {
			t.Errorf("after %v: got %q, %v", errno, a1, err)
		}
		if dropped, err := w.Close(context.Background(), "a"); !dropped || err != nil {
			t.Errorf("after %v: %v, %v", errno, dropped, err)
		}
	}
	if n := w.cache.files.Load(); n != 0 {
		t.Errorf("%d files are counted as open", n)
	}
}

// Workbooks that nobody uses give their files back: before the bound of open files is
// passed, and when the system has no more.
func TestOpenFiles(t *testing.T) {
	dir := t.TempDir()
	const files = 30
	for i := range files {
		write(t, filepath.Join(dir, fmt.Sprintf("f%d.csv", i)), column(1, i))
	}
	w := open(t, Options{}, dir)
	w.cache.maxFiles = 5
	read := func() {
		t.Helper()
		for i := range files {
			if a1, _, err := first(t.Context(), w, fmt.Sprintf("f%d", i)); a1 != fmt.Sprint(i) || err != nil {
				t.Fatalf("file %d: %q, %v", i, a1, err)
			}
			if n := w.cache.files.Load(); n > 5 {
				t.Fatalf("%d files are open after %d", n, i)
			}
		}
	}
	read()
	w.cache.maxFiles = files
	w.openAt = func(dir *os.Root, path string) (*os.File, error) {
		if w.cache.files.Load() > 5 { // one of them is the file that is to be opened
			return nil, syscall.EMFILE
		}
		return openAt(dir, path)
	}
	read()
}

// A pipe in the place of a workbook is refused and not waited for, also where it comes
// after the look at the path.
func TestPipe(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.csv")
	write(t, path, "1\n")
	w := open(t, Options{}, dir)
	pipe := func() {
		if err := os.Remove(path); err != nil {
			t.Error(err)
		}
		if err := syscall.Mkfifo(path, 0o666); err != nil {
			t.Error(err)
		}
	}
	e, err := w.Lookup(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	w.openAt = func(dir *os.Root, rel string) (*os.File, error) { pipe(); return openAt(dir, rel) }
	for _, when := range []string{"between", "before"} {
		_, err := w.open(t.Context(), w.origin(e), &opened{id: e.ID})
		if code(err) != CodeUnsupported {
			t.Errorf("%s: got %v", when, err)
		}
		w.openAt = openAt
	}
	if err := w.use(t.Context(), "a.csv", func(*opened, *loaded) error { return nil }); code(err) != CodeUnsupported && code(err) != CodeNotFound {
		t.Errorf("got %v", err)
	}
}

// TestFolderMissed: where no more files can be opened a folder that comes cannot be read. That its
// workbooks are not there is not said, and once files can be opened they are found.
func TestFolderMissed(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	write(t, filepath.Join(dir, "a.csv"), "1\n")
	if err := os.Mkdir(filepath.Join(other, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(other, "sub", "b.csv"), "1\n")
	w := open(t, Options{}, dir)

	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	setLimit := func(n uint64) {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: n, Max: limit.Max}); err != nil {
			t.Fatal(err)
		}
	}
	setLimit(0)
	defer setLimit(uint64(limit.Cur))
	if err := os.Rename(filepath.Join(other, "sub"), filepath.Join(dir, "sub")); err != nil {
		t.Fatal(err)
	}
	w.scan(t.Context(), place{0, "."}, false)
	if _, err := w.Lookup(t.Context(), "b"); code(err) != CodeBusy {
		t.Errorf("%v, want %s", err, CodeBusy)
	}
	if _, err := w.Lookup(t.Context(), "a"); err != nil {
		t.Errorf("one that is known: %v", err)
	}
	setLimit(uint64(limit.Cur))
	if e, err := w.Lookup(t.Context(), "b"); err != nil || e.Path != "sub/b.csv" {
		t.Errorf("%+v, %v", e, err)
	}
	if _, err := w.Lookup(t.Context(), "c"); code(err) != CodeNotFound {
		t.Errorf("%v, want %s", err, CodeNotFound)
	}
}

// TestPipeInSave: what is put in the place of a file, or of its folder, while a save writes is neither
// waited for nor replaced.
func TestPipeInSave(t *testing.T) {
	const was = "what the fork was made of"
	sum := sha256.Sum256([]byte(was))
	expect := []string{hex.EncodeToString(sum[:])}
	pipe := func(name string) error { return syscall.Mkfifo(name, 0o666) }
	for _, c := range []struct {
		name   string
		expect []string
		put    func(name string) error
	}{
		{"pipe", nil, pipe},
		{"pipe that is compared", expect, pipe},
		{"folder", nil, func(name string) error { return os.Mkdir(name, 0o777) }},
		{"link to a pipe", expect, func(name string) error {
			return errors.Join(pipe(name+".pipe"), os.Symlink(filepath.Base(name)+".pipe", name))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			name := filepath.Join(dir, "a.xlsx")
			write(t, name, was)
			w := open(t, Options{}, dir)
			target, err := w.Target(t.Context(), "a.xlsx")
			if err != nil {
				t.Fatal(err)
			}
			_, err = w.Write(t.Context(), target, WriteOptions{Overwrite: true, Backup: true, Expect: c.expect}, func(io.Writer) error {
				return errors.Join(os.Remove(name), c.put(name))
			})
			if code(err) != CodeBadPath {
				t.Errorf("got %v", err)
			}
			if info, err := os.Lstat(name); err != nil || info.Mode().IsRegular() {
				t.Errorf("it was replaced: %v, %v", info, err)
			}
		})
	}

	// Between the look and the opening.
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if err := pipe(filepath.Join(root.Name(), "sub")); err != nil {
		t.Fatal(err)
	}
	if _, err := (rootFolder{root}).Open("sub"); code(err) != CodeBadPath {
		t.Errorf("opened: %v", err)
	}
	if err := (rootFolder{root}).SyncDir("sub"); err == nil {
		t.Error("a pipe was synced as a folder")
	}
}

// TestWritesWithoutFiles: too many open files are no fault of the disk, of which who asks, and the
// operator, would otherwise be told.
func TestWritesWithoutFiles(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE} {
		err := &fs.PathError{Op: "openat", Path: "x", Err: errno}
		for what, err := range map[string]error{"a save": writeError("a.xlsx", err), "the store": storeError(err)} {
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Code != CodeBusy || e.RetryAfter == 0 || !errors.Is(err, errno) {
				t.Errorf("%s, %v: %v", what, errno, err)
			}
		}
	}
}

// TestFailedOpens: a file that cannot be opened is closed again, however often it is tried; and one that was changed while
// it was opened is tried again.
func TestFailedOpens(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.xlsx")
	w := open(t, Options{}, dir)
	view := func() error {
		return w.View(t.Context(), "a.xlsx", func(*book.Snapshot) error { return nil })
	}
	for i := range 5 {
		write(t, path, strings.Repeat("x", i+1))
		if view() == nil {
			t.Fatal("it opens")
		}
	}
	if n := w.cache.files.Load(); n != 0 {
		t.Errorf("%d files are open", n)
	}

	sound := string(loan(t))
	calls := 0
	w.openAt = func(root *os.Root, name string) (*os.File, error) {
		if calls++; calls == 2 {
			write(t, path, sound)
		}
		return openAt(root, name)
	}
	w.readerOf = func(f *os.File) io.ReaderAt {
		if calls == 1 {
			write(t, path, "it is being written")
		}
		return f
	}
	write(t, path, sound)
	if err := view(); err != nil || calls != 2 {
		t.Errorf("opened %d times: %v", calls, err)
	}
}
