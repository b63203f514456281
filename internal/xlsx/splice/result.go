package splice

import (
	"encoding/binary"
	"io"
	"sync"
)

// Result is a new stream. It may be written any number of times, by one goroutine at a time,
// as long as the old stream's source stays as it is.
type Result struct {
	CompressedBytes int64
	Bytes           int64 // of its content
	CRC32           uint32

	stream   *Stream
	segments []segment
}

// segment is a part of the new stream that begins at a byte: a piece, or bits [from, to)
// of the old stream.
type segment struct {
	piece    *piece
	from, to int64
	// align ends the bits with an empty stored block, which the next segment needs to begin
	// at a byte. Bits that end there need none.
	align bool
}

// marker is what follows the three zero bits of a stored block's header in an empty one.
const marker = "\x00\x00\xff\xff"

func (s *segment) bytes() int64 {
	if s.piece != nil {
		return int64(s.piece.out.Len())
	}
	n := s.to - s.from
	if s.align && n%8 != 0 {
		return (n+3+7)/8 + int64(len(marker))
	}
	return (n + 7) / 8
}

// copied appends bits [from, to) of the old stream. They move to another place in their
// byte. Only a stored block minds, whose bytes begin at the next byte after its header:
// behind the first one there, everything keeps its place again.
func (r *Result) copied(from, to int64, align bool) {
	if from%8 != 0 {
		if q := r.stream.Map.storedFrom(from); q >= 0 && q < to {
			r.segments = append(r.segments, segment{from: from, to: q + 3})
			from = (q + 3 + 7) / 8 * 8
		}
	}
	r.segments = append(r.segments, segment{from: from, to: to, align: align})
}

// storedFrom gives where the first stored block from the Block at bit on begins, -1 where
// there is none.
func (m *Map) storedFrom(bit int64) int64 {
	for i := range m.Blocks {
		if b := &m.Blocks[i]; b.Bit >= bit && b.Stored >= 0 {
			return b.Stored
		}
	}
	return -1
}

// WriteTo writes the stream. Its errors are the writer's, or a *SourceError.
func (r *Result) WriteTo(w io.Writer) (int64, error) {
	total := int64(0)
	for i := range r.segments {
		s := &r.segments[i]
		var n int64
		var err error
		if s.piece != nil {
			var k int
			k, err = w.Write(s.piece.out.Bytes())
			n = int64(k)
		} else {
			n, err = r.writeBits(w, s)
		}
		total += n
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

const copyBytes = 512 << 10

var copies = sync.Pool{New: func() any { return new([copyBytes + 16]byte) }}

// writeBits writes a segment of the old stream.
func (r *Result) writeBits(w io.Writer, s *segment) (int64, error) {
	total := int64(0)
	at, whole := r.stream.At+s.from/8, (s.to-s.from)/8
	k := uint(s.from % 8)
	if k == 0 {
		n, err := Copy(w, r.stream.Src, at, whole)
		if total += n; err != nil {
			return total, err
		}
	} else {
		room := copies.Get().(*[copyBytes + 16]byte)
		defer copies.Put(room)
		for done := int64(0); done < whole; {
			n := min(copyBytes, whole-done)
			// One byte more holds the last bits: n whole bytes from bit k on end in it.
			if err := readFull(r.stream.Src, room[:n+1], at+done); err != nil {
				return total, err
			}
			shiftDown(room[:n+8], k)
			m, err := w.Write(room[:n])
			if total += int64(m); err != nil {
				return total, err
			}
			done += n
		}
	}
	rest := uint((s.to - s.from) % 8)
	if rest == 0 {
		return total, nil
	}
	// The last bits, and the header of an empty stored block behind them.
	var last [2]byte
	at += whole
	n := 1
	if k+rest > 8 {
		n = 2
	}
	if err := readFull(r.stream.Src, last[:n], at); err != nil {
		return total, err
	}
	end := []byte{byte(binary.LittleEndian.Uint16(last[:]) >> k & (1<<rest - 1))}
	if s.align {
		if rest+3 > 8 {
			end = append(end, 0)
		}
		end = append(end, marker...)
	}
	m, err := w.Write(end)
	return total + int64(m), err
}

// shiftDown moves the bits of b down by k, 0 < k < 8; its last seven bytes become useless.
func shiftDown(b []byte, k uint) {
	i := 0
	for ; i+15 <= len(b); i += 8 {
		v := binary.LittleEndian.Uint64(b[i:])>>k | uint64(b[i+8])<<(64-k)
		binary.LittleEndian.PutUint64(b[i:], v)
	}
	for ; i+1 < len(b); i++ {
		b[i] = b[i]>>k | b[i+1]<<(8-k)
	}
}

// Recorder is a writer that rather notes where bytes are to be copied from than that it takes them.
type Recorder interface {
	io.Writer
	Record(src io.ReaderAt, at, n int64)
}

// Copy copies n bytes at an offset of src to w. Its errors are those of Result.WriteTo.
func Copy(w io.Writer, src io.ReaderAt, at, n int64) (int64, error) {
	if r, ok := w.(Recorder); ok {
		r.Record(src, at, n)
		return n, nil
	}
	room := copies.Get().(*[copyBytes + 16]byte)
	defer copies.Put(room)
	for done := int64(0); done < n; {
		k := min(copyBytes, n-done)
		if err := readFull(src, room[:k], at+done); err != nil {
			return done, err
		}
		m, err := w.Write(room[:k])
		if done += int64(m); err != nil {
			return done, err
		}
	}
	return n, nil
}

// SourceError says that the old stream's source could not be read. Nothing else that comes
// out of writing a result is one: such an error is the writer's.
type SourceError struct{ Err error }

func (e *SourceError) Error() string { return e.Err.Error() }

// Unwrap gives the source's error.
func (e *SourceError) Unwrap() error { return e.Err }

func readFull(src io.ReaderAt, b []byte, at int64) error {
	n, err := src.ReadAt(b, at)
	if n == len(b) {
		return nil
	}
	if err == nil || err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return &SourceError{err}
}
