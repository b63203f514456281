package vba

import (
	"bytes"
	"errors"
	"strings"

	"github.com/richardlehane/mscfb"
)

// compound is a compound file: streams in storages, as files are in folders. It may be
// used from any number of goroutines.
type compound struct {
	size    int64
	streams map[string]*mscfb.File // by path in lower case, "vba/dir"; read from copies only
}

// Opening a compound file reads its directory, which has 128 bytes for each stream, and
// some of its allocation tables. The library keeps the path of every stream, so that
// storages inside one another cost the square of their number: what 4096 of them need,
// 134 MB, is the most that a file can ask for.
const directoryBytesMax = 512 << 10

// pathMax is how many storages a stream may lie in; those of VBA projects lie in one.
const pathMax = 8

// openCompound reads the directory of the compound file in data.
func openCompound(data []byte) (*compound, error) {
	head := &meter{r: bytes.NewReader(data), left: directoryBytesMax}
	doc, err := mscfb.New(head)
	switch {
	case head.left < 0:
		return nil, tooLarge("", "its directory has more than %d KiB", directoryBytesMax>>10)
	case err != nil:
		e := damaged("", "it is no compound file that can be read: %v", err)
		e.cause = err
		return nil, e
	}
	head.off = true
	c := &compound{size: int64(len(data)), streams: make(map[string]*mscfb.File, len(doc.File))}
	for _, f := range doc.File {
		if f.FileInfo().IsDir() || len(f.Path) > pathMax {
			continue
		}
		key := streamKey(append(f.Path[:len(f.Path):len(f.Path)], f.Name)...)
		if c.streams[key] == nil {
			c.streams[key] = f
		}
	}
	return c, nil
}

// streamKey gives the form in which paths of streams are compared, ignoring case.
func streamKey(path ...string) string { return strings.ToLower(strings.Join(path, "/")) }

// read gives the content of the stream at path.
func (c *compound) read(path string) ([]byte, error) {
	entry := c.streams[streamKey(path)]
	if entry == nil {
		return nil, damaged(path, "there is no such stream")
	}
	f := *entry // holds the reading position
	if f.Size > c.size {
		return nil, damaged(path, "its size is said to be %d bytes, more than the whole project has", f.Size)
	}
	b := make([]byte, f.Size)
	// In pieces, because the library's work for one piece grows with its square.
	const piece = 64 << 10
	for at := 0; at < len(b); {
		n, err := f.Read(b[at:min(at+piece, len(b))])
		if n == 0 || err != nil {
			e := damaged(path, "it ends after %d of %d bytes", at+n, len(b))
			e.cause = err
			return nil, e
		}
		at += n
	}
	return b, nil
}

var errMetered = errors.New("more is read than a directory can have")

// meter is a reader that gives no more than left bytes until it is switched off.
type meter struct {
	r    *bytes.Reader
	left int
	off  bool
}

// ReadAt implements io.ReaderAt.
func (m *meter) ReadAt(b []byte, at int64) (int, error) {
	if !m.off {
		if m.left -= len(b); m.left < 0 {
			return 0, errMetered
		}
	}
	return m.r.ReadAt(b, at)
}
