package workspace

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"unicode/utf8"

	"gridflow/internal/audit"
	"gridflow/internal/cell"
	"gridflow/internal/principal"
	"gridflow/internal/vfs"
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
//
// A new file gets a name that every system can have and every list can show, so that it can be
// copied anywhere ([unfit]); one that is there keeps its name, whatever it is.
func (w *Workspace) Target(ctx context.Context, name string) (Target, error) {
	bad := func(why, hint string) (Target, error) {
		shown := clip(name)
		if strings.ContainsFunc(shown, cell.BreaksName) {
			shown = strconv.Quote(shown)
		}
		return Target{}, &Error{Code: CodeBadPath, Message: "cannot write to " + shown + ": " + why, Hint: hint}
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
		// A root may have another path, by a symbolic link above it or out of another root. Of what is
		// not served nobody is told whether it is there.
		clean := filepath.Clean(name)
		for _, name := range []string{filepath.Join(resolve(filepath.Dir(clean)), base), clean} {
			if at, ok := w.locate(name); ok && sees(at) {
				places = []place{at}
				break
			}
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
		if w.hidden(at) {
			return bad("hidden folders are not served", "Choose another folder")
		}
		dir := w.roots[at.root].dir.Load().Root
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
			if w.hidden(at) { // by a link that shows it
				return bad("hidden folders are not served", "Choose another folder")
			}
			dir := w.roots[at.root].dir.Load().Root
			switch info, err := dir.Lstat(filepath.FromSlash(at.rel)); {
			case err == nil && !info.Mode().IsRegular():
				return bad("there is something else than a regular file", "Choose another name")
			case err != nil && unfit(base) != "":
				return bad(unfit(base), "Choose another name")
			}
			return Target{at.rel, w.roots[at.root].path, lockBeside(dir, at.rel), at}, nil
		}
	}
	return bad("its folder is not there", "Create the folder first, or choose another")
}

// resolve follows the symbolic links of an absolute path as far as there is something at it.
func resolve(name string) string {
	for at, rest := name, ""; ; at, rest = filepath.Dir(at), filepath.Join(filepath.Base(at), rest) {
		if real, err := filepath.EvalSymlinks(at); err == nil {
			return filepath.Join(real, rest)
		}
		if at == filepath.Dir(at) {
			return name
		}
	}
}

// nameMax is how long the name of a file may be on the file systems that there are, in bytes.
const nameMax = 255

// devices are the names that Windows keeps for itself, whatever ending they have.
var devices = []string{
	"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$",
	"COM0", "COM1", "COM2", "COM3", "COM4", "COM5", "COM6", "COM7", "COM8", "COM9", "COM¹", "COM²", "COM³",
	"LPT0", "LPT1", "LPT2", "LPT3", "LPT4", "LPT5", "LPT6", "LPT7", "LPT8", "LPT9", "LPT¹", "LPT²", "LPT³",
}

// unfit says why a new file cannot be called so, "" where it can.
func unfit(base string) string {
	stem, _, _ := strings.Cut(base, ".")
	switch {
	case len(base) > nameMax:
		return fmt.Sprintf("its name has %d bytes, and that of a file may have %d", len(base), nameMax)
	case !utf8.ValidString(base):
		return "its name is no text in UTF-8"
	case strings.ContainsFunc(base, cell.BreaksName):
		return "its name has the end of a line or another control character in it"
	case strings.TrimSpace(base) != base:
		return "its name begins or ends with a blank"
	case strings.HasSuffix(base, "."):
		return "its name ends with a dot, which Windows takes away"
	case strings.ContainsAny(base, `<>:"|?*\`):
		return `its name has one of <>:"|?*\ in it, which Windows cannot have`
	case slices.Contains(devices, strings.ToUpper(strings.TrimRight(stem, " "))):
		return "Windows keeps the name " + strings.ToUpper(strings.TrimRight(stem, " ")) + " for itself"
	}
	return ""
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

	Fork    string // whose version it is that is written, for the audit; "" where it is of none
	Version uint64
}

// saveFolder is what a save needs of a root: rootFolder, or a file system of the tests. Names are
// relative to it.
type saveFolder interface {
	Stat(name string) (fs.FileInfo, error)
	Open(name string) (vfs.File, error)
	Create(name string, mode fs.FileMode) (vfs.File, error) // which must not be there
	Link(name, also string) error
	Rename(name, to string) error
	Remove(name string) error
	SyncDir(name string) error // makes the names in a folder durable
}

type rootFolder struct{ *os.Root }

// Open opens a regular file. Whoever may write in the folder may put a pipe or a device there at any
// moment, which is not to be waited for, nor read to its end.
func (r rootFolder) Open(name string) (vfs.File, error) {
	f, err := r.OpenFile(name, openFlags, 0)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		f.Close()
		return nil, cmp.Or(err, errSomethingElse(name))
	}
	return f, nil
}

