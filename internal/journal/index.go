package journal

import (
	"encoding/binary"
	"errors"
)

// run is what a segment has of one life of one stream: one line of the segment's index.
// Its records have the numbers first to last, without a gap.
type run struct {
	stream      string
	ended       bool // the last record is the end of the stream
	first, last uint64
	bytes       uint64 // of data
	firstOffset uint32
	lastOffset  uint32
	snapshot    uint32 // offset of the last snapshot record; 0: none
	begun, at   int64  // times of the first record and of the last
}

// add puts the next record of the stream into the run.
func (r *run) add(rec *record, dataSize int, offset uint32) {
	if r.first == 0 {
		r.first, r.firstOffset, r.begun = rec.seq, offset, rec.time
	}
	r.last, r.lastOffset, r.at = rec.seq, offset, rec.time
	r.bytes += uint64(dataSize)
	if rec.flags&flagSnapshot != 0 {
		r.snapshot = offset
	}
	r.ended = rec.flags&flagEnd != 0
}

// past reports whether the life lies within the segment: it has left nothing but bytes, and the index says nothing of it.
func (r *run) past() bool { return r.ended && r.first == 1 }

// index is what is said of a segment when it is sealed.
type index struct {
	sequence uint64 // of the last record; where there is none, the one before the first
	runs     []*run // in the order of their first records
}

const runSize = 1 + 1 + 3*8 + 3*4 + 2*8 // without the id

// encode leaves out what is past.
func (x *index) encode() []byte {
	b := binary.LittleEndian.AppendUint64(nil, x.sequence)
	for _, r := range x.runs {
		if r.past() {
			continue
		}
		b = append(b, uint8(len(r.stream)))
		b = append(b, r.stream...)
		ended := uint8(0)
		if r.ended {
			ended = 1
		}
		b = append(b, ended)
		for _, n := range []uint64{r.first, r.last, r.bytes} {
			b = binary.LittleEndian.AppendUint64(b, n)
		}
		for _, n := range []uint32{r.firstOffset, r.lastOffset, r.snapshot} {
			b = binary.LittleEndian.AppendUint32(b, n)
		}
		b = binary.LittleEndian.AppendUint64(b, uint64(r.begun))
		b = binary.LittleEndian.AppendUint64(b, uint64(r.at))
	}
	return b
}

var errIndex = errors.New("the index of the segment makes no sense")

// parseIndex reads the index of a segment whose records end at offset end.
func parseIndex(b []byte, end int64) (*index, error) {
	if len(b) < 8 {
		return nil, errIndex
	}
	x := &index{sequence: binary.LittleEndian.Uint64(b)}
	for b = b[8:]; len(b) > 0; {
		n := int(b[0])
		if n == 0 || n > MaxStreamID || len(b) < runSize+n {
			return nil, errIndex
		}
		r := &run{stream: string(b[1 : 1+n]), ended: b[1+n] == 1}
		p := b[2+n:]
		r.first, r.last, r.bytes = binary.LittleEndian.Uint64(p), binary.LittleEndian.Uint64(p[8:]), binary.LittleEndian.Uint64(p[16:])
		r.firstOffset, r.lastOffset, r.snapshot = binary.LittleEndian.Uint32(p[24:]), binary.LittleEndian.Uint32(p[28:]), binary.LittleEndian.Uint32(p[32:])
		r.begun, r.at = int64(binary.LittleEndian.Uint64(p[36:])), int64(binary.LittleEndian.Uint64(p[44:]))
		if b[1+n] > 1 || r.first == 0 || r.last < r.first || r.firstOffset < headerSize || r.lastOffset < r.firstOffset ||
			int64(r.lastOffset) >= end || int64(r.snapshot) >= end || r.snapshot != 0 && r.snapshot < r.firstOffset {
			return nil, errIndex
		}
		x.runs = append(x.runs, r)
		b = b[runSize+n:]
	}
	return x, nil
}
