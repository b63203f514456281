package vfs

import (
	"errors"
	"io"
	"io/fs"
)

// ErrLocked is given by [FS.Lock] where somebody else has the lock.
var ErrLocked = errors.New("vfs: the folder is in use by another process")

// FS is a tree of files. All methods may be called by any number of goroutines at once.
type FS interface {
	// Open opens a file for reading.
	Open(name string) (File, error)
	// Create makes a file that is not there yet, for reading and writing. The name is
	// durable after SyncDir of its folder.
	Create(name string, mode fs.FileMode) (File, error)
	// OpenAppend opens a file that is there for reading and writing; Write goes on at its end.
	OpenAppend(name string) (File, error)
	// Rename gives a file another name, and replaces what had that name. Whoever looks,
	// also after a crash, sees the old file or the new one under it, as a whole.
	Rename(from, to string) error
	// Remove takes away a file or an empty folder.
	Remove(name string) error
	// MkdirAll makes a folder and those above it, where they are not there. See
	// [MakeDir] for one that is durable.
	MkdirAll(name string, mode fs.FileMode) error
	// ReadDir lists a folder, sorted by name.
	ReadDir(name string) ([]fs.DirEntry, error)
	Stat(name string) (fs.FileInfo, error)
	// SyncDir makes durable what was created, renamed and removed in a folder.
	SyncDir(name string) error
	// Lock takes the lock that the file name stands for, and makes the file where it is
	// not there. It does not wait: [ErrLocked]. Close gives it back, and so does the end
	// of the process, however it ends.
	Lock(name string) (io.Closer, error)
}

// File is an open file. ReadAt may be called by any number of goroutines at once, also
// while one other goroutine writes; all else by one at a time.
type File interface {
	io.ReaderAt
	io.Writer // where the last Write ended; first at the end of the file
	io.WriterAt
	io.Closer
	// Sync makes the content durable, and as much of the metadata as is needed to read it
	// again. After an error nobody knows what of it is on the disk, and a Sync that is
	// tried again may say that all is well when it is not: the kernel has forgotten.
	Sync() error
	// Truncate cuts the file off, or fills it up with zeros; Write goes on at the new end.
	Truncate(size int64) error
	Stat() (fs.FileInfo, error)
	Name() string
}

// Point tells a file system that models crashes that this is a place worth crashing at.
// Others do not notice.
func Point(f FS, name string) {
	if p, ok := f.(interface{ Point(name string) }); ok {
		p.Point(name)
	}
}
