package splice

import (
	"bytes"
	"context"
	"hash/crc32"
	"runtime"
	"sync"

	"github.com/klauspost/compress/flate"
	"golang.org/x/sync/errgroup"

	"gridflow/internal/crew"
	"gridflow/internal/xlsx/inflate"
)

// pieceBytes is how much content is encoded at a time. A dictionary makes the cuts cost
// next to nothing in size, and pieces are encoded at once on all processors.
const pieceBytes = 1 << 20

// level is that of klauspost/compress: 1 takes a fifth of the time of zlib's default and
// gives a stream that is larger by a fifth. Few blocks are encoded, and somebody waits.
const level = 1

// piece is content on its way to become a part of the new stream: it begins at a byte and
// ends at one.
type piece struct {
	history []byte // what stands before it
	content []byte // until it is encoded
	room    *[pieceBytes]byte
	final   bool // nothing follows
	bytes   int
	sum     uint32
	out     bytes.Buffer
}

// encoder encodes pieces in the background. It is for one goroutine.
type encoder struct {
	group  *errgroup.Group
	ctx    context.Context
	stored bool
	pieces []*piece
	open   *piece // being filled
}

func newEncoder(ctx context.Context, stored bool) *encoder {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0)) // so that content waits for a processor and not in memory
	return &encoder{group: g, ctx: ctx, stored: stored}
}

// begin begins a region. history is what stands before it.
func (e *encoder) begin(history []byte) {
	e.open = &piece{history: bytes.Clone(history[max(0, len(history)-inflate.Window):])}
}

// add appends content to the region.
func (e *encoder) add(b []byte) {
	for len(b) > 0 {
		n := e.open.fill(b)
		b = b[n:]
		if len(e.open.content) == pieceBytes {
			next := &piece{history: bytes.Clone(e.open.content[pieceBytes-inflate.Window:])}
			e.dispatch(false)
			e.open = next
		}
	}
}

// end ends the region; final says that nothing follows it.
func (e *encoder) end(final bool) {
	e.dispatch(final)
	e.open = nil
}

func (e *encoder) dispatch(final bool) {
	p := e.open
	p.seal(final)
	e.pieces = append(e.pieces, p)
	e.group.Go(func() error { return crew.Call(func() error { return p.encode(e.ctx, e.stored) }) })
}

// seal says that all content of a piece is there.
func (p *piece) seal(final bool) {
	p.final, p.bytes, p.sum = final, len(p.content), crc32.ChecksumIEEE(p.content)
}

// wait waits until all is encoded.
func (e *encoder) wait() error { return e.group.Wait() }

// stop makes sure that nothing runs any more.
func (e *encoder) stop() { _ = e.group.Wait() }

// contents recycles the memory in which content waits, compressors the encoders, whose
// tables are large.
var (
	contents    = sync.Pool{New: func() any { return new([pieceBytes]byte) }}
	compressors sync.Pool
)

func (p *piece) encode(ctx context.Context, stored bool) error {
	defer func() {
		if p.room != nil {
			contents.Put(p.room)
		}
		p.room, p.content, p.history = nil, nil, nil
	}()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if stored {
		p.out.Write(p.content)
		return nil
	}
	w, _ := compressors.Get().(*flate.Writer)
	if w == nil {
		var err error
		if w, err = flate.NewWriter(nil, level); err != nil {
			return err
		}
	}
	p.out.Grow(len(p.content)/4 + 64)
	w.ResetDict(&p.out, p.history)
	_, err := w.Write(p.content)
	if err == nil && p.final {
		err = w.Close()
	} else if err == nil {
		err = w.Flush()
	}
	w.ResetDict(nil, nil) // so that the pool keeps nothing of the file
	compressors.Put(w)
	return err
}