func (r rootFolder) Create(name string, mode fs.FileMode) (vfs.File, error) {
	f, err := r.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, mode)
	if err == nil {
		_ = lockTemp(f) // no use to anybody but who sweeps
	}
	return f, err
}

func (r rootFolder) SyncDir(name string) error {
	f, err := r.OpenFile(name, openFlags, 0) // it may be no folder any more, see Open
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}

// A targetFolder is the folder of a target, which is held while a file is written in it: the temporary
// file is found again also where another program has moved the folder or put another in its place. What
// is asked for is a file at a path, so nothing takes its place in a folder that is elsewhere by then,
// which may be outside of the roots.
type targetFolder struct {
	rootFolder
	within *directory // the root's folder in which it was opened
	target Target
}

func openTarget(within *directory, t Target) (targetFolder, error) {
	folder, err := within.OpenRoot(filepath.FromSlash(path.Dir(t.place.rel)))
	return targetFolder{rootFolder{folder}, within, t}, err
}

func (f targetFolder) Link(name, also string) error {
	if err := f.there(); err != nil {
		return err
	}
	return f.rootFolder.Link(name, also)
}

func (f targetFolder) Rename(name, to string) error {
	if err := f.there(); err != nil {
		return err
	}
	return f.rootFolder.Rename(name, to)
}

// there gives an error unless the folder is where it was opened.
func (f targetFolder) there() error {
	held, err := f.rootFolder.Stat(".")
	if err != nil {
		return err
	}
	now, err := f.within.Stat(filepath.FromSlash(path.Dir(f.target.place.rel)))
	if err != nil || !os.SameFile(held, now) || !f.within.isAt(f.target.Root) {
		return &Error{
			Code: CodeBadPath, Message: "cannot write to " + f.target.Path + ": its folder was moved while the file was written",
			Hint: "Nothing was changed; give a path in a folder that is there",
		}
	}
	return nil
}

// Write writes a file at the target as a whole or not at all: what fn writes goes to a
// temporary file beside it, which takes its place once it is on the disk. It gives the
// workbook that is there now. A fault leaves what was there.
func (w *Workspace) Write(ctx context.Context, t Target, o WriteOptions, fn func(io.Writer) error) (Entry, error) {
	r := w.roots[t.place.root]
	if !r.inPlace() { // and nobody has told: a file system was mounted there, or is no more
		w.seek(context.WithoutCancel(ctx))
	}
	folder, err := openTarget(r.dir.Load(), t)
	if err != nil {
		return Entry{}, writeError(t.Path, err)
	}
	defer folder.Close()
	within := t
	within.place.rel = path.Base(t.place.rel)
	if err := save(ctx, folder, within, o, fn); err != nil {
		return Entry{}, writeError(t.Path, err)
	}
	w.scan(context.WithoutCancel(ctx), place{t.place.root, path.Dir(t.place.rel)}, false)
	e, ok := w.look(t.place)
	if info, err := folder.within.Stat(filepath.FromSlash(t.place.rel)); !ok && err == nil { // a file that is no workbook
		e, ok = r.entry(t.place.rel, info), true
	}
	if !ok {
		return Entry{}, &Error{Code: CodeNotFound, Message: t.Path + " was written and is gone again", Hint: "Another program has moved it"}
	}
	return e, nil
}

