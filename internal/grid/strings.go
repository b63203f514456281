package grid

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"unsafe"
)

// Strings is an immutable pool of texts, addressed by index. All texts lie in one
// arena without separators, so that a pool of n texts costs their bytes and 4n more.
type Strings struct {
	arena []byte
	ends  []uint32 // ends[i] is the offset just past text i
}

// Len is the number of texts in the pool.
func (s *Strings) Len() int {
	if s == nil {
		return 0
	}
	return len(s.ends)
}

// At gives text i, without copying. An index outside of the pool gives "".
func (s *Strings) At(i uint32) string {
	if s == nil || int(i) >= len(s.ends) {
		return ""
	}
	start := uint32(0)
	if i > 0 {
		start = s.ends[i-1]
	}
	end := s.ends[i]
	if start == end {
		return ""
	}
	// The arena is only ever appended to, so these bytes never change.
	return unsafe.String(&s.arena[start], int(end-start))
}

// MemoryBytes is what the pool keeps alive.
func (s *Strings) MemoryBytes() int64 {
	if s == nil {
		return 0
	}
	return int64(cap(s.arena)) + 4*int64(cap(s.ends))
}

// StringsBuilder grows a pool. It is used by one goroutine; the pools that Pool gives
// out on the way stay valid and unchanged while it goes on.
type StringsBuilder struct {
	arena []byte
	ends  []uint32
	seen  []seenText // by hash; a power of two of them
}

// maxPoolBytes bounds a pool, whose offsets are 32 bits wide.
const maxPoolBytes = 1<<32 - 1

// Grow makes room for about n more texts of size bytes in all.
func (b *StringsBuilder) Grow(n int, size int64) {
	if need := int64(len(b.arena)) + size; need > int64(cap(b.arena)) && need < maxPoolBytes {
		b.arena = append(make([]byte, 0, need), b.arena...)
	}
	if need := len(b.ends) + n; need > cap(b.ends) {
		b.ends = append(make([]uint32, 0, need), b.ends...)
	}
}

// Append adds a text and gives its index; ok is false where the pool is full.
func (b *StringsBuilder) Append(text []byte) (index uint32, ok bool) {
	if len(b.arena)+len(text) > maxPoolBytes {
		return 0, false
	}
	// append grows a large slice by a quarter only, and copies and leaves behind five times
	// as much as doubling does.
	if cap(b.arena)-len(b.arena) < len(text) {
		b.arena = slices.Grow(b.arena, max(len(b.arena), len(text)))
	}
	if cap(b.ends) == len(b.ends) {
		b.ends = slices.Grow(b.ends, max(len(b.ends), 1))
	}
	b.arena = append(b.arena, text...)
	b.ends = append(b.ends, uint32(len(b.arena)))
	return uint32(len(b.ends) - 1), true
}

// Intern is Append for texts that may repeat: an equal text mostly gets the same index.
func (b *StringsBuilder) Intern(text []byte) (index uint32, ok bool) {
	h := hashText(text)
	if len(b.ends) >= len(b.seen) && len(b.seen) < maxSeen {
		b.growSeen()
	}
	slot := &b.seen[h>>32&uint64(len(b.seen)-1)]
	if slot.hash == uint32(h) && slot.next > 0 {
		if i := slot.next - 1; string(b.text(i)) == string(text) {
			return i, true
		}
	}
	index, ok = b.Append(text)
	if ok {
		*slot = seenText{uint32(h), index + 1}
	}
	return index, ok
}

// seenText is a text that Intern has met: half of its hash, and its index plus 1.
type seenText struct{ hash, next uint32 }

// minSeen and maxSeen bound the table behind Intern, in which a text takes the place of
// the one that was there. Texts that repeat do so soon, or are few. A table of more of
// them does not stay in the processor's cache, and then looking there takes longer than
// all else that is done for a cell.
const (
	minSeen = 1 << 6
	maxSeen = 1 << 12
)

// growSeen makes the table four times as large.
func (b *StringsBuilder) growSeen() {
	b.seen = make([]seenText, max(minSeen, 4*len(b.seen)))
	for i := range b.ends {
		h := hashText(b.text(uint32(i)))
		b.seen[h>>32&uint64(len(b.seen)-1)] = seenText{uint32(h), uint32(i) + 1}
	}
}

func (b *StringsBuilder) text(i uint32) []byte {
	start := uint32(0)
	if i > 0 {
		start = b.ends[i-1]
	}
	return b.arena[start:b.ends[i]]
}

// hashText hashes a text, eight bytes at a time.
func hashText(text []byte) uint64 {
	h := uint64(len(text))
	for ; len(text) >= 8; text = text[8:] {
		h = mix(h ^ binary.LittleEndian.Uint64(text))
	}
	var w uint64
	for i, c := range text {
		w |= uint64(c) << (8 * i)
	}
	return mix(h ^ w)
}

// mix spreads every bit over all of them.
func mix(h uint64) uint64 {
	hi, lo := bits.Mul64(h^0xA0761D6478BD642F, 0xE7037ED1A0B428DB)
	return hi ^ lo
}

// Len is the number of texts so far.
func (b *StringsBuilder) Len() int { return len(b.ends) }

// Pool gives the texts so far as a pool.
func (b *StringsBuilder) Pool() *Strings {
	return &Strings{arena: b.arena[:len(b.arena):len(b.arena)], ends: b.ends[:len(b.ends):len(b.ends)]}
}

// Finish gives the finished pool in memory that fits it, and ends the builder.
func (b *StringsBuilder) Finish() *Strings {
	p := &Strings{arena: b.arena, ends: b.ends}
	if waste := cap(b.arena) - len(b.arena); waste > len(b.arena)/8 {
		p.arena = append(make([]byte, 0, len(b.arena)), b.arena...)
	}
	if waste := cap(b.ends) - len(b.ends); waste > len(b.ends)/8 {
		p.ends = append(make([]uint32, 0, len(b.ends)), b.ends...)
	}
	*b = StringsBuilder{}
	return p
}
