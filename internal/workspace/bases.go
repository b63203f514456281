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
	"path"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"gridflow/internal/book"
	"gridflow/internal/lazy"
	"gridflow/internal/lock"
	"gridflow/internal/vfs"
	"gridflow/internal/xlsx"
)

// CodeNoState is the code of what needs a state folder where there is none.
const CodeNoState = "NO_STATE_DIR"

// A Base is a revision of a workbook whose bytes are kept under their hash, so that what
// was made on top of it outlives its file.
type Base struct {
	SHA256 string // of the bytes, in hex
	Ext    string // of the file that it was, with the dot, in lower case
	Bytes  int64
}

func (b Base) file() string { return b.SHA256 + b.Ext }

// A Hold is a base in use: it can be read until it is released. It may be used from any
// number of goroutines.
type Hold struct {
	Base
	workspace *Workspace
	opened    *opened
	loaded    *loaded
	once      sync.Once
}

// Snapshot is the workbook, unedited.
func (h *Hold) Snapshot() *book.Snapshot { return h.loaded.snapshot }

// File is the open file, for a save that copies what did not change.
func (h *Hold) File() *xlsx.File { return h.loaded.xlsx }

// Again gives a second hold on the same base, to be released by itself. h is not released
// meanwhile.
func (h *Hold) Again() *Hold {
	h.opened.mu.Lock()
	defer h.opened.mu.Unlock()
	h.opened.users++
	return &Hold{Base: h.Base, workspace: h.workspace, opened: h.opened, loaded: h.loaded}
}

// Release ends the hold. Further calls do nothing.
func (h *Hold) Release() {
	h.once.Do(func() {
		h.workspace.cache.reweigh(h.opened)
		h.workspace.cache.release(h.opened)
	})
}

// bases is the store of kept revisions: a folder of files that are named by their hash,
// written once and never changed.
type bases struct {
	dir  *os.Root // nil where nothing is kept
	disk *disk

	mu     lock.Mutex[lock.WorkspaceBases]
	byHash map[string]*opened // those in use; all of them are loaded
}

