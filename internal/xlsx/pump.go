package xlsx

import (
	"context"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"sync"

	"gridflow/internal/crew"
	"gridflow/internal/xlsx/inflate"
	"gridflow/internal/xlsx/splice"
)

// The windows in which a large part is inflated and scanned. A window is
// [history | new bytes | slack]: the history lets the inflater look back and makes an
// element that straddles two windows contiguous without being copied.
const (
	chunkSize  = 256 << 10
	windowSize = inflate.Window + chunkSize + inflate.Slack
	ringSize   = 8             // windows between inflater and scanner
	ringBack   = ringSize / 2  // windows that go back to the inflater at a time: to wake it costs as much as to fill a tenth of one
	wholePart  = 2 * chunkSize // up to so many bytes a goroutine and its windows cost more than they give
	maxElement = 16 << 20      // the largest cell or string item
)

// scanner is a push scanner as package scan has them.
type scanner interface {
	Feed(w []byte, final bool) (consumed int, err error)
}

// windows recycles windows between loads. They hold nothing that outlives a load.
var windows = sync.Pool{New: func() any { return new([windowSize]byte) }}

// chunk is a window on its way to the scanner: [history | n new bytes | slack].
type chunk struct {
	window *[windowSize]byte
	hist   int
	n      int
	err    error // io.EOF with the last bytes

	start  int64        // offset in the part of the new bytes
	sum    uint32       // CRC-32 of the part up to their end
	mark   inflate.Mark // a block that begins among them or at their end, where
	marked bool         // one is due for the index
}

