package patch

import (
	"io"
	"sort"
)

// assembly is a file that lies in pieces: bytes of another file that stay there, and bytes in memory. It is written once,
// and then read as often as is wanted. With it a changed workbook can be changed further without being copied.
type assembly struct {
	pieces []assembled
	size   int64
}

// assembled is a piece that begins at an offset of the assembly: n bytes of src from at on, or of memory.
type assembled struct {
	offset, n int64
	src       io.ReaderAt
	at        int64
	memory    []byte
}

// Write implements io.Writer.
func (a *assembly) Write(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	if n := len(a.pieces); n > 0 && a.pieces[n-1].src == nil {
		last := &a.pieces[n-1]
		last.memory = append(last.memory, b...)
		last.n = int64(len(last.memory))
	} else {
		a.pieces = append(a.pieces, assembled{offset: a.size, n: int64(len(b)), memory: append([]byte(nil), b...)})
	}
	a.size += int64(len(b))
	return len(b), nil
}

// Record implements splice.Recorder.
func (a *assembly) Record(src io.ReaderAt, at, n int64) {
	if n <= 0 {
		return
	}
	if k := len(a.pieces); k > 0 && a.pieces[k-1].src == src && a.pieces[k-1].at+a.pieces[k-1].n == at {
		a.pieces[k-1].n += n
	} else {
		a.pieces = append(a.pieces, assembled{offset: a.size, n: n, src: src, at: at})
	}
	a.size += n
}

// ReadAt implements io.ReaderAt. It may be used from any number of goroutines.
func (a *assembly) ReadAt(b []byte, offset int64) (int, error) {
	done := 0
	i := sort.Search(len(a.pieces), func(i int) bool { return a.pieces[i].offset+a.pieces[i].n > offset })
	for ; done < len(b) && i < len(a.pieces); i++ {
		p := &a.pieces[i]
		within := offset + int64(done) - p.offset
		part := b[done:min(int64(len(b)), int64(done)+p.n-within)]
		if p.src == nil {
			done += copy(part, p.memory[within:])
			continue
		}
		n, err := p.src.ReadAt(part, p.at+within)
		if done += n; n < len(part) {
			if err == nil {
				err = io.ErrUnexpectedEOF
			}
			return done, err
		}
	}
	if done < len(b) {
		return done, io.EOF
	}
	return done, nil
}
