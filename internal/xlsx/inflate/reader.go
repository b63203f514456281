package inflate

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

const (
	// Window is how far back in the output a match may reach, in bytes.
	Window = 32 << 10
	// Slack is how many bytes behind its limit a window should have, for Fill to run at full speed.
	Slack = 320

	// inputSize bounds the compressed bytes held at a time.
	inputSize = 64 << 10
	// inputSlack is how far ahead of its position the fast loop may read.
	inputSlack = 16
	// minFused is the size of the input from which on fused entries pay.
	minFused = 4 << 10
	// readSize is how much output Read decodes at a time.
	readSize = 32 << 10
)

// A Mark is the beginning of a block: decoding can begin there, given the
// Window bytes of output before it.
type Mark struct {
	Bit    int64 // position of the block's header in the compressed stream, in bits
	Out    int64 // output bytes before the block
	Stored bool  // its bytes are not coded: they begin at a byte of the stream
}

// state says what the next bits of the stream are.
type state uint8

const (
	inHeader state = iota // a block's header, or nothing more if the last block was final
	inStored              // bytes of a stored block
	inCodes               // symbols of a coded block
)

// A Reader decodes one raw DEFLATE stream of known compressed length. It reads
// the stream by ReadAt through a bounded buffer, and decodes either into windows
// of the caller (Fill) or, as an io.Reader, into one of its own (Read).
//
// A Reader is for one goroutine at a time. It may be used again after Reset and
// then keeps its buffers: about 130 KB, and 65 KB more once Read has been called. Bytes of src behind the final block are ignored;
// CompressedOffset tells that there are any.
type Reader struct {
	// OnBlock, if not nil, is called at the beginning of each block, when
	// exactly Mark.Out bytes have been decoded: those bytes are in the windows
	// filled so far, including the present one. Reset leaves it as it is.
	OnBlock func(Mark)

	// Input. in[ip:end] are bytes at hand, in[end:] is room; next is the
	// position in src of the byte that belongs at in[end].
	src       io.ReaderAt
	off       int64
	next      int64
	last      int64
	in        []byte
	ip, end   int
	readError error // met after in[end]

	// The next nb bits of the stream are the low ones of bb. Above them there may
	// be more, being bits of in[ip:] too, else zeros.
	bb uint64
	nb uint

	state  state
	final  bool   // the block being decoded is the last
	stored int    // bytes to come of a stored block
	codes  *codes // of a coded block
	err    error  // sticky

	out int64 // bytes given, not counting those in carry

	// carry[carryStart:carryEnd] has been decoded but had no room below the limit.
	carry                [Slack]byte
	carryStart, carryEnd int

	// Window of Read: window[given:filled] is still to be given.
	window        []byte
	given, filled int
	windowOut     int64 // value of out at window[filled]

	dynamic codes // of a block that brings its own
	lengths [maxLitSyms + maxDistSyms]uint8
}

// NewReader gives a Reader of the stream in src[off : off+compressedLen].
func NewReader(src io.ReaderAt, off, compressedLen int64) *Reader {
	r := new(Reader)
	r.Reset(src, off, compressedLen)
	return r
}

// Reset makes r read another stream from its beginning.
func (r *Reader) Reset(src io.ReaderAt, off, compressedLen int64) {
	compressedLen = min(max(0, compressedLen), math.MaxInt64-max(0, off))
	r.src, r.off, r.next, r.last = src, off, off, off+compressedLen
	// Small streams get a small buffer.
	if want := int(min(inputSize, compressedLen)) + inputSlack; len(r.in) < want {
		r.in = make([]byte, want)
	}
	r.ip, r.end, r.readError = 0, 0, nil
	r.bb, r.nb = 0, 0
	r.state, r.final, r.stored, r.codes, r.err = inHeader, false, 0, nil, nil
	r.out, r.carryStart, r.carryEnd = 0, 0, 0
	r.given, r.filled, r.windowOut = 0, 0, 0
}

