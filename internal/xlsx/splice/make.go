package splice

import (
	"context"
	"io"
)

// Make makes a stream of what write writes, in pieces and on all processors, for which [Splice] would have to change more
// than it keeps. Stored says that it is not to be compressed, as its part is not. It holds the new stream in memory. Errors are
// those of write and of ctx.
func Make(ctx context.Context, stored bool, write func(w io.Writer) error) (*Result, error) {
	enc := newEncoder(ctx, stored)
	defer enc.stop()
	enc.begin(nil)
	if err := write((*encoderWriter)(enc)); err != nil {
		return nil, err
	}
	enc.end(true)
	if err := enc.wait(); err != nil {
		return nil, err
	}
	res := &Result{}
	for _, p := range enc.pieces {
		res.append(p.sum, int64(p.bytes))
		res.segments = append(res.segments, segment{piece: p})
		res.CompressedBytes += int64(p.out.Len())
	}
	return res, nil
}

// encoderWriter is an encoder as what a stream is written to.
type encoderWriter encoder

func (w *encoderWriter) Write(b []byte) (int, error) {
	if w.ctx.Err() != nil {
		return 0, context.Cause(w.ctx)
	}
	(*encoder)(w).add(b)
	return len(b), nil
}
