package splice

import (
	"context"
	"hash/crc32"
	"io"
	"sort"
	"sync"

	"gridflow/internal/xlsx/inflate"
)

// chunkBytes is how much content is decoded at a time where the map does not say.
const chunkBytes = 256 << 10

// window is the memory of a reader: history, new bytes, and room for the inflater.
type window [inflate.Window + chunkBytes + inflate.Slack]byte

var (
	windows   = sync.Pool{New: func() any { return new(window) }}
	inflaters = sync.Pool{New: func() any { return new(inflate.Reader) }}
)

// Reader gives the content of a stream from some place on, in chunks. It checks every
// checksum that is known on the way. It is for one goroutine, and to be closed.
type Reader struct {
	s       *Stream
	inflate *inflate.Reader // nil for a stored stream
	w       *window
	hist, n int // w[hist:hist+n] is the last chunk
	out     int64
	sum     uint32 // of the content before out
	ended   bool
	again   bool   // the next chunk is the last one once more
	before  uint32 // the sum before the last chunk
}

func (s *Stream) reader() *Reader {
	r := &Reader{s: s, w: windows.Get().(*window)}
	if !s.Stored {
		r.inflate = inflaters.Get().(*inflate.Reader)
		r.inflate.OnBlock = nil
	}
	r.rewind(0)
	return r
}

// ReaderAt gives a Reader whose first chunk holds the byte at offset.
func (s *Stream) ReaderAt(offset int64) *Reader {
	r := s.reader()
	r.MoveTo(offset)
	return r
}

func (r *Reader) close() {
	if r.inflate != nil {
		r.inflate.Reset(nil, 0, 0)
		inflaters.Put(r.inflate)
		r.inflate = nil
	}
	windows.Put(r.w)
	r.w = nil
}

// Close gives back what the reader holds; its chunks are not to be used any more.
func (r *Reader) Close() { r.close() }

// rewind makes the next chunk begin at the last point that is not behind offset.
func (r *Reader) rewind(offset int64) {
	r.hist, r.n, r.ended, r.again = 0, 0, false, false
	r.out, r.sum = 0, 0
	s := r.s
	if s.Stored {
		if m := s.Map; m != nil && m.SumBytes > 0 {
			if k := min(offset/m.SumBytes, int64(len(m.Sums))); k > 0 {
				r.out, r.sum = k*m.SumBytes, m.Sums[k-1]
			}
		}
		return
	}
	if p := s.pointBefore(offset); p >= 0 {
		m := s.Map.Points[p]
		history := s.Map.History(p)
		r.hist = copy(r.w[:], history)
		r.out, r.sum = m.Mark.Out, m.Sum
		r.inflate.ResetAt(s.Src, s.At, s.CompressedBytes, m.Mark, nil)
		return
	}
	r.inflate.Reset(s.Src, s.At, s.CompressedBytes)
}

// pointBefore gives the last point that is not behind offset, -1 where that is the start.
func (s *Stream) pointBefore(offset int64) int {
	if s.Map == nil {
		return -1
	}
	return sort.Search(len(s.Map.Points), func(i int) bool { return s.Map.Points[i].Mark.Out > offset }) - 1
}

// MoveTo makes the next chunk begin at or before offset, going on where the reader is if
// that is nearer than a point.
func (r *Reader) MoveTo(offset int64) {
	if r.n > 0 && offset >= r.out-int64(r.n) && offset < r.out {
		r.again = true
		return
	}
	r.again = false
	if r.out <= offset {
		if r.s.Stored {
			if offset-r.out < chunkBytes {
				return
			}
		} else if p := r.s.pointBefore(offset); p < 0 || r.s.Map.Points[p].Mark.Out <= r.out {
			return
		}
	}
	r.rewind(offset)
}

// Offset is where the next chunk begins.
func (r *Reader) Offset() int64 {
	if r.again {
		return r.out - int64(r.n)
	}
	return r.out
}