// ResetAt makes r read a stream from one of its marks on. For Read, history is
// the last Window bytes of output before the mark, or all of it if there are
// fewer; it is copied. For Fill, which finds it in front of its window, it may be nil.
// A mark that is not in the stream makes the next call fail with ErrMark; one
// that is not at the beginning of a block gives a CorruptError or arbitrary bytes.
func (r *Reader) ResetAt(src io.ReaderAt, off, compressedLen int64, m Mark, history []byte) {
	r.Reset(src, off, compressedLen)
	if m.Bit < 0 || m.Out < 0 || m.Bit/8+min(m.Bit%8, 1) > r.last-off {
		r.err = ErrMark
		return
	}
	r.next = off + m.Bit/8
	r.out, r.windowOut = m.Out, m.Out
	if skip := uint(m.Bit % 8); skip != 0 {
		if !r.need(skip) {
			r.err = r.starved()
			return
		}
		r.drop(skip)
	}
	if len(history) > 0 {
		r.makeWindow()
		r.filled = copy(r.window, history[max(0, len(history)-Window):])
		r.given = r.filled
	}
}

// CompressedOffset is the number of compressed bytes consumed, counting one of
// which only some bits are. After io.EOF that is the true length of the stream.
func (r *Reader) CompressedOffset() int64 { return (r.bit() + 7) / 8 }

// CompressedBits is CompressedOffset in bits: after io.EOF, where the final block ends.
func (r *Reader) CompressedBits() int64 { return r.bit() }

// bit is the position in the compressed stream of the next bit.
func (r *Reader) bit() int64 {
	return (r.next-r.off-int64(r.end-r.ip))*8 - int64(r.nb)
}

// Read implements io.Reader. A stream is read either by Read or by Fill; after
// a Fill, Read fails with ErrHistory.
func (r *Reader) Read(p []byte) (int, error) {
	if r.given == r.filled {
		if len(p) == 0 {
			return 0, nil
		}
		if r.windowOut != r.out {
			return 0, ErrHistory
		}
		r.makeWindow()
		if r.filled > Window {
			copy(r.window, r.window[r.filled-Window:r.filled])
			r.filled = Window
		}
		r.given = r.filled
		n, err := r.Fill(r.window, r.filled, r.filled+readSize)
		r.filled += n
		r.windowOut = r.out
		if n == 0 {
			return 0, err // Fill gives it again whenever it is asked
		}
	}
	n := copy(p, r.window[r.given:r.filled])
	r.given += n
	return n, nil
}

func (r *Reader) makeWindow() {
	if r.window == nil {
		r.window = make([]byte, Window+readSize+Slack)
	}
}

// Fill decodes into dst[hist:limit] and returns the number of bytes written.
// dst[:hist] must hold the bytes given last, at least min(Window, all so far) of
// them, else ErrHistory. Bytes of dst[hist:limit+Slack] that are not part of the
// result may be used as scratch; if dst is shorter than that, decoding is slow near its end.
//
// Fill returns fewer bytes than there is room for only together with an error.
// It looks one symbol beyond the limit, so that io.EOF comes together with the
// last bytes; with hist == limit it tells whether the stream ends here. A fault
// of the stream is a *CorruptError and comes with the bytes before it; a failure
// to read src is wrapped. Errors of the stream and of src are given again by every later call.
func (r *Reader) Fill(dst []byte, hist, limit int) (n int, err error) {
	if hist < 0 || hist > limit || limit > len(dst) {
		return 0, ErrLimit
	}
	if int64(hist) < min(Window, r.out) {
		return 0, ErrHistory
	}
	if int64(hist) > r.out {
		// Bytes further back than the first one are not history.
		skip := hist - int(r.out)
		dst, hist, limit = dst[skip:], hist-skip, limit-skip
	}
	pos := hist + copy(dst[hist:limit], r.carry[r.carryStart:r.carryEnd])
	r.carryStart += pos - hist
	fast := min(limit, len(dst)-Slack)
	if r.carryStart == r.carryEnd {
		r.carryStart, r.carryEnd = 0, 0
	}
	for r.carryEnd == 0 && r.err == nil {
		if r.state == inHeader {
			if r.final {
				r.err = io.EOF
				break
			}
			r.header(r.out + int64(pos-hist))
			continue
		}
		if r.state == inStored {
			pos += r.copyStored(dst[pos:limit])
			if pos == limit && r.state == inStored {
				break
			}
			continue
		}
		if pos < fast && (r.end-r.ip > inputSlack || r.more() && r.end-r.ip > inputSlack) {
			pos = r.decodeFast(dst, pos, fast)
			if pos > limit {
				r.carryEnd = copy(r.carry[:], dst[limit:pos])
				pos = limit
			}
			continue
		}
		pos = r.decodeOne(dst[:limit], pos)
	}
	r.out += int64(pos - hist)
	if r.carryEnd == 0 {
		err = r.err
	}
	return pos - hist, err
}

