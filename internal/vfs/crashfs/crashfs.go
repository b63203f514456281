package crashfs

import (
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"syscall"

	"gridflow/internal/vfs"
)

// ErrStopped is what every operation gives after the machine has stopped.
var ErrStopped = errors.New("crashfs: the machine has stopped")

// Kind is what an operation does. Reading is not counted.
type Kind string

const (
	Create   Kind = "create"
	Write    Kind = "write"
	Truncate Kind = "truncate"
	Sync     Kind = "sync"
	Rename   Kind = "rename"
	Remove   Kind = "remove"
	Link     Kind = "link"
	Mkdir    Kind = "mkdir"
	SyncDir  Kind = "syncdir"
	Point    Kind = "point" // a named place in the code, by vfs.Point
)

// Op is one counted operation.
type Op struct {
	N    int // from 1
	Kind Kind
	Name string // of the file, the folder, or the point
}

// Fault says how an operation fails.
type Fault struct {
	Err   error // what it gives
	Short int   // Write only: so many bytes are written nevertheless
}

// FS is the file system. It is safe for concurrent use. The zero value is not ready, see [New].
type FS struct {
	mu       sync.Mutex
	root     *dir
	locks    map[string]*lock
	ops      []Op
	stopAt   int // the machine stops after this operation; 0: never
	stopped  bool
	capacity int64 // bytes of all files; 0: unbounded
	used     int64
	fault    func(Op) *Fault
}

// New gives an empty file system.
func New() *FS { return &FS{root: newDir(), locks: make(map[string]*lock)} }

// StopAfter stops the machine after its n-th operation from the beginning: that one is
// done, and every later one gives [ErrStopped] and does nothing, reading included.
func (f *FS) StopAfter(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stopAt = n
	f.stopped = n > 0 && len(f.ops) >= n
}

// Stop stops the machine now.
func (f *FS) Stop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stopped = true
}

// SetFault has every operation ask whether, and how, it fails; nil: none does. The
// function is called with the file system locked.
func (f *FS) SetFault(fault func(Op) *Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault = fault
}

// SetCapacity bounds the bytes of all files together. A write beyond writes what fits
// and gives ENOSPC. 0 is unbounded.
func (f *FS) SetCapacity(bytes int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.capacity = bytes
}

// Used gives the bytes of all files together.
func (f *FS) Used() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.used
}

// Ops gives the operations so far.
func (f *FS) Ops() []Op {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.ops)
}

// Point counts a named place in the code: see [vfs.Point].
func (f *FS) Point(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.begin(Point, name)
}

// begin counts an operation and says whether it fails. Locked.
func (f *FS) begin(kind Kind, name string) (*Fault, error) {
	if f.stopped {
		return nil, pathError(kind, name, ErrStopped)
	}
	op := Op{len(f.ops) + 1, kind, name}
	f.ops = append(f.ops, op)
	f.stopped = f.stopAt > 0 && op.N >= f.stopAt // this one is still done
	if f.fault != nil {
		if fault := f.fault(op); fault != nil {
			return fault, pathError(kind, name, fault.Err)
		}
	}
	return nil, nil
}

func (f *FS) alive(op, name string) error {
	if f.stopped {
		return pathError(Kind(op), name, ErrStopped)
	}
	return nil
}

func pathError(kind Kind, name string, err error) error {
	return &fs.PathError{Op: string(kind), Path: name, Err: err}
}

// find gives the folder and the last element of a name. Locked.
func (f *FS) find(kind Kind, name string) (*dir, string, error) {
	if !fs.ValidPath(name) || name == "." {
		return nil, "", pathError(kind, name, fs.ErrInvalid)
	}
	parent, last := path.Split(name)
	d, err := f.dir(kind, path.Clean(parent))
	if err != nil {
		return nil, "", pathError(kind, name, errors.Unwrap(err))
	}
	return d, last, nil
}

// dir gives a folder. Locked.
func (f *FS) dir(kind Kind, name string) (*dir, error) {
	if !fs.ValidPath(name) {
		return nil, pathError(kind, name, fs.ErrInvalid)
	}
	d := f.root
	if name == "." {
		return d, nil
	}
	for elem := range strings.SplitSeq(name, "/") {
		switch n := d.entries[elem].(type) {
		case *dir:
			d = n
		case nil:
			return nil, pathError(kind, name, fs.ErrNotExist)
		default:
			return nil, pathError(kind, name, syscall.ENOTDIR)
		}
	}
	return d, nil
}

func (f *FS) Open(name string) (vfs.File, error) { return f.open(name, false) }

func (f *FS) OpenAppend(name string) (vfs.File, error) { return f.open(name, true) }

func (f *FS) open(name string, write bool) (vfs.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.alive("open", name); err != nil {
		return nil, err
	}
	d, last, err := f.find("open", name)
	if err != nil {
		return nil, err
	}
	switch n := d.entries[last].(type) {
	case *inode:
		return &file{fs: f, node: n, name: name, write: write, at: int64(len(n.cache))}, nil
	case nil:
		return nil, pathError("open", name, fs.ErrNotExist)
	default:
		return nil, pathError("open", name, syscall.EISDIR)
	}
}

