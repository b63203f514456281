package journal

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// The format is drawn in docs/journal-format.md. All numbers are little-endian.

const (
	version    = 1
	headerSize = 64 // of a segment
	fixedSize  = 52 // of a record, without stream id and data
	sealSize   = 16 // of the trailer behind the index

	// MaxStreamID is the greatest length of a stream's id in bytes.
	MaxStreamID = 64
)

const (
	headerMagic = "gfjournl"
	sealMagic   = "gfsealed"
)

// Flags of a record.
const (
	flagSnapshot = 1 << iota // Tail begins here
	flagEnd                  // the stream ends here
	flagIndex                // no record of a stream, but the index of the segment
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// header is how a segment begins.
type header struct {
	segment  uint32
	epoch    uint32
	salt     uint32 // a random number from which the checksums of the segment start
	sequence uint64 // of the first record
	created  int64  // in nanoseconds since 1970
}

func (h *header) encode() []byte {
	b := make([]byte, headerSize)
	copy(b, headerMagic)
	binary.LittleEndian.PutUint32(b[8:], version)
	binary.LittleEndian.PutUint32(b[12:], h.salt)
	binary.LittleEndian.PutUint32(b[16:], h.segment)
	binary.LittleEndian.PutUint32(b[20:], h.epoch)
	binary.LittleEndian.PutUint64(b[24:], h.sequence)
	binary.LittleEndian.PutUint64(b[32:], uint64(h.created))
	binary.LittleEndian.PutUint32(b[60:], crc32.Checksum(b[:60], castagnoli))
	return b
}

// parseHeader says why b is none. The version comes first, so that a later one may
// change everything else.
func parseHeader(b []byte, name string) (header, error) {
	if len(b) < headerSize || string(b[:8]) != headerMagic {
		return header{}, &CorruptError{name, 0, "this is no header of a journal segment"}
	}
	if binary.LittleEndian.Uint32(b[60:]) != crc32.Checksum(b[:60], castagnoli) {
		return header{}, &CorruptError{name, 0, "the checksum of the header is wrong"}
	}
	if v := binary.LittleEndian.Uint32(b[8:]); v != version {
		return header{}, &VersionError{name, v}
	}
	return header{
		salt:     binary.LittleEndian.Uint32(b[12:]),
		segment:  binary.LittleEndian.Uint32(b[16:]),
		epoch:    binary.LittleEndian.Uint32(b[20:]),
		sequence: binary.LittleEndian.Uint64(b[24:]),
		created:  int64(binary.LittleEndian.Uint64(b[32:])),
	}, nil
}

// record is one as it stands in a segment.
type record struct {
	size     uint32 // of all of it
	epoch    uint32
	batch    uint32 // offset of the first record of its batch
	sequence uint64 // over all streams
	time     int64
	seq      uint64 // within the stream
	prev     Pos    // the stream's record before this one
	kind     uint8
	flags    uint8
	stream   []byte // of the bytes that were parsed
	data     []byte
}

// appendRecord appends all of a record but its data to b. The checksum covers the data.
func appendRecord(b []byte, salt uint32, r *record, stream string, data []byte) []byte {
	at := len(b)
	b = append(b, make([]byte, fixedSize)...)
	b = append(b, stream...)
	p := b[at:]
	binary.LittleEndian.PutUint32(p, uint32(fixedSize+len(stream)+len(data)))
	binary.LittleEndian.PutUint32(p[8:], r.epoch)
	binary.LittleEndian.PutUint32(p[12:], r.batch)
	binary.LittleEndian.PutUint64(p[16:], r.sequence)
	binary.LittleEndian.PutUint64(p[24:], uint64(r.time))
	binary.LittleEndian.PutUint64(p[32:], r.seq)
	binary.LittleEndian.PutUint64(p[40:], uint64(r.prev))
	p[48], p[49], p[50] = r.kind, r.flags, uint8(len(stream))
	crc := crc32.Update(salt, castagnoli, p[:4])
	crc = crc32.Update(crc, castagnoli, p[8:])
	crc = crc32.Update(crc, castagnoli, data)
	binary.LittleEndian.PutUint32(p[4:], crc)
	return b
}

// parseFixed reads the fixed part of a record and its stream, if b goes so far. Nothing
// of it is to be believed before parseRecord has checked the whole.
func parseFixed(b []byte) (record, error) {
	if len(b) < fixedSize {
		return record{}, fmt.Errorf("%d bytes are too few for a record", len(b))
	}
	r := record{
		size:     binary.LittleEndian.Uint32(b),
		epoch:    binary.LittleEndian.Uint32(b[8:]),
		batch:    binary.LittleEndian.Uint32(b[12:]),
		sequence: binary.LittleEndian.Uint64(b[16:]),
		time:     int64(binary.LittleEndian.Uint64(b[24:])),
		seq:      binary.LittleEndian.Uint64(b[32:]),
		prev:     Pos(binary.LittleEndian.Uint64(b[40:])),
		kind:     b[48],
		flags:    b[49],
	}
	n := int(b[50])
	switch {
	case int64(r.size) < int64(fixedSize+n):
		return record{}, fmt.Errorf("a record has no length of %d bytes", r.size)
	case n > MaxStreamID || b[51] != 0:
		return record{}, fmt.Errorf("this is no record")
	}
	if len(b) >= fixedSize+n {
		r.stream = b[fixedSize : fixedSize+n]
	}
	return r, nil
}

// parseRecord reads the record at the beginning of b. Stream and data point into b.
func parseRecord(b []byte, salt uint32) (record, error) {
	r, err := parseFixed(b)
	if err != nil {
		return record{}, err
	}
	if int64(r.size) > int64(len(b)) {
		return record{}, fmt.Errorf("a record of %d bytes does not fit the %d that are there", r.size, len(b))
	}
	b = b[:r.size]
	crc := crc32.Update(salt, castagnoli, b[:4])
	if crc32.Update(crc, castagnoli, b[8:]) != binary.LittleEndian.Uint32(b[4:]) {
		return record{}, fmt.Errorf("the checksum of a record is wrong")
	}
	r.data = b[fixedSize+len(r.stream):]
	return r, nil
}

// appendSeal appends the trailer: where the index begins.
func appendSeal(b []byte, salt, index uint32) []byte {
	at := len(b)
	b = binary.LittleEndian.AppendUint32(b, index)
	b = append(b, 0, 0, 0, 0)
	b = append(b, sealMagic...)
	binary.LittleEndian.PutUint32(b[at+4:], sealSum(b[at:], salt))
	return b
}

func sealSum(b []byte, salt uint32) uint32 {
	return crc32.Update(crc32.Update(salt, castagnoli, b[:4]), castagnoli, b[8:sealSize])
}

// parseSeal gives the offset of the index, if b, the last bytes of a segment, is a trailer.
func parseSeal(b []byte, salt uint32) (index int64, ok bool) {
	if len(b) != sealSize || string(b[8:]) != sealMagic || binary.LittleEndian.Uint32(b[4:]) != sealSum(b, salt) {
		return 0, false
	}
	return int64(binary.LittleEndian.Uint32(b)), true
}