// pump inflates a part and feeds it to s: a small one in one piece, a large one by windows, in a goroutine of its own,
// and fills x, if it is not nil. It returns when both have stopped. The scanner's errors
// are returned as they are.
func (p *Package) pump(ctx context.Context, part *Part, s scanner, x *sheetIndex) error {
	if part.Bytes <= wholePart {
		return p.feedWhole(ctx, part, s)
	}
	f := feeder{scanner: s}
	r, err := p.newPartReader(part)
	if err != nil {
		return err
	}
	defer r.close()
	if x != nil {
		r.markBlocks(pointSpacing)
	}
	ctx, cancel := context.WithCancel(ctx)
	full := make(chan chunk, ringSize)
	free := make(chan *[windowSize]byte, ringSize)
	for range ringSize {
		free <- windows.Get().(*[windowSize]byte)
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel() // whatever the scanner does
	wg.Go(func() {
		for {
			select {
			case w := <-free:
				c := chunk{window: w}
				if err := crew.Call(func() error { c = r.next(w); return nil }); err != nil {
					c.err = err
				}
				select {
				case full <- c:
				case <-ctx.Done():
					return
				}
				if c.err != nil {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	})
	var done bool
	var back []*[windowSize]byte
	for !done && err == nil {
		select {
		case c := <-full:
			if c.err == nil || c.err == io.EOF {
				x.see(&c)
			}
			done, err = f.feed(ctx, c)
			if back = append(back, c.window); len(back) == ringBack {
				for _, w := range back {
					free <- w
				}
				back = back[:0]
			}
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
	}
	cancel()
	wg.Wait()
	if x != nil {
		x.blocks, x.endBit = slices.Clip(r.blocks), r.endBit
	}
	for len(full) > 0 {
		back = append(back, (<-full).window)
	}
	for len(free) > 0 {
		back = append(back, <-free)
	}
	for _, w := range back {
		windows.Put(w)
	}
	return err
}

// feedWhole feeds a part of no more than wholePart bytes to s in one piece.
func (p *Package) feedWhole(ctx context.Context, part *Part, s scanner) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	room := wholeParts.Get().(*[]byte)
	defer wholeParts.Put(room)
	b, err := p.readInto(*room, part)
	if err != nil {
		return err
	}
	*room = b[:0]
	_, err = s.Feed(b, true)
	return err
}

// wholeParts recycles the memory in which small parts are read for a scanner, which keeps
// nothing of it.
var wholeParts = sync.Pool{New: func() any { return new([]byte) }}

// feeder hands chunks to a scanner and keeps what the scanner has not used up.
type feeder struct {
	scanner scanner
	left    int    // bytes not used up; they stand in the next chunk's history
	carry   []byte // the same bytes where they are more than a history holds
}

func (f *feeder) feed(ctx context.Context, c chunk) (done bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, context.Cause(ctx)
	}
	if c.err != nil && c.err != io.EOF {
		return false, c.err
	}
	w := c.window[c.hist-min(f.left, c.hist) : c.hist+c.n]
	if f.carry != nil {
		f.carry = append(f.carry, c.window[c.hist:c.hist+c.n]...)
		w = f.carry
	}
	used, err := f.scanner.Feed(w, c.err == io.EOF)
	if err != nil {
		return false, err
	}
	f.left = len(w) - used
	switch {
	case f.left > maxElement:
		return false, fmt.Errorf("one element is longer than %d MiB", maxElement>>20)
	case f.left > inflate.Window:
		f.carry = append(f.carry[:0], w[used:]...)
	default:
		f.carry = nil
	}
	return c.err == io.EOF, nil
}

// partReader inflates a part window by window, and checks its length and checksum.
type partReader struct {
	src     io.ReaderAt
	part    *Part
	at      int64           // where the content begins in src
	inflate *inflate.Reader // nil for a stored part
	out     int64
	crc     uint32
	tail    []byte // what the next window begins with; mostly it lies in the last one

	blocks   splice.Blocks // where they begin, if blocks are marked
	endBit   int64
	nextMark int64 // offset from which on the next block is marked
	mark     inflate.Mark
	marked   bool
}

func (p *Package) newPartReader(part *Part) (*partReader, error) {
	at, err := p.DataOffset(part)
	if err != nil {
		return nil, err
	}
	r := &partReader{src: p.src, part: part, at: at}
	if part.Method != methodStored {
		r.inflate = inflaters.Get().(*inflate.Reader)
		r.inflate.Reset(p.src, at, part.CompressedBytes)
	}
	return r, nil
}

// markBlocks makes the reader tell of blocks about spacing apart, one a chunk at most.
func (r *partReader) markBlocks(spacing int64) {
	if r.inflate == nil {
		return
	}
	r.nextMark = spacing
	r.inflate.OnBlock = func(m inflate.Mark) {
		r.blocks.Add(m)
		if m.Out >= r.nextMark && !r.marked {
			r.mark, r.marked, r.nextMark = m, true, m.Out+spacing
		}
	}
}

// close ends the reader.
func (r *partReader) close() {
	if r.inflate != nil {
		putInflater(r.inflate)
		r.inflate = nil
	}
}

// next fills w up to the end of a chunk of the part. The error is io.EOF at the end of a
// sound part. Nobody but the reader may have written to the window that it filled before,
// which may be w.
func (r *partReader) next(w *[windowSize]byte) chunk {
	c := chunk{window: w, hist: copy(w[:], r.tail), start: r.out}
	room := chunkSize - int(r.out%chunkSize)
	if r.inflate != nil {
		if c.n, c.err = r.inflate.Fill(w[:], c.hist, c.hist+room); c.err == io.EOF {
			r.endBit = r.inflate.CompressedBits()
		}
	} else {
		c.n, c.err = r.stored(w[c.hist : c.hist+room])
	}
	c.mark, c.marked, r.marked = r.mark, r.marked, false
	r.out += int64(c.n)
	fresh := w[c.hist : c.hist+c.n]
	r.crc = crc32.Update(r.crc, crc32.IEEETable, fresh)
	c.sum = r.crc
	switch {
	case r.out > r.part.Bytes:
		c.err = inflated(r.part, int(r.out), nil)
	case c.err == io.EOF:
		if err := inflated(r.part, int(r.out), io.EOF); err != nil {
			c.err = err
		} else if r.crc != r.part.CRC32 {
			c.err = wrongChecksum(r.part)
		}
	case c.err != nil:
		c.err = inflated(r.part, int(r.out), c.err)
	}
	r.tail = w[max(0, c.hist+c.n-inflate.Window) : c.hist+c.n]
	return c
}

// stored reads the next bytes of a part that is not compressed.
func (r *partReader) stored(b []byte) (int, error) {
	left := r.part.CompressedBytes - r.out
	b = b[:min(int64(len(b)), left)]
	n, err := r.src.ReadAt(b, r.at+r.out)
	switch {
	case n < len(b):
		return n, err
	case int64(n) == left:
		return n, io.EOF
	}
	return n, nil
}
