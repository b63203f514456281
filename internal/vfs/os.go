package vfs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// OS is a folder of the operating system. Nothing outside of it is reached, also not by
// a symbolic link. It is safe for concurrent use.
type OS struct{ root *os.Root }

// OpenOS opens a folder that is there.
func OpenOS(dir string) (*OS, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &OS{root}, nil
}

// Close lets go of the folder. Files that are open stay so.
func (o *OS) Close() error { return o.root.Close() }

func (o *OS) Open(name string) (File, error) { return o.open(name, os.O_RDONLY, 0) }

func (o *OS) Create(name string, mode fs.FileMode) (File, error) {
	return o.open(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, mode)
}

// OpenAppend does without O_APPEND, which forbids WriteAt.
func (o *OS) OpenAppend(name string) (File, error) {
	f, err := o.open(name, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	if _, err := f.(*osFile).Seek(0, io.SeekEnd); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (o *OS) open(name string, flag int, mode fs.FileMode) (File, error) {
	f, err := o.root.OpenFile(filepath.FromSlash(name), flag, mode)
	if err != nil {
		return nil, err
	}
	return &osFile{f, name}, nil
}

func (o *OS) Rename(from, to string) error {
	return o.root.Rename(filepath.FromSlash(from), filepath.FromSlash(to))
}

func (o *OS) Remove(name string) error { return o.root.Remove(filepath.FromSlash(name)) }

func (o *OS) MkdirAll(name string, mode fs.FileMode) error {
	return o.root.MkdirAll(filepath.FromSlash(name), mode)
}

func (o *OS) ReadDir(name string) ([]fs.DirEntry, error) {
	d, err := o.root.Open(filepath.FromSlash(name))
	if err != nil {
		return nil, err
	}
	defer d.Close()
	entries, err := d.ReadDir(-1)
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, err
}

func (o *OS) Stat(name string) (fs.FileInfo, error) { return o.root.Stat(filepath.FromSlash(name)) }

// SyncDir does nothing on Windows, where folders are not files: NTFS keeps the order of
// its metadata by a journal of its own.
func (o *OS) SyncDir(name string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := o.root.Open(filepath.FromSlash(name))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func (o *OS) Lock(name string) (io.Closer, error) {
	f, err := o.root.OpenFile(filepath.FromSlash(name), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lock(f); err != nil {
		f.Close()
		return nil, err
	}
	return held{f}, nil
}

// held is a lock that somebody has. A process that is being started has a copy of the file until its program
// begins, and with it the lock: so the lock is given back by itself, before the file is closed.
type held struct{ f *os.File }

func (h held) Close() error { return errors.Join(unlock(h.f), h.f.Close()) }

// osFile knows its name from the root on, which os.File does not.
type osFile struct {
	*os.File
	name string
}

func (f *osFile) Name() string { return f.name }

// Sync fails for a file that has no name any more: what it holds is gone with the process.
func (f *osFile) Sync() error {
	if err := datasync(f.File); err != nil {
		return err
	}
	if unlinked(f.File) {
		return &fs.PathError{Op: "sync", Path: f.name, Err: errUnlinked}
	}
	return nil
}

var errUnlinked = errors.New("the file was deleted while it was open")

func (f *osFile) Truncate(size int64) error {
	if err := f.File.Truncate(size); err != nil {
		return err
	}
	_, err := f.Seek(size, io.SeekStart)
	return err
}
