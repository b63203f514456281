package crashfs

import (
	"bytes"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"slices"
	"syscall"
	"time"

	"gridflow/internal/vfs"
)

// Sector is the size in bytes of what is written as a whole or not at all.
const Sector = 512

// inode is a file without its name: what readers see, what is durable, and between the
// two what each sector was meanwhile.
type inode struct {
	mode    fs.FileMode
	also    int // names besides its first
	cache   []byte
	durable []byte

	versions map[int64][][]byte // by sector: its contents since it was durable, oldest first
	sizes    []int64            // of the file since it was durable, oldest first
	lost     map[int64]bool     // sectors that a failed sync has left clean
}

// touch notes the present content of the sectors from offset a to b.
func (n *inode) touch(a, b int64) {
	if n.versions == nil {
		n.versions = make(map[int64][][]byte)
	}
	for s := a / Sector; s*Sector < b; s++ {
		n.versions[s] = append(n.versions[s], sector(n.cache, s))
		delete(n.lost, s)
	}
}

// resize notes a new size.
func (n *inode) resize(size int64) {
	if size <= int64(len(n.cache)) {
		n.cache = n.cache[:size:size]
	} else {
		n.cache = append(n.cache, make([]byte, size-int64(len(n.cache)))...)
	}
	n.sizes = append(n.sizes, size)
}

// sector gives a copy of one, filled up with zeros.
func sector(b []byte, s int64) []byte {
	out := make([]byte, Sector)
	if off := s * Sector; off < int64(len(b)) {
		copy(out, b[off:])
	}
	return out
}

// put writes a sector where it lies within b.
func put(b []byte, s int64, data []byte) {
	if off := s * Sector; off < int64(len(b)) {
		copy(b[off:], data)
	}
}

func (n *inode) sync() {
	if len(n.lost) == 0 {
		n.durable = slices.Clone(n.cache)
		n.versions, n.sizes = nil, nil
		return
	}
	n.durable = resized(n.durable, int64(len(n.cache)))
	n.sizes = nil
	for s, v := range n.versions {
		if !n.lost[s] {
			put(n.durable, s, v[len(v)-1])
			delete(n.versions, s)
		}
	}
}

// failSync leaves all that was to be written clean, durable or not. The size is metadata,
// which the next sync writes whatever became of the content.
func (n *inode) failSync() {
	if n.lost == nil {
		n.lost = make(map[int64]bool)
	}
	for s := range n.versions {
		n.lost[s] = true
	}
}

func resized(b []byte, size int64) []byte {
	out := make([]byte, size)
	copy(out, b)
	return out
}

// crash gives the file as the next start finds it.
func (n *inode) crash(c *chance) *inode {
	size := int64(len(n.durable))
	if k := c.pick(len(n.sizes)); k > 0 {
		size = n.sizes[k-1]
	}
	data := resized(n.durable, size)
	for _, s := range slices.Sorted(maps.Keys(n.versions)) { // sorted: the same chance, the same crash
		v := n.versions[s]
		if k := c.pick(len(v)); k > 0 {
			put(data, s, v[k-1])
		}
	}
	return &inode{mode: n.mode, cache: data, durable: bytes.Clone(data)}
}

// file is an open one.
type file struct {
	fs     *FS
	node   *inode
	name   string
	write  bool
	at     int64 // where Write goes on
	closed bool
}

func (f *file) Name() string { return f.name }

func (f *file) ReadAt(p []byte, off int64) (int, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if err := f.ready("read", false); err != nil {
		return 0, err
	}
	if off < 0 {
		return 0, pathError("read", f.name, fs.ErrInvalid)
	}
	if off >= int64(len(f.node.cache)) {
		return 0, io.EOF
	}
	n := copy(p, f.node.cache[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *file) ready(op string, write bool) error {
	switch {
	case f.closed:
		return pathError(Kind(op), f.name, fs.ErrClosed)
	case write && !f.write:
		return pathError(Kind(op), f.name, fs.ErrPermission)
	}
	return f.fs.alive(op, f.name)
}

func (f *file) Write(p []byte) (int, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	n, err := f.writeAt(p, f.at)
	f.at += int64(n)
	return n, err
}

func (f *file) WriteAt(p []byte, off int64) (int, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if off < 0 {
		return 0, pathError(Write, f.name, fs.ErrInvalid)
	}
	return f.writeAt(p, off)
}

// writeAt is Locked.
func (f *file) writeAt(p []byte, off int64) (int, error) {
	if err := f.ready("write", true); err != nil {
		return 0, err
	}
	fault, err := f.fs.begin(Write, f.name)
	if err != nil {
		if fault == nil {
			return 0, err
		}
		p = p[:min(max(fault.Short, 0), len(p))]
	}
	grow := off + int64(len(p)) - int64(len(f.node.cache))
	if c := f.fs.capacity; c > 0 && grow > 0 && f.fs.used+grow > c {
		fits := max(int64(len(p))-(f.fs.used+grow-c), 0)
		p, err = p[:fits], pathError(Write, f.name, syscall.ENOSPC)
		grow = off + fits - int64(len(f.node.cache))
	}
	if len(p) == 0 {
		return 0, err
	}
	n := f.node
	from := off
	if grow > 0 {
		from = min(off, int64(len(n.cache)))
		n.resize(off + int64(len(p)))
		f.fs.used += grow
	}
	copy(n.cache[off:], p)
	n.touch(from, off+int64(len(p)))
	return len(p), err
}

func (f *file) Truncate(size int64) error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if err := f.ready("truncate", true); err != nil {
		return err
	}
	if _, err := f.fs.begin(Truncate, f.name); err != nil {
		return err
	}
	if size < 0 {
		return pathError(Truncate, f.name, fs.ErrInvalid)
	}
	old := int64(len(f.node.cache))
	f.fs.used += size - old
	f.node.resize(size)
	f.node.touch(min(old, size), max(old, size))
	f.at = size
	return nil
}

func (f *file) Sync() error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if err := f.ready("sync", true); err != nil {
		return err
	}
	if fault, err := f.fs.begin(Sync, f.name); err != nil {
		if fault != nil {
			f.node.failSync()
		}
		return err
	}
	f.node.sync()
	return nil
}

func (f *file) Stat() (fs.FileInfo, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if err := f.ready("stat", false); err != nil {
		return nil, err
	}
	return infoOf(f.name, f.node), nil
}

func (f *file) Close() error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if f.closed {
		return pathError("close", f.name, fs.ErrClosed)
	}
	f.closed = true
	return nil
}

// chance is what a crash asks.
type chance struct {
	rnd        *rand.Rand
	lose, keep float64 // how likely the oldest of several is, and the newest, in this crash
	reorder    bool
}

// pick gives a number from 0, the oldest, to n, the newest.
func (c *chance) pick(n int) int {
	switch x := c.rnd.Float64(); {
	case n == 0 || x < c.lose:
		return 0
	case x < c.lose+c.keep:
		return n
	default:
		return c.rnd.IntN(n + 1)
	}
}

// info is a file or a folder as Stat tells of it.
type info struct {
	name string
	size int64
	mode fs.FileMode
}

func infoOf(name string, e any) info {
	if n, ok := e.(*inode); ok {
		return info{name, int64(len(n.cache)), n.mode}
	}
	return info{name, 0, fs.ModeDir | 0o777}
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.size }
func (i info) Mode() fs.FileMode  { return i.mode }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) IsDir() bool        { return i.mode.IsDir() }
func (i info) Sys() any           { return nil }

var _ vfs.FS = (*FS)(nil)
