package workspace

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"gridflow/internal/audit"
	"gridflow/internal/principal"
)

// The codes of failed saves.
const (
	CodeExists   = "FILE_EXISTS"
	CodeConflict = "CONFLICT"
	CodeBadPath  = "BAD_PATH"
)

// A Target is a place under a root where a workbook may be written.
type Target struct {
	Path  string // relative to its root, with forward slashes
	Root  string // absolute path of the root
	Lock  string // the name of the file beside it which says that a spreadsheet program has it open; "" where none says so
	place place
}

// Target finds the place that a path names: relative to the first root that has its folder,
// or absolute inside of one. The file need not be there, its folder does. Symbolic links are
// followed and may not lead out. Roots that the principal of ctx does not see are not there.
func (w *Workspace) Target(ctx context.Context, name string) (Target, error) {
	bad := func(why, hint string) (Target, error) {
		return Target{}, &Error{Code: CodeBadPath, Message: "cannot write to " + clip(name) + ": " + why, Hint: hint}
	}
	base := path.Base(filepath.ToSlash(name))
	if name == "" || strings.ContainsRune(name, 0) || base == "." || base == ".." || strings.HasPrefix(base, ".") {
		return bad("it names no file", "Give a path such as reports/result.xlsx")
	}
	if strings.HasPrefix(base, "~$") {
		return bad("names that begin with ~$ are lock files of spreadsheet programs", "Choose another name")
	}
	var places []place
	seen := principal.From(ctx)
	sees := func(at place) bool { return seen.Sees(w.roots[at.root].path) }
	if filepath.IsAbs(name) {
		real, err := filepath.EvalSymlinks(filepath.Dir(filepath.Clean(name)))
		at, under := w.locate(filepath.Clean(name))
		// Of folders that are not served nobody is told whether they are there.
		if err != nil && (seen == nil || under && sees(at)) {
			return bad("its folder is not there", "Create the folder first, or choose another")
		}
		if at, ok := w.locate(filepath.Join(real, base)); err == nil && ok && sees(at) {
			places = []place{at}
		}
	} else if rel := path.Clean(filepath.ToSlash(name)); filepath.IsLocal(filepath.FromSlash(rel)) {
		for i := range w.roots {
			if at := (place{i, rel}); sees(at) {
				places = append(places, at)
			}
		}
	}
	if len(places) == 0 {
		return bad("it lies outside of the folders that are served", "Give a path relative to one of them")
	}
	for _, at := range places {
		if hidden(at.rel) {
			return bad("hidden folders are not served", "Choose another folder")
		}
		dir := w.roots[at.root].dir.Load()
		folder := filepath.FromSlash(path.Dir(at.rel))
		if info, err := dir.Stat(folder); err != nil || !info.IsDir() {
			continue
		}
		// Another spelling of a path must not be another file: what counts is where it is.
		real, err := filepath.EvalSymlinks(w.roots[at.root].join(path.Dir(at.rel)))
		if err != nil {
			continue
		}
		if at, ok := w.locate(filepath.Join(real, base)); ok && sees(at) {
			if info, err := w.roots[at.root].dir.Load().Lstat(filepath.FromSlash(at.rel)); err == nil && !info.Mode().IsRegular() {
				return bad("there is something else than a regular file", "Choose another name")
			}
			return Target{at.rel, w.roots[at.root].path, lockBeside(dir, at.rel), at}, nil
		}
	}
	return bad("its folder is not there", "Create the folder first, or choose another")
}

// lockBeside gives the name of the file that Excel or LibreOffice keeps beside one that it has open.
func lockBeside(dir *os.Root, rel string) string {
	for _, name := range []string{"~$" + path.Base(rel), ".~lock." + path.Base(rel) + "#"} {
		if _, err := dir.Lstat(filepath.FromSlash(path.Join(path.Dir(rel), name))); err == nil {
			return name
		}
	}
	return ""
}

// WriteOptions say what a write may do.
type WriteOptions struct {
	Overwrite bool     // a file that is there may be replaced
	Expect    []string // one of these the file must have now as its SHA-256, in hex; nil where any will do
	Backup    bool     // what was there stays as NAME.bak
}

