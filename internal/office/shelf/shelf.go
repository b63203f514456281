// Package shelf keeps files that can be made again, by name, within a bound: pictures of
// sheets, and the .xlsx files that other workbooks were converted to.
//
// The one invariant: a file on a shelf is whole, and is never changed; a name stands for one
// content. So a name is made of what the file was made of.
//
// Start reading at [Shelf.Put].
package shelf

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"
)

// A Shelf is a folder of such files. Its methods may be called from any number of goroutines at
// once, and by several processes on one folder.
type Shelf struct {
	dir      *os.Root
	maxFiles int
	maxBytes int64
}

// tempPrefix begins the names of files that are being written.
const tempPrefix = ".part-"

// Open opens a shelf in a folder, which is made if need be. Of its files the newest stay: so
// many, and so many bytes. What a process that was killed was writing goes.
func Open(folder string, maxFiles int, maxBytes int64) (*Shelf, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	dir, err := os.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	s := &Shelf{dir: dir, maxFiles: maxFiles, maxBytes: maxBytes}
	s.tidy("")
	return s, nil
}

// Close ends the use of the folder. Files that were opened stay open.
func (s *Shelf) Close() error { return s.dir.Close() }

// ValidName reports whether a name can be that of a file: letters, digits, -, _ and . where it
// neither begins nor doubles.
func ValidName(name string) bool {
	if name == "" || len(name) > 128 || name[0] == '.' || strings.Contains(name, "..") {
		return false
	}
	for _, c := range []byte(name) {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.') {
			return false
		}
	}
	return true
}

// Path is where a file lies, or would.
func (s *Shelf) Path(name string) string { return s.dir.Name() + string(os.PathSeparator) + name }

// Get opens a file and makes it the newest. It is fs.ErrNotExist where there is none.
func (s *Shelf) Get(name string) (*os.File, error) {
	if !ValidName(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	f, err := s.dir.Open(name)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	_ = s.dir.Chtimes(name, now, now) // else it goes a little earlier
	return f, nil
}

// Put has write make the file of a name, unless it is there, and opens it. It is seen by others
// when it is whole. Two that put the same name at once both write; that makes no difference.
func (s *Shelf) Put(ctx context.Context, name string, write func(io.Writer) error) (*os.File, error) {
	if !ValidName(name) {
		return nil, fmt.Errorf("%q is no name of a file", name)
	}
	if f, err := s.Get(name); !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	temp := tempPrefix + rand.Text()
	f, err := s.dir.OpenFile(temp, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	defer s.dir.Remove(temp) // gone already where all went well
	err = write(f)
	if err == nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err == nil {
		// Else a name that outlives a power cut may stand for a part of the content, for good. That
		// a name is lost does no harm.
		err = f.Sync()
	}
	if err == nil {
		err = s.dir.Rename(temp, name)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	s.tidy(name)
	return f, nil
}

// abandoned is how old a file is that nobody writes any more: no job takes so long.
const abandoned = time.Hour

// tidy takes away the oldest files beyond the bounds, but keep, and what was abandoned. Several
// may do so at once: each takes away what it finds to be too much.
func (s *Shelf) tidy(keep string) {
	entries, err := fs.ReadDir(s.dir.FS(), ".")
	if err != nil {
		return
	}
	var files []fs.FileInfo
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		if strings.HasPrefix(info.Name(), tempPrefix) {
			if time.Since(info.ModTime()) > abandoned {
				_ = s.dir.Remove(info.Name())
			}
			continue
		}
		files = append(files, info)
	}
	slices.SortFunc(files, func(a, b fs.FileInfo) int {
		switch keep { // it is the newest, though clocks may be too coarse to tell
		case a.Name():
			return -1
		case b.Name():
			return 1
		}
		return cmp.Or(b.ModTime().Compare(a.ModTime()), strings.Compare(a.Name(), b.Name()))
	})
	n, bytes := 0, int64(0)
	for _, info := range files {
		if n, bytes = n+1, bytes+info.Size(); (n > s.maxFiles || bytes > s.maxBytes) && info.Name() != keep {
			_ = s.dir.Remove(info.Name()) // it is tried again at the next
			n, bytes = n-1, bytes-info.Size()
		}
	}
}
