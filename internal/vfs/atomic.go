package vfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"path"
	"strings"
)

// What a temporary file is called: a dot, so that no listing of workbooks shows it, the
// name that it is to have, a number, and an ending by which SweepTemps knows it.
const tempSuffix = ".gridflow-tmp"

// tempTries is how many names are tried before one gives up: each is one of 2^64.
const tempTries = 8

// WriteFileAtomic replaces the file name by what write writes, or leaves all as it was.
// It writes to a temporary file in the same folder, syncs it, renames it and syncs the
// folder. When it returns nil the new content is durable. After an error the old file is
// there, but for one case: where the last step fails, the sync of the folder, the new
// content is in place and may be gone after a crash; then the error is a [*NotDurableError].
// The temporary file is removed on failure; after a crash [SweepTemps] finds it.
//
// The writer that write is given is not buffered.
func WriteFileAtomic(fsys FS, name string, mode fs.FileMode, write func(w io.Writer) error) (err error) {
	dir := path.Dir(name)
	var f File
	for range tempTries {
		f, err = fsys.Create(path.Join(dir, fmt.Sprintf(".%s.%016x%s", path.Base(name), rand.Uint64(), tempSuffix)), mode)
		if !errors.Is(err, fs.ErrExist) {
			break
		}
	}
	if err != nil {
		return err
	}
	renamed, open := false, true
	defer func() { // also when write panics
		if open {
			f.Close()
		}
		if !renamed {
			fsys.Remove(f.Name()) // whatever it says, the first error is the one to tell
		}
	}()
	if err := write(struct{ io.Writer }{f}); err != nil {
		return err
	}
	Point(fsys, "atomic: written")
	if err := f.Sync(); err != nil {
		return err
	}
	open = false
	if err := f.Close(); err != nil {
		return err
	}
	Point(fsys, "atomic: synced")
	if err := fsys.Rename(f.Name(), name); err != nil {
		return err
	}
	renamed = true
	Point(fsys, "atomic: renamed")
	if err := fsys.SyncDir(dir); err != nil {
		return &NotDurableError{Name: name, Err: err}
	}
	return nil
}

// NotDurableError says that a file has its new content, but may have the old one again
// after a crash.
type NotDurableError struct {
	Name string
	Err  error
}

func (e *NotDurableError) Error() string {
	return fmt.Sprintf("%s is written, but its folder could not be synced: after a crash of the machine the old content may be back: %v", e.Name, e.Err)
}

func (e *NotDurableError) Unwrap() error { return e.Err }

// SweepTemps removes the temporary files that a crash has left in a folder, and says how
// many. Nobody may be saving into the folder meanwhile.
func SweepTemps(fsys FS, dir string) (int, error) {
	entries, err := fsys.ReadDir(dir)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, e := range entries {
		if e.IsDir() || !strings.HasPrefix(e.Name(), ".") || !strings.HasSuffix(e.Name(), tempSuffix) {
			continue
		}
		if err := fsys.Remove(path.Join(dir, e.Name())); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// MakeDir makes a folder and those above it, where they are not there, durably.
func MakeDir(fsys FS, dir string, mode fs.FileMode) error {
	if dir = path.Clean(dir); dir == "." {
		return nil
	}
	if info, err := fsys.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	parent := path.Dir(dir)
	if err := MakeDir(fsys, parent, mode); err != nil {
		return err
	}
	if err := fsys.MkdirAll(dir, mode); err != nil {
		return err
	}
	return fsys.SyncDir(parent)
}