// Write writes a file at the target as a whole or not at all: what fn writes goes to a
// temporary file beside it, which takes its place once it is on the disk. It gives the
// workbook that is there now. A fault leaves what was there.
func (w *Workspace) Write(ctx context.Context, t Target, o WriteOptions, fn func(io.Writer) error) (Entry, error) {
	dir := w.roots[t.place.root].dir.Load()
	name := filepath.FromSlash(t.place.rel)
	mode := fs.FileMode(0o644)
	if err := w.mayWrite(ctx, dir, name, t, o); err != nil {
		return Entry{}, err
	}
	if info, err := dir.Stat(name); err == nil {
		mode = info.Mode().Perm()
	}
	temp := filepath.Join(filepath.Dir(name), tempName())
	f, err := dir.OpenFile(temp, os.O_RDWR|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return Entry{}, writeError(t.Path, err)
	}
	defer dir.Remove(temp) // gone already where all went well
	_ = lockTemp(f)        // no use to anybody but who sweeps
	err = fn(f)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return Entry{}, writeError(t.Path, err)
	}
	// Writing takes a while, in which another program may have saved.
	if err := w.mayWrite(ctx, dir, name, t, o); err != nil {
		return Entry{}, err
	}
	if o.Backup {
		if err := backup(dir, name); err != nil {
			return Entry{}, writeError(t.Path, err)
		}
	}
	if o.Overwrite {
		err = dir.Rename(temp, name)
	} else if err = dir.Link(temp, name); errors.Is(err, fs.ErrExist) { // a rename would replace what came meanwhile
		return Entry{}, errExists(t.Path)
	} else if err != nil {
		err = dir.Rename(temp, name) // a file system without links
	}
	if err == nil {
		err = syncFolder(dir, filepath.Dir(name))
	}
	if err != nil {
		return Entry{}, writeError(t.Path, err)
	}
	audit.Record(ctx, audit.Change{Kind: audit.FileWritten, Path: t.Path})
	w.scan(context.WithoutCancel(ctx), place{t.place.root, path.Dir(t.place.rel)}, false)
	e, ok := w.look(t.place)
	if info, err := dir.Stat(name); !ok && err == nil { // a file that is no workbook
		e, ok = w.roots[t.place.root].entry(t.place.rel, info), true
	}
	if !ok {
		return Entry{}, &Error{Code: CodeNotFound, Message: t.Path + " was written and is gone again", Hint: "Another program has moved it"}
	}
	return e, nil
}

// mayWrite tells whether the file that is there, if any, may be replaced.
func (w *Workspace) mayWrite(ctx context.Context, dir *os.Root, name string, t Target, o WriteOptions) error {
	_, err := dir.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if o.Expect != nil {
			return &Error{Code: CodeConflict, Message: t.Path + " is no longer there", Hint: "Save to another path"}
		}
		return nil
	case err != nil:
		return writeError(t.Path, err)
	case !o.Overwrite:
		return errExists(t.Path)
	case o.Expect == nil:
		return nil
	}
	sum, err := w.hashOf(ctx, dir, name)
	if err != nil {
		return writeError(t.Path, err)
	}
	if !slices.Contains(o.Expect, sum) {
		return &Error{
			Code: CodeConflict, Message: t.Path + " was changed by another program since",
			Hint: "Look at the changes with diff_workbooks, then bring them together with merge_fork, or save to another path",
		}
	}
	return nil
}

func errExists(path string) error {
	return &Error{Code: CodeExists, Message: path + " is there already", Hint: "Choose another path, or give overwrite true to replace it"}
}

// backup keeps what is at name beside it.
func backup(dir *os.Root, name string) error {
	bak := name + ".bak"
	if err := dir.Remove(bak); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	err := dir.Link(name, bak)
	if errors.Is(err, fs.ErrNotExist) { // there is nothing to keep
		return nil
	}
	if err == nil {
		return nil
	}
	from, err := dir.Open(name)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := dir.OpenFile(bak, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	return errors.Join(err, to.Sync(), to.Close())
}

// syncFolder makes the names in a folder durable.
func syncFolder(dir *os.Root, name string) error {
	f, err := dir.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}

func writeError(path string, err error) error {
	var ours *Error
	var system *fs.PathError
	var link *os.LinkError
	if errors.As(err, &link) {
		err = &fs.PathError{Op: link.Op, Path: link.New, Err: link.Err}
	}
	switch {
	case errors.As(err, &ours), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, fs.ErrPermission):
		return &Error{Code: CodeBadPath, Message: path + " may not be written by the server", Hint: "Choose another folder, or give the server's user the right to write", cause: err}
	case errors.As(err, &system):
		return &Error{Code: CodeUnreadable, Message: path + " cannot be written: " + system.Err.Error(), Hint: "Nothing was changed; look at the disk, then save again", cause: err}
	}
	return err
}
