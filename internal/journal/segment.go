package journal

import (
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"

	"gridflow/internal/vfs"
)

// Pos is the place of a record. Later records have greater ones, also after a restart;
// no two records ever have the same. 0 is none.
type Pos uint64

func position(segment uint32, offset int64) Pos { return Pos(segment)<<32 | Pos(offset) }

func (p Pos) segment() uint32 { return uint32(p >> 32) }
func (p Pos) offset() int64   { return int64(uint32(p)) }

// String gives the place as the command line shows it: segment and offset.
func (p Pos) String() string { return fmt.Sprintf("%d:%d", p.segment(), p.offset()) }

// segment is a file of the log.
type segment struct {
	header
	name string
	end  int64  // offset where its durable records end
	size int64  // of the file
	last uint64 // sequence of the last record; where there is none, the one before the first
	live int    // living streams with records here

	// tombs are the segments with records of streams that end here. While one of them is
	// there, so must this one be.
	tombs map[uint32]struct{}
}

const suffix = ".seg"

func segmentName(number uint32) string { return fmt.Sprintf("%010d%s", number, suffix) }

// segmentNumber gives the number of a segment by its name; false: it is not one.
func segmentNumber(name string) (uint32, bool) {
	digits, ok := strings.CutSuffix(name, suffix)
	if !ok || len(digits) != 10 {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 32)
	return uint32(n), err == nil && n > 0 && segmentName(uint32(n)) == name
}

// reader reads a segment through a window. It is for one goroutine.
type reader struct {
	f    vfs.File
	name string
	size int64 // how far it reads
	buf  []byte
	at   int64 // offset of buf[0]
	win  int64 // how many bytes are read at once, next time
}

// What is read at once: little where records lie far from each other, much where one
// follows the other.
const (
	windowMin = 4 << 10
	window    = 256 << 10
)

func openReader(fsys vfs.FS, dir, name string, size int64) (*reader, error) {
	f, err := fsys.Open(path.Join(dir, name))
	if err != nil {
		return nil, err
	}
	return &reader{f: f, name: name, size: size, win: windowMin}, nil
}

func (r *reader) close() { r.f.Close() }

// bytes gives n bytes from off on, which are good until the next call. What is read
// besides lies behind them, or before them where back says that the caller goes that way.
func (r *reader) bytes(off int64, n int, back bool) ([]byte, error) {
	if off < 0 || off+int64(n) > r.size {
		return nil, &CorruptError{r.name, off, fmt.Sprintf("%d bytes are missing at the end of the file", off+int64(n)-r.size)}
	}
	if i := off - r.at; i >= 0 && i+int64(n) <= int64(len(r.buf)) {
		return r.buf[i : i+int64(n)], nil
	}
	if near := off >= r.at-r.win && off <= r.at+int64(len(r.buf))+r.win; near {
		r.win = min(2*r.win, window)
	} else {
		r.win = windowMin
	}
	from, to := off, min(off+max(int64(n), r.win), r.size)
	if back {
		from, to = min(max(off+int64(n)-r.win, 0), off), off+int64(n)
	}
	if int64(cap(r.buf)) < to-from || cap(r.buf) > 4*window && to-from <= window {
		r.buf = make([]byte, to-from)
	}
	r.buf, r.at = r.buf[:to-from], from
	k, err := r.f.ReadAt(r.buf, from)
	if k < len(r.buf) {
		r.buf = r.buf[:k]
		if errors.Is(err, io.EOF) {
			return nil, &CorruptError{r.name, from + int64(k), "the file is shorter than it was"}
		}
		return nil, err
	}
	return r.buf[off-from : off-from+int64(n)], nil
}