// Next gives the next chunk, which stays valid until the next call. The error is io.EOF
// after the last one.
func (r *Reader) Next(ctx context.Context) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	if r.again {
		r.again = false
		return r.w[r.hist : r.hist+r.n], nil
	}
	if r.ended {
		return nil, io.EOF
	}
	m := r.s.Map
	room := int64(chunkBytes)
	if m != nil && m.SumBytes > 0 {
		room = min(room, m.SumBytes-r.out%m.SumBytes)
	}
	// History moves to the front; what is further back is not needed any more.
	keep := min(r.hist+r.n, inflate.Window)
	copy(r.w[:keep], r.w[r.hist+r.n-keep:r.hist+r.n])
	r.hist = keep
	var err error
	if r.inflate != nil {
		r.n, err = r.inflate.Fill(r.w[:], r.hist, r.hist+int(room))
	} else {
		r.n, err = r.stored(r.w[r.hist : r.hist+int(room)])
	}
	if err != nil && err != io.EOF {
		return nil, err
	}
	chunk := r.w[r.hist : r.hist+r.n]
	r.out += int64(r.n)
	r.before = r.sum
	r.sum = crc32.Update(r.sum, crc32.IEEETable, chunk)
	if r.ended = err == io.EOF; r.ended != (r.out == r.s.Bytes) {
		if r.ended || r.out > r.s.Bytes {
			return nil, ErrLength
		}
	}
	if r.ended && r.sum != r.s.CRC32 || !r.atSum() {
		return nil, ErrChecksum
	}
	return chunk, nil
}

// atSum reports whether the sum is the one that is known for this place, if any is.
func (r *Reader) atSum() bool {
	m := r.s.Map
	if m == nil || m.SumBytes == 0 || r.out%m.SumBytes != 0 {
		return true
	}
	k := r.out/m.SumBytes - 1
	return k < 0 || k >= int64(len(m.Sums)) || m.Sums[k] == r.sum
}

// stored reads what is not compressed.
func (r *Reader) stored(b []byte) (int, error) {
	left := r.s.Bytes - r.out
	b = b[:min(int64(len(b)), left)]
	n, err := r.s.Src.ReadAt(b, r.s.At+r.out)
	switch {
	case n < len(b) && (err == nil || err == io.EOF):
		return n, io.ErrUnexpectedEOF
	case n < len(b):
		return n, err
	case int64(n) == left:
		return n, io.EOF
	}
	return n, nil
}

// history gives the bytes of the content before w[i], as many as are there.
func (r *Reader) history(i int) []byte { return r.w[max(0, i-inflate.Window):i] }

// encode hands the new content of a region to enc, and gives the checksums of the old
// content before and behind the region.
func (r *Reader) encode(ctx context.Context, g *region, enc *encoder) (before, after uint32, err error) {
	r.MoveTo(g.from)
	e := editor{enc: enc, edits: g.edits, at: g.from}
	begun, done := false, false
	if g.from == r.out && !r.again {
		before, after, begun, done = r.sum, r.sum, true, g.from == g.to
		enc.begin(r.history(r.hist + r.n))
	}
	for !done {
		chunk, err := r.Next(ctx)
		if err == io.EOF {
			err = ErrLength
		}
		if err != nil {
			return 0, 0, err
		}
		start, end := r.out-int64(len(chunk)), r.out
		if end < g.from || end == g.from && end < r.s.Bytes {
			continue
		}
		lo, hi := 0, len(chunk)
		if !begun {
			lo = int(g.from - start)
			before, begun = crc32.Update(r.before, crc32.IEEETable, chunk[:lo]), true
			enc.begin(r.history(r.hist + lo))
		}
		if end >= g.to {
			hi = int(g.to - start)
			after, done = crc32.Update(r.before, crc32.IEEETable, chunk[:hi]), true
		}
		e.old(chunk[lo:hi])
	}
	e.finish()
	enc.end(g.toEnd)
	return before, after, nil
}

// editor applies edits to content that passes by.
type editor struct {
	enc   *encoder
	edits []Edit
	at    int64
	skip  int64 // up to where the old content is replaced
}

func (e *editor) old(b []byte) {
	for len(b) > 0 {
		if e.skip > e.at {
			n := min(e.skip-e.at, int64(len(b)))
			b = b[n:]
			e.at += n
			continue
		}
		n := int64(len(b))
		if len(e.edits) > 0 {
			n = min(n, e.edits[0].From-e.at)
		}
		e.enc.add(b[:n])
		b = b[n:]
		e.at += n
		if len(e.edits) > 0 && e.edits[0].From == e.at && len(b) > 0 {
			e.take()
		}
	}
}

func (e *editor) take() {
	e.enc.add(e.edits[0].New)
	e.skip = e.edits[0].To
	e.edits = e.edits[1:]
}

// finish inserts what belongs at the very end.
func (e *editor) finish() {
	for len(e.edits) > 0 {
		e.take()
	}
}