// save is Write in a folder. When it gives no error, the file and its name are durable.
func save(ctx context.Context, dir saveFolder, t Target, o WriteOptions, fn func(io.Writer) error) error {
	name := filepath.FromSlash(t.place.rel)
	mode := fs.FileMode(0o644)
	if err := mayWrite(ctx, dir, name, t, o); err != nil {
		return err
	}
	if info, err := dir.Stat(name); err == nil {
		mode = info.Mode().Perm()
	}
	temp := filepath.Join(filepath.Dir(name), tempName())
	f, err := dir.Create(temp, mode)
	if err != nil {
		return err
	}
	defer dir.Remove(temp) // gone already where all went well
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
		return err
	}
	// Writing takes a while, in which another program may have saved.
	if err := mayWrite(ctx, dir, name, t, o); err != nil {
		return err
	}
	if o.Backup {
		kept, err := backup(dir, name)
		if err != nil {
			return err
		}
		if kept {
			audit.Record(ctx, audit.Change{Kind: audit.BackupMade, Path: t.Path + ".bak", Root: t.Root})
		}
	}
	if o.Overwrite {
		err = dir.Rename(temp, name)
	} else if err = dir.Link(temp, name); errors.Is(err, fs.ErrExist) { // a rename would replace what came meanwhile
		return errExists(t.Path)
	} else if err != nil {
		err = dir.Rename(temp, name) // a file system without links
	}
	if err != nil {
		return err
	}
	audit.Record(ctx, audit.Change{Kind: audit.FileWritten, ID: o.Fork, Version: o.Version, Path: t.Path, Root: t.Root})
	return dir.SyncDir(filepath.Dir(name))
}

// mayWrite tells whether the file that is there, if any, may be replaced.
func mayWrite(ctx context.Context, dir saveFolder, name string, t Target, o WriteOptions) error {
	info, err := dir.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if o.Expect != nil {
			return &Error{Code: CodeConflict, Message: t.Path + " is no longer there", Hint: "Save to another path"}
		}
		return nil
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return errSomethingElse(t.Path)
	case !o.Overwrite:
		return errExists(t.Path)
	case o.Expect == nil:
		return nil
	}
	sum, err := hashOf(ctx, dir, name)
	if err != nil {
		return err
	}
	if !slices.Contains(o.Expect, sum) {
		return &Error{
			Code: CodeConflict, Message: t.Path + " was changed by another program since",
			Hint: "Look at the changes with diff_workbooks, then bring them together with merge_fork, or save to another path",
		}
	}
	return nil
}

// hashOf gives the SHA-256 of a file in hex.
func hashOf(ctx context.Context, dir saveFolder, name string) (string, error) {
	f, err := dir.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if err := hashing(ctx, io.NewSectionReader(f, 0, 1<<62), h); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func errSomethingElse(path string) error {
	return &Error{Code: CodeBadPath, Message: "cannot write to " + path + ": there is something else than a regular file", Hint: "Choose another name"}
}

func errExists(path string) error {
	return &Error{Code: CodeExists, Message: path + " is there already", Hint: "Choose another path, or give overwrite true to replace it"}
}

// backup keeps what is at name beside it, if there is anything: as a whole, so that an older
// one is there until then.
func backup(dir saveFolder, name string) (kept bool, err error) {
	temp := filepath.Join(filepath.Dir(name), tempName())
	defer dir.Remove(temp) // it is there still where the older one is this very file
	err = dir.Link(name, temp)
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // a file system without links
		err = copyFile(dir, name, temp)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := dir.Rename(temp, name+".bak"); err != nil {
		return false, err
	}
	return true, nil
}

func copyFile(dir saveFolder, name, to string) error {
	from, err := dir.Open(name)
	if err != nil {
		return err
	}
	defer from.Close()
	f, err := dir.Create(to, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, io.NewSectionReader(from, 0, 1<<62))
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
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
	case outOfFiles(err):
		return fileError(path, err)
	case errors.Is(err, fs.ErrPermission):
		return &Error{Code: CodeBadPath, Message: path + " may not be written by the server", Hint: "Choose another folder, or give the server's user the right to write", cause: err}
	case errors.Is(err, syscall.ENAMETOOLONG): // that of the backup is longer
		return &Error{Code: CodeBadPath, Message: path + " cannot be written: the name is too long for the file system", Hint: "Choose a shorter name, or save without a backup", cause: err}
	case errors.As(err, &system):
		return &Error{Code: CodeUnreadable, Message: path + " cannot be written: " + system.Err.Error(), Hint: "Nothing was changed; look at the disk, then save again", cause: err}
	}
	return err
}