func (f *FS) Create(name string, mode fs.FileMode) (vfs.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, err := f.begin(Create, name); err != nil {
		return nil, err
	}
	d, last, err := f.find(Create, name)
	if err != nil {
		return nil, err
	}
	if d.entries[last] != nil {
		return nil, pathError(Create, name, fs.ErrExist)
	}
	n := &inode{mode: mode}
	d.change(set{last, n})
	return &file{fs: f, node: n, name: name, write: true}, nil
}

func (f *FS) Rename(from, to string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, err := f.begin(Rename, from); err != nil {
		return err
	}
	d, a, err := f.find(Rename, from)
	if err != nil {
		return err
	}
	e, b, err := f.find(Rename, to)
	if err != nil {
		return err
	}
	n, ok := d.entries[a].(*inode)
	if !ok {
		return pathError(Rename, from, fs.ErrNotExist) // folders are not renamed
	}
	switch old := e.entries[b].(type) {
	case *dir:
		return pathError(Rename, to, syscall.EISDIR)
	case *inode:
		if old == n {
			return nil
		}
		f.forget(old)
	}
	if d == e {
		d.change(set{a, nil}, set{b, n})
	} else {
		e.change(set{b, n})
		d.change(set{a, nil})
	}
	return nil
}

// Link gives a file another name beside its own, which must not be there.
func (f *FS) Link(name, also string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, err := f.begin(Link, name); err != nil {
		return err
	}
	d, a, err := f.find(Link, name)
	if err != nil {
		return err
	}
	e, b, err := f.find(Link, also)
	if err != nil {
		return err
	}
	n, ok := d.entries[a].(*inode)
	if !ok {
		return pathError(Link, name, fs.ErrNotExist) // folders have one name
	}
	if e.entries[b] != nil {
		return pathError(Link, also, fs.ErrExist)
	}
	n.also++
	e.change(set{b, n})
	return nil
}

func (f *FS) Remove(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, err := f.begin(Remove, name); err != nil {
		return err
	}
	d, last, err := f.find(Remove, name)
	if err != nil {
		return err
	}
	switch n := d.entries[last].(type) {
	case nil:
		return pathError(Remove, name, fs.ErrNotExist)
	case *dir:
		if len(n.entries) > 0 {
			return pathError(Remove, name, syscall.ENOTEMPTY)
		}
	case *inode:
		f.forget(n)
	}
	d.change(set{last, nil})
	return nil
}

// forget takes a name from a file, which takes no room once it has none. Locked.
func (f *FS) forget(n *inode) {
	if n.also > 0 {
		n.also--
		return
	}
	f.used -= int64(len(n.cache))
}

func (f *FS) MkdirAll(name string, _ fs.FileMode) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, err := f.begin(Mkdir, name); err != nil {
		return err
	}
	if !fs.ValidPath(name) {
		return pathError(Mkdir, name, fs.ErrInvalid)
	}
	if name == "." {
		return nil
	}
	d := f.root
	for elem := range strings.SplitSeq(name, "/") {
		switch n := d.entries[elem].(type) {
		case *dir:
			d = n
		case nil:
			made := newDir()
			d.change(set{elem, made})
			d = made
		default:
			return pathError(Mkdir, name, syscall.ENOTDIR)
		}
	}
	return nil
}

func (f *FS) ReadDir(name string) ([]fs.DirEntry, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.alive("readdir", name); err != nil {
		return nil, err
	}
	d, err := f.dir("readdir", name)
	if err != nil {
		return nil, err
	}
	var list []fs.DirEntry
	for n, e := range d.entries {
		list = append(list, fs.FileInfoToDirEntry(infoOf(n, e)))
	}
	slices.SortFunc(list, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return list, nil
}

func (f *FS) Stat(name string) (fs.FileInfo, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.alive("stat", name); err != nil {
		return nil, err
	}
	if name == "." {
		return infoOf(".", f.root), nil
	}
	d, last, err := f.find("stat", name)
	if err != nil {
		return nil, err
	}
	if d.entries[last] == nil {
		return nil, pathError("stat", name, fs.ErrNotExist)
	}
	return infoOf(last, d.entries[last]), nil
}

func (f *FS) SyncDir(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, err := f.begin(SyncDir, name); err != nil {
		return err
	}
	d, err := f.dir(SyncDir, name)
	if err != nil {
		return err
	}
	d.sync()
	return nil
}

// lock is one that somebody has.
type lock struct {
	fs   *FS
	name string
}

func (f *FS) Lock(name string) (io.Closer, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.alive("lock", name); err != nil {
		return nil, err
	}
	if _, _, err := f.find("lock", name); err != nil {
		return nil, err
	}
	if f.locks[name] != nil {
		return nil, vfs.ErrLocked
	}
	l := &lock{f, name}
	f.locks[name] = l
	return l, nil
}

func (l *lock) Close() error {
	l.fs.mu.Lock()
	defer l.fs.mu.Unlock()
	if l.fs.locks[l.name] != l {
		return fs.ErrClosed
	}
	delete(l.fs.locks, l.name)
	return nil
}
