package xlsx

import (
	"encoding/binary"
	"math/bits"

	"gridflow/internal/xlsx/inflate"
)

// Windows are the bytes that the inflater looks back at where it begins in the middle.
// They are kept in a form that is quick to make, because one is made every few
// milliseconds of a load: sequences of literals and copies with whole bytes for codes,
// in the manner of LZ77 without an entropy code. XML shrinks to a third or less.
//
// A sequence is a byte with the number of literals in its high and the length of the
// copy, less minCopy, in its low four bits, either continued in further bytes where it
// is 15; the literals; and the distance of the copy in two bytes. The last sequence ends
// with its literals.
const (
	minCopy    = 6
	windowHash = 12 // bits
)

// packWindow gives the packed form of w, which holds at most inflate.Window bytes.
func packWindow(w []byte) []byte {
	var last [1 << windowHash]uint16 // where bytes of that hash were seen last
	dst := make([]byte, 0, len(w)/2)
	start := 0 // of the literals not yet written
	for p := 0; p+8 <= len(w); {
		word := binary.LittleEndian.Uint64(w[p:])
		h := word << 16 * 0x9E3779B97F4A7C15 >> (64 - windowHash) // of minCopy bytes
		q := int(last[h])
		last[h] = uint16(p)
		if q >= p || (word^binary.LittleEndian.Uint64(w[q:]))<<16 != 0 {
			// What has not matched for long will not soon.
			p += 1 + (p-start)>>4
			continue
		}
		n := minCopy
		for p+n+8 <= len(w) {
			x := binary.LittleEndian.Uint64(w[p+n:]) ^ binary.LittleEndian.Uint64(w[q+n:])
			if x != 0 {
				n += bits.TrailingZeros64(x) >> 3
				break
			}
			n += 8
		}
		dst = appendSequence(dst, w[start:p], n-minCopy)
		dst = binary.LittleEndian.AppendUint16(dst, uint16(p-q))
		p += n
		start = p
	}
	dst = appendSequence(dst, w[start:], 0)
	return append(make([]byte, 0, len(dst)), dst...)
}

func appendSequence(dst, literals []byte, copied int) []byte {
	dst = append(dst, byte(min(len(literals), 15)<<4|min(copied, 15)))
	dst = appendLength(dst, len(literals))
	dst = append(dst, literals...)
	return appendLength(dst, copied)
}

// appendLength appends what four bits do not hold of n.
func appendLength(dst []byte, n int) []byte {
	if n < 15 {
		return dst
	}
	for n -= 15; n >= 255; n -= 255 {
		dst = append(dst, 255)
	}
	return append(dst, byte(n))
}

// unpackWindow undoes packWindow and gives the number of bytes. packed must be a result
// of packWindow.
func unpackWindow(dst *[inflate.Window]byte, packed []byte) (n int) {
	for p := 0; ; {
		literals, copied := int(packed[p]>>4), int(packed[p]&15)
		literals, p = length(literals, packed, p+1)
		n += copy(dst[n:], packed[p:p+literals])
		p += literals
		if p == len(packed) {
			return n
		}
		copied, p = length(copied, packed, p)
		distance := int(binary.LittleEndian.Uint16(packed[p:]))
		p += 2
		// A copy may reach into what it makes.
		for copied += minCopy; copied > 0; {
			k := copy(dst[n:n+copied], dst[n-distance:n])
			n += k
			copied -= k
		}
	}
}

func length(n int, packed []byte, p int) (int, int) {
	for n >= 15 && packed[p] == 255 {
		n += 255
		p++
	}
	if n >= 15 {
		n += int(packed[p])
		p++
	}
	return n, p
}