// header reads a block's header, before which out bytes have been decoded.
func (r *Reader) header(out int64) {
	whole := r.need(3)
	if r.OnBlock != nil {
		r.OnBlock(Mark{Bit: r.bit(), Out: out, Stored: whole && r.bb>>1&3 == 0})
	}
	if !whole {
		r.err = r.starved()
		return
	}
	r.final = r.bb&1 != 0
	kind := r.bb >> 1 & 3
	r.drop(3)
	switch kind {
	case 0:
		r.storedHeader()
	case 1:
		r.state, r.codes = inCodes, fixedCodes()
	case 2:
		r.dynamicHeader()
	default:
		r.err = r.corrupt(BadBlockType)
	}
}

func (r *Reader) storedHeader() {
	r.drop(r.nb & 7) // to the next byte
	if !r.need(32) {
		r.err = r.starved()
		return
	}
	n, complement := uint16(r.bb), uint16(r.bb>>16)
	r.drop(32)
	if n != ^complement {
		r.err = r.corrupt(BadStoredLength)
		return
	}
	r.giveBack()
	if n > 0 {
		r.state, r.stored = inStored, int(n)
	}
}

// copyStored copies what fits of a stored block.
func (r *Reader) copyStored(dst []byte) int {
	n := copy(dst[:min(len(dst), r.stored)], r.in[r.ip:r.end])
	r.ip += n
	if r.stored -= n; r.stored == 0 {
		r.state = inHeader
	} else if n < len(dst) && !r.more() {
		r.err = r.starved()
	}
	return n
}

// The order in which a block gives the code lengths of lengthSyms.
var lengthOrder = [numLengthSyms]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// dynamicHeader reads the code lengths of a block with codes of its own.
func (r *Reader) dynamicHeader() {
	if !r.need(14) {
		r.err = r.starved()
		return
	}
	numLit := int(r.bb&31) + 257
	numDist := int(r.bb>>5&31) + 1
	numLengths := int(r.bb>>10&15) + 4
	r.drop(14)
	if numLit > maxLitSyms || numDist > maxDistSyms {
		r.err = r.corrupt(BadCodeCount)
		return
	}
	var lengthLens [numLengthSyms]uint8
	for _, s := range lengthOrder[:numLengths] {
		if !r.need(3) {
			r.err = r.starved()
			return
		}
		lengthLens[s] = uint8(r.bb & 7)
		r.drop(3)
	}
	table := r.dynamic.dist[:1<<maxLengthBits] // which is built only when the lengths are known
	shortest, ok := build(table, maxLengthBits, lengthLens[:], lengthSyms[:])
	if !ok {
		r.err = r.corrupt(BadCodeLengths)
		return
	}
	lengths := r.lengths[:numLit+numDist]
	for i := 0; i < len(lengths); {
		e, fault := r.symbol(table, maxLengthBits, shortest)
		if fault != nil {
			r.err = fault
			return
		}
		r.drop(e.codes())
		s := uint8(e.value())
		if s < 16 {
			lengths[i] = s
			i++
			continue
		}
		var repeated uint8
		var least, extra uint
		switch s {
		case 16:
			if i == 0 {
				r.err = r.corrupt(BadRepeat)
				return
			}
			repeated, least, extra = lengths[i-1], 3, 2
		case 17:
			least, extra = 3, 3
		default:
			least, extra = 11, 7
		}
		if !r.need(extra) {
			r.err = r.starved()
			return
		}
		n := int(least + uint(r.bb)&(1<<extra-1))
		r.drop(extra)
		if n > len(lengths)-i {
			r.err = r.corrupt(BadRepeat)
			return
		}
		for range n {
			lengths[i] = repeated
			i++
		}
	}
	left := r.last - r.next + int64(r.end-r.ip)
	if !r.dynamic.init(lengths[:numLit], lengths[numLit:], left >= minFused) {
		r.err = r.corrupt(BadCodeLengths)
		return
	}
	r.state, r.codes = inCodes, &r.dynamic
}