// adopt gives the one opened file that stands for base b, with one more user: o, which is
// loaded and in use, unless there is another already. Whoever stands on the same base has to
// have the same snapshot, or what they made on it could not be brought together.
func (s *bases) adopt(b Base, o *opened) *opened {
	s.mu.Lock()
	defer s.mu.Unlock()
	if other := s.inUseLocked(b); other != nil {
		return other
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	s.byHash[b.SHA256], o.base = o, b.SHA256
	o.users++
	return o
}

// inUse gives the opened file of a base, with one more user, nil where there is none.
func (s *bases) inUse(b Base) *opened {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.inUseLocked(b)
}

func (s *bases) inUseLocked(b Base) *opened {
	o := s.byHash[b.SHA256]
	if o == nil {
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.users == 0 {
		return nil
	}
	o.users++
	return o
}

// keeping is the copying of l into the store, done or not: one run for all who wait.
func (s *bases) keeping(l *loaded) *lazy.Load[Base] {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.kept == nil {
		l.kept = new(lazy.Load[Base])
	}
	return l.kept
}

// notKept makes the next who wants l in the store copy it again.
func (s *bases) notKept(l *loaded, was *lazy.Load[Base]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.kept == was {
		l.kept = nil
	}
}

// forget is told of a file that nobody uses any more.
func (s *bases) forget(o *opened) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o.mu.Lock()
	defer o.mu.Unlock()
	if s.byHash[o.base] == o {
		delete(s.byHash, o.base)
	}
}

// openBases opens the store, and removes what a copy that was cut off has left, unless it is
// the store of others.
func (w *Workspace) openBases(path string, others bool, timeout time.Duration) error {
	w.bases.byHash = make(map[string]*opened)
	if path == "" {
		return nil
	}
	if !others {
		if err := os.MkdirAll(path, 0o700); err != nil {
			return fmt.Errorf("state folder: %w", err)
		}
	}
	dir, err := os.OpenRoot(path)
	if err != nil {
		return fmt.Errorf("state folder: %w", err)
	}
	entries, err := fs.ReadDir(dir.FS(), ".")
	for _, e := range entries {
		if !others && strings.HasPrefix(e.Name(), tempPrefix) {
			dir.Remove(e.Name())
		}
	}
	if err == nil {
		w.bases.disk, err = newDisk(path, timeout, w.log)
	}
	if err != nil {
		dir.Close()
		return fmt.Errorf("state folder: %w", err)
	}
	w.bases.dir = dir
	return nil
}

// KeepBase keeps the bytes of a workbook as it is now, and gives it in use. Where the same
// bytes are kept already nothing is copied. What has been read of the workbook stays read:
// from here on it is the kept file behind it.
func (w *Workspace) KeepBase(ctx context.Context, id string) (Entry, *Hold, error) {
	if w.bases.dir == nil {
		return Entry{}, nil, &Error{Code: CodeNoState, Message: "there is no state folder to keep workbooks in", Hint: "Start the server with --state-dir"}
	}
	e, err := w.Lookup(ctx, id)
	if err != nil {
		return Entry{}, nil, err
	}
	var hold *Hold
	err = w.useEntry(ctx, e, func(o *opened, l *loaded) error {
		if l.xlsx == nil {
			return &Error{Code: CodeUnsupported, Message: e.Path + " is a text file, which has no forks", Hint: "Make a workbook of it with create_workbook, then edit that"}
		}
		for {
			keeping := w.bases.keeping(l)
			copied := false
			b, err := keeping.Wait(ctx, lazy.Whole, func(ctx context.Context, _ *lazy.Publisher[Base]) (Base, error) {
				copied = true
				return w.keep(ctx, e, l)
			})
			if err == nil && !copied {
				// The base may have been dropped since, by others that stood on the same bytes.
				_, err = w.bases.dir.Stat(b.file())
			}
			if err == nil {
				hold = w.holdOn(b, w.bases.adopt(b, o))
				return nil
			}
			w.bases.notKept(l, keeping) // what failed may work the next time
			if copied || !errors.Is(err, fs.ErrNotExist) {
				return storeError(err)
			}
		}
	})
	return e, hold, err
}

// holdOn makes a hold of a user of o, which is loaded.
func (w *Workspace) holdOn(b Base, o *opened) *Hold {
	l, _ := o.load.Peek()
	return &Hold{Base: b, workspace: w, opened: o, loaded: l}
}

// store makes a file in a folder under the name that fill gives it, as a whole or not at
// all. When it gives no error, the file and its name are durable: what is acknowledged from
// there on stands on it.
func store(dir saveFolder, fill func(f vfs.File) (name string, err error)) error {
	temp := tempName()
	f, err := dir.Create(temp, 0o600)
	if err != nil {
		return storeError(err)
	}
	defer dir.Remove(temp) // gone already where all went well
	defer f.Close()
	name, err := fill(f)
	if err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return storeError(err)
	}
	if err := dir.Rename(temp, name); err != nil {
		return storeError(err)
	}
	return storeError(dir.SyncDir("."))
}

// keep copies the file of l into the store and reads it from there from now on.
func (w *Workspace) keep(ctx context.Context, e Entry, l *loaded) (Base, error) {
	src := l.checked.current()
	b := Base{Ext: strings.ToLower(filepath.Ext(e.Path)), Bytes: src.info.Size()}
	if l.convertedOf != "" {
		b.Ext = ".xlsx" // what was made of it
	}
	err := store(rootFolder{w.bases.dir}, func(f vfs.File) (name string, err error) {
		h := sha256.New()
		if to, is := f.(*os.File); is && cloneFile(to, src.file) == nil {
			err = hashing(ctx, io.NewSectionReader(f, 0, 1<<62), h)
		} else {
			err = hashing(ctx, l.checked.whole(src), io.MultiWriter(h, f))
		}
		if err != nil {
			return "", l.checked.judge(storeError(err))
		}
		if now, err := src.file.Stat(); err != nil || !sameFile(now, src.info) {
			return "", l.checked.judge(errors.Join(errMoved, err))
		}
		b.SHA256 = hex.EncodeToString(h.Sum(nil))
		return b.file(), nil
	})
	if err != nil {
		return b, err
	}
	if src.disk == w.bases.disk {
		return b, nil // it is read from a copy already, whose name was dropped since
	}
	kept, err := w.bases.dir.Open(b.file())
	if err != nil {
		return b, storeError(err)
	}
	info, err := kept.Stat()
	if err != nil {
		kept.Close()
		return b, storeError(err)
	}
	w.cache.files.Add(1)
	l.checked.rebase(&handle{kept, info, kept, w.bases.disk})
	return b, nil
}

