package splice

import (
	"context"
	"errors"
	"io"
	"runtime"
	"slices"

	"gridflow/internal/crew"
	"gridflow/internal/xlsx/inflate"
)

// Deflater compresses what is written to it, in pieces and on all processors, and writes the
// stream in order. It is for one goroutine; it holds some megabytes whatever the length.
type Deflater struct {
	// Of what has been written, after Close.
	Bytes, CompressedBytes int64
	CRC32                  uint32

	ctx     context.Context
	w       io.Writer
	open    *piece
	waiting []waiting // in order
	err     error
	closed  bool
}

// waiting is a piece that is being encoded.
type waiting struct {
	p    *piece
	done chan error
}

// NewDeflater gives a Deflater that writes to w. When ctx is done, it fails.
func NewDeflater(ctx context.Context, w io.Writer) *Deflater {
	return &Deflater{ctx: ctx, w: w, open: &piece{}}
}

// Write implements io.Writer.
func (d *Deflater) Write(b []byte) (int, error) {
	if d.closed {
		return 0, errClosed
	}
	n := len(b)
	for len(b) > 0 && d.err == nil {
		k := d.open.fill(b)
		b = b[k:]
		if len(d.open.content) == pieceBytes {
			next := &piece{history: slices.Clone(d.open.content[pieceBytes-inflate.Window:])}
			d.dispatch(false)
			d.open = next
		}
	}
	return n - len(b), d.err
}

var errClosed = errors.New("splice: the deflater is closed")

// fill takes what of b there is room for and gives its length.
func (p *piece) fill(b []byte) int {
	if p.room == nil {
		p.room = contents.Get().(*[pieceBytes]byte)
		p.content = p.room[:0]
	}
	n := min(len(b), pieceBytes-len(p.content))
	p.content = append(p.content, b[:n]...)
	return n
}

// dispatch has the open piece encoded, and waits where enough others are.
func (d *Deflater) dispatch(final bool) {
	for len(d.waiting) > runtime.GOMAXPROCS(0) {
		d.first()
	}
	p := d.open
	p.seal(final)
	w := waiting{p, make(chan error, 1)}
	d.waiting = append(d.waiting, w)
	go func() { w.done <- crew.Call(func() error { return p.encode(d.ctx, false) }) }()
}

// first writes out the first of those that wait.
func (d *Deflater) first() {
	w := d.waiting[0]
	d.waiting = d.waiting[1:]
	if err := <-w.done; d.err == nil {
		d.err = err
	}
	if d.err != nil {
		return
	}
	n, err := d.w.Write(w.p.out.Bytes())
	d.CompressedBytes += int64(n)
	d.CRC32 = join(d.CRC32, w.p.sum, int64(w.p.bytes))
	d.Bytes += int64(w.p.bytes)
	d.err = err
}

// Close ends the stream. It also waits for what runs in the background, and so is to be
// called whatever has happened. The writer below stays open.
func (d *Deflater) Close() error {
	if d.closed {
		return d.err
	}
	d.closed = true
	if d.err == nil {
		d.dispatch(true)
	}
	for len(d.waiting) > 0 {
		d.first()
	}
	return d.err
}