// symbol looks up the next code, without consuming it. table has 1<<width
// primary entries; at least min bits must be there.
func (r *Reader) symbol(table []entry, width, min uint) (entry, error) {
	if !r.need(min) {
		return 0, r.starved()
	}
	for {
		// With zeros for the bits that are not there yet the entry's length is
		// too low, if anything, but never within the bits that are there.
		e := table[r.bb&(1<<width-1)]
		if e&entryLink != 0 {
			e = table[e.value()+uint(r.bb>>width)&e.base()]
		}
		n := e.first()
		if n == 0 {
			return 0, r.corrupt(BadSymbol)
		}
		if n <= r.nb {
			return e, nil
		}
		if !r.need(n) {
			return 0, r.starved()
		}
	}
}

// need makes at least n (up to 48) bits available, and reports whether the stream has them.
func (r *Reader) need(n uint) bool {
	for r.nb < n {
		if r.end-r.ip >= 8 {
			r.bb |= binary.LittleEndian.Uint64(r.in[r.ip:]) << (r.nb & 63)
			r.ip += int(63-r.nb) >> 3
			r.nb |= 56
			return true
		}
		if r.ip == r.end && !r.more() {
			return false
		}
		r.bb |= uint64(r.in[r.ip]) << (r.nb & 63)
		r.ip++
		r.nb += 8
	}
	return true
}

func (r *Reader) drop(n uint) {
	r.bb >>= n & 63
	r.nb -= n
}

// giveBack returns whole bytes from the bit buffer to the input.
func (r *Reader) giveBack() {
	r.ip -= int(r.nb >> 3)
	r.nb &= 7
	r.bb &= 1<<r.nb - 1
}

// more reads more input into the buffer, and reports whether there was any.
func (r *Reader) more() bool {
	if r.next == r.last || r.readError != nil {
		return false
	}
	r.giveBack()
	r.end = copy(r.in, r.in[r.ip:r.end])
	r.ip = 0
	room := r.in[r.end:]
	room = room[:min(int64(len(room)), r.last-r.next)]
	n, err := r.src.ReadAt(room, r.next)
	switch {
	case n == len(room):
		err = nil
	case err == nil:
		err = io.ErrNoProgress
	case err == io.EOF:
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		r.readError = fmt.Errorf("reading compressed data at byte %d: %w", r.next+int64(n), err)
	}
	r.next += int64(n)
	r.end += n
	return n > 0
}

// starved is the error for input that ended too early.
func (r *Reader) starved() error {
	if r.readError != nil {
		return r.readError
	}
	return r.corrupt(Truncated)
}

func (r *Reader) corrupt(why Reason) error {
	return &CorruptError{Offset: r.CompressedOffset(), Reason: why}
}