// record gives the record at off, checked. It is good until the next call.
func (r *reader) record(off int64, salt uint32) (record, error) {
	b, err := r.bytes(off, fixedSize, false)
	if err != nil {
		return record{}, err
	}
	rec, err := parseFixed(b)
	if err != nil {
		return record{}, &CorruptError{r.name, off, err.Error()}
	}
	if b, err = r.bytes(off, int(rec.size), false); err != nil {
		return record{}, err
	}
	if rec, err = parseRecord(b, salt); err != nil {
		return record{}, &CorruptError{r.name, off, err.Error()}
	}
	return rec, nil
}

// scan reads the records of a segment in order. It stops at the first place, end, where
// there is no whole record, and tells why; nil: the records fill the segment, or an index
// comes next. An error is one of reading, of fn, or that a record which is whole should
// not be here.
func scan(r *reader, h *header, fn func(rec *record, off int64) error) (end int64, why, err error) {
	off, sequence, batch := int64(headerSize), h.sequence, int64(headerSize)
	for off < r.size {
		rec, err := r.record(off, h.salt)
		if errors.Is(err, ErrCorrupt) {
			return off, err, nil
		}
		if err != nil {
			return off, nil, err
		}
		if rec.flags&flagIndex != 0 {
			return off, nil, nil
		}
		switch {
		case rec.epoch != h.epoch:
			err = fmt.Errorf("a record of epoch %d in a segment of epoch %d", rec.epoch, h.epoch)
		case rec.sequence != sequence:
			err = fmt.Errorf("record number %d where number %d should be", rec.sequence, sequence)
		case int64(rec.batch) != off && int64(rec.batch) != batch:
			err = fmt.Errorf("a record of the batch at %d in the batch at %d", rec.batch, batch)
		case len(rec.stream) == 0 || rec.seq == 0:
			err = errors.New("a record of no stream")
		}
		if err != nil {
			return off, nil, &CorruptError{r.name, off, err.Error()}
		}
		if err := fn(&rec, off); err != nil {
			return off, nil, err
		}
		batch = int64(rec.batch)
		sequence++
		off += int64(rec.size)
	}
	return off, nil, nil
}

// provenDurable tells whether something behind the bad place was written after what
// stood there had been synced: then it was not torn, but damaged.
func provenDurable(r *reader, h *header, bad int64) (bool, error) {
	for off := bad + 1; off+fixedSize <= r.size; off++ {
		b, err := r.bytes(off, fixedSize, false)
		if err != nil {
			return false, err
		}
		rec, err := parseFixed(b)
		if err != nil || rec.epoch != h.epoch || int64(rec.batch) <= bad || int64(rec.batch) > off || off+int64(rec.size) > r.size {
			continue
		}
		if _, err := r.record(off, h.salt); err == nil {
			return true, nil
		} else if !errors.Is(err, ErrCorrupt) {
			return false, err
		}
	}
	return false, nil
}

// sealed reads the index of a segment; nil: it was not sealed, or the seal is damaged.
func sealed(r *reader, h *header) (x *index, end int64, err error) {
	if r.size < headerSize+sealSize {
		return nil, 0, nil
	}
	b, err := r.bytes(r.size-sealSize, sealSize, true)
	if err != nil {
		return nil, 0, err
	}
	end, ok := parseSeal(b, h.salt)
	if !ok || end < headerSize || end >= r.size {
		return nil, 0, nil
	}
	rec, err := r.record(end, h.salt)
	if errors.Is(err, ErrCorrupt) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	if rec.flags&flagIndex == 0 || end+int64(rec.size)+sealSize != r.size {
		return nil, 0, nil
	}
	if x, err = parseIndex(rec.data, end); err != nil {
		return nil, 0, nil
	}
	return x, end, nil
}

// appendIndex appends the index and the trailer of a segment whose records end at end.
func appendIndex(b []byte, h *header, x *index, end int64, now int64) []byte {
	data := x.encode()
	b = appendRecord(b, h.salt, &record{epoch: h.epoch, batch: uint32(end), sequence: x.sequence, time: now, flags: flagIndex}, "", data)
	return appendSeal(append(b, data...), h.salt, uint32(end))
}
