package vba

import (
	"encoding/binary"
	"math/bits"
)

// chunkBytes is how many bytes a chunk stands for at most.
const chunkBytes = 4096

// decompress unpacks a CompressedContainer (MS-OVBA 2.4.1), which is a signature byte
// and then chunks, each with a header of two bytes. A chunk is 4096 bytes as they are,
// or a sequence of groups: a byte of eight flags, and for each flag a literal byte or a
// token that says how far back and how long to copy. The more of a chunk is unpacked,
// the more bits of a token are the distance.
//
// More than limit bytes are an error. The errors lack the name of the stream.
func decompress(src []byte, limit int) ([]byte, *Error) {
	if len(src) == 0 || src[0] != 1 {
		return nil, damaged("", "its compressed text does not begin with the byte 01")
	}
	var out []byte
	for at := 1; at < len(src); {
		if at+2 > len(src) {
			return nil, damaged("", "the compressed text is cut short at byte %d", at)
		}
		header := binary.LittleEndian.Uint16(src[at:])
		if header>>12&7 != 3 {
			return nil, damaged("", "at byte %d of the compressed text there is no chunk", at)
		}
		end := min(at+int(header&0xFFF)+3, len(src))
		chunk := src[at+2 : end]
		if header>>15 == 0 {
			out = append(out, chunk...)
		} else {
			var ok bool
			if out, ok = inflateChunk(out, chunk); !ok {
				return nil, damaged("", "the chunk at byte %d of the compressed text is corrupt", at)
			}
		}
		if len(out) > limit {
			return nil, tooLarge("", "it unpacks to more than %d bytes", limit)
		}
		at = end
	}
	return out, nil
}

// inflateChunk appends what a compressed chunk stands for.
func inflateChunk(out, chunk []byte) ([]byte, bool) {
	start := len(out)
	for len(chunk) > 0 {
		flags := chunk[0]
		chunk = chunk[1:]
		for bit := 0; bit < 8 && len(chunk) > 0; bit++ {
			done := len(out) - start
			if flags>>bit&1 == 0 {
				if done >= chunkBytes {
					return nil, false
				}
				out = append(out, chunk[0])
				chunk = chunk[1:]
				continue
			}
			if len(chunk) < 2 || done == 0 {
				return nil, false
			}
			distance, length := copyToken(binary.LittleEndian.Uint16(chunk), done)
			chunk = chunk[2:]
			if distance > done || done+length > chunkBytes {
				return nil, false
			}
			// Byte by byte: what is copied may reach into what it appends.
			for range length {
				out = append(out, out[len(out)-distance])
			}
		}
	}
	return out, true
}

// copyToken takes a token apart that stands after done unpacked bytes of its chunk.
func copyToken(token uint16, done int) (distance, length int) {
	w := distanceBits(done)
	return int(token>>(16-w)) + 1, int(token&(0xFFFF>>w)) + 3
}

// distanceBits is how many bits of a token are the distance: enough for done, and no
// less than four.
func distanceBits(done int) int { return max(bits.Len(uint(done-1)), 4) }
