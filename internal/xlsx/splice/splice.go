package splice

import (
	"context"
	"errors"
	"io"
	"slices"
	"sort"

	"gridflow/internal/xlsx/inflate"
)

// Faults of the caller and of the stream.
var (
	// ErrEdits: the edits are not ascending, overlap, or lie outside of the stream.
	ErrEdits = errors.New("splice: the edits are out of order or out of bounds")
	// ErrChecksum: the stream is not the one that the checksums are of.
	ErrChecksum = errors.New("the content does not have the checksum that it should have")
	// ErrLength: the stream stands for more or fewer bytes than it should.
	ErrLength = errors.New("the content does not have the length that it should have")
)

// Edit says that bytes [From, To) of the content become New. With From == To it inserts.
type Edit struct {
	From, To int64
	New      []byte
}

// Stream is a stream in a file. Src must not change while it is in use.
type Stream struct {
	Src             io.ReaderAt
	At              int64 // where it begins in Src
	CompressedBytes int64
	Bytes           int64 // of its content
	CRC32           uint32
	Stored          bool // it is not compressed at all
	Map             *Map // nil where nothing is known; of no use for a Stored one
}

// Map is what is known of the inside of a stream. It is immutable.
type Map struct {
	Blocks  []Block // ascending; the first begins the stream
	Points  []Point // ascending
	EndBit  int64   // where the final block ends
	History func(point int) []byte
	// Sums[i] is the checksum of the first (i+1)·SumBytes bytes, or of all for the last.
	Sums     []uint32
	SumBytes int64
}

// Point is a place where decoding can begin. Map.History gives the bytes before it.
type Point struct {
	Mark inflate.Mark
	Sum  uint32 // CRC-32 of the content before it
}

// Block is where a block begins, and stands for those that follow it closely.
type Block struct {
	Bit, Out int64 // as in inflate.Mark
	// Stored is the position in bits of the first stored block from this one on and
	// before the next Block, -1 where there is none.
	Stored int64
}

// blockSpacing is how far apart in the content the blocks of a list are at least. It bounds
// what a hostile stream of tiny blocks can make the list grow to.
const blockSpacing = 16 << 10

// Blocks collects Blocks from the marks of an inflate.Reader.
type Blocks []Block

// Add takes the next mark, in the order of the stream.
func (b *Blocks) Add(m inflate.Mark) {
	n := len(*b)
	if n == 0 || m.Out >= (*b)[n-1].Out+blockSpacing {
		*b = append(*b, Block{m.Bit, m.Out, -1})
		n++
	}
	if last := &(*b)[n-1]; m.Stored && last.Stored < 0 {
		last.Stored = m.Bit
	}
}

// region is a stretch of the content that is encoded anew: [from, to), and where it
// begins and ends in the compressed stream.
type region struct {
	from, to       int64
	fromBit, toBit int64
	toEnd          bool // nothing follows it
	edits          []Edit
}

// Most of the blocks concerned means that the rest is not worth the trouble.
const mostDirty = 0.7

// plan gives the regions, in order.
func (s *Stream) plan(edits []Edit) []region {
	whole := []region{{to: s.Bytes, toEnd: true, edits: edits}}
	m := s.Map
	if m == nil || s.Stored || len(m.Blocks) < 2 || len(m.Points) == 0 || m.Blocks[0].Bit != 0 {
		return whole
	}
	var regions []region
	dirty := int64(0)
	for i, e := range edits {
		first := max(0, sort.Search(len(m.Blocks), func(i int) bool { return m.Blocks[i].Out > e.From })-1)
		past := sort.Search(len(m.Blocks), func(i int) bool { return m.Blocks[i].Out >= e.To+inflate.Window })
		r := region{from: m.Blocks[first].Out, fromBit: m.Blocks[first].Bit, to: s.Bytes, toBit: m.EndBit, toEnd: true}
		if past < len(m.Blocks) {
			r.to, r.toBit, r.toEnd = m.Blocks[past].Out, m.Blocks[past].Bit, false
		}
		if n := len(regions); n > 0 && regions[n-1].to >= r.from {
			last := &regions[n-1]
			dirty += max(0, r.to-last.to)
			if r.to > last.to || r.toEnd {
				last.to, last.toBit, last.toEnd = r.to, r.toBit, r.toEnd
			}
			last.edits = last.edits[:len(last.edits)+1]
			continue
		}
		r.edits = edits[i : i+1]
		dirty += r.to - r.from
		regions = append(regions, r)
	}
	if float64(dirty) > mostDirty*float64(s.Bytes) {
		return whole
	}
	return regions
}

// Splice makes the stream of the content with edits applied, which must be ascending and
// apart from each other. It holds in memory what is encoded anew; the rest is copied from
// s.Src when the result is written. Faults of the stream itself are those of package
// inflate, ErrLength and ErrChecksum.
func Splice(ctx context.Context, s *Stream, edits []Edit) (*Result, error) {
	at := int64(0)
	for _, e := range edits {
		if e.From < at || e.To < e.From || e.To > s.Bytes {
			return nil, ErrEdits
		}
		at = e.To
	}
	res := &Result{stream: s, CompressedBytes: s.CompressedBytes, Bytes: s.Bytes, CRC32: s.CRC32}
	if len(edits) == 0 {
		res.segments = []segment{{to: s.CompressedBytes * 8}}
		return res, nil
	}
	regions := s.plan(slices.Clip(edits))
	enc := newEncoder(ctx, s.Stored)
	defer enc.stop()
	r := s.reader()
	defer r.close()
	sum, sumAt := uint32(0), int64(0) // of the old content, where the last region ended
	res.CRC32, res.Bytes, res.CompressedBytes = 0, 0, 0
	bit := int64(0)
	for i := range regions {
		g := &regions[i]
		if g.fromBit > bit {
			res.copied(bit, g.fromBit, true)
		}
		n := len(enc.pieces)
		before, after, err := r.encode(ctx, g, enc)
		if err != nil {
			return nil, err
		}
		res.append(between(sum, before, g.from-sumAt), g.from-sumAt)
		for _, p := range enc.pieces[n:] {
			res.append(p.sum, int64(p.bytes))
			res.segments = append(res.segments, segment{piece: p})
		}
		sum, sumAt, bit = after, g.to, g.toBit
	}
	if err := enc.wait(); err != nil {
		return nil, err
	}
	if last := &regions[len(regions)-1]; !last.toEnd {
		res.append(between(sum, s.CRC32, s.Bytes-sumAt), s.Bytes-sumAt)
		res.copied(bit, s.Map.EndBit, false)
	}
	for i := range res.segments {
		res.CompressedBytes += res.segments[i].bytes()
	}
	return res, nil
}

// append counts n more bytes of content with a checksum of their own.
func (r *Result) append(sum uint32, n int64) {
	r.CRC32 = join(r.CRC32, sum, n)
	r.Bytes += n
}