// HoldBase opens a base that was kept, by this process or an earlier one.
func (w *Workspace) HoldBase(ctx context.Context, b Base) (*Hold, error) {
	if w.bases.dir == nil {
		return nil, &Error{Code: CodeNoState, Message: "there is no state folder", Hint: "Start the server with --state-dir"}
	}
	if o := w.bases.inUse(b); o != nil {
		w.cache.hits.Add(1)
		return w.holdOn(b, o), nil
	}
	info, err := w.bases.dir.Stat(b.file())
	if err != nil {
		return nil, storeError(err)
	}
	if info.Size() != b.Bytes {
		return nil, &Error{Code: CodeUnreadable, Message: fmt.Sprintf("the state folder: the kept copy %s has %d bytes and had %d: something else has written there", b.file(), info.Size(), b.Bytes),
			Hint: "The operator should bring that file back from a backup"}
	}
	o, fresh := w.cache.acquire("base-"+b.SHA256, info)
	defer w.cache.release(o)
	if _, err := w.load(ctx, origin{
		id: o.id, path: "the kept copy " + b.file(), disk: w.bases.disk,
		open: func() (*os.File, error) { return w.bases.dir.Open(b.file()) },
	}, o, fresh); err != nil {
		return nil, err
	}
	return w.holdOn(b, w.bases.adopt(b, o)), nil
}

// KeptBases lists the hashes of what is kept.
func (w *Workspace) KeptBases() ([]Base, error) {
	if w.bases.dir == nil {
		return nil, nil
	}
	entries, err := fs.ReadDir(w.bases.dir.FS(), ".")
	if err != nil {
		return nil, storeError(err)
	}
	var list []Base
	for _, e := range entries {
		info, err := e.Info()
		ext := filepath.Ext(e.Name())
		if err != nil || len(e.Name())-len(ext) != sha256.Size*2 {
			continue
		}
		list = append(list, Base{strings.TrimSuffix(e.Name(), ext), ext, info.Size()})
	}
	return list, nil
}

// DropBase removes a base that nothing stands on any more. Holds go on. It must not come
// between a KeepBase of the same workbook and what is made on it.
func (w *Workspace) DropBase(b Base) error {
	if w.bases.dir == nil {
		return nil
	}
	w.bases.mu.Lock()
	delete(w.bases.byHash, b.SHA256)
	w.bases.mu.Unlock()
	if err := w.bases.dir.Remove(b.file()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return storeError(err)
	}
	return nil
}

var errMoved = errors.New("written while it was copied")

// storeError words a failure of the store, which is the operator's to mend.
func storeError(err error) error {
	var ours *Error
	var system *fs.PathError
	switch {
	case errors.As(err, &ours): // of the file that was to be kept
		return err
	case outOfFiles(err):
		return fileError("the state folder", err)
	case errors.As(err, &system):
		return &Error{Code: CodeUnreadable, Message: fmt.Sprintf("the state folder: %v", system), Hint: "The operator should look at the disk that holds the state folder", cause: err}
	}
	return err
}

// BaseMemory is what of a base is in memory, in bytes.
func (w *Workspace) BaseMemory(b Base) int64 {
	w.bases.mu.Lock()
	o := w.bases.byHash[b.SHA256]
	w.bases.mu.Unlock()
	if o == nil {
		return 0
	}
	return o.memoryBytes()
}

// BaseUnread is Unread for a base that is in use.
func (w *Workspace) BaseUnread(b Base, sheet string) int64 {
	w.bases.mu.Lock()
	o := w.bases.byHash[b.SHA256]
	w.bases.mu.Unlock()
	if o == nil {
		return 0
	}
	return o.unreadBytes(sheet)
}

// EntryOf words a path as the entry of a file, as far as the path tells.
func EntryOf(p string) Entry {
	e := Entry{Path: p, Slug: strings.TrimSuffix(path.Base(p), path.Ext(p))}
	if dir := path.Dir(p); dir != "." {
		e.Folder = path.Base(dir)
	}
	return e
}

// Announce tells those who follow Changes that what an id names has changed.
func (w *Workspace) Announce(id string) { w.hub.Publish(id, struct{}{}) }
